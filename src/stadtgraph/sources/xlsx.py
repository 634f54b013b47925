"""Excel workbooks as tables, read cell by cell without loading the sheet."""

from __future__ import annotations

import datetime as dt
import io
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Final
from xml.parsers import expat

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from stadtgraph.errors import InputError
from stadtgraph.sources.files import whole
from stadtgraph.sources.table import MAX_CELL, MAX_COLUMNS, Row, Shape, Table, shape

MAX_PACKED: Final = 256 * 1024 * 1024
MAX_UNPACKED: Final = 2 * 1024 * 1024 * 1024


def xlsx_rows(path: Path, table: Table) -> Iterator[Row]:
    """Read one sheet (``table.sheet``, by default the first); the first row is the header.

    Dates become ISO text, whole numbers have no fraction, formulas give their stored result. Raises InputError
    for files that are no workbooks, hold document type declarations or unpack to more than 2 GiB.
    """
    data = whole(path, MAX_PACKED)
    _check_parts(data, path.name)
    book = _book(data, path.name)
    try:
        known = shape(table.header, table, path.name, 1) if table.header else None
        for line, cells in _lines(book, table, path.name):
            if known is None:
                known = shape([cell or "" for cell in _trimmed(cells)], table, path.name, line)
            elif any(cell is not None for cell in cells):
                yield from known.rows(line, _fitting(cells, known, path.name, line))
    finally:
        book.close()
    if known is None:
        raise InputError("sources-empty", file=path.name)


def _check_parts(data: bytes, file: str) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            if sum(part.file_size for part in parts.infolist()) > MAX_UNPACKED:
                raise InputError("sources-too-large", file=file, limit=MAX_UNPACKED // 2**20)
            for part in parts.infolist():
                with parts.open(part) as stream:
                    if _has_doctype(stream):
                        raise InputError("sources-doctype", file=f"{file}:{part.filename}", line=1)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError) as error:
        raise InputError("sources-xlsx", file=file, problem=error) from error


def _has_doctype(stream: IO[bytes]) -> bool:
    """Tell whether a part declares a document type; it is read to its first element, however long its comments are.

    Which parts are XML is said by relations between them, not by their names, so every part is looked at.
    """
    parser, found = expat.ParserCreate(), []
    parser.StartDoctypeDeclHandler = lambda *_: found.append("doctype")
    parser.StartElementHandler = lambda *_: found.append("element")
    try:
        while not found and (chunk := stream.read(4096)):
            parser.Parse(chunk, False)
    except expat.ExpatError:
        pass  # no XML, or malformed: the reader will say so
    return found[:1] == ["doctype"]


def _book(data: bytes, file: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about styles and extensions that a table does not need
            return openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    except (InvalidFileException, KeyError, ValueError, TypeError, SyntaxError, OSError, zipfile.BadZipFile) as error:
        raise InputError("sources-xlsx", file=file, problem=error) from error


def _lines(book: Any, table: Table, file: str) -> Iterator[tuple[int, list[str | None]]]:
    if table.sheet is not None and table.sheet not in book.sheetnames:
        names = ", ".join(book.sheetnames)
        raise InputError("sources-no-sheet", file=file, sheet=table.sheet, sheets=names)
    sheet = book[table.sheet] if table.sheet is not None else book.worksheets[0]
    try:
        for line, values in enumerate(sheet.iter_rows(values_only=True), 1):
            if len(values) > MAX_COLUMNS:
                raise InputError("sources-too-many-columns", file=file, line=line, count=len(values), limit=MAX_COLUMNS)
            if any(value is not None for value in values):
                yield line, [_text(value, file, line) for value in values]
    except (ValueError, KeyError, TypeError, SyntaxError, IndexError, zipfile.BadZipFile) as error:
        if isinstance(error, InputError):
            raise
        raise InputError("sources-xlsx", file=file, problem=error) from error


def _text(value: Any, file: str, line: int) -> str | None:
    if value is None:
        return None
    text = _plain(value)
    if len(text) > MAX_CELL:
        raise InputError("sources-long-cell", file=file, line=line, name="", limit=MAX_CELL)
    return text


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time.min else value.isoformat()
    return value.isoformat() if isinstance(value, dt.date | dt.time) else str(value)


def _trimmed(cells: Sequence[str | None]) -> Sequence[str | None]:
    """Give the header without the empty cells at its end that formatting leaves behind."""
    end = len(cells)
    while end and cells[end - 1] is None:
        end -= 1
    return cells[:end]


def _fitting(cells: list[str | None], known: Shape, file: str, line: int) -> list[str | None]:
    if any(cell is not None for cell in cells[known.width :]):
        raise InputError(
            "sources-ragged", file=file, line=line, column=known.width + 1, found=len(cells), expected=known.width
        )
    return cells[: known.width] + [None] * (known.width - len(cells))
