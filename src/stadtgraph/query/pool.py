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
from stadtgraph.query.worker import OUT_OF_MEMORY

QUERIES: Final = 20_000
"""Queries after which a worker is replaced; the growth of its memory in bytes, looked at every so many queries."""
GROWTH: Final = 256 << 20
LOOK: Final = 16
START: Final = 30.0
_SCRIPT: Final = "import sys; sys.path[:] = {path!r}; from stadtgraph.query.worker import main; main()"


class Worker:
    """One process. It is asked by one thread at a time."""

    def __init__(self, memory: int) -> None:
        """Start the process; it gets ready by itself while others work."""
        script = _SCRIPT.format(path=[entry or os.getcwd() for entry in sys.path])
        self._process = subprocess.Popen(
            [sys.executable, "-E", "-c", script, str(memory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"LANG": "C.UTF-8", "PATH": os.environ.get("PATH", ""), "MALLOC_ARENA_MAX": "2"},
            start_new_session=True,
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._in, self._out = self._process.stdin.fileno(), wire.Reader(self._process.stdout.fileno())
        with suppress(OSError, AttributeError):  # so that a long answer does not wait for every 64 KB to be taken
            fcntl.fcntl(self._out.handle, fcntl.F_SETPIPE_SZ, wire.PIPE)
        self._ready, self._asked, self._first_size = False, 0, 0

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
            code = self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            code = 0
        if code == -signal.SIGSEGV:
            return QueryTimeout("query-depth")
        if code in (-signal.SIGABRT, -signal.SIGKILL, -signal.SIGBUS, OUT_OF_MEMORY):
            return QueryTimeout("query-memory")
        return StoreError("query-failed")


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """``size`` workers at most, ``reserved`` more for trusted callers, each with ``memory`` bytes beside its stack."""

    size: int = 4
    memory: int = 4 << 30
    reserved: int = 1


class Pool:
    """At most ``size`` workers; one is always being kept warm."""

    def __init__(self, settings: PoolSettings | None = None) -> None:
        """Start nothing yet: the first query does."""
        self.settings = settings or PoolSettings()
        self._idle: list[Worker] = []
        self._all: set[Worker] = set()
        weakref.finalize(self, _end_all, self._all)
        self._number = self._waiting = 0
        self._changed = threading.Condition()
        self._closed = False
        self.told: Callable[[str, int], None] = _nobody

    @property
    def busy(self) -> int:
        """How many workers answer a query right now."""
        with self._changed:
            return self._number - len(self._idle)

    def acquire(self, patience: float, *, trusted: bool = False) -> Worker:
        """Give a worker that is ready; raise :class:`QueryTimeout` where none gets free in ``patience`` seconds.

        The reserved ones are for ``trusted`` callers.
        """
        until = time.monotonic() + patience
        most = self.settings.size + (self.settings.reserved if trusted else 0)
        for _ in range(most + 2):
            worker = self._take(until, most)
            try:
                worker.wait_ready(time.monotonic() + START)
                if worker.is_alive():
                    self._warm()
                    return worker
            except wire.Broken:
                pass
            self.discard(worker)
        raise StoreError("query-no-worker")

    def take(self) -> Worker | None:
        """Give a worker that is free and ready this moment, or none. Nothing is waited for; who waits comes first."""
        with self._changed:
            if self._closed or not self._idle or self._waiting:
                return None
            worker = self._idle.pop()
            alone = not self._idle and self._number < self.settings.size
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
            threading.Thread(target=self._warm, daemon=True, name="warm").start()
        return worker

    @property
    def is_free(self) -> bool:
        """Tell whether a worker is idle and nobody waits for one."""
        return bool(self._idle) and not self._waiting

    @property
    def is_wanted(self) -> bool:
        """Tell whether somebody waits for a worker."""
        return self._waiting > 0

    def warm(self) -> None:
        """Start a worker, so that the first query finds one."""
        self._warm()

    def release(self, worker: Worker) -> None:
        """Take back a worker that has answered to the end."""
        if self._closed or not worker.is_alive() or worker.is_worn:
            self.discard(worker)
            return
        self._give_back(worker)

    def _give_back(self, worker: Worker) -> None:
        with self._changed:
            self._idle.append(worker)
            self._changed.notify()

    def discard(self, worker: Worker, why: str = "worn") -> None:
        """End a worker that is not to be used again; ``why`` is told to whoever counts the ended."""
        worker.end()
        with self._changed:
            self._all.discard(worker)
            self._number -= 1
            self._changed.notify()
            alive = self._number
        self.told(why, alive)

    def close(self) -> None:
        """End every idle worker; busy ones end when they are given back."""
        with self._changed:
            self._closed = True
            idle, self._idle = self._idle, []
        for worker in idle:
            self.discard(worker)

    def _take(self, until: float, most: int) -> Worker:
        with self._changed:
            while True:
                if self._idle:
                    return self._idle.pop()
                if self._number < most:
                    self._number += 1
                    break
                left = until - time.monotonic()
                self._waiting += 1
                try:
                    if left <= 0 or not self._changed.wait(left):
                        raise QueryTimeout("query-busy", bound=most)
                finally:
                    self._waiting -= 1
        return self._started()

    def _warm(self) -> None:
        """Start a spare worker where the last idle one was taken."""
        with self._changed:
            if self._idle or self._closed or self._number >= self.settings.size:
                return
            self._number += 1
        spare = self._started()
        with self._changed:
            self._idle.append(spare)
            self._changed.notify()

    def _started(self) -> Worker:
        try:
            worker = Worker(self.settings.memory)
            self._all.add(worker)
            self.told("started", self._number)
            return worker
        except OSError as problem:
            with self._changed:
                self._number -= 1
            raise StoreError("query-no-worker") from problem


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
