"""What an audit measures, in the Data Quality Vocabulary: findings per dataset and unit, and counts for the trend.

Source: https://www.w3.org/TR/vocab-dqv/
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import pyoxigraph as ox

from stadtgraph.audit.finding import Finding, short
from stadtgraph.audit.report import Count
from stadtgraph.reason.facts import Facts
from stadtgraph.terms import PROV, RDF, SG, XSD, Names

DQV = "http://www.w3.org/ns/dqv#"
MEASUREMENT, ON, OF, VALUE = (
    ox.NamedNode(DQV + name) for name in ("QualityMeasurement", "computedOn", "isMeasurementOf", "value")
)
COMPLIANCE, PROFILE = 30, "profile"
"""What data.europa.eu gives a dataset without violations of the profile: no single rule brings it, only the last."""
Counts = Mapping[tuple[str, ox.NamedNode], int]


def quality(findings: Iterable[Finding], names: Names) -> Iterator[ox.Triple]:
    """Give one measurement for each dataset and unit with findings, by severity, and the points it can gain."""
    number: Counter[tuple[ox.NamedNode, ox.NamedNode]] = Counter()
    points: Counter[ox.NamedNode] = Counter()
    gained: set[tuple[ox.NamedNode, ox.NamedNode]] = set()
    violating: set[ox.NamedNode] = set()
    for finding in findings:
        for on in (finding.dataset, finding.unit):
            if on is not None:
                number[on, finding.severity] += 1
        if finding.dataset is not None and finding.points and (finding.dataset, finding.shape) not in gained:
            gained.add((finding.dataset, finding.shape))
            points[finding.dataset] += finding.points
        if finding.dataset is not None and finding.group == PROFILE and finding.result.is_violation:
            violating.add(finding.dataset)
    points.update(dict.fromkeys(violating, COMPLIANCE))
    for (on, severity), value in number.items():
        iri = _iri(names, on, short(severity).lower())
        yield from _measurement(iri, on, SG.findingCount, value)
        yield ox.Triple(iri, SG.severity, severity)
    for on, value in points.items():
        yield from _measurement(_iri(names, on, "points"), on, SG.pointsToGain, value)


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
