"""Read SPARQL 1.1 and 1.2 text as tokens.

The tokenizer never raises: what is no token becomes a :data:`BAD` one, and the texts of all tokens
together are the text that went in.

>>> [t.text for t in code(tokenize("ASK { ?s a <x> } # all"))]
['ASK', '{', '?s', 'a', '<x>', '}']

One character of SPARQL needs to know where it stands: ``<`` opens an IRI or means *less than*
(``?a<?b)#>`` is both, by letter). It is decided as the grammar decides it: less than stands only
in an expression, after an operand.

Source: https://www.w3.org/TR/sparql11-query/#sparqlGrammar, https://www.w3.org/TR/sparql12-query/#sparqlGrammar
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from typing import Final, NamedTuple


class Kind(StrEnum):
    """What a token is."""

    SPACE = "space"
    COMMENT = "comment"
    IRI = "iri"
    PNAME = "pname"
    BNODE = "bnode"
    VARIABLE = "variable"
    LANGUAGE = "language"
    STRING = "string"
    NUMBER = "number"
    WORD = "word"
    OPENING = "opening"
    MARK = "mark"
    BAD = "bad"


class Place(StrEnum):
    """The innermost bracket around a token: it tells an expression from a pattern."""

    TOP = "top"
    GROUP = "group"
    DATA = "data"
    EXPRESSION = "expression"
    LIST = "list"


class Token(NamedTuple):
    """A piece of the text, where it starts, and the bracket it stands in."""

    kind: Kind
    text: str
    start: int
    place: Place

    @property
    def upper(self) -> str:
        """The text in capital letters, to compare keywords."""
        return self.text.upper()


_BASE = (
    "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c\u200d\u2070-\u218f"
    "\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
_NAME = _BASE + "_0-9\u00b7\u0300-\u036f\u203f\u2040\\-"
_ESCAPED = r"%[0-9A-Fa-f]{2}|\\[_~.\-!$&'()*+,;=/?#@%]"
_RUN = rf"[{_BASE}](?:\.*+[{_NAME}])*+"
_PREFIX = rf"(?:{_RUN})?+:"
_LOCAL = rf"(?:[{_BASE}_0-9:]|{_ESCAPED})(?:\.*+(?:[{_NAME}:]|{_ESCAPED}))*+"
_STRINGS = (
    r'"""(?s:(?:"{0,2}(?:[^"\\]|\\.))*+)"""',
    r"'''(?s:(?:'{0,2}(?:[^'\\]|\\.))*+)'''",
    r'"(?:[^"\\\n\r]|\\[^\n\r])*+"',
    r"'(?:[^'\\\n\r]|\\[^\n\r])*+'",
)
_IRI: Final = (Kind.IRI, r'<(?:[^<>"{}|^`\\\x00-\x20]|\\u[0-9A-Fa-f]{4}|\\U[0-9A-Fa-f]{8})*+>')
_KINDS: Final = (
    (Kind.SPACE, r"[ \t\r\n]+"),
    (Kind.COMMENT, r"#[^\r\n]*"),
    (Kind.STRING, "|".join(_STRINGS)),
    (Kind.VARIABLE, rf"[?$][{_BASE}_0-9][{_BASE}_0-9\u00b7\u0300-\u036f\u203f\u2040]*"),
    (Kind.BNODE, rf"_:[{_BASE}_0-9](?:\.*+[{_NAME}])*+"),
    (Kind.PNAME, rf"{_PREFIX}(?:{_LOCAL})?+"),
    (Kind.LANGUAGE, r"@[A-Za-z]+(?:-[A-Za-z0-9]+)*(?:--[A-Za-z]+)?"),
    (Kind.NUMBER, r"(?:[0-9]+\.[0-9]*|\.?[0-9]+)[eE][+-]?[0-9]+|[0-9]*\.[0-9]+|[0-9]+"),
    (Kind.WORD, r"[A-Za-z][A-Za-z0-9_]*"),
    (Kind.MARK, r">>|\{\||\|\}|\|\||&&|!=|<=|>=|\^\^|[{}()\[\].,;*/|^?+\-!=<>~]"),
    (Kind.BAD, r"(?s:.)"),
)
_TRIPLE_TERM: Final = (Kind.OPENING, "<<")


_NO_NAMES: Final = tuple((kind, rf":(?:{_LOCAL})?+" if kind is Kind.PNAME else pattern) for kind, pattern in _KINDS)


@cache
def _pattern(after_operand: bool, nameless: bool) -> re.Pattern[str]:
    """Give the pattern of a token; each is made when it is first needed, for that takes some 15 ms."""
    kinds = _NO_NAMES if nameless else _KINDS
    known = kinds if after_operand else (_IRI, _TRIPLE_TERM, *kinds)
    return re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in known))


_START: Final = re.compile(_RUN)
_GAP: Final = re.compile(r"(?:[ \t\r\n]++|#[^\r\n]*+)*+")
_LINE_END: Final = re.compile(r"\r\n|\r|\n")

_OPERANDS: Final = frozenset({Kind.VARIABLE, Kind.IRI, Kind.PNAME, Kind.BNODE, Kind.STRING, Kind.NUMBER, Kind.LANGUAGE})
_OPERAND_TEXTS: Final = frozenset({")", "]", "}", ">>", "TRUE", "FALSE"})
_CLOSING: Final = frozenset({")", "]", "}", "|}", ">>"})
_NAMED: Final = {str(kind): kind for kind in Kind}
_NO_CALL: Final = frozenset({"A", "TRUE", "FALSE", "UNDEF", "VALUES"})


class _Frame:
    """An open bracket: its place, and what was seen in it that decides about the next bracket."""

    __slots__ = ("place", "values")

    def __init__(self, place: Place) -> None:
        self.place = place
        self.values = False


class _Brackets:
    """The open brackets at a point of the text, and the two tokens before it."""

    __slots__ = ("before", "frames", "last")

    def __init__(self) -> None:
        self.frames = [_Frame(Place.TOP)]
        self.last: Token | None = None
        self.before: Token | None = None

    @property
    def place(self) -> Place:
        return self.frames[-1].place

    def after_operand(self) -> bool:
        """Tell whether ``<`` here can only mean *less than*."""
        last = self.last
        if last is None or self.frames[-1].place is not Place.EXPRESSION:
            return False
        return last.kind in _OPERANDS or last.upper in _OPERAND_TEXTS

    def see(self, token: Token) -> None:
        """Take note of a token that is neither space nor comment."""
        frame = self.frames[-1]
        if token.kind is Kind.WORD:
            self._word(token.upper, frame)
        elif token.kind is Kind.OPENING:
            self.frames.append(_Frame(Place.LIST))
        elif token.kind is Kind.MARK:
            self._mark(token.text, frame)
        self.before, self.last = self.last, token

    def _word(self, word: str, frame: _Frame) -> None:
        if word == "SELECT" and self.last is not None and self.last.text == "{":
            frame.place = Place.TOP  # a subquery is a query
        elif word == "VALUES":
            frame.values = True

    def _mark(self, text: str, frame: _Frame) -> None:
        if text in _CLOSING:
            if len(self.frames) > 1:
                self.frames.pop()
        elif text == "{":
            self.frames.append(_Frame(Place.DATA if frame.values else Place.GROUP))
            frame.values = False
        elif text == "(":
            self.frames.append(_Frame(self._parenthesis(frame)))
        elif text in ("[", "{|"):
            self.frames.append(_Frame(Place.GROUP))

    def _parenthesis(self, frame: _Frame) -> Place:
        """Tell an expression in parentheses from a list, a row of data or a group of path steps."""
        if frame.place in (Place.EXPRESSION, Place.TOP):
            return Place.EXPRESSION
        if frame.place is not Place.GROUP or self.last is None:
            return frame.place
        if self.last.kind is Kind.WORD:
            return Place.LIST if self.last.upper in _NO_CALL else Place.EXPRESSION
        called = self.last.kind in (Kind.PNAME, Kind.IRI)
        filtered = self.before is not None and self.before.upper == "FILTER"
        return Place.EXPRESSION if called and filtered else Place.LIST


def tokenize(text: str, *, gaps: bool = True) -> Iterator[Token]:
    """Give every token of ``text`` in order; time grows with the length alone. ``gaps`` gives space and comments too.

    Letters that are no prefix, because no colon ends them, are not read as one a second time from a later letter on.
    """
    brackets = _Brackets()
    position = nameless = 0
    while True:
        if not gaps and (gap := _GAP.match(text, position)) is not None:
            position = gap.end()
        if position >= len(text):
            return
        found = _pattern(brackets.after_operand(), position < nameless).match(text, position)
        assert found is not None and found.lastgroup is not None  # BAD matches any character
        kind = _NAMED[found.lastgroup]
        token = Token(kind, found.group(), position, brackets.place)
        if position >= nameless and (kind is Kind.WORD or kind is Kind.BAD):
            run = _START.match(text, position)
            nameless = run.end() if run else position
        position = found.end()
        if kind is not Kind.SPACE and kind is not Kind.COMMENT:
            brackets.see(token)
        yield token


def code(tokens: Iterator[Token]) -> list[Token]:
    """Give the tokens that mean something: no space, no comments."""
    return [t for t in tokens if t.kind is not Kind.SPACE and t.kind is not Kind.COMMENT]


def position(text: str, start: int) -> tuple[int, int]:
    r"""Give line and column of an offset, both from 1; ``\n``, ``\r`` and ``\r\n`` end a line.

    >>> position("ASK\n{ }", 6)
    (2, 3)
    """
    ends = [found.end() for found in _LINE_END.finditer(text, 0, start)]
    return len(ends) + 1, start - (ends[-1] if ends else 0) + 1


def offset(text: str, line: int, column: int) -> int:
    r"""Give the offset of a line and column; a column behind the end of its line counts as the next line's start.

    >>> offset("ASK\n{ }", 2, 3)
    6
    """
    starts = [0, *(found.end() for found in _LINE_END.finditer(text))]
    if line > len(starts):
        return len(text) + 1
    behind = starts[line] if line < len(starts) else len(text) + 1
    return min(starts[line - 1] + column - 1, behind)
