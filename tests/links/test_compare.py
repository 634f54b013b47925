"""Comparators find every pair that agrees, against looking at all pairs."""

from __future__ import annotations

import datetime as dt

import pyoxigraph as ox
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stadtgraph.links.compare import comparator
from stadtgraph.links.items import Items
from stadtgraph.links.rule import Comparison

WORDS = [
    "jenaer",
    "nahverkehr",
    "stadtwerke",
    "energie",
    "jena",
    "pößneck",
    "universität",
    "schule",
    "nord",
    "am anger",
]


def items(side: str, values: list[tuple[str, ...]], variable: str = "value") -> Items:
    """Make items whose one variable has these values."""
    return Items([ox.NamedNode(f"https://e/{side}/{i:04}") for i in range(len(values))], {variable: values})


def check(spec: Comparison, left: Items, right: Items) -> None:
    """Hold the pairs found, and their agreement, to those of all pairs."""
    made = comparator(spec, left, right)
    every = {(i, j) for i in range(len(left)) for j in range(len(right)) if made.agreement(i, j) is not None}
    found = {pair for pair in made.candidates() if made.agreement(*pair) is not None}
    assert found == every
    assert all(0 <= made.agreement(*pair)[0] <= 1 for pair in found)  # type: ignore[index]
    assert all(made.is_known(*pair) for pair in found)


values = st.lists(st.lists(st.sampled_from(["a", "B", "b ", "ä", ""]), max_size=2).map(tuple), max_size=8)
points = st.builds("POINT({:.5f} {:.5f})".format, st.floats(11.58, 11.59), st.floats(50.92, 50.925))
boxes = st.builds(
    lambda x, y, d: f"POLYGON(({x} {y}, {x + d} {y}, {x + d} {y + d}, {x} {y + d}, {x} {y}))",
    st.floats(11.58, 11.59),
    st.floats(50.92, 50.925),
    st.floats(0.0001, 0.01),
)
shapes = st.lists(st.lists(st.one_of(points, boxes, st.just("no shape")), max_size=1).map(tuple), max_size=8)
dates = st.dates(dt.date(2020, 1, 1), dt.date(2020, 2, 20)).map(dt.date.isoformat)


@given(values, values, st.sampled_from(["asWritten", "folded", "code"]))
def test_key_finds_equal_values(left: list[tuple[str, ...]], right: list[tuple[str, ...]], form: str) -> None:
    """In any normal form."""
    check(Comparison("Key", "value", "value", (form, form)), items("l", left), items("r", right))


@given(shapes, shapes, st.sampled_from([0.5, 30, 400]))
def test_distance_finds_what_is_near(left: list[tuple[str, ...]], right: list[tuple[str, ...]], limit: float) -> None:
    """Points, areas, and what has no shape."""
    check(Comparison("Distance", "value", "value", limit=limit), items("l", left), items("r", right))


@given(shapes, shapes, st.integers(1, 3), st.sampled_from([40, 400]))
def test_nearest_finds_the_nearest(
    left: list[tuple[str, ...]], right: list[tuple[str, ...]], number: int, limit: float
) -> None:
    """So many within the limit, and none is farther than one left out."""
    spec = Comparison("Nearest", "value", "value", limit=limit, number=number)
    check(spec, items("l", left), items("r", right))
    made = comparator(spec, items("l", left), items("r", right))
    near = comparator(Comparison("Distance", "value", "value", limit=limit), items("l", left), items("r", right))
    for i in range(len(left)):
        chosen = {j for a, j in made.candidates() if a == i}
        within = {j: near.agreement(i, j) for j in range(len(right)) if near.is_known(i, j)}
        scores = {j: found[0] for j, found in within.items() if found is not None}
        assert len(chosen) == min(number, len(scores))
        best = sorted(scores.values(), reverse=True)[: len(chosen)]
        assert sorted((scores[j] for j in chosen), reverse=True) == pytest.approx(best, abs=1e-4)


@given(shapes, shapes)
def test_within_finds_what_lies_in(left: list[tuple[str, ...]], right: list[tuple[str, ...]]) -> None:
    """A point on the border lies in."""
    check(Comparison("Within", "value", "value"), items("l", left), items("r", right))


@given(st.lists(st.lists(dates, max_size=2).map(tuple), max_size=8), st.lists(dates.map(lambda d: (d,)), max_size=8))
def test_days_apart_finds_near_days(left: list[tuple[str, ...]], right: list[tuple[str, ...]]) -> None:
    """The limit is counted in days."""
    check(Comparison("DaysApart", "value", "value", limit=3), items("l", left), items("r", right))


@given(st.data())
def test_time_overlap_finds_shared_days(data: st.DataObject) -> None:
    """An open end reaches for ever."""

    def periods(side: str) -> Items:
        number = data.draw(st.integers(0, 6))
        column = st.lists(st.lists(dates, max_size=1).map(tuple), min_size=number, max_size=number)
        made = items(side, data.draw(column), "whenFrom")
        made.columns["whenUntil"] = data.draw(column)
        return made

    check(Comparison("TimeOverlap", "when", "when"), periods("l"), periods("r"))


@settings(max_examples=200)
@given(
    st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join), min_size=1, max_size=12),
    st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join), min_size=1, max_size=12),
    st.randoms(use_true_random=False),
)
def test_label_finds_misspelled_names(left: list[str], right: list[str], random: object) -> None:
    """Names with a letter lost and words in another order are found among all that are similar enough."""
    misspelled = [name[:3] + name[4:] if len(name) > 8 and random.random() < 0.5 else name for name in left]  # type: ignore[attr-defined]
    spec = Comparison("Label", "value", "value", ("folded", "folded"), limit=0.85)
    check(spec, items("l", [(name,) for name in misspelled]), items("r", [(name,) for name in right]))


def test_values_that_differ_and_later_values_only_narrow() -> None:
    """They find no pairs of their own."""
    left, right = items("l", [("a",), ("b",)]), items("r", [("a",), ("2020",), ("1990",)])
    differs = comparator(Comparison("Differs", "value", "value"), left, right)
    assert list(differs.candidates()) == []
    assert differs.agreement(0, 0) is None and differs.agreement(0, 1) == (1.0, "")
    latest = comparator(Comparison("Latest", "value", "value"), left, right)
    assert list(latest.candidates()) == []
    newer, older = latest.agreement(0, 1), latest.agreement(0, 2)
    assert newer is not None and older is not None and newer[0] > older[0]
