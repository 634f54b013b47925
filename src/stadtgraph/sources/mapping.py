"""Tables to triples by SPARQL CONSTRUCT: every row is a solution, its columns are variables.

A mapping is one ``.rq`` file. ``?ROWNUM`` numbers the rows from 1; empty cells are unbound. BASE is the base of the
city and the project's prefixes are known. Rows are put as a VALUES block at the start of the WHERE group, so a nested
group (a branch of UNION, the inside of OPTIONAL) does not see them in BIND; a FILTER of an OPTIONAL does. A VALUES
list of the query that names a column is joined with it; where the column can be empty, write
``OPTIONAL { VALUES (?code ?label) { ... } FILTER(?code = ?column) }``.

Head comments declare what the query cannot say:

* ``#: sg:plantingYear xsd:gYear``: plain strings of this predicate get the datatype where their form is legal;
  others stay plain strings, as they are, and become findings.
* ``#: optional ?wheelchair ?operator``: columns that the table need not have.

Values come through as the table writes them. A literal that the query itself types (``xsd:decimal(?x)``,
``STRDT``) is normalised by Oxigraph. Convention: https://tarql.github.io/
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from stadtgraph.errors import MappingError, StadtgraphError
from stadtgraph.sources.datatypes import legal
from stadtgraph.sources.functions import FN, custom_functions
from stadtgraph.sources.query import Query, analyse
from stadtgraph.sources.table import RESERVED, Row
from stadtgraph.terms import PREFIXES

BATCH_ROWS: Final = 1000
BATCH_CHARACTERS: Final = 4_000_000
_HEAD: Final = re.compile(r"[ \t]*#:(.*)")
_STRING: Final = "http://www.w3.org/2001/XMLSchema#string"


@dataclass(frozen=True, slots=True)
class Mapping:
    """One mapping, checked; :meth:`triples` applies it."""

    path: Path
    query: Query
    base: str
    prefixes: dict[str, str]
    datatypes: dict[ox.NamedNode, ox.NamedNode]
    optional: frozenset[str]

    @classmethod
    def load(cls, path: Path, base: str) -> Mapping:
        """Read and check the mapping in ``path``; relative IRIs are those of ``base``.

        Raises MappingError with file, line and column.
        """
        try:
            text = path.read_text("utf-8-sig")
        except FileNotFoundError:
            raise MappingError("sources-file-missing", file=str(path)) from None
        except (OSError, UnicodeDecodeError) as error:
            raise MappingError("sources-file-unreadable", file=str(path), problem=error) from error
        prefixes = {**PREFIXES, "sgf": str(FN)}
        query = analyse(text, path.name, base, prefixes)
        datatypes, optional = _head(text, path.name, {**prefixes, **query.prefixes})
        return cls(path, query, base, prefixes, datatypes, optional)

    def triples(self, rows: Iterable[Row], file: str = "", number: int = 0) -> Iterator[ox.Triple]:
        """Give the triples of ``rows``, in their order; ``file`` is named in errors, ``number`` rows went before.

        Raises MappingError for a column that the table does not have and for a row that fails, with its line.
        """
        store = ox.Store()
        columns = None
        for batch in _batches(rows):
            if columns is None:
                columns = self._columns(batch[0], file)
            yield from self._typed(self._construct(store, batch, columns, number, file))
            number += len(batch)

    def check_columns(self, columns: Iterable[str]) -> None:
        """Raise MappingError where the mapping and a table with these ``columns`` do not fit."""
        known = set(columns)
        for name, at in self.query.assigned.items():
            if name in known:
                raise self._error("sources-mapping-shadow", at, name=name)
        for name, at in self.query.mentioned.items():
            if name != RESERVED and name not in known and name not in self.optional:
                nearest = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.0)
                raise self._error("sources-mapping-column", at, name=name, nearest="".join(nearest))

    def _columns(self, first: Row, file: str) -> tuple[str, ...]:
        self.check_columns(first.values)
        asked = (*self.query.mentioned, *self.query.listed)
        return tuple(name for name in asked if name == RESERVED or name in first.values)

    def _error(self, key: str, at: int, **params: object) -> MappingError:
        line, column = self.query.lines.place(at)
        return MappingError(key, file=self.path.name, line=line, column=column, **params)

    def _construct(
        self, store: ox.Store, batch: Sequence[Row], columns: tuple[str, ...], number: int, file: str
    ) -> list[ox.Triple]:
        self._check_joined(batch, columns, file)
        failed: list[StadtgraphError] = []
        try:
            found = store.query(
                self.query.with_rows(_values(batch, columns, number)),
                base_iri=self.base,
                prefixes=self.prefixes,
                custom_functions=custom_functions(failed),
            )
            triples = list(found)  # type: ignore[arg-type]
        except (RuntimeError, SyntaxError, ValueError) as error:
            failed.append(MappingError("sources-mapping-fails", problem=error))
        if not failed:
            return triples
        if len(batch) == 1:
            raise self._failed(failed[0], file, batch[0].line) from failed[0]
        for index, row in enumerate(batch):
            self._construct(store, [row], columns, number + index, file)
        raise self._failed(failed[0], file, batch[0].line) from failed[0]

    def _check_joined(self, batch: Sequence[Row], columns: tuple[str, ...], file: str) -> None:
        """Refuse an empty cell that would join with every entry of a code list."""
        for name in columns:
            if name in self.query.listed:
                for row in batch:
                    if not row.values[name]:
                        raise self._error(
                            "sources-mapping-join", self.query.listed[name], name=name, table=file, row=row.line
                        )

    def _failed(self, error: StadtgraphError, file: str, line: int) -> MappingError:
        return MappingError("sources-row-failed", mapping=self.path.name, file=file, line=line, problem=error)

    def _typed(self, triples: list[ox.Triple]) -> list[ox.Triple]:
        """Give plain strings of declared predicates their datatype where their form is legal, in place."""
        known = self.datatypes.get
        for index, triple in enumerate(triples) if self.datatypes else ():
            datatype = known(triple.predicate)
            if datatype is not None:
                term = triple.object
                if isinstance(term, ox.Literal) and _is_plain(term) and legal(term.value, datatype.value):
                    typed = ox.Literal(term.value, datatype=datatype)
                    triples[index] = ox.Triple(triple.subject, triple.predicate, typed)
        return triples


def _is_plain(literal: ox.Literal) -> bool:
    return literal.language is None and literal.datatype.value == _STRING


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Cut rows into batches of at most a thousand rows and a few million characters."""
    batch: list[Row] = []
    size = 0
    for row in rows:
        length = len("".join(filter(None, row.values.values())))
        if batch and (len(batch) == BATCH_ROWS or size + length > BATCH_CHARACTERS):
            yield batch
            batch, size = [], 0
        batch.append(row)
        size += length
    if batch:
        yield batch


def _values(batch: Sequence[Row], columns: tuple[str, ...], number: int) -> str:
    """Give the rows as one VALUES block on one line, so that later lines of the mapping keep their numbers."""
    names = columns or (RESERVED,)
    lines = []
    for index, (_, values) in enumerate(batch, number + 1):
        cells = (f'"{index}"' if name == RESERVED else _cell(values[name]) for name in names)
        lines.append(f"({' '.join(cells)})")
    return f" VALUES ({' '.join('?' + name for name in names)}) {{ {' '.join(lines)} }} "


_ESCAPED: Final = re.compile(r'["\\\n\r]')
_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r"}


def _cell(text: str | None) -> str:
    if not text:
        return "UNDEF"
    if _ESCAPED.search(text):
        text = _ESCAPED.sub(lambda match: _ESCAPES[match.group()], text)
    return f'"{text}"'


def _head(text: str, file: str, prefixes: dict[str, str]) -> tuple[dict[ox.NamedNode, ox.NamedNode], frozenset[str]]:
    datatypes: dict[ox.NamedNode, ox.NamedNode] = {}
    optional: set[str] = set()
    for number, line in enumerate(islice(text.splitlines(), 1000), 1):
        match = _HEAD.match(line)
        if match is None:
            continue
        words = match[1].split()
        if words[:1] == ["optional"] and len(words) > 1 and all(word.startswith(("?", "$")) for word in words[1:]):
            optional.update(word[1:] for word in words[1:])
        elif len(words) == 2 and all(iris := [_iri(word, prefixes) for word in words]):
            datatypes[ox.NamedNode(str(iris[0]))] = ox.NamedNode(str(iris[1]))
        else:
            raise MappingError("sources-mapping-head", file=file, line=number, text=line.strip())
    return datatypes, frozenset(optional)


def _iri(word: str, prefixes: dict[str, str]) -> str | None:
    if word.startswith("<") and word.endswith(">"):
        return word[1:-1] if ":" in word else None
    prefix, colon, local = word.partition(":")
    return prefixes[prefix] + local if colon and prefix in prefixes else None
