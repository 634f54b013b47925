"""Containment and nearness on the real data, held to shapely over the raw files: no store, mapping or rule beside it.

Samples are drawn by a fixed seed, so that they are the same every time and nobody chose them. Distances are those of
UTM zone 32 (EPSG:25832), in which the city surveys. What may differ is what rounding decides: pairs within five
centimetres of a limit or of each other.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy
import pytest
import shapely
from pyproj import Transformer
from shapely.geometry import shape

from links.truth import addresses, slug
from queries.files_of_jena import json_file, soil_sensors, table, trees
from stadtgraph import City

SAMPLE = 400
CLOSE = 0.05
"""Metres within which rounding may decide."""
Shapes = dict[str, Any]
UTM = Transformer.from_crs(4326, 25832, always_xy=True)


def metric(geometry: Any) -> Any:
    """Give a geometry of degrees in metres."""
    return shapely.transform(geometry, lambda xy: numpy.column_stack(UTM.transform(xy[:, 0], xy[:, 1])))


def sampled(things: Shapes, number: int = SAMPLE) -> Shapes:
    """Give some of many, the same every time."""
    keys = random.Random("places").sample(sorted(things), min(number, len(things)))
    return {key: things[key] for key in keys}


@cache
def tree_points(folder: Path) -> Shapes:
    """Give the trees of the register and of the files of sensor sites."""
    return {f"tree/{key}": shapely.Point(tree.point) for key, tree in trees(folder).items()}


@cache
def sensor_points(folder: Path) -> Shapes:
    """Give the sensors of which it is said that they measure something of the soil; ten of 2025 say nothing."""
    rows = [row for row in table(folder, "udp_sensoren_bodenfeuchte.csv") if row["was"]]
    told = {
        f"teros21-{r['sensorstandort_gid']}" if r["model"] == "TEROS21" else f"boden-{r['sensor_nr']}" for r in rows
    }
    return {f"sensor/{key}": shapely.Point(point) for key, point in soil_sensors(folder).items() if key in told}


def charging(folder: Path) -> Shapes:
    """Give the charging stations of the newest register, but those that share their place with another."""
    rows = table(folder, "bnetza_ladesaeulen_jena_2019-07-19.csv")
    places = [(row["Längengrad [DG]"], row["Breitengrad [DG]"]) for row in rows]
    alone = [place for place in places if places.count(place) == 1]
    return {f"charging-station/{lon}_{lat}": shapely.Point(float(lon), float(lat)) for lon, lat in alone}


def map_features(folder: Path, *files: str) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """Give the features of files of the map: identifier, outline, tags."""
    for file in files:
        for feature in json_file(folder, f"{file}.geojson")["features"]:
            yield f"osm/{feature['id']}", shape(feature["geometry"]), feature["properties"]


def lines(folder: Path) -> Shapes:
    """Give the power lines of the map."""
    found = map_features(folder, "osm_stromleitungen")
    return {key: outline for key, outline, tags in found if tags["power"] in ("line", "minor_line")}


def stated(city: City, predicate: str, subjects: Shapes) -> dict[str, set[str]]:
    """Give what the graph says of some things, without the base."""
    base = f"{city.names.base}id/"
    found: dict[str, set[str]] = {subject: set() for subject in subjects}
    for row in city.query(f"SELECT ?a ?b {{ ?a {predicate} ?b }}"):
        subject = row["a"].value.removeprefix(base)
        if subject in found:
            found[subject].add(row["b"].value.removeprefix(base))
    return found


def power(folder: Path) -> Shapes:
    """Give lines, poles and facilities of the power network."""
    return {key: outline for key, outline, _ in map_features(folder, "osm_stromleitungen", "osm_energie_strom")}


def parking(folder: Path) -> Shapes:
    """Give the city's parking facilities."""
    features = json_file(folder, "opendata_parken.geojson")["features"]
    return {f"parking/{f['properties']['id']}": shape(f["geometry"]) for f in features}


def reference_areas(folder: Path) -> Shapes:
    """Give the areas for which the soil's moisture is taken."""
    features = json_file(folder, "udp_reference_areas.geojson")["features"]
    return {f"area/referenzflaeche-{slug(f['properties']['name'])}": shape(f["geometry"]) for f in features}


def areas(folder: Path) -> Shapes:
    """Give Ortsteile and statistical districts."""
    parts = json_file(folder, "opendata_ortsteile.geojson")["features"]
    districts = json_file(folder, "opendata_statistische_bezirke.geojson")["features"]
    found = {f"ortsteil/{slug(f['properties']['name'])}": shape(f["geometry"]) for f in parts}
    return found | {f"bezirk/{f['properties']['id']}": shape(f["geometry"]) for f in districts}


def located(folder: Path) -> Shapes:
    """Give things that the city, its utilities and the map locate by a point."""
    found = tree_points(folder) | sensor_points(folder) | charging(folder) | parking(folder)
    found |= {key: shapely.Point(*sorted(place)) for _, place, key in addresses(folder)}
    files = ("osm_bushaltestellen", "osm_ampeln_strassenlaternen", "osm_amenity_kindergarten", "osm_amenity_recycling")
    found |= {key: outline for key, outline, _ in map_features(folder, *files) if outline.geom_type == "Point"}
    return {key: outline for key, outline in found.items() if outline.geom_type == "Point"}


def agreement(name: str, found: dict[str, set[str]], right: dict[str, set[str]], unsure: set[str]) -> None:
    """Compare what is stated of each thing with what is right, but for what rounding decides; print the counts."""
    wrong = {key: (found[key], right[key]) for key in right if found[key] != right[key] and key not in unsure}
    pairs = sum(map(len, right.values()))
    print(f"{name}: {len(right) - len(wrong)} of {len(right)} things agree, {pairs} pairs, {len(unsure)} unsure")
    assert not wrong and pairs and len(unsure) <= len(right) / 50


def test_things_lie_in_the_areas_that_hold_them(real_city: City, real_data: Path) -> None:
    """Four hundred of the things that have a point: Ortsteil and statistical district."""
    things = sampled(located(real_data))
    outlines = areas(real_data)
    keys, tree = list(outlines), shapely.STRtree(list(outlines.values()))
    edges = shapely.STRtree([metric(outline).boundary for outline in outlines.values()])
    right = {key: {keys[at] for at in tree.query(point, predicate="within")} for key, point in things.items()}
    unsure = {k for k, p in things.items() if len(edges.query(metric(p), predicate="dwithin", distance=CLOSE))}
    kept = {k: {a for a in v if a in outlines} for k, v in stated(real_city, "geo:sfWithin", things).items()}
    agreement("containment", kept, right, unsure)


@pytest.mark.parametrize("kind", ["trees", "sensors"])
def test_trees_and_sensors_lie_in_their_reference_areas(real_city: City, real_data: Path, kind: str) -> None:
    """All sensors, and of the trees all that lie in one and as many others."""
    outlines = reference_areas(real_data)
    things = sensor_points(real_data) if kind == "sensors" else tree_points(real_data)
    inside = {key: {area for area, outline in outlines.items() if outline.covers(p)} for key, p in things.items()}
    if kind == "trees":
        inside = {k: v for k, v in inside.items() if v} | {k: inside[k] for k in sampled(things)}
    edges = [metric(outline).boundary for outline in outlines.values()]
    unsure = {k for k in inside if min(edge.distance(metric(things[k])) for edge in edges) < CLOSE}
    agreement(f"reference areas, {kind}", stated(real_city, "sg:inReferenceArea", inside), inside, unsure)


NEAR = {
    "nearTree": (sensor_points, tree_points, 3, 30.0),
    "nearestSoilSensor": (tree_points, sensor_points, 1, 300.0),
    "nearParking": (charging, parking, 1, 100.0),
    "nearPower": (charging, power, 1, 500.0),
    "nearPowerLine": (tree_points, lines, 0, 30.0),
}
"""By property: from what, to what, how many of the nearest (0 is all), within how many metres."""


@pytest.mark.parametrize("name", NEAR)
def test_the_nearest_are_the_nearest(real_city: City, real_data: Path, name: str) -> None:
    """By measuring from each thing of the sample to everything: no index, no cell, no candidate."""
    things_of, others_of, number, limit = NEAR[name]
    others = {key: metric(outline) for key, outline in others_of(real_data).items()}
    keys, shapes = list(others), numpy.array(list(others.values()))
    things = sampled(things_of(real_data))
    found = stated(real_city, f"sg:{name}", things)
    right: dict[str, set[str]] = {}
    unsure = set()
    for key, outline in things.items():
        distances = shapely.distance(metric(outline), shapes)
        order = [at for at in numpy.argsort(distances) if distances[at] <= limit + CLOSE]
        right[key] = {keys[at] for at in order[: number or None] if distances[at] <= limit}
        given, wanted = (sorted(distances[keys.index(k)] for k in some) for some in (found[key], right[key]))
        if len(given) == len(wanted) and numpy.allclose(given, wanted, rtol=0, atol=CLOSE):
            right[key] = found[key]  # as near: two things in one place
        elif any(abs(distances[at] - limit) < CLOSE for at in order):
            unsure.add(key)
    agreement(name, found, right, unsure)


def test_stops_that_say_of_themselves_that_trams_call_are_linked(real_city: City, real_data: Path) -> None:
    """By the tag ``tram``, which the rule does not see: each with the tram stop that is nearest to it."""
    trams = {
        k: metric(o) for k, o, tags in map_features(real_data, "osm_strassenbahn") if tags.get("railway") == "tram_stop"
    }
    buses = {k: metric(o) for k, o, tags in map_features(real_data, "osm_bushaltestellen") if tags.get("tram") == "yes"}
    found = stated(real_city, "sg:sameStopAs", buses)
    nearest = {k: min((p.distance(o), t) for t, o in trams.items() if t != k)[1] for k, p in buses.items()}
    missed = {key for key, stop in nearest.items() if stop not in found[key]}
    print(
        f"bus-tram-stop: {len(buses) - len(missed)} of {len(buses)} tagged stops are linked with the nearest tram stop"
    )
    assert not missed and len(buses) == 14


def test_what_lies_in_no_area_is_named(real_city: City) -> None:
    """Every point in no Ortsteil is a finding of the audit; what is left are lines and areas that none holds whole."""
    point = """SELECT DISTINCT ?x ?finding { ?x geo:hasGeometry/geo:asWKT ?w FILTER(STRSTARTS(STR(?w), "POINT"))
        FILTER NOT EXISTS { ?x geo:sfWithin ?o FILTER(CONTAINS(STR(?o), "/id/ortsteil/")) }
        OPTIONAL { ?finding sh:focusNode ?x ; sh:sourceShape <https://w3id.org/stadtgraph/shapes/placed-in-city> } }"""
    found = [(row["x"].value, row.get("finding")) for row in real_city.query(point)]
    assert [x for x, finding in found if finding is None] == []
    print(f"{len(found)} points in no Ortsteil, all of them findings")
    assert len(found) == 51
