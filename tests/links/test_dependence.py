"""Adding, changing and removing a source changes the links and inferences that depend on it, and no others."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyoxigraph as ox
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stadtgraph.errors import NotFound
from stadtgraph.release import View
from town import ONTOLOGY, SOURCES, Town

BASE = "https://town.example/"
DERIVED = [f"{BASE}graph/{name}" for name in ("inferred", "links", "space", "audit", "quality")]
RULE = """
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix sg: <https://w3id.org/stadtgraph/ns#> .
<id/link-rule/same-height> a sg:LinkRule ; rdfs:label "Gleich hoch"@de , "As high"@en ;
    sg:left "SELECT ?item ?value { ?item <https://town.example/ns#height> ?value }" ;
    sg:right "SELECT ?item ?value { ?item <https://town.example/ns#size> ?value }" ;
    sg:makes <https://town.example/ns#asHighAs> ; sg:inverse <https://town.example/ns#asHighAs> ;
    sg:compare [ a sg:Key ] .
"""
AXIOMS = """
ex:keeps a owl:ObjectProperty ; rdfs:range ex:Unit ; owl:inverseOf ex:keptBy .
ex:Plant a owl:Class ; owl:disjointWith ex:Unit .
ex:size a owl:FunctionalProperty .
"""
UNITS = [
    "<id/unit/a> a ex:Unit ; ex:name 'A'@de .",
    "<id/unit/b> a ex:Unit ; ex:name 'B'@de .",
    "<id/unit/a> ex:partOf <id/unit/b> .",
    "<id/unit/b> ex:partOf <id/unit/c> .",
    "<id/unit/c> ex:partOf <id/unit/a> .",
    "<id/unit/a> ex:size 5 .",
    "<id/unit/a> ex:size 6 .",
    "<id/unit/b> ex:size 6 .",
    "<id/unit/b> ex:keeps <id/tree/1> .",
    "<id/unit/c> ex:keeps <id/unit/a> .",
]
PREFIXES = "@prefix ex: <https://town.example/ns#> .\n"
HEAD, *ENTRIES = SOURCES.split("[[source]]")


class ChangingTown(Town):
    """A town whose sources come, change and go; it has a link rule, and axioms that its data may contradict."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        (folder / "ontology" / "town.ttl").write_text(ONTOLOGY + AXIOMS)
        (self.data / "links").mkdir()
        (self.data / "links" / "near.ttl").write_text(RULE)
        self.there = {"units", "trees", "plans"}
        self.plans()

    def take(self, step: tuple[str, list[int], int]) -> str:
        """Change a source, or let it go or come; give its name."""
        kind, chosen, number = step
        if kind == "units":
            (self.data / "units.ttl").write_text(PREFIXES + "\n".join(UNITS[i] for i in chosen))
        elif kind == "trees":
            self.trees(number, str(5 + len(chosen) % 2))
        elif kind == "plans":
            self.plans(f"Plan {number}")
        else:
            kind = ("units", "trees", "plans")[number % 3]
            self.there ^= {kind}
            entries = [entry for entry in ENTRIES if any(f'name = "{name}"' in entry for name in self.there)]
            (self.data / "sources.toml").write_text("[[source]]".join((HEAD, *entries)))
        return kind

    def from_scratch(self) -> None:
        """Drop all releases, and build."""
        shutil.rmtree(self.city_folder / "releases")
        (self.city_folder / "current").unlink()
        self.build()


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["units", "units", "trees", "plans", "come or go"]),
        st.lists(st.integers(0, len(UNITS) - 1), max_size=8, unique=True),
        st.integers(1, 4),
    ),
    min_size=1,
    max_size=4,
)


def _reads(town: Town, view: View, triple: ox.Triple, graph: str, release: str) -> bool:
    """Tell whether a derivation of an inferred triple in a release uses what a source states."""
    with town.city as city:
        try:
            found = city.explain(str(triple), release=release, view=view)
        except NotFound:
            return False
    return any(graph in step.graphs for step in found.steps)


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_what_is_derived_follows_every_source_as_if_made_from_scratch(
    steps: list[tuple[str, list[int], int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """After sources came, changed and went in any order, everything derived is what a new city would have."""
    _follows(steps, tmp_path_factory)


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_what_is_derived_follows_many_changes(
    steps: list[tuple[str, list[int], int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The same for many more sequences."""
    _follows(steps, tmp_path_factory)


def _follows(steps: list[tuple[str, list[int], int]], tmp_path_factory: pytest.TempPathFactory) -> None:
    town = ChangingTown(tmp_path_factory.mktemp("town"))
    town.build()
    for step in steps:
        town.take(step)
        town.build()
    kept = {view: town.contents(view) for view in View}
    town.from_scratch()
    for view in View:
        new = town.contents(view)
        for graph in DERIVED:
            assert kept[view].get(graph) == new.get(graph), (view, graph)


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_a_changed_source_changes_what_depends_on_it_alone(
    steps: list[tuple[str, list[int], int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Each inference that came or went rests on the source, and each link has an end that the source describes."""
    town = ChangingTown(tmp_path_factory.mktemp("town"))
    before, now = "", town.build()
    for step in steps:
        old = {view: town.contents(view) for view in View}
        source = f"{BASE}graph/source/{town.take(step)}"
        before, now = now, town.build()
        for view in View:
            _check(town, view, source, old[view], (before, now))


def _check(
    town: Town, view: View, source: str, old: dict[str, frozenset[ox.Triple]], releases: tuple[str, str]
) -> None:
    new = town.contents(view)
    inferred, links = ([known.get(f"{BASE}graph/{name}", frozenset()) for known in (old, new)] for name in DERIVED[:2])
    for triples, release in ((inferred[0] - inferred[1], releases[0]), (inferred[1] - inferred[0], releases[1])):
        for triple in triples:
            is_stated = any(triple in known.get(source, ()) for known in (old, new))  # stated before or after
            assert is_stated or _reads(town, view, triple, source, release), (triple, release)
    described = {t.subject for known in (old, new) for t in known.get(source, ())}
    ends: dict[ox.NamedNode | ox.BlankNode | ox.Triple, set[object]] = {t.subject: set() for t in links[0] ^ links[1]}
    for triple in links[0] | links[1]:
        if triple.subject in ends:
            ends[triple.subject].add(triple.object)
    for subject, values in ends.items():
        is_of_rule = "/link-rule/" in str(subject)
        assert is_of_rule or ({subject} | values) & described, subject
