"""Runs an audit over a view, or reads the one that lies in a release, and makes the report."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyoxigraph as ox

from stadtgraph.audit.attribute import GraphOf, Responsibilities, acceptances, attribute
from stadtgraph.audit.compare import compare
from stadtgraph.audit.deciding import Deciding
from stadtgraph.audit.finding import Finding, Rules
from stadtgraph.audit.graph import read_findings
from stadtgraph.audit.matrix import matrix
from stadtgraph.audit.report import AuditReport, Count
from stadtgraph.audit.view import AuditedView, labels
from stadtgraph.reason.facts import Facts
from stadtgraph.shacl import Result, Shapes, reach_of, validate
from stadtgraph.terms import AUDIT, DCAT, RDF, RDFS, Names


def results(view: AuditedView, shapes: Shapes, folder: Path, using: str | None = None) -> tuple[Result, ...]:
    """Validate all of a view; ``folder`` takes a working file."""
    file = folder / "audited.nt"
    view.write(file, looked_at(shapes))
    try:
        return validate(file, shapes, using=using).results
    finally:
        file.unlink(missing_ok=True)


def looked_at(shapes: Shapes) -> frozenset[ox.NamedNode] | None:
    """Give the predicates that decide on the results of ``shapes``; ``None`` where any may."""
    found: set[ox.NamedNode] = {RDF.type, RDFS.subClassOf}
    for root in reach_of(shapes).roots:
        if root.predicates is None:
            return None
        found |= root.predicates
    return frozenset(found)


def responsibilities(view: AuditedView) -> Responsibilities:
    """Give the responsibility graph of a view, for many questions."""
    return Responsibilities(Deciding(view), view.names, view.today, view.graph_of, view.datasets)


def findings(view: AuditedView, shapes: Shapes, folder: Path, using: str | None = None) -> list[Finding]:
    """Audit all of a view, and say who answers for what is found."""
    return attributed(view, shapes, results(view, shapes, folder, using))


def attributed(view: AuditedView, shapes: Shapes, found: Iterable[Result]) -> list[Finding]:
    """Say who answers for each result."""
    return list(attribute(found, Rules(shapes), responsibilities(view)))


def stored(view: AuditedView, shapes: Shapes) -> list[Finding]:
    """Read the findings that lie in the view as ``graph/audit``."""
    triples = view.engine.as_written(view.names.graph(AUDIT))
    return list(read_findings(triples, Rules(shapes), view.names))


def datasets(view: AuditedView) -> list[ox.NamedNode]:
    """Give the datasets of a view, by IRI."""
    found = {t.subject for t in view.match(None, RDF.type, DCAT.Dataset)}
    return sorted((d for d in found if isinstance(d, ox.NamedNode)), key=str)


def make_report(
    view: AuditedView,
    found: Iterable[Finding],
    *,
    before: Iterable[Finding] = (),
    release: str = "",
    since: str = "",
    points: tuple[Count, ...] = (),
) -> AuditReport:
    """Compare findings with those of an earlier release and give the report, with names, matrix and trend."""
    now, mended, accepted = compare(found, before, acceptances(view), view.today)
    rows = matrix(view, view.today)
    named = _named((*now, *mended))
    for row in rows:
        named[row.subject] = None
        named.update(dict.fromkeys(cell.agent for cell in row.cells))
    named.update(dict.fromkeys(a.role for a in accepted.values()))
    return AuditReport(
        now,
        mended,
        release,
        since,
        view.today,
        view.names.base,
        labels(view, named),
        rows,
        points,
        accepted=accepted,
    )


def report_on(
    facts: Facts,
    found: Iterable[Result],
    shapes: Shapes,
    names: Names,
    today: str,
    files: str,
    place_of: GraphOf = lambda _: "",
) -> AuditReport:
    """Give the report on any triples that were validated; ``files`` are their names.

    ``place_of`` tells where a node is described; it stands in the place of the source graph.
    """
    who = Responsibilities(facts, names, today, place_of)
    now, _, accepted = compare(attribute(found, Rules(shapes), who), (), acceptances(facts), today)
    named = labels(facts, [*_named(now), *(a.role for a in accepted.values())])
    return AuditReport(now, files=files, date=today, base=names.base, labels=named, accepted=accepted)


def _named(findings: Iterable[Finding]) -> dict[ox.NamedNode | None, None]:
    """Give what findings refer to by name."""
    named: dict[ox.NamedNode | None, None] = {}
    for finding in findings:
        named.update(dict.fromkeys((finding.unit, finding.post, finding.coach, finding.role, finding.dataset)))
    return named
