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
_SOON: Final = 1_000
"""Steps after which the other side is tried, and after which nobody walks on."""
_Came = dict[Any, list[tuple[ox.Triple, Any]]]
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
    if slot.closure.path.endswith("?"):
        _stepped(tally, slot)
        return
    pairs = list(slot.pairs)
    groups = [([s], [e]) for s, e in pairs] if len(pairs) <= _APART else [tuple(map(list, zip(*pairs, strict=True)))]
    walk = _Walk(tally, slot.steps)
    for starts, ends in groups:
        if not walk.count(starts, ends):
            for p, _ in slot.steps:
                tally.passed(p)


def _stepped(tally: Tally, slot: Asked) -> None:
    """Count the steps of a path of one step or none."""
    for start, end in slot.pairs:
        for p, back in slot.steps or ():
            s, o = (end, start) if back else (start, end)
            if isinstance(s, ox.NamedNode | ox.BlankNode) and start != end:
                tally.count(ox.Triple(s, p, o), "data")


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
        """Count every step that lies on some way from a start to an end; tell whether all were walked.

        The ways are walked from the side from which less is reached, and then back over these steps alone.
        """
        for most in (_SOON, _MOST):
            for forwards in (True, False):
                came = self._reached(starts if forwards else ends, most, forwards=forwards)
                if came is not None:
                    self._back_to(ends if forwards else starts, came)
                    return True
        return False

    def _reached(self, nodes: Iterable[Any], most: int, *, forwards: bool) -> _Came | None:
        """Give, for every node reached, the steps that led there; ``None`` where they are more than ``most``."""
        came: _Came = {}
        found, number = set(nodes), 0
        waiting = list(found)
        while waiting:
            node = waiting.pop()
            for triple, other in self._from(node, forwards=forwards):
                number += 1
                if number > most:
                    return None
                came.setdefault(other, []).append((triple, node))
                if other not in found:
                    found.add(other)
                    waiting.append(other)
        return came

    def _back_to(self, nodes: Iterable[Any], came: _Came) -> None:
        found = set(nodes)
        waiting = list(found)
        while waiting:
            for triple, before in came.get(waiting.pop(), ()):
                self._tally.count(triple, "data", stating=self._stating.get(triple))
                if before not in found:
                    found.add(before)
                    waiting.append(before)

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
