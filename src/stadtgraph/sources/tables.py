"""Read tables row by row: CSV, TSV, XLSX, JSON and GeoJSON all become rows of column variable → text.

A value is the text that the file holds: nothing is trimmed, rounded or converted.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from stadtgraph.errors import InputError
from stadtgraph.sources.files import MAX_STREAM, codec, misencoded, opened, stem_suffix, whole
from stadtgraph.sources.jsontable import geojson_rows, json_rows
from stadtgraph.sources.table import MAX_CELL, Row, Shape, Table, shape
from stadtgraph.sources.xlsx import xlsx_rows

csv.field_size_limit(MAX_CELL)  # the module has one limit for the process; its default is below one outline


def rows(path: Path, table: Table | None = None, format: str | None = None) -> Iterator[Row]:
    """Read the table in ``path`` as a stream of rows.

    ``format`` is one of ``csv tsv xlsx json geojson``; by default the suffix says it. Raises InputError with
    file, line and column where the file is malformed.
    """
    format = format or stem_suffix(path)
    if format not in READERS:
        raise InputError("sources-not-a-table", file=path.name, format=format, formats=", ".join(READERS))
    return READERS[format](path, table or Table())


def _csv_rows(path: Path, table: Table) -> Iterator[Row]:
    return _delimited(path, table, table.delimiter or ",")


def _tsv_rows(path: Path, table: Table) -> Iterator[Row]:
    return _delimited(path, table, table.delimiter or "\t")


def _delimited(path: Path, table: Table, delimiter: str) -> Iterator[Row]:
    file = path.name
    try:
        codecs.lookup(table.encoding)
    except LookupError:
        raise InputError("sources-no-encoding", file=file, encoding=table.encoding) from None
    with opened(path, MAX_STREAM) as raw:
        text = io.TextIOWrapper(raw, encoding=codec(table.encoding), newline="")
        reader = csv.reader(_lines(text, file), delimiter=delimiter, strict=True)
        known = shape(table.header, table, file, 1) if table.header else None
        start = 1
        try:
            for cells in reader:
                if cells:
                    if known is None:
                        known = shape(cells, table, file, start)
                    else:
                        yield from known.rows(start, _fitting(cells, known, file, start))
                start = reader.line_num + 1
        except csv.Error as error:
            raise InputError("sources-csv", file=file, line=start, last=reader.line_num, problem=error) from error
        except UnicodeDecodeError:
            raise _encoding_error(path, table.encoding) from None
    if known is None:
        raise InputError("sources-empty", file=file)


def _lines(text: io.TextIOWrapper, file: str) -> Iterator[str]:
    """Give physical lines; a NUL or an endless line is an InputError."""
    number = 0
    while line := text.readline(MAX_CELL):
        number += 1
        if "\0" in line:
            raise InputError("sources-nul", file=file, line=number, column=line.index("\0") + 1)
        if len(line) == MAX_CELL and line[-1] not in "\r\n":
            raise InputError("sources-long-line", file=file, line=number, limit=MAX_CELL)
        yield line


def _fitting(cells: list[str], known: Shape, file: str, line: int) -> list[str]:
    if len(cells) != known.width:
        column = min(len(cells), known.width) + 1
        raise InputError("sources-ragged", file=file, line=line, column=column, found=len(cells), expected=known.width)
    return cells


def _encoding_error(path: Path, encoding: str) -> InputError:
    """Find the place of the first bad byte by reading the file again, whole."""
    data = whole(path)
    try:
        data.decode(codec(encoding))
    except UnicodeDecodeError as error:
        return misencoded(data, error, encoding, path.name)
    raise AssertionError("the file changed while it was read")


READERS: Final[dict[str, Callable[[Path, Table], Iterator[Row]]]] = {
    "csv": _csv_rows,
    "tsv": _tsv_rows,
    "xlsx": xlsx_rows,
    "json": json_rows,
    "geojson": geojson_rows,
}
"""Format → reader; each gives rows or raises InputError."""
