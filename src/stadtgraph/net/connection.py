"""Connections that go where they were checked to go, and never wait longer than they may."""

from __future__ import annotations

import io
import ipaddress
import socket
import ssl
import threading
import time
from contextlib import suppress
from functools import cache
from typing import Any, Final

from stadtgraph.errors import AddressRefused, NetworkError
from stadtgraph.net.address import IP, Target, is_public
from stadtgraph.net.policy import Policy

_PIECE: Final = 1 << 16
_MOST: Final = 16
"""Addresses of one name that are looked at, and tried."""


class Deadline:
    """When all of a request has to be done, and how long one wait in it may take."""

    __slots__ = ("idle", "until")

    def __init__(self, seconds: float, idle: float) -> None:
        """Begin now."""
        self.until, self.idle = time.monotonic() + seconds, idle

    def wait(self, most: float | None = None) -> float:
        """Give the seconds that one wait may take; raise :class:`TimeoutError` where none are left."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return min(left, self.idle if most is None else most)


def lookup(host: str, port: int) -> list[str]:
    """Give the network addresses of a name, as the system knows them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(address[0]) for _, _, _, _, address in found))


def resolve(target: Target, policy: Policy, deadline: Deadline) -> list[IP]:
    """Give the addresses of a host, after checking every one; a name with one that is not public is refused whole.

    Raises :class:`AddressRefused` and, where the name is unknown or its servers are slow, :class:`NetworkError`.
    """
    if policy.hosts is not None and target.host not in policy.hosts:
        raise AddressRefused("net-host", address=target.address)
    found: list[Any] = []
    thread = threading.Thread(target=_look, args=(target, found), daemon=True, name="lookup")
    thread.start()
    thread.join(deadline.wait(policy.connect))
    if not found:
        raise NetworkError("net-time", address=target.address)
    if isinstance(found[0], Exception):
        raise NetworkError("net-unknown", address=target.address, host=target.host) from found[0]
    addresses = [ipaddress.ip_address(text.partition("%")[0]) for text in found[0][:_MOST]]
    if not addresses:
        raise NetworkError("net-unknown", address=target.address, host=target.host)
    if target.host not in policy.private and not all(map(is_public, addresses)):
        raise AddressRefused("net-private", address=target.address, host=target.host)
    return addresses


def _look(target: Target, found: list[Any]) -> None:
    try:
        found.append(lookup(target.host, target.port))
    except (OSError, UnicodeError) as problem:
        found.append(problem)


def connect(target: Target, policy: Policy, deadline: Deadline) -> Wire:
    """Connect to the first checked address that answers; TLS is held to the name in the address."""
    problem: OSError | None = None
    for address in resolve(target, policy, deadline):
        try:
            plain = socket.create_connection((str(address), target.port), deadline.wait(policy.connect))
        except TimeoutError as late:
            problem = late
            continue
        except OSError as failed:
            problem = failed
            continue
        try:
            return Wire(_secured(plain, target, deadline.wait(policy.connect)), deadline)
        except BaseException:
            plain.close()
            raise
    assert problem is not None
    raise problem


def _secured(plain: socket.socket, target: Target, seconds: float) -> socket.socket:
    if target.scheme == "http":
        return plain
    plain.settimeout(seconds)
    return tls().wrap_socket(plain, server_hostname=target.host)


@cache
def tls() -> ssl.SSLContext:
    """Give the settings of TLS: certificates and names are checked."""
    return ssl.create_default_context()


class Wire:
    """A socket under a deadline, as much of one as :mod:`http.client` uses. :meth:`end` closes it."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        """Take a connected socket."""
        self._socket, self._deadline = sock, deadline

    def sendall(self, data: bytes) -> None:
        """Send all of ``data``, waiting no longer than the deadline allows."""
        view = memoryview(data)
        while view:
            self._socket.settimeout(self._deadline.wait())
            view = view[self._socket.send(view[:_PIECE]) :]

    def receive_into(self, buffer: Any) -> int:
        """Read what there is."""
        self._socket.settimeout(self._deadline.wait())
        return self._socket.recv_into(buffer)

    def makefile(self, mode: str, *_: object, **__: object) -> io.BufferedReader:
        """Give a file that reads from here."""
        return io.BufferedReader(_Raw(self), _PIECE)

    def close(self) -> None:
        """Do nothing: the answer is read after :mod:`http.client` has let go of its socket."""

    def end(self) -> None:
        """Close the connection."""
        with suppress(OSError):
            self._socket.close()


class _Raw(io.RawIOBase):
    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._wire.receive_into(buffer)
