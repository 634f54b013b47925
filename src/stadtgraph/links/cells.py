"""A grid over the city, so that any SPARQL engine finds what is near by joining triples.

The plane of ETRS89 / UTM 32N is cut into squares of 301 metres; a feature is in every cell that its geometry touches
(``sg:inCell``), and each cell names itself and the eight around it (``sg:nearCell``). Whatever lies within 300 metres
of a feature lies in a cell near one of its own: the projection stretches lengths by less than one part in a thousand.
Two steps reach 600 metres, and so on; an exact test by ``geof:distance`` follows in the query::

    ?stop sg:inCell/sg:nearCell ?cell . ?tree sg:inCell ?cell .
    FILTER(geof:distance(?stopPlace, ?treePlace, uom:metre) <= 300)
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any, Final

import pyoxigraph as ox
import shapely

from stadtgraph.links.space import metric
from stadtgraph.terms import SG, Names

SIDE: Final = 301.0
MOST: Final = 4_000  # cells of one geometry; what is larger than a city is in none
Cell = tuple[int, int]


def cells_of(wkts: list[tuple[str, ...]]) -> Iterator[set[Cell]]:
    """Give the cells that each item's geometries touch; none where a geometry is malformed or larger than a city."""
    for shape in metric(wkts):
        yield set() if shape is None else set(_touched(shape))


def _touched(shape: Any) -> Iterator[Cell]:
    west, south, east, north = (math.floor(v / SIDE) for v in shape.bounds)
    if (east - west + 1) * (north - south + 1) > MOST:
        return
    if west == east and south == north:
        yield west, south
        return
    corners = [(x, y) for x in range(west, east + 1) for y in range(south, north + 1)]
    squares = [shapely.box(x * SIDE, y * SIDE, (x + 1) * SIDE, (y + 1) * SIDE) for x, y in corners]
    shapely.prepare(shape)
    for corner, touches in zip(corners, shapely.intersects(shape, squares), strict=True):
        if touches:
            yield corner


def name(cell: Cell, names: Names) -> ox.NamedNode:
    """Give the identifier of a cell: column and row.

    >>> name((2270, 18755), Names("https://e/")).value
    'https://e/id/cell/2270-18755'
    """
    return names.id(f"cell/{cell[0]}-{cell[1]}")


def placed(feature: ox.NamedNode | ox.BlankNode, cells: Iterable[Cell], names: Names) -> Iterator[ox.Triple]:
    """Say in which cells a feature is."""
    for cell in sorted(cells):
        yield ox.Triple(feature, SG.inCell, name(cell, names))


def near(cell: Cell, names: Names) -> Iterator[ox.Triple]:
    """Name a cell and the eight around it."""
    x, y = cell
    for a in (x - 1, x, x + 1):
        for b in (y - 1, y, y + 1):
            yield ox.Triple(name(cell, names), SG.nearCell, name((a, b), names))
