"""Checks a shapes graph before it is used: what the engines pass over in silence, or refuse without a name.

Every check is one function in :data:`CHECKS`. Source: https://www.w3.org/TR/shacl/#shacl-shacl and, for what the
engines do: of two paths one is used, a recursive shape loops or passes, one bad pattern refuses everything.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import pyoxigraph as ox

from stadtgraph import messages
from stadtgraph.shacl import words
from stadtgraph.shacl.graph import BadList, Node, ShapesGraph
from stadtgraph.shacl.queries import refused_parts
from stadtgraph.terms import RDF, SH, XSD, Term

WELL_KNOWN = tuple(sorted(term.value.removeprefix(str(SH)) for term in words.KNOWN))


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong with one shape; ``key`` and ``params`` make the text."""

    key: str
    shape: Term
    params: tuple[tuple[str, str], ...] = ()

    def text(self, lang: str = "en") -> str:
        """Tell the problem in ``lang``."""
        return messages.text(self.key, lang, shape=str(self.shape), **dict(self.params))


Check = Callable[[ShapesGraph], Iterator[Problem]]
CHECKS: list[Check] = []


def check(function: Check) -> Check:
    """Add a function to the checks."""
    CHECKS.append(function)
    return function


def lint(triples: Iterable[ox.Triple]) -> tuple[Problem, ...]:
    """Give the problems of a shapes graph, in a fixed order; an empty answer means that it can be used."""
    graph = ShapesGraph(triples)
    found = {problem for function in CHECKS for problem in function(graph)}
    return tuple(sorted(found, key=lambda p: (isinstance(p.shape, ox.BlankNode), str(p.shape), p.key, p.params)))


def _problem(key: str, shape: Term, **params: object) -> Problem:
    return Problem(key, shape, tuple((name, str(value)) for name, value in params.items()))


def _uses(graph: ShapesGraph, parameters: Iterable[ox.NamedNode]) -> Iterator[tuple[Node, ox.NamedNode, list[Term]]]:
    wanted = tuple(parameters)
    for node in graph.subjects():
        for p in wanted:
            values = graph.objects(node, p)
            if values:
                yield node, p, values


def _short(term: Term) -> str:
    return "sh:" + term.value.removeprefix(str(SH)) if isinstance(term, ox.NamedNode) else str(term)


@check
def _unknown_terms(graph: ShapesGraph) -> Iterator[Problem]:
    for triple in graph.triples:
        for term in (triple.predicate, triple.object) if triple.predicate == RDF.type else (triple.predicate,):
            if not isinstance(term, ox.NamedNode) or not term.value.startswith(str(SH)):
                continue
            if term in words.SCRIPTS:
                yield _problem("shape-script", triple.subject, term=_short(term))
            elif term not in words.KNOWN:
                near = difflib.get_close_matches(term.value.removeprefix(str(SH)), WELL_KNOWN, 1, 0.0)
                yield _problem("shape-unknown-term", triple.subject, term=_short(term), nearest="sh:" + near[0])


@check
def _single_values(graph: ShapesGraph) -> Iterator[Problem]:
    for node, p, values in _uses(graph, words.SINGLE):
        if len(values) > 1:
            listed = ", ".join(sorted(map(str, values)))
            key = "shape-two-paths" if p == SH.path else "shape-too-many"
            yield _problem(key, node, term=_short(p), values=listed)


@check
def _kinds_of_values(graph: ShapesGraph) -> Iterator[Problem]:
    for parameters, fits, expected in (
        (words.COUNTS, _is_count, "xsd:integer >= 0"),
        (words.FLAGS, _is_flag, "true, false"),
        (words.IRIS, _is_iri, "IRI"),
        ((SH.nodeKind,), words.NODE_KINDS.__contains__, ", ".join(map(_short, words.NODE_KINDS))),
        ((SH.pattern, SH.flags), _is_text, "xsd:string"),
    ):
        for node, p, values in _uses(graph, parameters):
            for value in values:
                if not fits(value):
                    yield _problem("shape-bad-value", node, term=_short(p), value=value, expected=expected)


def _is_count(value: Term) -> bool:
    return isinstance(value, ox.Literal) and value.datatype == XSD.integer and value.value.isdigit()


def _is_flag(value: Term) -> bool:
    return isinstance(value, ox.Literal) and value.datatype == XSD.boolean and value.value in _FLAGS


_FLAGS = ("true", "false", "1", "0")


def _is_iri(value: Term) -> bool:
    return isinstance(value, ox.NamedNode)


def _is_text(value: Term) -> bool:
    return isinstance(value, ox.Literal) and value.datatype == XSD.string


@check
def _property_shapes(graph: ShapesGraph) -> Iterator[Problem]:
    for node, p, values in _uses(graph, (SH.property,)):
        for value in values:
            if not graph.objects(value, SH.path):
                yield _problem("shape-no-path", node, term=_short(p), value=value)
    for node, p, _ in _uses(graph, words.PROPERTY_ONLY):
        if not graph.objects(node, SH.path):
            yield _problem("shape-needs-path", node, term=_short(p))
    for node, _, values in _uses(graph, (SH.closed,)):  # one engine looks at the focus node, not at the values
        if graph.objects(node, SH.path) and any(isinstance(v, ox.Literal) and v.value in _FLAGS[::2] for v in values):
            yield _problem("shape-closed-property", node)


@check
def _lists(graph: ShapesGraph) -> Iterator[Problem]:
    for node, p, values in _uses(graph, words.LISTS):
        for value in values:
            try:
                graph.members(value)
            except BadList:
                yield _problem("shape-bad-list", node, term=_short(p))


@check
def _paths(graph: ShapesGraph) -> Iterator[Problem]:
    for node, p, values in _uses(graph, (SH.path,)):
        for value in values:
            if not _is_path(graph, value, ()):
                yield _problem("shape-bad-path", node, term=_short(p))


def _is_path(graph: ShapesGraph, path: Term, above: tuple[Term, ...]) -> bool:
    if isinstance(path, ox.NamedNode):
        return path != RDF.nil
    if path in above or not isinstance(path, ox.BlankNode):
        return False
    above = (*above, path)
    if graph.objects(path, RDF.first):
        return _are_paths(graph, path, above)
    operators = [(p, value) for p in words.PATHS for value in graph.objects(path, p)]
    if len(operators) != 1:
        return False
    p, value = operators[0]
    return _are_paths(graph, value, above) if p == SH.alternativePath else _is_path(graph, value, above)


def _are_paths(graph: ShapesGraph, head: Term, above: tuple[Term, ...]) -> bool:
    try:
        members = graph.members(head)
    except BadList:
        return False
    return len(members) >= 2 and all(_is_path(graph, member, above) for member in members)


_PARTS = re.compile(r"(?P<escaped>\\.)|(?P<set>\[\^?\]?(?:\\.|[^\]\\])*\])|(?P<look>\(\?<?[=!])|.", re.DOTALL)


def _looks_around(pattern: str) -> bool:
    """Tell whether a pattern has a look-around or a back-reference, outside of sets and escapes.

    >>> [_looks_around(p) for p in ("a(?=b)", "(?<!a)b", r"(a)\\1", "[(?=]", r"\\(?=", r"\\\\1", "(?:a)")]
    [True, True, True, False, False, False, False]
    """
    for part in _PARTS.finditer(pattern):
        if part["look"] or (part["escaped"] and part["escaped"][1] in "123456789"):
            return True
    return False


@check
def _patterns(graph: ShapesGraph) -> Iterator[Problem]:
    for node, _, values in _uses(graph, (SH.pattern,)):
        flags = graph.first(node, SH.flags)
        for value in values:
            if isinstance(value, ox.Literal):
                text = value.value
                if _looks_around(text):
                    yield _problem("shape-pattern-look", node, pattern=text)
                elif not _is_pattern(text, flags.value if isinstance(flags, ox.Literal) else ""):
                    yield _problem("shape-pattern", node, pattern=text)


def _is_pattern(pattern: str, flags: str) -> bool:
    """Ask the engine of SPARQL whether it can use a pattern: an illegal one leaves the variable unbound."""
    query = f"SELECT (REGEX('', {ox.Literal(pattern)}, {ox.Literal(flags)}) AS ?works) {{}}"
    answer = ox.Store().query(query)
    assert isinstance(answer, ox.QuerySolutions)
    return next(answer)["works"] is not None


@check
def _recursion(graph: ShapesGraph) -> Iterator[Problem]:
    done: set[Node] = set()
    for start in sorted(graph.subjects(), key=str):
        yield from _cycles(graph, start, done)


def _cycles(graph: ShapesGraph, start: Node, done: set[Node]) -> Iterator[Problem]:
    """Search depth first; a link back to a node on the current path is a cycle."""
    path: list[Node] = []
    agenda: list[tuple[Node, bool]] = [(start, False)]
    while agenda:
        node, is_left = agenda.pop()
        if is_left:
            path.pop()
            done.add(node)
        elif node in path:
            named = [n for n in path[path.index(node) :] if isinstance(n, ox.NamedNode)]
            yield _problem("shape-recursive", min(named, key=str) if named else node)
        elif node not in done:
            path.append(node)
            agenda.append((node, True))
            agenda.extend((child, False) for _, child in graph.links(node))


@check
def _queries(graph: ShapesGraph) -> Iterator[Problem]:
    for p in (SH.select, SH.ask):
        for node, _, values in _uses(graph, (p,)):
            for value in values:
                if isinstance(value, ox.Literal):
                    for part in refused_parts(value.value):
                        yield _problem("shape-query", _owner(graph, node), part=part)


def _owner(graph: ShapesGraph, node: Term) -> Term:
    """Give the shape or component that a query belongs to."""
    if isinstance(node, ox.NamedNode):
        return node
    owners = [t.subject for t in graph.triples if t.object == node]
    return min(owners, key=str) if owners else node
