"""SERVICE over HTTP: what callers get, what caches keep, what nobody can make this server ask."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pyoxigraph as ox
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from endpoints import Endpoint, endpoint
from listening import Talk, endless, listening, reply
from stadtgraph import City
from stadtgraph.access import Tokens
from stadtgraph.net import connection
from stadtgraph.web import create_app
from town import SECRET, Town

IRI = "https://example.org/sparql"
ROUND = "https://round.example/sparql"
NAMED = "https://named.example:8443/sparql"
INWARD = "https://inward.example/sparql"
UNITS = f"SELECT ?u ?l {{ ?u <https://town.example/ns#name> ?n SERVICE <{IRI}> {{ ?u <urn:label> ?l }} }} ORDER BY ?u"
LABELS = "".join(f"<https://town.example/id/unit/{u}> <urn:label> 'unit {u}' . " for u in "abcxyz")


@dataclass
class Site:
    """A city that may ask one endpoint, and some addresses that it must not ask."""

    town: Town
    client: FlaskClient
    other: Endpoint

    def ask(self, text: str, **headers: str) -> TestResponse:
        """Ask a query."""
        sent = {"Accept": "application/sparql-results+json", **{k.replace("_", "-"): v for k, v in headers.items()}}
        return self.client.get(f"/sparql?query={quote(text)}", headers=sent)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A town with a restricted source and an endpoint on this machine."""
    town = Town(tmp_path_factory.mktemp("federation"))
    town.plans()
    town.build()
    store = ox.Store()
    store.load(LABELS, format=ox.RdfFormat.TURTLE)
    with endpoint(store) as other, listening(reply(b"")) as trap:
        settings = town.city_folder / "stadtgraph.toml"
        services = [
            ("labels", IRI, other.address, True),
            ("inward", INWARD, other.address, False),
            ("named", NAMED, f"http://rebinding.example:{trap.port}/", False),
        ]
        text = "".join(
            f'[[federation.service]]\nname = "{name}"\niri = "{iri}"\naddress = "{address}"\n'
            f"private = {str(private).lower()}\n"
            for name, iri, address, private in services
        )
        settings.write_text(f"{settings.read_text()}\n[federation]\nseconds = 2.0\n{text}")
        with town.city as city:
            yield Site(town, create_app(city, testing=True).test_client(use_cookies=False), other)
        assert trap.connections == 0


def rows(answer: TestResponse) -> list[dict[str, str]]:
    """Give the rows of an answer."""
    assert answer.status_code == 200, answer.text
    return [{k: v["value"] for k, v in row.items()} for row in json.loads(answer.data)["results"]["bindings"]]


def test_an_answer_over_two_endpoints_names_them_and_is_not_kept(site: Site) -> None:
    """The other side may say something else in a second."""
    asked = len(site.other.queries)
    first, second = site.ask(UNITS), site.ask(UNITS)
    assert rows(first) == rows(second) == [{"u": f"https://town.example/id/unit/{u}", "l": f"unit {u}"} for u in "abc"]
    assert first.headers["Stadtgraph-Services"] == "labels"
    assert "Stadtgraph-Services" in first.headers["Access-Control-Expose-Headers"]
    assert first.headers["Cache-Control"] == "no-store"
    assert first.headers["ETag"] != second.headers["ETag"]
    assert len(site.other.queries) == asked + 2
    assert "Stadtgraph-Services" not in site.ask("ASK {}").headers


@pytest.mark.parametrize("accept", ["text/csv", "application/sparql-results+xml", "text/html"])
def test_every_format_can_have_it(site: Site, accept: str) -> None:
    """The page too."""
    answer = site.ask(UNITS, Accept=accept)
    assert answer.status_code == 200
    assert "unit a" in answer.text
    assert answer.headers["Stadtgraph-Services"] == "labels"


def test_the_dataset_of_the_request_holds_for_the_own_part(site: Site) -> None:
    """FROM and its parameter narrow the own data, not the other side."""
    graph = "https://town.example/graph/source/trees"
    assert rows(site.ask(UNITS.replace("{ ?u <https", f"FROM <{graph}> {{ ?u <https", 1))) == []
    everything = f"SELECT ?u {{ SERVICE <{IRI}> {{ ?u <urn:label> ?l }} }}"
    address = f"/sparql?query={quote(everything)}&default-graph-uri={quote(graph)}"
    assert len(rows(site.client.get(address, headers={"Accept": "application/sparql-results+json"}))) == 6


def test_the_service_description_names_the_endpoints(site: Site) -> None:
    """A client can see what it may ask for."""
    description = site.client.get("/sparql", headers={"Accept": "text/turtle"}).data
    found = {(q.predicate.value.rpartition("#")[2], q.object) for q in ox.parse(description, ox.RdfFormat.TURTLE)}
    assert ("feature", ox.NamedNode("http://www.w3.org/ns/sparql-service-description#BasicFederatedQuery")) in found
    assert ("endpoint", ox.NamedNode(IRI)) in found


@pytest.mark.parametrize("silent", ["", "SILENT "])
@pytest.mark.parametrize(
    ("service", "status", "key"),
    [
        ("https://elsewhere.example/sparql", 403, "federation-not-listed"),
        ("http://127.0.0.1:{port}/other", 403, "federation-not-listed"),
        ("http://localhost:{port}/sparql", 403, "federation-not-listed"),
        ("http://[::1]:{port}/sparql", 403, "federation-not-listed"),
        ("http://2130706433:{port}/sparql", 403, "federation-not-listed"),
        ("http://169.254.169.254/latest/meta-data/", 403, "federation-not-listed"),
        ("file:///etc/passwd", 403, "federation-not-listed"),
        (INWARD, 403, "federation-address"),
    ],
)
def test_what_may_not_be_asked_is_told_with_its_address(
    site: Site, silent: str, service: str, status: int, key: str
) -> None:
    """SILENT or not; nobody is contacted."""
    port = site.other.address.rpartition(":")[2].partition("/")[0]
    asked = len(site.other.queries)
    answer = site.ask(f"SELECT * {{ SERVICE {silent}<{service.format(port=port)}> {{ ?s ?p ?o }} }}")
    problem = json.loads(answer.data)
    assert (answer.status_code, problem["type"].rpartition("/")[2]) == (status, key)
    assert "stadtgraph.toml" in problem["detail"]
    assert len(site.other.queries) == asked


DISGUISED = [
    "SELECT * { SERVICE# <x>\n<http://127.0.0.1:{port}/sparql> {{ ?s ?p ?o }} }",
    "SELECT * { sErViCe<http://127.0.0.1:{port}/sparql>{{?s ?p ?o}} }",
    "SELECT * { SERVICE <http://127.0.0.1:{port}/sparq\\u006c> {{ ?s ?p ?o }} }",
    "BASE <http://127.0.0.1:{port}/> SELECT * { SERVICE <sparql> {{ ?s ?p ?o }} }",
    "PREFIX x: <http://127.0.0.1:{port}/> SELECT * { SERVICE x:sparql {{ ?s ?p ?o }} }",
    "PREFIX x: <http://127.0.0.1:{port}/> SELECT * { SERVICE SILENT x:sparql {{ ?s ?p ?o }} }",
    "SELECT * { VALUES ?v {{ <http://127.0.0.1:{port}/sparql> }} SERVICE ?v {{ ?s ?p ?o }} }",
    "SELECT * { BIND(IRI('http://127.0.0.1:{port}/sparql') AS ?v) SERVICE SILENT ?v {{ ?s ?p ?o }} }",
    "SELECT * { ?s ?p ?o LATERAL {{ SERVICE <http://127.0.0.1:{port}/sparql> {{ ?s ?p ?o }} }} }",
    "SELECT * { ?s ?p ?o LATERAL {{ BIND(IRI(CONCAT('http://127.0.0.1:{port}/', ?o)) AS ?v) SERVICE ?v {{ }} }} }",
    "SELECT * { FILTER EXISTS {{ SERVICE <http://127.0.0.1:{port}/sparql> {{ ?s ?p ?o }} }} }",
    "SELECT (EXISTS {{ SERVICE <http://127.0.0.1:{port}/sparql> {{ ?s ?p ?o }} }} AS ?b) { }",
    "SELECT * { ?s ?p ?o } HAVING (EXISTS {{ SERVICE <http://127.0.0.1:{port}/sparql> {{ ?s ?p ?o }} }})",
    "SELECT * { ?s ?p ?o MINUS {{ SERVICE <http://127.0.0.1:{port}/sparql> {{ ?s ?p ?o }} }} }",
    "SELECT * { {{ SELECT * {{ SERVICE <http://127.0.0.1:{port}/sparql> {{ ?s ?p ?o }} }} }} }",
    "SELECT * { SERVICE <" + IRI + "> {{ SERVICE <http://127.0.0.1:{port}/sparql> {{ ?s ?p ?o }} }} }",
    "LOAD <http://127.0.0.1:{port}/sparql>",
    "SELECT * { } ; LOAD SILENT <http://127.0.0.1:{port}/sparql>",
    "INSERT { ?s ?p ?o } WHERE { SERVICE <http://127.0.0.1:{port}/sparql> {{ ?s ?p ?o }} }",
]


@pytest.mark.parametrize("text", DISGUISED)
def test_no_disguise_makes_this_server_ask(site: Site, text: str) -> None:
    """Comments, escapes, base, prefixes, variables, LATERAL: a server that listens is never connected to."""
    with listening(reply(b"")) as trap:
        answer = site.ask(text.replace("{port}", str(trap.port)).replace("{{", "{").replace("}}", "}"))
        assert answer.status_code in (400, 403), answer.text
    assert trap.connections == 0


@pytest.mark.parametrize("path", ["/sparql/sources", "/sparql/update"])
def test_other_addresses_ask_nobody(site: Site, path: str) -> None:
    """Only a query is answered by others, not what is asked about a query, nor an update."""
    token = Tokens(site.town.city_folder).create(("admin",))[1]
    asked = len(site.other.queries)
    pattern = f"{{ SERVICE SILENT <{IRI}> {{ ?s ?p ?o }} }}"
    text = f"INSERT {{ ?s ?p ?o }} WHERE {pattern}" if path.endswith("update") else f"SELECT * {pattern}"
    body = {"update" if path.endswith("update") else "query": text}
    answer = site.client.post(path, data=body, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code in (400, 403), answer.text
    assert len(site.other.queries) == asked


@pytest.mark.parametrize("answer", [["127.0.0.1"], ["93.184.215.14", "127.0.0.1"], ["::ffff:127.0.0.1"], ["10.0.0.1"]])
def test_a_listed_name_that_leads_inside_is_not_asked(
    site: Site, monkeypatch: pytest.MonkeyPatch, answer: list[str]
) -> None:
    """Names are checked by where they lead, at each request."""
    monkeypatch.setattr(connection, "lookup", lambda _host, _port: answer)
    found = site.ask(f"SELECT * {{ SERVICE SILENT <{NAMED}> {{ ?s ?p ?o }} }}")
    assert (found.status_code, json.loads(found.data)["type"].rpartition("/")[2]) == (403, "federation-address")


JSON_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/sparql-results+json\r\n"
BAD: dict[str, Talk] = {
    "redirect inside": reply(b"", "Location: http://127.0.0.1:1999/", status="302 Found"),
    "redirect": reply(b"", "Location: https://example.com/", status="307 Temporary Redirect"),
    "error": reply(b"secret words", status="500 Internal Server Error"),
    "html": reply(b"<html>secret words</html>", "Content-Type: text/html"),
    "no type": reply(b'{"results":{"bindings":[]}}'),
    "cut": reply(b'{"results":', "Content-Type: application/sparql-results+json"),
    "silent": endless(b"", b"", 0.2),
    "slow head": endless(b"HTTP/1.1 200 OK\r\nX: ", b"x", 0.2),
    "slow body": endless(JSON_HEAD + b"\r\n{", b" ", 0.2),
}


@pytest.mark.parametrize("talk", BAD.values(), ids=BAD)
def test_a_failing_endpoint_is_a_502_and_silent_goes_on(site: Site, talk: Talk) -> None:
    """In time, and without a word of the other side."""
    with listening(talk) as bad, listening(reply(b"")) as trap, AskingOneMore(site.town, bad.address) as client:
        answer = client.get(f"/sparql?query={quote(f'SELECT * {{ SERVICE <{ROUND}> {{ ?s ?p ?o }} }}')}")
        assert answer.status_code == 502
        assert "secret" not in answer.text and "Traceback" not in answer.text
        address = f"/sparql?query={quote(f'SELECT * {{ SERVICE SILENT <{ROUND}> {{ ?s ?p ?o }} }}')}"
        silent = client.get(address, headers={"Accept": "application/sparql-results+json"})
        assert rows(silent) == [{}]
        assert silent.headers["Stadtgraph-Services"] == "round;failed"
    assert trap.connections == 0


@pytest.mark.parametrize("silent", ["", "SILENT "])
def test_an_endless_answer_is_refused(site: Site, silent: str) -> None:
    """It is left at the bound of bytes, which SILENT does not hide."""
    text = quote(f"SELECT * {{ SERVICE {silent}<{ROUND}> {{ ?s ?p ?o }} }}")
    talk = endless(JSON_HEAD + b"\r\n[", b"[" * 65536)
    with listening(talk) as bad, AskingOneMore(site.town, bad.address) as client:
        answer = client.get(f"/sparql?query={text}")
    assert (answer.status_code, json.loads(answer.data)["type"].rpartition("/")[2]) == (400, "federation-bytes")


class AskingOneMore:
    """A client of a second city, over the same data, that may ask one more address."""

    def __init__(self, town: Town, address: str) -> None:
        """Copy the settings of ``town``."""
        self.folder = town.city_folder.parent / f"city-{address.rpartition(':')[2].strip('/')}"
        shutil.copytree(town.city_folder, self.folder, symlinks=True)
        settings = self.folder / "stadtgraph.toml"
        service = f'[[federation.service]]\nname = "round"\niri = "{ROUND}"\naddress = "{address}"\nprivate = true\n'
        text = settings.read_text().replace("seconds = 2.0", "seconds = 0.7\nbytes = 1000000")
        settings.write_text(f"{text}\n{service}")
        self.city = City(self.folder)

    def __enter__(self) -> FlaskClient:
        return create_app(self.city, testing=True).test_client(use_cookies=False)

    def __exit__(self, *_: object) -> None:
        self.city.close()


def test_values_of_restricted_graphs_do_not_leave_by_a_join(site: Site) -> None:
    """Neither for the public, who does not see them, nor for one who may."""
    text = f"SELECT * {{ ?p <https://town.example/ns#secretName> ?t SERVICE <{IRI}> {{ ?u <urn:label> ?t }} }}"
    token = Tokens(site.town.city_folder).create(("read:internal",))[1]
    asked = len(site.other.queries)
    assert rows(site.ask(text)) == []
    assert rows(site.ask(text, Authorization=f"Bearer {token}")) == []
    assert len(site.other.queries) == asked + 1
    assert not any(SECRET in query for query in site.other.queries)
    own = "SELECT ?t { ?p <https://town.example/ns#secretName> ?t }"
    assert SECRET in site.ask(own, Authorization=f"Bearer {token}").text


def test_a_city_without_a_list_asks_nobody(tmp_path: Path) -> None:
    """Nothing is allowed to begin with."""
    town = Town(tmp_path)
    town.build()
    with town.city as city, listening(reply(b"")) as trap:
        client = create_app(city, testing=True).test_client(use_cookies=False)
        for silent in ("", "SILENT "):
            text = f"SELECT * {{ SERVICE {silent}<{trap.address}> {{ ?s ?p ?o }} }}"
            answer = client.get(f"/sparql?query={quote(text)}")
            assert (answer.status_code, json.loads(answer.data)["type"].rpartition("/")[2]) == (400, "guard-service")
        assert b"BasicFederatedQuery" not in client.get("/sparql", headers={"Accept": "text/turtle"}).data
    assert trap.connections == 0


def test_the_whole_query_has_one_deadline(site: Site) -> None:
    """What the other side took is taken from what is left."""
    with listening(endless(b"", b"", 0.2)) as slow, AskingOneMore(site.town, slow.address) as client:
        state = client.application.extensions["stadtgraph"]
        state.queries.limits = state.queries.limits.__class__(seconds=0.4)
        text = f"SELECT * {{ SERVICE SILENT <{ROUND}> {{ ?s ?p ?o }} }}"
        answer = client.get(f"/sparql?query={quote(text)}")
    assert (answer.status_code, json.loads(answer.data)["reason"]) == (503, "time")
