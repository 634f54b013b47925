"""Put nodes that are known for certain in the place of variables, before the engine orders a join.

Oxigraph keeps no counts of its data: of a chain of patterns with something known at both ends (one tree, its street,
the trees there, their unit, the unit that answers for another tree) it walks all the way from one end and looks at the
other end last. But a property and a value that only one node has (a number, a name) say which node that is, and what
only one node is linked with says it too. So such ends are looked up first, each in some microseconds, and the node is
written where else its variable stands. The pattern that says which node it is stays, so the answer is the same, with
the same variables.

Only plain triples of the default graph are looked at; a query that holds anything else there is left as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import pyoxigraph as ox

from stadtgraph.errors import StadtgraphError
from stadtgraph.sparql.outline import Prologue, read_prologue
from stadtgraph.sparql.patterns import Element, Group, Unreadable, What, read
from stadtgraph.sparql.tokens import Kind, Place, Token, tokenize
from stadtgraph.terms import RDF, Term

LONGEST: Final = 16 * 1024
FEWEST: Final = 3
ENDS: Final = 2
"""Characters of a text that is read for this; patterns of a join that is worth it, and its ends, for it is begun at one
of them anyway."""
NOWHERE: Final = ox.NamedNode("urn:stadtgraph:nowhere")
"""What stands for the node where no node fits, so that the engine sees at once that there is no solution."""
_MOST: Final = 32
"""How many ends are looked up in a query."""
_DOT: Final = Token(Kind.MARK, ".", 0, Place.GROUP)
_SAFE: Final = re.compile(r"[^\x00-\x20<>\"{}|^`\\]+")
_INSIDE: Final = frozenset({What.GROUP, What.OPTIONAL, What.MINUS, What.LATERAL})

Known = ox.NamedNode | ox.Literal
Find = Callable[[ox.NamedNode | None, ox.NamedNode, Known | None], list[Term]]
"""Gives the terms in the place of ``None`` (subject or object) of a pattern: all, or at least two of them."""


@dataclass(frozen=True, slots=True)
class _Node:
    """A node as it stands in the text, from an offset to before another: a variable, or a term."""

    first: int
    last: int
    variable: str = ""
    term: Known | None = None


_Pattern = tuple[_Node, _Node, _Node]
_Edit = tuple[int, int, str]
"""From an offset to before another: what is to stand there."""


def anchored(text: str, base: str, find: Find) -> str:
    """Give a query with the same answer; what cannot be read, or has no two ends, comes back as it is.

    >>> unit, tree = ox.NamedNode("http://e/unit"), ox.NamedNode("http://e/tree")
    >>> said = {"http://e/label": [unit], "http://e/number": [tree]}
    >>> text = 'ASK { ?u <label> "KSJ" . ?t <by> ?u . ?t <in> ?d . ?x <in> ?d . ?x <number> 7 }'
    >>> print(anchored(text, "http://e/", lambda subject, predicate, value: said.get(predicate.value, [unit, tree])))
    ASK { ?u <label> "KSJ" . ?t <by>  <http://e/unit>  . ?t <in> ?d .  <http://e/tree>  <in> ?d . ?x <number> 7 }
    """
    if len(text) > LONGEST:
        return text
    tokens = list(tokenize(text, gaps=False))
    try:
        prologue, _ = read_prologue(text, tokens, base, {})
        runs = list(_runs(read(tokens)))
    except (Unreadable, StadtgraphError):
        return text
    edits: list[_Edit] = []
    left = _MOST
    for run in runs:
        end = tokens[run[-1].last - 1]
        patterns = _patterns([t for e in run for t in (*tokens[e.first : e.last], _DOT)], prologue)
        if len(patterns) >= FEWEST and sum(_is_end(p) for p in patterns) >= ENDS:
            found, left = _edits(patterns, end.start + len(end.text), find, left)
            edits += found
    for first, last, new in sorted(edits, reverse=True):
        text = text[:first] + new + text[last:]
    return text


def _runs(group: Group) -> Iterator[list[Element]]:
    """Give the triples of each group that are one basic graph pattern: between them stand but filters."""
    run: list[Element] = []
    for element in group.elements:
        if element.what is What.TRIPLES:
            run.append(element)
        elif element.what is not What.FILTER:
            if run:
                yield run
            run = []
            if element.what in _INSIDE:
                for inner in element.groups:
                    yield from _runs(inner)
    if run:
        yield run


def _patterns(tokens: Sequence[Token], prologue: Prologue) -> list[_Pattern]:
    """Read plain triples; nothing where there is anything else among them."""
    try:
        return list(_Reader(tokens, prologue).triples())
    except (Unreadable, StadtgraphError, SyntaxError, ValueError):
        return []


def _is_end(pattern: _Pattern) -> bool:
    """Tell whether a pattern has one variable, at one of its ends."""
    subject, predicate, value = pattern
    return predicate.term is not None and (subject.term is None) != (value.term is None)


def _edits(patterns: list[_Pattern], end: int, find: Find, left: int) -> tuple[list[_Edit], int]:
    """Give what is to be written where, and how many more ends may be looked up.

    A pattern that says which node it is stays as it stands; where it shares its subject with others (``;``), it is
    written once more at the ``end`` of the triples.
    """
    known: dict[str, tuple[ox.NamedNode, int]] = {}
    asked: set[int] = set()
    before = -1
    while before < len(known):
        before = len(known)
        for number, pattern in enumerate(patterns):
            subject, predicate, value = (_term(node, known) for node in pattern)
            fits = isinstance(predicate, ox.NamedNode) and (subject is None) != (value is None)
            if number in asked or not fits or not isinstance(subject, ox.NamedNode | None) or not left:
                continue
            assert isinstance(predicate, ox.NamedNode)
            asked.add(number)
            left -= 1
            found = find(subject, predicate, value)
            node = NOWHERE if not found else found[0] if len(found) == 1 else None
            if isinstance(node, ox.NamedNode) and _SAFE.fullmatch(node.value):
                known[pattern[0 if subject is None else 2].variable] = node, number
    written = [
        (node.first, node.last, f" {known[node.variable][0]} ")
        for number, pattern in enumerate(patterns)
        for node in pattern
        if node.variable in known and known[node.variable][1] != number
    ]
    edits = dict.fromkeys(written)
    for name, (_, number) in known.items():
        own = patterns[number][0 if patterns[number][0].variable == name else 2]
        if any(first == own.first for first, _, _ in edits):
            parts = (f"?{name}" if node is own else str(_term(node, known)) for node in patterns[number])
            edits[end, end, f" . {' '.join(parts)}"] = None
    return list(edits), left


def _term(node: _Node, known: dict[str, tuple[ox.NamedNode, int]]) -> Known | None:
    """Give the term of a node, or the one that is known for its variable."""
    return known[node.variable][0] if node.variable in known else node.term


class _Reader:
    """Reads triples without paths, blank nodes, lists, triple terms and annotations."""

    def __init__(self, tokens: Sequence[Token], prologue: Prologue) -> None:
        self._tokens, self._prologue, self._at = tokens, prologue, 0

    def triples(self) -> Iterator[_Pattern]:
        """Give the patterns; raise :class:`Unreadable` for what is none."""
        while self._at < len(self._tokens):
            if self._text() == ".":
                self._at += 1
                continue
            subject = self._node()
            while self._text() not in (".", ""):
                predicate = self._verb()
                yield subject, predicate, self._node()
                while self._text() == ",":
                    self._at += 1
                    yield subject, predicate, self._node()
                if self._text() not in (";", ".", ""):
                    raise Unreadable
                while self._text() == ";":
                    self._at += 1

    def _text(self) -> str:
        return self._tokens[self._at].text if self._at < len(self._tokens) else ""

    def _take(self) -> Token:
        if self._at >= len(self._tokens):
            raise Unreadable
        self._at += 1
        return self._tokens[self._at - 1]

    def _verb(self) -> _Node:
        if self._text() == "a":
            token = self._take()
            return _Node(token.start, token.start + 1, term=RDF.type)
        node = self._node()
        if node.term is not None and not isinstance(node.term, ox.NamedNode):
            raise Unreadable
        return node

    def _node(self) -> _Node:
        token = self._take()
        end = token.start + len(token.text)
        if token.kind is Kind.VARIABLE:
            return _Node(token.start, end, token.text[1:])
        if token.kind is Kind.IRI or token.kind is Kind.PNAME:
            return _Node(token.start, end, term=self._iri(token))
        written = token.text
        if token.kind is Kind.STRING:
            if self._at < len(self._tokens) and self._tokens[self._at].kind is Kind.LANGUAGE:
                written += self._take().text
            elif self._text() == "^^":
                self._take()
                written += f"^^{self._iri(self._take())}"
        elif token.kind is Kind.WORD and token.upper in ("TRUE", "FALSE"):
            written = written.lower()
        elif token.kind is not Kind.NUMBER:
            raise Unreadable
        (quad,) = ox.parse(f"<a:a> <a:a> {written} .", ox.RdfFormat.TURTLE)
        if not isinstance(quad.object, ox.Literal):
            raise Unreadable
        return _Node(token.start, end, term=quad.object)

    def _iri(self, token: Token) -> ox.NamedNode:
        found = self._prologue.resolve(token) if token.kind in (Kind.IRI, Kind.PNAME) else None
        if found is None:
            raise Unreadable
        return ox.NamedNode(found)
