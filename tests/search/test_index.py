"""The index finds what people type, in German, and follows every change."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stadtgraph.errors import QueryRefused, QuerySyntaxError, StoreError
from stadtgraph.search import Document, Hit, Index, build, expand, update

THINGS = [
    Document("https://e/register", ("Baumkataster", "Tree register"), ("Alle Bäume der Stadt <Jena> & Umgebung.",)),
    Document("https://e/town", ("Stadtbäume",), ("Liste",)),
    Document("https://e/tree", ("Baum 12",), ("Magdelstieg 5",)),
    Document("https://e/road", ("Löbstedter Straße",), ("07749",)),
    Document("https://e/tram", ("Straßenbahn 1: Lobeda-West – Zwätzen",), ()),
]


@pytest.fixture
def index(tmp_path: Path) -> Index:
    """An index of five things."""
    build(tmp_path / "public.db", THINGS)
    return Index(tmp_path / "public.db")


@pytest.mark.parametrize(
    ("text", "first", "all_found"),
    [
        ("baum", "tree", {"tree", "town", "register"}),
        ("Bäume", "tree", {"tree", "town", "register"}),
        ("BAEUME stadt", "town", {"register", "town"}),
        ("strasse", "road", {"road", "tram"}),
        ("Loebstedter", "road", {"road"}),
        ("strassenbahn zwaetzen", "tram", {"tram"}),
        ("Baumkatatser", "register", {"register"}),
        ("magdelstieg 5", "tree", {"tree"}),
        ("tree", "register", {"register"}),
        ("07749", "road", {"road"}),
        ("Baum Straßenbahn", None, set()),
        ("qqqqqq", None, set()),
        ("", None, set()),
        ('") OR names:* --', None, set()),
    ],
)
def test_people_find_what_they_type(index: Index, text: str, first: str | None, all_found: set[str]) -> None:
    """Stems, umlauts in any writing, compounds, a slip of the keys; every word must be there."""
    hits = index.search(text)
    assert {hit.iri.removeprefix("https://e/") for hit in hits} == all_found
    assert not hits or hits[0].iri == f"https://e/{first}"


def test_the_snippet_is_text_around_the_word(index: Index) -> None:
    """And safe on a page."""
    hit = next(h for h in index.search("umgebung"))
    assert "Umgebung" in hit.snippet and "&lt;Jena&gt;" in hit.html and hit.name == "Baumkataster"


def test_a_limit_and_an_offset_page_through(index: Index) -> None:
    """No hit twice, none left out."""
    every = index.search("baum")
    assert [index.search("baum", 1, i)[0] for i in range(3)] == every


def test_what_is_no_index_is_a_clear_error(tmp_path: Path) -> None:
    """An absent one finds nothing."""
    assert Index(tmp_path / "none.db").search("x") == []
    (tmp_path / "broken.db").write_bytes(b"no index" * 1000)
    with pytest.raises(StoreError, match="stadtgraph build"):
        Index(tmp_path / "broken.db").search("x")


texts = st.lists(st.sampled_from(["Baum", "Bäume", "Stadt", "Amt", "Jena", "Linde 5"]), max_size=3).map(" ".join)
things = st.builds(
    Document,
    st.sampled_from([f"https://e/{i}" for i in range(5)]),
    st.lists(texts.filter(bool), min_size=1, max_size=2, unique=True).map(tuple),
    st.lists(texts, max_size=2).map(tuple),
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(things, max_size=5), st.lists(st.tuples(st.integers(0, 4), st.none() | things), max_size=6), texts)
def test_an_index_kept_up_to_date_is_one_made_anew(
    tmp_path: Path, first: list[Document], changes: list[tuple[int, Document | None]], text: str
) -> None:
    """The same hits in the same order with the same scores."""
    now = {d.iri: d for d in first}
    build(tmp_path / "kept.db", now.values())
    for number, thing in changes:
        iri = thing.iri if thing is not None else f"https://e/{number}"
        now.pop(iri, None)
        if thing is not None:
            now[iri] = thing
        update(tmp_path / "kept.db", [iri], [thing] if thing is not None else [])
    build(tmp_path / "new.db", now.values())
    assert Index(tmp_path / "kept.db").search(text) == Index(tmp_path / "new.db").search(text)


def hits(_text: str, limit: int) -> list[Hit]:
    """Give as many hits as are asked for, up to two, with signs that must not break a query."""
    return [Hit("https://e/1", "a", 2.5, 'say "}" \\ and go'), Hit("https://e/2", "b", 1, "c")][:limit]


def test_more_statements_than_eight_are_refused_before_any_is_looked_up() -> None:
    """Each takes work of the web process: a short text with hundreds of them took minutes."""
    asked: list[str] = []

    def search(text: str, _: int) -> list[Hit]:
        asked.append(text)
        return []

    statements = "".join(f'{{ ?s{i} sg:search "word" }} ' for i in range(9))
    with pytest.raises(QueryRefused) as caught:
        expand(f"SELECT * {{ {statements} }}", search)
    assert caught.value.params["bound"] == 8 and asked == []
    expand(f"SELECT * {{ {statements.partition('{ ?s8')[0]} }}", search)
    assert len(asked) == 8


def test_statements_are_replaced_by_their_hits() -> None:
    """One, two or three variables; with and without a bound; the prefix as declared, or the IRI."""
    one = expand('SELECT * { ?t sg:search ("x" 1) . ?t a sg:Tree }', hits)
    assert one == "SELECT * { VALUES (?t) { (<https://e/1>) }  ?t a sg:Tree }"
    three = expand("PREFIX q: <https://w3id.org/stadtgraph/ns#> SELECT * { (?t ?s ?x) q:search 'x' }", hits)
    assert three.count("VALUES (?t ?s ?x)") == 1 and 'say \\"}\\" \\\\ and go' in three
    full = expand('SELECT * { ?t <https://w3id.org/stadtgraph/ns#search> """x""" }', hits)
    assert "https://e/2" in full


@pytest.mark.parametrize(
    "query",
    [
        'SELECT * { ?t a sg:Tree ; sg:search "x" }',
        "SELECT * { ?t sg:search ?x }",
        'SELECT * { ?t sg:search ("x" 1001) }',
        'SELECT * { ?t sg:search ("x" 0) }',
        'SELECT * { (?a ?b ?c ?d) sg:search "x" }',
        'SELECT * { () sg:search "x" }',
        'SELECT * { <https://e/1> sg:search "x" }',
        'SELECT * { ?t sg:search "x" , "y" }',
    ],
)
def test_a_statement_of_another_form_is_refused_with_its_place(query: str) -> None:
    """Line and column, and how it is written."""
    with pytest.raises(QuerySyntaxError, match="line 1, column"):
        expand(query, hits)


@pytest.mark.parametrize("query", ['SELECT * { ?s ?p "sg:search" }', "SELECT * { ?s ex:search ?o } # sg:search", "{{{"])
def test_other_queries_stay_as_they_are(query: str) -> None:
    """A word in a string or a comment is no statement."""
    assert expand(query, hits) == query
