"""What has been found of the graphs behind an answer, and where derived statements lead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import pyoxigraph as ox

from stadtgraph.lineage.known import Known, Subject
from stadtgraph.lineage.witness import Use
from stadtgraph.store import Dataset
from stadtgraph.terms import GEO, INFERRED, LINKS, RDF, SG, SPACE, Term

if TYPE_CHECKING:
    from stadtgraph.lineage.slots import Asked

_APART: Final = 100
"""Derived triples up to which each is followed by itself."""
_EXPLAINED: Final = 5_000
"""Inferred triples that are explained; of the rest, the graphs that may hold premises count."""
_TRIES: Final = 50
BY: Final = {INFERRED: "inference", LINKS: "link", SPACE: "place"}


@dataclass(slots=True)
class Contribution:
    """What one graph contributes: how many of the triples looked at it states, and whether any that no other states.

    ``by`` tells how they were used: ``data``, ``inference``, ``link``, ``place``, ``search`` or ``consulted``.
    """

    graph: str
    triples: int = 0
    is_needed: bool = False
    by: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Lineage:
    """The graphs behind an answer. ``is_counted`` tells that every triple was looked at, so that their numbers are
    whole; ``is_exact`` that only what solutions matched is reported."""

    graphs: tuple[Contribution, ...]
    is_counted: bool
    is_exact: bool


class Tally:
    """Counts for each graph what solutions matched in it."""

    def __init__(
        self, known: Known, dataset: Dataset, reads: Mapping[str, frozenset[str]], searched: frozenset[str]
    ) -> None:
        """Count nothing yet."""
        self.known, self._dataset, self._reads, self._searched = known, dataset, reads, searched
        graphs = known.graphs if dataset.default is None else dataset.default
        self._default = {g.value for g in graphs}
        self.found: dict[str, Contribution] = {}
        self.looked = 0
        self.is_counted = True
        self._is_exact = True
        self._seen: set[ox.Triple] = set()
        self._nodes: set[Any] = set()
        self._derived: dict[str, set[ox.Triple]] = {}

    def lineage(self, is_exact: bool) -> Lineage:
        """Give what was found, the most telling graphs first."""
        graphs = sorted(self.found.values(), key=lambda c: (not c.is_needed, -c.triples, c.graph))
        return Lineage(tuple(graphs), self.is_counted, is_exact and self._is_exact)

    def visible(self, graphs: Iterable[str]) -> tuple[str, ...]:
        """Give those of some graphs that the query looks at."""
        return tuple(g for g in graphs if g in self._default)

    def named_graphs(self) -> tuple[ox.NamedNode, ...]:
        """Give the graphs that GRAPH may name."""
        return self.known.graphs if self._dataset.named is None else self._dataset.named

    def candidates(self, slot: Asked) -> tuple[str, ...]:
        """Give the graphs that may state what a slot holds."""
        if slot.use is Use.TRIPLE:
            s, p, o = slot.pattern
            slot.stating = None if s is None else self.known.about(s, p, o)
            if slot.stating is not None:
                return self.visible(dict.fromkeys(g for graphs in slot.stating.values() for g in graphs))
            return self.visible(self.known.candidates(*slot.pattern))
        found = (g for p, _ in slot.steps or () for g in self.known.candidates(None, p, None))
        return self.visible(dict.fromkeys(found))

    def is_needed(self, graph: str) -> bool:
        """Tell whether a graph is known to state what no other does."""
        entry = self.found.get(graph)
        return entry is not None and entry.is_needed and "data" in entry.by

    def need(self, graph: str) -> None:
        """Note that a graph states what no other does."""
        entry = self._entry(graph, "data")
        entry.is_needed = True

    def possible(self, graphs: Iterable[str], by: str) -> None:
        """Note graphs that may have contributed, where nobody looked closer."""
        self._is_exact = False
        for graph in graphs:
            if graph not in self.known.derived:
                self._entry(graph, by)

    def _entry(self, graph: str, by: str) -> Contribution:
        entry = self.found.setdefault(graph, Contribution(graph))
        entry.by.add(by)
        return entry

    def count(self, triple: ox.Triple, by: str, sole: str | None = None, stating: Iterable[str] | None = None) -> None:
        """Count a triple for the graphs that state it: ``sole`` or ``stating`` where that is known."""
        if triple in self._seen:
            return
        self._seen.add(triple)
        if sole is not None:
            graphs: tuple[str, ...] = (sole,)
        else:
            self.looked += 1
            graphs = self.visible(self.known.stating(triple) if stating is None else stating)
        stated = [g for g in graphs if g not in self.known.derived]
        for graph in stated:
            entry = self._entry(graph, by)
            entry.triples += 1
            entry.is_needed = entry.is_needed or len(stated) == 1
        if not stated:
            for graph in graphs:
                self._derived.setdefault(graph, set()).add(triple)

    def derive(self, triple: ox.Triple, graph: str) -> None:
        """Note a triple that a derived graph holds, unless a source states it too."""
        if triple not in self._seen:
            self._seen.add(triple)
            self._derived.setdefault(graph, set()).add(triple)

    def named(self, graph: Any) -> None:
        """Count a graph that a GRAPH clause gave."""
        if isinstance(graph, ox.NamedNode):
            entry = self._entry(graph.value, "data")
            entry.triples += 1
            entry.is_needed = True

    def described(self, node: Any) -> None:
        """Count all that is said of a thing."""
        self._around(node, None, "data")

    def searched(self, node: Any) -> None:
        """Count what the index reads of a thing that it found."""
        self._around(node, self._searched, "search")

    def _around(self, node: Any, wanted: frozenset[str] | None, by: str) -> None:
        """Count the triples of a node, and of its geometries, with the ``wanted`` properties or classes."""
        if not isinstance(node, Subject) or (node, by) in self._nodes:
            return
        self._nodes.add((node, by))
        stating: dict[ox.Triple, list[str]] = {}
        for quad in self.known.store.quads_for_pattern(node, None, None, None):
            if isinstance(quad.graph_name, ox.NamedNode) and _is_wanted(quad, wanted):
                stating.setdefault(quad.triple, []).append(quad.graph_name.value)
        for triple, graphs in stating.items():
            if self.visible(graphs):
                self.count(triple, by, stating=graphs)
                if wanted is not None and triple.predicate == GEO.hasGeometry:
                    self._around(triple.object, wanted, by)

    def consult(self, s: Term | None, p: Term | None, o: Term | None) -> None:
        """Note every graph that holds a triple of a pattern, or what such a triple is derived from."""
        for graph in self.visible(self.known.candidates(s, p, o)):
            name = self.known.derived.get(graph)
            if name is None:
                self._entry(graph, "consulted")
            else:
                self._premises(name, p, o, "consulted")

    def passed(self, p: Term | None) -> None:
        """Note every graph by whose triples with a property a path may have passed."""
        for graph in self.visible(self.known.candidates(None, p, None)):
            name = self.known.derived.get(graph)
            if name is None:
                self.possible((graph,), "data")
            else:
                self._premises(name, p, None, BY[name])

    def within(self, p: Term | None, o: Term | None) -> None:
        """Note what a pattern over derived graphs, which the query names, may be derived from."""
        for graph, name in self.known.derived.items():
            if graph in self.found:
                self._premises(name, p, o, BY[name])

    def premises(self, graph: str, p: Term | None, o: Term | None) -> None:
        """Note every graph that may hold what the triples of a derived graph that fit a pattern follow from."""
        name = self.known.derived[graph]
        self._premises(name, p, o, BY[name])

    def _premises(self, name: str, p: Term | None, o: Term | None, by: str) -> None:
        """Note every graph that may hold what triples of a derived graph follow from."""
        for predicate, object in dict.fromkeys(self._premise_patterns(name, p, o)):
            self.possible(self.visible(self.known.candidates(None, predicate, object)), by)

    def _premise_patterns(self, name: str, p: Term | None, o: Term | None) -> Iterator[tuple[Term | None, Term | None]]:
        if name == INFERRED:
            yield from self.known.premises.patterns(p, o)
            return
        wanted = self._read_by(p) if name == LINKS else frozenset({GEO.hasGeometry.value, GEO.asWKT.value})
        for text in sorted(wanted):
            yield ox.NamedNode(text), None
            yield RDF.type, ox.NamedNode(text)

    def _read_by(self, p: Any) -> frozenset[str]:
        """Give what the rules read that make links with a property."""
        rules = self.known.link_rules(p.value if isinstance(p, ox.NamedNode) else "")
        return frozenset().union(*(self._reads.get(rule, frozenset()) for rule in rules))

    def follow(self) -> None:
        """Follow what was derived to what it was derived from."""
        while self._derived:
            graph, triples = self._derived.popitem()
            self._is_exact = False
            match self.known.derived.get(graph):
                case "inferred":
                    self._follow_inferred(triples)
                case "links":
                    self._follow_links(triples)
                case "space":
                    self._read(
                        {t.subject for t in triples if t.predicate == SG.inCell},
                        frozenset({GEO.hasGeometry.value, GEO.asWKT.value}),
                        "place",
                    )

    def _follow_inferred(self, triples: set[ox.Triple]) -> None:
        ordered = sorted(triples, key=str) if len(triples) > _EXPLAINED else list(triples)
        for triple in ordered[:_EXPLAINED]:
            premises = self.known.premises.of(triple)
            for premise in premises:
                self.count(premise, "inference")
            if not premises:  # values of owl:hasValue are not explained: all that is said of the thing counts
                self._around(triple.subject, None, "inference")
        kinds = {(t.predicate, t.object if t.predicate == RDF.type else None) for t in ordered[_EXPLAINED:]}
        for p, o in kinds:
            self._premises(INFERRED, p, o, "inference")

    def _follow_links(self, triples: set[ox.Triple]) -> None:
        """Count what is said, in the properties that their rules read, of both ends of links."""
        ends: dict[frozenset[str], set[Any]] = {}
        rules: dict[Any, frozenset[str]] = {}
        links = self.known.names.id("link/").value
        for triple in triples:
            found: Iterable[Any] = (triple.subject, triple.object)
            if getattr(triple.subject, "value", "").startswith(links):
                found = self._ends(triple.subject)
            predicate = RDF.predicate if triple.predicate in (RDF.subject, RDF.object) else triple.predicate
            if predicate not in rules:
                rules[predicate] = self._read_by(predicate)
            ends.setdefault(rules[predicate], set()).update(found)
        for wanted, nodes in ends.items():
            self._read(nodes, wanted, "link")

    def _ends(self, link: Any) -> Iterator[Any]:
        for quad in self.known.store.quads_for_pattern(link, None, None, self.known.names.graph(LINKS)):
            if quad.predicate in (RDF.subject, RDF.object):
                yield quad.object

    def _read(self, nodes: set[Any], wanted: frozenset[str], by: str) -> None:
        """Count what is said of nodes in the ``wanted`` properties: each triple of a few, only the graphs of many."""
        named = {node for node in nodes if isinstance(node, Subject)}
        if len(named) <= _APART:
            for node in named:
                self._around(node, wanted, by)
            return
        self.is_counted = False
        for text in sorted(wanted):
            for p, o in ((ox.NamedNode(text), None), (RDF.type, ox.NamedNode(text))):
                for graph in self.visible(self.known.candidates(None, p, o)):
                    if graph in self.known.derived:
                        self._premises(self.known.derived[graph], p, o, by)
                        continue
                    is_said = not self._is_read(graph, by) and self._states(graph, named, p, o, by)
                    if is_said and p == GEO.hasGeometry and GEO.asWKT.value in wanted:
                        self.possible(self.visible(self.known.outlines(graph)), by)

    def _is_read(self, graph: str, by: str) -> bool:
        entry = self.found.get(graph)
        return entry is not None and by in entry.by and entry.is_needed

    def _states(self, graph: str, nodes: set[Any], p: ox.NamedNode, o: Term | None, by: str) -> bool:
        """Tell whether a graph says something of some nodes, and count what it says of the first."""
        name, store = ox.NamedNode(graph), self.known.store
        there: Iterable[Any] = nodes
        if self.known.count(p, o, graph, 1 << len(nodes).bit_length()) < len(nodes):
            there = (node for node in self.known.subjects(p, o, graph) if node in nodes)
        found = (q.triple for node in there for q in store.quads_for_pattern(node, p, o, name))
        is_found = False
        for triple in islice(found, _TRIES):
            is_found = True
            self.count(triple, by)
            self._entry(graph, by)
            if self._is_read(graph, by):
                break
        return is_found


def _is_wanted(quad: ox.Quad, wanted: frozenset[str] | None) -> bool:
    if wanted is None or quad.predicate.value in wanted:
        return True
    return quad.predicate == RDF.type and getattr(quad.object, "value", "") in wanted
