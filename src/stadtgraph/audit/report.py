"""The report of an audit, a value: findings, counts, lists of what to do, who does what, and how it develops."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import pyoxigraph as ox

from stadtgraph.audit.finding import Acceptance, Finding, Rule, Status, chosen, short
from stadtgraph.audit.tally import More
from stadtgraph.shacl import gravity
from stadtgraph.terms import SH

SEVERITIES = (SH.Violation, SH.Warning, SH.Info)
LIMIT = 1000
"""Findings per shape and unit that a report for people shows; the counts are always true."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Who has one RACI value for one subject, and in which role."""

    raci: str
    agent: ox.NamedNode
    role: ox.NamedNode | None


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One row of the RACI matrix: what, who, and which gaps there are (``no-accountable``, ``no-responsible`` ...)."""

    subject: ox.NamedNode
    cells: tuple[Cell, ...]
    gaps: tuple[str, ...]

    def agents(self, raci: str) -> tuple[ox.NamedNode, ...]:
        """Give whoever has ``raci``."""
        return tuple(dict.fromkeys(cell.agent for cell in self.cells if cell.raci == raci))


@dataclass(frozen=True, slots=True)
class Count:
    """How many findings of one severity and group a release had: a point of the trend."""

    release: str
    time: str
    severity: ox.NamedNode
    group: str
    number: int


@dataclass(frozen=True, slots=True)
class Task:
    """One entry of a list of what to do: a rule, and all findings of a unit that break it."""

    rule: Rule
    severity: ox.NamedNode
    findings: tuple[Finding, ...]
    more: int = 0
    """How many there are that the release counts and does not list one by one."""

    @property
    def number(self) -> int:
        """How many there are in all."""
        return len(self.findings) + self.more

    @property
    def points(self) -> int:
        """What mending all of them brings at most in the score of data.europa.eu."""
        return self.rule.points * self.number

    def order(self) -> tuple[int, int, int, str]:
        """Severe ones first, then frequent ones, then those that bring most points."""
        return -gravity(self.severity), -self.number, -self.points, self.rule.shape.value


def _first(unit: ox.NamedNode | None, findings: Iterable[Finding], more: Iterable[More]) -> tuple[object, ...]:
    """Order units by the number of their violations, then of warnings, then of the rest; unknown ones are last."""
    numbers = Counter(f.gravity for f in findings if f.status is not Status.ACCEPTED)
    for rest in more:
        numbers[rest.gravity] += rest.number if rest.status is not Status.ACCEPTED else 0
    return (unit is None, *(-numbers[grade] for grade in (3, 2, 1, 0)), str(unit))


@dataclass(frozen=True)
class AuditReport:
    """The report of an audit. ``findings`` are open or accepted; ``mended`` are those of ``since`` that are gone."""

    findings: tuple[Finding, ...] = ()
    mended: tuple[Finding, ...] = ()
    release: str = ""
    since: str = ""
    date: str = ""
    base: str = ""
    labels: Mapping[ox.NamedNode, Mapping[str, str]] = field(default_factory=dict)
    matrix: tuple[MatrixRow, ...] = ()
    trend: tuple[Count, ...] = ()
    unit: ox.NamedNode | None = None
    files: str = ""
    """The names of the files that were validated, where it is no release that was audited."""
    internal: bool = False
    """Whether restricted graphs were looked at too, so that the report is not for everybody."""
    accepted: Mapping[str, Acceptance] = field(default_factory=dict)
    """Who accepted a finding as a risk, why and until when, by the key of the finding."""
    more: tuple[More, ...] = ()
    """Findings that the release counts and does not list one by one; every count has them."""
    most: int | None = None
    """How many findings of each shape and unit are listed; ``None`` lists all. Counts are those of all."""

    @cached_property
    def open(self) -> tuple[Finding, ...]:
        """The findings that nobody accepted."""
        return tuple(f for f in self.findings if f.status is not Status.ACCEPTED)

    @property
    def results(self) -> tuple[Finding, ...]:
        """The findings, open and accepted."""
        return self.findings

    @property
    def conforms(self) -> bool:
        """Whether no finding is open."""
        return not self.open and not self.open_more

    @cached_property
    def open_more(self) -> list[More]:
        """Those that are only counted and that nobody accepted."""
        return [more for more in self.more if more.status is not Status.ACCEPTED]

    def fails(self, at: ox.NamedNode) -> bool:
        """Tell whether an open finding is as grave as ``at`` or graver."""
        gravities = (*(f.gravity for f in self.open), *(more.gravity for more in self.open_more))
        return any(g >= gravity(at) for g in gravities)

    @cached_property
    def counts(self) -> Counter[tuple[ox.NamedNode, ox.NamedNode | None, ox.NamedNode]]:
        """How many findings there are by shape, unit and severity."""
        counted = Counter((f.shape, f.unit, f.severity) for f in self.findings)
        for more in self.more:
            counted[more.shape, more.unit, more.severity] += more.number
        return counted

    @cached_property
    def severities(self) -> Counter[ox.NamedNode]:
        """How many open findings there are by severity."""
        counted = Counter(f.severity for f in self.open)
        for more in self.open_more:
            counted[more.severity] += more.number
        return counted

    @cached_property
    def groups(self) -> Counter[tuple[str, ox.NamedNode]]:
        """How many findings there are by group and severity, accepted ones too."""
        counted = Counter((f.group, f.severity) for f in self.findings)
        for more in self.more:
            counted[more.group, more.severity] += more.number
        return counted

    @cached_property
    def statuses(self) -> Counter[Status]:
        """How many findings have which status, mended ones too."""
        counted = Counter(f.status for f in (*self.findings, *self.mended))
        for more in self.more:
            counted[more.status] += more.number
        return counted

    @cached_property
    def _by_unit(self) -> dict[ox.NamedNode | None, tuple[Finding, ...]]:
        groups: dict[ox.NamedNode | None, list[Finding]] = {}
        for finding in self.findings:
            groups.setdefault(finding.unit, []).append(finding)
        more: dict[ox.NamedNode | None, list[More]] = {}
        for rest in self.more:
            groups.setdefault(rest.unit, [])
            more.setdefault(rest.unit, []).append(rest)
        return {u: tuple(groups[u]) for u in sorted(groups, key=lambda u: _first(u, groups[u], more.get(u, ())))}

    def number(self, unit: ox.NamedNode | None) -> int:
        """Give how many findings a unit has, listed or not."""
        return self._numbers[unit]

    @cached_property
    def _numbers(self) -> Counter[ox.NamedNode | None]:
        counted = Counter(f.unit for f in self.findings)
        for more in self.more:
            counted[more.unit] += more.number
        return counted

    def by_unit(self) -> dict[ox.NamedNode | None, tuple[Finding, ...]]:
        """Give the findings of each unit, grave and many ones first; ``None`` (last) is for unknown units."""
        return dict(self._by_unit)

    def todo(self, unit: ox.NamedNode | None) -> tuple[Task, ...]:
        """Give what a unit has to do, ranked by effect: severity, number of findings, points."""
        groups: dict[tuple[Rule, ox.NamedNode], list[Finding]] = {}
        for finding in self._by_unit.get(unit, ()):
            if finding.status is not Status.ACCEPTED:
                groups.setdefault((finding.rule, finding.severity), []).append(finding)
        more: Counter[tuple[Rule, ox.NamedNode]] = Counter()
        for rest in self.open_more:
            if rest.unit == unit:
                groups.setdefault((rest.rule, rest.severity), [])
                more[rest.rule, rest.severity] += rest.number
        tasks = (Task(kind[0], kind[1], tuple(found), more[kind]) for kind, found in groups.items())
        return tuple(sorted(tasks, key=Task.order))

    @cached_property
    def listed(self) -> tuple[Finding, ...]:
        """The findings that a report lists: all, or of each shape and unit at most :attr:`most`."""
        return tuple(self.limited(self.findings))

    @cached_property
    def left_out(self) -> dict[tuple[ox.NamedNode, ox.NamedNode | None], tuple[int, int]]:
        """Of which shape and unit not all findings are listed: how many are, and how many there are."""
        if self.most is None and not self.more:
            return {}
        numbers = Counter((f.shape, f.unit) for f in self.findings)
        shown = {key: number if self.most is None else min(number, self.most) for key, number in numbers.items()}
        for more in self.more:
            numbers[more.shape, more.unit] += more.number
        return {key: (shown.get(key, 0), number) for key, number in numbers.items() if number > shown.get(key, 0)}

    def limited(self, findings: Iterable[Finding]) -> Iterator[Finding]:
        """Give the findings that are listed; :attr:`counts` knows how many there are."""
        shown: Counter[tuple[ox.NamedNode, ox.NamedNode | None]] = Counter()
        for finding in findings:
            shown[finding.shape, finding.unit] += 1
            if self.most is None or shown[finding.shape, finding.unit] <= self.most:
                yield finding

    def find(self, key: str) -> Finding | None:
        """Give the finding whose key begins with ``key``, if it is the only one."""
        found = [f for f in (*self.findings, *self.mended) if f.key.startswith(key)]
        return found[0] if len(found) == 1 else None

    def label(self, term: ox.NamedNode | None, lang: str = "en") -> str:
        """Give the name of a unit, post, role or dataset; its IRI below the base where it has none."""
        return chosen(self.labels.get(term, {}), lang) or short(term, self.base) if term is not None else ""

    def for_unit(self, unit: ox.NamedNode | None) -> AuditReport:
        """Give the report on one unit alone."""
        return replace(
            self,
            findings=tuple(f for f in self.findings if f.unit == unit),
            mended=tuple(f for f in self.mended if f.unit == unit),
            more=tuple(more for more in self.more if more.unit == unit),
            matrix=tuple(r for r in self.matrix if any(cell.agent == unit for cell in r.cells)),
            unit=unit,
        )
