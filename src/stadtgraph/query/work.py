"""One query under way: its worker, its time, its blocks. Whatever ends it, the worker is free or dead afterwards."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Final

from stadtgraph.errors import QueryTimeout, StoreError
from stadtgraph.query import wire
from stadtgraph.query.limits import Limits
from stadtgraph.query.pool import Pool, Worker
from stadtgraph.query.ticket import Abandoned, Ticket, outcome_of

_GLANCE: Final = 0.25
"""Seconds between two looks at whether the client is still there, and whether somebody else is to have the worker."""


class Blocks:
    """The blocks of an answer under way. Closing ends the work, read or not; a failure raises and looks like one."""

    def __init__(self, work: Work) -> None:
        """Take a worker that was asked."""
        self._work: Work | None = work
        self._ahead: deque[bytes] = deque()
        self.ahead = 0
        self._first = 0.0

    @property
    def handle(self) -> int:
        """The file descriptor on which the next blocks arrive; call it while the work is under way."""
        assert self._work is not None
        return self._work.handle

    def whole(self) -> bytes:
        """Give all that was read ahead as one; call it where that is the answer."""
        body = self._ahead[0] if len(self._ahead) == 1 else b"".join(self._ahead)
        self._ahead.clear()
        return body

    def read_ahead(self, size: int, seconds: float = 0.0, *, wait: bool = True) -> int | None:
        """Read up to ``size`` bytes, for ``seconds`` from the first block on; give the length of a whole answer.

        The first block is waited for, unless ``wait`` is false; then only what has come is taken.
        """
        while self.ahead < size:
            until = self._first + seconds if self._ahead and wait else None if wait else time.monotonic()
            block = self._next(until)
            if block is None:
                return self.ahead
            if block == b"":
                break
            self._first = self._first or time.monotonic()
            self._ahead.append(block)
            self.ahead += len(block)
        return None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._ahead:
            return self._ahead.popleft()
        block = self._next(None)
        if block is None:
            raise StopIteration
        return block

    def _next(self, until: float | None) -> bytes | None:
        if self._work is None:
            return None
        try:
            block = self._work.next(until)
        except BaseException:
            self._work = None
            raise
        if block is None:
            self._work = None
        return block

    def close(self) -> None:
        """Say that nobody reads any more."""
        if self._work is not None:
            self._work.abandon()
            self._work = None


class Work:
    """One query in one worker: counts its time, ends it at the bound, gives the worker back."""

    def __init__(
        self,
        pool: Pool,
        worker: Worker,
        request: dict[str, Any],
        limits: Limits,
        is_gone: Callable[[], bool],
        ticket: Ticket,
    ) -> None:
        """Ask a worker; raise :class:`wire.Broken` where it is dead."""
        self._pool, self._worker, self._limits, self._is_gone = pool, worker, limits, is_gone
        self._request, self.ticket = request, ticket
        self._began = time.monotonic()
        self._spent = 0.0
        self.end = b""
        worker.ask(request)

    @property
    def handle(self) -> int:
        """The file descriptor on which the answer arrives."""
        return self._worker.handle

    def next(self, until: float | None = None) -> bytes | None:
        """Give the next block, ``None`` at the end, ``b""`` where none came until the time given."""
        hold = self._worker.hold
        if hold is not None and hold.given:
            hold.paused = 0.0
            if self._pool.must_go(self._worker):
                self.abandon("busy")
                raise QueryTimeout("query-busy", bound=self._pool.settings.size)
        while True:
            frame = self._frame(until)
            if frame is None:
                return b""
            tag, payload = frame
            if tag == wire.BLOCK and payload:
                if (hold := self._worker.hold) is not None:
                    hold.given, hold.paused = True, time.monotonic()
                return payload
            if tag == wire.END:
                self.end = payload
                self._pool.release(self._worker)
                return None
            if tag == wire.ERROR:
                self._pool.release(self._worker)
                raise wire.error_from_bytes(payload)

    def abandon(self, why: str = "left") -> None:
        """End the work and the worker."""
        self._pool.discard(self._worker, why)

    def _frame(self, until: float | None) -> tuple[bytes, bytes] | None:
        """Give the next frame; kill the worker at the bound, when the client has gone, and when it is broken.

        Somebody else gets the worker only where this one may wait for another: not in the loop of the server.
        """
        began = time.monotonic()
        waits = until is None or until > began
        deadline = self._deadline(began)
        while True:
            now = time.monotonic()
            if now >= deadline:
                self.ticket.worked += now - began
                self.abandon("time")
                raise QueryTimeout("query-time", bound=self._limits.seconds)
            try:
                frame = self._worker.read(now)  # what is there already costs nobody a worker
                if frame is None and not self._is_gone():
                    frame = self._worker.read(min(deadline, now + _GLANCE, until if until is not None else deadline))
            except (wire.Broken, OSError):
                self.ticket.worked += time.monotonic() - began
                error = self._worker.death()
                self.abandon(outcome_of(error))
                raise error from None
            if frame is None and self._is_gone():
                self.ticket.worked += time.monotonic() - began
                self.abandon()
                raise Abandoned
            if frame is None and waits and self._pool.must_go(self._worker):
                self.ticket.worked += time.monotonic() - began
                self._make_way()
                began = time.monotonic()
                deadline = self._deadline(began)
                continue
            if frame is not None or (until is not None and time.monotonic() >= until):
                self.ticket.worked += time.monotonic() - began
                return frame

    def _deadline(self, began: float) -> float:
        left = self._limits.seconds - (self.ticket.worked - self._spent)
        return min(began + left, self._began + self._limits.transfer)

    def _make_way(self) -> None:
        """Give the worker to somebody who had less: begin anew later, or break off where the answer has begun."""
        hold = self._worker.hold
        self.abandon("busy")
        if hold is not None and hold.given:
            raise QueryTimeout("query-busy", bound=self._pool.settings.size)
        ticket = self.ticket
        self._worker = self._pool.acquire(
            self._limits.patience, caller=ticket.caller, trusted=ticket.trusted, again=True, is_gone=self._is_gone
        )
        self._began, self._spent = time.monotonic(), ticket.worked
        try:
            self._worker.ask(self._request)
        except wire.Broken:
            self.abandon("failed")
            raise StoreError("query-failed") from None
