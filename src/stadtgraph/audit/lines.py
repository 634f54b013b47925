"""Copies the triples that an audit looks at from the files of a load, without asking the store for them.

A graph that a draft loaded whole still lies beside it, as the lines that went into the store. Reading those is ten
times faster than asking the store, which looks every term up.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

import pyoxigraph as ox

from stadtgraph.store.literals import WRITTEN_PREFIX, Normaliser, restore

BLOCK: Final = 10_000
Predicates = frozenset[ox.NamedNode] | None
"""The predicates that are wanted; ``None`` stands for any."""
_MARK: Final = f"^^<{WRITTEN_PREFIX}".encode()


@dataclass(frozen=True, slots=True)
class Loaded:
    """The files of a graph that was loaded whole: lines in the store's form, and literals as written."""

    stored: Path
    written: Path | None


def copy(loaded: Loaded, out: BinaryIO, wanted: Predicates, normaliser: Normaliser) -> None:
    """Write the wanted lines of a graph as their owner wrote them."""
    companions = _companions(loaded.written, wanted)
    rewritten = {key.split(b" ", 1)[1] for key in companions}
    held: dict[bytes, list[bytes]] = {}
    with loaded.stored.open("rb") as file:
        lines = _kept(file, wanted, rewritten, companions.keys(), held)
        while block := b"".join(islice(lines, BLOCK)):
            out.write(block)
    for key, stored in held.items():
        out.write(_restored(stored, companions[key], normaliser))


def _kept(
    file: BinaryIO, wanted: Predicates, rewritten: set[bytes], keys: Container[bytes], held: dict[bytes, list[bytes]]
) -> Iterator[bytes]:
    """Give the wanted lines; those that companions belong to are held back."""
    predicates = _texts(wanted)
    for line in file:
        subject, predicate, _ = line.split(b" ", 2)
        if predicates is not None and predicate not in predicates:
            continue
        if predicate in rewritten and (key := subject + b" " + predicate) in keys:
            held.setdefault(key, []).append(line)
        else:
            yield line


def _companions(path: Path | None, wanted: Predicates) -> dict[bytes, list[bytes]]:
    """Give the lines of literals as written, by subject and predicate."""
    predicates = _texts(wanted)
    found: dict[bytes, list[bytes]] = {}
    if path is None:
        return found
    with path.open("rb") as file:
        for line in file:
            subject, predicate, _ = line.split(b" ", 2)
            if predicates is None or predicate in predicates:
                found.setdefault(subject + b" " + predicate, []).append(line)
    return found


def _restored(stored: list[bytes], companions: list[bytes], normaliser: Normaliser) -> bytes:
    """Give the lines of one subject and predicate as written: a lone value is what its companions say."""
    if len(stored) == 1:
        return b"".join(_decoded(line) for line in companions)
    triples = restore((q.triple for q in _parsed(stored)), [q.triple for q in _parsed(companions)], normaliser)
    return "".join(f"{triple} .\n" for triple in triples).encode()


def _decoded(line: bytes) -> bytes:
    """Take the mark away from the datatype, which stands at the end of the line."""
    text, _, datatype = line.rpartition(_MARK)
    return text + b"^^<" + datatype


def _parsed(lines: list[bytes]) -> Iterator[ox.Quad]:
    return ox.parse(b"".join(lines), format=ox.RdfFormat.N_TRIPLES, lenient=True)


def _texts(predicates: Predicates) -> frozenset[bytes] | None:
    return None if predicates is None else frozenset(str(p).encode() for p in predicates)
