"""Read files and feeds: tables through mappings, RDF through the door check, always as a stream of triples.

:func:`read` is the one entry; the modules beside it do one step each.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from stadtgraph.errors import InputError
from stadtgraph.sources.aggregate import daily
from stadtgraph.sources.door import Complaint
from stadtgraph.sources.files import MAX_STREAM, opened
from stadtgraph.sources.mapping import Mapping
from stadtgraph.sources.place import Places
from stadtgraph.sources.rdf import FORMATS, Policy, read_rdf
from stadtgraph.sources.registry import Source, format_of, load_registry
from stadtgraph.sources.skolem import blank_again, skolemised
from stadtgraph.sources.table import Aggregate, Row, Table, Unpivot
from stadtgraph.sources.tables import READERS, rows
from stadtgraph.terms import Names

__all__ = [
    "Aggregate",
    "Complaint",
    "Mapping",
    "Places",
    "Row",
    "Source",
    "Table",
    "Unpivot",
    "blank_again",
    "format_of",
    "inputs_checksum",
    "load_registry",
    "read",
    "read_rdf",
    "rows",
    "skolemised",
    "table_of",
]

READER: Final = "1"
"""Raised whenever the same file gives other triples than before, so that unchanged files are read again."""


def read(
    source: Source,
    path: Path,
    names: Names,
    *,
    places: Places | None = None,
    on_bad: Policy | None = None,
    complaints: list[Complaint] | None = None,
) -> Iterator[ox.Triple]:
    """Give the triples of ``source`` from the file at ``path``: mapped or checked, placed, without blank nodes.

    ``places`` is used where the source asks for it. ``on_bad`` says what happens to ill-formed literals in RDF:
    by default they are an error in files that the city ships (``path``), and elsewhere they are kept and appended
    to ``complaints``. Everything else that is wrong raises InputError with file, line and column; since this is a
    stream, triples may have been given before.
    """
    format = source.format
    blank = True
    if format in READERS:
        mapping = _mapping(source, path, names)
        triples, blank = mapping.triples(table_of(source, path), path.name), mapping.query.blank
    elif format in FORMATS:
        policy: Policy = on_bad or ("error" if source.path is not None else "keep")
        triples = read_rdf(path, format, names.base, on_bad=policy, complaints=complaints)
    else:
        known = ", ".join((*READERS, *FORMATS))
        raise InputError("sources-no-format", file=path.name, suffix=path.suffix, formats=known)
    if source.place and places is not None:
        triples = places.place(triples)
    return skolemised(triples, names) if blank else triples


def _mapping(source: Source, path: Path, names: Names) -> Mapping:
    if source.mapping is None:
        raise InputError("sources-no-mapping", name=source.name, file=path.name)
    return Mapping.load(source.mapping, names.base)


def table_of(source: Source, path: Path) -> Iterator[Row]:
    """Give the rows that the mapping of ``source`` sees."""
    table = rows(path, source.table, source.format)
    return table if source.aggregate is None else daily(table, source.aggregate, path.name)


def inputs_checksum(source: Source, path: Path, mapping: Path | None = None, *, also: str = "") -> str:
    """Give a SHA-256 over all that decides the triples of ``source``: file, mapping, options, reader.

    ``also`` is for what the caller adds, such as the base and the areas of ``places``. Equal checksums mean that
    the source need not be read again. A packed file counts unpacked.
    """
    mapping = mapping or source.mapping
    options = (READER, also, source.format, source.place, source.table, source.aggregate)
    shown = [dataclasses.asdict(part) if dataclasses.is_dataclass(part) else part for part in options]
    digest = hashlib.sha256(repr(shown).encode())
    for file in filter(None, (mapping, path)):
        with opened(file, MAX_STREAM) as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())  # type: ignore[arg-type]
    return digest.hexdigest()
