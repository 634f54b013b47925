"""Long series become daily values, in one pass that holds one day.

Rows ``day, quantity`` and the functions asked for come out, one per day and quantity that has a value. The day is
the date of the time as written. Doubled rows (same time, same values) count once, missing values not at all.
Sums are exact; means are rounded half to even, two digits beyond the most exact value of the day.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from stadtgraph.errors import InputError
from stadtgraph.sources.table import Aggregate, Row, variable

_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")


class _Day:
    """The values of one day so far."""

    def __init__(self, day: dt.date, line: int, quantities: tuple[str, ...]) -> None:
        self.day, self.line = day, line
        self.values: dict[str, list[Decimal]] = {name: [] for name in quantities}
        self.seen: set[tuple[str | None, ...]] = set()

    def rows(self, functions: tuple[str, ...]) -> Iterator[Row]:
        """Give one row for each quantity that has a value."""
        for quantity, values in self.values.items():
            if values:
                found = {name: FUNCTIONS[name](values) for name in functions}
                yield Row(self.line, {"day": self.day.isoformat(), "quantity": quantity, **found})


def _plain(value: Decimal) -> str:
    return f"{value:f}"


def _mean(values: list[Decimal]) -> str:
    digits = max(_decimals(value) for value in values) + 2
    mean = (sum(values, Decimal()) / len(values)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN)
    return _plain(mean)


def _decimals(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


FUNCTIONS: Final[dict[str, Callable[[list[Decimal]], str]]] = {
    "mean": _mean,
    "min": lambda values: _plain(min(values)),
    "max": lambda values: _plain(max(values)),
    "sum": lambda values: _plain(sum(values, Decimal())),
    "count": lambda values: str(len(values)),
}
"""Name → function of the values of one day."""


def daily(rows: Iterable[Row], how: Aggregate, file: str) -> Iterator[Row]:
    """Give the daily values of ``rows``; each has the line where its day begins.

    Raises InputError for a time or value that cannot be read, and where a day comes back after another one:
    the file must be in the order of time, upwards or downwards.
    """
    columns = {quantity: variable(quantity) for quantity in how.quantities}
    time = variable(how.time)
    parse = _reader(how.format)
    day: _Day | None = None
    done: set[dt.date] = set()
    for row in rows:
        if day is None:
            _check(row, time, columns, file)
        text = row.values[time]
        if text is None:
            continue
        date = _date(parse, text, file, row.line, how)
        if day is None or date != day.day:
            if date in done:
                raise InputError("sources-series-order", file=file, line=row.line, day=date)
            if day is not None:
                yield from day.rows(how.functions)
            day = _Day(date, row.line, how.quantities)
            done.add(date)
        _add(day, row, text, columns, file)
    if day is not None:
        yield from day.rows(how.functions)


def _check(row: Row, time: str, columns: dict[str, str], file: str) -> None:
    for text, name in (("time", time), *columns.items()):
        if name not in row.values:
            raise InputError("sources-no-column", file=file, line=row.line, name=text, columns=", ".join(row.values))


def _reader(form: str) -> Callable[[str], dt.date]:
    if form == "iso":
        return lambda text: dt.datetime.fromisoformat(text).date()
    return lambda text: dt.datetime.strptime(text, form).date()


def _date(parse: Callable[[str], dt.date], text: str, file: str, line: int, how: Aggregate) -> dt.date:
    try:
        return parse(text)
    except ValueError:
        raise InputError(
            "sources-series-time", file=file, line=line, name=how.time, value=text, form=how.format
        ) from None


def _add(day: _Day, row: Row, time: str, columns: dict[str, str], file: str) -> None:
    values = [row.values[name] for name in columns.values()]
    key = (time, *values)
    if key in day.seen:
        return
    day.seen.add(key)
    for quantity, text in zip(columns, values, strict=True):
        if text is not None:
            if _NUMBER.fullmatch(text) is None:
                raise InputError("sources-series-value", file=file, line=row.line, name=quantity, value=text)
            day.values[quantity].append(Decimal(text))
