"""Geometries of places as the profile wants them: a point as centroid, anything else by its bounding box.

DCAT-AP 3 takes ``locn:geometry`` for a node, while 2.x wants and CKAN reads (and writes) a literal there and stumbles
over nodes; both read ``dcat:centroid`` and ``dcat:bbox`` as literals.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

import pyoxigraph as ox
import shapely

from stadtgraph.terms import GEO

_WKT: Final = re.compile(
    r"\s*(?:<[^>]*CRS84>\s*)?(POINT|LINESTRING|POLYGON|MULTI[A-Z]+|ENVELOPE)\s*(?:Z\s*)?\((.*)\)\s*", re.S
)
_CRS: Final = re.compile(r"^\s*<[^>]*>\s*")
_NUMBER: Final = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_PAIR: Final = re.compile(rf"({_NUMBER})\s+({_NUMBER})(?:\s+{_NUMBER})?")
_LONGEST: Final = 1_000_000
_LONGEST_OUTLINE: Final = 200_000
_WGS_84: Final = 180.0
Pair = tuple[str, str]


def centroid_or_box(literal: ox.Literal) -> tuple[str, ox.Literal] | None:
    """Give ``centroid`` or ``bbox`` with its WKT literal; ``None`` for what is no geometry in WGS 84 degrees.

    >>> name, found = centroid_or_box(ox.Literal("POLYGON((11.5 50.8, 11.7 50.8, 11.6 51, 11.5 50.8))"))
    >>> name, found.value
    ('bbox', 'POLYGON((11.5 50.8,11.7 50.8,11.7 51,11.5 51,11.5 50.8))')
    """
    if len(literal.value) > _LONGEST:
        return None
    pairs = _of_wkt(literal.value) or _of_json(literal.value)
    try:
        outside = any(abs(float(x)) > _WGS_84 or abs(float(y)) > _WGS_84 / 2 for x, y in pairs)
    except (ValueError, OverflowError):
        return None
    if not pairs or outside:
        return None
    if len(pairs) == 1:
        return "centroid", _literal(f"POINT({pairs[0][0]} {pairs[0][1]})")
    xs, ys = [x for x, _ in pairs], [y for _, y in pairs]
    (w, e), (s, n) = ((min(values, key=float), max(values, key=float)) for values in (xs, ys))
    return "bbox", _literal(f"POLYGON(({w} {s},{e} {s},{e} {n},{w} {n},{w} {s}))")


def outline(literal: ox.Literal) -> ox.Literal | None:
    """Give a whole geometry as WKT without a reference system; ``None`` for points and what is too long or none.

    >>> outline(ox.Literal("POINT(11.5 50.9)")) is None
    True
    >>> outline(ox.Literal("LINESTRING (11.5 50.9, 11.6 50.9)")).value
    'LINESTRING (11.5 50.9, 11.6 50.9)'
    """
    if len(literal.value) > _LONGEST_OUTLINE:
        return None
    found = centroid_or_box(literal)
    if found is None or found[0] == "centroid":
        return None
    try:
        shape = shapely.from_geojson(literal.value) if literal.value.lstrip().startswith("{") else None
    except shapely.errors.ShapelyError:
        return None
    return _literal(shape.wkt if shape is not None else _CRS.sub("", literal.value).strip())


def _literal(text: str) -> ox.Literal:
    return ox.Literal(text, datatype=GEO.wktLiteral)


def _of_wkt(text: str) -> list[Pair]:
    found = _WKT.fullmatch(text)
    return _PAIR.findall(found[2]) if found and found[1] != "ENVELOPE" else []


def _of_json(text: str) -> list[Pair]:
    if not text.lstrip().startswith("{"):
        return []
    try:
        shape = json.loads(text, parse_float=str, parse_int=str)
        return list(_positions(shape.get("coordinates"), 0))
    except (ValueError, AttributeError, RecursionError):
        return []


def _positions(found: Any, depth: int) -> list[Pair]:
    if not isinstance(found, list) or depth > 4:
        return []
    if len(found) >= 2 and all(isinstance(part, str) for part in found):
        return [(found[0], found[1])]
    return [pair for part in found for pair in _positions(part, depth + 1)]
