"""A catalogue as RDF/XML, Turtle, N-Triples or JSON-LD, record by record: memory does not grow with it.

The same release gives the same bytes. What several records lead to (an agent, a place) is written once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from types import MappingProxyType
from typing import Final

import pyoxigraph as ox

from stadtgraph.catalogue.jsonld import write_json
from stadtgraph.catalogue.records import Block, Record
from stadtgraph.catalogue.vocabulary import PREFIXES
from stadtgraph.terms import DCAT

_BATCH: Final = 100
_XML_END: Final = b"\n</rdf:RDF>"


@dataclass(slots=True)
class Written:
    """Which shared blocks a document has already; a block that says something else of a node is written again."""

    _seen: set[int] = field(default_factory=set)

    def is_new(self, block: Block) -> bool:
        """Tell whether ``block`` is not written yet, and note it where others may lead to it."""
        if not block.is_shared:
            return True
        key = hash(block)
        if key in self._seen:
            return False
        self._seen.add(key)
        return True


@dataclass(frozen=True, slots=True)
class Form:
    """A format of files: its media type, and how a document is written in it."""

    name: str
    media_type: str
    write: Callable[[Record, Iterable[Record], Iterable[ox.Triple]], Iterator[bytes]]


def links(head: Record, record: Record) -> Iterator[ox.Triple]:
    """Give the links of the catalogue to a record: its dataset, and the services that deliver it."""
    yield ox.Triple(head.iri, DCAT.dataset, record.iri)
    for service in record.of("DataService"):
        yield ox.Triple(head.iri, DCAT.service, service.node)


def triples(head: Record, records: Iterable[Record], before: Iterable[ox.Triple]) -> Iterator[list[ox.Triple]]:
    """Give the triples of a document in batches: ``before``, the catalogue, then records with the links to them."""
    written = Written()
    first = [*before]
    for block in head.blocks:
        if written.is_new(block):
            first += block.triples
            if block.kind == "DataService":
                first.append(ox.Triple(head.iri, DCAT.service, block.node))
    yield first
    todo = (record for record in records if record.blocks)
    while batch := list(islice(todo, _BATCH)):
        found = [t for record in batch for t in links(head, record)]
        found = list(dict.fromkeys(found))
        for record in batch:
            for block in record.blocks:
                if written.is_new(block):
                    found += block.triples
        yield found


def _rdf_xml(head: Record, records: Iterable[Record], before: Iterable[ox.Triple]) -> Iterator[bytes]:
    names = "".join(f' xmlns:{name}="{iri}"' for name, iri in PREFIXES.items())
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n<rdf:RDF{names}>'.encode()
    for batch in triples(head, records, before):
        body = ox.serialize(batch, format=ox.RdfFormat.RDF_XML, prefixes=dict(PREFIXES))
        assert body is not None
        yield body[body.index(b">", body.index(b"<rdf:RDF")) + 1 : -len(_XML_END)]
    yield _XML_END


def _turtle(head: Record, records: Iterable[Record], before: Iterable[ox.Triple]) -> Iterator[bytes]:
    yield "".join(f"@prefix {name}: <{iri}> .\n" for name, iri in PREFIXES.items()).encode()
    for batch in triples(head, records, before):
        body = ox.serialize(batch, format=ox.RdfFormat.TURTLE, prefixes=dict(PREFIXES))
        assert body is not None
        yield body.split(b"\n", len(PREFIXES))[-1] if body else b""


def _n_triples(head: Record, records: Iterable[Record], before: Iterable[ox.Triple]) -> Iterator[bytes]:
    for batch in triples(head, records, before):
        yield "".join(f"{triple} .\n" for triple in batch).encode()


FORMS: Final[Mapping[str, Form]] = MappingProxyType(
    {
        "rdf": Form("rdf", "application/rdf+xml", _rdf_xml),
        "ttl": Form("ttl", "text/turtle", _turtle),
        "jsonld": Form("jsonld", "application/ld+json", write_json),
        "nt": Form("nt", "application/n-triples", _n_triples),
    }
)
"""The formats by the endings of files."""
