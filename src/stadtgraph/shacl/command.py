"""What ``stadtgraph validate`` does with data and shapes: judge, write the report, choose the exit code."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pyoxigraph as ox

from stadtgraph import messages
from stadtgraph.errors import UsageError
from stadtgraph.shacl.isolated import Limits
from stadtgraph.shacl.rdf import report_triples
from stadtgraph.shacl.report import Report, Result, gravity
from stadtgraph.shacl.shapes import Shapes
from stadtgraph.shacl.validation import validate
from stadtgraph.terms import PREFIXES, SH

T = TypeVar("T")
SHOWN = 20
"""How many results of one shape the text shows."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What to print and how to end."""

    content: bytes
    exit_code: int
    report: Report


def judge(
    data: Iterable[ox.Triple] | Path,
    shapes: Shapes,
    form: str = "text",
    fail_on: str = "violation",
    using: str | None = None,
    isolated: Limits | None = None,
    lang: str = "en",
) -> Outcome:
    """Validate ``data`` and give the report in ``form``; the exit code is 1 where it is as grave as ``fail_on``.

    ``form`` is one of :data:`FORMS`, ``fail_on`` one of :data:`THRESHOLDS`; anything else raises
    :class:`UsageError`, before any work is done.
    """
    write = _choice("format", form, FORMS)
    threshold = _choice("fail-on", fail_on, THRESHOLDS)
    report = validate(data, shapes, using=using, isolated=isolated)
    fails = threshold is not None and report.fails(threshold)
    return Outcome(write(report, shapes, lang).encode(), int(fails), report)


def _choice(option: str, value: str, table: dict[str, T]) -> T:
    if value not in table:
        raise UsageError("shacl-bad-choice", option=option, value=value, choices=", ".join(table))
    return table[value]


def as_text(report: Report, shapes: Shapes, lang: str, shown: int | None = SHOWN) -> str:
    """Write a report for people, shape by shape, the gravest first; at most ``shown`` results of each shape."""
    if report.conforms:
        return messages.text("shacl-report-conforms", lang) + "\n"
    lines = []
    groups = sorted(
        report.by_shape().items(), key=lambda pair: (-max(gravity(r.severity) for r in pair[1]), str(pair[0]))
    )
    for shape, results in groups:
        lines.append(messages.text("shacl-report-shape", lang, shape=_short(shape), count=len(results)))
        for result in results[:shown]:
            lines += _lines(result, lang)
        if shown is not None and len(results) > shown:
            lines.append(messages.text("shacl-report-more", lang, count=len(results) - shown))
        lines.append("")
    counts = Counter(_short(r.severity).rpartition(":")[2] for r in report.results)
    listed = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
    lines.append(messages.text("shacl-report-counts", lang, results=len(report), counts=listed))
    return "\n".join(lines) + "\n"


def _lines(result: Result, lang: str) -> list[str]:
    where = " ".join(_visible(part) for part in (str(result.focus), result.path or "") if part)
    value = "" if result.value is None else f" = {_visible(str(result.value))}"
    severity = _short(result.severity).rpartition(":")[2]
    return [f"  {severity}: {where}{value}", f"    {_visible(result.message(lang))}"]


def _visible(text: str) -> str:
    """Write control characters out, so that no value can steer a terminal."""
    return _CONTROL.sub(lambda match: f"\\u{ord(match[0]):04X}", text)


_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def _short(term: ox.NamedNode) -> str:
    for prefix, namespace in PREFIXES.items():
        if term.value.startswith(str(namespace)):
            return f"{prefix}:{term.value[len(str(namespace)) :]}"
    return term.value


def as_turtle(report: Report, shapes: Shapes, lang: str) -> str:
    """Write a report as a sh:ValidationReport."""
    text = ox.serialize(report_triples(report, shapes), format=ox.RdfFormat.TURTLE, prefixes={"sh": str(SH)})
    assert text is not None
    return text.decode()


FIELDS = ("key", "severity", "shape", "focus", "path", "value", "component")


def _record(result: Result) -> dict[str, str | None]:
    return {
        "key": result.key,
        "severity": result.severity.value,
        "shape": result.shape.value,
        "focus": str(result.focus),
        "path": result.path,
        "value": None if result.value is None else str(result.value),
        "component": result.component.value,
    }


def as_json(report: Report, shapes: Shapes, lang: str) -> str:
    """Write a report as JSON; nodes and values stand as in N-Triples, messages in all their languages."""
    results = [{**_record(r), "messages": dict(r.messages)} for r in report.results]
    return json.dumps({"conforms": report.conforms, "results": results}, ensure_ascii=False, indent=1) + "\n"


def as_csv(report: Report, shapes: Shapes, lang: str) -> str:
    """Write a report as CSV (RFC 4180), messages in ``lang``; no cell can be taken for a formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([*FIELDS, "message"])
    for result in report.results:
        cells = [*_record(result).values(), result.message(lang)]
        writer.writerow(["'" + cell if cell and cell[0] in "=+-@\t\r" else cell for cell in cells])
    return out.getvalue()


FORMS: dict[str, Callable[[Report, Shapes, str], str]] = {
    "text": as_text,
    "ttl": as_turtle,
    "json": as_json,
    "csv": as_csv,
}
THRESHOLDS: dict[str, ox.NamedNode | None] = {
    "violation": SH.Violation,
    "warning": SH.Warning,
    "info": SH.Info,
    "never": None,
}
