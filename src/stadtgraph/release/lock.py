"""One writer at a time: a lock on a file, held by the kernel, so a dead writer holds nothing."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stadtgraph.errors import BusyError


@contextmanager
def writer_lock(city: Path) -> Iterator[None]:
    """Hold the right to write to the city; :class:`BusyError` names the process that has it."""
    city.mkdir(parents=True, exist_ok=True)
    with (city / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as problem:
            file.seek(0)
            raise BusyError("city-busy", path=city.name, pid=file.read(20).strip() or "?") from problem
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
        file.truncate(0)
