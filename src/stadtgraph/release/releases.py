"""The releases of a city: list, open, compare, roll back, pin, prune, withdraw."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyoxigraph as ox

from stadtgraph.errors import Gone, NotFound, StoreError, UsageError
from stadtgraph.release.manifest import Manifest, View, sync_folder, write_durably
from stadtgraph.store import OxigraphEngine
from stadtgraph.terms import Names

_ID = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9]{6}")
MOST_OPEN = 8
"""Releases kept open at once."""
_STORES = {View.PUBLIC: "public", View.INTERNAL: "internal"}
_INDEXES = {View.PUBLIC: "search.db", View.INTERNAL: "internal-search.db"}
_MANIFESTS = {View.PUBLIC: "manifest.json", View.INTERNAL: "internal.json"}
_PATCHES = {View.PUBLIC: "changes.rdfp.gz", View.INTERNAL: "internal.rdfp.gz"}


class Release:
    """One sealed state of the city: a folder that never changes. Engines are opened read-only and kept."""

    __slots__ = ("_engines", "_manifests", "id", "path", "written")

    def __init__(self, path: Path, written: str = "") -> None:
        """Take the folder ``path`` as a release; nothing is read yet.

        ``written`` tells which writing of the folder this is: withdrawing a graph writes a release anew.
        """
        self.id, self.path, self.written = path.name, path, written
        self._engines: dict[View, OxigraphEngine] = {}
        self._manifests: dict[View, Manifest] = {}

    def has(self, view: View) -> bool:
        """Tell whether the release has a store of its own for ``view`` (internal only with restricted graphs)."""
        return manifest_path(self.path, view).is_file()

    def view_for(self, view: View) -> View:
        """Give the view that answers for ``view``: the public one where nothing is restricted."""
        return view if view is not View.PUBLIC and self.has(view) else View.PUBLIC

    def manifest(self, view: View = View.PUBLIC) -> Manifest:
        """Read the manifest of a view; a damaged one raises :class:`StoreError`."""
        view = self.view_for(view)
        if view not in self._manifests:
            self._manifests[view] = Manifest.read(manifest_path(self.path, view))
        return self._manifests[view]

    def engine(self, view: View = View.PUBLIC) -> OxigraphEngine:
        """Open the store of a view read-only (5-25 ms the first time)."""
        view = self.view_for(view)
        if view not in self._engines:
            names = Names(self.manifest(view).base)
            self._engines[view] = OxigraphEngine(store_path(self.path, view), names)
        return self._engines[view]

    def close(self) -> None:
        """Let go of the open stores."""
        for engine in self._engines.values():
            engine.close()
        self._engines.clear()

    @property
    def created(self) -> datetime:
        """When the release was sealed, UTC."""
        return self.manifest().created


def _written(release: Path) -> str | None:
    """Give what changes when a release is written anew, or ``None`` where there is none."""
    try:
        status = os.stat(f"{release}/{_MANIFESTS[View.PUBLIC]}")
    except OSError:
        return None
    return f"{status.st_ino}-{status.st_mtime_ns}"


def store_path(release: Path, view: View) -> Path:
    """Give the folder of the store of a view."""
    return release / _STORES[view]


def index_path(release: Path, view: View) -> Path:
    """Give the file of the full-text index of a view."""
    return release / _INDEXES[view]


def manifest_path(release: Path, view: View) -> Path:
    """Give the manifest file of a view."""
    return release / _MANIFESTS[view]


def patch_path(release: Path, view: View) -> Path:
    """Give the file of the changes of a view."""
    return release / _PATCHES[view]


@dataclass(frozen=True, slots=True)
class GraphDifference:
    """How one graph differs between two releases, in triples of the store's form."""

    graph: str
    added: tuple[ox.Triple, ...]
    removed: tuple[ox.Triple, ...]


@dataclass(frozen=True, slots=True)
class Retention:
    """Which releases ``prune`` keeps: the last ones, the newest of each day and the newest of each month."""

    last: int = 10
    days: int = 30
    months: int = 24


class Releases:
    """All releases of the city in the folder ``city``."""

    __slots__ = ("_current", "_open", "city")

    def __init__(self, city: Path) -> None:
        """Look at the releases of ``city``; the folder need not exist yet."""
        self.city = city
        self._open: dict[str, Release] = {}
        self._current: tuple[tuple[int, int], str | None] = ((0, 0), None)

    @property
    def folder(self) -> Path:
        """The folder that holds one folder per release."""
        return self.city / "releases"

    def current_id(self) -> str | None:
        """Give the id of the current release; cheap enough to ask for every request."""
        try:
            status = os.stat(f"{self.city}/current")
            state = (status.st_ino, status.st_mtime_ns)
            if self._current[0] == state:
                return self._current[1]
            name = (self.city / "current").read_text("ascii").strip()
        except (OSError, UnicodeDecodeError):
            return None
        self._current = (state, name if _ID.fullmatch(name) else None)
        return self._current[1]

    def current(self) -> Release | None:
        """Give the current release, or ``None`` where there is none; one that is gone raises :class:`StoreError`."""
        name = self.current_id()
        try:
            return None if name is None else self.get(name)
        except (NotFound, Gone) as problem:
            raise StoreError("release-current-missing", id=name) from problem

    def require_current(self) -> Release:
        """Give the current release; raise :class:`NotFound` with what to do where there is none."""
        release = self.current()
        if release is None:
            raise NotFound("release-none", path=self.city.name)
        return release

    def get(self, name: str) -> Release:
        """Give the release ``name`` or ``current``; :class:`NotFound`, or :class:`Gone` when it was pruned."""
        if name == "current":
            return self.require_current()
        if not _ID.fullmatch(name):
            raise NotFound("release-unknown", id=name)
        release = self._open.get(name)
        path = self.folder / name if release is None else release.path
        written = _written(path)
        if written is None:
            self._open.pop(name, None)
            if name in self._names_of("pruned"):
                raise Gone("release-pruned", id=name)
            raise NotFound("release-unknown", id=name)
        if release is None or release.written != written:
            self._open.pop(name, None)
            if len(self._open) >= MOST_OPEN:
                self._open.pop(next(iter(self._open)))  # whoever still uses it keeps it open
            release = self._open[name] = Release(path, written)
        return release

    def ids(self) -> list[str]:
        """Give the ids of all releases, newest first."""
        if not self.folder.is_dir():
            return []
        found = [entry.name for entry in self.folder.iterdir() if _ID.fullmatch(entry.name)]
        return sorted(found, reverse=True)

    def all(self) -> list[Release]:
        """Give all releases, newest first."""
        return [self.get(name) for name in self.ids()]

    def set_current(self, name: str) -> None:
        """Make the release ``name`` the current one, durably and in one step."""
        write_durably(self.city / "current", f"{name}\n".encode("ascii"))

    def rollback(self, name: str) -> Release:
        """Make an earlier (or later) release the current one. Call with the writer lock held."""
        release = self.get(name)
        self.set_current(release.id)
        return release

    def pinned(self) -> set[str]:
        """Give the ids that ``prune`` never removes."""
        return self._names_of("pins")

    def pin(self, name: str) -> Release:
        """Keep the release ``name`` for good, because somebody cites it."""
        release = self.get(name)
        self._write_names("pins", self.pinned() | {release.id})
        return release

    def prune(self, policy: Retention) -> list[str]:
        """Remove the releases that the policy does not keep; the current and pinned ones always stay."""
        keep = self.pinned() | set(_kept(self.ids(), policy)) | {self.current_id() or ""}
        removed = [name for name in self.ids() if name not in keep]
        for name in removed:
            self.remove(name)
        self._write_names("pruned", self._names_of("pruned") | set(removed))
        return removed

    def remove(self, name: str) -> None:
        """Remove a release from disk; the current one raises :class:`UsageError`."""
        if name == self.current_id():
            raise UsageError("release-current-removal", id=name)
        self._open.pop(name, None)
        trash = self.folder / f".removed-{name}"
        (self.folder / name).rename(trash)
        sync_folder(self.folder)
        shutil.rmtree(trash)

    def diff(self, old: str, new: str, view: View = View.PUBLIC) -> Iterator[GraphDifference]:
        """Give the graphs that differ between two releases; graphs that did not change are not read."""
        a, b = self.get(old), self.get(new)
        before, after = a.manifest(view).graphs, b.manifest(view).graphs
        for iri in sorted(before.keys() | after.keys()):
            if iri in before and iri in after and before[iri].changed == after[iri].changed:
                continue
            graph = ox.NamedNode(iri)
            old_triples = dict.fromkeys(a.engine(view).as_written(graph)) if iri in before else {}
            new_triples = dict.fromkeys(b.engine(view).as_written(graph)) if iri in after else {}
            added = tuple(t for t in new_triples if t not in old_triples)
            removed = tuple(t for t in old_triples if t not in new_triples)
            if added or removed:
                yield GraphDifference(iri, added, removed)

    def disk_use(self) -> dict[str, int]:
        """Give per release the bytes that removing it alone would free; files shared by hard links count once."""
        seen: set[tuple[int, int]] = set()
        use: dict[str, int] = {}
        for name in reversed(self.ids()):
            use[name] = 0
            for path in (self.folder / name).rglob("*"):
                status = path.lstat()
                if path.is_file() and (status.st_dev, status.st_ino) not in seen:
                    seen.add((status.st_dev, status.st_ino))
                    use[name] += status.st_size
        return use

    def withdrawn(self, view: View = View.INTERNAL) -> set[str]:
        """Give the IRIs of the graphs that were withdrawn from every release, of those that ``view`` held."""
        found = self._names_of("withdrawn")
        return found if view is View.PUBLIC else found | self._names_of("withdrawn-restricted")

    def note_withdrawn(self, graph: str, view: View = View.PUBLIC) -> None:
        """Remember that ``graph`` was withdrawn, and that it was in ``view``."""
        file = "withdrawn" if view is View.PUBLIC else "withdrawn-restricted"
        self._write_names(file, self._names_of(file) | {graph})

    def forget_open(self) -> None:
        """Close every open release, before their folders change."""
        for release in self._open.values():
            release.close()
        self._open.clear()

    def _names_of(self, file: str) -> set[str]:
        try:
            return set((self.city / file).read_text("utf-8").split())
        except FileNotFoundError:
            return set()
        except OSError as problem:
            raise StoreError("store-open", path=file, problem=problem.strerror) from problem

    def _write_names(self, file: str, names: set[str]) -> None:
        write_durably(self.city / file, "".join(f"{name}\n" for name in sorted(names)).encode())


def _kept(ids: Sequence[str], policy: Retention) -> Iterator[str]:
    """Give the ids that the policy keeps; ``ids`` come newest first.

    >>> ids = ["20260203T000000Z-a", "20260202T120000Z-b", "20260202T000000Z-c", "20260101T000000Z-d"]
    >>> [name[-1] for name in dict.fromkeys(_kept(ids, Retention(last=1, days=2, months=2)))]
    ['a', 'b', 'd']
    """
    yield from ids[: policy.last]
    for length, number in ((8, policy.days), (6, policy.months)):
        newest: dict[str, str] = {}
        for name in ids:
            newest.setdefault(name[:length], name)
        yield from list(newest.values())[:number]
