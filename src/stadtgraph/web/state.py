"""What a web process keeps: the city, the releases it has open, the example queries, counts of a release."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyoxigraph as ox
from flask import current_app

from stadtgraph.access import Tokens
from stadtgraph.city.editing import owner
from stadtgraph.city.searching import expanded
from stadtgraph.city.writing import Writer
from stadtgraph.query import Cache, Federation, Limits, Place, Pool, PoolSettings, Queries
from stadtgraph.query.budgets import Budgets
from stadtgraph.query.jobs import perform
from stadtgraph.query.turn import Turn
from stadtgraph.release import Manifest, Release, View, store_path
from stadtgraph.sparql.files import ExampleQuery, load_queries
from stadtgraph.sparql.guard import BOUNDS
from stadtgraph.terms import Names
from stadtgraph.web import callers
from stadtgraph.web.watch import Watch

if TYPE_CHECKING:
    from stadtgraph.audit import AuditReport
    from stadtgraph.city import City

_KEPT_BYTES: Final = 64_000_000
_KEPT: Final = 6


@dataclass(frozen=True, slots=True)
class Partitions:
    """How often each class has instances and each property triples, in the merge of a release."""

    classes: dict[str, int]
    properties: dict[str, int]

    @property
    def triples(self) -> int:
        """The triples of the merge: each has one property."""
        return sum(self.properties.values())


@dataclass(eq=False)
class Opened:
    """One view of a release that this process has open."""

    release: Release
    place: Place
    view: View
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _partitions: Partitions | None = None

    @property
    def id(self) -> str:
        """The id of the release."""
        return self.release.id

    @property
    def manifest(self) -> Manifest:
        """The manifest of the view."""
        return self.release.manifest(self.view)

    @property
    def store(self) -> Path:
        """The folder of the store."""
        return store_path(self.release.path, self.view)

    @property
    def partitions(self) -> Partitions:
        """Counts by class and property; computed at the first call and kept."""
        with self._lock:
            if self._partitions is None:
                self._partitions = Partitions(self._counts("classes"), self._counts("properties"))
            return self._partitions

    def _counts(self, name: str) -> dict[str, int]:
        text = resources.files(__package__).joinpath("queries", f"{name}.rq").read_text("utf-8")
        result = self.place.engine.query(text)
        assert isinstance(result, ox.QuerySolutions)
        return {row["term"].value: int(row["n"].value) for row in result}


def state() -> State:
    """Give the state of this process."""
    found = current_app.extensions["stadtgraph"]
    assert isinstance(found, State)
    return found


class State:
    """The state of one web process; safe to use from all its threads."""

    def __init__(self, city: City, cache: Cache | None = None, budgets: Budgets | None = None) -> None:
        """Open nothing yet; answers are kept in ``cache``, else in one of this process, and so are ``budgets``."""
        self.city = city
        self.tokens = Tokens(city.path)
        settings = city.config.query
        self.bounds = {**BOUNDS, "bytes": settings.characters}
        self.queries = Queries(
            Limits(seconds=settings.seconds, bytes=settings.bytes),
            Pool(PoolSettings(city.config.serve.threads, settings.memory, allocator=settings.allocator)),
            cache or Cache(settings.cache),
            Federation.of(city.config.federation),
        )
        most = max(1, city.config.serve.threads - 1)  # writers wait for each other; somebody must stay to answer
        self.writer = Writer(city, why="update", wait=city.config.write.wait, most=most)
        self.watch = Watch(city.config, self.queries, city.releases, budgets)
        self._opened: OrderedDict[tuple[str, View], Opened] = OrderedDict()
        self._lock = threading.Lock()
        self.making = Turn("web-busy")
        self._reports: dict[str, AuditReport] = {}
        self._written: OrderedDict[tuple[str, ...], bytes] = OrderedDict()
        self._examples: tuple[ExampleQuery, ...] | None = None

    def known_report(self, found: Opened) -> AuditReport | None:
        """Give the report on the audit of one view of a release where it was asked for lately."""
        return self._reports.get(found.place.release)

    def report(self, found: Opened) -> AuditReport:
        """Make the report on the audit of one view of a release, within :attr:`making`.

        That of the current release is kept, and the last other one.
        """
        made = self._reports.get(found.place.release)
        if made is None:
            made = self.city.audit(found.id, view=found.view)
            current = self.city.releases.current_id() or ""
            kept = {key: report for key, report in self._reports.items() if key.split(" ")[0] == current}
            self._reports = {**kept, found.place.release: made}
        return made

    def known_file(self, key: tuple[str, ...]) -> bytes | None:
        """Give a report as a file where it was asked for lately."""
        return self._written.get(key)

    def written(self, key: tuple[str, ...], make: Callable[[], bytes]) -> bytes:
        """Give a report as a file, made within :attr:`making`; the last ones are kept."""
        if key not in self._written:
            self._written[key] = make()
        while len(self._written) > 1 and sum(map(len, self._written.values())) > _KEPT_BYTES:
            self._written.popitem(last=False)
        return self._written[key]

    def perform(self, job: str, **arguments: Any) -> tuple[bytes, bytes]:
        """Let a worker do what must not be done in this process (see :func:`stadtgraph.query.jobs.perform`)."""
        limits = replace(self.queries.limits, bytes=self.city.config.write.bytes * 8)
        return perform(self.queries.pool, limits, job, caller=callers.caller().id, **arguments)

    def owner(self, graph: str) -> tuple[str | None, str]:
        """Give the name of the source that holds or may hold ``graph``, and the scope that may write to it."""
        name = owner(self.city, graph)
        return name, "admin" if name is None else f"write:{name}"

    @property
    def names(self) -> Names:
        """The names of the city's graphs."""
        return self.city.names

    @property
    def examples(self) -> tuple[ExampleQuery, ...]:
        """The example queries, read once."""
        if self._examples is None:
            self._examples = load_queries(self.city.folders.queries)
        return self._examples

    @property
    def examples_tag(self) -> str:
        """What changes when the example queries change."""
        return hashlib.sha256(repr(self.examples).encode()).hexdigest()

    def open(self, name: str | None = None, view: View = View.PUBLIC) -> Opened:
        """Give a view of the release ``name``, or of the current one, opened read-only.

        A moved ``current`` is noticed here. Where nothing is restricted, the public view answers for both. A release
        from which a graph was withdrawn meanwhile is opened anew, and what was kept of it is forgotten. Raises
        :class:`NotFound` and :class:`Gone`. The last six stay open; one in use stays until it is free.
        """
        found = self.city.releases.get(name or "current")
        view = found.view_for(view)
        key = (found.id, view)
        with self._lock:
            opened = self._opened.get(key)
            if opened is not None and opened.release.written != found.written:
                self.queries.forget()
                opened = None
            if opened is None:
                release = Release(found.path, found.written)
                manifest = release.manifest(view)
                sizes = {iri: info.triples for iri, info in manifest.graphs.items()}
                state = f"{release.id} {release.written} {view}"
                names = Names(manifest.base)
                prepare = partial(expanded, release=release, view=view, base=names.base)
                place = Place(state, release.engine(view), names, sizes, view is View.INTERNAL, prepare)
                opened = self._opened[key] = Opened(release, place, view)
                while len(self._opened) > _KEPT:
                    self._opened.popitem(last=False)
            self._opened.move_to_end(key)
            return opened
