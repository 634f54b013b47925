"""Whether the engine takes a query at all, found out before anything is asked about its answer."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import pyoxigraph as ox

from stadtgraph.sparql.faults import fault
from stadtgraph.sparql.outline import Outline
from stadtgraph.store.functions import FUNCTIONS


def check(text: str, read: Outline, base: str, prefixes: Mapping[str, str]) -> None:
    """Raise what the engine has against a query: :class:`QuerySyntaxError` with line and column, or a refusal.

    It is put to a store without data. A query that asks other endpoints is not, as the engine would ask them.
    """
    if read.services:
        return
    try:
        _nothing().query(
            text,
            base_iri=base,
            default_graph=[ox.DefaultGraph()],
            named_graphs=[],
            prefixes=dict(prefixes),
            custom_functions=FUNCTIONS,
        )
    except (SyntaxError, RuntimeError) as problem:
        raise fault(text, problem) from problem


@cache
def _nothing() -> ox.Store:
    return ox.Store()
