"""A town with secrets, and its twin that never had any: whatever is public must be the same in both."""

from __future__ import annotations

import gzip
import io
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

from werkzeug.test import TestResponse

from stadtgraph.access import Tokens
from stadtgraph.release import View
from town import Town

MARK = "kq7"
"""Stands in every restricted literal, IRI, name, title and file, and nowhere else."""
OTHER = "zz0"
"""Stands where the mark does, in names that exist in no view."""
NUMBER = "918273645"
BASE = "https://town.example/"

PREFIXES = """
@prefix dcat: <http://www.w3.org/ns/dcat#> .
@prefix dct: <http://purl.org/dc/terms/> .
@prefix geo: <http://www.opengis.net/ont/geosparql#> .
@prefix org: <http://www.w3.org/ns/org#> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix prov: <http://www.w3.org/ns/prov#> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix sg: <https://w3id.org/stadtgraph/ns#> .
@prefix sh: <http://www.w3.org/ns/shacl#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
@prefix ex: <https://town.example/ns#> .
"""
REGISTER = """
<id/place/square> rdfs:label "Platz"@de ; geo:hasGeometry <id/geometry/square> .
<id/geometry/square> geo:asWKT "POINT(11.5900 50.9300)"^^geo:wktLiteral .
<id/unit/green> a org:OrganizationalUnit ; skos:prefLabel "Grünamt"@de, "parks office"@en ; ex:partOf <id/unit/a> .
<id/unit/roads> a org:OrganizationalUnit ; skos:prefLabel "Straßen"@de, "roads"@en .
<id/dataset/trees> a dcat:Dataset ; dct:title "Bäume"@de, "trees"@en ; dct:issued "2020"^^xsd:gYear .
<id/dataset/paths> a dcat:Dataset ; dct:title "Wege"@de ; dct:publisher <id/unit/roads> .
<id/responsibility/trees> a sg:Responsibility ; sg:for <id/dataset/trees> ; prov:agent <id/unit/green> ;
    sg:raci sg:accountable .
"""
SECRETS = f"""
<id/{MARK}-plan> a ex:Tree , ex:{MARK}Kind ; rdfs:label "Geheim {MARK} Wort"@de ; ex:{MARK}name "{MARK}-text" ;
    ex:height {NUMBER} ; dcat:byteSize "{NUMBER}"^^xsd:nonNegativeInteger ; ex:{MARK}size "1.50"^^xsd:decimal ;
    ex:near [ rdfs:label "namenlos {MARK}" ] .
<id/{MARK}-plan> geo:hasGeometry <id/geometry/{MARK}> .
<id/geometry/{MARK}> geo:asWKT "POINT(11.5901 50.9301)"^^geo:wktLiteral .
<id/place/square> geo:hasGeometry <id/geometry/{MARK}-wide> .
<id/geometry/{MARK}-wide> geo:asWKT "LINESTRING(11.55 50.90, 11.60 50.95)"^^geo:wktLiteral .
<id/unit/{MARK}-unit> a org:OrganizationalUnit ; skos:prefLabel "Amt {MARK}"@de ; ex:partOf <id/unit/roads> .
<id/unit/c> ex:partOf <id/unit/{MARK}-unit> .
<id/dataset/{MARK}-set> a dcat:Dataset ; dct:publisher <id/unit/green> ; sg:for <id/unit/roads> .
<id/dataset/trees> ex:{MARK}about "{MARK} about what is public" ; dct:description "Beschreibung {MARK}"@de .
<id/dataset/paths> dct:title "ways {MARK}"@en .
<id/unit/green> ex:partOf <id/unit/roads> .
<id/unit/a> ex:near <id/unit/roads> .
ex:near rdfs:label "nahe {MARK}"@de .
<id/responsibility/{MARK}> a sg:Responsibility ; sg:for <id/dataset/paths> ; prov:agent <id/unit/{MARK}-unit> ;
    sg:raci sg:accountable .
<id/responsibility/trees> sg:raci sg:responsible .
"""
SHAPES = """
ex:dataset-title a sh:NodeShape ; sh:targetClass dcat:Dataset ; sh:property ex:title, ex:description .
ex:title a sh:PropertyShape ; sh:path dct:title ; sh:minCount 1 ; sh:severity sh:Violation ;
    sh:name "Titel"@de, "title"@en ; sh:message "Der Titel fehlt."@de, "The title is missing."@en ;
    sg:group sg:quality .
ex:description a sh:PropertyShape ; sh:path dct:description ; sh:minCount 1 ; sh:severity sh:Warning ;
    sh:name "Beschreibung"@de, "description"@en ; sg:group sg:quality ;
    sh:message "Die Beschreibung fehlt."@de, "The description is missing."@en .
ex:tree-height a sh:PropertyShape ; sh:targetClass ex:Tree ; sh:path ex:height ; sh:maxInclusive 100 ;
    sh:severity sh:Warning ; sh:name "Höhe"@de, "height"@en ; sg:group sg:content ;
    sh:message "Zu hoch für einen Baum."@de, "Too high for a tree."@en .
"""
PUBLIC = """
[[source]]
name = "units"
title = { de = "Einheiten", en = "Units" }
domain = "governance"
kind = "file"
visibility = "public"
path = "units.ttl"

[[source]]
name = "register"
title = { de = "Register", en = "Register" }
domain = "governance"
kind = "file"
visibility = "public"
path = "register.ttl"

[[source]]
name = "trees"
title = { de = "Bäume", en = "Trees" }
domain = "city"
kind = "file"
visibility = "public"
file = "trees.csv"
mapping = "trees.rq"
"""
RESTRICTED = f"""
[[source]]
name = "{MARK}-secrets"
title = {{ de = "Geheimes {MARK}", en = "Secrets {MARK}" }}
domain = "city"
kind = "file"
visibility = "restricted"
path = "{MARK}.ttl"
"""
EXAMPLE = """#: name: labels
#: question.de: Wie heißen die Dinge?
#: question.en: What are things called?
#: number: 1
#: param: thing IRI <id/unit/green> | Ding | thing
SELECT ?p ?o WHERE { $thing ?p ?o } ORDER BY ?p ?o
"""


class Vault(Town):
    """A town with a register and audit shapes; with ``secret`` a restricted source holds much about public things."""

    def __init__(self, folder: Path, *, secret: bool) -> None:
        super().__init__(folder)
        (self.data.parent / "shapes" / "audit.ttl").write_text(PREFIXES + SHAPES, "utf-8")
        (self.data / "register.ttl").write_text(PREFIXES + REGISTER, "utf-8")
        (self.data / "queries").mkdir()
        (self.data / "queries" / "labels.rq").write_text(EXAMPLE, "utf-8")
        self.secret = secret
        self._registry(secret=False)
        self.build()
        self.trees(4)
        self._registry(secret=secret)
        self.build()
        self.trees(5)
        self.build()

    def _registry(self, *, secret: bool) -> None:
        (self.data / f"{MARK}.ttl").write_text(PREFIXES + SECRETS, "utf-8")
        (self.data / "sources.toml").write_text(PUBLIC + (RESTRICTED if secret else ""), "utf-8")

    def check_public(self) -> None:
        """Look for secrets in every public file of every release, and in every term of the public stores."""
        for release in sorted((self.city_folder / "releases").iterdir()):
            for path in release.rglob("*"):
                name = str(path.relative_to(release))
                if path.is_file() and "internal" not in name:
                    data = path.read_bytes()
                    data = gzip.decompress(data) if path.suffix == ".gz" else data
                    assert MARK.encode() not in data and NUMBER.encode() not in data, name
        with self.city as city:
            for each in city.releases.all():
                for quad in each.engine(View.PUBLIC).store:
                    assert MARK not in str(quad).lower() and NUMBER not in str(quad)

    def bearer(self, *scopes: str) -> dict[str, str]:
        """Make a token; give the header that shows it."""
        _, secret = Tokens(self.city_folder).create(scopes)
        return {"Authorization": f"Bearer {secret}"}


_CHANGING = (
    re.compile(r"\d{8}T\d{6}Z-\d{6}"),
    re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)?"),
    re.compile(r"(?:\d{4}-\d\d-\d\d|\d\d\.\d\d\.\d{4}) \d\d:\d\d(?::\d\d)?"),
    re.compile(r"\b\d+(?:\.\d+)? ?(?:ms|s)\b"),
    re.compile(r'(?<="query": ")[0-9a-f]{16}(?=")'),
)


def normal(text: str) -> str:
    """Give ``text`` without what differs between two builds: ids of releases and times."""
    for number, pattern in enumerate(_CHANGING):
        text = pattern.sub(f"@{number}", text)
    return text


SAMPLES: dict[str, tuple[str, ...]] = {
    "/static/<path:filename>": ("/static/stadtgraph.css", f"/static/{MARK}.css"),
    "/queries/<name>": ("/queries/labels", "/queries/labels?thing=id/dataset/trees", f"/queries/{MARK}"),
    "/id/<path:path>": ("/id/dataset/trees", f"/id/{MARK}-plan", f"/id/dataset/{MARK}-set"),
    "/data/<path:path>": ("/data/dataset/trees", f"/data/{MARK}-plan", f"/data/unit/{MARK}-unit"),
    "/page/<path:path>": ("/page/dataset/trees", f"/page/{MARK}-plan", f"/page/unit/{MARK}-unit"),
    "/audit/units/<path:slug>": ("/audit/units/green", "/audit/units/-", f"/audit/units/{MARK}-unit"),
    "/catalog.<form>": (*(f"/catalog.{form}" for form in ("ttl", "rdf", "jsonld", "nt")), f"/catalog.ttl?page={MARK}"),
    "/catalog/dataset.<form>": (
        "/catalog/dataset.ttl?iri=https%3A%2F%2Ftown.example%2Fid%2Fdataset%2Ftrees",
        f"/catalog/dataset.ttl?iri=https%3A%2F%2Ftown.example%2Fid%2Fdataset%2F{MARK}-set",
    ),
    "/catalog/dataset/<path:path>.<form>": ("/catalog/dataset/trees.ttl", f"/catalog/dataset/{MARK}-set.ttl"),
    "/catalog/quality.<form>": ("/catalog/quality.json", "/catalog/quality.csv", "/catalog/quality.ttl"),
    "/graphs/<path:path>": (
        "/graphs/source/units",
        f"/graphs/source/{MARK}-secrets",
        f"/graphs/written/{MARK}-secrets",
    ),
    "/sitemap-<int:number>.xml": ("/sitemap-1.xml", "/sitemap-99.xml"),
    "/audit/report.<form>": tuple(f"/audit/report.{form}" for form in ("ttl", "json", "csv", "xlsx", "html", "text")),
}
"""Addresses of each route with a variable part. A new route needs a line here; others are visited by themselves."""


@dataclass(frozen=True)
class Seen:
    """What an address answered, without what differs between two builds."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str


_PASSING = {"etag", "stadtgraph-query", "date", "last-modified", "content-length", "server"}


def seen(answer: TestResponse) -> Seen:
    """Take note of an answer."""
    headers = sorted((k.lower(), normal(v)) for k, v in answer.headers.items() if k.lower() not in _PASSING)
    return Seen(answer.status_code, tuple(headers), normal(body(answer)))


def body(answer: TestResponse) -> str:
    """Give the text of an answer, of workbooks what is packed in them."""
    if answer.data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(answer.data)) as packed:
            return "\n".join(packed.read(name).decode() for name in sorted(packed.namelist()))
    return answer.data.decode("utf-8", "replace")
