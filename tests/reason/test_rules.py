"""What each rule derives, and what is left out."""

from __future__ import annotations

from textwrap import dedent

import pyoxigraph as ox
import pytest

from stadtgraph.reason import TripleIndex, compile_rules, is_axiom

PREFIXES = """
@prefix : <http://x/> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""


def triples(turtle: str) -> list[ox.Triple]:
    """Parse Turtle with the prefixes of these tests."""
    text = PREFIXES + dedent(turtle)
    return [quad.triple for quad in ox.parse(text.encode(), format=ox.RdfFormat.TURTLE)]


def inferred(schema: str, data: str) -> set[ox.Triple]:
    """Infer from data, the schema itself not among the facts."""
    rules = compile_rules(triples(schema))
    found = list(rules.infer(TripleIndex([*triples(schema), *triples(data)])))
    assert len(found) == len(set(found)), "a triple is given twice"
    return set(found)


RULES = [
    ("rdfs2: the domain types the subject", ":p rdfs:domain :C .", ":a :p 1 .", ":a a :C ."),
    ("rdfs3: the range types the object", ":p rdfs:range :C .", ":a :p :b .", ":b a :C ."),
    ("rdfs3: a literal is never typed", ":p rdfs:range :C .", ":a :p 1 .", ""),
    ("a range that is a datatype types nothing", ":p rdfs:range xsd:date, rdfs:Literal .", ":a :p :b .", ""),
    ("a declared datatype types nothing", ":p rdfs:range :D . :D a rdfs:Datatype .", ":a :p :b .", ""),
    (
        "rdfs5: subproperties chain",
        ":p rdfs:subPropertyOf :q . :q rdfs:subPropertyOf :r .",
        "",
        ":p rdfs:subPropertyOf :r .",
    ),
    ("rdfs7: a subproperty entails its superproperty", ":p rdfs:subPropertyOf :q .", ":a :p 1 .", ":a :q 1 ."),
    ("rdfs7: a name entails a label", ":p rdfs:subPropertyOf rdfs:label .", ":a :p 'x'@de .", ":a rdfs:label 'x'@de ."),
    ("rdfs9: a member of a class is one of its superclass", ":C rdfs:subClassOf :D .", ":a a :C .", ":a a :D ."),
    ("rdfs11: subclasses chain", ":C rdfs:subClassOf :D . :D rdfs:subClassOf :E .", "", ":C rdfs:subClassOf :E ."),
    ("prp-inv: an inverse reads both ways", ":p owl:inverseOf :q .", ":a :p :b . :c :q :d .", ":b :q :a . :d :p :c ."),
    ("prp-inv: a literal is no subject", ":p owl:inverseOf :q .", ":a :p 1 .", ""),
    ("prp-symp: a symmetric property reads both ways", ":p a owl:SymmetricProperty .", ":a :p :b .", ":b :p :a ."),
    ("prp-trp: a chain is a link", ":p a owl:TransitiveProperty .", ":a :p :b . :b :p :c .", ":a :p :c ."),
    (
        "prp-trp: a cycle leads back",
        ":p a owl:TransitiveProperty .",
        ":a :p :b . :b :p :a .",
        ":a :p :a . :b :p :b .",
    ),
    (
        "the inverse of a transitive property follows its chains",
        ":p a owl:TransitiveProperty ; owl:inverseOf :q .",
        ":a :p :b . :c :q :b .",
        ":b :q :a . :b :p :c . :a :p :c . :c :q :a .",
    ),
    (
        "a subproperty of a transitive property makes links of it",
        ":p rdfs:subPropertyOf :t . :t a owl:TransitiveProperty ; rdfs:subPropertyOf :u .",
        ":a :p :b . :b :t :c .",
        ":a :t :b . :a :t :c . :a :u :b , :c . :b :u :c . :p rdfs:subPropertyOf :u .",
    ),
    (
        "cax-eqc: equivalent classes have the same members",
        ":C owl:equivalentClass :D .",
        ":a a :C . :b a :D .",
        ":C rdfs:subClassOf :D . :D rdfs:subClassOf :C ; owl:equivalentClass :C . :a a :D . :b a :C .",
    ),
    (
        "prp-eqp: equivalent properties hold together",
        ":p owl:equivalentProperty :q .",
        ":a :p 1 .",
        ":p rdfs:subPropertyOf :q . :q rdfs:subPropertyOf :p ; owl:equivalentProperty :p . :a :q 1 .",
    ),
    (
        "domain and range go with inverses, subproperties and superclasses",
        ":p rdfs:subPropertyOf :q . :q owl:inverseOf :r . :r rdfs:domain :C . :C rdfs:subClassOf :D .",
        ":a :p :b .",
        ":a :q :b . :b :r :a ; a :C , :D .",
    ),
    (
        "cls-hv1: a class forces a value",
        ":C rdfs:subClassOf [ owl:onProperty :p ; owl:hasValue :v ] . :p rdfs:range :D .",
        ":a a :C .",
        ":a :p :v . :v a :D .",
    ),
    (
        "cls-hv2: a value makes a member",
        ":C owl:equivalentClass [ owl:onProperty :p ; owl:hasValue :v ] . :C rdfs:subClassOf :D .",
        ":a :p :v . :b :p :w .",
        ":a a :C , :D .",
    ),
    ("owl:Thing and rdfs:Resource are not derived", ":C rdfs:subClassOf owl:Thing, rdfs:Resource .", ":a a :C .", ""),
    ("what is asserted is not inferred", ":p rdfs:domain :C ; rdfs:subPropertyOf :q .", ":a :p 1 ; :q 1 ; a :C .", ""),
    ("an axiom on rdf:type is passed over", ":p rdfs:subPropertyOf rdf:type .", ":a :p :C .", ""),
    (
        "a member of an intersection is one of each part",
        ":C owl:equivalentClass [ owl:intersectionOf ( :D :E ) ] .",
        ":a a :C .",
        ":C rdfs:subClassOf :D , :E . :a a :D , :E .",
    ),
]


@pytest.mark.parametrize(("schema", "data", "expected"), [r[1:] for r in RULES], ids=[r[0] for r in RULES])
def test_a_rule_derives_exactly(schema: str, data: str, expected: str) -> None:
    """Each line of the table: axioms, facts, and all that is derived from them."""
    assert inferred(schema, data) == set(triples(expected))


def test_no_axioms_derive_nothing() -> None:
    """Data without an ontology stay as they are."""
    assert inferred("", ":a :p :b ; a :C .") == set()


def test_a_derivation_is_explained_by_its_axioms_and_facts() -> None:
    """The proof of a type names the asserted triple, then each axiom in the order of its use."""
    schema = triples(":p rdfs:subPropertyOf :q . :q owl:inverseOf :r . :r rdfs:domain :C . :C rdfs:subClassOf :D .")
    rules, facts = compile_rules(schema), TripleIndex(triples(":a :p :b ."))
    (goal,) = triples(":b a :D .")
    assert [premise.rule for premise in rules.explain(goal, facts)] == [
        "asserted",
        "rdfs7",
        "prp-inv",
        "rdfs2",
        "rdfs9",
    ]


def test_a_chain_is_explained_link_by_link() -> None:
    """The proof of a transitive link names every link of a shortest chain."""
    rules = compile_rules(triples(":p a owl:TransitiveProperty ; owl:inverseOf :q ."))
    facts = TripleIndex(triples(":a :p :b . :c :q :b . :a :p :x ."))
    (goal,) = triples(":c :q :a .")
    proof = rules.explain(goal, facts)
    assert [premise.rule for premise in proof] == ["asserted", "asserted", "prp-inv", "prp-trp", "prp-inv"]
    assert proof[0].triples == tuple(triples(":a :p :b ."))


def test_what_does_not_follow_has_no_explanation() -> None:
    """No proof is made up."""
    rules = compile_rules(triples(":p a owl:TransitiveProperty ; rdfs:domain :C ."))
    facts = TripleIndex(triples(":a :p :b . :c :p :d ."))
    assert [rules.explain(goal, facts) for goal in triples(":a :p :d . :b a :C . :a :q :b .")] == [[], [], []]


def test_the_same_axioms_are_compiled_once() -> None:
    """Labels and data among the schema make no other rules."""
    schema = ":C rdfs:subClassOf :D ."
    assert compile_rules(triples(schema)) is compile_rules(triples(schema + ":C rdfs:label 'C' . :a a :C ."))


def test_a_change_of_axioms_is_recognised() -> None:
    """Subclass triples and kinds of properties ask for new rules; facts do not."""
    assert all(map(is_axiom, triples(":C rdfs:subClassOf :D . :p a owl:TransitiveProperty .")))
    assert not any(map(is_axiom, triples(":a a :C . :a :p :b .")))
