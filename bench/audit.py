"""What an audit costs, how that grows, and what one change costs.

    python bench/audit.py --generator PATH [--sizes 1000,10000,100000] [--real-data DIR]

``PATH`` is a program that makes catalogues with seeded faults: ``PATH DATASETS FILE.nt``. Every size is loaded into a
release by a process of its own. Measured is the whole audit as a build makes it (what the validator reads is written,
validation, who answers, the graphs of the report in the store) with its own peak of memory, then the audit of single
changes. ``--shapes`` names other shapes: ``shapes`` for all of the product instead of those of a profile.
``--beside N`` runs pySHACL too, up to N datasets and for ``--limit`` seconds at most.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyoxigraph as ox

from stadtgraph.city import City
from stadtgraph.city.auditing import Audits
from stadtgraph.config import AuditSettings
from stadtgraph.release import Draft, GraphInfo, Kind, Releases, View, drafting, writer_lock
from stadtgraph.shacl import load_shapes, validate
from stadtgraph.store import OxigraphEngine, read_lines, spool
from stadtgraph.terms import DCAT, DCT, FOAF, ORG, RDF, SKOS, Names

HERE = Path(__file__).resolve().parent
PROFILE = HERE / "profile.ttl"
BASE = "https://data.example.org/"
Change = tuple[list[ox.Triple], list[ox.Triple]]


class Cost:
    """Seconds, seconds of processors, and the peak of memory between two moments of this process."""

    def __init__(self) -> None:
        """Begin; the peak of before is forgotten where the system can."""
        with suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")
        self._wall, self._processor = time.perf_counter(), time.process_time()

    def told(self) -> dict[str, Any]:
        """End."""
        wall, processor = time.perf_counter() - self._wall, time.process_time() - self._processor
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        with suppress(OSError):
            status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
            peak = int(status["VmHWM"].split()[0]) / 1024
        return {"seconds": wall, "processor": processor, "peak": peak}


def name(text: str) -> ox.NamedNode:
    """Give a node of the catalogue."""
    return ox.NamedNode(BASE + text)


def changes(engine: OxigraphEngine, number: int) -> Iterator[tuple[str, Change]]:
    """Give changes of one dataset and of what it hangs on; each is of the triples as they are then."""
    dataset, unit = name(f"dataset/{number}"), name(f"org/{number % 7 + 1}")
    titles = list(engine.triples(dataset, DCT.title))
    yield "title taken from a dataset", ([], titles)
    yield "title given to a dataset", (titles, [])
    links = list(engine.triples(dataset, DCT.publisher))
    yield "publisher of a dataset changed", ([ox.Triple(dataset, DCT.publisher, unit)], links)
    fresh = name(f"dataset/fresh-{number}")
    yield (
        "a bare dataset added",
        ([ox.Triple(fresh, RDF.type, DCAT.Dataset), ox.Triple(fresh, DCT.title, ox.Literal("Neu"))], []),
    )
    names = list(engine.triples(unit, FOAF.name))
    yield "an organisational unit renamed", ([ox.Triple(unit, FOAF.name, ox.Literal(f"Amt {number}"))], names)


def measure(file: Path, shapes: list[Path], repeat: int, size: int) -> None:
    """Load one file, audit it, change it, and print what that cost as JSON."""
    names, info = Names(BASE), GraphInfo(Names(BASE).source("catalogue").value, Kind.MANAGED, source="catalogue")
    audits = Audits(load_shapes(shapes, BASE), AuditSettings().findings)
    with tempfile.TemporaryDirectory(dir=file.parent) as folder:
        place, releases = Path(folder), Releases(Path(folder))

        def drafted(work: Callable[[Draft], dict[str, Any]]) -> dict[str, Any]:
            with writer_lock(place), drafting(releases, names, why="bench") as draft:
                found = work(draft)
                draft.seal()
            return found

        def first(draft: Draft) -> dict[str, Any]:
            entry = spool(read_lines(file), draft.folder("read"), "catalogue")
            draft.put_spool(info, entry)
            entry.remove()
            cost = Cost()
            counts = audits.derive(draft)
            return {**cost.told(), "findings": sum(counts[View.PUBLIC].values())}

        def changed(change: Change) -> Callable[[Draft], dict[str, Any]]:
            def work(draft: Draft) -> dict[str, Any]:
                draft.edit(info, *change)
                cost = Cost()
                audits.derive(draft)
                return cost.told()

            return work

        found = drafted(first)
        follow: dict[str, list[dict[str, Any]]] = {}
        for i in range(repeat + 1 if repeat else 0):
            engine = releases.require_current().engine(View.PUBLIC)
            for what, change in list(changes(engine, (i * 7919 + 11) % size)):
                told = drafted(changed(change))
                if i:  # the first round compiles the shapes
                    follow.setdefault(what, []).append(told)
        found["changes"] = {
            what: {key: statistics.median(c[key] for c in costs) * 1000 for key in ("seconds", "processor")}
            for what, costs in follow.items()
        }
    print(json.dumps(found))


def beside(file: Path, shapes: list[Path]) -> None:
    """Validate one file with pySHACL, and print what that cost as JSON."""
    compiled = load_shapes(shapes, BASE)
    cost = Cost()
    report = validate(file, compiled, using="pyshacl")
    print(json.dumps({**cost.told(), "findings": len(report)}))


def run(options: argparse.Namespace, file: Path, *more: str, limit: float | None = None) -> dict[str, Any] | None:
    """Measure in a process of its own; ``None`` where it did not end in time."""
    command = [sys.executable, __file__, "--measure", str(file), *more]
    command += [part for path in options.shapes for part in ("--shapes", str(path))]
    try:
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=limit)
    except subprocess.TimeoutExpired:
        return None
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def catalogues(options: argparse.Namespace, folder: Path) -> None:
    """Print what audits of catalogues cost, and how that grows."""
    before: tuple[int, float] | None = None
    for size in map(int, options.sizes.split(",")):
        file = folder / f"{size}.nt"
        subprocess.run([sys.executable, str(options.generator), str(size), str(file)], check=True, capture_output=True)
        found = run(options, file, "--repeat", str(options.repeat), "--size", str(size))
        assert found is not None
        growth = ""
        if before:
            more = found["processor"] / before[1]
            growth = f"; {size / before[0]:.0f} times the data, {more:.1f} times the work"
        before = (size, found["processor"])
        print(f"{size:>8,} datasets, whole audit: {shown(found)}{growth}", flush=True)
        for what, cost in found["changes"].items():
            print(
                f"{'':>10}{what:<34} {cost['seconds']:8.1f} ms ({cost['processor']:.1f} ms of processors)", flush=True
            )
        if size <= options.beside:
            other = run(options, file, "--using", "pyshacl", limit=options.limit)
            print(
                f"{'':>10}pySHACL, validation alone: {shown(other) if other else f'over {options.limit:g} s'}",
                flush=True,
            )
        file.unlink()


def shown(cost: dict[str, Any]) -> str:
    """Give a cost in words."""
    return (
        f"{cost['seconds']:.1f} s ({cost['processor']:.1f} s of processors), {cost['peak']:,.0f} MB at most, "
        f"{cost['findings']:,} findings"
    )


def real_city(real_data: Path, folder: Path, repeat: int) -> None:
    """Print what the audit adds to a build of the real city, and to an edit of one record."""
    costs: dict[str, dict[str, Any]] = {}
    running = Cost()

    def progress(step: str) -> None:
        nonlocal running
        costs[step.partition(" ")[0]] = running.told()
        running = Cost()

    started = time.perf_counter()
    city = City(folder / "city")
    city.build(real_data=real_data, progress=progress)
    cost = costs["audit"]
    print(
        f"    real city, build of {time.perf_counter() - started:.1f} s, of which the audit {cost['seconds']:.1f} s "
        f"({cost['processor']:.1f} s of processors), {cost['peak']:,.0f} MB at most"
    )
    unit, seed = city.names.id("unit/bench"), folder / "seed.nt"
    seed.write_text(f"{ox.Triple(unit, RDF.type, ORG.OrganizationalUnit)} .\n")
    with city.draft(why="bench") as draft:
        draft.load(seed, source="bench-edit")
    edits: list[dict[str, Any]] = []
    for n in range(repeat + 1):
        label = [ox.Triple(unit, SKOS.prefLabel, ox.Literal(str(n + i), language="de")) for i in (1, 0)]
        whole = running = Cost()
        with city.draft(why="bench", progress=progress) as draft:
            draft.edit("bench-edit", label[:1], label[1:])
        edits.append({"whole": whole.told(), "audit": costs["audit"]})
    for part in ("whole", "audit"):
        wall, processor = (statistics.median(e[part][key] for e in edits[1:]) for key in ("seconds", "processor"))
        print(f"    edit of one record, {part:<6} {wall * 1000:8.0f} ms ({processor * 1000:.0f} ms of processors)")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generator", type=Path)
    parser.add_argument("--real-data", type=Path)
    parser.add_argument("--sizes", default="1000,10000,100000")
    parser.add_argument("--shapes", type=Path, action="append")
    parser.add_argument("--repeat", type=int, default=10)
    parser.add_argument("--beside", type=int, default=0, help="up to how many datasets pySHACL runs too")
    parser.add_argument("--limit", type=float, default=600.0, help="seconds that pySHACL may take")
    for name_of_option, kind in (("--measure", Path), ("--size", int), ("--using", str)):
        parser.add_argument(name_of_option, type=kind, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.shapes = options.shapes or [PROFILE]
    if options.measure and options.using:
        beside(options.measure, options.shapes)
    elif options.measure:
        measure(options.measure, options.shapes, options.repeat, options.size)
    elif options.generator is None and options.real_data is None:
        parser.error("--generator or --real-data is needed")
    else:
        with tempfile.TemporaryDirectory(prefix="stadtgraph-bench-") as folder:
            if options.generator is not None:
                catalogues(options, Path(folder))
            if options.real_data is not None:
                real_city(options.real_data, Path(folder), options.repeat)


if __name__ == "__main__":
    main()
