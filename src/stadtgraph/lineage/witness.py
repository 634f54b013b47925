"""Turn a query into one that gives what its solutions matched.

Every pattern of the query becomes a *slot*: the terms that a solution gives it are one triple that the solution rests
on. Paths of a fixed length are spelled out, and what a branch of a UNION or an OPTIONAL matched is named by variables
that only this branch binds, so that nothing is reported that another branch matched. Other slots carry what is no
triple: the pairs that a path of any length joined, the graphs of GRAPH clauses, the things described, the hits of a
search.

A sub-query that groups or limits stays as it is, and what it is made from is a *part* of its own. What stands in MINUS
and EXISTS, and what a path of no steps may join, is *consulted*: its patterns are kept by themselves, and every graph
that holds a triple that fits counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count, pairwise
from typing import Final

from stadtgraph.lineage.outer import Outer, outer, spaced
from stadtgraph.lineage.triples import Choice, Closure, Pattern, Simple, read
from stadtgraph.sparql import patterns
from stadtgraph.sparql.outline import Form
from stadtgraph.sparql.patterns import Element, Group, What
from stadtgraph.sparql.tokens import Kind, Token, tokenize
from stadtgraph.terms import Term, render

NAME: Final = "stadtgraph_w"
"""The beginning of the names of variables that this module makes."""
_GROUPING: Final = frozenset({"GROUP", "HAVING", "LIMIT", "OFFSET"})
_PLACE: Final = re.compile("\x00(\\d+)\x00")


class Use(StrEnum):
    """What a slot carries: a triple, a graph, the two ends of a path, a thing described or found."""

    TRIPLE = "triple"
    GRAPH = "graph"
    PATH = "path"
    DESCRIBED = "described"
    FOUND = "found"


@dataclass(slots=True)
class Slot:
    """What a solution matched in one place of the query.

    ``terms`` are those of the pattern; ``shown`` the same as a SELECT over the whole gives them: a slot of a branch
    has a first term that is bound only where the branch was taken. ``branches`` are those that it stands in, from the
    outermost one: whoever matched in a branch matched all that stands in the branches around it.
    """

    use: Use
    terms: tuple[str, ...]
    shown: tuple[str, ...]
    closure: Closure | None = None
    in_branch: bool = False
    branches: tuple[int, ...] = ()


@dataclass(slots=True)
class Part:
    """A pattern with its slots; ``tail`` orders and limits its solutions.

    ``inside`` are parts that every solution comes from as well, with the names of the variables that are the same.
    """

    prologue: str
    body: str = ""
    slots: list[Slot] = field(default_factory=list)
    tail: str = ""
    inside: list[tuple[Part, frozenset[str]]] = field(default_factory=list)

    @property
    def is_single(self) -> bool:
        """True where the whole is one pattern, so that all that fits it is a solution."""
        return not self.tail and self.body.split() == ["\x000\x00"]

    def text(self, names: Iterable[str], instead: Mapping[int, str] | None = None, more: str = "") -> str:
        """Give the SELECT for some variables, with another text ``instead`` of the pattern of some slots."""
        body = self.pattern(instead)
        shown = " ".join(dict.fromkeys(names)) or "(1 AS ?stadtgraph_one)"
        return f"{self.prologue}SELECT {shown} WHERE {{ {body} {more} }} {self.tail}"

    def pattern(self, instead: Mapping[int, str] | None = None) -> str:
        """Give the text of the pattern, with another text ``instead`` of that of some slots."""

        def stands(found: re.Match[str]) -> str:
            number = int(found[1])
            return (instead or {}).get(number) or " ".join(self.slots[number].terms) + " ."

        return _PLACE.sub(stands, self.body)


@dataclass(slots=True)
class Witness:
    """What a query rests on: its parts, the patterns that are only ``consulted``, and those ``within`` GRAPH clauses.

    ``is_exact`` tells that nothing is reported but what a solution matched.
    """

    parts: list[Part] = field(default_factory=list)
    consulted: list[Simple] = field(default_factory=list)
    within: list[Simple] = field(default_factory=list)
    is_exact: bool = True


def witness(text: str, form: Form = Form.SELECT, solution: Mapping[str, Term] | None = None) -> Witness:
    """Give the parts of ``text``, or of one ``solution`` of it; raise :class:`patterns.Unreadable` where it is none."""
    return _Writer(text, form, solution or {}).write()


class _Writer:
    def __init__(self, text: str, form: Form, solution: Mapping[str, Term]) -> None:
        self._text, self._form, self._solution = text, form, solution
        self._tokens = list(tokenize(text, gaps=False))
        self._numbers = count()
        self._found = Witness()
        self._graph: str | None = None
        self._is_monotone = True
        self._is_repeated = False
        self._part = Part(self._prologue())
        self._own: list[Slot] = []
        self._depth = 0

    def write(self) -> Witness:
        main = self._part
        self._found.parts.append(main)
        if self._form is Form.DESCRIBE and not any(t.text == "{" for t in self._tokens):
            self._only_described(main)
            return self._found
        where = patterns.read(self._tokens)
        rest = outer(self._tokens, where, self._form)
        self._consult_exists()
        main.body = self._whole(where, rest)
        for name in self._described():
            self._slot(Use.DESCRIBED, name)
        self._found.is_exact = self._found.is_exact and rest.is_plain
        self._limit(main, rest)
        return self._found

    def _only_described(self, main: Part) -> None:
        for name in self._described():
            fresh = self._fresh()
            main.body += f" BIND({name} AS {fresh})"
            self._slot(Use.DESCRIBED, fresh)

    def _whole(self, where: Group, rest: Outer) -> str:
        """Give the body of the query's own part: joined with its last VALUES, and with the solution asked about."""
        fixed = {n: t for n, t in self._solution.items() if not hasattr(t, "subject") and not str(t).startswith("_:")}
        expressions = {} if rest.is_grouped else dict(rest.expressions)
        plain = [name for name in fixed if name not in expressions and name not in rest.computed]
        before = after = ""
        if plain:
            row = " ".join(render(fixed[name]) for name in plain)
            before = f"VALUES ({' '.join('?' + n for n in plain)}) {{ ({row}) }} "
        if expressions and (rest.limit is not None or self._solution):
            after = " ".join(f"BIND({text} AS ?{name})" for name, text in expressions.items())
        for name in expressions:
            if name in fixed:
                after += f" FILTER(sameTerm(?{name}, {render(fixed[name])}))"
        return f"{before}{self._group(where, {}, branch=False)} {after} {'' if rest.is_grouped else rest.values}"

    def _limit(self, main: Part, rest: Outer) -> None:
        """Look only at the solutions that are given, where that is enough; see docs/accountable-answers.md.

        It is not where one solution may stand for several here, as the limit would be reached too soon.
        """
        if rest.limit is None or rest.is_grouped or rest.is_distinct or self._is_repeated or self._solution:
            return
        if not self._is_monotone:
            slots = (s for s in main.slots if s.use is Use.TRIPLE)
            self._found.consulted += [Simple(*s.terms) for s in slots] + self._found.within
            self._found.consulted += _simple(s.closure for s in main.slots if s.closure is not None)
        main.tail = f"{rest.order} LIMIT {rest.limit}"

    def _described(self) -> list[str]:
        """Give what DESCRIBE names."""
        if self._form is not Form.DESCRIBE:
            return []
        at = next(i for i, t in enumerate(self._tokens) if t.kind is Kind.WORD and t.upper == "DESCRIBE")
        found = []
        for token in self._tokens[at + 1 :]:
            if token.text == "*":
                return [f"?{name}" for name in patterns.read(self._tokens).scope()]
            if token.text == "{" or (token.kind is Kind.WORD and token.upper in ("WHERE", "FROM")):
                break
            found.append(_same(token))
        return found

    def _prologue(self) -> str:
        for token in self._tokens:
            if token.kind is Kind.WORD and token.upper in ("SELECT", "ASK", "CONSTRUCT", "DESCRIBE"):
                return self._text[: token.start] + "\n"
        return ""

    def _fresh(self) -> str:
        return f"?{NAME}{next(self._numbers)}"

    def _slot(self, use: Use, *terms: str, closure: Closure | None = None) -> int:
        slot = Slot(use, terms, terms, closure)
        self._part.slots.append(slot)
        self._own.append(slot)
        return len(self._part.slots) - 1

    def _group(self, group: Group, names: dict[str, str], *, branch: bool) -> str:
        """Give the text inside the braces of a group; in a ``branch``, what it matched is named for it alone."""
        if group.is_select:
            return self._select(group, names)
        blank = dict[str, str]()
        return self._branch(lambda: [self._element(e, names, blank) for e in group.elements], apart=branch)

    def _branch(self, make: Callable[[], list[str]], *, apart: bool) -> str:
        before, self._own = self._own, []
        self._depth += apart
        parts = make()
        self._depth -= apart
        own, self._own = self._own, before
        if apart:
            bound: dict[str, str] = {}
            number = next(self._numbers)
            for slot in own:
                self._name(slot, bound)
                slot.branches = (number, *slot.branches)
            parts += [f"BIND({term} AS {name})" for term, name in bound.items()]
        self._own += own
        return " ".join(parts)

    def _name(self, slot: Slot, bound: dict[str, str]) -> None:
        slot.in_branch = True
        if not slot.shown[0].startswith(f"?{NAME}b"):
            name = bound.setdefault(slot.shown[0], f"?{NAME}b{next(self._numbers)}")
            slot.shown = (name, *slot.shown[1:])

    def _element(self, element: Element, names: dict[str, str], blank: dict[str, str]) -> str:
        match element.what:
            case What.TRIPLES:
                tokens = [self._renamed(t, names) for t in self._tokens[element.first : element.last]]
                found = read(tokens, self._fresh, blank)
                sure = {t for p in found if isinstance(p, Simple) for t in (p.subject, p.object)}
                return " ".join(self._stated(p, sure) for p in found)
            case What.GROUP:
                is_branch = len(element.groups) > 1
                bodies = [self._group(g, names, branch=is_branch) for g in element.groups]
                return " UNION ".join(f"{{ {body} }}" for body in bodies)
            case What.OPTIONAL:
                self._found.is_exact = self._is_monotone = False
                return f"OPTIONAL {{ {self._group(element.groups[0], names, branch=True)} }}"
            case What.GRAPH:
                return self._named_graph(element, names)
            case What.MINUS:
                self._found.is_exact = self._is_monotone = False
                self._consult(element.groups[0])
            case What.BIND if element.bound[0].startswith(patterns.FOUND):
                self._slot(Use.FOUND, f"?{names.get(element.bound[0], element.bound[0])}")
            case What.SERVICE | What.LATERAL:
                raise patterns.Unreadable
        return self._verbatim(element.first, element.last, names)

    def _named_graph(self, element: Element, names: dict[str, str]) -> str:
        assert element.name is not None
        before, name = self._graph, _same(self._renamed(element.name, names))
        variable = self._fresh()
        self._graph = variable
        body = self._group(element.groups[0], names, branch=False)
        self._graph = before
        self._slot(Use.GRAPH, variable)
        return f"GRAPH {name} {{ {body} }} BIND({name} AS {variable})"

    def _stated(self, pattern: Pattern, sure: set[str]) -> str:
        """Note what a pattern matches, and give it as it stands in the query, with a mark of its place."""
        if isinstance(pattern, Choice):
            self._found.is_exact = False  # the engine joins two ends once, where several ways do
            self._is_repeated = True
            bodies = []
            for branch in pattern.branches:

                def make(branch: tuple[Pattern, ...] = branch) -> list[str]:
                    return [self._stated(part, sure) for part in branch]

                bodies.append("{ " + self._branch(make, apart=True) + " }")
            return " UNION ".join(bodies)
        if self._graph is not None:
            self._found.within += _simple([pattern])
            return str(pattern)
        if isinstance(pattern, Simple):
            number = self._slot(Use.TRIPLE, pattern.subject, pattern.predicate, pattern.object)
            return f" \x00{number}\x00 "
        self._slot(Use.PATH, pattern.subject, pattern.object, closure=pattern)
        self._note_closure(pattern, sure)
        return str(pattern)

    def _note_closure(self, pattern: Closure, sure: set[str]) -> None:
        """A way of no steps joins every node with itself, whatever says it, unless a triple beside it says it."""
        if pattern.may_stay and not sure & {pattern.subject, pattern.object}:
            self._found.consulted.append(Simple("?s", "?p", "?o"))
        self._found.is_exact = False

    def _select(self, group: Group, names: dict[str, str]) -> str:
        """Give a sub-query as a group, its hidden variables renamed; one that groups stays, and is a part apart."""
        inside = self._tokens[group.first : group.last]
        where = group.elements[0].groups[0]
        tail = self._tokens[where.last : group.last]
        head = self._tokens[group.first : where.first]
        is_grouped = any(t.kind is Kind.WORD and t.upper in _GROUPING for t in tail) or any(t.text == "(" for t in head)
        is_distinct = any(t.upper in ("DISTINCT", "REDUCED") for t in head)
        self._found.is_exact = self._found.is_exact and not is_distinct
        self._is_repeated = self._is_repeated or is_distinct
        if is_grouped or len(group.elements) > 1:
            self._found.is_exact = self._is_monotone = False
            self._apart(where, [] if names else _plain(group.projected or (), [*head, *tail]))
            return self._verbatim(group.first + 1, group.last - 1, names)
        inner = names
        if group.projected is not None:
            shown = set(group.projected)
            hidden = {t.text[1:] for t in inside if t.kind is Kind.VARIABLE} - shown
            inner = {**{k: v for k, v in names.items() if k in shown}, **{name: self._fresh()[1:] for name in hidden}}
        # It stays a SELECT: the engine evaluates what stands in one apart, as whoever wrote it may have meant.
        return f"SELECT * WHERE {{ {self._group(where, inner, branch=False)} }}"

    def _apart(self, where: Group, shared: Iterable[str]) -> None:
        """Make a part of what a sub-query groups; under GRAPH the graph counts in any case.

        Where nothing goes without it, the part around it knows it, and the variables ``shared`` with it.
        """
        if self._graph is not None:
            return
        part = Part(self._part.prologue)
        if self._depth == 0:
            self._part.inside.append((part, frozenset(f"?{name}" for name in shared)))
        kept = self._part, self._own, self._depth
        self._part, self._own, self._depth = part, [], 0
        self._found.parts.append(part)
        part.body = self._group(where, {}, branch=False)
        self._part, self._own, self._depth = kept

    def _consult_exists(self) -> None:
        """Consult the groups of EXISTS, wherever they stand."""
        for group in patterns.exists(self._tokens):
            self._found.is_exact = self._is_monotone = False
            self._consult(group)

    def _consult(self, group: Group) -> None:
        for element in group.elements:
            if element.what in (What.SERVICE, What.LATERAL):
                raise patterns.Unreadable
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
        tokens = self._tokens[first:last]
        return spaced(tokens, [self._renamed(t, names).text for t in tokens])


def _same(token: Token) -> str:
    return f"?{token.text[1:]}" if token.kind is Kind.VARIABLE else token.text


def _plain(names: Iterable[str], around: list[Token]) -> list[str]:
    """Give those of the variables of a sub-query that are not the value of an expression."""
    made = {after.text[1:] for token, after in pairwise(around) if token.upper == "AS"}
    return [name for name in names if name not in made]


def _simple(found: Iterable[Pattern]) -> Iterator[Simple]:
    """Give the simple patterns among others; of a path of any length, one for each property that stands in it."""
    for pattern in found:
        if isinstance(pattern, Simple):
            yield pattern
        elif isinstance(pattern, Choice):
            for branch in pattern.branches:
                yield from _simple(branch)
        else:
            yield from (Simple("?s", text, "?o") for text in pattern.properties or ())
            if pattern.properties is None or pattern.may_stay:
                yield Simple("?s", "?p", "?o")


__all__ = ["NAME", "Part", "Slot", "Use", "Witness", "witness"]
