"""The metadata quality score of data.europa.eu: 405 points in five dimensions, and what each fix would bring.

Source: https://dataeuropa.gitlab.io/data-provider-manual/metadata-quality-dashboard/. Metrics and dimensions bear the
names of piveau's vocabulary. Points of a metric on distributions count by the share of a dataset's distributions that
meet it; of the metrics on formats the best distribution counts. Whether addresses answer is known only after they were
checked: until then a score has a value that is safe and one that is reached if all of them answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import pyoxigraph as ox

from stadtgraph.catalogue.records import Record
from stadtgraph.catalogue.vocabulary import EU, LICENCES, LISTS, MEDIA_TYPES
from stadtgraph.terms import DCAT, DCT, Namespace, Term

PV: Final = Namespace("https://piveau.eu/ns/voc#")
DIMENSIONS: Final = ("findability", "accessibility", "interoperability", "reusability", "contextuality")
BANDS: Final = ((351, "excellent"), (221, "good"), (121, "sufficient"), (0, "bad"))
FULL: Final = 405
_MACHINE_READABLE: Final = (
    "CSV GEOJSON ICS JSON JSON_LD KML KMZ NETCDF ODS RDFA RDF_N_QUADS RDF_N_TRIPLES RDF_TRIG RDF_TURTLE RDF_XML RSS"
    " SHP XLS XLSX XML"
)
_NON_PROPRIETARY: Final = (
    "BMP CSV DBF GEOJSON GZIP HTML ICS JPEG2000 JSON JSON_LD KML KMZ NETCDF ODS PNG RDF_N_QUADS RDF_N_TRIPLES RDF_TRIG"
    " RDF_TURTLE RDF_XML RSS RTF TAR TIFF TSV TXT WMS_SRVC XML ZIP"
)
MACHINE_READABLE: Final = frozenset(_MACHINE_READABLE.split())
"""File types that the portal takes for machine-readable."""
NON_PROPRIETARY: Final = frozenset(_NON_PROPRIETARY.split())
"""File types that the portal takes for non-proprietary."""
_EU_LICENCES: Final = (f"{EU}licence/", LICENCES)

Reached = Callable[[str], bool | None]
"""Tells whether an address answers; ``None`` where that was not checked."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a test may look at: a record, the node that is tested, whether it conforms, which addresses answer."""

    record: Record
    node: ox.NamedNode
    conforms: bool | None
    reached: Reached

    def values(self, p: ox.NamedNode) -> list[Term]:
        """Give the values of a property of the node."""
        return self.record.values(p, self.node)

    def file_type(self) -> str:
        """Give the code of the file type, or the empty text."""
        found = [v.value for v in self.values(DCT.format) if isinstance(v, ox.NamedNode)]
        return found[0].removeprefix(*LISTS["format"]) if found and found[0].startswith(LISTS["format"]) else ""

    def answers(self, p: ox.NamedNode) -> bool | None:
        """Tell whether an address answers; ``None`` where one is there and unchecked."""
        found = [self.reached(v.value) for v in self.values(p) if isinstance(v, ox.NamedNode)]
        return True if True in found else None if None in found else False


Test = Callable[[Asked], bool | None]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: its name, dimension and points, whether it looks at distributions, and the property it asks for."""

    name: str
    dimension: str
    points: int
    each: bool
    asks_for: ox.NamedNode
    test: Test

    @property
    def iri(self) -> ox.NamedNode:
        """Its IRI in piveau's vocabulary."""
        return PV.term(self.name)


def _has(p: ox.NamedNode) -> Test:
    return lambda asked: bool(asked.values(p))


def _among(p: ox.NamedNode, starts: Sequence[str]) -> Test:
    def test(asked: Asked) -> bool:
        values = [v for v in asked.values(p) if isinstance(v, ox.NamedNode)]
        return bool(values) and all(v.value.startswith(tuple(starts)) for v in values)

    return test


def _aligned(asked: Asked) -> bool:
    """The format and the media type are both of their lists."""
    return bool(asked.file_type()) and bool(_among(DCAT.mediaType, (MEDIA_TYPES, *LISTS["media"]))(asked))


def _answers(p: ox.NamedNode) -> Test:
    return lambda asked: asked.answers(p)


F, A, I, R, C = DIMENSIONS  # noqa: E741
METRICS: Final = (
    Metric("keywordAvailability", F, 30, False, DCAT.keyword, _has(DCAT.keyword)),
    Metric("categoryAvailability", F, 30, False, DCAT.theme, _has(DCAT.theme)),
    Metric("spatialAvailability", F, 20, False, DCT.spatial, _has(DCT.spatial)),
    Metric("temporalAvailability", F, 20, False, DCT.temporal, _has(DCT.temporal)),
    Metric("accessUrlStatusCode", A, 50, True, DCAT.accessURL, _answers(DCAT.accessURL)),
    Metric("downloadUrlAvailability", A, 20, True, DCAT.downloadURL, _has(DCAT.downloadURL)),
    Metric("downloadUrlStatusCode", A, 30, True, DCAT.downloadURL, _answers(DCAT.downloadURL)),
    Metric("formatAvailability", I, 20, True, DCT.format, _has(DCT.format)),
    Metric("mediaTypeAvailability", I, 10, True, DCAT.mediaType, _has(DCAT.mediaType)),
    Metric("formatMediaTypeVocabularyAlignment", I, 10, True, DCAT.mediaType, _aligned),
    Metric("formatMediaTypeNonProprietary", I, 20, True, DCT.format, lambda a: a.file_type() in NON_PROPRIETARY),
    Metric("formatMediaTypeMachineInterpretable", I, 20, True, DCT.format, lambda a: a.file_type() in MACHINE_READABLE),
    Metric("dcatApCompliance", I, 30, False, DCT.conformsTo, lambda a: a.conforms),
    Metric("licenceAvailability", R, 20, True, DCT.license, _has(DCT.license)),
    Metric("knownLicence", R, 10, True, DCT.license, _among(DCT.license, _EU_LICENCES)),
    Metric("accessRightsAvailability", R, 10, False, DCT.accessRights, _has(DCT.accessRights)),
    Metric("accessRightsVocabularyAlignment", R, 5, False, DCT.accessRights, _among(DCT.accessRights, LISTS["access"])),
    Metric("contactPointAvailability", R, 20, False, DCAT.contactPoint, _has(DCAT.contactPoint)),
    Metric("publisherAvailability", R, 10, False, DCT.publisher, _has(DCT.publisher)),
    Metric("rightsAvailability", C, 5, True, DCT.rights, _has(DCT.rights)),
    Metric("byteSizeAvailability", C, 5, True, DCAT.byteSize, _has(DCAT.byteSize)),
    Metric("dateIssuedAvailability", C, 5, False, DCT.issued, _has(DCT.issued)),
    Metric("dateModifiedAvailability", C, 5, False, DCT.modified, _has(DCT.modified)),
)
"""All metrics; their points add up to 405."""


PUBLISH: Final = "publishDistribution"
CAUSES: Final = MappingProxyType(
    {
        "downloadUrlStatusCode": "downloadUrlAvailability",
        "formatMediaTypeNonProprietary": "formatAvailability",
        "formatMediaTypeMachineInterpretable": "formatAvailability",
        "formatMediaTypeVocabularyAlignment": "mediaTypeAvailability",
        "knownLicence": "licenceAvailability",
        "accessRightsVocabularyAlignment": "accessRightsAvailability",
    }
)
"""Metrics that cannot be met where another is not: both are mended by one fact."""


@dataclass(frozen=True, slots=True)
class Step:
    """Something that somebody can do: the metric it mends (with those that hang on it), what it asks for, its gain."""

    name: str
    asks_for: ox.NamedNode
    gain: float


@dataclass(frozen=True, slots=True)
class Score:
    """The score of a dataset, or the mean of several: for each metric (in order) the share met, safe and at most."""

    of: ox.NamedNode | None
    safe: tuple[float, ...]
    most: tuple[float, ...]
    datasets: int = 1

    @property
    def value(self) -> float:
        """The points that are sure."""
        return _points(self.safe)

    @property
    def maximum(self) -> float:
        """The points if every address that was not checked answers."""
        return _points(self.most)

    def dimension(self, name: str, *, most: bool = False) -> float:
        """Give the points in one dimension."""
        shares = zip(METRICS, self.most if most else self.safe, strict=True)
        return round(sum(share * m.points for m, share in shares if m.dimension == name), 2)

    @property
    def gains(self) -> list[tuple[Metric, float]]:
        """What each fix would bring, the most first; addresses that were merely not checked are no fix."""
        found = [(m, round((1 - share) * m.points, 2)) for m, share in zip(METRICS, self.most, strict=True)]
        return sorted(((m, gain) for m, gain in found if gain > 0), key=lambda pair: (-pair[1], pair[0].name))

    @property
    def steps(self) -> list[Step]:
        """The gains by what somebody can do: what follows from one missing fact is one step, the greatest first."""
        lost = {m.name: gain for m, gain in self.gains}
        shares = dict(zip((m.name for m in METRICS), self.most, strict=True))
        found: dict[str, float] = {}
        if all(shares[m.name] == 0 for m in METRICS if m.each):
            found[PUBLISH] = sum(lost.pop(m.name) for m in METRICS if m.each)
        for name, cause in CAUSES.items():
            if name in lost and cause in lost:
                points = next(m.points for m in METRICS if m.name == name)
                moved = min(lost[name], (1 - shares[cause]) * points)
                lost[name] -= moved
                found[cause] = found.get(cause, 0.0) + moved
        for name, gain in lost.items():
            found[name] = found.get(name, 0.0) + gain
        asked = {m.name: m.asks_for for m in METRICS} | {PUBLISH: DCT.license}
        steps = [Step(name, asked[name], round(gain, 2)) for name, gain in found.items() if round(gain, 2) > 0]
        return sorted(steps, key=lambda step: (-step.gain, step.name))


def _points(shares: Sequence[float]) -> float:
    return round(sum(share * m.points for m, share in zip(METRICS, shares, strict=True)), 2)


def band(points: float) -> str:
    """Give the band of a score.

    >>> [band(points) for points in (405, 351, 350.9, 221, 121, 120, 0)]
    ['excellent', 'excellent', 'good', 'good', 'sufficient', 'bad', 'bad']
    """
    return next(name for least, name in BANDS if points >= least)


def score(record: Record, conforms: bool | None, reached: Reached = lambda address: None) -> Score:
    """Score an exported record; ``conforms`` says whether shapes find no violation in it."""
    nodes = [n for n in record.values(DCAT.distribution) if isinstance(n, ox.NamedNode)]
    best = max(nodes, key=lambda n: _format_points(record, n, reached), default=None)
    safe: list[float] = []
    most: list[float] = []
    for metric in METRICS:
        if metric.each and metric.dimension == I:
            looked_at = [best] if best is not None else []
        else:
            looked_at = nodes if metric.each else [record.iri]
        given = [metric.test(Asked(record, node, conforms, reached)) for node in looked_at]
        safe.append(_share(given, unknown=False))
        most.append(_share(given, unknown=True))
    return Score(record.iri, tuple(safe), tuple(most))


def _format_points(record: Record, node: ox.NamedNode, reached: Reached) -> int:
    asked = Asked(record, node, None, reached)
    return sum(m.points for m in METRICS if m.each and m.dimension == I and m.test(asked))


def _share(given: Sequence[bool | None], *, unknown: bool) -> float:
    met = sum(1 for one in given if (unknown if one is None else one))
    return met / len(given) if given else 0.0


def mean(scores: Iterable[Score], of: ox.NamedNode | None = None) -> Score:
    """Give the score of several datasets together: of each metric the share that is met."""
    number = 0
    safe, most = [0.0] * len(METRICS), [0.0] * len(METRICS)
    for one in scores:
        number += one.datasets
        for i in range(len(METRICS)):
            safe[i] += one.safe[i] * one.datasets
            most[i] += one.most[i] * one.datasets
    share = 1 / number if number else 0.0
    return Score(of, tuple(v * share for v in safe), tuple(v * share for v in most), number)
