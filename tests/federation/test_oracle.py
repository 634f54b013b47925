"""Queries over several endpoints mean what the same query means over one store that holds all their data.

Queries are made at random: joins, OPTIONAL, UNION, MINUS, FILTER, EXISTS, BIND, VALUES, sub-selects, SERVICE within
each of them and within itself, SILENT, failing and variable endpoints. The oracle evaluates each with
``GRAPH <endpoint>`` in the place of ``SERVICE <endpoint>``.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import dataclass, field, replace

import pyoxigraph as ox
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stadtgraph.config import FederationSettings, ServiceSettings
from stadtgraph.errors import NetworkError, QueryRefused
from stadtgraph.query.federation import Federation, federated, services
from stadtgraph.query.federation.results import Row, Wanted, read
from stadtgraph.sparql.outline import outline
from stadtgraph.terms import Names

ONE, TWO, DEAD = "http://one.example/sparql", "http://two.example/sparql", "http://dead.example/sparql"
OWN = "http://own.example/graph"
SETTINGS = FederationSettings(
    service=tuple(ServiceSettings(name=iri[7:11].strip("."), address=iri) for iri in (ONE, TWO, DEAD)), batch=2
)
NODES = [f"<urn:{name}>" for name in "abcd"]
VALUES = [*NODES, '"x"', '"x"@en', "1", "1.5", '"01"^^<http://www.w3.org/2001/XMLSchema#integer>', "true"]
PROPERTIES = ["<urn:p>", "<urn:q>", "<urn:r>"]
VARIABLES = ["?a", "?b", "?c", "?d"]


@dataclass
class Maker:
    """Makes patterns. ``fresh`` counts variables that BIND may give a value."""

    random: random.Random
    fresh: int = 0
    size: int = 0
    counts: Counter[str] = field(default_factory=Counter)

    def one(self, items: list[str]) -> str:
        """Choose one."""
        return self.random.choice(items)

    def new(self) -> str:
        """Name a variable that nothing else binds."""
        self.fresh += 1
        return f"?n{self.fresh}"

    def term(self) -> str:
        """Make a subject."""
        return self.one(VARIABLES) if self.random.random() < 0.8 else self.one(NODES)

    def triple(self, *_: object) -> str:
        """Make a triple pattern, sometimes with a path."""
        thing = self.one(VARIABLES) if self.random.random() < 0.8 else self.one(VALUES)
        path = self.one([*PROPERTIES * 4, "<urn:p>/<urn:q>", "<urn:p>|<urn:r>", "<urn:p>*"])
        return f"{self.term()} {path} {thing} ."

    def group(self, depth: int, remote: bool) -> str:
        """Make a group; depth bounds what stands in it."""
        makers = [self.triple] * 4
        if depth > 0:
            makers += [self.service, self.service, self.optional, self.union, self.filter, self.data, self.select]
            makers += [self.plain, self.minus, self.bind]
            if not remote:
                makers += [self.variable, self.named]
        number = self.random.choice([1, 2, 2, 3, 3])
        return "{ " + " ".join(self.random.choice(makers)(depth, remote) for _ in range(number)) + " }"

    def plain(self, depth: int, remote: bool) -> str:
        """Make a group within the group."""
        return self.group(depth - 1, remote)

    def optional(self, depth: int, remote: bool) -> str:
        """Make an OPTIONAL."""
        return f"OPTIONAL {self.group(depth - 1, remote)}"

    def minus(self, depth: int, remote: bool) -> str:
        """Make a MINUS."""
        return f"MINUS {self.group(depth - 1, remote)}"

    def union(self, depth: int, remote: bool) -> str:
        """Make a UNION."""
        return f"{self.group(depth - 1, remote)} UNION {self.group(depth - 1, remote)}"

    def named(self, depth: int, _remote: bool) -> str:
        """Make a GRAPH of the own data."""
        if self.random.random() < 0.5:
            return f"GRAPH <{OWN}> {self.group(depth - 1, False)}"
        name, body = self.new(), f"{self.triple()} {self.group(depth - 1, False)} {self.service(depth, False)}"
        return f"VALUES {name} {{ <{OWN}> }} GRAPH {name} {{ {body} }}"

    def data(self, *_: object) -> str:
        """Make VALUES."""
        names = self.random.sample(VARIABLES, self.random.choice([1, 2]))
        rows = [" ".join(self.one([*VALUES, "UNDEF"]) for _ in names) for _ in range(self.random.choice([0, 1, 2, 3]))]
        return f"VALUES ({' '.join(names)}) {{ {' '.join(f'({row})' for row in rows)} }}"

    def bind(self, *_: object) -> str:
        """Make a BIND."""
        a, b = self.one(VARIABLES), self.one(VARIABLES)
        expression = self.one([a, f"IF(BOUND({a}), {b}, <urn:a>)", f"COALESCE({a}, {b})", f"STR({a})"])
        return f"BIND({expression} AS {self.new()})"

    def filter(self, depth: int, remote: bool) -> str:
        """Make a FILTER."""
        a, b = self.one(VARIABLES), self.one(VARIABLES)
        simple = [f"({a} = {b})", f"({a} != {self.one(VALUES)})", f"(BOUND({a}))", f"(!BOUND({a}))", f"(isIRI({a}))"]
        if self.random.random() < 0.4:
            return f"FILTER {self.one(['EXISTS', 'NOT EXISTS'])} {self.group(depth - 1, remote)}"
        return f"FILTER {self.one(simple)}"

    def select(self, depth: int, remote: bool) -> str:
        """Make a sub-select."""
        inner = self.group(depth - 1, remote)
        names = self.random.sample(VARIABLES, 2)
        shapes = [
            f"SELECT * {inner}",
            f"SELECT {' '.join(names)} {inner}",
            f"SELECT DISTINCT {names[0]} {inner}",
            f"SELECT {names[0]} (COUNT(*) AS {self.new()}) {inner} GROUP BY {names[0]}",
            f"SELECT ({names[0]} AS {self.new()}) {inner}",
            f"SELECT * {inner} LIMIT 0",
            f"SELECT {names[0]} {inner} VALUES {names[0]} {{ <urn:a> <urn:b> }}",
        ]
        return f"{{ {self.one(shapes)} }}"

    def service(self, depth: int, _remote: bool) -> str:
        """Make a SERVICE, sometimes silent, sometimes dead."""
        where = self.one([f"<{ONE}>"] * 3 + [f"<{TWO}>"] * 3 + ["SILENT " + f"<{DEAD}>", f"SILENT <{ONE}>"])
        return f"SERVICE {where} {self.group(depth - 1, True)}"

    def variable(self, depth: int, _remote: bool) -> str:
        """Make a SERVICE whose endpoint is a variable."""
        name = self.new()
        chosen = self.random.choice([f"<{ONE}>", f"<{ONE}> <{TWO}>"])
        body = "{ " + " ".join(self.triple() for _ in range(self.random.choice([1, 2]))) + " }"
        return f"VALUES {name} {{ {chosen} }} SERVICE {name} {body}"

    def query(self) -> str:
        """Make a whole query."""
        head = self.one(["SELECT *"] * 3 + ["SELECT ?a ?b", "SELECT DISTINCT ?a", "SELECT (COUNT(*) AS ?n)"])
        return f"{head} {self.group(3, False)}"


def data(chance: random.Random) -> str:
    """Make some triples."""
    numbers = range(chance.choice([0, 2, 6, 12]))
    return "\n".join(f"{chance.choice(NODES)} {chance.choice(PROPERTIES)} {chance.choice(VALUES)} ." for _ in numbers)


def _oracle_text(text: str) -> str:
    """Give the query with graphs in the place of services; a dead one that is silent is one empty solution."""
    found = (
        text.replace(f"SERVICE SILENT <{DEAD}>", "\0").replace("SERVICE SILENT", "GRAPH").replace("SERVICE", "GRAPH")
    )
    while "\0" in found:
        start = found.index("\0")
        opens = found.index("{", start)
        at, depth = opens, 0
        while True:
            depth += {"{": 1, "}": -1}.get(found[at], 0)
            at += 1
            if depth == 0:
                break
        found = f"{found[:start]}{{ }}{found[at:]}"
    return found


def solutions(store: ox.Store, text: str) -> Counter[str]:
    """Give the solutions of a query as a multiset."""
    result = store.query(text)
    assert isinstance(result, ox.QuerySolutions)
    names = sorted(v.value for v in result.variables)
    return Counter(" ".join(f"{n}={row[n]}" for n in names if row[n] is not None) for row in result)


class World:
    """Own data, two endpoints, and one store that holds all of it."""

    def __init__(self, own: str, named: str, one: str, two: str) -> None:
        self.own, self.all = ox.Store(), ox.Store()
        self.remote = {ONE: ox.Store(), TWO: ox.Store()}
        self.asked: list[str] = []
        graph = ox.NamedNode(OWN)
        for store, text, target in (
            (self.own, own, ox.DefaultGraph()),
            (self.own, named, graph),
            (self.all, own, ox.DefaultGraph()),
            (self.all, named, graph),
            (self.all, one, ox.NamedNode(ONE)),
            (self.all, two, ox.NamedNode(TWO)),
            (self.remote[ONE], one, ox.DefaultGraph()),
            (self.remote[TWO], two, ox.DefaultGraph()),
        ):
            if isinstance(target, ox.NamedNode):
                store.add_graph(target)
            store.load(text, format=ox.RdfFormat.TURTLE, to_graph=target)

    def ask(self, text: str, rows: int, *, empty: bool = False) -> tuple[list[Row], bool]:
        """Ask the own data."""
        result = (ox.Store() if empty else self.own).query(text)
        if not isinstance(result, ox.QuerySolutions):
            return [], False
        names = [v.value for v in result.variables]
        found = [tuple(row[name] for name in names) for row in result]
        return found[:rows], len(found) > rows

    def select(self, asking: services.Asking, text: str, columns: tuple[str, ...], rows: int) -> list[Row]:
        """Ask in the place of the network, with its formats."""
        self.asked.append(text)
        store = self.remote.get(asking.service.address)
        if store is None:
            raise NetworkError("net-unreachable", address=DEAD)
        result = store.query(text)
        assert isinstance(result, ox.QuerySolutions)
        form = random.Random(text).choice([ox.QueryResultsFormat.JSON, ox.QueryResultsFormat.XML])
        body = result.serialize(format=form)
        assert body is not None
        return read(form.media_type, [body[:100], body[100:]], Wanted(columns, rows, ox.NamedNode))

    def answer(self, text: str, settings: FederationSettings) -> Counter[str]:
        """Give the solutions of a query over the endpoints."""
        until = time.monotonic() + 60
        found = federated(text, outline(text), Federation.of(settings), Names(), self.ask, until)
        assert "SERVICE" not in found.text
        return solutions(self.own, found.text)


def check(seed: int, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make a world and a query, and hold the answer to the oracle's; give what became of it."""
    chance = random.Random(seed)
    world = World(*(data(chance) for _ in range(4)))
    text = Maker(chance).query()
    monkeypatch.setattr(services.Asking, "select", lambda asking, *rest: world.select(asking, *rest))
    try:
        expected = solutions(world.all, _oracle_text(text))
    except SyntaxError:
        return "no query"
    few = replace(SETTINGS, bindings=chance.choice([0, 1, 3, 2000]))
    try:
        found = world.answer(text, few)
    except QueryRefused as refused:
        assert refused.key in ("federation-exists", "federation-graph"), refused
        return "refused"
    assert found == expected, text
    return "same" if found else "empty"


@given(st.integers(0, 2**48))
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_query_over_endpoints_means_what_it_means_over_one_store(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Whatever is joined with what."""
    check(seed, monkeypatch)
