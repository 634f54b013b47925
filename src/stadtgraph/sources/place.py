"""Say in which district a thing lies: add ``geo:sfWithin`` for geometries that pass by.

The feature is known by ``geo:hasGeometry``, its place by ``geo:asWKT`` of the geometry (CRS84), in any order.

* A point lies in at most one area of each layer; on a border it is the one with the smallest IRI; outside, none.
* A line or polygon lies in an area only when it is fully within it; one that crosses a border gets none.
* Geometries in another reference system, empty or malformed ones get none: those are findings of the audit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy
import pyoxigraph as ox
import shapely

from stadtgraph.errors import InputError
from stadtgraph.store.geometry import bare
from stadtgraph.terms import GEO

BATCH: Final = 5_000
_WITHIN: Final = GEO.sfWithin
Area = tuple[str, str]


class Layer:
    """Areas that do not overlap but in their borders, such as the districts of a city."""

    def __init__(self, areas: Iterable[Area]) -> None:
        """Take (IRI, WKT) of each area; malformed WKT is an InputError naming the IRI."""
        ordered = sorted(areas)
        self.iris = [ox.NamedNode(iri) for iri, _ in ordered]
        self._shapes = _outlines(ordered)
        shapely.prepare(self._shapes)
        self._tree = shapely.STRtree(self._shapes)

    def within(self, shapes: Any) -> Iterator[tuple[int, ox.NamedNode]]:
        """Give (index of the shape, area) for each of an array of shapes that lies in an area."""
        which, area = self._tree.query(shapes)
        inside = shapely.covers(self._shapes[area], shapes[which])
        seen: set[int] = set()
        for index, number in sorted(zip(which[inside].tolist(), area[inside].tolist(), strict=True)):
            if index not in seen:  # areas are in the order of their IRIs
                seen.add(index)
                yield index, self.iris[number]


class Places:
    """The layers of areas that features are placed in, one area of each."""

    def __init__(self, *layers: Iterable[Area]) -> None:
        """Take any number of layers, each an iterable of (IRI, WKT)."""
        self.layers = [Layer(layer) for layer in layers]

    def place(self, triples: Iterable[ox.Triple]) -> Iterator[ox.Triple]:
        """Pass ``triples`` through and add ``geo:sfWithin`` of each feature whose geometry was seen."""
        state = _State(self.layers)
        steps = {GEO.asWKT: state.shape, GEO.hasGeometry: state.feature}
        for triple in triples:
            yield triple
            step = steps.get(triple.predicate)
            if step is not None:
                yield from step(triple.subject, triple.object)
        yield from state.rest()


class _State:
    """What is known so far: features by geometry, areas by geometry, and shapes that wait for their batch."""

    def __init__(self, layers: list[Layer]) -> None:
        self._layers = layers
        self._features: defaultdict[Any, list[Any]] = defaultdict(list)
        self._areas: dict[Any, list[ox.NamedNode]] = {}
        self._waiting: list[tuple[Any, str]] = []

    def shape(self, geometry: Any, wkt: Any) -> Iterator[ox.Triple]:
        """Take the WKT of a geometry, a literal."""
        if isinstance(wkt, ox.Literal):
            self._waiting.append((geometry, bare(wkt.value)))
        if len(self._waiting) >= BATCH:
            yield from self.rest()

    def feature(self, feature: Any, geometry: Any) -> Iterator[ox.Triple]:
        """Take the geometry of a feature."""
        self._features[geometry].append(feature)
        yield from _statements(feature, self._areas.get(geometry, ()))

    def rest(self) -> Iterator[ox.Triple]:
        """Place the shapes that wait."""
        waiting, self._waiting = self._waiting, []
        texts = numpy.array([wkt for _, wkt in waiting], dtype=object)  # not each in the room of the longest
        shapes = shapely.from_wkt(texts, on_invalid="ignore")
        for layer in self._layers if waiting else ():
            for index, area in layer.within(shapes):
                geometry = waiting[index][0]
                if area not in self._areas.setdefault(geometry, []):
                    self._areas[geometry].append(area)
                    for feature in self._features.get(geometry, ()):
                        yield from _statements(feature, [area])


def _statements(feature: Any, areas: Iterable[ox.NamedNode]) -> Iterator[ox.Triple]:
    for area in areas:
        if area != feature:
            yield ox.Triple(feature, _WITHIN, area)


def _outlines(areas: list[Area]) -> Any:
    """Give the outlines as an array of valid shapes."""
    shapes = []
    for iri, wkt in areas:
        try:
            shapes.append(shapely.from_wkt(bare(wkt)))
        except shapely.errors.GEOSException as error:
            raise InputError("sources-area", iri=iri, problem=error) from error
    return shapely.make_valid(shapes)
