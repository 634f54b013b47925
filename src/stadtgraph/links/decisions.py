"""What data architects decided about links. Decisions are data of a managed source and outlive every rebuild.

::

    <id/link-decision/4f0c…> a sg:LinkDecision ; sg:state sg:rejected ; sg:rule <id/link-rule/near> ;
        rdf:subject <id/tree/1> ; rdf:predicate sg:nearestTree ; rdf:object <id/tree/2> ;
        sg:decidedBy <id/role/data-architect> ; dct:date "2026-03-01"^^xsd:date ; rdfs:comment "Felled in 2020."@en .
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import pyoxigraph as ox

from stadtgraph.links.graph import Link, State, with_state
from stadtgraph.reason import Facts
from stadtgraph.terms import DCT, RDF, RDFS, SG, SG_NAMESPACE, XSD, Names

SOURCE = "link-decisions"
"""The managed source that keeps decisions."""
RESTRICTED_SOURCE = "link-decisions-restricted"
"""The managed source that keeps decisions about links between restricted things."""
Statement = tuple[ox.NamedNode, ox.NamedNode, ox.NamedNode]


@dataclass(frozen=True, slots=True)
class Decision:
    """A link was confirmed or rejected, by whom, when and why."""

    link: Link
    state: State
    by: ox.NamedNode
    day: dt.date
    reason: str
    lang: str = "de"

    def node(self, names: Names) -> ox.NamedNode:
        """The identifier of the decision."""
        return names.id(f"link-decision/{self.link.key}")

    def triples(self, names: Names) -> Iterator[ox.Triple]:
        """Give the decision as data."""
        node = self.node(names)
        yield ox.Triple(node, RDF.type, SG.LinkDecision)
        yield ox.Triple(node, SG.state, SG.term(self.state.value))
        yield ox.Triple(node, SG.rule, self.link.rule)
        yield ox.Triple(node, RDF.subject, self.link.subject)
        yield ox.Triple(node, RDF.predicate, self.link.predicate)
        yield ox.Triple(node, RDF.object, self.link.object)
        yield ox.Triple(node, SG.decidedBy, self.by)
        yield ox.Triple(node, DCT.date, ox.Literal(self.day.isoformat(), datatype=XSD.date))
        yield ox.Triple(node, RDFS.comment, ox.Literal(self.reason, language=self.lang))


@dataclass(frozen=True, slots=True)
class Said:
    """What was decided about a statement, and of which rule's link."""

    state: State
    rule: ox.NamedNode
    day: str = ""


def decisions(facts: Facts) -> dict[Statement, Said]:
    """Give what was decided about statements; of several decisions about one, the latest holds."""
    found: dict[Statement, Said] = {}
    for triple in facts.match(None, RDF.type, SG.LinkDecision):
        values = {t.predicate: t.object for t in facts.match(triple.subject, None, None)}
        state, rule, day = values.get(SG.state), values.get(SG.rule), values.get(DCT.date)
        name = state.value.removeprefix(SG_NAMESPACE) if isinstance(state, ox.NamedNode) else ""
        parts = [values.get(p) for p in (RDF.subject, RDF.predicate, RDF.object)]
        nodes = [p for p in parts if isinstance(p, ox.NamedNode)]
        if name in (State.CONFIRMED, State.REJECTED) and len(nodes) == 3 and isinstance(rule, ox.NamedNode):
            said = Said(State(name), rule, day.value if isinstance(day, ox.Literal) else "")
            key = (nodes[0], nodes[1], nodes[2])
            found[key] = max(found.get(key, said), said, key=lambda s: s.day)
    return found


def decided(rule: ox.NamedNode, links: Iterable[Link], said: Mapping[Statement, Said], facts: Facts) -> list[Link]:
    """Give the links in the state that people gave them.

    A confirmed link that its rule finds no more is kept while both things are still described.
    """
    found = {(k.subject, k.predicate, k.object): k for k in links}
    for key, entry in said.items():
        if key in found:
            found[key] = with_state(found[key], entry.state)
        elif entry.state is State.CONFIRMED and entry.rule == rule and _are_described(facts, key[0], key[2]):
            found[key] = Link(rule, *key, 1.0, "", State.CONFIRMED)
    return list(found.values())


def _are_described(facts: Facts, *nodes: ox.NamedNode) -> bool:
    return all(next(iter(facts.match(node, None, None)), None) is not None for node in nodes)
