"""Tables as values: how one is read, its rows, and the variables that its columns become.

>>> [variable(text) for text in ("T (degC)", "31.12.2006", "Längengrad [DG]", "SWDR (W/m²)")]
['T_degC', 'c31_12_2006', 'Längengrad_DG', 'SWDR_W_m']
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from stadtgraph.errors import InputError

MAX_CELL: Final = 8 * 1024 * 1024
"""Longest cell, in characters; the outline of a district has about 60,000."""
MAX_COLUMNS: Final = 4096
"""Most columns of a table."""
RESERVED: Final = "ROWNUM"
"""The variable that numbers the rows; no column may be called so."""

_LETTERS: Final = (
    "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c\u200d\u2070-\u218f"
    "\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
_OTHER: Final = re.compile(f"[^{_LETTERS}0-9_]+")
_SIGNS: Final = re.compile("[\u00b2\u00b3\u00b9\u00b5\u2070-\u209f]+")
_UNDERSCORES: Final = re.compile("_+")


class Row(NamedTuple):
    """One row: the line where it starts, and column variable → text, or ``None`` where there is no value."""

    line: int
    values: dict[str, str | None]


@dataclass(frozen=True, slots=True)
class Unpivot:
    """Turn a wide table into rows: all columns but ``keep`` become pairs of ``variable`` and ``value``."""

    keep: tuple[str, ...] = ()
    variable: str = "column"
    value: str = "value"


@dataclass(frozen=True, slots=True)
class Table:
    """How a table is read; every field has a default that fits most files."""

    delimiter: str | None = None
    encoding: str = "utf-8"
    header: tuple[str, ...] = ()
    null: tuple[str, ...] = ()
    sheet: str | None = None
    path: str | None = None
    unpivot: Unpivot | None = None


@dataclass(frozen=True, slots=True)
class Aggregate:
    """How a long series becomes daily values: the column of the time, its form, quantities and functions."""

    time: str
    quantities: tuple[str, ...]
    functions: tuple[str, ...] = ("mean", "min", "max", "count")
    format: str = "iso"


def variable(text: str) -> str:
    """Give the SPARQL variable of a column headed ``text``, or "" where no letter or digit is left.

    Every character that is not a letter (as SPARQL's VARNAME allows it), digit or underscore becomes an
    underscore; runs collapse, edges are stripped, and "c" goes before a digit.
    Source: https://www.w3.org/TR/sparql11-query/#rVARNAME
    """
    name = _OTHER.sub("_", _SIGNS.sub("_", unicodedata.normalize("NFC", text)))
    name = _UNDERSCORES.sub("_", name).strip("_")
    return f"c{name}" if name[:1].isdigit() else name


@dataclass(frozen=True, slots=True)
class Shape:
    """What a header means: which cells are kept under which variable, and which become rows of their own."""

    width: int
    names: tuple[str, ...]
    kept: tuple[int, ...]
    melted: tuple[tuple[int, str], ...] = ()
    unpivot: Unpivot | None = None
    null: frozenset[str] = field(default_factory=lambda: frozenset(("",)))

    def rows(self, line: int, cells: Sequence[str | None]) -> Iterator[Row]:
        """Give the row or rows of one record; pairs without a value are left out of an unpivoted table."""
        null = self.null
        clean = [None if cell is None or cell in null else cell for cell in cells]
        if self.unpivot is None:
            yield Row(line, dict(zip(self.names, clean, strict=True)))
            return
        kept = {name: clean[index] for name, index in zip(self.names, self.kept, strict=True)}
        for index, text in self.melted:
            if clean[index] is not None:
                yield Row(line, {**kept, self.unpivot.variable: text, self.unpivot.value: clean[index]})

    @property
    def columns(self) -> tuple[str, ...]:
        """The variables of every row."""
        if self.unpivot is None:
            return self.names
        return (*self.names, self.unpivot.variable, self.unpivot.value)


def shape(texts: Sequence[str], table: Table, file: str, line: int) -> Shape:
    """Give the meaning of the header ``texts``; a missing, doubled or colliding name is an InputError."""
    if len(texts) > MAX_COLUMNS:
        raise InputError("sources-too-many-columns", file=file, line=line, count=len(texts), limit=MAX_COLUMNS)
    null = frozenset(("", *table.null))
    if table.unpivot is None:
        return Shape(len(texts), _variables(texts, range(len(texts)), file, line), (), null=null)
    keep = {variable(name) for name in table.unpivot.keep}
    kept = tuple(index for index, text in enumerate(texts) if variable(text) in keep)
    found = {variable(texts[index]) for index in kept}
    for name in table.unpivot.keep:
        if variable(name) not in found:
            raise InputError("sources-no-column", file=file, line=line, name=name, columns=_some(texts))
    melted = tuple((index, text) for index, text in enumerate(texts) if index not in kept)
    _unrepeated(texts, file, line)
    names = _variables(texts, kept, file, line)
    for name in (table.unpivot.variable, table.unpivot.value):
        if name in names:
            raise InputError(
                "sources-header-collision", file=file, line=line, column=1, first=name, second=name, name=name
            )
    return Shape(len(texts), names, kept, melted, table.unpivot, null)


def _unrepeated(texts: Sequence[str], file: str, line: int) -> None:
    seen: set[str] = set()
    for column, text in enumerate(texts, 1):
        if not text.strip():
            raise InputError("sources-header-empty", file=file, line=line, column=column)
        if text in seen:
            raise InputError("sources-header-double", file=file, line=line, column=column, name=text)
        seen.add(text)


def _variables(texts: Sequence[str], indexes: Sequence[int], file: str, line: int) -> tuple[str, ...]:
    seen: dict[str, str] = {RESERVED: f"?{RESERVED}"}
    names = []
    for index in indexes:
        text, name = texts[index], variable(texts[index])
        place: Mapping[str, object] = {"file": file, "line": line, "column": index + 1}
        if not name:
            raise InputError("sources-header-empty", **place)
        if seen.get(name) == text:
            raise InputError("sources-header-double", **place, name=text)
        if name in seen:
            raise InputError("sources-header-collision", **place, first=seen[name], second=text, name=name)
        seen[name] = text
        names.append(name)
    return tuple(names)


def _some(texts: Sequence[str], most: int = 12) -> str:
    return ", ".join(texts[:most]) + (" …" if len(texts) > most else "")
