"""How large and how deep a SPARQL text is: the measures that the guard bounds.

Oxigraph parses and optimises recursively; what is harmless at 100 levels ends the process at some
thousands, and some lists cost time with their third power. So the guard measures before Oxigraph reads.
"""

from __future__ import annotations

from typing import Final

from stadtgraph.sparql.tokens import Kind, Place, Token

_OPENING: Final = frozenset({"(", "{", "[", "{|"})
_CLOSING: Final = frozenset({")", "}", "]", "|}", ">>"})
_OPERATORS: Final = frozenset({"||", "&&", "!", "=", "!=", "<", ">", "<=", ">=", "+", "-", "*", "/"})
_STEPS: Final = frozenset({"|", "^", "!", "*", "+", "?"})
_SEPARATORS: Final = frozenset({".", ";", ",", "/", "~", "{|", "|}"})
_NAMES: Final = (Kind.IRI, Kind.PNAME, Kind.VARIABLE)
_TERMS: Final = frozenset({Kind.IRI, Kind.PNAME, Kind.STRING, Kind.NUMBER, Kind.LANGUAGE})
_ENDINGS: Final = frozenset({".", ";", ",", "}"})
_BEGINNINGS: Final = frozenset({".", "{"})
_CLAUSES: Final = {
    "OPTIONAL": "optionals",
    "LATERAL": "optionals",
    "MINUS": "optionals",
    "UNION": "unions",
    "BIND": "binds",
    "FILTER": "filters",
    "VALUES": "binds",
    "AS": "binds",
}
MEASURES: Final = (
    "bytes",
    "nesting",
    "operators",
    "steps",
    "patterns",
    "optionals",
    "unions",
    "binds",
    "filters",
    "conditions",
    "described",
    "ends",
)


def sizes(text: str, tokens: list[Token]) -> dict[str, int]:
    """Count what :data:`MEASURES` names: bytes, deepest nesting, and how often each construct occurs.

    Steps of sequence paths, joined groups, nameless nodes, reifiers and annotations count as patterns, because they
    become such; a CONSTRUCT template does not count. ``conditions`` are parentheses outside of all groups, as in
    HAVING and ORDER BY, ``described`` the terms of DESCRIBE, ``ends`` the terms that are subjects or last objects of
    triples.

    >>> from stadtgraph.sparql.tokens import code, tokenize
    >>> text = "ASK { ?s <p>/<q> ?o FILTER(?o + 1 > 2 || ?o < 0) }"
    >>> found = sizes(text, code(tokenize(text)))
    >>> found["nesting"], found["operators"], found["patterns"], found["filters"], found["ends"]
    (2, 4, 1, 1, 0)
    """
    counts = dict.fromkeys(MEASURES, 0)
    counts["bytes"] = len(text.encode("utf-8", "surrogatepass"))
    depth, template, describing = 0, False, False
    before = None
    for token in tokens:
        in_template = template
        if token.kind is Kind.OPENING or (token.kind is Kind.MARK and token.text in _OPENING):
            template = template or (depth == 0 and before is not None and before.upper == "CONSTRUCT")
            depth += 1
            counts["nesting"] = max(counts["nesting"], depth)
        elif token.kind is Kind.MARK and token.text in _CLOSING:
            depth -= 1
            template = template and depth > 0
        describing = token.upper == "DESCRIBE" if token.kind is Kind.WORD else describing and depth == 0
        measure = None if template else "described" if describing and token.kind in _NAMES else _measure(token, before)
        if measure:
            counts[measure] += 1
        if (
            before is not None
            and token.place is Place.GROUP
            and not (template or in_template)
            and _is_end(before, token)
        ):
            counts["ends"] += 1
        before = token
    return counts


def _is_end(before: Token, token: Token) -> bool:
    """Tell whether a term ends the triples before a separator, or begins some after one."""
    if token.kind is Kind.MARK:
        return before.kind in _TERMS and token.text in _ENDINGS
    return (token.kind is Kind.IRI or token.kind is Kind.PNAME) and before.text in _BEGINNINGS


def _measure(token: Token, before: Token | None) -> str | None:
    """Name the measure that a token adds to."""
    if token.kind is Kind.WORD:
        return _CLAUSES.get(token.upper)
    if token.place is Place.EXPRESSION:
        return "operators" if token.text in _OPERATORS else None
    if token.place is Place.TOP:
        return "conditions" if token.text == "(" else None
    if token.text == "{":
        return None if before is None or before.kind is Kind.WORD else "patterns"
    if token.text == "]":
        return None if before is None or before.text == "[" else "patterns"
    if token.place is Place.GROUP or token.place is Place.LIST:
        if token.kind is Kind.OPENING:
            return "patterns"
        if token.kind is not Kind.MARK:
            return "patterns" if token.place is Place.LIST else None
        return "patterns" if token.text in _SEPARATORS else "steps" if token.text in _STEPS else None
    return None
