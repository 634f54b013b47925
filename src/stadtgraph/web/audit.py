"""``/audit``: the report on the audit of a release, as pages and as files. Public: what the
public view holds; with the scope ``audit`` or ``admin``: everything."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import replace
from typing import Final
from urllib.parse import quote

import pyoxigraph as ox
from flask import Blueprint, Response, render_template, request

from stadtgraph import messages
from stadtgraph.audit import AuditReport, Status
from stadtgraph.audit.reports import FORMS, write
from stadtgraph.audit.reports.columns import Table, cell, counted, focus_name, severity, unit_name
from stadtgraph.errors import NotFound, ProtocolError
from stadtgraph.terms import Names
from stadtgraph.web import callers
from stadtgraph.web.language import language
from stadtgraph.web.performing import costly
from stadtgraph.web.reply import etag, is_known, not_modified, tagged
from stadtgraph.web.shown import show
from stadtgraph.web.sparql import opened
from stadtgraph.web.state import Opened, state

blueprint: Final = Blueprint("audit", __name__)
MOST: Final = 200
"""Findings of one rule that a page shows; the counts are true, the files hold all."""
ROWS: Final = 10_000
"""Findings of one rule and unit in a workbook that is made while somebody waits; the command line writes all."""
NOT_KNOWN: Final = "-"
"""The last part of the address of findings whose unit is not known."""


@blueprint.get("/audit")
def audit() -> Response:
    """Show how many findings there are, by unit, and lead to the lists."""
    found, tag = opened(callers.audit_view()), _tag()
    if is_known(tag):
        return not_modified(tag)
    return tagged(Response(_page("audit.html", found, _report(found))), tag)


@blueprint.get("/audit/units/<path:slug>")
def unit(slug: str) -> Response:
    """Show what one unit has to do, the most effective first."""
    found, tag = opened(callers.audit_view()), _tag()
    made = _report(found)
    chosen = next((u for u in made.by_unit() if slug_of(u, found.place.names) == slug), None)
    if chosen is None and (slug != NOT_KNOWN or None not in made.by_unit()):
        raise NotFound("web-audit-no-unit", unit=slug[:80])
    if is_known(tag):
        return not_modified(tag)
    return tagged(Response(_page("audit-unit.html", found, made.for_unit(chosen))), tag)


@blueprint.get("/audit/report.<form>")
def report(form: str) -> Response:
    """Give the whole report as a file."""
    if form not in FORMS or form == "text":
        raise NotFound("web-audit-no-form", form=form[:20], known=", ".join(f for f in FORMS if f != "text"))
    found, most = opened(callers.audit_view()), _most()
    tag = etag(found.id, request.args.get("release"), most)
    if is_known(tag):
        return not_modified(tag)
    key = (found.place.release, form, language(), str(most))
    content = state().known_file(key)
    if content is None:
        made, lang = _report(found), language()
        with costly("AUDIT"):
            content = state().written(key, lambda: _written(made, form, lang, most))
    response = Response(content, content_type=FORMS[form].media_type)
    if form in ("csv", "xlsx"):
        response.headers["Content-Disposition"] = f'attachment; filename="audit-{found.id}.{form}"'
    if form == "html":
        response.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'"
    return tagged(response, tag)


def _written(made: AuditReport, form: str, lang: str, most: int | None) -> bytes:
    out = io.BytesIO()
    write(replace(made, most=most), form, out, lang)
    return out.getvalue()


def _most() -> int | None:
    """Give how many findings of each rule and unit are asked for (``?most=``); of a workbook ten thousand at most."""
    text = request.args.get("most", "")
    if text and not (text.isascii() and text.isdigit() and 0 < int(text[:9]) < 10**8):
        raise ProtocolError("web-audit-most", most=text[:20])
    given = int(text) if text else None
    return min(given or ROWS, ROWS) if request.path.endswith(".xlsx") else given


def slug_of(unit: ox.NamedNode | None, names: Names) -> str:
    """Give the last part of the address of a unit's list."""
    if unit is None:
        return NOT_KNOWN
    return unit.value.removeprefix(f"{names.base}id/unit/")


def _tag() -> str:
    return etag(opened(callers.audit_view()).id, request.args.get("release"))


def _report(found: Opened) -> AuditReport:
    made = state().known_report(found)
    if made is None:
        with costly("AUDIT"):
            made = state().report(found)
    return made


def _page(template: str, found: Opened, made: AuditReport) -> str:
    lang, names = language(), found.place.names
    return render_template(
        template,
        opened=found,
        report=made,
        most=MOST,
        grades=[(term, severity(term, lang)) for term, _ in counted(made)],
        counted=[(severity(term, lang, number), number) for term, number in counted(made)],
        severity=lambda term, number: severity(term, lang, number),
        numbers=_numbers(made),
        unit_name=lambda unit: unit_name(made, unit, lang),
        unit_path=lambda unit: f"/audit/units/{quote(slug_of(unit, names))}",
        table=lambda findings: Table.of(findings, made, lang, MOST),
        say=lambda key, **params: messages.text(f"audit-{key}", lang, **params),
        cell=lambda name, finding: cell(name, finding, made, lang),
        focus=lambda finding: show(finding.focus, names, focus_name(finding, made, lang)),
        accepted=[f for f in made.findings if f.status is Status.ACCEPTED],
        coach=next((made.label(f.coach, lang) for f in made.findings if f.coach is not None), ""),
        forms=[form for form in FORMS if form != "text"],
    )


def _numbers(made: AuditReport) -> dict[tuple[ox.NamedNode | None, ox.NamedNode], int]:
    """Give how many open findings of each severity each unit has."""
    numbers = Counter((f.unit, f.severity) for f in made.open)
    for more in made.open_more:
        numbers[more.unit, more.severity] += more.number
    return numbers
