"""Rows of several tables through the mapping of each; a bad row costs itself alone and is set aside with its reason."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from stadtgraph.errors import InputError, MappingError
from stadtgraph.sources.harvest.lines import line
from stadtgraph.sources.harvest.record import Cleaned, Reason
from stadtgraph.sources.harvest.take import NAMED, Bad, quarantined
from stadtgraph.sources.live.settings import ADDED
from stadtgraph.sources.mapping import Mapping
from stadtgraph.sources.registry import Source
from stadtgraph.sources.table import RESERVED, Row
from stadtgraph.terms import DCT, RDF, Names

BATCH: Final = 1_000
MOST_KEPT: Final = 1_000
"""Bad rows that are kept in quarantine; more are counted."""
LONGEST: Final = 100_000
"""Most characters of one cell."""
SHARE: Final = 0.2
"""Share of bad rows from which a feed is taken to be broken, where there are more than a few."""
FEW: Final = 20
_BAD: Final = re.compile("[\x00\ud800-\udfff]")
_PASSING: Final = frozenset(
    f"http://vocab.gtfs.org/terms#{name}" for name in ("Trip", "Service", "StopTime", "CalendarRule")
) | {"http://www.w3.org/ns/sosa/Observation"}
"""Classes of what comes and goes with every state of a source: its end is no news."""
Watch = Callable[[str, int], None]
"""Takes a table and how many of its rows were made."""


class Making:
    """The making of one source's triples; numbers and bad rows are told afterwards."""

    def __init__(self, source: Source, names: Names, quarantine: Path) -> None:
        """Read the mappings. Raises :class:`MappingError`."""
        self.source, self.names = source, names
        self.mappings = {table: Mapping.load(path, names.base) for table, path in source.mappings.items()}
        self.columns: dict[str, frozenset[str]] = {}
        self.read: Counter[str] = Counter()
        """Rows that came, by table."""
        self.quarantined = 0
        self.bad: list[Bad] = []
        self.reasons: Counter[str] = Counter()
        self.records: set[str] = set()
        """What is named by ``dct:identifier`` and stays: its end would be news."""
        self._quarantine = quarantine
        self._passing: set[str] = set()
        self._file = quarantine.open("wb")

    def mentioned(self, table: str) -> frozenset[str]:
        """Give the columns that the mapping of a table asks for."""
        return frozenset(self.mappings[table].query.mentioned) - {RESERVED}

    def check(self, table: str, known: Iterable[str]) -> None:
        """Take the columns that a table can have; :class:`MappingError` where its mapping names another one."""
        mapping, columns = self.mappings[table], frozenset((*known, *ADDED))
        mapping.check_columns(columns)
        self.columns[table] = self.mentioned(table) | (columns & frozenset(mapping.query.listed))

    def triples(self, rows: Iterable[tuple[str, Row]], file: Callable[[str], str]) -> Iterator[ox.Triple]:
        """Give the triples of rows, which come with the name of their table; ``file`` names the file of a table."""
        for table, found in groupby(rows, lambda pair: pair[0]):
            yield from map(self._watched, self._of_table(table, (row for _, row in found), file(table)))
        self.records -= self._passing
        self._judge()

    def set_aside(self, file: str, line_number: int, key: str, params: dict[str, object], original: str = "") -> None:
        """Put a row into quarantine."""
        self.quarantined += 1
        self.reasons[key] += 1
        if self.quarantined > MOST_KEPT:
            return
        name, reason = f"{file}:{line_number}", Reason(key, {"place": f"{file}:{line_number}", **params})
        if len(self.bad) < NAMED:
            self.bad.append(Bad(name, (reason,)))
        cleaned = Cleaned(self.names.source(self.source.name), reasons=[reason], original=original[:LONGEST])
        for triple in quarantined(cleaned, name, self.source.name, self.names):
            self._file.write(line(triple))

    def close(self) -> None:
        """Finish the file of the quarantine."""
        self._file.close()

    def _of_table(self, table: str, rows: Iterable[Row], file: str) -> Iterator[ox.Triple]:
        mapping, columns = self.mappings[table], self.columns[table]
        added = {"source_name": self.source.name, "source_dataset": self.source.dataset}
        batch: list[Row] = []
        for row in rows:
            self.read[table] += 1
            values = {name: row.values.get(name) or None for name in columns} | {
                k: added[k] for k in ADDED if k in columns
            }
            if self._is_fine(values, file, row.line):
                batch.append(Row(row.line, values))
            if len(batch) == BATCH:
                yield from self._made(mapping, batch, file)
                batch = []
        if batch:
            yield from self._made(mapping, batch, file)

    def _is_fine(self, values: dict[str, str | None], file: str, number: int) -> bool:
        for name, value in values.items():
            if value and (len(value) > LONGEST or _BAD.search(value)):
                key = "live-long-cell" if len(value) > LONGEST else "live-encoding"
                self.set_aside(file, number, key, {"column": name})
                return False
        return True

    def _made(self, mapping: Mapping, batch: list[Row], file: str) -> list[ox.Triple]:
        try:
            return list(mapping.triples(batch, file))
        except MappingError as error:
            if error.key != "sources-row-failed":
                raise
        made: list[ox.Triple] = []
        for row in batch:
            try:
                made += mapping.triples([row], file)
            except MappingError as error:
                original = json.dumps(row.values, ensure_ascii=False)
                self.set_aside(file, row.line, error.key, dict(error.params), original)
        return made

    def _watched(self, triple: ox.Triple) -> ox.Triple:
        subject = triple.subject
        if isinstance(subject, ox.NamedNode):
            if triple.predicate == DCT.identifier:
                self.records.add(subject.value)
            elif triple.predicate == RDF.type and getattr(triple.object, "value", "") in _PASSING:
                self._passing.add(subject.value)
        return triple

    def _judge(self) -> None:
        """Refuse a feed of which a large share is bad: that is another format, not a few mistakes."""
        whole = self.read.total() + self.quarantined
        if self.quarantined > FEW and self.quarantined > SHARE * whole:
            first = self.bad[0].reasons[0].text()
            raise InputError("live-mostly-bad", source=self.source.name, bad=self.quarantined, all=whole, first=first)


def records_of(triples: Iterable[ox.Triple]) -> set[str]:
    """Give what a graph names by ``dct:identifier`` and that stays."""
    named: set[str] = set()
    passing: set[str] = set()
    for triple in triples:
        if isinstance(triple.subject, ox.NamedNode):
            if triple.predicate == DCT.identifier:
                named.add(triple.subject.value)
            elif getattr(triple.object, "value", "") in _PASSING:
                passing.add(triple.subject.value)
    return named - passing
