"""Shapes that the fast engine is given otherwise than they are stated: with the same meaning, and in linear time."""

from __future__ import annotations

from unittest.mock import patch

import nested_shapes as nested
import pyoxigraph as ox
import pytest
from hypothesis import HealthCheck, given, settings

from stadtgraph.shacl import ENGINES, Shapes, fast, validate
from stadtgraph.shacl.conditions import CLASS, with_lean_conditions
from stadtgraph.shacl.graph import ShapesGraph
from stadtgraph.shacl.words import SHAPE_LISTS
from stadtgraph.terms import SH

only_with_engine = pytest.mark.skipif(not ENGINES["shacl"].is_there, reason="shacl is not installed")

CONDITIONS = """
:S a sh:NodeShape ; sh:targetClass :C ; sh:class :D ; sh:node :Other ; sh:or ( [ sh:class :D ] :Other ) ;
    sh:property [ sh:path :p ; sh:class :D ; sh:qualifiedValueShape [ sh:class :C ] ; sh:qualifiedMinCount 1 ] .
:Other sh:targetClass :E ; sh:not [ sh:class :C ; sh:severity sh:Warning ] ; sh:message "other"@en ;
    sh:property [ sh:path :q ; sh:class :D ; sh:minCount 1 ] .
"""


def read(turtle: str) -> list[ox.Triple]:
    """Parse Turtle with the prefixes of these tests."""
    return [q.triple for q in ox.parse((nested.PREFIXES + turtle).encode(), format=ox.RdfFormat.TURTLE)]


def compare(stated: list[ox.Triple], data: list[ox.Triple]) -> None:
    """Fail where the engine finds anything else with the shapes as they are stated."""
    shapes = Shapes(stated)
    if with_lean_conditions(shapes.graph) is shapes.graph:
        return
    lean = validate(data, shapes, using="shacl")
    with patch.object(fast, "with_lean_conditions", lambda graph: graph):
        assert lean == validate(data, Shapes(stated), using="shacl")


@only_with_engine
@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(nested.shapes(), nested.data)
def test_rewritten_shapes_find_what_the_stated_ones_do(stated: list[ox.Triple], data: list[ox.Triple]) -> None:
    """Result for result, with component, value, severity and source."""
    compare(stated, data)


@pytest.mark.slow
@only_with_engine
@settings(max_examples=2500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(nested.shapes(), nested.data)
def test_many_rewritten_shapes_find_what_the_stated_ones_do(stated: list[ox.Triple], data: list[ox.Triple]) -> None:
    """Other cases every time."""
    compare(stated, data)


def test_no_condition_asks_for_a_class_and_what_is_reported_still_does() -> None:
    """A shape that is both a target and a condition is there twice: as it was, and as a condition without a target."""
    stated = Shapes(read(CONDITIONS)).graph
    lean = with_lean_conditions(stated)
    assert {t.subject for t in lean.triples if t.predicate == CLASS} <= {
        t.subject for t in stated.triples if t.predicate == CLASS
    }
    agenda = [t.object for t in lean.triples if t.predicate in (SH.node, SH.term("not"), SH.qualifiedValueShape)]
    for triple in lean.triples:
        if triple.predicate in SHAPE_LISTS:
            agenda += lean.members(triple.object)
    reported = {s for s in stated.subjects() if stated.objects(s, SH.targetClass)}
    for shape in agenda:  # which grows meanwhile
        assert shape not in reported and not lean.objects(shape, CLASS) and not lean.objects(shape, SH.targetClass)
        agenda += lean.objects(shape, SH.property)
    assert any(str(t.predicate) == str(CLASS) and t.subject in reported for t in lean.triples)


@pytest.mark.parametrize(
    "stated",
    [
        ":S sh:targetClass :C ; sh:class :D ; sh:node [ sh:nodeKind sh:IRI ] .",
        ":S sh:targetClass :C ; sh:not [ sh:class :D ; "
        'sh:sparql [ sh:select "SELECT $this { $currentShape :p $this }" ] ] .',
        ":S sh:targetClass :C ; sh:property [ sh:path :p ; sh:qualifiedValueShape [ sh:class :D ] ; "
        "sh:qualifiedMinCount 1 ; sh:qualifiedValueShapesDisjoint true ] .",
    ],
    ids=["no class in a condition", "a query that looks at the shape", "shapes that exclude each other"],
)
def test_some_shapes_stay_as_they_are(stated: str) -> None:
    """Where nothing is gained, or where a copy could mean something else."""
    graph = ShapesGraph(read(stated))
    assert with_lean_conditions(graph) is graph
