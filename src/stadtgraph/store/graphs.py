"""Graphs changed by the difference of their triples, and the merge kept beside them.

The store's default graph is the *set union* of the view's graphs (all but ``written`` ones): a triple enters with
its first graph and leaves with its last. A difference is found line by line in buckets, so memory stays bounded
at any size; a few changes are applied one by one, many are loaded in bulk.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from stadtgraph.store.spool import Spool, line, read_lines
from stadtgraph.terms import Names

BUCKET: Final = 150_000  # lines held in memory at once, about 25 MB
MAX_BUCKETS: Final = 200  # files open at once
BULK: Final = 20_000  # added lines from which bulk loading is faster than adding
BLOCK: Final = 12_000_000  # bytes loaded in bulk at once, about 80,000 lines
SMALL: Final = 20_000  # changed triples up to which a change is also kept in memory, for those who derive from it


@dataclass(frozen=True, slots=True)
class Change:
    """What a swap changed in one graph: files of N-Triples lines in the store's form, and their lengths."""

    graph: ox.NamedNode
    added_file: Path
    removed_file: Path
    added: int
    removed: int

    def __bool__(self) -> bool:
        return self.added > 0 or self.removed > 0

    @property
    def is_small(self) -> bool:
        """Tell whether the changed triples may be held in memory."""
        return self.added + self.removed <= SMALL

    def added_triples(self) -> Iterator[ox.Triple]:
        """Give the added triples in the store's form."""
        return read_lines(self.added_file)

    def removed_triples(self) -> Iterator[ox.Triple]:
        """Give the removed triples in the store's form."""
        return read_lines(self.removed_file)


def swap(
    store: ox.Store,
    names: Names,
    graph: ox.NamedNode,
    spool: Spool,
    folder: Path,
    *,
    old_size: int | None = None,
) -> tuple[Change, Change]:
    """Make ``graph`` hold exactly the spool's triples, and its ``written`` graph the spool's companions.

    ``old_size`` is the number of triples that ``graph`` has now, where known (0 spares looking). Returns the
    changes of the graph and of its ``written`` graph. Cost grows with old plus new size; memory is bounded.
    """
    if old_size == 0 and spool.unique and spool.lines >= BULK:
        first = Change(graph, _kept_lines(spool.stored, folder / "graph"), _nothing(folder / "graph"), spool.lines, 0)
        apply(store, names, first)
    else:
        first = _swap_lines(store, names, graph, spool.stored, spool.lines, folder / "graph", old_size)
    return (
        first,
        _swap_lines(store, names, names.written(graph), spool.written, None, folder / "written", None),
    )


def change(
    store: ox.Store,
    names: Names,
    graph: ox.NamedNode,
    add: Iterable[ox.Triple],
    remove: Iterable[ox.Triple],
    folder: Path,
) -> Change:
    """Add and remove triples (store's form) of one graph; those that change nothing are left out."""
    removed = [line(t) for t in dict.fromkeys(remove) if _quad(t, graph) in store]
    added = [line(t) for t in dict.fromkeys(add) if _quad(t, graph) not in store]
    result = _write(folder, graph, [(added, removed)])
    apply(store, names, result)
    return result


def apply(store: ox.Store, names: Names, difference: Change) -> None:
    """Apply a difference to its graph and to the merge."""
    graph, merged = difference.graph, not names.is_written(difference.graph.value)
    for triple in difference.removed_triples() if difference.removed else ():
        store.remove(_quad(triple, graph))
        if merged and not _is_elsewhere(store, names, triple):
            store.remove(ox.Quad(triple.subject, triple.predicate, triple.object))
    if difference.added >= BULK:
        _bulk(store, difference.added_file, [graph, ox.DefaultGraph()] if merged else [graph])
    elif difference.added:
        quads = [_quad(t, graph) for t in difference.added_triples()]
        if merged:
            quads += [ox.Quad(q.subject, q.predicate, q.object) for q in quads]
        store.extend(quads)


def rebuild(old: ox.Store, new_path: Path, names: Names, keep: Callable[[str], bool], folder: Path) -> None:
    """Write a new store that holds only the graphs that ``keep`` accepts and their merge, and no byte of the rest.

    Removing a graph leaves its literals in the files of a store; a store that never held them does not.
    """
    folder.mkdir(parents=True, exist_ok=True)
    graphs = [g for g in old.named_graphs() if isinstance(g, ox.NamedNode) and keep(g.value)]
    new = ox.Store(str(new_path))
    for graph in sorted(graphs, key=lambda g: g.value):
        dump = folder / "dump.nt"
        with dump.open("wb") as file:
            old.dump(file, ox.RdfFormat.N_TRIPLES, from_graph=graph)
        _bulk(new, dump, [graph] if names.is_written(graph.value) else [graph, ox.DefaultGraph()])
        dump.unlink()
    new.flush()


def count(store: ox.Store, graph: ox.NamedNode) -> int:
    """Count the triples of ``graph`` by looking at each."""
    return sum(1 for _ in store.quads_for_pattern(None, None, None, graph))


def _kept_lines(path: Path, folder: Path) -> Path:
    """Keep the lines of a spool under another name, so that they outlive it without being copied."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "added.nt"
    kept.unlink(missing_ok=True)
    kept.hardlink_to(path)
    return kept


def _nothing(folder: Path) -> Path:
    nothing = folder / "removed.nt"
    nothing.write_bytes(b"")
    return nothing


def _swap_lines(
    store: ox.Store,
    names: Names,
    graph: ox.NamedNode,
    lines: Path,
    number: int | None,
    folder: Path,
    old_size: int | None,
) -> Change:
    old = count(store, graph) if old_size is None else old_size
    size = old + (number if number is not None else _count_lines(lines))
    difference = _write(folder, graph, _differences(store, graph, lines, size, folder, is_new=old == 0))
    apply(store, names, difference)
    return difference


def _differences(
    store: ox.Store, graph: ox.NamedNode, lines: Path, size: int, folder: Path, *, is_new: bool
) -> Iterator[tuple[Iterable[bytes], Iterable[bytes]]]:
    """Give pairs of (added, removed) lines, bucket by bucket."""
    buckets = min(size // BUCKET + 1, MAX_BUCKETS)
    new_parts = _parts(_file_lines(lines), buckets, folder / "new")
    stored = () if is_new else (line(q.triple) for q in store.quads_for_pattern(None, None, None, graph))
    old_parts = _parts(stored, buckets, folder / "old")
    for new, old in zip(new_parts, old_parts, strict=True):
        yield [entry for entry in new if entry not in old], [entry for entry in old if entry not in new]


def _parts(lines: Iterable[bytes], buckets: int, folder: Path) -> Iterator[dict[bytes, None]]:
    """Split lines into buckets by their digest (on disk where there are several), each an ordered set."""
    if buckets == 1:
        yield dict.fromkeys(lines)
        return
    folder.mkdir(parents=True, exist_ok=True)
    files = [(folder / str(i)).open("wb") for i in range(buckets)]
    try:
        for entry in lines:
            digest = hashlib.blake2b(entry, digest_size=4).digest()
            files[int.from_bytes(digest) % buckets].write(entry + b"\n")
    finally:
        for file in files:
            file.close()
    for i in range(buckets):
        part = folder / str(i)
        yield dict.fromkeys(_file_lines(part))
        part.unlink()


def _write(folder: Path, graph: ox.NamedNode, pairs: Iterable[tuple[Iterable[bytes], Iterable[bytes]]]) -> Change:
    folder.mkdir(parents=True, exist_ok=True)
    added_file, removed_file, counts = folder / "added.nt", folder / "removed.nt", [0, 0]
    with added_file.open("wb") as added, removed_file.open("wb") as removed:
        for pair in pairs:
            for i, (file, lines) in enumerate(zip((added, removed), pair, strict=True)):
                entries = list(lines)
                counts[i] += len(entries)
                if entries:
                    file.write(b"\n".join(entries) + b"\n")
    return Change(graph, added_file, removed_file, *counts)


def _is_elsewhere(store: ox.Store, names: Names, triple: ox.Triple) -> bool:
    return any(
        isinstance(q.graph_name, ox.NamedNode) and not names.is_written(q.graph_name.value)
        for q in store.quads_for_pattern(triple.subject, triple.predicate, triple.object, None)
    )


def _bulk(store: ox.Store, path: Path, graphs: Sequence[ox.NamedNode | ox.DefaultGraph]) -> None:
    """Load a file of lines into several graphs at the same time, block by block to bound memory.

    Blocks are files, because Oxigraph lets other threads run only while it reads from a path.
    """
    part = path.with_name("part.nt")

    def load(graph: ox.NamedNode | ox.DefaultGraph) -> None:
        store.bulk_load(path=str(part), format=ox.RdfFormat.N_TRIPLES, to_graph=graph, lenient=True)

    from concurrent.futures import ThreadPoolExecutor  # here, for a query worker starts often and needs none

    with path.open("rb") as file, ThreadPoolExecutor(len(graphs)) as pool:
        while block := file.read(BLOCK) + file.readline():
            part.write_bytes(block)
            for done in [pool.submit(load, graph) for graph in graphs]:
                done.result()
    part.unlink(missing_ok=True)


def _quad(triple: ox.Triple, graph: ox.NamedNode) -> ox.Quad:
    return ox.Quad(triple.subject, triple.predicate, triple.object, graph)


def _file_lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        for entry in file:
            yield entry.rstrip(b"\n")


def _count_lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
