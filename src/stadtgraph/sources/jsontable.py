"""JSON and GeoJSON as tables.

Nested objects are flattened with underscores, lists stay JSON text, numbers stay as they are written. The
columns are those of all records together, in the order of their first appearance.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from stadtgraph.errors import InputError
from stadtgraph.sources.files import decoded, whole
from stadtgraph.sources.jsontext import Walk, Written
from stadtgraph.sources.table import MAX_CELL, Row, Table, shape

GEOMETRY_COLUMNS: Final = ("geometry", "geometry_type", "feature_id")
_LONLAT_NAMES: Final = ("CRS84", "EPSG:4326", "EPSG::4326")
_HALF: Final = re.compile("[\ud800-\udfff]")
_DEPTHS: Final = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}

Record = tuple[int, dict[str, str | None]]


def json_rows(path: Path, table: Table) -> Iterator[Row]:
    """Read the records of a JSON document: the list (or the one object) at ``table.path``, or the document."""
    walk = Walk(decoded(whole(path), table.encoding, path.name), path.name)
    records = []
    for line, value in _records(walk, table.path.split(".") if table.path else []):
        if not isinstance(value, dict):
            raise InputError("sources-json-record", file=path.name, line=line)
        records.append((line, flat(value, path.name, line)))
    return _rows(records, (), table, path.name)


def geojson_rows(path: Path, table: Table) -> Iterator[Row]:
    """Read the features of a GeoJSON document: properties, and the geometry as WKT in longitude and latitude.

    Columns beside the properties: ``geometry`` (WKT, CRS84), ``geometry_type``, ``feature_id``.
    Source: https://www.rfc-editor.org/rfc/rfc7946
    """
    walk = Walk(decoded(whole(path), table.encoding, path.name), path.name)
    _check_crs(walk)
    records = []
    for line, feature in _records(walk, (table.path or "features").split(".")):
        if not isinstance(feature, dict) or not isinstance(feature.get("properties") or {}, dict):
            raise InputError("sources-geojson-feature", file=path.name, line=line)
        records.append((line, _feature(feature, path.name, line)))
    return _rows(records, GEOMETRY_COLUMNS, table, path.name)


def _records(walk: Walk, path: list[str]) -> Iterator[tuple[int, Any]]:
    start = walk.find(0, path)
    if walk.text[start : start + 1] == "[":
        for at, value in walk.items(start):
            yield walk.line(at), value
    else:
        yield walk.line(start), walk.value(start)[0]


def _rows(records: list[Record], first: tuple[str, ...], table: Table, file: str) -> Iterator[Row]:
    texts = list(dict.fromkeys([*first, *(name for _, values in records for name in values)]))
    known = shape(table.header or texts, table, file, records[0][0] if records else 1)
    if table.header and len(table.header) != len(texts):
        raise InputError("sources-ragged", file=file, line=1, column=1, found=len(texts), expected=len(table.header))
    for line, values in records:
        yield from known.rows(line, [values.get(text) for text in texts])


def flat(value: dict[str, Any], file: str, line: int) -> dict[str, str | None]:
    """Give an object as one row: names of nested members joined by underscores, lists as JSON text."""
    found: dict[str, str | None] = {}
    for name, text in _leaves(value, ""):
        if name in found:
            raise InputError("sources-header-double", file=file, line=line, column=1, name=name)
        _bounded(text, name, file, line)
        found[name] = text
    return found


def _bounded(text: str | None, name: str, file: str, line: int) -> None:
    if text is not None and len(text) > MAX_CELL:
        raise InputError("sources-long-cell", file=file, line=line, name=name, limit=MAX_CELL)
    if text is not None and "\0" in text:
        raise InputError("sources-nul-cell", file=file, line=line, name=name)
    if text is not None and _HALF.search(text):
        raise InputError("sources-half-character", file=file, line=line, name=name)


def _leaves(value: dict[str, Any], prefix: str) -> Iterator[tuple[str, str | None]]:
    for key, member in value.items():
        name = f"{prefix}{key}"
        if isinstance(member, dict):
            yield from _leaves(member, f"{name}_")
        else:
            yield name, _text(member)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool | list):
        return json.dumps(value, ensure_ascii=False)
    return value.text if isinstance(value, Written) else str(value)


def _feature(feature: dict[str, Any], file: str, line: int) -> dict[str, str | None]:
    found = flat(feature.get("properties") or {}, file, line)
    for name in GEOMETRY_COLUMNS:
        if name in found:
            raise InputError(
                "sources-header-collision", file=file, line=line, column=1, first=name, second=name, name=name
            )
    geometry = feature.get("geometry")
    try:
        found["geometry"] = None if geometry is None else wkt(geometry)
    except (ValueError, TypeError, KeyError) as error:
        raise InputError("sources-geometry", file=file, line=line, problem=error) from error
    found["geometry_type"] = None if geometry is None else str(geometry["type"])
    found["feature_id"] = _text(feature.get("id"))
    _bounded(found["geometry"], "geometry", file, line)
    return found


def wkt(geometry: dict[str, Any]) -> str:
    """Give a GeoJSON geometry as WKT, its numbers as they are written, heights left out.

    Raises ValueError where the geometry is malformed or not in longitude and latitude.

    >>> wkt({"type": "Point", "coordinates": [11.58, 50.92, 143]})
    'POINT(11.58 50.92)'
    """
    name = geometry["type"]
    if name == "GeometryCollection":
        return f"GEOMETRYCOLLECTION({', '.join(wkt(part) for part in geometry['geometries'])})"
    if name not in _DEPTHS:
        raise ValueError(f"type {name!r}")
    depth = _DEPTHS[name]
    body = _coordinates(geometry["coordinates"], depth)
    return f"{name.upper()}({body})" if depth == 0 else f"{name.upper()}{body}"


def _coordinates(value: Any, depth: int) -> str:
    if not isinstance(value, list) or not value:
        raise ValueError("coordinates are missing")
    if depth:
        return f"({', '.join(_coordinates(part, depth - 1) for part in value)})"
    if len(value) < 2 or not all(isinstance(number, int | float) for number in value[:2]):
        raise ValueError(f"{value!r} is not a position")
    if not (-180 <= value[0] <= 180 and -90 <= value[1] <= 90):
        raise ValueError(f"{value[0]} {value[1]} is not longitude and latitude")
    return f"{_text(value[0])} {_text(value[1])}"


def _check_crs(walk: Walk) -> None:
    """Refuse a document that declares another reference system than longitude and latitude."""
    at = walk.text.find('"crs"', 0, 2000)
    if at < 0 or at > walk.text.find('"features"') >= 0:
        return
    after = walk.space(at + 5)
    crs = walk.value(walk.space(after + 1))[0] if walk.text[after : after + 1] == ":" else None
    if crs is not None and not any(name in json.dumps(crs) for name in _LONLAT_NAMES):
        raise InputError("sources-geojson-crs", file=walk.file, line=walk.line(at), crs=json.dumps(crs))
