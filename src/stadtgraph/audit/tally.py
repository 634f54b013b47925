"""What an audit found, counted as it comes; of what a great many records break, a fixed choice is kept one by one.

A rule that nearly every record of a source breaks would fill a release with findings that nobody reads one by one. So
of each rule and source a limit says how many findings are listed at most. Beyond it every second one is left out, or
three of four, or seven of eight: whichever power of two brings the number to the limit. Which ones depends on their
keys alone, so that the choice is the same whichever way an audit came about, and stays from release to release. The
others are counted: by rule, unit, post, severity and source.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

import pyoxigraph as ox

from stadtgraph.audit.finding import Finding, Place, Rule, Status
from stadtgraph.shacl import gravity

Group = tuple[ox.NamedNode, str]
"""A shape, and the source graph of the nodes that break it."""


def level_of(number: int, most: int) -> int:
    """Give how often ``number`` is halved to come to at most ``most``; 0 as the limit is none.

    >>> [level_of(n, 1000) for n in (1000, 1001, 2000, 2001, 12173)], level_of(9, 0)
    ([0, 1, 1, 2, 4], 0)
    """
    if most <= 0 or number <= most:
        return 0
    return (-(-number // most) - 1).bit_length()


def is_listed(key: str, level: int) -> bool:
    """Tell whether the finding ``key`` is of the choice at a level: one of two, four, eight ...

    >>> [is_listed(key, 2) for key in ("8c", "8d", "8e", "90")]
    [True, False, False, True]
    """
    return not int(key, 16) & ((1 << level) - 1)


def group_of(finding: Finding) -> Group:
    """Give the group whose findings are counted together."""
    return finding.shape, finding.graph


@dataclass(frozen=True, slots=True)
class More:
    """Findings that are counted and not listed: of one rule, severity and source, for one unit, post and coach."""

    rule: Rule
    source: ox.NamedNode
    severity: ox.NamedNode
    place: Place
    graph: str
    number: int = 0
    status: Status = Status.STILL

    @classmethod
    def of(cls, finding: Finding) -> More:
        """Give what a finding is counted under."""
        place = replace(finding.place, dataset=None)
        return cls(finding.rule, finding.result.source, finding.severity, place, finding.graph)

    @property
    def key(self) -> str:
        """What it is known by: the same from release to release, whatever the number."""
        place = self.place
        parts = (self.shape, self.source, self.severity, place.unit, place.post, place.coach, self.graph)
        return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:16]

    @property
    def shape(self) -> ox.NamedNode:
        """The shape that was broken."""
        return self.rule.shape

    @property
    def unit(self) -> ox.NamedNode | None:
        """The unit that answers for them."""
        return self.place.unit

    @property
    def group(self) -> str:
        """The group of rules."""
        return self.rule.group

    @property
    def gravity(self) -> int:
        """How grave they are, from 0 to 3."""
        return gravity(self.severity)


@dataclass(frozen=True)
class Found:
    """The findings that are listed, those that are only counted, and the limit of each rule and source."""

    findings: list[Finding] = field(default_factory=list)
    more: tuple[More, ...] = ()
    most: int = 0

    @cached_property
    def _levels(self) -> dict[Group, int]:
        if not self.more:
            return {}
        totals = Counter(group_of(f) for f in self.findings)
        for more in self.more:
            totals[more.shape, more.graph] += more.number
        return {group: level for group, n in totals.items() if (level := level_of(n, self.most))}

    def lists(self, finding: Finding) -> bool:
        """Tell whether a finding would be listed here, if there were one."""
        return not self._levels or is_listed(finding.key, self._levels.get(group_of(finding), 0))

    def has_more(self, finding: Finding) -> bool:
        """Tell whether not all findings of its rule and source are listed."""
        return group_of(finding) in self._levels


class Tally:
    """Counts findings as they come, and keeps those that are listed."""

    def __init__(self, most: int = 0) -> None:
        """List at most ``most`` findings of each rule and source, about; 0 lists all."""
        self.most = most
        self.totals: Counter[Group] = Counter()
        self._kept: dict[Group, dict[str, Finding]] = {}
        self._levels: dict[Group, int] = {}
        self._more: Counter[tuple[object, ...]] = Counter()
        self._as: dict[tuple[object, ...], More] = {}

    def add(self, finding: Finding) -> None:
        """Count a finding, which must not have come before."""
        group = group_of(finding)
        kept = self._kept.setdefault(group, {})
        number = self.totals[group] = self.totals[group] + 1
        level = self._levels.get(group, 0)
        if self.most and number > self.most << level:
            level = self._levels[group] = level_of(number, self.most)
            for key in [key for key in kept if not is_listed(key, level)]:
                self._leave_out(kept.pop(key))
        if is_listed(finding.key, level):
            kept[finding.key] = finding
        else:
            self._leave_out(finding)

    def _leave_out(self, finding: Finding) -> None:
        place = finding.place
        kind = (finding.shape, finding.result.source, finding.severity, place.unit, place.post, place.coach)
        key = (*kind, finding.graph)
        self._more[key] += 1
        if key not in self._as:
            self._as[key] = More.of(finding)

    def findings(self) -> Iterator[Finding]:
        """Give the findings that are listed."""
        return (finding for kept in self._kept.values() for finding in kept.values())

    def more(self) -> tuple[More, ...]:
        """Give the others, counted."""
        return tuple(replace(self._as[key], number=number) for key, number in self._more.items())

    def found(self) -> Found:
        """Give both."""
        return Found(list(self.findings()), self.more(), self.most)


def tallied(findings: Iterable[Finding], most: int = 0) -> Tally:
    """Count some findings."""
    tally = Tally(most)
    for finding in findings:
        tally.add(finding)
    return tally
