"""The dataset of a query: what was asked for, narrowed to what may be seen.

Everything is the store's default graph, which holds the merge. One graph is itself. Several graphs would
count a triple twice that stands in two of them, so their union is made as a set, in a store of its own
that is kept for the next query.

Source: https://www.w3.org/TR/sparql11-protocol/#dataset, https://www.w3.org/TR/sparql11-query/#specifyingDataset
"""

from __future__ import annotations

import shutil
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

import pyoxigraph as ox

from stadtgraph.errors import QueryRefused
from stadtgraph.sparql.outline import Outline
from stadtgraph.sparql.protocol import Request
from stadtgraph.store import Dataset, Engine, OxigraphEngine
from stadtgraph.terms import Names

_EVERYTHING: Final = "CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o }"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The graphs that a request names; ``None`` for both is everything."""

    default: tuple[str, ...] | None = None
    named: tuple[str, ...] | None = None


def wanted(request: Request, query: Outline) -> Wanted:
    """Give the dataset a request asks for: its parameters, else FROM and FROM NAMED, else everything."""
    if request.has_dataset:
        return Wanted(request.default_graphs, request.named_graphs)
    if query.has_dataset:
        return Wanted(query.default_graphs, query.named_graphs)
    return Wanted()


def visible(engine: Engine, wanted: Wanted) -> Dataset:
    """Give the graphs of ``wanted`` that there are; graphs that may not be seen are like graphs that do not exist."""
    if wanted.default is None and wanted.named is None:
        return Dataset()
    graphs = engine.graphs()
    default = _among(graphs, wanted.default or ())
    everything = len(default) == len(graphs) > 0
    return Dataset(None if everything else default, _among(graphs, wanted.named or ()))


def _among(graphs: Iterable[ox.NamedNode], iris: Iterable[str]) -> tuple[ox.NamedNode, ...]:
    asked = set(iris)
    return tuple(g for g in graphs if g.value in asked)


class Union:
    """A store whose default graph is the union of some graphs; its folder goes when nobody holds it any more."""

    def __init__(self, names: Names) -> None:
        """Make an empty store in a folder of its own."""
        self.folder = Path(mkdtemp(prefix="stadtgraph-union-"))
        self.engine = OxigraphEngine(self.folder / "store", names, read_only=False)
        weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)

    def add(self, engine: Engine, graph: ox.NamedNode, target: ox.NamedNode | ox.DefaultGraph) -> None:
        """Copy ``graph`` of ``engine`` into ``target``; other threads go on meanwhile."""
        file = self.folder / "graph.nt"
        result = engine.query(_EVERYTHING, Dataset((graph,), ()))
        assert isinstance(result, ox.QueryTriples)
        result.serialize(file, ox.RdfFormat.N_TRIPLES)
        self.engine.store.bulk_load(path=file, format=ox.RdfFormat.N_TRIPLES, to_graph=target)
        file.unlink()

    def seal(self, names: Names) -> None:
        """Reopen read-only: such a store writes nothing, so its folder can be removed under it."""
        self.engine.close()
        self.engine = OxigraphEngine(self.folder / "store", names)


class Unions:
    """The unions of graphs that were asked for last."""

    def __init__(self, keep: int = 4) -> None:
        """Keep the last ``keep`` unions."""
        self._keep = keep
        self._made: OrderedDict[object, Union] = OrderedDict()
        self._lock = threading.Lock()

    def clear(self) -> None:
        """Keep none."""
        with self._lock:
            self._made.clear()

    def get(self, key: object, engine: Engine, names: Names, dataset: Dataset, check: Callable[[], None]) -> Union:
        """Give the union of ``dataset.default``, with ``dataset.named`` beside it.

        ``key`` names the release and view; ``check`` raises where the time is up.
        """
        full_key = (key, dataset)
        with self._lock:
            if full_key not in self._made:
                self._made[full_key] = _union(engine, names, dataset, check)
                while len(self._made) > self._keep:
                    self._made.popitem(last=False)
            self._made.move_to_end(full_key)
            return self._made[full_key]


def _union(engine: Engine, names: Names, dataset: Dataset, check: Callable[[], None]) -> Union:
    union = Union(names)
    parts = [(g, ox.DefaultGraph()) for g in dataset.default or ()] + [(g, g) for g in dataset.named or ()]
    for graph, target in parts:
        check()
        union.add(engine, graph, target)
    union.seal(names)
    return union


@contextmanager
def narrowed(engine: OxigraphEngine, query: Outline) -> Iterator[tuple[OxigraphEngine, Dataset]]:
    """Give the engine and dataset over which to ask ``query``: what its FROM clauses name, else everything."""
    named = Wanted(query.default_graphs, query.named_graphs) if query.has_dataset else Wanted()
    dataset = visible(engine, named)
    if dataset.default is None or len(dataset.default) < 2:
        yield engine, dataset
        return
    union = _union(engine, engine.names, dataset, lambda: None)
    yield union.engine, Dataset(None, dataset.named or ())


def needs_union(dataset: Dataset, sizes: Mapping[str, int], bound: int) -> bool:
    """Tell whether ``dataset`` needs a union; raise :class:`QueryRefused` where that would be too large."""
    if dataset.default is None or len(dataset.default) < 2:
        return False
    found = sum(sizes.get(g.value, 0) for g in (*dataset.default, *(dataset.named or ())))
    if found > bound:
        raise QueryRefused("query-dataset-large", found=found, bound=bound)
    return True
