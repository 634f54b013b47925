"""Tokens of SPARQL and Turtle, which share their lexical grammar, with line and column.

Only what mappings and error places need: it never fails, what it does not know is punctuation.
Source: https://www.w3.org/TR/sparql11-query/#sparqlGrammar, https://www.w3.org/TR/turtle/#sec-grammar-grammar
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Final, NamedTuple

_TOKEN: Final = re.compile(
    r"""
      (?P<iri><[^<>"{}|^`\x00-\x20]*>)
    | (?P<string>\"{3}(?:[^"\\]|\\.|\"{1,2}(?!\"))*\"{3} | '{3}(?:[^'\\]|\\.|'{1,2}(?!'))*'{3}
                 | "(?:[^"\\\n\r]|\\.)*" | '(?:[^'\\\n\r]|\\.)*')
    | (?P<var>[?$]\w+)
    | (?P<lang>@[A-Za-z]+(?:-[A-Za-z0-9]+)*)
    | (?P<pname>(?:[^\W\d_](?:[\w.-]*[\w-])?|_)?:(?:[\w:]|%[0-9A-Fa-f]{2}|\\.)?
                (?:(?:[\w:.-]|%[0-9A-Fa-f]{2}|\\.)*(?:[\w:-]|%[0-9A-Fa-f]{2}|\\.))?)
    | (?P<number>[0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?)
    | (?P<word>[^\W\d]\w*)
    | (?P<skip>\s+|\#[^\n\r]*)
    | (?P<mark>\^\^|<<|>>|&&|\|\||[<>!]=|.)
    """,
    re.VERBOSE | re.DOTALL,
)


class Token(NamedTuple):
    """One token: its kind (iri, string, var, lang, pname, number, word, mark), text and position."""

    kind: str
    text: str
    start: int


def tokens(text: str) -> Iterator[Token]:
    """Give the tokens of ``text`` without white space and comments.

    >>> [token.text for token in tokens('?a <b#c> "x{" # {')]
    ['?a', '<b#c>', '"x{"']
    """
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or "mark"
        if kind != "skip":
            yield Token(kind, match.group(), match.start())


class Lines:
    """Turns positions in a text into line and column, both from 1."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def place(self, at: int) -> tuple[int, int]:
        """Give line and column of position ``at``."""
        line = bisect_right(self._starts, at)
        return line, at - self._starts[line - 1] + 1


_ESCAPES: Final = {"t": "\t", "b": "\b", "n": "\n", "r": "\r", "f": "\f", '"': '"', "'": "'", "\\": "\\"}
_ESCAPE: Final = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))", re.DOTALL)


def unquoted(text: str) -> str:
    r"""Give the value of a string token.

    >>> unquoted('"a\\tb"')
    'a\tb'
    """
    width = 3 if text.startswith(('"""', "'''")) and len(text) >= 6 else 1
    return _ESCAPE.sub(_unescaped, text[width:-width])


def _unescaped(match: re.Match[str]) -> str:
    code = match.group(1) or match.group(2)
    if code is None:
        return _ESCAPES.get(match.group(3), match.group())
    return chr(int(code, 16)) if int(code, 16) <= 0x10FFFF else match.group()
