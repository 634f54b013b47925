"""The axioms that data can contradict, read from an ontology: the rules of OWL 2 RL whose conclusion is ``false``.

What data contradict is found in their closure, so an axiom need not be carried down to subclasses and subproperties.
Source: https://www.w3.org/TR/owl2-profiles/#Reasoning_in_OWL_2_RL_and_RDF_Graphs_using_Rules
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from typing import Final

import pyoxigraph as ox

from stadtgraph.reason.axioms import EQUIVALENT_CLASS, SUB_CLASS, TYPE
from stadtgraph.reason.facts import TripleIndex
from stadtgraph.terms import OWL, RDF, Term


class Clash(StrEnum):
    """What kind of contradiction it is."""

    DISJOINT = "disjoint"
    NOTHING = "nothing"
    DISJOINT_PROPERTIES = "disjoint-properties"
    ASYMMETRIC = "asymmetric"
    IRREFLEXIVE = "irreflexive"
    FUNCTIONAL = "functional"
    INVERSE_FUNCTIONAL = "inverse-functional"
    NEVER = "never"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class Contradiction:
    """An axiom that data can contradict: its kind, the classes and properties it is about, and the rule's names."""

    kind: Clash
    terms: tuple[ox.NamedNode, ...]
    rule: str

    def __str__(self) -> str:
        return " ".join((self.kind, *(term.value for term in self.terms)))


NOT_LOOKED_FOR: Final = {
    "eq-diff2, eq-diff3": "owl:AllDifferent in the data: state owl:differentFrom instead",
    "prp-npa1, prp-npa2": "negative assertions in the data: nobody states them",
    "cls-maxqc1, cls-maxqc2": "qualified cardinalities are not read",
    "dt-not-type": "literals that are none of their datatype are found at the door and by shapes",
    "consequences of owl:sameAs": "identity is the links' business; what is stated to be the same is not merged",
}
"""What a full OWL 2 RL reasoner would find beside these, each with the reason."""

_OF_PROPERTY: Final = {
    OWL.AsymmetricProperty: (Clash.ASYMMETRIC, "prp-asyp"),
    OWL.IrreflexiveProperty: (Clash.IRREFLEXIVE, "prp-irp"),
    OWL.FunctionalProperty: (Clash.FUNCTIONAL, "prp-fp, eq-diff1, dt-diff"),
    OWL.InverseFunctionalProperty: (Clash.INVERSE_FUNCTIONAL, "prp-ifp, eq-diff1"),
}
_NONE: Final = frozenset({"0"})


def contradictions(schema: Iterable[ox.Triple]) -> tuple[Contradiction, ...]:
    """Give the axioms among ``schema`` that data can contradict, each once, in a fixed order.

    Of two classes the one named first is looked at in the data, so an axiom names the smaller class first.
    """
    axioms = TripleIndex(schema)
    found: dict[tuple[Clash, frozenset[ox.NamedNode]], Contradiction] = {}
    for one in _read(axioms):
        found.setdefault((one.kind, frozenset(one.terms)), one)
    return tuple(sorted(found.values(), key=str))


def _read(axioms: TripleIndex) -> Iterator[Contradiction]:
    yield Contradiction(Clash.DIFFERENT, (OWL.differentFrom,), "eq-diff1")
    yield Contradiction(Clash.NOTHING, (OWL.Nothing,), "cls-nothing2")
    for name in _below(axioms, OWL.Nothing):
        for terms in _named((name,)):
            yield Contradiction(Clash.NOTHING, terms, "cls-nothing2")
    for pair, rule in _disjoint(axioms):
        kind = Clash.NOTHING if pair[0] == pair[1] else Clash.DISJOINT
        for terms in _named(pair[:1] if kind is Clash.NOTHING else pair):
            yield Contradiction(kind, terms, rule)
    for pair, rule in _apart(axioms, OWL.propertyDisjointWith, "prp-pdw", OWL.AllDisjointProperties, "prp-adp"):
        for terms in _named(pair):
            yield Contradiction(Clash.DISJOINT_PROPERTIES, terms, rule)
    for made, (kind, rule) in _OF_PROPERTY.items():
        for triple in axioms.match(None, TYPE, made):
            for terms in _named((triple.subject,)):
                yield Contradiction(kind, terms, rule)
    for name, p in _never(axioms):
        for terms in _named((name, p)):
            yield Contradiction(Clash.NEVER, terms, "cls-maxc1")


def _named(terms: tuple[Term, ...]) -> Iterator[tuple[ox.NamedNode, ...]]:
    """Give the terms where all of them have names."""
    names = tuple(term for term in terms if isinstance(term, ox.NamedNode))
    if len(names) == len(terms):
        yield names


def _below(axioms: TripleIndex, top: Term) -> list[Term]:
    """Give the classes that are stated to be below or equal to another."""
    below = [t.subject for p in (SUB_CLASS, EQUIVALENT_CLASS) for t in axioms.match(None, p, top)]
    return [name for name in below if name != top]


def _disjoint(axioms: TripleIndex) -> Iterator[tuple[tuple[Term, Term], str]]:
    yield from _apart(axioms, OWL.disjointWith, "cax-dw", OWL.AllDisjointClasses, "cax-adc")
    for triple in axioms.match(None, OWL.complementOf, None):
        yield (triple.subject, triple.object), "cls-com"
    for triple in axioms.match(None, OWL.disjointUnionOf, None):
        for one, other in combinations(_members(axioms, triple.object), 2):
            yield (one, other), "cax-adc"


def _apart(
    axioms: TripleIndex, pair: ox.NamedNode, of_pair: str, several: ox.NamedNode, of_several: str
) -> Iterator[tuple[tuple[Term, Term], str]]:
    for triple in axioms.match(None, pair, None):
        yield (triple.subject, triple.object), of_pair
    for stated in axioms.match(None, TYPE, several):
        for listed in axioms.match(stated.subject, OWL.members, None):
            for one, other in combinations(_members(axioms, listed.object), 2):
                yield (one, other), of_several


def _members(axioms: TripleIndex, head: Term) -> list[Term]:
    """Give the members of a list; of one that leads back to itself those before it does."""
    found: list[Term] = []
    seen: set[Term] = set()
    while isinstance(head, ox.NamedNode | ox.BlankNode) and head != RDF.nil and head not in seen:
        seen.add(head)
        found += [t.object for t in axioms.match(head, RDF.first, None)]
        head = next((t.object for t in axioms.match(head, RDF.rest, None)), RDF.nil)
    return found


def _never(axioms: TripleIndex) -> Iterator[tuple[Term, Term]]:
    """Give the classes whose members have no value of a property."""
    for most in axioms.match(None, OWL.maxCardinality, None):
        if isinstance(most.object, ox.Literal) and most.object.value in _NONE:
            properties = [t.object for t in axioms.match(most.subject, OWL.onProperty, None)]
            for name in _below(axioms, most.subject):
                yield from ((name, p) for p in properties)
