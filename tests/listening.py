"""A server made for tests: says what it is told, byte by byte, and counts who connects."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Talk = Callable[[socket.socket, bytes], None]


@dataclass
class Listener:
    """A server under test: its port, the requests that came, and how many connected."""

    host: str
    port: int
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)

    @property
    def address(self) -> str:
        """The address of the server."""
        return f"http://{self.host}:{self.port}"


def reply(body: bytes, *lines: str, status: str = "200 OK", length: bool = True) -> Talk:
    """Answer once with a status, header lines and a body."""
    head = [f"HTTP/1.1 {status}", *lines, *([f"Content-Length: {len(body)}"] if length else [])]

    def talk(client: socket.socket, _request: bytes) -> None:
        client.sendall("\r\n".join([*head, "", ""]).encode() + body)

    return talk


def _request(client: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = client.recv(65536)
        if not piece:
            return data
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    while lengths and len(body) < int(lengths[0]):
        body += client.recv(65536)
    return head + b"\r\n\r\n" + body


@contextmanager
def listening(talk: Talk, host: str = "127.0.0.1") -> Iterator[Listener]:
    """Serve ``talk`` on a free port until the end of the block."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as server:
        found = Listener(host, server.getsockname()[1])
        thread = threading.Thread(target=_serve, args=(server, found, talk), daemon=True)
        thread.start()
        yield found
        found.closing.set()
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
    thread.join(60)


def _serve(server: socket.socket, found: Listener, talk: Talk) -> None:
    while True:
        try:
            client, _ = server.accept()
        except OSError:
            return
        if found.closing.is_set():
            client.close()
            return
        found.connections += 1
        threading.Thread(target=_converse, args=(client, found, talk), daemon=True).start()


def _converse(client: socket.socket, found: Listener, talk: Talk) -> None:
    with client, suppress(OSError):
        request = _request(client)
        found.requests.append(request)
        talk(client, request)


def endless(head: bytes, piece: bytes, pause: float = 0.0) -> Talk:
    """Say ``head`` and then ``piece`` again and again, until the client goes."""

    def talk(client: socket.socket, _request: bytes) -> None:
        client.sendall(head)
        wait = threading.Event()
        while True:
            client.sendall(piece)
            if pause:
                wait.wait(pause)

    return talk
