"""Read the answer of another endpoint: SPARQL results in JSON or XML, within bounds, into terms.

What comes from elsewhere may be anything, so the text is measured before JSON is parsed, XML is read as it comes and
without entities, and every term is made anew from its parts.

Sources: https://www.w3.org/TR/sparql11-results-json/, https://www.w3.org/TR/rdf-sparql-XMLres/
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from xml.parsers import expat

import pyoxigraph as ox

from stadtgraph.terms import Term

JSON: Final = "application/sparql-results+json"
XML: Final = "application/sparql-results+xml"
_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_FEW: Final = 64
_DEEPEST: Final = 8
_NAMESPACE: Final = "http://www.w3.org/2005/sparql-results#"

Row = tuple[Term | None, ...]
Name = Callable[[str], ox.NamedNode]


class Malformed(ValueError):
    """The answer is no SPARQL result, or holds a term that is none."""


class TooMany(ValueError):
    """The answer has more rows than may be taken."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The ``columns`` that were asked for, the most ``rows`` to take, and what ``names`` blank nodes."""

    columns: tuple[str, ...]
    rows: int
    names: Name


def read(media_type: str, blocks: Iterable[bytes], wanted: Wanted) -> list[Row]:
    """Give the rows of an answer; raise :class:`Malformed` or :class:`TooMany`."""
    if media_type == JSON:
        return _read_json(b"".join(blocks), wanted)
    if media_type == XML:
        return _read_xml(blocks, wanted)
    raise Malformed


def _read_json(body: bytes, wanted: Wanted) -> list[Row]:
    _measure(body, wanted)
    try:
        bindings = json.loads(body)["results"]["bindings"]
    except (ValueError, KeyError, TypeError, RecursionError) as problem:
        raise Malformed from problem
    if not isinstance(bindings, list) or not all(isinstance(binding, dict) for binding in bindings):
        raise Malformed
    if len(bindings) > wanted.rows:
        raise TooMany
    return [tuple(_json_term(binding.get(name), wanted) for name in wanted.columns) for binding in bindings]


def _measure(body: bytes, wanted: Wanted) -> None:
    """Refuse what would unfold to more values than an answer of this size can have."""
    bare = _STRING.sub(b"", body)
    width = len(wanted.columns) + 1
    if bare.count(b"{") > _FEW + (wanted.rows + 1) * width:
        raise TooMany
    if bare.count(b"[") > _FEW or bare.count(b",") > _FEW * 8 + (wanted.rows + 1) * width * 4:
        raise Malformed


def _json_term(value: Any, wanted: Wanted) -> Term | None:
    if value is None:
        return None
    try:
        text = value["value"]
        return _term(value["type"], text, value.get("xml:lang"), value.get("datatype"), wanted)
    except (KeyError, TypeError, AttributeError) as problem:
        raise Malformed from problem


def _term(kind: object, text: object, language: object, datatype: object, wanted: Wanted) -> Term:
    """Make a term from its parts, each of which is checked."""
    if not isinstance(text, str):
        raise Malformed
    try:
        if kind == "uri":
            return ox.NamedNode(text)
        if kind == "bnode":
            return wanted.names(text)
        if kind not in ("literal", "typed-literal"):
            raise Malformed
        if isinstance(language, str) and language:
            return ox.Literal(text, language=language)
        return ox.Literal(text, datatype=ox.NamedNode(datatype)) if isinstance(datatype, str) else ox.Literal(text)
    except (ValueError, UnicodeError) as problem:
        raise Malformed from problem


def _read_xml(blocks: Iterable[bytes], wanted: Wanted) -> list[Row]:
    reader = _XmlReader(wanted)
    for block in blocks:
        reader.read(block)
    return reader.read(b"", last=True)


class _XmlReader:
    """Reads SPARQL results in XML as they come; refuses document types, and so entities, and deep nesting."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._path: list[str] = []
        self._rows: list[Row] = []
        self._row: dict[str, Term] = {}
        self._text: list[str] = []
        self._name, self._language, self._datatype = "", "", ""
        self._is_results = False
        parser = self._parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler = self._text.append
        parser.StartDoctypeDeclHandler = self._refuse

    def read(self, block: bytes, *, last: bool = False) -> list[Row]:
        """Read a block; give the rows found so far."""
        try:
            self._parser.Parse(block, last)
        except (Malformed, TooMany):
            raise
        except (expat.ExpatError, ValueError, LookupError) as problem:
            raise Malformed from problem
        if last and not self._is_results:
            raise Malformed
        return self._rows

    def _refuse(self, *_: object) -> None:
        raise Malformed

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        namespace, _, name = tag.rpartition(" ")
        self._path.append(name if namespace == _NAMESPACE else "")
        self._text.clear()
        if len(self._path) > _DEEPEST:
            raise Malformed
        if self._path == ["sparql", "results"]:
            self._is_results = True
        elif name == "result":
            self._row = {}
        elif name == "binding":
            self._name = attributes.get("name", "")
        elif name == "literal":
            self._language = attributes.get("http://www.w3.org/XML/1998/namespace lang", "")
            self._datatype = attributes.get("datatype", "")
        elif name == "triple":
            raise Malformed

    def _end(self, _tag: str) -> None:
        path, name = tuple(self._path), self._path.pop()
        text = "".join(self._text)
        self._text.clear()
        if path == ("sparql", "results", "result"):
            if len(self._rows) >= self._wanted.rows:
                raise TooMany
            self._rows.append(tuple(self._row.get(column) for column in self._wanted.columns))
        elif path[:-1] == ("sparql", "results", "result", "binding"):
            language, datatype = (self._language, self._datatype) if name == "literal" else ("", "")
            if self._name in self._wanted.columns:
                self._row[self._name] = _term(name, text, language, datatype or None, self._wanted)


def distinct(rows: Iterable[Sequence[Term | None]]) -> list[tuple[Term | None, ...]]:
    """Give each row once, in the order in which they came."""
    return list(dict.fromkeys(map(tuple, rows)))
