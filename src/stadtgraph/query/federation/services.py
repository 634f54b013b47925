"""The endpoints that queries may ask with SERVICE, and how one of them is asked."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from secrets import token_hex
from typing import Final
from urllib.parse import urlencode, urlsplit

import pyoxigraph as ox

from stadtgraph import net
from stadtgraph.config import FederationSettings, ServiceSettings
from stadtgraph.errors import AddressRefused, NetworkError, QueryRefused
from stadtgraph.query.federation.results import JSON, XML, Malformed, Row, TooMany, Wanted, read
from stadtgraph.terms import Names

_ACCEPT: Final = f"{JSON}, {XML};q=0.8"
_FORM: Final = "application/x-www-form-urlencoded"
_QUERY: Final = "application/sparql-query"


@dataclass(frozen=True, slots=True)
class Federation:
    """What may be asked, by the IRI that queries write, and within which bounds."""

    settings: FederationSettings
    services: Mapping[str, ServiceSettings]

    @classmethod
    def of(cls, settings: FederationSettings) -> Federation:
        """Take the endpoints of the settings; each is known by its IRI and its address."""
        found: dict[str, ServiceSettings] = {}
        for service in settings.service:
            found.setdefault(service.address, service)
            found.setdefault(service.iri or service.address, service)
        return cls(settings, found)

    def require(self, iri: str) -> ServiceSettings:
        """Give the endpoint that a query names; raise :class:`QueryRefused` where it is not on the list."""
        if iri not in self.services:
            known = ", ".join(sorted({s.iri or s.address for s in self.services.values()})) or "-"
            raise QueryRefused("federation-not-listed", address=iri[:300], known=known)
        return self.services[iri]


@dataclass(slots=True)
class Budget:
    """The bytes that all answers to one query may have yet."""

    left: int

    def counted(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """Give ``blocks``, each taken off what is left."""
        for block in blocks:
            self.left -= len(block)
            yield block


@dataclass(frozen=True, slots=True)
class Asking:
    """One SERVICE clause under way: which endpoint, in which query, and until when."""

    service: ServiceSettings
    settings: FederationSettings
    names: Names
    until: float
    budget: Budget

    def select(self, text: str, columns: tuple[str, ...], rows: int) -> list[Row]:
        """Ask a SELECT query and give its rows, at most ``rows``, blank nodes as IRIs of this answer alone.

        Raises :class:`NetworkError` where the endpoint fails, :class:`QueryRefused` where it says more than may be
        taken, and :class:`AddressRefused` where its address must not be asked.
        """
        address, body, headers = self._request(text)
        host = urlsplit(self.service.address).hostname or ""
        policy = net.Policy(
            private=frozenset({host.removesuffix(".")}) if self.service.private else frozenset(),
            bytes=max(0, self.budget.left),
            seconds=self.until - time.monotonic(),
            connect=min(5.0, self.settings.seconds),
        )
        wanted = Wanted(columns, rows, _namer(self.names))
        try:
            method = "GET" if body is None else "POST"
            with net.get(address, policy, method=method, headers=headers, body=body) as found:
                if found.status != 200:
                    raise NetworkError("net-status", address=self.service.address, found=found.status)
                return read(found.media_type, self.budget.counted(found.blocks()), wanted)
        except Malformed as problem:
            raise NetworkError("federation-malformed", address=self.service.address) from problem
        except TooMany as problem:
            raise QueryRefused("federation-rows", address=self.service.address, bound=self.settings.rows) from problem
        except NetworkError as problem:
            raise self._told(problem) from problem

    def _told(self, problem: NetworkError) -> NetworkError | QueryRefused:
        """Give the error to raise: with the address as it was configured, without a query behind it."""
        if problem.key == "net-private":
            return AddressRefused("federation-address", address=self.service.address, name=self.service.name)
        if problem.key == "net-large":
            return QueryRefused("federation-bytes", address=self.service.address, bound=self.settings.bytes)
        return type(problem)(problem.key, **{**problem.params, "address": self.service.address})

    def _request(self, text: str) -> tuple[str, bytes | None, dict[str, str]]:
        """Give address, body and headers, as the SPARQL protocol has them."""
        headers = {"Accept": _ACCEPT}
        variable = self.service.authorization
        if variable:
            if variable not in os.environ:
                raise AddressRefused("federation-credentials", name=self.service.name, variable=variable)
            headers["Authorization"] = os.environ[variable]
        form = urlencode({"query": text})
        if self.service.method == "get":
            mark = "&" if "?" in self.service.address else "?"
            return f"{self.service.address}{mark}{form}", None, headers
        if self.service.method == "direct":
            return self.service.address, text.encode(), headers | {"Content-Type": _QUERY}
        return self.service.address, form.encode(), headers | {"Content-Type": _FORM}


def _namer(names: Names) -> Callable[[str], ox.NamedNode]:
    """Give what names blank nodes: one label is one IRI within one answer, and never the same in another.

    Source: https://www.w3.org/TR/rdf11-concepts/#section-skolemization
    """
    answer = token_hex(16)

    def name(label: str) -> ox.NamedNode:
        digest = hashlib.sha256(f"{answer} {label}".encode("utf-8", "surrogatepass")).hexdigest()[:32]
        return ox.NamedNode(f"{names.base}.well-known/genid/{digest}")

    return name
