"""The report as JSON: counts, findings, lists of what to do, matrix and trend."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

import pyoxigraph as ox

from stadtgraph.audit.finding import Acceptance, Finding, short
from stadtgraph.audit.report import AuditReport
from stadtgraph.audit.reports.columns import path


def write(report: AuditReport, out: BinaryIO, lang: str) -> None:
    """Write the report finding by finding, so that a huge one needs no memory of its own."""
    head = json.dumps(_head(report, lang), ensure_ascii=False, indent=1)
    out.write(head.removesuffix("\n}").encode() + b',\n "findings": [')
    for number, finding in enumerate((*report.listed, *report.limited(report.mended))):
        entry = json.dumps(as_json(finding, report, lang), ensure_ascii=False)
        out.write((",\n  " if number else "\n  ").encode() + entry.encode())
    out.write(b"\n ]\n}\n")


def as_json(finding: Finding, report: AuditReport, lang: str) -> dict[str, Any]:
    """Give one finding as a JSON object; what is not known is left out."""
    entry = {
        "key": finding.key,
        "status": str(finding.status),
        "severity": short(finding.severity),
        "group": finding.group,
        "shape": finding.shape.value,
        "rule": finding.rule.name(lang),
        "focus": _term(finding.focus),
        "path": path(finding.path),
        "value": _term(finding.value) if finding.value is not None else None,
        "messages": dict(finding.result.messages),
        "remedy": dict(finding.rule.remedies),
        "unit": _named(finding.unit, report, lang),
        "post": _named(finding.post, report, lang),
        "role": _named(finding.role, report, lang),
        "coach": _named(finding.coach, report, lang),
        "dataset": _named(finding.dataset, report, lang),
        "graph": finding.graph,
        "points": finding.points,
        "see": [iri.value for iri in finding.rule.sources],
        "accepted": _accepted(report.accepted.get(finding.key), report, lang),
    }
    return {name: value for name, value in entry.items() if value not in (None, "", {}, [], 0)}


def _accepted(found: Acceptance | None, report: AuditReport, lang: str) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"reason": dict(found.reasons), "until": found.until or None, "by": _named(found.role, report, lang)}


def _head(report: AuditReport, lang: str) -> dict[str, Any]:
    return {
        "release": report.release or None,
        "files": report.files or None,
        "internal": report.internal,
        "since": report.since or None,
        "date": report.date,
        "conforms": report.conforms,
        "severities": {short(s): n for s, n in sorted(report.severities.items(), key=str)},
        "statuses": {str(s): n for s, n in sorted(report.statuses.items())},
        "counts": list(_counts(report)),
        "limited": [
            {"shape": shape.value, "unit": unit.value if unit else None, "listed": listed, "number": number}
            for (shape, unit), (listed, number) in report.left_out.items()
        ],
        "todo": [_todo(report, unit, lang) for unit in report.by_unit()],
        "matrix": [
            {
                "subject": row.subject.value,
                "gaps": list(row.gaps),
                "cells": [
                    {"raci": c.raci, "agent": c.agent.value, "role": c.role.value if c.role else None}
                    for c in row.cells
                ],
            }
            for row in report.matrix
        ],
        "trend": [
            {"release": c.release, "time": c.time, "group": c.group, "severity": short(c.severity), "number": c.number}
            for c in report.trend
        ],
    }


def _counts(report: AuditReport) -> Iterator[dict[str, Any]]:
    for (shape, unit, severity), number in sorted(report.counts.items(), key=str):
        yield {
            "shape": shape.value,
            "unit": unit.value if unit else None,
            "severity": short(severity),
            "number": number,
        }


def _todo(report: AuditReport, unit: ox.NamedNode | None, lang: str) -> dict[str, Any]:
    return {
        "unit": _named(unit, report, lang),
        "tasks": [
            {
                "shape": task.rule.shape.value,
                "rule": task.rule.name(lang),
                "remedy": task.rule.remedy(lang),
                "severity": short(task.severity),
                "number": task.number,
                "points": task.points,
            }
            for task in report.todo(unit)
        ],
    }


def _named(node: ox.NamedNode | None, report: AuditReport, lang: str) -> dict[str, str] | None:
    return None if node is None else {"id": node.value, "label": report.label(node, lang)}


def _term(term: object) -> dict[str, str]:
    """Give a term as SPARQL results do (https://www.w3.org/TR/sparql11-results-json/#select-encode-terms)."""
    if isinstance(term, ox.NamedNode):
        return {"type": "uri", "value": term.value}
    if isinstance(term, ox.Literal):
        more = {"xml:lang": term.language} if term.language else {"datatype": term.datatype.value}
        return {"type": "literal", "value": term.value, **more}
    return {"type": "bnode", "value": str(term)}
