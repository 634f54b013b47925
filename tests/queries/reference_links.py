"""References of the questions that need links: geopandas, pandas and shapely over the raw files.

What a link rule found is never read here: nearness is worked out from coordinates in ETRS89 / UTM 32N, operators by
the spellings that were read in the files, buildings by the address (see ``tests/links/gold``).
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import shapely
from pyproj import Geod, Transformer
from rdflib import RDFS

from queries.files_of_jena import haversine, json_file, quarter_of, soil_sensors, table, trees
from queries.reference import GEO, PROV, SG, Option, Row, World, answers, combine, distinct, local, name, optional

if TYPE_CHECKING:
    import geopandas

METRES, DEGREES = "EPSG:25832", "EPSG:4326"
TO_DEGREES = Transformer.from_crs(METRES, DEGREES, always_xy=True)
GOLD = Path(__file__).resolve().parent.parent / "links" / "gold"
PLACES = ("osm_amenity_school.geojson", "osm_amenity_kindergarten.geojson", "osm_leisure_playground.geojson")


def half_up(value: float, digits: int = 0) -> str:
    """Give a rounded number as SPARQL's ROUND does: halves go up."""
    scaled = math.floor(value * 10**digits + 0.5)
    return str(scaled) if digits == 0 else f"{scaled / 10**digits:g}"


def frame(places: dict[str, tuple[float, float]]) -> geopandas.GeoDataFrame:
    """Give points as a frame in metres, with their degrees beside."""
    geopandas = pytest.importorskip("geopandas")
    lon, lat = [p[0] for p in places.values()], [p[1] for p in places.values()]
    points = geopandas.GeoSeries(geopandas.points_from_xy(lon, lat), crs=DEGREES).to_crs(METRES)
    return geopandas.GeoDataFrame({"key": list(places), "lon": lon, "lat": lat}, geometry=points)


def layer(folder: Path, file: str) -> geopandas.GeoDataFrame:
    """Give a GeoJSON file as a frame in metres; the key is the feature's identifier."""
    geopandas = pytest.importorskip("geopandas")
    features = json_file(folder, file)["features"]
    for feature in features:
        feature["properties"]["key"] = str(feature.get("id", feature["properties"].get("id", "")))
    return geopandas.GeoDataFrame.from_features(features, crs=DEGREES).to_crs(METRES)


@cache
def stops(folder: Path) -> geopandas.GeoDataFrame:
    """Give every stop with its name: bus and tram of the map (a stop of both once), and the timetable's."""
    found: dict[str, tuple[float, float]] = {}
    names, is_tram = {}, {}
    for file in ("osm_bushaltestellen.geojson", "osm_strassenbahn.geojson"):
        for feature in json_file(folder, file)["features"]:
            if feature["geometry"]["type"] == "Point":
                key = f"id/osm/{feature['id']}"
                found[key] = tuple(feature["geometry"]["coordinates"][:2])
                names[key] = feature["properties"].get("name", "")
                is_tram[key] = feature["properties"].get("railway") == "tram_stop"
    for row in table(folder, "gtfs_delfi_testauszug/stops.txt"):
        found[f"id/stop/{row['stop_id']}"] = (float(row["stop_lon"]), float(row["stop_lat"]))
    made = frame(found)
    return made.assign(name=made.key.map(names), tram=made.key.map(is_tram).fillna(False).astype(bool))


def metres_between(left: geopandas.GeoDataFrame, right: geopandas.GeoDataFrame, limit: float) -> Iterator[Any]:
    """Give (left row, right row, metres on the sphere) of points at most ``limit`` apart."""
    near = left.sindex.query(right.geometry.buffer(limit * 1.01), predicate="intersects")
    for there, here in zip(*near.tolist(), strict=True):
        one, two = left.iloc[here], right.iloc[there]
        metres = haversine((one.lon, one.lat), (two.lon, two.lat))
        if metres <= limit:
            yield one, two, metres


def nearest(left: geopandas.GeoDataFrame, right: geopandas.GeoDataFrame, limit: float) -> dict[str, str]:
    """Give the nearest of ``right`` to each of ``left``; of equally near ones that with the first key."""
    ordered = right.sort_values("key").reset_index(drop=True)
    found: dict[str, tuple[float, str]] = {}
    for at, point in zip(left.key, left.geometry, strict=True):
        for i in ordered.sindex.query(point.buffer(limit), predicate="intersects"):
            metres = round(ordered.geometry.iloc[i].distance(point), 3)
            if metres <= limit:
                found[at] = min(found.get(at, (math.inf, "")), (metres, ordered.key.iloc[i]))
    return {key: sensor for key, (_, sensor) in found.items()}


@cache
def measuring(folder: Path) -> geopandas.GeoDataFrame:
    """Give the sensors that the file says measure moisture, water potential or temperature of the soil."""
    words = ("feuchte", "wasserpotenzial", "temperatur")
    measures = {}
    for row in table(folder, "udp_sensoren_bodenfeuchte.csv"):
        key = f"teros21-{row['sensorstandort_gid']}" if row["model"] == "TEROS21" else f"boden-{row['sensor_nr']}"
        measures[key] = any(word in row["was"].lower() for word in words)
    return frame({f"id/sensor/{k}": place for k, place in soil_sensors(folder).items() if measures[k]})


def unit_name(world: World, unit: str) -> str:
    """Give the German name of a unit of the register."""
    return world.registers.word(name(f"unit/{unit}")) if unit else ""


@answers("young-trees-at-stops", "tree planted unitName metres sensor")
def young_trees(world: World) -> Iterator[Row]:
    """Trees of Winzerla with a year from 2015 on, by the distance to each stop and soil sensor."""
    young = {
        f"id/tree/{key}": tree
        for key, tree in trees(world.files).items()
        if tree.quarter == "Winzerla" and tree.year.isdigit() and int(tree.year) >= 2015
    }
    places = frame({key: tree.point for key, tree in young.items()})
    found: dict[str, float] = {}
    for tree, _, metres in metres_between(places, stops(world.files), 300):
        found[tree.key] = min(found.get(tree.key, math.inf), metres)
    sensors = nearest(places, measuring(world.files), 300)
    for key, metres in found.items():
        tree = young[key]
        yield key, tree.year, unit_name(world, tree.unit), half_up(metres), sensors.get(key, "")


@cache
def charging(folder: Path) -> geopandas.GeoDataFrame:
    """Give the charging stations of both files by their coordinates, with what the newer one says."""
    pandas = pytest.importorskip("pandas")
    said: dict[str, dict[str, str]] = {}
    rows = table(folder, "bnetza_ladesaeulen_jena_staende_2017_2019.csv")
    older = {"_".join((row["Längengrad [DG]"], row["Breitengrad [DG]"])) for row in rows}
    for row in table(folder, "bnetza_ladesaeulen_jena_2019-07-19.csv"):
        key = "_".join((row["Längengrad [DG]"], row["Breitengrad [DG]"]))
        said[f"{key}_2" if key in said else key] = row
    keys = [*said, *sorted(older - said.keys())]
    made = frame({f"id/charging-station/{k}": (float(k.split("_")[0]), float(k.split("_")[1])) for k in keys})
    rows_of = [said.get(key, {}) for key in keys]
    points = pandas.to_numeric(pandas.Series([row.get("Anzahl Ladepunkte") for row in rows_of]))
    return made.assign(
        address=[row.get("Adresse", "") for row in rows_of],
        operator=[row.get("Betreiber", "") for row in rows_of],
        points=points.fillna(0).astype(int).values,
    )


@cache
def units_by_spelling() -> dict[str, str]:
    """Give the unit of each spelling of an operator, as it was read in the files."""
    with (GOLD / "operator-organisation.csv").open(newline="", encoding="utf-8") as lines:
        return {row["subject"]: row["object"].removeprefix("unit/") for row in csv.DictReader(lines) if row["object"]}


@answers("charging-at-tram-stops", "station name operator stopName metres parking")
def charging_at_stops(world: World) -> Iterator[Row]:
    """Tram stops at most 30 m from a track of line 5, charging stations around them, and the nearest car park."""
    lines = layer(world.files, "osm_strassenbahn.geojson")
    tracks = lines[lines.geometry.geom_type.str.contains("LineString") & (lines["ref"] == "5")].geometry.union_all()
    every = stops(world.files)
    of_line = every[every.tram & (every.geometry.distance(tracks) <= 30)]
    found: dict[tuple[str, str], float] = {}
    for station, stop, metres in metres_between(charging(world.files), of_line, 300):
        pair = (station.key, stop["name"])
        found[pair] = min(found.get(pair, math.inf), metres)
    stations = charging(world.files).set_index("key")
    parking = layer(world.files, "opendata_parken.geojson").assign(key=lambda p: p["id"].astype(str))
    beside = nearest(charging(world.files), parking, 100)
    names = dict(zip(parking.key, parking["name"], strict=True))
    for (key, stop), metres in found.items():
        row = stations.loc[key]
        label = f"Ladestation {row.address}" if row.address else ""
        operator = unit_name(world, units_by_spelling().get(row.operator, ""))
        yield key, label, operator, stop, half_up(metres), names.get(beside.get(key, ""), "")


POLLING = ("number", "name", "lon", "lat", "room", "address", "accessible")


@answers("polling-stations-and-stops", "station accessible stops metres")
def polling(world: World) -> Iterator[Row]:
    """Stops within 300 m of each polling station, where the file says it is."""
    rows = table(world.files, "opendata_wahllokale_2017.csv", POLLING, "\t")
    places = frame({row["number"]: (float(row["lon"]), float(row["lat"])) for row in rows})
    inside = places[places.is_valid & places.geometry.x.between(0, 1e6)]  # four have longitude and latitude exchanged
    found: dict[str, list[float]] = {}
    for station, _, metres in metres_between(inside, stops(world.files), 300):
        found.setdefault(station.key, []).append(metres)
    for row in rows:
        near = found.get(row["number"], [])
        told = (str(len(near)), half_up(min(near))) if near else ("", "")
        yield f"id/polling-station/2017-{row['number']}", row["accessible"].lower(), *told


@answers("children-far-from-stops", "place name district")
def children(world: World) -> Iterator[Row]:
    """Places whose outline is farther than 300 m from every stop."""
    where = layer(world.files, "opendata_ortsteile.geojson")
    at = stops(world.files).geometry
    for file in PLACES:
        found = layer(world.files, file)
        for row in found[found.geometry.apply(lambda shape: at.distance(shape).min() > 300)].itertuples():
            inside = where[where.geometry.covers(row.geometry)]["name"]
            label = row.name if isinstance(row.name, str) else ""
            yield from combine([(f"id/osm/{row.key}", label)], optional(list(inside)))


@answers("charging-points-per-household", "district name households points perThousand")
def per_household(world: World) -> Iterator[Row]:
    """Households of the end of 2016 beside the sum of points within each polygon."""
    pandas = pytest.importorskip("pandas")
    counted = pandas.read_csv(world.files / "opendata_privathaushalte.csv").set_index("statistischer_Bezirk_Nr")
    districts = layer(world.files, "opendata_statistische_bezirke.geojson")
    joined = charging(world.files).sjoin(districts[["key", "geometry"]], predicate="within", lsuffix="", rsuffix="in")
    points = joined.groupby("key_in").points.sum()
    for row in districts.itertuples():
        households, here = int(counted.loc[int(row.id), "31.12.2016"]), int(points.get(row.key, 0))
        share = half_up(here * 1000 / households, 1) if households else "0"
        yield f"id/bezirk/{row.id}", row.statbez_name, str(households), str(here), share


def geodesic(one: Any, other: Any) -> float:
    """Give the metres on the ellipsoid between the nearest points of two shapes in the plane."""
    ends = shapely.shortest_line(one, other).coords
    (lon1, lat1), (lon2, lat2) = (TO_DEGREES.transform(x, y) for x, y in ends)
    return float(Geod(ellps="WGS84").inv(lon1, lat1, lon2, lat2)[2])


@answers("trees-near-power-lines", "tree high unitName line voltage away")
def near_lines(world: World) -> Iterator[Row]:
    """Trees of at least five metres within ten metres of a line."""
    power = layer(world.files, "osm_stromleitungen.geojson")
    lines = power[power["power"].isin(["line", "minor_line"])]
    high = {f"id/tree/{k}": t for k, t in trees(world.files).items() if t.is_registered and t.height >= 5}
    places = frame({key: tree.point for key, tree in high.items()})
    for line in lines.itertuples():
        for i in places.sindex.query(line.geometry.buffer(11), predicate="intersects"):
            tree, metres = places.iloc[i], geodesic(places.geometry.iloc[i], line.geometry)
            if metres <= 10:
                known = high[tree.key]
                volts = line.voltage if isinstance(line.voltage, str) else ""
                unit = unit_name(world, known.unit)
                yield tree.key, f"{known.height:g}", unit, f"id/osm/{line.key}", volts, half_up(metres)


@answers("tram-lines-at-crossings", "crossing line operator streams title agent")
def crossings(world: World) -> Iterator[Row]:
    """Signals with a group at most 25 m from the tracks, streams of the crossing, and who answers for them."""
    r = world.registers
    modules = json_file(world.files, "udp_ilsa_trafficlights_config.json")["modules"]
    signals = {s["id"]: s for module in modules for s in module["signals"] if s.get("signalGroup")}
    places = {key: (location(s)[0], location(s)[1]) for key, s in signals.items() if location(s)}
    at = frame(places).geometry.union_all()
    lines = layer(world.files, "osm_strassenbahn.geojson")
    passing = lines[lines.geometry.geom_type.str.contains("LineString") & (lines.geometry.distance(at) <= 25)]
    streams = len(json_file(world.files, "udp_sensorthings_datastreams_mock.json")["value"])
    dataset = name("dataset/lsa-zustaende")
    agents = [r.word(a) for x in r.responsibilities(dataset, SG.accountable) for a in r.of(x, PROV.agent)]
    for line, operator in distinct((str(row.ref), str(row.operator)) for row in passing.itertuples()):
        unit = unit_name(world, units_by_spelling().get(operator, ""))
        first = ("id/station/k440", line, unit, str(streams), r.title(dataset))
        yield from combine([first], optional(agents))


def location(signal: dict[str, Any]) -> tuple[float, float] | None:
    """Give longitude and latitude of a signal; the file has their names exchanged."""
    found = [(float(place["latitude"]), float(place["longitude"])) for place in signal.get("location", [])]
    return found[0] if found else None


OPERATED = (
    "bushaltestellen",
    "strassenbahn",
    "buslinien",
    "energie_strom",
    "ampeln_strassenlaternen",
    "stromleitungen",
)
OPERATED += ("amenity_library", "amenity_hospital", "amenity_recycling")


@answers("operators-of-places", "unit name domain things names")
def operators(world: World) -> Iterator[Row]:
    """Things by the unit that each spelling means, over every file with operators."""
    things: dict[str, set[str]] = {}
    written: dict[str, set[str]] = {}
    found: list[tuple[str, str]] = []
    for file in OPERATED:
        for feature in json_file(world.files, f"osm_{file}.geojson")["features"]:
            found.append((f"osm/{feature['id']}", feature["properties"].get("operator") or ""))
    register = charging(world.files)
    found += [(key, operator) for key, operator in zip(register.key, register.operator, strict=True)]
    for key, spelling in found:
        if unit := units_by_spelling().get(spelling):
            things.setdefault(unit, set()).add(key)
            written.setdefault(unit, set()).add(spelling)
    for unit, keys in things.items():
        domains: Iterable[Option] = world.registers.texts(name(f"unit/{unit}"), SG.domain)
        first = (f"id/unit/{unit}", unit_name(world, unit))
        yield from combine([first], optional(domains), [str(len(keys))], ["; ".join(sorted(written[unit]))])


@answers("surroundings-of-weather-stations", "station name district trees stops")
def surroundings(world: World) -> Iterator[Row]:
    """Trees and stops around the stations of the register that a scientific body operates."""
    r = world.registers
    all_trees = frame({key: tree.point for key, tree in trees(world.files).items()})
    for station in r.with_(SG.operatedBy):
        if "https://w3id.org/stadtgraph/ns#science" not in r.texts(station, SG.operatedBy, SG.domain):
            continue
        wkt = r.texts(station, GEO.hasGeometry, GEO.asWKT)
        if not wkt or "/station/" not in str(station):
            continue
        lon, lat = (float(part) for part in str(wkt[0])[6:-1].split())
        here = frame({"station": (lon, lat)})
        counts = [sum(1 for _ in metres_between(f, here, 300)) for f in (all_trees, stops(world.files))]
        quarter = quarter_of(world.files, (lon, lat))
        yield local(station), r.word(station, RDFS.label), quarter, str(counts[0]), str(counts[1])


@answers("rain-and-young-trees", "unit name trees withSensor millimetres celsius")
def rain(world: World) -> Iterator[Row]:
    """Hourly values of June 2023 (days in UTC), and trees planted from 2018 on by unit and nearness of a sensor."""
    pandas = pytest.importorskip("pandas")
    hours = pandas.read_csv(world.files / "dwd_02444_jena_sternwarte_stundenwerte_2022_2024.csv.gz")
    hours = hours[hours.time_utc.str[:7] == "2023-06"].replace([-999, -999.0], float("nan"))
    days = hours.groupby(hours.time_utc.str[:10]).agg(
        rain=("R1 precipitation (mm/h)", "sum"), warm=("TT_TU air temperature 2 m (degC)", "mean")
    )
    weather = (half_up(days.rain.sum(), 1), half_up(days.warm.mean(), 1))
    young = {k: t for k, t in trees(world.files).items() if t.year.isdigit() and 2018 <= int(t.year) <= 2023 and t.unit}
    sensors = nearest(frame({key: tree.point for key, tree in young.items()}), measuring(world.files), 300)
    for unit in sorted({tree.unit for tree in young.values()}):
        mine = [key for key, tree in young.items() if tree.unit == unit]
        near = sum(key in sensors for key in mine)
        yield f"id/unit/{unit}", unit_name(world, unit), str(len(mine)), str(near), *weather
