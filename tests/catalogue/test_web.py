"""The catalogue over HTTP: pages, dump, single datasets, feed, sitemap; and that nothing restricted shows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pyoxigraph as ox
import pytest
from flask import Flask
from flask.testing import FlaskClient

from catalogue.conftest import BASE, TOWN, make_town
from stadtgraph import City
from stadtgraph.access import Tokens
from stadtgraph.catalogue import PAGE
from stadtgraph.terms import DCAT
from stadtgraph.web import create_app

MANY = "".join(
    f'<id/dataset/many-{i:04}> a dcat:Dataset ; dct:title "D{i}" ; dct:description "x" ; dct:publisher <id/unit/town> ;'
    f' dct:modified "20{10 + i % 10}-01-01"^^xsd:date .\n'
    for i in range(2 * PAGE)
)
OWN = 3
"""Datasets of the town itself that are exported."""
SECRET = "Geheimplan-Nordhang-4711"
RESTRICTED = f"""
@prefix dcat: <http://www.w3.org/ns/dcat#> .
@prefix dct: <http://purl.org/dc/terms/> .
<id/dataset/secret> a dcat:Dataset ; dct:title "{SECRET}"@de ; dct:description "{SECRET}" ;
    dct:publisher <id/unit/town> ; dcat:distribution <id/distribution/secret> ; dct:modified "2026-01-01" .
<id/distribution/secret> a dcat:Distribution ; dcat:accessURL <https://town.example/{SECRET}.csv> ;
    dct:license <http://dcat-ap.de/def/licenses/cc-zero> .
<id/dataset/full> dcat:landingPage <https://town.example/{SECRET}> .
<id/service/wfs> dcat:servesDataset <id/dataset/secret> .
"""
REGISTRY = """
[[source]]
name = "town"
title = { de = "Stadt", en = "Town" }
domain = "city"
kind = "file"
visibility = "public"
path = "town.ttl"

[[source]]
name = "secret"
title = { de = "Geheim", en = "Secret" }
domain = "city"
kind = "file"
visibility = "restricted"
path = "secret.ttl"
"""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The application over a town of three pages that has restricted datasets too."""
    folder = tmp_path_factory.mktemp("catalogue-web")
    with make_town(folder, TOWN + MANY) as city:
        (folder / "data" / "sources.toml").write_text(REGISTRY)
        (folder / "data" / "secret.ttl").write_text(RESTRICTED)
        (folder / "data" / "town.ttl").write_text(TOWN + MANY)
    with City(folder / "city") as city:
        assert not city.build().violations
        (folder / "data" / "town.ttl").write_text((TOWN + MANY).replace('"Alle Bäume."', '"Alle Bäume der Stadt."'))
        assert not city.build().violations
        yield create_app(city, testing=True)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client."""
    return app.test_client(use_cookies=False)


def triples(text: bytes, format: ox.RdfFormat = ox.RdfFormat.RDF_XML) -> set[ox.Triple]:
    """Parse an answer."""
    return {quad.triple for quad in ox.parse(text, format=format)}


def literal(found: set[ox.Triple], name: str) -> str | None:
    """Give the value of a Hydra property."""
    p = f"http://www.w3.org/ns/hydra/core#{name}"
    return next((t.object.value for t in found if t.predicate.value == p and isinstance(t.object, ox.Literal)), None)


@pytest.mark.parametrize("follow", ["next", "nextPage"])
def test_a_hydra_client_that_walks_the_pages_gets_the_dump(client: FlaskClient, follow: str) -> None:
    """By either generation of predicates; the statements on paging are all that differs."""
    walked: set[ox.Triple] = set()
    address: str | None = "/catalog.rdf?profile=govdata"
    pages = 0
    while address:
        answer = client.get(address)
        assert answer.status_code == 200 and answer.content_type == "application/rdf+xml"
        found = triples(answer.data)
        assert literal(found, "totalItems") == str(2 * PAGE + OWN)
        address = literal(found, follow)
        assert address is None or address.startswith("http://localhost/catalog.rdf?profile=govdata")
        walked |= {t for t in found if "/catalog.rdf" not in str(t.subject)}
        pages += 1
    assert pages == 3
    assert walked == triples(client.get("/catalog.rdf?profile=govdata&page=all").data)


@pytest.mark.parametrize(
    ("form", "format"),
    [("ttl", ox.RdfFormat.TURTLE), ("jsonld", ox.RdfFormat.JSON_LD), ("nt", ox.RdfFormat.N_TRIPLES)],
)
def test_every_format_gives_the_same_page(client: FlaskClient, form: str, format: ox.RdfFormat) -> None:
    """But for the addresses of the pages, which name the format."""
    first = {t for t in triples(client.get("/catalog.rdf?page=2").data) if "/catalog." not in str(t.subject)}
    other = triples(client.get(f"/catalog.{form}?page=2").data, format)
    assert {t for t in other if "/catalog." not in str(t.subject)} == first


def test_answers_carry_release_and_etag(client: FlaskClient, app: Flask) -> None:
    """A known ETag gives 304; an earlier release gives its own state."""
    city = app.extensions["stadtgraph"].city
    for address in ("/catalog.rdf", "/catalog.nt?page=all", "/catalog/dataset/full.ttl", "/catalog/changes.atom"):
        answer = client.get(address)
        assert answer.headers["Stadtgraph-Release"] == city.releases.current_id()
        assert client.get(address, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    old = city.releases.ids()[-1]
    then = client.get(f"/catalog/dataset/full.nt?release={old}")
    assert then.headers["Stadtgraph-Release"] == old
    assert "der Stadt" not in then.text and "der Stadt" in client.get("/catalog/dataset/full.nt").text


def test_modified_since_gives_what_changed_and_what_cannot_tell(client: FlaskClient) -> None:
    """Datasets that say when count by that day; others with the graph that describes them."""
    found = triples(client.get("/catalog.nt?modified_since=2019-01-01&page=all").data, ox.RdfFormat.N_TRIPLES)
    named = {str(t.object) for t in found if t.predicate == DCAT.dataset}
    assert len(named) == 2 * PAGE // 10 + OWN
    everything = client.get("/catalog.rdf?modified_since=2019-01-01T00:00:00%2B01:00")
    assert literal(triples(everything.data), "totalItems") == str(len(named))
    assert client.get("/catalog.rdf?modified_since=yesterday").status_code == 400


def test_wrong_calls_are_told(client: FlaskClient) -> None:
    """Unknown formats, profiles, pages and datasets; in German too."""
    assert client.get("/catalog.csv").status_code == 404
    assert client.get("/catalog.rdf?profile=x").status_code == 400
    assert client.get("/catalog.rdf?page=0").status_code == 400
    assert client.get("/catalog.rdf?page=99").status_code == 404
    assert client.get("/catalog/dataset.nt?iri=<x>").status_code == 404
    told = client.get("/catalog.rdf?page=x", headers={"Accept-Language": "de"}).get_json()
    assert "keine Seite" in told["detail"]
    assert client.get("/catalog", headers={"Accept": "text/turtle"}).headers["Location"] == "/catalog.ttl"


@pytest.mark.parametrize("host", ['a"b', "x y", "<script>", "ex]ample", ""])
def test_a_malformed_host_harms_nothing(client: FlaskClient, host: str) -> None:
    """Addresses then stand on the base of the city; every document stays well-formed."""
    for address in ("/catalog.rdf", "/sitemap.xml", "/catalog/changes.atom", "/robots.txt", "/page/dataset/full"):
        answer = client.get(address, headers={"Host": host})
        assert answer.status_code in (200, 400), address
        assert "<script>/" not in answer.text and (not host or f"//{host}" not in answer.text)
    answer = client.get("/catalog.rdf", headers={"Host": host})
    assert answer.status_code == 400 or triples(answer.data)


def test_one_dataset_is_a_document_of_its_own(client: FlaskClient) -> None:
    """By its path, or by its IRI whatever that is."""
    one = triples(client.get("/catalog/dataset/full.rdf").data)
    assert one == triples(client.get("/catalog/dataset.rdf", query_string={"iri": f"{BASE}id/dataset/full"}).data)
    assert {t.object.value for t in one if t.predicate == DCAT.dataset} == {f"{BASE}id/dataset/full"}


def test_the_feed_names_what_releases_changed(client: FlaskClient) -> None:
    """Atom, newest first, with titles; the second build changed one dataset."""
    feed = ElementTree.fromstring(client.get("/catalog/changes.atom", headers={"Accept-Language": "de"}).data)
    atom = "{http://www.w3.org/2005/Atom}"
    entries = [(e.findtext(f"{atom}title"), e.find(f"{atom}category")) for e in feed.findall(f"{atom}entry")]
    title, category = entries[0]
    assert title == "Geändert: Bäume" and category is not None and category.get("term") == "changed"
    assert len([t for t, _ in entries if t == "Geändert: Bäume"]) == 1
    kinds = [category.get("term") for _, category in entries if category is not None]
    assert kinds.count("added") == len(kinds) - 1, "the first release brought all that there was"


def test_robots_and_sitemap_lead_to_the_datasets_pages(client: FlaskClient) -> None:
    """Every address in the sitemap answers; the days of change stand there."""
    assert "Sitemap: http://localhost/sitemap.xml" in client.get("/robots.txt").text
    found = ElementTree.fromstring(client.get("/sitemap.xml").data)
    space = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
    pages = [url.findtext(f"{space}loc") for url in found.findall(f"{space}url")]
    assert len(pages) == 2 * PAGE + OWN
    assert all(page and client.get(page.removeprefix("http://localhost")).status_code == 200 for page in pages[:3])
    assert found.find(f"{space}url/{space}lastmod") is not None


def test_a_dataset_page_carries_schema_org(client: FlaskClient) -> None:
    """As JSON-LD that no text of the data can break out of; other pages carry none."""
    page = client.get("/page/dataset/full").text
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', page, re.S)
    assert found is not None
    made = json.loads(found[1])
    assert made["@type"] == "Dataset" and made["name"] == "Bäume"
    assert made["distribution"]["contentUrl"] == "https://town.example/files/trees.csv"
    assert 'ld+json">' not in client.get("/page/unit/town").text.replace('type="application/ld+json" href', "")


def test_scores_are_served_as_rdf(client: FlaskClient) -> None:
    """With an ETag; unknown formats are told."""
    answer = client.get("/catalog/quality.nt")
    assert b"QualityMeasurement" in answer.data and b"dataset/full/score" in answer.data
    assert client.get("/catalog/quality.nt", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    assert client.get("/catalog/quality.html").status_code == 404


def test_few_whole_catalogues_are_written_at_once(client: FlaskClient) -> None:
    """The third is asked to wait; one that is abandoned lets the next in; HEAD costs nothing."""
    address = "/catalog.nt?page=all"
    first, second = client.get(address, buffered=False), client.get(address, buffered=False)
    third = client.get(address)
    assert third.status_code == 503 and third.headers["Retry-After"]
    assert client.head(address).status_code == 200
    first.close()
    assert client.get(address).status_code == 200
    second.close()


def test_nothing_restricted_shows_at_any_route(app: Flask, client: FlaskClient, tmp_path: Path) -> None:
    """Every route of the catalogue, every profile and format, also for callers who may read more."""
    city = app.extensions["stadtgraph"].city
    _, secret = Tokens(city.path).create(["read:internal"])
    addresses = [
        f"/catalog.{form}?profile={profile}&{more}"
        for form in ("rdf", "ttl", "jsonld", "nt", "xml")
        for profile in ("dcat-ap-de", "govdata", "eu")
        for more in ("page=all", "page=1", "page=3", "modified_since=2026&page=all")
    ]
    addresses += [f"/catalog/dataset/full.{form}" for form in ("rdf", "ttl", "jsonld", "nt")]
    addresses += [f"/catalog/quality.{form}" for form in ("rdf", "ttl", "jsonld", "nt")]
    addresses += ["/catalog/changes.atom", "/sitemap.xml", "/robots.txt"]
    addresses += ["/catalog/dataset/secret.rdf", f"/catalog/dataset.ttl?iri={BASE}id/dataset/secret"]
    for headers in ({}, {"Authorization": f"Bearer {secret}"}):
        for address in addresses:
            answer = client.get(address, headers=headers)
            assert answer.status_code == (404 if "secret" in address else 200), address
            assert SECRET not in answer.text, address
            assert "secret" not in answer.text.replace(address, "") or answer.status_code == 404, address
    assert SECRET not in client.get("/page/dataset/full").text
