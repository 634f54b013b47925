"""The full-text index of a release: one file per view, made from the parent's where little has changed."""

from __future__ import annotations

import shutil
from collections.abc import Set

from stadtgraph import search
from stadtgraph.city.derive import StoredFacts, hidden_graphs
from stadtgraph.release import Draft, Release, View, index_path
from stadtgraph.search import Index
from stadtgraph.search.documents import SEARCHED


def index_of(release: Release, view: View = View.PUBLIC) -> Index:
    """Give the index for those who may see ``view``."""
    return Index(index_path(release.path, release.view_for(view)))


def expanded(text: str, release: Release, view: View, base: str) -> str:
    """Give a query with its ``sg:search`` statements answered, for those who may see ``view``."""
    if not search.uses_search(text):
        return text
    return search.expand(text, index_of(release, view).search, base)


def index(draft: Draft, fresh: Set[View]) -> None:
    """Make the index of every view of the draft; views in ``fresh`` take nothing over from the parent."""
    if not draft.is_changed():
        return
    for view in draft.views:
        _index(draft, view, view in fresh)
        draft.progress(f"index {view}")


def _index(draft: Draft, view: View, is_fresh: bool) -> None:
    path = index_path(draft.path, view)
    hidden = hidden_graphs(draft, view)
    facts = StoredFacts(draft.engines[view].store, hidden)
    changes = [c for c in draft.changes[view] if c.graph.value not in hidden]
    before = None if draft.parent is None else index_path(draft.parent.path, draft.parent.view_for(view))
    if is_fresh or before is None or not before.is_file() or not all(c.is_small for c in changes):
        search.build(path, search.documents(facts))
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(before, path)
    triples = (t for c in changes for t in (*c.added_triples(), *c.removed_triples()))
    touched = dict.fromkeys(t.subject for t in triples if t.predicate in SEARCHED)
    if touched:
        iris = [getattr(subject, "value", "") for subject in touched]
        search.update(path, iris, search.documents(facts, touched))
