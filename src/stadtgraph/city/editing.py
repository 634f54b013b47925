"""What one request of a caller changes, kept beside the draft until all of it is known to be right.

A request may have many steps, and a later one sees what an earlier one did. So its changes are gathered per graph and
subject, as written, and only where every step went well and no gate shape says no are they made in the draft. A
request that fails has touched nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from typing import TYPE_CHECKING, Final

import pyoxigraph as ox

from stadtgraph.access import Caller
from stadtgraph.city.draft import Draft, graph_info
from stadtgraph.errors import Conflict, Forbidden, InputError, QueryRefused
from stadtgraph.release import GraphInfo, Kind, View
from stadtgraph.sources import Source, skolemised
from stadtgraph.sources.door import flaw
from stadtgraph.store import Normaliser, OxigraphEngine, spool, swap
from stadtgraph.terms import Names, is_source_name

if TYPE_CHECKING:
    from stadtgraph.city import City

DEFAULT_SOURCE: Final = "default"
"""The source that is the default graph of updates and of the Graph Store Protocol."""
MOST_TRIPLES: Final = 500_000
"""Triples that one request may copy or change: about 300 MB of memory."""
MANY: Final = 2_000
_SHARE: Final = 10
"""Subjects from which a graph may be written whole instead of triple by triple, and how many triples it may have for
each of them: triple by triple a subject costs several times what a triple of the whole does."""
Subject = ox.NamedNode | ox.BlankNode
Forms = dict[ox.Triple, list[ox.Triple]]
"""Triples of one subject in the store's form, each with the forms in which it was written."""


def source_name(graph: str, names: Names) -> str | None:
    """Give the name of the managed source that may hold ``graph``; ``None`` for graphs of the product.

    >>> source_name("https://e.example/graph/source/trees", Names("https://e.example/"))
    'trees'
    >>> source_name("https://other.example/g", Names("https://e.example/"))
    'graph-2e73e2cc4f78'
    """
    below = graph.removeprefix(f"{names.base}graph/")
    if below == graph:
        return f"graph-{hashlib.sha256(graph.encode()).hexdigest()[:12]}"
    name = below.removeprefix("source/")
    return name if name != below and is_source_name(name) else None


@dataclass(slots=True)
class Target:
    """A graph that a request writes: its source, and what the request made of it so far.

    ``before`` and ``now`` hold the triples of the subjects that were looked at; where ``cleared`` is true nothing of
    the draft's graph is left and ``now`` is all there is.
    """

    graph: ox.NamedNode
    source: Source
    exists: bool
    existed: bool
    cleared: bool = False
    before: dict[Subject, dict[ox.Triple, None]] = field(default_factory=dict)
    now: dict[Subject, Forms] = field(default_factory=dict)

    def triples(self) -> Iterator[ox.Triple]:
        """Give what ``now`` holds, as written."""
        return (triple for forms in self.now.values() for triple in chain.from_iterable(forms.values()))

    def of(self, subject: object) -> Iterator[ox.Triple]:
        """Give what ``now`` holds of one subject, as written."""
        return chain.from_iterable(self.now[subject].values()) if isinstance(subject, ox.NamedNode) else iter(())

    def difference(self) -> tuple[list[ox.Triple], list[ox.Triple]]:
        """Give what was added to and removed from the subjects looked at, as written."""
        now = dict.fromkeys(self.triples())
        before = dict.fromkeys(chain.from_iterable(self.before.values()))
        return [t for t in now if t not in before], [t for t in before if t not in now]

    def forget(self) -> None:
        """Hold nothing any more. One by one, for to let go of all at once stops every thread."""
        for held in (self.now, self.before):
            while held:
                held.popitem()

    @property
    def is_changed(self) -> bool:
        """Tell whether the request did anything to the graph."""
        return (self.cleared and self.existed) or self.exists != self.existed or any(self.difference())


class Edits:
    """The changes of one request, made by one caller, beside a draft."""

    def __init__(self, draft: Draft, caller: Caller) -> None:
        """Change nothing yet."""
        self.draft, self.caller, self.names = draft, caller, draft.names
        self._targets: dict[str, Target] = {}
        self._normaliser = Normaliser()
        self._touched = 0

    @property
    def view(self) -> View:
        """The view that the caller may read in this draft."""
        internal = self.caller.reads_internal and View.INTERNAL in self.draft.clone.engines
        return View.INTERNAL if internal else View.PUBLIC

    def is_restricted(self, graph: str) -> bool:
        """Tell whether what is written to a graph is seen by readers of the internal view alone."""
        known = registered(self.draft.city, graph)
        return known.restricted if known is not None else self.draft.clone.is_restricted(ox.NamedNode(graph))

    def default_graph(self) -> str:
        """Give the graph that updates without a graph mean."""
        return self.names.source(DEFAULT_SOURCE).value

    def target(self, graph: str) -> Target:
        """Give a graph to write to. What the caller may not write is told before anything else.

        Raises :class:`Forbidden`, and :class:`Conflict` for a file source, a harvested one and graphs of the product.
        """
        if graph not in self._targets:
            source = self._source(graph)
            exists = self.draft.clone.info(ox.NamedNode(graph)) is not None
            self._targets[graph] = Target(ox.NamedNode(graph), source, exists, exists, cleared=not exists)
        return self._targets[graph]

    def targets(self) -> list[Target]:
        """Give the graphs that were written so far."""
        return list(self._targets.values())

    def exists(self, graph: str) -> bool:
        """Tell whether there is a graph that the caller may read or that this request made.

        Who may write to a restricted graph but not read it can neither copy nor move it.
        """
        target = self._targets.get(graph)
        if target is None:
            return graph in self.draft.clone.graphs[self.view]
        hidden = target.source.restricted and self.view is View.PUBLIC and not self.caller.reads_internal
        return target.exists and not hidden

    def insert(self, graph: str, triples: Iterable[ox.Triple], *, bound: bool = False) -> None:
        """Add triples as written; with ``bound``, or in the store's form, only where the graph lacks the value."""
        target = self.target(graph)
        target.exists = True
        for triple, stored in self._with_stored(triples):
            written = self._forms(target, triple.subject).setdefault(stored, [])
            if triple not in written and not (written and (bound or triple == stored)):
                written.append(triple)
                self._count(1)

    def delete(self, graph: str, triples: Iterable[ox.Triple]) -> list[ox.Triple]:
        """Remove triples, however their values were written; give what was removed, as written."""
        target = self.target(graph)
        found: list[ox.Triple] = []
        for triple, stored in self._with_stored(triples):
            written = self._forms(target, triple.subject).pop(stored, [])
            found += written
            self._count(len(written))
        return found

    def create(self, graph: str) -> None:
        """Let an empty graph be there."""
        self.target(graph).exists = True

    def clear(self, graph: str) -> None:
        """Let a graph be empty."""
        target = self.target(graph)
        target.cleared = True
        target.before.clear()
        target.now.clear()

    def drop(self, graph: str) -> None:
        """Let a graph not be there. A registered source stays, empty, or the next build would fill it again."""
        self.clear(graph)
        target = self.target(graph)
        target.exists = target.source.name in self.draft.city.registry and target.exists

    def replace(self, graph: str, triples: Iterable[ox.Triple]) -> None:
        """Let a graph hold exactly ``triples``."""
        self.clear(graph)
        self.insert(graph, triples)
        self.target(graph).exists = True

    def managed(self) -> list[str]:
        """Give the managed graphs that the caller may write, except the default graph."""
        if not self.caller.is_admin:
            raise Forbidden("access-not-allowed", scope="admin")
        views = self.draft.clone.graphs.values()
        infos = {iri: info for graphs in views for iri, info in graphs.items()}
        here = {iri for iri, info in infos.items() if info.kind is Kind.MANAGED}
        here |= {iri for iri, target in self._targets.items() if target.exists}
        return sorted(here - {self.default_graph()})

    def content(self, graph: str) -> list[ox.Triple]:
        """Give all triples of a graph that the caller may read, as written, with what this request changed.

        Raises :class:`QueryRefused` where they are too many for one request.
        """
        found = list(islice(self._whole(graph), MOST_TRIPLES + 1))
        if len(found) > MOST_TRIPLES:
            raise QueryRefused("update-large", bound=MOST_TRIPLES)
        return found

    def _whole(self, graph: str) -> Iterator[ox.Triple]:
        """Give all triples of a graph as written, with what this request changed, one after the other."""
        target = self._targets.get(graph)
        if target is None or not target.cleared:
            for triple in self._engine(graph).as_written(ox.NamedNode(graph)):
                if target is None or triple.subject not in target.now:
                    yield triple
        if target is not None:
            yield from target.triples()

    def check(self) -> None:
        """Ask the gate shapes about all that was touched; raise :class:`GateViolation` with the report."""
        for target in self._targets.values():
            if target.cleared:
                self.draft.check(target.source, target.triples())
                continue
            added, removed = target.difference()
            touched = dict.fromkeys(t.subject for t in (*added, *removed))
            self.draft.check(target.source, (t for s in touched for t in target.of(s)))

    def apply(self) -> bool:
        """Make the changes in the draft, once; tell whether that changed it. Call :meth:`check` before."""
        changed = False
        for target in self._targets.values():
            if target.is_changed:
                changed |= self._apply(target)
            target.forget()
        return changed

    def _apply(self, target: Target) -> bool:
        clone, restricted = self.draft.clone, target.source.restricted
        info = clone.info(target.graph) or graph_info(target.source, None, self.names)
        if not target.exists:
            return clone.drop(target.graph)
        if target.cleared:
            fresh = replace(info, origin="", inputs="")
            changed = clone.put(fresh, target.triples(), restricted=restricted)
        else:
            changed = self._edit(target, info)
        return clone.keep_empty(info, restricted=restricted) or changed

    def _edit(self, target: Target, info: GraphInfo) -> bool:
        """Change single triples; where much of a graph is touched, writing it whole is faster."""
        clone, restricted = self.draft.clone, target.source.restricted
        if len(target.now) > MANY and info.triples < _SHARE * len(target.now):
            return clone.put(info, self._whole(target.graph.value), restricted=restricted)
        added, removed = target.difference()
        return clone.edit(info, added, removed, restricted=restricted) if added or removed else False

    def stage(self, engine: OxigraphEngine, view: View) -> None:
        """Bring the changes, as a view has them, into a store of its own, for a later step to look at."""
        for target in self._targets.values():
            hidden = target.source.restricted and view is not View.INTERNAL
            if not target.is_changed or hidden:
                continue
            folder = self.draft.clone.folder("stage")
            entry = spool(self._whole(target.graph.value), folder, "graph")
            swap(engine.store, self.names, target.graph, entry, folder / "swap")
            if target.exists:
                engine.store.add_graph(target.graph)
            else:
                engine.store.remove_graph(target.graph)

    @property
    def is_changed(self) -> bool:
        """Tell whether the request changed anything so far."""
        return any(target.is_changed for target in self._targets.values())

    def _source(self, graph: str) -> Source:
        """Give the source that holds ``graph`` or will hold it."""
        known = registered(self.draft.city, graph)
        info = self.draft.clone.info(ox.NamedNode(graph))
        name = _owner(known, info, graph, self.names)
        if not (self.caller.may_write(name) if name is not None else self.caller.is_admin):
            raise Forbidden("access-not-allowed", scope=f"write:{name}" if name is not None else "admin")
        if known is not None:
            return self._managed(known)
        if name is None or (info is not None and info.kind is not Kind.MANAGED):
            raise Conflict("update-system-graph", graph=graph)
        if name in self.draft.city.registry:
            other = self.draft.city.registry[name].graph_name(self.names).value
            raise Conflict("update-other-graph", source=name, graph=other)
        return self._unregistered(graph, name)

    def _managed(self, source: Source) -> Source:
        if source.kind == Kind.MANAGED:
            return source
        file = source.file or (source.path.name if source.path else "?")
        key = "source-is-file" if source.kind == Kind.FILE else "update-harvested"
        raise Conflict(key, source=source.name, file=file)

    def _unregistered(self, graph: str, name: str) -> Source:
        """Give a managed source that the registry does not know; one that was restricted stays so."""
        node = ox.NamedNode(graph)
        title = {"de": name, "en": name}
        chosen = None if self.names.source(name) == node else graph
        hidden = self.draft.clone.is_restricted(node)
        return Source(name, title, "city", "managed", "restricted" if hidden else "public", graph=chosen)

    def _engine(self, graph: str) -> OxigraphEngine:
        """Give the engine that holds a graph: that of the caller's view, or of the source that may be written."""
        engines = self.draft.clone.engines
        target = self._targets.get(graph)
        if target is not None and target.source.restricted and View.INTERNAL in engines:
            return engines[View.INTERNAL]
        return engines[self.view]

    def _forms(self, target: Target, subject: object) -> Forms:
        """Give the triples of one subject as the request left them."""
        assert isinstance(subject, ox.NamedNode)
        if subject not in target.now:
            forms: Forms = {}
            if not target.cleared:
                found = list(self._engine(target.graph.value).as_written(target.graph, [subject]))
                target.before[subject] = dict.fromkeys(found)
                self._count(len(found))
                for triple, stored in self._with_stored(found):
                    forms.setdefault(stored, []).append(triple)
            target.now[subject] = forms
        return target.now[subject]

    def _with_stored(self, triples: Iterable[ox.Triple]) -> Iterator[tuple[ox.Triple, ox.Triple]]:
        """Give each triple with its form in the store; language tags take it at once."""
        batch = list(triples)
        values = [t.object for t in batch if isinstance(t.object, ox.Literal)]
        forms = iter(self._normaliser.stored(values))
        for triple in batch:
            value = triple.object
            if not isinstance(value, ox.Literal):
                yield triple, triple
                continue
            form = next(forms)
            stored = triple if form == value else ox.Triple(triple.subject, triple.predicate, form)
            yield (stored if value.language is not None else triple), stored

    def _count(self, number: int) -> None:
        self._touched += number
        if self._touched > MOST_TRIPLES:
            raise QueryRefused("update-large", bound=MOST_TRIPLES)


def registered(city: City, graph: str) -> Source | None:
    """Give the registered source that holds ``graph``."""
    return next((s for s in city.registry.values() if s.graph_name(city.names).value == graph), None)


def owner(city: City, graph: str) -> str | None:
    """Give the name of the source that holds or may hold ``graph``; ``None`` for graphs of the product."""
    current = city.releases.current()
    info = current.manifest(View.INTERNAL).graphs.get(graph) if current is not None else None
    return _owner(registered(city, graph), info, graph, city.names)


def _owner(known: Source | None, info: GraphInfo | None, graph: str, names: Names) -> str | None:
    if known is not None:
        return known.name
    if info is None:
        return source_name(graph, names)
    return info.source if info.kind in (Kind.MANAGED, Kind.FILE, Kind.HARVEST) else None


def checked(triples: Iterable[ox.Triple], names: Names) -> list[ox.Triple]:
    """Give what comes in as it may enter: every literal looked at, blank nodes named. Raises :class:`InputError`."""
    found = list(triples)
    for triple in found:
        wrong = flaw(triple)
        if wrong is not None:
            raise InputError(wrong.key.replace("sources-", "update-flaw-"), **wrong.params)
    return list(skolemised(found, names))
