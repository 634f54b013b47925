"""The graphs behind an answer, held to what happens when one is taken away."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pyoxigraph as ox
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stadtgraph.errors import QueryRefused
from stadtgraph.lineage import Lineage, trace
from stadtgraph.store import OxigraphEngine
from stadtgraph.terms import Names

module = importlib.import_module("stadtgraph.lineage.trace")
walk = importlib.import_module("stadtgraph.lineage.walk")
NAMES = Names("https://e/")
GRAPHS = [NAMES.source(name) for name in ("one", "two", "three")]
Data = dict[ox.NamedNode, set[ox.Triple]]


def node(name: str) -> ox.NamedNode:
    """Give a name of the test data."""
    return ox.NamedNode(f"https://e/{name}")


nodes = st.sampled_from("abcd").map(node)
triples = st.builds(ox.Triple, nodes, st.sampled_from("pqr").map(node), nodes)
data = st.lists(st.sets(triples, max_size=6), min_size=3, max_size=3).map(
    lambda sets: dict(zip(GRAPHS, sets, strict=True))
)

terms = st.sampled_from(["?x", "?y", "?z", "<a>", "<b>", "[]"])
paths = st.sampled_from(
    ["<p>", "<q>", "?v", "<p>/<q>", "^<p>", "<p>|<r>", "(<p>|^<q>)+", "<p>*", "<q>?", "(<p>/<q>)|<r>", "^(<p>/<q>)"]
)
pattern = st.builds("{} {} {} .".format, terms.filter(lambda t: t != "[]"), paths, terms)
lists = st.sampled_from(["?x <p> ?y ; <q> ?z .", "?x <p> ?y , ?z .", "?x <p> [ <q> ?y ] .", "[ <p> ?x ] <q> ?y ."])
basic = st.lists(st.one_of(pattern, lists), min_size=1, max_size=2).map(" ".join)
monotone = st.recursive(
    basic,
    lambda inner: st.one_of(
        st.builds("{{ {} }} UNION {{ {} }}".format, inner, inner),
        st.builds("{} {{ {} }}".format, inner, inner),
        st.builds("{} FILTER(?x != <a>)".format, inner),
        st.builds("{{ {} FILTER(?y = <b>) }} UNION {{ {} }}".format, inner, inner),
        st.builds("{} BIND(STR(?x) AS ?s)".format, inner).filter(lambda t: t.count("?s)") < 2),
        st.builds("VALUES ?x {{ <a> <b> }} {}".format, inner),
        st.builds("GRAPH ?g {{ {} }}".format, basic),
        st.builds("GRAPH <graph/source/one> {{ {} }}".format, basic),
        st.builds("{{ SELECT ?x WHERE {{ {} }} }}".format, inner),
    ),
    max_leaves=3,
)
order = "ORDER BY ?x ?y ?z ?v ?g ?s ?n"  # without it, any solutions may be the first
ends = st.sampled_from(["", "", f"{order} LIMIT 1", f"{order} LIMIT 2 OFFSET 1", "VALUES ?x { <a> }"])
others = st.one_of(
    monotone,
    st.builds("{} OPTIONAL {{ {} }}".format, monotone, monotone),
    st.builds("{} MINUS {{ {} }}".format, monotone, monotone),
    st.builds("{} FILTER NOT EXISTS {{ {} }}".format, monotone, basic),
    st.builds("{} FILTER EXISTS {{ {} }}".format, monotone, basic),
    st.builds("{{ SELECT ?x (COUNT(?y) AS ?n) WHERE {{ {} }} GROUP BY ?x }} {}".format, monotone, basic),
    st.builds("{{ SELECT ?x WHERE {{ {} }} LIMIT 1 }} {}".format, monotone, basic),
    st.builds("{{ SELECT DISTINCT ?x WHERE {{ {} }} }} {}".format, monotone, basic),
)


class Memory(OxigraphEngine):
    """A store in memory."""

    def __init__(self) -> None:
        self.names, self.read_only, self.store, self._graphs = NAMES, False, ox.Store(), None


def engine_of(content: Data) -> OxigraphEngine:
    """Give a store whose default graph is the merge of its graphs, the solutions of a query always in one order."""
    engine = Memory()
    for graph, found in content.items():
        engine.store.add_graph(graph)
        engine.store.extend(ox.Quad(t.subject, t.predicate, t.object, graph) for t in sorted(found, key=str))
    merge = sorted({triple for found in content.values() for triple in found}, key=str)
    engine.store.extend(ox.Quad(t.subject, t.predicate, t.object) for t in merge)
    return engine


def answer(engine: OxigraphEngine, query: str) -> Counter[str]:
    """Give the solutions of a query, as often as they come."""
    return Counter(str(row) for row in engine.select(query))


def required(content: Data, query: str) -> set[str]:
    """Give the graphs without which the answer is another."""
    whole = answer(engine_of(content), query)
    found = set()
    for graph in GRAPHS:
        less = {g: (set() if g == graph else t) for g, t in content.items()}
        if answer(engine_of(less), query) != whole:
            found.add(graph.value)
    return found


def reported(lineage: Lineage) -> set[str]:
    """Give every graph of a lineage."""
    return {c.graph for c in lineage.graphs}


@contextmanager
def looking_at(most: int) -> Iterator[None]:
    """Have only some solutions read one by one, so that slots are asked about, and paths walked from both sides."""
    before = module.MOST, walk._SOON
    module.MOST, walk._SOON = most, most
    try:
        yield
    finally:
        module.MOST, walk._SOON = before


slowly = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))


@slowly
@given(content=data, where=monotone, most=st.sampled_from([1, 2000]))
def test_for_monotone_queries_it_is_exactly_the_graphs_whose_removal_matters(
    content: Data, where: str, most: int
) -> None:
    """What is needed is what changes the answer; where paths may go several ways, nothing is missed."""
    query = f"SELECT * WHERE {{ {where} }}"
    needed = required(content, query)
    with looking_at(most):
        lineage = trace(engine_of(content), query)
    assert needed <= reported(lineage)
    if not any(sign in where for sign in ("*", ")+", ">?", "|")):
        assert lineage.is_exact
        assert {c.graph for c in lineage.graphs if c.is_needed} == needed


@slowly
@given(content=data, where=others, end=ends, most=st.sampled_from([1, 2000]))
def test_for_other_queries_no_graph_whose_removal_matters_is_missed(
    content: Data, where: str, end: str, most: int
) -> None:
    """OPTIONAL, MINUS, EXISTS, aggregates, LIMIT and DISTINCT may name more, never less."""
    query = f"SELECT * WHERE {{ {where} }} {end}"
    needed = required(content, query)
    with looking_at(most):
        lineage = trace(engine_of(content), query)
    assert needed <= reported(lineage)


def test_two_ways_of_a_path_are_named_but_neither_is_sure(engine: OxigraphEngine) -> None:
    """They join two things once, so that either may go."""
    a, p, q, r = (node(n) for n in "apqr")
    content = {GRAPHS[0]: {ox.Triple(a, p, a), ox.Triple(a, q, a)}, GRAPHS[1]: {ox.Triple(a, r, a)}, GRAPHS[2]: set()}
    found = trace(engine_of(content), "SELECT * { ?x (<p>/<q>)|<r> ?x }")
    assert reported(found) == {g.value for g in GRAPHS[:2]} and not found.is_exact


@pytest.mark.parametrize(
    ("where", "limit"), [("{ SELECT DISTINCT ?x { ?x <p> ?y } } ?x <q> ?z", 2), ("?x (<p>|<r>) ?y . ?x <q> ?z", 3)]
)
def test_a_limit_counts_solutions_as_the_query_gives_them(where: str, limit: int) -> None:
    """What DISTINCT or a path joins once is several matches, and none of a later solution is cut off by them."""
    a, b, p, q, r = (node(n) for n in "abpqr")
    content = {
        GRAPHS[0]: {ox.Triple(a, p, a), ox.Triple(a, p, b), ox.Triple(a, q, a)},
        GRAPHS[1]: {ox.Triple(a, r, a), ox.Triple(a, r, b)},
        GRAPHS[2]: {ox.Triple(b, p, a), ox.Triple(b, q, a)},
    }
    query = f"SELECT * WHERE {{ {where} }} ORDER BY ?x ?y ?z LIMIT {limit}"
    assert required(content, query) <= reported(trace(engine_of(content), query))


BESIDE = [
    "?x <p> ?y . ?x <q> ?z",
    "{ SELECT ?x (COUNT(?y) AS ?n) { ?x <p> ?y } GROUP BY ?x } ?x <q> ?z",
    "?y <r> ?y OPTIONAL { ?x <p> ?y . ?x <q> ?z }",
]


@pytest.mark.parametrize("where", BESIDE)
def test_a_graph_whose_triples_fit_no_pattern_beside_is_not_asked_about(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What no solution can hold is told by the patterns, which are known from then on."""
    asked: list[list[str]] = []
    before = module._Tracer._among
    monkeypatch.setattr(module._Tracer, "_among", lambda *a: (asked.append(a[-1]), before(*a))[-1])
    a, b, c, p, q, r = (node(n) for n in "abcpqr")
    content = {
        GRAPHS[0]: {ox.Triple(a, p, b), ox.Triple(a, p, c), ox.Triple(b, r, b), ox.Triple(c, r, c)},
        GRAPHS[1]: {ox.Triple(a, q, a), ox.Triple(a, q, b)},
        GRAPHS[2]: {ox.Triple(c, q, a)},
    }
    query = f"SELECT * WHERE {{ {where} }}"
    with looking_at(1):
        found = reported(trace(engine_of(content), query))
    assert found == {g.value for g in GRAPHS[:2]} and all(GRAPHS[2].value not in graphs for graphs in asked)


@pytest.fixture
def engine() -> OxigraphEngine:
    """Two graphs, a triple of which both say."""
    a, b, p, q = (node(n) for n in "abpq")
    both = ox.Triple(a, p, b)
    return engine_of({GRAPHS[0]: {both, ox.Triple(b, q, a)}, GRAPHS[1]: {both}, GRAPHS[2]: set()})


def test_a_triple_of_two_graphs_needs_neither(engine: OxigraphEngine) -> None:
    """Both are named."""
    found = trace(engine, "ASK { <a> <p> ?x }").graphs
    assert [(c.graph, c.is_needed, c.triples) for c in found] == [
        (g.value, False, 1) for g in sorted(GRAPHS[:2], key=str)
    ]


def test_one_solution_has_its_own_graphs(engine: OxigraphEngine) -> None:
    """A row is traced by itself."""
    query = "SELECT ?x ?y { ?x ?p ?y }"
    assert reported(trace(engine, query, solution={"x": node("b"), "y": node("a")})) == {GRAPHS[0].value}


@pytest.mark.parametrize(
    "query", ["DESCRIBE <b>", "DESCRIBE ?x { ?x <q> <a> }", "CONSTRUCT { ?x <n> ?y } { ?x <q> ?y }"]
)
def test_other_forms_are_traced(engine: OxigraphEngine, query: str) -> None:
    """What is described counts with what was matched."""
    assert GRAPHS[0].value in reported(trace(engine, query))


AS_WRITTEN = [
    'SELECT * { ?x <q> ?y FILTER(CONCAT(STR(?x), "a"@en) != "") }',
    "SELECT (CONCAT(STR(?x), STR(?y)) AS ?z) { ?x <q> ?y } ORDER BY DESC(STR(?z)) LIMIT 1",
    "SELECT*{?x<q>?y#end\nFILTER(?x!=?y&&1<2)BIND(1-1 AS?n)}",
    'SELECT ?x { ?x <q> ?y VALUES (?l) { ("a"@en) ("b"^^<t>) } FILTER(LANGMATCHES(LANG(?l),"en")) }',
    "SELECT (COUNT(DISTINCT ?x) AS ?n) { ?x <q> ?y } GROUP BY (STR(?y) AS ?k) HAVING(COUNT(*)>0)",
    "SELECT * { { SELECT ?x (GROUP_CONCAT(?y;SEPARATOR=',') AS ?l) { ?x <q> ?y } GROUP BY ?x } }",
]


@pytest.mark.parametrize("query", AS_WRITTEN)
def test_expressions_stay_as_they_are_written(engine: OxigraphEngine, query: str) -> None:
    """With the spaces they had, and none where there was none."""
    assert reported(trace(engine, query)) == {GRAPHS[0].value}


def test_what_cannot_be_followed_is_refused(engine: OxigraphEngine) -> None:
    """Other endpoints answer for themselves."""
    with pytest.raises(QueryRefused):
        trace(engine, "SELECT * { SERVICE <https://e/s> { ?s ?p ?o } }")
