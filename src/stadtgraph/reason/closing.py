"""The door to owlrl, which closes a small set of axioms. The only place of this room that knows rdflib."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING

import pyoxigraph as ox

if TYPE_CHECKING:
    import rdflib


def closed(axioms: Iterable[ox.Triple]) -> set[ox.Triple]:
    """Give ``axioms`` and what owlrl derives from them; cost grows fast, so only give axioms, never data.

    Source: https://www.w3.org/TR/owl2-profiles/#Reasoning_in_OWL_2_RL_and_RDF_Graphs_using_Rules
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import owlrl
        import rdflib

        graph = rdflib.Graph()
        for triple in axioms:
            graph.add((to_rdflib(triple.subject), to_rdflib(triple.predicate), to_rdflib(triple.object)))
        if len(graph):
            owlrl.DeductiveClosure(
                owlrl.OWLRL_Semantics,
                improved_datatypes=False,
                axiomatic_triples=False,
                datatype_axioms=False,
            ).expand(graph)
    return {from_rdflib(triple) for triple in graph if not isinstance(triple[0], rdflib.Literal)}


def to_rdflib(term: object) -> rdflib.term.Node:
    """Give ``term`` as rdflib has it, its lexical form untouched."""
    import rdflib

    if isinstance(term, ox.NamedNode):
        return rdflib.URIRef(term.value)
    if isinstance(term, ox.BlankNode):
        return rdflib.BNode(term.value)
    if isinstance(term, ox.Literal):
        if term.language is not None:
            return rdflib.Literal(term.value, lang=term.language)
        return rdflib.Literal(term.value, datatype=rdflib.URIRef(term.datatype.value), normalize=False)
    raise TypeError(f"rdflib has no term like {term}")


def from_rdflib(triple: tuple[rdflib.term.Node, ...]) -> ox.Triple:
    """Give a triple of rdflib as pyoxigraph has it."""
    s, p, o = (_term(part) for part in triple)
    assert isinstance(s, ox.NamedNode | ox.BlankNode) and isinstance(p, ox.NamedNode)
    return ox.Triple(s, p, o)


def _term(term: rdflib.term.Node) -> ox.NamedNode | ox.BlankNode | ox.Literal:
    import rdflib

    if isinstance(term, rdflib.URIRef):
        return ox.NamedNode(str(term))
    if isinstance(term, rdflib.BNode):
        return ox.BlankNode(str(term))
    assert isinstance(term, rdflib.Literal)
    if term.language:
        return ox.Literal(str(term), language=term.language)
    return ox.Literal(str(term), datatype=ox.NamedNode(str(term.datatype)) if term.datatype else None)
