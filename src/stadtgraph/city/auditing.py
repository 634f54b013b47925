"""The audit of a release: its findings and measurements as graphs of each view, and the report on them.

A small change is followed from the audit of the release before: only the nodes that it touches are validated again.
A new day is such a change too, of the one triple that says which day it is: rules that look at it are evaluated. A
change of the shapes or a large change audits everything. What was accepted, and how findings compare with an earlier
release, is worked out when a report is asked for and is no part of the graphs.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pyoxigraph as ox

from stadtgraph.audit import Finding
from stadtgraph.audit.attribute import acceptances, is_about_places
from stadtgraph.audit.examine import attributed, datasets, findings, stored
from stadtgraph.audit.graph import AuditGraph
from stadtgraph.audit.lines import Loaded
from stadtgraph.audit.matrix import matrix
from stadtgraph.audit.quality import Counts, quality
from stadtgraph.audit.view import AuditedView
from stadtgraph.release import Draft, GraphInfo, Kind, View
from stadtgraph.shacl import Incremental, Report, Shapes
from stadtgraph.store import OxigraphEngine
from stadtgraph.terms import AUDIT, DCT, QUALITY, SG, Names

MANY = 5_000
"""Changed triples from which on all is audited anew."""


@dataclass(slots=True)
class Audits:
    """The shapes of a city, and what is kept between the audits of one process."""

    shapes: Shapes
    _incremental: Incremental | None = None
    _kept: dict[View, tuple[str, list[Finding]]] = field(default_factory=dict)
    """The findings of the last release that this process made, so that its next change need not read them."""

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
            if draft.names.graph(AUDIT).value in draft.graphs[view] and not draft.is_changed():
                found = self._new_day(draft, view)
                if found is None:
                    continue
            else:
                found = self._derive(draft, view)
            self._kept[view] = (draft.id, found)
            counted[view] = Counter((f.group, f.severity) for f in found)
            draft.progress(f"audit {view}")
        return counted

    def _derive(self, draft: Draft, view: View) -> list[Finding]:
        now = _now(draft, view)
        before = _before(draft, view, now, self.shapes)
        subjects = _touched(draft, view, now) if before is not None else None
        if before is None or subjects is None:
            found = findings(now, self.shapes, draft.folder("audit"))
            for name, triples in graphs(now, self.shapes, found):
                draft.put_derived(view, name, triples)
            return found
        return self.follow(draft, view, Step(now, before, subjects, self, self._known(draft, view)))

    def _new_day(self, draft: Draft, view: View) -> list[Finding] | None:
        """Follow the days that passed since the last audit; ``None`` where they change nothing that a report says."""
        now = _now(draft, view)
        before = _before(draft, view, now, self.shapes)
        if before is None or before.today >= now.today:
            return None
        step = Step(now, before, set(), self, self._known(draft, view))
        return self.follow(draft, view, step) if step.matters else None

    def _known(self, draft: Draft, view: View) -> list[Finding] | None:
        kept, parent = self._kept.get(view), draft.parent
        return kept[1] if kept is not None and parent is not None and kept[0] == parent.id else None

    def follow(self, draft: Draft, view: View, step: Step) -> list[Finding]:
        """Change the graphs of an audit by what a small change of the data brings."""
        for name, old, new in step.differences():
            draft.edit_derived(view, name, new - old, old - new)
        return step.after


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


def graphs(view: AuditedView, shapes: Shapes, found: list[Finding]) -> list[tuple[ox.NamedNode, list[ox.Triple]]]:
    """Give the graphs of an audit with their triples."""
    writer = AuditGraph(view.names, view.today, shapes.digest)
    return [
        (view.names.graph(AUDIT), list(writer.all(found, datasets(view)))),
        (view.names.graph(QUALITY), list(quality(found, view.names))),
    ]


@dataclass
class Step:
    """The way from the audit before a small change, of the data or of the day, to the one after it."""

    now: AuditedView
    old: AuditedView
    subjects: set[ox.NamedNode | ox.BlankNode]
    audits: Audits
    known: list[Finding] | None = None

    @cached_property
    def before(self) -> list[Finding]:
        """The findings before the change."""
        return self.known if self.known is not None else stored(self.old, self.audits.shapes)

    @cached_property
    def after(self) -> list[Finding]:
        """The findings after the change: what it does not touch is carried over, with who answers for it."""
        old = {t for s in self.subjects for t in self.old.match(s, None, None)}
        new = {t for s in self.subjects for t in self.now.match(s, None, None)}
        added, removed = (
            (new | {self.now.day}) - (old | {self.old.day}),
            (old | {self.old.day}) - (new | {self.now.day}),
        )
        previous = Report.of(f.result for f in self.before)
        report = self.audits.incremental.update(self.now, previous, added, removed)
        kept: dict[str, Finding] = {}
        if not any(map(is_about_places, added | removed)) and not self.begun_or_ended:
            kept = {f.key: f for f in self.before if f.focus not in self.subjects}
        return attributed(self.now, self.audits.shapes, report.results, kept)

    @cached_property
    def begun_or_ended(self) -> bool:
        """Whether something began or ended to be valid between the two days."""
        first, last = self.old.today, self.now.today
        if first == last:
            return False
        began = (t.object.value for t in self.now.match(None, SG.validFrom, None) if isinstance(t.object, ox.Literal))
        ended = (t.object.value for t in self.now.match(None, SG.validUntil, None) if isinstance(t.object, ox.Literal))
        return any(first < day <= last for day in began) or any(first <= day < last for day in ended)

    @property
    def matters(self) -> bool:
        """Whether a report on the day after says anything else than one on the day before."""
        if set(self.before) != set(self.after):
            return True
        if not self.begun_or_ended:
            return False
        risks = acceptances(self.now)
        accepted = [{a for a in risks if any(a.covers(f, view.today) for f in self.after)} for view in self._views]
        rows = [matrix(view, view.today) for view in self._views]
        return accepted[0] != accepted[1] or rows[0] != rows[1]

    @property
    def _views(self) -> tuple[AuditedView, AuditedView]:
        return self.old, self.now

    def differences(self) -> list[tuple[ox.NamedNode, set[ox.Triple], set[ox.Triple]]]:
        """Give per graph the triples before and after, without those of findings that stayed as they were."""
        shapes, names = self.audits.shapes, self.now.names
        known = {f.key: f for f in self.before}
        same = {f.key for f in self.after if known.get(f.key) == f}
        sets: list[set[ox.Triple]] = []
        for view, found in ((self.old, self.before), (self.now, self.after)):
            writer = AuditGraph(names, view.today, shapes.digest)
            triples = set(writer.head(len(found)))
            for dataset in datasets(view):
                triples.update(writer.record(dataset))
            for finding in found:
                if finding.key not in same:
                    triples.update((*writer.finding(finding), *writer.generated(finding)))
            sets.append(triples)
        measured = [set(quality(found, names)) for found in (self.before, self.after)]
        return [(names.graph(AUDIT), sets[0], sets[1]), (names.graph(QUALITY), measured[0], measured[1])]


def _before(draft: Draft, view: View, now: AuditedView, shapes: Shapes) -> AuditedView | None:
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
        for p in (DCT.date, DCT.conformsTo)
    }
    (day,) = stated[DCT.date] if len(stated[DCT.date]) == 1 else (None,)
    head = AuditGraph(names, now.today, shapes.digest).head(0)
    if not isinstance(day, ox.Literal) or stated[DCT.conformsTo] != {
        t.object for t in head if t.predicate == DCT.conformsTo
    }:
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
    engine: OxigraphEngine, infos: dict[str, GraphInfo], names: Names, today: str, shapes: Shapes, folder: Path
) -> list[tuple[ox.NamedNode, list[ox.Triple]]]:
    """Audit a store outside a draft, as withdrawing does; give the graphs with their triples."""
    view = AuditedView(engine, infos, names, today)
    return graphs(view, shapes, findings(view, shapes, folder))
