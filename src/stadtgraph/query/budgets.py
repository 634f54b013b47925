"""What callers have left, in a small file that all web processes of one server share.

A row belongs to one caller and is found by a hash. Where no row is free among those that its hash allows, the one that
was not used longest is taken. The lock on a row goes with the process that holds it, so whatever is killed when, the
others go on; a row that makes no sense counts as a new one.
"""

from __future__ import annotations

import fcntl
import math
import mmap
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Final

_ROW: Final = struct.Struct("<8sddd")
_TOGETHER, _PLACES = 8, 2048
"""Rows that one hash allows, and how many such groups there are: 16,384 callers in half a megabyte."""
_AHEAD: Final = 60.0
"""Seconds by which another process may be ahead, which read the clock later and wrote before."""
_GROUP: Final = _ROW.size * _TOGETHER


@dataclass(slots=True)
class Left:
    """Seconds of workers and errors that a caller has left, and when that was so."""

    seconds: float
    errors: float
    seen: float


class Budgets:
    """The file. One thread of a process uses it at a time."""

    def __init__(self, path: Path) -> None:
        """Use the file at ``path``, which :func:`prepare` has made; raises ``OSError`` where there is none."""
        with path.open("r+b") as file:
            self._file = os.dup(file.fileno())
        try:
            self._rows = mmap.mmap(self._file, _GROUP * _PLACES)
        except (OSError, ValueError) as problem:
            os.close(self._file)
            raise OSError(f"{path.name} is no file of budgets") from problem

    @contextmanager
    def of(self, caller: str, fresh: Left) -> Iterator[Left]:
        """Give what a caller has left, to be changed in place: as it was noted last, else as ``fresh`` says."""
        key = blake2b(caller.encode("utf-8", "replace"), digest_size=8).digest()
        at = int.from_bytes(key, "little") % _PLACES * _GROUP
        fcntl.lockf(self._file, fcntl.LOCK_EX, _GROUP, at)
        try:
            place, left = self._find(key, at, fresh)
            yield left
            _ROW.pack_into(self._rows, place, key, left.seconds, left.errors, left.seen)
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN, _GROUP, at)

    def _find(self, key: bytes, at: int, fresh: Left) -> tuple[int, Left]:
        oldest, place = math.inf, at
        for row in range(at, at + _GROUP, _ROW.size):
            known, seconds, errors, seen = _ROW.unpack_from(self._rows, row)
            if known == key and math.isfinite(seconds + errors + seen) and seen <= fresh.seen + _AHEAD:
                return row, Left(min(seconds, fresh.seconds), min(errors, fresh.errors), seen)
            if not seen >= oldest:
                oldest, place = seen, row
        return place, fresh

    def close(self) -> None:
        """Let go of the file."""
        self._rows.close()
        os.close(self._file)


def prepare(path: Path) -> bool:
    """Make an empty file of budgets, with all the room it needs; tell whether there was room on the disk.

    Without it each process counts for itself.
    """
    try:
        with path.open("xb") as file:
            os.posix_fallocate(file.fileno(), 0, _GROUP * _PLACES)
    except (OSError, AttributeError):
        with suppress(OSError):
            path.unlink()
        return False
    return True
