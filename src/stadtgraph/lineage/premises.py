"""The asserted triples that an inferred one follows from, in a store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import pyoxigraph as ox

from stadtgraph.reason import Rules, compile_rules
from stadtgraph.store import OxigraphEngine
from stadtgraph.terms import INFERRED, ONTOLOGY, Term


class _Merge:
    """The triples of the merge but for those that are inferred alone."""

    def __init__(self, engine: OxigraphEngine) -> None:
        self._store, self._inferred = engine.store, engine.names.graph(INFERRED)

    def match(
        self, s: ox.NamedNode | ox.BlankNode | ox.Triple | None, p: ox.NamedNode | None, o: Term | None, /
    ) -> Iterator[ox.Triple]:
        last: ox.Triple | None = None
        for quad in self._store.quads_for_pattern(s, p, o, None):
            is_stated = isinstance(quad.graph_name, ox.NamedNode) and quad.graph_name != self._inferred
            if is_stated and quad.triple != last:
                last = quad.triple
                yield last


def premises(engine: OxigraphEngine) -> Callable[[ox.Triple], list[ox.Triple]]:
    """Give a function from an inferred triple to the triples it follows from; rules are compiled when first needed."""
    rules: list[Rules] = []
    facts = _Merge(engine)

    def explain(triple: ox.Triple) -> list[ox.Triple]:
        if not rules:
            ontology = engine.names.graph(ONTOLOGY)
            rules.append(compile_rules(_of(engine, ontology)))
        return [t for premise in rules[0].explain(triple, facts) for t in premise.triples]

    return explain


def _of(engine: OxigraphEngine, graph: ox.NamedNode) -> Iterable[ox.Triple]:
    return (quad.triple for quad in engine.store.quads_for_pattern(None, None, None, graph))
