"""Runs an audit over a view, or reads the one that lies in a release, and makes the report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from stadtgraph.audit.attribute import GraphOf, Responsibilities, acceptances, attribute
from stadtgraph.audit.compare import compare, compare_more
from stadtgraph.audit.deciding import Deciding
from stadtgraph.audit.finding import Finding, Rules
from stadtgraph.audit.graph import limit_of, read_findings, read_more
from stadtgraph.audit.matrix import matrix
from stadtgraph.audit.report import AuditReport, Count
from stadtgraph.audit.tally import Found
from stadtgraph.audit.view import AuditedView, GraphFacts, labels
from stadtgraph.reason.facts import Facts
from stadtgraph.shacl import ENGINES, Result, Shapes, few_results, portions_of, reach_of, results_of
from stadtgraph.terms import AUDIT, DCAT, RDF, RDFS, Names

FEW: Final = 20_000
"""Results up to which all is validated at once; one takes an engine nearly 10 KB until all are found."""


def results(
    view: AuditedView, shapes: Shapes, folder: Path, using: str | None = None, few: int = FEW
) -> Iterator[list[Result]]:
    """Validate all of a view, in portions where there are more than a ``few`` results.

    ``folder`` takes a working file. Equal results come in the same portion.
    """
    file = folder / "audited.nt"
    view.write(file, looked_at(shapes))
    try:
        if using not in (None, "shacl") or shapes.isolated or not ENGINES["shacl"].is_there:
            found: list[Result] | None = results_of(file, shapes, using)
        else:
            found = few_results(file, shapes, few)
    finally:
        file.unlink(missing_ok=True)
    if found is None:
        yield from portions_of(shapes).results(view)
    else:
        yield found


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


def findings(
    view: AuditedView, shapes: Shapes, folder: Path, using: str | None = None, few: int = FEW
) -> Iterator[Finding]:
    """Audit all of a view, and say who answers for what is found."""
    rules, who = Rules(shapes), responsibilities(view)
    for portion in results(view, shapes, folder, using, few):
        yield from attribute(portion, rules, who)
        who.forget()


def stored(view: AuditedView, shapes: Shapes) -> Found:
    """Read the findings that lie in the view as ``graph/audit``."""
    graph, rules = view.names.graph(AUDIT), Rules(shapes)
    listed = read_findings(view.engine.as_written(graph), rules, view.names)
    more = read_more(GraphFacts(view.engine, graph), rules)
    return Found(list(listed), tuple(more), limit_of(GraphFacts(view.engine, graph), view.names))


def datasets(view: AuditedView) -> list[ox.NamedNode]:
    """Give the datasets of a view, by IRI."""
    found = {t.subject for t in view.match(None, RDF.type, DCAT.Dataset)}
    return sorted((d for d in found if isinstance(d, ox.NamedNode)), key=str)


def make_report(
    view: AuditedView,
    found: Found,
    *,
    before: Found | None = None,
    release: str = "",
    since: str = "",
    points: tuple[Count, ...] = (),
) -> AuditReport:
    """Compare findings with those of an earlier release and give the report, with names, matrix and trend."""
    risks = acceptances(view)
    now, mended, accepted = compare(found, before or Found(), risks, view.today)
    more = compare_more(found.more, before or Found(), risks, view.today)
    rows = matrix(view, view.today)
    named = _named((*now, *mended))
    for rest in more:
        named.update(dict.fromkeys((rest.unit, rest.place.post, rest.rule.role)))
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
        more=more,
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
    now, _, accepted = compare(Found(list(attribute(found, Rules(shapes), who))), Found(), acceptances(facts), today)
    named = labels(facts, [*_named(now), *(a.role for a in accepted.values())])
    return AuditReport(now, files=files, date=today, base=names.base, labels=named, accepted=accepted)


def _named(findings: Iterable[Finding]) -> dict[ox.NamedNode | None, None]:
    """Give what findings refer to by name."""
    named: dict[ox.NamedNode | None, None] = {}
    for finding in findings:
        named.update(dict.fromkeys((finding.unit, finding.post, finding.coach, finding.role, finding.dataset)))
    return named
