"""The triples that decide who answers, held in memory property by property once many are asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pyoxigraph as ox

from stadtgraph.audit.attribute import DECIDING, KINDS
from stadtgraph.reason.facts import Facts
from stadtgraph.terms import RDF, SG, Term

Node = ox.NamedNode | ox.BlankNode
Index = dict[Term, list[ox.Triple]]
ASIDE = frozenset({SG.maintainedBy, SG.validFrom, SG.validUntil})
"""Properties that very many records have and few are asked for."""
FEW = 1_000
"""Look-ups of a property up to which asking for each is cheaper than reading all."""


class Deciding:
    """Some facts, of which the triples that decide who answers are found without asking again for each.

    Of types those that decide are told where the class is not named; others may be left out.
    """

    def __init__(self, facts: Facts) -> None:
        """Read from ``facts`` when asked."""
        self._facts = facts
        self._known: dict[ox.NamedNode, tuple[Index, Index]] = {}
        self._asked: Counter[ox.NamedNode] = Counter()

    def match(self, s: Node | ox.Triple | None, p: ox.NamedNode | None, o: Term | None, /) -> Iterable[ox.Triple]:
        """Give the triples that fit the pattern."""
        is_held = p is not None and (p in DECIDING - ASIDE or (p == RDF.type and (o is None or o in KINDS)))
        if p is None or not is_held or (s is None) == (o is None):
            return self._facts.match(s, p, o)
        self._asked[p] += 1
        if self._asked[p] <= FEW:
            return self._facts.match(s, p, o)
        by_subject, by_object = self._index(p)
        if s is not None:
            return by_subject.get(s, ())
        return by_object.get(o, ()) if o is not None else ()

    def _index(self, p: ox.NamedNode) -> tuple[Index, Index]:
        if p not in self._known:
            by_subject: Index = {}
            by_object: Index = {}
            for kind in sorted(KINDS, key=str) if p == RDF.type else (None,):
                for triple in self._facts.match(None, p, kind):
                    by_subject.setdefault(triple.subject, []).append(triple)
                    by_object.setdefault(triple.object, []).append(triple)
            self._known[p] = by_subject, by_object
        return self._known[p]
