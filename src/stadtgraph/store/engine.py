"""The ``Engine``: what the rest of stadtgraph asks of a store, and embedded Oxigraph behind it.

Every question names its dataset in full. Oxigraph leaks graphs when only one of ``default_graph`` and
``named_graphs`` is given, and its union flag counts a triple in two graphs twice, so this is the only place that
calls ``Store.query``, and it always passes both. The store's own default graph is the merge of the view's graphs.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

import pyoxigraph as ox

from stadtgraph.errors import StoreError
from stadtgraph.store.functions import FUNCTIONS
from stadtgraph.store.literals import Normaliser, restore
from stadtgraph.terms import Names

Subject = ox.NamedNode | ox.BlankNode
Result = ox.QuerySolutions | ox.QueryBoolean | ox.QueryTriples


@dataclass(frozen=True, slots=True)
class Dataset:
    """The RDF dataset of a query: ``default`` ``None`` is the merge of everything, else the graphs to look at."""

    default: tuple[ox.NamedNode, ...] | None = None
    named: tuple[ox.NamedNode, ...] | None = None


@runtime_checkable
class Engine(Protocol):
    """A store that answers SPARQL over one view of one release."""

    def graphs(self) -> list[ox.NamedNode]:
        """Give the named graphs that may be asked, sorted; ``written`` graphs are not among them."""

    def ask(self, query: str, dataset: Dataset | None = None) -> bool:
        """Answer an ASK query."""

    def select(self, query: str, dataset: Dataset | None = None) -> ox.QuerySolutions:
        """Answer a SELECT query."""

    def construct(self, query: str, dataset: Dataset | None = None) -> Iterator[ox.Triple]:
        """Answer a CONSTRUCT or DESCRIBE query."""

    def query(self, query: str, dataset: Dataset | None = None) -> Result:
        """Answer a query of any form, as the engine's own result object."""

    def triples(
        self, s: Subject | None = None, p: ox.NamedNode | None = None, o: ox.Literal | Subject | None = None
    ) -> Iterator[ox.Triple]:
        """Give the triples of the merge that fit a pattern."""

    def as_written(self, graph: ox.NamedNode, subjects: Iterable[Subject] | None = None) -> Iterator[ox.Triple]:
        """Give the triples of ``graph`` as their owner wrote them, all or those of ``subjects``."""

    def update(self, update: str) -> None:
        """Apply a SPARQL update text that stadtgraph itself made."""


_HANDLES: Final = "/proc/self/fd"
_PAUSES: Final = (0.005, 0.02, 0.1)
"""Seconds to wait for a store that was let go of to close its files."""


def _has_open(folder: Path) -> bool:
    """Tell whether this process has a file below ``folder`` open."""
    below = f"{folder.resolve()}{os.sep}"
    for handle in os.listdir(_HANDLES):
        with suppress(OSError):
            if os.readlink(f"{_HANDLES}/{handle}").startswith(below):
                return True
    return False


class OxigraphEngine:
    """Embedded Oxigraph on disk. Opened read-only (the default), it never writes a file."""

    __slots__ = ("_graphs", "_normaliser", "names", "path", "read_only", "store")

    def __init__(self, path: Path, names: Names, *, read_only: bool = True) -> None:
        """Open the store in the folder ``path``; a folder that is no store raises :class:`StoreError`."""
        self.path, self.names, self.read_only = path, names, read_only
        self._graphs: list[ox.NamedNode] | None = None
        self._normaliser = Normaliser()
        try:
            self.store = ox.Store.read_only(str(path)) if read_only else ox.Store(str(path))
        except (OSError, RuntimeError, ValueError) as problem:
            raise StoreError("store-open", path=path.name, problem=problem) from problem

    def close(self) -> None:
        """Let go of the store, so that its folder can be moved; the engine must not be used afterwards.

        Where something that nobody can reach any more still holds it, that is looked for, which stops every thread.
        """
        del self.store
        for pause in _PAUSES if os.path.isdir(_HANDLES) else ():
            if not _has_open(self.path):
                return
            time.sleep(pause)
        gc.collect()

    def graphs(self) -> list[ox.NamedNode]:
        """Give the named graphs that may be asked, sorted by IRI."""
        if self._graphs is not None:
            return self._graphs
        found = sorted(
            (
                g
                for g in self.store.named_graphs()
                if isinstance(g, ox.NamedNode) and not self.names.is_written(g.value)
            ),
            key=lambda g: g.value,
        )
        if self.read_only:
            self._graphs = found
        return found

    def query(self, query: str, dataset: Dataset | None = None, *, prefixes: Mapping[str, str] | None = None) -> Result:
        """Answer a query of any form; ``dataset`` narrows what it sees and is always enforced.

        ``prefixes`` are those the query may use without declaring them. A malformed query raises
        :class:`QuerySyntaxError` with line and column.
        """
        dataset = dataset or Dataset()
        default: Sequence[ox.NamedNode | ox.DefaultGraph] = (
            [ox.DefaultGraph()] if dataset.default is None else list(dataset.default)
        )
        named = self.graphs() if dataset.named is None else list(dataset.named)
        try:
            return self.store.query(
                query,
                base_iri=self.names.base,
                default_graph=list(default),
                named_graphs=list(named),
                prefixes=dict(prefixes) if prefixes else None,
                custom_functions=FUNCTIONS,
            )
        except SyntaxError as problem:
            from stadtgraph.sparql.faults import fault  # seldom needed, and large

            raise fault(query, problem) from problem

    def ask(self, query: str, dataset: Dataset | None = None) -> bool:
        """Answer an ASK query."""
        return bool(self.query(query, dataset))

    def select(self, query: str, dataset: Dataset | None = None) -> ox.QuerySolutions:
        """Answer a SELECT query."""
        result = self.query(query, dataset)
        if not isinstance(result, ox.QuerySolutions):
            raise TypeError("the query is not a SELECT query")
        return result

    def construct(self, query: str, dataset: Dataset | None = None) -> Iterator[ox.Triple]:
        """Answer a CONSTRUCT or DESCRIBE query."""
        result = self.query(query, dataset)
        if not isinstance(result, ox.QueryTriples):
            raise TypeError("the query is not a CONSTRUCT or DESCRIBE query")
        return result

    def triples(
        self, s: Subject | None = None, p: ox.NamedNode | None = None, o: ox.Literal | Subject | None = None
    ) -> Iterator[ox.Triple]:
        """Give the triples of the merge that fit a pattern, in the store's own form."""
        for quad in self.store.quads_for_pattern(s, p, o, ox.DefaultGraph()):
            yield quad.triple

    def as_written(self, graph: ox.NamedNode, subjects: Iterable[Subject] | None = None) -> Iterator[ox.Triple]:
        """Give the triples of ``graph`` as their owner wrote them; about 0.1 ms a subject."""
        return as_written(self.store, self.names, graph, subjects, self._normaliser)

    def update(self, update: str) -> None:
        """Apply an update; Oxigraph takes no dataset for it, so it must never be a foreign text."""
        self.store.update(update, base_iri=self.names.base)


def as_written(
    store: ox.Store,
    names: Names,
    graph: ox.NamedNode,
    subjects: Iterable[Subject] | None = None,
    normaliser: Normaliser | None = None,
) -> Iterator[ox.Triple]:
    """Give the triples of ``graph`` with every literal as its owner wrote it.

    With ``subjects`` only theirs. Language tags come back in lower case. Source: oxigraph#526.
    """
    written = names.written(graph)
    if subjects is None:
        yield from restore(_triples(store, None, graph), _triples(store, None, written), normaliser)
        return
    for subject in subjects:
        yield from restore(_triples(store, subject, graph), _triples(store, subject, written), normaliser)


def _triples(store: ox.Store, subject: Subject | None, graph: ox.NamedNode) -> Iterator[ox.Triple]:
    for quad in store.quads_for_pattern(subject, None, None, graph):
        yield quad.triple
