"""Choose the format of an answer: from Accept, or from the parameters that common clients send.

>>> choose("text/html;q=0.5, text/turtle", GRAPHS).name
'turtle'
>>> choose("image/png", GRAPHS) is None
True
>>> wanted("application/sparql-results+json", TABLES).name
'json'

Source: https://www.rfc-editor.org/rfc/rfc9110#name-proactive-negotiation
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_LONGEST, _MOST, _USUAL = 8192, 64, 256


@dataclass(frozen=True, slots=True)
class Format:
    """A format that answers can have.

    ``media_types`` are those that ask for it, the proper one first; ``names`` are those of the parameter
    ``format`` (and ``output``), the first also names the format here; ``suffix`` is the usual one of files.
    """

    names: tuple[str, ...]
    media_types: tuple[str, ...]
    suffix: str
    charset: bool = False

    @property
    def name(self) -> str:
        """The name used in links and on the command line."""
        return self.names[0]

    @property
    def media_type(self) -> str:
        """The proper media type."""
        return self.media_types[0]

    def content_type(self, asked: str | None = None) -> str:
        """Give the Content-Type, in the words the client used where those mean this format."""
        media_type = asked if asked in self.media_types else self.media_type
        return f"{media_type}; charset=utf-8" if self.charset or media_type.startswith("text/") else media_type


JSON = Format(("json", "srj"), ("application/sparql-results+json", "application/json"), "srj")
XML = Format(("xml", "srx"), ("application/sparql-results+xml", "application/xml", "text/xml"), "srx")
CSV = Format(("csv",), ("text/csv",), "csv")
TSV = Format(("tsv",), ("text/tab-separated-values",), "tsv")
TURTLE = Format(
    ("turtle", "ttl", "n3"), ("text/turtle", "application/x-turtle", "application/turtle", "text/n3"), "ttl"
)
JSON_LD = Format(("jsonld", "json-ld", "json"), ("application/ld+json", "application/json"), "jsonld")
RDF_XML = Format(
    ("rdfxml", "rdf", "xml", "rdf+xml", "rdf/xml", "pretty-xml"),
    ("application/rdf+xml", "application/xml", "text/xml"),
    "rdf",
)
N_TRIPLES = Format(("ntriples", "nt", "n-triples", "text"), ("application/n-triples", "text/plain"), "nt")
N_QUADS = Format(("nquads", "nq", "n-quads"), ("application/n-quads", "text/x-nquads"), "nq")
TRIG = Format(("trig",), ("application/trig", "application/x-trig"), "trig")
HTML = Format(("html", "table"), ("text/html", "application/xhtml+xml"), "html")

TABLES: Final = (JSON, XML, CSV, TSV)
"""What SELECT and ASK can be given as; the first is the default."""
GRAPHS: Final = (TURTLE, N_TRIPLES, RDF_XML, JSON_LD, N_QUADS, TRIG)
"""What CONSTRUCT and DESCRIBE can be given as; the first is the default."""
DOCUMENTS: Final = (TURTLE, JSON_LD, RDF_XML, N_TRIPLES)
"""What descriptions (``/data``, VoID, the service description) can be given as."""

_RANGE: Final = re.compile(r"[a-z0-9!#$&^_.+*-]+/[a-z0-9!#$&^_.+*-]+")
_WEIGHT: Final = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")


@dataclass(frozen=True, slots=True)
class Range:
    """One media range of an Accept header and its weight."""

    media_type: str
    weight: float

    def fits(self, media_type: str) -> int:
        """Give how closely this range fits: 3 exactly, 2 by type, 1 as ``*/*``, 0 not at all."""
        if self.media_type == media_type:
            return 3
        if self.media_type == "*/*":
            return 1
        main, _, sub = self.media_type.partition("/")
        return 2 if sub == "*" and media_type.startswith(main + "/") else 0


def ranges(accept: str | None) -> tuple[Range, ...]:
    """Read an Accept header; what is malformed is passed over, a malformed weight weighs next to nothing.

    Nothing readable (or no header) accepts everything. At most 64 ranges of 8 KB are read.

    >>> [(r.media_type, r.weight) for r in ranges("text/csv;q=nan, , x, */*;q=0.1")]
    [('text/csv', 0.001), ('*/*', 0.1)]
    """
    found = []
    for part in (accept or "")[:_LONGEST].lower().split(",")[:_MOST]:
        media_type, *parameters = (piece.strip() for piece in part.split(";"))
        if _RANGE.fullmatch(media_type):
            found.append(Range(media_type, _weight(parameters)))
    return tuple(found) or (Range("*/*", 1.0),)


def _weight(parameters: Sequence[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            return float(value) if _WEIGHT.fullmatch(value.strip()) else 0.001
    return 1.0


@dataclass(frozen=True, slots=True)
class Choice:
    """A format and the media type by which it was asked for."""

    format: Format
    media_type: str

    @property
    def content_type(self) -> str:
        """The Content-Type of the answer."""
        return self.format.content_type(self.media_type)


def negotiate(accept: str | None, offers: Sequence[Format]) -> Choice | None:
    """Give the offer that ``accept`` weighs most; among equals the closer fit, then the earlier offer.

    A wildcard stands for the proper media types only.
    """
    if accept is None or len(accept) <= _USUAL:  # clients send the same few headers all the time
        return _remembered(accept, tuple(offers))
    return _negotiated(accept, offers)


def _negotiated(accept: str | None, offers: Sequence[Format]) -> Choice | None:
    accepted = ranges(accept)
    best: tuple[float, int, bool, int] = (0.0, 0, False, 0)
    choice = None
    for order, offer in enumerate(offers):
        for media_type in offer.media_types:
            closest = max(accepted, key=lambda r, m=media_type: (r.fits(m), r.weight))  # type: ignore[misc]
            fit, proper = closest.fits(media_type), media_type == offer.media_type
            rank = (closest.weight, fit, proper, -order)
            if fit >= (1 if proper else 3) and closest.weight > 0 and rank > best:
                best, choice = rank, Choice(offer, media_type)
    return choice


_remembered: Final = lru_cache(512)(_negotiated)


def choose(accept: str | None, offers: Sequence[Format]) -> Format | None:
    """Give the format that ``accept`` weighs most among ``offers``, or None where none is accepted."""
    found = negotiate(accept, offers)
    return None if found is None else found.format


def wanted(parameter: str, offers: Sequence[Format]) -> Format | None:
    """Give the offer that a ``format`` parameter names, by name or media type, or None.

    A ``+`` that arrived as a space (not percent-encoded by the client) is understood.
    """
    asked = parameter.strip().lower().replace(" ", "+")
    for offer in offers:
        if asked in offer.names or asked in offer.media_types:
            return offer
    return None


def coding(accept: str | None, offers: Sequence[str]) -> str:
    """Give the content coding that ``Accept-Encoding`` weighs most, the earlier offer among equals; "" is none.

    What weighs less than no coding is not taken.

    >>> coding("gzip, deflate, br, zstd", ("zstd", "gzip"))
    'zstd'
    >>> coding("zstd;q=0, *;q=0.5", ("zstd", "gzip")), coding("identity, gzip;q=0.5", ("gzip",))
    ('gzip', '')

    Source: https://www.rfc-editor.org/rfc/rfc9110#field.accept-encoding
    """
    weights: dict[str, float] = {}
    for part in (accept or "")[:_LONGEST].lower().split(",")[:_MOST]:
        name, *parameters = (piece.strip() for piece in part.split(";"))
        if name:
            weights.setdefault({"x-gzip": "gzip"}.get(name, name), _weight(parameters))
    best, chosen = weights.get("identity", 0.0), ""
    for offer in offers:
        weight = weights.get(offer, weights.get("*", 0.0))
        if weight > best or (weight == best > 0 and not chosen):
            best, chosen = weight, offer
    return chosen
