"""``harvest``: a catalogue of others into its source graph, with what belongs to it in graphs of its own.

| graph | holds |
|---|---|
| the source's | the records, repaired, without persons |
| ``graph/quarantine/NAME`` (restricted) | records that could not enter, why, and what they were |
| ``graph/written/repairs/NAME`` | the originals of what was repaired; no part of the merge |
| ``graph/harvest/NAME`` | which publisher is which unit, which record is another one's duplicate |
| ``graph/history`` | a tombstone for every record that is gone |
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyoxigraph as ox

from stadtgraph.city.draft import Draft, graph_info
from stadtgraph.city.duplicates import Duplicates, companions, records_of
from stadtgraph.errors import InputError
from stadtgraph.release import GraphInfo, Kind, Releases, View
from stadtgraph.shacl import validate
from stadtgraph.sources import Source
from stadtgraph.sources.harvest import (
    AGENTS,
    ROOTS,
    HarvestReport,
    Known,
    Page,
    Progress,
    Reason,
    State,
    Taken,
    Taking,
    UnitName,
    Units,
    silent,
)
from stadtgraph.store import OxigraphEngine, read_lines
from stadtgraph.terms import DCT, FOAF, HISTORY, PROV, RDF, SG, XSD, Names, Term

if TYPE_CHECKING:
    from stadtgraph.city import City

READER: Final = "1"
"""Raised whenever the same pages give other triples than before."""


def companions_of(releases: Releases, graph: str, names: Names) -> list[str]:
    """Give the graphs beside a harvested one that some release holds, so that they go with it."""
    infos = [i for r in releases.all() for view in View if r.has(view) for i in r.manifest(view).graphs.values()]
    sources = {info.source for info in infos if info.graph == graph}
    beside = {g.value for name in sources for g in companions(name, names)} - {graph}
    return sorted({info.graph for info in infos} & beside)


@dataclass(slots=True)
class Harvest:
    """One harvest of one source into one draft."""

    city: City
    draft: Draft
    source: Source
    pages: Sequence[Page]
    report: HarvestReport
    confirm: bool = False
    progress: Progress = silent
    inputs: str = field(default="", init=False)
    settings: str = field(default="", init=False)
    """A checksum of all but the pages that decided the triples; the empty text before :meth:`run`."""
    others: Duplicates = field(init=False)
    """The records of sources that those may see who see this one."""

    @property
    def names(self) -> Names:
        """The names of the city's graphs."""
        return self.draft.names

    @property
    def engine(self) -> OxigraphEngine:
        """The engine of what those may see who see the source."""
        engines = self.draft.clone.engines
        return engines.get(View.INTERNAL, engines[View.PUBLIC]) if self.source.restricted else engines[View.PUBLIC]

    def run(self) -> HarvestReport:
        """Bring the pages into the draft, or hold them; a page that cannot be read is an :class:`InputError`."""
        units = units_of(self.engine, self.names, f"{self.draft.clone.created:%Y-%m-%d}")
        graph = self.source.graph_name(self.names)
        known = self.draft.clone.info(graph)
        self.settings = settings_of(self.source, self.names, units)
        self.inputs = inputs = inputs_of(self.settings, self.pages)
        self.report.pages = len(self.pages)
        same_view = self.draft.clone.is_restricted(graph) == self.source.restricted
        if known is not None and known.inputs == inputs and same_view:
            self.report.state = State.UNCHANGED
            return self.report
        before = set(records_of(self.engine, graph))
        self.others = self._records()
        taking = Taking(
            self.source.name,
            self.names,
            self.draft.clone.folder("harvest"),
            self.source.harvest,
            known=Known(units.find),
            elsewhere=self._elsewhere,
            gate=self._gate,
            progress=self.progress,
        )
        taken = taking.take(self.pages)
        self.report.take(taken)
        gone = sorted(before - taken.roots)
        self.report.new, self.report.gone = len(taken.roots - before), len(gone)
        if not taken.records and not before:
            raise InputError("harvest-empty", origin=self.report.origin)
        if before and len(gone) > self.source.harvest.shrink * len(before) and not self.confirm:
            self.report.state = State.HELD
            return self.report
        self._put(taken, inputs)
        self._relate(graph, units)
        self._bury(gone)
        return self.report

    def _put(self, taken: Taken, inputs: str) -> None:
        assert taken.spool is not None and taken.quarantine is not None and taken.originals is not None
        origin = Path(self.report.origin.rstrip("/").rpartition("/")[2] or "catalogue")
        info = graph_info(self.source, origin, self.names, inputs=inputs)
        self.draft.clone.put_spool(info, taken.spool, restricted=self.source.restricted)
        taken.spool.remove()
        quarantine, originals, _ = companions(self.source.name, self.names)
        self._put_companion(quarantine, read_lines(taken.quarantine), bool(taken.quarantined), restricted=True)
        if taken.originals.lines:
            self.draft.clone.put_spool(self._info(originals), taken.originals, restricted=self.source.restricted)
        elif self.draft.clone.info(originals) is not None:
            self.draft.clone.drop(originals)
        taken.originals.remove()

    def _gate(self, triples: Sequence[ox.Triple]) -> dict[str, list[Reason]]:
        """Give what the shapes that are asked of every record mind."""
        found: dict[str, list[Reason]] = {}
        for result in validate(triples, self.city.record_gate).results if triples else ():
            if result.is_violation and isinstance(result.focus, ox.NamedNode):
                texts = {"de": result.message("de"), "en": result.message("en")}
                found.setdefault(result.focus.value, []).append(Reason("shape", texts=texts))
        return found

    def _put_companion(
        self, graph: ox.NamedNode, triples: Iterable[ox.Triple], has_some: bool, *, restricted: bool
    ) -> None:
        if has_some:
            self.draft.clone.put(self._info(graph), triples, restricted=restricted)
        elif self.draft.clone.info(graph) is not None:
            self.draft.clone.drop(graph)

    def _info(self, graph: ox.NamedNode) -> GraphInfo:
        return replace(graph_info(self.source, None, self.names), graph=graph.value, kind=Kind.HARVEST, dataset="")

    def _relate(self, graph: ox.NamedNode, units: Units) -> None:
        """Say which publishers are known units, and which records other sources have under another IRI."""
        found = [*self._matches(graph, units), *self._duplicates(graph)]
        self._put_companion(
            companions(self.source.name, self.names)[2], found, bool(found), restricted=self.source.restricted
        )

    def _matches(self, graph: ox.NamedNode, units: Units) -> Iterator[ox.Triple]:
        store, unknown = self.engine.store, set()
        agents = {q.object for p in AGENTS for q in store.quads_for_pattern(None, p, None, graph)}
        known = _names_of(agents, store, graph)
        for agent in sorted(agents, key=str):
            if isinstance(agent, ox.Literal):
                unknown.add(agent.value)
            if not isinstance(agent, ox.NamedNode) or agent.value.startswith(f"{self.names.base}id/unit/"):
                continue
            names = sorted({*known.get(agent, ())})
            unit = next(filter(None, map(units.find, names)), None)
            if unit is not None:
                self.report.matched[agent.value] = unit.value
                yield ox.Triple(agent, SG.matchesUnit, unit)
            else:
                unknown.update(names[:1])
        self.report.unmatched = sorted(unknown)

    def _duplicates(self, graph: ox.NamedNode) -> Iterator[ox.Triple]:
        """Link each record to those with the same identifier in other sources that go before it."""
        found = self._records()
        for root in found.records(graph.value):
            number = sum(1 for _ in found.of(root, graph.value))
            if number:
                self.report.duplicates += number
                yield from (ox.Triple(root, SG.duplicateOf, other) for other in found.better(root, graph.value))

    def _records(self) -> Duplicates:
        clone = self.draft.clone
        view = View.INTERNAL if self.source.restricted and View.INTERNAL in clone.graphs else View.PUBLIC
        return Duplicates(self.city.registry, clone, view, self.source)

    def _elsewhere(self, iri: str) -> str:
        """Give the source that has this very record already and goes before the harvested one."""
        try:
            node, own = ox.NamedNode(iri), self.source.graph_name(self.names).value
        except ValueError:
            return ""  # no source holds what cannot be named; the record goes to quarantine
        if self.others.graphs.keys() <= {own}:
            return ""
        mine = (*self.others.precedence(own), _reverse(self.source.name))
        for quad in self.engine.store.quads_for_pattern(node, RDF.type, None, None):
            name = getattr(quad.graph_name, "value", "")
            info = self.others.graphs.get(name)
            if name == own or info is None or quad.object not in ROOTS:
                continue
            if (*self.others.precedence(name), _reverse(info.source)) > mine:
                return info.source
        return ""

    def _bury(self, gone: Iterable[str]) -> None:
        """Write a tombstone for every record that the catalogue no longer has."""
        triples = [t for iri in gone for t in tombstone(iri, self.source, self.draft)]
        if not triples:
            return
        for view in self.draft.clone.views:
            if view is not View.PUBLIC or not self.source.restricted:
                self.draft.clone.change_derived(view, self.names.graph(HISTORY), triples, kind=Kind.APPENDED)


def tombstone(iri: str, source: Source, draft: Draft) -> Iterator[ox.Triple]:
    """Say that a record is gone, from which source, and since when."""
    clone, names = draft.clone, draft.names
    digest = hashlib.blake2b(f"{source.name} {iri} {clone.id}".encode(), digest_size=16).hexdigest()
    stone = names.id(f"tombstone/{source.name}/{digest}")
    yield ox.Triple(stone, RDF.type, SG.Tombstone)
    yield ox.Triple(stone, SG.ofRecord, ox.NamedNode(iri))
    yield ox.Triple(stone, DCT.source, source.graph_name(names))
    yield ox.Triple(stone, DCT.isPartOf, names.id(f"release/{clone.id}"))
    time = ox.Literal(f"{clone.created:%Y-%m-%dT%H:%M:%SZ}", datatype=XSD.dateTime)
    yield ox.Triple(stone, PROV.invalidatedAtTime, time)


def units_of(engine: OxigraphEngine, names: Names, today: str) -> Units:
    """Give the units of the city's registers, to be found by their names."""
    return Units(unit_names(engine, names, today))


def unit_names(engine: OxigraphEngine, names: Names, today: str) -> Iterator[UnitName]:
    """Give the names of all units of the city's registers."""
    query = (resources.files(__package__) / "queries" / "unit-names.rq").read_text("utf-8")
    for row in engine.select(query):
        first, last = (getattr(row[key], "value", "") for key in ("from", "until"))
        is_current = (not first or first <= today) and (not last or today <= last)
        unit, name = row["unit"], row["name"]
        if isinstance(unit, ox.NamedNode) and isinstance(name, ox.Literal) and unit.value.startswith(names.base):
            yield UnitName(unit.value, name.value, is_current)


def settings_of(source: Source, names: Names, units: Units) -> str:
    """Give a checksum of all but the pages that decides the triples: the settings, the base, the names of units."""
    digest = hashlib.sha256(f"{READER} {names.base} {source.harvest} {source.address} {source.licence}".encode())
    digest.update(repr(sorted((name, sorted(found.items())) for name, found in units.names.items())).encode())
    return digest.hexdigest()


def inputs_of(settings: str, pages: Sequence[Page]) -> str:
    """Give a checksum of all that decides the triples."""
    digest = hashlib.sha256(settings.encode())
    for page in pages:
        with page.path.open("rb") as file:
            digest.update(page.base.encode() + hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _names_of(agents: set[Term], store: ox.Store, graph: ox.NamedNode) -> dict[Term, list[str]]:
    """Give the names of agents: all names of a graph are looked through, for looking up each agent takes far longer."""
    found: dict[Term, list[str]] = {}
    for quad in store.quads_for_pattern(None, FOAF.name, None, graph):
        if isinstance(quad.object, ox.Literal) and (agent := quad.subject) in agents:
            found.setdefault(agent, []).append(quad.object.value)
    return found


def _reverse(name: str) -> tuple[int, ...]:
    """Give a key that sorts names the other way round."""
    return tuple(-ord(c) for c in name)
