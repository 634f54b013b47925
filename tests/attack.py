"""A server under attack: started as operators start it, watched from outside, and asked whether it still serves."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

TYPE = "https://w3id.org/stadtgraph/problem/"
QUERY = "application/sparql-query"
FORM = "application/x-www-form-urlencoded"
PATIENCE = 60.0
"""Seconds within which ``ASK {}`` must be answered: one on a quiet machine, more where many tests run at once."""
LONGEST = 300.0
"""Seconds after which a test gives up waiting for what is to happen sooner or later."""
MEMORY = 700 << 20
"""Bytes that the parent and one web process may hold resident, when nothing is asked."""


@dataclass(frozen=True)
class Answer:
    """An answer read to its end; ``whole`` is false where it broke off."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    whole: bool = True

    @property
    def problem(self) -> dict[str, object]:
        """The RFC 9457 document, checked."""
        assert self.headers.get("content-type") == "application/problem+json", (
            self.status,
            self.headers,
            self.body[:300],
        )
        found: dict[str, object] = json.loads(self.body)
        assert str(found["type"]).startswith(TYPE) and found["status"] == self.status
        assert found["title"] and found["detail"]
        return found


def is_worker(pid: int) -> bool:
    """Tell whether a process answers queries."""
    with suppress(OSError):
        return b"stadtgraph.query.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def is_web(pid: int) -> bool:
    """Tell whether a process answers HTTP. What such a one is about to start looks like itself for a moment."""
    return _was_spawned(pid) and not _was_spawned(_above(pid))


def _was_spawned(pid: int) -> bool:
    with suppress(OSError):
        line = Path(f"/proc/{pid}/cmdline").read_bytes()
        return b"spawn_main" in line and b"resource_tracker" not in line
    return False


def _above(pid: int) -> int:
    """Give the process that started another one."""
    with suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rsplit(")", 1)[1].split()[1])
    return 0


def below(parent: int) -> set[int]:
    """Give the processes below ``parent``."""
    above = {}
    for entry in Path("/proc").iterdir():
        with suppress(OSError, ValueError, IndexError):
            above[int(entry.name)] = _above(int(entry.name))
    found: set[int] = {parent}
    while more := {pid for pid, up in above.items() if up in found} - found:
        found |= more
    return found - {parent}


def resident(pid: int) -> int:
    """Give the resident bytes of a process."""
    with suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def sockets(pid: int) -> list[str]:
    """Give the sockets that a process holds."""
    found = []
    with suppress(OSError):
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                target = os.readlink(entry)
                if target.startswith("socket:"):
                    found.append(target)
    return found


@dataclass
class Target:
    """A running server."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path
    webs: set[int] = field(default_factory=set)

    def connect(self, seconds: float = 60) -> socket.socket:
        """Open a connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=seconds)

    def send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        seconds: float = 60,
    ) -> Answer:
        """Send a well-formed request and read the answer to its end."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)
        try:
            connection.request(method, path, body, dict(headers or {}))
            return _read(connection.getresponse())
        finally:
            connection.close()

    def ask(
        self, text: str, *, accept: str = "*/*", lang: str = "en", caller: str = "203.0.113.7", **more: str
    ) -> Answer:
        """Ask a query, as another caller than the one who looks whether all is well."""
        headers = {"Content-Type": QUERY, "Accept": accept, "Accept-Language": lang, "X-Forwarded-For": caller}
        path = "/sparql?" + urlencode(more) if more else "/sparql"
        return self.send("POST", path, headers, text.encode("utf-8", "surrogatepass"))

    def raw(self, data: bytes, *, seconds: float = 10, shut: bool = False) -> bytes:
        """Send bytes; give what comes back until the other side closes or ``seconds`` are over."""
        found = bytearray()
        with self.connect(seconds) as connection:
            with suppress(OSError):
                connection.sendall(data)
                if shut:
                    connection.shutdown(socket.SHUT_WR)
            with suppress(OSError):
                while block := connection.recv(65536):
                    found += block
        return bytes(found)

    def look(self) -> None:
        """Note which processes serve."""
        eventually(lambda: any(map(is_web, below(self.process.pid))), "no web process")
        self.webs = {pid for pid in below(self.process.pid) if is_web(pid)}

    def wait_for_queries(self, number: int = 1) -> None:
        """Wait until so many queries are with workers."""
        name = b"stadtgraph_queries_in_flight "

        def running() -> bool:
            lines = self.send("GET", "/metrics").body.splitlines()
            return sum(float(line.split()[-1]) for line in lines if line.startswith(name)) >= number

        eventually(running, "the query is not asked")

    def check(self) -> None:
        """Hold the server to its promises: the same processes, an answer at once, memory back, no sockets."""
        assert self.process.poll() is None, "the parent ended"
        answer = self.send("GET", "/sparql?query=ASK%20%7B%7D", {"X-Forwarded-For": "198.51.100.1"}, seconds=PATIENCE)
        assert answer.status == 200 and b"true" in answer.body, (answer.status, answer.body[:300])
        assert self.webs <= below(self.process.pid), "a web process was replaced"
        bound = MEMORY * (1 + len(self.webs))
        eventually(lambda: self.size() <= bound, "memory is not given back")
        for pid in below(self.process.pid):
            assert not is_worker(pid) or not sockets(pid)

    def size(self) -> int:
        """Give the resident bytes of the parent and the web processes."""
        return resident(self.process.pid) + sum(map(resident, self.webs))


def _read(response: http.client.HTTPResponse) -> Answer:
    headers = {name.lower(): value for name, value in response.getheaders()}
    try:
        body, whole = response.read(), True
    except http.client.IncompleteRead as cut:
        body, whole = cut.partial, False
    except OSError:
        body, whole = b"", False
    return Answer(response.status, headers, body, whole)


@contextmanager
def serving(city: Path, settings: Mapping[str, object] | None = None) -> Iterator[Target]:
    """Serve ``city`` in processes of its own; ``settings`` are variables of the environment without their prefix."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    given = {"SERVE_TRUSTED_PROXY": "127.0.0.1", "QUERY_SECONDS": 2, "QUERY_MEMORY": 1 << 30, **(settings or {})}
    workers, threads, grace = given.pop("workers", 2), given.pop("threads", 3), given.pop("grace", 10)
    script, log = city.parent / f"attacked-{port}.py", city.parent / f"attacked-{port}.log"
    call = f"serve({str(city)!r}, port={port}, workers={workers}, threads={threads}, grace={grace})"
    script.write_text(f"from stadtgraph.web import serve\nif __name__ == '__main__':\n    {call}\n", "utf-8")
    environment = {**os.environ, **{f"STADTGRAPH_{name}": str(value) for name, value in given.items()}}
    with log.open("wb") as file:
        process = subprocess.Popen([sys.executable, str(script)], stderr=file, env=environment)
    target = Target(process, port, log)
    try:
        _wait(target)
        target.look()
        yield target
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(120)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(target: Target) -> None:
    def ready() -> bool:
        assert target.process.poll() is None, target.log.read_text("utf-8", "replace")
        with suppress(OSError, http.client.HTTPException):
            return target.send("GET", "/sparql?query=ASK%20%7B%7D").status == 200
        return False

    eventually(ready, "the server does not get ready")


def eventually(check: Callable[[], object], otherwise: str) -> None:
    """Wait until ``check`` gives something true: as short as the machine allows, and never for ever."""
    until = time.monotonic() + LONGEST
    while not check():
        assert time.monotonic() < until, otherwise
        time.sleep(0.1)


def answers(data: bytes) -> list[tuple[int, dict[str, str], bytes]]:
    """Take apart the answers of one connection; what is cut off is not among them."""
    found = []
    while match := re.match(rb"HTTP/1\.[01] (\d{3})[^\r]*\r\n(.*?)\r\n\r\n", data, re.DOTALL):
        lines = match[2].decode("latin-1").split("\r\n")
        headers = {k.strip().lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
        rest = data[match.end() :]
        if headers.get("transfer-encoding") == "chunked":
            end = rest.find(b"0\r\n\r\n")
            body, data = (rest[:end], rest[end + 5 :]) if end >= 0 else (rest, b"")
        else:
            length = int(headers.get("content-length", "0" if match[1] in (b"204", b"304", b"100") else len(rest)))
            body, data = rest[:length], rest[length:]
        found.append((int(match[1]), headers, body))
    return found
