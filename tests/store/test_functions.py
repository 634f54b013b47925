"""Functions on geometries and days, against the ellipsoid itself."""

from __future__ import annotations

from pathlib import Path

import pyoxigraph as ox
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from stadtgraph.store import OxigraphEngine
from stadtgraph.store.functions import FUNCTIONS, area, buffer, distance, length, valid_on
from stadtgraph.terms import GEO, Names

EARTH = pyproj.Geod(ellps="WGS84")
east, north = st.floats(11.4, 11.8), st.floats(50.8, 51.0)


def wkt(text: str) -> ox.Literal:
    """Make a geometry."""
    return ox.Literal(text, datatype=GEO.wktLiteral)


def value(term: object) -> float:
    """Give the number of a literal."""
    assert isinstance(term, ox.Literal)
    return float(term.value)


@given(east, north, east, north)
def test_the_distance_of_points_is_that_on_the_ellipsoid(a: float, b: float, x: float, y: float) -> None:
    """To the centimetre."""
    found = value(distance(wkt(f"POINT({a} {b})"), wkt(f"POINT({x} {y})")))
    assert found == pytest.approx(EARTH.inv(a, b, x, y)[2], abs=0.02)


@given(east, north, st.floats(1, 5000))
def test_a_buffer_reaches_as_far_as_asked(x: float, y: float, metres: float) -> None:
    """Its border is so many metres away; the projection errs by less than a thousandth."""
    made = buffer(wkt(f"POINT({x} {y})"), ox.Literal(metres))
    assert isinstance(made, ox.Literal) and made.datatype == GEO.wktLiteral
    for a, b in shapely.from_wkt(made.value).exterior.coords:
        assert EARTH.inv(x, y, a, b)[2] == pytest.approx(metres, rel=0.001, abs=0.02)


def test_lines_and_areas_are_measured() -> None:
    """A point to a line, what overlaps, lengths and areas."""
    line = wkt("<http://www.opengis.net/def/crs/OGC/1.3/CRS84> LINESTRING(11.5 50.9, 11.6 50.9)")
    square = wkt("POLYGON((11.5 50.9, 11.6 50.9, 11.6 51.0, 11.5 51.0, 11.5 50.9))")
    assert value(distance(wkt("POINT(11.55 50.91)"), line)) == pytest.approx(1112.5, rel=0.01)
    assert value(distance(square, line)) == 0
    assert value(length(line)) == pytest.approx(EARTH.line_length([11.5, 11.6], [50.9, 50.9]))
    assert value(area(square)) == pytest.approx(7.82e7, rel=0.01) and value(area(line)) == 0


@pytest.mark.parametrize("bad", ["", "POINT EMPTY", "nonsense", "POINT(1e400 0)", "POLYGON((0 0, 1 1))"])
def test_what_is_no_geometry_gives_no_value(bad: str) -> None:
    """And never an error that ends a query."""
    for function in (FUNCTIONS[iri] for iri in FUNCTIONS if "validOn" not in iri.value):
        assert function(wkt(bad), ox.NamedNode("https://e/")) is None
        assert function() is None


@pytest.mark.parametrize(
    ("begin", "end", "holds"),
    [
        ("", "", True),
        ("2020-01-01", "", True),
        ("", "2020-05-01", True),
        ("2020-05-02", "", False),
        ("", "2020-04-30", False),
    ],
)
def test_a_day_lies_in_a_period(begin: str, end: str, holds: bool) -> None:
    """The last day belongs to it."""
    found = valid_on(ox.Literal("2020-05-01T10:00:00"), ox.Literal(begin), ox.Literal(end))
    assert found == ox.Literal(holds)
    assert valid_on(ox.Literal("May"), ox.Literal(begin), ox.Literal(end)) is None


def test_queries_call_them(tmp_path: Path) -> None:
    """By their names, in every query."""
    engine = OxigraphEngine(tmp_path / "store", Names(), read_only=False)
    text = """PREFIX sgf: <https://w3id.org/stadtgraph/fn#> PREFIX geo: <http://www.opengis.net/ont/geosparql#>
    SELECT (sgf:distance("POINT(11.5 50.9)"^^geo:wktLiteral, "LINESTRING(11.5 50.9, 11.6 50.9)"^^geo:wktLiteral) AS ?d)
           (sgf:validOn("2020-01-01", "", "2019-12-31") AS ?v) {}"""
    (row,) = engine.select(text)
    assert row["d"].value in ("0", "0.0") and row["v"].value == "false"
