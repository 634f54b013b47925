"""What is known of one identifier, read from a release."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final
from urllib.parse import quote

import pyoxigraph as ox

from stadtgraph.query import Place
from stadtgraph.store import Engine
from stadtgraph.terms import RDF, Names, Term
from stadtgraph.web.shown import Shown, labels, show

LARGE: Final = 5_000
_MOST_INCOMING: Final = 200
_MOST_VALUES: Final = 500
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


def is_large(iri: ox.NamedNode, place: Place) -> bool:
    """Tell whether so much is known of ``iri`` that reading it takes a good part of a second or more."""
    return any(True for _ in islice(place.engine.triples(iri), LARGE, LARGE + 1))


def as_written(iri: ox.NamedNode, place: Place) -> list[ox.Triple]:
    """Give what every graph says of ``iri``, as written, with the nameless nodes it leads to; each triple once."""
    found: dict[ox.Triple, None] = {}
    todo, done = [iri], {iri}
    while todo:
        for triple in _of(todo.pop(), place):
            found[triple] = None
            node = triple.object
            if isinstance(node, ox.NamedNode) and place.names.is_genid(node.value) and node not in done:
                done.add(node)
                todo.append(node)
    return list(found)


def _of(subject: ox.NamedNode, place: Place) -> Iterator[ox.Triple]:
    for graph in place.engine.graphs():
        yield from place.engine.as_written(graph, [subject])


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


def describe(iri: ox.NamedNode, place: Place, lang: str) -> Description:
    """Give what a page shows of ``iri``: properties with labels, values, and what points to it.

    At most 500 values of a property and 200 incoming links are shown; the page says where there are more.
    """
    own = dict.fromkeys((t.predicate, t.object) for t in _of(iri, place))
    outgoing = _grouped(pair for pair in own if pair[0] != RDF.type)
    kinds = [value for predicate, value in own if predicate == RDF.type]
    pointing = list(islice(place.engine.triples(None, None, iri), _MOST_INCOMING + 1))
    incoming = _grouped((t.predicate, t.subject) for t in pointing[:_MOST_INCOMING])
    shown: list[Term] = [iri, *kinds]
    for predicate, values in (*outgoing.items(), *incoming.items()):
        shown += [predicate, *values[:_MOST_VALUES]]
    named = labels(place.engine, shown, lang)
    return Description(
        iri.value,
        named.get(iri) or iri.value.removeprefix(place.names.base),
        tuple(show(kind, place.names, named.get(kind, "")) for kind in kinds),
        _rows(outgoing, place.names, named, lang),
        _rows(incoming, place.names, named, lang),
        len(pointing) > _MOST_INCOMING,
    )


def _grouped(pairs: Iterable[tuple[ox.NamedNode, Term]]) -> dict[ox.NamedNode, list[Term]]:
    found: dict[ox.NamedNode, list[Term]] = {}
    for predicate, value in pairs:
        found.setdefault(predicate, []).append(value)
    return found


def _rows(grouped: dict[ox.NamedNode, list[Term]], names: Names, named: dict[Term, str], lang: str) -> tuple[Row, ...]:
    """Give a row per property, sorted by label; values in the reader's language first."""
    rows = []
    for predicate, values in grouped.items():
        shown = [show(value, names, named.get(value, "")) for value in values[:_MOST_VALUES]]
        shown.sort(key=lambda s: (s.lang != lang, s.lang, s.text.lower()))
        rows.append(Row(show(predicate, names, named.get(predicate, "")), tuple(shown), len(values) > _MOST_VALUES))
    return tuple(sorted(rows, key=lambda row: row.property.text.lower()))
