"""Blank nodes get names from content and context: stable, distinct, the graph unchanged."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pyoxigraph as ox
import rdflib
import rdflib.compare
from hypothesis import given, settings
from hypothesis import strategies as st

from stadtgraph.sources import blank_again, skolemised
from stadtgraph.sources.skolem import hashes
from stadtgraph.terms import Names

NAMES = Names("https://example.org/")


def iri(name: str) -> ox.NamedNode:
    """Give an IRI."""
    return ox.NamedNode(f"urn:{name}")


terms = st.sampled_from([*(ox.BlankNode(label) for label in "abcdef"), iri("x"), iri("y")])
objects = terms | st.sampled_from([ox.Literal("1"), ox.Literal("2")])
graphs = st.lists(st.builds(ox.Triple, terms, st.sampled_from([iri("p"), iri("q")]), objects), max_size=14)


def named(triples: Iterable[ox.Triple]) -> set[ox.Triple]:
    """Give the set of skolemised triples."""
    return set(skolemised(triples, NAMES))


def as_rdflib(triples: Iterable[ox.Triple]) -> rdflib.Graph:
    """Give the graph in rdflib, for comparison."""
    text = "\n".join(f"{triple} ." for triple in triples)
    return rdflib.Graph().parse(data=text, format="nt")


def relabelled(triples: list[ox.Triple], order: random.Random) -> list[ox.Triple]:
    """Give the same graph with other labels and in another order."""
    labels = sorted({term.value for t in triples for term in (t.subject, t.object) if isinstance(term, ox.BlankNode)})
    new = [f"z{number}" for number in range(len(labels))]
    order.shuffle(new)
    table = dict(zip(labels, new, strict=True))

    def other(term: ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple) -> object:
        return ox.BlankNode(table[term.value]) if isinstance(term, ox.BlankNode) else term

    changed = [ox.Triple(other(t.subject), t.predicate, other(t.object)) for t in triples]  # type: ignore[arg-type]
    order.shuffle(changed)
    return changed


@given(graphs)
def test_the_graph_is_the_same_but_for_names(triples: list[ox.Triple]) -> None:
    """Without the names the graph is isomorphic to the one that came in (rdflib says so)."""
    found = named(triples)
    assert not any(isinstance(term, ox.BlankNode) for t in found for term in (t.subject, t.object))
    assert len(found) == len(set(triples))
    assert rdflib.compare.isomorphic(as_rdflib(triples), as_rdflib(blank_again(found, NAMES)))


@given(graphs, st.integers())
@settings(max_examples=300)
def test_labels_and_order_have_no_influence(triples: list[ox.Triple], seed: int) -> None:
    """Also in cycles and among twins."""
    assert named(relabelled(triples, random.Random(seed))) == named(triples)


@given(graphs, graphs)
def test_what_is_not_connected_keeps_its_names(triples: list[ox.Triple], more: list[ox.Triple]) -> None:
    """Another group of blank nodes renames none, if it looks different and hangs elsewhere."""
    mark = ox.Triple(ox.BlankNode("a"), iri("mark"), ox.Literal("new"))
    group = [mark, *(ox.Triple(ox.BlankNode("a"), iri("part"), ox.BlankNode(label)) for label in "bcdef")]
    other = [t for t in relabelled([*group, *more], random.Random(1)) if t.object not in (iri("x"), iri("y"))]
    assert named(triples) <= named([*triples, *other])


def item(label: str, value: str) -> list[ox.Triple]:
    """Give a blank node below a blank report, with a value and a part of its own."""
    node, part = ox.BlankNode(label), ox.BlankNode(f"{label}part")
    return [
        ox.Triple(ox.BlankNode("report"), iri("result"), node),
        ox.Triple(node, iri("value"), ox.Literal(value)),
        ox.Triple(node, iri("part"), part),
        ox.Triple(part, iri("of"), ox.Literal("same in all")),
    ]


def test_a_new_sibling_renames_no_other() -> None:
    """Of a report with results only the report itself gets another name, since it says more."""
    head = [ox.Triple(ox.BlankNode("report"), iri("date"), ox.Literal("2024-01-31"))]
    before = named([*head, *item("a", "1"), *item("b", "2")])
    after = named([*head, *item("a", "1"), *item("b", "2"), *item("c", "3")])
    lost = {str(t.predicate) for t in before - after}
    assert lost == {"<urn:result>", "<urn:date>"}


def test_the_same_content_in_two_contexts_has_two_names() -> None:
    """Two data sets with the same period; the period of one does not move when the other goes."""

    def period(owner: str) -> list[ox.Triple]:
        node = ox.BlankNode(owner)
        return [ox.Triple(iri(owner), iri("period"), node), ox.Triple(node, iri("end"), ox.Literal("2024"))]

    both = named([*period("x"), *period("y")])
    assert len(both) == 4
    assert named(period("x")) < both


def test_identical_twins_stay_two_and_a_third_changes_nothing() -> None:
    """The same node said twice is two nodes; the ordinal of a third comes after theirs."""

    def twins(count: int) -> list[ox.Triple]:
        return [
            triple
            for n in range(count)
            for triple in (
                ox.Triple(iri("x"), iri("part"), ox.BlankNode(f"b{n}")),
                ox.Triple(ox.BlankNode(f"b{n}"), iri("value"), ox.BlankNode(f"c{n}")),
                ox.Triple(ox.BlankNode(f"c{n}"), iri("is"), ox.Literal("1")),
            )
        ]

    assert len(named(twins(2))) == 6
    assert named(twins(2)) < named(twins(3))


def test_other_triples_pass_at_once() -> None:
    """Only what touches a blank node waits for the end."""
    ground = ox.Triple(iri("x"), iri("p"), iri("y"))
    blank = ox.Triple(iri("x"), iri("p"), ox.BlankNode("a"))
    stream = skolemised(iter([blank, ground]), NAMES)
    assert next(stream) == ground


def test_names_are_pinned() -> None:
    """A change of the algorithm renames every blank node of every city, so it must be meant."""
    found = hashes(
        [ox.Triple(iri("x"), iri("p"), ox.BlankNode("a")), ox.Triple(ox.BlankNode("a"), iri("q"), ox.Literal("1"))]
    )
    assert found == {"a": "8ec19bc9068984ffadf32bd4afc02976"}


def test_hard_and_large_graphs_end_soon() -> None:
    """Symmetric rings, complete graphs, long lists and thousands of twins take seconds, not hours."""

    def edges(pairs: Iterable[tuple[int, int]]) -> list[ox.Triple]:
        return [ox.Triple(ox.BlankNode(f"n{a}"), iri("p"), ox.BlankNode(f"n{b}")) for a, b in pairs]

    graphs = [
        edges((n, (n + 1) % 300) for n in range(300)),
        edges((a, b) for a in range(40) for b in range(40) if a != b),
        edges((n, n + 1) for n in range(20_000)),
        edges((0, n) for n in range(1, 10_000)),
    ]
    for triples in graphs:
        found = hashes(triples)
        assert len(set(found.values())) == len(found)
