"""Shapes in metres: CRS84 geometries projected to ETRS89 / UTM 32N, in which the city's own registers measure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy
import shapely

from stadtgraph.store.geometry import bare, moved


def metric(values: Sequence[tuple[str, ...]]) -> Any:
    """Give an array of shapes in metres, one for each item; several geometries are collected, none gives ``None``.

    Malformed ones count as none: they are findings of the audit.
    """
    flat = [bare(wkt) for each in values for wkt in each]
    texts = numpy.array(flat, dtype=object)  # a list would become an array in which every text has the longest's room
    shapes = shapely.from_wkt(texts, on_invalid="ignore")
    shapes = moved(shapes) if len(flat) else shapes
    found, at = numpy.empty(len(values), dtype=object), 0
    for index, each in enumerate(values):
        mine = [s for s in shapes[at : at + len(each)] if s is not None and not shapely.is_empty(s)]
        at += len(each)
        found[index] = mine[0] if len(mine) == 1 else shapely.geometrycollections(mine) if mine else None
    return found
