"""Validates much data in portions of focus nodes, so that an engine never holds all results at once.

An engine builds its report in memory, several kilobytes a result, before it gives the first one. Where a rule is broken
nearly everywhere, that is more than the data. So the focus nodes are taken some thousands at a time, each portion with
the triples that its results can depend on (:mod:`stadtgraph.shacl.reach`). How many a portion has follows from how much
the ones before found. All portions together give the results of one validation of everything, each once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import pyoxigraph as ox

from stadtgraph.shacl.graph import Node, ShapesGraph
from stadtgraph.shacl.incremental import HERE, MARK, Incremental, looked_at
from stadtgraph.shacl.paths import Facts
from stadtgraph.shacl.reach import Reach, Root, Targets
from stadtgraph.shacl.report import Result
from stadtgraph.shacl.shapes import Shapes
from stadtgraph.shacl.validation import results_of
from stadtgraph.terms import RDF, RDFS, SH, Term

FIRST, MOST = 250, 2_000
"""Focus nodes of the first portion, and of any."""
RESULTS, TRIPLES = 15_000, 100_000
"""How many results and triples a portion is to have, about."""
FEW = 4
"""Up to how many properties of a node are asked for one by one."""
States = frozenset[int]


@dataclass(frozen=True, slots=True)
class _Plan:
    """Where a walk goes on from a node, by predicate; ``None`` stands for any."""

    forward: dict[ox.NamedNode | None, States]
    backward: dict[ox.NamedNode | None, States]


class Portions:
    """Some shapes, and how to validate against them portion by portion."""

    def __init__(self, shapes: Shapes) -> None:
        """Derive what each shape looks at."""
        incremental = Incremental(shapes)
        self._shapes, self._reach = shapes, Reach(shapes)
        self._apart = incremental.with_group({r for r in incremental.reach.roots if r.problem or r.predicates is None})
        roots = [r for r in self._reach.roots if r.shape not in {a.shape for a in self._apart}]
        self._apart_shapes = shapes.targeting({root.shape for root in self._apart})
        self._targets: dict[Targets, list[Root]] = {}
        for root in roots:
            self._targets.setdefault(root.targets, []).append(root)
        self._marks = [ox.NamedNode(f"{MARK}{i}") for i in range(len(self._targets))]
        given = {root.shape: m for m, of in zip(self._marks, self._targets.values(), strict=True) for root in of}
        self._marked = shapes.targeting((), given)
        self._states = {root.shape: self._reach.whole(root.shape) for root in roots}
        self._nested = {source for root in roots for source in _nested(shapes.graph, root.shape, False)}
        self._alive = self._find_alive()
        self._plans: dict[States, _Plan] = {}
        self._starts: dict[tuple[int, ...], tuple[States, tuple[tuple[Term, States], ...]]] = {}

    def results(self, facts: Facts) -> Iterator[list[Result]]:
        """Give the results of every portion; no result is in two of them, equal ones in one are as the engine says."""
        seen: set[str] = set()
        if self._apart:
            yield results_of(looked_at(facts, self._apart), self._apart_shapes)
        agenda = list(self.focus_nodes(facts).items())
        at, size = 0, FIRST
        while at < len(agenda):
            portion = agenda[at : at + size]
            at += len(portion)
            triples, found = self.portion(facts, portion)
            yield [r for r in found if not self._is_known(r, seen)]
            many = max(len(found) / RESULTS, triples / TRIPLES, 1 / MOST) / len(portion)
            size = max(1, min(MOST, size * 2, int(1 / many)))

    def _is_known(self, result: Result, seen: set[str]) -> bool:
        """Tell whether a result at a value, which several focus nodes may share, came with an earlier portion."""
        if result.source not in self._nested:
            return False
        key = result.key
        if key in seen:
            return True
        seen.add(key)
        return False

    def focus_nodes(self, facts: Facts) -> dict[Term, tuple[int, ...]]:
        """Give every focus node with the numbers of the targets that name it."""
        found: dict[Term, tuple[int, ...]] = {}
        for number, targets in enumerate(self._targets):
            for node in dict.fromkeys(_focused(targets, facts)):
                found[node] = (*found.get(node, ()), number)
        return found

    def portion(self, facts: Facts, nodes: Iterable[tuple[Term, tuple[int, ...]]]) -> tuple[int, list[Result]]:
        """Validate some focus nodes; tell how many triples that needed, too."""
        roots = list(self._targets.values())
        triples: set[ox.Triple] = set()
        agenda: list[tuple[Term, States]] = []
        for node, numbers in nodes:
            start, constants = self._start(numbers, roots)
            agenda.append((node, start))
            agenda += constants
            triples.update(ox.Triple(HERE, self._marks[number], node) for number in numbers)
        self._walk(facts, agenda, triples)
        return len(triples), results_of(triples, self._marked)

    def _start(
        self, numbers: tuple[int, ...], roots: list[list[Root]]
    ) -> tuple[States, tuple[tuple[Term, States], ...]]:
        """Give the states at which a walk starts from a node with these targets, and from IRIs that shapes name."""
        if numbers not in self._starts:
            states = self._closed(self._states[root.shape] for number in numbers for root in roots[number])
            below = set().union(*(self._reach.automaton.below(s) for s in states)) if states else set()
            constants = {c for state in below for c in self._reach.constants(state)}
            self._starts[numbers] = states, tuple((node, self._closed([state])) for state, node in constants)
        return self._starts[numbers]

    def _walk(self, facts: Facts, agenda: list[tuple[Term, States]], triples: set[ox.Triple]) -> None:
        seen: dict[Term, States] = {}
        while agenda:
            node, states = agenda.pop()
            known = seen.get(node)
            if known is not None:
                states -= known
            if not states:
                continue
            seen[node] = states if known is None else known | states
            plan = self._plan(states)
            for triple in _going_on(facts, node, plan.forward, False):
                following = plan.forward.get(triple.predicate) or plan.forward.get(None)
                triples.add(triple)
                if following:
                    agenda.append((triple.object, following))
            for triple in _going_on(facts, node, plan.backward, True):
                following = plan.backward.get(triple.predicate) or plan.backward.get(None)
                triples.add(triple)
                if following:
                    agenda.append((triple.subject, following))

    def _plan(self, states: States) -> _Plan:
        if states not in self._plans:
            maps: tuple[dict[ox.NamedNode | None, set[int]], ...] = ({}, {})
            for state in states:
                for edge in self._reach.automaton.edges(state):
                    maps[edge.inverse].setdefault(edge.predicate, set()).add(edge.end)
            forward, backward = (
                {p: self._closed({*ends, *found.get(None, ())}) for p, ends in found.items()} for found in maps
            )
            self._plans[states] = _Plan(forward, backward)
        return self._plans[states]

    def _closed(self, states: Iterable[int]) -> States:
        """Give the states with those that they are joined to, without those from which nothing goes on."""
        found: set[int] = set()
        agenda = list(states)
        while agenda:
            state = agenda.pop()
            if state not in found:
                found.add(state)
                agenda += self._reach.automaton.joined(state)
        return frozenset(state for state in found if state in self._alive)

    def _find_alive(self) -> set[int]:
        automaton = self._reach.automaton
        return {state for state in range(len(automaton)) if any(automaton.edges(state))}


def _going_on(facts: Facts, node: Term, ways: dict[ox.NamedNode | None, States], inverse: bool) -> Iterator[ox.Triple]:
    """Give the triples of a node with the predicates of ``ways``."""
    if not ways or not (inverse or isinstance(node, Node)):
        return
    if None in ways or (len(ways) > FEW and not inverse):
        triples = facts.match(None, None, node) if inverse else facts.match(node, None, None)  # type: ignore[arg-type]
        yield from (t for t in triples if None in ways or t.predicate in ways)
        return
    for p in ways:
        yield from facts.match(None, p, node) if inverse else facts.match(node, p, None)  # type: ignore[arg-type]


def _focused(targets: Targets, facts: Facts) -> Iterator[Term]:
    yield from targets.nodes
    classes = list(targets.classes)
    for above in classes:
        fresh = (t.subject for t in facts.match(None, RDFS.subClassOf, above))
        classes += [c for c in dict.fromkeys(fresh) if c not in classes]
        yield from (t.subject for t in facts.match(None, RDF.type, above))
    for p in targets.subjects_of:
        yield from (t.subject for t in facts.match(None, p, None))
    for p in targets.objects_of:
        yield from (t.object for t in facts.match(None, p, None))


def _nested(graph: ShapesGraph, shape: Term, below: bool) -> Iterator[Term]:
    """Give the shapes under ``shape`` whose results come at values, not at the focus node."""
    has_path = bool(graph.objects(shape, SH.path))
    for child in graph.objects(shape, SH.property):
        if below or has_path:
            yield child
        yield from _nested(graph, child, below or has_path)


_known: WeakKeyDictionary[Shapes, Portions] = WeakKeyDictionary()


def portions_of(shapes: Shapes) -> Portions:
    """Give the portions of ``shapes``, derived once."""
    if shapes not in _known:
        _known[shapes] = Portions(shapes)
    return _known[shapes]
