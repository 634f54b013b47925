"""Memory that was freed goes back to the system: C's allocator keeps what it once had, a hundred megabytes and more.

Each of its arenas, of which threads have many, keeps the most that was ever in it. So there are two of them, and a
process that has grown gives back what lies free in them. Where the C library is another one, nothing is done.

Source: https://man7.org/linux/man-pages/man3/malloc_trim.3.html, https://man7.org/linux/man-pages/man3/mallopt.3.html
"""

from __future__ import annotations

import ctypes
import os
import sys
import time
from pathlib import Path
from typing import Final

ARENAS: Final = ("MALLOC_ARENA_MAX", "2")
"""The variable by which a process that is about to start is told how many arenas it may have."""
GROWTH: Final = 32 << 20
PAUSE: Final = 10.0
LONGEST: Final = 40.0
"""Seconds after which it is tried again at the latest, where what had grown was in use the last time."""


class Trim:
    """Gives freed memory back where the process has grown; ask :meth:`look` now and then."""

    def __init__(self) -> None:
        """Take the size of the process as it is."""
        self._least, self._next, self._pause = resident(), 0.0, PAUSE

    def look(self) -> bool:
        """Give memory back where the process is some megabytes larger than at its least; tell whether that was tried.

        What is in use stays: so it is tried again later, ever more seldom while little comes of it.
        """
        now = time.monotonic()
        if now < self._next:
            return False
        size = resident()
        self._least = min(self._least, size)
        if size < self._least + GROWTH:
            return False
        give_back()
        left = resident()
        self._least = min(self._least, left)
        self._pause = PAUSE if left < size - GROWTH else min(2 * self._pause, LONGEST)
        self._next = now + self._pause
        return True


def give_back() -> None:
    """Give back what lies free, where the C library can; other threads wait for some milliseconds."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


def resident() -> int:
    """Give the resident bytes of this process, 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return 0
