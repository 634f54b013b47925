"""Who holds the threads of a web process: one caller never all of them.

Whatever takes long (a page that is made anew, a long query that is read, an answer that is taken slowly) holds a
thread. Whoever holds as many as one caller may have is told so at once, which takes no time; so threads are left to
others, whatever it is that takes long.
"""

from __future__ import annotations

import threading
from collections import Counter


class Crowd:
    """Counts the threads that work for each caller; safe to use from all of them."""

    __slots__ = ("_counts", "_lock", "_most")

    def __init__(self, most: int) -> None:
        """Let each caller have ``most`` threads; 0 is no bound."""
        self._most = most
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def enter(self, caller: str, factor: float = 1.0) -> bool:
        """Let a request of ``caller`` in; false where that is too much, which needs no :meth:`leave`.

        >>> crowd = Crowd(1)
        >>> crowd.enter("a"), crowd.enter("a"), crowd.enter("b"), crowd.enter("a", 2)
        (True, False, True, True)
        """
        with self._lock:
            if self._most and self._counts[caller] >= self._most * factor:
                return False
            self._counts[caller] += 1
            return True

    def leave(self, caller: str) -> None:
        """Note that a request that was let in is done."""
        with self._lock:
            self._counts[caller] -= 1
            if self._counts[caller] <= 0:
                del self._counts[caller]
