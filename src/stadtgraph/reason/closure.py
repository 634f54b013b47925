"""The full closure: one pass over the asserted triples that matter, then the transitive properties."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import pyoxigraph as ox

from stadtgraph.reason.axioms import TYPE
from stadtgraph.reason.facts import Facts, Node, Subject, holds
from stadtgraph.terms import Term

if TYPE_CHECKING:
    from stadtgraph.reason.rules import Effect, Rules

Pair = tuple[Subject, Term]


def infer(rules: Rules, facts: Facts) -> Iterator[ox.Triple]:
    """Give every triple that follows and is not asserted, once each."""
    work = _Work(rules, facts)
    work.read_types()
    work.read_properties()
    work.close_transitive()
    if rules.axioms.forces or rules.axioms.recognises:
        work.fill_values()
    for triple in rules.axioms.derived:
        if not holds(facts, triple.subject, triple.predicate, triple.object):
            yield triple
    yield from work.new_properties()
    yield from work.types.new()


class _Types:
    """The types of every node, as numbers of shared sets: a node costs one entry."""

    def __init__(self) -> None:
        self._numbers: dict[frozenset[ox.NamedNode], int] = {}
        self._sets: list[frozenset[ox.NamedNode]] = []
        self._unions: dict[tuple[int, int], int] = {}
        self._derived: dict[Subject, int] = {}
        self._asserted: dict[Subject, int] = {}

    def number(self, classes: frozenset[ox.NamedNode]) -> int:
        """Give the number of a set."""
        if classes not in self._numbers:
            self._numbers[classes] = len(self._sets)
            self._sets.append(classes)
        return self._numbers[classes]

    def _add(self, table: dict[Subject, int], node: Subject, number: int) -> bool:
        before = table.get(node)
        if before is None:
            table[node] = number
            return True
        if before == number:
            return False
        union = self._unions.get((before, number))
        if union is None:
            union = self._unions[before, number] = self.number(self._sets[before] | self._sets[number])
        table[node] = union
        return union != before

    def derive(self, node: Subject, number: int) -> bool:
        """Type ``node`` with the classes of a set; tell whether that was news."""
        return self._add(self._derived, node, number)

    def assert_(self, node: Subject, number: int) -> None:
        """Note that ``node`` is stated to have the classes of a set."""
        self._add(self._asserted, node, number)

    def members(self, name: ox.NamedNode) -> Iterator[Subject]:
        """Give the nodes known to be of class ``name``."""
        holding = {number for number, names in enumerate(self._sets) if name in names}
        for table in (self._derived, self._asserted):
            yield from [node for node, number in table.items() if number in holding]

    def new(self) -> Iterator[ox.Triple]:
        """Give the derived types that are not asserted."""
        rest: dict[tuple[int, int | None], list[ox.NamedNode]] = {}
        for node, number in self._derived.items():
            key = (number, self._asserted.get(node))
            if key not in rest:
                stated = frozenset[ox.NamedNode]() if key[1] is None else self._sets[key[1]]
                rest[key] = sorted(self._sets[number] - stated, key=lambda c: c.value)
            for name in rest[key]:
                yield ox.Triple(node, TYPE, name)


class _Work:
    """One run of the rules over some facts."""

    def __init__(self, rules: Rules, facts: Facts) -> None:
        self.rules, self.facts = rules, facts
        self.types = _Types()
        self.pairs: dict[ox.NamedNode, set[Pair]] = {}
        self.edges: dict[ox.NamedNode, set[Pair]] = {p: set() for p in rules.axioms.transitive}

    def read_types(self) -> None:
        """Read the stated types that matter and add their superclasses."""
        for name in self.rules.classes:
            own = self.types.number(frozenset({name}))
            above = self.rules.supers(name)
            number = self.types.number(above)
            for triple in self.facts.match(None, TYPE, name):
                node = triple.subject
                self.types.assert_(node, own)
                if above:
                    self.types.derive(node, number)

    def read_properties(self) -> None:
        """Read the triples of every predicate that entails something, and add what they entail."""
        for p in self.rules.predicates:
            pairs: Iterable[Pair] = ((t.subject, t.object) for t in self.facts.match(None, p, None))
            if p in self.edges:
                pairs = self.edges[p] = set(pairs)
            self.apply(p, pairs)

    def apply(self, p: ox.NamedNode, pairs: Iterable[Pair]) -> bool:
        """Add what ``pairs`` of one predicate entail; tell whether types were news."""
        effect, bare = self.rules.effects.get(p), self.rules.literal_effects.get(p)
        if effect is None or effect.for_literals() == bare:
            return self._apply(effect, pairs)
        parts: tuple[list[Pair], list[Pair]] = ([], [])
        for pair in pairs:
            parts[isinstance(pair[1], Node)].append(pair)
        return self._apply(bare, parts[False]) | self._apply(effect, parts[True])

    def _apply(self, effect: Effect | None, pairs: Iterable[Pair]) -> bool:
        if effect is None:
            return False
        same = [self.pairs.setdefault(q, set()) for q in effect.same]
        flipped = [self.pairs.setdefault(q, set()) for q in effect.flipped]
        front = self.types.number(effect.subject_types) if effect.subject_types else None
        back = self.types.number(effect.object_types) if effect.object_types else None
        backwards = bool(flipped) or back is not None
        news = False
        for pair in pairs:
            s, o = pair
            for found in same:
                found.add(pair)
            if front is not None:
                news |= self.types.derive(s, front)
            if backwards and isinstance(o, Node):
                for found in flipped:
                    found.add((o, s))
                if back is not None:
                    news |= self.types.derive(o, back)
        return news

    def close_transitive(self) -> bool:
        """Close the transitive properties and add what their new pairs entail; tell whether there were any.

        Each is closed over its own base pairs. What the closure of one property contributes to another
        lies in the closure of that other's base pairs, which contain the same steps: one round is enough.
        """
        news = False
        for p, stated in self.edges.items():
            known = self.pairs.setdefault(p, set())
            new = transitive_closure(stated | known) - stated - known
            known |= new
            self.apply(p, new)
            news |= bool(new)
        return news

    def fill_values(self) -> None:
        """Apply the axioms on values (cls-hv1, cls-hv2) until nothing is new."""
        news = True
        while news:
            news = False
            for name, p, value in self.rules.axioms.forces:
                news |= self._force({(node, value) for node in self.types.members(name)}, p)
            for p, value, name in self.rules.axioms.recognises:
                news |= self._recognise(p, value, name)
            news |= self.close_transitive()

    def _force(self, pairs: set[Pair], p: ox.NamedNode) -> bool:
        known = self.pairs.setdefault(p, set())
        new = pairs - known
        known |= new
        self.apply(p, new)
        return bool(new)

    def _recognise(self, p: ox.NamedNode, value: Term, name: ox.NamedNode) -> bool:
        nodes = {t.subject for t in self.facts.match(None, p, value)}
        nodes |= {s for s, o in self.pairs.get(p, ()) if o == value}
        number = self.types.number(self.rules.supers(name) | {name})
        return any([self.types.derive(node, number) for node in nodes])

    def new_properties(self) -> Iterator[ox.Triple]:
        """Give the derived triples of properties that are not asserted."""
        for p, pairs in self.pairs.items():
            for triple in self.facts.match(None, p, None):
                pairs.discard((triple.subject, triple.object))
            for s, o in pairs:
                yield ox.Triple(s, p, o)


def transitive_closure(pairs: set[Pair]) -> set[Pair]:
    """Give every pair that a chain of ``pairs`` connects, a node with itself only where a cycle does."""
    after: dict[Subject, list[Term]] = {}
    for s, o in pairs:
        after.setdefault(s, []).append(o)
    result: set[Pair] = set()
    for start in after:
        seen: set[Term] = set()
        agenda: list[Term] = [start]
        while agenda:
            here = agenda.pop()
            for there in after.get(here, ()) if isinstance(here, Node) else ():
                if there not in seen:
                    seen.add(there)
                    agenda.append(there)
        result.update((start, there) for there in seen)
    return result
