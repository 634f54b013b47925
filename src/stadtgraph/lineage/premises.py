"""The asserted triples that an inferred one follows from, in a store."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pyoxigraph as ox

from stadtgraph.reason import Rules, compile_rules
from stadtgraph.store import OxigraphEngine, StoredFacts, no_premises
from stadtgraph.terms import ONTOLOGY


def premises(engine: OxigraphEngine) -> Callable[[ox.Triple], list[ox.Triple]]:
    """Give a function from an inferred triple to the triples it follows from; rules are compiled when first needed."""
    rules: list[Rules] = []
    facts = StoredFacts(engine.store, no_premises(engine.store, engine.names))

    def explain(triple: ox.Triple) -> list[ox.Triple]:
        if not rules:
            ontology = engine.names.graph(ONTOLOGY)
            rules.append(compile_rules(_of(engine, ontology)))
        return [t for premise in rules[0].explain(triple, facts) for t in premise.triples]

    return explain


def _of(engine: OxigraphEngine, graph: ox.NamedNode) -> Iterable[ox.Triple]:
    return (quad.triple for quad in engine.store.quads_for_pattern(None, None, None, graph))
