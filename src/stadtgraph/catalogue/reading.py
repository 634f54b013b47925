"""What a release says of some nodes at once, as written, and what SPARQL derives for a page of datasets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, cached_property
from importlib import resources
from typing import Final

import pyoxigraph as ox

from stadtgraph.store import OxigraphEngine
from stadtgraph.store.literals import Normaliser, restore
from stadtgraph.terms import Names, Term, render

Facts = dict[ox.NamedNode, list[Term]]
"""Property → values of one node."""
_ILLEGAL: Final = re.compile(r'[\x00-\x20<>"{}|\\^`]')


def is_legal(iri: str) -> bool:
    """Tell whether an IRI can stand in every RDF format; a lenient parser takes more.

    >>> is_legal("https://example.org/a"), is_legal("https://example.org/a b")
    (True, False)
    """
    return _ILLEGAL.search(iri) is None


@cache
def _query(name: str) -> str:
    return resources.files(__package__).joinpath("queries", f"{name}.rq").read_text("utf-8")


class Reader:
    """Reads a view of a release for the catalogue."""

    def __init__(self, engine: OxigraphEngine, names: Names, today: str) -> None:
        """Read ``engine``; ``today`` (YYYY-MM-DD) decides which responsibilities hold."""
        self.engine, self.names, self.today = engine, names, today
        self._normaliser = Normaliser()
        self._rewritten_by: dict[ox.NamedNode, list[ox.NamedNode]] = {}

    def describe(self, nodes: Iterable[ox.NamedNode]) -> dict[ox.NamedNode, Facts]:
        """Give all that is said of each node, literals as their owner wrote them."""
        found: dict[ox.NamedNode, Facts] = {}
        for node in dict.fromkeys(nodes):
            if is_legal(node.value):
                facts = found[node] = {}
                for triple in self.engine.triples(node):
                    facts.setdefault(triple.predicate, []).append(triple.object)
        for node, facts in found.items():
            for p, values in facts.items():
                if isinstance(values[0], ox.Literal) or len(values) > 1:
                    graphs = self._rewritten(p)
                    if graphs:
                        facts[p] = self._as_written(node, p, values, graphs)
        return found

    def _rewritten(self, p: ox.NamedNode) -> Sequence[ox.NamedNode]:
        """Give the graphs that keep literals of ``p`` as they were written; mostly there are none."""
        known = self._rewritten_by.get(p)
        if known is None:
            store = self.engine.store
            known = [g for g in self._written if any(True for _ in store.quads_for_pattern(None, p, None, g))]
            self._rewritten_by[p] = known
        return known

    @cached_property
    def _written(self) -> list[ox.NamedNode]:
        graphs = self.engine.store.named_graphs()
        return [g for g in graphs if isinstance(g, ox.NamedNode) and self.names.is_written(g.value)]

    def _as_written(
        self, node: ox.NamedNode, p: ox.NamedNode, values: list[Term], graphs: Sequence[ox.NamedNode]
    ) -> list[Term]:
        written = [q.triple for g in graphs for q in self.engine.store.quads_for_pattern(node, p, None, g)]
        if not written:
            return values
        return [t.object for t in restore((ox.Triple(node, p, v) for v in values), written, self._normaliser)]

    def construct(self, name: str, nodes: Sequence[ox.NamedNode], variable: str = "datasets") -> Iterator[ox.Triple]:
        """Give what the query file ``name`` makes of ``nodes``."""
        return self.engine.construct(self._filled(name, nodes, variable)) if nodes else iter(())

    def select(
        self, name: str, nodes: Sequence[ox.NamedNode], variable: str = "datasets"
    ) -> Iterable[ox.QuerySolution]:
        """Give the rows of the query file ``name`` for ``nodes``."""
        return self.engine.select(self._filled(name, nodes, variable)) if nodes else ()

    def _filled(self, name: str, nodes: Sequence[ox.NamedNode], variable: str) -> str:
        text = _query(name).replace(f"${variable}", " ".join(map(render, nodes)))
        return text.replace("$today", render(ox.Literal(self.today)))
