"""The triples of a store, found by pattern in the graphs that one wants to look at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyoxigraph as ox

from stadtgraph.terms import (
    AUDIT,
    HISTORY,
    INFERRED,
    LINKS,
    PROVENANCE,
    QUALITY,
    QUERIES,
    SHAPES,
    SPACE,
    Names,
    Term,
)


class StoredFacts:
    """The triples of a store that some of its graphs hold, each once, found by pattern."""

    __slots__ = ("_hidden", "_store")

    def __init__(self, store: ox.Store, hidden: Iterable[str]) -> None:
        """Look at the named graphs of ``store`` except the ``hidden`` ones."""
        self._store, self._hidden = store, frozenset(hidden)

    def match(
        self, s: ox.NamedNode | ox.BlankNode | ox.Triple | None, p: ox.NamedNode | None, o: Term | None, /
    ) -> Iterator[ox.Triple]:
        """Give the triples that fit the pattern.

        With a subject, a predicate or an object given, Oxigraph's indexes bring equal triples of different graphs
        one after the other, so that passing over repetitions makes each come once.
        """
        last: ox.Triple | None = None
        for quad in self._store.quads_for_pattern(s, p, o, None):
            graph = quad.graph_name
            if not isinstance(graph, ox.NamedNode) or graph.value in self._hidden:
                continue
            triple = quad.triple
            if triple != last:
                last = triple
                yield triple


def all_graphs(store: ox.Store) -> set[str]:
    """Give the IRIs of all named graphs of a store."""
    return {g.value for g in store.named_graphs() if isinstance(g, ox.NamedNode)}


def no_premises(store: ox.Store, names: Names) -> set[str]:
    """Give the graphs that nothing is inferred from: derived ones, literals as written, rules, queries, records."""
    of_city = (INFERRED, LINKS, SPACE, AUDIT, QUALITY, SHAPES, QUERIES, PROVENANCE, HISTORY)
    return {names.graph(name).value for name in of_city} | {g for g in all_graphs(store) if names.is_written(g)}
