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


def _has_literal(values: list[Term]) -> bool:
    return isinstance(values[0], ox.Literal) or (len(values) > 1 and any(isinstance(v, ox.Literal) for v in values))


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
        look, merge = self.engine.store.quads_for_pattern, ox.DefaultGraph()
        for node in dict.fromkeys(nodes):
            if is_legal(node.value):
                facts = found[node] = {}
                for quad in look(node, None, None, merge):
                    values = facts.setdefault(quad.predicate, [])
                    values.append(quad.object)
                if self._written:
                    self._restore(node, facts)
        return found

    def _restore(self, node: ox.NamedNode, facts: Facts) -> None:
        """Put literals that the store rewrote back as they were written."""
        graphs = {g for p, values in facts.items() if _has_literal(values) for g in self._rewritten(p)}
        look = self.engine.store.quads_for_pattern
        written = [q.triple for g in graphs for q in look(node, None, None, g)] if graphs else []
        if not written:
            return
        concerned = {t.predicate for t in written} & facts.keys()
        stored = (ox.Triple(node, p, value) for p in concerned for value in facts[p])
        restored: Facts = {}
        for triple in restore(stored, written, self._normaliser):
            restored.setdefault(triple.predicate, []).append(triple.object)
        facts.update(restored)

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
        """The graphs that keep literals as they were written, without those of what a harvest repaired."""
        graphs, repairs = self.engine.store.named_graphs(), f"{self.names.base}graph/written/repairs/"
        named = (g for g in graphs if isinstance(g, ox.NamedNode))
        return [g for g in named if self.names.is_written(g.value) and not g.value.startswith(repairs)]

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
