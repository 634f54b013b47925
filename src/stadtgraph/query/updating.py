"""What a worker does for an update: read its text, and compute what one operation deletes and inserts.

Nothing is changed here. The answer is N-Quads with every literal of the request as it was written; the values of
variables come in the store's form.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pyoxigraph as ox

from stadtgraph.errors import QueryError, QueryRefused
from stadtgraph.query.worker import Stores
from stadtgraph.sparql import guard
from stadtgraph.sparql.faults import fault
from stadtgraph.sparql.quads import fill
from stadtgraph.sparql.update import Data, Manage, Modify, Operation, check_update, read_update
from stadtgraph.store import Dataset, OxigraphEngine
from stadtgraph.terms import Names

Send = Callable[[bytes], None]
_REFUSED: Final = "LOAD <x:>"
"""An operation that fails before anything is done: Oxigraph parses all of a text before it comes to it."""


def parse(request: dict[str, Any], _stores: Stores, send: Send) -> bytes:
    """Read the update ``request["text"]``: give its operations as JSON, the quads of its data as N-Quads."""
    text, base = request["text"], request["base"]
    tokens = check_update(text, request["characters"])
    operations = read_update(text, base, tokens, check_syntax)
    described = [_described(op, base, request["bounds"], send) for op in operations]
    return json.dumps(described).encode()


def check_syntax(declared: str, text: str) -> None:
    """Let Oxigraph parse one operation without doing anything; raise :class:`QuerySyntaxError` with the place.

    Oxigraph 0.5.13 takes prefixes before the first operation alone, so each operation is parsed by itself.
    """
    whole = f"{declared} {_REFUSED};\n{text}"
    try:
        ox.Store().update(whole)
    except SyntaxError as problem:
        found = fault(whole, problem)
        if isinstance(found.params.get("line"), int):
            found = type(found)(found.key, **{**found.params, "line": int(str(found.params["line"])) - 1})
        raise found from problem
    except (OSError, RuntimeError, ValueError):
        return  # the first operation failed, as it must


def _described(op: Operation, base: str, bounds: dict[str, int], send: Send) -> dict[str, Any]:
    if isinstance(op, Data):
        size = _sent((filled.quad for filled in fill(op.quads, {})), send)
        return {"kind": "data", "insert": op.insert, "size": size}
    if isinstance(op, Modify):
        guard.read(op.query, base, bounds)
        graphs = dict.fromkeys(quad.graph for quad in (*op.delete, *op.insert))
        return {
            "kind": "modify",
            "with": op.with_graph,
            "using": op.using,
            "using_named": op.using_named,
            "asked": op.asked,
            "targets": [None if isinstance(g, ox.Variable) else g or "" for g in graphs],
        }
    if isinstance(op, Manage):
        return {"kind": "manage", "verb": op.verb, "graph": op.graph, "silent": op.silent}
    return {"kind": "transfer", "verb": op.verb, "source": op.source, "target": op.target, "silent": op.silent}


def compute(request: dict[str, Any], stores: Stores, send: Send) -> bytes:
    """Evaluate the operation ``request["number"]`` of an update: give what it deletes and what it inserts.

    Three parts follow each other: quads to delete, quads to insert whose objects the request wrote, and quads to
    insert whose objects are values of variables; the answer names their sizes in bytes.
    """
    op = read_update(request["text"], request["base"])[request["number"]]
    assert isinstance(op, Modify)
    delete: dict[ox.Quad, None] = {}
    insert: dict[ox.Quad, None] = {}
    bound: dict[ox.Quad, None] = {}
    with _solutions(op, request, stores) as solutions:
        names = [v.value for v in solutions.variables]
        for number, solution in enumerate(solutions):
            values = {name: solution[name] for name in names}
            delete.update((filled.quad, None) for filled in fill(op.delete, values))
            for filled in fill(op.insert, values, f"s{number}"):
                (bound if filled.bound else insert)[filled.quad] = None
            if len(delete) + len(insert) + len(bound) > request["quads"]:
                raise QueryRefused("update-large", bound=request["quads"])
    return json.dumps([_sent(part, send) for part in (delete, insert, bound)]).encode()


@contextmanager
def _solutions(op: Modify, request: dict[str, Any], stores: Stores) -> Iterator[ox.QuerySolutions]:
    once: bool = request["once"]
    path, base = request["path"], request["base"]
    engine = OxigraphEngine(Path(path), Names(base)) if once else stores.get(path, request["state"], base)
    default, named = (_nodes(request[key]) for key in ("default", "named"))
    try:
        yield engine.select(op.query, Dataset(default, named))
    except RuntimeError as problem:
        if isinstance(problem, QueryError):
            raise
        raise fault(op.query, problem) from problem
    finally:
        if once:
            engine.close()


def _nodes(iris: list[str] | None) -> tuple[ox.NamedNode, ...] | None:
    return None if iris is None else tuple(map(ox.NamedNode, iris))


def _sent(quads: Iterable[ox.Quad], send: Send) -> int:
    """Send quads as N-Quads; give their size in bytes."""
    data = ox.serialize(quads, format=ox.RdfFormat.N_QUADS) or b""
    for start in range(0, len(data), 1 << 20):
        send(data[start : start + (1 << 20)])
    return len(data)
