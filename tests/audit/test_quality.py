"""What an audit measures of a dataset: findings by severity, and the points that it can gain."""

from __future__ import annotations

import pyoxigraph as ox

from stadtgraph.audit import Finding, Place, Rule
from stadtgraph.audit.quality import COMPLIANCE, OF, VALUE, quality
from stadtgraph.shacl import Result
from stadtgraph.terms import SG, SH, Names

BASE = "https://town.example/"
DATASET = ox.NamedNode(f"{BASE}id/dataset/trees")


def finding(number: int, shape: str, group: str, severity: ox.NamedNode, points: int = 0) -> Finding:
    """Give a finding of the dataset."""
    iri = ox.NamedNode(f"{BASE}shapes/{shape}")
    focus = ox.NamedNode(f"{BASE}id/distribution/{number}")
    result = Result(iri, focus, None, SH.MinCountConstraintComponent, None, severity, {}, iri)
    return Finding(str(number), result, Rule(iri, group=group, points=points), Place(dataset=DATASET))


def gain(*findings: Finding) -> int:
    """Give the points that the dataset can gain."""
    triples = list(quality(findings, Names(BASE)))
    measured = {t.subject for t in triples if t.predicate == OF and t.object == SG.pointsToGain}
    values = [int(t.object.value) for t in triples if t.subject in measured and t.predicate == VALUE]  # type: ignore[union-attr]
    return sum(values)


def test_points_of_a_rule_count_once_a_dataset() -> None:
    """Three distributions without a format can gain what one can."""
    assert gain(*(finding(i, "format", "quality", SH.Warning, 20) for i in range(3))) == 20


def test_violations_of_the_profile_cost_the_points_of_conformance_once() -> None:
    """However many there are; warnings of the profile and violations of other rules cost none."""
    several = [finding(i, f"profile-{i}", "profile", SH.Violation) for i in range(3)]
    assert gain(*several) == COMPLIANCE == 30
    assert gain(*several, finding(9, "format", "quality", SH.Warning, 20)) == 50
    assert gain(finding(1, "profile-x", "profile", SH.Warning), finding(2, "y", "registers", SH.Violation)) == 0
