"""Difficult clients: slow, gone, many; the others are served, and what was begun for nobody ends."""

from __future__ import annotations

import shutil
import socket
import threading
from collections import Counter
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import pytest

from attack import MEMORY, QUERY, Target, below, eventually, is_worker, serving
from stadtgraph.access import Tokens
from stadtgraph.city import City
from stadtgraph.web import create_app
from stadtgraph.web.state import Opened

ALL = "SELECT * { ?s <urn:n> ?o . ?t <urn:n> ?u }"
COUNT = "SELECT (COUNT(*) AS ?n) { ?s <urn:n> ?o . ?t <urn:n> ?u . ?v <urn:n> ?w }"


def line(text: str, more: str = "", caller: str = "203.0.113.20") -> bytes:
    """Write a request for a query."""
    return f"GET /sparql?query={quote(text)} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {caller}\r\n{more}\r\n".encode()


def test_readers_of_one_byte_a_second_hold_nobody_up(target: Target) -> None:
    """More of them than threads and workers, each with an answer too large for any buffer."""
    held = [target.connect() for _ in range(30)]
    try:
        for number, connection in enumerate(held):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.sendall(line(ALL, caller=f"203.0.113.{number + 30}"))
        for _ in range(3):
            for connection in held:
                connection.settimeout(0.05)
                with suppress(OSError):
                    connection.recv(1)
            target.check()
    finally:
        for connection in held:
            connection.close()


def test_clients_that_leave_in_the_middle_leave_no_work_behind(target: Target) -> None:
    """While nothing has come yet, and while it comes."""
    for text in (COUNT, ALL):
        for number in range(12):
            with target.connect() as connection:
                connection.sendall(line(text, caller=f"203.0.113.{number + 70}"))
                if number % 2:
                    connection.settimeout(0.3)
                    with suppress(OSError):
                        connection.recv(1000)
    target.check()


def test_idle_connections_and_those_of_one_byte_a_second_hold_nobody_up(target: Target) -> None:
    """Three hundred of each; a thousand and more in the long tests."""
    _crowd(target, 300)


@pytest.mark.slow
def test_more_than_a_thousand_idle_connections_hold_nobody_up(target: Target) -> None:
    """Twelve hundred idle, and as many that send a byte a second."""
    _crowd(target, 1200)


def _crowd(target: Target, number: int) -> None:
    held = []
    try:
        for _ in range(number * 2):
            held.append(target.connect())
        request = line("ASK {}")
        for second in range(3):
            for connection in held[number:]:
                with suppress(OSError):
                    connection.sendall(request[second : second + 1])
            target.check()
    finally:
        for connection in held:
            connection.close()


def test_many_cheap_and_some_heavy_queries_at_once(target: Target) -> None:
    """Every cheap query of well-behaved callers is answered or told to come back, and none is broken."""
    found: Counter[int] = Counter()
    wrong: list[object] = []

    def cheap(number: int) -> None:
        for attempt in range(4):
            answer = target.send(
                "GET",
                f"/sparql?query={quote(f'SELECT ({number * 100 + attempt} AS ?x) {{}}')}&format=csv",
                {"X-Forwarded-For": f"198.51.100.{number + 10}"},
            )
            found[answer.status] += 1
            if answer.status == 200 and answer.body.split() != [b"x", str(number * 100 + attempt).encode()]:
                wrong.append(answer)
            if answer.status in (429, 503) and "retry-after" not in answer.headers:
                wrong.append(answer)

    def heavy(number: int) -> None:
        target.ask(COUNT, caller=f"203.0.113.{number + 100}")

    threads = [threading.Thread(target=cheap, args=(i,)) for i in range(24)]
    threads += [threading.Thread(target=heavy, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and set(found) <= {200, 429, 503}
    assert found[200] > 24, found


def test_unions_of_ever_other_graphs_hold_nobody_up(target: Target) -> None:
    """Each is built anew; meanwhile others are answered."""
    graphs = [f"https://stadtgraph.example/jena/graph/source/{name}" for name in ("register", "many", "hub")]
    threads = []
    for number in range(6):
        chosen = "&".join(f"default-graph-uri={quote(g, safe='')}" for g in graphs[number % 2 : 2 + number % 2])
        path = f"/sparql?query={quote('SELECT (COUNT(*) AS ?n) { ?s ?p ?o }')}&{chosen}&named-graph-uri=urn:x{number}"
        headers = {"X-Forwarded-For": f"203.0.113.{number + 120}"}
        threads.append(threading.Thread(target=target.send, args=("GET", path, headers)))
    for thread in threads:
        thread.start()
    target.check()
    for thread in threads:
        thread.join()


def test_alternating_releases_are_not_computed_anew_each_time(
    attacked_city: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reports and descriptions of a release that is asked for by name are those of the current one, made once."""
    made: list[str] = []
    audit, counts = City.audit, Opened._counts
    monkeypatch.setattr(City, "audit", lambda *given, **how: (made.append("audit"), audit(*given, **how))[1])
    monkeypatch.setattr(Opened, "_counts", lambda found, name: (made.append(name), counts(found, name))[1])
    with City(attacked_city) as city:
        client = create_app(city, testing=True).test_client(use_cookies=False)
        for path in ("/audit", "/void", "/audit/report.json", "/sparql") * 3:
            for more in ("", f"?release={city.releases.current_id()}"):
                answer = client.get(path + more, headers={"Accept": "*/*"})
                assert answer.status_code == 200 and answer.data, (path, answer.text[:300])
    assert sorted(made) == ["audit", "classes", "properties"]


def test_killed_workers_are_replaced_and_callers_told(attacked_city: Path) -> None:
    """Every worker dies while it answers; the next query is answered by another."""
    import os
    import signal

    told: list[int] = []
    with serving(attacked_city, {"QUERY_SECONDS": 1000}) as target:
        for _ in range(3):
            thread = threading.Thread(target=lambda: told.append(target.ask(COUNT).status))
            thread.start()
            target.wait_for_queries()
            while thread.is_alive():  # the one that answers may only be about to start
                for pid in below(target.process.pid):
                    if is_worker(pid):
                        with suppress(OSError):
                            os.kill(pid, signal.SIGKILL)
                thread.join(1)
            target.check()
    assert told == [503, 503, 503]


@pytest.mark.slow
def test_a_large_change_holds_up_nobody_who_reads(attacked_city: Path, tmp_path: Path) -> None:
    """While hundreds of thousands of triples are checked, written, derived and sealed, queries go on being answered."""
    city = tmp_path / "city"
    shutil.copytree(attacked_city, city)
    _, secret = Tokens(city).create(["admin"])
    body = "".join(f'<urn:s{i}> <urn:p> "text {i}" .\n' for i in range(300_000)).encode()
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "text/turtle"}
    with serving(city, {"workers": 1, "QUERY_SECONDS": 60}) as target:
        found: list[int] = []
        thread = threading.Thread(
            target=lambda: found.append(target.send("PUT", "/graphs/source/notes", headers, body, 600).status)
        )
        thread.start()
        asked = 0
        while thread.is_alive():
            answer = target.send("GET", f"/sparql?format=csv&query=SELECT%20({asked}%20AS%20%3Fx)%20%7B%7D")
            assert answer.status == 200 and answer.body.split() == [b"x", str(asked).encode()]
            asked += 1
        assert found == [201] and asked > 20
        assert target.webs <= below(target.process.pid)
        eventually(lambda: target.size() <= MEMORY, "memory is not given back")


def test_posts_without_end_are_cut(target: Target) -> None:
    """A body of chunks that never ends is refused at the bound, and nobody else is kept waiting."""
    sent = 0
    with target.connect(20) as connection:
        connection.sendall(
            b"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Type: "
            + QUERY.encode()
            + b"\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        with suppress(OSError):
            while sent < 64 << 20:
                connection.sendall(b"10000\r\n" + b"#" * 65536 + b"\r\n")
                sent += 65536
    assert sent < 64 << 20
