"""How far shapes look: what is followed around a node, and what must be evaluated in full."""

from __future__ import annotations

from pathlib import Path

import nested_shapes as nested
import pyoxigraph as ox
import pytest
from hostile_shapes import name

from stadtgraph.reason import TripleIndex
from stadtgraph.shacl import Incremental, Shapes, load_shapes
from stadtgraph.terms import RDF

ROOT = Path(__file__).resolve().parents[2]


def audit(body: str) -> Incremental:
    """Give the reach of one shape of class C."""
    text = nested.PREFIXES + f":S a sh:NodeShape ; sh:targetClass :C ; {body} ."
    return Incremental(Shapes([quad.triple for quad in ox.parse(text.encode(), format=ox.RdfFormat.TURTLE)]))


@pytest.mark.parametrize("pattern", nested.AROUND)
def test_a_query_that_hangs_on_this_is_followed(pattern: str) -> None:
    """Through variables that are certain to be bound, along paths of any kind."""
    assert audit(nested.query(pattern)).in_full == {}


@pytest.mark.parametrize("pattern", nested.EVERYWHERE)
def test_a_query_that_may_look_anywhere_is_evaluated_in_full(pattern: str) -> None:
    """Bound by an option, by an assignment, in another branch, or not at all."""
    assert audit(nested.query(pattern)).in_full == {"<http://x/S>": "sh:sparql"}


@pytest.mark.parametrize(
    "pattern",
    [
        "{ GRAPH $shapesGraph { $this ?p ?value } }",
        "{ $this unknown:p ?value }",
        "{ $this :p ( ?value ) }",
        "{ $this $PATH ?value }",
    ],
)
def test_what_is_not_read_is_evaluated_in_full_over_everything(pattern: str) -> None:
    """Named graphs, unknown prefixes, lists, the path of a shape that has none."""
    found = audit(nested.query(pattern))
    assert list(found.in_full) == ["<http://x/S>"]
    assert all(root.predicates is None for root in found.reach.roots)


def test_what_a_query_does_not_look_at_does_not_make_it_run() -> None:
    """A root that is evaluated in full still carries over where no predicate of its own changed."""
    found = audit(nested.query(nested.EVERYWHERE[1]))
    assert found.reach.roots[0].predicates is not None
    facts = TripleIndex([ox.Triple(name("a"), RDF.type, name("C"))])
    other = ox.Triple(name("a"), name("unrelated"), name("b"))
    facts.add(other)
    before = found.full(facts)
    assert found.update(_Guarded(facts), before, [other], []) == before


class _Guarded:
    """Facts that must not be read from end to end."""

    def __init__(self, facts: TripleIndex) -> None:
        self.facts = facts

    def match(
        self, s: ox.NamedNode | ox.BlankNode | ox.Triple | None, p: ox.NamedNode | None, o: object, /
    ) -> list[ox.Triple]:
        """Give what fits, unless everything is asked for."""
        assert s is not None or o is not None
        return self.facts.match(s, p, o)  # type: ignore[arg-type]


def test_a_change_is_followed_without_reading_everything() -> None:
    """Far paths, inverse ones, classes: only what lies around the change is looked up."""
    found = audit("sh:property [ sh:path ( :p [ sh:inversePath :q ] ) ; sh:class :D ; sh:maxCount 1 ]")
    facts = TripleIndex(
        [
            ox.Triple(name("a"), RDF.type, name("C")),
            ox.Triple(name("a"), name("p"), name("x")),
            ox.Triple(name("b"), name("q"), name("x")),
        ]
    )
    before = found.full(facts)
    change = ox.Triple(name("b"), RDF.type, name("D"))
    facts.add(change)
    after = found.update(_Guarded(facts), before, [change], [])
    assert len(before) == 1 and after.conforms


def test_the_shapes_of_this_product_can_all_be_followed() -> None:
    """A saved record is checked at once, so no shape of the product may need everything."""
    shapes = load_shapes([ROOT / "shapes"], "https://stadtgraph.example/jena/")
    assert Incremental(shapes).in_full == {}
