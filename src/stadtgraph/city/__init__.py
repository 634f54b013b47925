"""``City``: what the command line, the web and a notebook use.

::

    from stadtgraph import City
    with City("city") as city:
        with city.draft(why="spring inventory") as draft:
            draft.load("trees.csv", source="trees")
        city.query("SELECT * { ?s ?p ?o } LIMIT 10").df()
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyoxigraph as ox

from stadtgraph.audit import AuditReport
from stadtgraph.audit.consistency import shapes_of
from stadtgraph.city import foreign
from stadtgraph.city.accounting import sources as account_for
from stadtgraph.city.answer import Answer, answer
from stadtgraph.city.auditing import Audits
from stadtgraph.city.build import Build, BuildReport, Say, read_from, source_or_raise
from stadtgraph.city.deriving import Derivation, derive
from stadtgraph.city.draft import Draft, GateViolation
from stadtgraph.city.folders import Folders, folders
from stadtgraph.city.gate import Gate
from stadtgraph.city.harvestcalls import harvest
from stadtgraph.city.harvesting import companions_of
from stadtgraph.city.previewing import profile_shapes
from stadtgraph.city.reporting import report
from stadtgraph.city.scoring import Scoring
from stadtgraph.city.searching import expanded, index_of
from stadtgraph.city.withdraw import withdraw
from stadtgraph.config import Config, load_config
from stadtgraph.errors import UsageError
from stadtgraph.links import Decision, Link, Rule, State, load_rules
from stadtgraph.query import narrowed
from stadtgraph.release import Progress, Release, Releases, Retention, View, drafting, recover, silent, writer_lock
from stadtgraph.search import Hit
from stadtgraph.shacl import Shapes, gate
from stadtgraph.sources import Source, load_registry, read_rdf, skolemised
from stadtgraph.sources.harvest import HarvestReport
from stadtgraph.sources.harvest import Progress as HarvestProgress
from stadtgraph.sources.harvest import silent as no_progress
from stadtgraph.sparql import guard
from stadtgraph.sparql.files import as_triples, load_queries
from stadtgraph.store import OxigraphEngine
from stadtgraph.terms import ONTOLOGY, PREFIXES, QUERIES, RESERVED, SG, SHAPES, Names, Term, is_source_name

__all__ = [
    "Answer",
    "AuditReport",
    "BuildReport",
    "City",
    "Derivation",
    "Draft",
    "Folders",
    "GateViolation",
    "HarvestReport",
    "Release",
    "View",
]

Clock = Callable[[], datetime]
"""Gives the time now, in UTC."""


class City:
    """A city in one folder: its settings, its sources and its releases."""

    def __init__(
        self, path: str | Path = "city", *, config: Config | None = None, clock: Clock = lambda: datetime.now(UTC)
    ) -> None:
        """Look at the city in ``path``; the folder is made when something is written.

        ``clock`` tells when a release is made: its day is that of its audit.
        """
        self.path, self._clock = Path(path), clock
        self.config = config if config is not None else load_config(self.path)
        self.names = Names(self.config.city.base)
        self.folders = folders(self.config)
        self.releases = Releases(self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of every open store."""
        self.releases.forget_open()

    @cached_property
    def registry(self) -> dict[str, Source]:
        """The registered sources by name, in the order in which they load."""
        return load_registry(self.folders.registry)

    @cached_property
    def gate(self) -> Gate:
        """The shapes that a source must fulfil to enter."""
        return Gate.load(self.folders.shapes, self.config, self.names.base)

    @cached_property
    def record_gate(self) -> Shapes:
        """The shapes that every harvested record must fulfil."""
        shapes = foreign.load(sorted(self.folders.shapes.rglob("*.ttl")), self.config, self.names.base)
        return gate(shapes, SG.recordGate)

    @cached_property
    def audits(self) -> Audits:
        """The shapes that releases are audited with: those of the gate, all others, and those of the ontology."""
        files = sorted(self.folders.shapes.rglob("*.ttl"))
        shapes = foreign.load(files, self.config, self.names.base, self._consistency)
        return Audits(shapes, self.config.audit.findings)

    @cached_property
    def _consistency(self) -> list[ox.Triple]:
        """The shapes that find what contradicts the ontology."""
        return shapes_of(self._shipped(self.folders.ontology), self.names)

    def _shipped(self, folder: Path) -> Iterator[ox.Triple]:
        """Give the triples of the files of a folder."""
        for path in sorted(folder.rglob("*.ttl")):
            yield from skolemised(read_rdf(path, "ttl", self.names.base), self.names)

    @cached_property
    def scoring(self) -> Scoring:
        """The scores that releases hold of their public catalogue."""
        return Scoring(self.path, self.config.city.title, self.config.audit.scored, profile_shapes(self))

    @cached_property
    def link_rules(self) -> tuple[Rule, ...]:
        """The rules that link what the sources describe."""
        return load_rules(self.folders.links, self.names.base)

    def source(self, name: str, file: Path | None = None, mapping: Path | None = None) -> Source:
        """Give a registered source; with a ``file`` an unknown name becomes a managed source.

        One that the registry names no longer but the current release still restricts stays restricted.

        Raises :class:`NotFound` naming the nearest source, or :class:`UsageError` for a name that cannot be one.
        """
        if name in self.registry:
            return read_from(self.registry[name], file, mapping)
        if not is_source_name(name):
            raise UsageError("source-name", source=name, reserved=", ".join(sorted(RESERVED)))
        current = self.releases.current()
        views = {v: current.manifest(v).graphs if current else {} for v in View}
        known = {v: {i.source for i in graphs.values()} for v, graphs in views.items()}
        if file is None and name not in known[View.INTERNAL]:
            return source_or_raise(self.registry, name)
        hidden = name in known[View.INTERNAL] - known[View.PUBLIC]
        new = Source(
            name,
            {"de": name, "en": name},
            domain="city",
            kind="managed",
            visibility="restricted" if hidden else "public",
        )
        return read_from(new, file, mapping)

    def system_graphs(self) -> Iterator[tuple[str, list[ox.Triple]]]:
        """Give the graphs that the product ships: ontology, shapes and example queries."""
        yield ONTOLOGY, list(self._shipped(self.folders.ontology))
        yield SHAPES, [*self._shipped(self.folders.shapes), *skolemised(self._consistency, self.names)]
        yield QUERIES, list(as_triples(load_queries(self.folders.queries), self.names))

    @contextmanager
    def draft(self, why: str, *, role: str = "", progress: Progress = silent) -> Iterator[Draft]:
        """Give a draft; at the end of ``with`` it is sealed, on an exception it is dropped."""
        with (
            writer_lock(self.path),
            drafting(self.releases, self.names, why=why, role=role, progress=progress, now=self._clock()) as clone,
        ):
            draft = Draft(self, clone)
            yield draft
            if draft.clone.engines:
                draft.seal()

    def build(
        self,
        only: Sequence[str] = (),
        *,
        real_data: Path | None = None,
        fetch: bool = False,
        why: str = "build",
        say: Say = silent,
        lang: str = "en",
        progress: Progress = silent,
    ) -> BuildReport:
        """Load every source that changed (or those named), derive, check and seal one release.

        ``real_data`` is the folder of content files; ``fetch`` allows getting public addresses. A malformed source
        raises :class:`InputError` and nothing changes; a source that violates a gate shape keeps its last good graph.
        """
        folder = real_data or (self.config.path(self.config.city.real_data) if self.config.city.real_data else None)
        with self.draft(why, progress=progress) as draft:
            return Build(self, draft, folder, fetch, say, lang).run(only)

    def harvest(
        self,
        target: str,
        *,
        source: str = "",
        dry_run: bool = False,
        confirm: bool = False,
        progress: HarvestProgress = no_progress,
    ) -> HarvestReport:
        """Bring a catalogue of others into its source graph: a registered source, an address, a file or folder.

        Bad records are set aside, the others load. A catalogue that would lose too many records is held until
        ``confirm``. Raises :class:`InputError` or :class:`NetworkError` where a page cannot be had whole; nothing has
        changed then.
        """
        return harvest(self, target, source=source, dry_run=dry_run, confirm=confirm, progress=progress)

    def engine(self, release: Release | None = None, view: View = View.PUBLIC) -> OxigraphEngine:
        """Give the read-only engine of a release (the current one) for those who may see ``view``."""
        return (release or self.releases.require_current()).engine(view)

    def query(self, text: str, *, release: str = "current", view: View = View.PUBLIC) -> Answer:
        """Answer a SPARQL query over the public view (or another) of a release.

        The usual prefixes need no declaration. Raises :class:`QueryError` where the query is malformed or refused.
        """
        chosen = self.releases.get(release)
        text = expanded(text, chosen, view, self.names.base)
        outline = guard.read(text, self.names.base, prefixes=PREFIXES)
        with narrowed(chosen.engine(view), outline) as (engine, dataset):
            return answer(engine.query(text, dataset, prefixes=PREFIXES), chosen.id)

    def sources(
        self,
        text: str,
        *,
        release: str = "current",
        view: View = View.PUBLIC,
        solution: Mapping[str, Term] | None = None,
    ) -> dict[str, Any]:
        """Say what stands behind the answer to a query, or behind one ``solution`` of it, ready for JSON.

        Graphs, their datasets, who answers for them, licences and the one that the whole may carry, quality and
        freshness; see docs/accountable-answers.md. Raises as :meth:`query`, and :class:`QueryRefused` for a query that
        asks other endpoints.
        """
        return account_for(self, text, self.releases.get(release), view, solution)

    def explain(
        self, statement: str, *, release: str = "current", view: View = View.PUBLIC, lang: str = "en"
    ) -> Derivation:
        """Say why a statement holds, given as Turtle writes a triple: the rules, and file and line of what is stated.

        Raises :class:`UsageError` where it is no triple, and :class:`NotFound` where the release does not say it.
        """
        return derive(self, statement, self.releases.get(release), view, lang)

    def search(self, text: str, *, limit: int = 20, release: str = "current", view: View = View.PUBLIC) -> list[Hit]:
        """Find things by their names and texts, the best first; see :class:`stadtgraph.search.Index`."""
        return index_of(self.releases.get(release), view).search(text, limit)

    def audit(
        self,
        release: str = "current",
        *,
        unit: str | None = None,
        since: str | None = None,
        shapes: Path | None = None,
        using: str | None = None,
        every: bool = False,
        view: View = View.PUBLIC,
    ) -> AuditReport:
        """Give the report on the audit of a release: what is open, for whom, and what became of it since ``since``.

        ``since`` is the release before where it is not named. With ``shapes`` (a file or folder) or ``using`` (an
        engine) the release is audited afresh; otherwise the audit that was sealed with it is read. That one counts
        the findings of a rule that very many records break and lists a part of them; ``every`` audits afresh and
        lists them all.
        """
        return report(self, release, unit=unit, since=since, shapes=shapes, using=using, every=every, view=view)

    def link(self, *, progress: Progress = silent) -> Release | None:
        """Run every link rule anew and seal a release; ``None`` where that changed nothing."""
        with self.draft("links run", progress=progress) as draft:
            draft.relink = True
        return draft.release

    def decide(
        self, link: Link, state: State, reason: str, *, lang: str = "de", view: View = View.PUBLIC
    ) -> Release | None:
        """Confirm or reject a link for good, as the role of the data architect, and seal a release.

        A decision about a link that only the ``view`` for insiders shows is restricted as well.
        """
        by, today = self.names.id("role/data-architect"), datetime.now(UTC).date()
        said = Decision(link, state, by, today, reason, lang)
        with self.draft(f"links {state}", role="data-architect") as draft:
            draft.decide(said, restricted=view is View.INTERNAL)
        return draft.release

    def rollback(self, release: str) -> Release:
        """Make an earlier release the current one."""
        with writer_lock(self.path):
            recover(self.releases)
            return self.releases.rollback(release)

    def pin(self, release: str) -> Release:
        """Keep a release for good."""
        with writer_lock(self.path):
            return self.releases.pin(release)

    def prune(self) -> list[str]:
        """Remove the releases that the settings do not keep; give their ids."""
        keep = self.config.retention
        with writer_lock(self.path):
            recover(self.releases)
            return self.releases.prune(Retention(keep.last, keep.days, keep.months))

    def withdraw(self, graph: str, *, progress: Progress = silent) -> list[str]:
        """Remove a source's graph, and all that was derived from it, from every release; give their ids."""
        with writer_lock(self.path):
            recover(self.releases)
            beside = companions_of(self.releases, graph, self.names)
            ids = withdraw(self.releases, graph, progress, self.audits, self.link_rules)
            for other in beside:
                withdraw(self.releases, other, progress, self.audits, self.link_rules)
            return ids
