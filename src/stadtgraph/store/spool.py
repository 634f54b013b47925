"""Triples on their way into a graph, as two N-Triples files: what the store keeps, and what was written.

A spool bounds memory: a source of any size passes through it in batches. Its lines are exactly those that
:func:`line` makes of a stored triple, so that the difference to a graph is a difference of lines.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from stadtgraph.store.literals import Splitter

BATCH: Final = 5_000
MOST_WATCHED: Final = 2_000_000
"""Lines up to which a spool knows that none is doubled: equal lines have equal hashes, about 60 bytes each."""


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
    return f"{triple} .".encode()


def read_lines(path: Path) -> Iterator[ox.Triple]:
    """Give the triples of a file of N-Triples lines that this module wrote."""
    for quad in ox.parse(path=str(path), format=ox.RdfFormat.N_TRIPLES, lenient=True):
        yield quad.triple


def spool(triples: Iterable[ox.Triple], folder: Path, name: str) -> Spool:
    """Write ``triples`` (as written, blank nodes already named) to ``folder``; memory stays bounded by a batch.

    ``OSError`` (disk full) passes through; the half-written files are left to the folder's owner.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stored, written = folder / f"{name}.stored.nt", folder / f"{name}.written.nt"
    splitter, digest, lines = Splitter(), hashlib.sha256(), 0
    seen: set[int] = set()
    source = iter(triples)
    with stored.open("wb") as stored_file, written.open("wb") as written_file:
        while batch := list(islice(source, BATCH)):
            companions: list[str] = []
            kept: list[str] = []
            for triple, extra in splitter.split(batch):
                kept.append(f"{triple} .\n")
                if extra:
                    companions += (f"{t} .\n" for t in extra)
            block = "".join(kept).encode()
            lines += len(kept)
            if lines <= MOST_WATCHED:
                seen.update(map(hash, kept))
            digest.update(block)
            stored_file.write(block)
            if companions:
                block = "".join(companions).encode()
                digest.update(block)
                written_file.write(block)
    return Spool(stored, written, lines, digest.hexdigest(), unique=len(seen) == lines)
