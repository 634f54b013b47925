"""Identifiers, data, pages, VoID, releases, health and the start page."""

from __future__ import annotations

import re

import pyoxigraph as ox
import pytest
from flask import Flask
from flask.testing import FlaskClient

from stadtgraph.city import City
from stadtgraph.terms import DCAT, VOID, XSD
from stadtgraph.web import create_app

BASE = "https://stadtgraph.example/jena/"
ATTACK = "<script>alert(1)</script>"
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.mark.parametrize(
    ("path", "accept", "location"),
    [
        ("/id/unit/ksj", "text/html", "/page/unit/ksj"),
        ("/id/unit/ksj", BROWSER["Accept"], "/page/unit/ksj"),
        ("/id/unit/ksj", "text/turtle", "/data/unit/ksj"),
        ("/id/unit/ksj", None, "/data/unit/ksj"),
        ("/id/unit/ksj?lang=de&release=x&evil=1", "text/html", "/page/unit/ksj?release=x&lang=de"),
        ("/id/unit/gr%C3%BCn", "text/html", "/page/unit/gr%C3%BCn"),
        ("/id//evil.example", "text/html", None),
        ("/id/https://evil.example/", "text/html", "/page/https://evil.example/"),
        ("/id/x%0d%0aSet-Cookie:a", "text/html", None),
        ("/id/%5C%5Cevil.example", "text/html", "/page/%5C%5Cevil.example"),
        ("/id/../../etc/passwd", "text/html", None),
    ],
)
def test_an_identifier_leads_to_its_page_or_data_and_never_away(
    client: FlaskClient, path: str, accept: str | None, location: str | None
) -> None:
    """303 by negotiation; hostile paths stay on this site."""
    answer = client.get(path, headers={"Accept": accept} if accept else {})
    if location is None:
        assert answer.status_code in (303, 404) and answer.headers.get("Location", "/page/").startswith("/page/")
        return
    assert (answer.status_code, answer.headers["Location"]) == (303, location)


@pytest.mark.parametrize(
    ("accept", "format"),
    [
        ("text/turtle", ox.RdfFormat.TURTLE),
        ("application/ld+json", ox.RdfFormat.JSON_LD),
        ("application/rdf+xml", ox.RdfFormat.RDF_XML),
        ("application/n-triples", ox.RdfFormat.N_TRIPLES),
    ],
)
def test_data_are_given_as_their_owner_wrote_them(client: FlaskClient, accept: str, format: ox.RdfFormat) -> None:
    """Also the datatype that the store would change, the second graph, and the nameless node, each once."""
    answer = client.get("/data/dataset/trees", headers={"Accept": accept})
    triples = [quad.triple for quad in ox.parse(answer.data, format)]
    subject = ox.NamedNode(BASE + "id/dataset/trees")
    size = ox.Literal("5", datatype=XSD.nonNegativeInteger)
    assert ox.Triple(subject, DCAT.byteSize, size) in triples
    assert len([t for t in triples if t.subject == subject]) == 6 and len(triples) == 7
    assert answer.headers["ETag"] and 'rel="alternate"' in answer.headers["Link"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/data/nothing", 404),
        ("/page/nothing", 404),
        ("/page/" + "x" * 10_000, 404),
        ("/page/a%20b%22%3E", 404),
        ("/page/%00", 404),
        ("/data/%FF", 404),
        ("/page/odd/a//b", 200),
        ("/data/unit/ksj?format=html", 406),
        ("/data/bad-predicate?format=rdf", 406),
        ("/data/unit/ksj?release=20200101T000000Z-000000", 404),
    ],
)
def test_odd_addresses_are_answered_plainly(client: FlaskClient, path: str, status: int) -> None:
    """404 where nothing is known, 406 where a format cannot hold the data."""
    assert client.get(path).status_code == status


def test_encoded_and_plain_identifiers_are_different_resources(client: FlaskClient) -> None:
    """Both can be reached by the links that pages make."""
    assert "not encoded" in client.get("/page/unit/gr%C3%BCn").text
    assert '"encoded"' in client.get("/data/unit/gr%25C3%25BCn").text


def test_a_page_shows_labels_values_and_what_points_there(client: FlaskClient) -> None:
    """In the reader's language, linked locally, with the full IRI."""
    page = client.get("/page/unit/ksj?lang=de").text
    assert "<h1>Kommunalservice</h1>" in page and f"<code>{BASE}id/unit/ksj</code>" in page
    assert 'href="/page/dataset/trees?lang=de"' in page and ">Bäume</a>" in page
    page = client.get("/page/dataset/trees", headers={"Accept-Language": "en"}).text
    assert "<h1>Trees</h1>" in page and ">Title</a>" in page
    page = client.get("/page/attack").text
    assert ATTACK not in page and 'href="javascript:' not in page


def test_a_page_of_a_hub_is_cut_and_says_so_and_its_data_are_whole(client: FlaskClient) -> None:
    """500 values of a property, 200 links that point there."""
    page = client.get("/page/hub?lang=en").text
    assert page.count("<li><span>") == 500 and "<li>and more</li>" in page
    assert page.count('href="/page/n/') == 200 and "Only the first 200 are shown." in page
    assert client.get("/data/hub?format=nt").text.count("<urn:many>") == 2000


def test_void_describes_size_graphs_and_partitions(client: FlaskClient) -> None:
    """At both addresses, for programs (https://www.w3.org/TR/void/)."""
    for path in ("/void", "/.well-known/void"):
        answer = client.get(path)
        triples = {quad.triple for quad in ox.parse(answer.data, ox.RdfFormat.TURTLE)}
        dataset = ox.NamedNode(BASE + "void#dataset")
        subsets = [t.object for t in triples if t.subject == dataset and t.predicate == VOID.subset]
        assert len(subsets) >= 3
        part = next(t.subject for t in triples if t.object == DCAT.Dataset)
        assert ox.Triple(part, VOID.entities, ox.Literal("2", datatype=XSD.integer)) in triples
    total = next(t.object.value for t in triples if t.subject == dataset and t.predicate == VOID.triples)
    count = client.get("/sparql?query=SELECT%20(COUNT(*)%20AS%20%3Fn)%7B%3Fs%20%3Fp%20%3Fo%7D&format=csv").text.split()[
        1
    ]
    assert total == count


def test_releases_are_listed_for_people_and_programs(client: FlaskClient) -> None:
    """Newest first."""
    listed = client.get("/releases", headers={"Accept": "application/json"}).get_json()["releases"]
    assert [r["why"] for r in listed] == ["second", "first"] and listed[0]["current"] and listed[1]["id"]
    assert listed[1]["id"] in client.get("/releases", headers=BROWSER).text
    start = client.get(f"/?release={listed[1]['id']}", headers=BROWSER).text
    assert "which is not the current one" in start


@pytest.mark.parametrize(
    "path", ["/", "/sparql", "/queries", "/queries/label-of", "/releases", "/page/unit/ksj", "/nowhere"]
)
@pytest.mark.parametrize("lang", ["de", "en"])
def test_pages_are_whole_in_both_languages(client: FlaskClient, path: str, lang: str) -> None:
    """One h1, landmarks, a skip link, labels for fields, ids once, no script, no style, no foreign address."""
    answer = client.get(path, headers={**BROWSER, "Accept-Language": lang})
    page = answer.text
    assert f'<html lang="{lang}">' in page and page.count("<h1") == 1
    for part in ("<header", '<main id="content"', "<footer", "<nav", 'class="skip" href="#content"', "<title>"):
        assert part in page
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    for field in re.findall(r"<(?:input|select|textarea)[^>]*>", page):
        identifier = re.search(r'\sid="([^"]+)"', field)
        assert 'type="hidden"' in field or (identifier and f'for="{identifier[1]}"' in page)
    assert "<script" not in page and "style=" not in page and "<style" not in page
    assert not re.search(r'<(?:link|img|iframe)[^>]+(?:src|href)="(?:https?:)?//', page)
    assert "{" not in re.sub(r"<(textarea|pre)[^>]*>.*?</\1>|value=\"[^\"]*\"", "", page, flags=re.S)


def test_the_start_page_counts_and_offers_questions(client: FlaskClient) -> None:
    """Numbers of the release and the example queries by audience."""
    page = client.get("/?lang=de").text
    assert "<dd>2</dd>" in page and "Fachbereichen" in page and 'href="/queries/label-of?lang=de"' in page


def test_health_tells_life_from_readiness(client: FlaskClient, tmp_path: object) -> None:
    """A process without any release lives and is not ready."""
    assert client.get("/health/live").status_code == client.get("/health/ready").status_code == 200
    with City(str(tmp_path)) as empty:
        other = create_app(empty).test_client()
        assert other.get("/health/live").status_code == 200
        assert other.get("/health/ready").status_code == 503
        answer = other.get("/")
        assert answer.status_code == 503 and "stadtgraph build" in answer.text


def test_static_files_and_head_work(client: FlaskClient) -> None:
    """The sheet is there; HEAD has the headers and no body."""
    with client.get("/static/stadtgraph.css") as sheet:
        assert sheet.status_code == 200 and sheet.headers["ETag"]
    for path in ("/", "/void", "/data/unit/ksj", "/sparql?query=SELECT*%7B%3Fs%20%3Fp%20%3Fo%7D"):
        answer = client.head(path)
        assert answer.status_code == 200 and answer.data == b"" and answer.headers["ETag"]


def test_a_head_request_leaves_no_query_running(app: Flask, client: FlaskClient) -> None:
    """Its answer is closed unread."""
    pool = app.extensions["stadtgraph"].queries.pool
    for _ in range(2 * pool.settings.size):
        assert client.head("/sparql?query=SELECT*%7B%3Fs%20%3Fp%20%3Fo.%3Fa%20%3Fb%20%3Fc%7D").status_code == 200
    assert pool.busy == 0
