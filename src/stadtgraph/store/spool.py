"""Triples on their way into a graph, as two N-Triples files: what the store keeps, and what was written.

A spool bounds memory: a source of any size passes through it in batches. Its lines are exactly those that
:func:`line` makes of a stored triple, so that the difference to a graph is a difference of lines.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from stadtgraph.store.hashes import Hashes
from stadtgraph.store.literals import LateSplitter

BATCH: Final = 5_000


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
    digest, lines = hashlib.sha256(), 0
    source = iter(triples)
    with (
        stored.open("wb") as stored_file,
        written.open("wb") as written_file,
        closing(LateSplitter(folder)) as splitter,
        closing(Hashes(folder)) as seen,
    ):

        def write_companions(companions: Iterable[ox.Triple]) -> None:
            block = "".join(f"{t} .\n" for t in companions).encode()
            digest.update(block)
            written_file.write(block)

        while batch := list(islice(source, BATCH)):
            pairs = list(splitter.split(batch))
            kept = [f"{triple} .\n" for triple, _ in pairs]
            lines += len(kept)
            seen.add(map(hash, kept))
            block = "".join(kept).encode()
            digest.update(block)
            stored_file.write(block)
            write_companions(t for _, extra in pairs for t in extra)
        stored_file.flush()
        write_companions(splitter.met(lambda: read_lines(stored)))
        is_unique = seen.are_unique()
    return Spool(stored, written, lines, digest.hexdigest(), is_unique)
