"""A timetable (GTFS) read as a stream, and only what belongs to the city: stops in its box, trips of its operators.

Every file is read once, stops and trips twice where something has to be chosen first; what is held in memory are the
names of what is kept. Source: https://gtfs.org/documentation/schedule/reference/
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from stadtgraph.errors import InputError
from stadtgraph.sources.live.archive import Archive
from stadtgraph.sources.live.lines import Bad, Lines
from stadtgraph.sources.live.settings import GTFS_COLUMNS, Gtfs
from stadtgraph.sources.table import Row, variable

FILES: Final = {
    "agencies": "agency.txt",
    "stops": "stops.txt",
    "routes": "routes.txt",
    "trips": "trips.txt",
    "stop-times": "stop_times.txt",
    "calendar": "calendar.txt",
    "calendar-dates": "calendar_dates.txt",
    "feed-info": "feed_info.txt",
}
KEYS: Final = {
    "agencies": ("agency_name",),
    "stops": ("stop_id",),
    "routes": ("route_id",),
    "trips": ("trip_id", "route_id", "service_id"),
    "stop-times": ("trip_id", "stop_id", "stop_sequence"),
    "calendar": ("service_id",),
    "calendar-dates": ("service_id", "date"),
    "feed-info": (),
}
"""The columns that a file must have, and each of its rows."""
NAMES: Final = frozenset(
    ("stop_id", "route_id", "trip_id", "service_id", "agency_id", "parent_station", "stop_sequence", "date")
)
"""Columns whose values become parts of IRIs."""
_NO_NAME: Final = re.compile(r"[\x00-\x20\x7f<>\"{}|\\^`%?#\ud800-\udfff]|(?:^|/)\.{0,2}(?:/|$)")
_PLACELESS: Final = ("3", "4")
"""Kinds of places (``location_type``) that need no coordinates."""


def is_name(text: str) -> bool:
    """Tell whether an identifier can be a part of an IRI as it is, and cannot lead to another one.

    >>> [is_name(text) for text in ("de:16053:153135::1", "7202_3", "a b", "../unit/x", "", "a/b")]
    [True, True, False, False, False, True]
    """
    return _NO_NAME.search(text) is None


class Timetable:
    """What is kept of one feed, as rows of tables."""

    def __init__(self, files: Archive, wanted: frozenset[str], settings: Gtfs, bad: Bad) -> None:
        """Take the files, the tables that are wanted, which part is the city's, and who hears of bad lines."""
        self._files, self._wanted, self._settings, self._bad = files, wanted, settings, bad
        self._told: set[tuple[str, int]] = set()
        self._stops: set[str] | None = None
        self._trips: dict[str, int] | None = None
        self._services: set[str] | None = None
        self._routes: set[str] | None = None
        self._agencies: set[str] | None = None
        self.missing: list[str] = []
        """Files of wanted tables that the feed does not have."""

    def rows(self) -> Iterator[tuple[str, Row]]:
        """Give each kept row with the name of its table, the rows of a table one after the other.

        Raises :class:`InputError` where a file cannot be read whole or there is nothing to choose by.
        """
        self._check()
        self._agencies = self._chosen_agencies()
        routes = self._chosen_routes()
        self._stops = self._inside()
        trips = self._trips_of(routes) if routes is not None else None
        yield from self._calls(trips)
        yield from self._of_trips()
        if self._stops is None and self._trips is not None:
            self._stops = self._with_parents(self._called)
        yield from self._filtered("routes", "route_id", self._routes)
        yield from self._of_agencies()
        yield from self._filtered("stops", "stop_id", self._stops)
        yield from self._filtered("calendar", "service_id", self._services)
        yield from self._filtered("calendar-dates", "service_id", self._services)
        yield from self._filtered("feed-info", "", None)

    # ---- which part of it

    def _check(self) -> None:
        if not any(file in self._files for file in FILES.values()):
            raise InputError("live-no-timetable", files=", ".join(FILES.values()))
        self.missing = [
            FILES[t] for t in FILES if t in (*self._wanted, *self._needed()) and FILES[t] not in self._files
        ]
        for table in self._needed():
            if FILES[table] not in self._files:
                raise InputError("live-no-file", file=FILES[table])

    def _needed(self) -> tuple[str, ...]:
        """The tables without which it cannot be told what belongs to the city, or which were asked for by name."""
        settings, needed = self._settings, []
        if settings.box:
            needed += ["stops", "stop-times"]
        if settings.agencies:
            needed += ["routes", "trips", "stop-times"]
        return tuple(dict.fromkeys(needed))

    def _chosen_agencies(self) -> set[str] | None:
        """Give the ids of the operators that were named, by id or by name."""
        named = set(self._settings.agencies)
        if not named:
            return None
        found = set(named)
        for _, values in self._table("agencies"):
            if values.get("agency_name") in named:
                found.add(values.get("agency_id") or "")
        return found

    def _chosen_routes(self) -> set[str] | None:
        if self._agencies is None:
            return None
        routes = {v["route_id"] for _, v in self._table("routes") if (v.get("agency_id") or "") in self._agencies}
        if not routes:
            raise InputError("live-no-agency", agencies=", ".join(self._settings.agencies)[:200])
        return routes

    def _inside(self) -> set[str] | None:
        """Give the stops in the box, the stations that they belong to, and what has a place only by its station."""
        if not self._settings.box:
            return None
        west, south, east, north = self._settings.box
        inside: set[str] = set()
        parents: set[str] = set()
        without: list[tuple[str, str]] = []
        for line, values in self._table("stops"):
            parent, text = values.get("parent_station") or "", (values.get("stop_lon"), values.get("stop_lat"))
            if not all(text) and (parent or values.get("location_type") in _PLACELESS):
                without.append((values["stop_id"], parent))
                continue
            place = _place(*text)
            if place is None:
                self._tell("stops.txt", line, "live-coordinates", {"lon": text[0] or "", "lat": text[1] or ""})
            elif west <= place[0] <= east and south <= place[1] <= north:
                inside.add(values["stop_id"])
                parents.add(parent)
        inside |= parents - {""}
        inside.update(stop for stop, parent in without if parent in inside)
        if not inside:
            raise InputError("live-empty-box", box=", ".join(map(str, self._settings.box)))
        return inside

    def _trips_of(self, routes: set[str]) -> set[str]:
        trips = {values["trip_id"] for _, values in self._table("trips") if values["route_id"] in routes}
        self._bounded(len(trips), "trips")
        return trips

    # ---- what calls where

    def _calls(self, trips: set[str] | None) -> Iterator[tuple[str, Row]]:
        """Give the kept stop times, and remember which trips call where."""
        self._called: set[str] = set()
        self._pairs: tuple[array[int], array[int]] = array("I"), array("I")
        self._stop_numbers: dict[str, int] = {}
        chooses, counts, gives = self._stops is not None or trips is not None, "calls" in self._wanted, False
        gives = "stop-times" in self._wanted
        if not (chooses or counts or gives) or FILES["stop-times"] not in self._files:
            return
        served: dict[str, int] = {}
        stops, numbers, inside, kept = self._pairs[0], self._stop_numbers, self._stops, 0
        with self._files.opened(FILES["stop-times"]) as stream:
            lines = self._lines("stop-times", stream)
            trip_at, stop_at = lines.header["trip_id"], lines.header["stop_id"]
            columns = _columns(lines)
            for line, cells in lines.rows():
                stop, trip = cells[stop_at], cells[trip_at]
                if (inside is not None and stop not in inside) or (trips is not None and trip not in trips):
                    continue
                values = self._good("stop-times", line, columns, cells) if gives else None
                if gives and values is None:
                    continue
                kept += 1
                if kept & 0xFFFF == 0:
                    self._bounded(kept, "stop_times")
                number = served.setdefault(trip, len(served))
                if counts:
                    stops.append(numbers.setdefault(stop, len(numbers)))
                    self._pairs[1].append(number)
                elif chooses:
                    self._called.add(stop)
                if values is not None:
                    yield "stop-times", Row(line, values)
        self._bounded(kept, "stop_times")
        self._called.update(numbers)
        if chooses or counts:
            self._counted = served
        if chooses:
            self._trips = served

    def _of_trips(self) -> Iterator[tuple[str, Row]]:
        """Give the kept trips, and remember their routes and days of service; then how often routes call at stops."""
        counts, kept = "calls" in self._wanted and self._pairs[0], self._trips
        if FILES["trips"] not in self._files or not (kept is not None or counts or "trips" in self._wanted):
            return
        routes: dict[str, int] = {}
        services: set[str] = set()
        served: dict[str, int] = self._counted if counts else {}
        of_trip = array("i", [-1]) * len(served)
        number = 0
        for line, values in self._table("trips"):
            trip = values["trip_id"]
            if kept is not None and trip not in kept:
                continue
            if not self._named("trips", line, values):
                continue
            number += 1
            self._bounded(number, "trips")
            route = routes.setdefault(values["route_id"], len(routes))
            services.add(values["service_id"])
            if counts and trip in served:
                of_trip[served[trip]] = route
            if "trips" in self._wanted:
                yield "trips", Row(line, dict(values))
        if kept is not None:
            self._routes, self._services = set(routes), services
        if counts:
            yield from self._counts(of_trip, list(routes))

    def _counts(self, of_trip: array[int], routes: list[str]) -> Iterator[tuple[str, Row]]:
        stops = list(self._stop_numbers)
        found = Counter((stop, of_trip[trip]) for stop, trip in zip(*self._pairs, strict=True))
        for line, ((stop, route), calls) in enumerate(found.items(), 1):
            if route >= 0 and is_name(stops[stop]):
                values = {"stop_id": stops[stop], "route_id": routes[route], "calls": str(calls)}
                yield "calls", Row(line, dict(values))

    # ---- what is kept

    def _filtered(self, table: str, key: str, kept: set[str] | None) -> Iterator[tuple[str, Row]]:
        number = 0
        if table in self._wanted and FILES[table] in self._files:
            for line, values in self._table(table):
                if (kept is None or values[key] in kept) and self._named(table, line, values):
                    number += 1
                    self._bounded(number, FILES[table])
                    yield table, Row(line, dict(values))

    def _of_agencies(self) -> Iterator[tuple[str, Row]]:
        """Give the operators of the kept routes."""
        kept: set[str] | None = None
        if self._routes is not None and "agencies" in self._wanted:
            kept = {v.get("agency_id") or "" for _, v in self._table("routes") if v["route_id"] in self._routes}
        for table, row in self._filtered("agencies", "agency_name", None):
            if kept is None or (row.values.get("agency_id") or "") in kept:
                yield table, row

    def _with_parents(self, stops: set[str]) -> set[str]:
        parents = {v.get("parent_station") or "" for _, v in self._table("stops") if v["stop_id"] in stops}
        return stops | parents - {""}

    # ---- lines

    def _lines(self, table: str, stream: object) -> Lines:
        lines = Lines(stream, FILES[table], self._tell)  # type: ignore[arg-type]
        for column in KEYS[table]:
            if column not in lines.header:
                raise InputError("live-no-column", file=FILES[table], column=column)
        return lines

    def _table(self, table: str) -> Iterator[tuple[int, dict[str, str]]]:
        """Give the rows of a file that have what each must have, cells by column."""
        if FILES[table] not in self._files:
            return
        with self._files.opened(FILES[table]) as stream:
            lines = self._lines(table, stream)
            columns, keys = _columns(lines), KEYS[table]
            for line, cells in lines.rows():
                values = dict(zip(columns, cells, strict=True))
                lacking = next((key for key in keys if not values[key]), None)
                if lacking is not None:
                    self._tell(FILES[table], line, "live-empty-cell", {"column": lacking})
                else:
                    yield line, values

    def _good(self, table: str, line: int, columns: list[str], cells: list[str]) -> dict[str, str | None] | None:
        values = dict(zip(columns, cells, strict=True))
        lacking = next((key for key in KEYS[table] if not values[key]), None)
        if lacking is not None:
            self._tell(FILES[table], line, "live-empty-cell", {"column": lacking})
            return None
        return dict(values) if self._named(table, line, values) else None

    def _named(self, table: str, line: int, values: Mapping[str, str]) -> bool:
        """Tell whether the identifiers of a row can be parts of IRIs."""
        for column in GTFS_COLUMNS[table]:
            if column in NAMES and values.get(column) and not is_name(values[column]):
                self._tell(FILES[table], line, "live-no-name", {"column": column, "value": values[column][:80]})
                return False
        return True

    def _tell(self, file: str, line: int, key: str, params: dict[str, object]) -> None:
        """Tell of a bad line once, though files are read twice."""
        if (file, line) not in self._told:
            if len(self._told) < 1_000_000:
                self._told.add((file, line))
            self._bad(file, line, key, params)

    def _bounded(self, number: int, table: str) -> None:
        if number > self._settings.rows:
            raise InputError("live-many-rows", table=table, limit=self._settings.rows)


def _columns(lines: Lines) -> list[str]:
    names = [variable(name) for name in lines.header]
    if len(set(names)) != len(names) or "" in names:
        raise InputError("live-header", file=lines.file, line=1)
    return names


def _place(lon: str | None, lat: str | None) -> tuple[float, float] | None:
    try:
        found = float(lon or ""), float(lat or "")
    except ValueError:
        return None
    return found if -180 <= found[0] <= 180 and -90 <= found[1] <= 90 else None
