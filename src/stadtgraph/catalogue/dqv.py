"""Scores in the Data Quality Vocabulary, by the metrics of data.europa.eu.

Source: https://www.w3.org/TR/vocab-dqv/. What a metric on one node finds is true or false; what one on several
distributions finds is the share that meets it. Addresses that were not checked have no measurement.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyoxigraph as ox

from stadtgraph.catalogue.mqa import METRICS, PV, Score
from stadtgraph.terms import RDF, XSD, Names, Namespace

DQV = Namespace("http://www.w3.org/ns/dqv#")


def measurements(scores: Iterable[Score], names: Names, *, each: bool = True) -> Iterator[ox.Triple]:
    """Give the points of each score (those that are sure), and with ``each`` what every metric found."""
    for score in scores:
        if score.of is None:
            continue
        points = ox.Literal(f"{score.value:g}", datatype=XSD.decimal)
        yield from _one(score.of, PV.score, points, names)
        for metric, safe, most in zip(METRICS, score.safe, score.most, strict=True) if each else ():
            if safe == most:
                yield from _one(score.of, metric.iri, _value(safe, share=metric.each or score.datasets > 1), names)


def _value(found: float, *, share: bool) -> ox.Literal:
    if share:
        return ox.Literal(f"{found:.4f}".rstrip("0").rstrip("."), datatype=XSD.decimal)
    return ox.Literal("true" if found else "false", datatype=XSD.boolean)


def _one(on: ox.NamedNode, metric: ox.NamedNode, value: ox.Literal, names: Names) -> Iterator[ox.Triple]:
    """Give one measurement; its IRI hangs on what was measured and by what."""
    inside = f"{names.base}id/"
    if on.value.startswith(inside):
        this = names.id(f"score/{on.value.removeprefix(inside)}/{metric.value.rpartition('#')[2]}")
    else:
        this = ox.NamedNode(f"{on.value}#score-{metric.value.rpartition('#')[2]}")
    yield ox.Triple(this, RDF.type, DQV.QualityMeasurement)
    yield ox.Triple(this, DQV.computedOn, on)
    yield ox.Triple(this, DQV.isMeasurementOf, metric)
    yield ox.Triple(this, DQV.value, value)
