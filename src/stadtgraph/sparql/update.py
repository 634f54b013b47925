"""Read a SPARQL 1.1 Update request as a sequence of operations, literals as the request writes them.

The text must have passed Oxigraph's own parser: this module finds out what a well-formed request says.

>>> (op,) = read_update('INSERT DATA { <urn:s> <urn:p> 1.50 }', "http://e/")
>>> op.insert, str(op.quads[0].object)
(True, '"1.50"^^<http://www.w3.org/2001/XMLSchema#decimal>')

Source: https://www.w3.org/TR/sparql11-update/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from stadtgraph.errors import QueryRefused
from stadtgraph.sparql.outline import (
    Form,
    Prologue,
    check_prefixes,
    checked_code,
    error_at,
    printable,
    read_prologue,
)
from stadtgraph.sparql.quads import Pattern, QuadReader, variables
from stadtgraph.sparql.tokens import Kind, Place, Token, position

DEFAULT, NAMED, ALL = "DEFAULT", "NAMED", "ALL"
"""Words that stand for graphs; an IRI always has a colon, so none of them is one."""
MOST_OPERATIONS: Final = 1000
DEEPEST: Final = 100
_OPENING: Final = frozenset("({[")
_CLOSING: Final = frozenset(")}]")


@dataclass(frozen=True, slots=True)
class Data:
    """INSERT DATA or DELETE DATA: quads without variables."""

    insert: bool
    quads: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class Modify:
    """DELETE, INSERT or both for every solution of ``query``, which selects the variables of the templates.

    ``with_graph`` replaces the default graph; ``using`` and ``using_named`` are the dataset, where one is named.
    ``asked`` are the graphs that WHERE names after GRAPH.
    """

    delete: tuple[Pattern, ...]
    insert: tuple[Pattern, ...]
    query: str
    with_graph: str | None = None
    using: tuple[str, ...] = ()
    using_named: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Manage:
    """CLEAR, DROP or CREATE of a graph: its IRI, or one of DEFAULT, NAMED, ALL."""

    verb: str
    graph: str
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Transfer:
    """ADD, MOVE or COPY from one graph to another: IRIs, or DEFAULT."""

    verb: str
    source: str
    target: str
    silent: bool = False


Operation = Data | Modify | Manage | Transfer


def check_update(text: str, bound: int) -> list[Token]:
    """Look at a request before a parser does: length, depth, tokens, LOAD and SERVICE; give its tokens.

    Raises :class:`QueryRefused` and :class:`QuerySyntaxError`.
    """
    length = len(text.encode("utf-8", "surrogatepass"))
    if length > bound:
        raise QueryRefused("update-bytes", found=length, bound=bound)
    tokens = checked_code(text)
    depth = 0
    for token in tokens:
        if token.kind is Kind.WORD and token.upper in ("LOAD", "SERVICE"):
            line, column = position(text, token.start)
            raise QueryRefused(f"update-{token.upper.lower()}", line=line, column=column)
        if token.kind is Kind.MARK and token.text in _OPENING:
            depth += 1
            if depth > DEEPEST:
                raise QueryRefused("guard-nesting", found=depth, bound=DEEPEST)
        elif token.kind is Kind.MARK and token.text in _CLOSING:
            depth -= 1
    return tokens


Check = Callable[[str, str], None]
"""Lets a parser look at one operation: what was declared before it, on one line, and its text at its place."""


def _unchecked(_declared: str, _text: str) -> None:
    """Look at nothing: the text was checked before."""


def read_update(
    text: str, base: str, tokens: list[Token] | None = None, check: Check = _unchecked
) -> tuple[Operation, ...]:
    """Give the operations of ``text`` in order; relative IRIs are resolved against ``base``.

    ``check`` is called with each operation before it is read. Its text begins with as many lines and spaces as stand
    before it in the request, so that places are true.
    """
    reader = _Reader(text, checked_code(text) if tokens is None else tokens, base, check)
    return tuple(reader.operations())


class _Reader:
    """Goes through the tokens of a request once."""

    def __init__(self, text: str, tokens: list[Token], base: str, check: Check) -> None:
        self._text, self._tokens, self._at, self._check = text, tokens, 0, check
        self._prologue = Prologue(base, {})

    def operations(self) -> Iterator[Operation]:
        """Give one operation after the other."""
        ends = [i for i, token in enumerate(self._tokens) if token.text == ";" and token.place is Place.TOP]
        if len(ends) >= MOST_OPERATIONS:
            raise QueryRefused("update-operations", found=len(ends) + 1, bound=MOST_OPERATIONS)
        for end in (*ends, len(self._tokens)):
            own = self._tokens[self._at : end]
            self._prologue, passed = read_prologue(self._text, own, self._prologue.base, self._prologue.prefixes)
            self._at += passed
            if passed == len(own):
                if end == len(self._tokens):
                    return
                raise error_at("sparql-syntax-bare", self._text, self._tokens[end], found=";")
            check_prefixes(self._text, own[passed:], self._prologue.prefixes, Form.UPDATE)
            self._check(" ".join(self._declared()), self._placed(self._at, end))
            yield self._operation()
            if self._at < len(self._tokens):
                self._expect(";")

    def _declared(self) -> list[str]:
        lines = [f"BASE <{self._prologue.base}>"] if self._prologue.base else []
        return lines + [f"PREFIX {prefix}: <{iri}>" for prefix, iri in self._prologue.prefixes.items()]

    def _placed(self, start: int, end: int) -> str:
        """Give the text of some tokens, behind as much space as stands before them."""
        first, last = self._tokens[start], self._tokens[end - 1]
        line, column = position(self._text, first.start)
        return "\n" * (line - 1) + " " * (column - 1) + self._text[first.start : last.start + len(last.text)]

    def _operation(self) -> Operation:
        verb = self._word()
        if verb in ("CLEAR", "DROP", "CREATE"):
            silent = self._skip("SILENT")
            return Manage(verb, self._graph(), silent)
        if verb in ("ADD", "MOVE", "COPY"):
            silent = self._skip("SILENT")
            source = self._graph()
            self._expect("TO")
            return Transfer(verb, source, self._graph(), silent)
        if verb in ("INSERT", "DELETE") and self._skip("DATA"):
            return Data(verb == "INSERT", self._quads())
        if verb == "DELETE" and self._skip("WHERE"):
            start = self._at
            quads = self._quads()
            return Modify(quads, (), self._select(quads, start), asked=self._asked(start))
        return self._modify(verb)

    def _modify(self, verb: str) -> Modify:
        with_graph = self._iri() if verb == "WITH" else None
        if with_graph is not None:
            verb = self._word()
        delete = self._quads() if verb == "DELETE" else ()
        insert = self._quads() if verb == "INSERT" or self._skip("INSERT") else ()
        using: list[str] = []
        using_named: list[str] = []
        while self._skip("USING"):
            (using_named if self._skip("NAMED") else using).append(self._iri())
        self._expect("WHERE")
        start = self._at
        self._pass_group()
        delete, insert = (_within(with_graph, quads) for quads in (delete, insert))
        query = self._select((*delete, *insert), start)
        return Modify(delete, insert, query, with_graph, tuple(using), tuple(using_named), self._asked(start))

    def _asked(self, start: int) -> tuple[str, ...]:
        """Give the graphs that are named after GRAPH from a token on."""
        named = (
            self._prologue.resolve(token)
            for word, token in pairwise(self._tokens[start : self._at])
            if word.upper == "GRAPH" and word.kind is Kind.WORD and token.kind in (Kind.IRI, Kind.PNAME)
        )
        return tuple(dict.fromkeys(iri for iri in named if iri is not None))

    def _select(self, quads: tuple[Pattern, ...], start: int) -> str:
        """Give the query over the group that begins at a token, for the variables of ``quads``."""
        first, last = self._tokens[start], self._tokens[self._at - 1]
        names = " ".join(f"?{name}" for name in variables(quads)) or "(1 AS ?one_solution)"
        group = self._text[first.start : last.start + len(last.text)]
        return "\n".join([*self._declared(), f"SELECT {names} WHERE", group])

    def _quads(self) -> tuple[Pattern, ...]:
        reader = QuadReader(self._text, self._tokens, self._at, self._prologue)
        found = tuple(reader.read())
        self._at = reader.at
        return found

    def _pass_group(self) -> None:
        depth = 0
        while True:
            token = self._next()
            if token.kind is Kind.MARK and token.text == "{":
                depth += 1
            elif token.kind is Kind.MARK and token.text == "}":
                depth -= 1
                if depth == 0:
                    return

    def _graph(self) -> str:
        for word in (DEFAULT, NAMED, ALL):
            if self._skip(word):
                return word
        self._skip("GRAPH")
        return self._iri()

    def _iri(self) -> str:
        token = self._next()
        found = self._prologue.resolve(token) if token.kind in (Kind.IRI, Kind.PNAME) else None
        if found is None:
            raise error_at("sparql-syntax-bare", self._text, token, found=printable(token.text))
        return found

    def _word(self) -> str:
        return self._next().upper

    def _skip(self, word: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at].upper == word:
            self._at += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        token = self._next()
        if token.upper != text:
            raise error_at("sparql-syntax-bare", self._text, token, found=printable(token.text))

    def _next(self) -> Token:
        if self._at >= len(self._tokens):
            raise error_at("sparql-syntax-end-bare", self._text, None, found="")
        self._at += 1
        return self._tokens[self._at - 1]


def _within(graph: str | None, quads: tuple[Pattern, ...]) -> tuple[Pattern, ...]:
    """Put quads of the default graph into ``graph`` (https://www.w3.org/TR/sparql11-update/#deleteInsert)."""
    if graph is None:
        return quads
    return tuple(replace(q, graph=graph) if q.graph is None else q for q in quads)
