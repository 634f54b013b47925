"""What a server holds for slow and faithless clients is bounded, and comes back when they have gone."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import pytest
from waitress.adjustments import Adjustments

from attack import Target, below, eventually, is_worker, resident, serving, sockets
from stadtgraph.web.channel import Channel
from stadtgraph.web.room import Room

HELD = 24 << 20
"""``[serve] held`` of these servers, less than what the clients ask for."""
LONG = "SELECT * { ?s <urn:n> ?o . ?t <urn:n> ?u }"
KEPT = "SELECT * { ?s <urn:n> ?o BIND(?o AS ?a) BIND(?o AS ?b) BIND(?o AS ?c) BIND(?o AS ?d) BIND(?o AS ?e) }"
SETTINGS = {"SERVE_HELD": HELD, "workers": 1, "QUERY_CACHE": 96 << 20, "QUERY_SECONDS": 5}
HEAD = b"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Type: application/sparql-query\r\nContent-Length: %d\r\n\r\n"
ESTABLISHED = "01"
ROOM = 170 << 20
"""Bytes by which one web process may grow: what it holds, keeps and reads at once, and what the allocator adds."""


def line(text: str, caller: str) -> bytes:
    """Write a request for a query."""
    head = f"Host: x\r\nAccept: application/json\r\nX-Forwarded-For: {caller}"
    return f"GET /sparql?query={quote(text)} HTTP/1.1\r\n{head}\r\n\r\n".encode()


def taken(target: Target, stack: ExitStack) -> socket.socket:
    """Open a connection that takes little."""
    connection = stack.enter_context(target.connect())
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(5)
    return connection


def web(target: Target) -> int:
    """Give the resident bytes of the web process."""
    return sum(map(resident, target.webs))


def goes_back(target: Target, before: int) -> None:
    """Wait until the process is about as small as before."""
    eventually(lambda: web(target) <= before + (64 << 20), "memory is not given back")


def test_answers_that_nobody_takes_are_bounded_together(attacked_city: Path) -> None:
    """Many clients ask for an answer of some megabytes that was kept, and read nothing: the slowest have to go.

    It is more than the system itself takes for a connection.
    """
    with serving(attacked_city, SETTINGS) as target:
        assert len(target.ask(KEPT, accept="application/json").body) > 5 << 20
        before = web(target)
        with ExitStack() as stack:
            clients = [taken(target, stack) for _ in range(150)]
            for number, client in enumerate(clients):
                with suppress(OSError):
                    client.sendall(line(KEPT, f"203.0.113.{number}"))
            until = time.monotonic() + 120
            while counted(target, 'source="cache"') < 150 and time.monotonic() < until:
                target.check()
                assert web(target) < before + ROOM
            assert len(open_connections(target)) < 50
        goes_back(target, before)


def test_long_answers_to_those_who_are_parted_from_leave_nothing_behind(attacked_city: Path) -> None:
    """Round after round of slow readers: neither memory nor workers nor connections grow."""
    with serving(attacked_city, SETTINGS) as target:
        before = web(target)
        for round_ in range(4):
            with ExitStack() as stack:
                for number in range(12):
                    client = taken(target, stack)
                    client.sendall(line(LONG, f"203.0.113.{round_ * 12 + number}"))
                    with suppress(OSError):
                        client.recv(1)
                time.sleep(2)
                assert web(target) < before + ROOM
            target.check()
        goes_back(target, before)
        assert len([p for p in below(target.process.pid) if is_worker(p)]) <= 4
        assert not open_connections(target)


def open_connections(target: Target) -> list[str]:
    """Give the connections that the web process has open."""
    held = {found for pid in target.webs for found in sockets(pid)}
    lines = [text.split() for text in Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]]
    mine = [fields for fields in lines if fields[1].endswith(f":{target.port:04X}") and fields[3] == ESTABLISHED]
    return [fields[2] for fields in mine if f"socket:[{fields[9]}]" in held]


def test_requests_that_are_never_finished_are_bounded_together(attacked_city: Path) -> None:
    """Half a megabyte of a body each, and no more: the slowest have to go, and nobody else waits."""
    with serving(attacked_city, SETTINGS) as target:
        before = web(target)
        with ExitStack() as stack:
            clients = [stack.enter_context(target.connect(120)) for _ in range(250)]
            for client in clients:
                with suppress(OSError):
                    client.sendall(HEAD % 900_000 + b"#" * 500_000)
                assert web(target) < before + ROOM
            target.check()
            assert web(target) < before + ROOM
            eventually(lambda: len(open_connections(target)) * 500_000 <= HELD * 1.5, "the slowest may stay")
        goes_back(target, before)


def test_one_upload_is_not_in_the_way_of_another(attacked_city: Path) -> None:
    """Whoever sends steadily gets through while others stall."""
    with serving(attacked_city, SETTINGS) as target, ExitStack() as stack:
        stalled = [stack.enter_context(target.connect(120)) for _ in range(20)]
        for client in stalled:
            client.sendall(HEAD % 2_000_000 + b"#" * 1_000_000)
        time.sleep(3)
        steady = stack.enter_context(target.connect(120))
        steady.sendall(HEAD % 2_000_000)
        for _ in range(20):
            steady.sendall(b"#" * 100_000)
        assert steady.recv(100).startswith(b"HTTP/1.1 400 ")


def test_a_client_that_leaves_while_its_query_waits_for_a_thread_leaves_no_worker_busy(attacked_city: Path) -> None:
    """A query that the loop began and a thread was to go on with is ended when its client has gone meanwhile."""
    with serving(attacked_city, SETTINGS) as target:
        for round_ in range(6):
            with ExitStack() as stack:
                for number in range(30):
                    client = stack.enter_context(target.connect(120))
                    client.sendall(line(f"{LONG} LIMIT {200_000 + number}", f"203.0.113.{round_ * 30 + number}"))
        eventually(lambda: not counted(target, "in_flight"), "a worker is busy for nobody")
        assert all(target.ask(f"SELECT ({i} AS ?x) {{}}").status == 200 for i in range(5))


def counted(target: Target, what: str) -> float:
    """Give the sum of the server's counts of queries that are named so."""
    lines = target.send("GET", "/metrics").body.decode().splitlines()
    return sum(float(t.split()[-1]) for t in lines if t.startswith("stadtgraph_queries_") and what in t)


def test_a_query_that_was_begun_for_somebody_who_has_gone_is_ended() -> None:
    """Also where that is noticed only when a thread takes the request."""
    ended: list[bool] = []
    mine, theirs = socket.socketpair()
    with mine, theirs:
        server = SimpleNamespace(
            active_channels={}, touched=set(), room=Room(1000), is_main=False, forget=lambda _: None, pull_trigger=int
        )
        channel = Channel(server, mine, ("203.0.113.1", 1), Adjustments(), map={})
        channel.requests = [
            SimpleNamespace(
                error=None, version="1.1", path="/sparql", close=int, header_bytes_received=100, body_bytes_received=20
            )
        ]
        channel._count_received()
        assert server.room.held == 120
        channel.given = SimpleNamespace(close=lambda: ended.append(True))  # type: ignore[assignment]
        channel.connected = False
        channel.service()
    assert ended and channel.given is None and server.room.held == 0


pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="sizes of processes are read from /proc")
