"""What an audit measures, in the Data Quality Vocabulary: findings per dataset and unit, and counts for the trend.

Source: https://www.w3.org/TR/vocab-dqv/
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import pyoxigraph as ox

from stadtgraph.audit.finding import Finding, short
from stadtgraph.audit.report import Count
from stadtgraph.audit.tally import Group, More, group_of
from stadtgraph.reason.facts import Facts
from stadtgraph.shacl import gravity
from stadtgraph.terms import AUDIT, PROV, RDF, SG, SH, XSD, Names

DQV = "http://www.w3.org/ns/dqv#"
MEASUREMENT, ON, OF, VALUE = (
    ox.NamedNode(DQV + name) for name in ("QualityMeasurement", "computedOn", "isMeasurementOf", "value")
)
COMPLIANCE, PROFILE = 30, "profile"
"""What data.europa.eu gives a dataset without violations of the profile: no single rule brings it, only the last."""
Counts = Mapping[tuple[str, ox.NamedNode], int]
Numbers = Counter[tuple[ox.NamedNode, ox.NamedNode]]


class Measuring:
    """Measures findings as they come, whether they are listed or not."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.counts: Counter[tuple[str, ox.NamedNode]] = Counter()
        self.groups: Counter[Group] = Counter()
        self._numbers: Numbers = Counter()
        self._broken: dict[ox.NamedNode, set[Broken]] = {}
        self._known: dict[Broken, Broken] = {}

    def add(self, finding: Finding) -> None:
        """Count a finding."""
        self.groups[group_of(finding)] += 1
        self.counts[finding.group, finding.severity] += 1
        for on in (finding.dataset, finding.unit):
            if on is not None:
                self._numbers[on, finding.severity] += 1
        if finding.dataset is not None:
            broken = Broken.of(finding)
            if broken.matters:
                self._broken.setdefault(finding.dataset, set()).add(self._known.setdefault(broken, broken))

    def add_more(self, more: More) -> None:
        """Count findings that are not listed; which datasets they are about is not known any more."""
        self.groups[more.shape, more.graph] += more.number
        self.counts[more.group, more.severity] += more.number
        if more.unit is not None:
            self._numbers[more.unit, more.severity] += more.number

    def triples(self, names: Names) -> Iterator[ox.Triple]:
        """Give one measurement for each dataset and unit with findings, by severity, the points to gain, and totals."""
        points = {dataset: gain(rules) for dataset, rules in self._broken.items()}
        yield from measurements(self._numbers, points, names)
        yield from totals(self.counts, names)
        yield from by_rule(self.groups, names)


def quality(findings: Iterable[Finding], names: Names, more: Iterable[More] = ()) -> Iterator[ox.Triple]:
    """Measure findings, and what is counted beside them."""
    measuring = Measuring()
    for finding in findings:
        measuring.add(finding)
    for rest in more:
        measuring.add_more(rest)
    return measuring.triples(names)


def by_rule(numbers: Mapping[Group, int], names: Names) -> Iterator[ox.Triple]:
    """Give one measurement for each rule and source; what is nothing is not measured."""
    for (shape, graph), value in numbers.items():
        if value:
            iri = _rule(names, shape, graph)
            yield from _measurement(iri, ox.NamedNode(graph) if graph else names.graph(AUDIT), SG.findingCount, value)
            yield ox.Triple(iri, SG.ofShape, shape)


def read_rule(facts: Facts, names: Names, group: Group) -> int:
    """Read back how many findings a rule has in a source."""
    return _read(facts, _rule(names, *group))


def _rule(names: Names, shape: ox.NamedNode, graph: str) -> ox.NamedNode:
    return names.id(f"quality/rule/{hashlib.sha256(f'{shape} {graph}'.encode()).hexdigest()[:16]}")


def _read(facts: Facts, iri: ox.NamedNode) -> int:
    return next((int(t.object.value) for t in facts.match(iri, VALUE, None) if isinstance(t.object, ox.Literal)), 0)


@dataclass(frozen=True, slots=True)
class Broken:
    """What a finding tells about the points that its dataset can gain."""

    shape: ox.NamedNode
    points: int
    of_profile: bool
    """Whether it is a violation of the profile."""

    @classmethod
    def of(cls, finding: Finding) -> Broken:
        """Tell it of a finding."""
        return cls.told(finding.shape, finding.points, finding.group, finding.severity)

    @classmethod
    def told(cls, shape: ox.NamedNode, points: int, group: str, severity: ox.NamedNode | None) -> Broken:
        """Tell it of what is known of a finding."""
        is_violation = severity is None or gravity(severity) >= gravity(SH.Violation)
        return cls(shape, points, group == PROFILE and is_violation)

    @property
    def matters(self) -> bool:
        """Whether mending it may bring points."""
        return bool(self.points) or self.of_profile


def gain(broken: Iterable[Broken]) -> int:
    """Add up what a dataset can gain: the points of every rule once, and those for keeping the profile."""
    rules: dict[ox.NamedNode, int] = {}
    compliance = 0
    for entry in broken:
        rules[entry.shape] = max(rules.get(entry.shape, 0), entry.points)
        compliance = COMPLIANCE if entry.of_profile else compliance
    return sum(rules.values()) + compliance


def numbers(findings: Iterable[Finding]) -> Numbers:
    """Count findings by the dataset or unit that they are about, and severity."""
    number: Numbers = Counter()
    for finding in findings:
        for on in (finding.dataset, finding.unit):
            if on is not None:
                number[on, finding.severity] += 1
    return number


def measurements(number: Numbers, points: Mapping[ox.NamedNode, int], names: Names) -> Iterator[ox.Triple]:
    """Give the measurements of counted findings and points; what is nothing is not measured."""
    for (on, severity), value in number.items():
        if value:
            iri = _iri(names, on, short(severity).lower())
            yield from _measurement(iri, on, SG.findingCount, value)
            yield ox.Triple(iri, SG.severity, severity)
    for on, value in points.items():
        if value:
            yield from _measurement(_iri(names, on, "points"), on, SG.pointsToGain, value)


def measured(facts: Facts, names: Names, on: ox.NamedNode, severity: ox.NamedNode | None) -> int:
    """Read back how many findings of a severity there are on a dataset or unit, or the points it can gain."""
    iri = _iri(names, on, short(severity).lower() if severity is not None else "points")
    return _read(facts, iri)


def totals(counts: Counts, names: Names) -> Iterator[ox.Triple]:
    """Give one measurement of the whole audit for each group and severity."""
    for (group, severity), value in counts.items():
        iri = _total(names, group, severity)
        yield from _measurement(iri, names.graph(AUDIT), SG.findingCount, value)
        yield ox.Triple(iri, SG.severity, severity)
        yield ox.Triple(iri, SG.countedGroup, ox.Literal(group))


def read_totals(facts: Facts, names: Names, kinds: Iterable[tuple[str, ox.NamedNode]]) -> Counts:
    """Read the totals back, for some groups and severities."""
    found: dict[tuple[str, ox.NamedNode], int] = {}
    for group, severity in kinds:
        for triple in facts.match(_total(names, group, severity), VALUE, None):
            if isinstance(triple.object, ox.Literal):
                found[group, severity] = int(triple.object.value)
    return found


def _total(names: Names, group: str, severity: ox.NamedNode) -> ox.NamedNode:
    return names.id(f"quality/audit/{group}/{short(severity).lower()}")


def history(counts: Counts, names: Names, release: str, time: ox.Literal, graph: ox.NamedNode) -> Iterator[ox.Triple]:
    """Give the counts of one release by group and severity: what the trend is drawn from."""
    for (group, severity), value in sorted(counts.items(), key=str):
        iri = names.id(f"audited/{release}/{group}/{short(severity).lower()}")
        yield from _measurement(iri, graph, SG.findingCount, value)
        yield ox.Triple(iri, SG.severity, severity)
        yield ox.Triple(iri, SG.countedGroup, ox.Literal(group))
        yield ox.Triple(iri, PROV.generatedAtTime, time)


def trend(facts: Facts, names: Names) -> tuple[Count, ...]:
    """Read the counts of all releases back, oldest first."""
    start, found = f"{names.base}id/audited/", []
    for triple in facts.match(None, SG.countedGroup, None):
        if not isinstance(triple.subject, ox.NamedNode) or not triple.subject.value.startswith(start):
            continue
        values = {t.predicate: t.object for t in facts.match(triple.subject, None, None)}
        severity, number, time = values.get(SG.severity), values.get(VALUE), values.get(PROV.generatedAtTime)
        if isinstance(severity, ox.NamedNode) and isinstance(number, ox.Literal) and isinstance(time, ox.Literal):
            release = triple.subject.value.removeprefix(start).partition("/")[0]
            assert isinstance(triple.object, ox.Literal)
            found.append(Count(release, time.value, severity, triple.object.value, int(number.value)))
    return tuple(sorted(found, key=lambda c: (c.release, c.group, str(c.severity))))


def _measurement(iri: ox.NamedNode, on: ox.NamedNode, metric: ox.NamedNode, value: int) -> Iterator[ox.Triple]:
    yield ox.Triple(iri, RDF.type, MEASUREMENT)
    yield ox.Triple(iri, ON, on)
    yield ox.Triple(iri, OF, metric)
    yield ox.Triple(iri, VALUE, ox.Literal(str(value), datatype=XSD.integer))


def _iri(names: Names, on: ox.NamedNode, what: str) -> ox.NamedNode:
    path = on.value.removeprefix(f"{names.base}id/")
    if path == on.value:
        path = hashlib.sha256(path.encode()).hexdigest()[:16]
    return names.id(f"quality/{path}/{what}")
