"""What a release says of some nodes at once, as written, and what SPARQL derives for a page of datasets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib import resources
from typing import Final

import pyoxigraph as ox

from stadtgraph.store import OxigraphEngine
from stadtgraph.store.literals import Normaliser, is_kept, restore
from stadtgraph.terms import XSD, Names, Term, render

Facts = dict[ox.NamedNode, list[Term]]
"""Property → values of one node."""
_ILLEGAL: Final = frozenset('<>"{}|\\^`')


def is_legal(iri: str) -> bool:
    """Tell whether an IRI can stand in every RDF format; a lenient parser takes more.

    >>> is_legal("https://example.org/a"), is_legal("https://example.org/a b")
    (True, False)
    """
    return not any(c in _ILLEGAL or c <= " " for c in iri)


@cache
def _query(name: str) -> str:
    return resources.files(__package__).joinpath("queries", f"{name}.rq").read_text("utf-8")


class Reader:
    """Reads a view of a release for the catalogue."""

    def __init__(self, engine: OxigraphEngine, names: Names, today: str) -> None:
        """Read ``engine``; ``today`` (YYYY-MM-DD) decides which responsibilities hold."""
        self.engine, self.names, self.today = engine, names, today
        self._normaliser = Normaliser()

    def describe(self, nodes: Iterable[ox.NamedNode]) -> dict[ox.NamedNode, Facts]:
        """Give all that is said of each node, literals as their owner wrote them."""
        asked = [node for node in dict.fromkeys(nodes) if is_legal(node.value)]
        found: dict[ox.NamedNode, Facts] = {node: {} for node in asked}
        for triple in self.construct("describe", asked, variable="nodes"):
            assert isinstance(triple.subject, ox.NamedNode)
            found[triple.subject].setdefault(triple.predicate, []).append(triple.object)
        for node, facts in found.items():
            for p, values in facts.items():
                if any(_may_be_rewritten(value) for value in values):
                    facts[p] = self._as_written(node, p, values)
        return found

    def _as_written(self, node: ox.NamedNode, p: ox.NamedNode, values: list[Term]) -> list[Term]:
        quads = self.engine.store.quads_for_pattern(node, p, None, None)
        written = [q.triple for q in quads if self.names.is_written(getattr(q.graph_name, "value", ""))]
        stored = (ox.Triple(node, p, value) for value in values)
        return [triple.object for triple in restore(stored, written, self._normaliser)] if written else values

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


def _may_be_rewritten(value: Term) -> bool:
    if not isinstance(value, ox.Literal) or value.language is not None:
        return False
    datatype = value.datatype.value
    return datatype.startswith(str(XSD)) and not (is_kept(value) and datatype == f"{XSD}string")
