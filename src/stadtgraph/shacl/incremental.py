"""Validates again only what a change touches; the report is the one of a full validation.

::

    audit = Incremental(shapes)                                  # reach of the shapes, derived once
    report = audit.full(facts)
    report = audit.update(facts, report, added, removed)         # facts already hold the change
    delta = audit.delta(old, facts, added, removed)              # the same without a report: what went, what came

A result depends on the triples that its shape can reach from the focus node. So the nodes that can reach a changed
triple, by old ways or new ones, are validated within their neighbourhood, and every other result stays. Roots whose
reach is not known, or which looked a changed triple up by its IRI, are evaluated in full over the predicates that
they look at.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyoxigraph as ox

from stadtgraph.shacl.neighbourhood import Neighbourhood
from stadtgraph.shacl.paths import Facts, TooFar
from stadtgraph.shacl.reach import Position, Root, reach_of
from stadtgraph.shacl.report import Report, Result
from stadtgraph.shacl.shapes import Shapes
from stadtgraph.shacl.validation import validate
from stadtgraph.terms import RDFS, Term

MANY = 5_000
"""From how many touched nodes on everything is validated at once."""

HERE, MARK = ox.NamedNode("urn:stadtgraph:focus"), "urn:stadtgraph:focus:"
"""What tells the engine the focus nodes of a neighbourhood, so that it passes over all others that are in it."""


@dataclass(frozen=True, slots=True)
class Delta:
    """The results that a change may have touched, as they were and as they are; all others stayed."""

    before: tuple[Result, ...]
    after: tuple[Result, ...]


class Incremental:
    """Some shapes, their reach, and how to keep a report on them exact."""

    def __init__(self, shapes: Shapes, using: str | None = None) -> None:
        """Derive the reach of ``shapes``; ``using`` names the engine as in :func:`validate`."""
        self.shapes, self.using = shapes, using
        self.reach = reach_of(shapes)
        self._groups = _sharing(self.reach.roots)
        self._parts: dict[frozenset[Root], Shapes] = {}
        unknown = {root for root in self.reach.roots if root.problem}
        self._whole = self.with_group(unknown)
        self._local = frozenset(self.reach.roots) - self._whole
        named = {root.shape for root in self._local if root.predicates is not None}
        self._marks = {shape: ox.NamedNode(f"{MARK}{i}") for i, shape in enumerate(sorted(named, key=str))}
        self._around = shapes.targeting({root.shape for root in self._local} - named, self._marks)

    @property
    def in_full(self) -> dict[str, str]:
        """The shapes that every change of what they look at evaluates in full, with the reason."""
        return {str(root.shape): root.problem or "shared" for root in sorted(self._whole, key=lambda r: str(r.shape))}

    def full(self, facts: Facts | Path) -> Report:
        """Validate everything; for much data give the path of a file of N-Triples, which the fast engine streams."""
        data = facts if isinstance(facts, Path) else facts.match(None, None, None)
        return validate(data, self.shapes, using=self.using)

    def update(
        self, facts: Facts, previous: Report, added: Iterable[ox.Triple], removed: Iterable[ox.Triple]
    ) -> Report:
        """Give the report on ``facts``, which hold the change already, from the one before the change."""
        new, gone = list(added), list(removed)
        if not new and not gone:
            return previous
        if any(t.predicate == RDFS.subClassOf for t in (*new, *gone)):
            return self.full(facts)
        positions = [p for p in self.reach.positions if p.root in self._local]
        around = Neighbourhood(self.reach, positions, facts)
        try:
            nodes, looked_up = around.touched(new, gone)
            again = self.with_group({*looked_up, *(r for r in self._whole if _sees(r, (*new, *gone)))})
            if len(nodes) > MANY:
                raise TooFar
            triples, tops = around.around(nodes)
        except TooFar:
            return self.full(facts)
        triples |= self._marked(tops)
        return self._merged(facts, previous, nodes, triples, again)

    def delta(
        self,
        old: Facts,
        new: Facts,
        added: Iterable[ox.Triple],
        removed: Iterable[ox.Triple],
        also: Iterable[Term] = (),
    ) -> Delta | None:
        """Give the results around a change from ``old`` to ``new``; ``None`` where all must be validated anew.

        The results of the nodes ``also`` are given too. No earlier report is needed, so that the cost depends on the
        change alone and not on how much there is to find.
        """
        more, less = list(added), list(removed)
        if any(t.predicate == RDFS.subClassOf for t in (*more, *less)):
            return None
        positions = [p for p in self.reach.positions if p.root in self._local]
        try:
            nodes, looked_up = Neighbourhood(self.reach, positions, new).touched(more, less)
            nodes |= set(also)
            again = self.with_group({*looked_up, *(r for r in self._whole if _sees(r, (*more, *less)))})
            if len(nodes) > MANY:
                return None
            before, after = (self._found(facts, nodes, again, positions) for facts in (old, new))
        except TooFar:
            return None
        return Delta(before, after)

    def at(self, facts: Facts, nodes: Iterable[Term]) -> list[Result]:
        """Give the results of some nodes, and all of the roots that are evaluated in full; raises :class:`TooFar`."""
        positions = [p for p in self.reach.positions if p.root in self._local]
        return list(self._found(facts, set(nodes), self._whole, positions))

    def _found(
        self, facts: Facts, nodes: set[Term], again: frozenset[Root], positions: list[Position]
    ) -> tuple[Result, ...]:
        """Give the results of some nodes, and all of the roots that are evaluated in full."""
        apart = {shape for root in {*self._whole, *again} for shape in root.reports}
        found: list[Result] = []
        if nodes and self._local:
            triples, tops = Neighbourhood(self.reach, positions, facts).around(nodes)
            triples |= self._marked(tops)
            found += (r for r in validate(triples, self._around, nodes, self.using).results if r.source not in apart)
        if again:
            found += validate(looked_at(facts, again), self._part(again), using=self.using).results
        return tuple(found)

    def _marked(self, tops: Iterable[tuple[Root, Term]]) -> set[ox.Triple]:
        """Give the triples that tell the engine the focus nodes."""
        return {ox.Triple(HERE, self._marks[root.shape], top) for root, top in tops if root.shape in self._marks}

    def _merged(
        self, facts: Facts, previous: Report, nodes: set[Term], triples: set[ox.Triple], again: frozenset[Root]
    ) -> Report:
        evaluated: set[Term] = {shape for root in again for shape in root.reports}
        whole: set[Term] = {shape for root in self._whole for shape in root.reports} | evaluated
        kept = [r for r in previous.results if r.focus not in nodes or r.source in whole]
        if evaluated:
            kept = [r for r in kept if r.source not in evaluated]
        fresh: list[Result] = []
        if nodes and self._local:
            found = validate(triples, self._around, nodes, self.using)
            fresh += (r for r in found.results if r.source not in whole)
        if again:
            fresh += validate(looked_at(facts, again), self._part(again), using=self.using).results
        return _ordered(kept, fresh)

    def with_group(self, roots: set[Root]) -> frozenset[Root]:
        """Give ``roots`` and those that report under the same shapes: their results cannot be told apart."""
        return frozenset(other for root in roots for other in self._groups[root])

    def _part(self, roots: frozenset[Root]) -> Shapes:
        """Give the shapes with the targets of ``roots`` alone."""
        if roots not in self._parts:
            kept = {root.shape for root in roots}
            self._parts[roots] = self.shapes.targeting(kept)
        return self._parts[roots]


def _ordered(kept: list[Result], fresh: list[Result]) -> Report:
    """Put a few results in their places among those that are in order already."""
    if len(fresh) * 20 > len(kept):
        return Report.of([*kept, *fresh])
    for result in fresh:
        insort(kept, result, key=Result.sort_key)
    return Report(tuple(kept))


def _sees(root: Root, changed: Iterable[ox.Triple]) -> bool:
    return root.predicates is None or any(t.predicate in root.predicates for t in changed)


def looked_at(facts: Facts, roots: Iterable[Root]) -> Iterator[ox.Triple]:
    """Give the triples that some roots look at."""
    predicates: set[ox.NamedNode] = set()
    for root in roots:
        if root.predicates is None:
            return iter(facts.match(None, None, None))
        predicates |= root.predicates
    return (triple for p in sorted(predicates, key=str) for triple in facts.match(None, p, None))


def _sharing(roots: Sequence[Root]) -> dict[Root, frozenset[Root]]:
    """Group the roots that report under the same shapes."""
    groups: dict[Root, set[Root]] = {root: {root} for root in roots}
    by_shape: dict[Term, Root] = {}
    for root in roots:
        for shape in root.reports:
            other = by_shape.setdefault(shape, root)
            if groups[other] is not groups[root]:
                joined = groups[other] | groups[root]
                groups.update(dict.fromkeys(joined, joined))
    return {root: frozenset(group) for root, group in groups.items()}
