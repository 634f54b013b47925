"""Tracing in a worker process, for queries of strangers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import pyoxigraph as ox

from stadtgraph.lineage.found import Contribution, Lineage
from stadtgraph.lineage.known import Shelf
from stadtgraph.lineage.trace import trace
from stadtgraph.query.worker import Stores
from stadtgraph.store import Dataset
from stadtgraph.terms import Term

TRACE: Final = "stadtgraph.lineage.jobs:run"
_SHELF: Final = Shelf()


def run(request: dict[str, Any], stores: Stores, send: Callable[[bytes], None]) -> bytes:
    """Trace the query ``request["text"]``; send the lineage as JSON."""
    engine = stores.get(request["path"], request["state"], request["base"])
    default = None if request["default"] is None else tuple(ox.NamedNode(g) for g in request["default"])
    named = None if request["named"] is None else tuple(ox.NamedNode(g) for g in request["named"])
    found = trace(
        engine,
        request["text"],
        Dataset(default, named),
        known=_SHELF.get((request["path"], request["state"]), engine),
        reads={rule: frozenset(iris) for rule, iris in request["reads"].items()},
        searched=request["searched"],
        solution={name: term(text) for name, text in request["solution"].items()},
        prefixes={},
    )
    said = {
        "graphs": [[c.graph, c.triples, c.is_needed, sorted(c.by)] for c in found.graphs],
        "counted": found.is_counted,
        "exact": found.is_exact,
    }
    send(json.dumps(said).encode())
    return b""


def lineage_of(said: bytes) -> Lineage:
    """Read what :func:`run` sent."""
    data = json.loads(said)
    graphs = tuple(Contribution(graph, number, needed, set(by)) for graph, number, needed, by in data["graphs"])
    return Lineage(graphs, data["counted"], data["exact"])


def term(text: str) -> Term:
    """Read one term as N-Triples writes it; anything else raises ``ValueError``."""
    try:
        (quad,) = ox.parse(f"<a:a> <a:a> {text} .", ox.RdfFormat.N_TRIPLES)
    except SyntaxError as problem:
        raise ValueError(text) from problem
    found: Term = quad.object
    return found
