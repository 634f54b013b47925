"""How the memory of query workers is allocated: what the C library, or another allocator, is told when they start.

Joins and filters take and free small pieces of memory by the million, so the allocator is a part of what they cost.
Measured: docs/speed.md.

Source: https://www.gnu.org/software/libc/manual/html_node/Memory-Allocation-Tunables.html, https://jemalloc.net/jemalloc.3.html
"""

from __future__ import annotations

from contextlib import suppress
from ctypes.util import find_library
from functools import lru_cache
from typing import Final

LIBRARY: Final = {"MALLOC_ARENA_MAX": "2", "GLIBC_TUNABLES": "glibc.malloc.tcache_count=500"}
"""For the C library, where it is glibc: two arenas at most, and up to 500 freed pieces of each small size kept for the
next, instead of 7. What is kept are 17 MB at most, for pieces are of 1 KB at most."""
_PRELOADED: Final = {"MALLOC_CONF": "narenas:2"}
"""For jemalloc: as many arenas; other allocators do not read it."""


def allocation(allocator: str = "") -> dict[str, str]:
    """Give the variables with which a worker starts; ``allocator`` names a library, used where it is installed.

    >>> "LD_PRELOAD" in allocation("no-such-allocator")
    False
    """
    found = _installed(allocator) if allocator else None
    return LIBRARY if found is None else {**LIBRARY, **_PRELOADED, "LD_PRELOAD": found}


@lru_cache(8)
def _installed(name: str) -> str | None:
    """Give the name by which the system loads a library; looked up once, for that starts programs.

    On a full disk, where those cannot work, none is found.
    """
    with suppress(OSError):
        return find_library(name)
    return None
