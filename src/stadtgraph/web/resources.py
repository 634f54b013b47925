"""What is known of one identifier, read from a release."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final
from urllib.parse import quote

import pyoxigraph as ox

from stadtgraph.query import Place
from stadtgraph.store import Engine
from stadtgraph.terms import Names, Term
from stadtgraph.web.shown import Shown, compact, labels, show

_MOST_INCOMING: Final = 200
_MOST_VALUES: Final = 500
_MOST_NESTED: Final = 1000
_SAFE: Final = "/-._~!$'()*+,;=:@%"


def known_iri(path: str, place: Place) -> ox.NamedNode | None:
    """Give the identifier that ``/id/{path}`` stands for, if anything is known of it.

    A path comes percent-decoded; identifiers may hold either form.
    """
    for form in dict.fromkeys((path, quote(path, safe=_SAFE), quote(path, safe=_SAFE.removesuffix("%")))):
        try:
            iri = place.names.id(form)
        except ValueError:
            continue
        if any(True for _ in _any(place.engine, iri)):
            return iri
    return None


def _any(engine: Engine, iri: ox.NamedNode) -> Iterator[ox.Triple]:
    yield from islice(engine.triples(iri), 1)
    yield from islice(engine.triples(None, None, iri), 1)


def as_written(iri: ox.NamedNode, place: Place) -> list[ox.Triple]:
    """Give what every graph says of ``iri``, as written, with the nameless nodes it leads to; each triple once."""
    found: dict[ox.Triple, None] = {}
    todo, done = [iri], {iri}
    while todo and len(found) < _MOST_NESTED * 10:
        subject = todo.pop()
        for graph in place.engine.graphs():
            for triple in place.engine.as_written(graph, [subject]):
                found[triple] = None
                node = triple.object
                nested = isinstance(node, ox.NamedNode) and place.names.is_genid(node.value)
                if nested and node not in done and len(done) < _MOST_NESTED:
                    done.add(node)  # type: ignore[arg-type]
                    todo.append(node)  # type: ignore[arg-type]
    return list(found)


@dataclass(frozen=True, slots=True)
class Row:
    """A property and its values, or the subjects that point here by it."""

    property: Shown
    values: tuple[Shown, ...]
    more: bool = False


@dataclass(frozen=True, slots=True)
class Description:
    """A resource as its page shows it."""

    iri: str
    title: str
    kinds: tuple[Shown, ...]
    outgoing: tuple[Row, ...]
    incoming: tuple[Row, ...]
    more_incoming: bool


_TYPE: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"


def describe(iri: ox.NamedNode, place: Place, lang: str) -> Description:
    """Give everything a page shows of ``iri``: properties with labels, values, and what points to it."""
    triples = as_written(iri, place)
    incoming = list(islice(place.engine.triples(None, None, iri), _MOST_INCOMING + 1))
    more, incoming = len(incoming) > _MOST_INCOMING, incoming[:_MOST_INCOMING]
    terms: list[Term | None] = [iri]
    for triple in (*triples, *incoming):
        terms += [triple.predicate, triple.object, triple.subject]
    named = labels(place.engine, terms, lang)
    own = [t for t in triples if t.subject == iri]
    kinds = tuple(show(t.object, place.names, named.get(t.object, "")) for t in own if t.predicate.value == _TYPE)
    return Description(
        iri.value,
        named.get(iri) or iri.value.removeprefix(place.names.base),
        kinds,
        _rows([(t.predicate, t.object) for t in own if t.predicate.value != _TYPE], place.names, named, lang),
        _rows([(t.predicate, t.subject) for t in incoming], place.names, named, lang),
        more,
    )


def _rows(pairs: list[tuple[ox.NamedNode, Term]], names: Names, named: dict[Term, str], lang: str) -> tuple[Row, ...]:
    grouped: dict[ox.NamedNode, list[Term]] = {}
    for predicate, value in pairs:
        grouped.setdefault(predicate, []).append(value)
    rows = []
    for predicate, values in sorted(
        grouped.items(), key=lambda item: named.get(item[0], compact(item[0].value)).lower()
    ):
        shown = [show(value, names, named.get(value, "")) for value in values[:_MOST_VALUES]]
        shown.sort(key=lambda s: (s.lang != lang, s.lang, s.text.lower()))
        head = show(predicate, names, named.get(predicate, ""))
        rows.append(Row(head, tuple(shown), len(values) > _MOST_VALUES))
    return tuple(rows)
