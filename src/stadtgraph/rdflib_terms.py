"""The door between pyoxigraph's terms and rdflib's, for the libraries that speak rdflib (owlrl, pySHACL).

rdflib is imported when a term first passes, for it takes a while and most processes never need it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import pyoxigraph as ox

from stadtgraph.terms import XSD, Term

if TYPE_CHECKING:
    import rdflib

_STRING: Final = XSD.string


def to_graph(triples: Iterable[ox.Triple]) -> rdflib.Graph:
    """Give triples as an rdflib graph, every literal as it was written."""
    import rdflib

    graph = rdflib.Graph(bind_namespaces="none")
    for triple in triples:
        graph.add((to_rdflib(triple.subject), to_rdflib(triple.predicate), to_rdflib(triple.object)))
    return graph


def to_rdflib(term: Term) -> rdflib.term.Node:
    """Give ``term`` as rdflib has it, its lexical form untouched; a triple term raises ``TypeError``."""
    import rdflib

    if isinstance(term, ox.NamedNode):
        return rdflib.URIRef(term.value)
    if isinstance(term, ox.BlankNode):
        return rdflib.BNode(term.value)
    if isinstance(term, ox.Literal):
        if term.language is not None:
            return rdflib.Literal(term.value, lang=term.language)
        datatype = None if term.datatype == _STRING else rdflib.URIRef(term.datatype.value)
        return rdflib.Literal(term.value, datatype=datatype, normalize=False)
    raise TypeError(str(term))


def from_rdflib(term: rdflib.term.Node) -> ox.NamedNode | ox.BlankNode | ox.Literal:
    """Give a term of rdflib as pyoxigraph has it."""
    import rdflib

    if isinstance(term, rdflib.URIRef):
        return ox.NamedNode(str(term))
    if isinstance(term, rdflib.BNode):
        return ox.BlankNode(str(term))
    assert isinstance(term, rdflib.Literal)
    if term.language:
        return ox.Literal(str(term), language=term.language)
    return ox.Literal(str(term), datatype=ox.NamedNode(str(term.datatype)) if term.datatype else None)
