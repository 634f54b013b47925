"""Answers of other endpoints: read within bounds, whatever they are."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pyoxigraph as ox
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtgraph.query.federation.results import JSON, XML, Malformed, Row, TooMany, Wanted, read

WANTED = Wanted(("a", "b"), 100, lambda label: ox.NamedNode(f"urn:blank:{len(label)}"))
HEAD = b'{"head":{"vars":["a","b"]},"results":{"bindings":['
XML_HEAD = b'<sparql xmlns="http://www.w3.org/2005/sparql-results#"><head/><results>'
XML_TAIL = b"</results></sparql>"


def json_of(*rows: object) -> bytes:
    """Give results in JSON."""
    return json.dumps({"head": {"vars": ["a", "b"]}, "results": {"bindings": rows}}).encode()


def got(media_type: str, body: bytes, wanted: Wanted = WANTED, size: int = 65536) -> list[Row]:
    """Read a body that comes in pieces."""
    return read(media_type, (body[i : i + size] for i in range(0, len(body), size)), wanted)


@contextmanager
def a_minute_of_work() -> Iterator[None]:
    """End what takes more of a processor than a minute: here that is work without end, on any machine."""

    def over(*_: object) -> None:
        raise AssertionError("a minute of work is over")

    before = signal.signal(signal.SIGVTALRM, over)
    signal.setitimer(signal.ITIMER_VIRTUAL, 60)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


terms = st.one_of(
    st.sampled_from([ox.NamedNode("urn:x"), ox.NamedNode("http://e/ü?a=b&c=%20'"), None]),
    st.text(st.characters(codec="utf-8", exclude_characters="\r", exclude_categories=["Cc", "Cn"])).map(ox.Literal),
    st.builds(lambda t, tag: ox.Literal(t, language=tag), st.text("ab <&\"'"), st.sampled_from(["en", "de-de"])),
    st.builds(lambda t: ox.Literal(t, datatype=ox.NamedNode("urn:type")), st.text("01 ")),
)


@given(st.lists(st.tuples(terms, terms), max_size=8), st.integers(1, 50))
def test_what_an_endpoint_writes_is_what_is_read(rows: list[tuple[object, object]], size: int) -> None:
    """In both formats, in pieces of any size."""
    store = ox.Store()
    values = " ".join("(" + " ".join("UNDEF" if t is None else str(t) for t in row) + ")" for row in rows)
    for form, media_type in ((ox.QueryResultsFormat.JSON, JSON), (ox.QueryResultsFormat.XML, XML)):
        result = store.query(f"SELECT ?a ?b {{ VALUES (?a ?b) {{ {values} }} }}")
        assert isinstance(result, ox.QuerySolutions)
        body = result.serialize(format=form)
        assert body is not None
        assert got(media_type, body, size=size) == rows


BAD_TERMS = [
    {"type": "uri", "value": "not absolute"},
    {"type": "uri", "value": "http://e/> } INSERT"},
    {"type": "uri", "value": "http://e/ "},
    {"type": "uri", "value": "http://e/\u0000"},
    {"type": "uri", "value": "http://e/\ud800"},
    {"type": "uri", "value": 5},
    {"type": "uri"},
    {"value": "x"},
    {"type": "literal", "value": "\ud800"},
    {"type": "literal", "value": None},
    {"type": "literal", "value": ["x"]},
    {"type": "literal", "value": "x", "xml:lang": "en> } #"},
    {"type": "literal", "value": "x", "xml:lang": "e" * 100},
    {"type": "literal", "value": "x", "datatype": "x> } #"},
    {"type": "triple", "value": {"subject": {"type": "uri", "value": "urn:x"}}},
    {"type": "unknown", "value": "x"},
    "text",
    5,
    [],
]


@pytest.mark.parametrize("term", BAD_TERMS, ids=str)
def test_a_term_that_is_none_makes_the_answer_malformed(term: object) -> None:
    """Nothing of it gets into a query."""
    with pytest.raises(Malformed):
        got(JSON, json_of({"a": term}))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"5",
        b"<html>",
        b'{"head":{},"boolean":true}',
        b'{"results":{"bindings":{}}}',
        b'{"results":{"bindings":[5]}}',
        b'{"results":[]}',
        b'{"results":{"bindings":[]}',
        b'{"results":{"bindings":[]}} trailing',
        b"\xff\xfe{}",
        b"[" * 1_000_000,
        b'{"a":' * 60 + b"1" + b"}" * 60,
        b'{"results":{"bindings":[' + b"1" * 10_000 + b"]}}",
        HEAD + b'{"a":{"type":"literal","value":"' + b'\\"' * 1_000_000,
        HEAD + b'"' * 1_000_001,
        b"[" + b'"a",' * 1_000_000,
        HEAD + b"\\" * 1_000_000,
    ],
    ids=lambda b: b[:30],
)
def test_what_is_no_result_in_json_is_refused_quickly(body: bytes) -> None:
    """Deep nesting, many values, strings without end."""
    with a_minute_of_work(), pytest.raises((Malformed, TooMany)):
        got(JSON, body)


@pytest.mark.parametrize("number", [1000, 200_000])
def test_an_answer_with_many_values_is_not_unfolded(number: int) -> None:
    """Rows, and empty values in the place of rows."""
    for piece in (b'{"a":{"type":"uri","value":"urn:x"}},', b"{},", b"[],", b'"x",', b"1,"):
        with pytest.raises((Malformed, TooMany)):
            got(JSON, HEAD + piece * number + b"{}]}}")


BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + b"".join(
    b'<!ENTITY %c "%s">' % (98 + i, b"&%c;" % (97 + i) * 10) for i in range(8)
)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<",
        b"<html/>",
        b"<sparql/>",
        b'<sparql xmlns="http://www.w3.org/2005/sparql-results#"><boolean>true</boolean></sparql>',
        b"<sparql><results/></sparql>",
        XML_HEAD,
        XML_HEAD + XML_TAIL + b"<more/>",
        XML_HEAD + b"<result><binding name='a'><uri>no</uri></binding></result>" + XML_TAIL,
        XML_HEAD + b"<result><binding name='a'><uri>urn:x&gt; }</uri></binding></result>" + XML_TAIL,
        XML_HEAD + b"<result><binding name='a'><literal xml:lang='a b'>x</literal></binding></result>" + XML_TAIL,
        XML_HEAD + b"<result><binding name='a'><triple><subject/></triple></binding></result>" + XML_TAIL,
        XML_HEAD + b"<result>" * 1_000_000,
        BOMB + b"]>" + XML_HEAD + b"<result><binding name='a'><literal>&i;</literal></binding></result>" + XML_TAIL,
        b'<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd">' + XML_HEAD + XML_TAIL,
        b'<!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/hostname">]>' + XML_HEAD + XML_TAIL,
        b'<?xml version="1.0" encoding="no-such"?>' + XML_HEAD + XML_TAIL,
        b'<?xml version="1.0" encoding="utf-7"?>' + XML_HEAD + XML_TAIL,
        XML_HEAD + b"\x00" + XML_TAIL,
        XML_HEAD + b"<result a='" + b"x" * 3_000_000,
    ],
    ids=lambda b: b[:30],
)
def test_what_is_no_result_in_xml_is_refused_quickly(body: bytes) -> None:
    """Entities, document types, deep nesting, other documents."""
    with a_minute_of_work(), pytest.raises(Malformed):
        got(XML, body)


def test_rows_in_xml_are_counted_as_they_come() -> None:
    """An endless answer is left at the bound, not at its end."""

    def endless() -> Iterator[bytes]:
        yield XML_HEAD
        while True:
            yield b"<result/>"

    with pytest.raises(TooMany):
        read(XML, endless(), WANTED)


@pytest.mark.parametrize("media_type", ["", "text/html", "application/json", "text/xml", "text/csv", JSON + "x"])
def test_other_formats_are_not_read(media_type: str) -> None:
    """Only the two that were asked for."""
    with pytest.raises(Malformed):
        got(media_type, json_of())


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda t: HEAD + t.encode("utf-8", "replace")))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    """Nothing else happens."""
    for media_type in (JSON, XML):
        try:
            got(media_type, body, size=7)
        except (Malformed, TooMany):
            continue


def test_blank_nodes_are_named_and_other_columns_left_out() -> None:
    """Columns that were not asked for are not looked at."""
    body = json_of({"a": {"type": "bnode", "value": "b0"}, "z": {"type": "nonsense"}})
    assert got(JSON, body) == [(ox.NamedNode("urn:blank:2"), None)]
