"""A connection of waitress's kind: counts what it holds, knows how slow its client is, and sends what was made ready.

Large blocks go to the system as they are; what the client does not take waits in memory, where it is counted.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from typing import Any, Final

from waitress.channel import HTTPChannel
from waitress.task import WSGITask

from stadtgraph.errors import StadtgraphError
from stadtgraph.query.fairness import neighbourhood
from stadtgraph.web import front, refusals
from stadtgraph.web.front import Given

SLOWEST_REQUEST: Final = 60.0
"""Seconds within which a request has to be here whole; a large body gets more, 20 KB a second."""
SLOWEST_ANSWER: Final = 600.0
"""Seconds within which a client has to take what waits for it; what is taken at 20 KB a second gets longer."""
MANY: Final = 250
"""Connections beyond which the system holds less for each: what it has taken off our hands is memory too."""
_LITTLE: Final = 128 * 1024
_SLOW: Final = 20_000
_LARGE: Final = 16 * 1024


def is_lasting(headers: dict[str, str]) -> bool:
    """Tell whether a client of HTTP/1.1 lets its connection stay open: it does, unless it asks for something else.

    >>> is_lasting({}), is_lasting({"CONNECTION": "Keep-Alive"}), is_lasting({"CONNECTION": "close"})
    (True, True, False)
    """
    return headers.get("CONNECTION", "keep-alive").strip().lower() == "keep-alive"


class Task(WSGITask):  # type: ignore[misc]
    """Sends what the loop has made ready, else asks the application."""

    def service(self) -> None:
        """Answer the request; an answer that its query's end cut off ends the connection, so that it looks cut off."""
        ready, self.channel.ready = self.channel.ready, None
        if ready is not None:
            self.channel.write_soon(ready)
            self.close_on_finish = not is_lasting(self.request.headers)
            return
        server, headers = self.channel.server, self.request.headers
        address = server.address(self.channel, headers)
        if self.channel.given is not None or address is None:
            self._serve()
            return
        caller = neighbourhood(address)
        if not server.crowd.enter(caller, server.trusted if "AUTHORIZATION" in headers else 1.0):
            self.start()
            refusals.refuse(self, 429, ("Retry-After", "1"))
            self.finish()
            return
        try:
            self._serve()
        finally:
            server.crowd.leave(caller)

    def _serve(self) -> None:
        """Ask the application."""
        try:
            super().service()
        except StadtgraphError:
            if not self.wrote_header:
                raise
            self.close_on_finish = True

    def build_response_header(self) -> bytes:
        """Write the status and the headers; the connection ends with the answer where the client wants that."""
        if not is_lasting(self.request.headers):
            self.set_close_on_finish()
        head: bytes = super().build_response_header()
        return head

    def set_close_on_finish(self) -> None:
        """End the connection with the answer, but not because its length is not known: chunks tell where it ends.

        An answer to HEAD has none, though waitress writes the last one.
        """
        lasting = self.version == "1.1" and is_lasting(self.request.headers) and not self.wrote_header
        if not lasting or self.request.command == "HEAD":
            super().set_close_on_finish()

    def write(self, data: bytes) -> None:
        """Send a part of the answer; a large one as a chunk of its own, without being copied."""
        if not (self.chunked_response and self.wrote_header and len(data) >= _LARGE):
            super().write(data)
            return
        self.channel.write_pieces([b"%X\r\n" % len(data), data, b"\r\n"])

    def get_environment(self) -> dict[str, Any]:
        """Give the WSGI environment, with the query that the loop has begun."""
        environ: dict[str, Any] = super().get_environment()
        given, self.channel.given = self.channel.given, None
        if given is not None:
            environ[front.GIVEN] = given
        return environ


class Channel(HTTPChannel):  # type: ignore[misc]
    """A connection."""

    task_class = Task

    def __init__(self, *arguments: Any, **named: Any) -> None:
        """Take a connection that was accepted."""
        self.ready: bytes | None = None
        self.given: Given | None = None
        self.since = 0.0
        self.sent = 0
        self.caller: str | None = None
        self._waits, self._holds = Since(), Since()
        self._unsent = self._received = 0
        self._counting = threading.Lock()
        server, sock = arguments[:2]
        if len(server.active_channels) > MANY:
            with suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _LITTLE)
        super().__init__(*arguments, **named)
        self.server.touched.add(self)

    @property
    def total_outbufs_len(self) -> int:
        """The bytes of answers that wait to be sent."""
        return self._unsent

    @total_outbufs_len.setter
    def total_outbufs_len(self, number: int) -> None:
        self.server.room.change(number - self._unsent)
        self._unsent = number

    @property
    def held(self) -> int:
        """The bytes of requests that are not answered, and of answers that are not sent."""
        return self._unsent + self._received

    def handle_read(self) -> None:
        """Take what has come."""
        self.server.touched.add(self)
        super().handle_read()
        if self.request is None:
            self.since = 0.0
        elif not self.since:
            self.since = time.time()
        self._count_received()

    def service(self) -> None:
        """Answer the next request; a query that was begun for a client who has gone is ended."""
        try:
            super().service()
        finally:
            given, self.given, self.ready = self.given, None, None
            if given is not None:
                given.close()
            self._count_received()

    def write_soon(self, data: bytes | memoryview) -> int:
        """Take a part of an answer; a thread waits a moment where too much waits already."""
        if self.server.room.is_over and not self.server.is_main:
            self.server.pull_trigger()
            self.server.room.wait(1.0)
        number: int = super().write_soon(data)
        return number

    def write_pieces(self, pieces: list[bytes]) -> None:
        """Take parts of an answer that belong together; what the system takes at once waits nowhere."""
        number = 0
        with self.outbuf_lock:
            if self.connected and not self._unsent:
                with suppress(OSError):  # whatever is wrong will be seen by who sends the rest
                    number = self.socket.sendmsg(pieces)
                    self.last_activity = time.time()
                self.sent += number
        for piece in pieces:
            if number < len(piece):
                self.write_soon(memoryview(piece)[number:] if number else piece)
            number = max(0, number - len(piece))

    def handle_close(self) -> None:
        """Close the connection and forget what it holds."""
        super().handle_close()
        self.request = None
        self._count_received()

    def cancel(self) -> None:
        """Forget what was asked."""
        super().cancel()
        self._count_received()

    def _count_received(self) -> None:
        """Tell how many bytes of requests that are not answered yet lie here."""
        with self._counting:  # not waitress's lock: a connection may be closed by who holds that
            waiting = [r for r in (*self.requests, self.request) if r is not None]
            number = sum(r.header_bytes_received + r.body_bytes_received for r in waiting)
            self.server.room.change(number - self._received)
            self._received = number

    def del_channel(self, map: Any = None) -> None:
        """Forget a connection that is being closed."""
        self.server.forget(self._fileno)
        super().del_channel(map)

    def send(self, data: bytes, do_close: bool = True) -> int:
        """Send what the client takes."""
        number: int = super().send(data, do_close=do_close)
        self.sent += number
        return number

    def is_slow(self, now: float) -> bool:
        """Tell whether the client sends its request, or what waits for it, too slowly."""
        return self.sends_for(now) > SLOWEST_REQUEST or self.waits_for(now) > SLOWEST_ANSWER

    def sends_for(self, now: float) -> float:
        """Give for how many seconds a request is on its way, less the time that its body may take."""
        request = self.request
        return now - self.since - request.body_bytes_received / _SLOW if self.since and request is not None else 0.0

    def waits_for(self, now: float) -> float:
        """Give for how many seconds an answer waits to be taken, less the time that the bytes taken may need."""
        return self._waits.seconds(now, self.total_outbufs_len > 0, self.sent)

    def holds(self, now: float) -> float:
        """Give for how many seconds the client has held up a worker by taking a long answer too slowly."""
        held = self.total_outbufs_len >= self.adj.outbuf_high_watermark // 2 and bool(self.requests)
        return self._holds.seconds(now, held, self.sent)


class Since:
    """Since when something holds, less the time that the bytes sent meanwhile may have taken."""

    __slots__ = ("_began", "_sent")

    def __init__(self) -> None:
        """Hold nothing yet."""
        self._began, self._sent = 0.0, 0

    def seconds(self, now: float, holds: bool, sent: int) -> float:
        """Give for how long it holds; ``sent`` is the number of bytes sent so far."""
        if not holds:
            self._began = 0.0
        elif not self._began:
            self._began, self._sent = now, sent
        return now - self._began - (sent - self._sent) / _SLOW if self._began else 0.0
