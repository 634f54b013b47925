"""Answer a query: release, dataset, limits and format in, a stream of bytes out.

The evaluation runs in a worker process that is killed when it goes too far. Nothing outside this room knows that:
``Queries.run`` and ``Queries.preview`` are the whole interface.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import pyoxigraph as ox

from stadtgraph.errors import QueryRefused, QueryTimeout, StadtgraphError, StoreError
from stadtgraph.query import wire
from stadtgraph.query.anchors import ENDS, FEWEST
from stadtgraph.query.cache import Cache, Entry
from stadtgraph.query.coding import SMALL, Packing, packed
from stadtgraph.query.dataset import Unions, Wanted, needs_union, visible
from stadtgraph.query.federation import Federation, Row, federated
from stadtgraph.query.limits import Limits
from stadtgraph.query.planning import Plan
from stadtgraph.query.pool import Pool, Worker
from stadtgraph.query.ticket import Ticket, outcome_of
from stadtgraph.query.work import Blocks, Work
from stadtgraph.sparql.negotiate import JSON
from stadtgraph.store import Dataset, Engine, OxigraphEngine
from stadtgraph.terms import Names, Term

_AHEAD: Final = 256 * 1024
_PATIENCE: Final = 0.015
_CHECK, _CHECK_PATIENCE = 5.0, 0.5
_CHEAP: Final = 0.005
"""Bytes and seconds of an answer that are held back, so that what fails early gets a status of its own; and the
seconds of work below which an answer is not worth a file."""
_ATTEMPTS: Final = 3
"""Workers that are asked one after the other, where each dies before it has read the query."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a query is asked: the engine of one view of a release, and what is known of its graphs.

    ``release`` tells this state of the release from every other; ``internal`` that the view holds restricted graphs.
    ``prepare`` answers beforehand the parts of a query that the store does not know, such as full text.
    """

    release: str
    engine: Engine
    names: Names
    sizes: Mapping[str, int] = field(default_factory=dict)
    internal: bool = False
    prepare: Callable[[str], str] = str


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer under way: ``blocks`` are its bytes, packed by ``coding``; ``length`` is known where it is there whole.

    Close ``blocks`` (as web servers do) to end the work early. An answer that is cut off raises from ``blocks``
    and so never looks complete.
    """

    content_type: str
    blocks: Told
    length: int | None
    coding: str = ""


class Told:
    """The blocks of an answer on their way out: counted, kept once they are complete, their end noted."""

    __slots__ = ("_blocks", "_entry", "_iterator", "_ticket")

    def __init__(self, blocks: Iterable[bytes], ticket: Ticket, entry: Entry | None = None) -> None:
        """Give ``blocks``; ``entry`` keeps them where they come to their end."""
        self._blocks, self._iterator, self._ticket, self._entry = blocks, iter(blocks), ticket, entry

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            block = next(self._iterator)
        except StopIteration:
            if self._entry is not None:
                self._entry.keep()
            self._ticket.end("ok")
            raise
        except BaseException as problem:
            self._forget()
            self._ticket.end(outcome_of(problem))
            raise
        self._ticket.bytes += len(block)
        if self._entry is not None:
            self._entry.add(block)
        return block

    def close(self) -> None:
        """Say that nobody reads any more."""
        close = getattr(self._blocks, "close", None)
        if close is not None:
            close()
        self._forget()
        self._ticket.end("left")

    def _forget(self) -> None:
        """Hold nothing of an answer that did not come to its end."""
        if self._entry is not None:
            self._entry.forget()
            self._entry = None


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


def _stays() -> bool:
    return False


class Queries:
    """Runs queries of one process."""

    def __init__(
        self,
        limits: Limits | None = None,
        pool: Pool | None = None,
        cache: Cache | None = None,
        federation: Federation | None = None,
    ) -> None:
        """Start nothing yet; without a ``cache`` no answer is kept, without a ``federation`` nobody else is asked."""
        self.limits = limits or Limits()
        self.pool = pool or Pool()
        self.cache = cache or Cache(0)
        self.federation = federation
        self._unions = Unions()

    def forget(self) -> None:
        """Keep nothing of earlier answers."""
        self._unions.clear()
        self.cache.clear()

    def close(self) -> None:
        """End the workers."""
        self.pool.close()

    def run(
        self,
        plan: Plan,
        place: Place,
        is_gone: Callable[[], bool] | None = None,
        *,
        coding: str = "",
        ticket: Ticket | None = None,
    ) -> Answer:
        """Give the answer to ``plan``; what fails early raises here, what fails late raises from its blocks.

        ``is_gone``, where it is given, tells whether the client has left; then the work ends. ``coding`` packs what is
        worth it. Raises :class:`QuerySyntaxError`, :class:`QueryRefused`, :class:`NotAcceptable`,
        :class:`QueryTimeout`, :class:`StoreError` and, of queries that ask other endpoints, :class:`NetworkError`.
        """
        ticket = _noted(plan, ticket)
        key = plan.key(place.release) if plan.is_lasting else ""
        kept = self.kept(key, coding) if key else None
        if kept is not None:
            ticket.cached = True
            return Answer(plan.choice.content_type, Told((kept[0],), ticket), len(kept[0]), kept[1])
        try:
            blocks = Blocks(self._asked(plan, place, None, is_gone or _stays, ticket))
        except BaseException as problem:
            ticket.end(outcome_of(problem))
            raise
        return self.finish(plan, place, blocks, coding, ticket)

    def begin(self, plan: Plan, place: Place, is_gone: Callable[[], bool], ticket: Ticket) -> Blocks | None:
        """Ask a worker that is free this moment; nothing where there is none. Nothing is waited for.

        Raises :class:`TooManyRequests` where the caller has to stand in line, :class:`StoreError` where the worker
        turns out to be dead.
        """
        worker = self.pool.take(ticket.caller)
        if worker is None:
            return None
        _noted(plan, ticket)
        try:
            request = self._request(plan, place, None)
            ticket.enter(wait=False)
        except BaseException:
            self.pool.release(worker)
            raise
        try:
            return Blocks(Work(self.pool, worker, request, self.limits, is_gone, ticket))
        except wire.Broken:
            self.pool.discard(worker, "died")
            ticket.end("failed")
            raise StoreError("query-failed") from None

    def finish(self, plan: Plan, place: Place, blocks: Blocks, coding: str, ticket: Ticket) -> Answer:
        """Give the answer that ``blocks`` begin; raises as :meth:`run`."""
        key = plan.key(place.release) if plan.is_lasting else ""
        try:
            length = blocks.read_ahead(_AHEAD, _PATIENCE)
        except BaseException as problem:
            ticket.end(outcome_of(problem))
            raise
        if length is not None:
            body, used = self.keep(key, blocks.whole(), coding, cost=ticket.worked)
            return Answer(plan.choice.content_type, Told((body,), ticket), len(body), used)
        entry = self.cache.entry(_entry(key, coding)) if key else None
        going: Iterable[bytes] = Packing(blocks, coding) if coding else blocks
        return Answer(plan.choice.content_type, Told(going, ticket, entry), None, coding)

    def kept(self, key: str, coding: str) -> tuple[bytes, str] | None:
        """Give the answer that was kept under the key of a plan, and its coding; ``None`` where there is none."""
        if coding:
            body = self.cache.get(_entry(key, coding))
            if body is not None:
                return body, coding
        body = self.cache.get(_entry(key, ""))
        if body is None:
            return None
        return self.keep(key, body, coding, fresh=False) if coding else (body, "")

    def keep(self, key: str, body: bytes, coding: str, *, fresh: bool = True, cost: float = 0.0) -> tuple[bytes, str]:
        """Keep a whole answer under the key of its plan (empty: it is not kept), packed where that is worth it.

        ``cost`` is the seconds it took; what took few is not worth a file.
        """
        used = coding if len(body) >= SMALL else ""
        if used:
            body = packed(body, used)
        if key and (fresh or used):
            self.cache.put(_entry(key, used), body, shared=cost > _CHEAP)
        return body, used

    def stream(
        self,
        job: str,
        content_type: str,
        is_gone: Callable[[], bool] | None = None,
        *,
        ticket: Ticket | None = None,
        **arguments: Any,
    ) -> Answer:
        """Give what a worker sends while it does ``job`` (``module:function``), as :meth:`run` gives an answer."""
        ticket = ticket or Ticket()
        ticket.form = ticket.form or "GRAPH"
        try:
            ticket.enter()
            request = {"job": job, "bytes": self.limits.bytes, **arguments}
            blocks = Blocks(self._sent(request, is_gone or _stays, ticket))
            length = blocks.read_ahead(_AHEAD, _PATIENCE)
        except BaseException as problem:
            ticket.end(outcome_of(problem))
            raise
        return Answer(content_type, Told(blocks, ticket), length)

    def check(self, place: Place) -> None:
        """Have a worker answer the shortest query; raise :class:`StoreError` where none can. Busy ones are well.

        One that has died since its last query says nothing about the next one.
        """
        for _ in range(self.pool.settings.size + 1):
            try:
                worker = self.pool.acquire(_CHECK_PATIENCE)
            except QueryTimeout:
                return
            if self._answers(worker, place):
                return
        raise StoreError("query-no-worker")

    def _answers(self, worker: Worker, place: Place) -> bool:
        assert isinstance(place.engine, OxigraphEngine)
        request = {"path": str(place.engine.path), "state": place.release, "base": place.names.base, "text": "ASK {}"}
        more: dict[str, Any] = {"join": False, "default": None, "named": [], "format": JSON.media_type}
        more |= {"rows": None, "bytes": 1000}
        try:
            work = Work(self.pool, worker, request | more, Limits(seconds=_CHECK), _stays, Ticket())
        except wire.Broken:
            self.pool.discard(worker, "died")
            return False
        try:
            while work.next() is not None:
                continue
        except StadtgraphError:
            return False
        return True

    def preview(self, plan: Plan, place: Place, rows: int, ticket: Ticket | None = None) -> Preview:
        """Give the first ``rows`` rows (or triples) of the answer to ``plan``; raises as :meth:`run`."""
        ticket = _noted(plan, ticket)
        found = b""
        try:
            work = self._asked(plan, place, rows, _stays, ticket)
            while (block := work.next()) is not None:
                found += block
            seen = _preview(found, work.end)
        except BaseException as problem:
            ticket.end(outcome_of(problem))
            raise
        ticket.bytes = len(found)
        ticket.end("ok")
        return seen

    def _asked(self, plan: Plan, place: Place, rows: int | None, is_gone: Callable[[], bool], ticket: Ticket) -> Work:
        ticket.enter()
        if plan.outline.services:
            plan = self._federated(plan, place, is_gone, ticket)
        return self._work(plan, place, rows, is_gone, ticket)

    def _federated(self, plan: Plan, place: Place, is_gone: Callable[[], bool], ticket: Ticket) -> Plan:
        """Give the plan with what other endpoints answer in the place of SERVICE; its time counts as the query's."""
        if self.federation is None or not self.federation.services:
            line, column = plan.outline.services[0]
            raise QueryRefused("guard-service", line=line, column=column)
        began = time.monotonic() - ticket.worked

        def ask(text: str, rows: int, *, empty: bool = False) -> tuple[list[Row], bool]:
            ticket.worked = max(ticket.worked, time.monotonic() - began)
            part = replace(plan, text=text, wanted=Wanted((), ()) if empty else plan.wanted)
            work = self._work(part, place, rows, is_gone, ticket)
            found = b"".join(iter(work.next, None))
            seen = _preview(found, work.end)
            return list(seen.rows), seen.more

        try:
            until = began + self.limits.seconds
            found = federated(
                plan.text, plan.outline, self.federation, place.names, ask, until, internal=place.internal
            )
        finally:
            ticket.worked = max(ticket.worked, time.monotonic() - began)
        ticket.services = tuple(f"{name};failed" if name in found.failed else name for name in found.asked)
        return replace(plan, text=found.text)

    def _work(self, plan: Plan, place: Place, rows: int | None, is_gone: Callable[[], bool], ticket: Ticket) -> Work:
        return self._sent(self._request(plan, place, rows), is_gone, ticket)

    def _sent(self, request: dict[str, Any], is_gone: Callable[[], bool], ticket: Ticket) -> Work:
        for _ in range(_ATTEMPTS):
            worker = self.pool.acquire(
                self.limits.patience, caller=ticket.caller, trusted=ticket.trusted, is_gone=is_gone
            )
            try:
                return Work(self.pool, worker, request, self.limits, is_gone, ticket)
            except wire.Broken:  # it died before it knew of the query, which therefore is not to blame
                self.pool.discard(worker, "died")
        raise StoreError("query-failed")

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
            "text": place.prepare(plan.text),
            "join": plan.outline.sizes["patterns"] >= FEWEST - 1 and plan.outline.sizes["ends"] >= ENDS,
            "default": None if dataset.default is None else [g.value for g in dataset.default],
            "named": None if dataset.named is None else [g.value for g in dataset.named],
            "format": plan.choice.format.media_type,
            "rows": rows,
            "bytes": self.limits.bytes,
        }


def _noted(plan: Plan, ticket: Ticket | None) -> Ticket:
    """Give the ticket, or a new one, with what is known of the query by now."""
    ticket = ticket or Ticket()
    ticket.form, ticket.text = str(plan.outline.form), plan.text
    return ticket


def _entry(key: str, coding: str) -> str:
    """Give the name of an answer in the cache."""
    return f"{key}-{coding}" if coding else key


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
