"""The triples of a catalogue laid out by subject on disk, so that records can be taken from it one by one.

Memory stays bounded whatever the size: a subject's lines are kept together in SQLite, and what was handed out
is one bit each.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from stadtgraph.sources.harvest.lines import Subject, escaped, line, parsed, token
from stadtgraph.sources.harvest.words import BORDERS, HYDRA, MEMBERS, ROOTS, TOPIC, TYPE, is_hydra

CHUNK: Final = 1 << 18  # bytes of one subject that are held before they are written
MOST: Final = 50_000  # triples of one record; more is no record but a mistake
MOST_MERGED: Final = 4 << 20  # bytes that are said of one node, up to which repetitions are looked for
DEEPEST: Final = 8  # steps below a node to which blank nodes of several pages are compared
SIEVE: Final = 1 << 24  # bits; tells quickly that something is surely no subject
_ROOTS: Final = {node.value for node in ROOTS}
_OWN: Final = "name NOT IN (SELECT label FROM used)"
"""A blank node that hangs on another subject is a part of that one's record, whatever its class."""


@dataclass(slots=True)
class Part:
    """The triples of one subject, as one place of the catalogue gives them."""

    number: int
    triples: list[ox.Triple]


@dataclass(slots=True)
class RawRecord:
    """A dataset (series, service) with all that hangs on it, as it came.

    ``fresh`` are the parts that no record before it had; ``is_large`` says that it was cut off.
    """

    root: Subject
    parts: list[Part]
    links: list[ox.Triple] = field(default_factory=list)
    fresh: set[int] = field(default_factory=set)
    is_large: bool = False

    @property
    def triples(self) -> list[ox.Triple]:
        """Give all triples of the record, with those by which the catalogue names it."""
        return [t for part in self.parts for t in part.triples] + self.links


class Workbench:
    """Takes triples page by page, then gives records, then the rest."""

    def __init__(self, folder: Path | None = None) -> None:
        """Work in ``folder``, or in memory."""
        self._base = sqlite3.connect(":memory:" if folder is None else str(folder / "workbench.sqlite"))
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "temp_store=FILE", "cache_size=-65536"):
            self._base.execute(f"PRAGMA {pragma}")
        self._base.executescript(
            "CREATE TABLE chunk(number INTEGER PRIMARY KEY, name TEXT, page INTEGER, lines BLOB);"
            "CREATE TABLE root(name TEXT, page INTEGER);"
            "CREATE TABLE member(name TEXT, page INTEGER, line BLOB, blank TEXT);"
            "CREATE TABLE about(topic TEXT, name TEXT);"
            "CREATE TABLE used(label TEXT, name TEXT);"
        )
        self._sieve = bytearray(SIEVE // 8)
        self._done = bytearray()
        self._touched = bytearray()
        self._has_topics = False
        self.taken = 0
        """Triples taken in."""
        self.paging: list[ox.Triple] = []
        """What the pages say of themselves."""

    def close(self) -> None:
        """Let go of the files."""
        self._base.close()

    # ---- taking in

    def add(self, triples: Iterable[ox.Triple], page: int = 0) -> None:
        """Take in the triples of one page; its blank nodes are its own."""
        intake = _Intake(self, page)
        for triple in triples:
            intake.take(triple)
        intake.flush()

    def ready(self) -> None:
        """Sort what was taken in, so that records can be taken from it."""
        self._base.executescript(
            "CREATE INDEX chunk_name ON chunk(name); CREATE INDEX member_name ON member(name);"
            "CREATE INDEX about_topic ON about(topic); CREATE INDEX used_label ON used(label);"
        )
        (last,) = self._base.execute("SELECT coalesce(max(number), 0) FROM chunk").fetchone()
        self._done, self._touched = bytearray(last // 8 + 1), bytearray(last // 8 + 1)
        for name, page in self._base.execute(
            "SELECT r.name, r.page FROM root r JOIN (SELECT name, max(page) AS last FROM root GROUP BY name"
            " HAVING min(page) < max(page)) d ON r.name = d.name WHERE r.page < d.last"
        ).fetchall():
            self._supersede(name, page)
        own = "SELECT name FROM chunk WHERE name NOT LIKE '\\_:%' ESCAPE '\\' GROUP BY name"
        often = (  # how often is in the index, how long is not
            f"SELECT name FROM chunk WHERE name IN ({own} HAVING count(*) > 1) GROUP BY name"
            f" HAVING sum(length(lines)) < {MOST_MERGED}"
        )
        for (name,) in self._base.execute(often).fetchall():
            self._merge(name)

    # ---- giving out

    def roots(self) -> Iterator[str]:
        """Give the names of all records, each once, in the order in which they came."""
        query = f"SELECT name FROM root WHERE {_OWN} GROUP BY name ORDER BY min(rowid)"
        yield from (name for (name,) in self._base.execute(query))

    def number_of_roots(self) -> int:
        """Count the records."""
        (number,) = self._base.execute(f"SELECT count(DISTINCT name) FROM root WHERE {_OWN}").fetchone()
        return int(number)

    def record(self, name: str) -> RawRecord:
        """Give the record of a root, and mark its parts as belonging to one."""
        record = self._closure([name])
        links = self._base.execute("SELECT line FROM member WHERE name = ? ORDER BY rowid", (name,)).fetchall()
        record.links = list(dict.fromkeys(parsed(b"".join(found for (found,) in links))))
        for part in record.parts:
            _set(self._touched, part.number)
        if record.is_large:  # what was cut off is no node of its own
            for (number,) in self._base.execute("SELECT number FROM chunk WHERE name = ?", (name,)):
                _set(self._touched, number)
        return record

    def peek(self, name: str) -> RawRecord:
        """Give what a root says itself, with its blank nodes, without marking anything."""
        return self._closure([name], blank_only=True)

    def records(self) -> Iterator[RawRecord]:
        """Give every record."""
        for name in self.roots():
            yield self.record(name)

    def keep(self, record: RawRecord) -> None:
        """Note that a record was loaded, so that no other one brings its parts again."""
        for number in record.fresh:
            _set(self._done, number)

    def give_back(self, record: RawRecord) -> None:
        """Undo :meth:`keep`."""
        for number in record.fresh:
            _unset(self._done, number)

    def refresh(self, record: RawRecord) -> None:
        """Look again which parts of a record no record before it had."""
        record.fresh = {part.number for part in record.parts if not _is_set(self._done, part.number)}

    def rest(self) -> Iterator[RawRecord]:
        """Give what belongs to no record: node by node, each with the blank nodes below it.

        Links of the catalogue to records that the document does not describe come with the first.
        """
        query = "SELECT number, name FROM chunk WHERE name NOT LIKE '\\_:%' ESCAPE '\\' ORDER BY number"
        blank = (
            "SELECT number, name FROM chunk WHERE name LIKE '\\_:%' ESCAPE '\\' "
            "ORDER BY name IN (SELECT label FROM used), number"
        )
        stray = f"SELECT line FROM member WHERE name NOT IN (SELECT name FROM root WHERE {_OWN}) ORDER BY rowid"
        links = parsed(b"".join(found for (found,) in self._base.execute(stray).fetchall()))
        if links:
            yield RawRecord(links[0].subject, [], links)  # type: ignore[arg-type]
        for search in (query, blank):
            for number, name in self._base.execute(search):
                if _is_set(self._touched, number) or _is_set(self._done, number):
                    continue
                record = self._closure([name], blank_only=True)
                numbers = [part.number for part in record.parts]
                if record.is_large:
                    rows = self._base.execute("SELECT number FROM chunk WHERE name = ?", (name,))
                    numbers += [found for (found,) in rows]
                for touched in numbers:
                    _set(self._touched, touched)
                    _set(self._done, touched)
                yield record

    def shared_blank_nodes(self) -> list[ox.Triple]:
        """Give what blank nodes say that several records know, and those below them.

        Several subjects point to them, or they are catalogues without an IRI; what these list is not given.
        """
        query = "SELECT label FROM used GROUP BY label HAVING count(DISTINCT name) > 1 UNION SELECT blank FROM member"
        found = [label for (label,) in self._base.execute(query).fetchall() if label is not None]
        return self._closure(found, blank_only=True).triples if found else []

    def silent_catalogues(self) -> list[str]:
        """Give the labels of catalogues without an IRI that say nothing but what they list."""
        query = "SELECT DISTINCT blank FROM member WHERE blank NOT IN (SELECT name FROM chunk) ORDER BY blank"
        return [label.removeprefix("_:") for (label,) in self._base.execute(query).fetchall()]

    def blank_roots(self) -> Iterator[str]:
        """Give the names of records that have no IRI."""
        yield from (name for name in self.roots() if name.startswith("_:"))

    def _supersede(self, name: str, page: int) -> None:
        """Leave out what an earlier page said of a record that a later one brings again."""
        record = self._closure([name], blank_only=True, page=page)
        for part in record.parts:
            _set(self._done, part.number)
            _set(self._touched, part.number)
            self._base.execute("DELETE FROM chunk WHERE number = ?", (part.number,))

    def _merge(self, name: str) -> None:
        """Keep once what is said of a node in several places, such as of a publisher on every page.

        Blank nodes of different pages that say the same are the same; those of one page never are.
        """
        rows = self._base.execute("SELECT number, page, lines FROM chunk WHERE name = ? ORDER BY number", (name,))
        kept: dict[object, bytes] = {}
        numbers, seen = [], set()
        times: Counter[object] = Counter()
        for number, page, lines in rows.fetchall():
            numbers.append(number)
            for entry in lines.splitlines(keepends=True):
                if entry in seen:
                    continue
                seen.add(entry)
                key: object = entry
                front, label = _blank_end(entry)
                if label:
                    said = (front, self._said(label))
                    times[page, said] += 1
                    key = (said, times[page, said])
                if key in kept:
                    self._drop(f"_:{label}")
                else:
                    kept[key] = entry
        self._base.executemany("DELETE FROM chunk WHERE number = ?", [(number,) for number in numbers[1:]])
        self._base.execute("UPDATE chunk SET lines = ? WHERE number = ?", (b"".join(kept.values()), numbers[0]))

    def _said(self, label: str, depth: int = 0) -> frozenset[object]:
        """Give what a blank node says, with the same of those below it instead of their labels."""
        found = self._base.execute("SELECT lines FROM chunk WHERE name = ?", (f"_:{label}",)).fetchall()
        if depth >= DEEPEST or self._is_shared(f"_:{label}"):
            return frozenset((label,))
        said: set[object] = set()
        for entry in (entry for (lines,) in found for entry in lines.splitlines()):
            front, below = _blank_end(entry.partition(b" ")[2])
            said.add((front, self._said(below, depth + 1)) if below else front)
        return frozenset(said)

    def _is_shared(self, name: str) -> bool:
        (number,) = self._base.execute("SELECT count(DISTINCT name) FROM used WHERE label = ?", (name,)).fetchone()
        return bool(number > 1)

    def _drop(self, name: str) -> None:
        """Remove a blank node and those below it."""
        for part in self._closure([name], blank_only=True).parts:
            self._base.execute("DELETE FROM chunk WHERE number = ?", (part.number,))

    def _closure(self, names: Sequence[str], *, blank_only: bool = False, page: int | None = None) -> RawRecord:
        """Give what ``names`` say and what they lead to, up to other records, catalogues and lists of words."""
        record = RawRecord(_subject(names[0]), [])
        waiting, seen, size = list(reversed(names)), set(names), 0
        if not blank_only:
            waiting += self._speaking_of(names[0], seen)
        while waiting:
            name = waiting.pop()
            parts = self._parts(name, page if name in names else None)
            if name not in names and not blank_only and not name.startswith("_:") and _is_border(parts):
                continue
            for part in parts:
                size += len(part.triples)
                record.parts.append(part)
                if not _is_set(self._done, part.number):
                    record.fresh.add(part.number)
                waiting += [n for n in self._targets(part, blank_only) if not (n in seen or seen.add(n))]  # type: ignore[func-returns-value]
            if size > MOST:
                record.is_large = True
                break
        return record

    def _speaking_of(self, name: str, seen: set[str]) -> list[str]:
        if not self._has_topics:
            return []
        query = "SELECT DISTINCT name FROM about WHERE topic = ?"
        found = [n for (n,) in self._base.execute(query, (name,)).fetchall() if n not in seen]
        seen.update(found)
        return found

    def _parts(self, name: str, page: int | None = None) -> list[Part]:
        query = "SELECT number, lines FROM chunk WHERE name = ?"
        values: list[object] = [name]
        if page is not None:
            query, values = f"{query} AND page = ?", [name, page]
        found: list[Part] = []
        size = 0
        for number, lines in self._base.execute(f"{query} ORDER BY number", values):
            found.append(Part(number, parsed(lines)))
            size += len(found[-1].triples)
            if size > MOST:
                break
        return found

    def _targets(self, part: Part, blank_only: bool) -> list[str]:
        found = []
        for triple in part.triples:
            target = triple.object
            if isinstance(target, ox.BlankNode):
                found.append(f"_:{target.value}")
            elif isinstance(target, ox.NamedNode) and not blank_only and self.may_hold(target.value):
                found.append(target.value)
        return found

    def may_hold(self, name: str) -> bool:
        """Tell whether ``name`` may be a subject; a no is sure."""
        return _is_set(self._sieve, hash(name) % SIEVE)

    # ---- what the intake writes

    def _write(self, name: str, page: int, lines: Sequence[str]) -> None:
        place = hash(name) % SIEVE
        _set(self._sieve, place)
        self._base.execute(
            "INSERT INTO chunk(name, page, lines) VALUES (?, ?, ?)", (name, page, "".join(lines).encode())
        )

    def _execute(self, text: str, values: tuple[object, ...]) -> None:
        self._base.execute(text, values)


class _Intake:
    """Takes in one page."""

    def __init__(self, bench: Workbench, page: int) -> None:
        self._bench, self._page, self._scope = bench, page, f"p{page}x"
        self._subject: object = None
        self._name = ""
        self._front = ""
        self._lines: list[str] = []
        self._size = 0
        self._predicates: dict[ox.NamedNode, str] = {}

    def take(self, triple: ox.Triple) -> None:
        """Take one triple."""
        bench, subject, predicate, target = self._bench, triple.subject, triple.predicate, triple.object
        bench.taken += 1
        if subject != self._subject:
            self.flush()
            self._subject, self._front = subject, token(subject, self._scope)
            self._name = self._front if isinstance(subject, ox.BlankNode) else getattr(subject, "value", "")
        back = token(target, self._scope)
        middle = self._predicates.get(predicate)
        if middle is None:
            middle = self._predicates[predicate] = f"<{escaped(predicate.value)}>"
        text = f"{self._front} {middle} {back} .\n"
        if (isinstance(target, ox.NamedNode) and target.value.startswith(HYDRA)) or is_hydra(predicate.value):
            bench.paging += parsed(text.encode())
            return
        if predicate in MEMBERS and not isinstance(target, ox.Literal):
            name = back if isinstance(target, ox.BlankNode) else target.value  # type: ignore[union-attr]
            blank = self._name if isinstance(subject, ox.BlankNode) else None
            bench._execute("INSERT INTO member VALUES (?, ?, ?, ?)", (name, self._page, text.encode(), blank))
            return
        if isinstance(target, ox.BlankNode):
            bench._execute("INSERT INTO used VALUES (?, ?)", (back, self._name))
        elif predicate == TYPE and isinstance(target, ox.NamedNode) and target.value in _ROOTS:
            bench._execute("INSERT INTO root VALUES (?, ?)", (self._name, self._page))
        if predicate == TOPIC and not isinstance(target, ox.Literal):
            name = back if isinstance(target, ox.BlankNode) else target.value  # type: ignore[union-attr]
            bench._has_topics = True
            bench._execute("INSERT INTO about VALUES (?, ?)", (name, self._name))
        self._lines.append(text)
        self._size += len(text)
        if self._size > CHUNK:
            self._put()

    def flush(self) -> None:
        """Write what is held of the last subject."""
        if self._lines:
            self._put()
        self._subject = None

    def _put(self) -> None:
        self._bench._write(self._name, self._page, self._lines)
        self._lines, self._size = [], 0


def split(triples: Iterable[ox.Triple]) -> tuple[list[RawRecord], list[RawRecord], list[ox.Triple]]:
    """Give the records of a small catalogue, the rest, and what it says of its pages."""
    bench = Workbench()
    bench.add(triples)
    bench.ready()
    records = []
    for record in bench.records():
        bench.keep(record)
        records.append(record)
    rest = list(bench.rest())
    bench.close()
    return records, rest, bench.paging


def _subject(name: str) -> Subject:
    with suppress(ValueError):  # nearly all are well-formed, and need no parser
        return ox.BlankNode(name[2:]) if name.startswith("_:") else ox.NamedNode(name)
    front = name if name.startswith("_:") else f"<{escaped(name)}>"
    (triple,) = parsed(f"{front} <urn:p> <urn:o> .\n".encode())
    assert not isinstance(triple.subject, ox.Triple)
    return triple.subject


def _blank_end(entry: bytes) -> tuple[bytes, str]:
    """Split a line before the blank node at its end; without one give it whole, and no label."""
    front, mark, label = entry.rstrip(b" .\n").rpartition(b" _:")
    is_blank = mark and b'"' not in label and b">" not in label
    return (front, label.decode()) if is_blank else (entry, "")


def _is_border(parts: Sequence[Part]) -> bool:
    return any(t.predicate == TYPE and t.object in BORDERS for part in parts for t in part.triples)


def _set(bits: bytearray, place: int) -> None:
    bits[place >> 3] |= 1 << (place & 7)


def _unset(bits: bytearray, place: int) -> None:
    bits[place >> 3] &= ~(1 << (place & 7))


def _is_set(bits: bytearray, place: int) -> bool:
    return place >> 3 < len(bits) and bool(bits[place >> 3] & 1 << (place & 7))


__all__ = ["Part", "RawRecord", "Workbench", "line", "split"]
