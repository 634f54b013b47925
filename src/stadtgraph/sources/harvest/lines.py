"""Terms as they come, malformed ones too, as N-Triples lines and back.

The parser is asked to be lenient, so that one bad IRI does not cost a page; what it lets through is written here in
a form that can be read again, and is judged record by record.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

import pyoxigraph as ox

from stadtgraph.sources.harvest.words import LANGUAGE_MARK
from stadtgraph.store.spool import quoted

_BAD: Final = re.compile(r'[\x00-\x20<>"{}|\\^`]')
_TAG: Final = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*")
Term = ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple
Subject = ox.NamedNode | ox.BlankNode


def escaped(iri: str) -> str:
    """Give ``iri`` as it may stand between angle brackets: signs that must not be there as code points.

    >>> escaped("http://example.org/a b")
    'http://example.org/a\\\\u0020b'
    """
    return _BAD.sub(lambda found: f"\\u{ord(found[0]):04X}", iri) if _BAD.search(iri) else iri


def is_iri(iri: str) -> bool:
    """Tell whether ``iri`` is an absolute IRI.

    >>> is_iri("https://example.org/ä"), is_iri("berlin"), is_iri("http://example.org/a b")
    (True, False, False)
    """
    try:
        ox.NamedNode(iri)
    except ValueError:
        return False
    return True


def token(term: Term, scope: str = "") -> str:
    """Give ``term`` as N-Triples writes it; blank nodes get ``scope`` in front of their label."""
    if isinstance(term, ox.NamedNode):
        return f"<{escaped(term.value)}>"
    if isinstance(term, ox.BlankNode):
        return f"_:{scope}{term.value}"
    if isinstance(term, ox.Literal):
        return _literal(term)
    raise ValueError("triple terms do not occur in catalogues")


def line(triple: ox.Triple) -> bytes:
    """Give the line of a triple, with its end."""
    return f"{token(triple.subject)} {token(triple.predicate)} {token(triple.object)} .\n".encode()


def parsed(lines: bytes) -> list[ox.Triple]:
    """Give the triples of lines that this module wrote."""
    return [quad.triple for quad in ox.parse(lines, ox.RdfFormat.N_TRIPLES, lenient=True)]


def text(triples: Iterable[ox.Triple]) -> str:
    """Give triples as text, sorted, for people and for a checksum."""
    return "".join(sorted(line(triple).decode() for triple in triples))


def terms(triple: ox.Triple) -> Iterator[Term]:
    """Give the three terms of a triple."""
    yield triple.subject
    yield triple.predicate
    yield triple.object


def _literal(literal: ox.Literal) -> str:
    if literal.language is not None:
        if _TAG.fullmatch(literal.language) is None:
            literal = ox.Literal(literal.value, datatype=ox.NamedNode(LANGUAGE_MARK + _plain(literal.language)))
        return quoted(literal)
    datatype = literal.datatype.value
    if _BAD.search(datatype):
        return f"{ox.Literal(literal.value)}^^<{escaped(datatype)}>"
    return quoted(literal)


def _plain(tag: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else f"%{ord(c):02X}" for c in tag)
