"""The real files of Jena as plain Python values: tables, points, polygons, trees and sensors."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import shapely
from pyproj import Transformer

Point = tuple[float, float]
"""Longitude and latitude in degrees."""

CARE_AREAS = {"KIJ": "kij", "N": "ksj-n", "SW": "ksj-sw", "SO": "ksj-so", "Z": "ksj-z", "KA": "ksj"}
CARE_AREAS |= {"F": "friedhoefe", "GW": "gewaesser", "FO": "forst"}
LAST_REGISTERED = 51691
"""The greatest objectid of the register of 2022; a tree beyond it is described by the file that names it."""


@cache
def table(folder: Path, file: str, header: tuple[str, ...] | None = None, delimiter: str = ",") -> list[dict[str, str]]:
    """Give the rows of a table, packed or not; ``header`` names the columns of one that does not."""
    data = (folder / file).read_bytes()
    text = (gzip.decompress(data) if file.endswith(".gz") else data).decode("utf-8-sig")
    return [dict(row) for row in csv.DictReader(io.StringIO(text, newline=""), header, delimiter=delimiter)]


def json_file(folder: Path, file: str) -> Any:
    """Give a JSON document."""
    return json.loads((folder / file).read_text("utf-8"))


def points_of(folder: Path, file: str) -> Iterator[tuple[str, Point, dict[str, Any]]]:
    """Give the points of a GeoJSON file with their ids and properties."""
    for feature in json_file(folder, file)["features"]:
        if feature["geometry"]["type"] == "Point":
            lon, lat = feature["geometry"]["coordinates"][:2]
            yield str(feature.get("id", "")), (lon, lat), feature["properties"]


@cache
def quarters(folder: Path) -> tuple[list[str], shapely.STRtree]:
    """Give the names of the Ortsteile and an index of their polygons."""
    features = json_file(folder, "opendata_ortsteile.geojson")["features"]
    polygons = [shapely.from_geojson(json.dumps(feature["geometry"])) for feature in features]
    return [feature["properties"]["name"] for feature in features], shapely.STRtree(polygons)


def quarter_of(folder: Path, point: Point) -> str:
    """Give the Ortsteil in which a point lies, or nothing."""
    names, index = quarters(folder)
    found = index.query(shapely.Point(point), predicate="within")
    return names[found[0]] if len(found) else ""


def haversine(one: Point, other: Point) -> float:
    """Give the distance in metres on a sphere of the mean radius of the earth."""
    (lon1, lat1), (lon2, lat2) = ((math.radians(x), math.radians(y)) for x, y in (one, other))
    h = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * 6371008.8 * math.asin(math.sqrt(h))


@dataclass(frozen=True, slots=True)
class Tree:
    """What the questions ask of a tree; empty text is not known."""

    street: str
    number: str
    species: str
    genus: str
    unit: str
    year: str
    height: float
    vitality: str
    point: Point
    quarter: str
    is_registered: bool


def species_of(row: dict[str, str]) -> tuple[str, str]:
    """Give species and genus, both empty where what is written is no taxon."""
    if row["gattung"] in ("", "unbekannt", "Obstbaum", "waldartiger"):
        return "", ""
    written = row["ga_lang"].split(",")[0]
    return re.sub("[‘’]", "'", re.sub(r" spec\.?$", "", written)), row["gattung"]


def number(text: str) -> float:
    """Give a number written the German or the English way; 0 where it is none."""
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return 0.0


@cache
def trees(folder: Path) -> dict[str, Tree]:
    """Give every tree by its objectid: the register of 2022, and the younger ones of the files of sensor sites."""
    rows = [(row, CARE_AREAS) for row in table(folder, "baumkataster_jena_2022.csv.gz")]
    districts = {code: CARE_AREAS[code] for code in ("N", "SW", "SO", "Z")}
    for file in ("hack_sensorstandorte_baeume.csv", "udp_teros_sensoren_und_refflaechen.csv"):
        found = [row for row in table(folder, file) if row["objectid"] and int(row["objectid"]) > LAST_REGISTERED]
        rows += [(row, districts) for row in found]
    transform = Transformer.from_crs(25832, 4326, always_xy=True)
    eastings, northings = ([number(row[key]) for row, _ in rows] for key in ("rechtswert", "hochwert"))
    points = list(zip(*transform.transform(eastings, northings), strict=True))
    names, index = quarters(folder)
    within = dict(zip(*index.query(shapely.points(points), predicate="within").tolist(), strict=True))
    return {
        row["objectid"]: Tree(
            street=row["strasse"],
            number=row["baumnummer"].lstrip(),
            species=species_of(row)[0],
            genus=species_of(row)[1],
            unit=units.get(row["pflegebereich"], ""),
            year=row["pflanzjahr"],
            height=number(row.get("baumhoehe_m", "")),
            vitality=row["vitalitaet"] if "baumhoehe_m" in row else "",
            point=point,
            quarter=names[within[at]] if at in within else "",
            is_registered="baumhoehe_m" in row,
        )
        for at, ((row, units), point) in enumerate(zip(rows, points, strict=True))
    }


@cache
def soil_sensors(folder: Path) -> dict[str, Point]:
    """Give the points of the soil sensors: a TEROS21 is named by its site, any other by its number."""
    found = {}
    for row in table(folder, "udp_sensoren_bodenfeuchte.csv"):
        is_teros = row["model"] == "TEROS21"
        key = f"teros21-{row['sensorstandort_gid']}" if is_teros else f"boden-{row['sensor_nr']}"
        found[key] = (float(row["lon"]), float(row["lat"]))
    return found
