"""Work that only one thread of a process should do at a time, with a short line before it."""

from __future__ import annotations

import threading
from typing import Any, Final

from stadtgraph.errors import BusyError

_WAITING: Final = 4
_PATIENCE: Final = 5.0


class Turn:
    """A lock at which few wait, and not for long: the others are told to come again, so that their threads are free.

    >>> turn = Turn("query-busy", waiting=0)
    >>> with turn:
    ...     turn.is_free
    False
    >>> turn.is_free
    True
    """

    __slots__ = ("_held", "_key", "_line", "_lock", "_patience", "_room")

    def __init__(self, key: str, *, waiting: int = _WAITING, patience: float = _PATIENCE) -> None:
        """Let ``waiting`` threads wait ``patience`` seconds; who cannot gets a :class:`BusyError` with ``key``."""
        self._key, self._patience = key, patience
        self._held, self._lock = threading.Lock(), threading.Lock()
        self._line, self._room = 0, waiting + 1

    @property
    def is_free(self) -> bool:
        """Tell whether nobody works."""
        return not self._held.locked()

    @property
    def has_room(self) -> bool:
        """Tell whether one more may wait."""
        return self._line < self._room

    def __enter__(self) -> Turn:
        """Wait for the turn; raise :class:`BusyError` where that would take too long."""
        with self._lock:
            if not self.has_room:
                raise BusyError(self._key)
            self._line += 1
        if not self._held.acquire(timeout=self._patience):
            self._leave()
            raise BusyError(self._key)
        return self

    def __exit__(self, *_: Any) -> None:
        """Let the next one work."""
        self._held.release()
        self._leave()

    def _leave(self) -> None:
        with self._lock:
            self._line -= 1
