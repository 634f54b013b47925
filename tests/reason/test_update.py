"""Keeping a closure after a change gives what inferring everything again gives."""

from __future__ import annotations

from collections.abc import Iterator

import pyoxigraph as ox
from hypothesis import given, settings
from hypothesis import strategies as st

from stadtgraph.reason import Facts, Rules, Subject, TripleIndex, compile_rules
from stadtgraph.terms import OWL, RDF, RDFS, Term

CLASSES = [ox.NamedNode(f"http://x/C{i}") for i in range(5)]
PROPERTIES = [ox.NamedNode(f"http://x/p{i}") for i in range(6)]
NODES = [*(ox.NamedNode(f"http://x/n{i}") for i in range(5)), ox.BlankNode("b")]
VALUES: list[Term] = [*NODES, ox.Literal("x"), ox.Literal(1)]


def _triple(s: list[ox.NamedNode], p: ox.NamedNode, o: list[ox.NamedNode]) -> st.SearchStrategy[ox.Triple]:
    return st.builds(ox.Triple, st.sampled_from(s), st.just(p), st.sampled_from(o))


AXIOMS = st.one_of(
    _triple(CLASSES, RDFS.subClassOf, CLASSES),
    _triple(CLASSES, OWL.equivalentClass, CLASSES),
    _triple(PROPERTIES, RDFS.subPropertyOf, PROPERTIES),
    _triple(PROPERTIES, RDFS.subPropertyOf, PROPERTIES),
    _triple(PROPERTIES, OWL.equivalentProperty, PROPERTIES),
    _triple(PROPERTIES, OWL.inverseOf, PROPERTIES),
    _triple(PROPERTIES, RDFS.domain, CLASSES),
    _triple(PROPERTIES, RDFS.range, CLASSES),
    _triple(PROPERTIES, RDF.type, [OWL.SymmetricProperty, OWL.TransitiveProperty, OWL.TransitiveProperty]),
)
LINKS = st.builds(ox.Triple, st.sampled_from(NODES), st.sampled_from(PROPERTIES), st.sampled_from(VALUES))
TYPES = st.builds(ox.Triple, st.sampled_from(NODES), st.just(RDF.type), st.sampled_from(CLASSES))
FACTS = st.one_of(LINKS, LINKS, LINKS, TYPES)
EDITS = st.lists(st.lists(FACTS, min_size=1, max_size=4), min_size=1, max_size=6)


def restricted(name: ox.NamedNode, p: ox.NamedNode, value: Term, number: int) -> list[ox.Triple]:
    """State that members of a class, and no others, have a value."""
    node = ox.BlankNode(f"restriction{number}")
    return [
        ox.Triple(name, OWL.equivalentClass, node),
        ox.Triple(node, OWL.onProperty, p),
        ox.Triple(node, OWL.hasValue, value),
    ]


def naive(rules: Rules, facts: TripleIndex) -> set[ox.Triple]:
    """Apply the axioms one at a time until nothing changes: slow and plain."""
    axioms, known = rules.axioms, set(facts)
    while True:
        new = set(_one_round(rules, known)) - known
        if not new:
            return (known | axioms.derived) - set(facts)
        known |= new


def _one_round(rules: Rules, known: set[ox.Triple]) -> list[ox.Triple]:
    axioms, new = rules.axioms, []
    for s, p, o in ((t.subject, t.predicate, t.object) for t in known):
        if p == RDF.type:
            new += [ox.Triple(s, p, c) for c in axioms.super_classes.get(o, ())]
            continue
        new += [ox.Triple(s, q, o) for q in axioms.super_properties.get(p, ())]
        new += [ox.Triple(s, RDF.type, c) for c in axioms.domains.get(p, ())]
        if not isinstance(o, ox.Literal):
            new += [ox.Triple(o, q, s) for q in axioms.inverses.get(p, ())]
            new += [ox.Triple(o, RDF.type, c) for c in axioms.ranges.get(p, ())]
            new += [ox.Triple(o, p, s)] if p in axioms.symmetric else []
        if p in axioms.transitive:
            new += [ox.Triple(s, p, t.object) for t in known if t.predicate == p and t.subject == o]
    new += [
        ox.Triple(t.subject, p, v)
        for c, p, v in axioms.forces
        for t in known
        if t.predicate == RDF.type and t.object == c
    ]
    new += [
        ox.Triple(t.subject, RDF.type, c)
        for p, v, c in axioms.recognises
        for t in known
        if t.predicate == p and t.object == v
    ]
    return new


@settings(max_examples=300, deadline=None)
@given(st.lists(AXIOMS, max_size=12), st.lists(FACTS, max_size=20))
def test_the_compiled_rules_derive_what_single_steps_derive(schema: list[ox.Triple], data: list[ox.Triple]) -> None:
    """Composing chains of axioms ahead of time loses nothing and adds nothing."""
    rules, facts = compile_rules(schema), TripleIndex(data)
    found = list(rules.infer(facts))
    assert set(found) == naive(rules, facts)
    assert len(found) == len(set(found))


@settings(max_examples=300, deadline=None)
@given(st.lists(AXIOMS, max_size=12), st.lists(FACTS, max_size=20), EDITS)
def test_an_updated_closure_equals_a_new_one(
    schema: list[ox.Triple], data: list[ox.Triple], edits: list[list[ox.Triple]]
) -> None:
    """After every edit of a random sequence the kept closure is that of the facts as they are."""
    _check_edits(compile_rules(schema), data, edits)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(AXIOMS, max_size=6),
    st.lists(
        st.tuples(st.sampled_from(CLASSES), st.sampled_from(PROPERTIES), st.sampled_from(VALUES)),
        min_size=1,
        max_size=2,
    ),
    st.lists(FACTS, max_size=12),
    EDITS,
)
def test_axioms_on_values_keep_the_closure_exact(
    schema: list[ox.Triple],
    values: list[tuple[ox.NamedNode, ox.NamedNode, Term]],
    data: list[ox.Triple],
    edits: list[list[ox.Triple]],
) -> None:
    """The same with owl:hasValue, whose conclusions feed every other rule."""
    stated = [triple for number, value in enumerate(values) for triple in restricted(*value, number)]
    rules = compile_rules([*schema, *stated])
    assert set(rules.infer(TripleIndex(data))) == naive(rules, TripleIndex(data))
    _check_edits(rules, data, edits)


def _check_edits(rules: Rules, data: list[ox.Triple], edits: list[list[ox.Triple]]) -> None:
    facts = TripleIndex(data)
    inferred = TripleIndex(rules.infer(facts))
    for edit in edits:
        removed = {t for t in edit if t in set(facts)}
        added = set(edit) - removed
        for triple in removed:
            facts.discard(triple)
        for triple in added:
            facts.add(triple)
        to_add, to_remove = rules.update(facts, inferred, added, removed)
        assert not set(to_add) & set(inferred) and set(to_remove) <= set(inferred)
        for triple in to_remove:
            inferred.discard(triple)
        for triple in to_add:
            inferred.add(triple)
        assert set(inferred) == set(rules.infer(facts))


@settings(max_examples=150, deadline=None)
@given(st.lists(AXIOMS, max_size=10), st.lists(FACTS, max_size=12))
def test_every_inferred_triple_has_an_explanation_of_asserted_triples(
    schema: list[ox.Triple], data: list[ox.Triple]
) -> None:
    """A proof starts at facts, and the facts it names alone entail the conclusion."""
    rules, facts = compile_rules(schema), TripleIndex(data)
    for triple in set(rules.infer(facts)) - rules.axioms.derived:
        proof = rules.explain(triple, facts)
        used = [t for premise in proof if premise.rule == "asserted" for t in premise.triples]
        assert used and all(t in set(facts) for t in used)
        assert triple in set(rules.infer(TripleIndex(used)))


class Counting:
    """Facts that count the questions and the triples that are read of the answers."""

    def __init__(self, facts: TripleIndex) -> None:
        self.facts, self.effort = facts, 0

    def match(self, s: Subject | None, p: ox.NamedNode | None, o: Term | None, /) -> Iterator[ox.Triple]:
        """Count and pass on, one triple at a time."""
        self.effort += 1
        for triple in self.facts.match(s, p, o):
            self.effort += 1
            yield triple


def _effort(size: int) -> int:
    part, kind = PROPERTIES[0], PROPERTIES[1]
    rules = compile_rules([
        ox.Triple(part, RDF.type, OWL.TransitiveProperty),
        ox.Triple(part, RDFS.domain, CLASSES[0]),
        ox.Triple(kind, RDFS.range, CLASSES[1]),
    ])  # fmt: skip
    nodes = [ox.NamedNode(f"http://x/leaf{i}") for i in range(size)]
    city, hub = NODES[0], NODES[1]
    facts = TripleIndex(
        [
            ox.Triple(hub, part, city),
            *(ox.Triple(n, part, hub) for n in nodes),
            *(ox.Triple(n, kind, NODES[2]) for n in nodes),
        ]
    )
    inferred = TripleIndex(rules.infer(facts))
    changed = [ox.Triple(nodes[7], part, hub), ox.Triple(nodes[7], kind, NODES[2])]
    for triple in changed:
        facts.discard(triple)
    seen_facts, seen_inferred = Counting(facts), Counting(inferred)
    rules.update(seen_facts, seen_inferred, [], changed)
    return seen_facts.effort + seen_inferred.effort


def test_an_update_reads_the_neighbourhood_of_the_change_alone() -> None:
    """Removing one leaf of a hub with 100 or with 2,000 leaves reads about the same number of triples."""
    assert _effort(2000) <= _effort(100) + 10


def test_any_finder_of_triples_serves_as_facts() -> None:
    """The protocol asks for one method."""
    facts: Facts = Counting(TripleIndex())
    assert list(compile_rules([]).infer(facts)) == []
