"""Keeps a closure exact when a few asserted triples change.

Everything that one changed triple entails is a candidate; each candidate is kept where another asserted triple
still supports it. A transitive property is followed again only from the nodes that reach a changed link.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import pyoxigraph as ox

from stadtgraph.reason.axioms import TYPE
from stadtgraph.reason.facts import Facts, Node, Subject, TripleIndex, holds
from stadtgraph.reason.proof import base_edges, support, typing
from stadtgraph.terms import Term

if TYPE_CHECKING:
    from stadtgraph.reason.rules import Rules

Changes = tuple[list[ox.Triple], list[ox.Triple]]


def update(
    rules: Rules, facts: Facts, inferred: Facts, added: Iterable[ox.Triple], removed: Iterable[ox.Triple]
) -> Changes:
    """Give what to add to and remove from ``inferred``; ``facts`` already hold the change."""
    gone = TripleIndex(removed)
    changed = [*added, *gone]
    if rules.axioms.forces or rules.axioms.recognises:
        return _from_scratch(rules, facts, inferred) if any(_matters(rules, t) for t in changed) else ([], [])
    work = _Update(rules, facts, inferred, gone)
    candidates = dict.fromkeys(c for triple in changed for c in work.candidates(triple))
    reached = work.follow(candidates)
    candidates.update(dict.fromkeys(c for triple in reached for c in work.entailed(triple)))
    add: list[ox.Triple] = []
    remove: list[ox.Triple] = []
    for triple in candidates:
        known = holds(inferred, triple.subject, triple.predicate, triple.object)
        if work.follows(triple) != known:
            (remove if known else add).append(triple)
    return add, remove


def _matters(rules: Rules, triple: ox.Triple) -> bool:
    p = triple.predicate
    values = {q for _, q, _ in rules.axioms.forces} | {q for q, _, _ in rules.axioms.recognises}
    return p == TYPE or p in rules.predicates or p in rules.ways or p in values


def _from_scratch(rules: Rules, facts: Facts, inferred: Facts) -> Changes:
    now = dict.fromkeys(rules.infer(facts))
    before = dict.fromkeys(inferred.match(None, None, None))
    return [t for t in now if t not in before], [t for t in before if t not in now]


class _Update:
    """One change: the rules, the facts after it, the closure before it."""

    def __init__(self, rules: Rules, facts: Facts, inferred: Facts, gone: TripleIndex) -> None:
        self.rules, self.facts, self.inferred, self.gone = rules, facts, inferred, gone
        self.reach: dict[ox.NamedNode, dict[Subject, set[Term]]] = {}

    def candidates(self, triple: ox.Triple) -> Iterator[ox.Triple]:
        """Give ``triple`` itself, where it could be derived, and all that it entails."""
        if triple.predicate in self.rules.ways or triple.predicate == TYPE or triple in self.rules.axioms.derived:
            yield triple
        yield from self.entailed(triple)

    def entailed(self, triple: ox.Triple) -> Iterator[ox.Triple]:
        """Give what ``triple`` alone entails."""
        s, p, o = triple.subject, triple.predicate, triple.object
        if p == TYPE:
            yield from (ox.Triple(s, TYPE, name) for name in self.rules.supers(o))
        effect = self.rules.effect(triple)
        if effect is None:
            return
        yield from (ox.Triple(s, q, o) for q in effect.same)
        yield from (ox.Triple(s, TYPE, name) for name in effect.subject_types)
        if isinstance(o, Node):
            yield from (ox.Triple(o, q, s) for q in effect.flipped)
            yield from (ox.Triple(o, TYPE, name) for name in effect.object_types)

    def follow(self, candidates: dict[ox.Triple, None]) -> list[ox.Triple]:
        """Follow the transitive properties again where a link changed, and give their pairs, old and new."""
        pairs: dict[ox.Triple, None] = {}
        for q in self.rules.axioms.transitive:
            links = [triple for triple in candidates if triple.predicate == q]
            if links:
                self.reach[q] = self._reach(q, self._affected(q, links))
                for start, ends in self.reach[q].items():
                    pairs.update((ox.Triple(start, q, end), None) for end in ends)
                    pairs.update((t, None) for known in self._before() for t in known.match(start, q, None))
        candidates.update(pairs)
        return list(pairs)

    def _before(self) -> tuple[Facts, ...]:
        """What held before the change, and a little more."""
        return self.inferred, self.facts, self.gone

    def _affected(self, q: ox.NamedNode, links: Iterable[ox.Triple]) -> set[Subject]:
        """Give the nodes that a changed link starts at, and those that reached one before the change."""
        starts = {link.subject for link in links}
        reaching = {t.subject for s in starts for known in self._before() for t in known.match(None, q, s)}
        return starts | reaching

    def _reach(self, q: ox.NamedNode, affected: set[Subject]) -> dict[Subject, set[Term]]:
        """Give what the affected nodes reach now; where a path leaves them, the old closure goes on."""
        edges: dict[Subject, set[Term]] = {}
        result: dict[Subject, set[Term]] = {}
        for start in affected:
            seen: set[Term] = set()
            agenda: list[Subject] = [start]
            while agenda:
                here = agenda.pop()
                if here not in edges:
                    edges[here] = self._onward(q, here, here in affected)
                fresh = edges[here] - seen
                seen |= fresh
                agenda.extend(there for there in fresh if isinstance(there, Node) and there in affected)
                for there in fresh:
                    if isinstance(there, Node) and there not in affected:
                        seen |= edges.setdefault(there, self._onward(q, there, False))
            result[start] = seen
        return result

    def _onward(self, q: ox.NamedNode, node: Subject, affected: bool) -> set[Term]:
        if affected:
            return set(base_edges(self.rules, self.facts, node, q))
        return {t.object for known in (self.facts, self.inferred) for t in known.match(node, q, None)}

    def follows(self, triple: ox.Triple) -> bool:
        """Tell whether ``triple`` is entailed by the facts without being one of them."""
        s, p, o = triple.subject, triple.predicate, triple.object
        if holds(self.facts, s, p, o):
            return False
        if p == TYPE:
            return isinstance(o, ox.NamedNode) and self._has_type(s, o)
        if triple in self.rules.axioms.derived:
            return True
        if p in self.rules.axioms.transitive:
            return self._reaches(p, s, o)
        return any(True for _ in support(self.rules, self.facts, s, p, o)) or self._over(p, s, o)

    def _has_type(self, s: Subject, name: ox.NamedNode) -> bool:
        if name not in self.rules.classes:
            return False
        if any(name in self.rules.supers(t.object) for t in self.facts.match(s, TYPE, None)):
            return True
        return next(typing(self.rules, self.facts, s, name), None) is not None

    def _reaches(self, q: ox.NamedNode, s: Subject, o: Term) -> bool:
        now = self.reach.get(q, {})
        if s in now:
            return o in now[s]
        return holds(self.inferred, s, q, o) or holds(self.facts, s, q, o)

    def _over(self, p: ox.NamedNode, s: Subject, o: Term) -> bool:
        """Tell whether a pair of a transitive property entails ``s p o``."""
        for way in self.rules.ways.get(p, ()):
            if way.predicate in self.rules.axioms.transitive and way.takes(o):
                start, end = (o, s) if way.flipped else (s, o)
                if isinstance(start, Node) and self._reaches(way.predicate, start, end):
                    return True
        return False
