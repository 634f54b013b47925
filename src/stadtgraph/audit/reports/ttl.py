"""The report as Turtle: sh:ValidationReport with who answers for each finding, DQV measurements and PROV."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import pyoxigraph as ox

from stadtgraph import messages
from stadtgraph.audit.graph import AuditGraph
from stadtgraph.audit.quality import quality
from stadtgraph.audit.report import AuditReport
from stadtgraph.terms import PREFIXES, RDFS, Names


def write(report: AuditReport, out: BinaryIO, lang: str) -> None:
    """Write the findings; mended ones are no results any more. Measurements count all, also what is not listed."""
    ox.serialize(_triples(report), out, ox.RdfFormat.TURTLE, prefixes=dict(PREFIXES) | {"": report.base})


def _triples(report: AuditReport) -> Iterator[ox.Triple]:
    graph = AuditGraph(Names(report.base), report.date)
    datasets = {f.dataset for f in report.findings if f.dataset is not None}
    yield from graph.all(report.listed, sorted(datasets, key=str), report.more)
    for (shape, _), (listed, number) in report.left_out.items():
        for lang in messages.LANGUAGES:
            said = f"{messages.text('audit-rest', lang, shown=listed, number=number)} {shape.value}"
            yield ox.Triple(graph.report, RDFS.comment, ox.Literal(said, language=lang))
    yield from quality(report.findings, graph.names, report.more)
