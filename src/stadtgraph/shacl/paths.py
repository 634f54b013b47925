"""Property paths as values, and the automaton that walks them.

A walk from a node follows steps forwards or backwards along predicates. All that a shape can look at, starting at a
focus node, is one automaton; run backwards from a triple it gives the focus nodes that can see that triple.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

import pyoxigraph as ox

from stadtgraph.shacl.graph import Node, ShapesGraph
from stadtgraph.terms import RDF, SH, Term


class Facts(Protocol):
    """Triples, as their owner wrote them, that can be found by pattern; ``None`` stands for any term."""

    def match(self, s: Node | ox.Triple | None, p: ox.NamedNode | None, o: Term | None, /) -> Iterable[ox.Triple]:
        """Give the triples that fit the pattern."""
        ...


class Form(StrEnum):
    """How a path is made from its parts."""

    STEP = "step"
    INVERSE = "inverse"
    SEQUENCE = "sequence"
    CHOICE = "choice"
    STAR = "star"
    OPTION = "option"


@dataclass(frozen=True, slots=True)
class Path:
    """A property path; a step without a predicate goes along any."""

    form: Form
    parts: tuple[Path, ...] = ()
    predicate: ox.NamedNode | None = None


def step(predicate: ox.NamedNode | None) -> Path:
    """Give the path of one triple."""
    return Path(Form.STEP, (), predicate)


def plus(path: Path) -> Path:
    """Give the path that repeats ``path`` at least once."""
    return Path(Form.SEQUENCE, (path, Path(Form.STAR, (path,))))


ANY = Path(Form.CHOICE, (step(None), Path(Form.INVERSE, (step(None),))))
"""One step in any direction."""


def read_path(graph: ShapesGraph, path: Term) -> Path:
    """Read a well-formed path from a shapes graph (https://www.w3.org/TR/shacl/#property-paths)."""
    if isinstance(path, ox.NamedNode):
        return step(path)
    if graph.objects(path, RDF.first):
        return Path(Form.SEQUENCE, tuple(read_path(graph, member) for member in graph.members(path)))
    choice = graph.first(path, SH.alternativePath)
    if choice is not None:
        return Path(Form.CHOICE, tuple(read_path(graph, member) for member in graph.members(choice)))
    for p, form in _FORMS.items():
        inner = graph.first(path, p)
        if inner is not None:
            return Path(form, (read_path(graph, inner),))
    return plus(read_path(graph, graph.objects(path, SH.oneOrMorePath)[0]))


_FORMS = {SH.inversePath: Form.INVERSE, SH.zeroOrMorePath: Form.STAR, SH.zeroOrOnePath: Form.OPTION}


class Edge(NamedTuple):
    """A step of the automaton: along any predicate where there is none, against the triple where inverse."""

    start: int
    predicate: ox.NamedNode | None
    inverse: bool
    end: int


Place = tuple[int, Term]
"""A state of the automaton, and the node it stands at."""


class TooFar(Exception):
    """A walk met more nodes than it may; everything is cheaper to do at once."""


class Automaton:
    """States joined by steps. Built once, then walked from many nodes."""

    def __init__(self) -> None:
        self._out: list[list[Edge]] = []
        self._into: list[list[Edge]] = []
        self._silent: list[list[int]] = []
        self._silent_into: list[list[int]] = []
        self._by_predicate: dict[ox.NamedNode | None, list[Edge]] = {}

    def state(self) -> int:
        """Make a state more."""
        for listed in (self._out, self._into, self._silent, self._silent_into):
            listed.append([])
        return len(self._out) - 1

    def step(self, start: int, predicate: ox.NamedNode | None, inverse: bool, end: int) -> None:
        """Let a walk go from ``start`` to ``end`` along a predicate."""
        edge = Edge(start, predicate, inverse, end)
        if edge not in self._out[start]:
            self._out[start].append(edge)
            self._into[end].append(edge)
            self._by_predicate.setdefault(predicate, []).append(edge)

    def join(self, start: int, end: int) -> None:
        """Let a walk go from ``start`` to ``end`` at the same node."""
        if end not in self._silent[start]:
            self._silent[start].append(end)
            self._silent_into[end].append(start)

    def path(self, start: int, path: Path, end: int, back: bool = False) -> None:
        """Let a walk go from ``start`` to ``end`` along ``path``, or against it."""
        parts = path.parts
        if path.form is Form.STEP:
            self.step(start, path.predicate, back, end)
        elif path.form is Form.INVERSE:
            self.path(start, parts[0], end, not back)
        elif path.form is Form.SEQUENCE:
            here = start
            for part in reversed(parts) if back else parts:
                there = self.state()
                self.path(here, part, there, back)
                here = there
            self.join(here, end)
        elif path.form is Form.CHOICE:
            for part in parts:
                self.path(start, part, end, back)
        elif path.form is Form.OPTION:
            self.join(start, end)
            self.path(start, parts[0], end, back)
        else:
            hub = self.state()
            self.join(start, hub)
            self.path(hub, parts[0], hub, back)
            self.join(hub, end)

    def __len__(self) -> int:
        return len(self._out)

    def edges(self, state: int) -> Iterable[Edge]:
        """Give the steps from a state."""
        return self._out[state]

    def joined(self, state: int) -> Iterable[int]:
        """Give the states that a state is joined to."""
        return self._silent[state]

    def below(self, start: int) -> set[int]:
        """Give the states that can be reached from ``start``."""
        found, agenda = {start}, [start]
        while agenda:
            here = agenda.pop()
            following = {*self._silent[here], *(edge.end for edge in self._out[here])} - found
            found |= following
            agenda += following
        return found

    def predicates(self, states: Iterable[int]) -> set[ox.NamedNode | None]:
        """Give the predicates of the steps from some states."""
        return {edge.predicate for state in states for edge in self._out[state]}

    def forward(self, facts: Facts, begin: Iterable[Place], seen: dict[Place, None], limit: int) -> Iterator[ox.Triple]:
        """Walk on from some places, and give the triples met; ``seen`` holds the places and receives more."""
        agenda = _fresh(begin, seen)
        while agenda:
            state, node = agenda.pop()
            agenda += _fresh(((s, node) for s in self._silent[state]), seen)
            for edge in self._out[state]:
                for triple in _along(facts, node, edge.predicate, edge.inverse):
                    yield triple
                    agenda += _fresh([(edge.end, triple.subject if edge.inverse else triple.object)], seen)
            _check(seen, limit)

    def backward(
        self, facts: Facts, begin: Iterable[Place], seen: dict[Place, None], limit: int
    ) -> Iterator[ox.Triple]:
        """Walk back from some places, and give the triples met; ``seen`` holds the places and receives more."""
        agenda = _fresh(begin, seen)
        while agenda:
            state, node = agenda.pop()
            agenda += _fresh(((s, node) for s in self._silent_into[state]), seen)
            for edge in self._into[state]:
                for triple in _along(facts, node, edge.predicate, not edge.inverse):
                    yield triple
                    agenda += _fresh([(edge.start, triple.object if edge.inverse else triple.subject)], seen)
            _check(seen, limit)

    def steps(self, triple: ox.Triple) -> Iterator[tuple[Place, Place]]:
        """Give the steps that ``triple`` lets a walk take: from where, to where."""
        for predicate in (triple.predicate, None):
            for edge in self._by_predicate.get(predicate, ()):
                here, there = triple.subject, triple.object
                yield (
                    ((edge.start, there), (edge.end, here)) if edge.inverse else ((edge.start, here), (edge.end, there))
                )


def _fresh(places: Iterable[Place], seen: dict[Place, None]) -> list[Place]:
    fresh = [place for place in dict.fromkeys(places) if place not in seen]
    seen.update(dict.fromkeys(fresh))
    return fresh


def _check(seen: dict[Place, None], limit: int) -> None:
    if len(seen) > limit:
        raise TooFar


def _along(facts: Facts, node: Term, predicate: ox.NamedNode | None, inverse: bool) -> Iterable[ox.Triple]:
    if inverse:
        return facts.match(None, predicate, node)
    return facts.match(node, predicate, None) if isinstance(node, Node) else ()
