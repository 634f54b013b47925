"""Keep ``graph/space``, the grid by which queries find what is near, up to date in every view."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyoxigraph as ox

from stadtgraph.city.derive import hidden_graphs
from stadtgraph.links.cells import Cell, cells_of, near, placed
from stadtgraph.release import Draft, View
from stadtgraph.store import Change, StoredFacts, all_graphs
from stadtgraph.terms import GEO, SG, SPACE, Names, Term

Feature = ox.NamedNode | ox.BlankNode


def place_in_cells(draft: Draft) -> None:
    """Bring the grid of every view up to date; after a small change only what it touched is placed anew."""
    for view in draft.views:
        _place(draft, view)
        draft.progress(f"space {view}")


def _place(draft: Draft, view: View) -> None:
    names, store = draft.names, draft.engines[view].store
    target = names.graph(SPACE)
    hidden = hidden_graphs(draft, view)
    facts = StoredFacts(store, hidden)
    changes = [c for c in draft.changes[view] if c.graph.value not in hidden]
    if target.value not in draft.graphs[view] or not all(c.is_small for c in changes):
        draft.put_derived(view, target, whole_grid(facts, names))
        return
    touched = _touched(changes, facts)
    if not touched:
        return
    made = StoredFacts(store, all_graphs(store) - {target.value})
    before = [t for f in touched if isinstance(f, Feature) for t in made.match(f, SG.inCell, None)]
    after = list(_triples(facts, touched, names))
    kept = set(after)
    remove = [t for t in before if t not in kept]
    left = {t.object for t in remove if not _is_used(made, t.object, remove)} - {t.object for t in after}
    remove += [t for cell in left for t in made.match(cell, SG.nearCell, None)]  # type: ignore[arg-type]
    draft.change_derived(view, target, after, remove)


def whole_grid(facts: StoredFacts, names: Names) -> Iterator[ox.Triple]:
    """Give the whole of ``graph/space``, made from scratch."""
    return _triples(facts, dict.fromkeys(t.subject for t in facts.match(None, GEO.hasGeometry, None)), names)


def _triples(facts: StoredFacts, features: Iterable[Term], names: Names) -> Iterator[ox.Triple]:
    """Give the place of each feature, and the neighbours of every cell in use."""
    known = [f for f in features if isinstance(f, Feature)]
    cells: set[Cell] = set()
    for feature, found in zip(known, cells_of([_outlines(facts, f) for f in known]), strict=True):
        cells |= found
        yield from placed(feature, found, names)
    for cell in sorted(cells):
        yield from near(cell, names)


def _outlines(facts: StoredFacts, feature: Feature) -> tuple[str, ...]:
    geometries = (t.object for t in facts.match(feature, GEO.hasGeometry, None))
    literals = (t.object for g in geometries if isinstance(g, Feature) for t in facts.match(g, GEO.asWKT, None))
    return tuple(o.value for o in literals if isinstance(o, ox.Literal))


def _touched(changes: Iterable[Change], facts: StoredFacts) -> dict[Term, None]:
    """Give the features whose place a small change may have moved."""
    found: dict[Term, None] = {}
    for change in changes:
        for triple in (*change.added_triples(), *change.removed_triples()):
            if triple.predicate == GEO.hasGeometry:
                found[triple.subject] = None
            elif triple.predicate == GEO.asWKT:
                found.update(dict.fromkeys(t.subject for t in facts.match(None, GEO.hasGeometry, triple.subject)))
    return found


def _is_used(made: StoredFacts, cell: Term, without: list[ox.Triple]) -> bool:
    gone = {t.subject for t in without if t.object == cell}
    return any(t.subject not in gone for t in made.match(None, SG.inCell, cell))
