"""Literals as their owner wrote them, although Oxigraph rewrites some on load (oxigraph#526).

A literal that the store would change (``"5"^^xsd:byte`` → ``"5"^^xsd:integer``) is kept a second time with a
datatype that Oxigraph leaves alone: ``"5"^^<urn:written:http://www.w3.org/2001/XMLSchema#byte>``. Language tags
are lower-cased by the store and compare without case, so they need no second form.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from stadtgraph.store.hashes import Hashes
from stadtgraph.terms import XSD

WRITTEN_PREFIX: Final = "urn:written:"
_XSD: Final = str(XSD)
_UNTOUCHED: Final = {
    f"{_XSD}{name}" for name in ("string", "anyURI", "token", "normalizedString", "language", "NCName")
}
# Lexical forms that Oxigraph is known to keep; everything else is asked of Oxigraph itself.
_CANONICAL: Final = {
    f"{_XSD}integer": re.compile(r"0|-?[1-9][0-9]{0,17}"),
    f"{_XSD}decimal": re.compile(r"-?(?:0|[1-9][0-9]{0,8})\.[0-9]{0,7}[1-9]"),
    f"{_XSD}date": re.compile(r"(?:1[0-9]|20)[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])"),
    f"{_XSD}dateTime": re.compile(
        r"(?:1[0-9]|20)[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])"
        r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{0,5}[1-9])?Z?"
    ),
    f"{_XSD}gYear": re.compile(r"[12][0-9]{3}"),
    f"{_XSD}boolean": re.compile(r"true|false"),
}
_SUBJECT: Final = ox.NamedNode("urn:s")


class Normaliser:
    """Tells how Oxigraph stores a literal, by asking Oxigraph and remembering up to ``size`` answers."""

    __slots__ = ("_known", "_size")

    def __init__(self, size: int = 200_000) -> None:
        self._known: dict[ox.Literal, ox.Literal] = {}
        self._size = size

    def stored(self, literals: Sequence[ox.Literal]) -> list[ox.Literal]:
        """Give the stored form of each literal, in order."""
        if len(self._known) > self._size:
            self._known.clear()
        kept = [is_kept(lit) for lit in literals]  # a long text is not hashed only to be found unchanged
        doubtful = [lit for lit, is_sure in zip(literals, kept, strict=True) if not is_sure]
        unknown = [lit for lit in dict.fromkeys(doubtful) if lit not in self._known]
        for start in range(0, len(unknown), 1000):
            self._ask(unknown[start : start + 1000])
        return [lit if is_sure else self._known.get(lit, lit) for lit, is_sure in zip(literals, kept, strict=True)]

    def _ask(self, literals: Sequence[ox.Literal]) -> None:
        store = ox.Store()
        predicates = {f"urn:p{i}": lit for i, lit in enumerate(literals)}
        store.extend([ox.Quad(_SUBJECT, ox.NamedNode(p), lit) for p, lit in predicates.items()])
        for quad in store:
            assert isinstance(quad.object, ox.Literal)
            self._known[predicates[quad.predicate.value]] = quad.object


def is_kept(literal: ox.Literal) -> bool:
    """Tell whether Oxigraph certainly keeps ``literal`` as it is, without asking it.

    >>> is_kept(ox.Literal("7", datatype=ox.NamedNode("http://www.w3.org/2001/XMLSchema#integer")))
    True
    >>> is_kept(ox.Literal("07", datatype=ox.NamedNode("http://www.w3.org/2001/XMLSchema#integer")))
    False
    """
    if literal.language is not None:
        return literal.language.islower() or not any(c.isupper() for c in literal.language)
    datatype = literal.datatype.value
    if datatype in _UNTOUCHED or not datatype.startswith(_XSD):
        return True
    canonical = _CANONICAL.get(datatype)
    return canonical is not None and canonical.fullmatch(literal.value) is not None


def encode(literal: ox.Literal) -> ox.Literal:
    """Give the form under which ``literal`` lies in a ``written`` graph."""
    return ox.Literal(literal.value, datatype=ox.NamedNode(WRITTEN_PREFIX + literal.datatype.value))


def decode(literal: ox.Literal) -> ox.Literal:
    """Undo :func:`encode`."""
    return ox.Literal(literal.value, datatype=ox.NamedNode(literal.datatype.value.removeprefix(WRITTEN_PREFIX)))


class Splitter:
    """Splits triples as written into those to store and those for the ``written`` graph.

    One splitter serves one graph from its first triple to its last: where a literal that stays the same meets
    another one that is rewritten into it (``5`` beside ``"5"^^xsd:byte``), both are kept as written.
    """

    __slots__ = ("_changed", "_kept", "_normaliser")

    def __init__(self, normaliser: Normaliser | None = None) -> None:
        self._normaliser = normaliser or Normaliser()
        self._kept: set[int] = set()
        self._changed: set[int] = set()

    def split(self, batch: Sequence[ox.Triple]) -> Iterator[tuple[ox.Triple, tuple[ox.Triple, ...]]]:
        """Give each triple as the store keeps it, with what belongs into the ``written`` graph (0 to 2)."""
        targets = [t.object for t in batch]
        stored_forms = iter(self._normaliser.stored([o for o in targets if isinstance(o, ox.Literal)]))
        for triple, target in zip(batch, targets, strict=True):
            if isinstance(target, ox.Literal):
                yield self._one(triple, target, next(stored_forms))
            else:
                yield triple, ()

    def _one(
        self, triple: ox.Triple, literal: ox.Literal, stored: ox.Literal
    ) -> tuple[ox.Triple, tuple[ox.Triple, ...]]:
        datatype = literal.datatype.value
        if stored is literal or stored == literal:
            if datatype in _UNTOUCHED or not datatype.startswith(_XSD):
                return triple, ()
            return triple, ((_with(triple, encode(literal)),) if self._stays(hash(triple)) else ())
        result = _with(triple, stored)
        if literal.language is not None:
            return result, ()
        written = _with(triple, encode(literal))
        return result, ((written, _with(triple, encode(stored))) if self._becomes(hash(result)) else (written,))

    def _stays(self, key: int) -> bool:
        """Note a triple that stays as it is; tell whether another one became the same."""
        self._kept.add(key)
        return key in self._changed

    def _becomes(self, key: int) -> bool:
        """Note what a triple became; tell whether another one was that already."""
        self._changed.add(key)
        return key in self._kept


class LateSplitter(Splitter):
    """Splits any number of triples; which of them meet is found at the end, so that memory stays bounded."""

    __slots__ = ("_became", "_stayed")

    def __init__(self, folder: Path) -> None:
        """Keep what is to be compared in ``folder``."""
        super().__init__()
        self._stayed, self._became = Hashes(folder), Hashes(folder)

    def split(self, batch: Sequence[ox.Triple]) -> Iterator[tuple[ox.Triple, tuple[ox.Triple, ...]]]:
        """Do what :meth:`Splitter.split` does, but for what :meth:`met` gives."""
        yield from super().split(batch)
        self._stayed.add(self._kept)
        self._became.add(self._changed)
        self._kept.clear()
        self._changed.clear()

    def met(self, stored: Callable[[], Iterable[ox.Triple]]) -> Iterator[ox.Triple]:
        """Give what else belongs into the ``written`` graph; ``stored`` gives all triples that were split, again."""
        keys = self._stayed.common(self._became)
        found = {t: None for t in stored() if hash(t) in keys} if keys else {}
        yield from (_with(t, encode(t.object)) for t in found if isinstance(t.object, ox.Literal))

    def close(self) -> None:
        """Let go of the files."""
        self._stayed.close()
        self._became.close()

    def _stays(self, key: int) -> bool:
        self._kept.add(key)
        return False

    def _becomes(self, key: int) -> bool:
        self._changed.add(key)
        return False


def _with(triple: ox.Triple, literal: ox.Literal) -> ox.Triple:
    return ox.Triple(triple.subject, triple.predicate, literal)


def restore(
    stored: Iterable[ox.Triple], written: Iterable[ox.Triple], normaliser: Normaliser | None = None
) -> Iterator[ox.Triple]:
    """Give triples as their owner wrote them from the stored ones and their ``written`` companions.

    ``written`` is read first and held; ``stored`` streams. Inverse of :class:`Splitter`.
    """
    companions = [t for t in written if isinstance(t.object, ox.Literal)]
    originals = [decode(t.object) for t in companions if isinstance(t.object, ox.Literal)]
    by_stored: dict[ox.Triple, list[ox.Triple]] = {}
    for triple, literal, form in zip(
        companions, originals, (normaliser or Normaliser()).stored(originals), strict=True
    ):
        by_stored.setdefault(_with(triple, form), []).append(_with(triple, literal))
    if not by_stored:
        yield from stored
        return
    for triple in stored:
        yield from by_stored.get(triple, (triple,))
