"""Good and hostile callers at the same time, for as long as you like: no good query fails.

    python bench/soak.py [--seconds 600] [--good 6] [--hostile 4] [--slow 20] [--writers 1] [--workers 2]
        [--threads 3] [--limit 5]

Builds a small city in a folder of its own, serves it in processes of its own, and prints every half minute and at the
end: queries of good callers, those turned away and those that failed (wrong status, wrong answer, broken off), their
median and slowest time, what became of the hostile ones by outcome and reason, the memory of the server at the start
and the end, and whether its processes are the same. Exits with 1 where a good query or a change failed (503 tells to
come again), or a process was replaced.

Each caller has an address of its own (``X-Forwarded-For`` of the trusted loopback address). Good callers ask at most
twenty queries a second, one at a time; the slow ones share five addresses; a writer makes a release every few seconds.
"""

from __future__ import annotations

import argparse
import http.client
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from stadtgraph.access import Tokens
from stadtgraph.city import City

NUMBER = 5000
PRODUCT = "?a <urn:n> ?b . ?c <urn:n> ?d . ?e <urn:n> ?f"
DOUBLING = "".join(f"BIND(CONCAT(?a{i},?a{i}) AS ?a{i + 1})" for i in range(32))
HOSTILE: dict[str, str] = {
    "parentheses": "ASK{FILTER(" + "(" * 60_000 + "1" + ")" * 60_000 + ")}",
    "deepest allowed": "ASK{FILTER(" + "(" * 97 + "1" + ")" * 97 + ")}",
    "path steps": "ASK{?s " + "/".join(["<urn:next>"] * 179) + " ?o}",
    "names without colons": "ASK{" + "a." * 120_000 + "}",
    "services": "ASK{" + "SERVICE " * 30_000 + "}",
    "doubling": f'SELECT (STRLEN(?a32) AS ?x) {{BIND("{"x" * 64}" AS ?a0){DOUBLING}}}',
    "counting a product": f"SELECT (COUNT(*) AS ?n) {{{PRODUCT}}}",
    "ordering a product": f"SELECT * {{{PRODUCT}}} ORDER BY ?b ?d ?f",
    "streaming a product": f"SELECT * {{{PRODUCT}}}",
    "a graph of a product": f"CONSTRUCT {{ ?a <urn:x> ?d }} {{{PRODUCT}}}",
    "concatenating": f"SELECT (GROUP_CONCAT(?b) AS ?x) {{{PRODUCT}}}",
    "any path": "SELECT (COUNT(*) AS ?n) { ?a (!<urn:x>|^!<urn:x>)* ?b }",
    "values": "SELECT (COUNT(*) AS ?n) { VALUES ?x {" + "1 " * 9000 + "} VALUES ?y {" + "2 " * 9000 + "} ?s ?p ?o }",
    "a loop": "SELECT * { SERVICE SILENT <http://127.0.0.1/sparql> { ?s ?p ?o } }",
    "stars": "ASK{" + " ".join(f"?b <a:p{i}> ?o{i}." for i in range(178)) + "}",
    "no query": "SELEC \x00 {",
}
RAW = (
    b"POST /sparql HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
    b"\x16\x03\x01\x02\x00\x01" + bytes(range(256)),
    b"GET /" + b"%" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b'GET /sparql HTTP/1.1\r\nHost: "><script>\r\n\r\n',
)


def good(chance: random.Random) -> tuple[str, str]:
    """Give the text of a query and its answer as CSV."""
    number = chance.randrange(NUMBER)
    match chance.randrange(5):
        case 0:
            return f"SELECT ?x {{ <id/n/{number}> <urn:next>/<urn:next> ?x }}", f"x {_iri(_next(_next(number)))}"
        case 1:
            return f"SELECT (COUNT(*) AS ?x) {{ ?s <urn:n> ?o FILTER(STRSTARTS(?o, '{number} ')) }}", "x 1"
        case 2:
            return f"SELECT ({number} * 2 AS ?x) {{}}", f"x {number * 2}"
        case 3:
            return "SELECT (COUNT(*) AS ?x) { ?s <urn:next> ?o }", f"x {NUMBER}"
        case _:
            return f"SELECT ?x {{ <id/n/{number}> <urn:next> ?x }}", f"x {_iri(_next(number))}"


def _next(number: int) -> int:
    return (number * 7 + 1) % NUMBER


def _iri(number: int) -> str:
    return f"https://stadtgraph.example/jena/id/n/{number}"


class Counts:
    """What became of the queries; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.good: Counter[str] = Counter()
        self.hostile: Counter[str] = Counter()
        self.written: Counter[int] = Counter()
        self.times: list[float] = []
        self.failures: list[str] = []

    def add_good(self, outcome: str, seconds: float, detail: str = "") -> None:
        """Count a good query."""
        with self._lock:
            self.good[outcome] += 1
            self.times.append(seconds)
            if outcome == "failed" and len(self.failures) < 20:
                self.failures.append(detail)

    def add_hostile(self, outcome: str) -> None:
        """Count a hostile one."""
        with self._lock:
            self.hostile[outcome] += 1

    def add_writing(self, status: int) -> None:
        """Count a change."""
        with self._lock:
            self.written[status] += 1

    def told(self) -> str:
        """Give the counts as text."""
        with self._lock:
            times = sorted(self.times) or [0.0]
            slow = times[int(len(times) * 0.99)]
            return (
                f"good {dict(self.good)}, median {statistics.median(times) * 1000:.0f} ms, "
                f"99 of 100 within {slow * 1000:.0f} ms, slowest {times[-1] * 1000:.0f} ms\n"
                f"hostile {dict(self.hostile.most_common())}\nwritten {dict(self.written)}"
            )


def ask(port: int, text: str, caller: str, accept: str, seconds: float = 90) -> tuple[int, bytes, bool]:
    """Ask; give status, body and whether the answer came whole."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        headers = {"Content-Type": "application/sparql-query", "Accept": accept, "X-Forwarded-For": caller}
        connection.request("POST", "/sparql", text.encode(), headers)
        answer = connection.getresponse()
        try:
            return answer.status, answer.read(), True
        except (http.client.HTTPException, OSError):
            return answer.status, b"", False
    finally:
        connection.close()


def be_good(port: int, number: int, counts: Counts, over: threading.Event) -> None:
    """Ask good queries until the time is over."""
    chance = random.Random(number)
    while not over.is_set():
        text, expected = good(chance)
        began = time.monotonic()
        try:
            status, body, whole = ask(port, text, f"198.51.100.{number + 1}", "text/csv")
        except (OSError, http.client.HTTPException) as problem:
            status, body, whole = 0, repr(problem).encode(), False
        seconds = time.monotonic() - began
        found = " ".join(body.decode("utf-8", "replace").split())
        if status == 200 and whole and found == expected:
            counts.add_good("answered", seconds)
        elif status == 429:
            counts.add_good("turned away", seconds)
        else:
            counts.add_good("failed", seconds, f"{status} after {seconds:.1f} s: {found[:200]}")
        over.wait(0.05)


def be_hostile(port: int, number: int, counts: Counts, over: threading.Event) -> None:
    """Ask hostile queries until the time is over, some of them only to leave."""
    chance = random.Random(number + 1000)
    while not over.is_set():
        name = chance.choice(sorted(HOSTILE))
        try:
            if chance.random() < 0.15:
                _leave(port, chance)
                counts.add_hostile("left, or no request")
                continue
            accept = chance.choice(("application/json", "text/csv", "text/html"))
            status, body, whole = ask(port, HOSTILE[name], f"203.0.113.{number + 1}", accept)
        except (OSError, http.client.HTTPException):
            counts.add_hostile("no answer")
            continue
        if status == 200:
            counts.add_hostile("200" if whole else "200, broken off")
        else:
            reason = next((r for r in ("time", "memory", "depth", "size", "busy") if f'"{r}"'.encode() in body), "")
            counts.add_hostile(f"{status} {reason}".strip())


def _leave(port: int, chance: random.Random) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        if chance.random() < 0.5:
            connection.sendall(chance.choice(RAW))
        else:
            text = quote(HOSTILE["counting a product"])
            connection.sendall(f"GET /sparql?query={text} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            time.sleep(0.3)


def be_writing(port: int, number: int, counts: Counts, over: threading.Event, secret: str) -> None:
    """Replace a graph every few seconds, so that there is a new release and nothing is kept."""
    round_ = 0
    while not over.wait(3):
        round_ += 1
        body = "".join(f'<urn:w{i}> <urn:written> "{round_} {i}" .\n' for i in range(500))
        headers = {"Content-Type": "text/turtle", "Authorization": f"Bearer {secret}"}
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=90)
            connection.request("PUT", f"/graphs/source/notes{number}", body.encode(), headers)
            status = connection.getresponse().status
            connection.close()
        except (OSError, http.client.HTTPException):
            status = 0
        counts.add_writing(status)


def be_slow(port: int, number: int, counts: Counts, over: threading.Event) -> None:
    """Take a large answer a byte a second."""
    while not over.is_set():
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            text = quote(HOSTILE["streaming a product"])
            caller = f"X-Forwarded-For: 192.0.2.{number % 5 + 1}"
            line = f"GET /sparql?query={text} HTTP/1.1\r\nHost: x\r\n{caller}\r\n\r\n"
            connection.sendall(line.encode())
            while not over.wait(1):
                if not connection.recv(1):
                    break
        counts.add_hostile("parted from")
        over.wait(1)


def below(parent: int) -> dict[int, str]:
    """Give the processes below ``parent`` and what each is."""
    above = {}
    for entry in Path("/proc").iterdir():
        with suppress(OSError, ValueError, IndexError):
            above[int(entry.name)] = int((entry / "stat").read_text("ascii", "replace").rsplit(")", 1)[1].split()[1])
    found = {parent}
    while more := {pid for pid, up in above.items() if up in found} - found:
        found |= more
    kinds = {}
    for pid in found - {parent}:
        with suppress(OSError):
            line = Path(f"/proc/{pid}/cmdline").read_bytes()
            if b"stadtgraph.query.worker" in line:
                kinds[pid] = "worker"
            elif above[pid] == parent and b"spawn_main" in line and b"resource_tracker" not in line:
                kinds[pid] = "web"  # what a web process is about to start looks like itself for a moment
    return kinds


def memory(pids: list[int]) -> int:
    """Give the resident megabytes of some processes."""
    found = 0
    for pid in pids:
        with suppress(OSError, ValueError, IndexError):
            found += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return found >> 20


def build(folder: Path) -> Path:
    """Build the city."""
    city = folder / "city"
    (city / "data" / "queries").mkdir(parents=True)
    (city / "shapes").mkdir()
    (city / "data" / "sources.toml").write_text("", "utf-8")
    (city / "stadtgraph.toml").write_text('[city]\ndata = "data"\nshapes = "shapes"\n', "utf-8")
    words = "long " * 20
    lines = (f'<id/n/{i}> <urn:n> "{i} {words}" ; <urn:next> <id/n/{_next(i)}> .\n' for i in range(NUMBER))
    (folder / "many.ttl").write_text("".join(lines), "utf-8")
    with City(city) as opened, opened.draft(why="soak") as draft:
        draft.load(folder / "many.ttl", source="many")
    return city


@contextmanager
def serving(city: Path, arguments: argparse.Namespace) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Serve the city; give process and port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    call = f"serve({str(city)!r}, port={port}, workers={arguments.workers}, threads={arguments.threads})"
    script = city.parent / "serve.py"
    script.write_text(f"from stadtgraph.web import serve\nif __name__ == '__main__':\n    {call}\n", "utf-8")
    given = {
        "STADTGRAPH_SERVE_TRUSTED_PROXY": "127.0.0.1",
        "STADTGRAPH_QUERY_SECONDS": str(arguments.limit),
        "STADTGRAPH_QUERY_MEMORY": str(1 << 30),
    }
    process = subprocess.Popen([sys.executable, str(script)], env={**os.environ, **given})
    try:
        for _ in range(300):
            with suppress(OSError, http.client.HTTPException):
                if ask(port, "ASK {}", "198.51.100.250", "*/*")[0] == 200:
                    break
            time.sleep(0.1)
        yield process, port
    finally:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(40)
        process.kill()
        process.wait()


def metrics(port: int) -> str:
    """Give what the server counts of its workers, where it counts."""
    with suppress(OSError, http.client.HTTPException):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        lines = answer.read().decode("utf-8", "replace").splitlines() if answer.status == 200 else []
        connection.close()
        return "\n".join(line for line in lines if "worker" in line and not line.startswith("#"))
    return ""


def main() -> int:
    """Run the soak."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (
        *(("seconds", 600), ("good", 6), ("hostile", 4), ("slow", 20), ("writers", 1)),
        *(("workers", 2), ("threads", 3), ("limit", 5)),
    ):
        parser.add_argument(f"--{name}", type=int, default=default)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="stadtgraph-soak-") as folder:
        city = build(Path(folder))
        _, secret = Tokens(city).create(["admin"])
        with serving(city, arguments) as (process, port):
            return _soak(arguments, process, port, secret)


def _soak(arguments: argparse.Namespace, process: subprocess.Popen[bytes], port: int, secret: str) -> int:
    counts, over = Counts(), threading.Event()
    webs = sorted(pid for pid, kind in below(process.pid).items() if kind == "web")
    start = memory([process.pid, *webs])
    callers: list[tuple[Callable[..., None], tuple[object, ...]]] = [
        *((be_good, (port, i, counts, over)) for i in range(arguments.good)),
        *((be_hostile, (port, i, counts, over)) for i in range(arguments.hostile)),
        *((be_slow, (port, i, counts, over)) for i in range(arguments.slow)),
        *((be_writing, (port, i, counts, over, secret)) for i in range(arguments.writers)),
    ]
    threads = [threading.Thread(target=work, args=given, daemon=True) for work, given in callers]
    for thread in threads:
        thread.start()
    until = time.monotonic() + arguments.seconds
    workers: set[int] = set()
    shown = time.monotonic()
    while (now := time.monotonic()) < until and process.poll() is None:
        workers |= {pid for pid, kind in below(process.pid).items() if kind == "worker"}
        if now - shown > 30:
            shown = now
            print(f"{counts.told()}\nmemory {memory([process.pid, *webs])} MB\n", flush=True)
        time.sleep(0.5)
    over.set()
    for thread in threads:
        thread.join(120)
    time.sleep(2)
    same = process.poll() is None and webs == sorted(p for p, kind in below(process.pid).items() if kind == "web")
    print(counts.told())
    print(f"workers that were seen {len(workers)}\n{metrics(port)}")
    print(f"memory of parent and web processes: {start} MB at the start, {memory([process.pid, *webs])} MB at the end")
    print(f"the same processes: {'yes' if same else 'NO'}")
    for failure in counts.failures:
        print(f"failed: {failure}")
    well = not counts.good["failed"] and not set(counts.written) - {201, 204, 503}
    return 0 if same and well and counts.good["answered"] else 1


if __name__ == "__main__":
    sys.exit(main())
