"""waitress with another loop: thousands of idle clients cost nothing, and a quick query needs no thread.

waitress reads requests whole, waits for slow readers and breaks a cut-off answer visibly; that stays its own. What
differs: the kernel is told once which connections to watch (epoll) instead of every time; a request whose answer was
kept, or which a free worker answers within some milliseconds, is served from the loop itself; who sends a request or
takes an answer too slowly is parted from, and the slowest go first where all together hold too much memory; and
stopping lets answers under way finish. Where there is no epoll, the loop is waitress's own and every request takes a
thread.
"""

from __future__ import annotations

import select
import threading
import time
from collections import deque
from contextlib import suppress
from email.utils import formatdate
from ipaddress import ip_address
from typing import Any, Final

from waitress import channel as waitress_channel
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher

from stadtgraph.web import front, reply
from stadtgraph.web.channel import Channel, is_lasting
from stadtgraph.web.crowd import Crowd
from stadtgraph.web.front import Front, Given, Ready, Standing
from stadtgraph.web.room import Room, Unsent

HOLDING: Final = 15.0
"""Seconds for which a client may hold up a query worker by taking less than 20 KB a second of a long answer."""
WANTED: Final = 1.0
"""The same seconds while others wait for a worker and more readers are slow than take no place for that."""
LOWERED: Final = 0.75
"""The part of the room for all clients that is left in use where some had to go."""
_CLEANING, _LOOKING = 5.0, 0.25
"""Seconds between looks at who is to be parted from: usually, and while somebody waits for a worker."""
_PROMPT, _STARTED = 0.1, 0.015
"""Seconds for which the loop waits for a worker, or for the end of an answer that has begun, before a thread does."""
_QUICK, _AT_ONCE = 0.003, 2
"""Seconds for which a query may turn out to be quick, and how many such are under way at once while others stand in
line: workers that were just at work are twice as quick as those that were not."""
_TRIES: Final = 8
_LONGEST: Final = 2048
_IN, _OUT = 1, 4
_COMMON: Final = "".join(f"{name}: {value}\r\n" for name, value in reply.COMMON)


class _Begun:
    """A query that a worker answers while the loop goes on."""

    __slots__ = ("began", "channel", "given", "handle", "until")

    def __init__(self, channel: Channel, given: Given, handle: int) -> None:
        self.channel, self.given, self.handle, self.began = channel, given, handle, time.monotonic()
        self.until = self.began + _PROMPT


class _Standing:
    """A query that waits for a worker without a thread."""

    __slots__ = ("channel", "query", "since")

    def __init__(self, channel: Channel, query: Standing) -> None:
        self.channel, self.query, self.since = channel, query, time.monotonic()


class Server(TcpWSGIServer):  # type: ignore[misc]
    """A server of one process on a listening socket that others may share."""

    channel_class = Channel

    def __init__(
        self,
        application: Any,
        short: Front | None,
        sock: Any,
        threads: int,
        *,
        held: int = 256_000_000,
        each: int = 0,
        trusted: float = 1.0,
        **settings: Any,
    ) -> None:
        """Serve ``application``; ``short`` is the part of it that the loop may ask itself.

        ``held`` bounds the bytes that wait for clients, ``each`` the threads that one caller may hold; with a token
        it is ``trusted`` times as many.
        """
        self.touched: set[Channel] = set()
        self.room, self.crowd, self.trusted = Room(held), Crowd(min(each, threads // 2)), trusted
        self._short, self._main = short, threading.get_ident()
        self._fresh: list[Channel] = []
        self._begun: dict[int, _Begun] = {}
        self._line: deque[_Standing] = deque()
        self._watched: dict[int, int] = {}
        self._epoll: select.epoll | None = None
        self._until: float | None = None
        self._cleaned = 0.0
        self._date = (0, "")
        adjusted = Adjustments(sockets=[sock], threads=threads, **settings)
        dispatcher = ThreadedTaskDispatcher()
        dispatcher.set_thread_count(threads)
        waitress_channel.OverflowableBuffer = Unsent  # the name by which connections make theirs
        info = (sock.family, sock.type, sock.proto, sock.getsockname())
        super().__init__(application, None, True, sock, dispatcher, adjusted, info, bind_socket=False)

    def run(self) -> None:
        """Serve until :meth:`stop` was called and what was under way is done."""
        if not hasattr(select, "epoll"):
            super().run()
            return
        self._main = threading.get_ident()
        with select.epoll() as self._epoll:
            for handle in self._map:
                self._watch(handle, _IN)
            while self._until is None or (self._is_busy() and time.monotonic() < self._until):
                self._turn()
            self._epoll = None

    def stop(self, grace: float) -> None:
        """Take no more connections; :meth:`run` ends with the last answer under way, or after ``grace`` seconds."""
        self._until = time.monotonic() + grace
        self.pull_trigger()

    def add_task(self, task: Channel) -> None:
        """Have the next request of a connection answered."""
        if self._epoll is not None and threading.get_ident() == self._main:
            self._fresh.append(task)
        else:
            self.task_dispatcher.add_task(task)

    def pull_trigger(self) -> None:
        """Wake the loop, which does not sleep while it works."""
        if self._epoll is None or self._until is not None or threading.get_ident() != self._main:
            super().pull_trigger()

    @property
    def is_main(self) -> bool:
        """Tell whether the loop itself asks."""
        return threading.get_ident() == self._main

    def forget(self, handle: int) -> None:
        """Watch a handle no longer; one that was closed meanwhile the system has forgotten already."""
        if self._watched.pop(handle, None) is not None and self._epoll is not None:
            with suppress(OSError):
                self._epoll.unregister(handle)

    def maintenance(self, now: float) -> None:
        """Close connections that do nothing, are too slow, or are idle while others want in.

        A client that holds up a worker is parted from at once where somebody waits for one, and that is noted.
        """
        is_wanted = self._short is not None and self._short.is_choked
        crowded = len(self._map) > self.adj.connection_limit * 3 // 4
        patience = _CLEANING if crowded else self.adj.channel_timeout
        for channel in list(self.active_channels.values()):
            idle = not channel.requests and channel.last_activity < now - patience
            held = channel.holds(now)
            if held > (WANTED if is_wanted else HOLDING):
                if is_wanted and self._short is not None:
                    self._short.parted(str(channel.addr[0]) if channel.caller is None else channel.caller)
                channel.handle_close()
            elif idle or channel.is_slow(now):
                channel.will_close = True
                self.touched.add(channel)
        self._make_room(now)

    def _make_room(self, now: float) -> None:
        """Part from the slowest clients while all together hold more than there is room for."""
        if not self.room.is_over:
            return
        held, goal = self.room.held, self.room.bound * LOWERED
        found = [c for c in self.active_channels.values() if c.held]
        for channel in sorted(found, key=lambda c: (c.waits_for(now), c.sends_for(now), c.held), reverse=True):
            if held <= goal:
                return
            held -= channel.held
            channel.handle_close()

    def _turn(self) -> None:
        assert self._epoll is not None
        now = time.monotonic()
        pause = _LOOKING if self._short is not None and self._short.is_wanted else _CLEANING
        if now - self._cleaned > pause:
            self._cleaned = now
            self.maintenance(time.time())
        self._watch(self._fileno, _IN if self._until is None and self.readable() else 0)
        self._watch_touched()
        wait = 1.0
        if self._begun:
            wait = max(0.0, min(begun.until for begun in self._begun.values()) - now)
        if self._line:
            wait = min(wait, max(0.0, self._line[0].since + _PROMPT - now), _QUICK if self._is_crowded(now) else wait)
        for handle, event in self._epoll.poll(wait):
            if handle in self._begun:
                self._go_on(self._begun[handle])
            elif handle in self._map:
                wasyncore.readwrite(self._map[handle], event)
            if self.room.is_over:
                self._make_room(time.time())
            while self._fresh:
                self._begin(self._fresh.pop())
        self._move_up()
        for begun in [b for b in self._begun.values() if time.monotonic() >= b.until]:
            self._hand_over(begun)

    def _is_busy(self) -> bool:
        return bool(self._begun) or any(c.requests or c.total_outbufs_len for c in self.active_channels.values())

    def _watch_touched(self) -> None:
        for channel in list(self.touched):
            handle = channel._fileno
            if handle is None or self._map.get(handle) is not channel:
                self.touched.discard(channel)
                continue
            events = (_IN if channel.readable() else 0) | (_OUT if channel.writable() else 0)
            self._watch(handle, events)
            if events == _IN and not channel.requests:
                self.touched.discard(channel)

    def _watch(self, handle: int, events: int) -> None:
        assert self._epoll is not None
        before = self._watched.get(handle)
        if before is None:
            self._epoll.register(handle, events)
        elif before != events:
            self._epoll.modify(handle, events)
        self._watched[handle] = events

    def _begin(self, channel: Channel) -> None:
        """Answer from the loop what can be answered so; give the rest to a thread."""
        request = channel.requests[0]
        found = self._shortly(channel, request) if self._short is not None else None
        if isinstance(found, Ready):
            self._send(channel, found)
        elif isinstance(found, Standing):
            self._line.append(_Standing(channel, found))
        else:
            self._take(channel, found)

    def _take(self, channel: Channel, found: Given | None) -> None:
        """Watch the worker that was asked; where none was, give the request to a thread."""
        if found is None:
            self.task_dispatcher.add_task(channel)
        else:
            handle = found.blocks.handle
            self._begun[handle] = _Begun(channel, found, handle)
            self._watch(handle, _IN)

    def _is_crowded(self, now: float) -> bool:
        """Tell whether enough queries are under way that may turn out to be quick."""
        return sum(now - begun.began < _QUICK for begun in self._begun.values()) >= _AT_ONCE

    def _move_up(self) -> None:
        """Ask free workers what stands in line; who has stood there for long gets a thread, which waits on."""
        if self._short is None or not self._line:
            return
        now = time.monotonic()
        kept: list[_Standing] = []
        while self._line and len(kept) < _TRIES:
            first = self._line[0]
            if now - first.since < _PROMPT and (self._is_crowded(now) or not self._short.is_free):
                break
            self._line.popleft()
            if not first.channel.connected:
                first.channel.service()  # which tidies up
                continue
            late = now - first.since >= _PROMPT
            found = None if late else self._short.again(first.query)
            if isinstance(found, Standing):
                kept.append(first)
            else:
                self._take(first.channel, found)
        self._line.extendleft(reversed(kept))

    def _shortly(self, channel: Channel, request: Any) -> Ready | Given | Standing | None:
        headers = request.headers
        if request.error or request.version != "1.1" or channel.total_outbufs_len:
            return None
        if request.path == front.LIVE and request.command == "GET" and "AUTHORIZATION" not in headers:
            return front.LIVING
        if request.path not in front.PATHS:
            return None
        if "AUTHORIZATION" in headers or not is_lasting(headers) or len(request.query) > _LONGEST:
            return None
        method, body = request.command, b""
        if method == "POST":
            if request.body_bytes_received > _LONGEST or "CONTENT_ENCODING" in headers:
                return None
            stream = request.get_body_stream()
            body = stream.read()
            stream.seek(0)
        elif method != "GET":
            return None
        accepted = f"{headers.get('ACCEPT', '')}\n{headers.get('ACCEPT_ENCODING', '')}"
        raw = (method, request.query.encode("latin-1"), headers.get("CONTENT_TYPE", ""), accepted, body)
        assert self._short is not None
        known, address = headers.get("IF_NONE_MATCH", ""), self.address(channel, headers)
        channel.caller = address
        ask = not self._line and not self._is_crowded(time.monotonic())
        return self._short.begin(raw, known, address, channel.check_client_disconnected, ask=ask)

    def address(self, channel: Channel, headers: Any) -> str | None:
        """Give the address of the caller as waitress would; ``None`` where that takes a closer look."""
        own, proxy = str(channel.addr[0]), self.adj.trusted_proxy
        if not proxy or (proxy not in (own, "*")) or "X_FORWARDED_FOR" not in headers:
            return own
        last = headers["X_FORWARDED_FOR"].rpartition(",")[2].strip()
        try:
            return str(ip_address(last))
        except ValueError:
            return None

    def _go_on(self, begun: _Begun) -> None:
        """Take what a worker has sent; at its end the answer is sent, and what is long or wrong goes to a thread."""
        assert self._short is not None
        self.forget(begun.handle)  # a worker that dies is closed, and its number may be another file's at once
        found = self._short.go_on(begun.given)
        if found is not None:
            del self._begun[begun.handle]
            self._send(begun.channel, found)
        elif begun.given.needs_thread:
            self._hand_over(begun)
        else:
            begun.until = min(begun.until, time.monotonic() + _STARTED)
            self._watch(begun.handle, _IN)

    def _hand_over(self, begun: _Begun) -> None:
        del self._begun[begun.handle]
        self.forget(begun.handle)
        channel = begun.channel
        if channel.connected:
            channel.given = begun.given
            self.task_dispatcher.add_task(channel)
        else:
            begun.given.close()
            channel.service()

    def _send(self, channel: Channel, ready: Ready) -> None:
        body = b"".join(ready.blocks)
        lines = "".join(f"{name}: {value}\r\n" for name, value in ready.headers[len(reply.COMMON) :])
        head = f"HTTP/1.1 {ready.status}\r\n{_COMMON}{lines}Date: {self._now()}\r\n\r\n"
        channel.ready = head.encode("latin-1") + body
        channel.service()
        self.touched.add(channel)

    def _now(self) -> str:
        second = int(time.time())
        if self._date[0] != second:
            self._date = (second, formatdate(second, usegmt=True))
        return self._date[1]
