"""A draft: a clone of the current release that is changed and then sealed as the next release.

Nothing published is ever changed. The clone is a hard-linked checkpoint of the parent's stores; sealing writes the
manifest, makes everything durable, renames the folder and moves ``current``. A crash before the rename leaves a
draft that the next writer deletes; a crash after it leaves the marker ``pending``, which the next writer honours.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyoxigraph as ox

from stadtgraph.errors import StadtgraphError, disk_failure
from stadtgraph.release.manifest import (
    PLAIN_WHY,
    GraphInfo,
    Kind,
    Manifest,
    View,
    sync_folder,
    sync_tree,
    write_durably,
)
from stadtgraph.release.patch import write_patch
from stadtgraph.release.purge import purge
from stadtgraph.release.releases import Release, Releases, index_path, manifest_path, patch_path, store_path
from stadtgraph.store import Change, OxigraphEngine, Spool, change, count, spool, swap
from stadtgraph.store.literals import Normaliser, Splitter
from stadtgraph.terms import Names

SETTLED = 100_000
"""Triples that a draft has to have written before its store is worth sorting."""
Progress = Callable[[str], None]
"""Called with the name of each step once it is done: ``clone``, ``load trees``, ``seal``, ``current`` ..."""


def silent(_step: str) -> None:
    """Report nothing."""


class Draft:
    """The changeable clone of a release. Use :func:`drafting`, which holds the lock and cleans up."""

    def __init__(
        self,
        releases: Releases,
        names: Names,
        *,
        why: str,
        role: str = "",
        progress: Progress = silent,
        now: datetime | None = None,
    ) -> None:
        """Clone the current release; without one, or under another base IRI, start empty."""
        self.releases, self.names, self.why, self.role, self.progress = releases, names, why, role, progress
        self.created = now or datetime.now(UTC)
        self.id = f"{self.created:%Y%m%dT%H%M%SZ-%f}"  # sorts by time; one writer at a time makes it unique
        current = releases.current()
        self.parent = current if current is not None and current.manifest().base == names.base else None
        self.path = releases.city / "drafts" / self.id
        self.work = self.path / "work"
        self.engines: dict[View, OxigraphEngine] = {}
        self.graphs: dict[View, dict[str, GraphInfo]] = {}
        self.changes: dict[View, list[Change]] = {}
        self.rebuilt: set[View] = set()
        self._touched_restricted = False
        self._counter = 0
        self._clone()
        progress("clone")

    @property
    def views(self) -> Sequence[View]:
        """The views that the draft holds: public, and internal where something is restricted."""
        return tuple(self.engines)

    def why_in(self, view: View) -> str:
        """Tell why the draft was made, in words that name no restricted graph to the public view."""
        return PLAIN_WHY if view is View.PUBLIC and self._touched_restricted else self.why

    def info(self, graph: ox.NamedNode) -> GraphInfo | None:
        """Tell what is known of a graph, in whichever view holds it."""
        for infos in self.graphs.values():
            if graph.value in infos:
                return infos[graph.value]
        return None

    def is_restricted(self, graph: ox.NamedNode) -> bool:
        """Tell whether only the internal view holds ``graph``."""
        return self.info(graph) is not None and graph.value not in self.graphs[View.PUBLIC]

    def folder(self, name: str) -> Path:
        """Give a fresh working folder inside the draft."""
        self._counter += 1
        path = self.work / f"{self._counter:04d}-{name}"
        path.mkdir(parents=True)
        return path

    def put(self, info: GraphInfo, triples: Iterable[ox.Triple], *, restricted: bool = False) -> bool:
        """Make a graph hold exactly ``triples`` (as written); tell whether that changed it.

        A restricted graph goes into the internal view alone. An exception leaves the draft unusable.
        """
        entry = spool(triples, self.folder("spool"), "graph")
        try:
            return self.put_spool(info, entry, restricted=restricted)
        finally:
            entry.remove()

    def put_spool(self, info: GraphInfo, entry: Spool, *, restricted: bool = False) -> bool:
        """Do what :meth:`put` does with triples that were spooled already."""
        graph = ox.NamedNode(info.graph)
        if restricted:
            self._hide(graph)
        changed = False
        for view in self.views:
            if restricted and view is View.PUBLIC:
                continue
            old = self.graphs[view].get(info.graph)
            difference, companions = swap(
                self.engines[view].store,
                self.names,
                graph,
                entry,
                self.folder("swap"),
                old_size=old.triples if old else 0,
            )
            size = (old.triples if old else 0) + difference.added - difference.removed
            changed |= self._note(view, replace(info, triples=size, content=entry.digest), [difference, companions])
        return changed

    def edit(
        self,
        info: GraphInfo,
        add: Iterable[ox.Triple],
        remove: Iterable[ox.Triple],
        *,
        restricted: bool = False,
    ) -> bool:
        """Add and remove single triples (as written) of a graph; cost grows with the subjects touched."""
        if restricted:
            self._hide(ox.NamedNode(info.graph))
        added, removed = list(dict.fromkeys(add)), set(remove)
        changed = False
        for view in self.views:
            if not restricted or view is not View.PUBLIC:
                changed |= self._edit(view, info, added, removed)
        return changed

    def edit_derived(
        self, view: View, graph: ox.NamedNode, add: Iterable[ox.Triple], remove: Iterable[ox.Triple]
    ) -> bool:
        """Add and remove single triples (as written) of a derived graph of one view."""
        return self._edit(view, GraphInfo(graph.value, Kind.DERIVED), list(dict.fromkeys(add)), set(remove))

    def _edit(self, view: View, info: GraphInfo, added: list[ox.Triple], removed: set[ox.Triple]) -> bool:
        graph, store = ox.NamedNode(info.graph), self.engines[view].store
        written = self.names.written(graph)
        subjects = dict.fromkeys(t.subject for t in [*added, *removed] if not isinstance(t.subject, ox.Triple))
        before = list(self.engines[view].as_written(graph, subjects))
        after = [t for t in before if t not in removed]
        known_before = set(after)
        after += [t for t in added if t not in known_before]
        changes = []
        for target, new in zip((graph, written), _split(after), strict=True):
            old = {q.triple: None for s in subjects for q in store.quads_for_pattern(s, None, None, target)}
            wanted = dict.fromkeys(new)
            more, less = [t for t in wanted if t not in old], [t for t in old if t not in wanted]
            changes.append(change(store, self.names, target, more, less, self.folder("edit")))
        known = self.graphs[view].get(info.graph)
        size = (known.triples if known else 0) + changes[0].added - changes[0].removed
        return self._note(view, replace(known or info, triples=size, content=""), changes)

    def change_derived(
        self,
        view: View,
        graph: ox.NamedNode,
        add: Iterable[ox.Triple],
        remove: Iterable[ox.Triple] = (),
        kind: Kind = Kind.DERIVED,
    ) -> bool:
        """Add and remove triples (store's form) of a derived or appended graph of one view."""
        difference = change(self.engines[view].store, self.names, graph, add, remove, self.folder("derive"))
        known = self.graphs[view].get(graph.value) or GraphInfo(graph.value, kind)
        size = known.triples + difference.added - difference.removed
        return self._note(view, replace(known, triples=size), [difference])

    def put_derived(self, view: View, graph: ox.NamedNode, triples: Iterable[ox.Triple]) -> bool:
        """Make a derived graph of one view hold exactly ``triples``."""
        entry = spool(triples, self.folder("spool"), "derived")
        known = self.graphs[view].get(graph.value) or GraphInfo(graph.value, Kind.DERIVED)
        store = self.engines[view].store
        changes = swap(store, self.names, graph, entry, self.folder("derive"), old_size=known.triples)
        entry.remove()
        size = known.triples + changes[0].added - changes[0].removed
        return self._note(view, replace(known, triples=size), changes)

    def drop(self, graph: ox.NamedNode) -> bool:
        """Remove a graph from every view; tell whether there was one."""
        info = self.info(graph)
        if info is None:
            return False
        changed = self.put(info, (), restricted=self.is_restricted(graph))
        for view in self.views:
            self.graphs[view].pop(graph.value, None)
            for name in (graph, self.names.written(graph)):
                self.engines[view].store.remove_graph(name)
        return changed

    def keep_empty(self, info: GraphInfo, *, restricted: bool = False) -> bool:
        """Let a graph be there even while it holds nothing; tell whether it was not there before."""
        is_new, graph = self.info(ox.NamedNode(info.graph)) is None, ox.NamedNode(info.graph)
        if is_new:
            self.put(info, (), restricted=restricted)
        for view in self.views:
            if info.graph in self.graphs[view]:
                self.engines[view].store.add_graph(graph)
        return is_new

    def is_changed(self) -> bool:
        """Tell whether anything differs from the parent; a draft without a parent always does."""
        if self.parent is None:
            return True
        return (
            any(self.changes.values())
            or any(_facts(self.graphs[view]) != _facts(self.parent.manifest(view).graphs) for view in self.views)
            or self.parent.has(View.INTERNAL) != (View.INTERNAL in self.engines)
        )

    def seal(self) -> Release | None:
        """Make the draft the next release and the current one; ``None`` where nothing changed."""
        if View.INTERNAL in self.engines and not self.has_restricted():
            self._close(View.INTERNAL)
            shutil.rmtree(store_path(self.path, View.INTERNAL))
            index_path(self.path, View.INTERNAL).unlink(missing_ok=True)
        if not self.is_changed():
            self.abandon()
            return None
        for view in self.views:
            self.engines[view].store.flush()
            self._settle(view)
            if self.parent is not None:
                write_patch(patch_path(self.path, view), self.id, self.parent.id, self.changes[view])
            self._manifest(view).write(manifest_path(self.path, view))
        for view in self.views:
            self._close(view)
        shutil.rmtree(self.work, ignore_errors=True)
        sync_tree([self.path])
        self.progress("before seal")
        self.releases.folder.mkdir(exist_ok=True)
        write_durably(self.releases.city / "pending", f"{self.id}\n".encode())
        target = self.releases.folder / self.id
        self.path.rename(target)
        sync_folder(self.releases.folder)
        self.progress("seal")
        self.releases.set_current(self.id)
        self.progress("current")
        (self.releases.city / "pending").unlink()
        return self.releases.get(self.id)

    def _settle(self, view: View) -> None:
        """Sort the files of a store of which most is new, so that answers need half the work from then on.

        It takes about a fifth of the time of writing; small changes to a large store are left beside it.
        """
        written = sum(change.added + change.removed for change in self.changes[view])
        held = sum(info.triples for info in self.graphs[view].values())
        if written >= SETTLED and written * 2 > held:
            with suppress(OSError):  # a disk without room for the copy keeps the files as they are
                self.engines[view].store.optimize()
            self.progress("settle")

    def abandon(self) -> None:
        """Drop the draft; the current release stays as it was."""
        for view in self.views:
            self._close(view)
        shutil.rmtree(self.path, ignore_errors=True)

    def _clone(self) -> None:
        self.path.mkdir(parents=True)
        self.work.mkdir()
        for view in View:
            if self.parent is not None and self.parent.has(view):
                self.parent.engine(view).store.backup(str(store_path(self.path, view)))
                self.graphs[view] = dict(self.parent.manifest(view).graphs)
            elif view is View.PUBLIC:
                self.graphs[view] = {}
            else:
                continue
            self._open(view)

    def _open(self, view: View) -> None:
        self.engines[view] = OxigraphEngine(store_path(self.path, view), self.names, read_only=False)
        self.changes.setdefault(view, [])

    def _close(self, view: View) -> None:
        self.engines.pop(view).close()

    def has_restricted(self) -> bool:
        """Tell whether some source is seen in the internal view alone."""
        return any(
            info.kind not in (Kind.DERIVED, Kind.APPENDED) and iri not in self.graphs[View.PUBLIC]
            for iri, info in self.graphs.get(View.INTERNAL, {}).items()
        )

    def _note(self, view: View, info: GraphInfo, changes: Iterable[Change]) -> bool:
        real = [c for c in changes if c]
        self.changes[view] += real
        old = self.graphs[view].get(info.graph)
        stamp = self.id if real or old is None else old.changed
        self.graphs[view][info.graph] = replace(info, changed=stamp)
        return bool(real)

    def _hide(self, graph: ox.NamedNode) -> None:
        """Prepare for a restricted graph: make the internal view, and a public store that never held the graph."""
        self._touched_restricted = True
        if View.INTERNAL not in self.engines:
            self.engines[View.PUBLIC].store.flush()
            self.engines[View.PUBLIC].store.backup(str(store_path(self.path, View.INTERNAL)))
            self._open(View.INTERNAL)
            self.graphs[View.INTERNAL] = dict(self.graphs[View.PUBLIC])
            self.changes[View.INTERNAL] = list(self.changes[View.PUBLIC])
        if graph.value in self.graphs[View.PUBLIC]:
            self._purge(graph)

    def _purge(self, graph: ox.NamedNode) -> None:
        """Rebuild the public store without ``graph`` and without all that may have been derived from it."""
        infos, place, fresh = self.graphs[View.PUBLIC], store_path(self.path, View.PUBLIC), self.path / "fresh"
        gone = purge(self.engines[View.PUBLIC], fresh, graph, infos, self.folder("rebuild"))
        self._close(View.PUBLIC)
        shutil.rmtree(place)
        fresh.rename(place)
        self._open(View.PUBLIC)
        self.engines = {view: self.engines[view] for view in View if view in self.engines}
        for iri in gone:
            infos.pop(iri, None)
        for iri, info in infos.items():
            if info.kind is Kind.APPENDED:
                size = count(self.engines[View.PUBLIC].store, ox.NamedNode(iri))
                infos[iri] = replace(info, triples=size, changed=self.id)
        names = gone | {self.names.written(ox.NamedNode(iri)).value for iri in gone}
        self.changes[View.PUBLIC] = [c for c in self.changes[View.PUBLIC] if c.graph.value not in names]
        self.rebuilt.add(View.PUBLIC)

    def _manifest(self, view: View) -> Manifest:
        parent = self.parent.id if self.parent is not None else None
        why, base = self.why_in(view), self.names.base
        return Manifest(self.id, parent, self.created, why, self.role, base, view, self.graphs[view])


def _facts(graphs: object) -> object:
    assert isinstance(graphs, dict)
    return {
        iri: replace(info, content="", changed="") for iri, info in graphs.items() if info.kind is not Kind.APPENDED
    }


def _split(triples: Sequence[ox.Triple]) -> tuple[list[ox.Triple], list[ox.Triple]]:
    stored: list[ox.Triple] = []
    companions: list[ox.Triple] = []
    for triple, extra in Splitter(Normaliser()).split(triples):
        stored.append(triple)
        companions += extra
    return list(dict.fromkeys(stored)), list(dict.fromkeys(companions))


def recover(releases: Releases) -> None:
    """Finish or clear what a dead writer left. Call with the writer lock held."""
    pending = releases.city / "pending"
    if pending.is_file():
        name = pending.read_text("ascii", errors="replace").strip()
        if name in releases.ids() and manifest_path(releases.folder / name, View.PUBLIC).is_file():
            releases.set_current(name)
        pending.unlink()
    for ready in releases.folder.glob(".next-*"):
        place = releases.folder / ready.name.removeprefix(".next-")
        if place.exists():
            shutil.rmtree(ready)
        else:
            ready.rename(place)
    for folder in (releases.city / "drafts", releases.folder):
        for entry in list(folder.iterdir()) if folder.is_dir() else []:
            if folder.name == "drafts" or entry.name.startswith(".removed-"):
                shutil.rmtree(entry)


@contextmanager
def drafting(
    releases: Releases,
    names: Names,
    *,
    why: str,
    role: str = "",
    progress: Progress = silent,
    now: datetime | None = None,
) -> Iterator[Draft]:
    """Give a draft inside ``with``; on an exception it is dropped. Seal it with :meth:`Draft.seal`.

    ``now`` is when it is made. Call with the writer lock held. A failing disk is a :class:`StoreError`, a full one a
    :class:`DiskFull`; the current release is untouched.
    """
    draft: Draft | None = None
    try:
        recover(releases)
        draft = Draft(releases, names, why=why, role=role, progress=progress, now=now)
        yield draft
    except StadtgraphError:
        raise  # some of ours are OSErrors as well
    except (OSError, sqlite3.OperationalError) as problem:
        raise disk_failure(problem) from problem
    finally:
        if draft is not None and draft.engines:
            draft.abandon()


__all__ = ["Draft", "Progress", "count", "drafting", "recover", "silent"]
