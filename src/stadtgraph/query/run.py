"""Answer a query: release, dataset, limits and format in, a stream of bytes out.

The evaluation runs on a lane of this process. Nothing outside this room knows that: ``Queries.run`` and
``Queries.preview`` are the whole interface.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, TypeVar

import pyoxigraph as ox

from stadtgraph.errors import NotAcceptable, QuerySyntaxError, QueryTimeout, StadtgraphError, StoreError
from stadtgraph.query.channel import Abandoned, Blocks, Channel, Sink
from stadtgraph.query.dataset import Unions, needs_union, visible
from stadtgraph.query.lanes import Lanes
from stadtgraph.query.limits import MEGABYTE, Limits
from stadtgraph.query.plan import Plan
from stadtgraph.sparql import negotiate
from stadtgraph.sparql.faults import fault
from stadtgraph.store import Dataset, Engine, Result
from stadtgraph.terms import PREFIXES, Names, Term

_TABLES: Final = {
    negotiate.JSON: ox.QueryResultsFormat.JSON,
    negotiate.XML: ox.QueryResultsFormat.XML,
    negotiate.CSV: ox.QueryResultsFormat.CSV,
    negotiate.TSV: ox.QueryResultsFormat.TSV,
}
_GRAPHS: Final = {
    negotiate.TURTLE: ox.RdfFormat.TURTLE,
    negotiate.N_TRIPLES: ox.RdfFormat.N_TRIPLES,
    negotiate.RDF_XML: ox.RdfFormat.RDF_XML,
    negotiate.JSON_LD: ox.RdfFormat.JSON_LD,
    negotiate.N_QUADS: ox.RdfFormat.N_QUADS,
    negotiate.TRIG: ox.RdfFormat.TRIG,
}
_XML: Final = (negotiate.XML, negotiate.RDF_XML)
_log: Final = logging.getLogger(__name__)
_T = TypeVar("_T")
_AHEAD, _PATIENCE = MEGABYTE, 0.5


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


class Queries:
    """Runs queries of one process."""

    def __init__(self, limits: Limits | None = None, lanes: Lanes | None = None) -> None:
        """Start nothing yet."""
        self.limits = limits or Limits()
        self.lanes = lanes or Lanes()
        self._unions = Unions()

    def forget(self) -> None:
        """Keep nothing of earlier answers."""
        self._unions.clear()

    def run(self, plan: Plan, place: Place) -> Answer:
        """Give the answer to ``plan``; what fails early raises here, what fails late raises from its blocks.

        Raises :class:`QuerySyntaxError`, :class:`QueryRefused`, :class:`NotAcceptable`, :class:`QueryTimeout`,
        :class:`StoreError`.
        """
        channel = Channel(self.limits)

        def work() -> None:
            sink = Sink(channel, self.limits, xml=plan.choice.format in _XML)
            with self._asked(plan, place, channel.check) as result:
                _write(result, plan.choice.format, sink)
            sink.flush()

        self.lanes.run(_job(plan, channel, work), self.limits.patience, channel.is_left)
        return _answer(plan, channel)

    def preview(self, plan: Plan, place: Place, rows: int) -> Preview:
        """Give the first ``rows`` rows (or triples) of the answer to ``plan``; raises as :meth:`run`."""
        channel = Channel(self.limits)
        found: list[Preview] = []

        def work() -> None:
            with self._asked(plan, place, channel.check) as result:
                found.append(_preview(result, rows, channel.check))

        self.lanes.run(_job(plan, channel, work), self.limits.patience, channel.is_left)
        while channel.get() is not None:
            pass
        return found[0]

    @contextmanager
    def _asked(self, plan: Plan, place: Place, check: Callable[[], None]) -> Iterator[Result]:
        """Give the result of the query over the dataset that it asks for and may see."""
        dataset = visible(place.engine, plan.wanted)
        if not needs_union(dataset, place.sizes, self.limits.union):
            yield place.engine.query(plan.text, dataset)
            return
        union = self._unions.get(place.release, place.engine, place.names, dataset, check)
        yield union.engine.query(plan.text, Dataset(None, dataset.named or ()))


def _job(plan: Plan, channel: Channel, work: Callable[[], None]) -> Callable[[], None]:
    """Give a job that does ``work`` and tells the channel how it ended."""

    def job() -> None:
        error: StadtgraphError | None = None
        try:
            work()
        except Abandoned:
            pass
        except BaseException as problem:
            error = _error(plan.text, problem)
            error.__cause__ = error.__context__ = error.__traceback__ = (
                None  # they hold the result, bound to this thread
            )
        channel.end(error)

    return job


def _error(text: str, problem: BaseException) -> StadtgraphError:
    """Give the error to tell; what Oxigraph says of a query is turned into our words."""
    if isinstance(problem, QuerySyntaxError) and isinstance(problem.__cause__, SyntaxError):
        return fault(text, problem.__cause__)
    if isinstance(problem, StadtgraphError):
        return problem
    if isinstance(problem, MemoryError):
        return QueryTimeout("query-memory")
    if isinstance(problem, RuntimeError | SyntaxError):
        return fault(text, problem)
    _log.error("a query failed: %s: %s", type(problem).__name__, problem)
    return StoreError("query-failed")


def _write(result: Result, chosen: negotiate.Format, sink: Sink) -> None:
    if isinstance(result, ox.QueryTriples):
        if chosen is negotiate.RDF_XML:
            ox.serialize(writable_as_xml(result), sink, _GRAPHS[chosen], prefixes=PREFIXES)  # type: ignore[arg-type]
        else:
            result.serialize(sink, _GRAPHS[chosen])  # type: ignore[arg-type]
    else:
        result.serialize(sink, _TABLES[chosen])  # type: ignore[arg-type]


_LOCAL_NAME: Final = re.compile(r"[^\W\d][\w.\-]*\Z")


def writable_as_xml(triples: Iterator[ox.Triple]) -> Iterator[ox.Triple]:
    """Give ``triples`` back; raise :class:`NotAcceptable` for a predicate that RDF/XML has no name for.

    Source: https://www.w3.org/TR/rdf-syntax-grammar/#section-Serialising
    """
    checked: set[ox.NamedNode] = set()
    for triple in triples:
        if triple.predicate not in checked:
            if not _LOCAL_NAME.search(triple.predicate.value):
                raise NotAcceptable("query-not-rdfxml", predicate=triple.predicate.value)
            checked.add(triple.predicate)
        yield triple


def _answer(plan: Plan, channel: Channel) -> Answer:
    """Wait for the first megabyte or half a second of the answer, so that an early failure has its own status."""
    ahead: list[bytes] = []
    size, patience = 0, None
    while size < _AHEAD:
        try:
            block = channel.get(patience)
        except BaseException:
            channel.leave()
            raise
        if block is None:
            return Answer(plan.choice.content_type, Blocks(ahead, channel), size)
        if block == b"":
            break
        ahead.append(block)
        size, patience = size + len(block), _PATIENCE
    return Answer(plan.choice.content_type, Blocks(ahead, channel), None)


def _preview(result: Result, rows: int, check: Callable[[], None]) -> Preview:
    if isinstance(result, ox.QueryBoolean):
        return Preview(truth=bool(result))
    if isinstance(result, ox.QueryTriples):
        triples, more = _first(result, rows, check)
        return Preview(triples=tuple(triples), more=more)
    names = tuple(v.value for v in result.variables)
    found, more = _first(result, rows, check)
    return Preview(names, tuple(tuple(solution[name] for name in names) for solution in found), more=more)


def _first(items: Iterator[_T], number: int, check: Callable[[], None]) -> tuple[list[_T], bool]:
    found: list[_T] = []
    for item in items:
        check()
        if len(found) == number:
            return found, True
        found.append(item)
    return found, False
