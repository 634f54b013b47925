"""A derivation is told step by step: every conclusion follows by its rule from earlier ones, down to stated triples."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pyoxigraph as ox
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reason.test_rules import triples
from reason.test_update import AXIOMS, FACTS
from stadtgraph.reason import ASSERTED, Step, TripleIndex, compile_rules, is_axiom
from stadtgraph.terms import OWL, RDF, RDFS

HIERARCHY = (
    ":C rdfs:subClassOf :D . :D owl:equivalentClass :E . :F owl:equivalentClass :E . :F rdfs:subClassOf :G . "
    ":p rdfs:subPropertyOf :q . :q owl:inverseOf :r . :r rdfs:domain :C ."
)


def told(schema: str, data: str, goal: str) -> list[str]:
    """Derive a triple; give each step as its rule and the numbers of the steps it uses."""
    (wanted,) = triples(goal)
    found = compile_rules(triples(schema)).derive(wanted, TripleIndex(triples(data)))
    assert not found or found[-1].conclusion == wanted
    return [" ".join((step.rule, *map(str, step.uses))) for step in found]


DERIVATIONS = [
    ("what is stated", "", ":a :p :b .", ":a :p :b .", ["asserted"]),
    ("what does not follow", ":p rdfs:domain :C .", ":a :p :b .", ":b a :C .", []),
    (
        "a type along properties and classes",
        HIERARCHY,
        ":a :p :b .",
        ":b a :D .",
        [
            "asserted",
            "asserted",
            "rdfs7 0 1",
            "asserted",
            "prp-inv 2 3",
            "asserted",
            "rdfs2 4 5",
            "asserted",
            "rdfs9 6 7",
        ],
    ),
    (
        "an axiom that itself follows",
        HIERARCHY,
        ":a a :C .",
        ":a a :G .",
        [
            *("asserted", "asserted", "asserted", "scm-eqc1 2", "asserted", "scm-eqc1 4", "asserted"),
            *("rdfs11 1 3 5 6", "rdfs9 0 7"),
        ],
    ),
    (
        "a triple of the hierarchy",
        HIERARCHY,
        "",
        ":C rdfs:subClassOf :E .",
        ["asserted", "asserted", "scm-eqc1 1", "rdfs11 0 2"],
    ),
    (
        "a chain, read backwards",
        ":p a owl:TransitiveProperty ; owl:inverseOf :q .",
        ":a :p :b . :c :q :b .",
        ":c :q :a .",
        [
            *("asserted", "asserted", "asserted", "prp-inv 2", "prp-inv 1 3"),
            *("asserted", "prp-trp 0 4 5", "prp-inv 6 2"),
        ],
    ),
    (
        "an inverse stated the other way round",
        ":q owl:inverseOf :p .",
        ":a :p :b .",
        ":b :q :a .",
        ["asserted", "asserted", "prp-inv 1", "prp-inv 0 2"],
    ),
    (
        "a part of an intersection",
        ":C owl:equivalentClass [ owl:intersectionOf ( :D :E ) ] .",
        ":a a :C .",
        ":a a :E .",
        ["asserted", "asserted", "scm-eqc1 1", "asserted", "scm-int 3", "rdfs11 2 4", "rdfs9 0 5"],
    ),
]


@pytest.mark.parametrize(
    ("schema", "data", "goal", "expected"), [d[1:] for d in DERIVATIONS], ids=[d[0] for d in DERIVATIONS]
)
def test_a_derivation_is_told_step_by_step(schema: str, data: str, goal: str, expected: list[str]) -> None:
    """Each line of the table: axioms, facts, a conclusion, and the steps that lead to it."""
    assert told(schema, data, goal) == expected


def follows(step: Step, known: Sequence[Step]) -> bool:
    """Check one step by its rule, written down anew from the standards."""
    used = [known[i].conclusion for i in step.uses]
    s, p, o = step.conclusion.subject, step.conclusion.predicate, step.conclusion.object
    rule = step.rule
    if rule == "prp-trp":
        *links, axiom = used
        connected = all(a.object == b.subject for a, b in pairwise(links))
        same = {t.predicate for t in links} == {p} and axiom == ox.Triple(p, RDF.type, OWL.TransitiveProperty)
        return connected and same and (links[0].subject, links[-1].object) == (s, o)
    if rule in ("rdfs5", "rdfs11"):
        connected = all(a.object == b.subject for a, b in pairwise(used))
        return connected and {t.predicate for t in used} == {p} and (used[0].subject, used[-1].object) == (s, o)
    if rule in ("scm-eqc1", "scm-eqp1"):
        return {used[0].subject, used[0].object} == {s, o} and "equivalent" in used[0].predicate.value
    if rule == "scm-eqc2":
        return {used[0].subject, used[0].object} == {s, o}
    if rule == "prp-inv" and len(used) == 1:
        return used[0] == ox.Triple(o, OWL.inverseOf, s)  # type: ignore[arg-type]
    fact, axiom = used
    before = (fact.subject, fact.predicate, fact.object)
    expected: dict[str, tuple[tuple[object, ...], ox.Triple]] = {
        "rdfs2": ((s, axiom.subject, fact.object), ox.Triple(fact.predicate, RDFS.domain, o)),
        "rdfs3": ((fact.subject, axiom.subject, s), ox.Triple(fact.predicate, RDFS.range, o)),
        "rdfs7": ((s, axiom.subject, o), ox.Triple(fact.predicate, RDFS.subPropertyOf, p)),
        "rdfs9": ((s, RDF.type, axiom.subject), ox.Triple(axiom.subject, RDFS.subClassOf, o)),
        "prp-inv": ((o, axiom.subject, s), ox.Triple(fact.predicate, OWL.inverseOf, p)),
        "prp-symp": ((o, p, s), ox.Triple(p, RDF.type, OWL.SymmetricProperty)),
    }
    return (before, axiom) == expected[rule]


@settings(max_examples=80, deadline=None)
@given(st.lists(AXIOMS, max_size=10), st.lists(FACTS, max_size=12))
def test_every_step_follows_from_earlier_ones(schema: list[ox.Triple], data: list[ox.Triple]) -> None:
    """Every inference is led down to stated triples by steps that hold; what is stated as an axiom is one."""
    rules, facts = compile_rules(schema), TripleIndex(data)
    axioms = {t for t in schema if is_axiom(t)}
    for goal in rules.infer(facts):
        found = rules.derive(goal, facts)
        assert found and found[-1].conclusion == goal
        for number, step in enumerate(found):
            assert all(i < number for i in step.uses)
            if step.rule == ASSERTED:
                assert step.conclusion in set(facts) | axioms
            else:
                assert follows(step, found), (step, found)
