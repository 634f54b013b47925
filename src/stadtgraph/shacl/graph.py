"""A shapes graph as a value: look-ups, lists, and paths as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyoxigraph as ox

from stadtgraph.shacl.words import SHAPE_LINKS, SHAPE_LISTS, TARGETS
from stadtgraph.terms import RDF, RDFS, SH, Term

Node = ox.NamedNode | ox.BlankNode
Link = tuple[ox.NamedNode, Node]


class BadList(ValueError):
    """A list has no or several first or rest values, or leads back to itself."""


class ShapesGraph:
    """The triples of a shapes graph, found by subject."""

    __slots__ = ("_objects", "triples")

    def __init__(self, triples: Iterable[ox.Triple]) -> None:
        """Index ``triples``."""
        self.triples = tuple(dict.fromkeys(triples))
        self._objects: dict[Term, dict[ox.NamedNode, list[Term]]] = {}
        for triple in self.triples:
            self._objects.setdefault(triple.subject, {}).setdefault(triple.predicate, []).append(triple.object)

    def subjects(self) -> Iterator[Node]:
        """Give every subject, once."""
        return (s for s in self._objects if isinstance(s, Node))

    def predicates(self, s: Term) -> Iterable[ox.NamedNode]:
        """Give the predicates of a subject."""
        return self._objects.get(s, {})

    def objects(self, s: Term, p: ox.NamedNode) -> list[Term]:
        """Give the values of a property."""
        return self._objects.get(s, {}).get(p, [])

    def first(self, s: Term, p: ox.NamedNode) -> Term | None:
        """Give one value of a property, or ``None``."""
        return next(iter(self.objects(s, p)), None)

    def members(self, head: Term) -> list[Term]:
        """Give the members of a list (https://www.w3.org/TR/shacl/#dfn-shacl-list); raises :class:`BadList`."""
        found: list[Term] = []
        seen: set[Term] = set()
        while head != RDF.nil:
            first, rest = self.objects(head, RDF.first), self.objects(head, RDF.rest)
            if head in seen or len(first) != 1 or len(rest) != 1:
                raise BadList(head)
            seen.add(head)
            found.append(first[0])
            head = rest[0]
        return found

    def is_shape(self, node: Term) -> bool:
        """Tell whether ``node`` is stated to be a shape, has a path or a target."""
        types = self.objects(node, RDF.type)
        return (
            SH.NodeShape in types
            or SH.PropertyShape in types
            or any(p in self.predicates(node) for p in (SH.path, SH.property, *TARGETS))
        )

    def links(self, shape: Term) -> Iterator[Link]:
        """Give the shapes that a shape refers to, with the parameter that refers."""
        for p in SHAPE_LINKS:
            yield from ((p, value) for value in self.objects(shape, p) if isinstance(value, Node))
        for p in SHAPE_LISTS:
            for head in self.objects(shape, p):
                try:
                    members = self.members(head)
                except BadList:
                    continue
                yield from ((p, member) for member in members if isinstance(member, Node))

    def target_classes(self, shape: Node) -> list[ox.NamedNode]:
        """Give the classes whose members a shape targets, itself where it is a class."""
        named = [c for c in self.objects(shape, SH.targetClass) if isinstance(c, ox.NamedNode)]
        is_class = RDFS.Class in self.objects(shape, RDF.type)
        return [*named, shape] if is_class and isinstance(shape, ox.NamedNode) and self.is_shape(shape) else named


_OPERATORS = {SH.zeroOrMorePath: "*", SH.oneOrMorePath: "+", SH.zeroOrOnePath: "?"}


def path_text(graph: ShapesGraph, path: Term) -> str:
    """Give a path as SPARQL writes it, every part of it in the least parentheses.

    Source: https://www.w3.org/TR/shacl/#property-paths, https://www.w3.org/TR/sparql11-query/#propertypaths
    """
    return _path(graph, path)[0]


def _path(graph: ShapesGraph, path: Term) -> tuple[str, int]:
    """Give the text, and how loosely it binds: 0 a step, 1 with an operator, 2 a sequence, 3 alternatives."""
    if isinstance(path, ox.NamedNode):
        return str(path), 0
    if graph.objects(path, RDF.first):
        return "/".join(_wrapped(_path(graph, step), 1) for step in graph.members(path)), 2
    inverse = graph.first(path, SH.inversePath)
    if inverse is not None:
        return "^" + _wrapped(_path(graph, inverse), 0), 1
    for p, operator in _OPERATORS.items():
        inner = graph.first(path, p)
        if inner is not None:
            return _wrapped(_path(graph, inner), 0) + operator, 1
    choice = graph.first(path, SH.alternativePath)
    if choice is not None:
        return "|".join(_wrapped(_path(graph, step), 2) for step in graph.members(choice)), 3
    raise ValueError(f"{path} is no path")


def _wrapped(part: tuple[str, int], at_most: int) -> str:
    text, loose = part
    return f"({text})" if loose > at_most else text
