"""What decides who answers is read whole where that is worth it, and asked for one by one where it is not."""

from __future__ import annotations

from collections.abc import Iterable

import pyoxigraph as ox
import pytest

from stadtgraph.audit import deciding
from stadtgraph.audit.deciding import Deciding
from stadtgraph.reason import TripleIndex
from stadtgraph.terms import DCAT, RDF, Term

Node = ox.NamedNode | ox.BlankNode


def node(name: str) -> ox.NamedNode:
    """Give a node."""
    return ox.NamedNode(f"https://x/{name}")


class Counted:
    """Triples that count how often a property is read whole, and how many triples are taken."""

    def __init__(self, triples: Iterable[ox.Triple]) -> None:
        """Hold ``triples``."""
        self._facts = TripleIndex(triples)
        self.whole = self.taken = 0

    def match(self, s: Node | ox.Triple | None, p: ox.NamedNode | None, o: Term | None, /) -> Iterable[ox.Triple]:
        """Give the triples that fit the pattern."""
        self.whole += s is None and o is None
        for triple in self._facts.match(s, p, o):  # type: ignore[arg-type]
            self.taken += 1
            yield triple


@pytest.mark.parametrize("distributions", [10, 2_000])
def test_answers_are_those_of_the_facts(distributions: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """From both ends, before a property was read and after, for what there is and what there is not."""
    monkeypatch.setattr(deciding, "FEW", 3)
    triples = [ox.Triple(node(f"d{i // 3}"), DCAT.distribution, node(f"f{i}")) for i in range(distributions)]
    triples += [ox.Triple(node(f"d{i}"), RDF.type, DCAT.Dataset) for i in range(distributions // 3)]
    facts = TripleIndex(triples)
    known = Deciding(facts)
    for i in range(0, distributions + 9, 7):
        for s, p, o in (
            (node(f"d{i}"), DCAT.distribution, None),
            (None, DCAT.distribution, node(f"f{i}")),
            (node(f"d{i}"), RDF.type, None),
        ):
            assert set(known.match(s, p, o)) == set(facts.match(s, p, o))


def test_the_cost_follows_what_is_asked_for_and_not_how_much_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of very much nothing is read whole for few questions; for many questions it is read once, to its end."""
    monkeypatch.setattr(deciding, "FEW", 10)
    triples = [ox.Triple(node(f"d{i}"), DCAT.distribution, node(f"f{i}")) for i in range(5_000)]
    facts = Counted(triples)
    known = Deciding(facts)
    for i in range(100):
        list(known.match(None, DCAT.distribution, node(f"f{i}")))
    assert facts.taken < 100 + 2 * 100 * deciding.WORTH * 2
    for i in range(100, 2_000):
        list(known.match(None, DCAT.distribution, node(f"f{i}")))
    taken, whole = facts.taken, facts.whole
    for i in range(2_000, 5_000):
        list(known.match(None, DCAT.distribution, node(f"f{i}")))
    assert (facts.taken, facts.whole) == (taken, whole)
