"""Reads the graph patterns of a SPARQL constraint: which triples it asks for, and how they hang together.

No full parser: what it does not know makes it raise :class:`BeyondReading`, and the constraint is then taken to look at
everything. Source: https://www.w3.org/TR/sparql11-query/#sparqlGrammar
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pyoxigraph as ox

from stadtgraph.shacl.paths import ANY, Form, Path, plus, step
from stadtgraph.sparql.tokens import Kind, Token, code, tokenize
from stadtgraph.terms import RDF


class BeyondReading(ValueError):
    """The text has a part that is not read here."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable, or a blank node of the query."""

    name: str


Item = Variable | ox.NamedNode | ox.Literal
THIS = Variable("this")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A triple pattern, with a path for its predicate."""

    subject: Item
    path: Path
    object: Item


@dataclass(slots=True)
class Group:
    """What stands between two braces, in its order."""

    parts: list[Pattern | Option | Union | Nested] = field(default_factory=list)
    exists: list[Group] = field(default_factory=list)
    """The patterns that its filters and assignments test."""

    def patterns(self) -> Iterator[Pattern]:
        """Give every triple pattern, those of inner groups too."""
        for part in self.parts:
            if isinstance(part, Pattern):
                yield part
            else:
                for group in part.groups:
                    yield from group.patterns()
        for group in self.exists:
            yield from group.patterns()


@dataclass(frozen=True, slots=True)
class Option:
    """``OPTIONAL { }``."""

    groups: tuple[Group]


@dataclass(frozen=True, slots=True)
class Union:
    """``{ } UNION { }``, or a lone ``{ }``."""

    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class Nested:
    """A sub-select, whose variables are its own."""

    groups: tuple[Group]


def read(text: str, prefixes: Mapping[str, str], path: Path | None) -> Group:
    """Read a SELECT or ASK query; ``path`` is what ``$PATH`` stands for."""
    return _Reader(code(tokenize(text)), dict(prefixes), path).query()


_LEFT_OUT = {"GRAPH", "SERVICE", "MINUS", "VALUES", "LATERAL", "BASE", "FROM"}


class _Reader:
    def __init__(self, tokens: list[Token], prefixes: dict[str, str], path: Path | None) -> None:
        self.tokens, self.prefixes, self.shape_path = tokens, prefixes, path
        self.at = 0
        self.fresh = 0

    # tokens

    def peek(self, ahead: int = 0) -> str:
        """Give a token's text, keywords in capital letters; nothing at the end."""
        if self.at + ahead >= len(self.tokens):
            return ""
        token = self.tokens[self.at + ahead]
        return token.upper if token.kind is Kind.WORD else token.text

    def take(self, wanted: str = "") -> Token:
        """Give the next token, which must be ``wanted``."""
        if self.at >= len(self.tokens) or (wanted and self.peek() != wanted):
            raise BeyondReading(self.peek())
        self.at += 1
        return self.tokens[self.at - 1]

    def has(self, text: str) -> bool:
        """Take the next token where it is ``text``."""
        found = self.peek() == text
        self.at += found
        return found

    # groups

    def query(self) -> Group:
        """Read the whole text."""
        while self.has("PREFIX"):
            prefix, iri = self.take(), self.take()
            self.prefixes[prefix.text.rstrip(":")] = iri.text[1:-1]
        if not self.has("ASK"):
            self.take("SELECT")
        return self._selected()

    def _selected(self) -> Group:
        aside = Group()
        while self.peek() not in ("{", ""):
            if self.peek() in _LEFT_OUT:
                raise BeyondReading(self.peek())
            self._skip_one(aside)
        group = self.group()
        while self.peek() not in ("}", ""):
            self._skip_one(group)
        group.exists += aside.exists
        return group

    def group(self) -> Group:
        """Read ``{ }``."""
        self.take("{")
        found = Group()
        if self.has("SELECT"):
            found.parts.append(Nested((self._selected(),)))
            self.take("}")
            return found
        while not self.has("}"):
            self._part(found)
        return found

    def _part(self, group: Group) -> None:
        word = self.peek()
        if word in _LEFT_OUT:
            raise BeyondReading(word)
        if word == ".":
            self.at += 1
        elif word == "{":
            groups = [self.group()]
            while self.has("UNION"):
                groups.append(self.group())
            group.parts.append(Union(tuple(groups)))
        elif self.has("OPTIONAL"):
            group.parts.append(Option((self.group(),)))
        elif self.has("FILTER"):
            self._filter(group)
        elif self.has("BIND"):
            self._skip_one(group)
        else:
            self._triples(group)

    def _filter(self, group: Group) -> None:
        self.has("NOT")
        if self.has("EXISTS"):
            group.exists.append(self.group())
            return
        if self.peek() != "(":
            self.take()
        self._skip_one(group)

    def _skip_one(self, group: Group) -> None:
        """Pass over one token, or over everything in brackets; the patterns that are tested there are kept."""
        token = self.take()
        if token.text != "(":
            if token.text in ("{", "}", ")"):
                raise BeyondReading(token.text)
            return
        while not self.has(")"):
            if self.has("EXISTS"):
                group.exists.append(self.group())
            else:
                self._skip_one(group)

    # triples

    def _triples(self, group: Group) -> None:
        bracketed = self.peek() == "["
        subject = self._item(group)
        if not (bracketed and self.peek() in (".", "}")):
            self._properties(group, subject)

    def _properties(self, group: Group, subject: Item) -> None:
        while True:
            path = self._verb()
            while True:
                group.parts.append(Pattern(subject, path, self._item(group)))
                if not self.has(","):
                    break
            if not self.has(";"):
                return
            while self.has(";"):
                pass
            if self.peek() in (".", "}", "]", ""):
                return

    def _item(self, group: Group) -> Item:
        if self.has("["):
            self.fresh += 1
            blank = Variable(f"[{self.fresh}]")
            if not self.has("]"):
                self._properties(group, blank)
                self.take("]")
            return blank
        token = self.take()
        if token.kind is Kind.VARIABLE:
            return Variable(token.text[1:])
        if token.kind is Kind.BNODE:
            return Variable(token.text)
        if token.kind in (Kind.IRI, Kind.PNAME):
            return self._iri(token)
        return self._literal(token)

    def _literal(self, token: Token) -> ox.Literal:
        """Read a literal, whose value does not matter: it is only ever an object."""
        if token.text in ("+", "-"):
            token = self.take()
        is_word = token.kind is Kind.WORD and token.upper in ("TRUE", "FALSE")
        if not is_word and token.kind not in (Kind.STRING, Kind.NUMBER):
            raise BeyondReading(token.text)
        if token.kind is Kind.STRING:
            if self.has("^^"):
                self.take()
            elif self.at < len(self.tokens) and self.tokens[self.at].kind is Kind.LANGUAGE:
                self.at += 1
        return ox.Literal(token.text)

    def _iri(self, token: Token) -> ox.NamedNode:
        if token.kind is Kind.IRI and ":" in token.text and "\\" not in token.text:
            return ox.NamedNode(token.text[1:-1])
        prefix, _, local = token.text.partition(":")
        if token.kind is not Kind.PNAME or prefix not in self.prefixes or "\\" in local:
            raise BeyondReading(token.text)
        return ox.NamedNode(self.prefixes[prefix] + local)

    # paths

    def _verb(self) -> Path:
        if self.at < len(self.tokens) and self.tokens[self.at].kind is Kind.VARIABLE:
            name = self.take().text[1:]
            if name != "PATH":
                return step(None)
            if self.shape_path is None:
                raise BeyondReading("$PATH")
            return self.shape_path
        return self._choice()

    def _choice(self) -> Path:
        parts = [self._sequence()]
        while self.has("|"):
            parts.append(self._sequence())
        return parts[0] if len(parts) == 1 else Path(Form.CHOICE, tuple(parts))

    def _sequence(self) -> Path:
        parts = [self._element()]
        while self.has("/"):
            parts.append(self._element())
        return parts[0] if len(parts) == 1 else Path(Form.SEQUENCE, tuple(parts))

    def _element(self) -> Path:
        if self.has("^"):
            return Path(Form.INVERSE, (self._element(),))
        if self.has("!"):
            self._primary()
            return ANY
        path = self._primary()
        if self.has("?"):
            return Path(Form.OPTION, (path,))
        if self.has("*"):
            return Path(Form.STAR, (path,))
        return plus(path) if self.has("+") else path

    def _primary(self) -> Path:
        if self.has("("):
            path = self._choice()
            self.take(")")
            return path
        token = self.take()
        if token.text == "a":
            return step(RDF.type)
        if token.kind not in (Kind.IRI, Kind.PNAME):
            raise BeyondReading(token.text)
        return step(self._iri(token))
