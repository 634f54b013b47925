"""A store written anew without one graph and without a byte that came from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pyoxigraph as ox

from stadtgraph.release.manifest import GraphInfo, Kind
from stadtgraph.store import OxigraphEngine, rebuild
from stadtgraph.terms import DCT, PROV, Term

Subject = ox.NamedNode | ox.BlankNode | ox.Triple

__all__ = ["purge"]


def purge(
    old: OxigraphEngine, place: Path, graph: ox.NamedNode, infos: Mapping[str, GraphInfo], work: Path
) -> set[str]:
    """Write the store at ``place`` with all of ``old`` but ``graph`` and what may be derived from it.

    Derived graphs are left out whole, for they are to be derived again; of appended graphs (provenance, history)
    the records that mention ``graph`` are left out, with the files they name and the reasons they were made for.
    Returns the IRIs of the graphs that the new store lacks.
    """
    names = old.names
    derived = {iri for iri, info in infos.items() if info.kind is Kind.DERIVED}
    appended = [iri for iri, info in infos.items() if info.kind is Kind.APPENDED]
    gone = {graph.value, *derived}
    left_out = {*gone, *(names.written(ox.NamedNode(iri)).value for iri in gone), *appended}
    rebuild(old.store, place, names, lambda iri: iri not in left_out, work)
    new = ox.Store(str(place))
    for iri in appended:
        quads = list(_without_mention(old.store, ox.NamedNode(iri), graph))
        new.extend(quads)
        new.extend([ox.Quad(q.subject, q.predicate, q.object) for q in quads])
    new.flush()
    return gone


def _without_mention(store: ox.Store, appended: ox.NamedNode, graph: ox.NamedNode) -> Iterator[ox.Quad]:
    records = {q.subject for q in store.quads_for_pattern(None, None, graph, appended)}
    gone = records | {graph} | _only_used_by(records, store, appended)
    told = {q.object for r in records for q in store.quads_for_pattern(r, DCT.isPartOf, None, appended)}
    for quad in store.quads_for_pattern(None, None, None, appended):
        is_reason = quad.subject in told and quad.predicate == DCT.description
        if quad.subject not in gone and quad.object not in gone and not is_reason:
            yield quad


def _only_used_by(records: set[Subject], store: ox.Store, appended: ox.NamedNode) -> set[Term]:
    """Give what no activity but ``records`` used: the files that were read, with their names."""
    used = {q.object for r in records for q in store.quads_for_pattern(r, PROV.used, None, appended)}
    others = {
        q.object
        for o in used
        for q in store.quads_for_pattern(None, PROV.used, o, appended)
        if q.subject not in records
    }
    return used - others
