"""Answer a query: release, dataset, limits and format in, a stream of bytes out.

The evaluation runs in a worker process that is killed when it goes too far. Nothing outside this room knows that:
``Queries.run`` and ``Queries.preview`` are the whole interface.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pyoxigraph as ox

from stadtgraph.errors import QueryTimeout, StoreError
from stadtgraph.query import wire
from stadtgraph.query.dataset import Unions, needs_union, visible
from stadtgraph.query.limits import MEGABYTE, Limits
from stadtgraph.query.plan import Plan
from stadtgraph.query.pool import Pool, Worker
from stadtgraph.store import Dataset, Engine, OxigraphEngine
from stadtgraph.terms import Names, Term

_AHEAD, _PATIENCE = MEGABYTE, 0.5
_GLANCE: Final = 0.5
"""Seconds between two looks at whether the client is still there."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a query is asked: the engine of one view of a release, and what is known of its graphs.

    ``release`` tells this state of the release from every other.
    """

    release: str
    engine: Engine
    names: Names
    sizes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer under way: ``blocks`` are its bytes; ``length`` is known where all of it is there already.

    Close ``blocks`` (as web servers do) to end the work early. An answer that is cut off raises from ``blocks``
    and so never looks complete.
    """

    content_type: str
    blocks: Blocks
    length: int | None


@dataclass(frozen=True, slots=True)
class Preview:
    """The first rows of an answer as terms, for a page: one of ``rows``, ``truth`` and ``triples`` is meant.

    ``more`` tells that the answer has further rows.
    """

    variables: tuple[str, ...] = ()
    rows: tuple[tuple[Term | None, ...], ...] = ()
    truth: bool | None = None
    triples: tuple[ox.Triple, ...] = ()
    more: bool = False


class Blocks:
    """The blocks of an answer under way. Closing ends the work, read or not; a failure raises and looks like one."""

    def __init__(self, work: _Work) -> None:
        """Take a worker that was asked."""
        self._work: _Work | None = work
        self._ahead: deque[bytes] = deque()

    def read_ahead(self, size: int, seconds: float) -> int | None:
        """Read up to ``size`` bytes or for ``seconds``; give the length where the answer is there whole."""
        found, until = 0, time.monotonic() + seconds
        while found < size:
            block = self._next(None if not self._ahead else until)
            if block is None:
                return found
            if block == b"":
                break
            if not self._ahead:
                until = time.monotonic() + seconds
            self._ahead.append(block)
            found += len(block)
        return None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._ahead:
            return self._ahead.popleft()
        block = self._next(None)
        if block is None:
            raise StopIteration
        return block

    def _next(self, until: float | None) -> bytes | None:
        if self._work is None:
            return None
        try:
            block = self._work.next(until)
        except BaseException:
            self._work = None
            raise
        if block is None:
            self._work = None
        return block

    def close(self) -> None:
        """Say that nobody reads any more."""
        if self._work is not None:
            self._work.abandon()
            self._work = None


class _Work:
    """One query in one worker: counts its time, ends it at the bound, gives the worker back."""

    def __init__(self, pool: Pool, worker: Worker, limits: Limits, is_gone: Callable[[], bool]) -> None:
        self._pool, self._worker, self._limits, self._is_gone = pool, worker, limits, is_gone
        self._worked = 0.0
        self._began = time.monotonic()
        self.end = b""

    def next(self, until: float | None = None) -> bytes | None:
        """Give the next block, ``None`` at the end, ``b""`` where none came until the time given."""
        while True:
            frame = self._frame(until)
            if frame is None:
                return b""
            tag, payload = frame
            if tag == wire.BLOCK and payload:
                return payload
            if tag == wire.END:
                self.end = payload
                self._pool.release(self._worker)
                return None
            if tag == wire.ERROR:
                self._pool.release(self._worker)
                raise wire.error_from_bytes(payload)

    def abandon(self) -> None:
        """End the work and the worker."""
        self._pool.discard(self._worker)

    def _frame(self, until: float | None) -> tuple[bytes, bytes] | None:
        """Give the next frame; kill the worker at the bound, when the client has gone, and when it is broken."""
        began = time.monotonic()
        deadline = min(began + self._limits.seconds - self._worked, self._began + self._limits.transfer)
        while True:
            now = time.monotonic()
            if now >= deadline:
                self.abandon()
                raise QueryTimeout("query-time", bound=self._limits.seconds)
            if self._is_gone():
                self.abandon()
                raise Abandoned
            if until is not None and now >= until:
                return None
            try:
                frame = self._worker.read(min(deadline, now + _GLANCE, until if until is not None else deadline))
            except (wire.Broken, OSError):
                error = self._worker.death()
                self.abandon()
                raise error from None
            if frame is not None:
                self._worked += time.monotonic() - began
                return frame


class Abandoned(Exception):
    """Nobody waits for the answer any more."""


def _stays() -> bool:
    return False


class Queries:
    """Runs queries of one process."""

    def __init__(self, limits: Limits | None = None, pool: Pool | None = None) -> None:
        """Start nothing yet."""
        self.limits = limits or Limits()
        self.pool = pool or Pool()
        self._unions = Unions()

    def forget(self) -> None:
        """Keep nothing of earlier answers."""
        self._unions.clear()

    def close(self) -> None:
        """End the workers."""
        self.pool.close()

    def run(self, plan: Plan, place: Place, is_gone: Callable[[], bool] | None = None) -> Answer:
        """Give the answer to ``plan``; what fails early raises here, what fails late raises from its blocks.

        ``is_gone``, where it is given, tells whether the client has left; then the work ends. Raises
        :class:`QuerySyntaxError`, :class:`QueryRefused`, :class:`NotAcceptable`, :class:`QueryTimeout` and
        :class:`StoreError`.
        """
        blocks = Blocks(self._asked(plan, place, None, is_gone or _stays))
        length = blocks.read_ahead(_AHEAD, _PATIENCE)
        return Answer(plan.choice.content_type, blocks, length)

    def preview(self, plan: Plan, place: Place, rows: int) -> Preview:
        """Give the first ``rows`` rows (or triples) of the answer to ``plan``; raises as :meth:`run`."""
        work = self._asked(plan, place, rows, _stays)
        found = b""
        while (block := work.next()) is not None:
            found += block
        return _preview(found, work.end)

    def _asked(self, plan: Plan, place: Place, rows: int | None, is_gone: Callable[[], bool]) -> _Work:
        request = self._request(plan, place, rows)
        worker = self.pool.acquire(self.limits.patience)
        work = _Work(self.pool, worker, self.limits, is_gone)
        try:
            worker.ask(request)
        except wire.Broken:
            work.abandon()
            raise StoreError("query-failed") from None
        return work

    def _request(self, plan: Plan, place: Place, rows: int | None) -> dict[str, Any]:
        """Describe the query and the dataset that it asks for and may see."""
        dataset = visible(place.engine, plan.wanted)
        assert isinstance(place.engine, OxigraphEngine)
        engine, state = place.engine, place.release
        if needs_union(dataset, place.sizes, self.limits.union):
            until = time.monotonic() + self.limits.seconds
            union = self._unions.get(place.release, place.engine, place.names, dataset, _deadline(until, self.limits))
            engine, state, dataset = union.engine, f"union {union.folder}", Dataset(None, dataset.named or ())
        return {
            "path": str(engine.path),
            "state": state,
            "base": place.names.base,
            "text": plan.text,
            "default": None if dataset.default is None else [g.value for g in dataset.default],
            "named": None if dataset.named is None else [g.value for g in dataset.named],
            "format": plan.choice.format.media_type,
            "rows": rows,
            "bytes": self.limits.bytes,
        }


def _deadline(until: float, limits: Limits) -> Callable[[], None]:
    def check() -> None:
        if time.monotonic() > until:
            raise QueryTimeout("query-time", bound=limits.seconds)

    return check


def _preview(found: bytes, end: bytes) -> Preview:
    """Read a preview back from a worker; what it is not of the agreed form is a :class:`StoreError`."""
    try:
        said = json.loads(end)
        if said["kind"] == "truth":
            return Preview(truth=bool(said["truth"]))
        if said["kind"] == "triples":
            parsed = ox.parse(found, ox.RdfFormat.N_TRIPLES, lenient=True)
            return Preview(triples=tuple(quad.triple for quad in parsed), more=bool(said["more"]))
        names = tuple(str(name) for name in said["names"])
        lines = found.decode().split("\n") if said["number"] else []
        rows = tuple(tuple(_term(cell) for cell in line.split("\t")) if names else () for line in lines)
        return Preview(names, rows, more=bool(said["more"]))
    except (ValueError, KeyError, TypeError, SyntaxError) as problem:
        raise StoreError("query-failed") from problem


def _term(text: str) -> Term | None:
    """Read one term as N-Triples writes it.

    >>> _term('"a"@de'), _term("")
    (<Literal value=a language=de>, None)
    """
    if not text:
        return None
    (quad,) = ox.parse(f"<a:a> <a:a> {text} .", ox.RdfFormat.N_TRIPLES, lenient=True)
    term: Term = quad.object
    return term
