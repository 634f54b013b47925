"""The asserted triples that an inferred one follows from, in a store."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

import pyoxigraph as ox

from stadtgraph.reason import Rules, compile_rules
from stadtgraph.store import OxigraphEngine, StoredFacts, no_premises
from stadtgraph.terms import ONTOLOGY, RDF, Term

_KEPT: Final = 20_000


class Premises:
    """Explains inferred triples of one store; rules are compiled when first needed, and the last answers kept."""

    def __init__(self, engine: OxigraphEngine) -> None:
        """Read nothing yet."""
        self._engine = engine
        self._facts = StoredFacts(engine.store, no_premises(engine.store, engine.names))
        self._rules: Rules | None = None
        self._known: OrderedDict[ox.Triple, tuple[ox.Triple, ...]] = OrderedDict()

    def rules(self) -> Rules:
        """Give the rules of the store's ontology."""
        if self._rules is None:
            graph = self._engine.names.graph(ONTOLOGY)
            self._rules = compile_rules(q.triple for q in self._engine.store.quads_for_pattern(None, None, None, graph))
        return self._rules

    def of(self, triple: ox.Triple) -> tuple[ox.Triple, ...]:
        """Give the asserted triples and axioms that ``triple`` follows from."""
        if triple not in self._known:
            premises = self.rules().explain(triple, self._facts)
            self._known[triple] = tuple(t for premise in premises for t in premise.triples)
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return self._known[triple]

    def patterns(self, p: Term | None, o: Term | None) -> Iterator[tuple[Term | None, Term | None]]:
        """Give property and object of all that triples with ``p`` and ``o`` may follow from; ``None`` is any."""
        rules = self.rules()
        if not isinstance(p, ox.NamedNode) or (p == RDF.type and not isinstance(o, ox.NamedNode)):
            yield None, None
            return
        if p != RDF.type:
            yield p, None
            yield from ((way.predicate, None) for way in rules.ways.get(p, ()))
            return
        yield from ((way.predicate, None) for way in rules.givers.get(o, ()))  # type: ignore[arg-type]
        below = (name for name, above in rules.axioms.super_classes.items() if o in above)
        yield from ((RDF.type, name) for name in below)
