"""Triples on their way into a graph, as two N-Triples files: what the store keeps, and what was written.

A spool bounds memory: a source of any size passes through it in batches. Its lines are exactly those that
:func:`line` makes of a stored triple, so that the difference to a graph is a difference of lines.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from stadtgraph.store.hashes import Hashes
from stadtgraph.store.literals import LateSplitter
from stadtgraph.terms import RDF, XSD

BATCH: Final = 5_000
_STRING: Final = f"{XSD}string"
_LANG_STRING: Final = f"{RDF}langString"
_TAGGED: Final = frozenset((_LANG_STRING, f"{RDF}dirLangString"))


@dataclass(frozen=True, slots=True)
class Spool:
    """Two files of N-Triples lines, how many lines the first has, and whether none of them is surely doubled."""

    stored: Path
    written: Path
    lines: int
    digest: str
    unique: bool

    def triples(self) -> Iterator[ox.Triple]:
        """Give the triples in the store's form."""
        return read_lines(self.stored)

    def remove(self) -> None:
        """Delete both files."""
        self.stored.unlink(missing_ok=True)
        self.written.unlink(missing_ok=True)


def line(triple: ox.Triple) -> bytes:
    """Give the one N-Triples line of a triple, without the line end.

    >>> line(ox.Triple(ox.NamedNode("urn:s"), ox.NamedNode("urn:p"), ox.Literal("a b")))
    b'<urn:s> <urn:p> "a b" .'
    """
    return f"{text(triple)} .".encode()


def text(triple: ox.Triple) -> str:
    """Give a triple as ``str`` does, in a third of the time where its literal needs no escapes."""
    target = triple.object
    if isinstance(target, ox.Literal):
        return f"{triple.subject} {triple.predicate} {quoted(target)}"
    return str(triple)


def quoted(literal: ox.Literal) -> str:
    """Give a literal as ``str`` does: most texts hold nothing that N-Triples would have to escape.

    >>> quoted(ox.Literal("Bäume", language="de")), quoted(ox.Literal('"'))
    ('"Bäume"@de', '"\\\\""')
    """
    value, datatype = literal.value, literal.datatype.value
    if not value.isprintable() or '"' in value or "\\" in value:
        return str(literal)
    if datatype == _STRING:
        return f'"{value}"'
    if datatype in _TAGGED:
        return str(literal) if datatype != _LANG_STRING else f'"{value}"@{literal.language}'
    return f'"{value}"^^<{datatype}>'


def read_lines(path: Path) -> Iterator[ox.Triple]:
    """Give the triples of a file of N-Triples lines that this module wrote."""
    for quad in ox.parse(path=str(path), format=ox.RdfFormat.N_TRIPLES, lenient=True):
        yield quad.triple


class Spooler:
    """Takes triples (as written, blank nodes already named) in portions, and makes a :class:`Spool` of them."""

    def __init__(self, folder: Path, name: str) -> None:
        """Write to ``folder``; ``OSError`` (disk full) passes through, half-written files are its owner's."""
        folder.mkdir(parents=True, exist_ok=True)
        self._stored, self._written = folder / f"{name}.stored.nt", folder / f"{name}.written.nt"
        self._digest, self.lines = hashlib.sha256(), 0
        self._files = self._stored.open("wb"), self._written.open("wb")
        self._splitter, self._seen = LateSplitter(folder), Hashes(folder)

    def add(self, triples: Sequence[ox.Triple]) -> None:
        """Take some."""
        pairs = list(self._splitter.split(triples))
        kept = [f"{text(triple)} .\n" for triple, _ in pairs]
        self.lines += len(kept)
        self._seen.add(map(hash, kept))
        self._write(0, kept)
        self._write(1, [f"{text(t)} .\n" for _, extra in pairs for t in extra])

    def done(self) -> Spool:
        """Give the spool of all that was taken."""
        self._files[0].flush()
        met = self._splitter.met(lambda: read_lines(self._stored))
        self._write(1, [f"{text(t)} .\n" for t in met])
        self.close_files()
        is_unique = self._seen.are_unique()
        return Spool(self._stored, self._written, self.lines, self._digest.hexdigest(), is_unique)

    def close_files(self) -> None:
        """Write what is still held."""
        for file in self._files:
            file.close()

    def close(self) -> None:
        """Let go of all files."""
        self.close_files()
        self._splitter.close()
        self._seen.close()

    def _write(self, file: int, lines: Sequence[str]) -> None:
        block = "".join(lines).encode()
        self._digest.update(block)
        self._files[file].write(block)


def spool(triples: Iterable[ox.Triple], folder: Path, name: str) -> Spool:
    """Write ``triples`` (as written, blank nodes already named) to ``folder``; memory stays bounded by a batch.

    ``OSError`` (disk full) passes through; the half-written files are left to the folder's owner.
    """
    source = iter(triples)
    with closing(Spooler(folder, name)) as spooler:
        while batch := list(islice(source, BATCH)):
            spooler.add(batch)
        return spooler.done()
