"""The SERVICE clauses of a query: where they stand, which are allowed, and the text around them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import pyoxigraph as ox

from stadtgraph.config import ServiceSettings
from stadtgraph.errors import QueryRefused
from stadtgraph.query.federation.services import Federation
from stadtgraph.sparql import patterns
from stadtgraph.sparql.outline import Outline, resolve
from stadtgraph.sparql.patterns import Element, Group, What
from stadtgraph.sparql.tokens import Kind, Token, position
from stadtgraph.terms import render

_VOLATILE: Final = frozenset({"RAND", "NOW", "UUID", "STRUUID", "BNODE"})
_ABSOLUTE: Final = re.compile(r"<[A-Za-z][A-Za-z0-9+.\-]*:")
MOST: Final = 20
"""SERVICE clauses in one query."""


class Query:
    """The query: its tokens, its tree, and what stands in the place of the clauses that are answered already."""

    def __init__(self, text: str, tokens: list[Token], outline: Outline, federation: Federation) -> None:
        self.text, self.tokens, self.outline, self.federation = text, tokens, outline, federation
        self.answered: dict[int, tuple[int, str]] = {}
        self._written: dict[tuple[int, int], str] = {}
        self._named = Counter(patterns.variables(tokens))
        before = ("SELECT", "DISTINCT", "REDUCED", "DESCRIBE", "(")
        self.takes_all = any(b.text == "*" and a.upper in before for a, b in pairwise(tokens))
        self.volatile = [i for i, t in enumerate(tokens) if t.kind is Kind.WORD and t.upper in _VOLATILE]
        places = [i for i, t in enumerate(tokens) if t.kind is Kind.WORD and t.upper == "SERVICE"]
        try:
            self.where = patterns.read(tokens)
        except patterns.Unreadable as problem:
            raise self.refusal("federation-unreadable", tokens[places[0]]) from problem
        self._places = places

    def refusal(self, key: str, token: Token, **params: object) -> QueryRefused:
        """Give the error that says why a clause is refused, and where it stands."""
        line, column = position(self.text, token.start)
        return QueryRefused(key, line=line, column=column, **params)

    def iri(self, token: Token) -> str:
        """Give the IRI that a token names."""
        if token.kind is Kind.IRI:
            return resolve(token.text, self.outline.base) or token.text
        prefix, _, local = token.text.partition(":")
        return self.outline.prefixes.get(prefix, "") + re.sub(r"\\(.)", r"\1", local)

    def is_kept(self, element: Element, service: ServiceSettings | None) -> bool:
        """Tell whether an inner SERVICE is one that the outer endpoint understands itself."""
        assert element.name is not None
        return (
            service is not None and element.name.kind is not Kind.VARIABLE and self.iri(element.name) in service.inner
        )

    def check(self) -> None:
        """Refuse what is forbidden or stands where it cannot be replaced, before anything is asked."""
        if len(self._places) > MOST:
            raise QueryRefused("federation-many", found=len(self._places), bound=MOST)
        reached = set(self._reached(self.where, None, exists=False))
        for place in self._places:
            if place not in reached:
                raise self.refusal("federation-place", self.tokens[place])

    def _reached(self, group: Group, service: ServiceSettings | None, *, exists: bool) -> Iterator[int]:
        for element in group.elements:
            if element.what is What.LATERAL:
                continue
            inner = service
            if element.what is What.SERVICE:
                yield element.first
                if self.is_kept(element, service):
                    yield from self._all(element)
                    continue
                inner = self._allowed(element, service, exists=exists)
            if element.what is What.GRAPH and self.holds_service(element):
                self._check_graph(element)
            for body in element.groups:
                yield from self._reached(body, inner, exists=exists or element.what is What.FILTER)

    def _all(self, element: Element) -> Iterator[int]:
        return (place for place in self._places if element.first < place < element.last)

    def holds_service(self, element: Element) -> bool:
        """Tell whether an element is a clause, or one stands in it."""
        return any(element.first <= place < element.last for place in self._places)

    def _allowed(self, element: Element, service: ServiceSettings | None, *, exists: bool) -> ServiceSettings | None:
        """Give the endpoint of a clause, ``None`` for a variable; refuse what is not on the list."""
        assert element.name is not None
        if exists:
            self._check_exists(element)
        if element.name.kind is not Kind.VARIABLE:
            return self.federation.require(self.iri(element.name))
        if service is not None or any(element.first < place < element.last for place in self._places):
            raise self.refusal("federation-variable-nested", element.name)
        if not self.federation.services:
            raise self.refusal("guard-service", element.name)
        return None

    def _check_exists(self, element: Element) -> None:
        """Refuse a clause in EXISTS that looks at variables which it does not itself bind in each solution.

        There, EXISTS means the pattern with the outer values put into it, which is not the same as its solutions.
        """
        (body,) = element.groups
        own = body.certain()
        outside = self.outside(element)
        for name in patterns.variables(self.tokens[body.first : body.last]):
            if name not in own and name in outside:
                raise self.refusal("federation-exists", self.tokens[element.first], name=name)

    def _check_graph(self, element: Element) -> None:
        """Refuse a clause below GRAPH ?g where nothing of its own group says which graphs are meant."""
        assert element.name is not None
        (body,) = element.groups
        if element.name.kind is Kind.VARIABLE and not any(e.what is What.TRIPLES for e in body.elements):
            raise self.refusal("federation-graph", self.tokens[element.first])

    def outside(self, element: Element) -> frozenset[str]:
        """Give the variables that are named outside of an element."""
        inside = Counter(patterns.variables(self.tokens[element.first : element.last]))
        return frozenset(name for name, number in self._named.items() if number > inside[name])

    def blanked(self) -> str:
        """Give the text with a plain group in the place of every clause, each character where it was."""
        pieces, end = [], 0
        for place in self._places:
            opens = place + 1
            while self.tokens[opens].text != "{":
                opens += 1
            start, stop = self.tokens[place].start, self.tokens[opens].start
            pieces += [self.text[end:start], "".join(c if c in "\r\n" else " " for c in self.text[start:stop])]
            end = stop
        return "".join([*pieces, self.text[end:]])

    def rendered(self, first: int, last: int) -> str:
        """Give the text of some tokens, without comments, with what is answered already in its place."""
        if (first, last) in self._written:
            return self._written[first, last]
        text = self._render(first, last)
        if not any(first <= place < last for place in self._places):
            self._written[first, last] = text
        return text

    def _render(self, first: int, last: int) -> str:
        pieces = []
        at = first
        while at < last:
            if at in self.answered:
                at, text = self.answered[at]
                pieces.append(f"{text} ")
                continue
            pieces.append(self.tokens[at].text)
            if at + 1 < last and self._is_apart(at):
                pieces.append(" ")
            at += 1
        return "".join(pieces)

    def _is_apart(self, at: int) -> bool:
        """Tell whether something stood between a token and the next."""
        return self.tokens[at].start + len(self.tokens[at].text) < self.tokens[at + 1].start

    def head(self, first: int, last: int) -> str:
        """Give the prologue that a part of the query needs where it stands alone."""
        lines = []
        tokens = self.tokens[first:last]
        if self.outline.base and any(t.kind is Kind.IRI and not _ABSOLUTE.match(t.text) for t in tokens):
            lines.append(f"BASE {render(ox.NamedNode(self.outline.base))}")
        for prefix in dict.fromkeys(t.text.partition(":")[0] for t in tokens if t.kind is Kind.PNAME):
            lines.append(f"PREFIX {prefix}: {render(ox.NamedNode(self.outline.prefixes[prefix]))}")
        return "".join(f"{line}\n" for line in lines)
