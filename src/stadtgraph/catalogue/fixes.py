"""Fixes that are safe because they follow from what is known: proposed as SPARQL update with a diff, never applied.

Each fix states in the source graph what the export derives anyway, or writes a value in its proper form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import pyoxigraph as ox

from stadtgraph.catalogue.linkcheck import Checked
from stadtgraph.catalogue.records import Record
from stadtgraph.catalogue.vocabulary import MEDIA_TYPES
from stadtgraph.store import OxigraphEngine
from stadtgraph.terms import DCAT, DCT, RDF, XSD, Names, Term, render

DERIVED = (DCT.accessRights, DCAT.downloadURL, DCT.license, DCT.modified)
"""Properties whose derived values may be written into the sources: literals and IRIs that follow from others."""


@dataclass(frozen=True, slots=True)
class Fix:
    """One change of one graph: the statements to remove and to add, and the name of the reason."""

    graph: ox.NamedNode
    reason: str
    remove: tuple[ox.Triple, ...]
    add: tuple[ox.Triple, ...]


def fixes(
    records: Iterable[Record], engine: OxigraphEngine, names: Names, checked: Callable[[str], Checked | None]
) -> Iterator[Fix]:
    """Give the fixes for the datasets and distributions of exported records."""
    for record in records:
        for node in (record.iri, *(block.node for block in record.of("Distribution"))):
            graph = _source(engine, names, node)
            if graph is not None:
                yield from _derived(record, node, graph, engine)
                yield from _measured(record, node, graph, engine, checked)


def _source(engine: OxigraphEngine, names: Names, node: ox.NamedNode) -> ox.NamedNode | None:
    """Give the source graph that says what a node is."""
    start = f"{names.base}graph/source/"
    quads = engine.store.quads_for_pattern(node, RDF.type, None, None)
    found = [q.graph_name for q in quads if isinstance(q.graph_name, ox.NamedNode)]
    return min((g for g in found if g.value.startswith(start)), key=str, default=None)


def _stated(engine: OxigraphEngine, node: ox.NamedNode, p: ox.NamedNode) -> list[Term]:
    return [t.object for t in engine.triples(node, p)]


def _derived(record: Record, node: ox.NamedNode, graph: ox.NamedNode, engine: OxigraphEngine) -> Iterator[Fix]:
    for p in DERIVED:
        ours, stated = record.values(p, node), _stated(engine, node, p)
        if p == DCT.license and stated and set(ours) != set(stated) and ours:
            remove = tuple(ox.Triple(node, p, value) for value in stated if value not in ours)
            yield Fix(graph, "licence", remove, tuple(ox.Triple(node, p, v) for v in ours if v not in stated))
        elif ours and not stated:
            yield Fix(graph, p.value.rpartition("/")[2].rpartition("#")[2], (), _triples(node, p, ours))


def _triples(node: ox.NamedNode, p: ox.NamedNode, values: Iterable[Term]) -> tuple[ox.Triple, ...]:
    return tuple(ox.Triple(node, p, value) for value in values)


def _measured(
    record: Record,
    node: ox.NamedNode,
    graph: ox.NamedNode,
    engine: OxigraphEngine,
    checked: Callable[[str], Checked | None],
) -> Iterator[Fix]:
    """What the server said of a download: its size and media type, where none is stated."""
    for address in record.values(DCAT.downloadURL, node):
        found = checked(address.value) if isinstance(address, ox.NamedNode) else None
        if found is None or not found.answers:
            continue
        if found.size is not None and not _stated(engine, node, DCAT.byteSize):
            size = ox.Literal(str(found.size), datatype=XSD.nonNegativeInteger)
            yield Fix(graph, "byteSize", (), (ox.Triple(node, DCAT.byteSize, size),))
        telling = found.media_type and found.media_type not in ("text/html", "application/octet-stream")
        if telling and "/" in found.media_type and not _stated(engine, node, DCAT.mediaType):
            try:
                named = ox.NamedNode(MEDIA_TYPES + found.media_type)
            except ValueError:
                continue
            yield Fix(graph, "mediaType", (), (ox.Triple(node, DCAT.mediaType, named),))


def as_update(found: Iterable[Fix]) -> str:
    """Give the fixes as one SPARQL update, graph by graph."""
    parts = []
    for fix in found:
        for verb, triples in (("DELETE", fix.remove), ("INSERT", fix.add)):
            if triples:
                lines = " ".join(f"{render(t.subject)} {render(t.predicate)} {render(t.object)} ." for t in triples)
                parts.append(f"# {fix.reason}\n{verb} DATA {{ GRAPH {render(fix.graph)} {{ {lines} }} }}")
    return " ;\n".join(parts) + ("\n" if parts else "")


def as_diff(found: Iterable[Fix]) -> Iterator[str]:
    """Give the fixes as lines of a diff, under the graph they change."""
    last = None
    for fix in found:
        if fix.graph != last:
            last = fix.graph
            yield f"--- {fix.graph.value}"
        yield from (f"- {triple} ." for triple in fix.remove)
        yield from (f"+ {triple} ." for triple in fix.add)
