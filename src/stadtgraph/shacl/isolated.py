"""Validation in a process that can be ended: for shapes that others wrote, whose queries may run for ever."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pyoxigraph as ox

from stadtgraph.errors import DiskFull, InputError, ShapeError, disk_failure
from stadtgraph.shacl.raw import Raw
from stadtgraph.shacl.shapes import Shapes

OUT_OF_MEMORY = 97
"""How a worker ends that Python itself refused memory."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a validation may take, and how much memory beyond what its process starts with."""

    seconds: float = 60.0
    bytes: int = 2_000_000_000


def run_isolated(data: Iterable[ox.Triple] | Path, shapes: Shapes, using: str, limits: Limits) -> list[Raw]:
    """Validate in a process of its own and give the results; it is ended when it goes beyond its limits.

    Raises :class:`ShapeError` that names the limit, and whatever the engine itself would raise.
    """
    if isinstance(data, Path):
        return _run(data.absolute(), shapes, using, limits)
    with tempfile.TemporaryDirectory(prefix="stadtgraph-") as folder:
        file = Path(folder) / "data.nt"
        try:
            ox.serialize(data, str(file), format=ox.RdfFormat.N_TRIPLES)
        except OSError as error:
            failure = disk_failure(error)
            if isinstance(failure, DiskFull):
                raise failure from error
            raise InputError("shacl-data-unwritten", file=file, problem=error.strerror or error) from error
        return _run(file, shapes, using, limits)


def _run(file: Path, shapes: Shapes, using: str, limits: Limits) -> list[Raw]:
    command = [sys.executable, "-P", "-m", "stadtgraph.shacl.worker"]
    path = os.pathsep.join(entry for entry in sys.path if os.path.isabs(entry))
    task = pickle.dumps((file, shapes, using, limits))
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": path},
    )
    try:
        answer, _ = process.communicate(task, timeout=limits.seconds)
    except subprocess.TimeoutExpired as late:
        raise ShapeError("shacl-too-long", seconds=f"{limits.seconds:g}") from late
    finally:
        process.kill()
        process.communicate()
    return _answer(answer, process.returncode, using, limits)


def _answer(answer: bytes, code: int, using: str, limits: Limits) -> list[Raw]:
    if code == 0:
        found: list[Raw] | Exception = pickle.loads(answer)
        if isinstance(found, Exception):
            raise found
        return found
    if code == -signal.SIGXCPU:
        raise ShapeError("shacl-too-long", seconds=f"{limits.seconds:g}")
    if code in (OUT_OF_MEMORY, -signal.SIGABRT, -signal.SIGKILL, -signal.SIGSEGV):
        raise ShapeError("shacl-too-big", megabytes=limits.bytes // 1_000_000)
    raise ShapeError("shacl-engine-refuses", engine=using, problem=f"exit {code}")
