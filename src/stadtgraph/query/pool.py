"""The pool of query workers of one web process: warm, ended at a deadline, replaced after a death.

Killing a worker is the normal way to end a query that went too far; pyoxigraph has no other.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from stadtgraph.errors import QueryTimeout, StadtgraphError, StoreError
from stadtgraph.query import wire
from stadtgraph.query.allocation import allocation
from stadtgraph.query.line import Hold, Line, Waiting
from stadtgraph.query.ticket import Abandoned
from stadtgraph.query.worker import OUT_OF_MEMORY

QUERIES: Final = 20_000
"""Queries after which a worker is replaced; the growth of its memory in bytes, looked at every so many queries."""
GROWTH: Final = 256 << 20
LOOK: Final = 16
START: Final = 30.0
LOOKING: Final = 0.25
"""Seconds for which a worker may take to start; between two looks of who waits."""
_REAP: Final = 10.0
"""Seconds until a process that has closed its pipe is told by the system to have ended: some where it is busy."""
_SCRIPT: Final = "import sys; sys.path[:] = {path!r}; from stadtgraph.query.worker import main; main()"


class Worker:
    """One process. It is asked by one thread at a time."""

    def __init__(self, memory: int, allocator: str = "") -> None:
        """Start the process, with another allocator where that is installed; it gets ready while others work."""
        script = _SCRIPT.format(path=[entry or os.getcwd() for entry in sys.path])
        self._process = subprocess.Popen(
            [sys.executable, "-E", "-c", script, str(memory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"LANG": "C.UTF-8", "PATH": os.environ.get("PATH", ""), **allocation(allocator)},
            start_new_session=True,
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._in, self._out = self._process.stdin.fileno(), wire.Reader(self._process.stdout.fileno())
        with suppress(OSError, AttributeError):  # so that a long answer does not wait for every 64 KB to be taken
            fcntl.fcntl(self._out.handle, fcntl.F_SETPIPE_SZ, wire.PIPE)
        self._ready, self._asked, self._first_size = False, 0, 0
        self.hold: Hold | None = None

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def handle(self) -> int:
        """The file descriptor on which answers arrive."""
        return self._out.handle

    def wait_ready(self, until: float) -> None:
        """Wait until the worker is ready; raise :class:`wire.Broken` where it dies or is late."""
        if not self._ready:
            frame = self._out.read(until)
            if frame is None:
                raise wire.Late
            if frame[0] != wire.READY:
                raise wire.Broken
            self._ready = True

    @property
    def is_ready(self) -> bool:
        """Tell whether the worker may be asked at once, or is found dead at once."""
        try:
            self.wait_ready(time.monotonic())
        except wire.Late:
            return False
        except (wire.Broken, OSError):
            return True
        return True

    def ask(self, request: dict[str, Any]) -> None:
        """Send a request."""
        self._asked += 1
        data = memoryview(json.dumps(request).encode() + b"\n")
        try:
            while data:
                data = data[os.write(self._in, data) :]
        except OSError as problem:
            raise wire.Broken from problem

    def read(self, until: float) -> tuple[bytes, bytes] | None:
        """Give the next frame of the answer, ``None`` where none came in time."""
        return self._out.read(until)

    @property
    def is_worn(self) -> bool:
        """Tell whether it has worked or grown enough to be replaced; growth is looked at now and then."""
        if self._asked % LOOK == 1:
            size = _resident(self.pid)
            self._first_size = self._first_size or size
            return size > self._first_size + GROWTH
        return self._asked >= QUERIES

    def is_alive(self) -> bool:
        """Tell whether the process runs."""
        return self._process.poll() is None

    def end(self) -> int:
        """Kill the process if it still runs; give its exit code, negative for a signal."""
        was = self._process.poll()
        if was is None:
            self._process.kill()
        code = self._process.wait()
        for handle in (self._process.stdin, self._process.stdout):
            if handle is not None:
                with suppress(OSError):
                    handle.close()
        return code if was is None else was

    def death(self) -> StadtgraphError:
        """Say why the process died by itself."""
        try:
            code = self._process.wait(_REAP)
        except subprocess.TimeoutExpired:
            code = 0
        if code == -signal.SIGSEGV:
            return QueryTimeout("query-depth")
        if code in (-signal.SIGABRT, -signal.SIGKILL, -signal.SIGBUS, OUT_OF_MEMORY):
            return QueryTimeout("query-memory")
        return StoreError("query-failed")


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """``size`` workers at most, ``reserved`` more for trusted callers, each with ``memory`` bytes beside its stack.

    ``allocator`` is as in :func:`stadtgraph.query.allocation.allocation`.
    """

    size: int = 4
    memory: int = 4 << 30
    reserved: int = 1
    allocator: str = ""


class Pool:
    """At most ``size`` workers at work, and a few that wait for slow readers; one more is always being kept warm.

    Who gets a worker first is the affair of :class:`stadtgraph.query.line.Line`.
    """

    def __init__(self, settings: PoolSettings | None = None) -> None:
        """Start nothing yet: the first query does."""
        self.settings = settings or PoolSettings()
        self.line = Line(self.settings.size, self.settings.reserved)
        self._idle: list[Worker] = []
        self._all: set[Worker] = set()
        weakref.finalize(self, _end_all, self._all)
        self._lock = threading.Lock()
        self._warming = self._closed = False
        self.told: Callable[[str, int], None] = _nobody

    @property
    def busy(self) -> int:
        """How many workers answer a query right now."""
        with self._lock:
            return len(self.line.holds)

    def acquire(
        self,
        patience: float,
        *,
        caller: str = "",
        trusted: bool = False,
        again: bool = False,
        is_gone: Callable[[], bool] | None = None,
    ) -> Worker:
        """Give a worker that is ready; raise :class:`QueryTimeout` where none gets free in ``patience`` seconds.

        The reserved ones are for ``trusted`` callers; ``again`` is for a query that was set back. Raises
        :class:`Abandoned` where ``is_gone`` tells meanwhile that nobody waits.
        """
        until = time.monotonic() + patience
        for _ in range(self.settings.size + 3):
            hold = self._place(until, Waiting(caller, time.monotonic(), trusted, again), is_gone)
            worker = self._found(hold)
            try:
                worker.wait_ready(time.monotonic() + START)
                if worker.is_alive():
                    self._warm_soon()
                    return worker
            except wire.Broken:
                pass
            self.discard(worker)
        raise StoreError("query-no-worker")

    def take(self, caller: str = "") -> Worker | None:
        """Give a worker that is free and ready this moment, or none. Nothing is waited for; who waits comes first."""
        with self._lock:
            if self._closed or not self._idle or self.line.waiting or not self.line.is_open(caller):
                return None
            worker = self._idle.pop()
            worker.hold = self.line.enter(caller)
            alone = not self._idle
        try:
            worker.wait_ready(time.monotonic())
            alive = worker.is_alive()
        except wire.Late:
            self._give_back(worker)
            return None
        except wire.Broken:
            alive = False
        if not alive:
            self.discard(worker, "died")
            return None
        if alone:
            self._warm_soon()
        return worker

    @property
    def is_free(self) -> bool:
        """Tell whether a worker is idle and nobody waits for one."""
        return bool(self._idle) and not self.line.waiting

    @property
    def is_choked(self) -> bool:
        """Tell whether somebody waits for a worker while slow readers hold too many."""
        if not self.line.waiting:
            return False
        with self._lock:
            return self.line.is_choked

    @property
    def is_wanted(self) -> bool:
        """Tell whether somebody waits for a worker."""
        return bool(self.line.waiting)

    def must_go(self, worker: Worker) -> bool:
        """Tell whether a worker is to be taken from who has it, for somebody who had less waits."""
        if not self.line.waiting:
            return False
        with self._lock:
            return worker.hold is not None and self.line.must_go(worker.hold)

    def warm(self) -> None:
        """Start workers, so that the first queries find them."""
        for _ in range(self.settings.size):
            self._warm(self.settings.size)

    def release(self, worker: Worker) -> None:
        """Take back a worker that has answered to the end."""
        spare = len(self._idle) > self.settings.size  # all of them, and the one that is kept warm beside
        if self._closed or spare or not worker.is_alive() or worker.is_worn:
            self.discard(worker)
            return
        self._give_back(worker)

    def discard(self, worker: Worker, why: str = "worn") -> None:
        """End a worker that is not to be used again; ``why`` is told to whoever counts the ended."""
        worker.end()
        with self._lock:
            self._all.discard(worker)
            self._leave(worker)
            alive = len(self._all)
        self.told(why, alive)
        self._warm_soon()

    def close(self) -> None:
        """End every idle worker; busy ones end when they are given back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for worker in idle:
            self.discard(worker)

    def _give_back(self, worker: Worker) -> None:
        with self._lock:
            self._idle.append(worker)
            self._leave(worker)

    def _leave(self, worker: Worker) -> None:
        if worker.hold is not None:
            self.line.leave(worker.hold)
            worker.hold = None
        self._serve()

    def _serve(self) -> None:
        """Give places to those who are next."""
        while self.line.waiting and (found := self.line.next()) is not None:
            found.hold = self.line.enter(found.caller, again=found.again)
            found.wake()
        while (found := self.line.surplus()) is not None:
            found.refused = True
            found.wake()

    def _place(self, until: float, mine: Waiting, is_gone: Callable[[], bool] | None) -> Hold:
        """Give a place, as soon as it is the caller's turn."""
        with self._lock:
            if not self.line.waiting and self.line.is_open(mine.caller, trusted=mine.trusted, again=mine.again):
                return self.line.enter(mine.caller, again=mine.again)
            turn = threading.Condition(self._lock)
            mine.wake = turn.notify
            self.line.waiting.append(mine)
            self._serve()
            while mine.hold is None:
                left = until - time.monotonic()
                gone = is_gone is not None and is_gone()
                if left <= 0 or mine.refused or gone:
                    with suppress(ValueError):
                        self.line.waiting.remove(mine)
                    if gone:
                        raise Abandoned
                    raise QueryTimeout("query-busy", bound=self.settings.size)
                turn.wait(min(left, LOOKING))
                if mine.hold is None:
                    self._serve()  # what is stuck, or has become long, is told by no event
            return mine.hold

    def _found(self, hold: Hold) -> Worker:
        """Give a worker for a place: one that is idle, else a new one."""
        with self._lock:
            if self._idle:
                worker = next((w for w in reversed(self._idle) if w.is_ready), self._idle[0])
                self._idle.remove(worker)
                worker.hold = hold
                return worker
        try:
            worker = self._started()
        except StoreError:
            with self._lock:
                self.line.leave(hold)
                self._serve()
            raise
        worker.hold = hold
        return worker

    def _warm_soon(self) -> None:
        """Have a spare worker started where the last idle one was taken; two where somebody waits."""
        wanted = 2 if self.line.waiting else 1
        if len(self._idle) < wanted and not self._warming and not self._closed:
            self._warming = True
            threading.Thread(target=self._warm, args=(wanted,), daemon=True, name="warm").start()

    def _warm(self, idle: int = 1) -> None:
        """Start a spare worker where there are fewer than ``idle``."""
        try:
            with self._lock:
                if len(self._idle) >= idle or self._closed or len(self._all) > 2 * self.settings.size:
                    return
            with suppress(StoreError):
                spare = self._started()
                with self._lock:
                    self._idle.append(spare)
                    self._serve()
        finally:
            self._warming = False

    def _started(self) -> Worker:
        try:
            worker = Worker(self.settings.memory, self.settings.allocator)
        except OSError as problem:
            raise StoreError("query-no-worker") from problem
        with self._lock:
            self._all.add(worker)
            alive = len(self._all)
        self.told("started", alive)
        return worker


def _nobody(_why: str, _alive: int) -> None:
    return None


def _end_all(workers: set[Worker]) -> None:
    for worker in list(workers):
        worker.end()


def _resident(pid: int) -> int:
    """Give the resident memory of a process in bytes, 0 where the system does not tell."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return 0
