"""The catalogue of Jena's registers, built once, and of a small town that has what Jena lacks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stadtgraph import City
from stadtgraph.catalogue import Catalogue
from stadtgraph.city.cataloguing import catalogue

TOWN = """
@prefix access: <http://publications.europa.eu/resource/authority/access-right/> .
@prefix dcat: <http://www.w3.org/ns/dcat#> .
@prefix dcatap: <http://data.europa.eu/r5r/> .
@prefix dcatde: <http://dcat-ap.de/def/dcatde/> .
@prefix dct: <http://purl.org/dc/terms/> .
@prefix foaf: <http://xmlns.com/foaf/0.1/> .
@prefix geo: <http://www.opengis.net/ont/geosparql#> .
@prefix org: <http://www.w3.org/ns/org#> .
@prefix prov: <http://www.w3.org/ns/prov#> .
@prefix role: <http://inspire.ec.europa.eu/metadata-codelist/ResponsiblePartyRole/> .
@prefix sg: <https://w3id.org/stadtgraph/ns#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix vcard: <http://www.w3.org/2006/vcard/ns#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .

<id/unit/town> a org:FormalOrganization ; skos:prefLabel "Stadt"@de ; org:classification sg:municipality .
<id/unit/parks> a org:OrganizationalUnit ; skos:prefLabel "Grünamt"@de ; org:unitOf <id/unit/town> ;
    dcat:contactPoint <id/contact/parks> .
<id/contact/parks> a vcard:Organization ; vcard:hasEmail <mailto:parks@town.example> .
<id/post/manager> a org:Post ; org:postIn <id/unit/parks> ; skos:prefLabel "Datenmanager:in"@de .
<id/role/manager> a skos:Concept ; skos:closeMatch role:custodian .
<id/responsibility/full> a sg:Responsibility ; prov:agent <id/post/manager> ; dcat:hadRole <id/role/manager> ;
    sg:raci sg:accountable ; sg:for <id/dataset/full> .
<id/responsibility/ended> a sg:Responsibility ; prov:agent <id/unit/town> ; dcat:hadRole <id/role/manager> ;
    sg:raci sg:responsible ; sg:for <id/dataset/full> ; sg:validUntil "2001-01-01"^^xsd:date .
<id/ortsteil/north> a dct:Location ; skos:prefLabel "Nord"@de ; dcat:centroid "POINT(1 2)"^^geo:wktLiteral .
<id/place/spring> a dct:Location ; geo:sfWithin <id/ortsteil/north> .

<id/dataset/full> a dcat:Dataset ; dct:title "Bäume"@de ; dct:description "Alle Bäume."@de ;
    prov:qualifiedAttribution <id/responsibility/full>, <id/responsibility/ended> ;
    dct:identifier "town-1" ; dcat:theme <http://example.org/theme/x> ; dct:spatial <id/place/spring> ;
    dct:creator <id/person/1> ; dcatap:hvdCategory <http://data.europa.eu/bna/c_ac64a52d> ;
    dcat:distribution <id/distribution/open>, <id/distribution/closed> ; dcat:inSeries <id/series/trees> ;
    dcat:version "2" ; dct:issued "2020-02-30T10:00:00" .
<id/person/1> a foaf:Person ; foaf:name "Erika Beispiel" .
<id/series/trees> a dcat:DatasetSeries ; dct:title "Bäume"@de ; dct:description "Jährlich."@de ;
    dct:publisher <id/unit/town> .
<id/distribution/open> a dcat:Distribution ; dcat:accessURL <https://town.example/files/trees.csv> ;
    dct:format <http://publications.europa.eu/resource/authority/file-type/CSV> ;
    dct:license <https://www.dcat-ap.de/def/licenses/dl-by-de/2.0/> ; dcatde:licenseAttributionByText "Stadt" ;
    dcat:byteSize "007"^^xsd:decimal ; dct:modified "2024-05-01"^^xsd:date, "2025-05-01"^^xsd:date ;
    dcat:accessService <id/service/wfs> .
<id/distribution/closed> a dcat:Distribution ; dcat:accessURL <https://town.example/unclear> .
<id/service/wfs> a dcat:DataService ; dct:title "WFS"@de ; dct:publisher <id/unit/town> ;
    dcat:endpointURL <https://town.example/wfs> ; dcat:servesDataset <id/dataset/full>, <id/dataset/untitled> .
<id/dataset/untitled> a dcat:Dataset ; dct:description "Kein Titel."@de ; dct:publisher <id/unit/town> .
<id/question/title> a sg:OpenQuestion ; sg:about <id/dataset/untitled> ; sg:asksFor dct:title ;
    sg:askPost <id/post/manager> .
<id/dataset/untidy> a dcat:Dataset ; dct:title "Unordentlich"@de ; dct:description "Werte als Texte."@de ;
    dct:publisher <id/unit/town> ; dct:identifier "urn:untidy" ; dct:temporal <id/period/untidy> ;
    dcat:contactPoint <id/contact/untidy>, <id/contact/unreachable> ; dcat:landingPage "https://town.example/page" ;
    dct:language "http://publications.europa.eu/resource/authority/language/DEU" ; dct:accessRights "öffentlich" .
<id/period/untidy> <https://schema.org/startDate> "2020-01-01" .
<id/contact/untidy> vcard:fn "Amt" ; vcard:hasEmail "office@town.example" ; vcard:hasTelephone "03641 / 49-0" .
<id/contact/unreachable> vcard:fn "Amt" ; vcard:hasEmail "im Rathaus fragen" .
<id/dataset/internal> a dcat:Dataset ; dct:title "Pläne"@de ; dct:description "Nur angekündigt."@de ;
    dct:publisher <id/unit/town> ; dct:accessRights access:NON_PUBLIC ;
    dcat:landingPage <https://town.example/internal> ; dcat:distribution <id/distribution/internal> .
<id/distribution/internal> a dcat:Distribution ; dcat:accessURL <https://town.example/internal.csv> ;
    dct:license <http://dcat-ap.de/def/licenses/cc-zero> .
"""
BASE = "https://town.example/"


@pytest.fixture(scope="session")
def jena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """The city of Jena, built from its registers alone."""
    with City(tmp_path_factory.mktemp("catalogue") / "city") as city:
        city.build()
        yield city


@pytest.fixture(scope="session")
def catalogue_of_jena(jena: City) -> Catalogue:
    """The catalogue of Jena."""
    return catalogue(jena, jena.releases.require_current())


def make_town(folder: Path, text: str = TOWN) -> City:
    """Make a town with an empty registry, load ``text`` and seal it."""
    for name in ("data", "shapes", "city"):
        (folder / name).mkdir()
    (folder / "data" / "sources.toml").write_text("")
    (folder / "city" / "stadtgraph.toml").write_text(
        f'[city]\nbase = "{BASE}"\ntitle = "Town"\ndata = "../data"\nshapes = "../shapes"\n'
    )
    (folder / "town.ttl").write_text(text)
    city = City(folder / "city")
    with city.draft(why="town") as draft:
        draft.load(folder / "town.ttl", source="town")
    return city


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """A town whose datasets have what Jena's lack."""
    with make_town(tmp_path_factory.mktemp("town")) as city:
        yield city


@pytest.fixture(scope="session")
def catalogue_of_town(town: City) -> Catalogue:
    """The catalogue of the town."""
    return catalogue(town, town.releases.require_current())
