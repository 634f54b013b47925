"""What a selection gives: items, each with the values of its variables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyoxigraph as ox

from stadtgraph.store import Engine
from stadtgraph.terms import PREFIXES

Values = tuple[str, ...]


@dataclass(slots=True)
class Items:
    """Items in the order of their IRIs, and per variable the values of each (sorted, none twice)."""

    iris: list[ox.NamedNode] = field(default_factory=list)
    columns: dict[str, list[Values]] = field(default_factory=dict)
    made: dict[str, Any] = field(default_factory=dict, repr=False)
    """What comparators made of columns, such as shapes in metres, so that rules over one selection share it."""

    def __len__(self) -> int:
        return len(self.iris)

    def column(self, variable: str) -> Sequence[Values]:
        """Give the values of one variable; a variable that the selection lacks has none."""
        return self.columns.get(variable) or [()] * len(self.iris)


def select(engine: Engine, query: str) -> Items:
    """Run a selection; rows with the same ``?item`` are one item with several values. Items are IRIs."""
    declared = "".join(f"PREFIX {name}: <{iri}>\n" for name, iri in PREFIXES.items())
    result = engine.select(declared + query)
    names = [v.value for v in result.variables if v.value != "item"]
    found: dict[str, dict[str, set[str]]] = {}
    for row in result:
        item = row["item"]
        if isinstance(item, ox.NamedNode):
            values = found.setdefault(item.value, {})
            for name in names:
                term = row[name]
                if isinstance(term, ox.NamedNode | ox.Literal):
                    values.setdefault(name, set()).add(term.value)
    order = sorted(found)
    columns = {name: [tuple(sorted(found[iri].get(name, ()))) for iri in order] for name in names}
    return Items([ox.NamedNode(iri) for iri in order], columns)


class Selections:
    """The selections over one store; rules that select the same share it."""

    def __init__(self, engine: Engine) -> None:
        """Select nothing yet."""
        self._engine = engine
        self._known: dict[str, Items] = {}

    def __call__(self, query: str) -> Items:
        """Give what ``query`` selects."""
        if query not in self._known:
            self._known[query] = select(self._engine, query)
        return self._known[query]
