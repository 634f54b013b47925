"""The RACI matrix: who is responsible, accountable, consulted and informed for what, and where nobody is."""

from __future__ import annotations

from collections.abc import Iterator

import pyoxigraph as ox

from stadtgraph.audit.finding import short
from stadtgraph.audit.report import Cell, MatrixRow
from stadtgraph.reason.facts import Facts
from stadtgraph.terms import DCAT, PROV, RDF, SG, Term

KINDS = (DCAT.Dataset, SG.InformationSystem)


def matrix(facts: Facts, today: str) -> tuple[MatrixRow, ...]:
    """Give one row for each dataset and system, by IRI, with its gaps on the day ``today``."""
    cells: dict[Term, list[Cell]] = {}
    for triple in facts.match(None, RDF.type, SG.Responsibility):
        if isinstance(triple.subject, ox.NamedNode) and _holds(facts, triple.subject, today):
            for subject, cell in _cells(facts, triple.subject):
                cells.setdefault(subject, []).append(cell)
    subjects = {t.subject for kind in KINDS for t in facts.match(None, RDF.type, kind)}
    return tuple(
        _row(subject, cells.get(subject, []))
        for subject in sorted(subjects, key=str)
        if isinstance(subject, ox.NamedNode)
    )


def _row(subject: ox.NamedNode, cells: list[Cell]) -> MatrixRow:
    ordered = tuple(sorted(set(cells), key=lambda c: (c.raci, c.agent.value, str(c.role))))
    accountable = {c.agent for c in ordered if c.raci == "accountable"}
    gaps = []
    if not accountable:
        gaps.append("no-accountable")
    if len(accountable) > 1:
        gaps.append("several-accountable")
    if not any(c.raci == "responsible" for c in ordered):
        gaps.append("no-responsible")
    return MatrixRow(subject, ordered, tuple(gaps))


def _cells(facts: Facts, responsibility: ox.NamedNode) -> Iterator[tuple[Term, Cell]]:
    values: dict[ox.NamedNode, list[Term]] = {}
    for triple in facts.match(responsibility, None, None):
        values.setdefault(triple.predicate, []).append(triple.object)
    role = next((r for r in values.get(DCAT.hadRole, []) if isinstance(r, ox.NamedNode)), None)
    for subject in values.get(SG.term("for"), []):
        for agent in values.get(PROV.agent, []):
            for raci in values.get(SG.raci, []):
                if isinstance(agent, ox.NamedNode):
                    yield subject, Cell(short(raci), agent, role)


def _holds(facts: Facts, node: ox.NamedNode, today: str) -> bool:
    def day(p: ox.NamedNode) -> str:
        return next((t.object.value for t in facts.match(node, p, None) if isinstance(t.object, ox.Literal)), "")

    first, last = day(SG.validFrom), day(SG.validUntil)
    return (not first or first <= today) and (not last or today <= last)
