"""Write a result in a format, within bounds: what runs where the query runs."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import Final

import pyoxigraph as ox

from stadtgraph.errors import NotAcceptable, QueryTimeout
from stadtgraph.sparql import negotiate
from stadtgraph.store import Result
from stadtgraph.terms import PREFIXES

FIRST, BLOCK = 8 * 1024, 256 * 1024
"""Bytes of the first block of an answer, and of the largest; each is up to twice as long as the one before."""
PAUSE: Final = 0.02
"""Seconds after which a block goes out although it is short of its length."""
_TABLES: Final = {
    negotiate.JSON: ox.QueryResultsFormat.JSON,
    negotiate.XML: ox.QueryResultsFormat.XML,
    negotiate.CSV: ox.QueryResultsFormat.CSV,
    negotiate.TSV: ox.QueryResultsFormat.TSV,
}
_GRAPHS: Final = {
    negotiate.TURTLE: ox.RdfFormat.TURTLE,
    negotiate.N_TRIPLES: ox.RdfFormat.N_TRIPLES,
    negotiate.RDF_XML: ox.RdfFormat.RDF_XML,
    negotiate.JSON_LD: ox.RdfFormat.JSON_LD,
    negotiate.N_QUADS: ox.RdfFormat.N_QUADS,
    negotiate.TRIG: ox.RdfFormat.TRIG,
}
FORMATS: Final = {chosen.media_type: chosen for chosen in (*_TABLES, *_GRAPHS)}
_XML: Final = (negotiate.XML, negotiate.RDF_XML)
_LOCAL_NAME: Final = re.compile(r"[^\W\d][\w.\-]*\Z")
_NOT_IN_XML: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]")


class Sink:
    """What Oxigraph writes an answer into: gathers blocks, hands them on, and ends the work at the bound.

    The first block goes out early, so that who asked sees the answer begin; later ones grow, for each costs both
    sides a turn. ``xml`` refuses characters that XML cannot hold (https://www.w3.org/TR/xml/#charsets), which Oxigraph
    writes.
    """

    def __init__(self, send: Callable[[bytes], None], bound: int, *, xml: bool = False) -> None:
        """Hand blocks to ``send``; more than ``bound`` bytes raise :class:`QueryTimeout`."""
        self._send, self._bound, self._xml = send, bound, xml
        self._pieces: list[bytes] = []
        self._gathered = self._written = 0
        self._due, self._sent = FIRST, time.monotonic()

    def write(self, data: bytes) -> int:
        """Take a piece of the answer."""
        if self._xml and _NOT_IN_XML.search(data):
            raise NotAcceptable("query-not-xml")
        self._written += len(data)
        if self._written > self._bound:
            raise QueryTimeout("query-large", bound=self._bound)
        self._pieces.append(data)
        self._gathered += len(data)
        if self._gathered > self._due or time.monotonic() - self._sent > PAUSE:
            self._send(self.rest())
            self._due, self._sent = min(BLOCK, self._due * 2), time.monotonic()
        return len(data)

    def flush(self) -> None:
        """Do nothing: what is gathered last goes out with the end."""

    def rest(self) -> bytes:
        """Give what is gathered and was not handed over."""
        found = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        self._gathered = 0
        return found


def write(result: Result, chosen: negotiate.Format, send: Callable[[bytes], None], bound: int) -> bytes:
    """Write ``result`` in the format ``chosen``, block by block, to ``send``; give the last block back."""
    sink = Sink(send, bound, xml=chosen in _XML)
    if isinstance(result, ox.QueryTriples):
        if chosen is negotiate.RDF_XML:
            ox.serialize(writable_as_xml(result), sink, _GRAPHS[chosen], prefixes=PREFIXES)  # type: ignore[arg-type]
        else:
            result.serialize(sink, _GRAPHS[chosen])  # type: ignore[arg-type]
    else:
        result.serialize(sink, _TABLES[chosen])  # type: ignore[arg-type]
    return sink.rest()


def writable_as_xml(triples: Iterator[ox.Triple]) -> Iterator[ox.Triple]:
    """Give ``triples`` back; raise :class:`NotAcceptable` for a predicate that RDF/XML has no name for.

    Source: https://www.w3.org/TR/rdf-syntax-grammar/#section-Serialising
    """
    checked: set[ox.NamedNode] = set()
    for triple in triples:
        if triple.predicate not in checked:
            if not _LOCAL_NAME.search(triple.predicate.value):
                raise NotAcceptable("query-not-rdfxml", predicate=triple.predicate.value)
            checked.add(triple.predicate)
        yield triple
