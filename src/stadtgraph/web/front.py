"""The short way of a query: from the request to its answer before Flask is asked, for what needs no page and no token.

A request that was asked before is known by its bytes: its ETag is compared before the query is read, and an answer that
was kept is given at once. Everything else (pages, descriptions, updates, tokens, errors) goes on to Flask, which gives
the same answers as here, only later.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from stadtgraph.query import Answer, Plan, Ticket, outcome_of, plan
from stadtgraph.query.coding import CODINGS
from stadtgraph.query.work import Blocks
from stadtgraph.sparql import negotiate, protocol
from stadtgraph.sparql.negotiate import HTML
from stadtgraph.sparql.protocol import Operation
from stadtgraph.web import reply
from stadtgraph.web.bodies import is_packed

if TYPE_CHECKING:
    from stadtgraph.web.state import Opened, State

PATHS: Final = frozenset({"/sparql", "/sparql/"})
EXAMPLES: Final = "/queries/"
PROBLEM: Final = "stadtgraph.problem"
TICKET: Final = "stadtgraph.ticket"
GIVEN: Final = "stadtgraph.given"
"""Where Flask finds what went wrong on the short way and the ticket of the request; where a query stands that was begun
before a thread took the request."""
_AHEAD: Final = 256 * 1024
_LARGEST_BODY: Final = 4 << 20
_MEMORY: Final = 2048
_LONGEST: Final = 8192
Raw = tuple[str, bytes, str, str, bytes]
Environ = dict[str, Any]
StartResponse = Callable[..., Any]


class Keyed(NamedTuple):
    """Under which key and ETag a state of a release answers a query."""

    state: str
    key: str
    tag: str


_UNKEYED: Final = Keyed("", "", "")


@dataclass(slots=True)
class Asked:
    """A query as it was asked: its plan under a base IRI, its coding, and its key in the state that last answered."""

    release: str | None
    base: str
    plan: Plan
    coding: str
    _keyed: Keyed = _UNKEYED

    def keyed(self, state: str) -> Keyed:
        """Give key and ETag in a state of a release. Several threads may ask for several states at once."""
        found = self._keyed
        if found.state != state or not self.plan.is_lasting:
            key = self.plan.key(state)
            found = self._keyed = Keyed(state, key, reply.result_tag(key))
        return found


@dataclass(slots=True)
class Ready:
    """An answer to be sent: status line, headers, bytes or blocks."""

    status: str
    headers: list[tuple[str, str]]
    blocks: Iterable[bytes] = ()


LIVE: Final = "/health/live"
_TEXT: Final = "text/plain; charset=utf-8"
LIVING: Final = Ready(
    "200 OK",
    [*reply.COMMON, ("Content-Type", _TEXT), ("Cache-Control", "no-store"), ("Content-Length", "3")],
    (b"ok\n",),
)
"""The answer that the process lives, which needs no thread: one that has none left is busy, not dead."""


@dataclass(slots=True)
class Standing:
    """A query that may be asked as soon as a worker is free."""

    asked: Asked
    keyed: Keyed
    found: Opened
    ticket: Ticket
    is_gone: Callable[[], bool]


@dataclass(slots=True)
class Given:
    """A query that a worker was asked before a thread took the request."""

    asked: Asked
    keyed: Keyed
    found: Opened
    ticket: Ticket
    blocks: Blocks
    problem: Exception | None = None
    needs_thread: bool = False

    def close(self) -> None:
        """End the query: nobody waits for it."""
        self.blocks.close()
        self.ticket.end("left")


@dataclass(slots=True)
class _Memory:
    """The last requests by their bytes."""

    _held: OrderedDict[Raw, Asked] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, raw: Raw) -> Asked | None:
        with self._lock:
            found = self._held.get(raw)
            if found is not None:
                self._held.move_to_end(raw)
            return found

    def put(self, raw: Raw, asked: Asked) -> None:
        if len(raw[1]) + len(raw[4]) > _LONGEST:
            return
        with self._lock:
            self._held[raw] = asked
            if len(self._held) > _MEMORY:
                self._held.popitem(last=False)


class Front:
    """The WSGI application that a server calls: the short way first, then ``behind``."""

    def __init__(self, behind: Callable[[Environ, StartResponse], Iterable[bytes]], state: State) -> None:
        """Stand in front of the application ``behind`` of the same ``state``."""
        self._behind, self._state, self._memory = behind, state, _Memory()

    @property
    def is_wanted(self) -> bool:
        """Tell whether somebody waits for a worker."""
        return self._state.queries.pool.is_wanted

    @property
    def is_choked(self) -> bool:
        """Tell whether somebody waits for a worker while slow readers hold too many."""
        return self._state.queries.pool.is_choked

    @property
    def is_free(self) -> bool:
        """Tell whether a worker may be asked this moment."""
        return self._state.queries.pool.is_free

    def parted(self, address: str) -> None:
        """Note that a client was parted from, for it held up a worker that others waited for."""
        self._state.watch.parted(address)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        path = environ["PATH_INFO"]
        if path in PATHS or path.startswith(EXAMPLES):
            given: Given | None = environ.get(GIVEN)
            ticket = given.ticket if given is not None else self._state.watch.ticket(environ.get("REMOTE_ADDR", ""))
            environ[TICKET] = ticket
        if path in PATHS and "HTTP_AUTHORIZATION" not in environ:
            try:
                ready = self._answer(environ, ticket) if given is None else self._finish(given)
            except Exception as problem:
                ticket.end(outcome_of(problem))
                environ[PROBLEM] = problem
            else:
                if ready is not None:
                    start_response(ready.status, ready.headers)
                    return ready.blocks
        return self._behind(environ, start_response)

    def _answer(self, environ: Environ, ticket: Ticket) -> Ready | None:
        raw = _raw(environ)
        if raw is None:
            return None
        asked, found = self.asked(raw, ticket)
        if asked is None or found is None:
            return None
        known = environ.get("HTTP_IF_NONE_MATCH", "") if raw[0] == "GET" else ""
        keyed = asked.keyed(found.place.release)
        ready = self.known(asked, keyed, found, known, ticket)
        return ready or self.run(asked, keyed, found, ticket, environ.get("waitress.client_disconnected"))

    def begin(
        self, raw: Raw, known: str, address: str | None, is_gone: Callable[[], bool], *, ask: bool = True
    ) -> Ready | Given | Standing | None:
        """Begin to answer without waiting for anything: an answer, a query that was asked or may be soon, or nothing.

        Nothing means that a thread should take the request from its start; so it is where anything is wrong. ``ask``
        false asks no worker yet.
        """
        ticket = self._state.watch.ticket(address or "")
        try:
            asked, found = self.asked(raw, ticket)
            if asked is None or found is None:
                return None
            keyed = asked.keyed(found.place.release)
            ready = self.known(asked, keyed, found, known if raw[0] == "GET" else "", ticket)
        except Exception:
            return None
        if ready is not None:
            return ready
        if address is None or not asked.plan.is_simple:
            return None
        query = Standing(asked, keyed, found, ticket, is_gone)
        return self.again(query) if ask else query

    def again(self, query: Standing) -> Given | Standing | None:
        """Ask a worker, where one is free now; give the query back where none is, nothing where anything is wrong."""
        asked, found, ticket = query.asked, query.found, query.ticket
        try:
            blocks = self._state.queries.begin(asked.plan, found.place, query.is_gone, ticket)
        except Exception:
            return None
        return query if blocks is None else Given(asked, query.keyed, found, ticket, blocks)

    def go_on(self, given: Given) -> Ready | None:
        """Take what the worker has sent by now; give the answer where it is there whole."""
        try:
            whole = given.blocks.read_ahead(_AHEAD, wait=False) is not None
        except Exception as problem:
            given.problem, given.needs_thread = problem, True
            return None
        if whole:
            return self._whole(given)
        given.needs_thread = given.blocks.ahead >= _AHEAD
        return None

    def _whole(self, given: Given) -> Ready:
        asked, ticket = given.asked, given.ticket
        key = given.keyed.key if asked.plan.is_lasting else ""
        body, coding = self._state.queries.keep(key, given.blocks.whole(), asked.coding, cost=ticket.worked)
        ticket.bytes = len(body)
        ticket.end("ok")
        headers = self._headers(asked, _etag(given.keyed, coding), given.found, ticket)
        return Ready("200 OK", _described(headers, coding, len(body)), (body,))

    def _finish(self, given: Given) -> Ready:
        if given.problem is not None:
            raise given.problem
        answer = self._state.queries.finish(
            given.asked.plan, given.found.place, given.blocks, given.asked.coding, given.ticket
        )
        return self._of(given.asked, given.keyed, given.found, given.ticket, answer)

    def asked(self, raw: Raw, ticket: Ticket) -> tuple[Asked | None, Opened | None]:
        """Read a request by its bytes; nothing where it takes the long way.

        Raises what :func:`stadtgraph.query.plan` raises.
        """
        held = self._memory.get(raw)
        if held is not None:
            ticket.text = held.plan.text
            found = self._state.open(held.release)
            if found.place.names.base == held.base:
                return held, found
        method, query, kinds, accepted, body = raw
        accept, _, encodings = accepted.partition("\n")
        request = protocol.read(method, query, kinds or None, body, accept or None)
        if request.operation is not Operation.QUERY:
            return None, None
        ticket.text = request.text
        found = self._state.open(request.release)
        planned = plan(request, found.place.names.base, pages=True, services=True, bounds=self._state.bounds)
        if planned.choice.format is HTML:
            return None, None
        coding = negotiate.coding(encodings, CODINGS)
        asked = Asked(request.release, found.place.names.base, planned, coding)
        self._memory.put(raw, asked)
        return asked, found

    def known(self, asked: Asked, keyed: Keyed, found: Opened, known: str, ticket: Ticket) -> Ready | None:
        """Give what can be said without any work: that the client has the answer, or the answer as it was kept."""
        ticket.form = str(asked.plan.outline.form)
        named = reply.named_tag(known, keyed.tag) if known else None
        if named is not None:
            ticket.end("known")
            return Ready("304 Not Modified", self._headers(asked, named, found, ticket))
        kept = self._state.queries.kept(keyed.key, asked.coding) if asked.plan.is_lasting else None
        if kept is None:
            return None
        body, coding = kept
        ticket.cached, ticket.bytes = True, len(body)
        ticket.end("ok")
        headers = self._headers(asked, _etag(keyed, coding), found, ticket)
        return Ready("200 OK", _described(headers, coding, len(body)), (body,))

    def run(
        self, asked: Asked, keyed: Keyed, found: Opened, ticket: Ticket, is_gone: Callable[[], bool] | None
    ) -> Ready:
        """Have a query answered."""
        answer = self._state.queries.run(asked.plan, found.place, is_gone, coding=asked.coding, ticket=ticket)
        return self._of(asked, keyed, found, ticket, answer)

    def _of(self, asked: Asked, keyed: Keyed, found: Opened, ticket: Ticket, given: Answer) -> Ready:
        headers = self._headers(asked, _etag(keyed, given.coding), found, ticket)
        return Ready("200 OK", _described(headers, given.coding, given.length), given.blocks)

    def _headers(self, asked: Asked, etag: str, found: Opened, ticket: Ticket) -> list[tuple[str, str]]:
        return [
            *reply.COMMON,
            ("Content-Type", asked.plan.choice.content_type),
            ("Cache-Control", reply.caching(asked.release, keep=asked.plan.is_lasting)),
            ("ETag", etag),
            (reply.RELEASE_HEADER, found.id),
            (reply.QUERY_HEADER, ticket.id),
            *reply.services(ticket),
        ]


def _etag(keyed: Keyed, coding: str) -> str:
    return f'"{keyed.tag}-{coding}"' if coding else f'"{keyed.tag}"'


def _described(headers: list[tuple[str, str]], coding: str, length: int | None) -> list[tuple[str, str]]:
    """Add to ``headers`` how the bytes are packed and how many there are."""
    if coding:
        headers.append(("Content-Encoding", coding))
    if length is not None:
        headers.append(("Content-Length", str(length)))
    return headers


def _raw(environ: Environ) -> Raw | None:
    """Give what decides about the answer, as it came; nothing where the request takes the long way."""
    method, body = environ["REQUEST_METHOD"], b""
    if method == "POST":
        if is_packed(environ):
            return None
        length = environ.get("CONTENT_LENGTH") or "0"
        if not length.isdecimal() or int(length) > _LARGEST_BODY:
            return None
        body = environ["wsgi.input"].read(int(length))
        environ["wsgi.input"] = BytesIO(body)
    elif method != "GET":
        return None
    query = environ.get("QUERY_STRING", "").encode("latin-1")
    accepted = f"{environ.get('HTTP_ACCEPT', '')}\n{environ.get('HTTP_ACCEPT_ENCODING', '')}"
    return method, query, environ.get("CONTENT_TYPE", ""), accepted, body


def passed_on(environ: Environ) -> None:
    """Raise what went wrong on the short way, if anything did."""
    problem = environ.get(PROBLEM)
    if isinstance(problem, Exception):
        raise problem
