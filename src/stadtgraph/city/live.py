"""Live sources: a timetable or a service of sensors into its source graph, in the way that catalogues are harvested."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import date
from itertools import chain
from pathlib import Path

import pyoxigraph as ox

from stadtgraph.city.areas import Areas
from stadtgraph.city.draft import Draft
from stadtgraph.city.duplicates import companions
from stadtgraph.city.harvesting import Harvest, inputs_of
from stadtgraph.errors import InputError
from stadtgraph.sources import Source, skolemised
from stadtgraph.sources.harvest import HarvestReport, Reason, State
from stadtgraph.sources.live.archive import Archive
from stadtgraph.sources.live.making import Making, records_of
from stadtgraph.sources.live.sensorthings import service
from stadtgraph.sources.live.settings import ENTITY_SETS, GTFS_COLUMNS
from stadtgraph.sources.live.timetable import FILES, Timetable
from stadtgraph.sources.table import Row
from stadtgraph.store import read_lines, spool
from stadtgraph.terms import DCT, RDF, Names

READER = "1"
"""Raised whenever the same pages give other triples than before."""
Rows = Iterator[tuple[str, Row]]


class Live(Harvest):
    """One taking in of one live source into one draft."""

    def run(self) -> HarvestReport:
        """Bring the pages into the draft, or hold them; what cannot be read whole is an :class:`InputError`."""
        source, names, clone = self.source, self.names, self.draft.clone
        graph, areas = source.graph_name(names), areas_for(source, self.draft)
        known = clone.info(graph)
        self.settings = settings_of_live(source, names, areas, clone.created.date())
        self.inputs = inputs_of(self.settings, self.pages)
        self.report.pages = len(self.pages)
        same_view = clone.is_restricted(graph) == source.restricted
        if known is not None and known.inputs == self.inputs and same_view:
            self.report.state = State.UNCHANGED
            return self.report
        before = self._records_before(graph)
        folder = clone.folder("harvest")
        quarantine = folder / f"{source.name}.quarantine.nt"
        with closing(Making(source, names, quarantine)) as making:
            triples = self._triples(making)
            placed = areas.places().place(triples) if source.place else triples
            kept = spool(skolemised(placed, names), folder, source.name)
        self._tell(making, kept.lines)
        gone = sorted(before - making.records)
        self.report.new, self.report.gone = len(making.records - before), len(gone)
        if not kept.lines and known is None:
            raise InputError("live-empty", origin=self.report.origin)
        if before and len(gone) > source.harvest.shrink * len(before) and not self.confirm:
            self.report.state = State.HELD
            kept.remove()
            return self.report
        origin = Path(self.report.origin.rstrip("/").rpartition("/")[2] or source.name)
        self.draft.put(source, origin, kept, inputs=self.inputs)
        self._put_companion(companions(source.name, names)[0], read_lines(quarantine), bool(making.quarantined),
                            restricted=True)  # fmt: skip
        self._bury(gone)
        return self.report

    def _triples(self, making: Making) -> Iterator[ox.Triple]:
        steps = {"gtfs": self._timetable, "sensorthings": self._sensorthings}
        return steps[self.source.harvest.protocol](making)

    def _timetable(self, making: Making) -> Iterator[ox.Triple]:
        for table in making.mappings:
            making.check(table, (*GTFS_COLUMNS[table], *making.mappings[table].optional))
        with Archive([page.path for page in self.pages]) as files:
            wanted = frozenset(making.mappings)
            timetable = Timetable(files, wanted, self.source.gtfs, making.set_aside)
            yield from making.triples(timetable.rows(), lambda table: FILES.get(table, table))
            self.report.notes += [Reason("live-absent", {"file": file}) for file in timetable.missing]

    def _sensorthings(self, making: Making) -> Iterator[ox.Triple]:
        asked = service(self.source, self.names.base, self.draft.clone.created.date())
        for table, columns in asked.wanted.items():
            making.check(table, columns)
        rows = asked.rows(self.pages, making.set_aside, recorded="://" not in self.report.origin)
        yield from making.triples(rows, lambda table: ENTITY_SETS[table].name)

    def _tell(self, making: Making, triples: int) -> None:
        report = self.report
        report.loaded, report.triples = making.read.total(), triples
        report.records = report.loaded + making.quarantined
        report.quarantined, report.bad, report.reasons = making.quarantined, making.bad, making.reasons
        report.notes += [Reason("live-table", {"table": t, "number": n}) for t, n in making.read.items()]

    def _records_before(self, graph: ox.NamedNode) -> set[str]:
        patterns = ((DCT.identifier, None), (RDF.type, None))
        store = self.engine.store
        return records_of(q.triple for q in chain(*(store.quads_for_pattern(None, p, o, graph) for p, o in patterns)))


def areas_for(source: Source, draft: Draft) -> Areas:
    """Give the areas that the things of a source are placed in; none where it does not ask for that."""
    return draft.areas() if source.place else Areas()


def settings_of_live(source: Source, names: Names, areas: Areas, today: date) -> str:
    """Give a checksum of all but the pages that decides the triples: settings, mappings, base, areas, the window."""
    parts: Sequence[object] = (READER, names.base, source.name, source.dataset, source.gtfs, source.sensorthings)
    window = today if source.sensorthings.days else ""
    digest = hashlib.sha256(f"{parts} {source.address} {source.licence} {areas.checksum} {window}".encode())
    for table, path in sorted(source.mappings.items()):
        try:
            digest.update(f"{table} {path.read_text('utf-8-sig')}".encode())
        except (OSError, UnicodeDecodeError):
            digest.update(table.encode())  # whoever reads the mapping says what is wrong with it
    return digest.hexdigest()
