"""The report in every format: complete, safe to open, and bearable at a hundred thousand findings."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import openpyxl
import pyoxigraph as ox
import pytest

from audit.town_of_audits import AuditedTown
from stadtgraph.audit import AuditReport, Finding, Place, Rule
from stadtgraph.audit.reports import FORMS, write, write_file
from stadtgraph.audit.reports.xlsx import _unused
from stadtgraph.errors import StoreError
from stadtgraph.shacl import Result
from stadtgraph.terms import SH, XSD

BASE = "https://town.example/"
UNIT = ox.NamedNode(f"{BASE}id/unit/green")
SHAPE = ox.NamedNode("https://town.example/ns#height")
ATTACK = '=HYPERLINK("https://evil.example")<script>alert(1)</script>\x00\x07'


def made(form: str, report: AuditReport, lang: str = "en") -> bytes:
    """Give a report in a format."""
    out = io.BytesIO()
    write(report, form, out, lang)
    return out.getvalue()


def large(number: int) -> AuditReport:
    """Give a report with ``number`` findings of one unit."""
    rule = Rule(SHAPE, {"de": "Höhe", "en": "height"}, {"de": "Nachmessen.", "en": "Measure."}, "content")
    place = Place(unit=UNIT)
    found = []
    for i in range(number):
        focus, value = ox.NamedNode(f"{BASE}id/tree/{i}"), ox.Literal(str(i), datatype=XSD.integer)
        path, component = "<https://town.example/ns#height>", SH.MaxInclusiveConstraintComponent
        result = Result(SHAPE, focus, path, component, value, SH.Warning, {"de": "Zu hoch.", "en": "Too high."}, SHAPE)
        found.append(Finding(f"{i:016x}", result, rule, place))
    return AuditReport(tuple(found), release="x", date="2026-01-01", base=BASE)


@pytest.fixture
def report(town: AuditedTown) -> AuditReport:
    """The report on a town whose tables and registers hold what an attacker would write."""
    (town.files / "trees.csv").write_text("id,height\n1,900\n")
    town.register('<id/unit/roads> <http://www.w3.org/2004/02/skos/core#altLabel> "x" .\n')
    text = (town.data / "register.ttl").read_text().replace("=roads", "=cmd|'/C calc'!A0<script>alert(1)</script>")
    (town.data / "register.ttl").write_text(text.replace("<id/dataset/lost> a dcat:Dataset .", LOST))
    town.build()
    with town.city as city:
        return city.audit()


LOST = '<id/dataset/lost> a dcat:Dataset ; dct:publisher <id/unit/roads> ; dct:issued "<script>alert(1)</script>" .'


def test_every_format_holds_every_finding(report: AuditReport) -> None:
    """By its key; the terminal shows some of each rule."""
    for form in ("csv", "json", "html", "ttl"):
        text = made(form, report).decode("utf-8")
        assert all(f.key in text for f in report.findings), form
    book = openpyxl.load_workbook(io.BytesIO(made("xlsx", report)))
    cells = {cell for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row}
    assert all(f.key in cells for f in report.findings)
    assert made("text", report, "de").decode().startswith("Prüfung des Standes")


def test_a_spreadsheet_runs_nothing_that_data_say(report: AuditReport) -> None:
    """No cell of CSV or XLSX begins like a formula, and names of sheets are names that Excel takes."""
    rows = list(csv.reader(io.StringIO(made("csv", report).decode("utf-8-sig"))))
    assert len(rows) == 1 + len(report.findings)
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)
    assert any("'=cmd" in cell for row in rows for cell in row)
    book = openpyxl.load_workbook(io.BytesIO(made("xlsx", report)))
    assert book.sheetnames[0] == "Overview"
    for sheet in book:
        assert len(sheet.title) <= 31
        assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)
    unit = next(sheet for sheet in book if sheet.title.startswith("parks"))
    assert unit.freeze_panes == "A2" and unit.auto_filter.ref


def test_names_of_sheets_are_never_taken_twice() -> None:
    """Long and equal names get numbers, whatever their case."""
    taken: list[str] = []
    for text in ("A" * 40, "a" * 40, "[x]/y", "x y", ""):
        taken.append(_unused(text, taken))
    assert len({name.lower() for name in taken}) == 5 and all(0 < len(name) <= 31 for name in taken)


def test_the_page_is_whole_and_shows_text_as_text(report: AuditReport) -> None:
    """Tags balance, nothing is loaded from elsewhere, scripts of the data are text."""

    class Reader(HTMLParser):
        stack: list[str] = []  # noqa: RUF012

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag not in ("meta", "br"):
                self.stack.append(tag)
            assert tag not in ("script", "link", "img", "iframe")

        def handle_endtag(self, tag: str) -> None:
            assert self.stack.pop() == tag

    page = made("html", report, "de").decode()
    Reader().feed(page)
    assert not Reader.stack and page.count("<h1>") == 1 and '<html lang="de">' in page
    assert "&lt;script&gt;" in page and "@media print" in page and "<th scope=" in page


def test_turtle_is_a_report_of_shacl_and_json_counts_truly(report: AuditReport) -> None:
    """A reader of either finds all results."""
    triples = list(ox.parse(made("ttl", report), format=ox.RdfFormat.TURTLE))
    assert sum(t.predicate == SH.result for t in triples) == len(report.findings)
    data = json.loads(made("json", report))
    assert sum(entry["number"] for entry in data["counts"]) == len(data["findings"]) == len(report.findings)
    assert data["conforms"] is False and data["matrix"] and data["trend"]


def test_a_hundred_thousand_findings_in_one_unit_are_reported() -> None:
    """Pages show a thousand and say how many there are; tables hold all."""
    report = large(100_000)
    page = made("html", report).decode()
    assert page.count("<tr>") < 1100 and "1000 of 100000" in page.replace(",", "")
    assert made("text", report).count(b"\n") < 20
    assert made("csv", report).count(b"\r\n") == 100_001


@pytest.mark.slow
def test_no_writer_holds_a_large_report_twice() -> None:
    """What is written is let go of."""
    report = large(30_000)

    class Nowhere(io.RawIOBase):
        def write(self, data: object) -> int:
            return len(data)  # type: ignore[arg-type]

        def writable(self) -> bool:
            return True

    tracemalloc.start()
    for form in ("csv", "json", "html", "text"):
        FORMS[form].write(report, Nowhere(), "de")  # type: ignore[arg-type]
    assert tracemalloc.get_traced_memory()[1] < 30_000_000
    tracemalloc.stop()


@pytest.mark.slow
def test_a_hundred_thousand_findings_fit_into_a_workbook(tmp_path: Path) -> None:
    """Every finding is a row of the unit's sheet."""
    write_file(large(100_000), "xlsx", tmp_path / "large.xlsx")
    book = openpyxl.load_workbook(tmp_path / "large.xlsx", read_only=True)
    assert sum(1 for _ in book[book.sheetnames[1]].iter_rows()) == 100_001


def test_a_disk_that_is_full_leaves_no_half_report(
    report: AuditReport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says what to do; the report of before is still there."""
    target = tmp_path / "report.csv"
    target.write_text("before")
    opened: Callable[..., object] = Path.open
    monkeypatch.setattr(Path, "open", lambda self, *a, **k: opened(Path("/dev/full"), *a, **k))
    with pytest.raises(StoreError, match="Free space"):
        write_file(report, "csv", target)
    monkeypatch.undo()
    assert target.read_text() == "before" and [p.name for p in tmp_path.glob("*.part")] == []


def test_a_limit_shortens_every_format_and_leaves_the_numbers_true() -> None:
    """Of each rule and unit so many are listed; how many there are stands in each format, in its own way."""
    report = replace(large(50), most=7)
    rows = list(csv.reader(io.StringIO(made("csv", report).decode("utf-8-sig"))))
    assert len(rows) == 1 + 7 + 1 and "7 of 50 are listed." in rows[-1] and str(SHAPE.value) in rows[-1]
    data = json.loads(made("json", report))
    assert len(data["findings"]) == 7 and data["counts"][0]["number"] == 50
    assert data["limited"] == [{"shape": SHAPE.value, "unit": UNIT.value, "listed": 7, "number": 50}]
    triples = list(ox.parse(made("ttl", report), format=ox.RdfFormat.TURTLE))
    assert sum(t.predicate == SH.result for t in triples) == 7
    assert any(t.predicate.value.endswith("dqv#value") and t.object == ox.Literal(50) for t in triples)
    assert any("7 of 50" in str(t.object) for t in triples)
    book = openpyxl.load_workbook(io.BytesIO(made("xlsx", report)))
    overview, unit = (list(sheet.iter_rows(values_only=True)) for sheet in book)
    assert len(unit) == 1 + 7 + 1 and "7 of 50 are listed." in unit[-1]
    assert any(50 in row for row in overview)
    assert made("html", report).decode().count("<tr>") == 1 + 7 and b"7 of 50 are listed" in made("html", report)
    text = made("text", report).decode()
    assert "50 warnings" in text and "43 more" in text


def test_every_sheet_can_be_filtered_and_keeps_its_head_in_sight(report: AuditReport) -> None:
    """One sheet per unit, filters over all its rows; no cell is a formula, whatever the data say."""
    book = openpyxl.load_workbook(io.BytesIO(made("xlsx", report, "de")))
    units = {report.label(unit, "de") if unit else "Einheit nicht bekannt" for unit in report.by_unit()}
    assert len(book.sheetnames) == 1 + len(units) + 1  # the overview before, the matrix after
    for sheet in book.worksheets[1:]:
        assert sheet.freeze_panes in ("A2", "B2") and sheet.auto_filter.ref.endswith(str(sheet.max_row))
