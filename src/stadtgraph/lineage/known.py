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
_FEW: Final = 400
"""Triples that are read at once rather than looked up one by one."""
SOME: Final = 50_000
"""Triples up to which they are counted."""
Subject = ox.NamedNode | ox.BlankNode
Stated = dict[ox.Triple, tuple[str, ...]]
"""The graphs that state triples."""
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
        self._edges: OrderedDict[Any, Stated | None] = OrderedDict()
        self._few: OrderedDict[Any, Stated | None] = OrderedDict()
        self._stated: OrderedDict[ox.Triple, tuple[str, ...]] = OrderedDict()
        self._link_rules: dict[str, set[str]] | None = None
        self._outlines: dict[str, set[str]] = {}

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
            some = f"SELECT ?s {{ GRAPH {render(ox.NamedNode(graph))} {{ {_written(p, o)} }} }} LIMIT {SOME}"
            (row,) = self.engine.select(f"SELECT (COUNT(*) AS ?n) {{ {{ {some} }} }}")
            return int(row[0].value)

        return _kept(self._counts, (p, o, graph), counted)

    def stating(self, triple: ox.Triple) -> tuple[str, ...]:
        """Give the graphs that state a triple."""

        def stating() -> tuple[str, ...]:
            found = self.store.quads_for_pattern(triple.subject, triple.predicate, triple.object, None)
            return tuple(q.graph_name.value for q in found if isinstance(q.graph_name, ox.NamedNode))

        return _kept(self._stated, triple, stating, most=2 * _KEPT)

    def about(self, s: Any, p: Any, o: Any) -> Stated | None:
        """Give the triples that fit a pattern with the graphs that state them; ``None`` where they are many."""
        return _stated(self.store.quads_for_pattern(s, p, o, None), 1_000) if isinstance(s, Subject) else None

    def edges(self, p: ox.NamedNode, o: Any = None) -> Stated | None:
        """Give all triples of a property, and an object, with the graphs that state them; ``None`` of more than a few
        thousand."""
        return _kept(
            self._edges, (p, o), lambda: _stated(self.store.quads_for_pattern(None, p, o, None), _EDGES), most=50
        )

    def few(self, p: ox.NamedNode, o: Any = None) -> Stated | None:
        """Give all triples of a property, and an object, as :meth:`edges` does; ``None`` of more than some hundred."""
        return _kept(self._few, (p, o), lambda: _stated(self.store.quads_for_pattern(None, p, o, None), _FEW), most=500)

    def link_rules(self, predicate: str) -> set[str]:
        """Give the link rules that make links with a property; all of them, where it is that of no rule."""
        if self._link_rules is None:
            self._link_rules = {}
            text = f"SELECT DISTINCT ?p ?rule {{ ?l {render(SG.rule)} ?rule ; {render(RDF.predicate)} ?p }}"
            for row in self.engine.select(text):
                self._link_rules.setdefault(row[0].value, set()).add(row[1].value)
        return self._link_rules.get(predicate) or {r for rules in self._link_rules.values() for r in rules}

    def subjects(self, p: Term | None, o: Term | None, graph: str) -> Iterator[Any]:
        """Give the subjects of a graph that have a property with an object, some of them more than once."""
        text = f"SELECT ?s {{ GRAPH {render(ox.NamedNode(graph))} {{ {_written(p, o)} }} }}"
        return (row[0] for row in self.engine.select(text))

    def outlines(self, graph: str) -> set[str]:
        """Give the graphs that may hold the outlines of the geometries of a graph: often none but itself."""
        if graph not in self._outlines:
            name, has, wkt = (render(t) for t in (ox.NamedNode(graph), GEO.hasGeometry, GEO.asWKT))
            elsewhere = f"?f {has} ?g FILTER NOT EXISTS {{ GRAPH {name} {{ ?g {wkt} ?w }} }}"
            is_elsewhere = self.engine.ask(f"ASK {{ GRAPH {name} {{ {elsewhere} }} }}")
            self._outlines[graph] = set(self.candidates(None, GEO.asWKT, None)) if is_elsewhere else {graph}
        return self._outlines[graph]


def _written(p: Term | None, o: Term | None) -> str:
    return f"?s {'?p' if p is None else render(p)} {'?o' if o is None else render(o)}"


def _stated(quads: Iterator[ox.Quad], most: int) -> Stated | None:
    found: Stated = {}
    for quad in quads:
        graph = (quad.graph_name.value,) if isinstance(quad.graph_name, ox.NamedNode) else ()
        found[quad.triple] = found.get(quad.triple, ()) + graph
        if len(found) > most:
            return None
    return found


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
