"""All portions together find what one validation of everything finds, each result once."""

from __future__ import annotations

import nested_shapes as nested
import pyoxigraph as ox
import pytest
from hypothesis import HealthCheck, given, settings

from stadtgraph.reason import TripleIndex
from stadtgraph.shacl import ENGINES, Shapes, portions, results_of
from stadtgraph.shacl.portions import Portions

pytestmark = pytest.mark.skipif(not ENGINES["shacl"].is_there, reason="the package shacl has no wheel here")


def check(stated: list[ox.Triple], data: list[ox.Triple]) -> None:
    """Compare portions of one focus node, and of two and more, with all at once."""
    shapes, facts = Shapes(stated), TripleIndex(data)
    found = [result for portion in Portions(shapes).results(facts) for result in {r.key: r for r in portion}.values()]
    assert sorted(r.key for r in found) == sorted({r.key for r in results_of(list(facts), shapes)})


@pytest.fixture(autouse=True)
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin with portions of one node."""
    monkeypatch.setattr(portions, "FIRST", 1)
    monkeypatch.setattr(portions, "RESULTS", 2)


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(nested.shapes(), nested.data)
def test_portions_find_what_a_whole_validation_finds(stated: list[ox.Triple], data: list[ox.Triple]) -> None:
    """Shapes with nested parts, whose results come at values that focus nodes share."""
    check(stated, data)


@settings(max_examples=250, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(nested.queries(), nested.near_data)
def test_queries_are_answered_in_portions(stated: list[ox.Triple], data: list[ox.Triple]) -> None:
    """Queries that look far, and those that cannot be localised."""
    check(stated, data)
