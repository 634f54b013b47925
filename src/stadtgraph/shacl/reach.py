"""How far the results of a focus node look into the data: derived from the shapes, not fixed.

Every shape with a target is a :class:`Root`. Its results come at :class:`Position`\\ s: at its focus nodes, and at the
values below them where property shapes are nested. For each position an automaton says which triples around a node
its results can depend on. A root with a part of which that cannot be said is evaluated in full.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import pyoxigraph as ox

from stadtgraph.shacl.graph import Node, ShapesGraph
from stadtgraph.shacl.locality import Locality, NotLocal
from stadtgraph.shacl.paths import Automaton, Path, read_path
from stadtgraph.shacl.patterns import BeyondReading, read
from stadtgraph.shacl.shapes import Shapes
from stadtgraph.shacl.words import IRIS, LISTS, SHAPE_LINKS, SHAPE_LISTS, SINGLE
from stadtgraph.terms import OWL, RDF, RDFS, SH, Term

CLASS = ox.NamedNode(str(SH) + "class")
PAIRS = (SH.equals, SH.disjoint, SH.lessThan, SH.lessThanOrEquals)
_FOLLOWED = """
qualifiedValueShapesDisjoint flags message name description group order defaultValue targetClass targetNode declare
prefixes suggestedShapesGraph hasValue pattern sparql
"""
FOLLOWED = frozenset({*SINGLE, *IRIS, *LISTS, *SHAPE_LINKS, *SHAPE_LISTS}) | {
    ox.NamedNode(str(SH) + name) for name in _FOLLOWED.split()
}
"""What a shape may say: whatever else is of SHACL, or a parameter of a component, is not followed."""


@dataclass(frozen=True, slots=True)
class Targets:
    """What makes a node a focus node of a shape."""

    classes: frozenset[Term]
    nodes: frozenset[Term]
    subjects_of: tuple[ox.NamedNode, ...]
    objects_of: tuple[ox.NamedNode, ...]

    def looks_at(self, triple: ox.Triple) -> Iterator[Term]:
        """Give the nodes that ``triple`` can make, or cease to make, focus nodes."""
        if self.classes and triple.predicate == RDF.type:
            yield triple.subject
        if triple.predicate in self.subjects_of:
            yield triple.subject
        if triple.predicate in self.objects_of:
            yield triple.object


@dataclass(frozen=True, slots=True)
class Root:
    """A shape with a target."""

    shape: Node
    targets: Targets
    reports: frozenset[Node]
    """The shapes that its results are of."""
    predicates: frozenset[ox.NamedNode] | None
    """All predicates that it looks at; ``None`` where any triple may matter."""
    problem: str
    """Why it cannot be evaluated around a node alone; empty where it can."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where results of a root come: at the end of ``anchor`` from its focus nodes."""

    root: Root
    anchor: Automaton | None
    """From state 0 to state 1; ``None`` where the focus nodes themselves are meant."""
    start: int
    constants: tuple[tuple[int, ox.NamedNode], ...]


@dataclass(slots=True)
class _Found:
    """What is gathered about one root."""

    reports: set[Node] = field(default_factory=set)
    places: list[tuple[tuple[Path, ...], int]] = field(default_factory=list)


class Reach:
    """How far each shape of a shapes graph looks."""

    def __init__(self, shapes: Shapes) -> None:
        """Derive the reach of ``shapes``."""
        self.automaton = Automaton()
        self._graph = shapes.graph
        self._deep: dict[Node, int] = {}
        self._problems: dict[int, str] = {}
        self._predicates: dict[int, set[ox.NamedNode | None]] = {}
        self._constants: dict[int, list[tuple[int, ox.NamedNode]]] = {}
        self._classes = self._class_state()
        self._components = _component_parameters(self._graph)
        self._parents = _parents(self._graph, shapes.shapes)
        self.roots: tuple[Root, ...] = ()
        self.positions: tuple[Position, ...] = ()
        for shape in shapes.shapes:
            self._root(shape)

    @property
    def problems(self) -> dict[Node, str]:
        """The roots that are evaluated in full, with the reason."""
        return {root.shape: root.problem for root in self.roots if root.problem}

    def constants(self, state: int) -> Iterable[tuple[int, ox.NamedNode]]:
        """Give the IRIs that a query at a state starts from, with the states of theirs."""
        return self._constants.get(state, ())

    def _class_state(self) -> int:
        state = self.automaton.state()
        self.automaton.step(state, RDFS.subClassOf, False, state)
        return state

    def _root(self, shape: Node) -> None:
        graph = self._graph
        targets = Targets(
            frozenset(graph.target_classes(shape)),
            frozenset(graph.objects(shape, SH.targetNode)),
            tuple(_iris(graph, shape, SH.targetSubjectsOf)),
            tuple(_iris(graph, shape, SH.targetObjectsOf)),
        )
        other = [p for p in (SH.target, SH.targetWhere) if graph.objects(shape, p)]
        if not (targets.classes or targets.nodes or targets.subjects_of or targets.objects_of or other):
            return
        found = _Found()
        start = self._start(targets)
        found.places.append(((), start))
        self._collect(shape, 0, found)
        starts = [state for _, state in found.places]
        below = set().union(*(self.automaton.below(state) for state in starts))
        problem = "; ".join(dict.fromkeys(self._problems[s] for s in sorted(below) if s in self._problems))
        if other:
            problem = f"{_short(other[0])} {problem}".strip()
        looked = self.automaton.predicates(below) | {p for s in below for p in self._predicates.get(s, ())}
        looked |= {step_ for paths, _ in found.places for path in paths for step_ in _predicates(path)}
        for constant, _ in (c for s in below for c in self._constants.get(s, ())):
            looked |= self.automaton.predicates(self.automaton.below(constant))
        everything = None in looked or bool(other)
        predicates = None if everything else frozenset(p for p in looked if p is not None)
        root = Root(shape, targets, frozenset(found.reports), predicates, problem)
        self.roots += (root,)
        self.positions += tuple(self._position(root, paths, state) for paths, state in found.places)

    def _position(self, root: Root, paths: tuple[Path, ...], start: int) -> Position:
        below = self.automaton.below(start)
        constants = tuple(dict.fromkeys(c for s in sorted(below) for c in self._constants.get(s, ())))
        return Position(root, _anchor(paths) if paths else None, start, constants)

    def _start(self, targets: Targets) -> int:
        """Make a state that sees what makes its node a focus node."""
        start = self.automaton.state()
        if targets.classes:
            self.automaton.step(start, RDF.type, False, self._classes)
        for inverse, listed in ((False, targets.subjects_of), (True, targets.objects_of)):
            for p in listed:
                self.automaton.step(start, p, inverse, self.automaton.state())
        return start

    def _collect(self, shape: Node, place: int, found: _Found) -> None:
        """Lay what a reporting shape looks at, and go on to the property shapes that report by themselves."""
        paths, start = found.places[place]
        found.reports.add(shape)
        self._constraints(shape, start, self._values(shape, start))
        for child in _nodes(self._graph, shape, SH.property):
            if not self._graph.objects(shape, SH.path):
                self._collect(child, place, found)
            else:
                found.places.append(((*paths, self._path(shape)), self.automaton.state()))
                self._collect(child, len(found.places) - 1, found)

    def _path(self, shape: Node) -> Path:
        return read_path(self._graph, self._graph.objects(shape, SH.path)[0])

    def _values(self, shape: Node, start: int) -> int:
        """Give the state of the values of a shape: its focus node, or what its path leads to."""
        if not self._graph.objects(shape, SH.path):
            return start
        values = self.automaton.state()
        self.automaton.path(start, self._path(shape), values)
        return values

    def whole(self, shape: Node) -> int:
        """Give the state that sees all that decides whether a node fulfils ``shape``."""
        if shape not in self._deep:
            start = self._deep[shape] = self.automaton.state()
            values = self._values(shape, start)
            self._constraints(shape, start, values)
            for child in _nodes(self._graph, shape, SH.property):
                self.automaton.join(values, self.whole(child))
        return self._deep[shape]

    def _constraints(self, shape: Node, start: int, values: int) -> None:
        graph, automaton = self._graph, self.automaton
        if graph.objects(shape, CLASS):
            automaton.step(values, RDF.type, False, self._classes)
        for p in (p for pair in PAIRS for p in _iris(graph, shape, pair)):
            automaton.step(start, p, False, automaton.state())
        if graph.objects(shape, SH.closed):
            automaton.step(values, None, False, automaton.state())
        for p, child in graph.links(shape):
            if p != SH.property:
                automaton.join(values, self.whole(child))
        if graph.objects(shape, SH.qualifiedValueShapesDisjoint):
            for sibling in self._siblings(shape):
                automaton.join(values, self.whole(sibling))
        for constraint in graph.objects(shape, SH.sparql):
            self._sparql(shape, constraint, start)
        for p in graph.predicates(shape):
            if p in self._components or (p.value.startswith(str(SH)) and p not in FOLLOWED | _TARGETS):
                self._refuse(start, _short(p), {None})

    def _siblings(self, shape: Node) -> Iterator[Node]:
        for parent in self._parents.get(shape, ()):
            for child in _nodes(self._graph, parent, SH.property):
                yield from _nodes(self._graph, child, SH.qualifiedValueShape)

    def _sparql(self, shape: Node, constraint: Term, start: int) -> None:
        graph = self._graph
        texts = graph.objects(constraint, SH.select)
        if len(texts) != 1 or self._has_functions():
            self._refuse(start, "sh:sparql", {None})
            return
        path = self._path(shape) if graph.objects(shape, SH.path) else None
        this = self.automaton.state()
        try:
            group = read(str(getattr(texts[0], "value", "")), _prefixes(graph, constraint), path)
        except BeyondReading as problem:
            self._refuse(start, f"sh:sparql ({problem})", {None})
            return
        locality = Locality(self.automaton, this)
        try:
            locality.lay(group)
        except NotLocal:
            looked = {p for pattern in group.patterns() for p in _predicates(pattern.path)}
            self._refuse(start, "sh:sparql", looked)
        self._constants[this] = locality.constants
        self.automaton.join(start, this)

    def _has_functions(self) -> bool:
        return any(t.predicate == RDF.type and t.object == SH.SPARQLFunction for t in self._graph.triples)

    def _refuse(self, state: int, why: str, looked: set[ox.NamedNode | None]) -> None:
        mark = self.automaton.state()
        self._problems[mark] = why
        self._predicates[mark] = looked
        self.automaton.join(state, mark)


_known: WeakKeyDictionary[Shapes, Reach] = WeakKeyDictionary()


def reach_of(shapes: Shapes) -> Reach:
    """Give the reach of ``shapes``, derived once."""
    if shapes not in _known:
        _known[shapes] = Reach(shapes)
    return _known[shapes]


_TARGETS = {SH.targetSubjectsOf, SH.targetObjectsOf, SH.target, SH.targetWhere, SH.property, SH.path}


def _anchor(paths: Iterable[Path]) -> Automaton:
    anchor = Automaton()
    start, end = anchor.state(), anchor.state()
    here = start
    for path in paths:
        there = anchor.state()
        anchor.path(here, path, there)
        here = there
    anchor.join(here, end)
    return anchor


def _predicates(path: Path) -> Iterator[ox.NamedNode | None]:
    if not path.parts:
        yield path.predicate
    for part in path.parts:
        yield from _predicates(part)


def _nodes(graph: ShapesGraph, s: Node, p: ox.NamedNode) -> Iterator[Node]:
    return (o for o in graph.objects(s, p) if isinstance(o, Node))


def _iris(graph: ShapesGraph, s: Node, p: ox.NamedNode) -> Iterator[ox.NamedNode]:
    return (o for o in graph.objects(s, p) if isinstance(o, ox.NamedNode))


def _short(term: ox.NamedNode) -> str:
    return term.value.replace(str(SH), "sh:")


def _parents(graph: ShapesGraph, shapes: Iterable[Node]) -> dict[Node, list[Node]]:
    found: dict[Node, list[Node]] = {}
    for shape in shapes:
        for child in _nodes(graph, shape, SH.property):
            found.setdefault(child, []).append(shape)
    return found


def _component_parameters(graph: ShapesGraph) -> set[Term]:
    """Give the parameters of the components that the shapes graph itself declares."""
    holders = [t.object for t in graph.triples if t.predicate == SH.parameter]
    return {path for holder in holders for path in graph.objects(holder, SH.path)}


def _prefixes(graph: ShapesGraph, constraint: Term) -> dict[str, str]:
    """Give the prefixes of a constraint (https://www.w3.org/TR/shacl/#sparql-prefixes)."""
    found: dict[str, str] = {}
    holders = list(graph.objects(constraint, SH.prefixes))
    for holder in holders:
        holders += [o for o in graph.objects(holder, OWL.imports) if o not in holders]
        for declared in graph.objects(holder, SH.declare):
            prefix, namespace = graph.first(declared, SH.prefix), graph.first(declared, SH.namespace)
            if isinstance(prefix, ox.Literal) and isinstance(namespace, ox.Literal):
                found[prefix.value] = namespace.value
    return found
