"""Questions that aim at a secret: answered as questions about what does not exist, whoever asked before."""

from __future__ import annotations

import gzip
import logging
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pyoxigraph as ox
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from stadtgraph.release import View
from vault import BASE, MARK, NUMBER, OTHER, SAMPLES, Seen, Vault, seen

GRAPH = f"{BASE}graph/source/{MARK}-secrets"
MINE = f"{BASE}graph/source/mine"
WRITTEN = f"{BASE}graph/written/{MARK}-secrets"
PLAN = f"<id/{MARK}-plan>"
SG = "PREFIX sg: <https://w3id.org/stadtgraph/ns#> "
NS = "PREFIX ex: <https://town.example/ns#> PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#> "
QUERIES = {
    "from": f"SELECT * FROM <{GRAPH}> {{ ?s ?p ?o }}",
    "from beside another": f"SELECT * FROM <{GRAPH}> FROM <graph/source/units> {{ ?s ?p ?o }} ORDER BY ?s ?p ?o",
    "from named": f"SELECT * FROM NAMED <{GRAPH}> {{ GRAPH ?g {{ ?s ?p ?o }} }}",
    "from named, asked by name": f"SELECT * FROM NAMED <{GRAPH}> {{ GRAPH <{GRAPH}> {{ ?s ?p ?o }} }}",
    "graph": f"SELECT * {{ GRAPH <{GRAPH}> {{ ?s ?p ?o }} }}",
    "an empty pattern in the graph": f"ASK {{ GRAPH <{GRAPH}> {{}} }}",
    "the written graph": f"ASK {{ GRAPH <{WRITTEN}> {{ ?s ?p ?o }} }}",
    "from the written graph": f"SELECT * FROM <{WRITTEN}> {{ ?s ?p ?o }}",
    "a filter over all graphs": f"SELECT ?g {{ GRAPH ?g {{}} FILTER(CONTAINS(STR(?g), '{MARK}')) }}",
    "exists": f"ASK {{ FILTER EXISTS {{ GRAPH <{GRAPH}> {{ ?s ?p ?o }} }} }}",
    "not exists": f"ASK {{ FILTER NOT EXISTS {{ {PLAN} ?p ?o }} }}",
    "describe": f"DESCRIBE {PLAN}",
    "describe from": f"DESCRIBE {PLAN} FROM <{GRAPH}>",
    "a subject": f"SELECT * {{ {PLAN} ?p ?o }}",
    "an object": f"SELECT * {{ ?s ?p <id/unit/{MARK}-unit> }}",
    "a predicate": f"{NS}SELECT * {{ ?s ex:{MARK}about ?o }}",
    "a class": f"{NS}ASK {{ ?s a ex:{MARK}Kind }}",
    "a literal": f'ASK {{ ?s ?p "Geheim {MARK} Wort"@de }}',
    "a number": f"ASK {{ ?s ?p {NUMBER} }}",
    "a path from": f"SELECT * {{ {PLAN} (<x:a>|!<x:a>)* ?o }}",
    "a path to": f"SELECT * {{ ?s (<x:a>|!<x:a>)+ {PLAN} }}",
    "a path of length zero": f"ASK {{ {PLAN} <x:a>* {PLAN} }}",
    "a path through": f"{NS}SELECT * {{ <id/unit/c> ex:partOf+ ?o }} ORDER BY ?o",
    "a subquery": f"SELECT * {{ {{ SELECT ?o {{ GRAPH <{GRAPH}> {{ ?s ?p ?o }} }} }} }}",
    "minus": f"SELECT (COUNT(*) AS ?n) {{ ?s ?p ?o MINUS {{ GRAPH <{GRAPH}> {{ ?s ?p ?o }} }} }}",
    "a construct": f"CONSTRUCT {{ ?s ?p ?o }} {{ GRAPH <{GRAPH}> {{ ?s ?p ?o }} }}",
    "a variable of a graph": f"SELECT * {{ VALUES ?g {{ <{GRAPH}> <{WRITTEN}> }} GRAPH ?g {{ ?s ?p ?o }} }}",
    "service to itself": f"SELECT * {{ SERVICE <http://localhost/sparql> {{ {PLAN} ?p ?o }} }}",
    "service to itself, silent": f"SELECT * {{ SERVICE SILENT <http://localhost/sparql> {{ {PLAN} ?p ?o }} }}",
    "service to the loopback": f"SELECT * {{ SERVICE <http://127.0.0.1:8000/sparql> {{ {PLAN} ?p ?o }} }}",
    "an unknown prefix": f"SELECT * {{ ?s {MARK}:p ?o }}",
    "a syntax error": f"SELECT * {{ ?s {MARK} }}",
    "full text": f"{SG}SELECT * {{ ?s sg:search 'Geheim {MARK}' }}",
    "full text, the beginning of a word": f"{SG}SELECT * {{ (?s ?score) sg:search ('{MARK}*' 10) }}",
    "cells of a place": f"{SG}SELECT * {{ {PLAN} sg:inCell ?cell }}",
    "what is near a place": f"{SG}SELECT * {{ {PLAN} sg:inCell/sg:nearCell/^sg:inCell ?other }}",
    "a function": f"ASK {{ FILTER(<{GRAPH}>(1)) }}",
}
ALL_COUNTS = {
    "triples": "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }",
    "graphs": "SELECT ?g (COUNT(*) AS ?n) { GRAPH ?g { ?s ?p ?o } } GROUP BY ?g ORDER BY ?g",
    "classes": "SELECT ?c (COUNT(*) AS ?n) { ?s a ?c } GROUP BY ?c ORDER BY ?c",
    "predicates": "SELECT ?p (COUNT(*) AS ?n) { ?s ?p ?o } GROUP BY ?p ORDER BY ?p",
    "cells": f"{SG}SELECT ?s ?c {{ ?s sg:inCell ?c }} ORDER BY ?s ?c",
    "hits": f"{SG}SELECT ?s {{ ?s sg:search 'Amt' }} ORDER BY ?s",
    "inferences": f"{NS}SELECT ?a ?b {{ ?a ex:partOf ?b }} ORDER BY ?a ?b",
    "labels": "SELECT ?s ?l { ?s <http://www.w3.org/2000/01/rdf-schema#label> ?l } ORDER BY ?s ?l",
    "nameless nodes": "SELECT ?s ?p { ?s ?p ?o FILTER(CONTAINS(STR(?s), 'genid')) } ORDER BY ?s ?p",
}
ADDRESSES = {
    "protocol, default graph": f"/sparql?query=ASK%7B%3Fs%20%3Fp%20%3Fo%7D&default-graph-uri={quote(GRAPH, safe='')}",
    "protocol, named graph": f"/sparql?query=ASK%7BGRAPH%20%3Fg%7B%7D%7D&named-graph-uri={quote(GRAPH, safe='')}",
    "graph store": f"/graphs?graph={quote(GRAPH, safe='')}",
    "graph store, direct": f"/graph/source/{MARK}-secrets",
    "graph store, written": f"/graphs?graph={quote(WRITTEN, safe='')}",
    "release": f"/?release={MARK}",
    "example": f"/queries/labels?thing=id/{MARK}-plan",
    "example of an unknown name": f"/queries/{MARK}",
    "search": f"/search?q={MARK}",
    "sources of a query": f"/sparql/sources?query={quote(QUERIES['a subject'])}",
    "catalogue": f"/catalog.ttl?dataset={MARK}-set",
    "sources of a full text": f"/sparql/sources?query={quote(QUERIES['full text'])}",
    "why a secret holds": f"/sparql/explain?statement={quote(f'<id/{MARK}-plan> a <https://town.example/ns#Plant>')}",
    "why what follows from a secret holds": "/sparql/explain?statement="
    + quote(f"<id/unit/c> <https://town.example/ns#partOf> <id/unit/{MARK}-unit>"),
}
ADDRESSES |= {f"sample {address}": address for some in SAMPLES.values() for address in some if MARK in address}
WRITES = [
    ("PUT", f"/graphs?graph={quote(GRAPH, safe='')}", "text/turtle", b""),
    ("POST", f"/graphs?graph={quote(GRAPH, safe='')}", "text/turtle", b"<x:a> <x:a> <x:a> ."),
    ("DELETE", f"/graphs?graph={quote(GRAPH, safe='')}", "", b""),
    ("PATCH", f"/graphs?graph={quote(GRAPH, safe='')}", "application/sparql-update", b"CLEAR DEFAULT"),
    ("HEAD", f"/graphs?graph={quote(GRAPH, safe='')}", "", b""),
    ("PUT", f"/graph/source/{MARK}-secrets", "text/turtle", b""),
    *(
        ("POST", path, "application/sparql-update", text.encode())
        for path in ("/sparql", "/sparql/update")
        for text in (
            f"DROP GRAPH <{GRAPH}>",
            f"CLEAR GRAPH <{GRAPH}>",
            f"INSERT DATA {{ GRAPH <{GRAPH}> {{ <x:a> <x:b> <x:c> }} }}",
            f"INSERT {{ GRAPH <{MINE}> {{ ?s ?p ?o }} }} WHERE {{ GRAPH <{GRAPH}> {{ ?s ?p ?o }} }}",
            f"COPY <{GRAPH}> TO <{MINE}>",
            f"WITH <{GRAPH}> DELETE {{ ?s ?p ?o }} WHERE {{ ?s ?p ?o }}",
            f"DELETE WHERE {{ GRAPH <{GRAPH}> {{ ?s ?p ?o }} }}",
            f"INSERT {{ GRAPH <{MINE}> {{ ?s ?p ?o }} }} USING <{GRAPH}> WHERE {{ ?s ?p ?o }}",
            f"INSERT {{ GRAPH <{MINE}> {{ ?s ?p ?o }} }} USING NAMED <{GRAPH}> WHERE {{ GRAPH ?g {{ ?s ?p ?o }} }}",
            f"INSERT {{ GRAPH ?g {{ <x:a> <x:b> <x:c> }} }} WHERE {{ BIND(<{GRAPH}> AS ?g) }}",
            f"INSERT {{ GRAPH <{MINE}> {{ ?s ?p ?o }} }} WHERE {{ ?s ?p ?o FILTER(CONTAINS(STR(?o), '{MARK}')) }}",
            f"MOVE SILENT <{GRAPH}> TO <{MINE}>",
            f"ADD <{GRAPH}> TO <{MINE}>",
            f"CREATE GRAPH <{GRAPH}>",
        )
    ),
]


def asking(text: str, **more: str) -> str:
    """Give the address of a query."""
    return "/sparql?" + urlencode({"query": text, **more})


def renamed(answer: Seen) -> Seen:
    """Give an answer with the mark replaced: what is repeated of the question differs by it alone."""
    headers = tuple((name, value.replace(MARK, OTHER)) for name, value in answer.headers)
    return Seen(answer.status, headers, answer.body.replace(MARK, OTHER).replace(NUMBER, "918273646"))


def ask(client: FlaskClient, address: str, **headers: str) -> Seen:
    """Ask, and give what was seen."""
    return seen(client.get(address, headers=headers))


ACCEPTS = ("application/json", "text/html", "application/sparql-results+xml", "text/turtle")


@pytest.mark.parametrize("name", QUERIES)
@pytest.mark.parametrize("lang", ["de", "en"])
def test_a_query_about_a_secret_is_answered_as_one_about_nothing(client: FlaskClient, name: str, lang: str) -> None:
    """Status, headers, body and error are those of a name that never existed, in every format."""
    text = QUERIES[name]
    for accept in ACCEPTS:
        headers = {"Accept": accept, "Accept-Language": lang}
        secret = ask(client, asking(text), **headers)
        nothing = ask(client, asking(text.replace(MARK, OTHER).replace(NUMBER, "918273646")), **headers)
        assert renamed(secret) == nothing
        assert NUMBER not in secret.body.replace(text, "").replace(quote(text), "") or "number" in name


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_about_a_secret_finds_what_the_twin_finds(client: FlaskClient, other: FlaskClient, name: str) -> None:
    """Also in a release of the past, and by POST."""
    for more in ({}, {"release": "current"}):
        assert ask(client, asking(QUERIES[name], **more)) == ask(other, asking(QUERIES[name], **more))
    form = {"query": QUERIES[name]}
    assert seen(client.post("/sparql", data=form)) == seen(other.post("/sparql", data=form))


@pytest.mark.parametrize("name", ALL_COUNTS)
def test_every_count_is_that_of_a_town_without_secrets(client: FlaskClient, other: FlaskClient, name: str) -> None:
    """In every release that there is, for nothing of a secret is inferred or counted for the public."""
    releases = [
        [entry["id"] for entry in one.get("/releases?format=json").get_json()["releases"]] for one in (client, other)
    ]
    assert len(releases[0]) == len(releases[1]) == 3
    for mine, theirs in zip(*releases, strict=True):
        found = ask(client, asking(ALL_COUNTS[name], format="csv", release=mine))
        assert found == ask(other, asking(ALL_COUNTS[name], format="csv", release=theirs))


@pytest.mark.parametrize("name", ADDRESSES)
def test_an_address_of_a_secret_is_answered_as_one_of_nothing(client: FlaskClient, name: str) -> None:
    """By every method of reading, in every format."""
    address = ADDRESSES[name]
    for accept in ACCEPTS:
        for method in ("GET", "HEAD", "OPTIONS", "POST"):
            secret, nothing = (
                seen(client.open(a, method=method, headers={"Accept": accept}))
                for a in (address, address.replace(MARK, OTHER))
            )
            assert renamed(secret) == nothing


@pytest.mark.parametrize(("method", "path", "kind", "data"), WRITES)
@pytest.mark.parametrize("scopes", [(), ("write:mine",), ("audit",)])
def test_writing_to_a_secret_is_refused_as_writing_to_nothing(
    client: FlaskClient, vault: Vault, method: str, path: str, kind: str, data: bytes, scopes: tuple[str, ...]
) -> None:
    """Without a token, and with one for another source: the status does not tell whether the graph exists."""
    headers = vault.bearer(*scopes) if scopes else {}
    if kind:
        headers["Content-Type"] = kind
    before, found = (vault.city_folder / "current").read_text(), []
    for mark in (MARK, OTHER):
        body = data.decode().replace(MARK, mark).encode()
        found.append(seen(client.open(path.replace(MARK, mark), method=method, headers=headers, data=body)))
    assert renamed(found[0]) == found[1]
    assert (vault.city_folder / "current").read_text() == before, "something was changed"


SHARED = [
    asking(QUERIES["a filter over all graphs"]),
    asking("SELECT * { ?s ?p ?o }", format="tsv"),
    asking("SELECT * { ?s ?p ?o } LIMIT 1000", format="csv"),
    asking(ALL_COUNTS["triples"]),
    asking(QUERIES["describe"]),
    asking(QUERIES["from beside another"]),
    "/data/dataset/trees",
    "/page/dataset/trees",
    "/page/unit/green",
    "/void",
    "/sparql",
    "/",
    "/queries/labels?thing=id/dataset/trees",
    "/releases?format=json",
]
AUDITED = ["/audit", "/audit/report.json", "/audit/report.csv", "/audit/units/green"]


@pytest.mark.parametrize("address", [*SHARED, *AUDITED])
@pytest.mark.parametrize("first", ["internal", "public"])
@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_callers_share_no_cache(vault: Vault, address: str, first: str, coding: str, other: FlaskClient) -> None:
    """Whoever asks first; and nobody is told with another's ETag that nothing changed."""
    from stadtgraph.web import create_app

    with vault.city as city:
        client = create_app(city, testing=True).test_client(use_cookies=False)
        allowed = vault.bearer("read:internal", "audit")
        order = [allowed, {}] if first == "internal" else [{}, allowed]
        answers = [client.get(address, headers={**who, "Accept-Encoding": coding}) for who in order]
        internal, public = answers if first == "internal" else reversed(answers)
        _compare(client, address, coding, internal, public, allowed)
    expected = other.get(address, headers={"Accept-Encoding": coding})
    assert _sorted(seen(_unpacked(public))) == _sorted(seen(_unpacked(expected)))


def _compare(
    client: FlaskClient,
    address: str,
    coding: str,
    internal: TestResponse,
    public: TestResponse,
    allowed: dict[str, str],
) -> None:
    assert MARK not in _unpacked(public).text.replace(quote(MARK), "").lower() or MARK in address
    different = _unpacked(internal).data != _unpacked(public).data
    if different:
        assert internal.headers["ETag"] != public.headers["ETag"]
    for headers, tag in (({}, internal.headers["ETag"]), (allowed, public.headers["ETag"])):
        again = client.get(address, headers={**headers, "If-None-Match": tag, "Accept-Encoding": coding})
        assert again.status_code == 200 or not different
    assert "Authorization" in public.headers["Vary"] and "Authorization" in internal.headers["Vary"]
    assert "public" not in internal.headers["Cache-Control"]


def _sorted(answer: Seen) -> tuple[object, ...]:
    """Give an answer with its rows in order: an unsorted one comes in that of hashes, of release ids among others."""
    return answer.status, answer.headers, sorted(answer.body.splitlines())


def _unpacked(answer: TestResponse) -> TestResponse:
    if answer.headers.get("Content-Encoding") == "gzip":
        answer.data = gzip.decompress(answer.data)
        del answer.headers["Content-Encoding"]
    return answer


def test_what_the_internal_view_asks_leaves_nothing_in_logs_that_the_public_view_reads(
    vault_app: Flask, vault: Vault, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither in log lines nor in the counts of /metrics."""
    client, allowed = vault_app.test_client(use_cookies=False), vault.bearer("read:internal")
    with caplog.at_level(logging.DEBUG):
        for text in QUERIES.values():
            client.get(asking(text), headers=allowed)
        for address in ADDRESSES.values():
            client.get(address, headers=allowed)
    assert "Geheim" not in caplog.text and NUMBER not in caplog.text
    assert MARK not in client.get("/metrics").text


def test_no_public_file_holds_a_secret(vault: Vault) -> None:
    """Neither its bytes, packed or not, nor as a term of the public store; the internal one holds them all."""
    vault.check_public()
    with vault.city as city:
        internal = city.releases.require_current().engine(View.INTERNAL)
        assert internal.ask(f'ASK {{ ?s ?p "Geheim {MARK} Wort"@de }}')


def test_nothing_left_of_drafts_and_unions_holds_a_secret(
    vault_app: Flask, vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A union of graphs that an internal caller asked for lies in a folder that others cannot read."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    text = QUERIES["from beside another"]
    client = vault_app.test_client(use_cookies=False)
    assert MARK in client.get(asking(text), headers=vault.bearer("read:internal")).text
    for folder in tmp_path.iterdir():
        assert folder.stat().st_mode & 0o077 == 0
    assert MARK not in client.get(asking(text)).text.lower()
    for path in vault.city_folder.iterdir():
        assert path.name in ("releases", "current", "lock", "stadtgraph.toml", "tokens.json", "drafts"), path.name
    drafts = vault.city_folder / "drafts"
    assert not drafts.exists() or not list(drafts.iterdir())


INFERRED = [
    ("<id/unit/green>", "ex:partOf", "<id/unit/roads>"),
    ("<id/unit/c>", "ex:partOf", "<id/unit/roads>"),
    ("<id/unit/a>", "ex:partOf", "<id/unit/roads>"),
    ("<id/unit/a>", "ex:near", "<id/unit/roads>"),
]


@pytest.mark.parametrize("triple", INFERRED, ids=lambda t: f"{t[0]}{t[2]}")
def test_what_follows_from_a_secret_is_as_secret(client: FlaskClient, vault: Vault, triple: tuple[str, ...]) -> None:
    """Also where subject, predicate and object are public."""
    text = NS + f"ASK {{ {' '.join(triple)} }}"
    headers: dict[str, Any] = {"Accept": "application/json"}
    assert client.get(asking(text), headers=headers).get_json()["boolean"] is False
    allowed = headers | vault.bearer("read:internal")
    assert client.get(asking(text), headers=allowed).get_json()["boolean"] is True


def test_a_nameless_node_of_a_secret_has_no_guessable_name(client: FlaskClient, vault: Vault) -> None:
    """Its name is a hash; asking for it is like asking for any other."""
    with vault.city as city:
        engine = city.releases.require_current().engine(View.INTERNAL)
        found = engine.query("SELECT ?n { ?s <https://town.example/ns#near> ?n FILTER(CONTAINS(STR(?n), 'genid')) }")
        assert isinstance(found, ox.QuerySolutions)
        node = next(iter(found))["n"].value
    answer = client.get(asking(f"DESCRIBE <{node}>", format="nt"))
    assert answer.status_code == 200 and answer.text == ""
    assert client.get("/" + node.removeprefix(BASE)).status_code == 404
