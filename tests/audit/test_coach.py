"""The checks of a coach, each answered by the report on the city's own registers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

import pyoxigraph as ox
import pytest

from stadtgraph import City
from stadtgraph.audit import AuditReport
from stadtgraph.audit.explain import explain
from stadtgraph.city.reporting import audited_view
from stadtgraph.terms import PREFIXES, SH

SHAPES = "https://w3id.org/stadtgraph/shapes/"
DAY = datetime(2026, 11, 21, tzinfo=UTC)
"""The day of the audit: on later ones more has ended."""
CHECKS = {
    "no accountable unit": ("dataset-accountable", {"dataset/geplante-datensaetze", "dataset/ladepunkte-kennzahlen"}),
    "more than one accountable": ("dataset-one-accountable", 2),
    "held by a dissolved unit": ("responsibility-of-dissolved-unit", 1),
    "vacant or not known whether": ("post-vacancy-known", 20),
    "personal data without the officer": ("personal-data-officer-heard", 0),
    "published without a licence": ("distribution-licence", 44),
    "published without a decision": ("release-decided", 18),
    "ends with the project": ("ends-with-project", 3),
    "publisher is not the owner": ("publisher-is-owner", 2),
    "no contact point": ("dataset-contact", 68),
    "system without an architect": ("system-architect", {"system/urban-data-platform", "system/ibis"}),
    "no audit in the last twelve months": ("dataset-audited", 68),
    "no data manager": ("dataset-data-manager", 68),
    "role of the strategy without a post": ("strategy-role-has-post", 4),
}
"""What a coach asks → the shape that answers, and what it finds in the registers."""


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """Jena from its registers, without content files."""
    with City(tmp_path_factory.mktemp("registers") / "city", clock=lambda: DAY) as city:
        city.build()
        yield city


@pytest.fixture(scope="module")
def report(city: City) -> AuditReport:
    """The report on the registers."""
    return city.audit()


@pytest.mark.parametrize("question", CHECKS)
def test_the_report_answers_what_a_coach_asks(report: AuditReport, question: str) -> None:
    """Each check is one shape; what it finds is what the registers lack, no more."""
    shape, expected = CHECKS[question]
    found = {str(getattr(f.focus, "value", "")).rpartition("/id/")[2] for f in report.findings if _name(f) == shape}
    if isinstance(expected, int):
        assert sum(_name(f) == shape for f in report.findings) == expected
    else:
        assert found == expected


def _name(finding: object) -> str:
    return str(finding.shape.value).removeprefix(SHAPES)  # type: ignore[attr-defined]


def test_every_finding_says_who_and_what_next_in_both_languages(report: AuditReport) -> None:
    """A unit or a post, a remedy, a message: nothing is left to the reader."""
    for finding in report.findings:
        assert finding.unit is not None or finding.post is not None, finding.key
        assert finding.message("de") and finding.message("en")
        if finding.group != "other":
            assert finding.remedy("de") and finding.remedy("en"), finding.shape


def test_the_matrix_agrees_with_the_findings(report: AuditReport) -> None:
    """Who has no accountable in the matrix has a finding, and the other way round."""
    gaps = {r.subject for r in report.matrix if "no-accountable" in r.gaps and "/id/dataset/" in r.subject.value}
    assert gaps == {f.focus for f in report.findings if _name(f) == "dataset-accountable"}


def test_every_kind_of_finding_can_be_explained(city: City, report: AuditReport) -> None:
    """One of each shape: evidence, a query that shows it, and a proposal that changes nothing until it is filled in."""
    view, kinds = audited_view(city.releases.require_current()), Counter[str]()
    proposed = Counter[str]()
    for finding in report.findings:
        kinds[_name(finding)] += 1
        if kinds[_name(finding)] > 1:
            continue
        found = explain(finding, view, city.audits.shapes)
        assert list(found.lines(report, "de")) and found.evidence
        rows = list(city.query(found.query))
        if finding.result.component == SH.SPARQLConstraintComponent or finding.value is not None:
            assert rows, found.query
        proposed[found.proposal.why] += 1
        if found.update:
            store = ox.Store()
            store.extend(ox.Quad(*e.triple, ox.NamedNode(e.graph)) for e in found.evidence)
            before = set(store)
            store.update(found.update, prefixes=PREFIXES)
            assert (set(store) != before) == (found.proposal.why == "propose-stated"), found.update
    assert proposed["propose-add"] > 10 and proposed["propose-replace"] > 0 and proposed["propose-decide"] > 5
