"""The axioms of an ontology: closed by owlrl, read into a value, stripped of what nobody asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import pyoxigraph as ox

from stadtgraph.reason.closing import closed
from stadtgraph.reason.facts import Node, Subject
from stadtgraph.terms import OWL, RDF, RDFS, XSD, Term

Many = dict[ox.NamedNode, frozenset[ox.NamedNode]]

TYPE: Final = RDF.type
SUB_CLASS, SUB_PROPERTY = RDFS.subClassOf, RDFS.subPropertyOf
EQUIVALENT_CLASS, EQUIVALENT_PROPERTY = OWL.equivalentClass, OWL.equivalentProperty
DOMAIN, RANGE, INVERSE = RDFS.domain, RDFS.range, OWL.inverseOf
SYMMETRIC, TRANSITIVE = OWL.SymmetricProperty, OWL.TransitiveProperty

HIERARCHY: Final = frozenset({SUB_CLASS, SUB_PROPERTY, EQUIVALENT_CLASS, EQUIVALENT_PROPERTY})
"""Predicates whose closed triples are themselves derived (rdfs5, rdfs11, scm-eqc, scm-eqp)."""

STRUCTURE: Final = frozenset(
    {OWL.onProperty, OWL.hasValue, OWL.intersectionOf, OWL.unionOf, OWL.someValuesFrom, OWL.allValuesFrom,
     RDF.first, RDF.rest}
)  # fmt: skip
PREDICATES: Final = HIERARCHY | STRUCTURE | {DOMAIN, RANGE, INVERSE}
KINDS: Final = frozenset({SYMMETRIC, TRANSITIVE, RDFS.Datatype})

NOT_DERIVED: Final = {
    "every resource is an owl:Thing and an rdfs:Resource": "true of everything, says nothing",
    "owl:Nothing is a subclass of everything": "true of everything, says nothing",
    "every class and property is a subclass, subproperty or equivalent of itself": "reflexive",
    "every term is owl:sameAs itself, and other conclusions on identity": "identity is the links' business",
    "types that are blank nodes": "anonymous classes have no name to ask for",
    "types that are datatypes, types of literals": "a literal is no subject",
    "terms of RDF, RDFS, OWL and XSD as subjects, and axioms on rdf:type and rdfs:subClassOf": "axiomatic",
    "domains and ranges of superclasses and subproperties": "their effect on data is derived",
    "rules with two data premises other than transitivity": "property chains, keys, functional properties, "
    "intersections, someValuesFrom, allValuesFrom: not in the rule set",
}
"""What a full OWL 2 RL reasoner would add and these rules leave out, each with the reason."""

_LANGUAGE: Final = tuple(str(namespace) for namespace in (RDF, RDFS, OWL, XSD))


@dataclass(frozen=True, slots=True)
class Axioms:
    """The closed axioms. Hierarchies hold all proper ancestors; inverses hold both directions."""

    super_classes: Many
    super_properties: Many
    domains: Many
    ranges: Many
    inverses: Many
    symmetric: frozenset[ox.NamedNode]
    transitive: frozenset[ox.NamedNode]
    forces: tuple[tuple[ox.NamedNode, ox.NamedNode, Term], ...]
    """(class, property, value): every member of the class has that value (cls-hv1)."""
    recognises: tuple[tuple[ox.NamedNode, Term, ox.NamedNode], ...]
    """(property, value, class): whatever has that value is a member of the class (cls-hv2)."""
    derived: frozenset[ox.Triple]
    """The triples of the class and property hierarchies that the ontology does not state itself."""
    stated: frozenset[ox.Triple] = frozenset()
    """The axioms as the ontology states them."""


def is_axiom(triple: ox.Triple) -> bool:
    """Tell whether ``triple`` can change the rules, so that a change of it asks for compiling them again."""
    if triple.predicate == TYPE:
        return triple.object in KINDS
    return triple.predicate in PREDICATES


def read_axioms(schema: Iterable[ox.Triple]) -> Axioms:
    """Close the axioms among ``schema`` and give them as a value."""
    stated = {triple for triple in schema if is_axiom(triple)}
    known = closed(triple for triple in stated if _is_hierarchy(triple))
    types = frozenset(t.subject for t in stated if t.predicate == TYPE and t.object == RDFS.Datatype)
    classes = _pairs(known, SUB_CLASS)
    proper = [t for t in known if t.predicate in HIERARCHY and _is_proper(t)]
    return Axioms(
        super_classes=_grouped((t for t in proper if t.predicate == SUB_CLASS), types),
        super_properties=_grouped(t for t in proper if t.predicate == SUB_PROPERTY),
        domains=_grouped((t for t in stated if t.predicate == DOMAIN), types),
        ranges=_grouped((t for t in stated if t.predicate == RANGE), types),
        inverses=_both_ways(t for t in stated if t.predicate == INVERSE),
        symmetric=_members(stated, SYMMETRIC),
        transitive=_members(stated, TRANSITIVE),
        forces=tuple(_forced(stated, classes)),
        recognises=tuple(_recognised(stated, classes)),
        derived=frozenset(t for t in proper if t not in stated),
        stated=frozenset(stated),
    )


def _is_hierarchy(triple: ox.Triple) -> bool:
    return triple.predicate in HIERARCHY or triple.predicate in STRUCTURE


def is_usable(term: Term) -> bool:
    """Tell whether ``term`` is a name outside the languages of RDF and OWL, or an annotation."""
    return isinstance(term, ox.NamedNode) and (not term.value.startswith(_LANGUAGE) or term in _ANNOTATIONS)


_ANNOTATIONS: Final = frozenset(
    {RDFS.label, RDFS.comment, RDFS.seeAlso, RDFS.isDefinedBy, RDFS.member, RDF.value, OWL.versionInfo}
)


def _is_proper(triple: ox.Triple) -> bool:
    return triple.subject != triple.object and is_usable(triple.subject) and is_usable(triple.object)


def _grouped(triples: Iterable[ox.Triple], without: frozenset[Subject] = frozenset()) -> Many:
    groups: dict[ox.NamedNode, set[ox.NamedNode]] = {}
    for triple in triples:
        s, o = triple.subject, triple.object
        if (
            isinstance(s, ox.NamedNode)
            and isinstance(o, ox.NamedNode)
            and is_usable(s)
            and is_usable(o)
            and o not in without
        ):
            groups.setdefault(s, set()).add(o)
    return {key: frozenset(values) for key, values in groups.items()}


def _both_ways(triples: Iterable[ox.Triple]) -> Many:
    there = list(triples)
    back = [ox.Triple(t.object, t.predicate, t.subject) for t in there if isinstance(t.object, ox.NamedNode)]
    return _grouped([*there, *back])


def _members(stated: set[ox.Triple], kind: ox.NamedNode) -> frozenset[ox.NamedNode]:
    members = (t.subject for t in stated if t.predicate == TYPE and t.object == kind)
    return frozenset(m for m in members if isinstance(m, ox.NamedNode) and is_usable(m))


def _pairs(triples: Iterable[ox.Triple], predicate: ox.NamedNode) -> set[tuple[Term, Term]]:
    return {(t.subject, t.object) for t in triples if t.predicate == predicate}


def _values(stated: set[ox.Triple]) -> Iterator[tuple[Node, ox.NamedNode, Term]]:
    on = {t.subject: t.object for t in stated if t.predicate == OWL.onProperty}
    for triple in stated:
        if triple.predicate == OWL.hasValue:
            where = on.get(triple.subject)
            if isinstance(where, ox.NamedNode) and isinstance(triple.subject, Node):
                yield triple.subject, where, triple.object


def _forced(
    stated: set[ox.Triple], classes: set[tuple[Term, Term]]
) -> Iterator[tuple[ox.NamedNode, ox.NamedNode, Term]]:
    for restriction, where, value in _values(stated):
        below = {sub for sub, top in classes if top == restriction} | {restriction}
        for name in below:
            if isinstance(name, ox.NamedNode) and is_usable(name):
                yield name, where, value


def _recognised(
    stated: set[ox.Triple], classes: set[tuple[Term, Term]]
) -> Iterator[tuple[ox.NamedNode, Term, ox.NamedNode]]:
    for restriction, where, value in _values(stated):
        above = {top for sub, top in classes if sub == restriction} | {restriction}
        for name in above:
            if isinstance(name, ox.NamedNode) and is_usable(name):
                yield where, value, name
