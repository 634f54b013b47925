"""A portal on this machine that answers as tests want it: well, badly, or not at all."""

from __future__ import annotations

import gzip
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TURTLE = "text/turtle"


@dataclass(slots=True)
class Answer:
    """One answer. ``length`` is what Content-Length says where that differs from what is sent."""

    body: bytes | str | Iterator[bytes] = b""
    kind: str = TURTLE
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None


Reply = Answer | Callable[[Mapping[str, str], bytes], Answer]


class Portal:
    """Answers by path and query; counts what was asked."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.replies: dict[str, Reply | list[Reply]] = {}
        self.asked: Counter[str] = Counter()
        self.headers: list[Mapping[str, str]] = []

    @property
    def address(self) -> str:
        """The address of the portal, without a slash at its end."""
        return f"http://127.0.0.1:{self.port}"

    def reply(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Give the answer for a path; of a list one after the other, the last one for good."""
        self.asked[path] += 1
        self.headers.append(headers)
        found = self.replies.get(path, Answer(status=404))
        if isinstance(found, list):
            found = found.pop(0) if len(found) > 1 else found[0]
        return found if isinstance(found, Answer) else found(headers, body)


@contextmanager
def portal() -> Iterator[Portal]:
    """Run a portal inside ``with``."""

    class Handler(BaseHTTPRequestHandler):
        """Hands requests to the portal."""

        def do_GET(self) -> None:
            """Answer."""
            size = int(self.headers.get("Content-Length") or 0)
            answer = made.reply(self.path, self.headers, self.rfile.read(size))
            body = answer.body.encode() if isinstance(answer.body, str) else answer.body
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.kind)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if isinstance(body, bytes):
                self.send_header("Content-Length", str(len(body) if answer.length is None else answer.length))
                self.end_headers()
                self.wfile.write(body)
                return
            self.end_headers()
            try:
                for block in body:
                    self.wfile.write(block)
            except OSError:
                pass

        do_POST = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            """Be silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Portal(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def packed(text: str) -> Answer:
    """Give an answer that is packed."""
    return Answer(gzip.compress(text.encode()), headers={"Content-Encoding": "gzip"})
