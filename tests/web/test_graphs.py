"""The Graph Store Protocol: what each method does to a graph, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.test import TestResponse

from writers import BASE, NOTES, SECRETS, UNITS, Writers

TURTLE = {"Content-Type": "text/turtle"}
CUT = '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="urn:s">'
BOMB = f'<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa">]>{CUT}&a;</rdf:Description></rdf:RDF>'


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writers]:
    """A town for all tests."""
    made = Writers.of(tmp_path_factory.mktemp("graphs"))
    yield made
    made.close()


def send(
    here: Writers, method: str, graph: str | None, body: Any = b"", who: str = "admin", **more: Any
) -> TestResponse:
    """Send a request for a graph, Turtle where nothing else is said."""
    headers = {**TURTLE, **here.headers[who], **more.pop("headers", {})}
    query = {} if graph is None else {"graph": graph}
    path = more.pop("path", "/graphs")
    return here.client.open(path, method=method, query_string=query, data=body, headers=headers, **more)


def test_a_graph_is_made_read_replaced_extended_and_removed(here: Writers) -> None:
    """201 for a new one, 204 afterwards; each change is a release. A graph is what was put, as written."""
    graph = "https://elsewhere.example/a"
    assert send(here, "PUT", graph, "<urn:s> <urn:p> 1.50 , 'x'@EN .").status_code == 201
    decimal = '"1.50"^^<http://www.w3.org/2001/XMLSchema#decimal>'
    assert here.graph(graph) == {f"<urn:s> <urn:p> {decimal} .", '<urn:s> <urn:p> "x"@en .'}
    assert send(here, "POST", graph, "<urn:t> <urn:p> [ <urn:q> () ] .").status_code == 204
    found = here.graph(graph)
    assert len(found) == 4 and sum("_:" in line for line in found) == 2
    answer = send(here, "PUT", graph, "<urn:s> <urn:p> <> .")
    assert answer.status_code == 204 and answer.headers["Stadtgraph-Release"] == here.release
    assert here.graph(graph) == {f"<urn:s> <urn:p> <{graph}> ."}
    assert send(here, "DELETE", graph).status_code == 204
    assert send(here, "GET", graph).status_code == send(here, "DELETE", graph).status_code == 404


def test_an_empty_graph_is_there(here: Writers) -> None:
    """Until it is removed."""
    assert send(here, "PUT", "urn:empty").status_code == 201
    assert send(here, "GET", "urn:empty").status_code == 200 and here.graph("urn:empty") == set()
    asked = {"query": "ASK { GRAPH <urn:empty> {} }", "format": "json"}
    assert here.client.get("/sparql", query_string=asked).get_json(force=True)["boolean"]
    assert send(here, "DELETE", "urn:empty").status_code == 204
    assert not here.client.get("/sparql", query_string=asked).get_json(force=True)["boolean"]


def test_the_default_graph_is_a_source_of_its_own(here: Writers) -> None:
    """It is always there, and holds nothing of the others."""
    assert here.client.get("/graphs?default").status_code == 200
    admin = {**here.headers["admin"], **TURTLE}
    assert here.client.put("/graphs?default", data="<urn:d> <urn:p> 1 .", headers=admin).status_code == 201
    assert here.client.get("/graphs?default").text == here.client.get("/graphs/source/default").text
    assert "urn:d" in here.client.get("/graphs?default").text and "Amt A" not in here.client.get("/graphs?default").text
    assert here.client.delete("/graphs?default", headers=admin).status_code == 204


def test_an_address_below_graphs_names_a_graph_on_every_host(here: Writers) -> None:
    """A source by its name, others by their path; a new graph's address is told."""
    assert here.client.get("/graphs/source/units", headers={"Accept": "text/turtle"}).status_code == 200
    made = send(here, "POST", None, "<urn:s> <urn:p> 1 .")
    assert made.status_code == 201 and made.headers["Location"] == made.headers["Content-Location"]
    assert len(here.graph(made.headers["Location"])) == 1
    path = made.headers["Location"].removeprefix("http://localhost")
    assert here.client.get(path, headers={"Host": "other.example"}).status_code == 200
    assert here.graph(f"{BASE}{path[1:]}") == here.graph(made.headers["Location"])
    assert send(here, "PUT", None, "<urn:s> <urn:p> 1 .", path="/graphs/a/ü%2F").status_code == 201


def test_each_format_is_read_and_given(here: Writers) -> None:
    """By Accept and ?format=; what is neither is 406 and 415."""
    for form in ("text/turtle", "application/n-triples", "application/rdf+xml", "application/ld+json"):
        given = here.client.get("/graphs/source/units", headers={"Accept": form})
        assert given.status_code == 200 and given.content_type.split(";")[0] == form
        put = send(here, "PUT", "urn:again", given.data, headers={"Content-Type": form})
        assert put.status_code in (201, 204), put.text
        assert here.graph("urn:again") == here.graph(UNITS)
    assert here.client.get("/graphs/source/units", headers={"Accept": "text/csv"}).status_code == 406
    for kind in (
        "text/html",
        "application/json",
        "text/plain",
        "application/n-quads",
        "",
        "text/turtle; charset=utf-16",
    ):
        assert send(here, "PUT", "urn:again", "", headers={"Content-Type": kind}).status_code == 415
    packed = send(here, "PUT", "urn:again", "", headers={"Content-Encoding": "br"})
    assert packed.status_code == 415
    send(here, "DELETE", "urn:again")


@pytest.mark.parametrize(
    ("who", "method", "graph", "status"),
    [
        ("nobody", "PUT", NOTES, 401),
        ("nobody", "DELETE", SECRETS, 401),
        ("reader", "PUT", NOTES, 403),
        ("notes", "PUT", SECRETS, 403),
        ("notes", "DELETE", f"{BASE}graph/source/none", 403),
        ("notes", "PUT", "urn:own", 403),
        ("notes", "POST", None, 403),
        ("notes", "PUT", UNITS, 403),
        ("admin", "PUT", UNITS, 409),
        ("admin", "DELETE", UNITS, 409),
        ("admin", "PUT", f"{BASE}graph/ontology", 409),
        ("admin", "DELETE", f"{BASE}graph/history", 409),
        ("admin", "PATCH", NOTES, 405),
        ("nobody", "PATCH", NOTES, 405),
        ("admin", "PUT", None, 400),
        ("nobody", "GET", None, 400),
        ("nobody", "GET", "relative", 400),
        ("nobody", "GET", "urn:a b", 400),
        ("nobody", "GET", SECRETS, 404),
        ("nobody", "GET", f"{BASE}graph/written/units", 404),
    ],
)
def test_what_is_not_allowed_or_not_there_is_told(
    here: Writers, who: str, method: str, graph: str | None, status: int
) -> None:
    """The same for what is hidden and what does not exist; nothing changes."""
    before = here.release
    answer = send(here, method, graph, "<urn:s> <urn:p> 1 .", who)
    assert answer.status_code == status, answer.text
    assert here.release == before
    if status == 405:
        assert "PUT" in answer.headers["Allow"]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/turtle", "<urn:s> <urn:p> "),
        ("text/turtle", '<urn:s> <urn:p> "abc"^^<http://www.w3.org/2001/XMLSchema#integer> .'),
        ("text/turtle", "<urn:s> <urn:p> <not an iri> ."),
        ("text/turtle", "<urn:s> <urn:p> " + "<<( <urn:a> <urn:b> " * 100_000),
        ("application/n-triples", "<urn:s> <urn:p> " + "<<( <urn:a> <urn:b> " * 100_000),
        ("application/rdf+xml", BOMB),
        ("application/rdf+xml", CUT),
        ("application/rdf+xml", "<a>" * 100_000),
        ("application/ld+json", "[" * 100_000),
        ("application/ld+json", '{"@context": "http://127.0.0.1:1/c", "@id": "urn:s"}'),
        ("text/turtle", b"\xff\xfe<\x00"),
    ],
)
def test_a_malformed_or_hostile_document_changes_nothing(here: Writers, kind: str, body: str | bytes) -> None:
    """It is parsed in a worker; the answer says where it is wrong."""
    send(here, "PUT", NOTES, "<urn:kept> <urn:p> 1 .")
    before = here.release
    answer = send(here, "PUT", NOTES, body, headers={"Content-Type": kind})
    assert answer.status_code == 400, answer.text
    assert here.release == before and len(here.graph(NOTES)) == 1


def test_several_documents_are_added_at_once(here: Writers) -> None:
    """multipart/form-data, each part with its own format; one that is wrong keeps all of them out."""
    boundary = "b0"

    def body(*parts: tuple[str, str, str]) -> bytes:
        text = ""
        for kind, name, content in parts:
            head = f'Content-Disposition: form-data; name="{name}"; filename="{name}"'
            text += f"--{boundary}\r\n{head}\r\n" + (f"Content-Type: {kind}\r\n" if kind else "") + f"\r\n{content}\r\n"
        return (text + f"--{boundary}--\r\n").encode()

    kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    first, second = ("text/turtle", "a", "<urn:a> <urn:p> _:x ."), ("", "b.nt", '<urn:b> <urn:p> "2" .')
    assert send(here, "POST", "urn:parts", body(first, second), headers=kind).status_code == 201
    assert len(here.graph("urn:parts")) == 2
    wrong = send(here, "POST", "urn:parts", body(first, ("text/turtle", "c", "nonsense")), headers=kind)
    assert wrong.status_code == 400
    for broken in (b"", b"--b0", body(), b"no boundary"):
        assert send(here, "POST", "urn:parts", broken, headers=kind).status_code == 400
    assert len(here.graph("urn:parts")) == 2
    assert send(here, "POST", "urn:parts", "x", headers={"Content-Type": "multipart/form-data"}).status_code == 400


def test_a_graph_that_breaks_a_gate_shape_keeps_its_last_good_state(here: Writers) -> None:
    """422 with the report."""
    send(here, "PUT", NOTES, "<urn:kept> <urn:p> 1 .")
    wrong = "<urn:u> a <https://town.example/ns#Unit> ."
    answer = send(here, "PUT", NOTES, wrong)
    assert answer.status_code == 422 and answer.get_json(force=True)["number"] == 1
    assert send(here, "POST", NOTES, wrong).status_code == 422
    assert len(here.graph(NOTES)) == 1


def test_a_writer_can_make_sure_that_nobody_came_between(here: Writers) -> None:
    """If-Match and If-None-Match are asked where no other writer is; a change elsewhere does not matter."""
    send(here, "PUT", NOTES, "<urn:kept> <urn:p> 1 .")
    tag = here.client.get("/graphs", query_string={"graph": NOTES}).headers["ETag"]
    send(here, "PUT", "urn:elsewhere", "<urn:s> <urn:p> 1 .")
    answer = here.client.get("/graphs", query_string={"graph": NOTES}, headers={"If-None-Match": tag})
    assert answer.status_code == 304
    assert send(here, "POST", NOTES, "<urn:a> <urn:p> 1 .", headers={"If-Match": tag}).status_code == 204
    assert send(here, "POST", NOTES, "<urn:b> <urn:p> 1 .", headers={"If-Match": tag}).status_code == 412
    assert send(here, "PUT", NOTES, "", headers={"If-None-Match": "*"}).status_code == 412
    assert send(here, "PUT", "urn:fresh", "", headers={"If-Match": "*"}).status_code == 412
    assert send(here, "PUT", "urn:fresh", "", headers={"If-None-Match": "*"}).status_code == 201
    assert len(here.graph(NOTES)) == 2


def test_a_withdrawn_graph_is_gone(here: Writers) -> None:
    """410 says that it was there; earlier releases do not give it either."""
    send(here, "PUT", "urn:mistake", "<urn:s> <urn:p> 1 .")
    release = here.release
    here.city.withdraw("urn:mistake")
    assert send(here, "GET", "urn:mistake").status_code == 410
    answer = here.client.get("/graphs", query_string={"graph": "urn:mistake", "release": release})
    assert answer.status_code == 410


def test_head_says_what_get_would_say(here: Writers) -> None:
    """Without a body."""
    get, head = (here.client.open("/graphs/source/units", method=m) for m in ("GET", "HEAD"))
    assert head.status_code == get.status_code == 200 and head.data == b""
    assert head.headers["ETag"] == get.headers["ETag"] and head.content_type == get.content_type
    assert here.client.head("/graphs/source/none").status_code == 404


def test_changes_and_graphs_are_counted_as_queries_are(here: Writers) -> None:
    """By form and outcome, so that an operator sees them."""
    send(here, "PUT", NOTES, "<urn:kept> <urn:p> 1 .")
    send(here, "PUT", NOTES, "nonsense")
    here.update("CLEAR SILENT GRAPH <urn:none>")
    here.graph(NOTES)
    text = here.client.get("/metrics").text
    for form, outcome in (("PUT", "ok"), ("PUT", "refused"), ("UPDATE", "ok"), ("GRAPH", "ok")):
        assert f'form="{form}",outcome="{outcome}"' in text, text
