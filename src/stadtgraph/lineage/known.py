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
from stadtgraph.lineage.table import Table
from stadtgraph.store import OxigraphEngine
from stadtgraph.terms import GEO, INFERRED, LINKS, RDF, SG, SPACE, Term, render

_KEPT: Final = 10_000
_EDGES: Final = 5_000
"""Triples of a property that are kept as a whole."""
_FEW: Final = 400
"""Triples that are read at once rather than looked up one by one."""
_MEET: Final = 2_000
"""Triples up to which they are looked up to tell whether a graph's share in a pattern can belong to a solution."""
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
        self._table: Table | None = None
        self._candidates: OrderedDict[tuple[Any, Any], tuple[str, ...]] = OrderedDict()
        self._counts: OrderedDict[tuple[Any, Any, str, int], int] = OrderedDict()
        self._edges: OrderedDict[Any, Stated | None] = OrderedDict()
        self._few: OrderedDict[Any, Stated | None] = OrderedDict()
        self._stated: OrderedDict[ox.Triple, tuple[str, ...]] = OrderedDict()
        self._meets: OrderedDict[Any, bool] = OrderedDict()
        self._nodes: OrderedDict[Any, frozenset[Any] | None] = OrderedDict()
        self._link_rules: dict[str, set[str]] | None = None
        self._outlines: dict[str, set[str]] = {}

    @property
    def table(self) -> Table:
        """The graphs by property and class."""
        if self._table is None:
            self._table = Table(self.engine)
        return self._table

    def prepare(self) -> None:
        """Read what most accounts need and no query changes: graphs by property, rules of inference and of links."""
        _ = self.table
        self.premises.rules()
        self.link_rules("")

    def candidates(self, s: Term | None, p: Term | None, o: Term | None) -> tuple[str, ...]:
        """Give the graphs that hold a triple of a pattern."""
        if s is not None:
            return self._around(s, p, o)
        if isinstance(p, ox.NamedNode):
            name = p
            return _kept(self._candidates, (p, o), lambda: self.table.graphs(name, o))
        return _kept(self._candidates, (p, o), lambda: tuple(self._probed(p, o)))

    def _around(self, s: Any, p: Any, o: Any) -> tuple[str, ...]:
        if not isinstance(s, Subject):
            return ()
        found = list(islice(self.store.quads_for_pattern(s, p, o, None), 1_000))
        if len(found) == 1_000:
            return tuple(g.value for g in self.graphs if self._holds(s, p, o, g))
        return tuple(dict.fromkeys(q.graph_name.value for q in found if isinstance(q.graph_name, ox.NamedNode)))

    def _probed(self, p: Any, o: Any) -> Iterator[str]:
        if p is None and self._holds(None, p, o, ox.DefaultGraph()):
            yield from (g.value for g in self.graphs if self._holds(None, p, o, g))

    def _holds(self, s: Any, p: Any, o: Any, graph: ox.NamedNode | ox.DefaultGraph) -> bool:
        return next(iter(self.store.quads_for_pattern(s, p, o, graph)), None) is not None

    def count(self, p: Any, o: Any, graph: str, most: int = SOME) -> int:
        """Count the triples of a graph with a property and an object, up to ``most``."""

        def counted() -> int:
            there = self.table.count(p, o, ox.NamedNode(graph))
            if there is not None:
                return min(there, most)
            some = f"SELECT ?s {{ GRAPH {render(ox.NamedNode(graph))} {{ {_written(p, o)} }} }} LIMIT {most}"
            (row,) = self.engine.select(f"SELECT (COUNT(*) AS ?n) {{ {{ {some} }} }}")
            return int(row[0].value)

        return _kept(self._counts, (p, o, graph, most), counted)

    def meets(self, p: Any, o: Any, graph: str, at: int, other: tuple[Any, Any, Any], there: int) -> bool:
        """Tell whether what triples of a graph have at one place, a triple of another pattern has at another place.

        Places are 0 (subject) and 2 (object). Where it takes more than a few thousand look-ups to tell, it may.
        """
        return _kept(self._meets, (p, o, graph, at, other, there), lambda: self._do_meet(p, o, graph, at, other, there))

    def _do_meet(self, p: Any, o: Any, graph: str, at: int, other: tuple[Any, Any, Any], there: int) -> bool:
        name = ox.NamedNode(graph)
        number = self.count(p, o, graph, _MEET + 1)
        nodes = _kept(self._nodes, (other, there), lambda: self._nodes_at(other, there), most=100)
        if nodes is not None and len(nodes) < number:
            return any(self._holds(*_with((None, p, o), at, node), name) for node in nodes if _fits(node, at))
        if number > _MEET:
            return True
        found = ((q.subject, q.predicate, q.object)[at] for q in self.store.quads_for_pattern(None, p, o, name))
        if nodes is not None:
            return any(node in nodes for node in found)
        merge = ox.DefaultGraph()
        return any(self._holds(*_with(other, there, node), merge) for node in found if _fits(node, there))

    def _nodes_at(self, pattern: tuple[Any, Any, Any], at: int) -> frozenset[Any] | None:
        """Give what the triples of a pattern have at a place; ``None`` of more than a few thousand."""
        s, p, o = pattern
        some = f"SELECT ?s {{ {_written(p, o)} }} LIMIT {_MEET + 1}"
        if s is None:
            (row,) = self.engine.select(f"SELECT (COUNT(*) AS ?n) {{ {{ {some} }} }}")
            if int(row[0].value) > _MEET:
                return None
        elif not isinstance(s, Subject):
            return frozenset()
        quads = islice(self.store.quads_for_pattern(s, p, o, ox.DefaultGraph()), _MEET + 1)
        found = [(q.subject, q.predicate, q.object)[at] for q in quads]
        return None if len(found) > _MEET else frozenset(found)

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
        return _kept(self._edges, (p, o), lambda: self._all(p, o, _EDGES), most=50)

    def few(self, p: ox.NamedNode, o: Any = None) -> Stated | None:
        """Give all triples of a property, and an object, as :meth:`edges` does; ``None`` of more than some hundred."""
        return _kept(self._few, (p, o), lambda: self._all(p, o, _FEW), most=500)

    def _all(self, p: ox.NamedNode, o: Any, most: int) -> Stated | None:
        """Give all triples of a property, and an object, unless they are more than ``most``: counted before read."""
        some = f"SELECT ?s {{ {_written(p, o)} }} LIMIT {most + 1}"
        (row,) = self.engine.select(f"SELECT (COUNT(*) AS ?n) {{ {{ {some} }} }}")
        if int(row[0].value) > most:
            return None
        return _stated(self.store.quads_for_pattern(None, p, o, None), most)

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


def _fits(node: Any, at: int) -> bool:
    return at == 2 or isinstance(node, Subject)


def _with(pattern: tuple[Any, Any, Any], at: int, node: Any) -> tuple[Any, Any, Any]:
    s, p, o = pattern
    return (node, p, o) if at == 0 else (s, p, node)


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
            found.prepare()
            while len(self._known) > self._keep:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return found
