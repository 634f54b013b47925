"""A town of three sources that builds in half a second: a register, a table that is placed, a restricted table."""

from __future__ import annotations

import shutil
from copy import copy
from pathlib import Path

import pyoxigraph as ox

from stadtgraph import City
from stadtgraph.release import View

ONTOLOGY = """
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix ex: <https://town.example/ns#> .
ex:Tree a owl:Class ; rdfs:subClassOf ex:Plant .
ex:partOf a owl:ObjectProperty , owl:TransitiveProperty .
ex:secretName a owl:DatatypeProperty ; rdfs:subPropertyOf rdfs:label .
"""
SHAPES = """
@prefix sh: <http://www.w3.org/ns/shacl#> .
@prefix sg: <https://w3id.org/stadtgraph/ns#> .
@prefix ex: <https://town.example/ns#> .
ex:UnitShape a sh:NodeShape ; sg:gate true ; sh:targetClass ex:Unit ;
    sh:property ex:UnitName .
ex:UnitName a sh:PropertyShape ; sh:path ex:name ; sh:minCount 1 ;
    sh:message "Name fehlt."@de , "A name is missing."@en .
"""
SOURCES = """
[[source]]
name = "units"
title = { de = "Einheiten", en = "Units" }
domain = "governance"
kind = "file"
visibility = "public"
path = "units.ttl"

[[source]]
name = "trees"
title = { de = "Bäume", en = "Trees" }
domain = "city"
kind = "file"
visibility = "public"
file = "trees.csv"
mapping = "trees.rq"

[[source]]
name = "plans"
title = { de = "Pläne", en = "Plans" }
domain = "city"
kind = "file"
visibility = "restricted"
file = "plans.csv"
mapping = "plans.rq"
"""
UNITS = """
@prefix ex: <https://town.example/ns#> .
<id/unit/a> a ex:Unit ; ex:name "Amt A"@de ; ex:partOf <id/unit/b> .
<id/unit/b> a ex:Unit ; ex:name "Amt B"@de ; ex:partOf <id/unit/c> .
<id/unit/c> a ex:Unit ; ex:name "Stadt"@de ; ex:size "1.50"^^<http://www.w3.org/2001/XMLSchema#decimal> .
"""
TREES = """
PREFIX ex: <https://town.example/ns#>
CONSTRUCT { ?tree a ex:Tree ; ex:height ?height }
WHERE { BIND(IRI(CONCAT("id/tree/", ?id)) AS ?tree) }
"""
PLANS = """
PREFIX ex: <https://town.example/ns#>
CONSTRUCT { ?plan a ex:Tree ; ex:secretName ?text }
WHERE { BIND(IRI(CONCAT("id/plan/", ?id)) AS ?plan) }
"""
SECRET = "Geheimplan-Nordhang-4711"

Contents = dict[str, frozenset[ox.Triple]]


class Town:
    """The folders of a small city, and how to change its sources."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.city_folder, self.data, self.files = folder / "city", folder / "data", folder / "files"
        for path in (self.city_folder, self.data, self.files, folder / "shapes", folder / "ontology"):
            path.mkdir(parents=True)
        (folder / "ontology" / "town.ttl").write_text(ONTOLOGY)
        (folder / "shapes" / "town.ttl").write_text(SHAPES)
        for name, text in (("sources.toml", SOURCES), ("units.ttl", UNITS), ("trees.rq", TREES), ("plans.rq", PLANS)):
            (self.data / name).write_text(text)
        (self.city_folder / "stadtgraph.toml").write_text(
            '[city]\nbase = "https://town.example/"\ndata = "../data"\nshapes = "../shapes"\nontology = "../ontology"\n'
        )
        self.trees(3)

    def trees(self, number: int, height: str = "5") -> None:
        """Write the table of trees."""
        rows = "".join(f"{i},{height}\n" for i in range(number))
        (self.files / "trees.csv").write_text(f"id,height\n{rows}")

    def plans(self, text: str = SECRET) -> None:
        """Write the restricted table."""
        (self.files / "plans.csv").write_text(f"id,text\n1,{text}\n")

    def copied(self, folder: Path) -> Town:
        """Give a town in another folder that is as this one is now, with its releases."""
        shutil.copytree(self.folder, folder)
        made = copy(self)
        for name, value in vars(self).items():
            if isinstance(value, Path):
                setattr(made, name, folder / value.relative_to(self.folder))
        return made

    @property
    def city(self) -> City:
        """The city, opened afresh."""
        return City(self.city_folder)

    def build(self) -> str:
        """Build; give the id of the current release."""
        with self.city as city:
            city.build(real_data=self.files)
            return city.releases.require_current().id

    def contents(self, view: View = View.PUBLIC) -> Contents:
        """Give every graph of a view of the current release but the records of builds; the merge without them."""
        with self.city as city:
            engine = city.releases.require_current().engine(view)
            found: dict[str, set[ox.Triple]] = {}
            for quad in engine.store:
                if isinstance(quad.graph_name, ox.NamedNode):
                    found.setdefault(quad.graph_name.value, set()).add(quad.triple)
        records = {city.names.graph(name).value for name in ("provenance", "history")}
        return {iri: frozenset(triples) for iri, triples in found.items() if iri not in records}
