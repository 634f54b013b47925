"""What a mapping's query says: its form, where rows go in, which variables are columns.

Pure text analysis with a tokenizer; the grammar itself is checked by Oxigraph.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import pyoxigraph as ox

from stadtgraph.errors import MappingError
from stadtgraph.sources.functions import FUNCTIONS, custom_functions
from stadtgraph.sources.lexer import Lines, Token, tokens

MAX_CHARACTERS: Final = 1024 * 1024
REFUSED: Final = ("SERVICE", "FROM", "LOAD", "INSERT", "DELETE")
_PLACE: Final = re.compile(r"error at (\d+):(\d+): (.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Query:
    """A CONSTRUCT query whose rows are still missing.

    ``mentioned`` variables must be columns; ``assigned`` ones (BIND, AS) must not; ``listed`` ones (VALUES) may be:
    then the list is joined with the column. Each maps to the position of its first mention. ``blank`` tells whether
    blank nodes may come out.
    """

    text: str
    lines: Lines
    start: int
    mentioned: dict[str, int]
    assigned: dict[str, int]
    listed: dict[str, int]
    prefixes: dict[str, str]
    blank: bool

    def with_rows(self, values: str) -> str:
        """Give the query with ``values`` at the start of its WHERE group."""
        return f"{self.text[: self.start]}{values}{self.text[self.start :]}"


def analyse(text: str, file: str, base: str, prefixes: dict[str, str]) -> Query:
    """Check and take apart the query in ``text``; MappingError with line and column where it cannot be used."""
    lines = Lines(text)
    if len(text) > MAX_CHARACTERS:
        raise MappingError("sources-too-large", file=file, limit=MAX_CHARACTERS // 2**20)
    found = list(tokens(text))
    _check_words(found, lines, file)
    _check_syntax(text, file, base, prefixes, found)
    start = _where(found, lines, file)
    assigned, listed = _bound(found)
    mentioned: dict[str, int] = {}
    for token in found:
        if token.kind == "var" and token.text[1:] not in assigned and token.text[1:] not in listed:
            mentioned.setdefault(token.text[1:], token.start)
    return Query(text, lines, start, mentioned, assigned, listed, _declared(found), _blank(found, start))


def _check_words(found: list[Token], lines: Lines, file: str) -> None:
    """Refuse everything that reaches out of the row, and every form but CONSTRUCT."""
    words = [token for token in found if token.kind == "word"]
    for token in words:
        if token.text.upper() in REFUSED:
            line, column = lines.place(token.start)
            raise MappingError("sources-mapping-refused", file=file, line=line, column=column, word=token.text)
    form = next((word for word in words if word.text.upper() not in ("BASE", "PREFIX", "VERSION")), None)
    if form is None or form.text.upper() != "CONSTRUCT":
        line, column = lines.place(form.start if form else 0)
        raise MappingError("sources-mapping-form", file=file, line=line, column=column)


def _check_syntax(text: str, file: str, base: str, prefixes: dict[str, str], found: list[Token]) -> None:
    try:
        ox.Store().query(text, base_iri=base, prefixes=prefixes, custom_functions=custom_functions([]))
    except RuntimeError as error:
        raise _no_function(error, found, Lines(text), file) from error
    except SyntaxError as error:
        match = _PLACE.search(str(error))
        line, column, problem = (match[1], match[2], match[3]) if match else ("1", "1", str(error))
        problem = _shortened(problem)
        raise MappingError("sources-mapping-syntax", file=file, line=line, column=column, problem=problem) from error


def _no_function(error: RuntimeError, found: list[Token], lines: Lines, file: str) -> MappingError:
    """Give the error for a function that Oxigraph does not know, placed where its name stands."""
    match = re.search(r"<(.*?)>", str(error))
    name = re.split("[#/]", match[1])[-1] if match else str(error)
    place = next((token.start for token in found if token.text.rstrip(">").endswith(name)), 0)
    line, column = lines.place(place)
    known = ", ".join(f"sgf:{function}" for function in FUNCTIONS)
    return MappingError("sources-no-function", file=file, line=line, column=column, name=name, known=known)


def _shortened(problem: str) -> str:
    """Leave out the character classes of the grammar, which help nobody."""
    if "Prefix not found" in problem:
        return "prefix not declared"
    words = [part.strip() for part in problem.removeprefix("expected one of ").split(", ")]
    plain = [word for word in words if not word.startswith("[")] or words
    return f"expected {', '.join(plain[:8])}{' …' if len(plain) > 8 else ''}" if len(words) > 1 else problem


def _where(found: list[Token], lines: Lines, file: str) -> int:
    """Give the position behind the brace that opens the WHERE group, the second group of the query."""
    depth = groups = 0
    for token in found:
        if token.text == "{" and token.kind == "mark":
            groups += depth == 0
            depth += 1
            if groups == 2:
                return token.start + 1
        elif token.text == "}" and token.kind == "mark":
            depth -= 1
    raise MappingError("sources-mapping-short", file=file, line=lines.place(found[0].start)[0], column=1)


def _bound(found: list[Token]) -> tuple[dict[str, int], dict[str, int]]:
    """Give the variables that the query itself binds: by AS, and by VALUES."""
    assigned: dict[str, int] = {}
    listed: dict[str, int] = {}
    heading = False
    for before, token in pairwise(found):
        word = before.text.upper() if before.kind == "word" else ""
        if word == "VALUES":
            heading = token.text == "("
        if token.kind == "var" and word == "AS":
            assigned.setdefault(token.text[1:], token.start)
        elif token.kind == "var" and (heading or word == "VALUES"):
            listed.setdefault(token.text[1:], token.start)
        if token.text in (")", "{"):
            heading = False
    return assigned, listed


def _declared(found: list[Token]) -> dict[str, str]:
    """Give the prefixes that the query declares."""
    return {
        found[index + 1].text[:-1]: found[index + 2].text[1:-1]
        for index, token in enumerate(found[:-2])
        if token.kind == "word" and token.text.upper() == "PREFIX"
    }


def _blank(found: list[Token], start: int) -> bool:
    """Tell whether the template holds a blank node or collection, or the query calls BNODE."""
    for token in found:
        if token.kind == "word" and token.text.upper() == "BNODE":
            return True
        if token.start < start and (token.text in ("[", "(") or token.text.startswith("_:")):
            return True
    return False
