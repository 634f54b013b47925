"""Features are placed in the areas that hold their geometry."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import pyoxigraph as ox
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtgraph.errors import InputError
from stadtgraph.sources import Places, rows
from stadtgraph.terms import GEO


def square(x: float, y: float) -> str:
    """Give the outline of a unit square."""
    return f"POLYGON(({x} {y}, {x + 1} {y}, {x + 1} {y + 1}, {x} {y + 1}, {x} {y}))"


QUARTERS = [("urn:b", square(1, 0)), ("urn:a", square(0, 0))]
CITY = [("urn:city", "POLYGON((0 0, 2 0, 2 1, 0 1, 0 0))")]


def feature(name: str, wkt: str) -> list[ox.Triple]:
    """Give a feature with a geometry."""
    thing, geometry = ox.NamedNode(f"urn:{name}"), ox.NamedNode(f"urn:g/{name}")
    shape = ox.Literal(wkt, datatype=GEO.wktLiteral)
    return [ox.Triple(thing, GEO.hasGeometry, geometry), ox.Triple(geometry, GEO.asWKT, shape)]


def placed(places: Places, *triples: ox.Triple) -> list[tuple[str, str]]:
    """Give the pairs of feature and area that were added."""
    found = list(places.place(triples))
    assert [t for t in found if t.predicate != GEO.sfWithin] == list(triples)
    return sorted((t.subject.value, t.object.value) for t in found if t.predicate == GEO.sfWithin)  # type: ignore[union-attr]


CASES = {
    "POINT(0.5 0.5)": ["urn:a", "urn:city"],
    "POINT(1 0.5)": ["urn:a", "urn:city"],
    "POINT(2 1)": ["urn:b", "urn:city"],
    "POINT(3 3)": [],
    "POINT EMPTY": [],
    "POINT(a b)": [],
    "<http://www.opengis.net/def/crs/OGC/1.3/CRS84> POINT(1.5 0.5)": ["urn:b", "urn:city"],
    "<http://www.opengis.net/def/crs/EPSG/0/25832> POINT(1.5 0.5)": [],
    "LINESTRING(0.1 0.1, 0.9 0.9)": ["urn:a", "urn:city"],
    "LINESTRING(0.5 0.5, 1.5 0.5)": ["urn:city"],
    "LINESTRING(0.5 0.5, 0.5 1.5)": [],
    square(1, 0): ["urn:b", "urn:city"],
}


@pytest.mark.parametrize("wkt", CASES)
def test_a_geometry_lies_in_at_most_one_area_of_each_layer(wkt: str) -> None:
    """On a border it is the smallest IRI; lines and polygons must be fully within; what is no place gets none."""
    found = placed(Places(QUARTERS, CITY), *feature("x", wkt))
    assert [area for _, area in found] == CASES[wkt]


def test_every_order_of_triples_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Geometry first or feature first, across batches, and two features with one geometry."""
    other = ox.Triple(ox.NamedNode("urn:y"), GEO.hasGeometry, ox.NamedNode("urn:g/x"))
    places = Places(QUARTERS)
    for size in (1, 100):
        monkeypatch.setattr("stadtgraph.sources.place.BATCH", size)
        for order in permutations([*feature("x", "POINT(0.5 0.5)"), other]):
            assert placed(places, *order) == [("urn:x", "urn:a"), ("urn:y", "urn:a")]


def test_an_area_does_not_lie_in_itself() -> None:
    """Where the districts themselves pass by."""
    assert placed(Places(QUARTERS, CITY), *feature("a", square(0, 0))) == [("urn:a", "urn:city")]


@given(st.lists(st.tuples(st.floats(-0.5, 2.5), st.floats(-0.5, 1.5)), max_size=20))
def test_points_agree_with_plain_arithmetic(points: list[tuple[float, float]]) -> None:
    """Squares can be decided by comparing numbers."""
    triples = [t for n, (x, y) in enumerate(points) for t in feature(str(n), f"POINT({x:.7f} {y:.7f})")]
    expected = []
    for number, (x, y) in enumerate(points):
        x, y = float(f"{x:.7f}"), float(f"{y:.7f}")
        if 0 <= y <= 1 and 0 <= x <= 2:
            expected.append((f"urn:{number}", "urn:a" if x <= 1 else "urn:b"))
    assert placed(Places(QUARTERS), *triples) == sorted(expected)


def test_an_outline_that_is_no_wkt_is_an_error() -> None:
    """The area is named."""
    with pytest.raises(InputError, match="<urn:z>"):
        Places([("urn:z", "POLYGON((0 0")])


def test_the_car_parks_of_the_city_lie_in_its_districts(real_data: Path) -> None:
    """Each of the 103 points lies in exactly one Ortsteil and one statistical district."""

    def areas(name: str) -> list[tuple[str, str]]:
        table = rows(real_data / name)
        return [(f"urn:{name[9]}{row['id']}", str(row["geometry"])) for _, row in table]

    places = Places(areas("opendata_ortsteile.geojson"), areas("opendata_statistische_bezirke.geojson"))
    table = rows(real_data / "opendata_parken.geojson")
    found = placed(places, *(t for _, row in table for t in feature(f"p{row['id']}", str(row["geometry"]))))
    assert len(found) == 206
    assert len({(thing, area[4]) for thing, area in found}) == 206
