"""Which asserted triples and axioms an inferred triple follows from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyoxigraph as ox

from stadtgraph.reason.axioms import (
    DOMAIN,
    INVERSE,
    RANGE,
    SUB_CLASS,
    SUB_PROPERTY,
    SYMMETRIC,
    TRANSITIVE,
    TYPE,
    Axioms,
)
from stadtgraph.reason.facts import Facts, Node, Subject, holds
from stadtgraph.terms import Term

if TYPE_CHECKING:
    from stadtgraph.reason.rules import Rules, Way


@dataclass(frozen=True, slots=True)
class Premise:
    """One step of a derivation: the rule by its name in the standards, and the triples it reads.

    The rule ``asserted`` stands for triples of the data; all others hold axioms.
    """

    rule: str
    triples: tuple[ox.Triple, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """How a triple ``s p o`` can be read: as ``s predicate o``, or, flipped, as ``o predicate s``."""

    predicate: ox.NamedNode
    flipped: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One reading of a triple from another by one axiom."""

    before: Reading
    after: Reading
    premise: Premise


def reach(start: ox.NamedNode, axioms: Axioms, literal: bool = False) -> dict[Reading, Step | None]:
    """Give all readings of a triple with the predicate ``start``, each with the step that led to it.

    A triple whose object is a ``literal`` is never read backwards, not even in between.
    """
    reached: dict[Reading, Step | None] = {Reading(start, False): None}
    agenda = list(reached)
    while agenda:
        for step in _steps(agenda.pop(), axioms):
            if step.after not in reached and not (literal and step.after.flipped):
                reached[step.after] = step
                agenda.append(step.after)
    return reached


def _steps(here: Reading, axioms: Axioms) -> Iterator[Step]:
    p = here.predicate
    for q in _sorted(axioms.super_properties.get(p, ())):
        yield Step(here, Reading(q, here.flipped), Premise("rdfs7", (ox.Triple(p, SUB_PROPERTY, q),)))
    for q in _sorted(axioms.inverses.get(p, ())):
        yield Step(here, Reading(q, not here.flipped), Premise("prp-inv", (ox.Triple(p, INVERSE, q),)))
    if p in axioms.symmetric:
        yield Step(here, Reading(p, not here.flipped), Premise("prp-symp", (ox.Triple(p, TYPE, SYMMETRIC),)))


def _sorted(names: Iterable[ox.NamedNode]) -> list[ox.NamedNode]:
    return sorted(names, key=lambda name: name.value)


def support(rules: Rules, facts: Facts, s: Subject, q: ox.NamedNode, o: Term) -> Iterator[tuple[Way, ox.Triple]]:
    """Give the asserted triples from each of which alone ``s q o`` follows, with the way they are read."""
    for way in rules.ways.get(q, ()):
        found: Iterable[ox.Triple] = ()
        if not way.flipped:
            found = facts.match(s, way.predicate, o) if way.takes(o) else ()
        elif isinstance(o, Node):
            found = facts.match(o, way.predicate, s)
        for triple in found:
            yield way, triple


def base_edges(rules: Rules, facts: Facts, s: Subject, q: ox.NamedNode) -> Iterator[Term]:
    """Give every ``o`` such that ``s q o`` is asserted or follows from one asserted triple."""
    for triple in facts.match(s, q, None):
        yield triple.object
    for way in rules.ways.get(q, ()):
        for triple in _around(facts, s, way):
            yield triple.subject if way.flipped else triple.object


def _around(facts: Facts, node: Subject, way: Way) -> Iterator[ox.Triple]:
    if way.flipped:
        yield from facts.match(None, way.predicate, node)
    else:
        yield from (triple for triple in facts.match(node, way.predicate, None) if way.takes(triple.object))


def typing(rules: Rules, facts: Facts, node: Subject, name: ox.NamedNode) -> Iterator[tuple[Way, ox.Triple]]:
    """Give the asserted triples whose predicate types ``node`` with the class ``name``."""
    for way in rules.givers.get(name, ()):
        for triple in _around(facts, node, way):
            yield way, triple


def explain(rules: Rules, triple: ox.Triple, facts: Facts) -> list[Premise]:
    """Give one derivation of ``triple``; empty where it does not follow."""
    s, p, o = triple.subject, triple.predicate, triple.object
    if holds(facts, s, p, o):
        return [Premise("asserted", (triple,))]
    if triple in rules.axioms.derived:
        return [Premise("rdfs5" if p == SUB_PROPERTY else "rdfs11" if p == SUB_CLASS else "scm-eq", ())]
    if p == TYPE:
        return _explain_type(rules, facts, s, o) if isinstance(o, ox.NamedNode) else []
    return _explain_property(rules, facts, triple)


def _explain_type(rules: Rules, facts: Facts, s: Subject, name: ox.NamedNode) -> list[Premise]:
    for stated in facts.match(s, TYPE, None):
        if isinstance(stated.object, ox.NamedNode) and name in rules.supers(stated.object):
            above = Premise("rdfs9", (ox.Triple(stated.object, SUB_CLASS, name),))
            return [Premise("asserted", (stated,)), above]
    for way, triple in typing(rules, facts, s, name):
        return [Premise("asserted", (triple,)), *_typed(rules, triple, way.flipped, name)]
    return []


def _typed(rules: Rules, triple: ox.Triple, flipped: bool, name: ox.NamedNode) -> Iterator[Premise]:
    """Give the axioms by which ``triple`` types its subject (or, flipped, its object) with ``name``."""
    reached = reach(triple.predicate, rules.axioms, not isinstance(triple.object, Node))
    for reading in reached:
        front = reading.flipped == flipped
        table, axiom = (rules.axioms.domains, DOMAIN) if front else (rules.axioms.ranges, RANGE)
        for given in _sorted(table.get(reading.predicate, ())):
            if given == name or name in rules.supers(given):
                yield from _chain(reached, reading)
                yield Premise("rdfs2" if front else "rdfs3", (ox.Triple(reading.predicate, axiom, given),))
                if given != name:
                    yield Premise("rdfs9", (ox.Triple(given, SUB_CLASS, name),))
                return


def _chain(reached: dict[Reading, Step | None], end: Reading) -> list[Premise]:
    chain: list[Premise] = []
    step = reached[end]
    while step is not None:
        chain.append(step.premise)
        step = reached[step.before]
    return chain[::-1]


def _read_as(rules: Rules, way: Way, goal: ox.Triple) -> list[Premise]:
    reached = reach(way.predicate, rules.axioms, not isinstance(goal.object, Node))
    return _chain(reached, Reading(goal.predicate, way.flipped))


def _explain_property(rules: Rules, facts: Facts, goal: ox.Triple) -> list[Premise]:
    s, q, o = goal.subject, goal.predicate, goal.object
    for way, triple in support(rules, facts, s, q, o):
        return [Premise("asserted", (triple,)), *_read_as(rules, way, goal)]
    if q in rules.axioms.transitive:
        return _linked(rules, facts, s, q, o)
    for way in rules.ways.get(q, ()):
        if way.predicate in rules.axioms.transitive and way.takes(o):
            start, end = (o, s) if way.flipped else (s, o)
            chain = _linked(rules, facts, start, way.predicate, end) if isinstance(start, Node) else []
            if chain:
                return [*chain, *_read_as(rules, way, goal)]
    return []


def _linked(rules: Rules, facts: Facts, s: Subject, q: ox.NamedNode, o: Term) -> list[Premise]:
    """Explain ``s q o`` by a shortest chain of links; empty where there is none."""
    proofs = [premise for link in _path(rules, facts, s, q, o) for premise in explain(rules, link, facts)]
    return [*proofs, Premise("prp-trp", (ox.Triple(q, TYPE, TRANSITIVE),))] if proofs else []


def _path(rules: Rules, facts: Facts, s: Subject, q: ox.NamedNode, o: Term) -> list[ox.Triple]:
    came: dict[Term, ox.Triple] = {}
    level: list[Subject] = [s]
    while level and o not in came:
        following: list[Subject] = []
        for here in level:
            for there in base_edges(rules, facts, here, q):
                if there not in came:
                    came[there] = ox.Triple(here, q, there)
                    if isinstance(there, Node):
                        following.append(there)
        level = following
    chain: list[ox.Triple] = []
    end = o
    while end in came:
        chain.append(came[end])
        end = came[end].subject
        if end == s:
            break
    return chain[::-1]
