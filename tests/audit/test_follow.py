"""The audit that follows an edit equals a full audit of the same content, whatever the edits and their order."""

from __future__ import annotations

import itertools
import tempfile
from collections import Counter
from pathlib import Path

import pyoxigraph as ox
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from audit.town_of_audits import AUDIT_SHAPES, PREFIXES
from stadtgraph.audit.examine import findings, stored
from stadtgraph.audit.view import AuditedView
from stadtgraph.city.auditing import Audits, Made
from stadtgraph.release import Draft, GraphInfo, Kind, Releases, View, drafting, writer_lock
from stadtgraph.shacl import ENGINES, Shapes
from stadtgraph.terms import Names

pytestmark = pytest.mark.skipif(not ENGINES["shacl"].is_there, reason="the package shacl has no wheel here")
NAMES = Names("https://town.example/")
REGISTER = GraphInfo(NAMES.source("register").value, Kind.MANAGED, source="register")
TREES = GraphInfo(NAMES.source("trees").value, Kind.MANAGED, source="trees", dataset="id/dataset/trees")
PROFILE = """
ex:rights a sh:PropertyShape ; sh:targetClass dcat:Distribution ; sh:path dct:rights ; sh:minCount 1 ;
    sh:severity sh:Violation ; sh:name "Rechte"@de ; sg:group sg:profile ; sg:mqaPoints 5 ;
    sg:mendedBy <id/role/data-manager> .
"""
STABLE = """
<id/unit/green> a org:OrganizationalUnit . <id/unit/roads> a org:OrganizationalUnit .
<id/dataset/trees> a dcat:Dataset . <id/dataset/paths> a dcat:Dataset ; dcat:distribution <id/file/1> .
<id/file/1> a dcat:Distribution .
"""
LOOSE = """
<id/dataset/trees> dct:title "Bäume"@de . <id/dataset/trees> dct:description "x" .
<id/dataset/paths> dct:title "Wege"@de . <id/dataset/paths> dct:issued "01"^^xsd:byte .
<id/dataset/paths> dct:issued "2020-01-01"^^xsd:date . <id/dataset/paths> dct:publisher <id/unit/roads> .
<id/dataset/paths> dct:publisher <id/unit/green> . <id/dataset/more> a dcat:Dataset .
<id/dataset/more> dcat:distribution <id/file/1> . <id/dataset/paths> dcat:distribution <id/file/2> .
<id/file/2> a dcat:Distribution . <id/file/1> dct:rights <id/rights> .
<id/r> a sg:Responsibility . <id/r> sg:for <id/dataset/paths> . <id/r> sg:for <id/dataset/trees> .
<id/r> prov:agent <id/unit/green> . <id/r> prov:agent <id/post/1> . <id/r> sg:raci sg:accountable .
<id/r> sg:validUntil "2020-01-01"^^xsd:date . <id/post/1> a org:Post . <id/post/1> org:postIn <id/unit/green> .
<id/post/1> org:postIn <id/unit/roads> . <id/post/1> org:role <id/role/data-manager> .
<id/post/1> org:role <id/role/urban-data-coach> . <id/post/2> org:role <id/role/data-governance-manager> .
<id/q> sg:about <id/dataset/paths> . <id/q> sg:askPost <id/post/2> . <id/unit/green> org:unitOf <id/unit/roads> .
<id/tree/1> sg:maintainedBy <id/unit/roads> . <id/dataset/trees> sg:maintainedBy <id/unit/green> .
"""
IN_TREES = """
<id/tree/1> a ex:Tree . <id/tree/1> ex:height "900"^^xsd:integer . <id/tree/2> a ex:Tree .
<id/tree/2> ex:height "900.50"^^xsd:decimal . <id/tree/2> sg:maintainedBy <id/unit/roads> .
<id/dataset/paths> dct:description "from elsewhere" .
"""


def read(text: str) -> list[ox.Triple]:
    """Read statements."""
    quads = ox.parse((PREFIXES + text).encode(), format=ox.RdfFormat.TURTLE, base_iri=NAMES.base)
    return [quad.triple for quad in quads]


POOL = [(REGISTER, t) for t in read(LOOSE)] + [(TREES, t) for t in read(IN_TREES)]
SHAPES = Shapes(read(AUDIT_SHAPES.removeprefix(PREFIXES) + PROFILE))
edit = st.lists(st.integers(0, len(POOL) - 1), min_size=1, max_size=4, unique=True)


def check(draft: Draft, counts: object, most: int = 0) -> None:
    """Compare the graphs and counts in a draft with those of a full audit."""
    engine = draft.engines[View.PUBLIC]
    view = AuditedView(engine, draft.graphs[View.PUBLIC], NAMES, f"{draft.created:%Y-%m-%d}")
    found = list(findings(view, SHAPES, draft.folder("check")))
    for graph, triples in Made(view, SHAPES, found, most).graphs():
        assert set(engine.as_written(graph)) == set(triples)
    assert counts == Counter((f.group, f.severity) for f in found)
    kept = stored(view, SHAPES)
    assert {f.key: f for f in kept.findings} == {f.key: f for f in found if kept.lists(f)}
    assert len(kept.findings) + sum(more.number for more in kept.more) == len(found)


@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(edit, min_size=3, max_size=6))
@example([[i] for i in range(len(POOL))])
@example([[i] for i in reversed(range(len(POOL)))])
def test_a_followed_audit_is_the_full_audit(edits: list[list[int]]) -> None:
    """Statements come and go: about datasets, files, trees, and about who answers for them."""
    follow(edits, 0)


@settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(edit, min_size=3, max_size=6), st.sampled_from((1, 2)))
@example([[i] for i in range(len(POOL))], 1)
@example([[i] for i in reversed(range(len(POOL)))], 1)
def test_a_followed_audit_is_the_full_audit_where_most_is_only_counted(edits: list[list[int]], most: int) -> None:
    """The limits are so small that rules come to them and leave them again."""
    follow(edits, most)


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
@given(st.lists(edit, min_size=3, max_size=8), st.sampled_from((0, 1, 2, 3)))
def test_many_followed_audits_are_the_full_audit(edits: list[list[int]], most: int) -> None:
    """Other cases every time; some minutes."""
    follow(edits, most)


def follow(edits: list[list[int]], most: int) -> None:
    """Make some edits one after the other, and compare the audit with a full one after each."""
    with tempfile.TemporaryDirectory() as folder:
        releases, audits, there = Releases(Path(folder)), Audits(SHAPES, most), set[int]()
        followed = Audits(SHAPES, most)
        for number in itertools.count():
            with writer_lock(Path(folder)), drafting(releases, NAMES, why="test") as draft:
                if number == 0:
                    draft.put(REGISTER, read(STABLE))
                    draft.put(TREES, read("<id/tree/0> a ex:Tree ; ex:height 900 .\n"))
                for i in edits[number - 1] if number else ():
                    info, triple = POOL[i]
                    draft.edit(info, *(([], [triple]) if i in there else ([triple], [])))
                    there ^= {i}
                counts = (followed if number % 2 else audits).derive(draft)
                check(draft, counts[View.PUBLIC], most)
                draft.seal()
            if number == len(edits):
                break
