"""Literals and IRIs as the table of properties wants them: typed by what they say, never by a guess."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

import pyoxigraph as ox

from stadtgraph.catalogue.reading import is_legal
from stadtgraph.catalogue.vocabulary import LICENCES, Property
from stadtgraph.terms import XSD, Term

_DATES: Final = (
    (XSD.dateTime, re.compile(r"-?\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?")),
    (XSD.date, re.compile(r"-?\d{4,}-\d\d-\d\d(Z|[+-]\d\d:\d\d)?")),
    (XSD.gYearMonth, re.compile(r"-?\d{4,}-\d\d")),
    (XSD.gYear, re.compile(r"-?\d{4,}")),
)
_WHOLE: Final = re.compile(r"\+?(\d{1,18})(\.0*)?")
_DECIMAL: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)")
_DURATION: Final = re.compile(r"-?P(\d+Y)?(\d+M)?(\d+D)?(T(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?")
_ADDRESS: Final = re.compile(r"https?://[^\s<>\"{}|\\^`\x00-\x20]+")
_HEX: Final = re.compile(r"([0-9a-fA-F]{2})+")
_LICENCE: Final = re.compile(r"https?://(?:www\.)?dcat-ap\.de/def/licenses/(.+?)/?")
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_TEXT_TYPES: Final = frozenset((XSD.string.value, "http://www.w3.org/1999/02/22-rdf-syntax-ns#langString"))


def text(literal: ox.Literal) -> ox.Literal | None:
    """Give a text without the control characters that XML cannot hold; one that is empty is none."""
    if not literal.value.strip():
        return None
    if not _CONTROL.search(literal.value):
        return literal
    clean = _CONTROL.sub("", literal.value)
    if literal.language:
        return ox.Literal(clean, language=literal.language)
    return ox.Literal(clean, datatype=literal.datatype)


def date(literal: ox.Literal) -> ox.Literal | None:
    """Give a date under the datatype that its form shows.

    >>> str(date(ox.Literal("2014-12-17")))
    '"2014-12-17"^^<http://www.w3.org/2001/XMLSchema#date>'
    >>> date(ox.Literal("17.12.2014")) is None
    True
    """
    for datatype, pattern in _DATES:
        if pattern.fullmatch(literal.value.strip()):
            return literal if literal.datatype == datatype else ox.Literal(literal.value.strip(), datatype=datatype)
    return None


def whole(literal: ox.Literal) -> ox.Literal | None:
    """Give a number of bytes as ``xsd:nonNegativeInteger``.

    >>> str(whole(ox.Literal("12.0", datatype=XSD.decimal)))
    '"12"^^<http://www.w3.org/2001/XMLSchema#nonNegativeInteger>'
    """
    found = _WHOLE.fullmatch(literal.value.strip())
    return ox.Literal(found[1], datatype=XSD.nonNegativeInteger) if found else None


def decimal(literal: ox.Literal) -> ox.Literal | None:
    """Give a number as ``xsd:decimal``."""
    if literal.datatype == XSD.decimal or not _DECIMAL.fullmatch(literal.value.strip()):
        return literal if _DECIMAL.fullmatch(literal.value.strip()) else None
    return ox.Literal(literal.value.strip(), datatype=XSD.decimal)


def duration(literal: ox.Literal) -> ox.Literal | None:
    """Give a duration as ``xsd:duration``."""
    found = literal.value.strip()
    if not _DURATION.fullmatch(found) or found[-1] in "PT":
        return None
    return ox.Literal(found, datatype=XSD.duration)


def hexadecimal(literal: ox.Literal) -> ox.Literal | None:
    """Give a checksum as ``xsd:hexBinary``."""
    found = literal.value.strip()
    return ox.Literal(found, datatype=XSD.hexBinary) if _HEX.fullmatch(found) else None


def shape(literal: ox.Literal) -> ox.Literal | None:
    """Give a geometry: a literal of a datatype of its own (WKT, GML, GeoJSON)."""
    return literal if literal.datatype.value not in _TEXT_TYPES and literal.value.strip() else None


LITERALS: Final[Mapping[str, Callable[[ox.Literal], ox.Literal | None]]] = {
    "text": text,
    "date": date,
    "whole": whole,
    "decimal": decimal,
    "duration": duration,
    "hex": hexadecimal,
    "wkt": shape,
    "iri|wkt": shape,
}
"""How a literal of each kind is read."""


def as_literal(row: Property, value: Term) -> ox.Literal | None:
    """Give ``value`` as the literal that ``row`` wants, or ``None`` where it is none."""
    return LITERALS[row.value](value) if isinstance(value, ox.Literal) else None


def as_iri(row: Property, value: Term) -> ox.NamedNode | None:
    """Give ``value`` as the IRI that ``row`` wants, or ``None`` where it is none or of another list.

    An address that was written as a text is taken for what it says.
    """
    if isinstance(value, ox.Literal) and not row.follows and _ADDRESS.fullmatch(value.value.strip()):
        value = ox.NamedNode(value.value.strip())
    if not isinstance(value, ox.NamedNode):
        return None
    iri = value.value
    if not is_legal(iri):
        return None
    if row.name == "dct:license":
        return licence(value)
    return value if not row.starts or iri.startswith(row.starts) else None


def licence(iri: ox.NamedNode) -> ox.NamedNode:
    """Give a licence of DCAT-AP.de under its one proper IRI.

    >>> licence(ox.NamedNode("https://www.dcat-ap.de/def/licenses/cc-zero/")).value
    'http://dcat-ap.de/def/licenses/cc-zero'
    """
    found = _LICENCE.fullmatch(iri.value)
    return ox.NamedNode(LICENCES + found[1]) if found else iri
