"""Reads the W3C test suite of SHACL by its manifests. https://w3c.github.io/data-shapes/data-shapes-test-suite/"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pyoxigraph as ox

from stadtgraph.shacl import Report, Shapes
from stadtgraph.shacl.graph import ShapesGraph, path_text
from stadtgraph.terms import RDF, SH, Namespace, Term

MF = Namespace("http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#")
SHT = Namespace("http://www.w3.org/ns/shacl-test#")
Key = tuple[str, str, str, str, str]


@cache
def read(file: Path) -> ShapesGraph:
    """Parse a file once, so that its blank nodes keep their labels."""
    quads = ox.parse(file.read_bytes(), format=ox.RdfFormat.TURTLE, base_iri=file.as_uri())
    return ShapesGraph(quad.triple for quad in quads)


@dataclass(frozen=True)
class Entry:
    """One test: data, shapes, and the expected report; ``None`` where the processor must fail."""

    name: str
    file: Path
    node: Term
    data: Path
    shapes: Path

    @property
    def graph(self) -> ShapesGraph:
        """The file of the entry."""
        return read(self.file)

    @property
    def expected(self) -> Term:
        """The expected report, or sht:Failure."""
        (result,) = self.graph.objects(self.node, MF.result)
        return result

    @property
    def must_fail(self) -> bool:
        """Whether the processor must refuse the test."""
        return self.expected == SHT.Failure


def _path(iri: Term) -> Path:
    assert isinstance(iri, ox.NamedNode)
    return Path(iri.value.removeprefix("file://"))


def entries(folder: Path) -> list[Entry]:
    """Give the entries of all files of a folder; one file of the suite is in no manifest but its own."""
    found = []
    for file in sorted(folder.rglob("*.ttl")):
        graph = read(file)
        heads = [head for node in graph.subjects() for head in graph.objects(node, MF.entries)]
        found += [_entry(file, graph, member) for head in heads for member in graph.members(head)]
    return found


def _entry(file: Path, graph: ShapesGraph, node: Term) -> Entry:
    assert SHT.Validate in graph.objects(node, RDF.type)
    (action,) = graph.objects(node, MF.action)
    (data,) = graph.objects(action, SHT.dataGraph)
    (shapes,) = graph.objects(action, SHT.shapesGraph)
    name = f"{file.parent.name}/{file.stem}"
    return Entry(name, file, node, _path(data), _path(shapes))


def expected_results(entry: Entry, shapes: Shapes) -> tuple[Counter[Key], Counter[tuple[Key, str]]]:
    """Give the expected results, and those whose source shape can be told, with it."""
    graph = entry.graph
    keys: Counter[Key] = Counter()
    sourced: Counter[tuple[Key, str]] = Counter()
    for result in graph.objects(entry.expected, SH.result):
        path = graph.first(result, SH.resultPath)
        key = (
            str(graph.first(result, SH.focusNode)),
            path_text(graph, path) if path is not None else "",
            str(graph.first(result, SH.value) or ""),
            str(graph.first(result, SH.sourceConstraintComponent)),
            str(graph.first(result, SH.resultSeverity)),
        )
        keys[key] += 1
        source = graph.first(result, SH.sourceShape)
        if isinstance(source, ox.NamedNode | ox.BlankNode) and isinstance(shapes.name(source), ox.NamedNode):
            sourced[key, str(shapes.name(source))] += 1
    return keys, sourced


def found_results(report: Report) -> tuple[Counter[Key], Counter[tuple[Key, str]]]:
    """Give the results of a report in the same form."""
    keys = [(str(r.focus), r.path or "", str(r.value or ""), str(r.component), str(r.severity)) for r in report.results]
    sources = [str(r.source) for r in report.results]
    return Counter(keys), Counter(zip(keys, sources, strict=True))
