"""The export of Jena's registers under the official shapes, and under our own.

The official files are read where they lie; what is known to be wrong in them is mended in copies, each mend with its
reason in :data:`MENDS`. What no provider can meet is listed with why in :data:`NOBODY_CAN`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pyoxigraph as ox
import pytest

from catalogue.conftest import TOWN, make_town
from stadtgraph.catalogue import PROFILES, Catalogue
from stadtgraph.catalogue.formats import FORMS
from stadtgraph.catalogue.vocabulary import DCATAP, HVD_REGULATION
from stadtgraph.city.cataloguing import catalogue
from stadtgraph.shacl import Result, load_shapes, validate
from stadtgraph.terms import DCAT, RDF, RDFS, SG, SH, SKOS, XSD, Term

ROOT = Path(__file__).resolve().parents[2]
BASE = "https://stadtgraph.example/jena/"
DE_3 = (
    "dcat-ap-3.0.0/dcat-ap-SHACL.ttl",
    "dcat-ap-de-3.0/dcat-ap-SHACL-DE.ttl",
    "dcat-ap-de-3.0/dcat-ap-spec-german-additions.ttl",
    "dcat-ap-de-3.0/dcat-ap-de-deprecated.ttl",
    "dcat-ap-de-3.0/dcat-ap-de-controlledvocabularies.ttl",
)
EU_3 = ("dcat-ap-3.0.0/dcat-ap-SHACL.ttl",)
HVD = ("dcat-ap-hvd-3.0.0/hvd-SHACL.ttl",)
DE_2 = (
    "dcat-ap-de-2.0/dcat-ap_2.1.1_shacl_shapes.ttl",
    "dcat-ap-de-2.0/dcat-ap-spec-german-messages.ttl",
    "dcat-ap-de-2.0/dcat-ap-spec-german-additions.ttl",
    "dcat-ap-de-2.0/dcat-ap-de-deprecated.ttl",
    "dcat-ap-de-2.0/dcat-ap-konventionen.ttl",
)
MENDS = (
    (
        "<http://data.europa.eu/r5r#>",
        "<http://data.europa.eu/r5r/>",
        "the German files bind dcatap: to an IRI that nobody uses, so that their rules on availability never apply",
    ),
    (
        "<http://data.europa.eu/r5r> .",
        "<http://data.europa.eu/r5r/> .",
        "the shapes of 2.1.1 bind dcatap: without the slash at the end",
    ),
)
SERIES = """
@prefix dcat: <http://www.w3.org/ns/dcat#> .
@prefix sh: <http://www.w3.org/ns/shacl#> .
<http://dcat-ap.de/def/dcatde/3.0/shacl/DatasetSeries_Shape> a sh:NodeShape ; sh:targetClass dcat:DatasetSeries ;
    sh:property <http://dcat-ap.de/def/dcatde/3.0/shacl/DE_DatasetSeries_dcterms_publisher_v_Min> .
"""
"""The rule that a series has a publisher is attached to no node shape in the official file."""
NOBODY_CAN = {
    "http://dcat-ap.de/def/dcatde/contributorID": (
        "K12/K13: an ID of a data provider is given to those who deliver to GovData directly; neither Jena nor"
        " Thuringia has one, so that stating one would be wrong"
    ),
    "http://www.w3.org/ns/dcat#byteSize": (
        "2.x wants xsd:decimal, 3.0 xsd:nonNegativeInteger: no value can have both types; CKAN reads both"
    ),
}
VOCABULARIES = ("vocab/eu", "vocab/sh-dcat-statistics", "vocab")
FORMATS = {".ttl": ox.RdfFormat.TURTLE, ".rdf": ox.RdfFormat.RDF_XML}
FOREIGN = ("http://publications.europa.eu/", "http://purl.org/adms/", "http://data.europa.eu/", "https://www.iana.org/")


def exported(catalogue: Catalogue, name: str) -> set[ox.Triple]:
    """Give the export under a profile."""
    profile = PROFILES[name]
    data = b"".join(FORMS["nt"].write(catalogue.head(profile), catalogue.records(profile), ()))
    return {quad.triple for quad in ox.parse(data, format=ox.RdfFormat.N_TRIPLES)}


@cache
def vocabulary(reference: Path) -> frozenset[ox.Triple]:
    """Give which list each concept of the official lists is in."""
    found: set[ox.Triple] = set()
    for folder in VOCABULARIES:
        for file in sorted((reference / folder).iterdir()):
            if file.suffix in FORMATS and not file.name.startswith(("places", "countries")):
                quads = ox.parse(file.read_bytes(), format=FORMATS[file.suffix], base_iri=BASE, lenient=True)
                found |= {quad.triple for quad in quads if quad.predicate == SKOS.inScheme}
    return frozenset(found)


def violations(
    data: Iterable[ox.Triple], shared: Path, files: Iterable[str], folder: Path, with_lists: bool = True
) -> list[tuple[str, str, str]]:
    """Give the violations at nodes that the export describes: path, component, focus node."""
    reference, triples = shared / "reference" / "dcat-ap-de", set(data)
    copies = [mended(reference / "shapes" / file, folder) for file in files]
    own: set[Term] = {t.subject for t in triples}
    named = own | {t.object for t in triples}
    background = {t for t in vocabulary(reference) if t.subject in named} if with_lists else set()
    everything = {
        ox.Triple(t.object, RDF.type, RDFS.Resource) for t in triples if isinstance(t.object, ox.NamedNode)
    }  # an axiom of RDFS (rdfs4b) that the European shapes take for granted
    report = validate([*(triples | background | everything)], load_shapes(copies, BASE))
    return [
        (r.path or "", r.component.value.rpartition("#")[2], str(r.focus))
        for r in report.results
        if r.severity == SH.Violation and r.focus in own and not is_foreign(r)
    ]


def is_foreign(result: Result) -> bool:
    """Tell whether a result is about a concept of an official list, which is not ours to describe."""
    return isinstance(result.focus, ox.NamedNode) and result.focus.value.startswith(FOREIGN)


def mended(file: Path, folder: Path) -> Path:
    """Give a copy of a file in which the known faults are mended."""
    text = file.read_text("utf-8")
    for wrong, right, _ in MENDS:
        text = text.replace(wrong, right)
    if file.name == "dcat-ap-spec-german-additions.ttl" and "3.0" in file.parent.name:
        text += SERIES
    copy = folder / f"{file.parent.name}-{file.name}"
    copy.write_text(text, "utf-8")
    return copy


@pytest.mark.parametrize("name", PROFILES)
def test_no_violation_of_dcat_ap_de_3(catalogue_of_jena: Catalogue, shared: Path, tmp_path: Path, name: str) -> None:
    """All three profiles, with the prescribed lists."""
    assert violations(exported(catalogue_of_jena, name), shared, DE_3, tmp_path) == []


@pytest.mark.parametrize("name", PROFILES)
def test_no_violation_of_dcat_ap_3(catalogue_of_jena: Catalogue, shared: Path, tmp_path: Path, name: str) -> None:
    """The European shapes, which want every value to be of the stated class; the twins of 2.x do not disturb them."""
    assert violations(exported(catalogue_of_jena, name), shared, EU_3, tmp_path) == []


@pytest.mark.parametrize("name", PROFILES)
def test_no_violation_of_the_shapes_for_high_value_datasets(
    catalogue_of_jena: Catalogue, shared: Path, tmp_path: Path, name: str
) -> None:
    """They are for high-value datasets alone; two of Jena's six have a published distribution."""
    data = exported(catalogue_of_jena, name)
    chosen = {t.subject for t in data if t.predicate == DCATAP.hvdCategory}
    legal = {t.subject for t in data if t.object == HVD_REGULATION}
    assert len(chosen) == 2 and chosen < legal
    assert legal - chosen == {t.object for t in data if t.subject in chosen and t.predicate == DCAT.distribution}
    kinds = (DCAT.Dataset, DCAT.Distribution, DCAT.DataService, DCAT.Catalog)
    others = {t.subject for t in data if t.predicate == RDF.type and t.object in kinds} - legal
    subset = {t for t in data if t.subject not in others}
    assert violations(subset, shared, HVD, tmp_path) == []


def test_the_conventions_of_2_but_for_what_nobody_can_meet(
    catalogue_of_jena: Catalogue, shared: Path, tmp_path: Path
) -> None:
    """What is left are the listed points, each with a reason; a point that is met now must leave the list."""
    found = violations(exported(catalogue_of_jena, "govdata"), shared, DE_2, tmp_path)
    assert {path.strip("<>") for path, _, _ in found} == set(NOBODY_CAN)
    assert all(len(reason) > 60 for reason in NOBODY_CAN.values())


OUTLINED = """<id/catalogue> a dcat:Catalog ; dct:title "T"@de ; dct:description "T"@de ; dct:publisher <id/unit/town> .
<id/unit/town> a org:FormalOrganization ; skos:prefLabel "Stadt"@de .
<id/dataset/outlined> a dcat:Dataset ; dct:title "Süd"@de ; dct:description "Ein Viertel."@de ;
    dct:publisher <id/unit/town> ; dct:spatial <id/ortsteil/south> .
<id/ortsteil/south> a dct:Location ; geo:hasGeometry <id/geometry/south> .
<id/geometry/south> geo:asWKT "POLYGON ((11.5 50.8, 11.7 50.8, 11.6 51, 11.5 50.8))"^^geo:wktLiteral .
"""


@pytest.mark.parametrize(
    ("name", "files"), [("dcat-ap-de", DE_3), ("eu", EU_3), ("govdata", DE_2), ("govdata", DE_3), ("govdata", EU_3)]
)
def test_the_geometry_of_a_place_meets_the_shapes_of_2_and_3(
    shared: Path, tmp_path: Path, name: str, files: tuple[str, ...]
) -> None:
    """A box is a literal in both; ``locn:geometry`` would be a literal in 2.x and a node in 3.0."""
    with make_town(tmp_path, TOWN[: TOWN.index("<id/unit/town>")] + OUTLINED) as city:
        made = catalogue(city, city.releases.require_current())
        found = violations(exported(made, name), shared, files, tmp_path)
    assert {path for path, _, _ in found} - {f"<{p}>" for p in NOBODY_CAN} == set()


@pytest.mark.parametrize("name", PROFILES)
def test_no_violation_of_our_own_shapes_of_the_profile(catalogue_of_jena: Catalogue, name: str) -> None:
    """The shapes that audits use, on the export alone."""
    files = [ROOT / "shapes" / "audit" / f"{part}.ttl" for part in ("prefixes", "profile")]
    day = ox.Triple(SG.audit, SG.asOf, ox.Literal("2026-11-21", datatype=XSD.date))
    report = validate([*exported(catalogue_of_jena, name), day], load_shapes(files, BASE))
    assert [(r.shape, r.focus) for r in report.results if r.severity == SH.Violation] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["de-rostock-catalog.rdf", "de-sh-opendata-catalog-page.xml"])
def test_catalogues_of_others_are_exported_without_violations(shared: Path, tmp_path: Path, name: str) -> None:
    """What breaks the profile in them is left out and reported, and all their datasets stay."""
    file = shared / "realdata" / "catalogues" / name
    triples = [q.triple for q in ox.parse(file.read_bytes(), format=ox.RdfFormat.RDF_XML, base_iri=BASE, lenient=True)]
    source = tmp_path / "source.ttl"
    legal = [t for t in triples if not isinstance(t.object, ox.NamedNode) or not set(" {}|^`[]") & set(t.object.value)]
    source.write_bytes(b"".join(f"{t} .\n".encode() for t in legal))
    with make_town(tmp_path, source.read_text("utf-8")) as city:
        made = catalogue(city, city.releases.require_current())
        datasets = {t.subject for t in triples if t.predicate == RDF.type and t.object == DCAT.Dataset}
        assert set(made.datasets) == {d.value for d in datasets if isinstance(d, ox.NamedNode)}
        for profile in PROFILES:
            found = violations(exported(made, profile), shared, DE_3, tmp_path)
            others = [v for v in found if v[2] != str(made.iri)]  # the town describes no catalogue of its own
            assert others == []
