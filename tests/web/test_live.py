"""A live server: unmodified clients, cut-off answers, signals, dead processes, moved releases."""

from __future__ import annotations

import contextlib
import http.client
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from rdflib import Graph, URIRef
from rdflib.plugins.stores.sparqlstore import SPARQLStore

from stadtgraph.city import City
from stadtgraph.errors import StoreError, UsageError
from stadtgraph.web.server import listen

BASE = "https://stadtgraph.example/jena/"
KEEPING = {"Connection": "Keep-Alive"}
LABELS = "SELECT ?l { <id/unit/ksj> <http://www.w3.org/2000/01/rdf-schema#label> ?l } ORDER BY ?l"


def curl(*arguments: str) -> str:
    """Run curl and give what it prints."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    return subprocess.run(["curl", "-s", *arguments], capture_output=True, check=True).stdout.decode()


@pytest.mark.parametrize(
    ("arguments", "start"),
    [
        (["--data-urlencode", f"query={LABELS}", "-G"], '{"head":{"vars":["l"]}'),
        (["--data-urlencode", f"query={LABELS}"], '{"head":{"vars":["l"]}'),
        (["-H", "Content-Type: application/sparql-query", "-d", LABELS, "-H", "Accept: text/csv"], "l\r\n"),
        (
            ["--data-urlencode", f"query={LABELS}", "-G", "--compressed", "-H", "Accept: text/tab-separated-values"],
            "?l\n",
        ),
        (
            [
                "--data-urlencode",
                "query=CONSTRUCT WHERE { ?s <urn:n> ?o }",
                "-G",
                "-H",
                "Accept: application/n-triples",
            ],
            "<",
        ),
        ([], "@prefix"),
    ],
)
def test_curl_asks(live: str, arguments: list[str], start: str) -> None:
    """GET, form, direct, compressed."""
    assert curl(f"{live}/sparql", *arguments).startswith(start)


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")  # SPARQLWrapper makes one
def test_sparqlwrapper_asks_in_its_own_ways(live: str) -> None:
    """Every return format and both methods (it sends ``format``, ``output`` and ``results`` at once)."""
    import SPARQLWrapper as sw

    wrapper = sw.SPARQLWrapper(f"{live}/sparql")
    for method in (sw.GET, sw.POST):
        wrapper.setMethod(method)
        wrapper.setQuery(LABELS)
        wrapper.setReturnFormat(sw.JSON)
        rows: Any = wrapper.queryAndConvert()
        assert [b["l"]["value"] for b in rows["results"]["bindings"]] == ["Kommunalservice", "Municipal Services"]
        wrapper.setReturnFormat(sw.XML)
        document: Any = wrapper.queryAndConvert()
        assert len(document.getElementsByTagName("result")) == 2
        wrapper.setReturnFormat(sw.CSV)
        table: Any = wrapper.queryAndConvert()
        assert table.split() == [b"l", b"Kommunalservice", b"Municipal", b"Services"]
        wrapper.setQuery("CONSTRUCT WHERE { <id/unit/ksj> ?p ?o }")
        for format in (sw.TURTLE, sw.RDFXML, sw.XML, sw.N3):
            wrapper.setReturnFormat(format)
            graph: Any = wrapper.queryAndConvert()
            assert len(Graph().parse(data=graph) if isinstance(graph, bytes) else graph) == 2
        wrapper.setQuery("ASK {}")
        wrapper.setReturnFormat(sw.JSON)
        truth: Any = wrapper.queryAndConvert()
        assert truth["boolean"] is True


@pytest.mark.parametrize("format", ["xml", "json"])
def test_rdflibs_store_reads_the_endpoint_as_a_graph(live: str, format: str) -> None:
    """Patterns, counts, queries, and a named graph by ``default-graph-uri``."""
    graph = Graph(SPARQLStore(f"{live}/sparql", returnFormat=format), identifier=URIRef("urn:x-local:all"))
    store = SPARQLStore(f"{live}/sparql", returnFormat=format)
    assert len(list(store.triples((URIRef(BASE + "id/unit/ksj"), None, None)))) == 2
    named = Graph(store, identifier=URIRef(BASE + "graph/source/second"))
    rows = list(named.query("SELECT ?s WHERE { ?s a <http://www.w3.org/ns/dcat#Dataset> }"))
    assert [str(row[0]) for row in rows] == [BASE + "id/dataset/second"]  # type: ignore[index]
    graph.close()


def test_pandas_style_reading_gives_csv(live: str) -> None:
    """An address alone is enough; urllib sends no Accept header."""
    with urllib.request.urlopen(f"{live}/sparql?query={quote(LABELS)}&format=csv") as answer:
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert answer.read() == b"l\r\nKommunalservice\r\nMunicipal Services\r\n"


def test_a_slow_sender_and_a_slow_reader_hold_nobody_up(live: str) -> None:
    """More half-sent requests than threads, and one who does not read; the next is answered at once."""
    parts = urlsplit(live)
    assert parts.hostname and parts.port
    held = [socket.create_connection((parts.hostname, parts.port)) for _ in range(20)]
    try:
        for connection in held:
            connection.sendall(b"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nquery=")
        slow = socket.create_connection((parts.hostname, parts.port))
        held.append(slow)
        text = quote("SELECT * { ?s <urn:n> ?o }")
        slow.sendall(f"GET /sparql?query={text} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        slow.recv(100)
        assert '"boolean":true' in curl("--max-time", "60", f"{live}/sparql?query=ASK%7B%7D")
    finally:
        for connection in held:
            connection.close()


@pytest.fixture(scope="module")
def short(folder: Path, serving: Any) -> Iterator[str]:
    """A live server whose answers may have two megabytes."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("STADTGRAPH_QUERY_BYTES", "2000000")
        patched.setenv("STADTGRAPH_QUERY_SECONDS", "300")
        with serving(folder, threads=1) as server:
            yield server.address


@pytest.fixture
def hurried(folder: Path, serving: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A live server whose queries may take half a second, with few workers."""
    monkeypatch.setenv("STADTGRAPH_QUERY_SECONDS", "0.5")
    with serving(folder, threads=1) as server:
        yield server.address


@pytest.mark.parametrize("headers", [{}, {"Accept-Encoding": "gzip"}])
def test_a_cut_off_answer_is_seen_as_broken(short: str, headers: dict[str, str]) -> None:
    """No end mark of the chunks, so the client raises."""
    parts = urlsplit(short)
    connection = http.client.HTTPConnection(parts.netloc, timeout=120)
    connection.request("GET", "/sparql?query=" + quote("SELECT * { ?s <urn:n> ?o . ?t <urn:n> ?u }"), headers=headers)
    answer = connection.getresponse()
    assert answer.status == 200
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        answer.read()
    connection.close()


@pytest.mark.parametrize(("least", "headers"), [(19_000, {}), (19_010, {"Connection": "keep-alive"}), (1, KEEPING)])
def test_a_connection_lasts_whether_the_length_of_an_answer_was_known_or_not(
    live: str, least: int, headers: dict[str, str]
) -> None:
    """The last chunk tells the end too, so the next request needs no connection of its own."""
    connection = http.client.HTTPConnection(urlsplit(live).netloc, timeout=120)
    used = set()
    for number in range(least, least + 3):
        text = f"SELECT * {{ ?s <urn:n> ?o }} LIMIT {number}"
        connection.request("GET", f"/sparql?query={quote(text)}", headers=headers)
        answer = connection.getresponse()
        assert (answer.getheader("Transfer-Encoding") == "chunked") == (least > 1) and not answer.will_close
        assert len(json.loads(answer.read())["results"]["bindings"]) == number
        used.add(connection.sock.getsockname())
    assert len(used) == 1
    connection.close()


@pytest.mark.parametrize("path", ["/health/live", "/sparql?query=ASK%20%7B%7D", "/queries"])
@pytest.mark.parametrize("asked", ["close", "Close", "close, TE"])
def test_a_connection_ends_where_the_client_wants_that(live: str, path: str, asked: str) -> None:
    """Whichever way the answer takes."""
    host, port = urlsplit(live).netloc.split(":")
    with socket.create_connection((host, int(port)), 120) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: {asked}\r\n\r\n".encode())
        found = b""
        while block := connection.recv(65536):
            found += block
    assert found.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("request_line", ["HEAD /", "HEAD /sparql", "HEAD /void", "HEAD /catalog.ttl", "HEAD /id/hub"])
def test_nothing_follows_the_headers_of_an_answer_to_head(live: str, request_line: str) -> None:
    """Whatever came after them would be taken for the next answer."""
    host, port = urlsplit(live).netloc.split(":")
    asked = f"{request_line} HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\nGET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.create_connection((host, int(port)), 120) as connection:
        connection.sendall(asked.encode())
        found = b""
        while b"ok\n" not in found and (block := connection.recv(65536)):
            found += block
    head, _, rest = found.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 ")
    assert rest.startswith(b"HTTP/1.1 200 ") or b"connection: close" in head.lower()


def test_runaway_queries_end_their_workers_and_nobody_waits_for_them(hurried: str) -> None:
    """More of them than there are workers; the next query is answered at once."""
    part = "{ SELECT ?%s { ?%s <urn:n> ?l } LIMIT 15000 }"
    text = quote(f"SELECT (COUNT(*) AS ?n) {{ {part % ('a', 'a')} {part % ('b', 'b')} {part % ('c', 'c')} }}")
    for _ in range(4):
        assert "503" in curl("-o", os.devnull, "-w", "%{http_code}", f"{hurried}/sparql?query={text}")
    assert answers(f"{hurried}/sparql?query=ASK%7B%7D", "boolean")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_a_client_that_leaves_ends_its_query(folder: Path, serving: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A query without output is computed for nobody: its worker is gone long before its time is up."""
    monkeypatch.setenv("STADTGRAPH_QUERY_SECONDS", "1000")
    part = "{ SELECT ?%s { ?%s <urn:n> ?l } LIMIT 15000 }"
    text = quote(f"SELECT (COUNT(*) AS ?n) {{ {part % ('a', 'a')} {part % ('b', 'b')} {part % ('c', 'c')} }}")
    with serving(folder, threads=2) as server:
        client = subprocess.Popen(["curl", "-s", f"{server.address}/sparql?query={text}"])
        busy = _until(lambda: _busy(server.process.pid))
        client.kill()
        client.wait()
        assert busy and _until(lambda: not busy & _busy(server.process.pid))
        assert answers(f"{server.address}/sparql?query=ASK%7B%7D", "boolean")


def _until(check: Callable[[], Any], seconds: float = 120) -> Any:
    """Give the first true value of ``check``, or its last one after so many seconds."""
    until = time.monotonic() + seconds
    while not (found := check()) and time.monotonic() < until:
        time.sleep(0.05)
    return found


def _busy(parent: int) -> set[int]:
    """Give the workers below ``parent`` that have used more than a second of a processor."""
    found: dict[int, tuple[int, int]] = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            fields = (entry / "stat").read_text("ascii", "replace").rsplit(")", 1)[1].split()
            found[int(entry.name)] = (int(fields[1]), int(fields[11]) + int(fields[12]))
    below, size = {parent}, 0
    while len(below) > size:
        size = len(below)
        below |= {pid for pid, (above, _) in found.items() if above in below}
    ticks = os.sysconf("SC_CLK_TCK")
    workers = {pid for pid in below if _is_worker(pid)}
    return {pid for pid in workers if found[pid][1] > ticks}


def _is_worker(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return b"stadtgraph.query.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def test_a_moved_current_is_noticed_and_signals_end_the_server(folder: Path, serving: Any, tmp_path: Path) -> None:
    """A rollback is served at the next request; SIGTERM ends parent and processes with 0."""
    city = tmp_path / "city"
    shutil.copytree(folder, city, copy_function=os.link)
    (city / "current").unlink()
    shutil.copy(folder / "current", city / "current")
    with serving(city, workers=2) as server, City(city) as opened:
        address = server.address
        newest, oldest = opened.releases.ids()
        assert newest in curl(f"{address}/health/ready")
        opened.rollback(oldest)
        assert oldest in curl(f"{address}/health/ready")
        assert f"Stadtgraph-Release: {oldest}".lower() in curl("-I", f"{address}/").lower()
        assert server.stop() == 0
        with pytest.raises(OSError):
            urllib.request.urlopen(address, timeout=60)


def test_a_dead_process_is_replaced(folder: Path, serving: Any) -> None:
    """kill -9 of the only worker."""
    with serving(folder) as server:
        parent = server.process.pid
        children = [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
        workers = [pid for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        assert len(workers) == 1
        os.kill(workers[0], 9)
        assert answers(f"{server.address}/health/ready", "ready")
        assert server.stop() == 0


def test_processes_that_cannot_start_end_the_server(tmp_path: Path) -> None:
    """Instead of being replaced for ever."""
    (tmp_path / "stadtgraph.toml").write_text("[city", "utf-8")
    script = tmp_path / "serve.py"
    script.write_text(
        f"from stadtgraph.web import serve\nif __name__ == '__main__':\n    serve({str(tmp_path)!r}, port=0)\n", "utf-8"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=600)
    assert done.returncode != 0 and "end as soon as they start" in done.stderr


def answers(address: str, expected: str) -> bool:
    """Tell whether an address answers with something expected, at the latest after two minutes."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        done = subprocess.run(["curl", "-s", "-m", "60", address], capture_output=True, text=True)
        if expected in done.stdout:
            return True
        time.sleep(0.2)
    return False


def test_a_port_in_use_is_told_in_one_line() -> None:
    """And an address that is none."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        with pytest.raises(StoreError) as caught:
            listen("127.0.0.1", holder.getsockname()[1])
        assert "\n" not in caught.value.text("de") and str(holder.getsockname()[1]) in caught.value.text("en")
    with pytest.raises(UsageError):
        listen("no such host.invalid", 8000)


def runner(shared: Path) -> ModuleType:
    """Load the W3C runner as a module."""
    path = shared / "tools" / "w3c_protocol_check.py"
    spec = importlib.util.spec_from_file_location("w3c_protocol_check", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["w3c_protocol_check"] = module
    spec.loader.exec_module(module)
    return module


def test_the_w3c_protocol_tests_of_queries_pass(shared: Path, serving: Any, tmp_path: Path) -> None:
    """All that query and all that must be refused (https://www.w3.org/2009/sparql/docs/tests/); updates are refused."""
    module = runner(shared)
    tests = shared / "reference" / "w3c" / "sparql11"
    city = tmp_path / "city"
    city.mkdir()
    shapes = tmp_path / "shapes"
    shapes.mkdir()
    (city / "stadtgraph.toml").write_text(f'[city]\nshapes = "{shapes}"\n', "utf-8")
    graphs = {f"http://kasei.us/2009/09/sparql/data/data{n}.rdf": tests / "protocol" / f"data{n}.nt" for n in (1, 2, 3)}
    with City(city) as opened, opened.draft(why="w3c") as draft:
        for iri, file in graphs.items():
            put(draft, iri, file)
    with serving(city) as server:
        endpoint = module.Endpoint(f"{server.address}/sparql", f"{server.address}/sparql")
        results = {
            module.name_of(test): outcome(module, endpoint, manifest, test)
            for manifest, test in module.read_tests(tests, module.PROTOCOL_MANIFESTS)
            if not module.name_of(test).startswith("update")
        }
    assert {name: result for name, result in results.items() if result != "passed"} == {}
    assert len(results) == 27


def outcome(module: ModuleType, endpoint: Any, manifest: Any, test: Any) -> str:
    """Send the requests of one test; give ``passed`` or what was wrong."""
    requests = module.Collection(manifest, manifest.value(manifest.value(test, module.MF.action), module.HT.requests))
    try:
        for node in requests:
            request = module.read_request(manifest, node, {})
            response = endpoint.send(module.address(endpoint, request, module.name_of(test)), request)
            module.check_response(manifest, manifest.value(node, module.HT.resp), request, response)
    except module.Mismatch as failure:
        return str(failure)
    return "passed"


def put(draft: Any, iri: str, file: Path) -> None:
    """Put a file into a graph whose IRI is not ours."""
    import pyoxigraph as ox

    from stadtgraph.release import GraphInfo, Kind

    triples = [quad.triple for quad in ox.parse(path=file, format=ox.RdfFormat.N_TRIPLES)]
    draft.clone.put(GraphInfo(iri, Kind.MANAGED), triples)


def test_reading_json_of_a_live_server_counts_every_row(live: str) -> None:
    """A streamed answer arrives whole."""
    with urllib.request.urlopen(f"{live}/sparql?query={quote('SELECT * { ?s <urn:n> ?o }')}") as answer:
        assert len(json.load(answer)["results"]["bindings"]) == 20_000


def test_quick_queries_stand_in_line_without_losing_one(
    folder: Path, serving: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many ask at once, some leave at once: who stays gets the answer to the own question."""
    for name in ("CONCURRENCY", "SECONDS", "ERRORS"):
        monkeypatch.setenv(f"STADTGRAPH_FAIRNESS_{name}", "0")
    with serving(folder, threads=2) as server:
        host, _, port = server.address.removeprefix("http://").partition(":")

        def ask(number: int) -> int:
            query = quote(f"SELECT ?x {{ VALUES ?x {{ {number} }} }}", safe="")
            request = f"GET /sparql?query={query}&format=csv HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
            with socket.create_connection((host, int(port)), 300) as connection:
                connection.sendall(request)
                if number % 50 == 0:
                    return number
                got = b""
                while not got.endswith(b"%d\r\n" % number):
                    data = connection.recv(65536)
                    assert data, got
                    got += data
            return number

        with ThreadPoolExecutor(24) as callers:
            assert list(callers.map(ask, range(1, 200))) == list(range(1, 200))
        with urllib.request.urlopen(f"{server.address}/sparql?query=ASK%7B%7D", timeout=120) as answer:
            assert answer.status == 200
