"""Read the quads of an update (data or a template) from its tokens, each term as it is written.

Source: https://www.w3.org/TR/sparql11-query/#rQuads
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Final, NamedTuple

import pyoxigraph as ox

from stadtgraph.errors import QueryRefused
from stadtgraph.sparql.outline import Prologue, error_at, printable
from stadtgraph.sparql.tokens import Kind, Token, position
from stadtgraph.terms import RDF, XSD

Node = ox.NamedNode | ox.BlankNode | ox.Literal | ox.Variable
Graph = str | ox.Variable | None
_NUMBERS: Final = ((("e", "E"), XSD.double), ((".",), XSD.decimal))


@dataclass(frozen=True, slots=True)
class Pattern:
    """One quad of a template; ``graph`` is an IRI, a variable, or ``None`` for the default graph."""

    subject: Node
    predicate: Node
    object: Node
    graph: Graph = None


class Filled(NamedTuple):
    """A quad of data; ``bound`` tells that its object is the value of a variable, in the store's form."""

    quad: ox.Quad
    bound: bool


def variables(quads: Iterable[Pattern]) -> list[str]:
    """Give the names of the variables of ``quads``, each once."""
    found = dict.fromkeys(
        term.value
        for q in quads
        for term in (q.subject, q.predicate, q.object, q.graph)
        if isinstance(term, ox.Variable)
    )
    return list(found)


def fill(quads: Iterable[Pattern], values: Mapping[str, object], solution: str = "") -> Iterator[Filled]:
    """Give ``quads`` with ``values`` for their variables; what makes no legal quad is left out.

    Blank nodes of a template are new for every ``solution``.
    Source: https://www.w3.org/TR/sparql11-update/#deleteInsert
    """
    for pattern in quads:
        terms = [_value(term, values, solution) for term in (pattern.subject, pattern.predicate, pattern.object)]
        graph = _value(ox.NamedNode(pattern.graph), {}, "") if isinstance(pattern.graph, str) else ox.DefaultGraph()
        if isinstance(pattern.graph, ox.Variable):
            graph = values.get(pattern.graph.value)
        subject, predicate, value = terms
        if (
            isinstance(subject, ox.NamedNode | ox.BlankNode)
            and isinstance(predicate, ox.NamedNode)
            and isinstance(value, ox.NamedNode | ox.BlankNode | ox.Literal)
            and isinstance(graph, ox.NamedNode | ox.DefaultGraph)
        ):
            yield Filled(ox.Quad(subject, predicate, value, graph), isinstance(pattern.object, ox.Variable))


def _value(term: Node, values: Mapping[str, object], solution: str) -> object:
    if isinstance(term, ox.Variable):
        return values.get(term.value)
    if isinstance(term, ox.BlankNode):
        return ox.BlankNode(f"{term.value}{solution}")
    return term


class QuadReader:
    """Reads one block ``{ … }``; ``at`` is the token to read next."""

    def __init__(self, text: str, tokens: list[Token], at: int, prologue: Prologue) -> None:
        """Begin at the opening bracket at ``at``."""
        self._text, self._tokens, self.at, self._prologue = text, tokens, at, prologue
        self._iris: dict[str, ox.NamedNode] = {}
        self._numbers = count()
        self._graph: Graph = None
        self._found: list[Pattern] = []

    def read(self) -> list[Pattern]:
        """Give the quads of the block."""
        self._expect("{")
        while not self._skip("}"):
            if self._skip("."):
                continue
            if self._skip("GRAPH"):
                self._graph = self._graph_name()
                self._expect("{")
                while not self._skip("}"):
                    if not self._skip("."):
                        self._triples()
                self._graph = None
            else:
                self._triples()
        return self._found

    def _graph_name(self) -> Graph:
        found = self._node()
        if isinstance(found, ox.Variable):
            return found
        return found.value

    def _triples(self) -> None:
        opened = self._peek().text in ("[", "(")
        subject = self._node()
        if opened and self._peek().text in (".", "}"):
            return
        self._properties(subject)

    def _properties(self, subject: Node) -> None:
        while True:
            predicate: Node = RDF.type if self._skip_a() else self._node()
            while True:
                self._found.append(Pattern(subject, predicate, self._node(), self._graph))
                if not self._skip(","):
                    break
            if not self._skip(";"):
                return
            while self._skip(";"):
                pass
            if self._peek().text in (".", "}", "]"):
                return

    def _skip_a(self) -> bool:
        """Pass over the verb ``a``."""
        token = self._peek()
        if token.kind is Kind.WORD and token.text == "a":
            self.at += 1
            return True
        return False

    def _node(self) -> Node:
        token = self._next()
        if token.kind is Kind.VARIABLE:
            return ox.Variable(token.text[1:])
        if token.kind in (Kind.IRI, Kind.PNAME):
            return self._iri(token)
        if token.kind is Kind.STRING:
            return self._literal(token)
        if token.kind is Kind.NUMBER:
            return _number(token.text)
        if token.text in ("+", "-"):
            return _number(token.text + self._next().text)
        if token.kind is Kind.WORD and token.upper in ("TRUE", "FALSE"):
            return ox.Literal(token.text.lower(), datatype=XSD.boolean)
        if token.kind is Kind.BNODE:
            return ox.BlankNode(f"l{token.text[2:].encode().hex()}x")
        if token.text == "[":
            return self._nameless()
        if token.text == "(":
            return self._collection()
        raise self._wrong(token)

    def _nameless(self) -> ox.BlankNode:
        node = self._fresh()
        if not self._skip("]"):
            self._properties(node)
            self._expect("]")
        return node

    def _collection(self) -> Node:
        items: list[Node] = []
        while not self._skip(")"):
            items.append(self._node())
        rest: Node = RDF.nil
        for item in reversed(items):
            cell = self._fresh()
            self._found.append(Pattern(cell, RDF.first, item, self._graph))
            self._found.append(Pattern(cell, RDF.rest, rest, self._graph))
            rest = cell
        return rest

    def _fresh(self) -> ox.BlankNode:
        return ox.BlankNode(f"n{self.at}x{next(self._numbers)}x")

    def _iri(self, token: Token) -> ox.NamedNode:
        if token.text not in self._iris:
            found = self._prologue.resolve(token)
            try:
                self._iris[token.text] = ox.NamedNode(found or "")
            except ValueError:
                raise error_at("sparql-iri", self._text, token, found=printable(token.text), expected="") from None
        return self._iris[token.text]

    def _literal(self, token: Token) -> ox.Literal:
        value = _unescaped(token.text)
        following = self._peek()
        if following.kind is Kind.LANGUAGE:
            self.at += 1
            if "--" in following.text:
                line, column = position(self._text, following.start)
                raise QueryRefused("update-rdf12", line=line, column=column)
            return ox.Literal(value, language=following.text[1:])
        if following.text == "^^":
            self.at += 1
            return ox.Literal(value, datatype=self._iri(self._next()))
        return ox.Literal(value)

    def _peek(self) -> Token:
        if self.at >= len(self._tokens):
            raise error_at("sparql-syntax-end-bare", self._text, None, found="")
        return self._tokens[self.at]

    def _next(self) -> Token:
        token = self._peek()
        self.at += 1
        return token

    def _skip(self, text: str) -> bool:
        token = self._peek()
        if token.upper == text and token.kind in (Kind.MARK, Kind.WORD):
            self.at += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._skip(text):
            raise self._wrong(self._peek())

    def _wrong(self, token: Token) -> Exception:
        if token.kind is Kind.OPENING or token.text in ("{|", "~"):
            line, column = position(self._text, token.start)
            return QueryRefused("update-rdf12", line=line, column=column)
        return error_at("sparql-syntax-bare", self._text, token, found=printable(token.text))


def _number(text: str) -> ox.Literal:
    for marks, datatype in _NUMBERS:
        if any(mark in text for mark in marks):
            return ox.Literal(text, datatype=datatype)
    return ox.Literal(text, datatype=XSD.integer)


def _unescaped(written: str) -> str:
    if "\\" not in written and not written.startswith(('"""', "'''")):
        return written[1:-1]
    quad = next(ox.parse(f"<a:a> <a:a> {written} .", ox.RdfFormat.TURTLE))
    assert isinstance(quad.object, ox.Literal)
    return quad.object.value
