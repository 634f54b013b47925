"""What contradicts the ontology, as findings: every axiom that data can contradict becomes a shape.

The shapes are read over the asserted data and what was inferred from them, so a contradiction that only follows is
found too, and an audit follows it from change to change like any other rule.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from importlib import resources
from typing import Final

import pyoxigraph as ox

from stadtgraph import messages
from stadtgraph.reason import TripleIndex
from stadtgraph.reason.clashes import Contradiction, contradictions
from stadtgraph.terms import PREFIXES, RDFS, SG, SH, SKOS, Names

SHAPE: Final = "https://w3id.org/stadtgraph/shapes/consistent-"
RULES: Final = ox.NamedNode("https://www.w3.org/TR/owl2-profiles/#Reasoning_in_OWL_2_RL_and_RDF_Graphs_using_Rules")
Labels = Mapping[str, tuple[str, ...]]
"""Language → the names of the classes and properties of an axiom."""


def shapes_of(schema: Iterable[ox.Triple], names: Names) -> list[ox.Triple]:
    """Give shapes that find what contradicts the axioms among ``schema``, with texts, remedy and role."""
    axioms = TripleIndex(schema)
    mender = names.id("role/data-architect")
    return [
        triple
        for one in contradictions(axioms)
        for triple in (*_about(one, _labels(one, axioms), mender), *_condition(one))
    ]


def shape_iri(one: Contradiction) -> ox.NamedNode:
    """Give the name of the shape of an axiom: the same as long as it is about the same terms.

    >>> from stadtgraph.reason import Clash
    >>> shape_iri(Contradiction(Clash.IRREFLEXIVE, (ox.NamedNode("http://x/partOf"),), "")).value.rpartition("/")[2]
    'consistent-irreflexive-partOf-3e152d'
    """
    known = sorted(term.value for term in one.terms)
    digest = hashlib.sha256("\n".join(known).encode()).hexdigest()[:6]
    return ox.NamedNode(SHAPE + "-".join((one.kind, *(_local(iri) for iri in known), digest)))


def _local(iri: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "", re.split(r"[/#:]", iri)[-1])[:40]


def _labels(one: Contradiction, axioms: TripleIndex) -> Labels:
    return {lang: tuple(_label(term, axioms, lang) for term in one.terms) for lang in messages.LANGUAGES}


def _label(term: ox.NamedNode, axioms: TripleIndex, lang: str) -> str:
    """Give the name that the ontology gives a term, with the term as it is written; else that alone."""
    written = next(
        (f"{p}:{term.value[len(ns) :]}" for p, ns in PREFIXES.items() if term.value.startswith(ns)), term.value
    )
    for p in (RDFS.label, SKOS.prefLabel):
        for triple in axioms.match(term, p, None):
            if isinstance(triple.object, ox.Literal) and triple.object.language == lang:
                return f"{triple.object.value} ({written})"
    return written


def _about(one: Contradiction, labels: Labels, mender: ox.NamedNode) -> Iterator[ox.Triple]:
    """Give what people read of a shape, and who mends its findings."""
    shape = shape_iri(one)
    for lang, known in labels.items():
        shown = dict(zip(("one", "other"), (*known, ""), strict=False))
        for p, key in ((SH.name, "name"), (SH.message, "message"), (SG.remedy, "remedy")):
            text = messages.text(f"clash-{one.kind}-{key}", lang, **shown)
            yield ox.Triple(shape, p, ox.Literal(text, language=lang))
    yield ox.Triple(shape, SG.mendedBy, mender)
    yield ox.Triple(shape, SG.group, SG.consistency)
    yield ox.Triple(shape, SH.severity, SH.Violation)
    yield ox.Triple(shape, RDFS.seeAlso, RULES)


def _condition(one: Contradiction) -> Iterator[ox.Triple]:
    """Give target and constraint of a shape."""
    text = resources.files(__package__).joinpath("contradictions", f"{one.kind}.ttl").read_text("utf-8")
    shape = shape_iri(one)
    for place, term in zip(("one", "other"), one.terms, strict=False):
        text = text.replace(f"<urn:{place}>", str(term))
    quads = ox.parse(text.encode(), format=ox.RdfFormat.TURTLE, base_iri=shape.value, rename_blank_nodes=True)
    yield from (quad.triple for quad in quads)
