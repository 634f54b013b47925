"""Slots of a query with their terms read, and the patterns that ask which graph states them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Final

import pyoxigraph as ox

from stadtgraph.lineage.triples import Closure
from stadtgraph.lineage.witness import Part, Use
from stadtgraph.terms import Term, render

_VARIABLE: Final = "urn:stadtgraph:variable:"
Pattern = tuple[Term | None, Term | None, Term | None]


@dataclass(frozen=True, slots=True)
class Beside:
    """A pattern beside another: what the other has ``at`` one place, it has ``there`` (0 is subject, 2 object)."""

    at: int
    pattern: Pattern
    there: int


@dataclass(slots=True)
class Asked:
    """A slot: its terms as text, and as terms where they are no variables (then ``None``).

    ``pattern`` is what its triples fit, ``candidates`` are the graphs that hold such triples; ``stating`` has them
    where they are few, ``looked`` counts those that were looked up; ``pairs`` are the ends of the paths found.
    """

    number: int
    use: Use
    terms: tuple[str, ...]
    shown: tuple[str, ...]
    fixed: tuple[Term | None, ...]
    pattern: Pattern
    closure: Closure | None
    steps: tuple[tuple[ox.NamedNode, bool], ...] | None
    properties: tuple[Term | None, ...] | None
    in_branch: bool
    branches: tuple[int, ...] = ()
    candidates: tuple[str, ...] = ()
    looked: int = 0
    stating: dict[ox.Triple, tuple[str, ...]] | None = None
    pairs: set[tuple[Any, ...]] = field(default_factory=set)

    @property
    def names(self) -> list[str]:
        """The variables that say what a solution has here."""
        return list(dict.fromkeys(text for text in self.shown if text.startswith("?")))

    @property
    def repeats(self) -> bool:
        """True where a variable stands twice, so that not all that fits ``pattern`` fits the slot."""
        return len(self.names) < sum(term is None for term in self.fixed)

    def beside(self, others: Iterable[Asked]) -> Iterator[Beside]:
        """Give the patterns of ``others`` that match wherever this slot does, and share a variable with it."""
        for other in others:
            is_sure = other.branches == self.branches[: len(other.branches)]
            if other is self or other.use is not Use.TRIPLE or not is_sure:
                continue
            for at, there in product((0, 2), (0, 2)):
                if self.terms[at].startswith("?") and self.terms[at] == other.terms[there]:
                    yield Beside(at, other.pattern, there)

    def of(self, row: Any, places: Mapping[str, int]) -> tuple[Any, ...] | None:
        """Give the terms that a solution has here, or ``None`` where it has none."""
        found = []
        for text, term in zip(self.shown, self.fixed, strict=True):
            value = row[places[text]] if term is None else term
            if value is None:
                return None
            found.append(value)
        return tuple(found)


class Terms:
    """Reads terms as a query writes them."""

    def __init__(self, base: str, prefixes: Mapping[str, str]) -> None:
        """Read them against a base and with prefixes."""
        declared = "".join(f"PREFIX {k}: <{v}>\n" for k, v in prefixes.items())
        self._head = f"BASE <{base}>\n{declared}"
        self._known: dict[str, Term | None] = {}

    def pattern(self, texts: Sequence[str]) -> Pattern:
        """Give a pattern as terms, ``None`` for variables."""
        s, p, o = self.read(texts)
        return s, p, o

    def read(self, texts: Sequence[str]) -> tuple[Term | None, ...]:
        """Give terms, ``None`` for variables."""
        new = [t for t in dict.fromkeys(texts) if not t.startswith("?") and t not in self._known]
        if new:
            lines = "".join(f"<a:a> <a:a> {text} .\n" for text in new)
            read = ox.parse(self._head + lines, ox.RdfFormat.TURTLE)
            self._known.update(zip(new, (quad.object for quad in read), strict=True))
        return tuple(self._known.get(text) for text in texts)

    def slots(self, part: Part) -> list[Asked]:
        """Give the slots of a part with their terms."""
        texts = [t for slot in part.slots for t in (*slot.terms, *slot.shown)]
        texts += [t for slot in part.slots if slot.closure for t, _ in slot.closure.steps or ()]
        self.read(texts)
        found = []
        for number, slot in enumerate(part.slots):
            pattern = self.pattern(slot.terms) if slot.use is Use.TRIPLE else (None, None, None)
            steps = None
            if slot.closure is not None and slot.closure.steps is not None:
                names = self.read([text for text, _ in slot.closure.steps])
                backs = (back for _, back in slot.closure.steps)
                pairs = zip(names, backs, strict=True)
                steps = tuple((name, back) for name, back in pairs if isinstance(name, ox.NamedNode))
            named = None if slot.closure is None else slot.closure.properties
            properties = None if named is None else self.read(named)
            shown = slot.shown
            found.append(
                Asked(
                    number,
                    slot.use,
                    slot.terms,
                    shown,
                    self.read(shown),
                    pattern,
                    slot.closure,
                    steps,
                    properties,
                    slot.in_branch,
                    slot.branches,
                )
            )
        return found

    def either(self, terms: Sequence[str], graphs: Iterable[str], where: str) -> str:
        """Give a pattern over some graphs, ``where`` being the graph, for graphs that hold little that fits."""
        pattern = " ".join(terms)
        branches = []
        for graph in graphs:
            name = render(ox.NamedNode(graph))
            branches.append(f"{{ GRAPH {name} {{ {pattern} }} BIND({name} AS {where}) }}")
        shown = " ".join(dict.fromkeys(t for t in terms if t.startswith("?")))
        return f"{{ SELECT {where} {shown} WHERE {{ {' UNION '.join(branches)} }} }}"

    def anyhow(self, terms: Sequence[str], graphs: Iterable[str], where: str) -> str:
        """Give a pattern over the graphs that the dataset names, ``where`` being the graph."""
        return f"GRAPH {where} {{ {' '.join(terms)} }}"

    def only(self, terms: Sequence[str], graph: str, others: Iterable[str]) -> str:
        """Give a pattern over the triples that one graph states and ``others`` do not."""
        pattern = " ".join(terms)
        without = "".join(f" FILTER NOT EXISTS {{ GRAPH {render(ox.NamedNode(g))} {{ {pattern} }} }}" for g in others)
        shown = " ".join(dict.fromkeys(t for t in terms if t.startswith("?"))) or "(1 AS ?stadtgraph_one)"
        name = render(ox.NamedNode(graph))
        return f"{{ SELECT {shown} WHERE {{ GRAPH {name} {{ {pattern} }}{without} }} }}"
