"""Tell the nodes of a graph of blank nodes apart by colours: refinement, copies, and search where symmetry is left.

A colour is a text that says what is known of a node whatever its label. Refinement mixes in the colours of the
neighbours until nothing more is told apart. What is left is symmetric: copies of the same shape are numbered, and
inside one shape a node is singled out, every candidate is tried, and the least outcome is taken.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

Node = str
Colours = dict[Node, str]
BUDGET: Final = 100_000
"""Colours that one search may compute (below a second); past it the rest is numbered as it comes."""


@dataclass(slots=True)
class Link:
    """What is said around one blank node: ground statements, and edges to and from other blank nodes."""

    says: set[tuple[str, str]] = field(default_factory=set)
    said: set[tuple[str, str]] = field(default_factory=set)
    below: set[tuple[str, Node]] = field(default_factory=set)
    above: set[tuple[str, Node]] = field(default_factory=set)


Links = dict[Node, Link]


@dataclass(slots=True)
class Budget:
    """How many colours may still be computed; without a limit where ``left`` is None."""

    left: int | None = None

    def spend(self, amount: int) -> None:
        """Take ``amount`` off."""
        if self.left is not None:
            self.left -= amount

    @property
    def gone(self) -> bool:
        """Tell whether nothing is left."""
        return self.left is not None and self.left <= 0


def digest(*parts: str) -> str:
    """Give one hash of all parts, none of which holds a NUL (terms cannot, when they are rendered)."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def of_pairs(pairs: Iterable[tuple[str, str]]) -> str:
    """Give one hash of pairs in any order, "" for none."""
    found = sorted(pairs)
    return digest(*(part for pair in found for part in pair)) if found else ""


def refined(colours: Colours, links: Links, budget: Budget | None = None) -> Colours:
    """Mix in the colours of neighbours among the same nodes until no more nodes are told apart."""
    budget = budget or Budget()
    count = len(set(colours.values()))
    more = any(target in colours for node in colours for _, target in links[node].below)
    while more and not budget.gone:
        budget.spend(len(colours))
        colours = {
            node: digest(colour, _around(links[node].below, colours), _around(links[node].above, colours))
            for node, colour in colours.items()
        }
        before, count = count, len(set(colours.values()))
        more = count > before
    return colours


def _around(edges: set[tuple[str, Node]], colours: Colours) -> str:
    return of_pairs((predicate, colours[other]) for predicate, other in edges if other in colours)


def distinguished(colours: Colours, links: Links, budget: Budget | None = None) -> Colours:
    """Give every node a colour of its own that does not depend on labels or order, as far as the budget reaches.

    Copies of the same shape differ in a number at the end of their colours, so that sorting keeps each together.
    """
    budget = budget or Budget(BUDGET + 20 * len(colours))
    colours = refined(colours, links, budget)
    sizes = Counter(colours.values())
    found = {node: colour for node, colour in colours.items() if sizes[colour] == 1}
    rest = {node: colour for node, colour in colours.items() if sizes[colour] > 1}
    if budget.gone:
        return found | {node: f"{colour}{number:09d}" for number, (node, colour) in enumerate(rest.items())}
    shapes: defaultdict[str, list[Colours]] = defaultdict(list)
    for part in _parts(rest, links):
        alone = len(part) == len(colours)
        apart = _searched(part, links, budget) if alone else distinguished(part, links, budget)
        shapes[digest(*sorted(apart.values()))].append(apart)
    for copies in shapes.values():
        for number, apart in enumerate(copies):
            found |= {node: f"{rest[node]}{number:09d}{colour}" for node, colour in apart.items()}
    return found


def _searched(colours: Colours, links: Links, budget: Budget) -> Colours:
    """Single out each node of the smallest class in turn; give the least outcome."""
    if len(colours) == 1:
        return colours
    classes: defaultdict[str, list[Node]] = defaultdict(list)
    for node, colour in colours.items():
        classes[colour].append(node)
    candidates = min(classes.items(), key=lambda item: (len(item[1]), item[0]))[1]
    best: Colours = {}
    for node in candidates:
        if best and budget.gone:
            break
        outcome = distinguished({**colours, node: f"{colours[node]}!"}, links, budget)
        if not best or sorted(outcome.values()) < sorted(best.values()):
            best = outcome
    return best


def _parts(colours: Colours, links: Links) -> list[Colours]:
    """Give the connected parts of the graph that these nodes make."""
    parts: list[Colours] = []
    seen: set[Node] = set()
    for node in colours:
        if node not in seen:
            members = connected(node, links, colours)
            seen.update(members)
            parts.append({member: colours[member] for member in members})
    return parts


def connected(start: Node, links: Links, inside: Iterable[Node]) -> list[Node]:
    """Give all nodes of ``inside`` that edges connect with ``start``, itself first."""
    known = inside if isinstance(inside, dict) else set(inside)
    found = {start: None}
    work = [start]
    while work:
        link = links[work.pop()]
        for _, other in (*link.below, *link.above):
            if other in known and other not in found:
                found[other] = None
                work.append(other)
    return list(found)
