"""Formats chosen by Accept and by parameters, as tables."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtgraph.sparql.negotiate import DOCUMENTS, GRAPHS, HTML, TABLES, choose, negotiate, ranges, wanted

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
WRAPPER = (
    "application/sparql-results+xml,application/rdf+xml,application/sparql-results+json,application/json,"
    "text/javascript,application/javascript"
)


@pytest.mark.parametrize(
    ("accept", "table", "graph", "page"),
    [
        (None, "json", "turtle", "turtle"),
        ("", "json", "turtle", "turtle"),
        ("*/*", "json", "turtle", "turtle"),
        (BROWSER, "xml", "rdfxml", "html"),
        ("text/csv", "csv", None, None),
        ("text/*", "csv", "turtle", "turtle"),
        ("application/json", "json", "jsonld", "jsonld"),
        ("application/xml", "xml", "rdfxml", "rdfxml"),
        ("text/plain", None, "ntriples", "ntriples"),
        ("application/n-triples", None, "ntriples", "ntriples"),
        ("text/csv;q=0.5, text/tab-separated-values", "tsv", None, None),
        ("text/csv;q=0, */*", "json", "turtle", "turtle"),
        ("*/*;q=0", None, None, None),
        ("image/png", None, None, None),
        ("image/png, */*;q=0.1", "json", "turtle", "turtle"),
        ("text/csv;q=nan", "csv", None, None),
        ("text/csv;q=nan, application/json;q=0.2", "json", "jsonld", "jsonld"),
        ("text/csv;q=-1, ;;;, /, a/, */*;q=2", "csv", "turtle", "turtle"),
        (";;;", "json", "turtle", "turtle"),
        ("TEXT/CSV", "csv", None, None),
        (WRAPPER, "json", "rdfxml", "rdfxml"),
        ("text/turtle;charset=utf-8;q=0.9, application/rdf+xml;q=0.8", None, "turtle", "turtle"),
    ],
)
def test_accept_chooses(accept: str | None, table: str | None, graph: str | None, page: str | None) -> None:
    """One header, three kinds of offers."""
    for offers, expected in ((TABLES, table), (GRAPHS, graph), ((*DOCUMENTS, HTML), page)):
        chosen = choose(accept, offers)
        assert (chosen.name if chosen else None) == expected


@pytest.mark.parametrize(
    ("parameter", "table", "graph"),
    [
        ("json", "json", "jsonld"),
        ("xml", "xml", "rdfxml"),
        ("csv", "csv", None),
        ("ttl", None, "turtle"),
        ("N3", None, "turtle"),
        ("nt", None, "ntriples"),
        ("application/sparql-results+json", "json", None),
        ("application/sparql-results json", "json", None),
        ("json-ld", None, "jsonld"),
        ("nonsense", None, None),
    ],
)
def test_the_format_parameter_chooses(parameter: str, table: str | None, graph: str | None) -> None:
    """Names and media types of common clients."""
    for offers, expected in ((TABLES, table), (GRAPHS, graph)):
        chosen = wanted(parameter, offers)
        assert (chosen.name if chosen else None) == expected


def test_the_client_gets_the_media_type_it_asked_for() -> None:
    """``application/json`` is answered as that; text formats say their charset."""
    choice = negotiate("application/json", TABLES)
    assert choice is not None and choice.content_type == "application/json"
    choice = negotiate("text/csv", TABLES)
    assert choice is not None and choice.content_type == "text/csv; charset=utf-8"


def test_a_header_with_ten_thousand_entries_is_read_in_part() -> None:
    """64 ranges of 8 KB at most."""
    assert len(ranges(",".join(["text/csv"] * 10_000))) == 64


@given(st.text(alphabet=st.sampled_from("abc/*+;,=q01. \"'\x00é")))
def test_no_accept_header_breaks_negotiation(accept: str) -> None:
    """Anything is read."""
    choose(accept, TABLES)
