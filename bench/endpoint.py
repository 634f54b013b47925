"""How many queries a second the endpoint answers, beside ``oxigraph serve-read-only`` where that is installed.

    python bench/endpoint.py --city DIR [--seconds 5] [--connections 8] [--oxigraph PATH]

Serves the current release of a built city, warms it, and asks the same mixes from a load generator on this machine,
ours and the rival's alternating: a point lookup (another subject each time), the same lookup again and again, a star
join, a search with a filter, a group by, and a stream of 100,000 rows. Prints medians and the ratio ours / rival.
Everything stays on the loopback address and ends after the given seconds.
"""

from __future__ import annotations

import argparse
import http.client
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from stadtgraph.city import City
from stadtgraph.release import View, store_path

TREE = "https://w3id.org/stadtgraph/ns#Tree"
MIXES: dict[str, Callable[[int], str]] = {
    "point lookup, cold": lambda i: f"SELECT ?p ?o {{ <{{base}}id/tree/{27077 + i % 40000}> ?p ?o }}",
    "point lookup, repeated": lambda i: "SELECT ?p ?o { <{base}id/tree/27077> ?p ?o }",
    "star join": lambda i: (
        f"SELECT ?t ?l ?u {{ ?t a <{TREE}> ; <http://www.w3.org/2000/01/rdf-schema#label> ?l ; "
        f"<https://w3id.org/stadtgraph/ns#maintainedBy> ?u }} OFFSET {i % 100} LIMIT 400"
    ),
    "search with filter": lambda i: (
        "SELECT ?t ?l { ?t <http://www.w3.org/2000/01/rdf-schema#label> ?l "
        'FILTER(CONTAINS(LCASE(?l), "lobeda")) } LIMIT 50'
    ),
    "group by": lambda i: (
        f"SELECT ?u (COUNT(*) AS ?n) {{ ?t a <{TREE}> ; <https://w3id.org/stadtgraph/ns#maintainedBy> ?u }} GROUP BY ?u"
    ),
    "stream of 100,000 rows": lambda i: "SELECT * { ?s ?p ?o } LIMIT 100000",
}


def free_port() -> int:
    """Give a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def server(command: list[str], port: int, path: str) -> Iterator[tuple[int, str]]:
    """Start a server and wait until it answers; give its port and path."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                break
            except OSError:
                time.sleep(0.1)
        yield port, path
    finally:
        process.terminate()
        process.wait(20)


def rate(port: int, path: str, text: Callable[[int], str], base: str, seconds: float, connections: int) -> float:
    """Ask from several connections for some seconds; give the answers per second."""
    counts = [0] * connections
    until = time.monotonic() + seconds

    def ask(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        i = number * 5000
        while time.monotonic() < until:
            query = quote(text(i).replace("{base}", base))
            connection.request("GET", f"{path}?query={query}", headers={"Accept": "application/sparql-results+json"})
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                raise RuntimeError(f"status {answer.status}")
            counts[number] += 1
            i += 1
        connection.close()

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(connections)]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.monotonic() - started)


def main() -> None:
    """Measure every mix three times on each server, alternating."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--city", required=True, type=Path)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--oxigraph", default=shutil.which("oxigraph"))
    options = parser.parse_args()
    with City(options.city) as city:
        release, base = city.releases.require_current(), city.names.base
        store = store_path(release.path, View.PUBLIC)
    ours, theirs = free_port(), free_port()
    command = [sys.executable, "-m", "stadtgraph", "serve", "--city", str(options.city), "--port", str(ours)]
    rival = [options.oxigraph or "", "serve-read-only", "--location", str(store), "--bind", f"127.0.0.1:{theirs}"]
    with server(command, ours, "/sparql") as (port, path):
        for name, text in MIXES.items():
            measure = lambda p, q: rate(p, q, text, base, options.seconds, options.connections)  # noqa: B023, E731
            if not options.oxigraph:
                print(f"{name:26} {statistics.median(measure(port, path) for _ in range(3)):10,.1f}/s")
                continue
            with server(rival, theirs, "/query") as (other, other_path):
                pairs = [(measure(port, path), measure(other, other_path)) for _ in range(3)]
            a, b = (statistics.median(column) for column in zip(*pairs, strict=True))
            print(f"{name:26} {a:10,.1f}/s   oxigraph {b:10,.1f}/s   ratio {a / b:.2f}", flush=True)


if __name__ == "__main__":
    main()
