"""Addresses of other servers: what form they may have, and which network addresses are public.

>>> target("https://example.org:8443/a b?q=ü#part").request
'/a%20b?q=%C3%BC'
>>> target("http://2130706433/")
Traceback (most recent call last):
    ...
stadtgraph.errors.AddressRefused: http://2130706433/ writes a network address in an unusual way. ...
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

from stadtgraph.errors import AddressRefused

LONGEST: Final = 8192
_PORTS: Final = {"http": 80, "https": 443}
_LOWEST: Final = 1024
_FORBIDDEN_PORTS: Final = frozenset(
    (1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, *range(6665, 6670), 6679, 6697, 10080)
)
"""Ports of other protocols above 1023 (https://fetch.spec.whatwg.org/#port-blocking)."""
_NAME: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*")
_NUMBER: Final = re.compile(r"0x[0-9a-f]*|[0-9]+")
_KEPT: Final = "/%:=&?~+!$,;'@()*[]"

IP = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Target:
    """An address taken apart: ``request`` is path and query, ``host`` in lower case and without a dot at its end."""

    scheme: str
    host: str
    port: int
    request: str

    @property
    def authority(self) -> str:
        """Host and port as the Host header has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def address(self) -> str:
        """The whole address."""
        return f"{self.scheme}://{self.authority}{self.request}"

    @property
    def origin(self) -> tuple[str, str, int]:
        """What two addresses share that belong to one server."""
        return self.scheme, self.host, self.port


def target(address: str) -> Target:
    """Take an http or https address apart; raise :class:`AddressRefused` for any that could be read in two ways.

    Names of hosts outside ASCII, user names, numbers that only some programs read as network addresses, and ports
    of other protocols are refused.
    """
    if len(address) > LONGEST or re.search(r"[\x00-\x1f\x7f\\]", address) or address != address.strip():
        raise AddressRefused("net-form", address=_shown(address))
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as problem:
        raise AddressRefused("net-form", address=_shown(address)) from problem
    if parts.scheme not in _PORTS or not parts.hostname:
        raise AddressRefused("net-kind", address=_shown(address))
    if parts.username is not None or parts.password is not None:
        raise AddressRefused("net-user", address=_shown(f"{parts.scheme}://…@{parts.hostname}"))
    host = _host(parts.hostname.removesuffix("."), parts.netloc, address)
    port = _PORTS[parts.scheme] if port is None else port
    if port not in _PORTS.values() and (port < _LOWEST or port in _FORBIDDEN_PORTS):
        raise AddressRefused("net-port", address=_shown(address), port=port)
    request = quote(parts.path or "/", safe=_KEPT) + (f"?{quote(parts.query, safe=_KEPT)}" if parts.query else "")
    return Target(parts.scheme, host, port, request)


def _host(host: str, netloc: str, address: str) -> str:
    if not host.isascii() or not netloc.isascii():
        raise AddressRefused("net-unicode", address=_shown(address))
    if ":" in host:
        try:
            return str(ipaddress.IPv6Address(host)) if "%" not in host else _refuse(address)
        except ValueError:
            _refuse(address)
    if "[" in netloc or len(host) > 253 or not _NAME.fullmatch(host):
        _refuse(address)
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError as problem:
            raise AddressRefused("net-number", address=_shown(address)) from problem
    return host


def _refuse(address: str) -> str:
    raise AddressRefused("net-form", address=_shown(address))


def _shown(address: str) -> str:
    cut = address if len(address) <= 200 else address[:200] + "…"
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in cut)


_INSIDE: Final = (
    (ipaddress.IPv6Network("::ffff:0:0/96"), 0),
    (ipaddress.IPv6Network("64:ff9b::/96"), 0),
    (ipaddress.IPv6Network("2002::/16"), 80),
)
"""IPv6 addresses that lead to an IPv4 address, and by how many bits it is shifted in them."""
_GLOBAL_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC: Final = tuple(
    map(ipaddress.ip_network, ("192.88.99.0/24", "192.0.0.0/24", "2001::/23", "2001:db8::/32", "3fff::/20"))
)


def is_public(ip: IP) -> bool:
    """Tell whether a network address is one of the public Internet, also where it wraps an IPv4 address.

    Loopback, private, shared, link-local, multicast, reserved and documentation addresses are not.
    Source: https://www.iana.org/assignments/iana-ipv4-special-registry/, the same for IPv6

    >>> [is_public(ipaddress.ip_address(a)) for a in ("8.8.8.8", "169.254.169.254", "::ffff:8.8.8.8", "64:ff9b::a00:1")]
    [True, False, True, False]
    """
    if isinstance(ip, ipaddress.IPv6Address):
        for network, shift in _INSIDE:
            if ip in network:
                return is_public(ipaddress.IPv4Address((int(ip) >> shift) & 0xFFFFFFFF))
        if ip not in _GLOBAL_UNICAST:
            return False
    special = ip.is_private or ip.is_multicast or ip.is_reserved or ip.is_loopback or ip.is_link_local
    return ip.is_global and not special and not any(ip in network for network in _NOT_PUBLIC)
