"""Very many hashes are compared without being held, and what a spool finds by them is what a set would find."""

from __future__ import annotations

from pathlib import Path

import pyoxigraph as ox
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from stadtgraph.store import Splitter, hashes, line, spool
from stadtgraph.store.hashes import Hashes
from stadtgraph.store.spool import read_lines
from stadtgraph.terms import XSD

numbers = st.lists(st.one_of(st.integers(-5, 5), st.integers(-(2**63), 2**63 - 1)), max_size=60)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a few hashes be many."""
    monkeypatch.setattr(hashes, "PART", 7)
    monkeypatch.setattr(hashes, "READ", 5)


@pytest.mark.usefixtures("small_parts")
@settings(max_examples=30)
@given(own=numbers, others=numbers)
def test_doubles_and_common_ones_are_those_of_sets(
    tmp_path_factory: pytest.TempPathFactory, own: list[int], others: list[int]
) -> None:
    """However many parts there are, and as often as one asks."""
    folder = tmp_path_factory.getbasetemp()
    one, two = Hashes(folder), Hashes(folder)
    for number in own:
        one.add([number])
    two.add(others)
    for _ in range(2):
        assert one.are_unique() is (len(set(own)) == len(own))
        assert one.common(two) == set(own) & set(others)
    assert len(one) == len(own)
    one.close()
    two.close()


@pytest.mark.usefixtures("small_parts")
def test_a_spool_of_many_parts_tells_doubled_lines_and_literals_that_meet(tmp_path: Path) -> None:
    """As one that holds everything in memory does, in whichever order they come."""
    p, xsd = ox.NamedNode("urn:p"), "http://www.w3.org/2001/XMLSchema#"

    def said(number: int, datatype: str) -> ox.Triple:
        literal = ox.Literal(str(number), datatype=ox.NamedNode(xsd + datatype))
        return ox.Triple(ox.NamedNode(f"urn:s{number}"), p, literal)

    triples = [said(n, "integer") for n in range(30)] + [said(n, "byte") for n in range(20, 50)]
    triples += [said(n, "integer") for n in range(40, 60)]
    alone = spool(triples[:30], tmp_path, "alone")
    whole = spool(triples, tmp_path, "whole")
    assert alone.unique and not whole.unique and (alone.lines, whole.lines) == (30, 80)
    wanted = {t for _, extra in Splitter().split(triples) for t in extra}
    assert set(read_lines(whole.written)) == wanted and len(wanted) == 50
    assert not list(read_lines(alone.written))


@given(st.text(max_size=20), st.sampled_from(["de", "en-us", "string", "integer", "anyURI"]))
def test_a_line_is_written_as_the_store_writes_it(value: str, kind: str) -> None:
    """Whatever signs a text holds."""
    assume(not any("\ud800" <= c <= "\udfff" for c in value))
    if kind in ("de", "en-us"):
        literal = ox.Literal(value, language=kind)
    else:
        literal = ox.Literal(value, datatype=ox.NamedNode(f"urn:t:{kind}") if kind == "anyURI" else XSD.term(kind))
    triple = ox.Triple(ox.NamedNode("urn:s"), ox.NamedNode("urn:p"), literal)
    assert line(triple).decode() == f"{triple} ."
