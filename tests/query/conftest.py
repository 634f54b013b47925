"""A small release to ask."""

from __future__ import annotations

from collections.abc import Iterator

import pyoxigraph as ox
import pytest

from stadtgraph.query import Place
from stadtgraph.release import GraphInfo, Kind, Releases, drafting
from stadtgraph.terms import Names

NAMES = Names()
DATA = {
    "a": "<urn:x> <urn:p> <urn:y> . <urn:x> <urn:p> 1.50 . <urn:x> <urn:only> 'a' .",
    "b": "<urn:x> <urn:p> <urn:y> . <urn:y> <urn:p> <urn:z> .",
    "c": "<urn:z> <urn:p> <urn:x> .",
}


def turtle(text: str) -> list[ox.Triple]:
    """Read Turtle."""
    return [quad.triple for quad in ox.parse(text, ox.RdfFormat.TURTLE)]


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Three small graphs, one triple in two of them, and one graph with 20,000 triples."""
    city = tmp_path_factory.mktemp("query") / "city"
    releases = Releases(city)
    with drafting(releases, NAMES, why="test") as draft:
        for name, text in DATA.items():
            draft.put(GraphInfo(NAMES.source(name).value, Kind.FILE, source=name), turtle(text))
        many = (
            ox.Triple(ox.NamedNode(f"urn:n{i}"), ox.NamedNode("urn:n"), ox.Literal(f"{i} " + "long " * 20))
            for i in range(20_000)
        )
        draft.put(GraphInfo(NAMES.source("many").value, Kind.FILE, source="many"), many)
        draft.seal()
    release = releases.require_current()
    sizes = {iri: info.triples for iri, info in release.manifest().graphs.items()}
    yield Place(release.id, release.engine(), NAMES, sizes)
    releases.forget_open()
