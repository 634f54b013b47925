"""How fast the endpoint answers, beside ``oxigraph serve-read-only`` and rdflib-endpoint on the same data.

    python bench/endpoint.py [--city DIR] [--triples 3000000] [--seconds 4] [--rounds 3] [--only NAME ...]
                             [--oxigraph PATH] [--rdflib-python PATH] [--rdflib-store NAME] [--cap 60]

Builds a city of made-up trees (kept in ``--city``, made where there is none), starts the servers, warms them, and asks
the same mixes from a load generator on this machine, ours and the rivals alternating; prints medians and ratios.

Rivals: ``--oxigraph`` names the program (default: the one on the PATH); ``--rdflib-python`` a Python in which
``pip install 'rdflib-endpoint[web]'`` was done. What is absent is named and left out. rdflib holds its data in memory
(about 1 KB a triple) and reads it for some minutes. It is asked the joins alone, last: every server gets the same
queries in turn, one at a time, each another one than all before, until rdflib-endpoint has had ``--cap`` seconds of a
kind of join, and answers have to have the same number of rows. It holds the data as ``rdflib-endpoint serve`` does;
``--rdflib-store SimpleMemory`` is quicker, and knows no named graphs.

"cold" asks another question each time, so nothing is answered from memory. Everything stays on the loopback address.

Behind each rate stands the time of processors that an answer cost its server (all its processes, where the system
tells) and, in brackets, the load generator; their ratio says more than the rates where other programs run beside.
"""

from __future__ import annotations

import argparse
import os
import selectors
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pyoxigraph as ox

from joins import JOINS, LABEL, SG, Rival, processor, race, warm
from stadtgraph.city import City
from stadtgraph.release import GraphInfo, Kind, View, drafting, store_path
from stadtgraph.terms import Names

TREE = "<https://w3id.org/stadtgraph/ns#Tree>"
OF_A_TREE = 8
RDFLIB = """
import sys, uvicorn
from rdflib import Dataset, Graph
from rdflib_endpoint import SparqlEndpoint
graph = Graph(store=sys.argv[3]) if sys.argv[3] != "default" else Dataset(default_union=True)
graph.parse(sys.argv[1], format="nt")
uvicorn.run(SparqlEndpoint(graph=graph, path="/"), host="127.0.0.1", port=int(sys.argv[2]), log_level="error")
"""


@dataclass(frozen=True)
class Mix:
    """A kind of question: the text of the i-th, on how many connections, and what is expected of the ratio."""

    text: Callable[[int], str]
    connections: int = 8
    floor: float = 0.0
    goal: float = 0.0


MIXES = {
    "point lookup, cold": Mix(lambda i: f"SELECT ?p ?o {{ <{{base}}id/tree/{i % 300_000}> ?p ?o }}", 8, 0.15, 0.4),
    "point lookup, repeated": Mix(lambda _: "SELECT ?p ?o { <{base}id/tree/77> ?p ?o }", 8, 0.5, 1.0),
    "star join, cold": Mix(JOINS["star join"]),
    "star join, repeated": Mix(
        lambda i: (
            f"SELECT ?t ?l ?u {{ ?t <{SG}plantedAt> <{{base}}id/street/{i % 5}> ; {LABEL} ?l ; <{SG}maintainedBy> ?u }}"
        ),
        8,
        0.5,
        1.0,
    ),
    "search with filter": Mix(
        lambda i: f'SELECT ?t ?l {{ ?t {LABEL} ?l FILTER(CONTAINS(LCASE(?l), "linde {i % 9000}")) }} LIMIT 500',
        2,
        0.95,
        0.98,
    ),
    "pairs in a street": Mix(JOINS["pairs in a street"], 2, 0.95, 0.98),
    "group by": Mix(
        lambda i: f"SELECT ?u (COUNT(*) AS ?n) {{ ?t a {TREE} ; <{SG}maintainedBy> ?u }} GROUP BY ?u LIMIT {100 + i}",
        2,
        0.95,
        0.98,
    ),
    "average of a join": Mix(JOINS["average of a join"], 2, 0.95, 0.98),
    "stream of 100,000 rows": Mix(lambda i: f"SELECT * {{ ?s ?p ?o }} OFFSET {i % 1000} LIMIT 100000", 2, 0.8, 0.9),
}


def triples(number: int, names: Names) -> Iterator[ox.Triple]:
    """Give about ``number`` triples of trees: some measures each, 2,500 streets, 20 units, 41 districts."""
    node = ox.NamedNode
    properties = {n: node(SG + n) for n in ("plantedAt", "maintainedBy", "inDistrict", "height", "treeNumber", "genus")}
    kind, label = node(TREE[1:-1]), node(LABEL[1:-1])
    rdf_type = node("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
    for i in range(number // OF_A_TREE):
        tree = node(f"{names.base}id/tree/{i}")
        yield ox.Triple(tree, rdf_type, kind)
        yield ox.Triple(tree, label, ox.Literal(f"Linde {i} an der Straße {i * 7 % 2500}", language="de"))
        yield ox.Triple(tree, properties["plantedAt"], node(f"{names.base}id/street/{i * 7 % 2500}"))
        yield ox.Triple(tree, properties["maintainedBy"], node(f"{names.base}id/unit/{i * 13 % 20}"))
        yield ox.Triple(tree, properties["inDistrict"], node(f"{names.base}id/bezirk/{i * 17 % 41}"))
        yield ox.Triple(tree, properties["height"], ox.Literal(3 + i * 31 % 25))
        yield ox.Triple(tree, properties["treeNumber"], ox.Literal(f"B-{i:06d}"))
        yield ox.Triple(tree, properties["genus"], ox.Literal(("Tilia", "Acer", "Quercus", "Fagus")[i % 4]))


def made(folder: Path, number: int) -> None:
    """Make a city with one release of about ``number`` triples."""
    print(f"making a city of {number:,} triples in {folder} ...", file=sys.stderr)
    with City(folder) as city, drafting(city.releases, city.names, why="bench") as draft:
        info = GraphInfo(city.names.source("trees").value, Kind.FILE, source="trees")
        draft.put(info, triples(number, city.names))
        draft.seal()


def free_port() -> int:
    """Give a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def server(command: list[str], port: int, patience: float = 60) -> Iterator[int]:
    """Start a server, wait until it listens and give its process id; end it at the end."""
    unbounded = {f"STADTGRAPH_FAIRNESS_{name}": "0" for name in ("CONCURRENCY", "SECONDS", "ERRORS")}  # one caller asks
    environment = {**os.environ, **unbounded}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    try:
        until = time.monotonic() + patience
        while time.monotonic() < until:
            if process.poll() is not None:
                raise RuntimeError(f"{command[0]} ended by itself")
            try:
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                break
            except OSError:
                time.sleep(0.1)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@dataclass
class Connection:
    """One connection of the load generator: what it waits for, and what has come of it."""

    number: int
    socket: socket.socket
    sent: float = 0.0
    first: float = 0.0
    head: bytes = b""
    body: int = 0
    length: int | None = None
    last: bytes = b""


@dataclass
class Load:
    """Asks one server from several connections at once, with as little work per answer as Python allows."""

    port: int
    path: str
    base: str
    process: int = 0
    used: list[float] = field(default_factory=list)
    own: list[float] = field(default_factory=list)
    asked: int = 0
    failed: int = 0
    bytes: int = 0
    seconds: list[float] = field(default_factory=list)
    firsts: list[float] = field(default_factory=list)

    def run(self, mix: Mix, seconds: float, start: int) -> float:
        """Ask for ``seconds``; give the answers per second."""
        began, used, own = time.perf_counter(), processor(self.process), time.process_time()
        until = began + seconds
        self.asked, self._next, self._mix, self._open = 0, start, mix, 0
        with selectors.DefaultSelector() as self._selector:
            for number in range(mix.connections):
                self._ask(Connection(number, self._connected()))
            while self._open and time.perf_counter() < until + 60:
                for key, _ in self._selector.select(1.0):
                    self._read(key.data, until)
        self.used.append((processor(self.process) - used) / max(1, self.asked))
        self.own.append((time.process_time() - own) / max(1, self.asked))
        return self.asked / (time.perf_counter() - began)

    def _connected(self) -> socket.socket:
        found = socket.create_connection(("127.0.0.1", self.port), 20)
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return found

    def _ask(self, connection: Connection) -> None:
        query = quote(self._mix.text(self._next).replace("{base}", self.base), safe="")
        self._next += 1
        connection.head, connection.length, connection.body, connection.last = b"", None, 0, b""
        connection.sent, connection.first = time.perf_counter(), 0.0
        request = f"GET {self.path}?query={query} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
        connection.socket.sendall(f"{request}Accept: application/sparql-results+json\r\n\r\n".encode())
        self._selector.register(connection.socket, selectors.EVENT_READ, connection)
        self._open += 1

    def _read(self, connection: Connection, until: float) -> None:
        data = connection.socket.recv(1 << 20)
        connection.first = connection.first or time.perf_counter()
        if not data:
            self._done(connection, until, failed=True)
            return
        if connection.length is None:
            connection.head += data
            end = connection.head.find(b"\r\n\r\n")
            if end < 0:
                return
            head, data = connection.head[:end].lower(), connection.head[end + 4 :]
            if b" 200 " not in head[:20]:
                self._done(connection, until, failed=True)
                return
            at = head.find(b"content-length:")
            connection.length = -1 if at < 0 else int(head[at + 15 : at + 40].split(b"\r")[0])
        connection.body += len(data)
        connection.last = (connection.last + data)[-7:]
        if connection.length == -1:
            if connection.last.endswith(b"\r\n0\r\n\r\n"):
                self._done(connection, until)
        elif connection.body >= connection.length:
            self._done(connection, until)

    def _done(self, connection: Connection, until: float, *, failed: bool = False) -> None:
        now = time.perf_counter()
        if failed:
            self.failed += 1
        else:
            self.asked += 1
            self.bytes += connection.body
            self.seconds.append(now - connection.sent)
            self.firsts.append(connection.first - connection.sent)
        self._selector.unregister(connection.socket)
        self._open -= 1
        if now >= until:
            connection.socket.close()
            return
        if failed or (connection.length == -1 and b"connection: close" in connection.head.lower()):
            connection.socket.close()
            connection.socket = self._connected()
        self._ask(connection)


def commands(options: argparse.Namespace, ports: dict[str, int], store: Path) -> dict[str, list[str]]:
    """Give the command that starts each server there is."""
    found = {
        "ours": [sys.executable, "-m", "stadtgraph", "serve", "--city", str(options.city), "--port", str(ports["ours"])]
    }
    if options.oxigraph:
        address = f"127.0.0.1:{ports['oxigraph']}"
        found["oxigraph"] = [options.oxigraph, "serve-read-only", "--location", str(store), "--bind", address]
    else:
        print("oxigraph is not installed (--oxigraph PATH): left out")
    if options.rdflib_python:
        file = options.city / "all.nt"
        if not file.is_file():
            with file.open("wb") as out:
                ox.Store.read_only(str(store)).dump(out, ox.RdfFormat.N_TRIPLES, from_graph=ox.DefaultGraph())
        found["rdflib"] = [options.rdflib_python, "-c", RDFLIB, str(file), str(ports["rdflib"]), options.rdflib_store]
    else:
        print("rdflib-endpoint is not installed (--rdflib-python PATH): left out")
    return found


PATHS = {"ours": "/sparql", "oxigraph": "/query", "rdflib": "/"}


def measure(name: str, mix: Mix, loads: dict[str, Load], options: argparse.Namespace) -> None:
    """Warm every server, ask them in turn, and print medians and ratios."""
    rates: dict[str, list[float]] = {who: [] for who in loads}
    at = 1
    for turn in range(options.rounds + 1):
        for who in rates:
            load = loads[who]
            if turn < 2:  # what was asked to warm up does not count
                for kept in (load.seconds, load.firsts, load.used, load.own):
                    kept.clear()
                load.failed = 0
            rate = load.run(mix, options.seconds if turn else min(1.0, options.seconds), at)
            at += load.asked + 100
            if turn:
                rates[who].append(rate)
    ours = loads["ours"]
    firsts = sorted(ours.firsts) or [0.0]
    first, late = firsts[len(firsts) // 2] * 1000, firsts[int(len(firsts) * 0.95)] * 1000
    rate = statistics.median(rates["ours"])
    line = f"{name:24} {rate:9,.1f}/s {_cost(ours)}  first byte {first:.1f} ms, 95% {late:.1f} ms"
    for who in rates:
        if who != "ours":
            rival = statistics.median(rates[who])
            used = statistics.median(loads[who].used) / (statistics.median(ours.used) or 1)
            ratio = f"{rate / rival:.2f}, of processor time {used:.2f}" if rival else "-"
            line += f"\n{'':6}{who:18} {rival:9,.2f}/s {_cost(loads[who])}  ratio {ratio}"
    if mix.goal:
        line += f"   (floor {mix.floor}, goal {mix.goal})"
    line += "".join(f"   {who}: {loads[who].failed} answers failed" for who in rates if loads[who].failed)
    print(line, flush=True)


def _cost(load: Load) -> str:
    """Say what an answer cost the server and the load generator, in milliseconds of a processor."""
    return f"{statistics.median(load.used) * 1000:9,.2f} ms ({statistics.median(load.own) * 1000:.2f})"


def main() -> None:
    """Measure every mix on each server."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--city", type=Path)
    parser.add_argument("--triples", type=int, default=3_000_000)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=[*MIXES, "joins"])
    parser.add_argument("--oxigraph", default=shutil.which("oxigraph"))
    parser.add_argument("--rdflib-python")
    parser.add_argument("--rdflib-store", default="default")
    parser.add_argument("--cap", type=float, default=60)
    options = parser.parse_args()
    with ExitStack() as stack:
        if options.city is None:
            options.city = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "city"
        if not (options.city / "current").is_file():
            made(options.city, options.triples)
        with City(options.city) as city:
            release, base = city.releases.require_current(), city.names.base
            store = store_path(release.path, View.PUBLIC)
        ports = {who: free_port() for who in PATHS}
        found = commands(options, ports, store)
        started = {}
        for who, command in found.items():
            process = stack.enter_context(server(command, ports[who], 1800 if who == "rdflib" else 60))
            started[who] = Rival(ports[who], PATHS[who], process)
        loads = {w: Load(r.port, r.path, base, r.process) for w, r in started.items() if w != "rdflib"}
        for name, mix in MIXES.items():
            if any(name.startswith(start) for start in options.only):
                measure(name, mix, loads, options)
        if "joins" in options.only:
            print(f"joins, one at a time (at most {options.cap:.0f} s of a kind)")
            warm(started, base, options.triples // 16)
            all(race(name, started, base, options.cap, options.triples // 16) for name in JOINS)


if __name__ == "__main__":
    main()
