"""The mappings of the city's files: each is run over the real file and compared with what the file itself says.

The oracle reads the source files with csv and json and never asks the engine or a store.
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import json
import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest

from stadtgraph.sources import Mapping, load_registry, read, rows
from stadtgraph.terms import DCT, DEFAULT_BASE, GEO, PREFIXES, RDF, SG, SOSA, XSD, Names

DATA = Path(__file__).resolve().parent.parent / "data"
SOURCES = load_registry(DATA / "sources.toml")
MAPPED = {name: source for name, source in SOURCES.items() if source.mapping is not None}
NAMES = Names()
SLOW = ("baumkataster", "wetter-ghcn")
"""Sources that take some ten seconds over their whole file."""


def iri(path: str) -> ox.NamedNode:
    """Give an IRI of the city, or a prefixed name written out."""
    prefix, colon, local = path.partition(":")
    if colon and prefix in PREFIXES:
        return ox.NamedNode(PREFIXES[prefix] + local)
    return ox.NamedNode(DEFAULT_BASE + path)


def typed(text: str, datatype: str) -> ox.Literal:
    """Give a literal with a datatype of XSD or ``wkt``."""
    return ox.Literal(text, datatype=GEO.wktLiteral if datatype == "wkt" else XSD.term(datatype))


@dataclass
class Outcome:
    """What a mapping made of a file: numbers of distinct subjects, and nothing that grows with the file."""

    made: int = 0
    classes: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    subjects: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    plain: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, triple: ox.Triple) -> None:
        """Count one triple."""
        subject, predicate, term = str(triple.subject.value), triple.predicate.value, triple.object
        self.made += 1
        self.subjects[predicate].add(subject)
        if predicate == RDF.type.value:
            self.classes[term.value].add(subject)
        elif isinstance(term, ox.Literal) and term.language is None and term.datatype == XSD.string:
            self.plain[predicate] += 1

    def members(self, name: str) -> int:
        """Give the number of instances of a class, written as prefixed name."""
        return len(self.classes[iri(name).value])

    def having(self, name: str) -> int:
        """Give the number of subjects that have a property, written as prefixed name."""
        return len(self.subjects[iri(name).value])


@cache
def outcome(name: str, folder: Path) -> Outcome:
    """Run the mapping of one source over its whole file."""
    source, found = SOURCES[name], Outcome()
    path = source.locate(folder)
    assert path is not None, f"{source.file} is not there"
    for triple in read(source, path, NAMES):
        found.add(triple)
    return found


def triples_of(name: str, folder: Path, choose: Callable[[dict[str, str | None]], bool]) -> set[ox.Triple]:
    """Run a mapping over the chosen rows of its file alone."""
    source = SOURCES[name]
    path = source.locate(folder)
    assert path is not None and source.mapping is not None
    chosen = [row for row in rows(path, source.table, source.format) if choose(row.values)]
    assert chosen, "no row is chosen"
    return set(Mapping.load(source.mapping, NAMES.base).triples(chosen, path.name))


def about(triples: set[ox.Triple], subject: str) -> set[tuple[str, str]]:
    """Give predicate and object of one subject as texts, IRIs of the city without the base."""
    base = f"<{DEFAULT_BASE}"
    return {(_short(t.predicate.value), str(t.object).replace(base, "<")) for t in triples if t.subject == iri(subject)}


def _short(value: str) -> str:
    return next((f"{p}:{value[len(ns) :]}" for p, ns in PREFIXES.items() if value.startswith(ns)), value)


# ---- the oracle: what the files say


def table(path: Path, header: list[str] | None = None, delimiter: str = ",") -> list[dict[str, str]]:
    """Read a table with the standard library."""
    opener: Any = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, header, delimiter=delimiter))


def features(path: Path) -> list[dict[str, Any]]:
    """Read the features of a GeoJSON file."""
    found: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))["features"]
    return found


def filled(file: str, column: str) -> Callable[[Path], int]:
    """Count the cells of a column that are not empty."""
    return lambda folder: sum(row[column] != "" for row in table(folder / file))


def distinct(file: str, *columns: str) -> Callable[[Path], int]:
    """Count the different values of some columns together."""
    return lambda folder: len({tuple(row[c] for c in columns) for row in table(folder / file)})


def wide(file: str, keep: int, null: str = "") -> Callable[[Path], int]:
    """Count the cells with a value behind the first columns."""

    def count(folder: Path) -> int:
        with (folder / file).open(encoding="utf-8", newline="") as lines:
            return sum(cell not in ("", null) for row in list(csv.reader(lines))[1:] for cell in row[keep:])

    return count


def tagged(file: str, key: str | None = None, *values: str) -> Callable[[Path], int]:
    """Count the features of a file, or those whose tag has one of some values (any value where none is given)."""

    def count(folder: Path) -> int:
        tags = [feature["properties"] for feature in features(folder / file)]
        return sum(key is None or (key in t and (not values or t[key] in values)) for t in tags)

    return count


def fixed(number: int) -> Callable[[Path], int]:
    """A number that was counted by hand."""
    return lambda folder: number


TREES = "baumkataster_jena_2022.csv.gz"
MPI = "mpi_bgc_wetter_jena_2020.csv.gz"
DWD = "dwd_02444_jena_sternwarte_stundenwerte_2022_2024.csv.gz"
GHCN = "ghcnd_GM000004204_jena_sternwarte_tageswerte_1824_2020.csv.gz"
SITES, STATES = "hack_sensorstandorte_baeume.csv", "bnetza_ladesaeulen_jena_staende_2017_2019.csv"
REGISTER, PHENOBS = "bnetza_ladesaeulen_jena_2019-07-19.csv", "phenobs_botanischer_garten_jena_2022_2023.csv.gz"
FLOWS, COVER = "jena_experiment_plots_energiefluesse.csv", "jena_experiment_artenzusammensetzung.csv"
WIRES, LAMPS = "osm_stromleitungen.geojson", "osm_ampeln_strassenlaternen.geojson"


def ghcn_values(folder: Path) -> int:
    """Count the values of the three columns that are taken over."""
    return sum(row[c] != "" for row in table(folder / GHCN) for c in ("TMAX (degC)", "TMIN (degC)", "PRCP (mm)"))


def full_days(file: str, time: str, least: int, *columns: str) -> Callable[[Path], int]:
    """Count days with enough values, for every column that is named (twice where it is named twice)."""

    def count(folder: Path) -> int:
        values: dict[tuple[str, str], int] = defaultdict(int)
        seen = set()
        for row in table(folder / file):
            if tuple(row.values()) not in seen:
                seen.add(tuple(row.values()))
                for column in set(columns):
                    if row[column] and float(row[column]) != -9999:
                        values[row[time][:10], column] += 1
        return sum(columns.count(column) for (_, column), number in values.items() if number >= least)

    return count


MPI_COLUMNS = (
    *("p (mbar)", "T (degC)", "T (degC)", "T (degC)", "Tpot (K)", "Tdew (degC)", "rh (%)", "VPmax (mbar)"),
    *("VPact (mbar)", "VPdef (mbar)", "sh (g/kg)", "H2OC (mmol/mol)", "rho (g/m**3)", "wv (m/s)", "max. wv (m/s)"),
    *("rain (mm)", "raining (s)", "SWDR (W/m²)", "PAR (µmol/m²/s)", "max. PAR (µmol/m²/s)", "CO2 (ppm)"),
)
DWD_COLUMNS = (
    *("TT_TU air temperature 2 m (degC)",) * 3,
    *("RF_TU relative humidity 2 m (%)", "R1 precipitation (mm/h)"),
)
COUNTS: list[tuple[str, str, Callable[[Path], int]]] = [
    ("baumkataster", "sg:Tree", fixed(42642)),
    ("baumkataster", "sg:plantingYear", filled(TREES, "pflanzjahr")),
    ("baumkataster", "sg:inspectedOn", filled(TREES, "datlr")),
    ("baumkataster", "sg:careArea", filled(TREES, "pflegebereich")),
    ("baumkataster", "sg:crownDiameter", filled(TREES, "kr_durchm_m")),
    ("baumkataster", "sg:vitality", filled(TREES, "vitalitaet")),
    ("ortsteile", "geo:asWKT", fixed(30)),
    ("statistische-bezirke", "geo:asWKT", fixed(41)),
    ("privathaushalte", "qb:Observation", wide("opendata_privathaushalte.csv", 2)),
    ("corona", "qb:Observation", distinct("opendata_corona_erkrankungen_jena.csv", "zeit")),
    ("wahllokale", "sg:PollingStation", fixed(87)),
    ("adressen", "schema:PostalAddress", fixed(16737)),
    ("parken", "schema:ParkingFacility", tagged("opendata_parken.geojson")),
    (
        "parken",
        "sg:capacity",
        tagged("opendata_parken.geojson", "art", "Rollstuhlfahrerparkplatz (Anzahl Stellplätze)"),
    ),
    ("bodenfeuchtesensoren", "sosa:Sensor", fixed(51)),
    ("bodenfeuchtesensoren", "sosa:observes", filled("udp_sensoren_bodenfeuchte.csv", "was")),
    ("bodenfeuchtesensoren", "sg:depth", filled("udp_sensoren_bodenfeuchte.csv", "in_tiefe")),
    ("referenzflaechen", "sg:ReferenceArea", tagged("udp_reference_areas.geojson")),
    ("teros-sensoren", "sosa:Sensor", filled("udp_teros_sensoren_und_refflaechen.csv", "sensorstandort_gid")),
    ("teros-sensoren", "sg:atTree", filled("udp_teros_sensoren_und_refflaechen.csv", "objectid")),
    ("teros-sensoren", "sg:ReferenceArea", filled("udp_teros_sensoren_und_refflaechen.csv", "name")),
    ("teros-sensoren", "sg:Tree", fixed(10)),
    ("sensorstandorte", "sosa:Platform", distinct(SITES, "gid")),
    ("sensorstandorte", "sg:atTree", filled(SITES, "objectid")),
    ("sensorstandorte", "sg:Tree", fixed(30)),
    ("sensorstandorte", "sg:felledOn", filled(SITES, "gefaellt_am")),
    ("lichtsignale", "sosa:Sensor", fixed(30)),
    ("lichtsignale", "dct:type", fixed(30)),
    ("lichtsignale", "geo:asWKT", fixed(30)),
    ("datenstroeme", "sosa:ObservationCollection", fixed(99)),
    ("datenstroeme", "sosa:observedProperty", fixed(99)),
    ("ladesaeulen", "sg:ChargingStation", fixed(19)),
    ("ladesaeulen", "sg:operatedBy", filled(REGISTER, "Betreiber")),
    ("ladesaeulen-staende", "sg:ChargingStationState", fixed(243)),
    ("ladesaeulen-staende", "sg:validFrom", filled(STATES, "Stand")),
    ("ladesaeulen-staende", "sg:validUntil", fixed(243 - 17 - 19)),
    ("ladepunkte-kennzahlen", "qb:Observation", fixed(15)),
    ("ladepunkte-betreiber", "qb:Observation", fixed(5)),
    ("gtfs-stops", "gtfs:Stop", distinct("gtfs_delfi_testauszug/stops.txt", "stop_id")),
    ("gtfs-routes", "gtfs:Route", distinct("gtfs_delfi_testauszug/routes.txt", "route_id")),
    ("gtfs-trips", "gtfs:Trip", distinct("gtfs_delfi_testauszug/trips.txt", "trip_id")),
    ("gtfs-stop-times", "gtfs:StopTime", distinct("gtfs_delfi_testauszug/stop_times.txt", "trip_id", "stop_sequence")),
    ("osm-bushaltestellen", "gtfs:Stop", tagged("osm_bushaltestellen.geojson")),
    ("osm-bushaltestellen", "rdfs:label", tagged("osm_bushaltestellen.geojson", "name")),
    ("osm-strassenbahn", "gtfs:Stop", tagged("osm_strassenbahn.geojson", "railway", "tram_stop")),
    ("osm-strassenbahn", "gtfs:Route", tagged("osm_strassenbahn.geojson", "route", "tram")),
    ("osm-buslinien", "gtfs:Route", tagged("osm_buslinien.geojson", "route", "bus")),
    ("osm-stromleitungen", "sg:PowerLine", tagged(WIRES, "power", "line", "minor_line")),
    ("osm-stromleitungen", "sg:PowerFacility", tagged(WIRES, "power", "pole", "tower")),
    ("osm-energie", "sg:PowerFacility", tagged("osm_energie_strom.geojson")),
    ("osm-ampeln", "sg:TrafficSignal", tagged(LAMPS, "highway", "traffic_signals")),
    ("osm-ampeln", "sg:StreetLamp", tagged(LAMPS, "highway", "street_lamp")),
    ("osm-schulen", "schema:School", tagged("osm_amenity_school.geojson")),
    ("osm-kindergaerten", "schema:Preschool", tagged("osm_amenity_kindergarten.geojson")),
    ("osm-hochschulen", "schema:CollegeOrUniversity", tagged("osm_amenity_university.geojson")),
    ("osm-bibliotheken", "schema:Library", tagged("osm_amenity_library.geojson")),
    ("osm-krankenhaeuser", "schema:Hospital", tagged("osm_amenity_hospital.geojson")),
    ("osm-spielplaetze", "schema:Playground", tagged("osm_leisure_playground.geojson")),
    ("osm-wertstoffe", "schema:RecyclingCenter", tagged("osm_amenity_recycling.geojson")),
    ("osm-fahrradabstellanlagen", "sg:BicycleParking", tagged("osm_amenity_bicycle_parking.geojson")),
    ("osm-stadtgrenze", "geo:Feature", fixed(1)),
    ("wetter-mpi-bgc", "sosa:Observation", full_days(MPI, "date", 108, *MPI_COLUMNS)),
    ("wetter-dwd", "sosa:Observation", full_days(DWD, "time_utc", 18, *DWD_COLUMNS)),
    ("wetter-ghcn", "sosa:Observation", ghcn_values),
    ("jena-experiment-parzellen", "sg:ExperimentPlot", distinct(FLOWS, "plotcode")),
    ("jena-experiment-variablen", "sosa:ObservableProperty", distinct("jena_experiment_variablen.csv", "response")),
    ("jena-experiment-fluesse", "sosa:Observation", wide(FLOWS, 13, "NA")),
    ("jena-experiment-arten", "sosa:Observation", wide(COVER, 3, "NA")),
    ("jena-experiment-arten", "dwc:Taxon", fixed(60)),
    ("phenobs", "sosa:Observation", distinct(PHENOBS, "Date", "Species")),
    ("phenobs", "dwc:Taxon", fixed(143)),
]


def marked(name: str, *values: object) -> Any:
    """Mark the cases that take long."""
    label = "-".join([name, *(value for value in values if isinstance(value, str))])
    return pytest.param(name, *values, marks=[pytest.mark.slow] if name in SLOW else [], id=label)


@pytest.mark.parametrize(("name", "term", "expected"), [marked(*case) for case in COUNTS])
def test_a_mapping_makes_as_many_things_as_the_file_has(
    name: str, term: str, expected: Callable[[Path], int], real_data: Path
) -> None:
    """Instances of a class, or subjects of a property, are as many as csv and json count in the file."""
    found = outcome(name, real_data)
    is_class = term.partition(":")[2][:1].isupper()
    assert (found.members(term) if is_class else found.having(term)) == expected(real_data)


@pytest.mark.parametrize("name", [marked(name) for name in MAPPED])
def test_every_source_with_a_mapping_loads(name: str, real_data: Path) -> None:
    """No row fails, something comes out, and every source has a count above."""
    assert outcome(name, real_data).made > 0
    assert name in {case[0] for case in COUNTS}


# ---- rows checked by hand


def test_a_tree_of_the_register_has_exactly_these_triples(real_data: Path) -> None:
    """The first row of the file, written out by hand; the point is that of EPSG:25832."""
    found = triples_of("baumkataster", real_data, lambda row: row["objectid"] == "27077")
    assert about(found, "id/tree/27077") == {
        ("rdf:type", f"<{SG.Tree.value}>"),
        ("rdfs:label", '"Leutra Mühltal, G 1046"'),
        ("dct:identifier", '"1_28822"'),
        ("sg:treeNumber", '"G 1046"'),
        ("schema:streetAddress", '"Leutra Mühltal"'),
        ("sg:taxon", "<id/taxon/fraxinus-excelsior>"),
        ("sg:plantingYear", str(typed("1996", "gYear"))),
        ("sg:height", str(typed("12", "decimal"))),
        ("sg:crownDiameter", str(typed("2", "decimal"))),
        ("sg:trunkCircumference", str(typed("60", "decimal"))),
        ("sg:vitality", str(typed("2", "integer"))),
        ("sg:inspectedOn", str(typed("2022-09-27", "date"))),
        ("sg:careArea", '"GW"'),
        ("sg:maintainedBy", "<id/unit/gewaesser>"),
        ("geo:hasGeometry", "<id/geometry/tree/27077>"),
    }
    assert about(found, "id/taxon/fraxinus-excelsior") == {
        ("rdf:type", "<http://rs.tdwg.org/dwc/terms/Taxon>"),
        ("rdfs:label", '"Fraxinus excelsior"'),
        ("dwc:scientificName", '"Fraxinus excelsior"'),
        ("dwc:genus", '"Fraxinus"'),
        ("dwc:taxonRank", '"species"'),
        ("dwc:vernacularName", '"Gemeine Esche"@de'),
        ("sg:speciesCode", '"FRAXI002"'),
    }
    shape = dict(about(found, "id/geometry/tree/27077"))
    assert re.fullmatch(r'"POINT\(11\.55\d{5} 50\.93\d{5}\)"\^\^.*wktLiteral>', shape.pop("geo:asWKT"))
    system = "<http://www.opengis.net/def/crs/EPSG/0/25832>"
    kept = f'"{system} POINT(679542.668613 5646041.5832)"^^<http://www.opengis.net/ont/geosparql#wktLiteral>'
    assert shape == {"sg:surveyedAs": kept}


def test_dirty_values_of_trees_stay_and_are_no_numbers(real_data: Path) -> None:
    """A height of "9,9", a planting year of one digit and a stand of forest come through as they were written."""
    odd = triples_of("baumkataster", real_data, lambda row: "," in (row["baumhoehe_m"] or ""))
    heights = [t.object for t in odd if t.predicate == SG.height]
    assert len(heights) == 2 and all(h.datatype == XSD.string and "," in h.value for h in heights)
    years = triples_of("baumkataster", real_data, lambda row: 0 < len(row["pflanzjahr"] or "") < 4)
    assert {t.object.datatype for t in years if t.predicate == SG.plantingYear} == {XSD.string}
    forest = triples_of("baumkataster", real_data, lambda row: row["ga_lang"] == "waldartiger Bestand")
    assert not [t for t in forest if t.predicate == SG.taxon]
    assert {t.object.value for t in forest if t.predicate == iri("dwc:verbatimIdentification")} == {
        "waldartiger Bestand"
    }


def test_the_reference_trees_lie_where_the_city_says(real_data: Path) -> None:
    """173 sites have UTM and WGS84: points of the younger trees, computed from UTM, agree with WGS84 to a decimetre."""
    found = {t.subject.value: t.object.value for t in _all("sensorstandorte", real_data) if t.predicate == GEO.asWKT}
    checked = 0
    for row in table(real_data / SITES):
        computed = found.get(iri(f"id/geometry/tree/{row['objectid']}").value)
        if computed is not None:
            lon, lat = (float(number) for number in computed[6:-1].split())
            given = [float(row[column].replace(",", ".")) for column in ("lon_4326", "lat_4326")]
            east, north = (lon - given[0]) * 70_200, (lat - given[1]) * 111_200
            assert math.hypot(east, north) < 0.1
            checked += 1
    assert checked == 30


def _all(name: str, folder: Path) -> Iterator[ox.Triple]:
    path = SOURCES[name].locate(folder)
    assert path is not None
    return read(SOURCES[name], path, NAMES)


def test_a_household_observation_stands_at_its_district_and_date(real_data: Path) -> None:
    """The number of the district is the same in the statistics and in the polygons; 0 is the city, 999 is none."""
    found = set(_all("privathaushalte", real_data))
    area = "http://purl.org/linked-data/sdmx/2009/dimension#refArea"
    assert about(found, "id/observation/privathaushalte/62/2016-12-31") == {
        ("rdf:type", "<http://purl.org/linked-data/cube#Observation>"),
        ("qb:dataSet", "<id/cube/privathaushalte>"),
        (area, "<id/bezirk/62>"),
        ("http://purl.org/linked-data/sdmx/2009/dimension#refPeriod", str(typed("2016-12-31", "date"))),
        ("sg:privateHouseholds", str(typed("5623", "integer"))),
    }
    areas = {t.object.value for t in found if t.predicate.value == area}
    polygons = {t.subject.value for t in _all("statistische-bezirke", real_data) if t.predicate == GEO.hasGeometry}
    assert areas - polygons == {
        "http://dcat-ap.de/def/politicalGeocoding/districtKey/16053",
        iri("id/area/nicht-zugeordnet").value,
    }
    assert polygons <= areas


def test_exchanged_coordinates_of_polling_stations_stay(real_data: Path) -> None:
    """Rows 14, 15, 35 and 36 have longitude and latitude the wrong way round: for the audit, not for the mapping."""
    points = {
        t.subject.value.rpartition("-")[2]: t.object.value
        for t in _all("wahllokale", real_data)
        if t.predicate == GEO.asWKT
    }
    assert {key for key, point in points.items() if point.startswith("POINT(50.")} == {"14", "15", "35", "36"}


def test_a_sensor_with_three_depths_has_three(real_data: Path) -> None:
    """ "30/60/90 cm" is three depths, "Bodenfeuchte" one property, site 127 its platform."""
    found = triples_of("bodenfeuchtesensoren", real_data, lambda row: row["in_tiefe"] == "30/60/90 cm")
    sensor = about(found, "id/sensor/boden-1")
    assert {o for p, o in sensor if p == "sg:depth"} == {str(typed(d, "decimal")) for d in ("30", "60", "90")}
    assert {o for p, o in sensor if p == "sosa:observes"} == {"<id/property/soil-moisture>"}
    assert ("sosa:isHostedBy", "<id/station/sensorstandort-127>") in sensor
    assert ("sg:installedOn", str(typed("2022-03-28", "date"))) in sensor


def test_both_files_mean_the_same_teros_sensors(real_data: Path) -> None:
    """The 31 TEROS21 of the two files of the platform have the same names, so the graph has each once."""
    first, second = (
        {t.subject.value for t in _all(name, real_data) if t.predicate == RDF.type and t.object == SOSA.Sensor}
        for name in ("bodenfeuchtesensoren", "teros-sensoren")
    )
    assert second <= first and len(second) == 31


def test_a_signal_and_its_datastreams_meet(real_data: Path) -> None:
    """Every signal of the controller's configuration has a datastream of its colour; its point lies in Jena."""
    signals = {t.subject for t in _all("lichtsignale", real_data) if t.predicate == RDF.type}
    streams = set(_all("datenstroeme", real_data))
    colours = {t.subject for t in streams if t.object == iri("id/property/signal-state")}
    assert signals == {t.object for t in streams if t.predicate == SOSA.madeBySensor and t.subject in colours}
    points = [t.object.value for t in _all("lichtsignale", real_data) if t.predicate == GEO.asWKT]
    assert all(point.startswith("POINT(11.58") for point in points)


def test_the_traffic_signals_of_the_file_are_all_named_in_the_mapping(real_data: Path) -> None:
    """The table of signal names in the mapping is that of the file."""
    modules = json.loads((real_data / "udp_ilsa_trafficlights_config.json").read_text("utf-8"))["modules"]
    names = {signal["id"] for module in modules for signal in module["signals"]}
    found = {t.object.value for t in _all("lichtsignale", real_data) if t.predicate == DCT.identifier}
    assert found == names


def test_a_state_of_the_charging_register_has_its_valid_time(real_data: Path) -> None:
    """Extract 1 holds until the day before extract 2; the station is the one of the register of 2019."""
    found = set(_all("ladesaeulen-staende", real_data))
    state = about(found, "id/charging-station/11.5887_50.89954/extract/1")
    assert state == {
        ("rdf:type", f"<{SG.ChargingStationState.value}>"),
        ("prov:specializationOf", "<id/charging-station/11.5887_50.89954>"),
        ("sg:extract", str(typed("1", "integer"))),
        ("sg:validFrom", str(typed("2017-05-12", "date"))),
        ("sg:validUntil", str(typed("2017-06-13", "date"))),
        ("schema:streetAddress", '"Keßlerstraße 28"'),
        ("sg:operatorName", '"Stadtwerke Energie Jena-Pößneck GmbH"'),
        ("sg:chargingPoints", str(typed("2", "integer"))),
    }
    stations = {t.subject for t in _all("ladesaeulen", real_data) if t.object == SG.ChargingStation}
    assert stations == {t.subject for t in found if t.object == SG.ChargingStation}


def test_the_charging_points_of_2019_are_41(real_data: Path) -> None:
    """Two stations in Brückenstraße are the same in every column and yet two."""
    points = [int(t.object.value) for t in _all("ladesaeulen", real_data) if t.predicate == SG.chargingPoints]
    assert len(points) == 19 and sum(points) == 41


def test_valid_times_of_extracts_join_without_gap_or_overlap(real_data: Path) -> None:
    """Each dated extract ends the day before the next dated one; the last has no end; extract 19 has no date."""
    spans: dict[int, dict[str, str]] = defaultdict(dict)
    subjects: dict[str, int] = {}
    found = list(_all("ladesaeulen-staende", real_data))
    for triple in found:
        if triple.predicate == SG.extract:
            subjects[triple.subject.value] = int(triple.object.value)
    for triple in found:
        if triple.predicate in (SG.validFrom, SG.validUntil):
            spans[subjects[triple.subject.value]][triple.predicate.value] = triple.object.value
    dated = sorted(spans.items())
    assert [number for number, _ in dated] == [n for n in range(1, 26) if n != 19]
    for (_, span), (_, after) in pairwise(dated):
        end = dt.date.fromisoformat(span[SG.validUntil.value]) + dt.timedelta(days=1)
        assert end.isoformat() == after[SG.validFrom.value]
    assert SG.validUntil.value not in dated[-1][1]


def test_a_day_of_the_oldest_series_has_four_triples_a_value(real_data: Path) -> None:
    """Type, day, result and membership; a flag only where the publisher set one; no snow depth."""
    found = triples_of("wetter-ghcn", real_data, lambda row: row["date"] == "1824-01-01")
    day = str(typed("1824-01-01", "date"))
    name = "id/observation/ghcn-air-temperature-daily-maximum/1824-01-01"
    assert about(found, name) == {
        ("rdf:type", f"<{SOSA.Observation.value}>"),
        ("sg:day", day),
        ("sosa:hasSimpleResult", str(typed("5.5", "decimal"))),
    }
    assert ("sosa:hasMember", f"<{name}>") in about(found, "id/collection/ghcn-air-temperature-daily-maximum")
    assert len(found) == 8
    flagged = triples_of("wetter-ghcn", real_data, lambda row: row["qflags"] == "TMAX:S")
    assert [t.object.value for t in flagged if t.predicate == SG.qualityFlag] == ["S"]


def test_daily_values_of_the_mpi_are_those_of_the_file(real_data: Path) -> None:
    """Mean, minimum, maximum and sum of one day, computed here; the doubled row of 12 May counts once."""
    chosen = {tuple(row.values()): row for row in table(real_data / MPI) if row["date"].startswith("2020-05-12")}
    temperature = [float(row["T (degC)"]) for row in chosen.values()]
    rain = sum(float(row["rain (mm)"]) for row in chosen.values())
    results = {
        t.subject.value.removeprefix(DEFAULT_BASE + "id/observation/mpi-bgc-"): float(t.object.value)
        for t in _all("wetter-mpi-bgc", real_data)
        if t.predicate == SOSA.hasSimpleResult and t.subject.value.endswith("/2020-05-12")
    }
    assert len(temperature) == 144
    assert results["air-temperature-daily-mean/2020-05-12"] == pytest.approx(sum(temperature) / 144, abs=0.001)
    assert results["air-temperature-daily-minimum/2020-05-12"] == min(temperature)
    assert results["air-temperature-daily-maximum/2020-05-12"] == max(temperature)
    assert results["precipitation-daily-sum/2020-05-12"] == pytest.approx(rain)


def test_species_of_the_experiment_and_the_garden_are_the_same_taxa(real_data: Path) -> None:
    """Codes of the Jena Experiment are written out, so that names meet; both know yarrow."""
    experiment, garden = (
        {t.subject.value for t in _all(name, real_data) if t.object == iri("dwc:Taxon")}
        for name in ("jena-experiment-arten", "phenobs")
    )
    common = experiment & garden
    assert iri("id/taxon/achillea-millefolium").value in common
    assert len(common) == len(_names(experiment) & _names(garden)) >= 10


def _names(taxa: set[str]) -> set[str]:
    return {taxon.rpartition("/")[2] for taxon in taxa}


def test_a_phenological_observation_lists_what_was_seen(real_data: Path) -> None:
    """Seen stages are named, "no" is not, uncertain ones have a property of their own."""
    found = set(_all("phenobs", real_data))
    assert about(found, "id/observation/phenobs/2022-11-02/achillea-millefolium") == {
        ("rdf:type", f"<{SOSA.Observation.value}>"),
        ("sosa:hasFeatureOfInterest", "<id/taxon/achillea-millefolium>"),
        ("sg:day", str(typed("2022-11-02", "date"))),
        ("sg:phenologicalStage", f"<{SG.ripeFruits.value}>"),
        ("sg:phenologicalStage", f"<{SG.senescence.value}>"),
        ("sg:senescenceIntensity", str(typed("50", "integer"))),
    }
    stages = ("Initial vegetative growth", "Young leaves unfolding", "Flowers opening", "Ripe fruits", "Senescence")
    unsure = {
        (row["Date"], row["Species"], stage)
        for row in table(real_data / PHENOBS)
        for stage in stages
        if row[stage] in ("m", "u")
    }
    assert len({t for t in found if t.predicate == SG.uncertainStage}) == len(unsure)


def test_bus_stops_keep_their_operators_as_written(real_data: Path) -> None:
    """Which unit "JeNah" is, is a matter of links with a reason, not of the mapping."""
    found = list(_all("osm-bushaltestellen", real_data))
    names = {t.object.value for t in found if t.predicate == SG.operatorName}
    assert {"JeNah", "JenNah", "Jenaer Nahverkehr GmbH", "JES"} <= names
    assert not [t for t in found if t.predicate == SG.operatedBy]


def test_every_series_of_the_weather_is_described(real_data: Path) -> None:
    """Property, sensor, procedure and dataset stand once at each series that has members."""
    described = defaultdict(set)
    for triple in ox.parse(path=str(DATA / "registers" / "stations.ttl"), base_iri=DEFAULT_BASE):
        described[triple.subject.value].add(_short(triple.predicate.value))
    needed = {"sosa:observedProperty", "sosa:madeBySensor", "sosa:usedProcedure", "dct:isPartOf"}
    for name in ("wetter-mpi-bgc", "wetter-dwd"):
        series = outcome(name, real_data).subjects[SOSA.hasMember.value]
        assert series and all(needed <= described[one] for one in series)
