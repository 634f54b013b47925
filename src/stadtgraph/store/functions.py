"""Functions that queries may call beside those of SPARQL and GeoSPARQL, in ``https://w3id.org/stadtgraph/fn#``.

``sgf:distance(?a, ?b)``       metres between any two geometries on the ellipsoid (``geof:distance`` knows points only)
``sgf:buffer(?a, 250)``        the area within so many metres of a geometry, as CRS84
``sgf:area(?a)``, ``sgf:length(?a)``  square metres and metres on the ellipsoid
``sgf:validOn(?day, ?from, ?until)``  whether a day lies in a period; an empty text is an open end, the last day counts

Geometries are WKT in CRS84 (longitude, latitude). What is no geometry, number or day gives no value.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any, Final

import pyoxigraph as ox

from stadtgraph.store.geometry import bare, moved
from stadtgraph.terms import GEO, XSD, Namespace, Term

FN: Final = Namespace("https://w3id.org/stadtgraph/fn#")
_DAY: Final = re.compile(r"-?[0-9]{4,}-[0-9]{2}-[0-9]{2}")
_FARTHEST: Final = 100_000.0
Function = Callable[..., Term | None]


@cache
def _earth() -> Any:
    import pyproj

    return pyproj.Geod(ellps="WGS84")


@lru_cache(maxsize=8192)
def _shape(wkt: str) -> Any:
    """Give a geometry in degrees, ``None`` for what is none."""
    import numpy
    import shapely

    with numpy.errstate(all="ignore"):
        found = shapely.from_wkt(bare(wkt), on_invalid="ignore")
    is_usable = found is not None and not found.is_empty and bool(numpy.isfinite(found.bounds).all())
    return found if is_usable else None


@lru_cache(maxsize=8192)
def _metric(wkt: str) -> Any:
    shape = _shape(wkt)
    return None if shape is None else moved(shape, backwards=False)


def _text(term: Term) -> str:
    return term.value if isinstance(term, ox.Literal) else ""


def distance(a: Term, b: Term) -> Term | None:
    """Give the metres between the nearest points of two geometries."""
    import shapely

    one, two = _metric(_text(a)), _metric(_text(b))
    if one is None or two is None:
        return None
    nearest = moved(shapely.shortest_line(one, two), backwards=True)
    (x1, y1), (x2, y2) = nearest.coords
    return _double(_earth().inv(x1, y1, x2, y2)[2] if one.distance(two) > 0 else 0.0)


def buffer(a: Term, metres: Term) -> Term | None:
    """Give the area within ``metres`` of a geometry; at most a hundred kilometres."""
    shape, wide = _metric(_text(a)), _number(metres)
    if shape is None or wide is None or abs(wide) > _FARTHEST:
        return None
    found = moved(shape.buffer(wide), backwards=True)
    return None if found.is_empty else ox.Literal(found.wkt, datatype=GEO.wktLiteral)


def area(a: Term) -> Term | None:
    """Give the square metres of a geometry; points and lines have none."""
    shape = _shape(_text(a))
    return None if shape is None else _double(abs(_earth().geometry_area_perimeter(shape)[0]))


def length(a: Term) -> Term | None:
    """Give the metres of a line, or of the outline of an area."""
    shape = _shape(_text(a))
    return None if shape is None else _double(_earth().geometry_length(shape))


def valid_on(day: Term, begin: Term, end: Term) -> Term | None:
    """Tell whether ``day`` lies in a period; the last day belongs to it."""
    when, first, last = (_text(t)[:10] for t in (day, begin, end))
    if not _DAY.fullmatch(when) or any(bound and not _DAY.fullmatch(bound) for bound in (first, last)):
        return None
    return ox.Literal((not first or first <= when) and (not last or when <= last))


def _number(term: Term) -> float | None:
    try:
        found = float(_text(term))
    except ValueError:
        return None
    return found if found == found and abs(found) != float("inf") else None


def _double(value: float) -> Term:
    return ox.Literal(repr(round(float(value), 3)), datatype=XSD.double)


def _safe(function: Callable[..., Term | None], arity: int) -> Function:
    """Give no value where a geometry cannot be worked with, instead of ending the query."""

    def call(*terms: Term) -> Term | None:
        if len(terms) != arity:
            return None
        try:
            return function(*terms)
        except (ValueError, ArithmeticError, RuntimeError, TypeError):
            return None

    return call


FUNCTIONS: Final[dict[ox.NamedNode, Function]] = {
    FN.distance: _safe(distance, 2),
    FN.buffer: _safe(buffer, 2),
    FN.area: _safe(area, 1),
    FN.length: _safe(length, 1),
    FN.validOn: _safe(valid_on, 3),
}
"""The functions by their IRI."""
