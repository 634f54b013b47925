"""Graph patterns as a tree over tokens: groups and their elements, with the variables that they bind.

This is no parser of SPARQL: triples and expressions stay runs of tokens. It reads what a processor has accepted as
SPARQL, and says where each part begins and ends.

>>> from stadtgraph.sparql.tokens import tokenize
>>> text = "SELECT * { ?s ?p ?o OPTIONAL { ?o ?q ?r } FILTER(?r > ?x) { ?a ?b ?c } UNION { ?a ?d ?e } }"
>>> group = read(code(tokenize(text)))
>>> [element.what.value for element in group.elements]
['triples', 'optional', 'filter', 'group']
>>> list(group.scope()), sorted(group.certain())
(['s', 'p', 'o', 'q', 'r', 'a', 'b', 'c', 'd', 'e'], ['a', 'o', 'p', 's'])

Source: https://www.w3.org/TR/sparql11-query/#GraphPattern, https://www.w3.org/TR/sparql11-query/#variableScope
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from stadtgraph.sparql.tokens import Kind, Token, code

_OPENING: Final = frozenset({"(", "[", "{", "{|"})
_CLOSING: Final = frozenset({")", "]", "}", "|}", ">>"})


FOUND: Final = "stadtgraph_found"
"""The beginning of the names of variables that say what a search found."""


class What(StrEnum):
    """What an element of a group is."""

    TRIPLES = "triples"
    GROUP = "group"
    OPTIONAL = "optional"
    MINUS = "minus"
    GRAPH = "graph"
    SERVICE = "service"
    LATERAL = "lateral"
    FILTER = "filter"
    BIND = "bind"
    VALUES = "values"


_BY_WORD: Final = {what.name: what for what in What if what not in (What.TRIPLES, What.GROUP)}
JOINED: Final = frozenset({What.TRIPLES, What.GROUP, What.GRAPH, What.SERVICE, What.VALUES})
"""Elements that are joined with what stands before them."""


class Unreadable(ValueError):
    """The tokens are no graph pattern."""


@dataclass(frozen=True, slots=True)
class Element:
    """One part of a group: tokens from ``first`` to before ``last``.

    ``groups`` are the branches of a union, the body of OPTIONAL and the like, and the groups of EXISTS in a FILTER.
    ``name`` is the graph or service, ``bound`` what VALUES and BIND give a value; ``always`` is the part that always
    gets one.
    """

    what: What
    first: int
    last: int
    groups: tuple[Group, ...] = ()
    name: Token | None = None
    silent: bool = False
    bound: tuple[str, ...] = ()
    always: frozenset[str] = frozenset()

    def scope(self) -> Iterator[str]:
        """Give the variables that this element may bind."""
        if self.what in (What.MINUS, What.FILTER):
            return
        if self.name is not None and self.name.kind is Kind.VARIABLE:
            yield self.name.text[1:]
        yield from self.bound
        for group in self.groups:
            yield from group.scope()

    def certain(self) -> frozenset[str]:
        """Give the variables that this element binds in each of its solutions."""
        if self.what not in JOINED or self.silent:
            return frozenset()
        named = self.name is not None and self.name.kind is Kind.VARIABLE
        own = self.always | ({self.name.text[1:]} if named and self.name else set())
        parts = [group.certain() for group in self.groups]
        return frozenset(own).union(parts[0].intersection(*parts[1:]) if parts else ())


@dataclass(frozen=True, slots=True)
class Group:
    """A group with its braces. A sub-select has one element, its WHERE group, and says what it gives."""

    first: int
    last: int
    elements: tuple[Element, ...]
    is_select: bool = False
    projected: tuple[str, ...] | None = None
    plain: frozenset[str] | None = None

    def scope(self) -> Iterable[str]:
        """Give the variables in scope, in order of appearance, each once."""
        if self.projected is not None:
            return dict.fromkeys(self.projected)
        return dict.fromkeys(name for element in self.elements for name in element.scope())

    def certain(self) -> frozenset[str]:
        """Give the variables that are bound in every solution, as far as the form tells."""
        found = frozenset[str]().union(*(element.certain() for element in self.elements))
        return found if self.plain is None else found & self.plain

    def early(self) -> frozenset[str]:
        """Give the variables that triples bind before anything else than a join or filter has happened."""
        found: frozenset[str] = frozenset()
        for element in self.elements if not self.is_select else ():
            if element.what in (What.OPTIONAL, What.MINUS, What.BIND, What.LATERAL):
                break
            if element.what is What.TRIPLES:
                found |= element.always
        return found


def read(tokens: list[Token]) -> Group:
    """Read the WHERE group of a query from its tokens; raise :class:`Unreadable` where there is none."""
    return _Reader(tokens).query()


def exists(tokens: list[Token]) -> Iterator[Group]:
    """Give the outermost groups of EXISTS, wherever they stand."""
    return _Reader(tokens).exists(0, len(tokens))


def variables(tokens: Iterable[Token]) -> Iterator[str]:
    """Give the names of all variables among ``tokens``."""
    return (token.text[1:] for token in tokens if token.kind is Kind.VARIABLE)


class _Reader:
    """Reads groups from a list of tokens."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens

    def word(self, at: int) -> str:
        """Give the keyword at a place, or an empty text."""
        return self.tokens[at].upper if at < len(self.tokens) and self.tokens[at].kind is Kind.WORD else ""

    def text(self, at: int) -> str:
        """Give the text of the token at a place; it must be there."""
        if at >= len(self.tokens):
            raise Unreadable
        return self.tokens[at].text

    def query(self) -> Group:
        """Read the query's own WHERE group: the first one outside of other brackets, after a template."""
        forms = ("SELECT", "ASK", "CONSTRUCT", "DESCRIBE")
        at = next((i for i, t in enumerate(self.tokens) if t.kind is Kind.WORD and t.upper in forms), None)
        if at is None:
            raise Unreadable
        if self.word(at) == "CONSTRUCT" and self.text(at + 1) == "{":
            at = self.behind(at + 1) - 1
        at += 1
        while self.text(at) != "{":
            at = self.behind(at)
        return self.group(at)

    def behind(self, at: int) -> int:
        """Give the place behind the token at ``at``, or behind the bracket that it opens."""
        depth = 0
        while True:
            token = self.text(at)
            if token in _OPENING or self.tokens[at].kind is Kind.OPENING:
                depth += 1
            elif token in _CLOSING:
                depth -= 1
            at += 1
            if depth <= 0:
                return at

    def group(self, at: int) -> Group:
        """Read the group that opens at ``at``."""
        if self.text(at) != "{":
            raise Unreadable
        if self.word(at + 1) == "SELECT":
            return self.select(at)
        elements = []
        place = at + 1
        while self.text(place) != "}":
            if self.text(place) == ".":
                place += 1
                continue
            elements.append(self.element(place))
            place = elements[-1].last
        return Group(at, place + 1, tuple(elements))

    def select(self, first: int) -> Group:
        """Read a sub-select: what it projects, its WHERE group, and whether that is grouped."""
        at, projected, plain = first + 2, list[str](), set[str]()
        while self.text(at) != "{" and self.word(at) != "WHERE":
            if self.text(at) == "(":
                end = self.behind(at)
                projected.append(self.variable(end - 2))
                at = end
                continue
            if self.tokens[at].kind is Kind.VARIABLE:
                projected.append(self.variable(at))
                plain.add(self.variable(at))
            at += 1
        everything = self.text(at - 1) == "*"
        where = self.group(at + 1 if self.word(at) == "WHERE" else at)
        elements = [Element(What.GROUP, where.first, where.last, (where,))]
        end = where.last
        while self.text(end) != "}":
            if self.word(end) == "VALUES":
                elements.append(self.values(end))
                end = elements[-1].last
            else:
                end = self.behind(end)
        fixed = None if everything else frozenset(plain)
        return Group(first, end + 1, tuple(elements), True, None if everything else tuple(projected), fixed)

    def variable(self, at: int) -> str:
        """Give the name of the variable at a place."""
        if at >= len(self.tokens) or self.tokens[at].kind is not Kind.VARIABLE:
            raise Unreadable
        return self.tokens[at].text[1:]

    def element(self, at: int) -> Element:
        """Read the element that begins at ``at``."""
        what = _BY_WORD.get(self.word(at))
        if what is None:
            return self.union(at) if self.text(at) == "{" else self.triples(at)
        if what is What.FILTER:
            return self.filter(at)
        if what is What.BIND:
            end = self.behind(at + 1)
            return Element(what, at, end, bound=(self.variable(end - 2),))
        if what is What.VALUES:
            return self.values(at)
        silent = self.word(at + 1) == "SILENT"
        opens = at + 1 + silent
        name = None
        if what in (What.GRAPH, What.SERVICE):
            self.text(opens)
            name = self.tokens[opens]
            opens += 1
            if name.kind not in (Kind.IRI, Kind.PNAME, Kind.VARIABLE):
                raise Unreadable
        body = self.group(opens)
        return Element(what, at, body.last, (body,), name, silent)

    def union(self, at: int) -> Element:
        """Read a group, or several joined by UNION."""
        branches = [self.group(at)]
        while self.word(branches[-1].last) == "UNION":
            branches.append(self.group(branches[-1].last + 1))
        return Element(What.GROUP, at, branches[-1].last, tuple(branches))

    def triples(self, at: int) -> Element:
        """Read triples up to the next element or the end of the group."""
        end = at
        while self.text(end) not in ("{", "}") and self.word(end) not in _BY_WORD:
            if self.text(end) in _CLOSING:
                raise Unreadable
            end = self.behind(end)
        while end > at + 1 and self.text(end - 1) == ".":
            end -= 1
        names = tuple(dict.fromkeys(variables(self.tokens[at:end])))
        return Element(What.TRIPLES, at, end, bound=names, always=frozenset(names))

    def filter(self, at: int) -> Element:
        """Read a FILTER: an expression in brackets, a call, or EXISTS; with the groups of EXISTS anywhere in it."""
        end = at + 1
        while self.word(end) in ("NOT", "EXISTS"):
            end += 1
        if self.word(end - 1) != "EXISTS" and self.text(end) != "(":
            end += 1
            if self.text(end) != "(":
                raise Unreadable
        end = self.behind(end)
        return Element(What.FILTER, at, end, tuple(self.exists(at, end)))

    def exists(self, at: int, end: int) -> Iterator[Group]:
        """Give the outermost groups of EXISTS between two places."""
        while at < end:
            if self.word(at) == "EXISTS" and self.text(at + 1) == "{":
                found = self.group(at + 1)
                yield found
                at = found.last
            else:
                at += 1

    def values(self, at: int) -> Element:
        """Read VALUES: its variables, and those that have a value in every row."""
        opens = at + 1
        while self.text(opens) != "{":
            opens += 1
        names = tuple(variables(self.tokens[at:opens]))
        end = self.behind(opens)
        inside = self.tokens[opens:end]
        partial = any(t.kind is Kind.WORD and t.upper == "UNDEF" for t in inside)
        return Element(What.VALUES, at, end, bound=names, always=frozenset(() if partial else names))


__all__ = ["FOUND", "JOINED", "Element", "Group", "Unreadable", "What", "code", "exists", "read", "variables"]
