"""The report for a terminal: the counts, then per unit what to do, the most effective first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import pyoxigraph as ox

from stadtgraph import messages
from stadtgraph.audit.finding import Status, short
from stadtgraph.audit.report import AuditReport, Task
from stadtgraph.audit.reports.columns import counted, head, severity, unit_name

EXAMPLES = 3
"""Findings shown for each task where no other number is asked for."""


def write(report: AuditReport, out: BinaryIO, lang: str) -> None:
    """Write a summary that a person reads; every finding is in the other formats."""
    for line in _lines(report, lang):
        out.write("".join(c if c.isprintable() else " " for c in line).encode() + b"\n")


def _lines(report: AuditReport, lang: str) -> Iterator[str]:
    def say(key: str, **params: object) -> str:
        return messages.text(f"audit-{key}", lang, **params)

    yield head(report, lang)
    numbers = ", ".join(f"{messages.number(number, lang)} {severity(s, lang, number)}" for s, number in counted(report))
    yield say("counts", numbers=numbers, accepted=report.statuses[Status.ACCEPTED])
    if report.since:
        new, still, mended = (report.statuses[s] for s in (Status.NEW, Status.STILL, Status.MENDED))
        yield say("since", since=report.since, new=new, still=still, mended=mended)
    if report.conforms:
        yield say("conforms")
    for unit in report.by_unit():
        yield from _unit(report, unit, lang)
    gaps = sum(bool(row.gaps) for row in report.matrix)
    if gaps:
        yield ""
        yield say("gaps", gaps=gaps, rows=len(report.matrix))
    if report.more:
        yield ""
        yield say("counted", number=messages.number(sum(more.number for more in report.more), lang))


def _unit(report: AuditReport, unit: ox.NamedNode | None, lang: str) -> Iterator[str]:
    tasks = report.todo(unit)
    if not tasks:
        return
    number = sum(task.number for task in tasks)
    yield ""
    yield f"{unit_name(report, unit, lang)} ({messages.number(number, lang)})"
    for task in tasks:
        yield from _task(report, task, lang)


def _task(report: AuditReport, task: Task, lang: str) -> Iterator[str]:
    points = messages.text("audit-points", lang, points=task.points) if task.points else ""
    number = task.number
    grave = severity(task.severity, lang, number)
    yield f"  {messages.number(number, lang):>6} {grave}: {task.rule.name(lang)} {points}".rstrip()
    remedy = task.rule.remedy(lang) or (task.findings[0].message(lang) if task.findings else "")
    if remedy:
        yield f"           → {remedy}"
    examples = report.most or EXAMPLES
    for finding in task.findings[:examples]:
        value = f" = {short(finding.value, report.base)}" if finding.value is not None else ""
        place = f"  ({finding.graph.removeprefix('file:')})" if finding.graph.startswith("file:") else ""
        yield f"           {finding.key}  {short(finding.focus, report.base)}{value}{place}"
    shown = min(len(task.findings), examples)
    if number > shown:
        yield "           " + messages.text("audit-more", lang, number=number - shown)
