"""Our export compared with what a portal shows: missing, outdated, doubled, or under another licence.

The dump of the portal is read once, triple by triple; of each dataset only its names, day, title and licences are kept.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final, cast

import pyoxigraph as ox

from stadtgraph.catalogue.portal import identifiers, title_of
from stadtgraph.catalogue.records import Record
from stadtgraph.catalogue.values import licence
from stadtgraph.catalogue.vocabulary import ADMS
from stadtgraph.errors import InputError
from stadtgraph.terms import DCAT, DCT, RDF, SKOS

MISSING, OUTDATED, DOUBLED, LICENCE, EXTRA = "missing", "outdated", "doubled", "licence", "extra"
_FORMATS: Final[Mapping[str, ox.RdfFormat]] = {
    ".rdf": ox.RdfFormat.RDF_XML,
    ".xml": ox.RdfFormat.RDF_XML,
    ".ttl": ox.RdfFormat.TURTLE,
    ".nt": ox.RdfFormat.N_TRIPLES,
    ".nq": ox.RdfFormat.N_QUADS,
    ".trig": ox.RdfFormat.TRIG,
    ".jsonld": ox.RdfFormat.JSON_LD,
}
_TITLE: Final = DCT.term("title")
_WANTED: Final = frozenset(
    (RDF.type, DCT.identifier, ADMS.identifier, SKOS.notation, DCT.modified, _TITLE, DCAT.distribution, DCT.license)
)
MOST: Final = 5_000_000
"""Statements of a dump that are kept; a larger one is refused."""


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference between our record and the portal's."""

    kind: str
    iri: str
    title: str
    ours: str = ""
    theirs: str = ""
    found: tuple[str, ...] = ()


@dataclass(slots=True)
class Shown:
    """What a portal shows: its datasets by IRI, and by every name."""

    values: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    datasets: set[str] = field(default_factory=set)
    names: dict[str, set[str]] = field(default_factory=dict)

    def of(self, subject: str, p: ox.NamedNode) -> list[str]:
        """Give the values of a property."""
        return self.values.get((subject, p.value), [])

    def licences(self, dataset: str) -> set[str]:
        """Give the licences of a dataset's distributions, each under its proper IRI."""
        given = (v for d in self.of(dataset, DCAT.distribution) for v in self.of(d, DCT.license))
        return {_proper(value) for value in given}


def read(path: Path) -> Shown:
    """Read a dump; :class:`InputError` names line and column, or that it is too large."""
    shown, kept = Shown(), 0
    try:
        with _open(path) as file:
            for quad in ox.parse(file, format=_format(path), base_iri="urn:dump:", lenient=True):
                if quad.predicate not in _WANTED:
                    continue
                kept += 1
                if kept > MOST:
                    raise InputError("catalogue-dump-large", file=path.name, bound=MOST)
                subject, value = _name(quad.subject), _name(quad.object)
                if quad.predicate == RDF.type:
                    if value == DCAT.Dataset.value:
                        shown.datasets.add(subject)
                    continue
                shown.values.setdefault((subject, quad.predicate.value), []).append(value)
    except (SyntaxError, OSError, EOFError, ValueError) as problem:
        raise InputError("catalogue-dump", file=path.name, problem=problem) from problem
    for dataset in shown.datasets:
        nodes = shown.of(dataset, ADMS.identifier)
        named = [dataset, *shown.of(dataset, DCT.identifier), *nodes]
        named += [notation for node in nodes for notation in shown.of(node, SKOS.notation)]
        for name in named:
            shown.names.setdefault(name.strip().lower(), set()).add(dataset)
    return shown


def _open(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")


def _format(path: Path) -> ox.RdfFormat:
    suffix = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    if suffix not in _FORMATS:
        raise InputError("catalogue-dump-format", file=path.name, known=", ".join(_FORMATS))
    return _FORMATS[suffix]


def _name(term: object) -> str:
    return str(getattr(term, "value", term))


def _proper(value: str) -> str:
    try:
        return licence(ox.NamedNode(value)).value
    except ValueError:
        return value


def compare(records: Iterable[Record], shown: Shown, base: str) -> Iterator[Drift]:
    """Give the differences: of our records first, then what the portal shows of ours that we no longer export."""
    matched: set[str] = set()
    for record in records:
        found = sorted({d for name in identifiers(record) for d in shown.names.get(name, ())})
        matched.update(found)
        iri, title = record.iri.value, title_of(record)
        if not found:
            yield Drift(MISSING, iri, title)
        if len(found) > 1:
            yield Drift(DOUBLED, iri, title, found=tuple(found))
        for theirs in found:
            yield from _differences(record, theirs, shown, iri, title)
    for dataset in sorted(shown.datasets - matched):
        if dataset.startswith(base):
            titles = shown.of(dataset, _TITLE)
            yield Drift(EXTRA, dataset, titles[0] if titles else dataset)


def _differences(record: Record, theirs: str, shown: Shown, iri: str, title: str) -> Iterator[Drift]:
    ours = max((_name(v) for v in record.values(DCT.modified)), default="")
    given = max(shown.of(theirs, DCT.modified), default="")
    if ours and given and _day(given) < _day(ours):
        yield Drift(OUTDATED, iri, title, ours, given, (theirs,))
    own = {_name(v) for b in record.of("Distribution") for v in record.values(DCT.license, b.node)}
    licences = shown.licences(theirs)
    if own and licences and own != licences:
        yield Drift(LICENCE, iri, title, ", ".join(sorted(own)), ", ".join(sorted(licences)), (theirs,))


def _day(moment: str) -> str:
    found = re.match(r"\d{4}(-\d\d(-\d\d)?)?", moment)
    return found[0] if found else moment
