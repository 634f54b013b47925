"""What is audited: the sources of one view of a release, as written, with what was inferred, on one day."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

import pyoxigraph as ox

from stadtgraph.audit.lines import Loaded, copy
from stadtgraph.reason.facts import Facts
from stadtgraph.release import GraphInfo, Kind
from stadtgraph.store import Dataset, OxigraphEngine
from stadtgraph.store.literals import Normaliser, restore
from stadtgraph.terms import DCT, FOAF, INFERRED, QUERIES, RDF, RDFS, SG, SHAPES, SKOS, XSD, Names, Term, render

Node = ox.NamedNode | ox.BlankNode
BLOCK: Final = 10_000  # lines written at once
WRITERS: Final = 2  # graphs written at once
LABELS: Final = (SKOS.prefLabel, DCT.title, RDFS.label, FOAF.name)


class AuditedView:
    """The triples that an audit looks at, found by pattern, as their owners wrote them.

    Shapes, queries, records and earlier audits are not among them. One triple is added: which day it is.
    """

    def __init__(
        self,
        engine: OxigraphEngine,
        infos: Mapping[str, GraphInfo],
        names: Names,
        today: str,
        loaded: Mapping[str, Loaded] | None = None,
    ) -> None:
        """Look at the graphs of ``infos`` in ``engine`` as of ``today`` (YYYY-MM-DD).

        ``loaded`` are files that hold whole graphs, where there are such.
        """
        self.engine, self.names, self.today, self._loaded = engine, names, today, loaded or {}
        system = {names.graph(name).value for name in (SHAPES, QUERIES)}
        inferred = names.graph(INFERRED).value
        self.graphs = frozenset(
            iri
            for iri, info in infos.items()
            if iri == inferred
            or (info.kind not in (Kind.DERIVED, Kind.APPENDED) and iri not in system and not names.is_written(iri))
        )
        self._written = {names.written(ox.NamedNode(iri)).value: iri for iri in self.graphs}
        kinds = (Kind.FILE, Kind.HARVEST, Kind.MANAGED)
        self._sources = frozenset(iri for iri, info in infos.items() if info.kind in kinds)
        self.datasets = {iri: ox.NamedNode(names.base + info.dataset) for iri, info in infos.items() if info.dataset}
        self.day = ox.Triple(SG.audit, SG.asOf, ox.Literal(today, datatype=XSD.date))
        self._normaliser = Normaliser()

    def match(self, s: Node | ox.Triple | None, p: ox.NamedNode | None, o: Term | None, /) -> Iterator[ox.Triple]:
        """Give the triples that fit the pattern, each once."""
        if isinstance(o, ox.Literal):
            (stored,) = self._normaliser.stored([o])
            found = {t.subject for t in self._stored(s, p, stored)}
            same = (t for subject in found for t in self._stored(subject, p, None) if t.object == o)
            yield from dict.fromkeys(same)
        else:
            yield from self._stored(s, p, o)
        day = self.day
        if s in (None, day.subject) and p in (None, day.predicate) and o in (None, day.object):
            yield day

    def _stored(self, s: Node | ox.Triple | None, p: ox.NamedNode | None, o: Term | None) -> Iterator[ox.Triple]:
        """Give the triples of a pattern of the store's form as written."""
        plain: dict[str, list[ox.Triple]] = {}
        written: dict[str, list[ox.Triple]] = {}
        for quad in self.engine.store.quads_for_pattern(s, p, o, None):
            graph = getattr(quad.graph_name, "value", "")
            if graph in self.graphs:
                plain.setdefault(graph, []).append(quad.triple)
            elif graph in self._written:
                written.setdefault(self._written[graph], []).append(quad.triple)
        if isinstance(o, ox.Literal) or not (written or len(plain) > 1):
            lists: Iterable[Iterable[ox.Triple]] = plain.values()
        else:
            lists = (restore(plain[g], written.get(g, ()), self._normaliser) for g in plain)
        seen: dict[ox.Triple, None] = {}
        for triples in lists:
            seen.update(dict.fromkeys(triples))
        yield from seen

    def graph_of(self, node: Node) -> str:
        """Give the source graph that says what ``node`` is, else one that describes it; the empty text where none."""
        for predicate in (RDF.type, None):
            quads = self.engine.store.quads_for_pattern(node, predicate, None)
            found = {getattr(q.graph_name, "value", "") for q in quads} & self._sources
            if found:
                return min(found)
        return ""

    def write(self, path: Path, predicates: frozenset[ox.NamedNode] | None = None) -> None:
        """Write all triples, or those with one of ``predicates``, to a file of N-Triples."""
        graphs = sorted(self.graphs)
        parts = [path.with_name(f"{path.name}.{i}") for i in range(len(graphs))]
        with ThreadPoolExecutor(WRITERS) as pool:  # Oxigraph lets other threads run while it writes
            list(pool.map(lambda graph, part: self._write_part(graph, part, predicates), graphs, parts))
        with path.open("wb") as file:
            for part in parts:
                with part.open("rb") as written:
                    shutil.copyfileobj(written, file, 1 << 20)
                part.unlink()
            file.write(f"{self.day} .\n".encode())

    def _write_part(self, graph: str, part: Path, predicates: frozenset[ox.NamedNode] | None) -> None:
        with part.open("wb") as file:
            if graph in self._loaded:
                copy(self._loaded[graph], file, predicates, self._normaliser)
            else:
                self._write(ox.NamedNode(graph), file, predicates)

    def _write(self, graph: ox.NamedNode, file: BinaryIO, predicates: frozenset[ox.NamedNode] | None) -> None:
        """Write one graph: Oxigraph itself writes the predicates whose literals it kept as they were."""
        store, written = self.engine.store, self.names.written(graph)
        wanted = predicates if predicates is not None else {q.predicate for q in _quads(store, None, graph)}
        rewritten = {q.predicate for q in _quads(store, None, written)} & wanted
        plain = sorted(wanted - rewritten, key=str)
        if plain:
            values = " ".join(map(render, plain))
            query = f"CONSTRUCT {{ ?s ?p ?o }} WHERE {{ VALUES ?p {{ {values} }} ?s ?p ?o }}"
            result = self.engine.query(query, Dataset((graph,), ()))
            assert isinstance(result, ox.QueryTriples)
            result.serialize(file, ox.RdfFormat.N_TRIPLES)
        for p in sorted(rewritten, key=str):
            companions = [q.triple for q in _quads(store, p, written)]
            lines = (
                f"{triple} .\n"
                for triple in restore((q.triple for q in _quads(store, p, graph)), companions, self._normaliser)
            )
            while block := "".join(islice(lines, BLOCK)):
                file.write(block.encode())


@dataclass(frozen=True, slots=True)
class GraphFacts:
    """The triples of one graph, in the store's form."""

    engine: OxigraphEngine
    graph: ox.NamedNode

    def match(self, s: Node | ox.Triple | None, p: ox.NamedNode | None, o: Term | None, /) -> Iterator[ox.Triple]:
        """Give the triples that fit the pattern."""
        return (quad.triple for quad in self.engine.store.quads_for_pattern(s, p, o, self.graph))


def _quads(store: ox.Store, predicate: ox.NamedNode | None, graph: ox.NamedNode) -> Iterator[ox.Quad]:
    return store.quads_for_pattern(None, predicate, None, graph)


def labels(facts: Facts, nodes: Iterable[ox.NamedNode | None]) -> dict[ox.NamedNode, dict[str, str]]:
    """Give the names of nodes, language → text."""
    found: dict[ox.NamedNode, dict[str, str]] = {}
    for node in dict.fromkeys(nodes):
        if node is None:
            continue
        for p in LABELS:
            literals = [t.object for t in facts.match(node, p, None) if isinstance(t.object, ox.Literal)]
            if literals:
                found[node] = {o.language or "": o.value for o in sorted(literals, key=str)}
                break
    return found
