"""The way from the audit before a small change, of the data or of the day, to the one after it.

Only the results that the change may have touched are looked at, as they were and as they are; the rest of the audit is
neither read nor written. Where a change decides who answers for very much, the findings that lie there are read too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import pyoxigraph as ox

from stadtgraph.audit.attribute import (
    Responsibilities,
    acceptances,
    attribute,
    belonging,
    decided_by,
    is_about_places,
)
from stadtgraph.audit.examine import datasets, responsibilities, stored
from stadtgraph.audit.finding import Finding, Rules
from stadtgraph.audit.graph import AuditGraph, number_of, read_findings
from stadtgraph.audit.matrix import matrix
from stadtgraph.audit.quality import (
    Broken,
    Counts,
    by_rule,
    gain,
    measured,
    measurements,
    numbers,
    read_rule,
    read_totals,
    totals,
)
from stadtgraph.audit.tally import Group, More, group_of, is_listed, level_of
from stadtgraph.audit.view import AuditedView, GraphFacts
from stadtgraph.shacl import Delta, Incremental, TooFar
from stadtgraph.terms import AUDIT, DCAT, QUALITY, RDF, SG, SH, Term

Node = ox.NamedNode | ox.BlankNode
Difference = tuple[ox.NamedNode, set[ox.Triple], set[ox.Triple]]
"""A graph, and the triples that leave it and come to it."""


@dataclass
class Step:
    """A change of ``subjects`` between two views."""

    now: AuditedView
    old: AuditedView
    subjects: set[Node]
    incremental: Incremental
    most: int = 0
    """How many findings of each rule and source are listed, about; 0 lists all."""

    @property
    def is_followed(self) -> bool:
        """Whether the change could be followed; else all is to be audited anew.

        It cannot where others answer for findings that are only counted, and where so many are mended that more of
        a rule's findings are to be listed than were.
        """
        if self._delta is None or (self._decided is None and self._has_more):
            return False
        if any(self._levels[1][group] < level for group, level in self._levels[0].items()):
            return False
        return not self._has_more or self._regained is not None

    @cached_property
    def _has_more(self) -> bool:
        """Whether some findings before the change are only counted."""
        return any(_graph(self.old, AUDIT).match(None, RDF.type, SG.MoreFindings))

    @cached_property
    def _of_rules(self) -> tuple[dict[Group, int], dict[Group, int]]:
        """How many findings there were, and are, of the rules and sources that the change touches."""
        quality = _graph(self.old, QUALITY)
        gone, came = (Counter(map(group_of, found.values())) for found in self._both)
        before = {g: read_rule(quality, self.now.names, g) for g in gone.keys() | came.keys()}
        return before, {g: number - gone[g] + came[g] for g, number in before.items()}

    @cached_property
    def _levels(self) -> tuple[dict[Group, int], dict[Group, int]]:
        before, after = ({g: level_of(n, self.most) for g, n in numbers.items()} for numbers in self._of_rules)
        return before, after

    @cached_property
    def _listed(self) -> tuple[dict[str, Finding], dict[str, Finding]]:
        """The findings that leave the list, and those that come to it."""
        gone, came = (
            {key: f for key, f in found.items() if is_listed(key, levels[group_of(f)])}
            for found, levels in zip(self._both, self._levels, strict=True)
        )
        return {**gone, **self._no_longer}, came

    @cached_property
    def _no_longer(self) -> dict[str, Finding]:
        """The findings that stay, and that are only counted since there are so many more."""
        fuller = [group for group, level in self._levels[0].items() if self._levels[1][group] > level]
        stay = (f for group in fuller for f in self._stored_of(group) if f.key not in self._both[0])
        return {f.key: f for f in stay if not is_listed(f.key, self._levels[1][group_of(f)])}

    def _stored_of(self, group: Group) -> list[Finding]:
        """Read the listed findings of a rule and source."""
        graph = _graph(self.old, AUDIT)
        nodes = {t.subject for p in (SG.ofShape, SH.sourceShape) for t in graph.match(None, p, group[0])}
        triples = self.old.engine.as_written(
            self.old.names.graph(AUDIT), sorted((n for n in nodes if isinstance(n, Node)), key=str)
        )
        return [f for f in read_findings(triples, self._rules, self.old.names) if group_of(f) == group]

    @cached_property
    def _more(self) -> tuple[list[More], list[More]]:
        """What was, and is, only counted under the kinds that the change touches."""
        changed: Counter[More] = Counter()
        for found, levels, one in zip(self._both, self._levels, (-1, 1), strict=True):
            for key, f in found.items():
                if not is_listed(key, levels[group_of(f)]):
                    changed[More.of(f)] += one
        changed.update(More.of(f) for f in self._no_longer.values())
        graph = _graph(self.old, AUDIT)
        before = [replace(more, number=number_of(graph, self.old.names, more)) for more in changed]
        return before, [replace(m, number=m.number + n) for m, n in zip(before, changed.values(), strict=True)]

    @cached_property
    def _gaining(self) -> set[ox.NamedNode]:
        """The datasets of which the points that they can gain may differ."""
        both = (f for found in self._both for f in found.values())
        return {f.dataset for f in both if f.dataset is not None and Broken.of(f).matters}

    @cached_property
    def _changed(self) -> tuple[set[ox.Triple], set[ox.Triple]]:
        """The triples that came and went."""
        old, new = ({view.day, *(t for s in self.subjects for t in view.match(s, None, None))} for view in self._views)
        return new - old, old - new

    @cached_property
    def _decided(self) -> set[Term] | None:
        """The nodes for which others may answer now than before; ``None`` where that may be any."""
        if self.begun_or_ended:
            return None
        held = frozenset(self.now.datasets.values())
        found: set[Term] = set()
        for triple in set().union(*self._changed) - {self.now.day, self.old.day}:
            for view in self._views if is_about_places(triple) else (self.now,):
                nodes = decided_by(triple, view, held)
                if nodes is None:
                    return None
                found |= nodes
        return found

    @cached_property
    def _delta(self) -> Delta | None:
        also = self.subjects if self._decided is None else self._decided
        return self.incremental.delta(self.old, self.now, *self._changed, also)

    @cached_property
    def _rules(self) -> Rules:
        return Rules(self.incremental.shapes)

    @cached_property
    def _both(self) -> tuple[dict[str, Finding], dict[str, Finding]]:
        """The findings that went, and those that came, by their keys; one that changed is among both."""
        delta = self._delta
        assert delta is not None
        results = (delta.before, delta.after)
        who = [Responsibilities(v, v.names, v.today, v.graph_of, v.datasets) for v in self._views]
        before, after = (
            {f.key: f for f in attribute(found, self._rules, w)} for found, w in zip(results, who, strict=True)
        )
        if self._decided is None:
            for finding, moved in self._moved({*before, *after}):
                before[finding.key], after[finding.key] = finding, moved
        gone = {key: f for key, f in before.items() if after.get(key) != f}
        return gone, {key: f for key, f in after.items() if before.get(key) != f}

    def _moved(self, known: set[str]) -> Iterator[tuple[Finding, Finding]]:
        """Give the findings that somebody else answers for since the change, as they were and as they are."""
        who = responsibilities(self.now)
        for finding in self.before:
            if finding.key not in known:
                place = who.place(finding.focus, finding.rule.role)
                if place != finding.place:
                    yield finding, replace(finding, place=place)

    @cached_property
    def before(self) -> list[Finding]:
        """All listed findings before the change, read from their graph."""
        return stored(self.old, self.incremental.shapes).findings

    @cached_property
    def after(self) -> list[Finding]:
        """All listed findings after the change, in no order."""
        gone, came = self._listed
        return [*(f for f in self.before if f.key not in gone), *came.values()]

    @cached_property
    def counts(self) -> Counts:
        """How many findings there are after the change, by group and severity."""
        gone, came = self._both
        counted = Counter(self._counted if self._counted is not None else self._count())
        counted.subtract((f.group, f.severity) for f in gone.values())
        counted.update((f.group, f.severity) for f in came.values())
        return +counted

    def _count(self) -> Counts:
        return Counter((f.group, f.severity) for f in self.before)

    @cached_property
    def _counted(self) -> Counts | None:
        """How many there were before the change; ``None`` where that was not measured."""
        found = read_totals(_graph(self.old, QUALITY), self.old.names, self._kinds)
        return found if found or self._conformed else None

    @property
    def _kinds(self) -> set[tuple[str, ox.NamedNode]]:
        """What may have been counted: every group with every severity of the shapes."""
        return {(group, severity) for group in self._rules.groups for severity in self._rules.severities}

    @cached_property
    def _conformed(self) -> bool:
        head = _graph(self.old, AUDIT).match(AuditGraph(self.old.names, "").report, SH.conforms, None)
        return any(getattr(t.object, "value", "") == "true" for t in head)

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
        if any(self._both):
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

    def differences(self) -> list[Difference]:
        """Give per graph what leaves it and what comes to it."""
        names = self.now.names
        return [(names.graph(AUDIT), *self._of_audit()), (names.graph(QUALITY), *self._of_quality())]

    def _of_audit(self) -> tuple[set[ox.Triple], set[ox.Triple]]:
        sets: list[set[ox.Triple]] = []
        totals = (0 if self._conformed else 1, sum(self.counts.values()))
        for view, found, more, total in zip(self._views, self._listed, self._more, totals, strict=True):
            writer = AuditGraph(view.names, view.today, self.incremental.shapes.digest, self.most)
            triples = set(writer.head(total))
            for dataset in self._datasets(view):
                triples.update(writer.record(dataset))
            for finding in found.values():
                triples.update((*writer.finding(finding), *writer.generated(finding)))
            for rest in more:
                triples.update(writer.more(rest))
            sets.append(triples)
        return sets[0] - sets[1], sets[1] - sets[0]

    def _datasets(self, view: AuditedView) -> Iterable[ox.NamedNode]:
        """Give the datasets whose records differ: all on another day, else those among the subjects."""
        if self.old.today != self.now.today:
            return datasets(view)
        named = (s for s in self.subjects if isinstance(s, ox.NamedNode))
        return [s for s in named if any(view.match(s, RDF.type, DCAT.Dataset))]

    def _of_quality(self) -> tuple[set[ox.Triple], set[ox.Triple]]:
        names, known = self.now.names, _graph(self.old, QUALITY)
        gone, came = ([*found.values()] for found in self._both)
        less, more = numbers(gone), numbers(came)
        touched = less.keys() | more.keys()
        before = Counter({(on, severity): measured(known, names, on, severity) for on, severity in touched})
        after = Counter({key: before[key] - less[key] + more[key] for key in touched})
        gaining = self._gaining
        points = [
            {dataset: measured(known, names, dataset, None) for dataset in gaining},
            {dataset: self._gain(dataset) for dataset in gaining},
        ]
        old, new = (set(measurements(n, p, names)) for n, p in zip((before, after), points, strict=True))
        old |= set(totals(self._counted or {}, names))
        new |= set(totals(self.counts, names))
        old |= set(by_rule(self._of_rules[0], names))
        new |= set(by_rule(self._of_rules[1], names))
        return old - new, new - old

    def _gain(self, dataset: ox.NamedNode) -> int:
        """Give what a dataset can gain after the change, from the rules that its findings are of."""
        if self._has_more and self._regained is not None:
            return self._regained[dataset]
        gone, came = self._both
        graph = _graph(self.old, AUDIT)
        broken = {Broken.of(f) for f in came.values() if f.dataset == dataset}
        for triple in graph.match(None, SG.dataset, dataset):
            iri = triple.subject
            if isinstance(iri, ox.NamedNode) and iri.value.rpartition("/")[2] not in gone:
                broken.add(self._broken(graph, iri))
        return gain(broken)

    @cached_property
    def _regained(self) -> dict[ox.NamedNode, int] | None:
        """What datasets can gain, found anew; ``None`` where that would be to look at too much."""
        if not self._gaining.isdisjoint(self.now.datasets.values()):
            return None
        try:
            return {dataset: gain({Broken.of(f) for f in self._findings_of(dataset)}) for dataset in self._gaining}
        except TooFar:
            return None

    def _findings_of(self, dataset: ox.NamedNode) -> Iterator[Finding]:
        """Find again what is wrong with a dataset, for what is only counted does not say so."""
        now = self.now
        who = Responsibilities(now, now.names, now.today, now.graph_of, now.datasets)
        found = attribute(self.incremental.at(now, belonging(dataset, now)), self._rules, who)
        return (f for f in found if f.dataset == dataset)

    def _broken(self, graph: GraphFacts, finding: ox.NamedNode) -> Broken:
        """Read of a finding that stayed which rule it is of."""

        def iri(p: ox.NamedNode) -> ox.NamedNode | None:
            return next((t.object for t in graph.match(finding, p, None) if isinstance(t.object, ox.NamedNode)), None)

        source = iri(SH.sourceShape)
        shape = iri(SG.ofShape) or source
        assert shape is not None
        rule = self._rules.of(shape, source)
        return Broken.told(shape, rule.points, rule.group, iri(SH.resultSeverity))


def _graph(view: AuditedView, name: str) -> GraphFacts:
    return GraphFacts(view.engine, view.names.graph(name))
