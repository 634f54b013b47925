"""How fast near things are found: the same question four ways, with the answers compared.

python bench/nearby.py CITY [--ortsteil winzerla ...]

"Trees within 300 m of a stop in an Ortsteil, planted after 2015, with the nearest soil sensor and the unit that answers
for it", asked of a built city: over HTTP of a server whose cache does not know the question, in this process, in plain
Oxigraph from the geometries alone (a box of degrees, then the exact distance), and by shapely's STRtree on the same
geometries in metres, whose tree is built beforehand. Wall time; the best of ``--times`` where nothing is kept between.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy
import pyoxigraph as ox
import shapely

sys.path.insert(0, str(Path(__file__).parent))
from endpoint import free_port, server
from stadtgraph import City
from stadtgraph.release import View
from stadtgraph.store import OxigraphEngine
from stadtgraph.store.geometry import moved
from stadtgraph.terms import PREFIXES, XSD

HERE: Final = Path(__file__).with_suffix("")
METRES: Final = 300.0
TOLERANCE: Final = 1.5
"""Metres by which ways of measuring differ: a sphere, an ellipsoid and a map projection."""
HEADER: Final = "".join(f"PREFIX {prefix}: <{namespace}>\n" for prefix, namespace in PREFIXES.items())


@dataclass(frozen=True, slots=True)
class Row:
    """One tree of an answer."""

    metres: float
    sensor: str
    unit: str


Answer = dict[str, Row]
"""Rows by the IRI of the tree."""


def question(name: str, base: str, ortsteil: str, year: int) -> str:
    """Give one of the two queries about an Ortsteil."""
    text = (HERE / name).read_text("utf-8")
    since = ox.Literal(str(year), datatype=XSD.gYear)
    filled = text.replace("$ortsteil", str(ox.NamedNode(f"{base}id/ortsteil/{ortsteil}"))).replace("$year", str(since))
    return f"BASE <{base}>\n{HEADER}{filled}"


def read(rows: Iterable[Any]) -> Answer:
    """Give the first row of each tree."""
    found: Answer = {}
    for found_row in rows:
        tree, metres, sensor, unit = (found_row[name] for name in ("tree", "metres", "sensor", "unit"))
        row = Row(float(metres.value), sensor.value if sensor else "", unit.value if unit else "")
        known = found.get(tree.value)
        if known is None or (known.sensor == row.sensor and not known.unit):
            found[tree.value] = row
    return found


class Shapes:
    """The geometries of a city in metres, with a tree of the trees and one of the sensors."""

    def __init__(self, engine: OxigraphEngine) -> None:
        self.engine = engine
        self.trees, points = self._points("?x a sg:Tree")
        self.places = moved(points)
        self.tree = shapely.STRtree(self.places)
        years = dict(self._pairs("SELECT ?x ?y { ?x sg:plantingYear ?y }"))
        self.years = numpy.array([int(years.get(name, "0")) for name in self.trees])
        self.stops, points = self._points("?x a gtfs:Stop")
        self.stop_points = numpy.array(points)
        self.stop_places = moved(self.stop_points)
        properties = ("soil-moisture", "soil-water-potential", "soil-temperature")
        soil = f"VALUES ?p {{ {' '.join(f'<id/property/{name}>' for name in properties)} }}"
        self.sensors, points = self._points(f"{soil} ?x sosa:observes ?p")
        self.sensor_tree = shapely.STRtree(moved(numpy.array(points)))
        self.units = dict(
            self._pairs(
                f"SELECT ?x ?u {{ {soil} ?x sosa:observes ?p . ?d schema:variableMeasured ?p ."
                " ?r sg:for ?d ; sg:raci sg:accountable ; prov:agent ?u }"
            )
        )

    def _pairs(self, text: str) -> list[tuple[str, str]]:
        rows = self.engine.query(f"BASE <{self.engine.names.base}>\n{HEADER}{text}")
        return [(row[0].value, row[1].value) for row in rows]  # type: ignore[index, union-attr]

    def _points(self, pattern: str) -> tuple[list[str], Any]:
        found = dict(self._pairs(f"SELECT DISTINCT ?x ?w {{ {pattern} . ?x geo:hasGeometry/geo:asWKT ?w }}"))
        return list(found), shapely.from_wkt(list(found.values()))

    def area(self, ortsteil: str) -> Any:
        """Give the area of an Ortsteil in degrees, as the sources state places."""
        text = f"SELECT ?a ?w {{ BIND(<id/ortsteil/{ortsteil}> AS ?a) ?a geo:hasGeometry/geo:asWKT ?w }}"
        return shapely.from_wkt(self._pairs(text)[0][1])

    def ask(self, area: Any, year: int) -> Answer:
        """Answer the question."""
        shapely.prepare(area)
        stops = self.stop_places[shapely.covers(area, self.stop_points)]
        near, trees = self.tree.query(stops, predicate="dwithin", distance=METRES)
        fits = self.years[trees] > year
        near, trees = near[fits], trees[fits]
        best: dict[int, float] = {}
        distances = shapely.distance(stops[near], self.places[trees])
        for tree, metres in zip(trees.tolist(), distances.tolist(), strict=True):
            best[tree] = min(metres, best.get(tree, METRES))
        chosen = list(best)
        which, sensors = self.sensor_tree.query_nearest(self.places[chosen], max_distance=METRES, all_matches=False)
        nearest = {chosen[i]: self.sensors[s] for i, s in zip(which.tolist(), sensors.tolist(), strict=True)}
        return {
            self.trees[i]: Row(metres, nearest.get(i, ""), self.units.get(nearest.get(i, ""), ""))
            for i, metres in best.items()
        }

    def far(self, tree: str, sensor: str) -> float:
        """Give the metres between a tree and a sensor."""
        places = self.sensor_tree.geometries
        return float(shapely.distance(self.places[self.trees.index(tree)], places[self.sensors.index(sensor)]))


def differences(shapes: Shapes, exact: Answer, other: Answer) -> list[str]:
    """Say how an answer differs from that of shapely; what lies within the tolerance of 300 m may be in or out."""
    found = []
    for tree in exact.keys() ^ other.keys():
        metres = (exact.get(tree) or other[tree]).metres
        if abs(metres - METRES) > TOLERANCE:
            found.append(f"{tree} at {metres:.1f} m")
    for tree in exact.keys() & other.keys():
        one, two = exact[tree], other[tree]
        if abs(one.metres - two.metres) > TOLERANCE:
            found.append(f"{tree}: {one.metres:.1f} and {two.metres:.1f} m")
        far = [shapes.far(tree, row.sensor) if row.sensor else METRES for row in (one, two)]
        if abs(far[0] - far[1]) > TOLERANCE:
            found.append(f"{tree}: sensors at {far[0]:.1f} and {far[1]:.1f} m")
        elif one.sensor == two.sensor and one.unit != two.unit:
            found.append(f"{tree}: units {one.unit} and {two.unit}")
    return found


def in_process(city: City, text: str) -> Answer:
    """Ask in this process."""
    answer = city.query(text)
    return read(dict(zip(answer.variables, row, strict=True)) for row in answer.rows)


def over_http(port: int, text: str) -> Answer:
    """Ask the server."""
    body = urllib.parse.urlencode({"query": text}).encode()
    accept = {"Accept": "application/sparql-results+json"}
    with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}/sparql", body, accept)) as answer:
        rows = json.load(answer)["results"]["bindings"]
    return read({name: _term(row.get(name)) for name in ("tree", "metres", "sensor", "unit")} for row in rows)


def _term(found: dict[str, str] | None) -> Any:
    return ox.Literal(found["value"]) if found else None


def timed(work: Callable[[int], Answer], times: int) -> tuple[float, Answer]:
    """Give the best time in seconds, and the answer; ``work`` is told which time it is."""
    best, answer = float("inf"), {}
    for number in range(times):
        begun = time.perf_counter()
        answer = work(number)
        best = min(best, time.perf_counter() - begun)
    return best, answer


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("city", type=Path)
    options.add_argument("--ortsteil", nargs="+", default=["jena-zentrum", "winzerla", "zwaetzen", "lobeda-altstadt"])
    options.add_argument("--year", type=int, default=2015)
    options.add_argument("--times", type=int, default=3)
    given = options.parse_args()
    port = free_port()
    command = [sys.executable, "-m", "stadtgraph", "serve", "--city", str(given.city), "--port", str(port)]
    with City(given.city) as city, server(command, port):
        engine = city.engine(view=View.PUBLIC)
        begun = time.perf_counter()
        shapes = Shapes(engine)
        print(f"{len(shapes.trees):,} trees, {len(shapes.stops)} stops, {len(shapes.sensors)} soil sensors;"
              f" read and built for shapely in {time.perf_counter() - begun:.1f} s")  # fmt: skip
        over_http(port, question("ours.rq", city.names.base, "ammerbach", 1900))  # the server has opened its store
        print(f"{'':<18}{'trees':>7}{'HTTP, cold':>12}{'in process':>12}{'plain':>12}{'STRtree':>12}   milliseconds")
        for ortsteil in given.ortsteil:
            compare(city, shapes, port, ortsteil, given)


def compare(city: City, shapes: Shapes, port: int, ortsteil: str, given: argparse.Namespace) -> None:
    """Print the line of one Ortsteil."""
    base, area = city.names.base, shapes.area(ortsteil)
    ours, plain = (question(name, base, ortsteil, given.year) for name in ("ours.rq", "plain.rq"))
    store = shapes.engine.store
    ways: dict[str, tuple[float, Answer]] = {
        "HTTP": timed(lambda i: over_http(port, f"{ours}\nLIMIT {100_000 + i}"), given.times),
        "in process": timed(lambda _: in_process(city, ours), given.times),
        "plain": timed(lambda _: read(store.query(plain, default_graph=ox.DefaultGraph())), 1),  # type: ignore[arg-type]
        "STRtree": timed(lambda _: shapes.ask(area, given.year), given.times),
    }
    exact = ways["STRtree"][1]
    figures = "".join(f"{seconds * 1000:>12.1f}" for seconds, _ in ways.values())
    print(f"{ortsteil:<18}{len(exact):>7}{figures}")
    first = ways["HTTP"][0]
    ratios = ", ".join(f"{name} {seconds / first:.2f}" for name, (seconds, _) in ways.items() if name != "HTTP")
    print(f"{'':<18}times of HTTP: {ratios}")
    for name, (_, answer) in ways.items():
        found = differences(shapes, exact, answer)
        if found:
            print(f"{'':<18}{name} DIFFERS in {len(found)}: {'; '.join(found[:5])}")


if __name__ == "__main__":
    main()
