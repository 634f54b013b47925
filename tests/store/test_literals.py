"""Literals survive the store as their owner wrote them."""

from __future__ import annotations

from pathlib import Path

import pyoxigraph as ox
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtgraph.store import Normaliser, Splitter, as_written, spool, swap
from stadtgraph.store.literals import decode, encode, is_kept
from stadtgraph.terms import Names

XSD = "http://www.w3.org/2001/XMLSchema#"
NAMES = Names()
LEXICAL = [
    "5", "05", "-0", "0", "1.50", "1.5", "1.0", "-0.5", "-0.0", "1E0", "true", "1", "2024-01-01", "2024-01-01Z",
    "2024-01-01+00:00", "2024-02-30", "1999-12-31", "2024-01-01T00:00:00.00+00:00", "24:00:00", "12:00:00.0Z", "P12M",
    "P1D", "PT24H", "2024", "1550", "0001", "9999", "2810", "abc", "12345678901234567890", "999999999999999999",
    "9999999999999999999", "123456789.12345678", "-999999999.9999999", "INF", "NaN", "--02-30", "300", "-5", "", " 5",
]  # fmt: skip
TYPES = [
    "integer", "int", "long", "byte", "nonNegativeInteger", "unsignedInt", "decimal", "double", "float", "boolean",
    "date", "dateTime", "time", "duration", "gYear", "gYearMonth", "dayTimeDuration", "yearMonthDuration", "gMonthDay",
    "hexBinary", "dateTimeStamp", "string", "anyURI",
]  # fmt: skip


def _literal(value: str, datatype: str) -> ox.Literal:
    return ox.Literal(value, datatype=ox.NamedNode(XSD + datatype))


def _stored(literal: ox.Literal) -> ox.Literal:
    store, node = ox.Store(), ox.NamedNode("urn:x")
    store.add(ox.Quad(node, node, literal))
    found = next(iter(store)).object
    assert isinstance(found, ox.Literal)
    return found


@pytest.mark.parametrize("datatype", TYPES)
def test_the_normaliser_agrees_with_the_store_on_every_lexical_form(datatype: str) -> None:
    """What is said to be stored is what Oxigraph stores, and what is said to be kept is kept."""
    literals = [_literal(value, datatype) for value in LEXICAL]
    for literal, form in zip(literals, Normaliser().stored(literals), strict=True):
        assert form == _stored(literal)
        if is_kept(literal):
            assert form == literal


def test_an_encoded_literal_is_left_alone_by_the_store_and_decodes_to_itself() -> None:
    """The second form survives whatever the store does to the first."""
    for value in LEXICAL:
        for datatype in TYPES:
            literal = _literal(value, datatype)
            assert decode(_stored(encode(literal))) == literal


literals = st.builds(_literal, st.sampled_from(LEXICAL), st.sampled_from(TYPES)) | st.builds(
    ox.Literal, st.text(max_size=5), language=st.sampled_from(["de", "en", "en-US"])
)
triples = st.builds(
    ox.Triple,
    st.sampled_from([ox.NamedNode(f"urn:s{i}") for i in range(3)]),
    st.sampled_from([ox.NamedNode(f"urn:p{i}") for i in range(2)]),
    literals,
)


@given(st.lists(triples, max_size=40))
def test_what_is_loaded_comes_back_as_written(tmp_path_factory: pytest.TempPathFactory, data: list[ox.Triple]) -> None:
    """Load, then ``as_written``: the same set of triples, whatever the order and the collisions."""
    folder = tmp_path_factory.mktemp("written")
    store, graph = ox.Store(), NAMES.source("x")
    swap(store, NAMES, graph, spool(data, folder, "x"), folder / "swap")
    assert set(as_written(store, NAMES, graph)) == set(data)
    subjects = dict.fromkeys(t.subject for t in data)
    assert set(as_written(store, NAMES, graph, subjects)) == set(data)  # type: ignore[arg-type]


def test_a_literal_beside_another_that_is_stored_alike_keeps_both() -> None:
    """``5`` and ``"5"^^xsd:byte`` are one term in the store and two as written, in either order."""
    s, p = ox.NamedNode("urn:s"), ox.NamedNode("urn:p")
    pair = [ox.Triple(s, p, _literal("5", "integer")), ox.Triple(s, p, _literal("5", "byte"))]
    for order in (pair, pair[::-1]):
        companions = {t.object for _, extra in Splitter().split(order) for t in extra}
        assert {decode(o) for o in companions if isinstance(o, ox.Literal)} == {t.object for t in pair}


def test_a_spool_counts_lines_and_names_its_content(tmp_path: Path) -> None:
    """Equal content gives an equal digest, other content another."""
    one = ox.Triple(ox.NamedNode("urn:s"), ox.NamedNode("urn:p"), ox.Literal("a\nb"))
    two = ox.Triple(ox.NamedNode("urn:s"), ox.NamedNode("urn:p"), ox.Literal("c"))
    a, b, c = (spool(data, tmp_path, name) for name, data in (("a", [one, two]), ("b", [one, two]), ("c", [one])))
    assert (a.lines, c.lines) == (2, 1)
    assert a.digest == b.digest != c.digest
    assert list(a.triples()) == [one, two]
