"""The door to owlrl, which closes a small set of axioms. The only place of this room that knows rdflib."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING

import pyoxigraph as ox

from stadtgraph.rdflib_terms import from_rdflib, to_graph

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

        graph = to_graph(axioms)
        if len(graph):
            owlrl.DeductiveClosure(
                owlrl.OWLRL_Semantics,
                improved_datatypes=False,
                axiomatic_triples=False,
                datatype_axioms=False,
            ).expand(graph)
    return {_triple(triple) for triple in graph if not isinstance(triple[0], rdflib.Literal)}


def _triple(triple: tuple[rdflib.term.Node, ...]) -> ox.Triple:
    s, p, o = (from_rdflib(part) for part in triple)
    assert isinstance(s, ox.NamedNode | ox.BlankNode) and isinstance(p, ox.NamedNode)
    return ox.Triple(s, p, o)
