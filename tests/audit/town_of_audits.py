"""A town with units, posts, datasets and responsibilities, and shapes that find what is wrong with them."""

from __future__ import annotations

from pathlib import Path

from town import Town

PREFIXES = """
@prefix dcat: <http://www.w3.org/ns/dcat#> .
@prefix dct: <http://purl.org/dc/terms/> .
@prefix org: <http://www.w3.org/ns/org#> .
@prefix prov: <http://www.w3.org/ns/prov#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix sg: <https://w3id.org/stadtgraph/ns#> .
@prefix sh: <http://www.w3.org/ns/shacl#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
@prefix ex: <https://town.example/ns#> .
"""
REGISTER = (
    PREFIXES
    + """
<id/unit/green> a org:OrganizationalUnit ; skos:prefLabel "Grünamt"@de, "parks office"@en .
<id/unit/roads> a org:OrganizationalUnit ; skos:prefLabel "=Straßen"@de, "=roads"@en .
<id/post/green-manager> a org:Post ; org:postIn <id/unit/green> ; org:role <id/role/data-manager> .
<id/post/coach> a org:Post ; org:postIn <id/unit/green> ; org:role <id/role/urban-data-coach> .
<id/post/governor> a org:Post ; org:postIn <id/unit/roads> ; org:role <id/role/data-governance-manager> .
<id/dataset/trees> a dcat:Dataset ; dct:title "Bäume"@de ; dct:issued "2020"^^xsd:gYear .
<id/dataset/paths> a dcat:Dataset ; dct:title "Wege"@de, "ways"@en ; dct:description "<b>x</b>" .
<id/dataset/lost> a dcat:Dataset .
<id/responsibility/trees> a sg:Responsibility ; sg:for <id/dataset/trees> ; prov:agent <id/unit/green> ;
    dcat:hadRole <id/role/data-owner> ; sg:raci sg:accountable .
<id/responsibility/paths> a sg:Responsibility ; sg:for <id/dataset/paths> ; prov:agent <id/unit/roads> ;
    dcat:hadRole <id/role/data-owner> ; sg:raci sg:accountable .
"""
)
AUDIT_SHAPES = (
    PREFIXES
    + """
ex:dataset-title a sh:NodeShape ; sh:targetClass dcat:Dataset ; sh:property ex:title, ex:description, ex:issued .
ex:title a sh:PropertyShape ; sh:path dct:title ; sh:minCount 1 ; sh:severity sh:Violation ;
    sh:name "Titel"@de, "title"@en ; sh:message "Der Titel fehlt."@de, "The title is missing."@en ;
    sg:remedy "Einen Titel eintragen."@de, "Record a title."@en ;
    sg:mendedBy <id/role/data-manager> ; sg:group sg:quality ; rdfs:seeAlso <https://rules.example/title> .
ex:description a sh:PropertyShape ; sh:path dct:description ; sh:minCount 1 ; sh:severity sh:Warning ;
    sh:name "Beschreibung"@de, "description"@en ; sg:mqaPoints 20 ; sg:mendedBy <id/role/data-manager> ;
    sh:message "Die Beschreibung fehlt."@de, "The description is missing."@en ; sg:group sg:quality ;
    sg:remedy "Beschreiben, was die Daten zeigen."@de, "Say what the data show."@en .
ex:issued a sh:PropertyShape ; sh:path dct:issued ; sh:datatype xsd:date ; sh:severity sh:Info ;
    sh:name "Tag"@de, "day"@en ; sh:message "Kein Tag."@de, "No day."@en ; sg:group sg:profile .
ex:tree-height a sh:PropertyShape ; sh:targetClass ex:Tree ; sh:path ex:height ; sh:maxInclusive 100 ;
    sh:severity sh:Warning ; sh:name "Höhe"@de, "height"@en ; sg:group sg:content ;
    sh:message "Zu hoch für einen Baum."@de, "Too high for a tree."@en .
ex:named-plan a sh:PropertyShape ; sh:targetSubjectsOf ex:secretName ; sh:path ex:secretName ; sh:maxLength 3 ;
    sh:severity sh:Info ; sh:name "Plan"@de, "plan"@en ; sh:message "Langer Name."@de, "Long name."@en .
"""
)
DATASET = 'dataset = "id/dataset/trees"\n'


class AuditedTown(Town):
    """The town with a register of datasets and audit shapes; its trees belong to a dataset."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        (self.data.parent / "shapes" / "audit.ttl").write_text(AUDIT_SHAPES)
        registry = self.data / "sources.toml"
        text = registry.read_text().replace('file = "trees.csv"\n', f'file = "trees.csv"\n{DATASET}')
        registry.write_text(
            text + '\n[[source]]\nname = "register"\ntitle = { de = "Register", en = "register" }\n'
            'domain = "governance"\nkind = "file"\nvisibility = "public"\npath = "register.ttl"\n'
        )
        self.register()

    def register(self, more: str = "", *, without: str = "\0") -> None:
        """Write the register of datasets, with more or without some of it."""
        (self.data / "register.ttl").write_text(REGISTER.replace(without, "") + more)
