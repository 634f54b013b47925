"""What is read of a store ahead of accounts says the same as the store."""

from __future__ import annotations

import importlib

import pyoxigraph as ox
import pytest

from stadtgraph.lineage import Known
from stadtgraph.lineage.table import Table
from stadtgraph.store import OxigraphEngine
from stadtgraph.terms import RDF, Names

module = importlib.import_module("stadtgraph.lineage.table")
NAMES = Names("https://e/")
GRAPHS = [NAMES.source(name) for name in ("empty", "one", "three", "two")]
p, q, a, b = (ox.NamedNode(f"https://e/{name}") for name in "pqab")
PATTERNS = [(x, o) for x in (p, q, RDF.type, a) for o in (None, a, b, ox.Literal("1"))]


@pytest.fixture
def engine() -> OxigraphEngine:
    """Three graphs, one of them larger than the rest, and one that holds nothing."""

    class Memory(OxigraphEngine):
        def __init__(self) -> None:
            self.names, self.read_only, self.store, self._graphs = NAMES, False, ox.Store(), None

    engine = Memory()
    content = {
        GRAPHS[1]: {(a, p, b), (a, RDF.type, a)},
        GRAPHS[2]: {(a, x, o) for x in (p, q, RDF.type) for o in (a, b, ox.Literal("1"))},
        GRAPHS[3]: {(b, q, a), (b, RDF.type, b), (a, RDF.type, b)},
    }
    for graph in GRAPHS:
        engine.store.add_graph(graph)
    for graph, triples in content.items():
        engine.store.extend(ox.Quad(*t, graph) for t in triples)
        engine.store.extend(ox.Quad(*t) for t in triples)
    hidden = NAMES.written(GRAPHS[1])
    engine.store.add(ox.Quad(b, a, b, hidden))
    return engine


def held(engine: OxigraphEngine, x: ox.NamedNode, o: ox.NamedNode | ox.Literal | None, graph: ox.NamedNode) -> int:
    """Count what a graph holds of a pattern."""
    return len(list(engine.store.quads_for_pattern(None, x, o, graph)))


@pytest.mark.parametrize("whole", [0, 2, 3, 100])
def test_the_graphs_of_a_pattern_are_those_that_hold_it(
    engine: OxigraphEngine, monkeypatch: pytest.MonkeyPatch, whole: int
) -> None:
    """Whether graphs were read as a whole or in part, and in the order of the graphs."""
    monkeypatch.setattr(module, "WHOLE", whole)
    table = Table(engine)
    for x, o in PATTERNS:
        assert table.graphs(x, o) == tuple(g.value for g in GRAPHS if held(engine, x, o, g)), (x, o)


@pytest.mark.parametrize("whole", [0, 2, 3, 100])
def test_numbers_are_those_of_the_store(engine: OxigraphEngine, monkeypatch: pytest.MonkeyPatch, whole: int) -> None:
    """What the table does not know is counted."""
    monkeypatch.setattr(module, "WHOLE", whole)
    known = Known(engine)
    for x, o in PATTERNS:
        for graph in GRAPHS:
            assert known.count(x, o, graph.value) == held(engine, x, o, graph)
