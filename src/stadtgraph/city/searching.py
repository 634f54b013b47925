"""The full-text index of a release: one file per view, made from the parent's where little has changed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Set
from functools import lru_cache
from pathlib import Path

import pyoxigraph as ox

from stadtgraph import search
from stadtgraph.city.derive import hidden_graphs
from stadtgraph.release import Draft, Release, View, index_path
from stadtgraph.search import Index
from stadtgraph.search.documents import SEARCHED
from stadtgraph.store import all_graphs
from stadtgraph.terms import INFERRED, Term


def index_of(release: Release, view: View = View.PUBLIC) -> Index:
    """Give the index for those who may see ``view``."""
    path = index_path(release.path, release.view_for(view))
    return _opened(path, path.stat().st_mtime_ns if path.is_file() else 0)


@lru_cache(maxsize=8)
def _opened(path: Path, _written: int) -> Index:
    return Index(path)


def expanded(text: str, release: Release, view: View, base: str, *, marked: bool = False) -> str:
    """Give a query with its ``sg:search`` statements answered, for those who may see ``view``.

    ``marked`` has the query tell what was found, see :func:`stadtgraph.search.expand`.
    """
    if not search.uses_search(text):
        return text
    return search.expand(text, index_of(release, view).search, base, marked=marked)


class GraphFacts:
    """The triples of some graphs of a store by pattern, graph by graph: one in two graphs comes twice."""

    def __init__(self, store: ox.Store, hidden: Set[str]) -> None:
        """Look at the named graphs of ``store`` except the ``hidden`` ones."""
        self._store = store
        self._graphs = [ox.NamedNode(iri) for iri in sorted(all_graphs(store) - hidden)]

    def match(self, s: ox.NamedNode | None, p: ox.NamedNode | None, o: Term | None, /) -> Iterator[ox.Triple]:
        """Give the triples that fit the pattern."""
        for graph in self._graphs:
            for quad in self._store.quads_for_pattern(s, p, o, graph):
                yield quad.triple


def index(draft: Draft, fresh: Set[View]) -> None:
    """Make the index of every view of the draft; views in ``fresh`` take nothing over from the parent."""
    if not draft.is_changed():
        return
    for view in draft.views:
        _index(draft, view, view in fresh)
        draft.progress(f"index {view}")


def _index(draft: Draft, view: View, is_fresh: bool) -> None:
    path = index_path(draft.path, view)
    hidden = hidden_graphs(draft, view) - {draft.names.graph(INFERRED).value}
    facts = GraphFacts(draft.engines[view].store, hidden)
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
