"""SPARQL 1.1 Update on a draft: the operations of one request in order, each seeing what those before it did.

What reads the data (WHERE) is computed elsewhere, in a process that can be killed; what comes back are quads.
Source: https://www.w3.org/TR/sparql11-update/
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyoxigraph as ox

from stadtgraph.access import Caller
from stadtgraph.city.draft import Draft
from stadtgraph.city.editing import MOST_TRIPLES, Edits, checked
from stadtgraph.errors import Conflict, InputError, NotFound, QueryRefused
from stadtgraph.query.dataset import Union
from stadtgraph.release import View, store_path
from stadtgraph.sparql.update import ALL, DEFAULT, NAMED
from stadtgraph.store import Normaliser, OxigraphEngine

MOST_COMPUTED: Final = 100
"""Operations with WHERE in one request; each but the first looks at a store that is made for it (about 50 ms)."""
Compute = Callable[..., tuple[bytes, bytes]]
"""Lets a worker evaluate one operation: takes its arguments by name, gives quads and their sizes."""


@dataclass(frozen=True, slots=True)
class Update:
    """A request that was read: its text, its operations as a worker described them, the quads of its data."""

    text: str
    operations: Sequence[Mapping[str, Any]]
    data: bytes
    using: tuple[str, ...] = ()
    using_named: tuple[str, ...] = ()

    @classmethod
    def of(cls, text: str, described: tuple[bytes, bytes], using: Iterable[str], using_named: Iterable[str]) -> Update:
        """Take what a worker said of ``text``, with the dataset that the protocol names beside it.

        Raises :class:`QueryRefused` where request and text both name a dataset
        (https://www.w3.org/TR/sparql11-protocol/#update-operation).
        """
        data, end = described
        operations = json.loads(end)
        made = cls(text, operations, data, tuple(using), tuple(using_named))
        own = any(op["kind"] == "modify" and (op["with"] or op["using"] or op["using_named"]) for op in operations)
        if own and (made.using or made.using_named):
            raise QueryRefused("update-two-datasets")
        if sum(op["kind"] == "modify" for op in operations) > MOST_COMPUTED:
            raise QueryRefused("update-computed", bound=MOST_COMPUTED)
        return made


class Updating:
    """One update on its way into a draft."""

    def __init__(self, draft: Draft, caller: Caller, compute: Compute) -> None:
        """Change nothing yet."""
        self.edits = Edits(draft, caller)
        self._draft, self._compute = draft, compute
        self._normaliser = Normaliser()

    def prepare(self, update: Update) -> Callable[[], bool]:
        """Do every operation beside the draft and ask the gate; give what makes the changes in the draft."""
        at = 0
        for number, op in enumerate(update.operations):
            if op["kind"] == "data":
                quads = update.data[at : at + op["size"]]
                at += op["size"]
                self._data(quads, insert=op["insert"])
            elif op["kind"] == "modify":
                self._modify(update, number, op)
            elif op["kind"] == "manage":
                self._manage(op["verb"], op["graph"], silent=op["silent"])
            else:
                self._transfer(op["verb"], op["source"], op["target"], silent=op["silent"])
        self.edits.check()
        return self.edits.apply

    def _data(self, quads: bytes, *, insert: bool) -> None:
        for graph, triples in self._by_graph(quads).items():
            if insert:
                self.edits.insert(graph, checked(triples, self._draft.names))
            else:
                self.edits.delete(graph, triples)

    def _modify(self, update: Update, number: int, op: Mapping[str, Any]) -> None:
        """Delete first, then insert (https://www.w3.org/TR/sparql11-update/#deleteInsert)."""
        found = [(readers, self._computed(update, number, op, readers.view)) for readers in self._readers(update, op)]
        rewritten = []
        for readers, (delete, insert, _) in found:
            removed: list[ox.Triple] = []
            for graph, triples in self._by_graph(delete, readers).items():
                removed += self.edits.delete(graph, triples)
            for graph, triples in self._by_graph(insert, readers).items():
                self.edits.insert(graph, checked(triples, self._draft.names))
            rewritten.append(Rewritten(removed, self._normaliser))
        for (readers, (_, _, bound)), known in zip(found, rewritten, strict=True):
            for graph, triples in self._by_graph(bound, readers).items():
                entering = [known.restored(t) for t in checked(triples, self._draft.names)]
                self.edits.insert(graph, entering, bound=True)

    def _readers(self, update: Update, op: Mapping[str, Any]) -> list[Readers]:
        """Give in which views WHERE is evaluated, and for which graphs: a graph takes what its readers may see.

        Where a public graph and a restricted one that is to be read are both named, that is refused with the reason:
        :class:`Conflict`. Who does not read the internal view learns nothing of it.
        """
        edits = self.edits
        if edits.view is View.PUBLIC:
            return [Readers(View.PUBLIC)]
        named = [graph or edits.default_graph() for graph in op["targets"] if graph is not None]
        kinds = {edits.is_restricted(graph) for graph in named}
        using = (*update.using, *update.using_named, *op["using"], *op["using_named"], *op["asked"])
        for source in filter(None, (op["with"], *using)):
            for target in named:
                self._kept_inside(source, target)
        if None in op["targets"] or not kinds:
            kinds = {False, True}
        return [Readers(View.INTERNAL if kind else View.PUBLIC, kind) for kind in sorted(kinds)]

    def _kept_inside(self, source: str, target: str) -> None:
        """Refuse to take from a restricted graph, which the caller may read, into a public one."""
        if self.edits.is_restricted(source) and self.edits.exists(source) and not self.edits.is_restricted(target):
            raise Conflict("update-restricted", source=source, target=target)

    def _computed(self, update: Update, number: int, op: Mapping[str, Any], view: View) -> tuple[bytes, bytes, bytes]:
        with self._place(update, op, view) as place:
            found, end = self._compute(text=update.text, number=number, quads=MOST_TRIPLES, **place)
        sizes = json.loads(end)
        first, second = sizes[0], sizes[0] + sizes[1]
        return found[:first], found[first:second], found[second:]

    @contextmanager
    def _place(self, update: Update, op: Mapping[str, Any], view: View) -> Iterator[dict[str, Any]]:
        """Give the store and dataset that WHERE looks at: the release itself, or what it has become meanwhile."""
        names, edits, clone = self._draft.names, self.edits, self._draft.clone
        default, named = _dataset(update, op, edits.default_graph())
        default = [g for g in default if not names.is_written(g)]
        given = None if named is None else [g for g in named if not names.is_written(g)]
        place: dict[str, Any] = {"base": names.base, "default": default, "named": given, "once": False}
        if clone.parent is not None and not edits.is_changed and not clone.is_changed():
            view = clone.parent.view_for(view)
            place["path"] = str(store_path(clone.parent.path, view))
            place["state"] = f"{clone.parent.id} {clone.parent.written} {view}"
        else:
            place["path"], place["state"], place["once"] = str(self._staged(view)), "", True
        if len(default) < 2:
            yield place
            return
        engine = OxigraphEngine(Path(place["path"]), names)
        union = _united(engine, default, given or [])
        engine.close()
        yield place | {"path": str(union.engine.path), "once": True, "default": None}

    def _staged(self, view: View) -> str:
        """Make a store that holds what a view of the draft would be by now."""
        clone, edits = self._draft.clone, self.edits
        path = clone.folder("staged") / "store"
        engine = clone.engines[view]
        engine.store.flush()
        engine.store.backup(str(path))
        staged = OxigraphEngine(path, self._draft.names, read_only=False)
        edits.stage(staged, view)
        staged.store.flush()
        staged.close()
        return str(path)

    def _manage(self, verb: str, graph: str, *, silent: bool) -> None:
        edits = self.edits
        if verb == "CREATE":
            if edits.target(graph).exists and not silent:
                raise Conflict("update-graph-exists", graph=graph)
            edits.create(graph)
            return
        chosen = [edits.default_graph()] if graph in (DEFAULT, ALL) else []
        chosen += edits.managed() if graph in (NAMED, ALL) else []
        if graph not in (DEFAULT, NAMED, ALL):
            if not edits.target(graph).exists and not silent:
                raise NotFound("graph-not-there", graph=graph)
            chosen = [graph]
        for each in chosen:
            if edits.target(each).exists:
                (edits.clear if verb == "CLEAR" else edits.drop)(each)

    def _transfer(self, verb: str, source: str, target: str, *, silent: bool) -> None:
        """ADD, COPY and MOVE (https://www.w3.org/TR/sparql11-update/#graphManagement)."""
        edits = self.edits
        source, target = (edits.default_graph() if g == DEFAULT else g for g in (source, target))
        edits.target(target)
        if verb == "MOVE":
            edits.target(source)
        if source == target:
            return
        if not edits.exists(source) and source != edits.default_graph():
            if silent:
                return
            raise NotFound("graph-not-there", graph=source)
        self._kept_inside(source, target)
        content = edits.content(source) if edits.exists(source) else []
        if verb == "ADD":
            edits.insert(target, content)
        else:
            edits.replace(target, content)
        if verb == "MOVE":
            edits.drop(source)

    def _by_graph(self, quads: bytes, readers: Readers | None = None) -> dict[str, list[ox.Triple]]:
        """Read what a worker sent, for graphs with these readers; a graph that may not be written is told at once."""
        found: dict[str, list[ox.Triple]] = {}
        try:
            for quad in ox.parse(quads, ox.RdfFormat.N_QUADS):
                graph = quad.graph_name
                name = graph.value if isinstance(graph, ox.NamedNode) else self.edits.default_graph()
                found.setdefault(name, []).append(quad.triple)
        except SyntaxError as problem:
            raise InputError("update-flaw-iri") from problem
        if readers is not None and readers.restricted is not None:
            found = {g: triples for g, triples in found.items() if self.edits.is_restricted(g) is readers.restricted}
        for name in found:
            self.edits.target(name)
        return found


@dataclass(frozen=True, slots=True)
class Readers:
    """A view in which WHERE is evaluated, and whether what it finds is for restricted graphs (``None``: for all)."""

    view: View
    restricted: bool | None = None


class Rewritten:
    """How values that one operation deletes were written, so that it can insert them elsewhere as they were.

    A value keeps its writing where the same subject had it in one form, or all subjects had it in the same form.
    """

    def __init__(self, removed: Sequence[ox.Triple], normaliser: Normaliser) -> None:
        """Remember the literals of ``removed`` that the store would write otherwise."""
        self._by_subject: dict[object, set[ox.Literal]] = {}
        literals = [(t.subject, t.object) for t in removed if isinstance(t.object, ox.Literal)]
        for (subject, value), form in zip(literals, normaliser.stored([v for _, v in literals]), strict=True):
            for key in ((subject, form), form):
                self._by_subject.setdefault(key, set()).add(value)

    def restored(self, triple: ox.Triple) -> ox.Triple:
        """Give ``triple``, which is in the store's form, with its value as it was written."""
        for key in ((triple.subject, triple.object), triple.object):
            forms = self._by_subject.get(key, set())
            if len(forms) == 1:
                return ox.Triple(triple.subject, triple.predicate, next(iter(forms)))
        return triple


def _dataset(update: Update, op: Mapping[str, Any], default: str) -> tuple[list[str], list[str] | None]:
    """Give the default and the named graphs of WHERE; ``None``: all named graphs."""
    using, named = update.using or op["using"], update.using_named or op["using_named"]
    if using or named:
        return list(dict.fromkeys(using)), list(dict.fromkeys(named))
    return [op["with"] or default], None


def _united(engine: OxigraphEngine, default: Sequence[str], named: Sequence[str]) -> Union:
    """Give a store whose default graph is the union of several graphs, as a set."""
    union = Union(engine.names)
    there = {g.value for g in engine.graphs()}
    for graph in default:
        if graph in there:
            union.add(engine, ox.NamedNode(graph), ox.DefaultGraph())
    for graph in named:
        if graph in there:
            union.add(engine, ox.NamedNode(graph), ox.NamedNode(graph))
    union.seal(engine.names)
    return union
