"""Sources read into spools, large ones in two processes at once; the draft itself is written by one."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from stadtgraph.city.areas import Areas
from stadtgraph.sources import Places, Source, inputs_checksum, read
from stadtgraph.store import Spool, spool
from stadtgraph.terms import Names

LARGE: Final = 2_000_000  # bytes of input from which starting processes pays
PROCESSES: Final = 2


@dataclass(frozen=True, slots=True)
class Job:
    """One source to read: from where, into which folder, and the checksum of all that its triples depend on."""

    source: Source
    path: Path
    names: Names
    folder: Path
    inputs: str

    @classmethod
    def of(cls, source: Source, path: Path, names: Names, folder: Path, areas: Areas) -> Job:
        """Describe the reading of ``source``; the checksum takes the base IRI and the areas into account."""
        also = f"{names.base} {areas.checksum if source.place else ''}"
        return cls(source, path, names, folder, inputs_checksum(source, path, also=also))


def read_all(jobs: Sequence[Job], areas: Areas) -> Iterator[tuple[Job, Spool, float]]:
    """Read every job; give each with its spool and the seconds it took, as they are done.

    The largest are begun first, in processes of their own where that pays. Errors of input pass through.
    """
    processes = min(PROCESSES, os.cpu_count() or 1, len(jobs))
    if processes < 2 or sum(job.path.stat().st_size for job in jobs) < LARGE:
        for job in jobs:
            yield (job, *read_one(job, areas))
        return
    context = multiprocessing.get_context("spawn")
    largest_first = sorted(jobs, key=lambda job: -job.path.stat().st_size)
    with ProcessPoolExecutor(processes, context, initializer=_die_with_parent, initargs=(os.getpid(),)) as pool:
        futures = {pool.submit(read_one, job, areas): job for job in largest_first}
        try:
            for future in as_completed(futures):
                yield (futures[future], *future.result())
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def read_one(job: Job, areas: Areas) -> tuple[Spool, float]:
    """Read one source into its folder; give the spool and the seconds it took."""
    started = time.perf_counter()
    triples = read(job.source, job.path, job.names, places=_places(areas) if job.source.place else None)
    return spool(triples, job.folder, "source"), time.perf_counter() - started


@lru_cache(maxsize=1)
def _places(areas: Areas) -> Places:
    return areas.places()


def _die_with_parent(parent: int) -> None:
    """Let the kernel end this process with the one that started it (Linux; elsewhere it ends with its queue)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
