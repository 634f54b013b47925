"""Records that several sources have under different IRIs: ``sg:duplicateOf`` from each to those that go before it.

The links of a harvested record lie in ``graph/harvest/NAME`` of its own source. They follow whatever comes to other
sources or goes from them: what a release changed is looked at before it is sealed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import pyoxigraph as ox

from stadtgraph.release import Draft, GraphInfo, Kind, View
from stadtgraph.sources import Source
from stadtgraph.sources.harvest import ROOTS, identifiers
from stadtgraph.sources.harvest.words import ADMS
from stadtgraph.store import OxigraphEngine
from stadtgraph.terms import DCT, RDF, SG, SKOS, Names

if TYPE_CHECKING:
    from stadtgraph.city import City

COMPANIONS: Final = ("quarantine", "written/repairs", "harvest")
MANY: Final = 20_000
"""Changed triples from which on every harvested record is looked at."""
_TELLING: Final = frozenset((RDF.type, DCT.identifier, DCT.modified, ADMS.identifier, SKOS.notation))
Entry = tuple[ox.NamedNode, str]
"""A record and the graph that has it."""


def companions(source: str, names: Names) -> tuple[ox.NamedNode, ...]:
    """Give the graphs that a harvested source has beside its own."""
    return tuple(names.graph(f"{path}/{source}") for path in COMPANIONS)


@dataclass(slots=True)
class Duplicates:
    """The records of one view of a draft, to be found by their identifiers."""

    registry: Mapping[str, Source]
    draft: Draft
    view: View
    harvested: Source | None = None
    """The source that is being harvested, which therefore is none of the city's own."""
    graphs: dict[str, GraphInfo] = field(init=False)
    """The graphs of sources, without those beside them."""
    _alone: dict[str, bool] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        """Look which graphs there are."""
        self.graphs = source_graphs(self.draft, self.view)

    @property
    def engine(self) -> OxigraphEngine:
        """The engine of the view."""
        return self.draft.engines[self.view]

    def of(self, root: ox.NamedNode, graph: str) -> Iterator[Entry]:
        """Give the records of other graphs that share an identifier; with one of the two it is ``dct:identifier``."""
        if not self._others_name(graph):
            return
        store, own = self.engine.store, ox.NamedNode(graph)
        first = [q.triple for q in store.quads_for_pattern(root, None, None, own)]
        nodes = [t.object for t in first if t.predicate == ADMS.identifier and isinstance(t.object, ox.NamedNode)]
        below = [q.triple for n in nodes for q in store.quads_for_pattern(n, SKOS.notation, None, own)]
        main = {getattr(t.object, "value", "").strip() for t in first if t.predicate == DCT.identifier}
        found: dict[Entry, None] = {}
        for key in dict.fromkeys(identifiers([*first, *below], root)):
            found.update(dict.fromkeys(self.holders(key, also=key in main)))
        yield from (entry for entry in found if entry[1] != graph and entry[0] != root)

    def _others_name(self, graph: str) -> bool:
        """Tell whether any other graph has identifiers at all."""
        known = self._alone.get(graph)
        if known is None:
            look = self.engine.store.quads_for_pattern
            others = [ox.NamedNode(g) for g in self.graphs if g != graph]
            telling = (DCT.identifier, ADMS.identifier)
            known = any(True for g in others for p in telling for _ in look(None, p, None, g))
            self._alone[graph] = known
        return known

    def holders(self, key: str, *, also: bool) -> Iterator[Entry]:
        """Give the records with a ``dct:identifier``, or where ``also`` any identifier."""
        store, literal = self.engine.store, ox.Literal(key)
        quads = list(store.quads_for_pattern(None, DCT.identifier, literal, None))
        if also:
            noted = (q.subject for q in store.quads_for_pattern(None, SKOS.notation, literal, None))
            nodes: list[ox.Literal | ox.NamedNode] = [
                literal,
                *(node for node in noted if isinstance(node, ox.NamedNode)),
            ]
            quads += [q for n in dict.fromkeys(nodes) for q in store.quads_for_pattern(None, ADMS.identifier, n, None)]
        for quad in quads:
            name = getattr(quad.graph_name, "value", "")
            if name in self.graphs and isinstance(quad.subject, ox.NamedNode) and self.is_root(quad.subject, name):
                yield quad.subject, name

    def is_root(self, node: ox.NamedNode, graph: str) -> bool:
        """Tell whether a node is a record in a graph."""
        types = self.engine.store.quads_for_pattern(node, RDF.type, None, ox.NamedNode(graph))
        return any(q.object in ROOTS for q in types)

    def precedence(self, graph: str) -> tuple[int, int]:
        """Give how far a source goes before others: the city's own first, then the priority of the registry."""
        info, source = self.graphs.get(graph), self.harvested
        if source is None or graph != source.graph_name(self.draft.names).value:
            if info is not None and not is_harvested(info, self.draft):
                return 1, 0
            source = self.registry.get(info.source) if info is not None else None
        return 0, source.harvest.priority if source is not None else 0

    def better(self, root: ox.NamedNode, graph: str) -> Iterator[ox.NamedNode]:
        """Give the records that go before one: own sources, higher priority, newer ``dct:modified``, smaller IRI."""
        own: tuple[int, int, str] | None = None
        for entry in self.of(root, graph):
            own, other = own or self._rank((root, graph)), self._rank(entry)
            if other > own or (other == own and entry[0].value < root.value):
                yield entry[0]

    def _rank(self, entry: Entry) -> tuple[int, int, str]:
        node, graph = entry
        found = self.engine.store.quads_for_pattern(node, DCT.modified, None, ox.NamedNode(graph))
        changed = max((q.object.value for q in found if isinstance(q.object, ox.Literal)), default="")
        return (*self.precedence(graph), changed)

    def records(self, graph: str) -> Iterator[ox.NamedNode]:
        """Give the records in a graph."""
        return (ox.NamedNode(iri) for iri in records_of(self.engine, ox.NamedNode(graph)))


def records_of(engine: OxigraphEngine, graph: ox.NamedNode) -> Iterator[str]:
    """Give the IRIs of the records in a graph."""
    for kind in sorted(ROOTS, key=str):
        for quad in engine.store.quads_for_pattern(None, RDF.type, kind, graph):
            if isinstance(quad.subject, ox.NamedNode):
                yield quad.subject.value


def source_graphs(draft: Draft, view: View) -> dict[str, GraphInfo]:
    """Give the graphs of the sources of a view, without those beside harvested ones."""
    infos = draft.graphs[view]
    beside = {g.value for name in {i.source for i in infos.values()} for g in companions(name, draft.names)}
    kinds = (Kind.FILE, Kind.HARVEST, Kind.MANAGED)
    return {iri: info for iri, info in infos.items() if info.kind in kinds and iri not in beside}


def is_harvested(info: GraphInfo, draft: Draft) -> bool:
    """Tell whether a graph is a catalogue of others: registered as one, or once harvested by hand."""
    return info.kind is Kind.HARVEST or any(draft.info(g) is not None for g in companions(info.source, draft.names))


def refresh(city: City, draft: Draft) -> None:
    """Bring the links of all harvested records up to date that a draft may have changed."""
    for view in draft.views:
        graphs = source_graphs(draft, view)
        chosen = [i for i in graphs.values() if is_harvested(i, draft) and _is_of(i, view, draft)]
        if not chosen:
            continue
        touched = _touched(draft, view)
        if touched is not None and not touched:
            continue
        found = Duplicates(city.registry, draft, view)
        for info in chosen:
            records = found.records(info.graph) if touched is None else _related(found, touched, info.graph)
            _renew(found, info, records, whole=touched is None)


def _is_of(info: GraphInfo, view: View, draft: Draft) -> bool:
    """Tell whether the links of a source are made from this view: the widest that may see it and no other."""
    return (view is View.INTERNAL) == draft.is_restricted(ox.NamedNode(info.graph))


def _touched(draft: Draft, view: View) -> list[ox.Triple] | None:
    """Give the changed triples that tell who is a duplicate of whom; ``None`` where there are many."""
    graphs = {*source_graphs(draft, view)}
    if draft.parent is not None and draft.parent.has(view):
        graphs |= draft.parent.manifest(view).graphs.keys()
    changes = [c for c in draft.changes[view] if c.graph.value in graphs]
    if sum(c.added + c.removed for c in changes) > MANY or view in draft.rebuilt:
        return None
    triples = (t for c in changes for t in (*c.added_triples(), *c.removed_triples()))
    return [t for t in triples if t.predicate in _TELLING]


def _related(found: Duplicates, touched: Iterable[ox.Triple], graph: str) -> Iterator[ox.NamedNode]:
    """Give the records of a graph that share an identifier with what changed, or changed themselves."""
    store, own = found.engine.store, ox.NamedNode(graph)
    keys: set[str] = set()
    subjects: set[ox.NamedNode] = set()
    for triple in touched:
        if isinstance(triple.object, ox.Literal) and triple.predicate != DCT.modified:
            keys.add(triple.object.value.strip())
        if isinstance(triple.subject, ox.NamedNode):
            subjects.add(triple.subject)
    subjects |= {
        q.subject
        for node in tuple(subjects)
        for q in store.quads_for_pattern(None, ADMS.identifier, node, None)
        if isinstance(q.subject, ox.NamedNode)
    }
    for node in subjects:
        for p in (DCT.identifier, ADMS.identifier):
            values = (q.object for q in store.quads_for_pattern(node, p, None, None))
            keys |= {value.value.strip() for value in values if isinstance(value, ox.Literal)}
    records = {entry[0] for key in keys for entry in found.holders(key, also=True) if entry[1] == graph}
    records |= {n for n in subjects if any(True for _ in store.quads_for_pattern(n, None, None, own))}
    linked = found.draft.names.graph(f"harvest/{found.graphs[graph].source}")
    for node in subjects:  # links to what is a record no longer
        records |= {
            q.subject
            for q in store.quads_for_pattern(None, SG.duplicateOf, node, linked)
            if isinstance(q.subject, ox.NamedNode)
        }
    yield from sorted(records, key=str)


def _renew(found: Duplicates, info: GraphInfo, records: Iterable[ox.NamedNode], *, whole: bool) -> None:
    """Write the links of some records of a source anew where they differ."""
    draft, store = found.draft, found.engine.store
    graph = companions(info.source, draft.names)[2]
    wanted: set[ox.Triple] = set()
    held: set[ox.Triple] = set()
    for root in records:
        if found.is_root(root, info.graph):
            wanted |= {ox.Triple(root, SG.duplicateOf, other) for other in found.better(root, info.graph)}
        held |= {q.triple for q in store.quads_for_pattern(root, SG.duplicateOf, None, graph)}
    if whole:
        held = {q.triple for q in store.quads_for_pattern(None, SG.duplicateOf, None, graph)}
    if wanted == held:
        return
    plain = {"dataset": "", "origin": "", "inputs": "", "content": "", "changed": ""}
    beside = replace(info, graph=graph.value, kind=Kind.HARVEST, triples=0, **plain)  # type: ignore[arg-type]
    draft.edit(beside, wanted - held, held - wanted, restricted=found.view is View.INTERNAL)
    if not any(True for _ in store.quads_for_pattern(None, None, None, graph)):
        draft.drop(graph)
