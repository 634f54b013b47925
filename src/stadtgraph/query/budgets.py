"""What callers have left, in a small file that all web processes of one server share.

A row belongs to one caller and is found by a hash. Where no row is free among those that its hash allows, the one that
was not used longest is taken. Nothing is locked, so nobody waits for a process that was stopped or killed: what two
note of one caller within the same microseconds counts once, and a row that makes no sense counts as a new one.
"""

from __future__ import annotations

import math
import mmap
import os
import struct
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Final

_ROW: Final = struct.Struct("@8sddd")
_TOGETHER, _PLACES = 8, 2048
"""Rows that one hash allows, and how many such groups there are: 16,384 callers in half a megabyte."""
_LATER, _DEEPEST = 60.0, 100.0
"""Seconds by which another process may be ahead, which read the clock later and wrote before; how many times a full
budget may be owed."""
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
        try:
            with path.open("r+b") as file:
                self._rows = mmap.mmap(file.fileno(), _GROUP * _PLACES)
        except ValueError as problem:
            raise OSError(f"{path.name} is no file of budgets") from problem

    def get(self, caller: str, fresh: Left) -> tuple[int, Left]:
        """Give where a caller's row is and what is left: as it was noted last, else as ``fresh`` says."""
        key, at = _place(caller)
        oldest, place = math.inf, at
        for row in range(at, at + _GROUP, _ROW.size):
            known, seconds, errors, seen = _ROW.unpack_from(self._rows, row)
            if known == key and _makes_sense(seconds, errors, seen, fresh):
                return row, Left(min(seconds, fresh.seconds), min(errors, fresh.errors), seen)
            if not seen >= oldest:
                oldest, place = seen, row
        return place, fresh

    def put(self, caller: str, row: int, left: Left) -> None:
        """Note what a caller has left in the row that :meth:`get` gave."""
        _ROW.pack_into(self._rows, row, _place(caller)[0], left.seconds, left.errors, left.seen)

    def close(self) -> None:
        """Let go of the file."""
        self._rows.close()


@lru_cache(4096)
def _place(caller: str) -> tuple[bytes, int]:
    key = blake2b(caller.encode("utf-8", "replace"), digest_size=8).digest()
    return key, int.from_bytes(key, "little") % _PLACES * _GROUP


def _makes_sense(seconds: float, errors: float, seen: float, fresh: Left) -> bool:
    return (
        seen <= fresh.seen + _LATER
        and math.isfinite(seconds + errors + seen)
        and seconds >= -_DEEPEST * (fresh.seconds + 1)
        and errors >= -_DEEPEST * (fresh.errors + 1)
    )


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
