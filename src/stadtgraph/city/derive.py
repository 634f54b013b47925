"""What follows from the sources of a view, kept in graphs of its own: inferences."""

from __future__ import annotations

from collections.abc import Iterable

import pyoxigraph as ox

from stadtgraph.reason import compile_rules
from stadtgraph.release import Draft, Kind, View
from stadtgraph.store import Change, StoredFacts, all_graphs, no_premises
from stadtgraph.terms import INFERRED, ONTOLOGY


def derive(draft: Draft) -> None:
    """Bring the inferences of every view of the draft up to date.

    A small change of the data is followed by its consequences alone; a change of the ontology, a large one, or a
    view that was rebuilt is inferred anew. Axioms are taken from ``graph/ontology`` alone, so no source can change
    what the others mean.
    """
    for view in draft.views:
        infer(draft, view)
        draft.progress(f"infer {view}")


def infer(draft: Draft, view: View) -> None:
    """Bring ``graph/inferred`` of one view up to date."""
    names, store = draft.names, draft.engines[view].store
    target = names.graph(INFERRED)
    hidden = hidden_graphs(draft, view)
    facts = StoredFacts(store, hidden)
    changes = [c for c in draft.changes[view] if c.graph.value not in hidden]
    if not changes and target.value in draft.graphs[view]:
        return
    ontology = names.graph(ONTOLOGY)
    rules = compile_rules(q.triple for q in store.quads_for_pattern(None, None, None, ontology))
    is_new = target.value not in draft.graphs[view] or any(c.graph == ontology for c in changes)
    if is_new or not all(c.is_small for c in changes):
        draft.put_derived(view, target, rules.infer(facts))
        return
    added, removed = net(changes, facts)
    inferred = StoredFacts(store, {g for g in all_graphs(store) if g != target.value})
    add, remove = rules.update(facts, inferred, added, removed)
    draft.change_derived(view, target, add, remove)


def hidden_graphs(draft: Draft, view: View) -> set[str]:
    """Give the graphs whose triples are no premises: derived and appended ones, literals as written, shapes."""
    infos = draft.graphs[view]
    kinds = {Kind.DERIVED, Kind.APPENDED}
    derived = {iri for iri, info in infos.items() if info.kind in kinds}
    return derived | no_premises(draft.engines[view].store, draft.names)


def net(changes: Iterable[Change], facts: StoredFacts) -> tuple[list[ox.Triple], list[ox.Triple]]:
    """Give the triples that a sequence of changes really added to and removed from the facts."""
    touched: dict[ox.Triple, int] = {}
    for change in changes:
        for triple in change.removed_triples():
            touched[triple] = touched.get(triple, 0) - 1
        for triple in change.added_triples():
            touched[triple] = touched.get(triple, 0) + 1
    added, removed = [], []
    for triple, balance in touched.items():
        is_there = next(iter(facts.match(triple.subject, triple.predicate, triple.object)), None) is not None
        if balance > 0 and is_there:
            added.append(triple)
        elif balance < 0 and not is_there:
            removed.append(triple)
    return added, removed
