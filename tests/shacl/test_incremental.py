"""What follows a change, as a report or as the results that went and came, equals a full validation."""

from __future__ import annotations

from collections import Counter

import nested_shapes as nested
import pyoxigraph as ox
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from stadtgraph.reason import TripleIndex
from stadtgraph.shacl import ENGINES, Incremental, Shapes

pytestmark = pytest.mark.skipif(not ENGINES["shacl"].is_there, reason="the package shacl has no wheel here")
Edits = list[tuple[list[ox.Triple], list[int]]]


def check(stated: list[ox.Triple], data: list[ox.Triple], edits: Edits) -> None:
    """Follow the edits one by one, and compare with a full validation after each."""
    audit = Incremental(Shapes(stated))
    facts = TripleIndex(data)
    report = audit.full(facts)
    for additions, places in edits:
        listed = list(facts)
        old = TripleIndex(listed)
        removed = list(dict.fromkeys(listed[i % len(listed)] for i in places)) if listed else []
        for triple in removed:
            facts.discard(triple)
        added = [t for t in dict.fromkeys(additions) if t not in set(facts)]
        for triple in added:
            facts.add(triple)
        both = set(added) & set(removed)
        before = Counter(map(shown, report.results))
        report = audit.update(facts, report, set(added) - both, set(removed) - both)
        after = Counter(map(shown, audit.full(facts).results))
        assert Counter(map(shown, report.results)) == after
        delta = audit.delta(old, facts, set(added) - both, set(removed) - both)
        if delta is not None:
            gone, came = Counter(map(shown, delta.before)), Counter(map(shown, delta.after))
            assert gone <= before
            assert before - gone + came == after


def shown(result: object) -> str:
    """Give all of a result."""
    return str(result)


@settings(max_examples=250, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(nested.shapes(), nested.data, nested.edits)
def test_a_followed_change_gives_the_full_report(stated: list[ox.Triple], data: list[ox.Triple], edits: Edits) -> None:
    """The same cases every time, so that a failure is a change."""
    check(stated, data, edits)


@settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(nested.queries(), nested.near_data, nested.near_edits)
def test_queries_and_far_shapes_are_followed(stated: list[ox.Triple], data: list[ox.Triple], edits: Edits) -> None:
    """Few nodes, many links, and edits that take several links of one way at once."""
    check(stated, data, edits)


@pytest.mark.slow
@settings(
    max_examples=3000,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # a failing case is told as it is: making it small takes long
    print_blob=True,
)
@given(nested.shapes(), nested.data, nested.edits)
def test_many_followed_changes_give_the_full_report(
    stated: list[ox.Triple], data: list[ox.Triple], edits: Edits
) -> None:
    """Other cases every time, to find what nobody thought of; about a minute."""
    check(stated, data, edits)
