"""Updates by a caller who reads secrets and writes what is public: they bring nothing of the one into the other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from stadtgraph.web import create_app
from vault import BASE, MARK, NUMBER, Vault

GRAPH, MINE = f"{BASE}graph/source/{MARK}-secrets", f"{BASE}graph/source/mine"
INTO, ALL = f"INSERT {{ GRAPH <{MINE}> {{ ?s ?p ?o }} }}", "WHERE { GRAPH ?g { ?s ?p ?o } }"
COPIES = {
    "copy": f"COPY <{GRAPH}> TO <{MINE}>",
    "move silently": f"MOVE SILENT <{GRAPH}> TO <{MINE}>",
    "add": f"ADD <{GRAPH}> TO <{MINE}>",
    "where": f"{INTO} WHERE {{ GRAPH <{GRAPH}> {{ ?s ?p ?o }} }}",
    "where, disguised": f"BASE <{BASE}graph/source/> {INTO} WHERE {{ graph#\n<{MARK}-secrets> {{ ?s ?p ?o }} }}",
    "any graph": f"{INTO} {ALL}",
    "any graph of values": f"{INTO} WHERE {{ VALUES ?g {{ <{GRAPH}> }} GRAPH ?g {{ ?s ?p ?o }} }}",
    "using": f"{INTO} USING <{GRAPH}> WHERE {{ ?s ?p ?o }}",
    "using several": f"{INTO} USING <{GRAPH}> USING <{BASE}graph/source/units> WHERE {{ ?s ?p ?o }}",
    "using named": f"{INTO} USING NAMED <{GRAPH}> {ALL}",
    "with": f"WITH <{GRAPH}> {INTO} WHERE {{ ?s ?p ?o }}",
    "a subquery": f"{INTO} WHERE {{ {{ SELECT * {ALL} }} }}",
    "exists": f"INSERT {{ GRAPH <{MINE}> {{ <urn:x> <urn:{MARK}> 1 }} }} "
    f"WHERE {{ FILTER EXISTS {{ GRAPH ?g {{ ?s ?p {NUMBER} }} }} }}",
    "a count": f"INSERT {{ GRAPH <{MINE}> {{ <urn:x> <urn:n> ?n }} }} WHERE {{ SELECT (MAX(?o) AS ?n) {ALL} }}",
    "names of graphs": f"INSERT {{ GRAPH <{MINE}> {{ ?g <urn:n> 1 }} }} {ALL}",
    "a graph that a variable names": "INSERT { GRAPH ?t { ?s ?p ?o } } "
    f"WHERE {{ BIND(<{MINE}> AS ?t) GRAPH ?g {{ ?s ?p ?o }} }}",
    "the second operation": f"INSERT DATA {{ GRAPH <{MINE}> {{ <urn:a> <urn:b> 1 }} }} ; {INTO} {ALL}",
    "what was inferred": f"{INTO} WHERE {{ GRAPH <{BASE}graph/inferred> {{ ?s ?p ?o }} }}",
    "what was audited": f"{INTO} WHERE {{ GRAPH <{BASE}graph/audit> {{ ?s ?p ?o }} }}",
    "as written": f"{INTO} WHERE {{ GRAPH <{BASE}graph/written/{MARK}-secrets> {{ ?s ?p ?o }} }}",
}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Vault:
    """A town with secrets that is written to."""
    return Vault(tmp_path_factory.mktemp("written"), secret=True)


@pytest.fixture(scope="module")
def writer(own: Vault) -> Iterator[FlaskClient]:
    """Its application."""
    with own.city as city:
        yield create_app(city, testing=True).test_client(use_cookies=False)


@pytest.mark.parametrize("name", COPIES)
def test_an_update_brings_nothing_restricted_into_a_public_graph(own: Vault, writer: FlaskClient, name: str) -> None:
    """Neither as triples nor as what follows from them; afterwards no public file of any release holds a secret."""
    headers = {**own.bearer("read:internal", "write:mine"), "Content-Type": "application/sparql-update"}
    answer = writer.post("/sparql/update", data=COPIES[name], headers=headers)
    assert answer.status_code in (204, 403, 409), answer.text
    told = writer.get("/graphs", query_string={"graph": MINE}, headers={"Accept": "application/n-triples"}).text
    assert MARK not in told.lower() and NUMBER not in told


def test_no_public_file_holds_a_secret_after_all_updates(own: Vault, writer: FlaskClient) -> None:
    """Every update once more, then every byte of every release."""
    headers = {**own.bearer("read:internal", "write:mine"), "Content-Type": "application/sparql-update"}
    for text in COPIES.values():
        writer.post("/sparql/update", data=text, headers=headers)
    own.check_public()


def test_without_a_restricted_graph_named_the_update_does_what_the_public_view_gives(
    own: Vault, writer: FlaskClient
) -> None:
    """A caller who reads secrets gets the same into a public graph as one who does not."""
    found = []
    for scopes in (("write:mine",), ("read:internal", "write:mine")):
        headers = {**own.bearer(*scopes), "Content-Type": "application/sparql-update"}
        above = f"GRAPH ?g {{ ?s <{BASE}ns#partOf> ?o }} FILTER(STRENDS(STR(?g), '/units'))"
        copied = f"INSERT {{ GRAPH <{MINE}> {{ ?s <urn:in> ?o }} }} WHERE {{ {above} }}"
        text = f"DROP SILENT GRAPH <{MINE}> ; {copied}"
        assert writer.post("/sparql/update", data=text, headers=headers).status_code == 204
        told = writer.get("/graphs", query_string={"graph": MINE}, headers={"Accept": "application/n-triples"}).text
        found.append(set(told.splitlines()))
    assert found[0] == found[1] and len(found[0]) > 1
