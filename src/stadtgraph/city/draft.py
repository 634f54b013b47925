"""A draft of the city: sources are loaded into it, and what follows from them is derived before it is sealed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import pyoxigraph as ox

from stadtgraph import release, shacl
from stadtgraph.city.areas import Areas
from stadtgraph.city.derive import derive
from stadtgraph.city.duplicates import refresh
from stadtgraph.city.linking import link
from stadtgraph.city.reading import Job, read_one
from stadtgraph.city.record import record
from stadtgraph.city.searching import index
from stadtgraph.city.space import place_in_cells
from stadtgraph.errors import Conflict, GateError, InputError
from stadtgraph.links import RESTRICTED_SOURCE, SOURCE, Decision
from stadtgraph.release import GraphInfo, Kind, Release
from stadtgraph.sources import Source, inputs_checksum, skolemised
from stadtgraph.store import Spool, read_lines, spool
from stadtgraph.store.literals import restore
from stadtgraph.terms import SPACE, Names

if TYPE_CHECKING:
    from stadtgraph.city import City


_DECISIONS: Final = {"de": "Entscheidungen über Verknüpfungen", "en": "Decisions about links"}


@dataclass(slots=True)
class Draft:
    """A clone of the current release to load into. Get one by :meth:`stadtgraph.City.draft`."""

    city: City
    clone: release.Draft
    release: Release | None = field(default=None, init=False)
    """The release that sealing made; ``None`` before, and where nothing had changed."""
    relink: bool = field(default=False, init=False)
    """Whether every link rule runs anew, also where nothing that it reads has changed."""

    @property
    def names(self) -> Names:
        """The names of the city's graphs."""
        return self.clone.names

    def load(self, file: Path | str, *, source: str, mapping: Path | str | None = None) -> bool:
        """Make the graph of ``source`` hold what ``file`` says; tell whether that changed it.

        A name that the registry does not know becomes a managed source. Raises :class:`InputError` with file,
        line and column, and :class:`GateError` where a gate shape is violated; the graph then stays as it was.
        """
        path = Path(file)
        entry = self.city.source(source, path, Path(mapping) if mapping is not None else None)
        if not path.is_file():
            raise InputError("load-no-file", file=path)
        areas = self.areas() if entry.place else Areas()
        job = Job.of(entry, path, self.names, self.clone.folder("read"), areas)
        kept, _ = read_one(job, areas)
        return self.put(entry, path, kept, inputs=job.inputs)

    def areas(self) -> Areas:
        """Give the outlines in the public view of the draft by which features are placed."""
        return Areas.of(self.clone.engines[release.View.PUBLIC])

    def put(self, source: Source, path: Path, kept: Spool, *, inputs: str = "") -> bool:
        """Make the graph of ``source`` hold what was spooled from ``path``, unless a gate shape says no."""
        try:
            self._gate(source, kept)
            info = graph_info(source, path, self.names, inputs=inputs)
            return self.clone.put_spool(info, kept, restricted=source.restricted)
        finally:
            kept.remove()

    def edit(self, source: str, add: Iterable[ox.Triple] = (), remove: Iterable[ox.Triple] = ()) -> bool:
        """Add and remove single triples (as written) of a managed source; tell whether that changed it.

        A file source raises :class:`Conflict` naming the file to edit instead, and a gate shape that the touched
        subjects would violate :class:`GateError`; the graph then stays as it was. Blank nodes are named on the way.
        """
        entry = self.city.source(source)
        if entry.kind != Kind.MANAGED:
            raise Conflict("source-is-file", source=source, file=entry.file or (entry.path.name if entry.path else "?"))
        added, removed = list(skolemised(add, self.names)), set(remove)
        self.check_edit(entry, added, removed)
        info = self.clone.info(entry.graph_name(self.names)) or graph_info(entry, None, self.names)
        return self.clone.edit(info, added, removed, restricted=entry.restricted)

    def decide(self, decision: Decision, *, restricted: bool = False) -> bool:
        """Record a decision about a link in place of an earlier one."""
        visibility: Literal["public", "restricted"] = "restricted" if restricted else "public"
        name = RESTRICTED_SOURCE if restricted else SOURCE
        entry = Source(name, _DECISIONS, domain="governance", kind="managed", visibility=visibility)
        graph, new = entry.graph_name(self.names), list(decision.triples(self.names))
        view = release.View.INTERNAL if restricted else release.View.PUBLIC
        engine = self.clone.engines.get(view)
        before = list(engine.as_written(graph, [decision.node(self.names)])) if engine is not None else []
        info = self.clone.info(graph) or graph_info(entry, None, self.names)
        return self.clone.edit(info, new, before, restricted=restricted)

    def drop(self, source: str) -> bool:
        """Remove the graph of a source; tell whether there was one."""
        return self.clone.drop(self.city.source(source).graph_name(self.names))

    def put_system(self, name: str, triples: Iterable[ox.Triple]) -> bool:
        """Make the system graph ``name`` (ontology, shapes, queries) hold exactly ``triples``."""
        info = GraphInfo(self.names.graph(name).value, Kind.SYSTEM, source=name)
        return self.clone.put(info, triples)

    def seal(self) -> Release | None:
        """Derive, audit, record and seal; give the new release, or ``None`` where nothing had changed."""
        grid = self.names.graph(SPACE).value
        fresh = {view for view in self.clone.views if grid not in self.clone.graphs[view]}
        refresh(self.city, self.clone)
        derive(self.clone)
        place_in_cells(self.clone)
        link(self.clone, self.city.link_rules, anew=self.relink)
        counts = self.city.audits.derive(self.clone)
        self.city.scoring.derive(self.clone)
        if self.clone.is_changed():
            record(self.clone, counts)
        index(self.clone, fresh)
        self.release = self.clone.seal()
        return self.release

    def _gate(self, source: Source, kept: Spool) -> None:
        gate = self.city.gate
        if not gate.concerns(kept.stored):
            return
        triples = restore(kept.triples(), read_lines(kept.written))
        self._check(source, shacl.validate(triples, gate.shapes))

    def check(self, source: Source, triples: Iterable[ox.Triple]) -> None:
        """Ask the gate shapes about all triples (as written) that a source is to hold."""
        kept = spool(triples, self.clone.folder("check"), "source")
        try:
            self._gate(source, kept)
        finally:
            kept.remove()

    def check_edit(self, source: Source, added: Sequence[ox.Triple], removed: Collection[ox.Triple]) -> None:
        """Ask the gate shapes about the touched subjects as they would be."""
        nodes = dict.fromkeys(t.subject for t in (*added, *removed) if isinstance(t.subject, ox.NamedNode))
        engine = self.clone.engines.get(release.View.INTERNAL if source.restricted else release.View.PUBLIC)
        before = engine.as_written(source.graph_name(self.names), nodes) if engine is not None else ()
        gone = set(removed)
        after = dict.fromkeys([*(t for t in before if t not in gone), *added])
        self._check(source, shacl.validate(list(after), self.city.gate.shapes))

    def _check(self, source: Source, report: shacl.Report) -> None:
        worst = [r for r in report.results if r.is_violation]
        if worst:
            raise GateViolation(source.name, report)


class GateViolation(GateError):
    """Data of a source violate a gate shape; ``report`` says where."""

    def __init__(self, source: str, report: shacl.Report) -> None:
        """Take the first violation as the message; the report holds them all."""
        violations = [r for r in report.results if r.is_violation]
        first = violations[0]
        super().__init__(
            "gate-violated",
            source=source,
            number=len(violations),
            focus=first.focus,
            path=first.path or "",
            problem=first.message("en"),
            problem_de=first.message("de"),
        )
        self.report = report


def graph_info(source: Source, path: Path | None, names: Names, *, inputs: str = "") -> GraphInfo:
    """Give what a manifest says of a source's graph, before it is loaded; ``inputs`` spares the checksum."""
    return GraphInfo(
        graph=source.graph_name(names).value,
        kind=Kind(source.kind),
        source=source.name,
        title=dict(source.title),
        domain=source.domain,
        licence=source.licence or "",
        attribution=source.attribution or "",
        address=source.address or "",
        dataset=source.dataset or "",
        origin=path.name if path is not None else "",
        inputs=inputs or (inputs_checksum(source, path) if path is not None else ""),
    )
