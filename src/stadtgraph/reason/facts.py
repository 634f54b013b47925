"""What the rules read: anything that finds triples by pattern."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

import pyoxigraph as ox

from stadtgraph.terms import Term

Node = ox.NamedNode | ox.BlankNode
Subject = Node | ox.Triple


class Facts(Protocol):
    """Triples that can be found by pattern; ``None`` stands for any term. Each triple is given once."""

    def match(self, s: Subject | None, p: ox.NamedNode | None, o: Term | None, /) -> Iterable[ox.Triple]:
        """Give the triples that fit the pattern."""
        ...


def holds(facts: Facts, s: Subject | None, p: ox.NamedNode, o: Term | None) -> bool:
    """Tell whether any triple fits the pattern."""
    return next(iter(facts.match(s, p, o)), None) is not None


class TripleIndex:
    """A small set of triples in memory that is found by pattern: for ontologies, tests and single records.

    >>> a, p = ox.NamedNode("http://x/a"), ox.NamedNode("http://x/p")
    >>> index = TripleIndex([ox.Triple(a, p, a)])
    >>> len(list(index.match(None, p, a))), len(list(index.match(None, a, None)))
    (1, 0)
    """

    __slots__ = ("_by_object", "_by_predicate", "_by_subject", "_triples")

    def __init__(self, triples: Iterable[ox.Triple] = ()) -> None:
        """Hold ``triples``."""
        self._triples: dict[ox.Triple, None] = {}
        self._by_subject: dict[Term, dict[ox.Triple, None]] = {}
        self._by_predicate: dict[Term, dict[ox.Triple, None]] = {}
        self._by_object: dict[Term, dict[ox.Triple, None]] = {}
        for triple in triples:
            self.add(triple)

    def _places(self, triple: ox.Triple) -> Iterator[tuple[dict[Term, dict[ox.Triple, None]], Term]]:
        yield self._by_subject, triple.subject
        yield self._by_predicate, triple.predicate
        yield self._by_object, triple.object

    def add(self, triple: ox.Triple) -> None:
        """Hold one triple more."""
        self._triples[triple] = None
        for index, term in self._places(triple):
            index.setdefault(term, {})[triple] = None

    def discard(self, triple: ox.Triple) -> None:
        """Hold ``triple`` no longer."""
        if triple in self._triples:
            del self._triples[triple]
            for index, term in self._places(triple):
                del index[term][triple]

    def match(self, s: Subject | None, p: ox.NamedNode | None, o: Term | None, /) -> list[ox.Triple]:
        """Give the triples that fit the pattern, in the order in which they came."""
        bound = ((self._by_subject, s), (self._by_object, o), (self._by_predicate, p))
        found = [index.get(term, {}) for index, term in bound if term is not None]
        if not found:
            return list(self._triples)
        smallest = min(found, key=len)
        return [t for t in smallest if all(other is smallest or t in other for other in found)]

    def __iter__(self) -> Iterator[ox.Triple]:
        return iter(self._triples)

    def __len__(self) -> int:
        return len(self._triples)
