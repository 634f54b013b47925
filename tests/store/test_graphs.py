"""Graphs are changed by difference and the merge stays a set union."""

from __future__ import annotations

from pathlib import Path

import pyoxigraph as ox
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtgraph.store import Dataset, OxigraphEngine, count, graphs, rebuild, spool, swap
from stadtgraph.terms import Names

NAMES = Names()
GRAPHS = [NAMES.source(name) for name in "abc"]
TRIPLES = [
    ox.Triple(ox.NamedNode(f"urn:s{i % 3}"), ox.NamedNode("urn:p"), ox.Literal(str(i), datatype=ox.NamedNode(dt)))
    for i in range(6)
    for dt in ("http://www.w3.org/2001/XMLSchema#integer", "http://www.w3.org/2001/XMLSchema#byte")
]
contents = st.lists(st.sampled_from(TRIPLES), max_size=8)


def _merge_of(store: ox.Store) -> set[ox.Triple]:
    return {
        q.triple for q in store if isinstance(q.graph_name, ox.NamedNode) and not NAMES.is_written(q.graph_name.value)
    }


@given(st.lists(st.tuples(st.sampled_from(GRAPHS), contents), max_size=8))
def test_the_default_graph_is_always_the_set_union_of_the_graphs(
    tmp_path_factory: pytest.TempPathFactory, swaps: list[tuple[ox.NamedNode, list[ox.Triple]]]
) -> None:
    """After any sequence of swaps the store equals one into which the last contents were loaded at once."""
    folder = tmp_path_factory.mktemp("swap")
    store, fresh = ox.Store(), ox.Store()
    for graph, content in swaps:
        swap(store, NAMES, graph, spool(content, folder, "x"), folder / "work")
    for graph, content in dict(swaps).items():
        swap(fresh, NAMES, graph, spool(content, folder, "x"), folder / "work")
    assert set(store) == set(fresh)
    assert {q.triple for q in store.quads_for_pattern(None, None, None, ox.DefaultGraph())} == _merge_of(store)


def test_a_swap_in_many_buckets_and_in_bulk_gives_what_a_small_one_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ways for large and small sources differ in cost alone."""
    monkeypatch.setattr(graphs, "BUCKET", 7)
    monkeypatch.setattr(graphs, "BULK", 3)
    graph = GRAPHS[0]
    store = ox.Store(str(tmp_path / "store"))
    old = [ox.Triple(ox.NamedNode(f"urn:{i}"), ox.NamedNode("urn:p"), ox.Literal(str(i))) for i in range(60)]
    new = old[10:] + [ox.Triple(t.subject, t.predicate, ox.Literal("new")) for t in old[:20]]
    swap(store, NAMES, graph, spool(old, tmp_path, "old"), tmp_path / "w1")
    change, _ = swap(store, NAMES, graph, spool(new + new, tmp_path, "new"), tmp_path / "w2", old_size=60)
    assert (change.added, change.removed) == (20, 10)
    assert {q.triple for q in store.quads_for_pattern(None, None, None, graph)} == set(new)
    assert count(store, graph) == len(set(new)) == 70
    assert set(change.added_triples()) == set(new) - set(old)
    assert set(change.removed_triples()) == set(old) - set(new)


def test_a_rebuilt_store_holds_no_byte_of_the_graph_left_out(tmp_path: Path) -> None:
    """Removing a graph is not enough: only a store that never held it is free of its literals."""
    secret, public = "Geheimnis-4711-nur-intern", "oeffentlich"
    store = ox.Store(str(tmp_path / "old"))
    p = ox.NamedNode("urn:p")
    swap(store, NAMES, GRAPHS[0], spool([ox.Triple(p, p, ox.Literal(secret * 3))], tmp_path, "s"), tmp_path / "w1")
    swap(store, NAMES, GRAPHS[1], spool([ox.Triple(p, p, ox.Literal(public * 3))], tmp_path, "p"), tmp_path / "w2")
    rebuild(store, tmp_path / "new", NAMES, lambda iri: iri != GRAPHS[0].value, tmp_path / "work")
    old_bytes, new_bytes = (b"".join(f.read_bytes() for f in (tmp_path / n).iterdir()) for n in ("old", "new"))
    assert secret.encode() in old_bytes
    assert secret.encode() not in new_bytes
    assert public.encode() in new_bytes


def test_a_query_sees_the_merge_once_and_never_written_graphs(tmp_path: Path) -> None:
    """A triple in two graphs counts once; literals as written are no part of any answer."""
    store = ox.Store(str(tmp_path / "s"))
    for graph in GRAPHS[:2]:
        swap(store, NAMES, graph, spool(TRIPLES, tmp_path, "x"), tmp_path / "w")
    del store
    engine = OxigraphEngine(tmp_path / "s", NAMES)
    assert engine.ask("ASK { ?s ?p 5 }")
    (row,) = engine.select("SELECT (COUNT(*) AS ?n) { ?s ?p ?o }")
    assert row["n"] == ox.Literal(6)
    seen = {row["g"] for row in engine.select("SELECT DISTINCT ?g { GRAPH ?g { ?s ?p ?o } }")}
    assert seen == set(GRAPHS[:2])
    narrow = Dataset(default=(GRAPHS[0],), named=())
    assert not engine.ask("ASK { GRAPH ?g { ?s ?p ?o } }", narrow)
    assert not engine.ask(f"ASK FROM <{NAMES.written(GRAPHS[0]).value}> {{ ?s ?p ?o }}", Dataset(default=(), named=()))
