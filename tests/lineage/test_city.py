"""Accountable answers in a city: from Python and over HTTP, for whole answers and single rows, per view."""

from __future__ import annotations

import json

import pytest
from flask.testing import FlaskClient
from pyoxigraph import NamedNode

from stadtgraph.errors import QueryError, QueryRefused
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
<id/responsibility/2> sg:for <id/dataset/units> ; prov:agent <id/post/2> ; sg:raci sg:accountable ;
    sg:validUntil "2020-12-31"^^<http://www.w3.org/2001/XMLSchema#date> .
<id/responsibility/3> sg:for <id/dataset/units> ; prov:agent <id/person/1> ; sg:raci sg:accountable .
<id/person/1> a <http://xmlns.com/foaf/0.1/Person> .
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


@pytest.fixture(scope="module")
def client(town: Town) -> FlaskClient:
    """Anybody."""
    return create_app(town.city, testing=True).test_client()


def test_an_answer_names_who_answers_for_it(town: Town) -> None:
    """Dataset, post, licence with attribution, day of change and release."""
    with town.city as city:
        found = city.sources(PREFIX + "SELECT ?n { ?u ex:name ?n }")
        (graph,) = found["graphs"]
        assert found["release"] == city.releases.current_id() and found["exact"]
    assert graph["source"] == "units" and graph["needed"] and graph["modified"] == "2026-01-01"
    assert [agent["name"] for agent in graph["responsible"]] == ["Datenmanagement"]
    assert found["licence"]["licence"] == "https://www.govdata.de/dl-de/by-2-0"
    german, english = (found["licence"]["attribution"][lang] for lang in ("de", "en"))
    assert german.startswith(
        "Quellen: Stadt Musterstadt: Einheiten, https://town.example/id/dataset/units, Datenlizenz"
    )
    assert "https://www.govdata.de/dl-de/by-2-0" in german and "Units" in english and "selected" in english


def test_an_unknown_licence_makes_the_whole_unknown(town: Town) -> None:
    """And says whose it is."""
    with town.city as city:
        found = city.sources(PREFIX + "SELECT * { { ?u ex:name ?n } UNION { ?t ex:height ?h } }")
    assert {g["source"] for g in found["graphs"]} == {"units", "trees"}
    assert found["licence"]["licence"] is None and found["licence"]["unknown"] == ["trees"]
    assert "trees" in found["licence"]["reason"]["de"]


def test_a_search_rests_on_what_the_index_read(town: Town) -> None:
    """The hits' names, and no other source's; and a joined pattern's."""
    search = '?x <https://w3id.org/stadtgraph/ns#search> "Datenmanagement"'
    with town.city as city:
        alone = city.sources(f"SELECT * {{ {search} }}")
        joined = city.sources(PREFIX + f"SELECT * {{ {search} . ?r <http://www.w3.org/ns/prov#agent> ?x }}")
    assert [(g["source"], g["by"], g["needed"]) for g in alone["graphs"]] == [("units", ["search"], True)]
    assert [(g["source"], g["by"]) for g in joined["graphs"]] == [("units", ["data", "search"])]


def test_what_a_sub_query_counts_is_data_behind_the_answer(town: Town) -> None:
    """Its licence is one of the answer's, too."""
    query = PREFIX + "SELECT * { { SELECT (COUNT(?t) AS ?n) { ?t ex:height ?h } } ?u ex:name ?name }"
    with town.city as city:
        found = city.sources(query)
    assert {g["source"]: g["by"] for g in found["graphs"]} == {"trees": ["data"], "units": ["data"]}
    assert found["licence"]["unknown"] == ["trees"] and not found["exact"]


def test_only_the_graphs_of_from_are_looked_at(town: Town) -> None:
    """One, or several that are merged."""
    graphs = {name: f"FROM <https://town.example/graph/source/{name}>" for name in ("units", "trees")}
    where = "{ { ?x ex:name ?n } UNION { ?x ex:height ?n } }"
    with town.city as city:
        one = city.sources(PREFIX + f"SELECT * {graphs['units']} {where}")
        both = city.sources(PREFIX + f"SELECT * {graphs['units']} {graphs['trees']} {where}")
    assert [g["source"] for g in one["graphs"]] == ["units"]
    assert {g["source"] for g in both["graphs"]} == {"units", "trees"}


HOSTILE = [
    "SELECT * { ?s ?p ?o }",
    "SELECT * { ?t a ex:Tree }",
    "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }",
    "SELECT * { GRAPH ?g { ?t a ex:Tree } }",
    "SELECT * { GRAPH <graph/source/plans> { ?t a ex:Tree } }",
    "SELECT * FROM <graph/source/plans> { ?t a ex:Tree }",
    "SELECT * FROM NAMED <graph/source/plans> { GRAPH ?g { ?t a ex:Tree } }",
    "SELECT * { ?x ex:name ?n MINUS { ?x a ex:Tree } }",
    "SELECT * { ?x ex:name ?n FILTER NOT EXISTS { ?y a ex:Tree } }",
    "SELECT * { ?x ex:partOf* ?y }",
    "SELECT * { ?x !ex:name ?y }",
    "DESCRIBE ?t { ?t a ex:Tree }",
    "SELECT * { ?s ?p ?o OPTIONAL { ?s ex:height ?h } } LIMIT 3",
]


@pytest.mark.parametrize("query", HOSTILE)
def test_no_account_for_the_public_knows_of_restricted_graphs(town: Town, client: FlaskClient, query: str) -> None:
    """Whatever way a query looks at the data, and also where it names them; insiders are told."""
    answer = client.get("/sparql/sources", query_string={"query": PREFIX + query})
    assert answer.status_code == 200 and "plans" not in answer.get_data(as_text=True)
    with town.city as city:
        assert city.sources(PREFIX + query, view=View.INTERNAL)["release"]


def test_inferred_statements_are_traced_to_their_premises(town: Town) -> None:
    """A is part of C because a register says that it is part of B."""
    with town.city as city:
        found = city.sources(PREFIX + "ASK { <id/unit/a> ex:partOf <id/unit/c> }")
        plants = city.sources(PREFIX + "SELECT * { ?t a ex:Plant }")
    assert [(g["source"], g["by"]) for g in found["graphs"]] == [("units", ["inference"])]
    assert [g["source"] for g in plants["graphs"]] == ["trees"]


def test_what_is_restricted_is_behind_answers_of_insiders_alone(town: Town) -> None:
    """The public account does not know of it."""
    query = PREFIX + "SELECT * { ?t a ex:Tree }"
    with town.city as city:
        assert "plans" not in str(city.sources(query))
        assert "plans" in str(city.sources(query, view=View.INTERNAL))


def test_one_row_is_accounted_for_by_itself(town: Town) -> None:
    """Of a union of two sources, the row's own."""
    query = PREFIX + "SELECT * { { ?x ex:name ?n } UNION { ?x ex:height ?n } }"
    with town.city as city:
        row = {"x": NamedNode("https://town.example/id/unit/a")}
        assert [g["source"] for g in city.sources(query, solution=row)["graphs"]] == ["units"]


def test_the_endpoint_gives_the_same_account(town: Town, client: FlaskClient) -> None:
    """By GET and POST, with a row, with a tag."""
    query = PREFIX + "SELECT * { { ?x ex:name ?n } UNION { ?x ex:height ?n } }"
    with town.city as city:
        whole = city.sources(query)
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


def test_an_account_that_goes_too_far_ends_as_a_query_does(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the worker, after the seconds that queries have."""
    monkeypatch.setenv("STADTGRAPH_QUERY_SECONDS", "1")
    client = create_app(town.city, testing=True).test_client()
    far = " ".join(f"?a{n} ?b{n} ?c{n} ." for n in range(6)) + ' FILTER(CONCAT(STR(?a0), STR(?c5)) = "x")'
    answer = client.get("/sparql/sources", query_string={"query": f"SELECT * {{ {far} }}"})
    assert answer.status_code == 503, answer.get_data(as_text=True)


MALFORMED = [
    "SELECT",
    "SELECT * {\n  ?s ?p }",
    "SELECT * { ?s ?p ?o FILTER(?o > ) }",
    "SELECT * { ?s ?p ?o } ORDER BY",
    "SELECT * { ?s ?p ?o } ?s",
    "SELECT ?s (1 AS) { ?s ?p ?o }",
    "SELECT ?s (COUNT(*) AS ?n) { ?s ?p ?o }",
    "CONSTRUCT { ?s ?p } WHERE { ?s ?p ?o }",
    "SELECT * { ?s ?p ?o MINUS { ?s ?p } }",
    "SELECT * { ?s ?p <a b> }",
]


@pytest.mark.parametrize("query", [*MALFORMED, "SELECT * { ?s ?p ?o FILTER(<urn:unknown>(?o)) }"])
def test_wrong_queries_are_told_as_at_the_endpoint(town: Town, client: FlaskClient, query: str) -> None:
    """Wherever they are malformed, with line and column, or with the function that is not there; so in Python."""
    asked, told = (client.get(path, query_string={"query": query}) for path in ("/sparql", "/sparql/sources"))
    assert (asked.status_code, told.status_code) == (400, 400)
    expected = {name: value for name, value in asked.get_json().items() if name != "query"}
    assert {name: told.get_json().get(name) for name in expected} == expected
    assert query not in MALFORMED or {"line", "column"} <= expected.keys()
    with town.city as city, pytest.raises(QueryError) as raised:
        city.sources(query)
    assert raised.value.text("en") == expected["detail"]


def test_queries_that_cannot_be_followed_are_refused(client: FlaskClient) -> None:
    """Missing, asking others, or with triple terms."""
    assert client.get("/sparql/sources").status_code == 400
    others = client.get("/sparql/sources", query_string={"query": "SELECT * { SERVICE <https://e/> { ?s ?p ?o } }"})
    assert others.status_code in (400, 403)
    terms = client.get("/sparql/sources", query_string={"query": "SELECT * { << ?a ?b ?c >> ?p ?o }"})
    assert terms.status_code == 400 and terms.get_json()["type"].endswith("/lineage-unreadable")
    assert terms.get_json()["detail"][0].isupper()


def test_from_python_too(town: Town) -> None:
    """A query that asks others is refused with the reason."""
    with town.city as city, pytest.raises(QueryRefused):
        city.sources("SELECT * { << ?a ?b ?c >> ?p ?o }")
