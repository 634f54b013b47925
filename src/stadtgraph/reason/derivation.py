"""A derivation step by step: what each rule concludes from what, down to triples that are stated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pyoxigraph as ox

from stadtgraph.reason.axioms import EQUIVALENT_CLASS, EQUIVALENT_PROPERTY, INVERSE, SUB_CLASS, SUB_PROPERTY, TYPE
from stadtgraph.reason.facts import Node, TripleIndex
from stadtgraph.terms import OWL, RDF, Term

if TYPE_CHECKING:
    from stadtgraph.reason.proof import Premise

ASSERTED: Final = "asserted"
_EQUAL: Final = {SUB_CLASS: EQUIVALENT_CLASS, SUB_PROPERTY: EQUIVALENT_PROPERTY}
_OF_EQUAL: Final = {SUB_CLASS: "scm-eqc1", SUB_PROPERTY: "scm-eqp1", **dict.fromkeys(_EQUAL.values(), "scm-eqc2")}
_CHAINED: Final = {SUB_CLASS: "rdfs11", SUB_PROPERTY: "rdfs5"}


@dataclass(frozen=True, slots=True)
class Step:
    """One step: the rule by its name in the standards, what it concludes, and the numbers of the steps it uses.

    The rule ``asserted`` stands for a triple that is stated, of the data or of the ontology.
    """

    rule: str
    conclusion: ox.Triple
    uses: tuple[int, ...] = ()


def steps(proof: Iterable[Premise], stated: Iterable[ox.Triple], goal: ox.Triple) -> tuple[Step, ...]:
    """Give a proof step by step, the conclusion last; ``stated`` are the axioms of the ontology.

    An axiom that the ontology does not state itself is derived from those that it does.
    """
    told = _Telling(TripleIndex(stated))
    ready: list[int] = []
    for premise in proof:
        if premise.rule == ASSERTED:
            ready += [told.step(ASSERTED, triple) for triple in premise.triples]
        elif not premise.triples:
            ready = [told.axiom(goal)]
        else:
            (axiom,) = premise.triples
            taken = ready if premise.rule == "prp-trp" else ready[-1:]  # a chain is made of all its links
            concluded = _conclusion(premise.rule, axiom, [told.known[i].conclusion for i in taken])
            used = (*taken, told.axiom(axiom))
            ready = [*ready[: -len(taken)], told.step(premise.rule, concluded, used)]
    return told.needed(goal)


def _conclusion(rule: str, axiom: ox.Triple, links: list[ox.Triple]) -> ox.Triple:
    """Give what a rule makes of a triple, or of a chain of them, and an axiom."""
    first, last = links[0], links[-1]
    s, o = first.subject, last.object
    if rule == "prp-trp":
        return ox.Triple(s, first.predicate, o)
    name = axiom.object
    assert isinstance(name, ox.NamedNode)
    if rule == "rdfs7":
        return ox.Triple(s, name, o)
    if rule in ("rdfs2", "rdfs9"):
        return ox.Triple(s, TYPE, name)
    assert isinstance(o, Node)
    if rule == "rdfs3":
        return ox.Triple(o, TYPE, name)
    return ox.Triple(o, first.predicate if rule == "prp-symp" else name, s)


@dataclass
class _Telling:
    """The steps so far, each conclusion once."""

    stated: TripleIndex
    known: list[Step] = field(default_factory=list)
    numbers: dict[ox.Triple, int] = field(default_factory=dict)

    def step(self, rule: str, conclusion: ox.Triple, uses: tuple[int, ...] = ()) -> int:
        """Add a step, where its conclusion is news, and give its number."""
        if conclusion not in self.numbers:
            self.numbers[conclusion] = len(self.known)
            self.known.append(Step(rule, conclusion, uses))
        return self.numbers[conclusion]

    def needed(self, goal: ox.Triple) -> tuple[Step, ...]:
        """Give the steps that lead to ``goal``, numbered anew: a proof may have gone in a circle."""
        wanted: set[int] = set()
        agenda = [self.numbers[goal]] if goal in self.numbers else []
        while agenda:
            number = agenda.pop()
            if number not in wanted:
                wanted.add(number)
                agenda.extend(self.known[number].uses)
        new = {old: number for number, old in enumerate(sorted(wanted))}
        return tuple(
            Step(self.known[old].rule, self.known[old].conclusion, tuple(new[i] for i in self.known[old].uses))
            for old in new
        )

    def axiom(self, axiom: ox.Triple) -> int:
        """Add an axiom, with the steps that lead to it where the ontology does not state it; give its number."""
        s, p, o = axiom.subject, axiom.predicate, axiom.object
        if axiom in self.numbers:
            return self.numbers[axiom]
        if self.stated.match(s, p, o):
            return self.step(ASSERTED, axiom)
        if p in (INVERSE, *_EQUAL.values()) and isinstance(o, Node) and self.stated.match(o, p, s):
            back = self.step(ASSERTED, ox.Triple(o, p, s))
            return self.step("prp-inv" if p == INVERSE else "scm-eqc2", axiom, (back,))
        if p in _EQUAL.values():
            below = next(sub for sub, equal in _EQUAL.items() if equal == p)
            both = [self.axiom(ox.Triple(a, below, b)) for a, b in ((s, o), (o, s)) if isinstance(a, Node)]
            return self.step(_OF_EQUAL[p], axiom, tuple(both))
        links = [self._link(link, reason) for link, reason in self._path(axiom)]
        if len(links) == 1:
            return links[0]
        return self.step(_CHAINED.get(p, "scm"), axiom, tuple(links))

    def _link(self, link: ox.Triple, reason: ox.Triple) -> int:
        """Add one link of a hierarchy with the stated axiom that says so."""
        because = self.step(ASSERTED, reason)
        if reason == link:
            return because
        rules = {OWL.intersectionOf: "scm-int", OWL.unionOf: "scm-uni"}
        return self.step(rules.get(reason.predicate, _OF_EQUAL.get(link.predicate, "scm")), link, (because,))

    def _path(self, axiom: ox.Triple) -> list[tuple[ox.Triple, ox.Triple]]:
        """Give a shortest chain of stated links from subject to object; empty where there is none."""
        came: dict[Term, tuple[ox.Triple, ox.Triple]] = {}
        level: list[Term] = [axiom.subject]
        while level and axiom.object not in came:
            following: list[Term] = []
            for here in level:
                for there, reason in self._above(here, axiom.predicate):
                    if there not in came and there != axiom.subject and isinstance(here, Node):
                        came[there] = (ox.Triple(here, axiom.predicate, there), reason)
                        following.append(there)
            level = following
        chain: list[tuple[ox.Triple, ox.Triple]] = []
        end: Term = axiom.object
        while end in came:
            chain.append(came[end])
            end = came[end][0].subject
        return chain[::-1]

    def _above(self, here: Term, below: ox.NamedNode) -> Iterator[tuple[Term, ox.Triple]]:
        """Give what is directly above a class or property, with the stated axiom that says so."""
        if not isinstance(here, Node):
            return
        equal = _EQUAL.get(below, below)
        for p in (below, equal):
            yield from ((triple.object, triple) for triple in self.stated.match(here, p, None))
        yield from ((triple.subject, triple) for triple in self.stated.match(None, equal, here))
        for listed in self.stated.match(here, OWL.intersectionOf, None):
            yield from ((member, listed) for member in self._members(listed.object))
        for listed in self.stated.match(None, OWL.unionOf, None):
            if here in self._members(listed.object):
                yield listed.subject, listed

    def _members(self, head: Term) -> list[Term]:
        found: list[Term] = []
        seen: set[Term] = set()
        while isinstance(head, Node) and head != RDF.nil and head not in seen:
            seen.add(head)
            found += [t.object for t in self.stated.match(head, RDF.first, None)]
            head = next((t.object for t in self.stated.match(head, RDF.rest, None)), RDF.nil)
        return found
