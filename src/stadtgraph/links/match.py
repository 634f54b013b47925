"""Apply a rule: candidates from its first comparison, agreement of all, and the choice among what is left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stadtgraph.links.compare import Comparator, Pair, comparator
from stadtgraph.links.graph import Link
from stadtgraph.links.items import Items, Selections
from stadtgraph.links.rule import Comparison, Rule

_DIGITS = 4


def find(rule: Rule, select: Selections) -> list[Link]:
    """Give the links that ``rule`` makes over the merge of a store, in a stable order.

    The score is the weighted mean of the agreements; an optional comparison without a value on one side is left
    out of it. Cost: two selections, n log n for the first comparison, and the candidates it leaves.
    """
    return match(rule, select(rule.left), select(rule.right))


def match(rule: Rule, left: Items, right: Items) -> list[Link]:
    """Give the links between two selections."""
    if not len(left) or not len(right):
        return []
    pairs = [(spec, comparator(spec, left, right)) for spec in rule.compare]
    found = {}
    for pair in dict.fromkeys(pairs[0][1].candidates()):
        if left.iris[pair[0]] != right.iris[pair[1]]:
            scored = _scored(pairs, pair)
            if scored is not None and scored[0] >= rule.threshold:
                found[pair] = scored
    return [
        Link(rule.iri, left.iris[i], rule.makes, right.iris[j], *found[i, j])
        for i, j in _chosen(rule.choose, {pair: score for pair, (score, _) in found.items()})
    ]


def _scored(pairs: Iterable[tuple[Comparison, Comparator]], pair: Pair) -> tuple[float, str] | None:
    total, weights, evidence = 0.0, 0.0, []
    for spec, made in pairs:
        agreement = made.agreement(*pair)
        if agreement is None:
            if spec.required:
                return None
            if not made.is_known(*pair):
                continue
            agreement = (0.0, "")
        total += spec.weight * agreement[0]
        weights += spec.weight
        if agreement[1]:
            evidence.append(agreement[1])
    return round(total / weights, _DIGITS) if weights else 0.0, "; ".join(evidence)


def _chosen(choose: str, scores: dict[Pair, float]) -> Iterator[Pair]:
    """Give the pairs a rule keeps: all; the best of each left item; or the best of both, each item once."""
    order = sorted(scores, key=lambda pair: (-scores[pair], pair))
    lefts: set[int] = set()
    rights: set[int] = set()
    kept = []
    for i, j in order:
        if choose == "all" or (i not in lefts and (choose == "best" or j not in rights)):
            kept.append((i, j))
            lefts.add(i)
            rights.add(j)
    yield from sorted(kept)
