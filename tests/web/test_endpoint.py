"""``/sparql`` and ``/queries`` over HTTP: protocol, headers, errors, pages."""

from __future__ import annotations

import gzip
import json
from urllib.parse import quote

import pyoxigraph as ox
import pytest
from flask import Flask
from flask.testing import FlaskClient

from stadtgraph.terms import SD

ASK = "/sparql?query=ASK%7B%7D"
ATTACK = "<script>alert(1)</script>"
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
FORM = "application/x-www-form-urlencoded"


def asking(text: str, **parameters: str) -> str:
    """Give the address of a query."""
    more = "".join(f"&{name}={quote(value)}" for name, value in parameters.items())
    return f"/sparql?query={quote(text)}{more}"


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status"),
    [
        ("GET", ASK, {}, b"", 200),
        ("HEAD", ASK, {}, b"", 200),
        ("GET", "/sparql/" + ASK.removeprefix("/sparql"), {}, b"", 200),
        ("POST", "/sparql", {"Content-Type": FORM}, b"query=ASK%7B%7D", 200),
        ("POST", "/sparql", {"Content-Type": "application/sparql-query"}, b"ASK{}", 200),
        ("OPTIONS", "/sparql", {"Origin": "https://e.org", "Access-Control-Request-Method": "POST"}, b"", 204),
        ("GET", "/sparql", {}, b"", 200),
        ("GET", asking("SELECT"), {}, b"", 400),
        ("GET", asking("ASK { SERVICE <http://e/> {} }"), {}, b"", 400),
        ("GET", asking("DROP ALL"), {}, b"", 400),
        ("GET", ASK + "&query=ASK", {}, b"", 400),
        ("GET", "/sparql?update=DROP%20ALL", {}, b"", 400),
        ("GET", "/sparql?query=%FF", {}, b"", 400),
        ("POST", "/sparql", {"Content-Type": FORM}, b"update=DROP+ALL", 401),
        ("POST", "/sparql", {"Content-Type": "application/sparql-update"}, b"DROP ALL", 401),
        ("POST", "/sparql", {"Content-Type": "text/plain"}, b"ASK{}", 415),
        ("POST", "/sparql", {}, b"query=ASK%7B%7D", 415),
        ("PUT", "/sparql", {"Content-Type": FORM}, b"query=ASK%7B%7D", 405),
        ("DELETE", "/sparql", {}, b"", 405),
        ("GET", ASK, {"Accept": "image/png"}, b"", 406),
        ("GET", ASK + "&format=nonsense", {}, b"", 406),
        ("GET", ASK + "&release=20200101T000000Z-000000", {}, b"", 404),
        ("GET", ASK + "&release=../../etc", {}, b"", 404),
        ("POST", "/sparql", {"Content-Type": "application/sparql-query"}, b"#" * 300_000, 400),
        ("POST", "/sparql", {"Content-Type": "application/sparql-query"}, b"#" * 5_000_000, 413),
        ("GET", "/nowhere", {}, b"", 404),
        ("POST", "/void", {}, b"", 405),
    ],
)
def test_each_request_has_its_status(
    client: FlaskClient, method: str, path: str, headers: dict[str, str], body: bytes, status: int
) -> None:
    """And every answer, also an error, carries release, CORS, Vary and the security headers."""
    answer = client.open(path, method=method, headers=headers, data=body)
    assert answer.status_code == status
    assert answer.headers["Stadtgraph-Release"]
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert {"Accept", "Accept-Language", "Accept-Encoding"} <= set(answer.headers["Vary"].split(", "))
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'self'")
    if status >= 400:
        assert answer.mimetype == "application/problem+json"
        assert answer.headers["Cache-Control"] == "no-store"
    elif method != "OPTIONS":
        assert answer.headers["ETag"] and answer.headers["Cache-Control"] == "public, no-cache"


def test_errors_are_problem_documents_in_the_readers_language(client: FlaskClient) -> None:
    """RFC 9457 with a stable type, line and column (https://www.rfc-editor.org/rfc/rfc9457)."""
    path = asking("SELECT *\nWHERE { ?s dcat:theme ?o }")
    english, german = (client.get(path, headers={"Accept-Language": lang}).get_json() for lang in ("en", "de-DE,de"))
    assert english["type"] == "https://w3id.org/stadtgraph/problem/sparql-known-prefix"
    assert (english["status"], english["line"], english["column"]) == (400, 2, 12)
    assert "PREFIX dcat: <http://www.w3.org/ns/dcat#>" in english["detail"]
    assert german["type"] == english["type"] and german["detail"] != english["detail"]


def test_people_get_errors_on_the_query_page(client: FlaskClient) -> None:
    """With their query still in the form."""
    answer = client.get(asking("SELECT * { ?s ?p }"), headers=BROWSER)
    assert answer.status_code == 400 and answer.mimetype == "text/html"
    assert 'role="alert"' in answer.text and "SELECT * { ?s ?p }</textarea>" in answer.text


def test_nothing_inside_is_told(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure inside is a 500 without path, name or trace."""

    def broken(*_: object) -> None:
        raise RuntimeError("/secret/path graph/restricted")

    monkeypatch.setattr(app.extensions["stadtgraph"], "open", broken)
    for headers in ({}, BROWSER):
        answer = client.get(ASK, headers=headers)
        assert answer.status_code == 500
        assert "secret" not in answer.text and "restricted" not in answer.text and "RuntimeError" not in answer.text


def test_an_etag_names_release_request_and_format(client: FlaskClient) -> None:
    """Equal queries have equal ETags; If-None-Match gives 304 without work."""
    tags = {path: client.get(path).headers["ETag"] for path in (ASK, asking("ASK { } # same"), ASK + "&format=csv")}
    assert tags[ASK] == tags[asking("ASK { } # same")] != tags[ASK + "&format=csv"]
    for known in (tags[ASK], f'"x", W/{tags[ASK]}', "*"):
        answer = client.get(ASK, headers={"If-None-Match": known})
        assert (answer.status_code, answer.data) == (304, b"") and answer.headers["ETag"] == tags[ASK]
    assert client.get(ASK, headers={"If-None-Match": '"other"'}).status_code == 200


def test_a_query_with_a_random_part_is_never_the_same(client: FlaskClient) -> None:
    """No cache may keep it."""
    one, two = (client.get(asking("SELECT (RAND() AS ?x) {}")) for _ in range(2))
    assert one.headers["ETag"] != two.headers["ETag"] and one.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("text", ["SELECT * { ?s ?p ?o } LIMIT 300", "SELECT * { ?s ?p ?o }"])
def test_answers_are_compressed_for_those_who_want_it(client: FlaskClient, text: str) -> None:
    """Short ones whole, long ones as a stream; the ETag tells the codings apart and both give 304."""
    plain = client.get(asking(text, format="csv"))
    packed = client.get(asking(text, format="csv"), headers={"Accept-Encoding": "gzip, br"})
    assert packed.headers["Content-Encoding"] == "gzip" and gzip.decompress(packed.data) == plain.data
    assert packed.headers["ETag"] == plain.headers["ETag"][:-1] + '-gzip"'
    again = client.get(asking(text, format="csv"), headers={"If-None-Match": packed.headers["ETag"]})
    assert again.status_code == 304
    refused = client.get(asking(text, format="csv"), headers={"Accept-Encoding": "gzip;q=0"})
    assert "Content-Encoding" not in refused.headers and refused.data == plain.data


@pytest.mark.parametrize(
    "accept",
    [",".join(["text/csv;q=0.1"] * 10_000), "text/csv;q=nan", ";;;,,,/", "*/*;q=0.0001", "text/csv\x01", "é/ü"],
)
def test_hostile_accept_headers_are_survived(client: FlaskClient, accept: str) -> None:
    """An answer or 406, never a failure."""
    environ = {"HTTP_ACCEPT": accept.encode().decode("latin-1")}
    assert client.get(ASK, environ_overrides=environ).status_code in (200, 406)


def test_earlier_releases_can_be_asked(client: FlaskClient) -> None:
    """And answer for their own state."""
    first = client.get("/releases?format=json").get_json()["releases"][-1]["id"]
    text = "ASK { GRAPH <graph/source/second> { ?s ?p ?o } }"
    assert client.get(asking(text)).get_json()["boolean"] is True
    answer = client.get(asking(text, release=first))
    assert answer.get_json()["boolean"] is False and answer.headers["Stadtgraph-Release"] == first


def test_a_triple_in_two_graphs_counts_once(client: FlaskClient) -> None:
    """In the merge and in a union of the two."""
    text = 'SELECT (COUNT(*) AS ?n) { ?s <http://purl.org/dc/terms/title> "Bäume"@de }'
    for more in ("", "&default-graph-uri={0}first&default-graph-uri={0}second"):
        graph = quote("https://stadtgraph.example/jena/graph/source/", safe="")
        answer = client.get(asking(text) + more.format(graph)).get_json()
        assert answer["results"]["bindings"][0]["n"]["value"] == "1"


def test_no_query_gives_the_service_description_and_people_the_query_page(client: FlaskClient) -> None:
    """As Comunica expects (https://www.w3.org/TR/sparql11-service-description/#accessing)."""
    answer = client.get("/sparql")
    assert answer.mimetype == "text/turtle"
    triples = {quad.triple for quad in ox.parse(answer.data, ox.RdfFormat.TURTLE)}
    endpoint = ox.NamedNode("http://localhost/sparql")
    assert ox.Triple(ox.NamedNode("http://localhost/sparql#service"), SD.endpoint, endpoint) in triples
    names = {t.object.value for t in triples if t.predicate == SD.name}
    assert "https://stadtgraph.example/jena/graph/source/first" in names and not any("written" in n for n in names)
    assert client.get("/sparql", headers={"Accept": "application/rdf+xml"}).mimetype == "application/rdf+xml"
    assert "<textarea" in client.get("/sparql", headers=BROWSER).text


def test_results_are_shown_as_a_table_with_everything_escaped(client: FlaskClient) -> None:
    """No script from a literal, no javascript: link, languages marked."""
    answer = client.get(asking("SELECT * { <id/attack> ?p ?o }"), headers=BROWSER)
    assert ATTACK not in answer.text and "&lt;script&gt;" in answer.text
    assert 'href="javascript:' not in answer.text and 'href="https://example.org/?a=1&amp;b=%22"' in answer.text
    answer = client.get(asking("SELECT ?l { <id/unit/ksj> ?p ?l }", lang="de"), headers=BROWSER)
    assert '<span lang="en">Municipal Services</span>' in answer.text
    answer = client.get(asking(f'SELECT ("{ATTACK}" AS ?x) {{}}') + "&lang=%22%3E%3Cscript%3E", headers=BROWSER)
    assert "<script" not in answer.text


def test_a_long_table_says_that_it_is_cut_and_offers_the_whole(client: FlaskClient) -> None:
    """The page shows a thousand rows; files have all of them."""
    german = client.get(asking("SELECT * { ?s <urn:n> ?o }", lang="de"), headers=BROWSER)
    assert "Die ersten 1.000 Zeilen; die Antwort hat mehr." in german.text
    answer = client.get(asking("SELECT * { ?s <urn:n> ?o }"), headers=BROWSER)
    assert answer.text.count("<tr>") == 1001 and "The first 1,000 rows; the answer has more" in answer.text
    assert "format=csv" in answer.text
    answer = client.get(asking("CONSTRUCT WHERE { <id/unit/ksj> ?p ?o }", format="html"))
    assert '<th scope="col">subject</th>' in answer.text and "format=turtle" in answer.text
    assert ">Yes<" in client.get(ASK, headers=BROWSER).text


def test_example_queries_are_addresses(client: FlaskClient) -> None:
    """With their parameters in the query string, in every format, and as a page."""
    labels = client.get("/queries/label-of?format=csv").text.split()
    assert labels[0] == "label" and "Kommunalservice" in labels
    answer = client.get("/queries/label-of?unit=id/attack").get_json()
    assert answer["results"]["bindings"][0]["label"]["value"] == ATTACK
    page = client.get("/queries/label-of?lang=de", headers=BROWSER).text
    assert "Wie heißt die Einheit?" in page and 'value="id/unit/ksj"' in page and "Kommunalservice" in page
    assert client.get("/queries/label-of?unit=a%20b").status_code == 400
    assert client.get("/queries/label-of?nuit=id/x").get_json()["type"].endswith("/example-no-parameter")
    assert client.get("/queries/label-of?unit=a%20b", headers=BROWSER).status_code == 400
    assert client.get("/queries/none").status_code == 404
    assert "/queries/label-of" in client.get("/queries").text


@pytest.mark.parametrize(
    ("path", "headers", "title"),
    [("", {}, "Bäume"), ("&lang=en", {}, "Trees"), ("", {"Accept-Language": "en"}, "Trees")],
)
def test_an_example_with_a_language_follows_the_reader(
    client: FlaskClient, path: str, headers: dict[str, str], title: str
) -> None:
    """Without a wish it takes its default; people get no field for it."""
    assert client.get("/queries/title-in-language?format=csv" + path, headers=headers).text.split() == ["t", title]
    assert 'name="lang"' not in client.get("/queries/title-in-language", headers=BROWSER).text


def test_a_cut_off_answer_raises_in_the_server(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the connection breaks and nobody takes it for complete."""
    from stadtgraph.errors import QueryTimeout
    from stadtgraph.query import Limits, Queries

    monkeypatch.setattr(app.extensions["stadtgraph"], "queries", Queries(Limits(bytes=2_000_000)))
    answer = client.get(asking("SELECT * { ?s ?p ?o }", format="json"), buffered=False)
    with pytest.raises(QueryTimeout):
        _ = answer.data
    assert "Content-Length" not in answer.headers
    with pytest.raises(QueryTimeout):
        _ = client.get(asking("SELECT * { ?s ?p ?o }"), headers={"Accept-Encoding": "gzip"}, buffered=False).data


def test_queries_that_go_too_far_are_503_with_the_reason(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reason ``time``, and the bound."""
    from stadtgraph.query import Limits, Queries

    monkeypatch.setattr(app.extensions["stadtgraph"], "queries", Queries(Limits(seconds=0.2)))
    some = "{{ SELECT ?{0} {{ ?{0} <urn:n> ?l }} LIMIT 3000 }}"
    answer = client.get(asking(f"SELECT (COUNT(*) AS ?n) {{ {some.format('a')} {some.format('b')} }}"))
    assert answer.status_code == 503
    assert json.loads(answer.data)["reason"] == "time" and json.loads(answer.data)["bound"] == 0.2
