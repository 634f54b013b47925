"""SPARQL endpoints for tests: small servers over data in memory, which count what they are asked."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import pyoxigraph as ox

FORMATS = {
    "json": ("application/sparql-results+json", ox.QueryResultsFormat.JSON),
    "xml": ("application/sparql-results+xml", ox.QueryResultsFormat.XML),
}


@dataclass
class Endpoint:
    """An endpoint: its store, address, and the queries that came; it answers in ``format`` with ``status``."""

    store: ox.Store
    address: str = ""
    format: str = "json"
    status: int = 200
    queries: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def answer(self, text: str, headers: dict[str, str]) -> tuple[int, str, bytes]:
        """Answer one query."""
        self.queries.append(text)
        self.headers.append(headers)
        media_type, form = FORMATS[self.format]
        if self.status != 200:
            return self.status, "text/plain", b"secret words of the server"
        try:
            result = self.store.query(text)
            assert isinstance(result, ox.QuerySolutions)
            body = result.serialize(format=form)
        except (SyntaxError, OSError, RuntimeError) as problem:
            return 400, "text/plain", str(problem).encode()
        assert body is not None
        return 200, media_type, body


@contextmanager
def endpoint(store: ox.Store | None = None) -> Iterator[Endpoint]:
    """Serve a store on a free port until the end of the block."""
    found = Endpoint(store or ox.Store())

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.give(parse_qs(urlsplit(self.path).query)["query"][0])

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            is_form = self.headers["Content-Type"] == "application/x-www-form-urlencoded"
            self.give(parse_qs(body)["query"][0] if is_form else body)

        def give(self, text: str) -> None:
            status, media_type, body = found.answer(text, dict(self.headers))
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        found.address = f"http://127.0.0.1:{server.server_port}/sparql"
        yield found
        server.shutdown()
