"""Catalogues with seeded faults: every one of them is found, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pyoxigraph as ox
import pytest

from stadtgraph.reason import TripleIndex
from stadtgraph.shacl import ENGINES, Incremental, Report, load_shapes, validate
from stadtgraph.terms import SG, XSD

pytestmark = pytest.mark.skipif(not ENGINES["shacl"].is_there, reason="the package shacl has no wheel here")
PROFILE = Path(__file__).resolve().parents[2] / "bench" / "profile.ttl"
SHIPPED = Path(__file__).resolve().parents[2] / "shapes"
Faults = set[tuple[str, str]]


def catalogue(shared: Path, folder: Path, datasets: int, share: float) -> tuple[Path, Faults]:
    """Make a catalogue, and give its file with the focus node and path of every fault."""
    file = folder / f"catalogue-{share}.nt"
    generator = shared / "tools" / "generate_catalogue.py"
    command = [sys.executable, str(generator), str(datasets), str(file), "--fault-share", str(share)]
    subprocess.run(command, check=True, capture_output=True)
    listed = json.loads(file.with_name(f"catalogue-{share}.faults.json").read_text("utf-8"))
    return file, {(entry["focus"], entry["path"]) for entry in listed["faults"]}


def places(report: Report) -> Faults:
    """Give focus node and path of every result, as the list of faults writes them."""
    return {(str(r.focus)[1:-1], (r.path or "").replace("<", "").replace(">", "")) for r in report.results}


def triples(file: Path) -> list[ox.Triple]:
    """Read a file of N-Triples."""
    return [quad.triple for quad in ox.parse(path=str(file), format=ox.RdfFormat.N_TRIPLES)]


def test_every_seeded_fault_is_found_and_nothing_else(shared: Path, tmp_path: Path) -> None:
    """All kinds of faults, each at its node and path; a catalogue without faults conforms."""
    shapes = load_shapes([PROFILE], "https://example.org/")
    file, faults = catalogue(shared, tmp_path, 1000, 0.1)
    assert places(validate(file, shapes)) == faults and len(faults) > 100
    sound, none = catalogue(shared, tmp_path, 1000, 0.0)
    assert validate(sound, shapes).conforms and not none


OF_THE_GENERATOR = {"identifier-malformed": "the form of its identifiers is the generator's own"}


def test_the_shipped_shapes_find_every_seeded_fault_and_nothing_else(shared: Path, tmp_path: Path) -> None:
    """A faulty catalogue differs from the sound one at the faults alone, or at the contact that a fault names."""
    shapes = load_shapes([SHIPPED], "https://example.org/")
    file, _ = catalogue(shared, tmp_path, 1000, 0.1)
    sound, _ = catalogue(shared, tmp_path, 1000, 0.0)
    day = ox.Triple(SG.audit, SG.asOf, ox.Literal("2026-11-21", datatype=XSD.date))
    faulty, before = (validate([*triples(entry), day], shapes) for entry in (file, sound))
    known = {(r.focus, r.source, r.value) for r in before.results}
    found = {str(r.focus)[1:-1] for r in faulty.results if (r.focus, r.source, r.value) not in known}
    listed = json.loads(file.with_name("catalogue-0.1.faults.json").read_text("utf-8"))["faults"]
    missed = {e["kind"] for e in listed if not {e["focus"], e.get("value")} & found}
    assert missed == set(OF_THE_GENERATOR)
    assert found <= {node for e in listed for node in (e["focus"], e["dataset"], e.get("value"))}


def test_the_engines_find_the_same_seeded_faults(shared: Path, tmp_path: Path) -> None:
    """The reference gives the same results, but for a date it compares with a string."""
    shapes = load_shapes([PROFILE], "https://example.org/")
    file, faults = catalogue(shared, tmp_path, 100, 0.4)
    fast, slow = (places(validate(file, shapes, using=name)) for name in ("shacl", "pyshacl"))
    assert fast == faults
    assert {(focus, path.rpartition("/")[2]) for focus, path in slow - fast} <= _issued_as_text(file)
    assert not fast - slow


def _issued_as_text(file: Path) -> Faults:
    """Give the datasets whose date of issue is plain text: rdflib lets a date be less than it."""
    wrong = (t for t in triples(file) if t.predicate.value.endswith("/issued") and isinstance(t.object, ox.Literal))
    return {(str(t.subject)[1:-1], "modified") for t in wrong if t.object.datatype.value.endswith("#string")}  # type: ignore[union-attr]


def test_faults_that_come_one_by_one_are_found_when_they_come(shared: Path, tmp_path: Path) -> None:
    """From a sound catalogue to a faulty one, and back: each step gives the report of a full validation."""
    audit = Incremental(load_shapes([PROFILE], "https://example.org/"))
    assert audit.in_full == {}
    faulty, faults = catalogue(shared, tmp_path, 150, 0.3)
    sound, _ = catalogue(shared, tmp_path, 150, 0.0)
    before, after = triples(sound), triples(faulty)
    facts = TripleIndex(before)
    report = audit.full(facts)
    for subject, removed, added in _by_subject(before, after):
        for triple in removed:
            facts.discard(triple)
        for triple in added:
            facts.add(triple)
        report = audit.update(facts, report, added, removed)
        assert report.for_focus([subject]) == audit.full(facts).for_focus([subject])
    assert places(report) == faults and report == audit.full(facts)
    for triple in set(after) - set(before):
        facts.discard(triple)
    for triple in set(before) - set(after):
        facts.add(triple)
    assert audit.update(facts, report, set(before) - set(after), set(after) - set(before)).conforms


def _by_subject(
    before: Iterable[ox.Triple], after: Iterable[ox.Triple]
) -> list[tuple[ox.NamedNode, list[ox.Triple], list[ox.Triple]]]:
    old, new = set(before), set(after)
    subjects = sorted({t.subject for t in old ^ new}, key=str)
    return [
        (s, [t for t in old - new if t.subject == s], [t for t in new - old if t.subject == s])  # type: ignore[misc]
        for s in subjects
    ]
