"""How long an audit takes, how it grows, and what one change costs: ``python bench/audit.py --generator PATH``.

``PATH`` is a program that makes catalogues with seeded faults: ``PATH DATASETS FILE.nt``. Every full validation runs
in a process of its own, so that its peak of memory is its own.
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
from pathlib import Path

import pyoxigraph as ox

from stadtgraph.shacl import Incremental, Report, Shapes, load_shapes, validate
from stadtgraph.terms import DCAT, DCT, FOAF, RDF, Term

HERE = Path(__file__).resolve().parent
SHAPES = (HERE / "profile.ttl", HERE.parent / "shapes")
BASE = "https://data.example.org/"
Node = ox.NamedNode | ox.BlankNode
Change = tuple[list[ox.Triple], list[ox.Triple]]


class InStore:
    """The triples of a store of Oxigraph, as the product keeps them."""

    def __init__(self, file: Path, folder: Path) -> None:
        self.store = ox.Store(str(folder))
        self.store.bulk_load(path=str(file), format=ox.RdfFormat.N_TRIPLES)

    def match(self, s: Node | ox.Triple | None, p: ox.NamedNode | None, o: Term | None, /) -> Iterator[ox.Triple]:
        """Give the triples that fit the pattern."""
        return (quad.triple for quad in self.store.quads_for_pattern(s, p, o, ox.DefaultGraph()))

    def apply(self, added: list[ox.Triple], removed: list[ox.Triple]) -> None:
        """Make a change."""
        for triple in removed:
            self.store.remove(ox.Quad(*triple))
        self.store.extend(ox.Quad(*triple) for triple in added)


def name(text: str) -> ox.NamedNode:
    """Give a node of the catalogue."""
    return ox.NamedNode(BASE + text)


def changes(facts: InStore, number: int) -> Iterator[tuple[str, Change]]:
    """Give changes of one dataset and of what it hangs on; each is of the triples as they are then."""
    dataset, unit = name(f"dataset/{number}"), name(f"org/{number % 7 + 1}")
    titles = list(facts.match(dataset, DCT.title, None))
    yield "title taken from a dataset", ([], titles)
    yield "title given to a dataset", (titles, [])
    links = list(facts.match(dataset, DCT.publisher, None))
    yield "publisher of a dataset changed", ([ox.Triple(dataset, DCT.publisher, unit)], links)
    yield "a dataset removed whole", ([], list(facts.match(dataset, None, None)))
    fresh = [ox.Triple(dataset, RDF.type, DCAT.Dataset), ox.Triple(dataset, DCT.title, ox.Literal("Neu"))]
    yield "a bare dataset added", (fresh, [])
    names = list(facts.match(unit, FOAF.name, None))
    yield "an organisational unit renamed", ([ox.Triple(unit, FOAF.name, ox.Literal("Amt"))], names)


def timed(work: Callable[[], Report]) -> tuple[float, Report]:
    """Give the seconds that ``work`` took, and its result."""
    start = time.perf_counter()
    report = work()
    return time.perf_counter() - start, report


def measure(file: Path, shapes: list[Path], using: str) -> None:
    """Validate one file in this process, and print seconds, peak memory and results as JSON."""
    compiled = load_shapes(shapes, BASE)
    before = resource.getrusage(resource.RUSAGE_SELF)
    seconds, report = timed(lambda: validate(file, compiled, using=using))
    used = resource.getrusage(resource.RUSAGE_SELF)
    processor = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    found = {"seconds": seconds, "processor": processor, "peak": used.ru_maxrss / 1024, "results": len(report)}
    print(json.dumps(found))


def measured(file: Path, shapes: list[Path], using: str) -> dict[str, float]:
    """Validate one file in a process of its own."""
    command = [sys.executable, __file__, "--measure", str(file), "--using", using]
    command += [part for path in shapes for part in ("--shapes", str(path))]
    answer: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return answer


def full(sizes: list[int], generator: Path, shapes: list[Path], folder: Path, beside: int) -> None:
    """Print what full validations cost, and how that grows."""
    print("full validation, from N-Triples to the report")
    before: tuple[int, float] | None = None
    for size in sizes:
        file = folder / f"{size}.nt"
        subprocess.run([sys.executable, str(generator), str(size), str(file)], check=True, capture_output=True)
        for using in ("shacl", "pyshacl") if size <= beside else ("shacl",):
            found = measured(file, shapes, using)
            growth = ""
            if using == "shacl":
                if before:
                    more = found["processor"] / before[1]
                    growth = f"; {size / before[0]:.0f} times the data, {more:.1f} times the work"
                before = (size, found["processor"])
            print(
                f"{size:>8,} datasets, {using:>7}: {found['seconds']:7.2f} s "
                f"({found['processor']:.2f} s of processors), {found['peak']:6,.0f} MB at most, "
                f"{found['results']:,.0f} results{growth}",
                flush=True,
            )


def follow(size: int, shapes: Shapes, file: Path, folder: Path, repeat: int) -> None:
    """Print what single changes cost in a store of ``size`` datasets."""
    audit = Incremental(shapes)
    facts = InStore(file, folder)
    report = audit.full(file)
    print(f"changes in a store of {size:,} datasets on disk, median of {repeat}; in full: {audit.in_full or 'nothing'}")
    times: dict[str, list[float]] = {}
    for i in range(repeat + 1):
        for what, (added, removed) in changes(facts, (i * 7919 + 11) % size):
            facts.apply(added, removed)
            seconds, report = timed(lambda a=added, r=removed, old=report: audit.update(facts, old, a, r))  # type: ignore[misc]
            if i:  # the first round compiles the shapes
                times.setdefault(what, []).append(seconds * 1000)
    for what, listed in times.items():
        print(f"  {what:<34} {statistics.median(listed):8.1f} ms (slowest {max(listed):.1f})")
    if size <= 1000:
        print(f"  equal to a full validation: {report == audit.full(facts)}")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--generator", type=Path)
    parser.add_argument("--sizes", default="1000,10000,100000")
    parser.add_argument("--shapes", type=Path, action="append")
    parser.add_argument("--repeat", type=int, default=10)
    parser.add_argument("--beside", type=int, default=0, help="up to how many datasets pySHACL runs too")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--using", default="shacl", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    shapes = arguments.shapes or list(SHAPES)
    if arguments.measure:
        measure(arguments.measure, shapes, arguments.using)
        return
    if arguments.generator is None:
        parser.error("--generator is needed")
    sizes = [int(size) for size in arguments.sizes.split(",")]
    with tempfile.TemporaryDirectory() as name_of_folder:
        folder = Path(name_of_folder)
        full(sizes, arguments.generator, shapes, folder, arguments.beside)
        for size in sizes if arguments.repeat else ():
            compiled = load_shapes(shapes, BASE)
            follow(size, compiled, folder / f"{size}.nt", folder / f"store-{size}", arguments.repeat)


if __name__ == "__main__":
    main()
