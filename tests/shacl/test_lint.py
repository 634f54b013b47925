"""Shapes that would mean something else, or nothing, are refused with their name."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pyoxigraph as ox
import pytest

from stadtgraph import messages
from stadtgraph.errors import InputError, ShapeError
from stadtgraph.shacl import Shapes, lint, load_shapes

PREFIXES = """
@prefix : <http://x/> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix sh: <http://www.w3.org/ns/shacl#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""


def triples(turtle: str) -> list[ox.Triple]:
    """Parse Turtle with the prefixes of these tests."""
    text = PREFIXES + dedent(turtle)
    return [quad.triple for quad in ox.parse(text.encode(), format=ox.RdfFormat.TURTLE)]


FAULTS = [
    ("a misspelt parameter", ":S sh:path :p ; sh:minCout 1 .", "shape-unknown-term", "sh:minCount"),
    ("a misspelt class", ":S a sh:NodeShap ; sh:targetClass :C .", "shape-unknown-term", "sh:NodeShape"),
    ("JavaScript", ":S sh:targetClass :C ; sh:js :f .", "shape-script", "sh:js"),
    ("two paths", ":S sh:path :p, :q ; sh:minCount 1 .", "shape-two-paths", "<http://x/q>"),
    ("two values of minCount", ":S sh:path :p ; sh:minCount 1, 2 .", "shape-too-many", "sh:minCount"),
    ("a count that is a string", ":S sh:path :p ; sh:minCount 'x' .", "shape-bad-value", '"x"'),
    ("a negative count", ":S sh:path :p ; sh:maxCount -1 .", "shape-bad-value", "-1"),
    ("a flag that is a string", ":S sh:path :p ; sh:uniqueLang 'yes' .", "shape-bad-value", '"yes"'),
    ("a class that is a literal", ":S sh:path :p ; sh:class 'C' .", "shape-bad-value", "IRI"),
    ("an unknown kind of node", ":S sh:path :p ; sh:nodeKind sh:Iri .", "shape-bad-value", "sh:BlankNodeOrIRI"),
    ("a property shape without a path", ":S sh:property :P . :P sh:class :C .", "shape-no-path", "<http://x/P>"),
    ("a count on a node shape", ":S sh:targetClass :C ; sh:minCount 1 .", "shape-needs-path", "sh:minCount"),
    ("a closed property shape", ":S sh:path :p ; sh:closed true .", "shape-closed-property", "sh:node"),
    ("a list that is none", ":S sh:path :p ; sh:in :a .", "shape-bad-list", "sh:in"),
    (
        "a list that is a circle",
        ":S sh:path :p ; sh:in _:l . _:l rdf:first 1 ; rdf:rest _:l .",
        "shape-bad-list",
        "sh:in",
    ),
    (
        "a list with two first members",
        ":S sh:path :p ; sh:in _:l . _:l rdf:first 1, 2 ; rdf:rest () .",
        "shape-bad-list",
        "sh:in",
    ),
    ("alternatives that are no list", ":S sh:targetClass :C ; sh:or :A .", "shape-bad-list", "sh:or"),
    ("a sequence of one step", ":S sh:path ( :p ) ; sh:minCount 1 .", "shape-bad-path", "sh:path"),
    ("a path that is a literal", ":S sh:path 'p' ; sh:minCount 1 .", "shape-bad-path", "sh:path"),
    (
        "a path with two operators",
        ":S sh:path [ sh:inversePath :p ; sh:zeroOrMorePath :q ] .",
        "shape-bad-path",
        "sh:path",
    ),
    ("a look-ahead", ":S sh:path :p ; sh:pattern '^(?!x)' .", "shape-pattern-look", "^(?!x)"),
    ("a look-behind", ":S sh:path :p ; sh:pattern '(?<=a)b' .", "shape-pattern-look", "(?<=a)b"),
    ("a back-reference", r":S sh:path :p ; sh:pattern '(a)\\1' .", "shape-pattern-look", r"(a)\1"),
    ("an open bracket", ":S sh:path :p ; sh:pattern '(a' .", "shape-pattern", "(a"),
    ("an unknown flag", ":S sh:path :p ; sh:pattern 'a' ; sh:flags 'y' .", "shape-pattern", "a"),
    ("a shape that refers to itself", ":S sh:targetClass :C ; sh:node :S .", "shape-recursive", "http://x/S"),
    (
        "a circle of shapes",
        ":S sh:targetClass :C ; sh:property [ sh:path :p ; sh:or ( :T :U ) ] . :T sh:not :S .",
        "shape-recursive",
        "http://x/S",
    ),
    (
        "MINUS in a constraint",
        ":S sh:targetClass :C ; sh:sparql [ sh:select 'SELECT $this { MINUS { $this ?p ?o } }' ] .",
        "shape-query",
        "MINUS",
    ),
    (
        "SERVICE in a constraint",
        ":S sh:targetClass :C ; sh:sparql [ sh:select 'SELECT $this { SERVICE <http://x/> { $this ?p ?o } }' ] .",
        "shape-query",
        "SERVICE",
    ),
]


@pytest.mark.parametrize(("turtle", "key", "named"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS])
def test_a_fault_is_found_and_named(turtle: str, key: str, named: str) -> None:
    """Each line of the table gives exactly one problem, of the shape :S, told in both languages."""
    (problem,) = lint(triples(turtle))
    assert (problem.key, problem.shape) == (key, ox.NamedNode("http://x/S"))
    for lang in messages.LANGUAGES:
        assert named in problem.text(lang) and "http://x/S" in problem.text(lang)


SOUND = [
    ("look-around characters in a class or escaped", r":S sh:path :p ; sh:pattern '[(?!]a\\(\\?!' ."),
    ("an escaped backslash before a digit", r":S sh:path :p ; sh:pattern 'a\\\\1' ."),
    ("a shape that two others refer to", ":S sh:node :T ; sh:not :U ; sh:class :C . :U sh:node :T . :T sh:class :D ."),
    ("an own property on a shape", ":S a sh:NodeShape ; :gate true ; sh:targetClass :C ; rdfs:label 'S' ."),
    ("an empty list", ":S sh:targetClass :C ; sh:closed true ; sh:ignoredProperties () ."),
    ("a class as a shape", ":C a rdfs:Class, sh:NodeShape ; sh:property [ sh:path ( :p [ sh:inversePath :q ] ) ] ."),
    ("MINUS in a string", ":S sh:class :C ; sh:sparql [ sh:select \"SELECT $this { FILTER('MINUS' = '') }\" ] ."),
]


@pytest.mark.parametrize("turtle", [s[1] for s in SOUND], ids=[s[0] for s in SOUND])
def test_a_sound_shape_is_accepted(turtle: str) -> None:
    """No check complains about what the standard allows."""
    assert lint(triples(turtle)) == ()


def test_the_first_problem_is_raised_with_its_file(tmp_path: Path) -> None:
    """The error names file, shape and reason; the other problems are counted."""
    file = tmp_path / "units.ttl"
    file.write_text(PREFIXES + ":S sh:path :p, :q ; sh:minCount 'x' .", "utf-8")
    with pytest.raises(ShapeError) as caught:
        load_shapes([tmp_path], "http://x/")
    assert "units.ttl: <http://x/S>" in str(caught.value)
    assert caught.value.__notes__ == ["problems: 2"]


def test_malformed_rdf_is_refused_with_file_line_and_column(tmp_path: Path) -> None:
    """A syntax error says where it is."""
    file = tmp_path / "broken.ttl"
    file.write_text("@prefix : <http://x/> .\n:S :p :q\n:T :p :q .\n", "utf-8")
    with pytest.raises(ShapeError, match=r"broken\.ttl:3:\d+: not valid RDF"):
        load_shapes([file], "http://x/")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """No traceback for a wrong path."""
    with pytest.raises(InputError, match=r"absent\.ttl"):
        load_shapes([tmp_path / "absent.ttl"], "http://x/")


def test_problems_come_in_a_fixed_order() -> None:
    """The order of the triples does not matter."""
    stated = triples(":S sh:path :p, :q ; sh:minCout 1 . :R sh:path 'p' .")
    assert lint(stated) == lint(stated[::-1])
    assert [str(problem.shape) for problem in lint(stated)] == ["<http://x/R>", "<http://x/S>", "<http://x/S>"]


def test_the_official_shapes_pass(shared: Path) -> None:
    """The shapes of DCAT-AP.de 3.0 can be used as they are."""
    folder = shared / "reference/dcat-ap-de/shapes"
    assert len(load_shapes([folder / "dcat-ap-3.0.0", folder / "dcat-ap-de-3.0"], "http://x/")) >= 400


def test_shapes_can_be_given_as_triples() -> None:
    """For shapes that lie in a store."""
    assert len(Shapes(triples(":S sh:targetClass :C ; sh:property [ sh:path :p ] ."))) == 2
