"""The audit of a release: its findings and measurements as graphs of each view, and the report on them.

A small change is followed from the audit of the release before: only the nodes that it touches are validated again.
A new day is such a change too, of the one triple that says which day it is: rules that look at it are evaluated. A
change of the shapes or a large change audits everything. What was accepted, and how findings compare with an earlier
release, is worked out when a report is asked for and is no part of the graphs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyoxigraph as ox

from stadtgraph.audit import Finding
from stadtgraph.audit.examine import datasets, findings
from stadtgraph.audit.graph import AuditGraph
from stadtgraph.audit.lines import Loaded
from stadtgraph.audit.quality import Counts, Measuring
from stadtgraph.audit.step import Step
from stadtgraph.audit.tally import Tally
from stadtgraph.audit.view import AuditedView
from stadtgraph.release import Draft, GraphInfo, Kind, View
from stadtgraph.shacl import Incremental, Shapes
from stadtgraph.store import OxigraphEngine
from stadtgraph.terms import AUDIT, DCT, QUALITY, SG, Names

MANY = 5_000
"""Changed triples from which on all is audited anew."""


@dataclass(slots=True)
class Audits:
    """The shapes of a city, and what is kept between the audits of one process."""

    shapes: Shapes
    most: int = 0
    """How many findings of each rule and source are listed in a release, about; 0 lists all."""
    _incremental: Incremental | None = None

    @property
    def incremental(self) -> Incremental:
        """Validation of what a change touches; the reach of the shapes is derived once."""
        if self._incremental is None:
            self._incremental = Incremental(self.shapes)
        return self._incremental

    def derive(self, draft: Draft) -> dict[View, Counts]:
        """Bring ``graph/audit`` and ``graph/quality`` of every view up to date; give counts by group and severity.

        A draft in which nothing else changed is left as it is, unless the day makes a difference: to what is found,
        to who answers for it, to what is accepted, or to who does what.
        """
        counted: dict[View, Counts] = {}
        for view in draft.views:
            now = _now(draft, view)
            if draft.names.graph(AUDIT).value in draft.graphs[view] and not draft.is_changed():
                counts = self._new_day(draft, view, now)
                if counts is None:
                    continue
            else:
                counts = self._followed(draft, view, now)
                counts = counts if counts is not None else self._whole(draft, view, now)
            counted[view] = counts
            draft.progress(f"audit {view}")
        return counted

    def _whole(self, draft: Draft, view: View, now: AuditedView) -> Counts:
        """Audit everything."""
        made = Made(now, self.shapes, findings(now, self.shapes, draft.folder("audit")), self.most)
        for name, triples in made.graphs():
            draft.put_derived(view, name, triples)
        return made.measuring.counts

    def _followed(self, draft: Draft, view: View, now: AuditedView) -> Counts | None:
        """Change the graphs of an audit by what a small change brings; ``None`` where all is to be audited anew."""
        before = _before(draft, view, now, self.shapes, self.most)
        subjects = _touched(draft, view, now) if before is not None else None
        if before is None or subjects is None:
            return None
        return self.follow(draft, view, Step(now, before, subjects, self.incremental, self.most))

    def _new_day(self, draft: Draft, view: View, now: AuditedView) -> Counts | None:
        """Follow the days that passed since the last audit; ``None`` where they change nothing that a report says."""
        before = _before(draft, view, now, self.shapes, self.most)
        if before is None or before.today >= now.today or draft.parent is None:
            return None
        seen, known = draft.releases.city / f"audited-{view}", f"{draft.parent.id} {draft.parent.written} {now.today}\n"
        if seen.is_file() and seen.read_text("utf-8", "replace") == known:
            return None  # looked at already on this day
        step = Step(now, before, set(), self.incremental, self.most)
        if step.is_followed and not step.matters:
            seen.write_text(known, "utf-8")
            return None
        counts = self.follow(draft, view, step)
        return counts if counts is not None else self._whole(draft, view, now)

    def follow(self, draft: Draft, view: View, step: Step) -> Counts | None:
        """Change the graphs of an audit as ``step`` says, where it could be followed."""
        if not step.is_followed:
            return None
        for name, removed, added in step.differences():
            report = AuditGraph(draft.names, "").report  # every finding hangs on it: too many triples to look through
            more, less = ({t for t in triples if t.subject == report} for triples in (added, removed))
            draft.change_derived(view, name, more, less)
            draft.edit_derived(view, name, added - more, removed - less)
        return step.counts


def _now(draft: Draft, view: View) -> AuditedView:
    """Give what is audited in a draft; graphs that it loaded whole are read from the files of their load."""
    infos, changes = draft.graphs[view], draft.changes[view]
    known = draft.parent.manifest(view).graphs if draft.parent is not None and draft.parent.has(view) else {}
    loaded: dict[str, Loaded] = {}
    for iri, info in infos.items():
        of_graph = [c for c in changes if c.graph.value == iri]
        written = [c for c in changes if c.graph == draft.names.written(ox.NamedNode(iri))]
        if iri not in known and len(of_graph) == 1 and of_graph[0].added == info.triples and len(written) < 2:
            loaded[iri] = Loaded(of_graph[0].added_file, written[0].added_file if written else None)
    return AuditedView(draft.engines[view], infos, draft.names, f"{draft.created:%Y-%m-%d}", loaded)


class Made:
    """A whole audit: what was found is counted as it comes, and what is listed is kept."""

    def __init__(self, view: AuditedView, shapes: Shapes, found: Iterable[Finding], most: int) -> None:
        """Take all that was ``found``, of which about ``most`` of each rule and source are listed."""
        self._view, self._digest = view, shapes.digest
        self.tally, self.measuring = Tally(most), Measuring()
        for finding in found:
            self.tally.add(finding)
            self.measuring.add(finding)

    def graphs(self) -> Iterator[tuple[ox.NamedNode, Iterator[ox.Triple]]]:
        """Give the graphs of the audit with their triples."""
        view = self._view
        writer = AuditGraph(view.names, view.today, self._digest, self.tally.most)
        yield view.names.graph(AUDIT), writer.all(self.tally.findings(), datasets(view), self.tally.more())
        yield view.names.graph(QUALITY), self.measuring.triples(view.names)


def _before(draft: Draft, view: View, now: AuditedView, shapes: Shapes, most: int) -> AuditedView | None:
    """Give the view of the parent, on its day, where its audit can be carried on: same shapes, same assignment."""
    names = draft.names
    graph = names.graph(AUDIT)
    if graph.value not in draft.graphs[view] or view in draft.rebuilt:
        return None
    if draft.parent is None or not draft.parent.has(view):
        return None
    engine, infos = draft.parent.engine(view), draft.parent.manifest(view).graphs
    if graph.value not in infos:
        return None
    stated = {
        p: {q.object for q in engine.store.quads_for_pattern(AuditGraph(names, "").report, p, None, graph)}
        for p in (DCT.date, DCT.conformsTo, SG.listedAtMost)
    }
    (day,) = stated[DCT.date] if len(stated[DCT.date]) == 1 else (None,)
    head = list(AuditGraph(names, now.today, shapes.digest, most).head(0))
    as_now = all(stated[p] == {t.object for t in head if t.predicate == p} for p in (DCT.conformsTo, SG.listedAtMost))
    if not isinstance(day, ox.Literal) or not as_now:
        return None
    old = AuditedView(engine, infos, names, day.value)
    return old if old.datasets == now.datasets else None


def _touched(draft: Draft, view: View, now: AuditedView) -> set[ox.NamedNode | ox.BlankNode] | None:
    """Give the subjects that changed in what is audited, or ``None`` where they are many."""
    old = draft.parent.manifest(view).graphs if draft.parent is not None else {}
    gone = {iri for iri, info in old.items() if info.kind not in (Kind.DERIVED, Kind.APPENDED, Kind.SYSTEM)}
    looked_at = gone | now.graphs
    looked_at |= {draft.names.written(ox.NamedNode(iri)).value for iri in looked_at}
    changes = [c for c in draft.changes[view] if c.graph.value in looked_at]
    if sum(c.added + c.removed for c in changes) > MANY:
        return None
    triples = (t for c in changes for t in (*c.added_triples(), *c.removed_triples()))
    return {t.subject for t in triples if isinstance(t.subject, ox.NamedNode | ox.BlankNode)}


def audit_store(
    engine: OxigraphEngine, infos: dict[str, GraphInfo], names: Names, today: str, audits: Audits, folder: Path
) -> Iterator[tuple[ox.NamedNode, Iterator[ox.Triple]]]:
    """Audit a store outside a draft, as withdrawing does; give the graphs with their triples."""
    view = AuditedView(engine, infos, names, today)
    return Made(view, audits.shapes, findings(view, audits.shapes, folder), audits.most).graphs()
