"""The report as one page of HTML that needs nothing else: for reading, printing, sending and archiving."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from importlib import resources
from typing import BinaryIO

import pyoxigraph as ox

from stadtgraph import messages
from stadtgraph.audit.finding import Finding, Status, short
from stadtgraph.audit.report import LIMIT, AuditReport, Task
from stadtgraph.audit.reports.columns import Table, cell, counted, focus_name, head, severity, unit_name


def write(report: AuditReport, out: BinaryIO, lang: str) -> None:
    """Write the page piece by piece; of each rule and unit a thousand findings are shown, or as many as asked for."""
    for piece in Page(report, lang).pieces():
        out.write(piece.encode("utf-8", "replace"))


class Page:
    """The pieces of the page; everything from data is escaped."""

    def __init__(self, report: AuditReport, lang: str) -> None:
        """Write ``report`` in ``lang``."""
        self.report, self.lang = report, lang

    def say(self, key: str, **params: object) -> str:
        """Give a text, escaped."""
        return escape(messages.text(f"audit-{key}", self.lang, **params))

    def number(self, value: int) -> str:
        """Give a number with its digits grouped."""
        return messages.number(value, self.lang)

    def pieces(self) -> Iterator[str]:
        """Give the page."""
        report = self.report
        title = escape(head(report, self.lang))
        style = resources.files(__package__).joinpath("report.css").read_text("utf-8")
        yield f'<!doctype html>\n<html lang="{self.lang}">\n<head>\n<meta charset="utf-8">\n'
        yield '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        yield f"<title>{title}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n"
        yield from self._summary()
        for number, unit in enumerate(report.by_unit()):
            yield from self._unit(unit, number)
        yield from self._mended()
        yield from self._matrix()
        yield from self._trend()
        yield "</main>\n</body>\n</html>\n"

    def _summary(self) -> Iterator[str]:
        report = self.report
        numbers = ", ".join(f"{self.number(n)} {severity(s, self.lang, n)}" for s, n in counted(report))
        yield f"<p>{self.say('counts', numbers=numbers, accepted=report.statuses[Status.ACCEPTED])}</p>\n"
        if report.since:
            new, still, mended = (report.statuses[s] for s in (Status.NEW, Status.STILL, Status.MENDED))
            yield f"<p>{self.say('since', since=report.since, new=new, still=still, mended=mended)}</p>\n"
        if report.conforms:
            yield f"<p>{self.say('conforms')}</p>\n"
        if len(report.by_unit()) > 1:
            yield f'<nav aria-label="{self.say("column-unit")}">\n<ul>\n'
            for number, unit in enumerate(report.by_unit()):
                name = escape(unit_name(report, unit, self.lang))
                yield f'<li><a href="#unit{number}">{name}</a> ({self.number(report.number(unit))})</li>\n'
            yield "</ul>\n</nav>\n"

    def _unit(self, unit: ox.NamedNode | None, number: int) -> Iterator[str]:
        name = escape(unit_name(self.report, unit, self.lang))
        yield f'<section aria-labelledby="unit{number}">\n<h2 id="unit{number}">{name}</h2>\n'
        for task in self.report.todo(unit):
            yield from self._task(task)
        accepted = [f for f in self.report.by_unit()[unit] if f.status is Status.ACCEPTED]
        if accepted:
            yield f"<h3>{self.say('status-accepted')} ({self.number(len(accepted))})</h3>\n"
            yield from self._table(accepted)
        yield "</section>\n"

    def _task(self, task: Task) -> Iterator[str]:
        points = f" {self.say('points', points=task.points)}" if task.points else ""
        kind, number = escape(short(task.severity).lower()), task.number
        grave = escape(severity(task.severity, self.lang, number))
        yield f'<h3><span class="severity {kind}">{self.number(number)} {grave}</span> '
        yield f"{escape(task.rule.name(self.lang))}{points}</h3>\n"
        remedy = escape(task.rule.remedy(self.lang))
        see = " ".join(
            f'<a href="{escape(iri.value)}">{self.say("source")}</a>'
            for iri in task.rule.sources
            if iri.value.startswith(("https://", "http://"))
        )
        if remedy or see:
            yield f"<p>{self.say('next')}: {remedy} {see}</p>\n"
        if task.rule.role is not None:
            yield f"<p>{self.say('mends')}: {escape(self.report.label(task.rule.role, self.lang))}</p>\n"
        if task.findings:
            yield from self._table(task.findings)
        if task.more:
            yield f"<p>{self.say('counted', number=self.number(task.more))}</p>\n"

    def _table(self, found: tuple[Finding, ...] | list[Finding]) -> Iterator[str]:
        most = self.report.most or LIMIT
        table = Table.of(found, self.report, self.lang, most)
        if table.message:
            yield f"<p>{escape(table.message)}</p>\n"
        if table.path:
            yield f"<p>{self.say('property')}: <code>{escape(table.path)}</code></p>\n"
        yield '<div class="scroll" tabindex="0" role="region" aria-label="' + self.say("findings") + '">\n<table>\n'
        heads = "".join(f'<th scope="col">{self.say(f"column-{name}")}</th>' for name in table.columns)
        yield f"<thead><tr>{heads}</tr></thead>\n<tbody>\n"
        for finding in found[:most]:
            yield self._row(finding, table)
        yield "</tbody>\n</table>\n</div>\n"
        if len(found) > most:
            key = "rest" if self.report.most else "shown"
            yield f"<p>{self.say(key, shown=most, number=len(found))}</p>\n"

    def _row(self, finding: Finding, table: Table) -> str:
        focus = escape(focus_name(finding, self.report, self.lang))
        if isinstance(finding.focus, ox.NamedNode) and finding.focus.value.startswith(("https://", "http://")):
            focus = f'<a href="{escape(finding.focus.value)}">{focus}</a>'
        cells = (escape(cell(name, finding, self.report, self.lang)) for name in table.columns[1:-1])
        rest = "".join(f"<td>{text}</td>" for text in cells)
        return f'<tr><th scope="row">{focus}</th>{rest}<td><code>{finding.key}</code></td></tr>\n'

    def _mended(self) -> Iterator[str]:
        if self.report.mended:
            yield f"<section>\n<h2>{self.say('status-mended')} ({self.number(len(self.report.mended))})</h2>\n"
            yield from self._table(self.report.mended)
            yield "</section>\n"

    def _matrix(self) -> Iterator[str]:
        if not self.report.matrix:
            return
        kinds = ("accountable", "responsible", "consulted", "informed")
        yield f"<section>\n<h2>{self.say('matrix')}</h2>\n"
        yield f'<div class="scroll" tabindex="0" role="region" aria-label="{self.say("matrix")}">\n<table>\n'
        heads = "".join(f'<th scope="col">{self.say(kind)}</th>' for kind in kinds)
        yield f'<thead><tr><th scope="col">{self.say("column-focus")}</th>{heads}'
        yield f'<th scope="col">{self.say("gap")}</th></tr></thead>\n<tbody>\n'
        for row in self.report.matrix[:LIMIT]:
            yield f'<tr><th scope="row">{escape(self.report.label(row.subject, self.lang))}</th>'
            for kind in kinds:
                names = "<br>".join(escape(self.report.label(agent, self.lang)) for agent in row.agents(kind))
                yield f"<td>{names}</td>"
            yield f"<td>{', '.join(self.say(f'gap-{gap}') for gap in row.gaps)}</td></tr>\n"
        yield "</tbody>\n</table>\n</div>\n"
        if len(self.report.matrix) > LIMIT:
            yield f"<p>{self.say('shown', shown=LIMIT, number=len(self.report.matrix))}</p>\n"
        yield "</section>\n"

    def _trend(self) -> Iterator[str]:
        if not self.report.trend:
            return
        days: dict[str, dict[ox.NamedNode, int]] = {}
        for count in self.report.trend:
            numbers = days.setdefault(count.release, {})
            numbers[count.severity] = numbers.get(count.severity, 0) + count.number
        grades = [term for term, _ in counted(self.report)]
        yield f"<section>\n<h2>{self.say('trend')}</h2>\n<table>\n<thead><tr>"
        yield f'<th scope="col">{self.say("release")}</th>'
        yield "".join(f'<th scope="col">{escape(severity(term, self.lang))}</th>' for term in grades)
        yield "</tr></thead>\n<tbody>\n"
        for release, numbers in days.items():
            values = "".join(f'<td class="number">{self.number(numbers.get(term, 0))}</td>' for term in grades)
            yield f'<tr><th scope="row">{escape(release)}</th>{values}</tr>\n'
        yield "</tbody>\n</table>\n</section>\n"
