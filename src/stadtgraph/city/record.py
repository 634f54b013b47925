"""The records of a release, appended to graphs of each view: where its graphs came from, and how large they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pyoxigraph as ox

from stadtgraph.audit.quality import Counts
from stadtgraph.audit.quality import history as audited
from stadtgraph.release import Draft, GraphInfo, Kind, View
from stadtgraph.terms import AUDIT, DCT, HISTORY, PROV, PROVENANCE, RDF, RDFS, SG, XSD, Names

DQV = "http://www.w3.org/ns/dqv#"


def record(draft: Draft, counts: Mapping[View, Counts]) -> None:
    """Append to ``graph/provenance`` and ``graph/history`` what this draft loaded, derived and found, view by view.

    ``counts`` are those of findings by group and severity.
    """
    for view in draft.views:
        changed = [i for i in draft.graphs[view].values() if i.changed == draft.id and i.kind is not Kind.APPENDED]
        if not changed:
            continue
        provenance = [t for info in changed for t in _load(draft, info)] + list(_release(draft, view))
        history = [t for info in changed for t in _size(draft, info)]
        history += audited(counts.get(view, {}), draft.names, draft.id, _time(draft), draft.names.graph(AUDIT))
        draft.change_derived(view, draft.names.graph(PROVENANCE), provenance, kind=Kind.APPENDED)
        draft.change_derived(view, draft.names.graph(HISTORY), history, kind=Kind.APPENDED)
    draft.progress("record")


def short_name(names: Names, graph: str) -> str:
    """Give the name under which records of a graph are kept: its IRI below ``{base}graph/`` with hyphens."""
    return "".join(c if c.isalnum() and c.isascii() else "-" for c in graph.removeprefix(f"{names.base}graph/"))


def _release(draft: Draft, view: View) -> Iterator[ox.Triple]:
    release = draft.names.id(f"release/{draft.id}")
    yield ox.Triple(release, RDF.type, PROV.Entity)
    yield ox.Triple(release, DCT.identifier, ox.Literal(draft.id))
    yield ox.Triple(release, PROV.generatedAtTime, _time(draft))
    yield ox.Triple(release, DCT.description, ox.Literal(draft.why_in(view)))
    if draft.parent is not None:
        yield ox.Triple(release, PROV.wasRevisionOf, draft.names.id(f"release/{draft.parent.id}"))


def _load(draft: Draft, info: GraphInfo) -> Iterator[ox.Triple]:
    """Say which activity made the graph, from what. Source: https://www.w3.org/TR/prov-o/"""
    graph = ox.NamedNode(info.graph)
    activity = draft.names.id(f"load/{draft.id}/{short_name(draft.names, info.graph)}")
    yield ox.Triple(activity, RDF.type, PROV.Activity)
    yield ox.Triple(activity, PROV.generated, graph)
    yield ox.Triple(activity, PROV.endedAtTime, _time(draft))
    yield ox.Triple(activity, DCT.isPartOf, draft.names.id(f"release/{draft.id}"))
    if info.origin:
        file = draft.names.id(f"file/{info.inputs or info.content}")
        yield ox.Triple(activity, PROV.used, file)
        yield ox.Triple(file, RDF.type, PROV.Entity)
        yield ox.Triple(file, RDFS.label, ox.Literal(info.origin))
    if info.dataset:
        yield ox.Triple(activity, PROV.used, ox.NamedNode(draft.names.base + info.dataset))
    if info.address:
        yield ox.Triple(activity, DCT.source, ox.NamedNode(info.address))
    if info.licence:
        yield ox.Triple(graph, DCT.license, ox.NamedNode(info.licence))
    for language, title in info.title.items():
        yield ox.Triple(graph, DCT.title, ox.Literal(title, language=language))


def _size(draft: Draft, info: GraphInfo) -> Iterator[ox.Triple]:
    """Give one DQV measurement: how many triples the graph has. Source: https://www.w3.org/TR/vocab-dqv/"""
    measurement = draft.names.id(f"size/{draft.id}/{short_name(draft.names, info.graph)}")
    yield ox.Triple(measurement, RDF.type, ox.NamedNode(DQV + "QualityMeasurement"))
    yield ox.Triple(measurement, ox.NamedNode(DQV + "computedOn"), ox.NamedNode(info.graph))
    yield ox.Triple(measurement, ox.NamedNode(DQV + "isMeasurementOf"), SG.tripleCount)
    yield ox.Triple(measurement, ox.NamedNode(DQV + "value"), ox.Literal(str(info.triples), datatype=XSD.integer))
    yield ox.Triple(measurement, PROV.generatedAtTime, _time(draft))


def _time(draft: Draft) -> ox.Literal:
    return ox.Literal(f"{draft.created:%Y-%m-%dT%H:%M:%SZ}", datatype=XSD.dateTime)
