"""What a SPARQL text is about, read from its tokens without parsing it: form, prologue, dataset, sizes.

>>> o = outline("PREFIX ex: <http://e/> SELECT * FROM ex:g { ?s ?p ?o }")
>>> o.form, o.default_graphs, o.sizes["nesting"]
(<Form.SELECT: 'SELECT'>, ('http://e/g',), 1)
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import pyoxigraph as ox

from stadtgraph.errors import QuerySyntaxError
from stadtgraph.sparql import words
from stadtgraph.sparql.sizes import sizes
from stadtgraph.sparql.tokens import Kind, Place, Token, code, position, tokenize
from stadtgraph.terms import PREFIXES


class Form(StrEnum):
    """The query forms (https://www.w3.org/TR/sparql11-query/#QueryForms), and update."""

    SELECT = "SELECT"
    ASK = "ASK"
    CONSTRUCT = "CONSTRUCT"
    DESCRIBE = "DESCRIBE"
    UPDATE = "UPDATE"

    @property
    def gives_graph(self) -> bool:
        """True where the answer is RDF, false where it is a table or a boolean."""
        return self in (Form.CONSTRUCT, Form.DESCRIBE)


@dataclass(frozen=True, slots=True)
class Outline:
    """A text in outline.

    ``default_graphs`` and ``named_graphs`` are the IRIs of FROM and FROM NAMED; ``services`` and ``loads``
    the (line, column) where those words stand; ``sizes`` the measures that the guard bounds; ``normal``
    the text without comments and with single spaces, so equal queries are equal texts.
    """

    form: Form
    base: str | None
    prefixes: Mapping[str, str] = field(repr=False)
    default_graphs: tuple[str, ...]
    named_graphs: tuple[str, ...]
    services: tuple[tuple[int, int], ...]
    loads: tuple[tuple[int, int], ...]
    volatile: bool
    sizes: Mapping[str, int]
    normal: str = field(repr=False)

    @property
    def has_dataset(self) -> bool:
        """True where the text says FROM or FROM NAMED."""
        return bool(self.default_graphs or self.named_graphs)


def outline(text: str, base: str | None = None, prefixes: Mapping[str, str] | None = None) -> Outline:
    """Read ``text``; ``base`` resolves what its own BASE does not, ``prefixes`` need no declaration.

    Raises :class:`QuerySyntaxError` for what is no token, no word of SPARQL, or an undeclared prefix.
    """
    tokens = code(tokenize(text))
    _check_tokens(text, tokens)
    prologue, rest = _prologue(text, tokens, base, prefixes or {})
    form = _form(text, tokens, rest)
    _check_prefixes(text, tokens[rest:], prologue.prefixes)
    default_graphs, named_graphs = _dataset(tokens[rest:], prologue)
    return Outline(
        form=form,
        base=prologue.base,
        prefixes=prologue.prefixes,
        default_graphs=default_graphs,
        named_graphs=named_graphs,
        services=tuple(position(text, t.start) for t in _words(tokens, "SERVICE")),
        loads=tuple(position(text, t.start) for t in _words(tokens, "LOAD")),
        volatile=any(t.kind is Kind.WORD and t.upper in words.VOLATILE for t in tokens),
        sizes=sizes(text, tokens),
        normal=" ".join(t.text for t in tokens),
    )


def _words(tokens: list[Token], word: str) -> Iterator[Token]:
    return (t for t in tokens if t.kind is Kind.WORD and t.upper == word)


def _error(key: str, text: str, token: Token | None, **params: object) -> QuerySyntaxError:
    line, column = position(text, len(text) if token is None else token.start)
    return QuerySyntaxError(key, line=line, column=column, **params)


def _check_tokens(text: str, tokens: list[Token]) -> None:
    for token in tokens:
        if token.kind is Kind.BAD:
            key = "sparql-open-string" if token.text in "\"'" else "sparql-bad-character"
            raise _error(key, text, token, found=_shown(token.text))
        if token.text == "<" and token.place is not Place.EXPRESSION:
            raise _error("sparql-open-iri", text, token)
        if token.kind is Kind.WORD and token.upper not in words.KNOWN:
            nearest = difflib.get_close_matches(token.upper, words.KNOWN, 1, 0.75)
            key = "sparql-near-word" if nearest else "sparql-unknown-word"
            raise _error(key, text, token, found=_shown(token.text), nearest="".join(nearest))


def _shown(found: str) -> str:
    """Give a piece of a query as an error may show it: short and printable."""
    cut = found if len(found) <= 40 else found[:40] + "…"
    return "".join(c if c.isprintable() else f"U+{ord(c):04X}" for c in cut)


@dataclass(slots=True)
class _Prologue:
    base: str | None
    prefixes: dict[str, str]

    def resolve(self, token: Token) -> str | None:
        """Give the IRI of an IRI or prefixed name, or None where it has none."""
        if token.kind is Kind.IRI:
            return resolve(token.text, self.base)
        prefix, _, local = token.text.partition(":")
        namespace = self.prefixes.get(prefix)
        return None if namespace is None else namespace + re.sub(r"\\(.)", r"\1", local)


def resolve(written: str, base: str | None) -> str | None:
    r"""Give the IRI of ``<written>`` with its ``\u`` escapes, resolved as Oxigraph resolves it, or None.

    >>> resolve("<../b\\u00e4r>", "http://e/x/y")
    'http://e/bär'
    """
    try:
        quad = next(ox.parse(f"{written} <a:a> <a:a> .", ox.RdfFormat.TURTLE, base_iri=base))
    except (SyntaxError, ValueError, StopIteration):
        return None
    return quad.subject.value if isinstance(quad.subject, ox.NamedNode) else None


def _prologue(text: str, tokens: list[Token], base: str | None, prefixes: Mapping[str, str]) -> tuple[_Prologue, int]:
    """Give the prologue and the index of the first token behind it."""
    found = _Prologue(base, dict(prefixes))
    at = 0
    while at < len(tokens) and tokens[at].kind is Kind.WORD:
        word, rest = tokens[at].upper, tokens[at + 1 : at + 3]
        if word == "BASE" and rest[:1] and rest[0].kind is Kind.IRI:
            found.base = resolve(rest[0].text, found.base)
            at += 2
        elif word == "PREFIX" and [t.kind for t in rest] == [Kind.PNAME, Kind.IRI]:
            found.prefixes[rest[0].text.removesuffix(":")] = resolve(rest[1].text, found.base) or ""
            at += 3
        elif word == "VERSION" and rest[:1] and rest[0].kind is Kind.STRING:
            at += 2
        elif word in ("BASE", "PREFIX", "VERSION"):
            raise _error("sparql-prologue", text, tokens[at], found=word)
        else:
            break
    return found, at


def _form(text: str, tokens: list[Token], at: int) -> Form:
    if at >= len(tokens):
        raise _error("sparql-empty", text, None)
    word = tokens[at].upper if tokens[at].kind is Kind.WORD else ""
    if word in words.UPDATES:
        return Form.UPDATE
    if word not in words.FORMS:
        raise _error("sparql-no-form", text, tokens[at], found=_shown(tokens[at].text))
    return Form(word)


_KEYWORD_AND_PREFIX: Final = re.compile(r"(?i:filter|service)(.*)", re.DOTALL)


def _check_prefixes(text: str, tokens: list[Token], prefixes: Mapping[str, str]) -> None:
    """Refuse undeclared prefixes, and keywords grown together with a name (``SERVICEex:x {``).

    Oxigraph reads the latter as keyword and name; other processors read one name.
    """
    for at, token in enumerate(tokens):
        if token.kind is not Kind.PNAME:
            if token.upper == "PREFIX" and token.kind is Kind.WORD:
                return  # a later prologue, which only updates have: Oxigraph checks the rest
            continue
        prefix = token.text.partition(":")[0]
        grown = _KEYWORD_AND_PREFIX.search(prefix)
        opens = at + 1 < len(tokens) and tokens[at + 1].text in ("(", "{")
        if grown and grown[1] in prefixes and opens:
            raise _error("sparql-grown-together", text, token, found=_shown(token.text))
        if prefix not in prefixes:
            known = PREFIXES.get(prefix)
            key = "sparql-known-prefix" if known else "sparql-unknown-prefix"
            raise _error(key, text, token, prefix=_shown(prefix), namespace=known or "")


def _dataset(tokens: list[Token], prologue: _Prologue) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give the IRIs of FROM and of FROM NAMED (https://www.w3.org/TR/sparql11-query/#specifyingDataset)."""
    default: list[str] = []
    named: list[str] = []
    for at, token in enumerate(tokens):
        if token.place is not Place.TOP or token.kind is not Kind.WORD or token.upper != "FROM":
            continue
        following = tokens[at + 1 : at + 3]
        is_named = bool(following) and following[0].upper == "NAMED"
        graph = following[1:2] if is_named else following[:1]
        iri = prologue.resolve(graph[0]) if graph and graph[0].kind in (Kind.IRI, Kind.PNAME) else None
        if iri is not None:
            (named if is_named else default).append(iri)
    return tuple(default), tuple(named)
