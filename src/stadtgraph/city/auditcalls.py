"""The commands ``audit``, ``explain`` and ``validate``: each writes its result and gives an exit code."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyoxigraph as ox

from stadtgraph import messages
from stadtgraph.audit import AuditReport
from stadtgraph.audit.explain import Explanation
from stadtgraph.audit.explain import explain as explanation
from stadtgraph.audit.reports import write, write_file
from stadtgraph.audit.view import AuditedView
from stadtgraph.city.deriving import derive
from stadtgraph.city.origins import Origins
from stadtgraph.city.reporting import audited_view
from stadtgraph.city.validating import check as validated
from stadtgraph.config import Config
from stadtgraph.errors import NotFound, StoreError, UsageError
from stadtgraph.release import View
from stadtgraph.terms import INFERRED, SH

if TYPE_CHECKING:
    from stadtgraph.city import City

GRADES: Final = {"violation": SH.Violation, "warning": SH.Warning}
"""What ``--fail-on`` takes beside ``never``."""


def audit(city: City, options: argparse.Namespace, lang: str) -> int:
    """Write the report on a release; 1 where open findings are as grave as ``--fail-on`` or graver."""
    _check_most(options)
    made = city.audit(
        options.release,
        unit=options.unit,
        since=options.since,
        shapes=Path(options.shapes) if options.shapes else None,
        using=options.using,
        every=options.all,
        view=View.INTERNAL if options.internal else View.PUBLIC,
    )
    _give(made, options, lang)
    return _code(made, options)


def explain(city: City, options: argparse.Namespace, lang: str) -> int:
    """Write all that there is to say about one finding."""
    view = View.INTERNAL if options.internal else View.PUBLIC
    made = city.audit(options.release, view=view)
    finding = made.find(options.finding)
    if finding is None:
        raise NotFound("audit-no-finding", finding=options.finding[:60])
    audited = audited_view(city.releases.get(made.release), view)
    origins = Origins(city, lang, Path(options.real_data) if options.real_data else None)
    found = explanation(finding, audited, city.audits.shapes, origins.line, origins.advice(finding.graph))
    print("\n".join(found.lines(made, lang)))
    for triple in _inferred(found, audited):
        print(f"\n# {messages.text('derivation-follows', lang)}")
        print("\n".join(derive(city, str(triple), city.releases.get(made.release), view, lang, origins).lines(lang)))
    return 0


MOST = 4
"""Inferred triples of which an explanation says why they hold."""


def _inferred(found: Explanation, view: AuditedView) -> list[ox.Triple]:
    """Give the inferred triples that a finding rests on."""
    predicate, focus = found.finding.result.predicate, found.finding.focus
    graph = view.names.graph(INFERRED).value
    rests = (e.triple for e in found.evidence if e.graph == graph)
    return [t for t in rests if t.predicate == predicate or (predicate is None and t.object == focus)][:MOST]


def check(options: argparse.Namespace, config: Config, shapes: Path, lang: str) -> int:
    """Validate files against shapes and write the report; no city is needed."""
    _check_most(options)
    given = [Path(name) for name in options.shapes or ()]
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    made = validated([Path(name) for name in options.files], given or [shapes], config, today, options.using)
    _give(made, options, lang)
    return _code(made, options)


def _check_most(options: argparse.Namespace) -> None:
    if options.most is not None and options.most < 1:
        raise UsageError("audit-most", most=options.most)


def _give(made: AuditReport, options: argparse.Namespace, lang: str) -> None:
    if options.most is not None:
        made = replace(made, most=options.most)
    if options.out:
        write_file(made, options.format, Path(options.out), lang)
        return
    try:
        write(made, options.format, sys.stdout.buffer, lang)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as problem:
        raise StoreError("audit-not-written", file="stdout", problem=problem.strerror or problem) from problem


def _code(made: AuditReport, options: argparse.Namespace) -> int:
    grade = GRADES.get(options.fail_on)
    return 1 if grade is not None and made.fails(grade) else 0
