"""The messages of results with their languages, from the shapes graph and, where it has none, from the catalogue."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

import pyoxigraph as ox

from stadtgraph import messages
from stadtgraph.shacl.graph import BadList, ShapesGraph
from stadtgraph.shacl.raw import Raw
from stadtgraph.shacl.words import COMPONENTS, LISTS, PARAMETER_OF
from stadtgraph.terms import SH, Term

_VARIABLE = re.compile(r"\{\s*[?$](\w+)\s*\}")


def texts(graph: ShapesGraph, raw: Raw, path: str | None) -> dict[str, str]:
    """Give the messages of a result, language → text.

    A message of the shape is taken as it stands; one of a SPARQL constraint is filled in
    (https://www.w3.org/TR/shacl/#sparql-constraints-variables); where there is none, the catalogue has one in
    German and English for every component.
    """
    if raw.component in COMPONENTS and raw.component != SH.SPARQLConstraintComponent:
        own = _literals(graph, raw.source, SH.message)
        return _joined(own) if own else _default(graph, raw)
    templates = [*_templates(graph, raw), *_literals(graph, raw.source, SH.message)]
    said = [(_language(text, templates), text) for text in raw.texts]
    fitting = [t for t in templates if any(_matches(t.value, text) for text in raw.texts)]
    if fitting and all(_known(t.value) for t in fitting):
        return _joined(ox.Literal(_filled(t.value, raw, path), language=t.language) for t in fitting)
    if said and templates:
        return _joined(ox.Literal(text, language=language) for language, text in said)
    return _default(graph, raw)


class Texts:
    """The messages of many results; where they depend on shape and component alone they are made once."""

    def __init__(self, graph: ShapesGraph) -> None:
        """Take them from a shapes graph."""
        self._graph = graph
        self._known: dict[tuple[Term, ox.NamedNode], dict[str, str]] = {}

    def of(self, raw: Raw, path: str | None) -> dict[str, str]:
        """Give what :func:`texts` gives."""
        if raw.component not in COMPONENTS or raw.component == SH.SPARQLConstraintComponent:
            return texts(self._graph, raw, path)
        key = (raw.source, raw.component)
        if key not in self._known:
            self._known[key] = texts(self._graph, raw, path)
        return self._known[key]


def _literals(graph: ShapesGraph, node: Term, p: ox.NamedNode) -> list[ox.Literal]:
    return [value for value in graph.objects(node, p) if isinstance(value, ox.Literal)]


def _joined(texts: Iterable[ox.Literal]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for text in sorted(texts, key=str):
        found.setdefault(text.language or "", []).append(text.value)
    return {language: " ".join(dict.fromkeys(found[language])) for language in sorted(found)}


def _templates(graph: ShapesGraph, raw: Raw) -> Iterator[ox.Literal]:
    """Give the messages of the constraints, or of the component's validators, that a result may come from."""
    if raw.component == SH.SPARQLConstraintComponent:
        holders = graph.objects(raw.source, SH.sparql)
    else:
        kinds = (SH.validator, SH.nodeValidator, SH.propertyValidator)
        holders = [raw.component, *(v for p in kinds for v in graph.objects(raw.component, p))]
    for holder in holders:
        yield from _literals(graph, holder, SH.message)


@cache
def _pattern(template: str) -> re.Pattern[str]:
    parts = _VARIABLE.split(template)
    return re.compile("".join(re.escape(part) if i % 2 == 0 else ".*" for i, part in enumerate(parts)), re.DOTALL)


def _matches(template: str, text: str) -> bool:
    return _pattern(template).fullmatch(text) is not None


def _language(text: str, templates: list[ox.Literal]) -> str | None:
    return next((t.language for t in templates if _matches(t.value, text)), None)


def _known(template: str) -> bool:
    return set(_VARIABLE.findall(template)) <= {"this", "value", "path", "PATH"}


def _filled(template: str, raw: Raw, path: str | None) -> str:
    values = {"this": raw.focus, "value": raw.value, "path": path, "PATH": path}

    def fill(match: re.Match[str]) -> str:
        value = values.get(match[1])
        return match[0] if value is None else _shown(value)

    return _VARIABLE.sub(fill, template)


def _shown(term: Term | str) -> str:
    if isinstance(term, ox.Literal | ox.NamedNode):
        return term.value
    return str(term)


def _default(graph: ShapesGraph, raw: Raw) -> dict[str, str]:
    name = raw.component.value.removeprefix(str(SH)).removesuffix("ConstraintComponent")
    key = f"shacl-default-{name}" if raw.component in COMPONENTS else "shacl-default-other"
    if key not in messages.catalogue():
        key = "shacl-default-other"
    parameter = _parameter(graph, raw)
    return {lang: messages.text(key, lang, parameter=parameter, component=name) for lang in messages.LANGUAGES}


def _parameter(graph: ShapesGraph, raw: Raw) -> str:
    p = PARAMETER_OF.get(raw.component)
    if p is None:
        return ""
    values = graph.objects(raw.source, p)
    if p in LISTS:
        try:
            values = [member for head in values for member in graph.members(head)]
        except BadList:
            values = []
    shown = list(map(_shown, values)) if p in LISTS else sorted(map(_shown, values))
    return ", ".join(shown[:20]) + (", ..." if len(shown) > 20 else "")
