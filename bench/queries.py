"""How long each example query takes on a built city.

    python bench/queries.py --city DIR [--runs 3]

Prints the median seconds and the rows of every example query with its defaults, slowest first; the answer is read to
its end. Build the city before with ``stadtgraph build --city DIR --real-data FILES``.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

from stadtgraph.city import City
from stadtgraph.sparql.files import load_queries


def main() -> None:
    """Run every example query several times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--city", required=True, type=Path)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    with City(options.city) as city:
        found = []
        for query in load_queries(city.folders.queries):
            text, taken, rows = query.fill({}, city.names.base), [], 0
            for _ in range(options.runs):
                started = time.perf_counter()
                rows = len(city.query(text))
                taken.append(time.perf_counter() - started)
            found.append((statistics.median(taken), rows, query.name))
        for seconds, rows, name in sorted(found, reverse=True):
            print(f"{seconds * 1000:8.0f} ms  {rows:6,} rows  {name}")


if __name__ == "__main__":
    main()
