"""Accountable answers in a city: from Python and over HTTP, for whole answers and single rows, per view."""

from __future__ import annotations

import json

import pytest
from flask.testing import FlaskClient
from pyoxigraph import NamedNode

from stadtgraph.errors import QueryRefused
from stadtgraph.release import View
from stadtgraph.web.app import create_app
from town import Town

SOURCES = """
[[source]]
name = "units"
title = { de = "Einheiten", en = "Units" }
domain = "governance"
kind = "file"
visibility = "public"
path = "units.ttl"
licence = "https://www.govdata.de/dl-de/by-2-0"
attribution = "Stadt Musterstadt"
dataset = "id/dataset/units"

[[source]]
name = "trees"
title = { de = "Bäume", en = "Trees" }
domain = "city"
kind = "file"
visibility = "public"
file = "trees.csv"
mapping = "trees.rq"

[[source]]
name = "plans"
title = { de = "Pläne", en = "Plans" }
domain = "city"
kind = "file"
visibility = "restricted"
file = "plans.csv"
mapping = "plans.rq"
"""
UNITS = """
@prefix ex: <https://town.example/ns#> . @prefix sg: <https://w3id.org/stadtgraph/ns#> .
@prefix prov: <http://www.w3.org/ns/prov#> . @prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix dct: <http://purl.org/dc/terms/> .
<id/unit/a> a ex:Unit ; ex:name "Amt A"@de ; ex:partOf <id/unit/b> .
<id/unit/b> a ex:Unit ; ex:name "Amt B"@de ; ex:partOf <id/unit/c> .
<id/unit/c> a ex:Unit ; ex:name "Stadt"@de .
<id/dataset/units> dct:modified "2026-01-01"^^<http://www.w3.org/2001/XMLSchema#date> .
<id/responsibility/1> sg:for <id/dataset/units> ; prov:agent <id/post/1> ; sg:raci sg:accountable .
<id/post/1> skos:prefLabel "Datenmanagement"@de .
"""
PREFIX = "PREFIX ex: <https://town.example/ns#> "


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """A town of units with a licence and a post, trees without, and restricted plans."""
    made = Town(tmp_path_factory.mktemp("town"))
    (made.data / "sources.toml").write_text(SOURCES)
    (made.data / "units.ttl").write_text(UNITS)
    made.plans()
    made.build()
    return made


@pytest.fixture
def client(town: Town) -> FlaskClient:
    """Anybody."""
    return create_app(town.city, testing=True).test_client()


def test_an_answer_names_who_answers_for_it(town: Town) -> None:
    """Dataset, post, licence with attribution, day of change and release."""
    with town.city as city:
        found = city.sources_of(PREFIX + "SELECT ?n { ?u ex:name ?n }")
        (graph,) = found["graphs"]
        assert found["release"] == city.releases.current_id() and found["exact"]
    assert graph["source"] == "units" and graph["needed"] and graph["modified"] == "2026-01-01"
    assert graph["responsible"][0]["name"] == "Datenmanagement"
    assert found["licence"]["licence"] == "https://www.govdata.de/dl-de/by-2-0"
    assert found["licence"]["attribution"] == ["Stadt Musterstadt"]


def test_an_unknown_licence_makes_the_whole_unknown(town: Town) -> None:
    """And says whose it is."""
    with town.city as city:
        found = city.sources_of(PREFIX + "SELECT * { { ?u ex:name ?n } UNION { ?t ex:height ?h } }")
    assert {g["source"] for g in found["graphs"]} == {"units", "trees"}
    assert found["licence"]["licence"] is None and found["licence"]["unknown"] == ["trees"]
    assert "trees" in found["licence"]["reason"]["de"]


def test_inferred_statements_are_traced_to_their_premises(town: Town) -> None:
    """A is part of C because a register says that it is part of B."""
    with town.city as city:
        found = city.sources_of(PREFIX + "ASK { <id/unit/a> ex:partOf <id/unit/c> }")
        plants = city.sources_of(PREFIX + "SELECT * { ?t a ex:Plant }")
    assert [(g["source"], g["by"]) for g in found["graphs"]] == [("units", ["inference"])]
    assert [g["source"] for g in plants["graphs"]] == ["trees"]


def test_what_is_restricted_is_behind_answers_of_insiders_alone(town: Town) -> None:
    """The public account does not know of it."""
    query = PREFIX + "SELECT * { ?t a ex:Tree }"
    with town.city as city:
        assert "plans" not in str(city.sources_of(query))
        assert "plans" in str(city.sources_of(query, view=View.INTERNAL))


def test_one_row_is_accounted_for_by_itself(town: Town) -> None:
    """Of a union of two sources, the row's own."""
    query = PREFIX + "SELECT * { { ?x ex:name ?n } UNION { ?x ex:height ?n } }"
    with town.city as city:
        row = {"x": NamedNode("https://town.example/id/unit/a")}
        assert [g["source"] for g in city.sources_of(query, solution=row)["graphs"]] == ["units"]


def test_the_endpoint_gives_the_same_account(town: Town, client: FlaskClient) -> None:
    """By GET and POST, with a row, with a tag."""
    query = PREFIX + "SELECT * { { ?x ex:name ?n } UNION { ?x ex:height ?n } }"
    with town.city as city:
        whole = city.sources_of(query)
    answer = client.get("/sparql/sources", query_string={"query": query})
    assert answer.status_code == 200 and answer.get_json() == whole
    assert client.post("/sparql/sources", data={"query": query}).get_json() == whole
    again = client.get(
        "/sparql/sources", query_string={"query": query}, headers={"If-None-Match": answer.headers["ETag"]}
    )
    assert again.status_code == 304
    row = json.dumps({"x": "<https://town.example/id/unit/a>"})
    one = client.get("/sparql/sources", query_string={"query": query, "solution": row}).get_json()
    assert [g["source"] for g in one["graphs"]] == ["units"]


@pytest.mark.parametrize(
    "solution", ["x", "[]", '{"x": 1}', '{"x": "<a"}', '{"x": "<a> <b>"}', '{"?": "<https://e/>"}', "[" * 9000]
)
def test_a_wrong_row_is_told(client: FlaskClient, solution: str) -> None:
    """As a problem document that says what is expected."""
    answer = client.get("/sparql/sources", query_string={"query": "ASK {}", "solution": solution})
    assert answer.status_code == 400 and answer.get_json()["type"]


def test_accounts_count_against_the_share_of_their_caller(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has used up the seconds of workers gets no more of them here either."""
    monkeypatch.setenv("STADTGRAPH_FAIRNESS_SECONDS", "0.000001")
    client = create_app(town.city, testing=True).test_client()
    first = client.get("/sparql/sources", query_string={"query": "ASK { ?s ?p ?o }"})
    second = client.get("/sparql/sources", query_string={"query": "ASK { ?a ?b ?c }"})
    assert (first.status_code, second.status_code) == (200, 429)


def test_wrong_queries_are_told_as_at_the_endpoint(client: FlaskClient) -> None:
    """Malformed, missing, or asking others."""
    assert client.get("/sparql/sources").status_code == 400
    assert client.get("/sparql/sources", query_string={"query": "SELECT"}).status_code == 400
    others = client.get("/sparql/sources", query_string={"query": "SELECT * { SERVICE <https://e/> { ?s ?p ?o } }"})
    assert others.status_code in (400, 403)


def test_from_python_too(town: Town) -> None:
    """A query that asks others is refused with the reason."""
    with town.city as city, pytest.raises(QueryRefused):
        city.sources_of("SELECT * { << ?a ?b ?c >> ?p ?o }")
