"""Descriptions as documents: triples written in the format that the client accepts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import pyoxigraph as ox
from flask import Response, request

from stadtgraph.errors import NotAcceptable
from stadtgraph.query import writable_as_xml
from stadtgraph.sparql import negotiate
from stadtgraph.sparql.negotiate import DOCUMENTS, Choice, Format, wanted
from stadtgraph.sparql.negotiate import negotiate as choose_by_accept
from stadtgraph.terms import PREFIXES

_FORMATS: Final = {
    negotiate.TURTLE: ox.RdfFormat.TURTLE,
    negotiate.JSON_LD: ox.RdfFormat.JSON_LD,
    negotiate.RDF_XML: ox.RdfFormat.RDF_XML,
    negotiate.N_TRIPLES: ox.RdfFormat.N_TRIPLES,
}


def choice(*more: Format) -> Choice:
    """Choose the format of a description by ``?format=`` or Accept, ``more`` offered beside RDF.

    Raises :class:`NotAcceptable` naming what there is.
    """
    offers = (*DOCUMENTS, *more)
    asked = request.args.get("format")
    if asked:
        named = wanted(asked, offers)
        found = None if named is None else Choice(named, named.media_type)
    else:
        found = choose_by_accept(request.headers.get("Accept"), offers)
    if found is None:
        raise NotAcceptable("query-no-format", offered=", ".join(offer.media_type for offer in offers))
    return found


def document(triples: Iterable[ox.Triple], chosen: Choice) -> Response:
    """Write ``triples``, with the prefixes they use where the format has prefixes."""
    found = list(triples)
    if chosen.format is negotiate.RDF_XML:
        found = list(writable_as_xml(iter(found)))
    body = ox.serialize(found, format=_FORMATS[chosen.format], prefixes=_used(found))
    return Response(body, content_type=chosen.content_type)


def _used(triples: Iterable[ox.Triple]) -> dict[str, str]:
    """Give the known prefixes that ``triples`` use."""
    iris = {
        iri
        for triple in triples
        for iri in (triple.subject, triple.predicate, triple.object, getattr(triple.object, "datatype", None))
        if isinstance(iri, ox.NamedNode)
    }
    return {prefix: name for prefix, name in PREFIXES.items() if any(iri.value.startswith(name) for iri in iris)}
