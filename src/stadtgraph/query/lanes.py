"""The threads that run queries: few, lasting, with a large stack.

A query cannot be interrupted while it makes no output, so a lane that overran its time stays taken until
Oxigraph is done. :attr:`Lanes.exhausted` tells when that has happened to all of them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Final

from stadtgraph.errors import QueryTimeout

_STACK: Final = 256 << 20
_stack_lock = threading.Lock()

Job = Callable[[], None]


class _Lane:
    """One thread; it takes a job, runs it, and is free again."""

    def __init__(self, freed: Callable[[_Lane], None]) -> None:
        self.jobs: SimpleQueue[Job] = SimpleQueue()
        self.is_left: Callable[[], bool] | None = None
        self._freed = freed
        with _stack_lock:
            before = threading.stack_size(_STACK)
            try:
                threading.Thread(target=self._work, name="query", daemon=True).start()
            finally:
                threading.stack_size(before)

    def _work(self) -> None:
        while True:
            job = self.jobs.get()
            try:
                job()
            finally:
                del job
                self._freed(self)


class Lanes:
    """At most ``size`` lanes, made when they are first needed."""

    def __init__(self, size: int = 8) -> None:
        """Make no thread yet."""
        self.size = size
        self._free: list[_Lane] = []
        self._all: list[_Lane] = []
        self._changed = threading.Condition()

    def run(self, job: Job, patience: float, is_left: Callable[[], bool]) -> None:
        """Start ``job`` on a lane; raise :class:`QueryTimeout` where none gets free within ``patience`` seconds.

        ``job`` must not raise. ``is_left`` tells whether nobody waits for it any more.
        """
        with self._changed:
            if not self._free and len(self._all) < self.size:
                lane = _Lane(self._release)
                self._all.append(lane)
                self._free.append(lane)
            if not self._changed.wait_for(lambda: self._free, patience):
                raise QueryTimeout("query-busy", bound=self.size)
            lane = self._free.pop()
            lane.is_left = is_left
        lane.jobs.put(job)

    def _release(self, lane: _Lane) -> None:
        with self._changed:
            lane.is_left = None
            self._free.append(lane)
            self._changed.notify()

    @property
    def busy(self) -> int:
        """How many lanes run a job."""
        with self._changed:
            return sum(1 for lane in self._all if lane.is_left is not None)

    @property
    def exhausted(self) -> bool:
        """True where every lane runs a job that nobody waits for any more: then no query is answered."""
        with self._changed:
            return sum(1 for lane in self._all if lane.is_left is not None and lane.is_left()) >= self.size
