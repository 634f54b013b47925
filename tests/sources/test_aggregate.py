"""Long series become daily values, exactly and in a stable form."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtgraph.errors import InputError
from stadtgraph.sources import Aggregate, Row, Table, rows
from stadtgraph.sources.aggregate import daily

ALL = ("mean", "min", "max", "sum", "count")


def series(*cells: tuple[str | None, str | None]) -> list[Row]:
    """Give rows of time and one value."""
    return [Row(line, {"t": time, "v_m": value}) for line, (time, value) in enumerate(cells, 2)]


def test_a_day_is_summed_up_with_missing_and_doubled_rows_left_out() -> None:
    """The doubled row counts once, the missing value not at all; sums are exact."""
    table = series(
        ("2020-01-01 00:10:00", "0.1"),
        ("2020-01-01 00:20:00", "0.2"),
        ("2020-01-01 00:20:00", "0.2"),
        ("2020-01-01 00:30:00", None),
        ("2020-01-02 00:00:00", "-1"),
    )
    found = list(daily(table, Aggregate("t", ("v (m)",), ALL, "%Y-%m-%d %H:%M:%S"), "a.csv"))
    assert [row.values for row in found] == [
        {
            "day": "2020-01-01",
            "quantity": "v (m)",
            "mean": "0.150",
            "min": "0.1",
            "max": "0.2",
            "sum": "0.3",
            "count": "2",
        },
        {
            "day": "2020-01-02",
            "quantity": "v (m)",
            "mean": "-1.00",
            "min": "-1",
            "max": "-1",
            "sum": "-1",
            "count": "1",
        },
    ]
    assert [row.line for row in found] == [2, 6]


def test_only_the_functions_that_were_asked_for_come_out() -> None:
    """ISO times with a zone belong to the day that is written."""
    found = list(daily(series(("2020-01-01T23:30:00Z", "1")), Aggregate("t", ("v (m)",), ("max",)), "a.csv"))
    assert found == [Row(2, {"day": "2020-01-01", "quantity": "v (m)", "max": "1"})]


@pytest.mark.parametrize(
    ("cells", "key", "line"),
    [
        ([("2020-01-01", "1"), ("2020-01-02", "1"), ("2020-01-01", "2")], "sources-series-order", 4),
        ([("01.01.2020", "1")], "sources-series-time", 2),
        ([("2020-01-01", "1_0")], "sources-series-value", 2),
        ([("2020-01-01", "NaN")], "sources-series-value", 2),
        ([("2020-01-01", "1e999999")], "sources-series-value", 2),
    ],
)
def test_what_cannot_be_summed_is_an_error_with_its_line(cells: list[tuple[str, str]], key: str, line: int) -> None:
    """Nothing is guessed and nothing left out silently."""
    with pytest.raises(InputError) as caught:
        list(daily(series(*cells), Aggregate("t", ("v (m)",)), "a.csv"))
    assert (caught.value.key, caught.value.params["line"]) == (key, line)
    assert "a.csv" in caught.value.text("de")


def test_an_unknown_quantity_is_an_error() -> None:
    """The message lists what there is."""
    with pytest.raises(InputError, match=r"no column 'T \(degC\)'"):
        list(daily(series(("2020-01-01", "1")), Aggregate("t", ("T (degC)",)), "a.csv"))


@given(st.lists(st.decimals(-1000, 1000, places=2), min_size=1), st.randoms(use_true_random=False))
def test_the_order_within_a_day_does_not_matter(values: list[object], random: object) -> None:
    """Decimal arithmetic gives the same text whatever the order; it agrees with floating point."""
    how = Aggregate("t", ("v (m)",), ALL)
    cells: list[tuple[str | None, str | None]] = [
        (f"2020-01-01T00:00:00.{n:06d}", str(v)) for n, v in enumerate(values)
    ]
    first = next(daily(series(*cells), how, "a")).values
    random.shuffle(cells)  # type: ignore[attr-defined]
    assert next(daily(series(*cells), how, "a")).values == first
    assert math.isclose(float(str(first["sum"])), math.fsum(float(str(v)) for v in values), abs_tol=1e-6)


def test_the_real_weather_of_2020(real_data: Path) -> None:
    """366 days and the first minute of 2021; the doubled row of 12 May is counted once."""
    how = Aggregate("date", ("T (degC)", "rain (mm)"), ALL, "%Y-%m-%d %H:%M:%S")
    path = real_data / "mpi_bgc_wetter_jena_2020.csv.gz"
    found = {
        (str(r.values["day"]), r.values["quantity"]): r.values
        for r in daily(rows(path, Table(null=("-9999.0",))), how, path.name)
    }
    assert len(found) == 2 * 367
    assert found["2020-05-12", "T (degC)"]["count"] == "144"
    assert found["2020-01-01", "T (degC)"]["mean"] == "-0.5142"
