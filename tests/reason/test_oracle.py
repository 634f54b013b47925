"""The rules agree with owlrl's OWL 2 RL closure on the ontology and registers of the city."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import pyoxigraph as ox
import pytest

from stadtgraph.reason import TripleIndex, compile_rules
from stadtgraph.reason.closing import closed
from stadtgraph.terms import DEFAULT_BASE, OWL, RDF, RDFS, XSD

ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = tuple(str(namespace) for namespace in (RDF, RDFS, OWL, XSD))
SCHEMA = (RDFS.subClassOf, RDFS.subPropertyOf, OWL.equivalentClass, OWL.equivalentProperty)


def _is_language(term: object) -> bool:
    return isinstance(term, ox.NamedNode) and term.value.startswith(LANGUAGES)


EXCLUDED: dict[str, Callable[[ox.Triple], bool]] = {
    "identity: every term is the same as itself": lambda t: t.predicate == OWL.sameAs,
    "reflexive: a term below or equal to itself": lambda t: t.predicate in SCHEMA and t.subject == t.object,
    "everything is a thing, nothing is below everything": lambda t: (
        t.object in (OWL.Thing, RDFS.Resource) or t.subject == OWL.Nothing or t.object == OWL.Nothing
    ),
    "anonymous classes have no name to ask for": lambda t: isinstance(t.object, ox.BlankNode),
    "conclusions on anonymous classes": lambda t: isinstance(t.subject, ox.BlankNode),
    "axioms of the languages themselves": lambda t: _is_language(t.subject),
    "types that are datatypes or of the languages": lambda t: t.predicate == RDF.type and _is_language(t.object),
    "domains and ranges of superclasses; their effect is derived": lambda t: t.predicate in (RDFS.domain, RDFS.range),
    "axioms over the languages' own terms": lambda t: t.predicate in SCHEMA and _is_language(t.object),
}


def parsed(folder: str) -> list[ox.Triple]:
    """Read every Turtle file of a folder; blank nodes of different files stay apart."""
    triples = []
    for file in sorted((ROOT / folder).glob("*.ttl")):
        text = file.read_bytes()
        quads = ox.parse(text, format=ox.RdfFormat.TURTLE, base_iri=DEFAULT_BASE, rename_blank_nodes=True)
        triples += [quad.triple for quad in quads]
    return triples


@cache
def sample(every: int) -> tuple[list[ox.Triple], list[ox.Triple]]:
    """Give the ontology, and the triples of every n-th subject of the registers."""
    data = parsed("data/registers")
    chosen = {s for i, s in enumerate(dict.fromkeys(t.subject for t in data)) if i % every == 0}
    plain = [t for t in data if t.subject in chosen and not is_identity(t)]
    return [t for t in parsed("ontology") if not is_identity(t)], plain


def is_identity(triple: ox.Triple) -> bool:
    """Tell whether a triple is about identity, which owlrl would merge nodes by and which is the links' business."""
    return triple.predicate == OWL.sameAs or triple.object in (OWL.FunctionalProperty, OWL.InverseFunctionalProperty)


def differences(schema: list[ox.Triple], data: list[ox.Triple]) -> tuple[set[ox.Triple], set[ox.Triple]]:
    """Give what only the rules and what only owlrl derive, the excluded patterns left out."""
    asserted = TripleIndex([*schema, *data])
    ours = set(compile_rules(schema).infer(asserted))
    theirs = {t for t in closed(asserted) if not any(excludes(t) for excludes in EXCLUDED.values())} - set(asserted)
    return ours - theirs, theirs - ours


def shown(triples: Iterable[ox.Triple]) -> str:
    """Give triples as sorted lines."""
    return "\n".join(sorted(map(str, triples))[:40])


@pytest.mark.parametrize("every", [25, pytest.param(1, marks=pytest.mark.slow)])
def test_the_closure_is_that_of_owlrl(every: int) -> None:
    """On the city's files both derive the same, but for the listed patterns; all subjects in the slow suite."""
    schema, data = sample(every)
    ours, theirs = differences(schema, data)
    assert not ours, "owlrl does not derive:\n" + shown(ours)
    assert not theirs, "the rules do not derive:\n" + shown(theirs)
