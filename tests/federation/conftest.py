"""Own data and endpoints to ask, in the same process."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator

import pyoxigraph as ox
import pytest

from endpoints import Endpoint, endpoint
from stadtgraph.config import FederationSettings, ServiceSettings
from stadtgraph.query.federation import Federated, Federation, Row, federated
from stadtgraph.sparql.outline import outline
from stadtgraph.terms import Names


class Town:
    """A store that asks endpoints: ``services`` may be asked, within the bounds of ``settings``."""

    def __init__(self) -> None:
        self.store = ox.Store()
        self.services: list[ServiceSettings] = []
        self.settings: dict[str, int | float] = {}
        self.internal = False
        self.seconds = 30.0
        self.local: list[str] = []

    def load(self, turtle: str) -> None:
        """Load own data."""
        self.store.load(turtle, format=ox.RdfFormat.TURTLE)

    def allow(self, iri: str, other: Endpoint | str, **more: object) -> None:
        """Allow an endpoint on this machine, under an IRI of the public Internet."""
        address = other if isinstance(other, str) else other.address
        name = f"service-{len(self.services) + 1}"
        self.services.append(ServiceSettings(name, address, iri, **{"private": True, **more}))  # type: ignore[arg-type]

    def ask(self, text: str, rows: int, *, empty: bool = False) -> tuple[list[Row], bool]:
        """Ask the own data."""
        self.local.append(text)
        result = (ox.Store() if empty else self.store).query(text, base_iri=Names().base)
        if not isinstance(result, ox.QuerySolutions):
            return [], False
        names = [v.value for v in result.variables]
        found = [tuple(row[name] for name in names) for row in result]
        return found[:rows], len(found) > rows

    def rewrite(self, text: str) -> Federated:
        """Put the answers of endpoints into a query."""
        federation = Federation.of(FederationSettings(service=tuple(self.services), **self.settings))  # type: ignore[arg-type]
        read = outline(text, Names().base)
        until = time.monotonic() + self.seconds
        return federated(text, read, federation, Names(), self.ask, until, internal=self.internal)

    def answer(self, text: str) -> Counter[str]:
        """Give the solutions of a query, as a multiset of texts."""
        return shown(self.store.query(self.rewrite(text).text, base_iri=Names().base))


def shown(result: object) -> Counter[str]:
    """Give solutions as texts."""
    assert isinstance(result, ox.QuerySolutions)
    names = sorted(v.value for v in result.variables)
    return Counter(" ".join(f"{name}={row[name]}" for name in names if row[name] is not None) for row in result)


@pytest.fixture
def town() -> Town:
    """A town with some data and no endpoints."""
    found = Town()
    found.load("<urn:a> <urn:p> 'x' . <urn:b> <urn:p> 'y' . <urn:c> <urn:p> 'z' .")
    return found


@pytest.fixture
def serve() -> Iterator[Callable[[str], Endpoint]]:
    """Start endpoints: ``serve(turtle)``."""
    from contextlib import ExitStack

    with ExitStack() as stack:

        def start(turtle: str) -> Endpoint:
            store = ox.Store()
            store.load(turtle, format=ox.RdfFormat.TURTLE)
            return stack.enter_context(endpoint(store))

        yield start
