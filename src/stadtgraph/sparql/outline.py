"""What a SPARQL text is about, read from its tokens without parsing it: form, prologue, dataset, sizes.

>>> o = outline("PREFIX ex: <http://e/> SELECT * FROM ex:g { ?s ?p ?o }")
>>> o.form, o.default_graphs, o.sizes["nesting"]
(<Form.SELECT: 'SELECT'>, ('http://e/g',), 1)
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import Final

import pyoxigraph as ox

from stadtgraph.errors import QueryRefused, QuerySyntaxError
from stadtgraph.sparql import words
from stadtgraph.sparql.sizes import sizes
from stadtgraph.sparql.tokens import Kind, Place, Token, position, tokenize
from stadtgraph.terms import PREFIXES

MOST_DECLARED: Final = 1000
"""BASE and PREFIX together, and FROM and FROM NAMED together."""
LONGEST_IRI: Final = 2048
"""Characters of an IRI that others are resolved against, and of one that FROM names: each is kept."""
_SHOWN: Final = 20


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
    the (line, column) where those words stand (the first twenty); ``sizes`` the measures that the guard bounds;
    ``normal`` the text without comments and with single spaces, so equal queries are equal texts.
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
    tokens = checked_code(text)
    prologue, rest = read_prologue(text, tokens, base, prefixes or {})
    form = _form(text, tokens, rest)
    check_prefixes(text, tokens[rest:], prologue.prefixes, form)
    default_graphs, named_graphs = _dataset(text, tokens[rest:], prologue)
    return Outline(
        form=form,
        base=prologue.base,
        prefixes=prologue.prefixes,
        default_graphs=default_graphs,
        named_graphs=named_graphs,
        services=_places(text, tokens, "SERVICE"),
        loads=_places(text, tokens, "LOAD"),
        volatile=any(t.kind is Kind.WORD and t.upper in words.VOLATILE for t in tokens),
        sizes=sizes(text, tokens),
        normal=_normal(tokens),
    )


def checked_code(text: str) -> list[Token]:
    """Give the tokens of ``text`` that mean something; raise :class:`QuerySyntaxError` for what is none."""
    return [_checked(text, t) for t in tokenize(text, gaps=False)]


def _places(text: str, tokens: list[Token], word: str) -> tuple[tuple[int, int], ...]:
    found = (t for t in tokens if t.kind is Kind.WORD and t.upper == word)
    return tuple(position(text, t.start) for t in islice(found, _SHOWN))


def _normal(tokens: list[Token]) -> str:
    """Give the tokens with single spaces; a sign that touches its number stays with it, as only lists care about."""
    parts: list[str] = []
    for before, token in zip([None, *tokens], tokens, strict=False):
        touches = before is not None and before.start + len(before.text) == token.start
        if touches and token.kind is Kind.NUMBER and before is not None and before.text in "+-":
            parts[-1] += token.text
        else:
            parts.append(token.text)
    return " ".join(parts)


def error_at(key: str, text: str, token: Token | None, **params: object) -> QuerySyntaxError:
    """Give the error for a token (``None``: the end of the text), with its line and column."""
    line, column = position(text, len(text) if token is None else token.start)
    return QuerySyntaxError(key, line=line, column=column, **params)


def _checked(text: str, token: Token) -> Token:
    """Give ``token`` back; raise where it is none, or no word of SPARQL."""
    if token.kind is Kind.BAD:
        key = "sparql-open-string" if token.text in "\"'" else "sparql-bad-character"
        raise error_at(key, text, token, found=printable(token.text))
    if token.text == "<" and token.place is not Place.EXPRESSION:
        raise error_at("sparql-open-iri", text, token)
    if token.kind is Kind.WORD and token.upper not in words.KNOWN:
        nearest = difflib.get_close_matches(token.upper, words.KNOWN, 1, 0.75)
        key = "sparql-near-word" if nearest else "sparql-unknown-word"
        raise error_at(key, text, token, found=printable(token.text), nearest="".join(nearest))
    return token


def printable(found: str) -> str:
    """Give a piece of a query as an error may show it: short and printable."""
    cut = found if len(found) <= 40 else found[:40] + "…"
    return "".join(c if c.isprintable() else f"U+{ord(c):04X}" for c in cut)


@dataclass(slots=True)
class Prologue:
    """What BASE and PREFIX have declared so far."""

    base: str | None
    prefixes: dict[str, str]

    def resolve(self, token: Token) -> str | None:
        """Give the IRI of an IRI or prefixed name, or None where it has none; refuse one that is too long."""
        if token.kind is Kind.IRI:
            found = resolve(token.text, self.base)
        else:
            prefix, _, local = token.text.partition(":")
            namespace = self.prefixes.get(prefix)
            found = None if namespace is None else namespace + re.sub(r"\\(.)", r"\1", local)
        if found is not None and len(found) > LONGEST_IRI:
            raise QueryRefused("guard-iri", found=len(found), bound=LONGEST_IRI)
        return found


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


def read_prologue(
    text: str, tokens: list[Token], base: str | None, prefixes: Mapping[str, str]
) -> tuple[Prologue, int]:
    """Give the prologue and the index of the first token behind it."""
    found = Prologue(base, dict(prefixes))
    at = 0
    _bound_declared(sum(t.upper in ("BASE", "PREFIX") for t in tokens if t.kind is Kind.WORD))
    while at < len(tokens) and tokens[at].kind is Kind.WORD:
        word, rest = tokens[at].upper, tokens[at + 1 : at + 3]
        if word == "BASE" and rest[:1] and rest[0].kind is Kind.IRI:
            found.base = found.resolve(rest[0])
            at += 2
        elif word == "PREFIX" and [t.kind for t in rest] == [Kind.PNAME, Kind.IRI]:
            found.prefixes[rest[0].text.removesuffix(":")] = found.resolve(rest[1]) or ""
            at += 3
        elif word == "VERSION" and rest[:1] and rest[0].kind is Kind.STRING:
            at += 2
        elif word in ("BASE", "PREFIX", "VERSION"):
            raise error_at("sparql-prologue", text, tokens[at], found=word)
        else:
            break
    return found, at


def _bound_declared(number: int) -> None:
    if number > MOST_DECLARED:
        raise QueryRefused("guard-declared", found=number, bound=MOST_DECLARED)


def _form(text: str, tokens: list[Token], at: int) -> Form:
    if at >= len(tokens):
        raise error_at("sparql-empty", text, None)
    word = tokens[at].upper if tokens[at].kind is Kind.WORD else ""
    if word in words.UPDATES:
        return Form.UPDATE
    if word not in words.FORMS:
        raise error_at("sparql-no-form", text, tokens[at], found=printable(tokens[at].text))
    return Form(word)


_CALLING: Final = re.compile(r"(?i:filter|service|silent|graph)")
_LEADING: Final = re.compile(r"(?i:from|named)+")
_CHANGING: Final = re.compile(
    r"(?i:graph|named|using|with|into|to|load|silent|clear|drop|create|add|move|copy|insert|delete|where|default|all)+"
)


def check_prefixes(text: str, tokens: list[Token], prefixes: Mapping[str, str], form: Form) -> None:
    """Refuse undeclared prefixes, and keywords grown together with a name (``SERVICEex:x {``, ``FROMex:g``).

    Oxigraph reads the latter as keyword and name; other processors, and the tokens here, are one name.
    """
    declared = dict.fromkeys(prefixes)
    declared |= {t.text.removesuffix(":"): None for t in tokens if form is Form.UPDATE and t.text.endswith(":")}
    calls = _ambiguous(declared, lambda name: {m.end() for m in _CALLING.finditer(name)})
    keywords = _CHANGING if form is Form.UPDATE else _LEADING
    leads = _ambiguous(declared, lambda name: range(1, m.end() + 1) if (m := keywords.match(name)) else ())
    for at, token in enumerate(tokens):
        if token.kind is not Kind.PNAME:
            continue
        prefix = token.text.partition(":")[0]
        opens = at + 1 < len(tokens) and tokens[at + 1].text in ("(", "{")
        before = tokens[at - 1].upper if at else ""
        first = token.place is Place.TOP and before != "NAMED" and not (before == prefix[:4].upper() == "FROM")
        if (prefix in calls and opens) or (prefix in leads and (first or form is Form.UPDATE)):
            raise error_at("sparql-grown-together", text, token, found=printable(token.text))
        if prefix not in declared:
            known = PREFIXES.get(prefix)
            key = "sparql-known-prefix" if known else "sparql-unknown-prefix"
            raise error_at(key, text, token, prefix=printable(prefix), namespace=known or "")


def _ambiguous(declared: Mapping[str, object], ends: Callable[[str], Container[int]]) -> set[str]:
    """Give the names that end in another declared one, which begins where a keyword may end."""
    lengths = {len(name) for name in declared}
    found = set()
    for name in declared:
        at = ends(name)
        for length in lengths:
            if len(name) - length in at and name[len(name) - length :] in declared:
                found.add(name)
    return found


def _dataset(text: str, tokens: list[Token], prologue: Prologue) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give the IRIs of FROM and of FROM NAMED (https://www.w3.org/TR/sparql11-query/#specifyingDataset)."""
    default: dict[str, None] = {}
    named: dict[str, None] = {}
    clauses = [at for at, t in enumerate(tokens) if t.kind is Kind.WORD and t.upper == "FROM" and t.place is Place.TOP]
    _bound_declared(len(clauses))
    for at in clauses:
        following = tokens[at + 1 : at + 3]
        is_named = bool(following) and following[0].upper == "NAMED"
        graph = following[1:2] if is_named else following[:1]
        iri = prologue.resolve(graph[0]) if graph and graph[0].kind in (Kind.IRI, Kind.PNAME) else None
        if iri is None and prologue.base is not None:
            raise error_at("sparql-no-graph", text, tokens[at], found="FROM NAMED" if is_named else "FROM")
        if iri is not None:
            (named if is_named else default)[iri] = None
    return tuple(default), tuple(named)
