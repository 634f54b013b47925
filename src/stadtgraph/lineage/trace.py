"""Ask a store for the witnesses of a query, and find the graphs that state them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

import pyoxigraph as ox

from stadtgraph.lineage.triples import Closure, Simple
from stadtgraph.lineage.witness import DESCRIBED, GRAPH, MARKS, PATH, Witness, witness
from stadtgraph.sparql.outline import Form, outline
from stadtgraph.store import Dataset, OxigraphEngine
from stadtgraph.terms import GEO, INFERRED, LINKS, PREFIXES, RDF, SG, SPACE, Term, render

MOST: Final = 20_000
"""Witnesses looked at; of a larger answer this many."""
_MOST_STEPS: Final = 50_000
Explain = Callable[[ox.Triple], Iterable[ox.Triple]]


@dataclass(slots=True)
class Contribution:
    """What one graph contributes: how many witnesses it states, and whether any that no other graph states.

    ``by`` tells how they were used: ``data``, ``inference``, ``link``, ``place`` or ``consulted``.
    """

    graph: str
    triples: int = 0
    is_needed: bool = False
    by: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Lineage:
    """The graphs behind an answer. ``is_complete`` is false where the answer had more witnesses than were looked at;
    ``is_exact`` where only what solutions matched is reported."""

    graphs: tuple[Contribution, ...]
    is_complete: bool
    is_exact: bool


def trace(
    engine: OxigraphEngine,
    text: str,
    dataset: Dataset | None = None,
    *,
    explain: Explain = lambda _triple: (),
    reads: Mapping[str, frozenset[str]] | None = None,
    solution: Mapping[str, Term] | None = None,
    prefixes: Mapping[str, str] = PREFIXES,
) -> Lineage:
    """Give the graphs behind the answer to ``text`` over ``dataset``, or behind one ``solution`` of it.

    ``explain`` gives the asserted triples that an inferred one follows from, ``reads`` the properties that each link
    rule reads. Raises :class:`Unreadable` for queries that cannot be followed (SERVICE, triple terms).
    """
    read = outline(text, engine.names.base, prefixes)
    made = witness(text, described=read.form is Form.DESCRIBE)
    asked = made.text if not solution else _bound(made.text, solution)
    result = engine.query(asked, dataset, prefixes=prefixes)
    assert isinstance(result, ox.QueryTriples)
    tracer = _Tracer(engine, dataset, explain, reads or {}, {**prefixes, **read.prefixes}, read.base)
    found = list(islice(result, MOST + 1))
    for triple in found[:MOST]:
        tracer.witness(triple, made)
    for pattern in made.consulted:
        tracer.consult(pattern)
    graphs = sorted(tracer.found.values(), key=lambda c: (not c.is_needed, -c.triples, c.graph))
    return Lineage(tuple(graphs), len(found) <= MOST, made.is_exact)


def _bound(text: str, solution: Mapping[str, Term]) -> str:
    """Join one solution to the WHERE group of a witness query; blank nodes say nothing there."""
    names = [name for name, term in solution.items() if not isinstance(term, ox.BlankNode | ox.Triple)]
    row = " ".join(render(solution[name]) for name in names)
    head, where, body = text.partition("} WHERE {")
    return f"{head}{where} VALUES ({' '.join('?' + n for n in names)}) {{ ({row}) }} {body}"


class _Tracer:
    def __init__(
        self,
        engine: OxigraphEngine,
        dataset: Dataset | None,
        explain: Explain,
        reads: Mapping[str, frozenset[str]],
        prefixes: Mapping[str, str],
        base: str | None,
    ) -> None:
        self._engine, self._explain, self._reads, self._prefixes = engine, explain, reads, prefixes
        self._prologue = f"BASE <{base or engine.names.base}>\n"
        self._store, self._names = engine.store, engine.names
        dataset = dataset or Dataset()
        graphs = engine.graphs()
        self._default = {g.value for g in (graphs if dataset.default is None else dataset.default)}
        self._derived = {self._names.graph(n).value: n for n in (INFERRED, LINKS, SPACE)}
        self._known: dict[ox.Triple, tuple[str, ...]] = {}
        self.found: dict[str, Contribution] = {}

    def witness(self, triple: ox.Triple, made: Witness) -> None:
        """Count one statement of the witnesses."""
        predicate = triple.predicate.value
        if not predicate.startswith(MARKS):
            self._count(triple, "data")
        elif predicate == GRAPH and isinstance(triple.object, ox.NamedNode):
            self._note((triple.object.value,), "data")
        elif predicate == DESCRIBED and isinstance(triple.object, ox.NamedNode):
            for quad in self._store.quads_for_pattern(triple.object, None, None, ox.DefaultGraph()):
                self._count(quad.triple, "data")
        elif predicate.startswith(PATH):
            closure = made.closures[int(predicate.removeprefix(PATH))]
            for step in self._walked(closure, triple.subject, triple.object):
                self._count(step, "data")

    def _note(self, graphs: tuple[str, ...], by: str) -> None:
        for graph in graphs:
            entry = self.found.setdefault(graph, Contribution(graph))
            entry.triples += 1
            entry.by.add(by)
            entry.is_needed = entry.is_needed or len(graphs) == 1

    def _count(self, triple: ox.Triple, by: str) -> None:
        """Count a triple for the graphs that state it; follow what was derived to where it came from."""
        if triple in self._known:
            return
        graphs = self._known[triple] = tuple(self._stating(triple))
        stated = tuple(g for g in graphs if g not in self._derived)
        if stated:
            self._note(stated, by)
            return
        for graph in graphs:
            self._follow(triple, self._derived[graph])

    def _stating(self, triple: ox.Triple) -> Iterator[str]:
        for quad in self._store.quads_for_pattern(triple.subject, triple.predicate, triple.object, None):
            if isinstance(quad.graph_name, ox.NamedNode) and quad.graph_name.value in self._default:
                yield quad.graph_name.value

    def _follow(self, triple: ox.Triple, derived: str) -> None:
        if derived == INFERRED:
            for premise in self._explain(triple):
                self._count(premise, "inference")
        elif derived == SPACE:
            for geometry in self._around(triple.subject, {GEO.hasGeometry.value}):
                self._count(geometry, "place")
                for outline in self._around(geometry.object, {GEO.asWKT.value}):
                    self._count(outline, "place")
        else:
            for premise in self._linked(triple):
                self._count(premise, "link")

    def _linked(self, triple: ox.Triple) -> Iterator[ox.Triple]:
        """Give what is said, in the properties that the rule reads, of both ends of the links that make a triple."""
        for node in self._links(triple):
            values = {q.predicate: q.object for q in self._pattern(node, None, None)}
            rule, ends = values.get(SG.rule), (values.get(RDF.subject), values.get(RDF.object))
            for end in ends:
                if isinstance(rule, ox.NamedNode) and isinstance(end, ox.NamedNode):
                    yield from self._around(end, self._reads.get(rule.value, frozenset()))

    def _links(self, triple: ox.Triple) -> set[Any]:
        if list(self._pattern(triple.subject, RDF.type, SG.Link)):
            return {triple.subject}
        there = {q.subject for q in self._pattern(None, RDF.subject, triple.subject)}
        there &= {q.subject for q in self._pattern(None, RDF.object, triple.object)}
        back = {q.subject for q in self._pattern(None, RDF.subject, triple.object)}
        back &= {q.subject for q in self._pattern(None, RDF.object, triple.subject)}
        return there | back

    def _around(self, node: Any, predicates: Iterable[str]) -> Iterator[ox.Triple]:
        """Give the triples of a node, and of its geometries, with some predicates."""
        if not isinstance(node, ox.NamedNode | ox.BlankNode):
            return
        wanted = set(predicates)
        for quad in self._pattern(node, None, None):
            is_type = quad.predicate == RDF.type and getattr(quad.object, "value", "") in wanted
            if quad.predicate.value in wanted or is_type:
                yield quad.triple
                if quad.predicate == GEO.hasGeometry:
                    yield from self._around(quad.object, wanted)

    def _pattern(self, s: Any, p: ox.NamedNode | None, o: Any) -> Iterator[ox.Quad]:
        yield from self._store.quads_for_pattern(s, p, o, ox.DefaultGraph())

    def _walked(self, closure: Closure, start: Any, end: Any) -> Iterator[ox.Triple]:
        """Give every step that lies on some way from ``start`` to ``end``."""
        if closure.steps is None:
            self.consult(Simple("?s", "?p", "?o"))
            return
        steps = [(self._property(text), back) for text, back in closure.steps]
        ahead = self._reached(start, steps, forwards=True)
        behind = self._reached(end, steps, forwards=False)
        for node in ahead:
            for triple, other in self._steps_from(node, steps, forwards=True):
                if other in behind:
                    yield triple

    def _property(self, text: str) -> ox.NamedNode:
        declared = "".join(f"PREFIX {k}: <{v}>\n" for k, v in self._prefixes.items())
        (quad,) = ox.parse(f"{self._prologue}{declared}<a:a> {text} <a:a> .", ox.RdfFormat.TURTLE)
        predicate = quad.predicate
        assert isinstance(predicate, ox.NamedNode)
        return predicate

    def _reached(self, start: Any, steps: list[tuple[ox.NamedNode, bool]], *, forwards: bool) -> set[Any]:
        found, waiting = {start}, [start]
        while waiting and len(found) < _MOST_STEPS:
            for _, other in self._steps_from(waiting.pop(), steps, forwards=forwards):
                if other not in found:
                    found.add(other)
                    waiting.append(other)
        return found

    def _steps_from(
        self, node: Any, steps: list[tuple[ox.NamedNode, bool]], *, forwards: bool
    ) -> Iterator[tuple[ox.Triple, Any]]:
        for predicate, back in steps:
            if forwards != back:
                if isinstance(node, ox.NamedNode | ox.BlankNode):
                    yield from ((q.triple, q.object) for q in self._pattern(node, predicate, None))
            else:
                yield from ((q.triple, q.subject) for q in self._pattern(None, predicate, node))

    def consult(self, pattern: Simple) -> None:
        """Count every graph that holds a triple of a pattern."""
        for graph in sorted(self._default - set(self._derived)):
            query = f"{self._prologue}ASK {{ {pattern} }}"
            if self._engine.query(query, Dataset((ox.NamedNode(graph),), ()), prefixes=self._prefixes):
                entry = self.found.setdefault(graph, Contribution(graph))
                entry.by.add("consulted")
