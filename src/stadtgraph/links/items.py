"""What a selection gives: items, each with the values of its variables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pyoxigraph as ox

from stadtgraph.store import Engine
from stadtgraph.terms import PREFIXES

Values = tuple[str, ...]


@dataclass(slots=True)
class Items:
    """Items in the order of their IRIs, and per variable the values of each (sorted, none twice)."""

    iris: list[ox.NamedNode] = field(default_factory=list)
    columns: dict[str, list[Values]] = field(default_factory=dict)

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
