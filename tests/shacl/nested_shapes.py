"""Random shapes that look far: nested, along paths of every kind, with queries; and edits of the data below them."""

from __future__ import annotations

import hostile_shapes as hostile
import pyoxigraph as ox
from hypothesis import strategies as st

PREFIXES = """
@prefix : <http://x/> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix sh: <http://www.w3.org/ns/shacl#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
: sh:declare [ sh:prefix "" ; sh:namespace "http://x/"^^xsd:anyURI ] ,
    [ sh:prefix "rdfs" ; sh:namespace "http://www.w3.org/2000/01/rdf-schema#"^^xsd:anyURI ] .
"""
PATHS = [
    ":p",
    ":q",
    ":r",
    "[ sh:inversePath :p ]",
    "[ sh:inversePath :r ]",
    "( :p :q )",
    "( :r [ sh:inversePath :p ] )",
]
PATHS += ["[ sh:alternativePath ( :p :r ) ]", "[ sh:zeroOrMorePath :r ]", "[ sh:oneOrMorePath [ sh:inversePath :r ] ]"]
PATHS += ["[ sh:zeroOrOnePath :r ]", "( :r [ sh:zeroOrMorePath :q ] )", "( [ sh:zeroOrOnePath :p ] rdf:type )"]
TARGETS = ["sh:targetClass :C", "sh:targetClass :D", "sh:targetNode :n1", "sh:targetNode :n2 , :n3", "a rdfs:Class"]
TARGETS += ["sh:targetSubjectsOf :p", "sh:targetObjectsOf :r", "sh:targetSubjectsOf :q ; sh:targetClass :C"]
SIMPLE = [
    "sh:nodeKind sh:IRI",
    "sh:class :C",
    "sh:class :D",
    "sh:hasValue :n1",
    "sh:in ( :n1 :n2 'a' )",
    "sh:pattern '^a'",
]
SIMPLE += ["sh:datatype xsd:integer", "sh:minLength 2", "sh:closed true", "sh:equals :q", "sh:disjoint :r"]
COUNTS = ["sh:minCount 1", "sh:maxCount 1", "sh:uniqueLang true", "sh:lessThan :q", "sh:lessThanOrEquals :p"]
AROUND = [
    "{ $this :p ?value . FILTER(isLiteral(?value)) }",
    "{ $this :r/:q ?value }",
    "{ $this ^:r ?x ; :q ?value . ?x :p ?value }",
    "{ $this :p ?value . FILTER NOT EXISTS { ?value a/rdfs:subClassOf* :C } }",
    "{ $this :r ?value . :n3 :q ?today . FILTER(sameTerm(?value, ?today)) }",
    "{ :n1 :p ?value . FILTER NOT EXISTS { $this :q ?value } }",
    "{ { $this :p ?value } UNION { $this :r ?y . ?y :q ?value } OPTIONAL { ?value :p ?z } FILTER(!BOUND(?z)) }",
    "{ $this :r+ ?value . ?value :r ?value }",
    "{ $this ?any ?value . ?other :q ?value . FILTER(?other != $this) }",
    "{ $this :p ?value . OPTIONAL { ?value :q ?y . FILTER EXISTS { ?y :r ?z } } FILTER(BOUND(?y)) }",
    "{ $this :r [ :q ?value ; !:p ?other ] }",
    "{ { SELECT $this (COUNT(?x) AS ?value) { $this :q ?x } GROUP BY $this HAVING (COUNT(?x) > 1) } }",
]
EVERYWHERE = [
    "{ $this a ?c . ?value :r ?other . FILTER(?other = $this) }",
    "{ { $this :p ?x } UNION { ?x :q ?y } ?value :r ?x }",
    "{ $this :p ?x . OPTIONAL { $this :q ?y } ?y :r ?value }",
    "{ $this :p ?x . { OPTIONAL { ?x :q ?value } } }",
    "{ $this :p ?x BIND(IRI(CONCAT(STR(?x), '')) AS ?y) ?y :q ?value }",
    "{ $this :p ?x . { SELECT $this ?z { ?z :q ?x } } ?z :r ?value }",
    "{ ?value ?any :n2 . $this a :C }",
]


def query(pattern: str) -> str:
    """Give a constraint with a query."""
    return f'sh:sparql [ sh:prefixes : ; sh:select """SELECT DISTINCT $this ?value {pattern}""" ]'


def _property(parts: tuple[str, list[str]]) -> str:
    constraints = ("sh:node [ sh:closed true ]" if part == "sh:closed true" else part for part in parts[1])
    return f"[ sh:path {parts[0]} ; {' ; '.join(constraints)} ]"


def _wider(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Give constraints that hold ``inner`` ones."""
    bodies = st.lists(inner, min_size=1, max_size=2)
    properties = st.tuples(
        st.sampled_from(PATHS), st.lists(st.one_of(inner, st.sampled_from(COUNTS)), min_size=1, max_size=2)
    )
    qualified = st.tuples(
        st.sampled_from(PATHS), inner, st.sampled_from(["", "; sh:qualifiedValueShapesDisjoint true"])
    )
    return st.one_of(
        properties.map(lambda parts: f"sh:property {_property(_single(parts))}"),
        properties.map(lambda parts: f"sh:node [ sh:property {_property(_single(parts))} ]"),
        bodies.map(lambda parts: f"sh:or ( {' '.join(f'[ {part} ]' for part in parts)} [ sh:class :D ] )"),
        inner.map(lambda part: f"sh:not [ {part} ]"),
        qualified.map(
            lambda q: (
                f"sh:property [ sh:path {q[0]} ; sh:qualifiedValueShape [ {q[1]} ] ; sh:qualifiedMinCount 1 {q[2]} ]"
            )
        ),
    )


def _single(parts: tuple[str, list[str]]) -> tuple[str, list[str]]:
    """Keep one constraint of each parameter."""
    return parts[0], list({part.split(" ")[0]: part for part in parts[1]}.values())


leaves = st.one_of(st.sampled_from(SIMPLE), st.sampled_from(AROUND).map(query))
bodies = st.recursive(leaves, _wider, max_leaves=5)
everywhere = st.sampled_from(EVERYWHERE).map(query)
shared = st.sampled_from(["sh:property :Shared", "sh:node :Common"])


@st.composite
def shapes(draw: st.DrawFn) -> list[ox.Triple]:
    """Draw one to three shapes with targets, which may share a shape."""
    text = PREFIXES + ":Shared sh:path :r ; sh:maxCount 1 ; sh:property [ sh:path :q ; sh:minCount 1 ] .\n"
    text += ":Common sh:property [ sh:path ( :p :r ) ; sh:maxCount 0 ] .\n"
    for i in range(draw(st.integers(1, 3))):
        target = draw(st.sampled_from(TARGETS))
        body = draw(st.one_of(*[bodies] * 6, shared, everywhere))
        more = draw(st.one_of(st.just(""), shared.map(lambda part: f" ; {part}")))
        name = ":D" if target == "a rdfs:Class" and i == 0 else f":S{i}"
        text += f"{name} a sh:NodeShape ; {target} ; {body}{more} .\n"
    return [quad.triple for quad in ox.parse(text.encode(), format=ox.RdfFormat.TURTLE)]


@st.composite
def queries(draw: st.DrawFn) -> list[ox.Triple]:
    """Draw one shape that is a query alone, or another one that reaches far."""
    body = draw(st.sampled_from([*map(query, [*AROUND, *AROUND, *EVERYWHERE]), *FAR]))
    text = PREFIXES + f":S a sh:NodeShape ; sh:targetClass :C , :D ; {body} ."
    return [quad.triple for quad in ox.parse(text.encode(), format=ox.RdfFormat.TURTLE)]


FAR = [
    "sh:property [ sh:path ( :p :q :r ) ; sh:maxCount 0 ]",
    "sh:property [ sh:path :p ; sh:property [ sh:path :q ; sh:property [ sh:path :r ; sh:maxCount 0 ] ] ]",
    "sh:property [ sh:path ( :p [ sh:zeroOrMorePath [ sh:inversePath :r ] ] ) ; sh:class :D ; "
    "sh:property [ sh:path :q ; sh:maxCount 0 ] ]",
    "sh:property [ sh:path :p ; sh:qualifiedValueShape [ sh:class :C ] ; sh:qualifiedValueShapesDisjoint true ; "
    "sh:qualifiedMinCount 1 ] , [ sh:path :q ; "
    "sh:qualifiedValueShape [ sh:property [ sh:path :r ; sh:minCount 1 ] ] ; sh:qualifiedMaxCount 1 ]",
]
NODES = [*hostile.NODES, hostile.name("n3"), hostile.name("n4")]
VALUES = [*hostile.LITERALS, *NODES, *NODES, *NODES, *NODES]
PROPERTIES = [hostile.name(p) for p in "pqrp"]
CLASSES = [*hostile.CLASSES, hostile.name("E")]
TYPE, BELOW = (
    ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type"),
    ox.NamedNode("http://www.w3.org/2000/01/rdf-schema#subClassOf"),
)
links = st.builds(ox.Triple, st.sampled_from(NODES), st.sampled_from(PROPERTIES), st.sampled_from(VALUES))
types = st.builds(ox.Triple, st.sampled_from(NODES), st.just(TYPE), st.sampled_from(CLASSES))
subclasses = st.builds(ox.Triple, st.sampled_from(CLASSES), st.just(BELOW), st.sampled_from(CLASSES))
triples = st.one_of(*[links] * 8, *[types] * 4)
data = st.tuples(
    st.lists(triples, min_size=12, max_size=30, unique=True), st.lists(subclasses, max_size=2, unique=True)
).map(lambda parts: [*parts[0], *parts[1]])
changes = st.one_of(*[st.lists(triples, max_size=2)] * 10, st.lists(subclasses, max_size=1))
edits = st.lists(st.tuples(changes, st.lists(st.integers(0, 60), min_size=1, max_size=2)), min_size=4, max_size=10)
near_links = st.builds(
    ox.Triple, st.sampled_from(NODES), st.sampled_from(PROPERTIES), st.sampled_from([*NODES, ox.Literal("a")])
)
near = st.one_of(*[near_links] * 4, types)
near_data = st.lists(near, min_size=20, max_size=40, unique=True)
near_edits = st.lists(
    st.tuples(st.lists(near, max_size=4), st.lists(st.integers(0, 60), max_size=6)), min_size=3, max_size=8
)
