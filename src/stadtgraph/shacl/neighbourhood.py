"""Which focus nodes a change touches, and the triples around them that decide on their results."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyoxigraph as ox

from stadtgraph.shacl.graph import Node
from stadtgraph.shacl.paths import Facts, Place
from stadtgraph.shacl.reach import Position, Reach, Root
from stadtgraph.terms import RDF, RDFS, Term

LIMIT = 200_000
"""How many places a walk may meet before all is validated instead."""


class Neighbourhood:
    """The reach of some shapes, walked over some triples."""

    def __init__(self, reach: Reach, positions: Iterable[Position], facts: Facts) -> None:
        """Look at the results that come at ``positions``."""
        self.reach, self.facts = reach, facts
        self.positions = tuple(positions)
        self._seen = 0
        self._types: dict[Term, dict[Term, None]] = {}

    def touched(self, added: Iterable[ox.Triple], removed: Iterable[ox.Triple]) -> tuple[set[Term], set[Root]]:
        """Give the nodes whose results a change may change, and the roots that looked it up by an IRI.

        Only the triples after the change are walked: of an old way that was broken in several places, each removed
        triple is a start, and what lies between the focus node and the first of them is still there.
        Raises :class:`TooFar` where they are very many.
        """
        changed = [*added, *removed]
        met: dict[Place, None] = {}
        begin = [here for triple in changed for here, _ in self.reach.automaton.steps(triple)]
        _exhaust(self.reach.automaton.backward(self.facts, begin, met, LIMIT))
        starts = {position.start for position in self.positions}
        nodes = {node for state, node in met if state in starts}
        by_constant = {p.root for p in self.positions if any(constant in met for constant in p.constants)}
        for position in self.positions:
            if position.anchor is not None:
                nodes |= self._anchored(position, changed)
        return nodes, by_constant

    def _anchored(self, position: Position, changed: Iterable[ox.Triple]) -> set[Term]:
        """Give the nodes at a position whose focus node, or way from there, a change touches."""
        assert position.anchor is not None
        begin: list[Place] = []
        for triple in changed:
            begin += [there for _, there in position.anchor.steps(triple)]
            begin += [(0, node) for node in position.root.targets.looks_at(triple)]
        met: dict[Place, None] = {}
        _exhaust(position.anchor.forward(self.facts, begin, met, LIMIT))
        return {node for state, node in met if state == 1}

    def around(self, nodes: Iterable[Term]) -> tuple[set[ox.Triple], set[tuple[Root, Term]]]:
        """Give the triples that the results of ``nodes`` depend on, and the focus nodes of roots they come from.

        Raises :class:`TooFar`.
        """
        found: set[ox.Triple] = set()
        tops: set[tuple[Root, Term]] = set()
        begin: dict[Place, None] = {}
        for node in nodes:
            for position in self.positions:
                above = [node] if position.anchor is None else self._above(position, node, found)
                focused = [top for top in above if self._is_focus(position.root, top)]
                for top in focused:
                    tops.add((position.root, top))
                    found.update(self._reasons(position.root, top))
                if focused:
                    begin[position.start, node] = None
                    begin.update(dict.fromkeys(position.constants))
        found.update(self.reach.automaton.forward(self.facts, begin, {}, LIMIT))
        return found, tops

    def _above(self, position: Position, node: Term, found: set[ox.Triple]) -> list[Term]:
        """Walk up from a position, add the triples on the way, and give the nodes at its start."""
        assert position.anchor is not None
        met: dict[Place, None] = {}
        found.update(position.anchor.backward(self.facts, [(1, node)], met, LIMIT))
        return [n for state, n in met if state == 0]

    def _reasons(self, root: Root, node: Term) -> Iterator[ox.Triple]:
        """Give the triples that make a node a focus node of ``root``."""
        targets = root.targets
        if isinstance(node, Node):
            if targets.classes:
                yield from self.facts.match(node, RDF.type, None)
                for above in self._classes(node):
                    if isinstance(above, Node):
                        yield from self.facts.match(above, RDFS.subClassOf, None)
            for p in targets.subjects_of:
                yield from self.facts.match(node, p, None)
        for p in targets.objects_of:
            yield from self.facts.match(None, p, node)

    def _is_focus(self, root: Root, node: Term) -> bool:
        targets = root.targets
        if node in targets.nodes or (targets.classes and not targets.classes.isdisjoint(self._classes(node))):
            return True
        if isinstance(node, Node) and any(_any(self.facts.match(node, p, None)) for p in targets.subjects_of):
            return True
        return any(_any(self.facts.match(None, p, node)) for p in targets.objects_of)

    def _classes(self, node: Term) -> dict[Term, None]:
        """Give the classes of a node and those above them."""
        if node not in self._types:
            found: dict[Term, None] = {}
            if isinstance(node, Node):
                found.update((t.object, None) for t in self.facts.match(node, RDF.type, None))
            agenda = list(found)
            while agenda:
                here = agenda.pop()
                if isinstance(here, Node):
                    fresh = [t.object for t in self.facts.match(here, RDFS.subClassOf, None) if t.object not in found]
                    found.update(dict.fromkeys(fresh))
                    agenda += fresh
            self._types[node] = found
        return self._types[node]


def _exhaust(triples: Iterable[ox.Triple]) -> None:
    for _ in triples:
        pass


def _any(triples: Iterable[ox.Triple]) -> bool:
    return next(iter(triples), None) is not None
