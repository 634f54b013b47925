"""Geometries as texts and in metres: WKT in CRS84, and the plane of ETRS89 / UTM 32N in which the city measures."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

_CRS84: Final = "<http://www.opengis.net/def/crs/OGC/1.3/CRS84>"


def bare(wkt: str) -> str:
    """Give WKT without the name of its reference system, where that is CRS84.

    >>> bare("<http://www.opengis.net/def/crs/OGC/1.3/CRS84> POINT(11 50)")
    'POINT(11 50)'
    """
    return wkt.removeprefix(_CRS84).lstrip()


def moved(shapes: Any, *, backwards: bool = False) -> Any:
    """Give a shape, or an array of shapes, in metres (EPSG:25832); ``backwards`` in degrees again."""
    import numpy
    import shapely

    def move(points: Any) -> Any:
        return numpy.column_stack(_plane(backwards).transform(points[:, 0], points[:, 1]))

    return shapely.transform(shapes, move)


@cache
def _plane(backwards: bool) -> Any:
    import pyproj

    first, second = ("EPSG:25832", "OGC:CRS84") if backwards else ("OGC:CRS84", "EPSG:25832")
    return pyproj.Transformer.from_crs(first, second, always_xy=True)
