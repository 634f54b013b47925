"""Read files and feeds: tables through mappings, RDF through the door check, always as a stream of triples."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyoxigraph as ox

from stadtgraph.errors import InputError
from stadtgraph.sources.aggregate import daily
from stadtgraph.sources.mapping import Mapping
from stadtgraph.sources.registry import Source, load_registry
from stadtgraph.sources.table import Row, Table
from stadtgraph.sources.tables import rows
from stadtgraph.terms import Names

__all__ = ["Mapping", "Row", "Source", "Table", "load_registry", "read", "rows"]

READER = "1"
"""Raised when the same file would give other triples, so that unchanged files are read again."""


def read(source: Source, path: Path, names: Names) -> Iterator[ox.Triple]:
    """Give the triples of ``source`` from the file at ``path``, in the order of the file."""
    if source.mapping is None:
        raise InputError("sources-no-mapping", name=source.name, file=path.name)
    mapping = Mapping.load(source.mapping, names.base)
    table = rows(path, source.table, source.format)
    if source.aggregate is not None:
        table = daily(table, source.aggregate, path.name)
    yield from mapping.triples(table, path.name)
