"""RDF terms as a page shows them: a text, a link where it leads somewhere, a language."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final
from urllib.parse import quote

import pyoxigraph as ox

from stadtgraph import messages
from stadtgraph.store import Engine
from stadtgraph.terms import DCT, FOAF, PREFIXES, RDFS, SKOS, XSD, Names, Namespace, Term

_LABELS: Final = (SKOS.prefLabel, RDFS.label, DCT.term("title"), FOAF.name, Namespace(PREFIXES["schema"]).name)
_SAFE: Final = "/-._~!$'()*+,;=:@"
_MOST_LABELS: Final = 20


@dataclass(frozen=True, slots=True)
class Shown:
    """A term on a page.

    ``href`` is empty where the term leads nowhere safe; ``is_local`` tells links within this site; ``title`` is the
    full IRI; ``lang`` and ``datatype`` are those of a literal.
    """

    text: str
    href: str = ""
    is_local: bool = False
    title: str = ""
    lang: str = ""
    datatype: str = ""


def compact(iri: str) -> str:
    """Give the IRI with a known prefix where one fits, else as it is.

    >>> compact("http://www.w3.org/ns/dcat#Dataset")
    'dcat:Dataset'
    """
    for prefix, namespace in PREFIXES.items():
        local = iri.removeprefix(namespace)
        if local != iri and local and "/" not in local and "#" not in local:
            return f"{prefix}:{local}"
    return iri


def local_path(iri: str, names: Names) -> str | None:
    """Give the path of the page of an identifier of this city, percent-encoded, or ``None``.

    >>> local_path("https://stadtgraph.example/jena/id/unit/grün", Names())
    '/page/unit/gr%C3%BCn'
    """
    start = f"{names.base}id/"
    return "/page/" + quote(iri.removeprefix(start), safe=_SAFE + "%") if iri.startswith(start) else None


def show(term: Term | None, names: Names, label: str = "") -> Shown:
    """Give ``term`` as a page shows it; ``label`` replaces an IRI's text. Only http(s) IRIs become links."""
    if term is None:
        return Shown("")
    if isinstance(term, ox.Literal):
        datatype = "" if term.language or term.datatype == XSD.string else compact(term.datatype.value)
        return Shown(term.value, lang=term.language or "", datatype=datatype)
    if isinstance(term, ox.NamedNode):
        path = local_path(term.value, names)
        if path is not None:
            short = label or term.value.removeprefix(names.base)
            return Shown(short, path, True, term.value)
        href = term.value if term.value.startswith(("https://", "http://")) else ""
        return Shown(label or compact(term.value), href, False, term.value)
    return Shown(str(term))


def labels(engine: Engine, terms: Iterable[Term | None], lang: str) -> dict[Term, str]:
    """Give for each IRI of ``terms`` that has one a label, in ``lang`` where there is one.

    What the graph does not label is looked up among the common terms of other vocabularies.
    """
    found: dict[Term, str] = {}
    for term in terms:
        if isinstance(term, ox.NamedNode) and term not in found:
            label = _label(engine, term, lang)
            if label:
                found[term] = label
    return found


def _label(engine: Engine, node: ox.NamedNode, lang: str) -> str:
    for predicate in _LABELS:
        given = list(_literals(engine, node, predicate))
        if given:
            best = min(given, key=lambda literal: _distance(literal, lang))
            return best.value
    own = messages.catalogue().get(f"term-{compact(node.value)}")
    return own[lang] if own else ""


def _literals(engine: Engine, node: ox.NamedNode, predicate: ox.NamedNode) -> Iterator[ox.Literal]:
    for triple in islice(engine.triples(node, predicate), _MOST_LABELS):
        if isinstance(triple.object, ox.Literal):
            yield triple.object


def _distance(literal: ox.Literal, lang: str) -> tuple[int, str]:
    language = (literal.language or "").partition("-")[0]
    return (0 if language == lang else 1 if not language else 2), literal.value
