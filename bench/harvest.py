"""What harvesting costs, and how it grows: ``python bench/harvest.py --page CATALOGUE.rdf [--sizes 1000 10000]``.

``CATALOGUE.rdf`` is a real page of a catalogue (RDF/XML); catalogues of any size are made of it with new IRIs. Every
harvest runs in a process of its own, so that its peak of memory is its own. ``--whole`` seals a release, too, with
inferences and audit; ``--file`` takes a catalogue as it is. ``--make N FILE.nt`` only writes one.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pyoxigraph as ox

from stadtgraph import City
from stadtgraph.sources.harvest import Page, Taking
from stadtgraph.terms import DCAT, DCT, RDF, Names

BASE = "https://portal.example/catalogue"


def generated(page: Path, number: int) -> Iterator[bytes]:
    """Give N-Triples of a catalogue of ``number`` datasets: copies of those of a page under IRIs of their own."""
    triples = [q.triple for q in ox.parse(path=str(page), format=ox.RdfFormat.RDF_XML, base_iri=BASE, lenient=True)]
    roots = [t.subject for t in triples if t.predicate == RDF.type and t.object == DCAT.Dataset]
    own = {t.subject.value for t in triples if isinstance(t.subject, ox.NamedNode)} - _shared(triples)
    lines = [(_template(t.subject, own), f" {t.predicate} ", _template(t.object, own), t) for t in triples]
    for copy in range(-(-number // len(roots))):
        kept = {root.value for root in roots[: number - copy * len(roots)] if isinstance(root, ox.NamedNode)}
        for subject, predicate, target, triple in lines:
            if triple.predicate == DCAT.dataset and getattr(triple.object, "value", "") not in kept:
                continue
            if triple.subject in roots and triple.subject.value not in kept:
                continue
            back = f'"{copy}-{triple.object.value}"' if triple.predicate == DCT.identifier else target(copy)
            yield f"{subject(copy)}{predicate}{back} .\n".encode()


def _shared(triples: list[ox.Triple]) -> set[str]:
    """Give the IRIs that all copies share: the catalogue and the publishers."""
    kinds = {
        t.subject.value: t.object for t in triples if t.predicate == RDF.type and isinstance(t.subject, ox.NamedNode)
    }
    return {iri for iri, kind in kinds.items() if kind not in (DCAT.Dataset, DCAT.Distribution)}


def _template(term: object, own: set[str]):  # type: ignore[no-untyped-def]
    if isinstance(term, ox.BlankNode):
        label = re.sub(r"\W", "", term.value)
        return lambda copy: f"_:c{copy}x{label}"
    if isinstance(term, ox.NamedNode) and term.value in own:
        return lambda copy, iri=term.value: f"<{iri}/copy{copy}>"
    return lambda _copy, text=str(term): text


def make(page: Path, number: int, file: Path) -> None:
    """Write a catalogue."""
    with file.open("wb") as out:
        out.writelines(generated(page, number))


def measure(file: Path, whole: bool) -> None:
    """Harvest one file in this process, and print seconds, peak memory and numbers as JSON."""
    with tempfile.TemporaryDirectory(dir=file.parent) as folder:
        started, before = time.perf_counter(), time.process_time()
        if whole:
            with City(Path(folder) / "city") as city:
                report = city.harvest(str(file))
            found = {"records": report.loaded, "triples": report.triples, "bad": report.quarantined}
        else:
            taken = Taking("bench", Names(), Path(folder) / "work").take([Page(file, BASE)])
            assert taken.spool is not None
            found = {"records": taken.loaded, "triples": taken.spool.lines, "bad": taken.quarantined}
        peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        found |= {
            "seconds": time.perf_counter() - started,
            "processor": time.process_time() - before,
            "peak": peak / 1024,
        }  # type: ignore[operator]
    print(json.dumps(found))


def measured(file: Path, whole: bool) -> dict[str, float]:
    """Harvest one file in a process of its own."""
    command = [sys.executable, __file__, "--measure", str(file), *(["--whole"] if whole else [])]
    answer: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return answer


def told(name: str, found: dict[str, float], before: dict[str, float] | None) -> str:
    """Give one line of the table."""
    line = f"{name:>28}  {found['records']:>8,.0f} records  {found['triples']:>11,.0f} triples"
    line += f"  {found['seconds']:>7.1f} s  {found['processor']:>7.1f} s CPU  {found['peak']:>6.0f} MB"
    line += f"  {1e6 * found['processor'] / found['triples']:>5.1f} µs/triple"
    if before is not None:
        growth = (found["processor"] / before["processor"]) / (found["records"] / before["records"])
        line += f"  growth {growth:.2f} (1 is linear)"
    return line


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--file", type=Path, action="append", default=[])
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--make", nargs=2, metavar=("N", "FILE"))
    parser.add_argument("--measure", type=Path)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    if options.measure is not None:
        measure(options.measure, options.whole)
        return
    if options.make is not None:
        make(options.page, int(options.make[0]), Path(options.make[1]))
        return
    for file in options.file:
        print(told(file.name, measured(file, options.whole), None), flush=True)
    before = None
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for size in options.sizes if options.page is not None else ():
            file = Path(folder) / f"{size}.nt"
            make(options.page, size, file)
            found = measured(file, options.whole)
            print(told(f"{size} generated", found, before), flush=True)
            before = found
            file.unlink()


if __name__ == "__main__":
    main()
