"""What is found by its text: every thing with a name, its other texts beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

import pyoxigraph as ox

from stadtgraph.terms import DCAT, DCT, FOAF, RDFS, SKOS, Namespace, Term

_SCHEMA: Final = Namespace("https://schema.org/")
_DWC: Final = Namespace("http://rs.tdwg.org/dwc/terms/")
NAMES: Final = (
    RDFS.label,
    SKOS.prefLabel,
    SKOS.altLabel,
    DCT.title,
    FOAF.name,
    _SCHEMA.name,
    _DWC.scientificName,
    _DWC.vernacularName,
)
"""Properties whose values are names."""
TEXTS: Final = (
    DCT.description,
    DCT.identifier,
    DCAT.keyword,
    SKOS.definition,
    RDFS.comment,
    _SCHEMA.streetAddress,
    _SCHEMA.postalCode,
)
"""Properties whose values are further texts."""
SEARCHED: Final = frozenset((*NAMES, *TEXTS))
_MOST: Final = 20_000  # characters of one thing


class Facts(Protocol):
    """Triples found by pattern."""

    def match(self, s: ox.NamedNode | None, p: ox.NamedNode | None, o: Term | None, /) -> Iterable[ox.Triple]:
        """Give the triples that fit the pattern."""
        ...


@dataclass(frozen=True, slots=True)
class Document:
    """One thing: its IRI, its names (the first is shown) and its other texts."""

    iri: str
    names: tuple[str, ...]
    texts: tuple[str, ...]


def documents(facts: Facts, subjects: Iterable[Term] | None = None) -> Iterator[Document]:
    """Give the documents of ``subjects``, or of everything that has a name; what has none is no document."""
    if subjects is None:
        found: dict[Term, Values] = {}
        for rank, name in enumerate((*NAMES, *TEXTS)):
            for triple in facts.match(None, name, None):
                _note(found.setdefault(triple.subject, {}), rank, triple.object)
    else:
        found = {}
        for subject in subjects:
            if isinstance(subject, ox.NamedNode):
                values = found.setdefault(subject, {})
                for rank, name in enumerate((*NAMES, *TEXTS)):
                    for triple in facts.match(subject, name, None):
                        _note(values, rank, triple.object)
    for subject, values in found.items():
        if isinstance(subject, ox.NamedNode) and any(rank < len(NAMES) for rank, _, _ in values):
            yield _document(subject, values)


Values = dict[tuple[int, str, str], None]


def _note(values: Values, rank: int, term: Term) -> None:
    if isinstance(term, ox.Literal):
        language = term.language or ""
        values[rank, "" if language == "de" else language or "a", term.value] = None


def _document(subject: ox.NamedNode, values: Values) -> Document:
    """Order the values: names before texts, German before others."""
    names: list[str] = []
    texts: list[str] = []
    room = _MOST
    for rank, _, value in sorted(values):
        kept = names if rank < len(NAMES) else texts
        if value not in kept and room > 0:
            kept.append(value[:room])
            room -= len(value)
    return Document(subject.value, tuple(names), tuple(texts))
