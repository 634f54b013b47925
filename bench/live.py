"""What reading a timetable of a whole country costs: ``python bench/live.py [--calls 5000000] [--make FILE.zip]``.

A feed is generated in the shape of the national one: 20 calls a trip, 10 trips a route, half a million stops laid out
in towns; the box holds one town. Every measurement runs in a process of its own, so that its peak of memory is its own.
``--make`` only writes the feed.

- ``lines``: the lines of stop_times.txt read by the csv module alone, unpacked on the way: the floor
- ``rows``: what belongs to the town, without mappings
- ``triples``: the same through all mappings that are shipped, spooled as for a release
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from stadtgraph.sources import Source
from stadtgraph.sources.feed import Feed
from stadtgraph.sources.live.archive import Archive
from stadtgraph.sources.live.making import Making
from stadtgraph.sources.live.settings import GTFS_COLUMNS, Gtfs
from stadtgraph.sources.live.timetable import FILES, Timetable
from stadtgraph.store import spool
from stadtgraph.terms import Names

MAPPINGS = Path(__file__).resolve().parent.parent / "data" / "mappings"
CALLS, TRIPS = 20, 10
"""Calls of a trip, trips of a route."""
TOWN = 500
"""Stops of a town."""
SETTINGS = Gtfs(box=(11.0, 50.0, 11.09, 50.09))
"""The box of the first town."""
TABLES = {
    **{table: f"gtfs-{table}.rq" for table in ("stops", "routes", "trips", "stop-times")},
    **{t: f"live/gtfs-{t}.rq" for t in ("agencies", "calendar", "calendar-dates", "feed-info", "calls")},
}


def feed(path: Path, calls: int, stops: int) -> None:
    """Write a timetable with so many stop times and stops."""
    trips = calls // CALLS
    tables: dict[str, Callable[[], Iterator[str]]] = {
        "agency.txt": lambda: _agencies(),
        "stops.txt": lambda: _stops(stops),
        "routes.txt": lambda: _routes(trips // TRIPS),
        "trips.txt": lambda: _trips(trips),
        "stop_times.txt": lambda: _stop_times(trips, stops),
        "calendar.txt": lambda: _calendar(),
        "feed_info.txt": lambda: iter(
            ["feed_publisher_name,feed_start_date,feed_end_date,feed_version", "Bench,20260101,20261231,20260101"]
        ),
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, lines in tables.items():
            with archive.open(name, "w", force_zip64=True) as raw, io.TextIOWrapper(raw, "utf-8") as text:
                text.writelines(f"{line}\r\n" for line in lines())


def _agencies() -> Iterator[str]:
    yield '"agency_id","agency_name","agency_url","agency_timezone"'
    yield from (f'{n},"Verkehr {n}","https://verkehr{n}.example/","Europe/Berlin"' for n in range(200))


def _stop(number: int) -> str:
    return f"de:{number // TOWN:05d}:{number % TOWN}::1"


def _stops(stops: int) -> Iterator[str]:
    yield '"stop_id","stop_code","stop_name","stop_desc","stop_lat","stop_lon","location_type","parent_station"'
    for number in range(stops):
        town, place = divmod(number, TOWN)
        lat, lon = 50.0 + town // 100 * 0.1 + place // 25 * 0.004, 11.0 + town % 100 * 0.1 + place % 25 * 0.0035
        yield f'"{_stop(number)}","","Ort {town}, Halt {place}","","{lat:.6f}","{lon:.6f}",0,'


def _routes(routes: int) -> Iterator[str]:
    yield '"route_id","agency_id","route_short_name","route_long_name","route_type","route_color","route_text_color"'
    yield from (f'"{n}_3",{n % 200},"{n % 90}","",3,"",""' for n in range(routes))


def _trips(trips: int) -> Iterator[str]:
    yield '"route_id","service_id","trip_id","trip_headsign","direction_id","block_id"'
    yield from (f'"{n // TRIPS}_3",{n % 400},{20_000_000 + n},"Ziel {n % 1000}",{n % 2},' for n in range(trips))


def _stop_times(trips: int, stops: int) -> Iterator[str]:
    columns = "trip_id arrival_time departure_time stop_id stop_sequence pickup_type drop_off_type stop_headsign"
    yield ",".join(f'"{column}"' for column in columns.split())
    for trip in range(trips):
        first, start = trip // TRIPS * 7919 % stops, trip * 7 % 1320
        for call in range(CALLS):
            minute = start + 2 * call
            clock = f"{minute // 60}:{minute % 60:02d}:00"
            yield f'{20_000_000 + trip},{clock},{clock},"{_stop((first + call) % stops)}",{call},0,0,""'


def _calendar() -> Iterator[str]:
    yield "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date"
    yield from (f"{n},1,1,1,1,1,0,0,20260101,20261231" for n in range(400))


# ---- measuring


def lines(path: Path, _folder: Path) -> dict[str, int]:
    """Read the lines and nothing else."""
    with zipfile.ZipFile(path) as archive, archive.open("stop_times.txt") as raw:
        return {"lines": sum(1 for _ in csv.reader(io.TextIOWrapper(raw, "utf-8", newline="")))}


def rows(path: Path, _folder: Path) -> dict[str, int]:
    """Choose the town's rows."""
    bad: list[int] = []
    with Archive([path]) as files:
        timetable = Timetable(files, frozenset(TABLES), SETTINGS, lambda _f, line, _k, _p: bad.append(line))
        return {"rows": sum(1 for _ in timetable.rows()), "bad": len(bad)}


def triples(path: Path, folder: Path) -> dict[str, int]:
    """Make the town's triples."""
    title = {"de": "Bench", "en": "Bench"}
    source = Source("bench", title, "utilities", "harvest", "public", harvest=Feed(protocol="gtfs"), gtfs=SETTINGS)
    source = replace(source, mappings={t: MAPPINGS / name for t, name in TABLES.items()}, dataset="id/dataset/bench")
    with Archive([path]) as files, closing(Making(source, Names(), folder / "quarantine.nt")) as making:
        for table in TABLES:
            making.check(table, (*GTFS_COLUMNS[table], *making.mappings[table].optional))
        timetable = Timetable(files, frozenset(TABLES), SETTINGS, making.set_aside)
        kept = spool(making.triples(timetable.rows(), lambda t: FILES.get(t, t)), folder, "bench")
        return {"rows": making.read.total(), "triples": kept.lines, "bad": making.quarantined}


STEPS: dict[str, Callable[[Path, Path], dict[str, int]]] = {"lines": lines, "rows": rows, "triples": triples}


def measured(step: str, path: Path) -> None:
    """Run one step and print what it found and cost."""
    with tempfile.TemporaryDirectory() as folder:
        started, cpu = time.perf_counter(), time.process_time()
        found: dict[str, object] = dict(STEPS[step](path, Path(folder)))
        found |= {"seconds": round(time.perf_counter() - started, 1), "cpu": round(time.process_time() - cpu, 1)}
    found["peak MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(step, json.dumps(found))


def main() -> None:
    """Generate and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--calls", type=int, default=5_000_000)
    parser.add_argument("--stops", type=int, default=500_000)
    parser.add_argument("--make", type=Path)
    parser.add_argument("--step", choices=list(STEPS), help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path)
    options = parser.parse_args()
    if options.step:
        measured(options.step, options.file)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = options.file or options.make or Path(folder) / "feed.zip"
        if options.file is None:
            feed(path, options.calls, options.stops)
            print(f"{options.calls:,} stop times, {options.stops:,} stops: {path.stat().st_size >> 20} MB packed")
        for step in STEPS if options.make is None else ():
            subprocess.run([sys.executable, __file__, "--step", step, "--file", str(path)], check=True)


if __name__ == "__main__":
    main()
