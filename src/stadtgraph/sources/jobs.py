"""What a worker does with graphs that come and go over HTTP: parse what was uploaded, write out what is kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pyoxigraph as ox

from stadtgraph.errors import InputError
from stadtgraph.query.worker import Stores
from stadtgraph.query.writing import Sink, writable_as_xml
from stadtgraph.sources.rdf import read_rdf
from stadtgraph.sources.skolem import blank_again, skolemised
from stadtgraph.terms import PREFIXES, Names

Send = Callable[[bytes], None]
READ: Final = "stadtgraph.sources.jobs:read"
WRITE: Final = "stadtgraph.sources.jobs:write"
WRITTEN: Final = {
    "turtle": ox.RdfFormat.TURTLE,
    "jsonld": ox.RdfFormat.JSON_LD,
    "rdfxml": ox.RdfFormat.RDF_XML,
    "ntriples": ox.RdfFormat.N_TRIPLES,
}
"""Names of the formats in which a graph is given."""


def read(request: dict[str, Any], _stores: Stores, send: Send) -> bytes:
    """Parse the document in the file ``request["file"]`` through the door check; send it as N-Triples, as written.

    Its blank nodes get the names that they have in the store. Raises :class:`InputError` with line and column.
    """
    bound = request["triples"]
    triples: list[ox.Triple] = []
    content = Path(request["file"]).read_bytes()
    for triple in read_rdf(content, request["format"], request["base"], name=request["name"]):
        triples.append(triple)
        if len(triples) > bound:
            raise InputError("update-too-many", bound=bound)
    named = skolemised(triples, Names(request["names"]))
    data = ox.serialize(named, format=ox.RdfFormat.N_TRIPLES) or b""
    for start in range(0, len(data), 1 << 20):
        send(data[start : start + (1 << 20)])
    return json.dumps(len(triples)).encode()


def write(request: dict[str, Any], stores: Stores, send: Send) -> bytes:
    """Write the graph ``request["graph"]`` in the format asked for, as its owner wrote it, with its blank nodes."""
    engine = stores.get(request["path"], request["state"], request["base"])
    names, form = Names(request["base"]), request["format"]
    triples: Iterator[ox.Triple] = blank_again(engine.as_written(ox.NamedNode(request["graph"])), names)
    if form == "rdfxml":
        triples = writable_as_xml(triples)
    sink = Sink(send, request["bytes"], xml=form == "rdfxml")
    prefixes = PREFIXES if form in ("turtle", "rdfxml") else None
    ox.serialize(triples, sink, WRITTEN[form], prefixes=prefixes)  # type: ignore[arg-type]
    send(sink.rest())
    return b""
