"""Ask a store for what the solutions of a query matched, and find the graphs that state it.

Solutions are read one by one until each graph that may state one of their triples is known to be needed; where that
takes long, the graphs that are still open are asked about together, slot by slot.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, Final

import pyoxigraph as ox

from stadtgraph.errors import QueryRefused
from stadtgraph.lineage import wording
from stadtgraph.lineage.found import Lineage, Tally
from stadtgraph.lineage.known import SOME, Known
from stadtgraph.lineage.slots import Asked, Terms
from stadtgraph.lineage.walk import walked
from stadtgraph.lineage.witness import NAME, Part, Use, witness
from stadtgraph.sparql.outline import Outline, outline
from stadtgraph.sparql.patterns import Unreadable
from stadtgraph.store import Dataset, OxigraphEngine
from stadtgraph.terms import PREFIXES, Term

MOST: Final = 2_000
"""Solutions after which slots are asked about one by one."""
_LOOKED: Final = 2
"""Times as many look-ups of triples after which they are, too."""
_ENOUGH: Final = 50
_TRIES: Final = 100
"""Triples of a graph that are looked up before the store is asked for one that no other graph states."""
_FEW: Final = 4
_BEFORE: Final = 20
"""Triples of a slot that are looked up before all that fits it is read, where that is little."""
_MANY: Final = 2_000
"""Derived triples above which not each is followed, where a query asks for all that fit a pattern."""
_WHERE: Final = f"?{NAME}graph"


def trace(
    engine: OxigraphEngine,
    text: str,
    dataset: Dataset | None = None,
    *,
    known: Known | None = None,
    reads: Mapping[str, frozenset[str]] | None = None,
    searched: Iterable[str] = (),
    solution: Mapping[str, Term] | None = None,
    prefixes: Mapping[str, str] = PREFIXES,
    read: Outline | None = None,
) -> Lineage:
    """Give the graphs behind the answer to ``text`` over ``dataset``, or behind one ``solution`` of it.

    ``known`` is what is known of the store from before, ``reads`` the properties that each link rule reads,
    ``searched`` those that the index reads, ``read`` the outline of the text where it was read before. Raises
    :class:`QuerySyntaxError` as the endpoint does, and :class:`QueryRefused` for queries that cannot be followed
    (SERVICE, triple terms).
    """
    read = read or outline(text, engine.names.base, prefixes)
    wording.check(text, read, engine.names.base, prefixes)
    try:
        made = witness(text, read.form, solution)
    except Unreadable as problem:
        raise QueryRefused("lineage-unreadable") from problem
    tally = Tally(known or Known(engine), dataset or Dataset(), reads or {}, frozenset(searched))
    terms = Terms(read.base or engine.names.base, {**prefixes, **read.prefixes})
    tracer = _Tracer(engine, dataset or Dataset(), tally, terms, prefixes)
    for part in made.parts:
        tracer.part(part)
    for pattern in dict.fromkeys(made.consulted):
        tally.consult(*terms.pattern((pattern.subject, pattern.predicate, pattern.object)))
    for pattern in dict.fromkeys(made.within):
        tally.within(*terms.pattern((pattern.subject, pattern.predicate, pattern.object))[1:])
    tally.follow()
    return tally.lineage(made.is_exact)


class _Tracer:
    def __init__(
        self,
        engine: OxigraphEngine,
        dataset: Dataset,
        tally: Tally,
        terms: Terms,
        prefixes: Mapping[str, str],
    ) -> None:
        self._engine, self._dataset, self._tally, self._terms = engine, dataset, tally, terms
        self._prefixes = prefixes

    def part(self, part: Part) -> None:
        """Count what one part of the query matched."""
        slots = self._terms.slots(part)
        for slot in slots:
            slot.candidates = self._tally.candidates(slot)
        is_whole = self._read(part, slots)
        if is_whole is False:
            self._narrow(part, slots)
        if is_whole is not None:
            for slot in slots:
                if not self._is_settled(slot):
                    self._settle(part, slot, is_whole)
            self._tally.is_counted = self._tally.is_counted and is_whole
        for slot in slots:
            if slot.pairs:
                walked(self._tally, slot)

    def _ask(self, text: str, dataset: Dataset | None = None) -> ox.QuerySolutions:
        result = self._engine.query(text, dataset or self._dataset, prefixes=self._prefixes)
        assert isinstance(result, ox.QuerySolutions)
        return result

    def _read(self, part: Part, slots: list[Asked]) -> bool | None:
        """Read solutions one by one; tell whether all were read, or ``None`` where nothing is open any more."""
        names = list(dict.fromkeys(name for slot in slots for name in slot.names))
        places = {name: at for at, name in enumerate(names)}
        looked = self._tally.looked
        for rows, row in enumerate(self._ask(part.text(names)), 1):
            for slot in slots:
                found = slot.of(row, places)
                if found is not None:
                    self._note(slot, found)
            if rows >= _ENOUGH and rows % 10 == 0 and all(map(self._is_settled, slots)):
                self._tally.is_counted = False
                return None
            if rows >= MOST or self._tally.looked - looked >= _LOOKED * MOST:
                return False
        return True

    def _note(self, slot: Asked, found: tuple[Any, ...]) -> None:
        match slot.use:
            case Use.TRIPLE:
                sole = slot.candidates[0] if len(slot.candidates) == 1 else None
                triple = ox.Triple(*found)
                self._tally.count(triple, "data", sole, None if sole else self._stating(slot, triple))
            case Use.PATH:
                slot.pairs.add(found)
            case Use.GRAPH:
                self._tally.named(found[0])
            case Use.DESCRIBED:
                self._tally.described(found[0])
            case Use.FOUND:
                self._tally.searched(found[0])

    def _stating(self, slot: Asked, triple: ox.Triple) -> tuple[str, ...] | None:
        """Give the graphs that state a triple of a slot, where all that fits the slot is kept."""
        _, p, o = slot.pattern
        if slot.stating is None and slot.looked == _BEFORE and isinstance(p, ox.NamedNode):
            slot.stating = self._tally.known.few(p, o)
        slot.looked += 1
        return None if slot.stating is None else slot.stating.get(triple)

    def _is_settled(self, slot: Asked) -> bool:
        """Tell whether no further solution can say anything new of a slot."""
        if slot.use is Use.GRAPH and slot.names:
            return all(self._tally.is_needed(graph.value) for graph in self._tally.named_graphs())
        if slot.use in (Use.TRIPLE, Use.GRAPH):
            return all(map(self._tally.is_needed, slot.candidates))
        if slot.use is Use.PATH and slot.steps is not None and len(slot.candidates) == 1:
            return slot.candidates[0] not in self._tally.known.derived and any(s != e for s, e in slot.pairs)
        return not slot.names

    def _narrow(self, part: Part, slots: list[Asked]) -> None:
        """Leave graphs out whose triples in a slot fit no pattern beside it, so that none is part of a solution."""
        inside = [([s for s in self._terms.slots(p) if not s.in_branch], shared) for p, shared in part.inside]
        known = self._tally.known
        for slot in slots:
            s, p, o = slot.pattern
            if slot.use is not Use.TRIPLE or s is not None or not isinstance(p, ox.NamedNode):
                continue
            beside = list(slot.beside(slots))
            for others, shared in inside:
                beside += [b for b in slot.beside(others) if slot.terms[b.at] in shared]
            sure = [b for b in dict.fromkeys(beside) if isinstance(b.pattern[1], ox.NamedNode)]
            slot.candidates = tuple(
                graph
                for graph in slot.candidates
                if self._tally.is_needed(graph) or all(known.meets(p, o, graph, b.at, b.pattern, b.there) for b in sure)
            )

    def _settle(self, part: Part, slot: Asked, is_whole: bool) -> None:
        """Ask about the graphs that are still open for a slot."""
        if is_whole:
            return
        if slot.use is not Use.TRIPLE:
            names = slot.names
            first = f"FILTER(BOUND({slot.shown[0]}))" if slot.in_branch else ""
            text = part.text(names, more=first) if not part.tail else part.text(names)
            places = {name: at for at, name in enumerate(names)}
            for row in self._ask(text if part.tail else text.replace("SELECT", "SELECT DISTINCT", 1)):
                found = slot.of(row, places)
                if found is not None:
                    self._note(slot, found)
            return
        open_ = [graph for graph in slot.candidates if not self._tally.is_needed(graph)]
        if part.is_single and not slot.repeats:
            self._all(slot, open_)
            return
        self._among(part, slot, open_)

    def _all(self, slot: Asked, graphs: list[str]) -> None:
        """Count graphs for a pattern that is the whole query: all that fits it is a solution."""
        s: Any
        p: Any
        s, p, o = slot.pattern
        for graph in graphs:
            if graph in self._tally.known.derived and self._tally.known.count(p, o, graph) > _MANY:
                self._tally.premises(graph, p, o)
                continue
            for number, quad in enumerate(self._engine.store.quads_for_pattern(s, p, o, ox.NamedNode(graph))):
                if graph in self._tally.known.derived:
                    self._tally.derive(quad.triple, graph)
                    continue
                self._tally.count(quad.triple, "data")
                if self._tally.is_needed(graph):
                    break
                if number >= _TRIES:
                    self._alone(Part("", f"\x00{0}\x00"), slot, graph, number=0)
                    break

    def _among(self, part: Part, slot: Asked, graphs: list[str]) -> None:
        """Read the solutions whose triple in a slot stands in one of some graphs."""
        names = [_WHERE, *slot.names]
        is_small = sum(self._tally.known.count(slot.pattern[1], slot.pattern[2], g) for g in graphs) < SOME
        dataset = self._dataset
        if is_small or len(graphs) > _FEW or self._dataset.named is not None:
            make = self._terms.either
        else:
            make, dataset = self._terms.anyhow, Dataset(dataset.default, tuple(map(ox.NamedNode, graphs)))
        text = self._restricted(part, slot, names, lambda terms: make(terms, graphs, _WHERE))
        places = {name: at for at, name in enumerate(names)}
        tries = dict.fromkeys(graphs, 0)
        waiting = set(graphs)
        for row in self._ask(text, dataset):
            graph = getattr(row[0], "value", "")
            found = slot.of(row, places) if graph in waiting else None
            if found is None:
                continue
            triple = ox.Triple(*found)
            if graph in self._tally.known.derived:
                self._tally.derive(triple, graph)
                continue
            self._tally.count(triple, "data")
            tries[graph] += 1
            if self._tally.is_needed(graph) or tries[graph] >= _TRIES:
                waiting.discard(graph)
                if not waiting:
                    break
        for graph in graphs:
            if tries[graph] >= _TRIES and not self._tally.is_needed(graph):
                self._alone(part, slot, graph)

    def _restricted(self, part: Part, slot: Asked, names: list[str], make: Any, *, one: bool = False) -> str:
        """Give the query for the solutions for which a slot's triple fits another pattern."""
        bound = f"FILTER(BOUND({slot.shown[0]}))" if slot.in_branch else ""
        end = " LIMIT 1" if one else ""
        if not part.tail:
            return part.text(names, {slot.number: make(slot.terms)}, bound) + end
        inner = part.text(slot.names).removeprefix(part.prologue)
        shown = " ".join(dict.fromkeys(names))
        return f"{part.prologue}SELECT {shown} WHERE {{ {{ {{ {inner} }} {bound} }} {make(slot.shown)} }}{end}"

    def _alone(self, part: Part, slot: Asked, graph: str, number: int | None = None) -> None:
        """Find out whether a solution has a triple in a slot that only one graph states."""
        others = [g for g in slot.candidates if g != graph and g not in self._tally.known.derived]
        text = self._restricted(part, slot, slot.names, lambda terms: self._terms.only(terms, graph, others), one=True)
        if next(iter(islice(self._ask(text), 1)), None) is not None:
            self._tally.need(graph)
