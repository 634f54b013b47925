"""The catalogue registers: datasets, distributions, services, systems, flows, decisions, districts."""

from __future__ import annotations

import csv
import json
import re
from collections import defaultdict
from pathlib import Path

import pyoxigraph as ox
import pytest
from shapely.geometry import shape

from stadtgraph.terms import DCAT, DCT, DEFAULT_BASE, GEO, PROV, RDF, SG, SKOS, SOSA, Namespace

ROOT = Path(__file__).resolve().parent.parent
REGISTERS = sorted((ROOT / "data" / "registers").glob("*.ttl"))
CATALOGUE = [
    "activities",
    "catalogue",
    "data-services",
    "datasets",
    "decisions",
    "distributions",
    "districts",
    "flows",
    "standards",
    "systems",
]
ID = DEFAULT_BASE + "id/"
SCHEMA = Namespace("https://schema.org/")
ADMS = Namespace("http://www.w3.org/ns/adms#")
MUSTERDATENSATZ = "https://musterdatenkatalog.de/def/musterdatensatz/"

Objects = dict[tuple[str, str], list[ox.NamedNode | ox.Literal]]


def read(path: Path) -> list[ox.Triple]:
    """Read a register against the default base, as written."""
    quads = ox.parse(path=str(path), format=ox.RdfFormat.TURTLE, base_iri=DEFAULT_BASE)
    return [quad.triple for quad in quads]


@pytest.fixture(scope="module")
def registers() -> dict[str, list[ox.Triple]]:
    """All registers by name."""
    return {path.stem: read(path) for path in REGISTERS}


@pytest.fixture(scope="module")
def objects(registers: dict[str, list[ox.Triple]]) -> Objects:
    """The values of every subject and predicate over all registers."""
    values: Objects = defaultdict(list)
    for triple in (triple for triples in registers.values() for triple in triples):
        assert isinstance(triple.subject, ox.NamedNode)
        assert isinstance(triple.object, ox.NamedNode | ox.Literal)
        values[triple.subject.value, triple.predicate.value].append(triple.object)
    return values


def of_class(registers: dict[str, list[ox.Triple]], kind: ox.NamedNode) -> set[str]:
    """Name the instances of a class in the catalogue registers."""
    triples = (triple for name in CATALOGUE for triple in registers[name])
    return {t.subject.value for t in triples if t.predicate == RDF.type and t.object == kind}


def values(objects: Objects, subject: str, predicate: ox.NamedNode) -> list[str]:
    """Give the values of one property."""
    return [value.value for value in objects.get((subject, predicate.value), [])]


def test_registers_hold_no_blank_nodes(registers: dict[str, list[ox.Triple]]) -> None:
    """Everything has an IRI, so that it can be cited, asked about and kept over releases."""
    assert set(CATALOGUE) <= set(registers)
    for name, triples in registers.items():
        blank = [t for t in triples for term in (t.subject, t.object) if isinstance(term, ox.BlankNode)]
        assert not blank, name


def test_registers_name_their_base_nowhere() -> None:
    """Another city copies the files: relative IRIs, no @base, no address of the default base."""
    for path in REGISTERS:
        text = path.read_text(encoding="utf-8")
        assert "@base" not in text, path.name
        assert "stadtgraph.example" not in text, path.name


def test_every_iri_under_id_is_described_in_some_register(registers: dict[str, list[ox.Triple]]) -> None:
    """No reference leads nowhere: units, posts, systems, evidence, standards, properties all exist."""
    subjects = {triple.subject for triples in registers.values() for triple in triples}
    for name in CATALOGUE:
        for triple in registers[name]:
            value = triple.object
            if isinstance(value, ox.NamedNode) and value.value.startswith(ID):
                assert value in subjects, (name, value.value)


def test_nothing_is_named_in_two_registers(registers: dict[str, list[ox.Triple]]) -> None:
    """A resource has one home, which names it; another register may only add to it."""
    homes: dict[str, set[str]] = defaultdict(set)
    for name, triples in registers.items():
        for triple in triples:
            if triple.predicate in (SKOS.prefLabel, DCT.term("title")):
                homes[triple.subject.value].add(name)
    assert not {subject: names for subject, names in homes.items() if len(names) > 1}


def test_there_are_54_numbered_datasets(registers: dict[str, list[ox.Triple]], objects: Objects) -> None:
    """The known datasets carry jena-01 to jena-54; what is known only through files is numbered apart."""
    keys = [key for dataset in of_class(registers, DCAT.Dataset) for key in values(objects, dataset, DCT.identifier)]
    assert len(keys) == len(set(keys))
    assert sorted(k for k in keys if k.startswith("jena-")) == [f"jena-{n:02}" for n in range(1, 55)]
    assert all(re.fullmatch(r"(jena|extra)-\d\d", key) for key in keys)


def test_every_dataset_names_a_unit_of_the_register_as_publisher(
    registers: dict[str, list[ox.Triple]], objects: Objects
) -> None:
    """Exactly one publisher, and it is described in units.ttl."""
    units = {triple.subject.value for triple in registers["units"]}
    for dataset in of_class(registers, DCAT.Dataset):
        (publisher,) = values(objects, dataset, DCT.publisher)
        assert publisher in units, dataset


def test_every_dataset_has_german_and_english_titles_and_a_german_description(
    registers: dict[str, list[ox.Triple]], objects: Objects
) -> None:
    """Titles in both languages, a description that says more than the title."""
    for dataset in of_class(registers, DCAT.Dataset):
        titles = objects[dataset, DCT.term("title").value]
        assert {t.language for t in titles if isinstance(t, ox.Literal)} == {"de", "en"}, dataset
        (description,) = values(objects, dataset, DCT.description)
        assert len(description) >= 40, dataset


def test_the_catalogue_lists_every_dataset_and_service(registers: dict[str, list[ox.Triple]], objects: Objects) -> None:
    """What is in the registers is in the catalogue, and the other way round."""
    (catalogue,) = of_class(registers, DCAT.Catalog)
    assert set(values(objects, catalogue, DCAT.dataset)) == of_class(registers, DCAT.Dataset)
    assert set(values(objects, catalogue, DCAT.service)) == of_class(registers, DCAT.DataService)


def test_every_distribution_belongs_to_exactly_one_dataset(
    registers: dict[str, list[ox.Triple]], objects: Objects
) -> None:
    """No distribution is orphaned or shared."""
    used = [d for dataset in of_class(registers, DCAT.Dataset) for d in values(objects, dataset, DCAT.distribution)]
    assert sorted(used) == sorted(of_class(registers, DCAT.Distribution))


def test_a_licence_that_asks_for_attribution_comes_with_the_text(
    registers: dict[str, list[ox.Triple]], objects: Objects
) -> None:
    """dl-by-de, CC BY and ODbL demand a name, so the distribution gives it (convention 35 of DCAT-AP.de)."""
    text = ox.NamedNode("http://dcat-ap.de/def/dcatde/licenseAttributionByText")
    licensed = [d for d in of_class(registers, DCAT.Distribution) if values(objects, d, DCT.license)]
    assert licensed
    for distribution in licensed:
        assert values(objects, distribution, text), distribution
        assert values(objects, distribution, DCT.license)[0].startswith("http://dcat-ap.de/def/licenses/")


def test_licences_without_a_source_are_absent(objects: Objects) -> None:
    """What the source leaves open stays open: weather of the institute, base geodata, GTFS."""
    for name in ("wetter-mpi-bgc-2020", "geobasisdaten-tlbg-portal", "gtfs-jena-auszug", "privathaushalte-csv"):
        assert not values(objects, f"{ID}distribution/{name}", DCT.license), name


def test_a_superseded_portal_names_its_successor(objects: Objects) -> None:
    """Addresses under opendata.jena.de can be found as superseded, and with them the datasets that use them."""
    replaced = values(objects, f"{ID}system/opendata-jena", DCT.isReplacedBy)
    assert replaced == [f"{ID}system/wissensallmende"]
    old = [
        s
        for (s, p), pages in objects.items()
        if p == DCAT.landingPage.value
        for page in pages
        if "opendata" in page.value
    ]
    assert f"{ID}dataset/baumkataster" in old


def test_a_reference_dataset_is_named_at_most_once(registers: dict[str, list[ox.Triple]], objects: Objects) -> None:
    """Convention of the reference data catalogue: a dataset refers to one reference dataset."""
    for dataset in of_class(registers, DCAT.Dataset):
        references = values(objects, dataset, DCT.references)
        assert len(references) <= 1
        assert all(reference.startswith(MUSTERDATENSATZ) for reference in references)


def test_what_is_measured_is_an_observable_property(registers: dict[str, list[ox.Triple]], objects: Objects) -> None:
    """The link from a dataset to what it measures leads to sosa:ObservableProperty."""
    properties = of_class(registers, SOSA.ObservableProperty)
    used = {v for d in of_class(registers, DCAT.Dataset) for v in values(objects, d, SCHEMA.variableMeasured)}
    assert used == properties


def test_periods_do_not_end_before_they_start(registers: dict[str, list[ox.Triple]], objects: Objects) -> None:
    """Start and end are days, and in order."""
    for period in of_class(registers, DCT.PeriodOfTime):
        days = [*values(objects, period, DCAT.startDate), *values(objects, period, DCAT.endDate)]
        assert days == sorted(days)
        assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", day) for day in days)


def test_a_data_flow_crosses_from_utilities_to_the_city(objects: Objects) -> None:
    """Vehicle data flow from a system of the utilities into one of the city."""
    flow = f"{ID}flow/ibis-udp"
    (source,), (target,) = values(objects, flow, SG.flowFrom), values(objects, flow, SG.flowTo)
    domains = [values(objects, values(objects, system, SG.operatedBy)[0], SG.domain)[0] for system in (source, target)]
    assert domains == [SG.utilities.value, SG.city.value]


def test_flows_carry_only_datasets_and_join_described_systems(
    registers: dict[str, list[ox.Triple]], objects: Objects
) -> None:
    """Both ends of a flow are systems, and what it carries are datasets."""
    systems, datasets = of_class(registers, SG.InformationSystem), of_class(registers, DCAT.Dataset)
    for flow in of_class(registers, SG.DataFlow):
        assert {*values(objects, flow, SG.flowFrom), *values(objects, flow, SG.flowTo)} <= systems
        assert set(values(objects, flow, SG.carries)) <= datasets


def test_the_derivation_of_the_pf_value_leads_back_to_the_raw_value(objects: Objects) -> None:
    """kPa, hPa, pF, mean, colour: each quantity names the one before it and the activity between."""
    chain = [f"{ID}quantity/pf-colour"]
    while before := values(objects, chain[-1], PROV.wasDerivedFrom):
        (activity,) = values(objects, chain[-1], PROV.wasGeneratedBy)
        assert values(objects, activity, PROV.used) == before
        chain += before
    assert [step.rsplit("/", 1)[1] for step in chain] == [
        "pf-colour",
        "pf-mean",
        "pf",
        "potential-water-hpa",
        "potential-water-kpa",
    ]


@pytest.mark.parametrize(
    "kind",
    [
        DCAT.Catalog,
        DCAT.Dataset,
        DCAT.Distribution,
        DCAT.DataService,
        SG.InformationSystem,
        SG.DataFlow,
        SG.ReleaseDecision,
        PROV.Activity,
        PROV.Entity,
        DCT.Location,
    ],
    ids=lambda kind: kind.value.rsplit("/", 1)[1],
)
def test_every_statement_of_the_catalogue_carries_evidence(
    kind: ox.NamedNode, registers: dict[str, list[ox.Triple]], objects: Objects
) -> None:
    """Whoever reads a statement can see what it rests on, and whether it is verified, inferred or assumed."""
    things = of_class(registers, kind)
    assert things
    for thing in things:
        assert values(objects, thing, SG.evidence), thing


def test_release_decisions_are_marked_as_inferred_where_only_a_licence_shows_them(objects: Objects) -> None:
    """No decision of the city is known as a document."""
    evidence = f"{ID}evidence/catalogue-freigabe-aus-lizenz"
    assert values(objects, evidence, SG.status) == [SG.inferred.value]
    assert evidence in values(objects, f"{ID}decision/baumkataster-freigabe", SG.evidence)


@pytest.fixture(scope="module")
def places(registers: dict[str, list[ox.Triple]], objects: Objects) -> dict[str, dict[str, str]]:
    """The districts by IRI: name, key, kind, and the WKT of the centroid."""
    found = {}
    for (subject, predicate), value in objects.items():
        if predicate == GEO.hasCentroid.value:
            found[subject] = {
                "kind": values(objects, subject, DCT.type)[0].rsplit("/", 1)[1],
                "name": values(objects, subject, SKOS.prefLabel)[0],
                "key": values(objects, subject, DCT.identifier)[0],
                "wkt": values(objects, value[0].value, GEO.asWKT)[0],
            }
    return found


def point(wkt: str) -> tuple[float, float]:
    """Read ``POINT(longitude latitude)``."""
    found = re.fullmatch(r"POINT\((\d+\.\d{5}) (\d+\.\d{5})\)", wkt)
    assert found, wkt
    return float(found[1]), float(found[2])


def test_there_are_30_ortsteile_and_41_statistical_districts(places: dict[str, dict[str, str]]) -> None:
    """By kind, with names and keys of their own, and IRIs that follow from name or number."""
    ortsteile = {iri: p for iri, p in places.items() if p["kind"] == "ortsteil"}
    bezirke = {iri: p for iri, p in places.items() if p["kind"] == "statistischer-bezirk"}
    assert (len(ortsteile), len(bezirke), len(places)) == (30, 41, 71)
    assert sorted(int(p["key"]) for p in ortsteile.values()) == list(range(1, 31))
    assert {iri for iri in ortsteile} == {f"{ID}ortsteil/{slug(p['name'])}" for p in ortsteile.values()}
    assert {iri for iri in bezirke} == {f"{ID}bezirk/{p['key']}" for p in bezirke.values()}


def slug(name: str) -> str:
    """Give the slug of a name as IRIs of the registers use it."""
    name = name.lower().translate(str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"}))
    return re.sub(r"[^a-z0-9]+", "-", name).strip("-")


def test_centroids_lie_in_the_city(places: dict[str, dict[str, str]]) -> None:
    """Longitude before latitude, inside the bounding box of Jena."""
    for iri, place in places.items():
        longitude, latitude = point(place["wkt"])
        assert 11.4987 < longitude < 11.6732, iri
        assert 50.8560 < latitude < 50.9892, iri


@pytest.mark.parametrize(
    ("file", "kind", "name"),
    [
        ("opendata_ortsteile.geojson", "ortsteil", "name"),
        ("opendata_statistische_bezirke.geojson", "statistischer-bezirk", "statbez_name"),
    ],
)
def test_districts_agree_with_the_polygons_of_the_city(
    file: str, kind: str, name: str, places: dict[str, dict[str, str]], real_data: Path
) -> None:
    """Name, key and centroid of every district follow from the city's own layer."""
    features = json.loads((real_data / file).read_text(encoding="utf-8"))["features"]
    expected = {}
    for feature in features:
        centre = shape(feature["geometry"]).centroid
        expected[str(feature["properties"]["id"])] = (
            feature["properties"][name],
            f"POINT({centre.x:.5f} {centre.y:.5f})",
        )
    assert {p["key"]: (p["name"], p["wkt"]) for p in places.values() if p["kind"] == kind} == expected


def test_statistical_districts_agree_with_the_household_statistics(
    places: dict[str, dict[str, str]], real_data: Path
) -> None:
    """Numbers and names are those of the statistics; 0 (city) and 999 (not assigned) are no districts."""
    with (real_data / "opendata_privathaushalte.csv").open(encoding="utf-8-sig", newline="") as lines:
        rows = {row["statistischer_Bezirk_Nr"]: row["statistischer_Bezirk_Name"] for row in csv.DictReader(lines)}
    assert {"0", "999"} <= set(rows)
    rows = {number: name for number, name in rows.items() if number not in {"0", "999"}}
    assert {p["key"]: p["name"] for p in places.values() if p["kind"] == "statistischer-bezirk"} == rows


def test_reference_datasets_exist_in_the_reference_data_catalogue(
    registers: dict[str, list[ox.Triple]], objects: Objects, real_data: Path
) -> None:
    """Every reference dataset named is a concept of version 4."""
    taxonomy = real_data / "musterdatenkatalog_v4_taxonomy_skos.rdf"
    known = {quad.subject for quad in ox.parse(path=str(taxonomy), format=ox.RdfFormat.RDF_XML)}
    for dataset in of_class(registers, DCAT.Dataset):
        for reference in values(objects, dataset, DCT.references):
            assert ox.NamedNode(reference) in known, reference
