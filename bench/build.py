"""How fast a city is built, and what a draft and a small edit cost.

    python bench/build.py --real-data DIR [--runs 3]

Prints, for the machine at hand: the whole build (seconds, triples, peak memory); loading beside raw
``pyoxigraph.Store.bulk_load`` of the same triples in the same run (triples per second and the ratio); clone and seal;
an edit of one record with everything derived. Medians of several runs.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pyoxigraph as ox

from stadtgraph.city import City
from stadtgraph.release import GraphInfo, Kind, Releases, drafting, writer_lock
from stadtgraph.store import read_lines, spool
from stadtgraph.terms import ORG, SKOS, Names


def timed(action: Callable[[], object]) -> float:
    """Give the seconds that ``action`` takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def peak_mb() -> float:
    """Give the peak memory of this process and of the largest of its children, added, in MB."""
    return sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024


def dumped(city: City, folder: Path) -> list[tuple[ox.NamedNode, Path, int]]:
    """Write every source graph of the current release as N-Triples; give graph, file and size."""
    release = city.releases.require_current()
    files = []
    for i, (iri, info) in enumerate(sorted(release.manifest().graphs.items())):
        if info.kind is Kind.FILE and info.triples:
            path = folder / f"{i}.nt"
            with path.open("wb") as file:
                release.engine().store.dump(file, ox.RdfFormat.N_TRIPLES, from_graph=ox.NamedNode(iri))
            files.append((ox.NamedNode(iri), path, info.triples))
    return files


def raw_load(files: list[tuple[ox.NamedNode, Path, int]], place: Path) -> None:
    """Load the files into named graphs by Oxigraph alone."""
    store = ox.Store(str(place))
    for graph, path, _ in files:
        store.bulk_load(path=str(path), format=ox.RdfFormat.N_TRIPLES, to_graph=graph)
    store.flush()


def our_load(files: list[tuple[ox.NamedNode, Path, int]], place: Path) -> None:
    """Load the files as a build does: spool, literals as written, difference, named graph and merge."""
    with writer_lock(place), drafting(Releases(place), Names(), why="bench") as draft:
        for graph, path, _ in files:
            entry = spool(read_lines(path), draft.folder("read"), "source")
            draft.put_spool(GraphInfo(graph.value, Kind.FILE, source=graph.value), entry)
            entry.remove()
        draft.seal()


def clone_and_seal(city: City, number: int) -> float:
    """Time a draft that changes one triple and derives nothing."""
    triple = ox.Triple(ox.NamedNode("urn:bench:s"), ox.NamedNode("urn:bench:p"), ox.Literal(str(number)))

    def action() -> None:
        info = GraphInfo(city.names.source("bench").value, Kind.MANAGED, source="bench")
        with writer_lock(city.path), drafting(city.releases, city.names, why="bench") as draft:
            draft.put(info, [triple])
            draft.seal()

    return timed(action)


def edit(city: City, number: int) -> float:
    """Time an edit of one unit (its name and its place in the hierarchy) with everything derived."""
    unit, names = city.names.id("unit/bench"), city.names

    def triples(n: int) -> list[ox.Triple]:
        return [
            ox.Triple(unit, SKOS.prefLabel, ox.Literal(str(n), language="de")),
            ox.Triple(unit, ORG.unitOf, names.id("unit/ksj" if n % 2 else "unit/jena")),
        ]

    def action() -> None:
        with city.draft(why="bench edit") as draft:
            draft.edit("bench-edit", add=triples(number), remove=triples(number - 1))

    return timed(action)


def main() -> None:
    """Run everything and print one line per figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real-data", required=True, type=Path)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="stadtgraph-bench-"))
    try:
        run(options.real_data, options.runs, folder)
    finally:
        shutil.rmtree(folder)


def run(real_data: Path, runs: int, folder: Path) -> None:
    """Measure with working files in ``folder``."""
    city = City(folder / "city")
    seconds = timed(lambda: city.build(real_data=real_data))
    memory = peak_mb()
    files = dumped(city, folder)
    total = sum(size for _, _, size in files)
    print(f"build                  {seconds:8.1f} s   {total:,} triples in {len(files)} sources, peak {memory:,.0f} MB")

    raw, ours = [], []
    for i in range(runs):
        raw.append(timed(lambda: raw_load(files, folder / f"raw{i}")))  # noqa: B023
        ours.append(timed(lambda: our_load(files, folder / f"ours{i}")))  # noqa: B023
        for name in ("raw", "ours"):
            shutil.rmtree(folder / f"{name}{i}")
    a, b = statistics.median(raw), statistics.median(ours)
    print(f"raw bulk_load          {a:8.1f} s   {total / a:,.0f} triples/s")
    print(f"load as a source       {b:8.1f} s   {total / b:,.0f} triples/s   ratio to raw {a / b:.2f}")

    seals = [clone_and_seal(city, n) for n in range(runs + 2)]
    print(f"clone and seal         {statistics.median(seals) * 1000:8.0f} ms")
    with city.draft(why="bench edit") as draft:
        unit = ox.Triple(city.names.id("unit/bench"), ox.NamedNode("urn:bench:p"), ox.Literal("new"))
        seed = folder / "seed.nt"
        seed.write_text(f"{unit} .\n")
        draft.load(seed, source="bench-edit")
    edits = [edit(city, n) for n in range(1, runs + 3)]
    print(f"edit of one record     {statistics.median(edits) * 1000:8.0f} ms with everything derived")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
