"""Links as triples: the statement itself, and beside it who found it, how sure, on what evidence, in which state.

::

    <id/tree/1> sg:nearestTree <id/tree/2> .
    <id/link/4f0c…> a sg:Link ;
        rdf:subject <id/tree/1> ; rdf:predicate sg:nearestTree ; rdf:object <id/tree/2> ;
        sg:rule <id/link-rule/near> ; sg:score 0.91 ; sg:matchedBy "4.2 m" ; sg:state sg:automatic .

A rejected link keeps its node and loses the statement, so that everyone sees that it was looked at.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

import pyoxigraph as ox

from stadtgraph.links.rule import Rule
from stadtgraph.reason import Facts
from stadtgraph.terms import RDF, SG, SG_NAMESPACE, XSD, Names


class State(StrEnum):
    """What people said of a link."""

    AUTOMATIC = "automatic"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Link:
    """One link that a rule found: ``subject`` ``predicate`` ``object`` with its score from 0 to 1 and its evidence."""

    rule: ox.NamedNode
    subject: ox.NamedNode
    predicate: ox.NamedNode
    object: ox.NamedNode
    score: float
    evidence: str
    state: State = State.AUTOMATIC

    @property
    def key(self) -> str:
        """A short name, the same in every release: from rule, subject, predicate and object."""
        parts = (self.rule, self.subject, self.predicate, self.object)
        return hashlib.sha256("\n".join(p.value for p in parts).encode()).hexdigest()[:20]

    def iri(self, names: Names) -> ox.NamedNode:
        """The identifier of the link."""
        return names.id(f"link/{self.key}")

    def statements(self, inverse: ox.NamedNode | None = None) -> Iterator[ox.Triple]:
        """Give what the link states; nothing where it was rejected."""
        if self.state is not State.REJECTED:
            yield ox.Triple(self.subject, self.predicate, self.object)
            if inverse is not None:
                yield ox.Triple(self.object, inverse, self.subject)

    def description(self, names: Names) -> Iterator[ox.Triple]:
        """Give what is known about the link."""
        node = self.iri(names)
        yield ox.Triple(node, RDF.type, SG.Link)
        yield ox.Triple(node, RDF.subject, self.subject)
        yield ox.Triple(node, RDF.predicate, self.predicate)
        yield ox.Triple(node, RDF.object, self.object)
        yield ox.Triple(node, SG.rule, self.rule)
        yield ox.Triple(node, SG.score, _decimal(self.score))
        yield ox.Triple(node, SG.matchedBy, ox.Literal(self.evidence))
        yield ox.Triple(node, SG.state, SG.term(self.state.value))


def _decimal(number: float) -> ox.Literal:
    text = format(Decimal(str(number)).normalize(), "f")
    return ox.Literal(text, datatype=XSD.decimal)


def as_triples(rule: Rule, links: Iterable[Link], names: Names) -> Iterator[ox.Triple]:
    """Give the part of ``graph/links`` that one rule makes, the rule's own description included."""
    yield from rule.about
    yield ox.Triple(rule.iri, SG.digest, ox.Literal(rule.digest))
    for link in links:
        yield from link.statements(rule.inverse)
        yield from link.description(names)


def stored(facts: Facts, rule: ox.NamedNode) -> list[Link]:
    """Read the links of a rule back from the facts of ``graph/links``."""
    found = []
    for triple in facts.match(None, SG.rule, rule):
        values = {t.predicate: t.object for t in facts.match(triple.subject, None, None)}
        subject, predicate, object = values[RDF.subject], values[RDF.predicate], values[RDF.object]
        score, evidence, state = values[SG.score], values[SG.matchedBy], values[SG.state]
        assert isinstance(subject, ox.NamedNode) and isinstance(predicate, ox.NamedNode)
        assert isinstance(object, ox.NamedNode) and isinstance(state, ox.NamedNode)
        assert isinstance(score, ox.Literal) and isinstance(evidence, ox.Literal)
        said = State(state.value.removeprefix(SG_NAMESPACE))
        found.append(Link(rule, subject, predicate, object, float(score.value), evidence.value, said))
    return found


def difference(
    old: Iterable[ox.Triple], new: Iterable[ox.Triple], still: Iterable[ox.Triple]
) -> tuple[list[ox.Triple], list[ox.Triple]]:
    """Give the triples to add and to remove; what is ``still`` stated by other rules is not removed."""
    before, after = dict.fromkeys(old), dict.fromkeys(new)
    kept = {*after, *still}
    return [t for t in after if t not in before], [t for t in before if t not in kept]


def with_state(link: Link, state: State) -> Link:
    """Give the link in another state."""
    return replace(link, state=state)
