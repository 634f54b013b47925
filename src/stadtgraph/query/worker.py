"""A query worker: a process that holds releases read-only and answers one query at a time.

It is ended by SIGKILL whenever a query goes too far, so nothing in it needs to be undone. Requests come on standard
input, frames go to standard output; when the web process goes away, standard input ends and so does the worker.
"""

from __future__ import annotations

import json
import os
import select
import sys
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any, Final

import pyoxigraph as ox

from stadtgraph.errors import QuerySyntaxError, StadtgraphError, StoreError
from stadtgraph.query import sandbox, wire
from stadtgraph.query.writing import FORMATS, write
from stadtgraph.store import Dataset, OxigraphEngine, Result
from stadtgraph.terms import Names, Term

STACK: Final = 512 << 20
KEPT: Final = 4
CELL: Final = 5_000
PAGE: Final = 4 << 20
"""Characters of a literal, and of all rows, that a page shows."""
OUT_OF_MEMORY: Final = 9
"""Exit code after which the web process reports that memory ran out."""


class Stores:
    """The last few stores that were asked, by folder and state."""

    def __init__(self) -> None:
        """Open nothing yet."""
        self._open: OrderedDict[tuple[str, str], OxigraphEngine] = OrderedDict()

    def get(self, path: str, state: str, base: str) -> OxigraphEngine:
        """Give the engine over the store in the folder ``path``."""
        key = (path, state)
        if key not in self._open:
            self._open[key] = OxigraphEngine(Path(path), Names(base))
            while len(self._open) > KEPT:
                self._open.popitem(last=False)[1].close()
        self._open.move_to_end(key)
        return self._open[key]


def answer(request: dict[str, Any], stores: Stores, out: int) -> None:
    """Answer one request with frames: blocks, then the end or an error; the last block goes with the end."""
    if "job" in request:
        perform(request, stores, out)
        return

    def send(block: bytes) -> None:
        wire.write(out, (wire.BLOCK, block))

    try:
        with _result(request, stores) as result:
            if request["rows"] is None:
                last, end = write(result, FORMATS[request["format"]], send, request["bytes"]), b""
            else:
                last, end = preview(result, request["rows"])
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except BaseException as problem:
        wire.write(out, (wire.ERROR, wire.error_to_bytes(_error(request["text"], problem))))
    else:
        wire.write(out, (wire.BLOCK, last), (wire.END, end))


def perform(request: dict[str, Any], stores: Stores, out: int) -> None:
    """Do a job that the web process names as ``module:function``, and answer as for a query."""
    module, _, name = request["job"].partition(":")
    try:
        run = getattr(import_module(module), name)
        end = run(request, stores, lambda block: wire.write(out, (wire.BLOCK, block)))
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except BaseException as problem:
        error = problem if isinstance(problem, StadtgraphError) else StoreError("query-failed")
        wire.write(out, (wire.ERROR, wire.error_to_bytes(error)))
    else:
        wire.write(out, (wire.END, end))


@contextmanager
def _result(request: dict[str, Any], stores: Stores) -> Iterator[Result]:
    engine = stores.get(request["path"], request["state"], request["base"])
    default, named = (_nodes(request[key]) for key in ("default", "named"))
    asked = text = request["text"]
    if request["join"] and default is None:
        from stadtgraph.query.anchors import anchored  # seldom needed, and large

        text = anchored(asked, request["base"], partial(_ends, engine))
    try:
        found = engine.query(text, Dataset(default, named))
    except QuerySyntaxError:
        if text == asked:
            raise
        found = engine.query(asked, Dataset(default, named))  # where it is wrong is told of the text as it was asked
    yield found


def _ends(
    engine: OxigraphEngine,
    subject: ox.NamedNode | None,
    predicate: ox.NamedNode,
    value: ox.NamedNode | ox.Literal | None,
) -> list[Term]:
    """Give the first two terms that fit in the place of ``None``."""
    found = engine.triples(subject, predicate, value)
    return [triple.subject if subject is None else triple.object for triple in islice(found, 2)]


def _nodes(iris: list[str] | None) -> tuple[ox.NamedNode, ...] | None:
    return None if iris is None else tuple(map(ox.NamedNode, iris))


def preview(result: Result, rows: int) -> tuple[bytes, bytes]:
    """Give the first ``rows`` rows as terms: N-Triples of a graph, else TSV-like lines; say what more there is.

    They are for a page: a long literal is cut, and what is too much for a page counts as more rows.
    """
    if isinstance(result, ox.QueryBoolean):
        return b"", json.dumps({"kind": "truth", "truth": bool(result)}).encode()
    if isinstance(result, ox.QueryTriples):
        triples, more = _page((f"{t.subject} {t.predicate} {_cut(t.object)} ." for t in result), rows)
        found = "".join(f"{triple}\n" for triple in triples)
        return found.encode(), json.dumps({"kind": "triples", "more": more}).encode()
    names = [v.value for v in result.variables]
    lines, more = _page(("\t".join(_cut(solution[name]) for name in names) for solution in result), rows)
    end = {"kind": "rows", "names": names, "number": len(lines), "more": more}
    return "\n".join(lines).encode(), json.dumps(end).encode()


def _page(lines: Iterator[str], rows: int) -> tuple[list[str], bool]:
    """Give the first ``rows`` lines, or as many as a page holds, and whether there are more."""
    found: list[str] = []
    size = 0
    for line in lines:
        size += len(line)
        if len(found) == rows or size > PAGE:
            return found, True
        found.append(line)
    return found, False


def _cut(term: Any) -> str:
    """Write a term; a literal that is too long for a page ends in dots."""
    if term is None:
        return ""
    if isinstance(term, ox.Literal) and len(term.value) > CELL:
        value = term.value[:CELL] + "…"
        term = ox.Literal(value, language=term.language) if term.language else ox.Literal(value)
    return str(term)


def _error(text: str, problem: BaseException) -> StadtgraphError:
    if isinstance(problem, StadtgraphError):
        return problem
    if isinstance(problem, RuntimeError | SyntaxError):
        from stadtgraph.sparql.faults import fault  # seldom needed, and large

        return fault(text, problem)
    return StoreError("query-failed")


def main() -> None:
    """Answer requests until standard input ends."""
    memory = int(sys.argv[1])
    sys.dont_write_bytecode = True  # nothing can be written later, when jobs are imported
    stores = Stores()
    requests, out = os.dup(0), os.dup(1)
    os.dup2(2, 1)

    def work() -> None:
        wire.write(out, (wire.READY, b""))
        with open(requests, "rb") as lines:
            for line in lines:
                answer(json.loads(line), stores, out)
        os._exit(0)

    threading.stack_size(STACK)
    sandbox.limit(memory + STACK)
    threading.Thread(target=work, daemon=True, name="query").start()
    sandbox.close_doors()
    gone = select.poll()
    gone.register(0, 0)  # no event but the end of the web process, even in the middle of a query
    while not gone.poll():
        continue
    os._exit(0)


if __name__ == "__main__":
    main()
