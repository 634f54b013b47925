"""Ask another server, and read its answer in blocks under the policy's bounds."""

from __future__ import annotations

import http.client
import ssl
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from email.message import Message
from typing import Any, Final
from urllib.parse import urljoin

from stadtgraph.errors import NetworkError
from stadtgraph.net.address import Target, target
from stadtgraph.net.connection import Deadline, Wire, connect
from stadtgraph.net.policy import Policy

AGENT: Final = "stadtgraph (+https://w3id.org/stadtgraph)"
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_BLOCK: Final = 1 << 16
_GZIP: Final = frozenset({"gzip", "x-gzip"})


class Response:
    """An answer under way: its ``status``, ``headers`` and the ``address`` that gave it; read :meth:`blocks`.

    Close it, or use it as a context manager.
    """

    def __init__(self, found: http.client.HTTPResponse, wire: Wire, asked: Target, policy: Policy) -> None:
        """Take an answer of which the head was read."""
        self._found, self._wire, self._policy = found, wire, policy
        self.status: int = found.status
        self.headers: Message = found.headers
        self.address: str = asked.address

    @property
    def media_type(self) -> str:
        """The media type of the body in lower case, without parameters; empty where none was said."""
        return (self.headers.get("Content-Type") or "").partition(";")[0].strip().lower()

    def blocks(self) -> Iterator[bytes]:
        """Give the body, unpacked, in blocks of about 64 KB.

        Raises :class:`NetworkError` where it is late, too large, cut off or packed in an unknown way.
        """
        encoding = (self.headers.get("Content-Encoding") or "identity").strip().lower()
        if encoding not in _GZIP and encoding != "identity":
            raise NetworkError("net-encoding", address=self.address, found=encoding[:40])
        raw = self._raw()
        size = 0
        for block in self._unpacked(raw) if encoding in _GZIP else raw:
            size += len(block)
            if size > self._policy.bytes:
                raise NetworkError("net-large", address=self.address, bound=self._policy.bytes)
            yield block

    def read(self) -> bytes:
        """Give the whole body."""
        return b"".join(self.blocks())

    def _raw(self) -> Iterator[bytes]:
        length = None if self._found.chunked else self._found.length
        size = 0
        while block := self._piece():
            size += len(block)
            if size > self._policy.bytes:
                raise NetworkError("net-large", address=self.address, bound=self._policy.bytes)
            yield block
        if length is not None and size != length:
            raise NetworkError("net-cut", address=self.address, found=size, expected=length)

    def _piece(self) -> bytes:
        try:
            return self._found.read(_BLOCK)
        except TimeoutError as problem:
            raise NetworkError("net-time", address=self.address) from problem
        except (OSError, http.client.HTTPException, ValueError) as problem:
            raise NetworkError("net-broken", address=self.address) from problem

    def _unpacked(self, raw: Iterator[bytes]) -> Iterator[bytes]:
        """Unpack gzip, never more than a block at a time (https://www.rfc-editor.org/rfc/rfc1952)."""
        unpacker = zlib.decompressobj(31)
        begun = False
        for data in raw:
            while data:
                if unpacker.eof:
                    unpacker = zlib.decompressobj(31)
                try:
                    block = unpacker.decompress(data, _BLOCK)
                except zlib.error as problem:
                    raise NetworkError("net-broken", address=self.address) from problem
                begun = True
                data = unpacker.unconsumed_tail or unpacker.unused_data
                if block:
                    yield block
        if begun and not unpacker.eof:
            raise NetworkError("net-broken", address=self.address)

    def close(self) -> None:
        """Close the connection."""
        with suppress(OSError, http.client.HTTPException):
            self._found.close()
        self._wire.end()

    def __enter__(self) -> Response:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def get(
    address: str,
    policy: Policy | None = None,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> Response:
    """Ask the server at ``address`` and give its answer, whatever its status, with the body still to be read.

    Raises :class:`AddressRefused` where the policy forbids the address (or one that it is redirected to): nothing was
    sent there. Raises :class:`NetworkError` where the server does not answer in time or not in HTTP.
    """
    policy = policy or Policy()
    deadline = Deadline(policy.seconds, policy.idle)
    asked = target(address)
    sent = {"User-Agent": AGENT, "Accept": "*/*", "Accept-Encoding": "gzip", **(headers or {})}
    for _ in range(policy.redirects + 1):
        response = _exchange(asked, policy, deadline, method, sent, body)
        location = response.headers.get("Location")
        if response.status not in _REDIRECTS:
            return response
        response.close()
        if policy.redirects == 0 or location is None or method not in ("GET", "HEAD"):
            raise NetworkError("net-redirect", address=asked.address)
        following = target(urljoin(asked.address, location))
        if asked.scheme == "https" and following.scheme == "http":
            raise NetworkError("net-downgrade", address=asked.address)
        if following.origin != asked.origin:
            sent = {k: v for k, v in sent.items() if k.lower() not in ("authorization", "cookie")}
        asked = following
    raise NetworkError("net-redirects", address=asked.address, bound=policy.redirects)


def _exchange(
    asked: Target, policy: Policy, deadline: Deadline, method: str, headers: Mapping[str, str], body: bytes | None
) -> Response:
    """Send one request and read the head of its answer."""
    wire: Wire | None = None
    try:
        wire = connect(asked, policy, deadline)
        connection = http.client.HTTPConnection(asked.host, asked.port)
        connection.sock = _as_socket(wire)
        connection.putrequest(method, asked.request, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", asked.authority)
        for name, value in {**headers, "Connection": "close"}.items():
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        return Response(connection.getresponse(), wire, asked, policy)
    except NetworkError:
        _end(wire)
        raise
    except (OSError, http.client.HTTPException, ValueError) as problem:
        _end(wire)
        raise _told(problem, asked) from problem
    except BaseException:
        _end(wire)
        raise


def _end(wire: Wire | None) -> None:
    if wire is not None:
        wire.end()


def _as_socket(wire: Wire) -> Any:
    return wire


def _told(problem: Exception, asked: Target) -> NetworkError:
    """Give the error to raise instead of what went wrong in an exchange."""
    if isinstance(problem, TimeoutError):
        return NetworkError("net-time", address=asked.address)
    if isinstance(problem, ssl.SSLError):
        return NetworkError("net-tls", address=asked.address)
    if isinstance(problem, OSError):
        return NetworkError("net-unreachable", address=asked.address)
    return NetworkError("net-broken", address=asked.address)
