"""Put what other endpoints answer in the place of SERVICE, as VALUES.

SPARQL evaluates a SERVICE clause from its own pattern alone and joins the result with what surrounds it, so its
solutions as VALUES are the same query. What can be left out of them without changing the answer is left out by a bind
join: the values that the surrounding pattern gives for variables that *each* solution of the clause has are sent along.
Rows are only ever left out, never changed; docs/federation.md says from which places values may come, and why.

Source: https://www.w3.org/TR/sparql11-federated-query/
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import pyoxigraph as ox

from stadtgraph.config import ServiceSettings
from stadtgraph.errors import AddressRefused, NetworkError, QueryRefused, QueryTimeout
from stadtgraph.query.federation.clauses import Query
from stadtgraph.query.federation.results import Row, distinct
from stadtgraph.query.federation.services import Asking, Budget, Federation
from stadtgraph.sparql import patterns
from stadtgraph.sparql.outline import Outline
from stadtgraph.sparql.patterns import Element, Group, What
from stadtgraph.sparql.tokens import Kind, code, tokenize
from stadtgraph.terms import XSD, Names, Term, render

_LATER: Final = frozenset({What.TRIPLES, What.VALUES})
_ONE: Final = "stadtgraph_row"
_LONGEST: Final = 2000
"""Characters of a value that is sent along."""


class Ask(Protocol):
    """Asks the own data: the first ``rows`` solutions of a SELECT query, and whether there are more.

    ``empty`` asks a store without data, which tells whether a text is SPARQL.
    """

    def __call__(self, text: str, rows: int, *, empty: bool = False) -> tuple[list[Row], bool]:
        """Ask ``text``."""


@dataclass(frozen=True, slots=True)
class Federated:
    """A query without SERVICE that means the same, and the names of the services that were asked for it.

    ``failed`` are those among them that failed silently.
    """

    text: str
    asked: tuple[str, ...]
    failed: frozenset[str]


def federated(
    text: str,
    outline: Outline,
    federation: Federation,
    names: Names,
    ask: Ask,
    until: float,
    *,
    internal: bool = False,
) -> Federated:
    """Give ``text`` with the answers of other endpoints in the place of its SERVICE clauses.

    ``until`` is the monotonic time at which all has to be done; ``internal`` says that the own data hold restricted
    graphs, whose values go to few services. Raises :class:`QueryRefused` or :class:`AddressRefused` where the policy
    forbids something or a clause stands where it cannot be replaced, :class:`NetworkError` where a service fails that
    is not SILENT, :class:`QueryTimeout`, and what ``ask`` raises.
    """
    tokens = code(tokenize(text))
    query = Query(text, tokens, outline, federation)
    query.check()
    ask(query.blanked(), 0, empty=True)
    rewriter = _Rewriter(query, names, ask, until, internal, Budget(federation.settings.bytes))
    rewriter.group(query.where, "", None, _Own(ask, query.head(query.where.first, query.where.last)))
    return Federated(query.rendered(0, len(tokens)), tuple(rewriter.asked), frozenset(rewriter.failed))


class _Site(Protocol):
    """Where the patterns around a clause are evaluated."""

    def solutions(self, pattern: str, columns: tuple[str, ...], most: int) -> list[Row] | None: ...


@dataclass(frozen=True, slots=True)
class _Own:
    """The own data."""

    ask: Ask
    head: str

    def solutions(self, pattern: str, columns: tuple[str, ...], most: int) -> list[Row] | None:
        """Give the distinct solutions of a pattern, ``None`` where there are more than ``most``."""
        rows, more = self.ask(_select(self.head, columns, pattern, distinct=True), most)
        return None if more else rows


@dataclass(frozen=True, slots=True)
class _Elsewhere:
    """Another endpoint."""

    asking: Asking
    head: str

    def solutions(self, pattern: str, columns: tuple[str, ...], most: int) -> list[Row] | None:
        """Give the distinct solutions of a pattern there."""
        text = f"{_select(self.head, columns, pattern, distinct=True)} LIMIT {most + 1}"
        rows = self.asking.select(text, columns, most + 1)
        return None if len(rows) > most else rows


def _select(head: str, columns: Sequence[str], pattern: str, *, distinct: bool = False) -> str:
    shown = " ".join(f"?{name}" for name in columns) or f"(1 AS ?{_ONE})"
    return f"{head}SELECT {'DISTINCT ' if distinct else ''}{shown} WHERE {{ {pattern} }}"


def values(columns: Sequence[str], rows: Iterable[Row]) -> str:
    """Give a VALUES clause; every term is rendered from what it is.

    >>> values(("a", "b"), [(ox.NamedNode("urn:x"), None), (ox.Literal('"} #'), ox.Literal(1))])
    'VALUES (?a ?b) { (<urn:x> UNDEF) ("\\\\"} #" "1"^^<http://www.w3.org/2001/XMLSchema#integer>) }'
    """
    lines = " ".join("(" + " ".join("UNDEF" if t is None else render(t) for t in row) + ")" for row in rows)
    return f"VALUES ({' '.join(f'?{name}' for name in columns)}) {{ {lines} }}"


@dataclass(slots=True)
class _Rewriter:
    """Walks the tree in the order of the text and answers each clause."""

    query: Query
    names: Names
    ask: Ask
    until: float
    internal: bool
    budget: Budget
    asked: dict[str, None] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)

    def group(
        self, group: Group, outer: str, graph: str | None, site: _Site, inside: ServiceSettings | None = None
    ) -> None:
        """Answer the clauses in a group. ``outer`` is a pattern that every solution that matters is joined with."""
        if group.is_select:
            for element in group.elements:
                for body in element.groups:
                    self.group(body, "", graph, site, inside)
            return
        local: list[Element] = []
        usable = True
        for at, element in enumerate(group.elements):
            if self.query.holds_service(element):
                if element.what is What.SERVICE:
                    if not self.query.is_kept(element, inside):
                        self._service(element, self._around(outer, group, local, at, graph), site)
                else:
                    self._inner(element, outer, self._text(local, graph), graph, site, inside)
            usable = usable and not self._is_volatile(element)
            if usable and element.what is not What.FILTER:
                local.append(element)

    def _inner(
        self, element: Element, outer: str, before: str, graph: str | None, site: _Site, inside: ServiceSettings | None
    ) -> None:
        """Answer the clauses in the groups of an element; ``before`` is what stands before it in its group."""
        if element.what in (What.GROUP, What.GRAPH):
            before = _nested(outer, before)
        if element.what is What.GRAPH and element.name is not None:
            graph = element.name.text
        for body in element.groups:
            self.group(body, before, graph, site, inside)

    def _is_volatile(self, element: Element) -> bool:
        return any(element.first <= place < element.last for place in self.query.volatile)

    def _text(self, elements: Iterable[Element], graph: str | None) -> str:
        """Give the pattern of some elements, within the graph that they look at."""
        text = " . ".join(self.query.rendered(e.first, e.last) for e in elements)
        return f"GRAPH {graph} {{ {text} }}" if graph and text else text

    def _around(self, outer: str, group: Group, local: list[Element], at: int, graph: str | None) -> str:
        """Give the pattern around a clause: what stands before it, triples and VALUES behind it, filters on triples.

        Whatever stands between, each solution of the group holds one of the clause and one of those behind it.
        """
        elements = list(local)
        elements += [element for element in group.elements[at + 1 :] if element.what in _LATER]
        bound = {name for e in elements if e.what is What.TRIPLES for name in e.always}
        for element in group.elements:
            tokens = self.query.tokens[element.first : element.last]
            if element.what is What.FILTER and not element.groups and not self._is_volatile(element):
                named = set(patterns.variables(tokens))
                if named and named <= bound:
                    elements.append(element)
        return _nested(outer, self._text(elements, graph))

    def _service(self, element: Element, around: str, site: _Site) -> None:
        """Answer one clause and put its solutions in its place."""
        assert element.name is not None
        before = dict(self.query.answered)
        (body,) = element.groups
        try:
            if element.name.kind is Kind.VARIABLE:
                columns, rows = self._by_variable(element, body, around, site)
            else:
                service = self.query.federation.require(self.query.iri(element.name))
                columns = self._columns(element, body)
                rows = self._solutions(service, body, columns, around, site, {})
            text = f"{{ {values(columns, rows)} }}"
        except (AddressRefused, QueryRefused):
            raise
        except NetworkError:
            self._check_time()
            if not element.silent:
                raise
            self.query.answered = before
            text = "{ }"
        self.query.answered[element.first] = (element.last, text)

    def _check_time(self) -> None:
        if time.monotonic() >= self.until:
            raise QueryTimeout("federation-time")

    def _columns(self, element: Element, body: Group) -> tuple[str, ...]:
        """Give the variables of a clause that the rest of the query looks at."""
        scope = tuple(body.scope())
        if self.query.takes_all:
            return scope
        outside = self.query.outside(element)
        return tuple(name for name in scope if name in outside)

    def _by_variable(
        self, element: Element, body: Group, around: str, site: _Site
    ) -> tuple[tuple[str, ...], list[Row]]:
        """Answer SERVICE ?variable: ask each endpoint that the surrounding pattern names, all of them on the list."""
        assert element.name is not None
        name = element.name.text[1:]
        most = len(self.query.federation.services) + 1
        found = site.solutions(around, (name,), most) if around else [(None,)]
        iris = [row[0] for row in found or ()]
        refusal = self.query.refusal("federation-variable", element.name, name=name)
        if any(not isinstance(iri, ox.NamedNode) for iri in iris):
            raise refusal
        if found is None:
            raise self.query.refusal("federation-variable-many", element.name, name=name)
        services = {iri: self.query.federation.require(iri.value) for iri in iris if isinstance(iri, ox.NamedNode)}
        inner = tuple(c for c in self._columns(element, body) if c != name)
        shares = name in set(body.scope())
        rows: list[Row] = []
        for iri, service in services.items():
            asked = (*inner, name) if shares else inner
            for row in self._solutions(service, body, asked, around, site, {name: iri}):
                if not shares or row[-1] in (None, iri):
                    rows.append((*(row[:-1] if shares else row), iri))
        return (*inner, name), rows

    def _solutions(
        self,
        service: ServiceSettings,
        body: Group,
        columns: tuple[str, ...],
        around: str,
        site: _Site,
        fixed: dict[str, ox.NamedNode],
    ) -> list[Row]:
        """Give the solutions of a clause that can matter, asked of one endpoint."""
        settings = self.query.federation.settings
        until = min(self.until, time.monotonic() + settings.seconds)
        asking = Asking(service, settings, self.names, until, self.budget)
        self._check_time()
        sent, bindings = self._bindings(service, body, around, site, fixed)
        if bindings == []:
            return []
        self.asked.setdefault(service.name)
        try:
            few = values(sent, bindings) if bindings and len(bindings) <= settings.batch else ""
            self.group(body, few, None, _Elsewhere(asking, self.query.head(body.first, body.last)), service)
            return list(self._asked(asking, body, columns, sent, bindings))
        except NetworkError:
            self.failed.add(service.name)
            raise

    def _asked(
        self, asking: Asking, body: Group, columns: tuple[str, ...], sent: tuple[str, ...], bindings: list[Row] | None
    ) -> Iterator[Row]:
        """Ask in batches, and never take more rows than the bound."""
        settings, taken = asking.settings, 0
        head = self.query.head(body.first, body.last)
        batches: list[list[Row] | None] = [None]
        if bindings is not None:
            batches = [bindings[i : i + settings.batch] for i in range(0, len(bindings), max(1, settings.batch))]
        for batch in batches:
            pattern = self._pattern(body, sent, batch)
            text = _select(head, columns, pattern)
            self._check_time()
            rows = asking.select(text, columns or (_ONE,), settings.rows - taken)
            taken += len(rows)
            yield from rows if columns else (() for _ in rows)

    def _pattern(self, body: Group, sent: tuple[str, ...], batch: list[Row] | None) -> str:
        """Give the pattern to send: values first in the group, where nothing in it can tell the difference."""
        inside = self.query.rendered(body.first + 1, body.last - 1)
        if batch is None:
            return f"{{ {inside} }}" if body.is_select else inside
        if set(sent) <= body.early():
            return f"{values(sent, batch)} {inside}"
        return f"{values(sent, batch)} {{ {inside} }}"

    def _bindings(
        self, service: ServiceSettings, body: Group, around: str, site: _Site, fixed: dict[str, ox.NamedNode]
    ) -> tuple[tuple[str, ...], list[Row] | None]:
        """Give variables and values to send; ``None`` where all solutions are to be asked for, ``[]`` where none.

        A variable is sent where it has a value in every solution around, and in every solution of the clause.
        """
        if not around or (self.internal and not service.internal):
            return (), None
        shared = tuple(sorted(name for name in body.certain() if re.search(rf"[?$]{re.escape(name)}\b", around)))
        if fixed:
            around += f" FILTER({' && '.join(f'sameTerm(?{n}, {render(v)})' for n, v in fixed.items())})"
        if not shared:
            return (), None
        found = site.solutions(around, shared, self.query.federation.settings.bindings)
        if found is None or not found:
            return shared, found
        fit = [i for i in range(len(shared)) if all(_is_sent(row[i]) for row in found)]
        if not fit:
            return (), None
        return tuple(shared[i] for i in fit), distinct([row[i] for i in fit] for row in found)


def _nested(outer: str, inner: str) -> str:
    """Give a pattern that is ``inner`` as a group beside ``outer``."""
    return f"{outer} {{ {inner} }}" if outer and inner else outer or inner


def _is_sent(term: Term | None) -> bool:
    """Tell whether a value means the same elsewhere: IRIs and texts; numbers and dates may be written differently."""
    if isinstance(term, ox.Literal):
        return len(term.value) <= _LONGEST and (term.language is not None or term.datatype == XSD.string)
    return isinstance(term, ox.NamedNode) and len(term.value) <= _LONGEST
