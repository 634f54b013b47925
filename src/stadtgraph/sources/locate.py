"""Find where a term stands in a document: exact in N-Triples and N-Quads, and for literals in Turtle and TriG.

The parser gives terms without places. A place is looked for only when something is wrong. In Turtle and TriG the
n-th wrong literal with a value is the n-th such token of the text. In RDF/XML and JSON-LD the place is where the
value occurs in the text, which may be another use of the same value.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from xml.sax.saxutils import escape

import pyoxigraph as ox

from stadtgraph.sources.lexer import Lines, Token, tokens, unquoted

Place = tuple[int, int]


class Locator:
    """Gives line and column of terms of one document; the text is tokenised once, when first asked."""

    def __init__(self, text: str, format: str) -> None:
        self._text, self._format = text, format
        self._lines = Lines(text)
        self._asked: Counter[str] = Counter()
        self._index: dict[str, list[int]] | None = None
        self._statements: list[int] | None = None

    def literal(self, literal: ox.Literal, statement: int) -> Place:
        """Give the place of the next not yet asked ``literal``; ``statement`` counts triples from 1."""
        if self._format in ("nt", "nq"):
            return self._in_statement(literal, statement)
        if self._format in ("ttl", "trig"):
            return self._in_tokens(literal)
        return self.text(*_written(literal.value, self._format))

    def statement(self, number: int) -> Place:
        """Give the line of a statement of N-Triples or N-Quads; other formats give the first line."""
        if self._format not in ("nt", "nq"):
            return 1, 1
        starts = self._line_starts()
        return (starts[number - 1] + 1, 1) if number <= len(starts) else (1, 1)

    def long(self, number: int) -> Place:
        """Give the place of the statement with this number, or of the longest token where lines tell nothing."""
        if self._format in ("nt", "nq"):
            return self.statement(number)
        longest = max(tokens(self._text), key=lambda token: len(token.text), default=None)
        return self._lines.place(longest.start) if longest is not None else (1, 1)

    def text(self, *candidates: str) -> Place:
        """Give the place of the first of ``candidates`` that occurs in the document."""
        for candidate in candidates:
            at = self._text.find(candidate)
            if at >= 0:
                return self._lines.place(at)
        return 1, 1

    def iri(self, iri: str) -> Place:
        """Give the place of an IRI: in angle brackets, in quotation marks, or its last part."""
        last = re.split("[#/:]", iri)[-1]
        return self.text(f"<{iri}>", f'"{escape(iri)}"', iri, f"<{last}>", f":{last}", last or iri)

    def _line_starts(self) -> list[int]:
        """Give the numbers (from 0) of the lines that hold a statement."""
        if self._statements is None:
            lines = re.split("\r\n|\r|\n", self._text)
            self._statements = [n for n, line in enumerate(lines) if line.strip(" \t") and line.lstrip(" \t")[0] != "#"]
        return self._statements

    def _in_statement(self, literal: ox.Literal, statement: int) -> Place:
        line, _ = self.statement(statement)
        content = re.split("\r\n|\r|\n", self._text)[line - 1]
        for token in tokens(content):
            if token.kind == "string" and unquoted(token.text) == literal.value:
                return line, token.start + 1
        return line, 1

    def _in_tokens(self, literal: ox.Literal) -> Place:
        if self._index is None:
            self._index = _literals(list(tokens(self._text)))
        key = _key(literal)
        found = self._index.get(key) or self._index.get(literal.value, [])
        at = found[min(self._asked[key], len(found) - 1)] if found else 0
        self._asked[key] += 1
        return self._lines.place(at)


def _key(literal: ox.Literal) -> str:
    return f"{_local(literal.datatype.value)} {literal.value}"


def _local(name: str) -> str:
    return re.split("[#/:]", name.strip("<>"))[-1]


def _literals(found: list[Token]) -> dict[str, list[int]]:
    """Index the string tokens by value, and by value and the local name of their datatype."""
    index: dict[str, list[int]] = defaultdict(list)
    for number, token in enumerate(found):
        if token.kind != "string":
            continue
        value = unquoted(token.text)
        index[value].append(token.start)
        if number + 2 < len(found) and found[number + 1].text == "^^":
            index[f"{_local(found[number + 2].text)} {value}"].append(token.start)
    return index


def _written(value: str, format: str) -> tuple[str, ...]:
    if format == "rdf":
        text = escape(value)
        return f">{text}<", f'"{text}"', text
    quoted = json.dumps(value, ensure_ascii=False)
    return quoted, json.dumps(value), value
