"""What is known of a sealed store between one account and the next: which graphs hold which statements.

A sealed store never changes, so what was looked up once stays true. All that is kept is bounded.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final, TypeVar

import pyoxigraph as ox

from stadtgraph.lineage.premises import Premises
from stadtgraph.store import OxigraphEngine
from stadtgraph.terms import GEO, INFERRED, LINKS, RDF, SG, SPACE, Term, render

_KEPT: Final = 10_000
_EDGES: Final = 5_000
"""Triples of a property that are kept as a whole."""
SOME: Final = 50_000
"""Triples up to which they are counted."""
Subject = ox.NamedNode | ox.BlankNode
K = TypeVar("K")
V = TypeVar("V")


class Known:
    """The graphs of one store. Made once for each, it may be used for any number of accounts, one at a time."""

    def __init__(self, engine: OxigraphEngine) -> None:
        """Look nothing up yet."""
        self.engine, self.store, self.names = engine, engine.store, engine.names
        self.graphs = tuple(engine.graphs())
        self.derived = {self.names.graph(name).value: name for name in (INFERRED, LINKS, SPACE)}
        self.premises = Premises(engine)
        self._candidates: OrderedDict[tuple[Any, Any], tuple[str, ...]] = OrderedDict()
        self._counts: OrderedDict[tuple[Any, Any, str], int] = OrderedDict()
        self._edges: OrderedDict[ox.NamedNode, dict[ox.Triple, tuple[str, ...]] | None] = OrderedDict()
        self._link_rules: dict[str, set[str]] | None = None
        self._outlines: dict[str, set[str]] | None = None

    def candidates(self, s: Term | None, p: Term | None, o: Term | None) -> tuple[str, ...]:
        """Give the graphs that hold a triple of a pattern."""
        if s is not None:
            return self._around(s, p, o)
        return _kept(self._candidates, (p, o), lambda: tuple(self._probed(p, o)))

    def _around(self, s: Any, p: Any, o: Any) -> tuple[str, ...]:
        if not isinstance(s, Subject):
            return ()
        found = list(islice(self.store.quads_for_pattern(s, p, o, None), 1_000))
        if len(found) == 1_000:
            return tuple(g.value for g in self.graphs if self._holds(s, p, o, g))
        return tuple(dict.fromkeys(q.graph_name.value for q in found if isinstance(q.graph_name, ox.NamedNode)))

    def _probed(self, p: Any, o: Any) -> Iterator[str]:
        if (p is None or isinstance(p, ox.NamedNode)) and self._holds(None, p, o, ox.DefaultGraph()):
            yield from (g.value for g in self.graphs if self._holds(None, p, o, g))

    def _holds(self, s: Any, p: Any, o: Any, graph: ox.NamedNode | ox.DefaultGraph) -> bool:
        return next(iter(self.store.quads_for_pattern(s, p, o, graph)), None) is not None

    def count(self, p: Any, o: Any, graph: str) -> int:
        """Count the triples of a graph with a property and an object, up to :data:`SOME`."""

        def counted() -> int:
            found = self.store.quads_for_pattern(None, p, o, ox.NamedNode(graph))
            return sum(1 for _ in islice(found, SOME))

        return _kept(self._counts, (p, o, graph), counted)

    def stating(self, triple: ox.Triple) -> tuple[str, ...]:
        """Give the graphs that state a triple."""
        found = self.store.quads_for_pattern(triple.subject, triple.predicate, triple.object, None)
        return tuple(q.graph_name.value for q in found if isinstance(q.graph_name, ox.NamedNode))

    def edges(self, p: ox.NamedNode) -> dict[ox.Triple, tuple[str, ...]] | None:
        """Give all triples of a property with the graphs that state them; ``None`` where they are too many."""
        return _kept(self._edges, p, lambda: self._all_edges(p), most=50)

    def _all_edges(self, p: ox.NamedNode) -> dict[ox.Triple, tuple[str, ...]] | None:
        found: dict[ox.Triple, tuple[str, ...]] = {}
        for quad in self.store.quads_for_pattern(None, p, None, None):
            graph = (quad.graph_name.value,) if isinstance(quad.graph_name, ox.NamedNode) else ()
            found[quad.triple] = found.get(quad.triple, ()) + graph
            if len(found) > _EDGES:
                return None
        return found

    def link_rules(self, predicate: str) -> set[str]:
        """Give the link rules that make links with a property; all of them, where it is that of no rule."""
        if self._link_rules is None:
            self._link_rules = {}
            text = f"SELECT DISTINCT ?p ?rule {{ ?l {render(SG.rule)} ?rule ; {render(RDF.predicate)} ?p }}"
            for row in self.engine.select(text):
                self._link_rules.setdefault(row[0].value, set()).add(row[1].value)
        return self._link_rules.get(predicate) or {r for rules in self._link_rules.values() for r in rules}

    def outlines(self, graph: str) -> set[str]:
        """Give the graphs that hold the outlines of geometries that a graph gives to things; all that hold any, where
        they are too many to look."""
        if self._outlines is None:
            self._outlines = self._all_outlines()
        return self._outlines.get(graph, set())

    def _all_outlines(self) -> dict[str, set[str]]:
        having, telling = (self.candidates(None, p, None) for p in (GEO.hasGeometry, GEO.asWKT))
        pairs = [(g, GEO.hasGeometry) for g in having] + [(g, GEO.asWKT) for g in telling]
        if sum(self.count(p, None, g) for g, p in pairs) >= 4 * SOME or any(
            self.count(p, None, g) == SOME for g, p in pairs
        ):
            return {a: set(telling) for a in having}
        nodes = {g: {q.object for q in self._quads(GEO.hasGeometry, g)} for g in having}
        told = {g: {q.subject for q in self._quads(GEO.asWKT, g)} for g in telling}
        return {a: {b for b in telling if not nodes[a].isdisjoint(told[b])} for a in having}

    def _quads(self, p: ox.NamedNode, graph: str) -> Iterator[ox.Quad]:
        return iter(self.store.quads_for_pattern(None, p, None, ox.NamedNode(graph)))


def _kept(kept: OrderedDict[K, V], key: K, make: Callable[[], V], most: int = _KEPT) -> V:
    if key not in kept:
        kept[key] = make()
        while len(kept) > most:
            kept.popitem(last=False)
    kept.move_to_end(key)
    return kept[key]


class Shelf:
    """The stores that were asked last, by a key that changes when they do."""

    def __init__(self, keep: int = 4) -> None:
        """Keep the last ``keep``."""
        self._keep = keep
        self._known: OrderedDict[object, Known] = OrderedDict()

    def get(self, key: object, engine: OxigraphEngine) -> Known:
        """Give what is known of the store of ``engine``."""
        found = self._known.get(key)
        if found is None or found.engine is not engine:
            found = self._known[key] = Known(engine)
            while len(self._known) > self._keep:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return found
