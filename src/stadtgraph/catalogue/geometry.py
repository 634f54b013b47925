"""Geometries of places as the profile wants them: a point as centroid, anything else by its bounding box.

DCAT-AP 3 takes ``locn:geometry`` for a node, while 2.x wants and CKAN reads (and writes) a literal there, WKT or
GeoJSON, and stumbles over nodes: nothing in it is right for both. ``dcat:centroid`` and ``dcat:bbox`` are literals in
both, and read.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

import pyoxigraph as ox

from stadtgraph.terms import GEO

_WKT: Final = re.compile(
    r"\s*(?:<[^>]*CRS84>\s*)?(POINT|LINESTRING|POLYGON|MULTI[A-Z]+|ENVELOPE)\s*(?:Z\s*)?\((.*)\)\s*", re.S
)
_NUMBER: Final = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_PAIR: Final = re.compile(rf"({_NUMBER})\s+({_NUMBER})(?:\s+{_NUMBER})?")
_LONGEST: Final = 1_000_000
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
