"""Triples of a query as a list of simple patterns: lists, blank nodes and paths spelled out as variables.

Source: https://www.w3.org/TR/sparql11-query/#sparqlGrammar (rules 75 to 99)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from stadtgraph.sparql.patterns import Unreadable
from stadtgraph.sparql.tokens import Kind, Token

_RDF: Final = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#{}>"
_PLAIN: Final = frozenset({Kind.VARIABLE, Kind.IRI, Kind.PNAME, Kind.NUMBER})


@dataclass(frozen=True, slots=True)
class Simple:
    """A pattern of three terms as SPARQL writes them."""

    subject: str
    predicate: str
    object: str

    def __str__(self) -> str:
        return f"{self.subject} {self.predicate} {self.object} ."


@dataclass(frozen=True, slots=True)
class Closure:
    """A path of any length between two terms: its text, and the properties it may walk (``True`` is backwards).

    ``steps`` is ``None`` where the path is more than a choice of properties. ``properties`` are all that stand in it,
    or ``None`` where it may walk any; ``may_stay`` tells that it joins a node with itself without a step.
    """

    subject: str
    path: str
    object: str
    steps: tuple[tuple[str, bool], ...] | None
    properties: tuple[str, ...] | None = None
    may_stay: bool = False

    def __str__(self) -> str:
        return f"{self.subject} {self.path} {self.object} ."


@dataclass(frozen=True, slots=True)
class Choice:
    """Patterns of which any may hold."""

    branches: tuple[tuple[Pattern, ...], ...]


Pattern = Simple | Closure | Choice


@dataclass(frozen=True, slots=True)
class _Path:
    """A path: an operator and its parts; ``iri`` and ``negated`` have a text."""

    operator: str
    parts: tuple[_Path, ...] = ()
    text: str = ""

    def __str__(self) -> str:
        match self.operator:
            case "iri" | "negated":
                return self.text
            case "^":
                return f"^({self.parts[0]})"
            case "/" | "|":
                return "(" + self.operator.join(str(part) for part in self.parts) + ")"
            case _:
                return f"({self.parts[0]}){self.operator}"

    def steps(self) -> tuple[tuple[str, bool], ...] | None:
        """Give the properties of a choice of properties."""
        if self.operator == "iri":
            return ((self.text, False),)
        if self.operator == "^":
            inner = self.parts[0].steps()
            return None if inner is None else tuple((text, not back) for text, back in inner)
        if self.operator == "|":
            found = [part.steps() for part in self.parts]
            return None if None in found else tuple(step for part in found for step in part or ())
        return None

    def properties(self) -> tuple[str, ...] | None:
        """Give all properties that stand in the path; ``None`` where it may walk any."""
        if self.operator == "negated":
            return None
        found: list[tuple[str, ...]] = [(self.text,) if self.operator == "iri" else ()]
        for part in self.parts:
            inner = part.properties()
            if inner is None:
                return None
            found.append(inner)
        return tuple(dict.fromkeys(text for inner in found for text in inner))

    def may_stay(self) -> bool:
        """Tell whether the path may join a node with itself without a step."""
        match self.operator:
            case "*" | "?":
                return True
            case "/":
                return all(part.may_stay() for part in self.parts)
            case _:
                return any(part.may_stay() for part in self.parts)


def read(tokens: Sequence[Token], fresh: Callable[[], str], blank: dict[str, str]) -> list[Pattern]:
    """Give the patterns of a run of triples; ``fresh`` gives a new variable, ``blank`` those of labelled blank nodes.

    Raises :class:`Unreadable` for what SPARQL 1.1 does not know, such as triple terms.
    """
    return _Reader(tokens, fresh, blank).triples()


class _Reader:
    def __init__(self, tokens: Sequence[Token], fresh: Callable[[], str], blank: dict[str, str]) -> None:
        self._tokens, self._at, self._fresh, self._blank = tokens, 0, fresh, blank
        self._found: list[Pattern] = []

    def triples(self) -> list[Pattern]:
        while self._at < len(self._tokens):
            if self._text() == ".":
                self._at += 1
                continue
            is_complete = self._text() in ("[", "(")
            subject = self._node()
            if not (is_complete and self._text() in (".", "")):
                self._properties(subject)
        return self._found

    def _text(self) -> str:
        return self._tokens[self._at].text if self._at < len(self._tokens) else ""

    def _take(self, expected: str = "") -> Token:
        if self._at >= len(self._tokens) or (expected and self._text() != expected):
            raise Unreadable
        self._at += 1
        return self._tokens[self._at - 1]

    def _properties(self, subject: str) -> None:
        while True:
            path = self._path()
            while True:
                self._found += self._spelled(subject, path, self._node())
                if self._text() != ",":
                    break
                self._at += 1
            while self._text() == ";":
                self._at += 1
            if self._text() in (".", "]", "", ")") or self._tokens[self._at - 1].text != ";":
                return

    def _node(self) -> str:
        token = self._take()
        if token.text == "[":
            node = self._fresh()
            if self._text() != "]":
                self._properties(node)
            self._take("]")
            return node
        if token.text == "(":
            return self._collection()
        if token.kind is Kind.BNODE:
            if token.text.startswith("["):
                return self._fresh()
            return self._blank.setdefault(token.text, self._fresh())
        if token.kind is Kind.STRING:
            if self._at < len(self._tokens) and self._tokens[self._at].kind is Kind.LANGUAGE:
                return token.text + self._take().text
            if self._text() == "^^":
                self._take()
                return f"{token.text}^^{self._take().text}"
            return token.text
        if token.kind in _PLAIN or token.upper in ("TRUE", "FALSE"):
            return token.text
        if token.text in ("-", "+"):
            return token.text + self._take().text
        raise Unreadable

    def _collection(self) -> str:
        items = []
        while self._text() != ")":
            items.append(self._node())
        self._take(")")
        node = _RDF.format("nil")
        for item in reversed(items):
            before = self._fresh()
            self._found.append(Simple(before, _RDF.format("first"), item))
            self._found.append(Simple(before, _RDF.format("rest"), node))
            node = before
        return node

    def _path(self) -> _Path:
        if self._at < len(self._tokens) and self._tokens[self._at].kind is Kind.VARIABLE:
            return _Path("iri", text=self._take().text)
        parts = [self._sequence()]
        while self._text() == "|":
            self._at += 1
            parts.append(self._sequence())
        return parts[0] if len(parts) == 1 else _Path("|", tuple(parts))

    def _sequence(self) -> _Path:
        parts = [self._element()]
        while self._text() == "/":
            self._at += 1
            parts.append(self._element())
        return parts[0] if len(parts) == 1 else _Path("/", tuple(parts))

    def _element(self) -> _Path:
        if self._text() == "^":
            self._at += 1
            return _Path("^", (self._element(),))
        found = self._primary()
        if self._text() in ("*", "+", "?"):
            found = _Path(self._take().text, (found,))
        return found

    def _primary(self) -> _Path:
        token = self._take()
        if token.kind in (Kind.IRI, Kind.PNAME):
            return _Path("iri", text=token.text)
        if token.text == "a":
            return _Path("iri", text=_RDF.format("type"))
        if token.text == "(":
            inner = self._path()
            self._take(")")
            return inner
        if token.text == "!":
            return _Path("negated", text="!" + self._negated())
        raise Unreadable

    def _negated(self) -> str:
        if self._text() != "(":
            return ("^" if self._text() == "^" and self._take() else "") + self._take().text
        first = self._at
        while self._text() != ")":
            self._take()
        self._take(")")
        return "".join(token.text for token in self._tokens[first : self._at])

    def _spelled(self, subject: str, path: _Path, object: str) -> Iterator[Pattern]:
        """Spell a path out as simple patterns as far as it goes."""
        match path.operator:
            case "iri":
                yield Simple(subject, path.text, object)
            case "^":
                yield from self._spelled(object, path.parts[0], subject)
            case "/":
                for number, part in enumerate(path.parts):
                    is_last = number == len(path.parts) - 1
                    target = object if is_last else self._fresh()
                    yield from self._spelled(subject, part, target)
                    subject = target
            case "|":
                yield Choice(tuple(tuple(self._spelled(subject, part, object)) for part in path.parts))
            case "negated":
                yield Closure(subject, str(path), object, None)
            case _:
                known = path.parts[0].steps(), path.properties(), path.may_stay()
                yield Closure(subject, str(path), object, *known)
