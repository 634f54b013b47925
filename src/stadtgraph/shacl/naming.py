"""Names for the blank-node shapes of a shapes graph, so that a result can say which shape it came from.

Both engines report the source shape of a result; a blank node there says nothing. So every blank-node shape gets
an IRI made from its place and content: the same shapes give the same names, whatever their order and labels.
Blank nodes that are no shapes (lists, paths, SPARQL constraints) stay blank nodes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyoxigraph as ox

from stadtgraph.shacl.graph import Node, ShapesGraph
from stadtgraph.terms import Term

PREFIX = "urn:stadtgraph:shape:"


@dataclass(frozen=True, slots=True)
class Named:
    """The graph with names for its blank-node shapes."""

    triples: tuple[ox.Triple, ...]
    names: dict[ox.BlankNode, ox.NamedNode]
    """The new name of each blank-node shape."""
    roots: dict[ox.NamedNode, ox.NamedNode]
    """For each new name, the nearest enclosing shape with an IRI of its own; itself where there is none."""


def name_shapes(graph: ShapesGraph) -> Named:
    """Give the graph with every blank-node shape named."""
    namer = _Namer(graph)
    named = sorted((s for s in graph.subjects() if isinstance(s, ox.NamedNode)), key=str)
    namer.name_below([(shape, shape) for shape in named])
    loose = [s for s in graph.subjects() if isinstance(s, ox.BlankNode) and s not in namer.names and graph.is_shape(s)]
    for content, node in sorted(((_content(graph, node, ()), node) for node in loose), key=lambda pair: pair[0]):
        if node not in namer.names:
            name = namer.name(node, content)
            namer.roots[name] = name
            namer.name_below([(node, name)])
    triples = tuple(_renamed(triple, namer.names) for triple in graph.triples)
    return Named(triples, namer.names, namer.roots)


class _Namer:
    """Walks from the named shapes downwards, level by level."""

    def __init__(self, graph: ShapesGraph) -> None:
        self.graph = graph
        self.names: dict[ox.BlankNode, ox.NamedNode] = {}
        self.roots: dict[ox.NamedNode, ox.NamedNode] = {}
        self._taken: set[ox.NamedNode] = set()

    def name(self, node: ox.BlankNode, key: str) -> ox.NamedNode:
        """Name ``node`` after ``key``; of nodes with equal keys each gets a number more."""
        digest = hashlib.sha256(key.encode()).hexdigest()[:24]
        name, number = ox.NamedNode(PREFIX + digest), 1
        while name in self._taken:
            number += 1
            name = ox.NamedNode(f"{PREFIX}{digest}-{number}")
        self._taken.add(name)
        self.names[node] = name
        return name

    def name_below(self, agenda: Iterable[tuple[Node, ox.NamedNode]]) -> None:
        """Name the blank-node shapes below some nodes, which come with their named shape."""
        level = list(agenda)
        while level:
            following: list[tuple[Node, ox.NamedNode]] = []
            for parent, root in level:
                above = self.names[parent] if isinstance(parent, ox.BlankNode) else parent
                for key, child in sorted(self._children(parent, above), key=lambda pair: pair[0]):
                    if child not in self.names:
                        self.roots[self.name(child, key)] = root
                        following.append((child, root))
            level = following

    def _children(self, parent: Node, above: ox.NamedNode) -> Iterator[tuple[str, ox.BlankNode]]:
        for p, child in self.graph.links(parent):
            if isinstance(child, ox.BlankNode) and child not in self.names:
                yield f"{above} {p} {_content(self.graph, child, ())}", child


def _content(graph: ShapesGraph, node: Term, above: tuple[Term, ...]) -> str:
    if node in above:
        return "@" + str(above.index(node))
    parts = []
    for p in sorted(graph.predicates(node), key=str):
        for value in graph.objects(node, p):
            is_blank = isinstance(value, ox.BlankNode)
            parts.append(f"{p} {_content(graph, value, (*above, node)) if is_blank else value}")
    return "[" + ";".join(sorted(parts)) + "]"


def _renamed(triple: ox.Triple, names: dict[ox.BlankNode, ox.NamedNode]) -> ox.Triple:
    s, o = triple.subject, triple.object
    if isinstance(s, ox.BlankNode):
        s = names.get(s, s)
    if isinstance(o, ox.BlankNode):
        o = names.get(o, o)
    return ox.Triple(s, triple.predicate, o)
