"""The report as an Excel workbook: an overview, then one sheet per unit with filters and a frozen head."""

from __future__ import annotations

import io
import re
from typing import Any, BinaryIO, Final

import pyoxigraph as ox

from stadtgraph import messages
from stadtgraph.audit.finding import Finding, Status
from stadtgraph.audit.report import AuditReport
from stadtgraph.audit.reports.columns import cells, counted, head, heads, plain, rests, severity, unit_name

ROWS: Final = 1_000_000  # a sheet holds 1,048,576
WIDTHS: Final = (18, 12, 24, 11, 16, 30, 24, 24, 24, 24, 30, 30, 24, 24, 50, 50, 8, 30, 24)
_FORBIDDEN: Final = re.compile(r"[\[\]:*?/\\'\x00-\x1f]")


def write(report: AuditReport, out: BinaryIO, lang: str) -> None:
    """Write the workbook row by row, so that a huge one needs little memory."""
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    names = _names(report, lang)
    _overview(book, report, names, lang)
    for unit, found in report.by_unit().items():
        _sheet(book, names[unit], tuple(report.limited(found)), report, lang, unit)
    if report.mended:
        _sheet(
            book, _unused(messages.text("audit-status-mended", lang), list(names.values())), report.mended, report, lang
        )
    if report.matrix:
        _matrix(book, _unused("RACI", list(names.values())), report, lang)
    packed = io.BytesIO()  # openpyxl cannot end quietly where the last writing fails
    book.save(packed)
    out.write(packed.getbuffer())


def _overview(book: Any, report: AuditReport, names: dict[ox.NamedNode | None, str], lang: str) -> None:
    def say(key: str, **params: object) -> str:
        return messages.text(f"audit-{key}", lang, **params)

    sheet = book.create_sheet(say("overview"))
    sheet.column_dimensions["A"].width, sheet.column_dimensions["D"].width = 50, 50
    sheet.append([plain(head(report, lang))])
    sheet.append([])
    for term, number in counted(report):
        sheet.append([severity(term, lang), number])
    for status in Status:
        sheet.append([messages.text(f"audit-status-{status}", lang), report.statuses[status]])
    sheet.append([])
    columns = ("unit", "severity", "number", "rule", "points", "remedy")
    sheet.append([_bold(sheet, messages.text(f"audit-column-{name}", lang)) for name in columns])
    for unit in names:
        for task in report.todo(unit):
            row = (unit_name(report, unit, lang), severity(task.severity, lang), task.number)
            sheet.append([plain(cell) for cell in (*row, task.rule.name(lang), task.points, task.rule.remedy(lang))])


def _sheet(
    book: Any,
    name: str,
    found: tuple[Finding, ...],
    report: AuditReport,
    lang: str,
    unit: ox.NamedNode | bool | None = True,
) -> None:
    from openpyxl.utils import get_column_letter

    sheet = book.create_sheet(name)
    sheet.freeze_panes = "A2"
    for number, width in enumerate(WIDTHS, 1):
        sheet.column_dimensions[get_column_letter(number)].width = width
    head = heads(lang)
    shown = found[:ROWS]
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(head))}{len(shown) + 1}"
    sheet.append([_bold(sheet, text) for text in head])
    for finding in shown:
        sheet.append([_cut(cell) for cell in cells(finding, report, lang)])
    if len(found) > ROWS:
        sheet.append([messages.text("audit-rest", lang, shown=ROWS, number=len(found))])
    for row in rests(report, lang, unit):
        sheet.append([_cut(cell) for cell in row])


def _matrix(book: Any, name: str, report: AuditReport, lang: str) -> None:
    sheet = book.create_sheet(name)
    sheet.freeze_panes = "B2"
    kinds = ("accountable", "responsible", "consulted", "informed")
    head = ["", *(messages.text(f"audit-{kind}", lang) for kind in kinds), messages.text("audit-gap", lang)]
    sheet.auto_filter.ref = f"A1:F{len(report.matrix) + 1}"
    for letter in "ABCDEF":
        sheet.column_dimensions[letter].width = 40
    sheet.append([_bold(sheet, text) for text in head])
    for row in report.matrix:
        agents = ("\n".join(report.label(agent, lang) for agent in row.agents(kind)) for kind in kinds)
        gaps = ", ".join(messages.text(f"audit-gap-{gap}", lang) for gap in row.gaps)
        sheet.append([_cut(plain(cell)) for cell in (report.label(row.subject, lang), *agents, gaps)])


def _names(report: AuditReport, lang: str) -> dict[ox.NamedNode | None, str]:
    """Give each unit's sheet a name that Excel takes: 31 characters, each once, whatever the case."""
    found: dict[ox.NamedNode | None, str] = {}
    taken = [messages.text("audit-overview", lang), "History"]
    for unit in report.by_unit():
        found[unit] = _unused(unit_name(report, unit, lang), [*taken, *found.values()])
    return found


def _unused(text: str, taken: list[str]) -> str:
    base = " ".join(_FORBIDDEN.sub(" ", text).split()) or "-"
    name, number, lower = base[:31], 1, {other.lower() for other in taken}
    while name.lower() in lower:
        number += 1
        name = f"{base[: 31 - len(str(number)) - 1]} {number}"
    return name


def _cut(cell: str | int) -> str | int:
    """Give a cell as Excel takes it: at most 32,767 characters and no control characters."""
    if not isinstance(cell, str):
        return cell
    return "".join(c for c in cell if c >= " " or c in "\n\t")[:32_767]


def _bold(sheet: Any, text: str) -> Any:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font

    cell = WriteOnlyCell(sheet, value=text)
    cell.font = Font(bold=True)
    return cell
