"""References of the questions that the content answers: trees, sensors, stops, charging, weather."""

from __future__ import annotations

import re
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator

from rdflib import RDFS
from rdflib.term import Node

from queries.files_of_jena import (
    Tree,
    haversine,
    json_file,
    points_of,
    quarter_of,
    soil_sensors,
    table,
    trees,
)
from queries.reference import (
    DCAT,
    DCT,
    SCHEMA,
    SG,
    Option,
    Row,
    World,
    answers,
    combine,
    distinct,
    local,
    name,
    optional,
    today,
)

QUARTER, CENTRE = "Lobeda-Altstadt", "Jena-Zentrum"


def sites(world: World) -> list[tuple[str, str, str]]:
    """Give site, tree and day of felling, as both files of sensor sites have them."""
    found = []
    for row in table(world.files, "hack_sensorstandorte_baeume.csv"):
        found.append((row["gid"], row["objectid"], iso(row["gefaellt_am"])))
    for row in table(world.files, "udp_teros_sensoren_und_refflaechen.csv"):
        found.append((row["gid"], row["objectid"], ""))
    felled = {tree: day for _, tree, day in found if day}
    return [(site, tree, felled.get(tree, "")) for site, tree, _ in found if tree]


def iso(day: str) -> str:
    """Give a German date the ISO way."""
    return "-".join(reversed(day.split(".")))


@answers("soil-sensors-near-the-jena-experiment", "sensor metres")
def sensors_near(world: World) -> Iterator[Row]:
    """Great circles from the place that the register gives."""
    r = world.registers
    (wkt,) = r.texts(name("location/jena-experiment"), DCAT.centroid)
    here = tuple(map(float, re.findall(r"[\d.]+", str(wkt))))
    for sensor, there in soil_sensors(world.files).items():
        metres = haversine((here[0], here[1]), there)
        if metres < 2000:
            yield f"id/sensor/{sensor}", str(round(metres))


@answers("trees-at-sensor-sites", "site tree genus plantingYear felledOn")
def trees_at_sites(world: World) -> list[Row]:
    """Pairs of the two files, with what the register of trees (or the file of a younger tree) says."""
    known = trees(world.files)
    rows = []
    for site, tree, felled in sites(world):
        found = known[tree]
        rows.append((f"id/station/sensorstandort-{site}", f"id/tree/{tree}", found.genus, found.year, felled))
    return distinct(rows)


def covers(start: Iterable[Option], end: Iterable[Option], month: str) -> str:
    """Tell whether a period covers a month; nothing where no end of it is known."""
    starts, ends = list(start), list(end)
    if not starts and not ends:
        return ""
    return str(all(str(s)[:7] <= month for s in starts) and all(month <= str(e)[:7] for e in ends)).lower()


@answers("transport-energy-weather-in-one-place", "dataset title number start end coversMonth unknown askPost")
def one_place(world: World) -> Iterator[Row]:
    """Stops and charging stations by polygon, and the datasets of air temperature."""
    r = world.registers
    counts: dict[Node, str] = {
        name("dataset/osm-haltestellen"): str(len(stops(world))),
        name("dataset/ladesaeulenregister-jena"): str(len(charging(world))),
    }
    for dataset in [*counts, *r.with_(SCHEMA.variableMeasured, name("property/air-temperature"))]:
        start, end = r.period(dataset)
        first = (local(dataset), r.title(dataset), counts.get(dataset, ""))
        asks = optional(r.asks(dataset, DCT.temporal), 2)
        yield from combine([first], optional(start), optional(end), [covers(start, end, "2019-06")], asks)


def stops(world: World) -> dict[str, str]:
    """Give the stops in the centre: bus and tram of OpenStreetMap, and the timetable's."""
    found = {}
    for file in ("osm_bushaltestellen.geojson", "osm_strassenbahn.geojson"):
        for key, point, properties in points_of(world.files, file):
            if quarter_of(world.files, point) == CENTRE:
                found[f"osm/{key}"] = str(properties.get("name", ""))
    for row in table(world.files, "gtfs_delfi_testauszug/stops.txt"):
        if quarter_of(world.files, (float(row["stop_lon"]), float(row["stop_lat"]))) == CENTRE:
            found[f"stop/{row['stop_id']}"] = row["stop_name"]
    return found


def charging(world: World) -> dict[str, str]:
    """Give the charging stations in the centre of both files; a name only where the newer file has one."""
    found = {}
    for file in ("bnetza_ladesaeulen_jena_staende_2017_2019.csv", "bnetza_ladesaeulen_jena_2019-07-19.csv"):
        for row in table(world.files, file):
            place = (row["Längengrad [DG]"], row["Breitengrad [DG]"])
            if quarter_of(world.files, (float(place[0]), float(place[1]))) == CENTRE:
                named = f"Ladestation {row['Adresse']}" if "Registerauszug" not in row else ""
                found["charging-station/" + "_".join(place)] = named
    return found


@answers("quality-checks-of-the-tree-register", "check trees")
def quality(world: World) -> Iterator[Row]:
    """Counts over all trees, each rule by itself."""
    found = list(trees(world.files).values())
    years = [int(tree.year) for tree in found if tree.year.isdigit()]
    yield "Pflanzjahr liegt in der Zukunft", str(sum(year > today().year for year in years))
    yield "Pflanzjahr hat keine vier Ziffern", str(sum(year < 1000 for year in years))
    yield "höher als möglich", str(sum(tree.height > 50 for tree in found))
    yield "Vitalität ist 0", str(sum(tree.vitality == "0" for tree in found))
    yield "keine pflegende Einheit", str(sum(not tree.unit for tree in found))


@answers("who-maintains-which-trees", "unit name trees unknown askPost")
def maintains(world: World) -> Iterator[Row]:
    """Trees per unit of the care area, and those without."""
    r = world.registers
    for unit, number in Counter(tree.unit for tree in trees(world.files).values()).items():
        if unit:
            yield f"id/unit/{unit}", r.word(name(f"unit/{unit}")), str(number), "", ""
        else:
            asked = distinct(ask for _, ask in r.asked(SG.maintainedBy))
            yield from combine([("", "", str(number))], optional(asked, 2))


@answers("sensors-without-unit-or-location", "sensor hasUnit hasLocation")
def bare_sensors(world: World) -> list[Row]:
    """Soil sensors and signals: no file names a unit for them, each has a place or stands at the crossing."""
    keys = set(soil_sensors(world.files))
    modules = json_file(world.files, "udp_ilsa_trafficlights_config.json")["modules"]
    keys |= {f"k440 {signal['id']}" for module in modules for signal in module["signals"]}
    streams = json_file(world.files, "udp_sensorthings_datastreams_mock.json")["value"]
    keys |= {"k440 " + stream["@iot.id"].split("~")[1] for stream in streams}
    slugs = {re.sub(r"[^a-z0-9]+", "-", key.lower()).strip("-") for key in keys}
    return [(f"id/sensor/{slug}", "false", "true") for slug in slugs]


@answers("the-tree-at-my-house", "tree number species unit sensorSite unknown askPost")
def at_my_house(world: World) -> list[Row]:
    """The trees of a street, with the sites at them."""
    r = world.registers
    asks = optional(r.asks(name("dataset/baumkataster"), SG.tour), 2)
    at: dict[str, list[Option]] = {}
    for site, key, _ in sites(world):
        at.setdefault(key, []).append(f"Sensorstandort {site}")
    rows: list[Row] = []
    for key, tree in trees(world.files).items():
        if tree.street == "Hufelandweg":
            unit = r.word(name(f"unit/{tree.unit}")) if tree.unit else ""
            rows += combine([(f"id/tree/{key}", tree.number, tree.species, unit)], optional(at.get(key, [])), asks)
    return distinct(rows)


SOURCES = {f"graph/source/{source}" for source in ("baumkataster", "adressen", "wahllokale")}


@answers("data-about-my-district", "class number source", lambda row: row["source"] in SOURCES)
def my_district(world: World) -> Iterator[Row]:
    """Trees, addresses and polling stations by polygon."""
    inside = [key for key, tree in trees(world.files).items() if tree.quarter == QUARTER and tree.is_registered]
    yield "https://w3id.org/stadtgraph/ns#Tree", str(len(inside)), "graph/source/baumkataster"
    header: tuple[str, ...] = ("street", "number", "code", "lon", "lat", "station")
    addresses = set()
    for row in table(world.files, "opendata_adressen_plz_geo_wahllokal_2017.csv", header, "\t"):
        if quarter_of(world.files, (float(row["lon"]), float(row["lat"]))) == QUARTER:
            addresses.add((row["street"], row["number"], row["code"]))
    yield "https://schema.org/PostalAddress", str(len(addresses)), "graph/source/adressen"
    header = ("number", "name", "lon", "lat", "room", "address", "accessible")
    rows = table(world.files, "opendata_wahllokale_2017.csv", header, "\t")
    stations = [r for r in rows if quarter_of(world.files, (float(r["lon"]), float(r["lat"]))) == QUARTER]
    yield "https://w3id.org/stadtgraph/ns#PollingStation", str(len(stations)), "graph/source/wahllokale"


@answers("parking-charging-stops-in-my-district", "kind place name")
def parking_charging_stops(world: World) -> Iterator[Row]:
    """Everything of the three kinds that has a name in the centre."""
    for _, point, properties in points_of(world.files, "opendata_parken.geojson"):
        if quarter_of(world.files, point) == CENTRE:
            yield "Parken", f"id/parking/{properties['id']}", str(properties["name"])
    for kind, found in (("Laden", charging(world)), ("Haltestelle", stops(world))):
        for place, text in found.items():
            if text:
                yield kind, f"id/{place}", text


@answers("temperature-of-a-day", "series publisher celsius unknown askPost")
def temperature(world: World) -> Iterator[Row]:
    """Mean, minimum and maximum of the ten-minute values, and the two daily values of the old station."""
    r = world.registers
    day = "2020-02-28"
    rows = {row["date"]: row["T (degC)"] for row in table(world.files, "mpi_bgc_wetter_jena_2020.csv.gz")}
    values = [float(value) for at, value in rows.items() if at.startswith(day) and float(value) > -9999]
    mean = str(round(statistics.fmean(values), 4))
    found = {"mpi-bgc-{}-daily-mean": mean, "mpi-bgc-{}-daily-minimum": str(min(values))}
    found["mpi-bgc-{}-daily-maximum"] = str(max(values))
    old = table(world.files, "ghcnd_GM000004204_jena_sternwarte_tageswerte_1824_2020.csv.gz")
    (that,) = (row for row in old if row["date"] == day)
    found |= {"ghcn-{}-daily-maximum": that["TMAX (degC)"], "ghcn-{}-daily-minimum": that["TMIN (degC)"]}
    for series, value in found.items():
        node = name("collection/" + series.format("air-temperature"))
        (publisher,) = r.of(node, DCT.isPartOf, DCT.publisher)
        yield r.word(node, RDFS.label), r.word(publisher), value, "", ""
    asked = {(r.of(d, DCT.publisher)[0], ask) for d, ask in r.asked(DCAT.downloadURL) if r.of(d, DCT.publisher)}
    for publisher, ask in asked:
        yield "", r.word(publisher), "", *ask


@answers("species-of-trees-per-district", "name species trees")
def species(world: World) -> Iterator[Row]:
    """Trees with a species, per polygon."""
    found = Counter((t.quarter, t.species) for t in trees(world.files).values() if t.quarter and t.species)
    for (quarter, kind), number in found.items():
        yield quarter, kind, str(number)


@answers("trees-and-sensors-in-a-quarter", "unit name trees sensor metres")
def trees_and_sensors(world: World) -> Iterator[Row]:
    """Trees per unit in the quarter, and the sensors near one of them."""
    r = world.registers
    by_unit: dict[str, list[Tree]] = {}
    for tree in trees(world.files).values():
        if tree.quarter == QUARTER and tree.unit:
            by_unit.setdefault(tree.unit, []).append(tree)
    for unit, found in by_unit.items():
        near: list[Option] = []
        for sensor, there in soil_sensors(world.files).items():
            metres = min(haversine(tree.point, there) for tree in found)
            if metres < 500:
                near.append((f"id/sensor/{sensor}", str(round(metres))))
        first = (f"id/unit/{unit}", r.word(name(f"unit/{unit}")), str(len(found)))
        yield from combine([first], optional(near, 2))
