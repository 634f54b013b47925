"""Full text in a city: per view, in queries of every kind, and gone with what was withdrawn."""

from __future__ import annotations

from pathlib import Path

import pytest

from stadtgraph.errors import QuerySyntaxError
from stadtgraph.query import plan
from stadtgraph.release import View
from stadtgraph.sparql import protocol
from stadtgraph.web.app import create_app
from town import SECRET, Town

LABELLED = """
@prefix ex: <https://town.example/ns#> . @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
<id/unit/a> a ex:Unit ; ex:name "A" ; rdfs:label "{label}"@de ; rdfs:comment "Pflegt die Bäume."@de .
<id/unit/b> a ex:Unit ; ex:name "B" ; rdfs:label "Ordnungsamt"@de .
"""


@pytest.fixture
def town(tmp_path: Path) -> Town:
    """A town with named units and a restricted plan."""
    made = Town(tmp_path)
    (made.data / "units.ttl").write_text(LABELLED.format(label="Grünflächenamt"))
    made.plans()
    made.build()
    return made


def test_the_index_follows_the_releases(town: Town) -> None:
    """What is renamed is found by its new name; an older release by its old one."""
    first = town.build()
    (town.data / "units.ttl").write_text(LABELLED.format(label="Gartenamt"))
    town.build()
    with town.city as city:
        assert [h.name for h in city.search("garten")] == ["Gartenamt"]
        assert city.search("gruenflaechen") == []
        assert [h.name for h in city.search("grünflächen", release=first)] == ["Grünflächenamt"]
        assert [h.name for h in city.search("baum")] == ["Gartenamt"]


def test_restricted_texts_are_found_by_insiders_alone(town: Town) -> None:
    """No byte of them is in the public index."""
    with town.city as city:
        assert city.search("Geheimplan") == []
        assert len(city.search("Geheimplan", view=View.INTERNAL)) == 1
        release = city.releases.require_current()
    assert SECRET.casefold().encode() not in (release.path / "search.db").read_bytes().lower()


def test_queries_use_the_index(town: Town) -> None:
    """In process, by the command line's way and over HTTP, joined with other patterns."""
    query = 'SELECT ?t ?snippet { (?t ?score ?snippet) sg:search "baum" . ?t a <https://town.example/ns#Unit> }'
    with town.city as city:
        assert [row["t"].value for row in city.query(query)] == ["https://town.example/id/unit/a"]
        with pytest.raises(QuerySyntaxError):
            city.query("SELECT * { ?t sg:search ?x }")
        client = create_app(city, testing=True).test_client()
        declared = f"PREFIX sg: <https://w3id.org/stadtgraph/ns#> {query}"
        for _ in range(2):
            answer = client.get("/sparql", query_string={"query": declared}, headers={"Accept": "text/csv"})
            assert answer.status_code == 200 and "unit/a" in answer.get_data(as_text=True)
        wrong = client.get("/sparql", query_string={"query": declared.replace('"baum"', "?x")})
        assert wrong.status_code == 400 and wrong.get_json()["type"]


def test_the_loop_of_the_server_looks_nothing_up() -> None:
    """It serves every connection of a process: a query with full text takes a thread."""
    for text, is_simple in (("ASK { ?s ?p ?o }", True), ('SELECT * { ?s sg:search "baum" }', False)):
        asked = protocol.read("POST", b"", "application/sparql-query", f"PREFIX sg: <urn:> {text}".encode())
        assert plan(asked, "https://town.example/").is_simple is is_simple


def test_what_is_withdrawn_is_no_longer_found(town: Town) -> None:
    """In no release."""
    with town.city as city:
        city.withdraw("https://town.example/graph/source/units")
        assert city.search("Ordnungsamt") == []
        for file in city.path.rglob("*.db"):
            assert b"ordnungsamt" not in file.read_bytes().lower()


def test_functions_on_geometries_work_in_the_workers(town: Town) -> None:
    """Behind the walls of the sandbox they find what they need."""
    query = """PREFIX sgf: <https://w3id.org/stadtgraph/fn#> PREFIX geo: <http://www.opengis.net/ont/geosparql#>
    SELECT (sgf:distance(?a, ?b) AS ?d)
    { VALUES (?a ?b) { ("POINT(11.5 50.9)"^^geo:wktLiteral "LINESTRING(11.6 50.9, 11.7 50.9)"^^geo:wktLiteral) } }"""
    with town.city as city:
        client = create_app(city, testing=True).test_client()
        answer = client.get("/sparql", query_string={"query": query}, headers={"Accept": "text/csv"})
    assert answer.status_code == 200 and 7000 < float(answer.get_data(as_text=True).split()[1]) < 7100
