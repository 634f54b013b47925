"""Withdrawing a graph: every release is written anew without it, for the day something was published by mistake.

This is the one exception to "nothing published is ever changed". A journal makes it resumable: a release is
replaced by renaming, and a run that was cut off is finished by starting it again.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyoxigraph as ox

from stadtgraph import search
from stadtgraph.city.auditing import Audits, audit_store
from stadtgraph.city.linking import all_links
from stadtgraph.city.searching import GraphFacts
from stadtgraph.city.space import whole_grid
from stadtgraph.errors import NotFound, UsageError
from stadtgraph.links import Rule
from stadtgraph.reason import compile_rules
from stadtgraph.release import (
    GraphInfo,
    Kind,
    Progress,
    Release,
    Releases,
    View,
    index_path,
    patch_path,
    purge,
    store_path,
)
from stadtgraph.release.manifest import PLAIN_WHY, Manifest, exchange, sync_folder, sync_tree
from stadtgraph.release.releases import manifest_path
from stadtgraph.store import OxigraphEngine, StoredFacts, no_premises, spool, swap
from stadtgraph.terms import INFERRED, LINKS, ONTOLOGY, SPACE, Names


def withdraw(
    releases: Releases, graph: str, progress: Progress, audits: Audits, rules: Sequence[Rule] = ()
) -> list[str]:
    """Remove ``graph`` and all that was derived from it from every release; give the ids of those changed.

    Patches of the changed releases and of their children are removed, for they spell the graph out. Raises
    :class:`NotFound` where no release has the graph, :class:`UsageError` for a graph of the product itself.
    """
    holders = [r for r in releases.all() if any(graph in r.manifest(view).graphs for view in View)]
    if not holders and graph not in releases.withdrawn():
        raise NotFound("graph-unknown", graph=graph)
    for release in holders:
        for view in View:
            info = release.manifest(view).graphs.get(graph)
            if info is not None and info.kind in (Kind.SYSTEM, Kind.DERIVED, Kind.APPENDED):
                raise UsageError("graph-system", graph=graph)
    was_public = any(graph in release.manifest(View.PUBLIC).graphs for release in holders)
    releases.note_withdrawn(graph, View.PUBLIC if was_public else View.INTERNAL)
    ids = [release.id for release in holders]
    for release in releases.all():
        if release.id in ids or release.manifest().parent in ids:
            for view in View:
                patch_path(release.path, view).unlink(missing_ok=True)
    for name in ids:
        _rewrite(releases, releases.get(name), graph, audits, rules, progress)
        progress(f"withdraw {name}")
    return ids


def _rewrite(
    releases: Releases, release: Release, graph: str, audits: Audits, rules: Sequence[Rule], progress: Progress
) -> None:
    """Write the stores of one release anew and put the new folder in the place of the old one."""
    draft = releases.city / "drafts" / f"withdraw-{release.id}"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    remaining = [view for view in View if release.has(view)]
    for view in remaining:
        manifest = release.manifest(view)
        names, engine = Names(manifest.base), release.engine(view)
        gone = purge(engine, store_path(draft, view), ox.NamedNode(graph), manifest.graphs, draft / "work")
        infos = {iri: info for iri, info in manifest.graphs.items() if iri not in gone}
        _derive(view, names, infos, draft, release, audits, rules)
        known = manifest.graphs.get(graph)
        why = PLAIN_WHY if known is not None and known.changed == manifest.id else manifest.why
        replace(manifest, graphs=infos, why=why).write(manifest_path(draft, view))
    if View.INTERNAL in remaining and _same_graphs(draft):
        manifest_path(draft, View.INTERNAL).unlink()
        shutil.rmtree(store_path(draft, View.INTERNAL))
        index_path(draft, View.INTERNAL).unlink()
    shutil.rmtree(draft / "work", ignore_errors=True)
    shutil.rmtree(draft / "derive", ignore_errors=True)
    sync_tree([draft])
    releases.forget_open()
    ready, trash = releases.folder / f".next-{release.id}", releases.folder / f".removed-{release.id}"
    draft.rename(ready)
    progress("ready")
    if exchange(ready, release.path):
        progress("exchange")
        ready.rename(trash)
    else:
        release.path.rename(trash)
        ready.rename(release.path)
    sync_folder(releases.folder)
    progress("replace")
    shutil.rmtree(trash)


def _derive(
    view: View,
    names: Names,
    infos: dict[str, GraphInfo],
    draft: Path,
    release: Release,
    audits: Audits,
    rules: Sequence[Rule],
) -> None:
    engine = OxigraphEngine(store_path(draft, view), names, read_only=False)
    store = engine.store
    hidden = no_premises(store, names)
    compiled = compile_rules(q.triple for q in store.quads_for_pattern(None, None, None, names.graph(ONTOLOGY)))
    facts = StoredFacts(store, hidden)
    derived = (
        (INFERRED, compiled.infer(facts)),
        (SPACE, whole_grid(facts, names)),
        (LINKS, all_links(engine, facts, rules, names)),
    )
    for name, found in derived:
        target = names.graph(name)
        change, _ = swap(store, names, target, spool(found, draft / "work", name), draft / "derive", old_size=0)
        infos[target.value] = GraphInfo(target.value, Kind.DERIVED, triples=change.added, changed=release.id)
    work = draft / "audit"
    work.mkdir(exist_ok=True)
    for graph, triples in audit_store(engine, infos, names, f"{release.created:%Y-%m-%d}", audits, work):
        change, _ = swap(store, names, graph, spool(triples, draft / "work", "audit"), draft / "derive", old_size=0)
        infos[graph.value] = GraphInfo(graph.value, Kind.DERIVED, triples=change.added, changed=release.id)
    shutil.rmtree(work)
    store.flush()
    search.build(index_path(draft, view), search.documents(GraphFacts(store, hidden - {names.graph(INFERRED).value})))
    for iri, info in list(infos.items()):
        if info.kind is Kind.APPENDED:
            size = sum(1 for _ in store.quads_for_pattern(None, None, None, ox.NamedNode(iri)))
            infos[iri] = replace(info, triples=size, changed=release.id)
    del store
    engine.close()


def _same_graphs(draft: Path) -> bool:
    public, internal = (Manifest.read(manifest_path(draft, view)) for view in View)
    return public.graphs.keys() == internal.graphs.keys()
