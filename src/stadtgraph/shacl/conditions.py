"""Rewrites shapes for the fast engine where it would take time that grows with the square of the data.

Asked by itself whether a value is of a class, the engine looks at the types of the value. Asked the same within a
condition (``sh:node``, ``sh:not``, ``sh:and``, ``sh:or``, ``sh:xone``, ``sh:qualifiedValueShape``) it runs through the
members of the class until it meets the value. What stands in a condition only has to be kept or not, and is never
reported. So conditions get copies of their shapes in which ``sh:class :C`` says, with the same meaning,
``sh:property [ sh:path ( rdf:type [ sh:zeroOrMorePath rdfs:subClassOf ] ) ; sh:hasValue :C ]``.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyoxigraph as ox

from stadtgraph.shacl.graph import Node, ShapesGraph
from stadtgraph.shacl.words import SHAPE_LISTS, TARGETS
from stadtgraph.terms import RDF, RDFS, SH, Term

PREFIX = "urn:stadtgraph:condition:"
CLASS = SH.term("class")
_LINKS = (SH.node, SH.term("not"), SH.qualifiedValueShape)
_LEFT_OUT = frozenset((*TARGETS, RDF.type, SH.message, CLASS))


def with_lean_conditions(graph: ShapesGraph) -> ShapesGraph:
    """Give the same shapes with such copies; the graph itself where no condition asks for a class.

    It is also given where copies might mean something else: shapes that exclude each other's values, queries that
    look at the shape.
    """
    if any(_forbids(triple) for triple in graph.triples):
        return graph
    rewriting = _Rewriting(graph)
    triples = [new for triple in graph.triples for new in rewriting.triple(triple, within=False)]
    for shape in rewriting.agenda:  # which grows meanwhile
        triples += rewriting.copy(shape)
    return ShapesGraph([*triples, *rewriting.path()]) if rewriting.agenda else graph


def _forbids(triple: ox.Triple) -> bool:
    if triple.predicate in (SH.select, SH.ask) and isinstance(triple.object, ox.Literal):
        return "currentShape" in triple.object.value or "shapesGraph" in triple.object.value
    return triple.predicate in (SH.qualifiedValueShapesDisjoint, SH.parameter)


class _Rewriting:
    """The copies that are to be made, in the order in which they were asked for."""

    def __init__(self, graph: ShapesGraph) -> None:
        self._graph = graph
        self._names: dict[Node, ox.NamedNode] = {}
        self._kinds, self._shapes = ox.BlankNode(), 0
        self.agenda: list[Node] = []
        self._asking: dict[Node, bool] = {}

    def _asks(self, shape: Node) -> bool:
        """Tell whether a shape, or one below it, asks for a class."""
        if shape not in self._asking:
            asks = bool(self._graph.objects(shape, CLASS))
            self._asking[shape] = asks or any(self._asks(child) for _, child in self._graph.links(shape))
        return self._asking[shape]

    def triple(self, triple: ox.Triple, *, within: bool) -> Iterator[ox.Triple]:
        """Give a triple of a shape, led to copies where it leads into a condition, or is in one already."""
        p, value = triple.predicate, triple.object
        if p in SHAPE_LISTS:
            members = self._graph.members(value)
            if any(isinstance(m, Node) and self._asks(m) for m in members):
                yield from self._list(triple.subject, p, [self._led(member) for member in members])
                return
        is_led = p in _LINKS or (within and p == SH.property)
        yield ox.Triple(triple.subject, p, self._led(value)) if is_led else triple

    def _led(self, shape: Term) -> Term:
        """Give the copy of a shape that asks for a class, else the shape itself."""
        if not isinstance(shape, Node) or not self._asks(shape):
            return shape
        if shape not in self._names:
            self._names[shape] = ox.NamedNode(f"{PREFIX}{len(self._names)}")
            self.agenda.append(shape)
        return self._names[shape]

    def _list(self, subject: Node | ox.Triple, p: ox.NamedNode, members: list[Term]) -> Iterator[ox.Triple]:
        cells = [ox.BlankNode() for _ in members]
        following: list[Term] = [*cells[1:], RDF.nil]
        yield ox.Triple(subject, p, cells[0])
        for cell, rest, member in zip(cells, following, members, strict=True):
            yield ox.Triple(cell, RDF.first, member)
            yield ox.Triple(cell, RDF.rest, rest)

    def copy(self, shape: Node) -> Iterator[ox.Triple]:
        """Give the triples of the copy of a shape: without targets, and without ``sh:class``."""
        name = self._names[shape]
        for p in self._graph.predicates(shape):
            if p not in _LEFT_OUT:
                for value in self._graph.objects(shape, p):
                    yield from self.triple(ox.Triple(name, p, value), within=True)
        for value in self._graph.objects(shape, CLASS):
            self._shapes += 1
            asking = ox.NamedNode(f"{PREFIX}class:{self._shapes}")
            yield ox.Triple(name, SH.property, asking)
            yield ox.Triple(asking, SH.path, self._kinds)
            yield ox.Triple(asking, SH.hasValue, value)
            yield from (ox.Triple(asking, SH.severity, s) for s in self._graph.objects(shape, SH.severity))

    def path(self) -> Iterator[ox.Triple]:
        """Give the path from a value to its classes and those above them."""
        last, above = ox.BlankNode(), ox.BlankNode()
        yield ox.Triple(self._kinds, RDF.first, RDF.type)
        yield ox.Triple(self._kinds, RDF.rest, last)
        yield ox.Triple(last, RDF.first, above)
        yield ox.Triple(last, RDF.rest, RDF.nil)
        yield ox.Triple(above, SH.zeroOrMorePath, RDFS.subClassOf)
