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
NODES = [f"<urn:{name}>" for name in "abc"]
VALUES = [*NODES, '"x"', '"x"@en', "1", "1.5", '"01"^^<http://www.w3.org/2001/XMLSchema#integer>', "true"]
PROPERTIES = ["<urn:p>", "<urn:p>", "<urn:q>", "<urn:q>", "<urn:r>"]
VARIABLES = ["?a", "?b", "?c"]


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
        return self.one(VARIABLES) if self.random.random() < 0.95 else self.one(NODES)

    def triple(self, *_: object) -> str:
        """Make a triple pattern, sometimes with a path."""
        thing = self.one(VARIABLES) if self.random.random() < 0.9 else self.one(VALUES)
        path = self.one([*PROPERTIES * 6, "<urn:p>/<urn:q>", "<urn:p>|<urn:q>", "<urn:p>*"])
        return f"{self.term()} {path} {thing} ."

    def group(self, depth: int, remote: bool) -> str:
        """Make a group; depth bounds what stands in it."""
        makers = [self.triple] * 4
        if depth > 0:
            makers += [self.service] * 3 + [self.optional] * 3 + [self.union, self.filter, self.data, self.select]
            makers += [self.plain, self.minus, self.bind]
            if not remote:
                makers += [self.variable, self.named]
        number = self.random.choice([1, 2, 2, 2, 3])
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
        name, body = self.new(), f"{self.triple()} OPTIONAL {{ {self.triple()} }} {self.service(depth, False)}"
        return f"VALUES {name} {{ <{OWN}> }} GRAPH {name} {{ {body} }}"

    def data(self, *_: object) -> str:
        """Make VALUES."""
        names = self.random.sample(VARIABLES, self.random.choice([1, 2]))
        rows = [
            " ".join(self.one([*VALUES, "UNDEF"]) for _ in names) for _ in range(self.random.choice([0, 1, 2, 2, 3]))
        ]
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
    numbers = range(chance.choice([1, 3, 5, 7]))
    things = [*NODES * 5, *VALUES]
    return "\n".join(f"{chance.choice(NODES)} {chance.choice(PROPERTIES)} {chance.choice(things)} ." for _ in numbers)


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
    few = replace(SETTINGS, bindings=chance.choice([0, 3, 2000, 2000, 2000]))
    try:
        found = world.answer(text, few)
    except QueryRefused as refused:
        assert refused.key in ("federation-exists", "federation-graph"), refused
        return "refused"
    assert found == expected, text
    return "same" if found else "empty"


TRICKY = [
    # a variable that only some solutions of the clause bind, and a filter that sees whether it is bound
    "?s <urn:p> ?o {{ {one} {{ ?x <urn:q> ?y OPTIONAL {{ ?x <urn:r> ?o }} }} FILTER(!BOUND(?o)) }}",
    "?s <urn:p> ?o {{ {one} {{ {{ ?x <urn:q> ?y }} UNION {{ ?x <urn:r> ?o }} }} FILTER(!BOUND(?o)) }}",
    "?s <urn:p> ?o {{ {one} {{ ?x <urn:q> ?y VALUES ?o {{ UNDEF }} }} FILTER(!BOUND(?o)) }}",
    "?s <urn:p> ?o {{ {one} {{ ?x <urn:q> ?y {dead} {{ ?x <urn:r> ?o }} }} FILTER(!BOUND(?o)) }}",
    "?s <urn:p> ?o {{ {one} {{ ?x <urn:q> ?y BIND(1/0 AS ?o) }} FILTER(!BOUND(?o)) }}",
    # values before an OPTIONAL would make it another
    "?x <urn:p> ?o {one} {{ OPTIONAL {{ ?x <urn:q> ?y }} ?x <urn:p> ?y }}",
    "?y <urn:p> ?o {one} {{ MINUS {{ ?x <urn:q> ?y }} ?x <urn:p> ?y }}",
    "?y <urn:p> ?o {one} {{ BIND(COALESCE(?y, 1) AS ?z) ?x <urn:p> ?y }}",
    # a solution of the clause that fits nothing outside still keeps its group from being taken bare
    "?a <urn:p> ?b {{ ?c <urn:q> ?d OPTIONAL {{ {one} {{ ?c <urn:p> ?b }} }} }}",
    "?a <urn:p> ?b {{ ?c <urn:q> ?d MINUS {{ {one} {{ ?c <urn:p> ?b }} }} }}",
    "?a <urn:p> ?b OPTIONAL {{ ?c <urn:q> ?d OPTIONAL {{ {one} {{ ?c <urn:p> ?b }} }} }}",
    "?a <urn:p> ?b OPTIONAL {{ ?c <urn:q> ?d OPTIONAL {{ ?d <urn:q> ?e {one} {{ ?c <urn:p> ?b }} }} }}",
    "?a <urn:p> ?b {{ ?c <urn:q> ?d FILTER NOT EXISTS {{ {one} {{ ?c <urn:p> ?b }} }} }}",
    # numbers and aggregates look at all solutions
    "?a <urn:p> ?b {{ SELECT ?b (COUNT(*) AS ?n) {{ {one} {{ ?c <urn:p> ?b }} }} GROUP BY ?b }}",
    "?a <urn:p> ?b {{ SELECT (COUNT(*) AS ?n) {{ {one} {{ ?c <urn:p> ?b }} }} }}",
    "?a <urn:p> ?b {{ SELECT ?b {{ {one} {{ ?c <urn:p> ?b }} }} ORDER BY ?b ?c LIMIT 1 }}",
    # what stands between a clause and triples behind it
    "{one} {{ ?c <urn:p> ?b }} OPTIONAL {{ ?c <urn:q> ?a }} ?a <urn:p> ?b",
    "{one} {{ ?c <urn:p> ?b }} MINUS {{ ?c <urn:q> ?b }} ?a <urn:p> ?b",
    "{one} {{ ?c <urn:p> ?b }} BIND(BOUND(?a) AS ?z) ?a <urn:p> ?b",
    # solutions that occur several times, values that are unbound, filters that see a later value
    "{{ ?a <urn:p> ?b }} UNION {{ ?a <urn:q> ?b }} {one} {{ ?b <urn:p> ?c }}",
    "VALUES (?a ?b) {{ (<urn:a> UNDEF) (UNDEF <urn:b>) (<urn:a> <urn:b>) }} {one} {{ ?a <urn:p> ?b }}",
    "OPTIONAL {{ ?a <urn:q> ?b }} {one} {{ ?a <urn:p> ?b }} FILTER(BOUND(?b))",
    "?a <urn:p> ?x OPTIONAL {{ {one} {{ ?a <urn:p> ?b }} FILTER(?b != ?x) }}",
    "?a <urn:p> ?x OPTIONAL {{ ?a <urn:q> ?y {one} {{ ?a <urn:p> ?b }} FILTER(?y = ?x) }}",
    "?a <urn:p> ?x FILTER(!BOUND(?b)) OPTIONAL {{ {one} {{ ?a <urn:p> ?b }} }}",
    "GRAPH <{own}> {{ ?a <urn:p> ?b {one} {{ ?b <urn:p> ?c }} }}",
    "GRAPH <{own}> {{ {{ {one} {{ ?b <urn:p> ?c }} ?a <urn:p> ?b }} }} ?a <urn:p> ?x",
    "VALUES ?e {{ <{first}> <{second}> }} ?a <urn:p> ?b SERVICE ?e {{ ?a <urn:p> ?c }}",
    "VALUES (?e ?a) {{ (<{first}> <urn:a>) (<{second}> <urn:b>) }} SERVICE ?e {{ ?a <urn:p> ?c }}",
    "VALUES ?e {{ <{first}> <{second}> }} OPTIONAL {{ SERVICE ?e {{ ?e <urn:p> ?c }} }}",
]


@pytest.mark.parametrize("pattern", TRICKY)
def test_what_is_left_out_never_shows(monkeypatch: pytest.MonkeyPatch, pattern: str) -> None:
    """Cases in which a careless bind join would give another answer, over many small sets of data."""
    service = {"one": f"SERVICE <{ONE}>", "dead": f"SERVICE SILENT <{DEAD}>", "first": ONE, "second": TWO, "own": OWN}
    text = f"SELECT * {{ {pattern.format(**service)} }}"
    monkeypatch.setattr(services.Asking, "select", lambda asking, *rest: world.select(asking, *rest))
    found = 0
    for seed in range(60):
        chance = random.Random(seed)
        world = World(*(data(chance) for _ in range(4)))
        expected = solutions(world.all, _oracle_text(text))
        assert world.answer(text, SETTINGS) == expected, seed
        found += bool(expected)
    assert found > 3


@given(st.integers(0, 2**48))
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_query_over_endpoints_means_what_it_means_over_one_store(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Whatever is joined with what."""
    check(seed, monkeypatch)
