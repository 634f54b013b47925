"""Which graphs of a store hold which properties and classes, read once before anybody asks for an account."""

from __future__ import annotations

from typing import Any, Final

import pyoxigraph as ox

from stadtgraph.store import OxigraphEngine
from stadtgraph.terms import RDF, render

WHOLE: Final = 5_000
"""Triples up to which a graph is read as a whole; of a larger one the same number is read as a sample."""
_Key = tuple[Any, Any]


class Table:
    """The graphs of one store by property and by class, with numbers of triples.

    Graphs of up to :data:`WHOLE` triples are never asked again about properties and classes. Of larger ones, what the
    sample showed is known, and the store is asked about the rest.
    """

    def __init__(self, engine: OxigraphEngine) -> None:
        """Read every graph, or a sample of it."""
        self._store, self._graphs = engine.store, tuple(engine.graphs())
        self._counts: dict[_Key, dict[ox.NamedNode, int]] = {}
        self._large: set[ox.NamedNode] = set()
        for graph in self._graphs:
            if self._read(engine, graph) > WHOLE:
                self._large.add(graph)

    def _read(self, engine: OxigraphEngine, graph: ox.NamedNode) -> int:
        some = f"SELECT ?p ?o {{ GRAPH {render(graph)} {{ ?s ?p ?o }} }} LIMIT {WHOLE + 1}"
        kind = f"BIND(IF(?p = {render(RDF.type)}, ?o, ?none) AS ?class)"
        total = 0
        for p, c, n in engine.select(f"SELECT ?p ?class (COUNT(*) AS ?n) {{ {{ {some} }} {kind} }} GROUP BY ?p ?class"):
            number = int(n.value)
            total += number
            for key in ((p, None),) if c is None else ((p, None), (p, c)):
                counts = self._counts.setdefault(key, {})
                counts[graph] = counts.get(graph, 0) + number
        return total

    def graphs(self, p: ox.NamedNode, o: Any) -> tuple[str, ...]:
        """Give the graphs that hold a triple of a property, and with an object."""
        if o is None or p == RDF.type:
            seen = self._counts.get((p, o), {})
            found = (g for g in self._graphs if g in seen or (g in self._large and self._holds(p, o, g)))
            return tuple(g.value for g in found)
        having = map(ox.NamedNode, self.graphs(p, None))
        return tuple(g.value for g in having if self._holds(p, o, g))

    def count(self, p: Any, o: Any, graph: ox.NamedNode) -> int | None:
        """Give how many triples a graph holds of a property or class; ``None`` where that is not known."""
        if not isinstance(p, ox.NamedNode) or (o is not None and p != RDF.type) or graph in self._large:
            return None
        return self._counts.get((p, o), {}).get(graph, 0)

    def _holds(self, p: Any, o: Any, graph: ox.NamedNode) -> bool:
        return next(iter(self._store.quads_for_pattern(None, p, o, graph)), None) is not None
