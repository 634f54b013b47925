"""How long it takes to harvest, validate and export a catalogue, and how that grows.

    python bench/catalogue.py FILE.nt.gz                      a catalogue as it is
    python bench/catalogue.py FILE.rdf --copies 10 100 1000   its datasets over and over, each time with new IRIs

With several numbers of copies each line tells how a step grew: 1 is in proportion to the datasets. Every step runs in a
process of its own, so that its peak of memory is its own. Harvesting takes the file in record by record, repairs,
derives and seals; scores, which small catalogues get as well (``[audit] scored``), are left out so that sizes can be
compared. Validation is that of the export under the shapes of the profile. Processor time does not depend on other
programs; the time of the clock does. 100,000 datasets of 177 triples take some 25 GB among the temporary files.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pyoxigraph as ox

from stadtgraph import City
from stadtgraph.catalogue import DCAT_AP_DE, PROFILES
from stadtgraph.catalogue.compliance import checked
from stadtgraph.catalogue.formats import FORMS
from stadtgraph.city.cataloguing import catalogue
from stadtgraph.city.harvestcalls import harvest
from stadtgraph.city.previewing import profile_shapes

FORMATS = {
    ".rdf": ox.RdfFormat.RDF_XML,
    ".xml": ox.RdfFormat.RDF_XML,
    ".nt": ox.RdfFormat.N_TRIPLES,
    ".ttl": ox.RdfFormat.TURTLE,
}
SETTINGS = '[city]\ndata = "../data"\nshapes = "../shapes"\n\n[audit]\nscored = 0\n'
STEPS = ("harvest", "validate", "export rdf", "export jsonld", "export nt")


def copied(source: Path, target: Path, copies: int) -> None:
    """Write a catalogue as N-Triples, its datasets and all that hangs on them ``copies`` times with new IRIs."""
    suffix = Path(source.stem).suffix if source.suffix == ".gz" else source.suffix
    with gzip.open(source, "rb") if source.suffix == ".gz" else source.open("rb") as file:
        triples = [q.triple for q in ox.parse(file, format=FORMATS[suffix], base_iri="urn:bench:", lenient=True)]
    own = {t.subject for t in triples}

    def renamed(node: object, number: int) -> str:
        if node in own and number:
            return f"<urn:copy:{number}:{hashlib.sha1(str(node).encode()).hexdigest()[:20]}>"
        return f"_:b{number}{str(node)[2:]}" if isinstance(node, ox.BlankNode) else str(node)

    with target.open("w") as out:
        for number in range(copies):
            for t in triples:
                if not any(c in f"{t.subject}{t.object}" for c in " {}|^`") or isinstance(t.object, ox.Literal):
                    out.write(f"{renamed(t.subject, number)} {t.predicate} {renamed(t.object, number)} .\n")


def step(name: str, folder: Path) -> dict[str, float]:
    """Do one step; give what it handled."""
    if name == "harvest":
        with City(folder / "city") as city:
            report = harvest(city, str(folder / "catalogue.nt"), source="bench")
        return {"records": report.loaded, "repairs": sum(report.repairs.values())}
    with City(folder / "city") as city:
        made = catalogue(city, city.releases.require_current())
        if name == "validate":
            shapes = profile_shapes(city)
            found = list(islice(_verdicts(made.records(DCAT_AP_DE), shapes, made.today), None))
            return {"datasets": len(found), "violated": sum(found), "held back": len(made.held_back)}
        form, size = FORMS[name.split()[1]], 0
        with (folder / f"out.{form.name}").open("wb") as file:
            for block in form.write(made.head(PROFILES["govdata"]), made.records(PROFILES["govdata"]), ()):
                size += file.write(block)
        return {"datasets": len(made.datasets), "MB": round(size / 1e6, 1)}


def _verdicts(records: Iterator[object], shapes: object, today: str) -> Iterator[bool]:
    for _, violated in checked(records, shapes, today):  # type: ignore[arg-type]
        yield bool(violated)


def measured(name: str, folder: Path) -> dict[str, float]:
    """Do one step in this process and measure it."""
    clock, work = time.perf_counter(), time.process_time()
    found = step(name, folder)
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    work = time.process_time() - work + children.ru_utime + children.ru_stime
    return {"seconds": time.perf_counter() - clock, "processor": work, "peak MB": peak / 1024, **found}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--copies", type=int, nargs="+", default=[1])
    parser.add_argument("--step", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        print(json.dumps(measured(options.step, options.file)))
        return
    before: dict[str, dict[str, float]] = {}
    for copies in options.copies:
        before = table(options.file, copies, before)


def table(file: Path, copies: int, before: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """Do all steps with one number of copies, print what each took, and give it."""
    done: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("data", "shapes", "city"):
            (folder / part).mkdir()
        (folder / "data" / "sources.toml").write_text("")
        (folder / "city" / "stadtgraph.toml").write_text(SETTINGS)
        copied(file, folder / "catalogue.nt", copies)
        print(f"{'step':14} {'seconds':>8} {'processor':>9} {'peak MB':>8}", flush=True)
        total = 0.0
        for one in STEPS:
            call = [sys.executable, __file__, str(folder), "--step", one]
            done[one] = found = json.loads(subprocess.run(call, check=True, capture_output=True, text=True).stdout)
            total += found["seconds"] if one in ("harvest", "validate", "export rdf") else 0
            rest = ", ".join(f"{k} {v:g}" for k, v in found.items() if k not in ("seconds", "processor", "peak MB"))
            line = f"{one:14} {found['seconds']:8.1f} {found['processor']:9.1f} {found['peak MB']:8.0f}  {rest}"
            print(line + grown(found, before.get(one), done, before), flush=True)
        print(f"harvest, validate and export rdf: {total:.1f} s", flush=True)
    return done


def grown(
    now: dict[str, float],
    then: dict[str, float] | None,
    done: dict[str, dict[str, float]],
    before: dict[str, dict[str, float]],
) -> str:
    """Tell how the processor time of a step grew beside the number of records, and its peak of memory."""
    if then is None:
        return ""
    records = done["harvest"]["records"] / before["harvest"]["records"]
    time = now["processor"] / then["processor"] / records
    return f"; growth {time:.2f}, memory {now['peak MB'] / then['peak MB']:.2f} times"


if __name__ == "__main__":
    main()
