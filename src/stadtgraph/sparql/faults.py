"""Turn Oxigraph's complaints about a query into errors that say where and what was expected.

>>> error = fault("SELECT * WHERE { ?s ?p }", SyntaxError("error at 1:25: expected one of LATERAL, SERVICE, [_]"))
>>> error.key, error.params["line"], error.params["column"]
('sparql-syntax-bare', 1, 24)
"""

from __future__ import annotations

import re
from typing import Final

from stadtgraph.errors import QueryError, QueryRefused, QuerySyntaxError
from stadtgraph.sparql.tokens import Kind, Token, offset, position, tokenize

_PLACE: Final = re.compile(r"error at (\d+):(\d+): expected (?:one of )?(.*)", re.DOTALL)
_SAYING: Final = {
    "The SELECT contains a variable that is unbound": "sparql-ungrouped",
    "Duplicated variable name in SELECT": "sparql-twice",
    "The SELECT overrides an existing variable": "sparql-overrides",
    "IRI parsing failed": "sparql-iri",
    "Prefix not found": "sparql-syntax",
    "is already bound": "sparql-overrides",
}
_WITH_EXPECTED: Final = ("sparql-syntax", "sparql-syntax-end")
_FUNCTION: Final = re.compile(r"The custom (?:aggregate )?function <([^>]{1,200})> is not supported")


def fault(text: str, error: Exception) -> QueryError:
    """Give the error to raise instead of ``error``, which Oxigraph raised on the query ``text``.

    ``SyntaxError`` becomes :class:`QuerySyntaxError` with line, column, what stands there and what was
    expected; a refused function becomes :class:`QueryRefused`. No text of Oxigraph's own gets out.
    """
    unsupported = _FUNCTION.search(str(error))
    if unsupported:
        return QueryRefused("sparql-function", function=unsupported[1])
    if not isinstance(error, SyntaxError):
        return QueryError("query-failed")
    found = _PLACE.search(str(error))
    if not found:
        return QuerySyntaxError("sparql-syntax-nowhere")
    token = _token_at(text, int(found[1]), int(found[2]))
    line, column = position(text, token.start if token else len(text))
    key = next((key for saying, key in _SAYING.items() if saying in found[3]), "sparql-syntax")
    if token is None and key == "sparql-syntax":
        key = "sparql-syntax-end"
    expected = _expected(found[3])
    return QuerySyntaxError(
        key if expected or key not in _WITH_EXPECTED else f"{key}-bare",
        line=line,
        column=column,
        found=token.text[:40] if token else "",
        expected=expected,
    )


def _token_at(text: str, line: int, column: int) -> Token | None:
    """Give the token that Oxigraph stumbled over: its position is one behind the last character read."""
    reached = offset(text, line, column)
    for token in tokenize(text):
        if token.start + len(token.text) >= reached and token.kind not in (Kind.SPACE, Kind.COMMENT):
            return token
    return None


_CLAUSES: Final = frozenset({"AS", "BY", "FROM", "GROUP", "HAVING", "LIMIT", "OFFSET", "ORDER", "VALUES", "WHERE"})
_WORTH: Final = re.compile(r'"([^"]{1,4})"|(?<![\w])([A-Za-z]{2,}(?: [A-Z]+)?)(?![\w])|\[\'([^\'])\'\]')


def _expected(listing: str) -> str:
    """Pick from Oxigraph's list what a person can use: marks and keywords, at most six."""
    if "Prefix not found" in listing or len(listing) > 400:
        return ""
    picked: list[str] = []
    for found in _WORTH.finditer(listing):
        item = next(group for group in found.groups() if group)
        if item not in picked and (not item[0].isalpha() or item.split()[0] in _CLAUSES):
            picked.append(item)
    return ", ".join(picked[:6])
