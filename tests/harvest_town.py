"""A small town whose catalogue others harvest: how its pages are written, and what became of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyoxigraph as ox

from stadtgraph.release import View
from stadtgraph.terms import HISTORY, RDF, SG
from town import Town

PREFIXES = """
@prefix dcat: <http://www.w3.org/ns/dcat#> .
@prefix dct: <http://purl.org/dc/terms/> .
@prefix foaf: <http://xmlns.com/foaf/0.1/> .
@prefix hydra: <http://www.w3.org/ns/hydra/core#> .
@prefix vcard: <http://www.w3.org/2006/vcard/ns#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""
SHAPES = """
@prefix sh: <http://www.w3.org/ns/shacl#> .
@prefix sg: <https://w3id.org/stadtgraph/ns#> .
@prefix dcat: <http://www.w3.org/ns/dcat#> .
@prefix dct: <http://purl.org/dc/terms/> .
@prefix ex: <https://town.example/ns#> .
ex:RecordShape a sh:NodeShape ; sg:recordGate true ; sh:targetClass dcat:Dataset ; sh:property ex:RecordText .
ex:RecordText a sh:PropertyShape ; sh:path dct:description ; sh:minCount 1 ;
    sh:message "Beschreibung fehlt."@de , "A description is missing."@en .
"""
SOURCE = """
[[source]]
name = "portal"
title = {{ de = "Portal", en = "Portal" }}
domain = "city"
kind = "harvest"
visibility = "{visibility}"
{where}
[source.harvest]
pause = 0
{more}
"""
CATALOGUE = "https://portal.example/catalogue"


def dataset(number: int | str, more: str = "", *, title: str | None = None) -> str:
    """Give the Turtle of a dataset with a distribution and a contact as a blank node."""
    iri = f"https://portal.example/dataset/{number}"
    return f"""
<{CATALOGUE}> dcat:dataset <{iri}> .
<{iri}> a dcat:Dataset ; dct:title "{title or f"Datensatz {number}"}"@de ; dct:description "Eine Beschreibung"@de ;
    dct:publisher <https://portal.example/org> ; dcat:distribution <{iri}/csv> ; dct:identifier "{number}" ;
    dcat:contactPoint [ a vcard:Organization ; vcard:fn "Amt {number}" ; vcard:hasEmail <mailto:info@portal.example> ]
    {more} .
<{iri}/csv> a dcat:Distribution ; dct:format "CSV" ; dcat:accessURL <{iri}.csv> ;
    dcat:byteSize "{len(iri)}"^^xsd:nonNegativeInteger .
"""


def page(numbers: Iterable[int | str], more: str = "") -> str:
    """Give a page with datasets."""
    head = f"<{CATALOGUE}> a dcat:Catalog ; dct:title 'Portal'@de .\n"
    head += "<https://portal.example/org> foaf:name 'Portalamt' .\n"
    return PREFIXES + head + "".join(map(dataset, numbers)) + more


class HarvestTown(Town):
    """A town with the source ``portal``."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        (folder / "shapes" / "records.ttl").write_text(SHAPES)
        self.page = self.files / "catalogue.ttl"

    def register(self, where: str = 'file = "catalogue.ttl"', more: str = "", visibility: str = "public") -> None:
        """Register the source ``portal``."""
        text = (self.data / "sources.toml").read_text().partition("\n# harvest")[0]
        entry = SOURCE.format(where=where, more=more, visibility=visibility)
        (self.data / "sources.toml").write_text(f"{text}\n# harvest{entry}")

    def quarantine(self, source: str = "portal") -> list[str]:
        """Give the names of the records in quarantine."""
        found = self.all_contents().get(f"https://town.example/graph/quarantine/{source}", frozenset())
        names = [t.object for t in found if t.predicate.value.endswith("/identifier")]
        return sorted(name.value for name in names if isinstance(name, ox.Literal))

    def datasets(self, source: str = "portal") -> list[str]:
        """Give the last parts of the IRIs of the datasets of a source."""
        found = self.all_contents().get(f"https://town.example/graph/source/{source}", frozenset())
        kind = "http://www.w3.org/ns/dcat#Dataset"
        return sorted(t.subject.value.rpartition("/")[2] for t in found if getattr(t.object, "value", "") == kind)  # type: ignore[union-attr]

    def tombstones(self) -> list[str]:
        """Give the IRIs of the records that are gone."""
        with self.city as city:
            engine = city.releases.require_current().engine(View.PUBLIC)
            history = city.names.graph(HISTORY)
            stones = [q.subject for q in engine.store.quads_for_pattern(None, RDF.type, SG.Tombstone, history)]
            found = [q.object for s in stones for q in engine.store.quads_for_pattern(s, SG.ofRecord, None, history)]
        return sorted(getattr(node, "value", "") for node in found)

    def all_contents(self) -> dict[str, frozenset[ox.Triple]]:
        """Give every graph of the widest view."""
        with self.city as city:
            has = city.releases.require_current().has(View.INTERNAL)
        return self.contents(View.INTERNAL if has else View.PUBLIC)
