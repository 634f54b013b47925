"""Scores in the Data Quality Vocabulary, by the metrics of data.europa.eu.

Source: https://www.w3.org/TR/vocab-dqv/. What a metric on one node finds is true or false; what one on several
distributions finds is the share that meets it. Addresses that were not checked have no measurement.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import pyoxigraph as ox

from stadtgraph.catalogue.mqa import METRICS, PV, Score, mean
from stadtgraph.terms import RDF, SG, XSD, Names, Namespace

DQV = Namespace("http://www.w3.org/ns/dqv#")
OF: Final = DQV.isMeasurementOf
METRIC_IRIS: Final = (PV.score, SG.scoreAtMost, SG.scoreGain, *(metric.iri for metric in METRICS))
"""Everything that a score is measured by."""


def quality(
    scores: Sequence[Score],
    units: Mapping[ox.NamedNode, Sequence[Score]],
    catalogue: ox.NamedNode | None,
    names: Names,
) -> Iterator[ox.Triple]:
    """Give the scores of datasets with all metrics and gains, of units, and of the catalogue where it is named."""
    if scores and catalogue is not None:
        yield from measurements([mean(scores, catalogue)], names)
    yield from measurements((mean(found, unit) for unit, found in units.items()), names)
    for score in scores:
        yield from measurements([score], names)
        yield from gains(score, names)


def measurements(scores: Iterable[Score], names: Names, *, each: bool = True) -> Iterator[ox.Triple]:
    """Give the points of each score (those that are sure), and with ``each`` what every metric found."""
    for score in scores:
        if score.of is None:
            continue
        for metric, points in ((PV.score, score.value), (SG.scoreAtMost, score.maximum)):
            yield from _one(score.of, metric, _number(points), names)
        for row, safe, most in zip(METRICS, score.safe, score.most, strict=True) if each else ():
            if safe == most:
                yield from _one(score.of, row.iri, _value(safe, share=row.each or score.datasets > 1), names)


def gains(score: Score, names: Names) -> Iterator[ox.Triple]:
    """Give what each missing fact of a dataset would bring."""
    for step in score.steps if score.of is not None else ():
        assert score.of is not None
        this = _iri(score.of, f"gain-{step.name}", names)
        yield from _measured(this, score.of, SG.scoreGain, _number(step.gain))
        yield ox.Triple(this, SG.neededFact, step.asks_for)


def _number(points: float) -> ox.Literal:
    """Give points as the store keeps them.

    >>> [_number(points).value for points in (405.0, 327.5, 0.0)]
    ['405', '327.5', '0']
    """
    return ox.Literal(f"{points:.2f}".rstrip("0").rstrip("."), datatype=XSD.decimal)


def _value(found: float, *, share: bool) -> ox.Literal:
    if share:
        return ox.Literal(f"{found:.4f}".rstrip("0").rstrip("."), datatype=XSD.decimal)
    return ox.Literal("true" if found else "false", datatype=XSD.boolean)


def _one(on: ox.NamedNode, metric: ox.NamedNode, value: ox.Literal, names: Names) -> Iterator[ox.Triple]:
    """Give one measurement; its IRI hangs on what was measured and by what."""
    return _measured(_iri(on, metric.value.rpartition("#")[2], names), on, metric, value)


def _iri(on: ox.NamedNode, what: str, names: Names) -> ox.NamedNode:
    inside = f"{names.base}id/"
    if on.value.startswith(inside):
        return names.id(f"score/{on.value.removeprefix(inside)}/{what}")
    return ox.NamedNode(f"{on.value}#score-{what}")


def _measured(this: ox.NamedNode, on: ox.NamedNode, metric: ox.NamedNode, value: ox.Literal) -> Iterator[ox.Triple]:
    yield ox.Triple(this, RDF.type, DQV.QualityMeasurement)
    yield ox.Triple(this, DQV.computedOn, on)
    yield ox.Triple(this, OF, metric)
    yield ox.Triple(this, DQV.value, value)
