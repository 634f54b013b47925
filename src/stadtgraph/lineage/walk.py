"""Paths of any length: the steps that lie on a way between the ends that a query joined."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import pyoxigraph as ox

from stadtgraph.lineage.found import Tally
from stadtgraph.lineage.slots import Asked

_MOST: Final = 50_000
_APART: Final = 8
"""Pairs up to which each is walked by itself."""
Steps = tuple[tuple[ox.NamedNode, bool], ...]


def walked(tally: Tally, slot: Asked) -> None:
    """Count the steps between the ends of a slot; of more than a choice of properties, all graphs that hold any."""
    assert slot.closure is not None
    if slot.steps is None:
        for p in (None,) if slot.properties is None else slot.properties:
            tally.passed(p)
        return
    candidates = {g for p, _ in slot.steps for g in tally.visible(tally.known.candidates(None, p, None))}
    if len(candidates) == 1 and any(start != end for start, end in slot.pairs):
        (graph,) = candidates
        if graph not in tally.known.derived:
            tally.is_counted = False
            tally.need(graph)
            return
    pairs = list(slot.pairs)
    groups = [([s], [e]) for s, e in pairs] if len(pairs) <= _APART else [tuple(map(list, zip(*pairs, strict=True)))]
    walk = _Walk(tally, slot.steps)
    for starts, ends in groups:
        if not walk.count(starts, ends):
            for p, _ in slot.steps:
                tally.passed(p)


class _Walk:
    def __init__(self, tally: Tally, steps: Steps) -> None:
        self._tally, self._steps = tally, steps
        self._ahead: dict[ox.NamedNode, dict[Any, list[ox.Triple]]] = {}
        self._back: dict[ox.NamedNode, dict[Any, list[ox.Triple]]] = {}
        self._stating: dict[ox.Triple, tuple[str, ...]] = {}
        for p, _ in steps:
            edges = tally.known.edges(p)
            if edges is not None and p not in self._ahead:
                self._stating.update(edges)
                self._ahead[p], self._back[p] = {}, {}
                for triple in edges:
                    self._ahead[p].setdefault(triple.subject, []).append(triple)
                    self._back[p].setdefault(triple.object, []).append(triple)

    def count(self, starts: Iterable[Any], ends: Iterable[Any]) -> bool:
        """Count every step that lies on some way from a start to an end; tell whether all were walked."""
        ahead, behind = self._reached(starts, forwards=True), self._reached(ends, forwards=False)
        if ahead is None or behind is None:
            return False
        for node in ahead:
            for triple, other in self._from(node, forwards=True):
                if other in behind:
                    self._tally.count(triple, "data", stating=self._stating.get(triple))
        return True

    def _reached(self, nodes: Iterable[Any], *, forwards: bool) -> set[Any] | None:
        found = set(nodes)
        waiting = list(found)
        while waiting:
            for _, other in self._from(waiting.pop(), forwards=forwards):
                if other not in found:
                    found.add(other)
                    waiting.append(other)
            if len(found) > _MOST:
                return None
        return found

    def _from(self, node: Any, *, forwards: bool) -> Iterator[tuple[ox.Triple, Any]]:
        for p, back in self._steps:
            ahead = forwards != back
            for triple in self._edges(node, p, ahead=ahead):
                yield triple, triple.object if ahead else triple.subject

    def _edges(self, node: Any, p: ox.NamedNode, *, ahead: bool) -> Iterable[ox.Triple]:
        table = self._ahead if ahead else self._back
        if p in table:
            return table[p].get(node, ())
        store, merge = self._tally.known.store, ox.DefaultGraph()
        if not ahead:
            return (q.triple for q in store.quads_for_pattern(None, p, node, merge))
        if not isinstance(node, ox.NamedNode | ox.BlankNode):
            return ()
        return (q.triple for q in store.quads_for_pattern(node, p, None, merge))
