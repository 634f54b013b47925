"""Comparators: which pairs may belong together, and how well they agree. None looks at all pairs.

===============  ==============================================================  =========================
``sg:Key``       equal values in the rule's normal form                          hash table, linear
``sg:Label``     similar words (rapidfuzz), of those that share rare trigrams    prefix filter, about linear
``sg:Distance``  geometries at most ``sg:limit`` metres apart                    STRtree, n log n
``sg:Nearest``   the ``sg:number`` nearest within ``sg:limit`` metres            STRtree, n log n
``sg:Within``    the left geometry lies in the right one                         STRtree, n log n
``sg:TimeOverlap``  periods that share a day (``from``, ``until``)               sorted, n log n
``sg:DaysApart``    dates at most ``sg:limit`` days apart                        sorted, n log n
``sg:Differs``      no equal value; finds no pairs, only narrows                 constant
``sg:Latest``       prefers the later right value; finds no pairs, only ranks    n log n
===============  ==============================================================  =========================

Each class takes the two columns and gives candidates and, for any pair, its similarity from 0 to 1 with the
evidence in words that need no translation; ``None`` is no agreement.
"""

from __future__ import annotations

import bisect
import datetime as dt
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final, Protocol

import shapely
from rapidfuzz import fuzz

from stadtgraph.links.items import Items, Values
from stadtgraph.links.normal import FORMS
from stadtgraph.links.rule import Comparison
from stadtgraph.links.space import metric

Pair = tuple[int, int]
Agreement = tuple[float, str]


class Comparator(Protocol):
    """Compares the items of the left side with those of the right side by their indexes."""

    def candidates(self) -> Iterator[Pair]:
        """Give every pair that may agree; a pair may come twice."""

    def agreement(self, left: int, right: int) -> Agreement | None:
        """Give similarity and evidence of a pair, ``None`` where it does not agree."""

    def is_known(self, left: int, right: int) -> bool:
        """Tell whether both sides have a value at all."""


class _Column:
    """Both sides' values in their normal forms."""

    def __init__(self, spec: Comparison, left: Items, right: Items) -> None:
        self.spec = spec
        self.left = _normal(left.column(spec.left), spec.form[0])
        self.right = _normal(right.column(spec.right), spec.form[1])

    def is_known(self, left: int, right: int) -> bool:
        return bool(self.left[left]) and bool(self.right[right])


def _normal(column: Sequence[Values], form: str) -> list[Values]:
    known, make = {}, FORMS[form]
    for values in column:
        if values not in known:
            known[values] = tuple(sorted({made for value in values if (made := make(value))}))
    return [known[values] for values in column]


class Key(_Column):
    """Equal values."""

    def candidates(self) -> Iterator[Pair]:
        """Give the pairs that share a value."""
        index = _inverted(self.right)
        for i, values in enumerate(self.left):
            for value in values:
                for j in index.get(value, ()):
                    yield i, j

    def agreement(self, left: int, right: int) -> Agreement | None:
        """Give 1 and the value shared."""
        shared = sorted(set(self.left[left]) & set(self.right[right]))
        return (1.0, f"{self.spec.right} = {shared[0]}") if shared else None


class Differs(_Column):
    """No equal value; it only narrows what other comparisons find."""

    def candidates(self) -> Iterator[Pair]:
        """Give none: a rule needs another comparison to find pairs."""
        return iter(())

    def agreement(self, left: int, right: int) -> Agreement | None:
        """Give 1 without evidence, ``None`` where a value is shared."""
        return None if set(self.left[left]) & set(self.right[right]) else (1.0, "")


class Latest(_Column):
    """Of several candidates the later one, by a year or running number of the right side; it only ranks."""

    def __init__(self, spec: Comparison, left: Items, right: Items) -> None:
        super().__init__(spec, left, right)
        self._last = [max(values, key=_place) if values else None for values in self.right]
        order = sorted({value for value in self._last if value is not None}, key=_place)
        self._rank = {value: (place + 1) / len(order) for place, value in enumerate(order)}

    def candidates(self) -> Iterator[Pair]:
        """Give none: a rule needs another comparison to find pairs."""
        return iter(())

    def is_known(self, left: int, right: int) -> bool:
        """A missing value counts as the earliest."""
        return True

    def agreement(self, left: int, right: int) -> Agreement | None:
        """Give the place of the value among all values, from 0 to 1, and the value."""
        last = self._last[right]
        return (0.0, "") if last is None else (self._rank[last], f"{self.spec.right} = {last}")


def _place(value: str) -> tuple[float, str]:
    """Order numbers as numbers, before other texts."""
    try:
        return (float(value), value)
    except ValueError:
        return (math.inf, value)


class Label(_Column):
    """Similar words: rapidfuzz over the labels of both, order of words aside, the best counts."""

    def candidates(self) -> Iterator[Pair]:
        """Give pairs that share one of the rarest trigrams of either label, enough of them to be similar."""
        left, right = [_trigrams(v) for v in self.left], [_trigrams(v) for v in self.right]
        found = {(i, j) for i, j in _sharing(left, right)} | {(i, j) for j, i in _sharing(right, left)}
        yield from sorted(found)

    def agreement(self, left: int, right: int) -> Agreement | None:
        """Give the similarity and the two labels."""
        pairs = ((_alike(a, b), a, b) for a in self.left[left] for b in self.right[right])
        score, a, b = max(pairs, default=(0.0, "", ""))
        return (score, f"{a} ~ {b}") if score >= self.spec.limit else None


def _alike(a: str, b: str) -> float:
    """Compare words in any order; a name within a longer one counts a little less than the same name."""
    return max(fuzz.token_sort_ratio(a, b), 0.9 * fuzz.token_set_ratio(a, b)) / 100


_SHARED: Final = 0.25  # of the trigrams of the left label; similar labels share more


def _sharing(probes: Sequence[set[str]], among: Sequence[set[str]]) -> Iterator[Pair]:
    """Give the indexes of sets that share one of the rarer members of a probe."""
    index: defaultdict[str, list[int]] = defaultdict(list)
    for j, grams in enumerate(among):
        for gram in grams:
            index[gram].append(j)
    for i, grams in enumerate(probes):
        known = sorted((g for g in grams if g in index), key=lambda g: (len(index[g]), g))
        lacking = len(grams) - len(known)
        for gram in known[: max(0, len(grams) - int(len(grams) * _SHARED) + 1 - lacking)]:
            for j in index[gram]:
                yield i, j


def _trigrams(values: Values) -> set[str]:
    return set(f" {value} "[i : i + 3] for value in values for i in range(len(value)))


class _Shapes:
    """Both sides' geometries in metres and an index over the right ones."""

    def __init__(self, spec: Comparison, left: Items, right: Items) -> None:
        self.spec = spec
        self.left, self.right = _metric(left, spec.left), _metric(right, spec.right)
        if f"tree {spec.right}" not in right.made:
            right.made[f"tree {spec.right}"] = shapely.STRtree(self.right)
        self.tree = right.made[f"tree {spec.right}"]

    def is_known(self, left: int, right: int) -> bool:
        return self.left[left] is not None and self.right[right] is not None

    def _given(self) -> tuple[list[int], Any]:
        given = [i for i, shape in enumerate(self.left) if shape is not None]
        return given, self.left[given]

    def _metres(self, left: int, right: int) -> float:
        return float(shapely.distance(self.left[left], self.right[right]))


def _metric(items: Items, variable: str) -> Any:
    if f"metric {variable}" not in items.made:
        items.made[f"metric {variable}"] = metric(items.column(variable))
    return items.made[f"metric {variable}"]


class Distance(_Shapes):
    """Not farther apart than the limit."""

    def candidates(self) -> Iterator[Pair]:
        """Give every pair within the limit."""
        given, shapes = self._given()
        which, found = self.tree.query(shapes, predicate="dwithin", distance=self.spec.limit)
        for i, j in zip(which.tolist(), found.tolist(), strict=True):
            yield given[i], j

    def agreement(self, left: int, right: int) -> Agreement | None:
        """Give 1 in one place and 0 just beyond the limit, and the metres."""
        metres = self._metres(left, right)
        if not metres <= self.spec.limit:  # not a number where one has no shape
            return None
        return 1 - metres / (self.spec.limit + 1e-9), f"{metres:.1f} m"


class Nearest(Distance):
    """One of the nearest within the limit."""

    def __init__(self, spec: Comparison, left: Items, right: Items) -> None:
        super().__init__(spec, left, right)
        self._near: dict[int, set[int]] = {}

    def candidates(self) -> Iterator[Pair]:
        """Give the ``number`` nearest of each; equally near ones in the order of their IRIs."""
        for i, shape in enumerate(self.left):
            if shape is not None:
                for j in self._nearest(i, shape):
                    yield i, j

    def agreement(self, left: int, right: int) -> Agreement | None:
        """Give as :class:`Distance`, ``None`` for what is not among the nearest."""
        near = self._near.get(left)
        if near is None:
            near = self._near[left] = set(self._nearest(left, self.left[left]))
        return super().agreement(left, right) if right in near else None

    def _nearest(self, left: int, shape: Any) -> list[int]:
        found, number = self._reachable(shape), self.spec.number
        ranked = sorted((round(float(shapely.distance(shape, self.right[j])), 3), j) for j in found)
        self._near[left] = {j for _, j in ranked[:number]}
        return [j for _, j in ranked[:number]]

    def _reachable(self, shape: Any) -> list[int]:
        """Give enough of the nearest: widen the circle until it holds as many as are asked for."""
        radius = min(self.spec.limit, 50.0)
        while True:
            found = self.tree.query(shape, predicate="dwithin", distance=radius).tolist()
            if len(found) >= self.spec.number or radius >= self.spec.limit:
                return list(found)
            radius = min(self.spec.limit, radius * 2)


class Within(_Shapes):
    """The left one lies in the right one; on a border it lies in."""

    def candidates(self) -> Iterator[Pair]:
        """Give every pair in which the right one covers the left one."""
        given, shapes = self._given()
        which, found = self.tree.query(shapes, predicate="covered_by")
        for i, j in zip(which.tolist(), found.tolist(), strict=True):
            yield given[i], j

    def agreement(self, left: int, right: int) -> Agreement | None:
        """Give 1."""
        return (
            (1.0, "geo:sfWithin")
            if self.is_known(left, right) and shapely.covers(self.right[right], self.left[left])
            else None
        )


class TimeOverlap:
    """Periods that share a day: variables ``<name>From`` and ``<name>Until``; an open end reaches for ever."""

    def __init__(self, spec: Comparison, left: Items, right: Items) -> None:
        self.left, self.right = _periods(left, spec.left), _periods(right, spec.right)

    def is_known(self, left: int, right: int) -> bool:
        """Tell whether both have a period."""
        return self.left[left] is not None and self.right[right] is not None

    def candidates(self) -> Iterator[Pair]:
        """Sweep over the begins of the right ones."""
        begins = sorted((p[0], j) for j, p in enumerate(self.right) if p is not None)
        for i, period in enumerate(self.left):
            if period is not None:
                for begin, j in begins[: bisect.bisect_right(begins, (period[1], len(self.right)))]:
                    end = self.right[j]
                    if end is not None and begin <= period[1] and end[1] >= period[0]:
                        yield i, j

    def agreement(self, left: int, right: int) -> Agreement | None:
        """Give 1 and the days shared."""
        a, b = self.left[left], self.right[right]
        if a is None or b is None:
            return None
        begin, end = max(a[0], b[0]), min(a[1], b[1])
        return (1.0, f"{begin}/{end}") if begin <= end else None


def _periods(items: Items, name: str) -> list[tuple[str, str] | None]:
    day = FORMS["day"]
    found: list[tuple[str, str] | None] = []
    for begins, ends in zip(items.column(f"{name}From"), items.column(f"{name}Until"), strict=True):
        first, last = [day(v) for v in begins if day(v)], [day(v) for v in ends if day(v)]
        found.append((min(first, default="0000"), max(last, default="9999")) if first or last else None)
    return found


class DaysApart:
    """Dates at most so many days apart."""

    def __init__(self, spec: Comparison, left: Items, right: Items) -> None:
        self.spec = spec
        self.left, self.right = _days(left.column(spec.left)), _days(right.column(spec.right))

    def is_known(self, left: int, right: int) -> bool:
        """Tell whether both have a date."""
        return bool(self.left[left]) and bool(self.right[right])

    def candidates(self) -> Iterator[Pair]:
        """Look up the days around each."""
        order = sorted((d, j) for j, days in enumerate(self.right) for d in days)
        for i, days in enumerate(self.left):
            for d in days:
                low = bisect.bisect_left(order, (d - int(self.spec.limit), -1))
                for found, j in order[low:]:
                    if found > d + self.spec.limit:
                        break
                    yield i, j

    def agreement(self, left: int, right: int) -> Agreement | None:
        """Give 1 for the same day, less with each day between."""
        apart = min((abs(a - b) for a in self.left[left] for b in self.right[right]), default=None)
        if apart is None or apart > self.spec.limit:
            return None
        return 1 - apart / (self.spec.limit + 1), f"{apart} d"


def _days(column: Sequence[Values]) -> list[list[int]]:
    return [[d for value in values if (d := _ordinal(value)) is not None] for values in column]


def _ordinal(text: str) -> int | None:
    try:
        return dt.date.fromisoformat(FORMS["day"](text)).toordinal()
    except ValueError:
        return None


def _inverted(column: Sequence[Values]) -> dict[str, list[int]]:
    index: defaultdict[str, list[int]] = defaultdict(list)
    for j, values in enumerate(column):
        for value in values:
            index[value].append(j)
    return index


_KINDS: Final[dict[str, Any]] = {
    "Key": Key,
    "Label": Label,
    "Distance": Distance,
    "Nearest": Nearest,
    "Within": Within,
    "TimeOverlap": TimeOverlap,
    "DaysApart": DaysApart,
    "Differs": Differs,
    "Latest": Latest,
}


def comparator(spec: Comparison, left: Items, right: Items) -> Comparator:
    """Make the comparator of a comparison over two selections."""
    made: Comparator = _KINDS[spec.kind](spec, left, right)
    return made
