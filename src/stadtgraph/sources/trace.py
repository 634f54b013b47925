"""Finds the row of a table that a triple comes from.

The mapping is applied again, row by row, to the rows that may have made the triple: first those of which a cell stands
in the subject's IRI, then the others, as far as a bound allows. A row is given only where the mapping really makes the
triple, or another one of the same subject, from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from stadtgraph.sources import Source, table_of
from stadtgraph.sources.mapping import Mapping
from stadtgraph.sources.table import Row
from stadtgraph.terms import Names

MOST_ROWS: Final = 1_000_000
"""Rows that are looked through for a cell that stands in the IRI."""
MOST_TRIED: Final = 200
"""Rows of these that the mapping is applied to."""
MOST_MAPPED: Final = 20_000
"""Rows that the mapping is applied to, a thousand at once, where no cell leads to the row."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record of a table: its number from 1, and the line (of XLSX: the row) where it starts."""

    number: int
    line: int


def record_of(source: Source, path: Path, names: Names, triple: ox.Triple) -> Record | None:
    """Give the record that ``triple`` comes from; ``None`` where it is not known.

    What is added after the mapping, such as the quarter that a point lies in, counts as of its subject's row.
    Raises InputError where the file cannot be read any more.
    """
    if source.mapping is None or not isinstance(triple.subject, ox.NamedNode):
        return None
    mapping = Mapping.load(source.mapping, names.base)
    near = None
    for number, row in _candidates(source, path, triple.subject):
        made = list(mapping.triples([row], path.name, number))
        if triple in made:
            return Record(number + 1, row.line)
        if near is None and any(t.subject == triple.subject for t in made):
            near = Record(number + 1, row.line)
    return near if near is not None else _searched(mapping, source, path, triple.subject)


def _candidates(source: Source, path: Path, subject: ox.NamedNode) -> Iterator[tuple[int, Row]]:
    """Give the rows, with their numbers from 0, of which a cell (or the number) is a whole part of the IRI."""
    parts = set(subject.value.replace("#", "/").split("/")[-3:])
    parts |= {word for part in parts for word in part.split("-")} - {""}
    last = subject.value.rstrip("/").rpartition("/")[2]
    found: list[tuple[bool, int, Row]] = []
    for number, row in enumerate(islice(table_of(source, path), MOST_ROWS)):
        cells = {cell for cell in row.values.values() if cell}
        if last in cells or str(number + 1) == last:
            found.append((False, number, row))
        elif parts & cells:
            found.append((True, number, row))
        if len(found) >= MOST_TRIED * 50:
            break
    found.sort(key=lambda entry: entry[:2])
    return ((number, row) for _, number, row in found[:MOST_TRIED])


def _searched(mapping: Mapping, source: Source, path: Path, subject: ox.NamedNode) -> Record | None:
    rows = islice(table_of(source, path), MOST_MAPPED)
    number = 0
    while batch := list(islice(rows, 1000)):
        if any(t.subject == subject for t in mapping.triples(batch, path.name, number)):
            for at, row in enumerate(batch, number):
                if any(t.subject == subject for t in mapping.triples([row], path.name, at)):
                    return Record(at + 1, row.line)
        number += len(batch)
    return None
