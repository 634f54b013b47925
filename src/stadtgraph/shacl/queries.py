"""What the text of a SPARQL constraint must not hold. https://www.w3.org/TR/shacl/#pre-binding"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from stadtgraph.sparql.tokens import Kind, Token, code, tokenize

REFUSED = ("MINUS", "VALUES", "SERVICE", "INSERT", "DELETE", "LOAD", "FROM")
"""Pre-binding is not defined for the first three; SERVICE would also reach the network."""


def refused_parts(text: str) -> Iterator[str]:
    """Give the parts of a constraint's query that SHACL or this product refuses.

    >>> list(refused_parts("SELECT $this { $this ?p ?o MINUS { ?o ?q $this } }"))
    ['MINUS']
    >>> list(refused_parts("SELECT $this { { SELECT ?other { ?other ?b ?c } } }"))
    ['SELECT without $this']
    >>> list(refused_parts("SELECT $this { FILTER EXISTS { $this <minus> 'VALUES' } }"))
    []
    """
    tokens = code(tokenize(text))
    yield from sorted({token.upper for token in tokens if token.kind is Kind.WORD} & set(REFUSED))
    starts = [i for i, token in enumerate(tokens) if token.kind is Kind.WORD and token.upper == "SELECT"]
    if any(not _keeps_this(tokens[i + 1 :]) for i in starts):
        yield "SELECT without $this"
    if any(a.upper == "AS" and _is_this(b) for a, b in pairwise(tokens)):
        yield "AS $this"


def _keeps_this(rest: list[Token]) -> bool:
    for token in rest:
        if token.text == "*" or _is_this(token):
            return True
        if token.text == "{" or token.upper == "WHERE":
            return False
    return False


def _is_this(token: Token) -> bool:
    return token.kind is Kind.VARIABLE and token.text[1:] == "this"
