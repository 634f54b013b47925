"""Turn a query into one that gives what its solutions matched.

``CONSTRUCT { every pattern } WHERE { the query's own pattern }``: paths are spelled out where they have a fixed length,
and what a branch of a UNION or an OPTIONAL matched is named by variables that only this branch binds, so that nothing
is reported that another branch matched. Statements with the predicates of :data:`MARKS` carry what is no triple: the
pairs that a path of any length joined, the graphs of GRAPH clauses, the things described.

What stands in MINUS, EXISTS, sub-queries that group or limit, and what a path walks that is more than a choice of
properties, is *consulted*: its patterns are kept by themselves, and every graph that holds a triple that fits counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from stadtgraph.lineage.triples import Choice, Closure, Pattern, Simple, read
from stadtgraph.sparql import patterns
from stadtgraph.sparql.patterns import Element, Group, What
from stadtgraph.sparql.tokens import Kind, Token, code, tokenize

MARKS: Final = "urn:stadtgraph:mark:"
"""The beginning of the predicates that carry what is no triple."""
GRAPH: Final = f"{MARKS}graph"
DESCRIBED: Final = f"{MARKS}described"
PATH: Final = f"{MARKS}path:"
_NAME: Final = "stadtgraph_w"
_GROUPING: Final = frozenset({"GROUP", "HAVING", "LIMIT", "OFFSET"})


@dataclass(slots=True)
class Witness:
    """The query for the witnesses; ``closures`` by the number of their mark; patterns that are only ``consulted``.

    ``is_exact`` tells that nothing is reported but what a solution matched.
    """

    text: str = ""
    closures: list[Closure] = field(default_factory=list)
    consulted: list[Simple] = field(default_factory=list)
    is_exact: bool = True


def witness(text: str, described: bool = False) -> Witness:
    """Give the query for the witnesses of ``text``; raise :class:`patterns.Unreadable` where it is none."""
    return _Writer(text, described).write()


class _Writer:
    def __init__(self, text: str, described: bool) -> None:
        self._text, self._described = text, described
        self._tokens = code(tokenize(text))
        self._numbers = count()
        self._template: list[str] = []
        self._found = Witness()
        self._graph: str | None = None

    def write(self) -> Witness:
        where, head = self._where(), self._head()
        body = "" if where is None else self._group(where, {}, branch=False)
        for name in head:
            self._template.append(f"{name} <{DESCRIBED}> {name} .")
        if where is None:
            fresh = [self._fresh() for _ in head]
            body = " ".join(f"BIND({name} AS {new})" for name, new in zip(head, fresh, strict=True))
            self._template = [f"{new} <{DESCRIBED}> {new} ." for new in fresh]
        prologue = self._prologue()
        self._found.text = f"{prologue}CONSTRUCT {{ {' '.join(self._template)} }} WHERE {{ {body} }}"
        return self._found

    def _where(self) -> Group | None:
        if self._described and not any(t.text == "{" for t in self._tokens):
            return None
        return patterns.read(self._tokens)

    def _head(self) -> list[str]:
        """Give what DESCRIBE names."""
        if not self._described:
            return []
        at = next(i for i, t in enumerate(self._tokens) if t.kind is Kind.WORD and t.upper == "DESCRIBE")
        found = []
        for token in self._tokens[at + 1 :]:
            if token.text in ("{", "*") or (token.kind is Kind.WORD and token.upper in ("WHERE", "FROM")):
                break
            found.append(_same(token))
        return found

    def _prologue(self) -> str:
        for token in self._tokens:
            if token.kind is Kind.WORD and token.upper in ("SELECT", "ASK", "CONSTRUCT", "DESCRIBE"):
                return self._text[: token.start]
        return ""

    def _fresh(self) -> str:
        return f"?{_NAME}{next(self._numbers)}"

    def _group(self, group: Group, names: dict[str, str], *, branch: bool) -> str:
        """Give the text inside the braces of a group; in a ``branch``, what it matched is named for it alone."""
        if group.is_select:
            return self._select(group, names)
        template, blank = self._template, dict[str, str]()
        self._template = []
        parts = [self._element(element, names, blank) for element in group.elements]
        own, self._template = self._template, template
        if branch:
            bound: dict[str, str] = {}
            own = [self._named(statement, bound) for statement in own]
            parts += [f"BIND({term} AS {name})" for term, name in bound.items()]
        self._template += own
        return " ".join(parts)

    def _named(self, statement: str, bound: dict[str, str]) -> str:
        subject, rest = statement.split(" ", 1)
        if subject.startswith(f"?{_NAME}b"):
            return statement
        name = bound.setdefault(subject, f"?{_NAME}b{next(self._numbers)}")
        return f"{name} {rest}"

    def _element(self, element: Element, names: dict[str, str], blank: dict[str, str]) -> str:
        match element.what:
            case What.TRIPLES:
                tokens = [self._renamed(t, names) for t in self._tokens[element.first : element.last]]
                return " ".join(self._stated(p) for p in read(tokens, self._fresh, blank))
            case What.GROUP:
                is_branch = len(element.groups) > 1
                bodies = [self._group(g, names, branch=is_branch) for g in element.groups]
                return " UNION ".join(f"{{ {body} }}" for body in bodies)
            case What.OPTIONAL:
                self._found.is_exact = False
                return f"OPTIONAL {{ {self._group(element.groups[0], names, branch=True)} }}"
            case What.GRAPH:
                return self._named_graph(element, names)
            case What.MINUS:
                self._found.is_exact = False
                self._consult(element.groups[0])
                return self._verbatim(element.first, element.last, names)
            case What.FILTER:
                for group in element.groups:
                    self._found.is_exact = False
                    self._consult(group)
                return self._verbatim(element.first, element.last, names)
            case What.SERVICE | What.LATERAL:
                raise patterns.Unreadable
            case _:
                return self._verbatim(element.first, element.last, names)

    def _named_graph(self, element: Element, names: dict[str, str]) -> str:
        assert element.name is not None
        before, name = self._graph, _same(self._renamed(element.name, names))
        variable = self._fresh()
        self._graph = variable
        body = self._group(element.groups[0], names, branch=False)
        self._graph = before
        self._template.append(f"{variable} <{GRAPH}> {variable} .")
        return f"GRAPH {name} {{ {body} }} BIND({name} AS {variable})"

    def _stated(self, pattern: Pattern) -> str:
        """Note what a pattern matches, and give it as it stands in the query."""
        if isinstance(pattern, Choice):
            bodies = []
            for branch in pattern.branches:
                template, self._template = self._template, []
                body = [self._stated(part) for part in branch]
                bound: dict[str, str] = {}
                own = [self._named(statement, bound) for statement in self._template]
                self._template = template + own
                body += [f"BIND({term} AS {name})" for term, name in bound.items()]
                bodies.append("{ " + " ".join(body) + " }")
            return " UNION ".join(bodies)
        if self._graph is None:
            if isinstance(pattern, Simple):
                self._template.append(str(pattern))
            else:
                self._template.append(f"{pattern.subject} <{PATH}{len(self._found.closures)}> {pattern.object} .")
                self._found.closures.append(pattern)
                self._note_closure(pattern)
        return str(pattern)

    def _note_closure(self, pattern: Closure) -> None:
        """A way of no steps joins every node with itself, whatever says it; ways of no named property walk anything."""
        if pattern.path.endswith(("*", "?")):
            self._found.consulted.append(Simple("?s", "?p", "?o"))
        if pattern.steps is None or pattern.path.endswith(("*", "?")):
            self._found.is_exact = False

    def _select(self, group: Group, names: dict[str, str]) -> str:
        """Give a sub-query as a group, its hidden variables renamed; one that groups stays as it is."""
        inside = self._tokens[group.first : group.last]
        where = group.elements[0].groups[0]
        tail = self._tokens[where.last : group.last]
        head = self._tokens[group.first : where.first]
        is_grouped = any(t.kind is Kind.WORD and t.upper in _GROUPING for t in tail) or any(t.text == "(" for t in head)
        self._found.is_exact = self._found.is_exact and not any(t.upper == "DISTINCT" for t in head)
        if is_grouped or len(group.elements) > 1:
            self._found.is_exact = False
            self._consult(where)
            return self._verbatim(group.first + 1, group.last - 1, names)
        if group.projected is None:
            return self._group(where, names, branch=False)
        shown = set(group.projected)
        hidden = {t.text[1:] for t in inside if t.kind is Kind.VARIABLE} - shown
        inner = {**{k: v for k, v in names.items() if k in shown}, **{name: self._fresh()[1:] for name in hidden}}
        return self._group(where, inner, branch=False)

    def _consult(self, group: Group) -> None:
        for element in group.elements:
            if element.what is What.TRIPLES:
                tokens = self._tokens[element.first : element.last]
                self._found.consulted += _simple(read(tokens, self._fresh, {}))
            for body in element.groups:
                self._consult(body)

    def _renamed(self, token: Token, names: dict[str, str]) -> Token:
        if token.kind is not Kind.VARIABLE:
            return token
        name = token.text[1:]
        return token._replace(text=f"?{names.get(name, name)}")

    def _verbatim(self, first: int, last: int, names: dict[str, str]) -> str:
        return " ".join(self._renamed(t, names).text for t in self._tokens[first:last]).replace(" @", "@")


def _same(token: Token) -> str:
    return f"?{token.text[1:]}" if token.kind is Kind.VARIABLE else token.text


def _simple(found: Iterable[Pattern]) -> Iterator[Simple]:
    """Give the simple patterns among others; of a path of any length, one for each property it may walk."""
    for pattern in found:
        if isinstance(pattern, Simple):
            yield pattern
        elif isinstance(pattern, Choice):
            for branch in pattern.branches:
                yield from _simple(branch)
        else:
            steps: Sequence[tuple[str, bool]] = pattern.steps or ()
            for text, _ in steps:
                yield Simple("?s", text, "?o")
            if pattern.steps is None or pattern.path.endswith(("*", "?")):
                yield Simple("?s", "?p", "?o")


__all__ = ["DESCRIBED", "GRAPH", "MARKS", "PATH", "Witness", "witness"]
