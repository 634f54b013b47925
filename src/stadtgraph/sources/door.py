"""The door check: what comes in is looked at as it was written, before the store rewrites it.

The parser refuses relative and illegal IRIs and malformed language tags; this module refuses what the parser lets
through: ill-formed and out-of-range literals, NUL characters, and terms of RDF 1.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pyoxigraph as ox

from stadtgraph.errors import InputError
from stadtgraph.sources.datatypes import XSD, expected, legal

_STRING: Final = f"{XSD}string"
_LANG_STRING: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#langString"


@dataclass(frozen=True, slots=True)
class Complaint:
    """A literal that was kept although it is wrong, with the error that a strict reading would have raised."""

    triple: ox.Triple
    error: InputError

    def text(self, lang: str = "en") -> str:
        """Give the complaint on one line."""
        return self.error.text(lang)


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with a triple: the key of the message, its parameters, and whether it may be kept."""

    key: str
    params: dict[str, object]
    keepable: bool = False


def flaw(triple: ox.Triple) -> Flaw | None:
    """Give what is wrong with ``triple``, or ``None``."""
    term = triple.object
    if isinstance(term, ox.Literal):
        return _literal_flaw(term)
    if isinstance(term, ox.Triple):
        return Flaw("sources-rdf12", {"term": "<<( … )>>"})
    return None


def _literal_flaw(term: ox.Literal) -> Flaw | None:
    value = term.value
    if "\0" in value:
        return Flaw("sources-rdf-nul", {})
    datatype = term.datatype.value
    if datatype in (_STRING, _LANG_STRING):
        return None
    if term.language is not None:  # rdf:dirLangString
        return Flaw("sources-rdf12", {"term": shortened(str(term))})
    if legal(value, datatype):
        return None
    params: dict[str, object] = {"value": shortened(value), "datatype": datatype, "expected": expected(datatype)}
    return Flaw("sources-literal", params, keepable=True)


def shortened(text: str, most: int = 80) -> str:
    """Give ``text``, cut to ``most`` characters."""
    return text if len(text) <= most else text[:most] + "…"
