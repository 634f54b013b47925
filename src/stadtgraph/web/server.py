"""Serve a city: one listening socket, several processes with waitress on it, a dead one replaced.

waitress reads a request whole before it uses a thread and buffers answers for slow readers, so clients that
send or read slowly hold no thread; an answer that breaks off is seen by the client as broken.
"""

from __future__ import annotations

import gc
import logging
import os
import resource
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any, Final

from stadtgraph.config import FairnessSettings
from stadtgraph.errors import StoreError, UsageError
from stadtgraph.query.budgets import prepare
from stadtgraph.web.memory import ARENAS, Trim, give_back

_log: Final = logging.getLogger(__name__)
_SPAWN: Final = get_context("spawn")
_GRACE: Final = 5.0
_PAUSE: Final = 1.0
_SOON, _MOST_FAILURES = 15.0, 4
_CONNECTIONS: Final = 10_000
_FILES: Final = 20_000
_COUNTS: Final = "PROMETHEUS_MULTIPROC_DIR"
_BUDGETS: Final = "budgets"
_ROOM: Final = 1 << 20
_PAGES: Final = 8
"""Threads beside those that wait for workers or readers: they make pages."""
_IDLE: Final = 60
_LARGEST, _AHEAD = 16 << 20, 4 << 20
"""Bytes of a request; bytes of an answer that may wait for its reader before its worker does."""


def listen(host: str, port: int) -> socket.socket:
    """Open the listening socket; a port in use or not allowed raises :class:`StoreError` in one line.

    An address that cannot be one raises :class:`UsageError`.
    """
    if not 0 <= port <= 65535:
        raise UsageError("web-no-address", host=host, port=port)
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, OverflowError) as error:
        raise UsageError("web-no-address", host=host, port=port) from error
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise StoreError("web-port", host=host, port=port, problem=error.strerror or error) from error
    return listener


def serve(
    city: Path | str,
    host: str = "127.0.0.1",
    port: int = 8000,
    workers: int = 2,
    threads: int = 4,
    *,
    grace: float = 10.0,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve the city in the folder ``city`` until SIGTERM or SIGINT; dead processes are replaced.

    Then no more connections are taken, and answers under way have ``grace`` seconds to come to their end.
    ``ready`` is called once the port is taken. Raises :class:`StoreError` where the port is taken already, or where
    processes end as soon as they start. A release made meanwhile is served as soon as ``current`` has moved.
    """
    with listen(host, port) as listener, _passing_folder():
        ready()
        _Parent(Path(city), listener, workers, threads, grace).run()


@contextmanager
def _passing_folder() -> Iterator[None]:
    """Let the processes put what they keep on disk into one folder that goes with the server.

    They end without cleaning up, for a runaway query cannot be interrupted.
    """
    before = os.environ.get("TMPDIR")
    with TemporaryDirectory(prefix="stadtgraph-serve-", ignore_cleanup_errors=True) as folder:
        os.environ.setdefault(*ARENAS)
        os.environ["TMPDIR"] = folder
        os.environ[_COUNTS] = f"{folder}/metrics"
        for name in ("answers", "metrics"):
            (Path(folder) / name).mkdir()
        prepare(Path(folder) / _BUDGETS)
        try:
            yield
        finally:
            del os.environ["TMPDIR"], os.environ[_COUNTS]
            if before is not None:
                os.environ["TMPDIR"] = before


class _Parent:
    """Keeps ``workers`` processes alive on one socket."""

    def __init__(self, city: Path, listener: socket.socket, workers: int, threads: int, grace: float) -> None:
        self._city, self._listener, self._workers, self._threads = city, listener, max(1, workers), threads
        self._grace = grace
        self._processes: dict[BaseProcess, tuple[float, Connection]] = {}
        self._failures = 0
        self._stop = threading.Event()

    def run(self) -> None:
        """Start the processes and watch them until a signal comes."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stopped)
        give_back()  # what building the city took, where this process has built it
        try:
            while not self._stop.is_set():
                self._replace_dead()
                self._stop.wait(_PAUSE)
        finally:
            self._end()

    def _stopped(self, _number: int, _frame: FrameType | None) -> None:
        self._stop.set()

    def _replace_dead(self) -> None:
        for process, (started, ready) in list(self._processes.items()):
            if not process.is_alive():
                _log.warning("web process %s ended (%s); starting another", process.pid, process.exitcode)
                failed = not _was_told(ready) or time.monotonic() - started < _SOON
                self._failures = self._failures + 1 if failed else 0
                del self._processes[process]
                _forget_gauges(process.pid or 0)
        if self._failures >= _MOST_FAILURES:
            raise StoreError("web-no-start")
        while len(self._processes) < self._workers:
            ready, tell = _SPAWN.Pipe(duplex=False)
            arguments = (str(self._city), self._listener, self._workers, self._threads, self._grace, os.getpid(), tell)
            process = _SPAWN.Process(target=_work, args=arguments, name="stadtgraph-web")
            process.start()
            tell.close()
            self._processes[process] = time.monotonic(), ready

    def _end(self) -> None:
        for process in self._processes:
            process.terminate()
        until = time.monotonic() + self._grace + _GRACE
        for process in self._processes:
            process.join(max(0.1, until - time.monotonic()))
            if process.is_alive():
                process.kill()
                process.join()


def _was_told(ready: Connection) -> bool:
    """Tell whether a process that has ended had said that it was ready."""
    with ready, suppress(EOFError, OSError):
        return ready.poll() and bool(ready.recv_bytes())
    return False


def _work(
    city: str, listener: socket.socket, workers: int, threads: int, grace: float, parent: int, ready: Connection
) -> None:
    """Serve in one process until SIGTERM, after saying that it is ``ready``; end by itself when the parent is gone."""
    _make_room()
    with suppress(OSError):  # Linux may give each session the same share of the processors; workers have their own
        os.setsid()
    from stadtgraph.city import City
    from stadtgraph.query import Cache
    from stadtgraph.query.budgets import Budgets
    from stadtgraph.query.fairness import Shares
    from stadtgraph.query.line import MOST_WAITING
    from stadtgraph.web import logs, refusals
    from stadtgraph.web.app import create_app
    from stadtgraph.web.front import Front
    from stadtgraph.web.loop import Server

    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a full queue is no event worth a line
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    opened = City(city)
    cache = Cache(opened.config.query.cache, Path(os.environ["TMPDIR"]) / "answers", workers)
    budgets = None
    with suppress(OSError):
        budgets = Budgets(Path(os.environ["TMPDIR"]) / _BUDGETS)
    app = create_app(opened, cache=cache, budgets=budgets)
    refusals.install()
    logs.take_over()
    files = _raise_files()
    short = app.wsgi_app
    assert isinstance(short, Front)
    server = Server(
        app,
        short,
        listener,
        3 * threads + MOST_WAITING + Shares().line + _PAGES,
        connection_limit=max(100, min(_CONNECTIONS, files - 200)),
        channel_timeout=_IDLE,
        ident=None,
        clear_untrusted_proxy_headers=True,
        **_proxied(opened.config.serve.trusted_proxy),
        held=opened.config.serve.held,
        each=_each(opened.config.fairness),
        trusted=opened.config.fairness.trusted,
        max_request_body_size=_LARGEST,
        outbuf_high_watermark=_AHEAD,
        inbuf_overflow=_LARGEST * 2,  # in memory, where it is counted
        channel_request_lookahead=1,  # so that the application is told when a client has gone
    )
    signal.signal(signal.SIGTERM, lambda *_: server.stop(grace))
    watch = threading.Thread(target=_watch, args=(parent,), daemon=True, name="watch")
    watch.start()
    queries = app.extensions["stadtgraph"].queries
    queries.pool.warm()
    gc.collect()
    gc.freeze()  # so that looking for garbage, which stops every thread, does not look at the program itself
    with ready, suppress(OSError):
        ready.send_bytes(b"1")
    with suppress(SystemExit):
        server.run()
    queries.close()
    logs.LOG.flush()
    os._exit(0)  # an answer under way must not hold the process; its worker ends with it


def _make_room() -> None:
    """Let the disk hold what this process counts before it counts: a full disk ends who writes to mapped files.

    Without room the process counts for itself alone. Call it before there are counters.
    """
    folder = Path(os.environ[_COUNTS])
    try:
        for kind in ("counter", "histogram", "gauge_livesum"):
            with (folder / f"{kind}_{os.getpid()}.db").open("xb") as file:
                os.posix_fallocate(file.fileno(), 0, _ROOM)
    except (OSError, AttributeError):
        for path in folder.glob(f"*_{os.getpid()}.db"):
            path.unlink(missing_ok=True)
        del os.environ[_COUNTS]


def _forget_gauges(process: int) -> None:
    """Forget what a web process that has ended had going on; what it counted stays."""
    for path in Path(os.environ[_COUNTS]).glob(f"gauge_live*_{process}.db"):
        path.unlink(missing_ok=True)


def _raise_files() -> int:
    """Allow this process as many open files as the system lets it; give their number."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if wanted > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(soft, wanted)


def _each(shares: FairnessSettings) -> int:
    """Give how many threads one caller may hold: as many as it may have queries, running and waiting."""
    return shares.concurrency and shares.concurrency + shares.waiting


def _proxied(address: str) -> dict[str, Any]:
    """Give waitress's settings for the reverse proxy at ``address``; its headers replace the address of the caller."""
    if not address:
        return {}
    headers = {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"}
    return {"trusted_proxy": address, "trusted_proxy_count": 1, "trusted_proxy_headers": headers}


def _watch(parent: int) -> None:
    """End the process where nobody would miss it: without its parent. Until then give back memory that is free."""
    trim = Trim()
    while os.getppid() == parent:
        time.sleep(_PAUSE)
        trim.look()
    os._exit(0)
