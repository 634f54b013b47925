"""``sg:search`` in queries: a statement that the index answers before the store is asked.

::

    (?thing ?score ?snippet) sg:search "Bäume Lobeda" .     # or:  ?thing sg:search ("Bäume Lobeda" 20) .

The text is a constant; the optional number bounds the hits (100 where it is not given, at most 1,000). The statement
stands by itself in a group, at most eight times in a query, and means a table of hits that is joined with the rest of
the group.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Final

import pyoxigraph as ox

from stadtgraph.errors import QueryRefused, QuerySyntaxError
from stadtgraph.search.index import Hit
from stadtgraph.sparql.outline import resolve
from stadtgraph.sparql.patterns import FOUND
from stadtgraph.sparql.tokens import Kind, Place, Token, code, position, tokenize
from stadtgraph.terms import PREFIXES, SG, XSD, render

FUNCTION: Final = SG.search
MOST: Final = 1_000
USUAL: Final = 100
MOST_STATEMENTS: Final = 8
"""Statements of one query."""
Search = Callable[[str, int], Sequence[Hit]]


def uses_search(text: str) -> bool:
    """Tell, at little cost, whether a query may use the index."""
    return "search" in text


def expand(
    text: str,
    search: Search,
    base: str | None = None,
    prefixes: Mapping[str, str] = PREFIXES,
    *,
    marked: bool = False,
) -> str:
    """Give a query in which every ``sg:search`` statement is replaced by its hits.

    Where it is to be ``marked``, a variable that begins with ``stadtgraph_found`` has what was found.
    Raises :class:`QuerySyntaxError` with line and column where the statement is not of its form, and
    :class:`QueryRefused` where there are more than :data:`MOST_STATEMENTS`, for each takes some work of this process.
    """
    tokens = code(tokenize(text))
    known = {**prefixes, **_declared(tokens)}
    named = (n for n, t in enumerate(tokens) if t.place is Place.GROUP and _iri(t, base, known) == FUNCTION.value)
    places = list(islice(named, MOST_STATEMENTS + 1))
    if len(places) > MOST_STATEMENTS:
        raise QueryRefused("search-many", bound=MOST_STATEMENTS)
    parts, at = [], 0
    for number, statement in [(number, _Statement(text, tokens, number)) for number in places]:
        parts += [text[at : statement.start], statement.table(search)]
        if marked:
            parts.append(f"BIND({statement.variables[0]} AS ?{FOUND}{number}) ")
        at = statement.end
    return "".join(parts) + text[at:]


def _declared(tokens: Sequence[Token]) -> dict[str, str]:
    found = {}
    for word, name, iri in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if word.upper == "PREFIX" and name.kind is Kind.PNAME and iri.kind is Kind.IRI:
            found[name.text[:-1]] = iri.text[1:-1]
    return found


def _iri(token: Token, base: str | None, prefixes: Mapping[str, str]) -> str | None:
    if token.kind is Kind.IRI and "search" in token.text:
        return resolve(token.text, base)
    if token.kind is Kind.PNAME and token.text.endswith(":search"):
        return prefixes.get(token.text.partition(":")[0], "") + "search"
    return None


class _Statement:
    """One statement with ``sg:search`` at the token ``at``."""

    def __init__(self, text: str, tokens: Sequence[Token], at: int) -> None:
        self._text, self._token = text, tokens[at]
        first, self.variables = self._subject(tokens, at)
        last, self.words, self.limit = self._object(tokens, at)
        if first > 0 and tokens[first - 1].text not in ("{", "}", "."):
            raise self._error()
        follows = tokens[last + 1].text if last + 1 < len(tokens) else "}"
        if follows not in (".", "}"):
            raise self._error()
        self.start = tokens[first].start
        end = tokens[last + 1] if follows == "." else tokens[last]
        self.end = end.start + len(end.text)

    def _subject(self, tokens: Sequence[Token], at: int) -> tuple[int, list[str]]:
        if at > 0 and tokens[at - 1].kind is Kind.VARIABLE:
            return at - 1, [tokens[at - 1].text]
        first = at - 1
        while first > 0 and tokens[first].text != "(":
            first -= 1
        inner = tokens[first + 1 : at - 1]
        if tokens[at - 1].text != ")" or not 1 <= len(inner) <= 3 or any(t.kind is not Kind.VARIABLE for t in inner):
            raise self._error()
        return first, [t.text for t in inner]

    def _object(self, tokens: Sequence[Token], at: int) -> tuple[int, str, int]:
        following = tokens[at + 1 : at + 5]
        if following and following[0].kind is Kind.STRING:
            return at + 1, self._string(following[0]), USUAL
        texts = [t.text for t in following]
        if len(texts) == 4 and texts[0] == "(" and texts[3] == ")" and following[1].kind is Kind.STRING:
            if not texts[2].isdigit() or not 1 <= int(texts[2]) <= MOST:
                raise self._error()
            return at + 4, self._string(following[1]), int(texts[2])
        raise self._error()

    def _string(self, token: Token) -> str:
        (quad,) = ox.parse(f"<a:a> <a:a> {token.text} .", ox.RdfFormat.TURTLE)
        assert isinstance(quad.object, ox.Literal)
        return quad.object.value

    def _error(self) -> QuerySyntaxError:
        line, column = position(self._text, self._token.start)
        return QuerySyntaxError("search-statement", line=line, column=column, most=MOST)

    def table(self, search: Search) -> str:
        """Give the hits as VALUES."""
        rows = []
        for hit in search(self.words, self.limit):
            score = ox.Literal(f"{hit.score:.4f}", datatype=XSD.decimal)
            terms = (ox.NamedNode(hit.iri), score, ox.Literal(hit.snippet))
            rows.append("(" + " ".join(render(term) for term in terms[: len(self.variables)]) + ")")
        return f"VALUES ({' '.join(self.variables)}) {{ {' '.join(rows)} }} "
