"""Write a result in a format, within bounds: what runs where the query runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

import pyoxigraph as ox

from stadtgraph.errors import NotAcceptable, QueryTimeout
from stadtgraph.sparql import negotiate
from stadtgraph.store import Result
from stadtgraph.terms import PREFIXES

BLOCK: Final = 64 * 1024
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

    ``xml`` refuses characters that XML cannot hold (https://www.w3.org/TR/xml/#charsets), which Oxigraph writes.
    """

    def __init__(self, send: Callable[[bytes], None], bound: int, *, xml: bool = False) -> None:
        """Hand blocks to ``send``; more than ``bound`` bytes raise :class:`QueryTimeout`."""
        self._send, self._bound, self._xml = send, bound, xml
        self._gathered = bytearray()
        self._written = 0

    def write(self, data: bytes) -> int:
        """Take a piece of the answer."""
        if self._xml and _NOT_IN_XML.search(data):
            raise NotAcceptable("query-not-xml")
        self._written += len(data)
        if self._written > self._bound:
            raise QueryTimeout("query-large", bound=self._bound)
        self._gathered += data
        if len(self._gathered) >= BLOCK:
            self.flush()
        return len(data)

    def flush(self) -> None:
        """Hand over what is gathered."""
        if self._gathered:
            self._send(bytes(self._gathered))
            self._gathered.clear()


def write(result: Result, chosen: negotiate.Format, send: Callable[[bytes], None], bound: int) -> None:
    """Write ``result`` in the format ``chosen``, block by block, to ``send``."""
    sink = Sink(send, bound, xml=chosen in _XML)
    if isinstance(result, ox.QueryTriples):
        if chosen is negotiate.RDF_XML:
            ox.serialize(writable_as_xml(result), sink, _GRAPHS[chosen], prefixes=PREFIXES)  # type: ignore[arg-type]
        else:
            result.serialize(sink, _GRAPHS[chosen])  # type: ignore[arg-type]
    else:
        result.serialize(sink, _TABLES[chosen])  # type: ignore[arg-type]
    sink.flush()


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
