"""The columns that tables of findings have, in every format."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

import pyoxigraph as ox

from stadtgraph import messages
from stadtgraph.audit.finding import Finding, chosen, short
from stadtgraph.audit.report import AuditReport
from stadtgraph.terms import PREFIXES, SH

Cell = str | int
Column = Callable[[Finding, AuditReport, str], Cell]


OPTIONAL: Final = ("path", "value", "post", "accepted")
"""Columns that a table on a page leaves out where they hold nothing."""


@dataclass(frozen=True, slots=True)
class Table:
    """What a table of findings on a page needs: what all of them have in common is said once, above it."""

    message: str
    """What is wrong, where that is the same for all; the empty text where each row says it."""
    path: str
    """The property, where that is the same for all; the empty text where each row says it, or none has one."""
    columns: tuple[str, ...]

    @classmethod
    def of(cls, findings: Iterable[Finding], report: AuditReport, lang: str, most: int) -> Table:
        """Look at the findings that are shown, at most ``most``."""
        shown = list(islice(findings, most))
        said = {name: {cell(name, f, report, lang) for f in shown} for name in ("message", *OPTIONAL)}
        common = {name: min(said[name]) if len(said[name]) == 1 else "" for name in ("message", "path")}
        columns = [c for c in (*OPTIONAL, "message") if any(said[c]) and not common.get(c)]
        return cls(common["message"], common["path"], ("focus", *columns, "status", "key"))


def acceptance(finding: Finding, report: AuditReport, lang: str) -> str:
    """Give why a finding is an accepted risk, until when, and by which role; the empty text where it is none."""
    found = report.accepted.get(finding.key)
    if found is None:
        return ""
    until = messages.text("audit-until", lang, day=found.until) if found.until else ""
    parts = (chosen(found.reasons, lang), until, report.label(found.role, lang))
    return "; ".join(part for part in parts if part)


def cell(name: str, finding: Finding, report: AuditReport, lang: str) -> str:
    """Give what stands in a column; a value that is the node itself says nothing more."""
    if name == "value" and finding.value == finding.focus:
        return ""
    return str(COLUMNS[name](finding, report, lang))


def severity(term: ox.NamedNode, lang: str, number: int = 2) -> str:
    """Give the name of a severity, for one or for several findings."""
    key = f"audit-severity-{short(term).lower()}{'-one' if number == 1 else ''}"
    return messages.text(key, lang) if key in messages.catalogue() else short(term)


def focus_name(finding: Finding, report: AuditReport, lang: str) -> str:
    """Give the name of the node that a finding concerns, else its IRI below the base."""
    focus = finding.focus
    return report.label(focus, lang) if isinstance(focus, ox.NamedNode) else short(focus, report.base)


def path(text: str | None) -> str:
    """Give a path with the usual prefixes instead of whole IRIs.

    >>> path("<http://purl.org/dc/terms/title>")
    'dct:title'
    """
    shown = text or ""
    for prefix, iri in PREFIXES.items():
        start = f"<{iri}"
        while (at := shown.find(start)) >= 0:
            end = shown.find(">", at)
            shown = f"{shown[:at]}{prefix}:{shown[at + len(start) : end]}{shown[end + 1 :]}"
    return shown


def group(name: str, lang: str) -> str:
    """Give the name of a group of rules."""
    key = f"audit-group-{name}"
    return messages.text(key, lang) if key in messages.catalogue() else name


COLUMNS: Final[dict[str, Column]] = {
    "key": lambda f, r, lang: f.key,
    "status": lambda f, r, lang: messages.text(f"audit-status-{f.status}", lang),
    "accepted": lambda f, r, lang: acceptance(f, r, lang),
    "severity": lambda f, r, lang: severity(f.severity, lang, 1),
    "group": lambda f, r, lang: group(f.group, lang),
    "rule": lambda f, r, lang: f.rule.name(lang),
    "unit": lambda f, r, lang: r.label(f.unit, lang),
    "post": lambda f, r, lang: r.label(f.post, lang),
    "role": lambda f, r, lang: r.label(f.role, lang),
    "coach": lambda f, r, lang: r.label(f.coach, lang),
    "dataset": lambda f, r, lang: r.label(f.dataset, lang),
    "focus": lambda f, r, lang: short(f.focus, r.base),
    "path": lambda f, r, lang: path(f.path),
    "value": lambda f, r, lang: short(f.value, r.base),
    "message": lambda f, r, lang: f.message(lang),
    "remedy": lambda f, r, lang: f.remedy(lang),
    "points": lambda f, r, lang: f.points,
    "shape": lambda f, r, lang: f.shape.value,
    "graph": lambda f, r, lang: f.graph.removeprefix(r.base),
}


def heads(lang: str) -> list[str]:
    """Give the heads of the columns."""
    return [messages.text(f"audit-column-{name}", lang) for name in COLUMNS]


def cells(finding: Finding, report: AuditReport, lang: str) -> list[Cell]:
    """Give one row of the table, safe for programs that take text for formulas."""
    return [plain(column(finding, report, lang)) for column in COLUMNS.values()]


def rests(report: AuditReport, lang: str, unit: ox.NamedNode | bool | None = False) -> Iterator[list[Cell]]:
    """Give one row for each rule (of one ``unit``, or of all) of which not all findings are listed: how many are."""
    rules = {f.rule for f in report.findings} | {more.rule for more in report.more} if report.left_out else set()
    names = {rule.shape: rule.name(lang) for rule in rules}
    for (shape, of), (shown, number) in report.left_out.items():
        if unit is False or unit == of:
            row: dict[str, Cell] = {"rule": names[shape], "unit": report.label(of, lang), "shape": shape.value}
            row["message"] = messages.text("audit-rest", lang, shown=shown, number=number)
            yield [plain(row.get(name, "")) for name in COLUMNS]


def plain(cell: Cell) -> Cell:
    """Give a cell that no spreadsheet runs: a text that begins like a formula gets an apostrophe before it.

    Source: https://owasp.org/www-community/attacks/CSV_Injection

    >>> plain("=1+1"), plain("-"), plain("Amt"), plain(-3)
    ("'=1+1", "'-", 'Amt', -3)
    """
    if not isinstance(cell, str):
        return cell
    text = "".join(c if c.isprintable() or c in "\n\t" else " " for c in cell)
    formula = text.lstrip().startswith(("=", "+", "-", "@", "|", "%")) or text.startswith(("\t", "\n"))
    return f"'{text}" if formula else text


def head(report: AuditReport, lang: str) -> str:
    """Give the headline: which release was audited, or which files were validated, and on which day."""
    if report.files:
        return messages.text("audit-head-files", lang, files=report.files, date=report.date)
    text = messages.text("audit-head", lang, release=report.release or "-", date=report.date)
    return f"{text}. {messages.text('audit-internal', lang)}" if report.internal else text


def unit_name(report: AuditReport, unit: ox.NamedNode | None, lang: str) -> str:
    """Give the name of a unit, or say that it is not known."""
    return report.label(unit, lang) if unit is not None else messages.text("audit-no-unit", lang)


def counted(report: AuditReport) -> list[tuple[ox.NamedNode, int]]:
    """Give the numbers of open findings by severity, the gravest first; the three of SHACL always."""
    known = [SH.Violation, SH.Warning, SH.Info]
    others = sorted((s for s in report.severities if s not in known), key=str)
    return [(s, report.severities[s]) for s in (*others, *known)]
