"""What is exported of a dataset, and what is held back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pyoxigraph as ox
import pytest

from catalogue.conftest import TOWN, make_town
from stadtgraph.catalogue import DCAT_AP_DE, EU_PROFILE, GOVDATA, PROFILES, Catalogue, Profile, Record
from stadtgraph.catalogue.formats import FORMS
from stadtgraph.catalogue.jsonld import context
from stadtgraph.catalogue.paging import Page
from stadtgraph.catalogue.vocabulary import DCATAP, DCATDE, GEODCATAP, HVD_REGULATION, HYDRA, PUBLIC, table
from stadtgraph.city import City
from stadtgraph.city.cataloguing import catalogue as make_catalogue
from stadtgraph.city.cataloguing import withheld
from stadtgraph.city.harvestcalls import harvest
from stadtgraph.cli import main
from stadtgraph.terms import DCAT, DCT, FOAF, OWL, PROV, RDF, VCARD, XSD, Term

BASE = "https://town.example/"
RDF_FORMATS = {
    "rdf": ox.RdfFormat.RDF_XML,
    "ttl": ox.RdfFormat.TURTLE,
    "nt": ox.RdfFormat.N_TRIPLES,
    "jsonld": ox.RdfFormat.JSON_LD,
}


def node(path: str) -> ox.NamedNode:
    """Give an IRI of the town."""
    return ox.NamedNode(f"{BASE}id/{path}")


def full(catalogue: Catalogue, profile: Profile) -> Record:
    """Give the record of the dataset that has everything."""
    return catalogue.record(profile, f"{BASE}id/dataset/full")


def written(catalogue: Catalogue, profile: Profile, form: str, iris: list[str] | None = None) -> bytes:
    """Write a catalogue to bytes."""
    return b"".join(FORMS[form].write(catalogue.head(profile), catalogue.records(profile, iris), ()))


def parsed(data: bytes, form: str) -> set[ox.Triple]:
    """Parse a document."""
    return {quad.triple for quad in ox.parse(data, format=RDF_FORMATS[form])}


def test_roles_follow_from_responsibilities_that_hold(catalogue_of_town: Catalogue) -> None:
    """Publisher, custodian and contact come from the unit of the accountable post; an ended role counts no more."""
    record = full(catalogue_of_town, DCAT_AP_DE)
    assert record.values(DCT.publisher) == [node("unit/town")]
    assert record.values(GEODCATAP.custodian) == [node("unit/parks")]
    (contact,) = record.values(DCAT.contactPoint)
    assert isinstance(contact, ox.NamedNode)
    assert record.values(VCARD.hasEmail, contact) == [ox.NamedNode("mailto:parks@town.example")]
    assert record.values(VCARD.fn, contact) == [ox.Literal("Grünamt", language="de")]
    assert record.values(PROV.agent, node("responsibility/full")) == [node("unit/parks")]


OUTLINED = """
<id/dataset/outlined> a dcat:Dataset ; dct:title "Süd"@de ; dct:description "Ein Viertel."@de ;
    dct:publisher <id/unit/town> ; dct:spatial <id/ortsteil/south>, <id/ortsteil/west>, <id/ortsteil/east> .
<id/ortsteil/south> a dct:Location ; geo:hasGeometry <id/geometry/south> .
<id/geometry/south> geo:asWKT "POLYGON ((11.5 50.8, 11.7 50.8, 11.6 51, 11.5 50.8))"^^geo:wktLiteral .
<id/ortsteil/west> a dct:Location ; <http://www.w3.org/ns/locn#geometry>
    "{\\"type\\": \\"LineString\\", \\"coordinates\\": [[11, 50], [12, 51]]}"^^<https://town.example/GeoJSON> .
<id/ortsteil/east> a dct:Location ; geo:hasGeometry <id/geometry/east> .
<id/geometry/east> geo:asWKT "POINT(11.5 50.8)"^^geo:wktLiteral .
"""
PLACES = (
    ("south", DCAT.bbox, "POLYGON((11.5 50.8,11.7 50.8,11.7 51,11.5 51,11.5 50.8))"),
    ("west", DCAT.bbox, "POLYGON((11 50,12 50,12 51,11 51,11 50))"),
    ("east", DCAT.centroid, "POINT(11.5 50.8)"),
)


def test_a_place_has_its_box_or_centroid_in_every_profile(tmp_path: Path) -> None:
    """As all read them; a whole geometry as a literal is for 2.x alone, as a node for 3.0 alone, so there is none."""
    whole = ox.NamedNode("http://www.w3.org/ns/locn#geometry")
    with make_town(tmp_path, TOWN + OUTLINED) as city:
        made = make_catalogue(city, city.releases.require_current())
        for profile in PROFILES.values():
            record = made.record(profile, f"{BASE}id/dataset/outlined")
            for name, kind, value in PLACES:
                place = ox.NamedNode(f"{BASE}id/ortsteil/{name}")
                assert [getattr(v, "value", "") for v in record.values(kind, place)] == [value]
                assert record.values(whole, place) == []
        form = b"".join(FORMS["jsonld"].write(made.head(GOVDATA), made.records(GOVDATA), ()))
        plain = b"".join(FORMS["nt"].write(made.head(GOVDATA), made.records(GOVDATA), ()))
        read = {q.triple for q in ox.parse(form, format=ox.RdfFormat.JSON_LD)}
        assert read == {q.triple for q in ox.parse(plain, format=ox.RdfFormat.N_TRIPLES)}


def test_the_quarter_of_a_place_is_named_too(catalogue_of_town: Catalogue) -> None:
    """A place inside a quarter gives the quarter as a place, with its centroid."""
    record = full(catalogue_of_town, DCAT_AP_DE)
    assert record.values(DCT.spatial) == [node("ortsteil/north"), node("place/spring")]
    assert record.values(DCAT.centroid, node("ortsteil/north"))


def test_a_distribution_without_a_licence_becomes_a_landing_page(catalogue_of_town: Catalogue) -> None:
    """Its address is not lost; it is reported with what is missing."""
    record = full(catalogue_of_town, DCAT_AP_DE)
    assert record.values(DCAT.distribution) == [node("distribution/open")]
    assert record.values(DCAT.landingPage) == [ox.NamedNode("https://town.example/unclear")]
    held = [(w.subject, w.property, w.why) for w in record.withheld if w.what == "Distribution"]
    assert held == [(node("distribution/closed"), DCT.license, "missing")]


def test_a_dataset_without_a_mandatory_fact_is_held_back_whole(catalogue_of_town: Catalogue) -> None:
    """It stands in no document, no service leads to it, and the report names it."""
    assert catalogue_of_town.held_back == [f"{BASE}id/dataset/untitled"]
    for profile in PROFILES.values():
        assert b"untitled" not in written(catalogue_of_town, profile, "nt")
    missing = [w for w in catalogue_of_town.withheld(DCAT_AP_DE) if w.what == "Dataset"]
    assert [(w.subject, w.property) for w in missing] == [(node("dataset/untitled"), DCT.title)]


def test_the_report_names_the_post_that_an_open_question_asks(town: City) -> None:
    """The post of the question comes before the one that answers for the dataset."""
    found = list(withheld(town, town.releases.require_current(), "dcat-ap-de"))
    (title,) = [a for a in found if a.withheld.what == "Dataset"]
    assert title.post == node("post/manager")
    assert "Datenmanager:in" in title.text("de")
    (licence,) = [a for a in found if a.withheld.subject == node("distribution/closed")]
    assert licence.unit == node("unit/parks")
    assert all(a.text(lang) for a in found for lang in ("de", "en"))


def test_a_dataset_that_is_not_public_is_only_announced(catalogue_of_town: Catalogue) -> None:
    """Title and publisher stand, addresses do not."""
    for profile in PROFILES.values():
        record = catalogue_of_town.record(profile, f"{BASE}id/dataset/internal")
        assert record.values(DCT.title) and record.values(DCT.accessRights)
        assert b"/internal.csv" not in written(catalogue_of_town, profile, "nt")
        assert not record.values(DCAT.landingPage) and not record.of("Distribution")


def test_no_person_is_named(catalogue_of_town: Catalogue) -> None:
    """A creator that is a person is left out and counted."""
    assert b"Erika" not in written(catalogue_of_town, GOVDATA, "nt")
    assert [w.why for w in full(catalogue_of_town, GOVDATA).withheld if w.why == "person"] == ["person"]


def test_high_value_datasets_name_the_regulation(catalogue_of_town: Catalogue) -> None:
    """At the dataset and at its published distribution, in every profile."""
    for profile in PROFILES.values():
        record = full(catalogue_of_town, profile)
        assert record.values(DCATAP.applicableLegislation) == [HVD_REGULATION]
        assert record.values(DCATAP.applicableLegislation, node("distribution/open")) == [HVD_REGULATION]


def test_literals_are_typed_as_the_profile_wants(catalogue_of_town: Catalogue) -> None:
    """byteSize is a nonNegativeInteger, the newest of two days stands, a date that is none is left out."""
    record, at = full(catalogue_of_town, DCAT_AP_DE), node("distribution/open")
    assert record.values(DCAT.byteSize, at) == [ox.Literal("007", datatype=XSD.nonNegativeInteger)]
    assert record.values(DCT.modified, at) == [ox.Literal("2025-05-01", datatype=XSD.date)]
    assert record.values(DCT.license, at) == [ox.NamedNode("http://dcat-ap.de/def/licenses/dl-by-de/2.0")]
    assert not record.values(DCAT.theme), "a theme of another list is left out"
    assert {w.property for w in record.withheld if w.why == "value"} >= {DCAT.theme}


def test_values_written_as_texts_are_taken_for_what_they_say(catalogue_of_town: Catalogue) -> None:
    """Addresses, mail, telephone and days of schema.org; what cannot be read so is left out with its node."""
    record = catalogue_of_town.record(DCAT_AP_DE, f"{BASE}id/dataset/untidy")
    assert record.values(DCAT.landingPage) == [ox.NamedNode("https://town.example/page")]
    assert record.values(DCT.language) and not record.values(DCT.accessRights)
    assert record.values(DCAT.startDate, node("period/untidy")) == [ox.Literal("2020-01-01", datatype=XSD.date)]
    assert record.values(DCAT.contactPoint) == [node("contact/untidy")]
    reached = (
        record.values(VCARD.hasEmail, node("contact/untidy")),
        record.values(VCARD.hasTelephone, node("contact/untidy")),
    )
    assert reached == ([ox.NamedNode("mailto:office@town.example")], [ox.NamedNode("tel:0364149-0")])
    assert record.values(DCT.identifier) == [ox.Literal("urn:untidy")]


def test_the_profile_for_govdata_says_it_twice(catalogue_of_town: Catalogue) -> None:
    """The properties of 2.x stand beside those of 3.0, which the other profiles have alone."""
    both, new = full(catalogue_of_town, GOVDATA), full(catalogue_of_town, DCAT_AP_DE)
    assert both.values(DCATDE.maintainer) == both.values(GEODCATAP.custodian) == [node("unit/parks")]
    assert both.values(OWL.versionInfo) == both.values(DCAT.version)
    assert not new.values(DCATDE.maintainer) and not new.values(OWL.versionInfo)


def test_the_european_profile_says_what_follows(catalogue_of_town: Catalogue) -> None:
    """Openly licensed data are public; an address of a file is a download; the words of attribution are rights."""
    record, at = full(catalogue_of_town, EU_PROFILE), node("distribution/open")
    assert record.values(DCT.accessRights) == [PUBLIC]
    assert record.values(DCAT.downloadURL, at) == [ox.NamedNode("https://town.example/files/trees.csv")]
    assert record.values(DCT.rights, at)
    assert not [t for t in record.triples if t.predicate.value.startswith(str(DCATDE))]
    assert not full(catalogue_of_town, DCAT_AP_DE).values(DCT.accessRights)


def test_series_and_services_come_with_their_datasets(catalogue_of_town: Catalogue) -> None:
    """A series stands in the record; a service serves only what is exported; our own endpoint is a service."""
    record = full(catalogue_of_town, DCAT_AP_DE)
    assert record.of("DatasetSeries") and record.of("DataService")
    assert record.values(DCAT.servesDataset, node("service/wfs")) == [node("dataset/full")]
    triples = parsed(written(catalogue_of_town, DCAT_AP_DE, "nt"), "nt")
    services = {t.object for t in triples if t.predicate == DCAT.service}
    assert services == {node("service/wfs")}, "without a publisher of the catalogue our own endpoint has none either"


def test_an_identifier_is_unique_across_portals(catalogue_of_town: Catalogue) -> None:
    """A short name of the city stands as a second identifier."""
    record = full(catalogue_of_town, DCAT_AP_DE)
    assert record.values(DCT.identifier) == [ox.Literal(f"{BASE}id/dataset/full")]
    assert len(record.of("Identifier")) == 1


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda p: p.name)
def test_all_formats_say_the_same(catalogue_of_jena: Catalogue, profile: Profile) -> None:
    """RDF/XML, Turtle, N-Triples and JSON-LD hold the same triples, and none a blank node."""
    found = {form: parsed(written(catalogue_of_jena, profile, form), form) for form in FORMS}
    assert all(triples == found["nt"] for triples in found.values())
    ends: set[Term] = {end for t in found["nt"] for end in (t.subject, t.object)}
    assert not [end for end in ends if isinstance(end, ox.BlankNode)]


def test_pages_hold_together_what_the_dump_holds(catalogue_of_jena: Catalogue) -> None:
    """Each page describes what it leads to; only links to neighbours lead out."""
    datasets, size = list(catalogue_of_jena.datasets), 10
    last = Page(1, size, len(datasets)).last
    union: set[ox.Triple] = set()
    for number in range(1, last + 1):
        page = Page(number, size, len(datasets))
        found = parsed(written(catalogue_of_jena, DCAT_AP_DE, "rdf", list(page.of(datasets))), "rdf")
        union |= found
        described = {t.subject for t in found if t.predicate == RDF.type}
        led_to = {t.object for t in found if t.predicate in (DCAT.distribution, DCT.publisher, DCAT.contactPoint)}
        assert led_to <= described
    assert union == parsed(written(catalogue_of_jena, DCAT_AP_DE, "rdf"), "rdf")


def test_a_page_names_its_neighbours_in_both_generations_of_hydra() -> None:
    """``next`` and ``nextPage`` on all pages but the last, with totals."""
    found = list(Page(2, 10, 25).described(lambda number: f"https://h/catalog.rdf?page={number}"))
    values = {t.predicate: t.object.value for t in found if isinstance(t.object, ox.Literal)}
    assert values[HYDRA.next] == values[HYDRA.nextPage] == "https://h/catalog.rdf?page=3"
    assert values[HYDRA.previous] == values[HYDRA.previousPage] == "https://h/catalog.rdf?page=1"
    assert values[HYDRA.totalItems] == "25" and values[HYDRA.itemsPerPage] == "10"
    last = list(Page(3, 10, 25).described(lambda number: f"https://h/?page={number}"))
    assert HYDRA.next not in {t.predicate for t in last}


def test_the_same_release_gives_the_same_bytes(jena: City, tmp_path: Path) -> None:
    """Also in another process, where sets and hashes come in another order."""
    script = (
        "import sys; from stadtgraph.cli import main\n"
        "for form in ('rdf', 'ttl', 'jsonld', 'nt'):\n"
        "    main([*sys.argv[1:3], sys.argv[3], '--profile', 'govdata', '--out', sys.argv[4] + form])"
    )
    for seed in ("1", "2"):
        given = [sys.executable, "-c", script, "export", "--city", str(jena.path), str(tmp_path / f"{seed}.")]
        subprocess.run(given, check=True, capture_output=True, env=os.environ | {"PYTHONHASHSEED": seed})
    for form in FORMS:
        assert (tmp_path / f"1.{form}").read_bytes() == (tmp_path / f"2.{form}").read_bytes()


def test_every_dataset_of_jena_is_exported_with_its_licences(catalogue_of_jena: Catalogue) -> None:
    """68 datasets, 20 licensed distributions, 44 held back; every dataset names whom to ask where one is reachable."""
    records = list(catalogue_of_jena.records(DCAT_AP_DE))
    assert len(records) == 68 and not catalogue_of_jena.held_back
    assert sum(len(r.of("Distribution")) for r in records) == 20
    held = [w for r in records for w in r.withheld if w.what == "Distribution"]
    assert len(held) == 44 and {w.property for w in held} == {DCT.license}
    assert all(r.values(FOAF.name, p) for r in records for p in r.values(DCT.publisher) if isinstance(p, ox.NamedNode))


def test_the_terms_of_json_ld_are_those_of_the_official_context(shared: Path) -> None:
    """Each term that we use means in our context what it means in the official one."""
    official = json.loads((shared / "reference/dcat-ap-de/spec/dcat-ap-3.0.1-context.jsonld").read_text())["@context"]
    by_class = {v["@id"]: v["@context"] for v in official.values() if isinstance(v, dict) and "@context" in v}
    ours = context()
    classes = {v if isinstance(v, str) else v["@id"]: k for k, v in official.items()}
    for kind, rows in table().items():
        from stadtgraph.catalogue.vocabulary import CLASSES, class_of

        scoped = by_class.get(class_of(kind).value, {})
        if class_of(kind).value in classes:
            assert CLASSES[kind][1] == classes[class_of(kind).value]
        terms = {entry["@id"]: term for term, entry in scoped.items()}
        for row in rows.values():
            if row.iri.value in terms:
                assert row.term == terms[row.iri.value], (kind, row.name)
                assert ours[row.term]["@id"] == row.iri.value


def test_the_command_writes_files_and_single_datasets(jena: City, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:  # type: ignore[type-arg]
    """The format follows the ending; one dataset is a document of its own; an unknown one is told."""
    out = tmp_path / "catalog.ttl"
    assert main(["export", "--city", str(jena.path), "--out", str(out)]) == 0
    assert len(parsed(out.read_bytes(), "ttl")) > 2000
    assert "68" in capfd.readouterr().err
    assert main(["export", "--city", str(jena.path), "--dataset", "baumkataster", "--format", "nt"]) == 0
    assert {t.object for t in parsed(capfd.readouterr().out.encode(), "nt") if t.predicate == DCAT.dataset} == {
        jena.names.id("dataset/baumkataster")
    }
    assert main(["export", "--city", str(jena.path), "--dataset", "nothing"]) == 2
    assert main(["export", "--city", str(jena.path), "--report", "json"]) == 0
    assert len(json.loads(capfd.readouterr().out)["withheld"]) >= 44


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda p: p.name)
def test_an_export_that_is_taken_in_again_is_exported_the_same(
    catalogue_of_jena: Catalogue, profile: Profile, tmp_path: Path
) -> None:
    """What is derived once stands afterwards, and is not derived again: export, harvest, export are isomorphic."""
    for name in ("data", "shapes", "city"):
        (tmp_path / name).mkdir()
    (tmp_path / "data" / "sources.toml").write_text("")
    (tmp_path / "city" / "stadtgraph.toml").write_text('[city]\ndata = "../data"\nshapes = "../shapes"\n')
    first = parsed(written(catalogue_of_jena, profile, "nt"), "nt")
    (tmp_path / "export.rdf").write_bytes(written(catalogue_of_jena, profile, "rdf"))
    with City(tmp_path / "city") as city:
        report = harvest(city, str(tmp_path / "export.rdf"), source="again")
        assert not report.quarantined and not report.repairs
        again = make_catalogue(city, city.releases.require_current())
        assert parsed(written(again, profile, "nt"), "nt") == first
