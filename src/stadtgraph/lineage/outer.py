"""What a query does with the solutions of its pattern: expressions, grouping, order, limits, last values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from stadtgraph.sparql.outline import Form
from stadtgraph.sparql.patterns import Group
from stadtgraph.sparql.tokens import Kind, Token

_AGGREGATES: Final = frozenset({"COUNT", "SUM", "MIN", "MAX", "AVG", "SAMPLE", "GROUP_CONCAT"})
_PARTS: Final = ("GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "VALUES")


@dataclass(frozen=True, slots=True)
class Outer:
    """What stands around the pattern of a query.

    ``expressions`` are those of SELECT by the variable they give, ``computed`` the variables that grouping gives a
    value; ``limit`` counts the solutions up to the last one that is given, or is ``None``; ``is_plain`` tells that
    every solution is one of the answer and that nothing else changes with it.
    """

    expressions: tuple[tuple[str, str], ...] = ()
    computed: frozenset[str] = frozenset()
    order: str = ""
    limit: int | None = None
    values: str = ""
    is_grouped: bool = False
    is_distinct: bool = False
    is_plain: bool = True


def outer(tokens: Sequence[Token], where: Group, form: Form) -> Outer:
    """Read what stands before and after the pattern ``where`` of a query."""
    head = _head(tokens[: where.first]) if form is Form.SELECT else []
    parts = _parts(tokens[where.last :])
    is_grouped = "GROUP" in parts or "HAVING" in parts or any(_is_word(t, _AGGREGATES) for t in head)
    is_distinct = any(_is_word(t, {"DISTINCT", "REDUCED"}) for t in head[:1])
    is_cut = "LIMIT" in parts or "OFFSET" in parts
    return Outer(
        expressions=tuple(_expressions(head)),
        computed=frozenset(_named(parts.get("GROUP", ()))) | frozenset(_named(head) if is_grouped else ()),
        order=_text(parts.get("ORDER", ())),
        limit=1 if form is Form.ASK else _limit(parts),
        values=_text(parts.get("VALUES", ())),
        is_grouped=is_grouped,
        is_distinct=is_distinct,
        is_plain=form is Form.SELECT and not (is_grouped or is_distinct or is_cut),
    )


def _head(tokens: Sequence[Token]) -> list[Token]:
    """Give what stands between SELECT and WHERE or FROM."""
    at = next(i for i, t in enumerate(tokens) if _is_word(t, {"SELECT"})) + 1
    end = next((i for i in range(at, len(tokens)) if _is_word(tokens[i], {"WHERE", "FROM"})), len(tokens))
    return list(tokens[at:end])


def _is_word(token: Token, words: set[str] | frozenset[str]) -> bool:
    return token.kind is Kind.WORD and token.upper in words


def _parts(tail: Sequence[Token]) -> dict[str, Sequence[Token]]:
    """Give the parts of what stands after the pattern by their first word."""
    starts, depth = [], 0
    for at, token in enumerate(tail):
        if token.text in ("(", "{") or token.kind is Kind.OPENING:
            depth += 1
        elif token.text in (")", "}"):
            depth -= 1
        elif depth == 0 and token.kind is Kind.WORD and token.upper in _PARTS:
            starts.append(at)
    return {tail[a].upper: tail[a:b] for a, b in pairwise([*starts, len(tail)])}


def _limit(parts: dict[str, Sequence[Token]]) -> int | None:
    numbers = {}
    for word in ("LIMIT", "OFFSET"):
        given = parts.get(word, ())
        if len(given) > 1 and given[1].text.isdigit():
            numbers[word] = int(given[1].text)
    return None if "LIMIT" not in numbers else numbers["LIMIT"] + numbers.get("OFFSET", 0)


def _expressions(head: Sequence[Token]) -> list[tuple[str, str]]:
    """Give the expressions of SELECT by variable; each stands in brackets and ends in ``AS ?name``."""
    found, depth, opened = [], 0, 0
    for at, token in enumerate(head):
        if token.text == "(" or token.kind is Kind.OPENING:
            opened = at if depth == 0 else opened
            depth += 1
        elif token.text == ")":
            depth -= 1
            if depth == 0 and at - opened > 3 and head[at - 1].kind is Kind.VARIABLE:
                found.append((head[at - 1].text[1:], _text(head[opened + 1 : at - 2])))
    return found


def _named(tokens: Sequence[Token]) -> list[str]:
    """Give the variables that stand after AS."""
    return [b.text[1:] for a, b in pairwise(tokens) if _is_word(a, {"AS"}) and b.kind is Kind.VARIABLE]


def _text(tokens: Sequence[Token]) -> str:
    return spaced(tokens, [t.text for t in tokens])


def spaced(tokens: Sequence[Token], texts: Sequence[str]) -> str:
    """Join texts that stand for tokens with a space where one was; Oxigraph takes no ``CONCAT (``."""
    parts = list(texts[:1])
    for (before, token), text in zip(pairwise(tokens), texts[1:], strict=True):
        parts.append(text if before.start + len(before.text) == token.start else f" {text}")
    return "".join(parts)
