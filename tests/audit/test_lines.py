"""What a validator reads is the same from the files of a load as from the store."""

from __future__ import annotations

from pathlib import Path

import pyoxigraph as ox
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stadtgraph.audit.lines import Loaded, copy
from stadtgraph.store import Normaliser, spool
from stadtgraph.terms import DCT, RDF, XSD

VALUES = [
    ox.Literal(text, datatype=XSD.term(kind))
    for text, kind in (
        ("5", "integer"), ("05", "integer"), ("5", "byte"), ("05", "byte"), ("1.50", "decimal"), ("1.5", "decimal"),
        ("1", "boolean"), ("true", "boolean"), ("x", "byte"), ("a b . ^^<urn:written:x>", "string"),
    )
]  # fmt: skip
TERMS = [
    *VALUES,
    ox.Literal('Straße\n"x" .', language="de-at"),
    ox.NamedNode("https://town.example/id/a%20b"),
    ox.BlankNode("b"),
]
triple = st.builds(
    ox.Triple,
    st.sampled_from([ox.NamedNode("https://town.example/id/1"), ox.BlankNode("s")]),
    st.sampled_from([DCT.title, DCT.extent, RDF.type]),
    st.sampled_from(TERMS),
)


@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(triple, unique=True, max_size=12), st.none() | st.just(frozenset({DCT.extent, RDF.type})))
def test_the_lines_of_a_load_are_what_was_written(
    tmp_path: Path, triples: list[ox.Triple], wanted: frozenset[ox.NamedNode] | None
) -> None:
    """Literals as their owner wrote them, also where several of one property are stored as one."""
    entry = spool(triples, tmp_path, "load")
    out = tmp_path / "out.nt"
    with out.open("wb") as file:
        copy(Loaded(entry.stored, entry.written), file, wanted, Normaliser())
    found = {q.triple for q in ox.parse(path=str(out), format=ox.RdfFormat.N_TRIPLES)}
    assert found == {t for t in triples if wanted is None or t.predicate in wanted}
