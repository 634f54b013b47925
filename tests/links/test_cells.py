"""The grid: what is within 300 metres is in a cell nearby, and the grid follows every change."""

from __future__ import annotations

from pathlib import Path

import pyoxigraph as ox
import pyproj
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stadtgraph.links.cells import cells_of, near, placed
from stadtgraph.terms import GEO, SG, Names
from town import Town

NAMES = Names("https://town.example/")
EARTH = pyproj.Geod(ellps="WGS84")
SPACE = "https://town.example/graph/space"
MAPPING = """
PREFIX geo: <http://www.opengis.net/ont/geosparql#>
PREFIX ex: <https://town.example/ns#>
CONSTRUCT { ?tree a ex:Tree ; geo:hasGeometry ?place . ?place geo:asWKT ?wkt }
WHERE { BIND(IRI(CONCAT("id/tree/", ?id)) AS ?tree) BIND(IRI(CONCAT("id/geometry/", ?id)) AS ?place) }
"""
east, north = st.floats(11.4, 11.8), st.floats(50.8, 51.0)


@given(east, north, st.floats(0, 360), st.floats(0, 299.9))
def test_what_is_within_300_metres_is_in_a_cell_nearby(x: float, y: float, azimuth: float, metres: float) -> None:
    """Measured on the ellipsoid, whatever the projection does to it."""
    a, b, _ = EARTH.fwd(x, y, azimuth, metres)
    (one,), (two,) = (list(c) for c in cells_of([(f"POINT({x} {y})",), (f"POINT({a} {b})",)]))
    around = {t.object for t in near(one, NAMES)}
    assert {t.object for t in placed(NAMES.id("x"), [two], NAMES)} <= around


@given(east, north, east, north)
def test_a_line_is_in_every_cell_that_it_passes(x: float, y: float, a: float, b: float) -> None:
    """As far as it is no longer than a city."""
    b, a = y + (b - y) / 20, x + (a - x) / 20
    wkts = [(f"LINESTRING({x} {y}, {a} {b})",)]
    steps = [(f"POINT({x + (a - x) * i / 40} {y + (b - y) * i / 40})",) for i in range(41)]
    (line,) = cells_of(wkts)
    around = {(c[0] + i, c[1] + j) for c in line for i in (-1, 0, 1) for j in (-1, 0, 1)}
    assert set().union(*cells_of(steps)) <= around and len(line) >= 1


def test_what_has_no_usable_shape_is_in_no_cell() -> None:
    """Malformed, empty, or larger than a city."""
    texts = ["no shape", "POINT EMPTY", "LINESTRING(0 0, 11 50)", "LINESTRING(10 50, 12 52)"]
    assert list(cells_of([(t,) for t in texts] + [()])) == [set()] * 5


class PlacedTown(Town):
    """A town whose trees have a place."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        (self.data / "trees.rq").write_text(MAPPING)
        self.places([(0, 11.58, 50.92)])

    def places(self, rows: list[tuple[int, float, float]]) -> None:
        """Write the table of trees."""
        lines = "".join(f'{i},"POINT({x:.4f} {y:.4f})"\n' for i, x, y in dict((r[0], r) for r in rows).values())
        (self.files / "trees.csv").write_text(f"id,wkt\n{lines}")

    def grid(self) -> frozenset[ox.Triple]:
        """Give the grid of the current release."""
        return self.contents().get(SPACE, frozenset())


rows = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from([11.58, 11.581, 11.62]), st.sampled_from([50.92, 50.93])), max_size=5
)


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(changes=st.lists(rows, min_size=1, max_size=4))
def test_the_grid_follows_every_change(
    changes: list[list[tuple[int, float, float]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """It is the one that a new city would have."""
    town, fresh = PlacedTown(tmp_path_factory.mktemp("town")), PlacedTown(tmp_path_factory.mktemp("fresh"))
    town.build()
    for change in changes:
        town.places(change)
        town.build()
    fresh.places(changes[-1])
    fresh.build()
    assert town.grid() == fresh.grid()
    trees = town.contents().get("https://town.example/graph/source/trees", frozenset())
    placed_trees = {t.subject for t in trees if t.predicate == GEO.hasGeometry}
    assert {t.subject for t in town.grid() if t.predicate == SG.inCell} == placed_trees
