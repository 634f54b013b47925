"""What a web process holds for its clients: bytes of requests that are not answered yet and of answers not taken yet.

All of it lies in memory, none on a disk, and its sum is bounded: where it is reached, the server parts from whoever is
slowest.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Final

_SMALL: Final = 16 * 1024
_JOINED: Final = 64 * 1024


class Room:
    """Counts what is held, for all threads."""

    __slots__ = ("_changed", "bound", "held")

    def __init__(self, bound: int) -> None:
        """Hold nothing yet, and at most about ``bound`` bytes."""
        self.bound, self.held = bound, 0
        self._changed = threading.Condition()

    @property
    def is_over(self) -> bool:
        """Tell whether more is held than there is room for."""
        return self.held > self.bound

    def change(self, number: int) -> None:
        """Hold ``number`` bytes more, or less."""
        if number:
            with self._changed:
                self.held += number
                if number < 0:
                    self._changed.notify_all()

    def wait(self, seconds: float) -> None:
        """Wait until there is room, no longer than ``seconds``."""
        with self._changed:
            self._changed.wait_for(lambda: not self.is_over, seconds)


class Unsent:
    """What waits to be sent on a connection: the blocks as they were given, neither copied nor put on a disk.

    It stands in the place of waitress's buffers and is asked as they are.
    """

    __slots__ = ("_blocks", "_size")

    def __init__(self, _overflow: int = 0) -> None:
        """Hold nothing yet."""
        self._blocks: deque[memoryview] = deque()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def append(self, data: bytes) -> None:
        """Take a block."""
        self._blocks.append(memoryview(data))
        self._size += len(data)

    def get(self, size: int = -1) -> memoryview:
        """Give what is to be sent next, up to ``size`` bytes of it; it stays here until it is skipped."""
        if not self._blocks:
            return memoryview(b"")
        if len(self._blocks) > 1 and len(self._blocks[0]) < _SMALL:
            self._join()
        first = self._blocks[0]
        return first if size < 0 else first[:size]

    def skip(self, number: int, _prune: bool = False) -> None:
        """Forget what was sent."""
        self._size -= number
        while number:
            first = self._blocks.popleft()
            if len(first) > number:
                self._blocks.appendleft(first[number:])
                return
            number -= len(first)

    def close(self) -> None:
        """Forget everything."""
        self._blocks.clear()
        self._size = 0

    def _join(self) -> None:
        """Put small blocks together, so that they are sent together."""
        parts = [self._blocks.popleft()]
        size = len(parts[0])
        while self._blocks and size + len(self._blocks[0]) <= _JOINED:
            parts.append(self._blocks.popleft())
            size += len(parts[-1])
        self._blocks.appendleft(memoryview(b"".join(parts)))
