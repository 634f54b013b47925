"""Fixtures of the example queries: the queries themselves, and the small city in which they were solved by hand."""

from __future__ import annotations

from pathlib import Path

import pyoxigraph as ox
import pytest

from stadtgraph.reason import TripleIndex, compile_rules
from stadtgraph.terms import Names

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
NAMES = Names()


def read_turtle(path: Path) -> list[ox.Triple]:
    """Give the triples of a Turtle file whose relative names are those of the city."""
    quads = ox.parse(path=str(path), format=ox.RdfFormat.TURTLE, base_iri=NAMES.base)
    return [quad.triple for quad in quads]


@pytest.fixture(scope="session")
def small_city() -> ox.Store:
    """The city of fixture.ttl as a release would hold it: merged, inferred, and as a source of its own."""
    ontology = [t for path in sorted((ROOT / "ontology").glob("*.ttl")) for t in read_turtle(path)]
    facts = read_turtle(HERE / "fixture.ttl")
    merge = set(ontology) | set(facts)
    merge |= set(compile_rules(ontology).infer(TripleIndex(merge)))
    store = ox.Store()
    store.extend(ox.Quad(t.subject, t.predicate, t.object) for t in merge)
    source = NAMES.source("fixture")
    store.extend(ox.Quad(t.subject, t.predicate, t.object, source) for t in facts)
    return store
