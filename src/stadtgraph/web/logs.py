"""Structured logs: one JSON object a line on stderr, written behind the back of whoever logs.

A reader of the log that stands still costs lines, never an answer.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
import traceback
from collections import deque
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import ip_network
from typing import Any, Final, TextIO

from stadtgraph.config import LogSettings
from stadtgraph.query import Ticket

_MOST: Final = 10_000
_PAUSE: Final = 0.1
_LONGEST: Final = 4000
_as_json: Final = json.JSONEncoder(ensure_ascii=False, default=str).encode


class Log:
    """Lines on their way to stderr; at most some thousand wait, then the oldest are dropped and counted."""

    def __init__(self, stream: TextIO | None = None) -> None:
        """Write nothing yet; later to ``stream``, else to what is stderr then."""
        self._stream = stream
        self._lines: deque[str] = deque(maxlen=_MOST)
        self._wake, self._writing = threading.Event(), threading.Lock()
        self._thread: threading.Thread | None = None
        self._dropped = 0

    def tell(self, event: str, **facts: Any) -> None:
        """Log an event with its facts."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        if len(self._lines) == _MOST:
            self._dropped += 1
        self._lines.append(_as_json({"time": now, "event": event, **facts}))
        if self._thread is None:
            self._thread = threading.Thread(target=self._write_on, daemon=True, name="log")
            self._thread.start()
        if not self._wake.is_set():
            self._wake.set()

    def flush(self) -> None:
        """Write what waits; where the reader stands still, that is given up after a second."""
        if not self._writing.acquire(timeout=1.0):
            return
        try:
            lines = []
            while self._lines:
                lines.append(self._lines.popleft())
            dropped = self._dropped
            told = [json.dumps({"event": "lines dropped", "number": dropped})] if dropped else []
            if lines or told:
                self._dropped += len(lines)  # unless they are written: the disk may be full, the reader gone
                with suppress(OSError, ValueError):
                    _write("\n".join([*lines, *told]) + "\n", self._stream or sys.stderr)
                    self._dropped -= dropped + len(lines)
        finally:
            self._writing.release()

    def _write_on(self) -> None:
        while True:
            self._wake.wait()
            time.sleep(_PAUSE)
            self._wake.clear()
            self.flush()


def _write(text: str, stream: TextIO) -> None:
    """Write to the file itself: a buffer that could not be emptied would be tried again with what comes later."""
    try:
        handle = stream.fileno()
    except (OSError, ValueError, AttributeError):
        stream.write(text)
        stream.flush()
        return
    data = text.encode("utf-8", "backslashreplace")
    while data:
        data = data[os.write(handle, data) :]


LOG: Final = Log()


class Queries:
    """Logs queries as the settings want it."""

    def __init__(self, settings: LogSettings) -> None:
        """Take the settings of ``[log]``."""
        self._settings = settings

    def ended(self, ticket: Ticket) -> None:
        """Log a query that is over: never a token, and no address in full or text unless the settings say so."""
        if not self._settings.queries:
            return
        facts: dict[str, Any] = {
            "query": ticket.id,
            "form": ticket.form or None,
            "outcome": ticket.outcome,
            "ms": round(ticket.seconds * 1000, 1),
            "worked_ms": round(ticket.worked * 1000, 1),
            "bytes": ticket.bytes,
            "cached": ticket.cached,
        }
        if ticket.trusted:
            facts["token"] = ticket.caller
        else:
            facts["from"] = ticket.address if self._settings.addresses else network(ticket.address)
        if self._settings.text:
            facts["text"] = ticket.text[:_LONGEST]
        LOG.tell("query", **facts)


@lru_cache(4096)
def network(address: str) -> str:
    """Give the network of an address, which names no person: /24 of IPv4, /48 of IPv6.

    >>> network("192.0.2.77"), network("2001:db8:1:2::3"), network("nobody")
    ('192.0.2.0/24', '2001:db8:1::/48', '')
    """
    try:
        return str(ip_network(f"{address}/{48 if ':' in address else 24}", strict=False))
    except ValueError:
        return ""


class _Handler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        """Log a record of Python's logging."""
        trace = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else None
        LOG.tell("log", level=record.levelname.lower(), logger=record.name, message=record.getMessage(), trace=trace)


def take_over() -> None:
    """Make Python's logging of this process write such lines too."""
    root = logging.getLogger()
    root.handlers[:] = [_Handler()]
    root.setLevel(logging.WARNING)
