"""``build``: bring every source that changed into one new release."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyoxigraph as ox

from stadtgraph import messages
from stadtgraph.city.areas import Areas
from stadtgraph.city.draft import Draft, GateViolation, graph_info
from stadtgraph.city.duplicates import companions
from stadtgraph.city.harvestcalls import Known, Pages, kind_of
from stadtgraph.city.harvesting import Harvest
from stadtgraph.city.reading import Job, read_all
from stadtgraph.errors import InputError, NetworkError, NotFound
from stadtgraph.release import GraphInfo, Kind, Release
from stadtgraph.sources import Source, format_of
from stadtgraph.sources.fetch import fetch
from stadtgraph.sources.harvest import HarvestReport, State, silent

if TYPE_CHECKING:
    from stadtgraph.city import City

Say = Callable[[str], None]
"""Takes one line for the user."""


@dataclass(slots=True)
class BuildReport:
    """What a build did: the release it sealed (``None``: nothing had changed) and what became of each source."""

    release: Release | None = None
    loaded: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    violations: list[GateViolation] = field(default_factory=list)
    harvests: list[HarvestReport] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    """Catalogues that could not be harvested, or wait for a confirmation; they stay as they were."""


@dataclass(slots=True)
class Build:
    """One run of ``build`` over a draft."""

    city: City
    draft: Draft
    real_data: Path | None
    fetch: bool
    say: Say
    lang: str
    report: BuildReport = field(default_factory=BuildReport)

    def run(self, only: Sequence[str] = ()) -> BuildReport:
        """Load the system graphs and every source that changed, drop those that are gone, derive and seal."""
        chosen = [self.city.source(name) for name in only] or list(self.city.registry.values())
        if not only:
            self._system_graphs()
            self._drop_vanished()
        files = [s for s in chosen if s.kind != Kind.HARVEST]
        self._load([s for s in files if s.areas])
        self._load([s for s in files if not s.areas])
        harvests = [done for s in chosen if s.kind == Kind.HARVEST and (done := self._harvest(s)) is not None]
        self.report.release = self.draft.seal()
        for pages, work in harvests:
            pages.done(work)
        return self.report

    def _harvest(self, source: Source) -> tuple[Pages, Harvest] | None:
        """Harvest a catalogue, where its file is there or fetching was asked for; what fails leaves it as it was."""
        path = source.locate(self.real_data)
        graph = source.graph_name(self.draft.names)
        if path is None and not (self.fetch and source.address is not None):
            if self.draft.clone.info(graph) is None:
                self.report.skipped.append(source.name)
                self._tell("build-skipped", source=source.name, file=source.file or source.address or "?")
            return None
        origin = str(path) if path is not None else source.address or ""
        report = HarvestReport(source.name, origin)
        clone = self.draft.clone
        pages = Pages(self.city, source, origin, report, silent, Known(clone.engines, clone.created.date()))
        known = self.draft.clone.info(graph)
        try:
            with pages.dropped_where_wrong():
                found = pages.get(known.inputs if known is not None else "")
                work = kind_of(source)(self.city, self.draft, source, found or (), report)
                if found is None:
                    report.state = State.UNCHANGED
                else:
                    work.run()
        except GateViolation as violation:
            self.report.violations.append(violation)
            self.say(violation.text(self.lang))
            return None
        except (InputError, NetworkError) as problem:
            self.report.failed.append(source.name)
            self.say(problem.text(self.lang))
            return None
        self._noted(report)
        return pages, work

    def _noted(self, report: HarvestReport) -> None:
        self.report.harvests.append(report)
        if report.state is State.UNCHANGED:
            self.report.unchanged.append(report.source)
        elif report.state is State.HELD:
            self.report.failed.append(report.source)
            self._tell("build-held", source=report.source, gone=report.gone)
        else:
            self.report.loaded.append(report.source)
            self._tell("build-harvested", source=report.source, number=report.loaded, bad=report.quarantined)

    def _system_graphs(self) -> None:
        for name, triples in self.city.system_graphs():
            self.draft.put_system(name, triples)
            self.draft.clone.progress(f"load {name}")

    def _drop_vanished(self) -> None:
        names = self.draft.names
        known = {s.graph_name(names).value for s in self.city.registry.values()}
        known |= {graph.value for s in self._with_companions() for graph in companions(s, names)}
        for view in self.draft.clone.views:
            for iri, info in list(self.draft.clone.graphs[view].items()):
                if info.kind in (Kind.FILE, Kind.HARVEST) and info.source and iri not in known:
                    self.draft.clone.drop(ox.NamedNode(iri))
                    self.report.dropped.append(info.source)
                    self._tell("build-dropped", source=info.source)

    def _with_companions(self) -> list[str]:
        """Give the names of the sources whose graphs have others beside them: registered or once harvested by hand."""
        infos = self.draft.clone.graphs
        managed = {i.source for view in infos.values() for i in view.values() if i.kind is Kind.MANAGED}
        return [*self.city.registry, *managed]

    def _load(self, sources: Sequence[Source]) -> None:
        """Read the sources that changed (two at a time where they are large) and put each as soon as it is read."""
        found = [(s, path) for s in sources if (path := self._locate(s)) is not None]
        areas = self.draft.areas() if any(s.place for s, _ in found) else Areas()
        folder, names = self.draft.clone.folder, self.draft.names
        jobs = [Job.of(s, path, names, folder("read"), areas) for s, path in found]
        for job, kept, seconds in read_all([job for job in jobs if self._is_changed(job)], areas):
            started = time.perf_counter()
            try:
                self.draft.put(job.source, job.path, kept, inputs=job.inputs)
            except GateViolation as violation:
                self.report.violations.append(violation)
                self.say(violation.text(self.lang))
                continue
            self.report.loaded.append(job.source.name)
            took = seconds + time.perf_counter() - started
            self._tell("build-loaded", source=job.source.name, number=kept.lines, seconds=took)
            self.draft.clone.progress(f"load {job.source.name}")

    def _locate(self, source: Source) -> Path | None:
        """Give the file of a source, fetched where that was asked for, or say why there is none."""
        if source.kind == Kind.MANAGED and self.draft.clone.info(source.graph_name(self.draft.names)) is not None:
            return None
        path = source.locate(self.real_data)
        if path is None and self.fetch and source.address is not None and source.kind == Kind.FILE:
            path = fetch(source, self.city.path / "fetched", frozenset(self.city.config.network.private))
        if path is None:
            self.report.skipped.append(source.name)
            key = (
                "build-skipped-kept" if self.draft.clone.info(source.graph_name(self.draft.names)) else "build-skipped"
            )
            self._tell(key, source=source.name, file=source.file or "?")
        return path

    def _is_changed(self, job: Job) -> bool:
        known = self.draft.clone.info(job.source.graph_name(self.draft.names))
        fresh = graph_info(job.source, job.path, self.draft.names, inputs=job.inputs)
        same_view = (
            known is not None and self.draft.clone.is_restricted(ox.NamedNode(known.graph)) == job.source.restricted
        )
        if known is not None and same_view and known == _as_loaded(fresh, known):
            self.report.unchanged.append(job.source.name)
            return False
        return True

    def _tell(self, key: str, **params: object) -> None:
        self.say(messages.text(key, self.lang, **params))


def _as_loaded(fresh: GraphInfo, known: GraphInfo) -> GraphInfo:
    """Give what would be known of a graph if it were loaded again and came out the same."""
    return replace(fresh, content=known.content, triples=known.triples, changed=known.changed)


def read_from(source: Source, file: Path | None, mapping: Path | None) -> Source:
    """Give ``source`` as it is read from another file, with another mapping where one is given.

    The format follows from the new file's name; where that tells none, the registry's format stays.
    """
    if file is None:
        return source
    format = format_of(file.name) or source.format
    return replace(source, path=file, file=None, mapping=mapping or source.mapping, format=format)


def source_or_raise(sources: dict[str, Source], name: str) -> Source:
    """Give the source ``name``; :class:`NotFound` names the nearest one."""
    import difflib

    if name in sources:
        return sources[name]
    nearest = difflib.get_close_matches(name, sources, n=1, cutoff=0.0)
    raise NotFound("source-unknown", source=name, nearest=nearest[0] if nearest else "-")
