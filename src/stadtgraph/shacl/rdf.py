"""A report as RDF. https://www.w3.org/TR/shacl/#validation-report"""

from __future__ import annotations

from collections.abc import Iterator

import pyoxigraph as ox

from stadtgraph.shacl.graph import ShapesGraph
from stadtgraph.shacl.report import Report, Result
from stadtgraph.shacl.shapes import Shapes
from stadtgraph.terms import RDF, SH, Term


def report_triples(report: Report, shapes: Shapes) -> Iterator[ox.Triple]:
    """Give the report as a sh:ValidationReport; complex paths are written out from ``shapes``."""
    root = ox.BlankNode("report")
    yield ox.Triple(root, RDF.type, SH.ValidationReport)
    yield ox.Triple(root, SH.conforms, ox.Literal(report.conforms))
    for number, result in enumerate(report.results):
        node = ox.BlankNode(f"result{number}")
        yield ox.Triple(root, SH.result, node)
        yield from result_triples(node, result, shapes)


def result_triples(node: ox.NamedNode | ox.BlankNode, result: Result, shapes: Shapes) -> Iterator[ox.Triple]:
    """Give one result as a sh:ValidationResult called ``node``."""
    yield ox.Triple(node, RDF.type, SH.ValidationResult)
    yield ox.Triple(node, SH.focusNode, result.focus)
    if result.predicate is not None:
        yield ox.Triple(node, SH.resultPath, result.predicate)
    elif result.path is not None:
        for path in shapes.graph.objects(result.source, SH.path):
            label = "".join(c if c.isalnum() and c.isascii() else "x" for c in node.value)
            start = ox.BlankNode(f"{label}p0")
            yield ox.Triple(node, SH.resultPath, start)
            yield from _copied(shapes.graph, path, label, {path: start})
    if result.value is not None:
        yield ox.Triple(node, SH.value, result.value)
    yield ox.Triple(node, SH.resultSeverity, result.severity)
    yield ox.Triple(node, SH.sourceConstraintComponent, result.component)
    yield ox.Triple(node, SH.sourceShape, result.shape)
    for language, text in result.messages.items():
        yield ox.Triple(node, SH.resultMessage, ox.Literal(text, language=language or None))


def _copied(
    graph: ShapesGraph, start: Term, label: str, names: dict[Term, ox.NamedNode | ox.BlankNode]
) -> Iterator[ox.Triple]:
    """Copy what hangs on a blank node, with blank nodes of its own."""
    agenda = [start]
    while agenda:
        here = agenda.pop()
        if not isinstance(here, ox.BlankNode):
            continue
        for p in graph.predicates(here):
            for value in graph.objects(here, p):
                if isinstance(value, ox.BlankNode) and value not in names:
                    names[value] = ox.BlankNode(f"{label}p{len(names)}")
                    agenda.append(value)
                yield ox.Triple(names[here], p, names.get(value, value))
