"""Walk through JSON text one record at a time, knowing the line of each.

The standard library decodes records in C but does not tell where they stand; this module walks the few outer
levels by itself and leaves every record to it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final, NoReturn

from stadtgraph.errors import InputError

MAX_DEPTH: Final = 256
"""Deepest nesting that is read."""
_NESTING: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)
_SPACE: Final = re.compile(r"[ \t\r\n]*")


class Written(float):
    """A number with a fraction or exponent that remembers how it was written."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Written:
        """Read the number from ``text`` and keep it."""
        number = super().__new__(cls, text)
        number.text = text
        return number


class _Repeated(ValueError):
    """A key stands twice in one object."""


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise _Repeated(next(name for name in names if names.count(name) > 1))
    return found


def _constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


_DECODER: Final = json.JSONDecoder(parse_float=Written, parse_constant=_constant, object_pairs_hook=_members)


def check_depth(text: str, file: str) -> None:
    """Raise InputError with the line where JSON nests too deeply, whatever the stack would bear."""
    depth = 0
    for match in _NESTING.finditer(text):
        mark = match.group()
        if len(mark) == 1:
            depth += 1 if mark in "[{" else -1
            if depth > MAX_DEPTH:
                line = text.count("\n", 0, match.start()) + 1
                raise InputError("sources-json-deep", file=file, line=line)


class Walk:
    """A position in JSON text; every failure is an InputError with line and column."""

    def __init__(self, text: str, file: str) -> None:
        check_depth(text, file)
        self.text, self.file = text, file
        self._line, self._at = 1, 0

    def line(self, at: int) -> int:
        """Give the line of position ``at``; quick when asked in ascending order."""
        if at < self._at:
            return self.text.count("\n", 0, at) + 1
        self._line += self.text.count("\n", self._at, at)
        self._at = at
        return self._line

    def error(self, at: int, problem: object) -> InputError:
        """Give the error for malformed JSON at ``at``."""
        column = at - self.text.rfind("\n", 0, at)
        return InputError(
            "sources-json", file=self.file, line=self.text.count("\n", 0, at) + 1, column=column, problem=problem
        )

    def space(self, at: int) -> int:
        """Give the next position that is not white space."""
        found = _SPACE.match(self.text, at)
        return found.end() if found else at

    def value(self, at: int) -> tuple[Any, int]:
        """Decode the value at ``at``; give it and the position behind it."""
        try:
            return _DECODER.raw_decode(self.text, at)
        except json.JSONDecodeError as error:
            raise self.error(error.pos, error.msg) from error
        except RecursionError:
            raise InputError("sources-json-deep", file=self.file, line=self.line(at)) from None
        except _Repeated as error:
            raise InputError("sources-json-key", file=self.file, line=self.line(at), key=error) from error
        except ValueError as error:
            raise self.error(at, error) from error

    def items(self, at: int) -> Iterator[tuple[int, Any]]:
        """Give each value of the array at ``at`` with its position."""
        at = self.space(at + 1)
        while self.text[at : at + 1] != "]":
            value, end = self.value(at)
            yield at, value
            at = self._next(end, "]")
        self._end = at + 1

    def find(self, at: int, path: Sequence[str]) -> int:
        """Give the position of the value that the keys of ``path`` lead to."""
        for depth, step in enumerate(path):
            at = self.space(at)
            if self.text[at : at + 1] != "{":
                raise self._no_records(path, depth)
            at = self._member(at, step, path, depth)
        return self.space(at)

    def _member(self, at: int, name: str, path: Sequence[str], depth: int) -> int:
        at = self.space(at + 1)
        while self.text[at : at + 1] != "}":
            key, end = self.value(at)
            end = self.space(end)
            if not isinstance(key, str) or self.text[end : end + 1] != ":":
                raise self.error(end, "Expecting ':'")
            at = self.space(end + 1)
            if key == name:
                return at
            at = self._next(self.value(at)[1], "}")
        raise self._no_records(path, depth)

    def _next(self, at: int, closing: str) -> int:
        at = self.space(at)
        if self.text[at : at + 1] == ",":
            after = self.space(at + 1)
            if self.text[after : after + 1] != closing:
                return after
        elif self.text[at : at + 1] == closing:
            return at
        raise self.error(at, f"Expecting ',' or '{closing}'")

    def _no_records(self, path: Sequence[str], depth: int) -> InputError:
        return InputError("sources-json-path", file=self.file, path=".".join(path), step=path[depth])
