"""Workers die and the process that asked them does not; what they may do is bounded by the kernel."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pyoxigraph as ox
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtgraph.errors import NotFound, QueryTimeout, StadtgraphError, StoreError
from stadtgraph.query import Abandoned, Limits, Place, Plan, Pool, PoolSettings, Queries, Ticket, plan, wire
from stadtgraph.query.allocation import LIBRARY, allocation
from stadtgraph.query.pool import Worker
from stadtgraph.query.sandbox import close_doors
from stadtgraph.sparql import protocol

DOUBLING = " ".join(f"BIND(CONCAT(?a{i}, ?a{i}) AS ?a{i + 1})" for i in range(30))
BOMBS = {
    "memory": f'SELECT ?x {{ BIND("{"a" * 64}" AS ?a0) {DOUBLING} BIND(STRLEN(?a30) AS ?x) }}',
    "sorting": "SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i } ORDER BY ?c ?f ?i",
    "counting": "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }",
    "grouping": 'SELECT (GROUP_CONCAT(?c; separator="") AS ?x) { ?a ?b ?c . ?d ?e ?f }',
}


def planned(text: str) -> Plan:
    """Plan a query that asks for JSON."""
    request = protocol.read("POST", b"", "application/sparql-query", text.encode(), "application/sparql-results+json")
    return plan(request, "https://stadtgraph.example/jena/")


@pytest.fixture
def queries() -> Iterator[Queries]:
    """Two workers, three seconds, half a gigabyte."""
    found = Queries(Limits(seconds=3), Pool(PoolSettings(size=2, memory=512 << 20)))
    yield found
    found.close()


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_ends_its_worker_and_the_next_query_is_answered(queries: Queries, place: Place, bomb: str) -> None:
    """Time or memory runs out; the process that asked goes on."""
    with pytest.raises((QueryTimeout, StoreError)) as caught:
        b"".join(queries.run(planned(BOMBS[bomb]), place).blocks)
    assert caught.value.key in ("query-time", "query-memory")
    assert queries.pool.busy == 0
    assert b"true" in b"".join(queries.run(planned("ASK {}"), place).blocks)


@pytest.mark.skipif(not os.path.exists("/proc/self/environ"), reason="the system does not tell")
@pytest.mark.parametrize("allocator", ["", "jemalloc", "no-such-allocator"])
def test_a_worker_is_told_how_to_allocate_its_memory(place: Place, allocator: str) -> None:
    """The C library reads that when a program starts, and never later; an allocator that is absent is not missed."""
    queries = Queries(pool=Pool(PoolSettings(size=1, memory=512 << 20, allocator=allocator)))
    b"".join(queries.run(planned("ASK {}"), place).blocks)
    pid = next(worker.pid for worker in queries.pool._all)
    with open(f"/proc/{pid}/environ", "rb") as file:
        told = dict(pair.split("=", 1) for pair in file.read().decode().split("\0") if pair)
    with open(f"/proc/{pid}/maps") as file:
        preloaded = "libjemalloc" in file.read()
    queries.close()
    assert told.items() >= LIBRARY.items()
    assert preloaded == (allocator == "jemalloc" and "LD_PRELOAD" in allocation("jemalloc"))


@pytest.mark.skipif("LD_PRELOAD" not in allocation("jemalloc"), reason="jemalloc is not installed (libjemalloc2)")
@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_ends_its_worker_with_another_allocator_too(place: Place, bomb: str) -> None:
    """It reaches the bound of its memory as it does with the C library's, and says so."""
    queries = Queries(Limits(seconds=3), Pool(PoolSettings(size=1, memory=512 << 20, allocator="jemalloc")))
    with pytest.raises((QueryTimeout, StoreError)) as caught:
        b"".join(queries.run(planned(BOMBS[bomb]), place).blocks)
    assert caught.value.key in ("query-time", "query-memory")
    assert b"true" in b"".join(queries.run(planned("ASK {}"), place).blocks)
    queries.close()


def test_a_disk_that_is_full_finds_no_allocator(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking for a library may write a file; workers start without it."""

    def full(_: str) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("stadtgraph.query.allocation.find_library", full)
    assert allocation("some-other-allocator") == LIBRARY


def test_workers_that_were_all_at_work_are_kept(queries: Queries, place: Place) -> None:
    """Also the one that was started meanwhile, to be warm: else one would be ended and started with every query."""
    b"".join(queries.run(planned("ASK {}"), place).blocks)
    known: list[set[int]] = []
    for _ in range(4):
        held = [queries.pool.acquire(60, caller=caller) for caller in "ab"]
        while not queries.pool._idle:
            time.sleep(0.01)
        for worker in held:
            queries.pool.release(worker)
        known.append({worker.pid for worker in queries.pool._all})
    assert known[1:] == known[:-1] and len(known[0]) == 3


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT], ids=lambda n: n.name)
def test_a_worker_that_dies_is_reported_and_replaced(queries: Queries, place: Place, number: signal.Signals) -> None:
    """Whatever kills it, the caller gets an error and the next one an answer."""
    answer = queries.run(planned("SELECT * { ?a <urn:n> ?b . ?c <urn:n> ?d }"), place)
    (worker,) = [found for found in queries.pool._all if found.hold is not None]
    os.kill(worker.pid, number)
    with pytest.raises((QueryTimeout, StoreError)):
        b"".join(answer.blocks)
    assert b"true" in b"".join(queries.run(planned("ASK {}"), place).blocks)


def test_an_idle_worker_that_dies_costs_nobody_an_answer(queries: Queries, place: Place) -> None:
    """It is noticed when it is taken, and another one is asked."""
    for _ in range(3):
        assert b"true" in b"".join(queries.run(planned("ASK {}"), place).blocks)
        for worker in list(queries.pool._idle):
            os.kill(worker.pid, signal.SIGKILL)
            while worker.is_alive():
                time.sleep(0.01)


PRODUCT = "{ ?a <urn:n> ?b . ?c <urn:n> ?d } LIMIT 1000000"


def test_quick_queries_are_answered_while_long_ones_hold_every_place(place: Place) -> None:
    """A long one that has sent nothing yet begins anew later, and all are answered in the end."""
    queries = Queries(Limits(seconds=60, patience=60), Pool(PoolSettings(size=2, memory=512 << 20)))
    found: list[bytes] = []

    def count(number: int) -> None:
        text = f"SELECT (COUNT(*) AS ?n) {{ SELECT * {PRODUCT[:-1]}{number} }}"
        found.append(b"".join(queries.run(planned(text), place, ticket=Ticket(caller=f"long {number}")).blocks))

    threads = [threading.Thread(target=count, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    quick = 0
    while any(thread.is_alive() for thread in threads):
        text = f"SELECT ({quick} AS ?x) {{}}"
        assert str(quick).encode() in b"".join(queries.run(planned(text), place, ticket=Ticket(caller="q")).blocks)
        quick += 1
    queries.close()
    assert len(found) == 4 and all(b"100000" in body for body in found) and quick > 4


def test_readers_who_take_nothing_hold_up_nobody(place: Place) -> None:
    """Two of them, two places: their workers wait for them, and others get workers of their own."""
    queries = Queries(Limits(seconds=20, patience=30), Pool(PoolSettings(size=2, memory=512 << 20)))
    text = f"SELECT * {PRODUCT}"
    slow = [queries.run(planned(text + str(i)), place, ticket=Ticket(caller=f"slow {i}")) for i in range(2)]
    for number in range(4):
        asked = planned(f"SELECT ({number} AS ?x) {{}}")
        assert b"results" in b"".join(queries.run(asked, place, ticket=Ticket(caller="quick")).blocks)
    assert queries.pool.busy == 2
    for answer in slow:
        assert next(answer.blocks)
        answer.blocks.close()
    assert queries.pool.busy == 0
    queries.close()


def test_who_takes_only_what_has_come_is_not_set_back(place: Place) -> None:
    """The loop of a server waits for no other worker; the thread that goes on with the query does."""
    queries = Queries(Limits(seconds=60, patience=60), Pool(PoolSettings(size=1, memory=512 << 20)))
    queries.pool.warm()
    queries.pool.release(queries.pool.acquire(60))
    asked = planned(f"SELECT (COUNT(*) AS ?n) {{ SELECT * {PRODUCT}0 }}")  # longer than from one look to the next
    begun = queries.begin(asked, place, lambda: False, Ticket(caller="a"))
    assert begun is not None
    looks = iter([True])
    queries.pool.must_go = lambda _: next(looks, False)  # type: ignore[method-assign]
    handle = begun.handle
    assert begun.read_ahead(1 << 20, wait=False) is None and begun.handle == handle
    assert begun.read_ahead(1 << 20, wait=True) is not None and not queries.pool.busy
    begun.close()
    queries.close()


def test_who_leaves_the_line_is_waited_for_no_longer(place: Place) -> None:
    """A client that has gone takes no worker when its turn comes."""
    queries = Queries(Limits(seconds=20, patience=30), Pool(PoolSettings(size=1, memory=512 << 20)))
    held = [queries.pool.acquire(1, caller="a"), queries.pool.acquire(1, caller="b")]
    with pytest.raises(Abandoned):
        queries.run(planned("ASK {}"), place, lambda: True, ticket=Ticket(caller="c"))
    assert not queries.pool.is_wanted
    for worker in held:
        queries.pool.release(worker)
    queries.close()


def test_a_worker_that_dies_before_it_is_asked_is_not_told_to_the_caller(
    queries: Queries, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The query did not end it; another one answers."""
    ask, died = Worker.ask, list[int]()

    def asked(worker: Worker, request: dict[str, Any]) -> None:
        if len(died) < 2:
            died.append(worker.pid)
            raise wire.Broken
        ask(worker, request)

    monkeypatch.setattr(Worker, "ask", asked)
    assert b"true" in b"".join(queries.run(planned("ASK {}"), place).blocks)
    assert len(died) == 2 and queries.pool.busy == 0


def test_workers_end_with_the_process_that_started_them(place: Place, tmp_path: Any) -> None:
    """A web process that is killed leaves no worker behind."""
    script = (
        "import os, sys, time; from stadtgraph.query import Pool;"
        "p = Pool(); w = p.acquire(60); print(w.pid, flush=True); time.sleep(600)"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    process.kill()
    process.wait()
    process.stdout.close()
    for _ in range(2400):
        if not _runs(pid):
            return
        time.sleep(0.05)
    pytest.fail("the worker outlived its parent")


def _runs(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rsplit(b")", 1)[1].split()[0] != b"Z"
    except OSError:
        return False


ATTEMPTS = {
    "a socket": "import socket; socket.socket()",
    "a program": "import os; os.execv('/bin/true', ['true'])",
    "a child": "import subprocess; subprocess.run(['/bin/true'])",
    "a signal": "import os; os.kill(os.getppid(), 0)",
    "a removal": "import os; os.unlink(os.environ['VICTIM'])",
    "a file": "import os; f = open(os.environ['VICTIM'], 'wb'); f.write(b'x'); f.flush()",
}


@pytest.mark.skipif(sys.platform != "linux", reason="the filter is Linux's seccomp")
@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_inside_the_sandbox_there_is_no_way_out(attempt: str, tmp_path: Any) -> None:
    """Sockets, programs, children, signals, removals and written bytes are refused by the kernel."""
    victim = tmp_path / "victim"
    victim.write_bytes(b"")
    script = (
        "from stadtgraph.query import sandbox\n"
        "sandbox.limit(4 << 30)\n"
        "assert sandbox.close_doors()\n"
        f"try:\n    {ATTEMPTS[attempt]}\nexcept (PermissionError, OSError) as e:\n    print('refused', flush=True)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env={**os.environ, "VICTIM": str(victim)}
    )
    assert result.stdout == "refused\n", result.stderr
    assert victim.read_bytes() == b""


def test_the_filter_is_known_for_this_machine() -> None:
    """Where it is not, the documentation says what the operator does instead."""
    result = subprocess.run(
        [sys.executable, "-c", f"from {close_doors.__module__} import close_doors; print(close_doors())"],
        capture_output=True,
        text=True,
    )
    assert result.stdout in ("True\n", "False\n")


@given(
    st.lists(st.tuples(st.sampled_from([wire.BLOCK, wire.END, wire.ERROR]), st.binary(max_size=300_000)), max_size=5)
)
def test_frames_arrive_as_they_were_sent(frames: list[tuple[bytes, bytes]]) -> None:
    """Whatever their size and content."""
    from threading import Thread

    left, right = os.pipe()

    def send() -> None:
        for tag, payload in frames:
            wire.write(right, (tag, payload))
        os.close(right)

    thread = Thread(target=send)
    thread.start()
    reader = wire.Reader(left)
    assert [reader.read() for _ in frames] == frames
    with pytest.raises(wire.Broken):
        reader.read()
    thread.join()
    os.close(left)


@pytest.mark.parametrize("data", [b"", b"{", b'["City","x",{}]', b'["NotFound","no-such-key",{}]', b'["os","x",{}]'])
def test_what_a_worker_says_wrongly_becomes_an_error_of_ours(data: bytes) -> None:
    """Nothing of it is executed or shown."""
    assert wire.error_from_bytes(data).key == "query-failed"


def test_errors_pass_through() -> None:
    """Class, key and parameters."""
    error = wire.error_from_bytes(wire.error_to_bytes(NotFound("release-unknown", id="x")))
    assert isinstance(error, NotFound) and isinstance(error, StadtgraphError) and error.params == {"id": "x"}


def test_terms_of_every_kind_pass_through_a_preview(queries: Queries, place: Place) -> None:
    """IRIs, literals with tabs, line ends and languages, unbound variables."""
    text = 'SELECT * { VALUES (?a ?b ?c) { (<urn:x> "tab\\there\\nline"@de UNDEF) (1.50 "\\"" true) } }'
    preview = queries.preview(planned(text), place, 10)
    assert len(preview.rows) == 2 and preview.rows[0][2] is None
    assert preview.rows[0][:2] == (ox.NamedNode("urn:x"), ox.Literal("tab\there\nline", language="de"))
    empty = queries.preview(planned("SELECT * { VALUES () { () () } }"), place, 10)
    assert len(empty.rows) == 2
