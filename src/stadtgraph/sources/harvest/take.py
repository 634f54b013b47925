"""A catalogue taken whole: its pages laid out, its records made ready one by one, the bad ones set aside.

Nothing here touches a release: what comes out are files, and what happened as numbers.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from stadtgraph.sources.feed import Feed
from stadtgraph.sources.harvest.lines import Subject, is_iri, line
from stadtgraph.sources.harvest.pages import Page, triples
from stadtgraph.sources.harvest.record import Cleaned, Cleaner, Reason
from stadtgraph.sources.harvest.repairs import Known, Repairs
from stadtgraph.sources.harvest.words import IRI_MARK
from stadtgraph.sources.harvest.workbench import RawRecord, Workbench
from stadtgraph.store import Spool, Spooler, spool
from stadtgraph.terms import DCT, RDF, SG, Names

EVERY: Final = 1_000  # records between two words of progress
BATCH: Final = 25_000  # triples that are checked against the shapes at once
MOST_WAITING: Final = 5_000  # originals that are written at once
NAMED: Final = 20  # bad records that are named in a report
Progress = Callable[[str, int, int], None]
"""Takes a step, how far it is, and how far it goes."""
Write = Callable[[bytes], object]
Keep = Callable[[Sequence[ox.Triple]], None]
Gate = Callable[[Sequence[ox.Triple]], Mapping[str, list[Reason]]]
"""Takes records made ready and gives, for the IRI of each node that violates a shape, what is wrong with it."""
Elsewhere = Callable[[str], str]
"""Gives the source that has a record already and goes before this one; the empty text where none does."""


def silent(_step: str, _done: int, _all: int) -> None:
    """Report nothing."""


@dataclass(frozen=True, slots=True)
class Bad:
    """A record that was set aside."""

    name: str
    reasons: tuple[Reason, ...]


@dataclass(slots=True)
class Taken:
    """What came out of a catalogue: the files, and how much of what."""

    records: int = 0
    roots: set[str] = field(default_factory=set)
    """The IRIs of the records that are loaded."""
    loaded: int = 0
    quarantined: int = 0
    triples: int = 0
    bad: list[Bad] = field(default_factory=list)
    """The first of the bad records; all of them are in the quarantine."""
    known: Counter[str] = field(default_factory=Counter)
    """Records that another source has already and goes before, by its name."""
    repairs: Counter[str] = field(default_factory=Counter)
    withheld: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    paging: int = 0
    notes: list[Reason] = field(default_factory=list)
    spool: Spool | None = None
    originals: Spool | None = None
    quarantine: Path | None = None


class Taking:
    """One taking in of one catalogue, in a folder of its own."""

    def __init__(
        self,
        source: str,
        names: Names,
        folder: Path,
        feed: Feed | None = None,
        *,
        known: Known | None = None,
        elsewhere: Elsewhere = lambda _iri: "",
        gate: Gate = lambda _triples: {},
        progress: Progress = silent,
    ) -> None:
        """Say for which source, with which settings, and what is known of the city."""
        self.source, self.names, self.folder, self.feed = source, names, folder, feed or Feed()
        self._elsewhere, self._gate, self._progress = elsewhere, gate, progress
        repairs = Repairs(known) if self.feed.repairs else None
        self._cleaner = Cleaner(names, source, repairs, self.feed.require)
        self.taken = Taken()

    def take(self, pages: Sequence[Page]) -> Taken:
        """Take in all pages. Raises :class:`InputError` where one cannot be read whole; nothing then comes out."""
        self.folder.mkdir(parents=True, exist_ok=True)
        taken = self.taken
        taken.quarantine = self.folder / "quarantine.nt"
        with closing(Workbench(self.folder)) as bench:
            for done, page in enumerate(pages, 1):
                bench.add(triples(page), page.number)
                taken.notes += page.notes
                self._progress("read", done, len(pages))
            bench.ready()
            taken.triples, taken.paging = bench.taken, len(bench.paging)
            taken.records = bench.number_of_roots()
            shared = bench.shared_blank_nodes()
            roots = (bench.peek(name) for name in bench.blank_roots())
            self._cleaner.prepare(shared, roots, bench.silent_catalogues())
            with closing(_Originals(self.folder)) as originals, taken.quarantine.open("wb") as quarantine:
                taken.spool = spool(self._good(bench, originals.add, quarantine.write), self.folder, "source")
                taken.originals = originals.done()
        (self.folder / "workbench.sqlite").unlink(missing_ok=True)
        return taken

    def _good(self, bench: Workbench, original: Keep, bad: Write) -> Iterator[ox.Triple]:
        waiting: list[tuple[RawRecord, Cleaned]] = []
        size = 0
        for done, record in enumerate(bench.records(), 1):
            if isinstance(record.root, ox.NamedNode) and (other := self._elsewhere(record.root.value)):
                self.taken.known[other] += 1
                continue
            cleaned = self._cleaner.clean(record)
            bench.keep(record)
            waiting.append((record, cleaned))
            size += len(cleaned.triples)
            if size > BATCH:
                yield from self._checked(bench, waiting, original, bad)
                waiting, size = [], 0
            if done % EVERY == 0:
                self._progress("clean", done, self.taken.records)
        yield from self._checked(bench, waiting, original, bad)
        self._progress("clean", self.taken.records, self.taken.records)
        for record in bench.rest():
            yield from self._rest(record, original, bad)

    def _checked(
        self, bench: Workbench, records: Sequence[tuple[RawRecord, Cleaned]], original: Keep, bad: Write
    ) -> Iterator[ox.Triple]:
        """Give the triples of the records that violate no shape; what bad ones share is left to the others."""
        found = self._gate([t for _, cleaned in records for t in cleaned.triples])
        is_fine = not found and not any(cleaned.reasons for _, cleaned in records)
        for record, _ in () if is_fine else records:
            bench.give_back(record)
        for record, first in records:
            cleaned = first if is_fine else self._again(bench, record, found)
            if self._is_bad(cleaned, bad):
                continue
            bench.keep(record)
            self._loaded(cleaned.root)
            yield from self._given(cleaned, original)

    def _again(self, bench: Workbench, record: RawRecord, found: Mapping[str, list[Reason]]) -> Cleaned:
        """Make a record ready whose batch holds a bad one, now that it is known what is wrong."""
        bench.refresh(record)
        cleaned = self._cleaner.clean(record)
        nodes = dict.fromkeys(t.subject.value for t in cleaned.triples if isinstance(t.subject, ox.NamedNode))
        cleaned.reasons += [reason for node in nodes for reason in found.get(node, ())]
        if cleaned.reasons and not cleaned.original:
            cleaned.original = self._cleaner.original(record)
        return cleaned

    def _loaded(self, root: Subject) -> None:
        self.taken.loaded += 1
        if isinstance(root, ox.NamedNode):
            self.taken.roots.add(root.value)

    def _rest(self, record: RawRecord, original: Keep, bad: Write) -> Iterator[ox.Triple]:
        """Give what belongs to no record without its bad statements; a node that violates a shape goes whole."""
        cleaned = self._cleaner.clean(record, is_rest=True)
        found = self._gate(cleaned.triples)
        cleaned.reasons += [reason for reasons in found.values() for reason in reasons]
        if found:
            cleaned.original, cleaned.triples, cleaned.originals = self._cleaner.original(record), [], []
        self._is_bad(cleaned, bad)
        yield from self._given(cleaned, original)

    def _given(self, cleaned: Cleaned, original: Keep) -> Iterator[ox.Triple]:
        self.taken.repairs += cleaned.repairs
        self.taken.withheld += cleaned.withheld
        original(cleaned.originals)
        yield from cleaned.triples

    def _is_bad(self, cleaned: Cleaned, write: Write) -> bool:
        if not cleaned.reasons:
            return False
        taken = self.taken
        taken.quarantined += 1
        taken.reasons.update({reason.key for reason in cleaned.reasons})
        name = cleaned.root.value if isinstance(cleaned.root, ox.NamedNode) else str(cleaned.root)
        if len(taken.bad) < NAMED:
            taken.bad.append(Bad(name, tuple(cleaned.reasons[:5])))
        for triple in quarantined(cleaned, name, self.source, self.names):
            write(line(triple))
        return True


class _Originals:
    """What was repaired, as it came, on its way into a graph."""

    def __init__(self, folder: Path) -> None:
        self._spooler, self._waiting = Spooler(folder, "originals"), list[ox.Triple]()

    def add(self, triples: Sequence[ox.Triple]) -> None:
        """Take the originals of one record."""
        self._waiting += map(storable, triples)
        if len(self._waiting) >= MOST_WAITING:
            self._flush()

    def done(self) -> Spool:
        """Give them all."""
        self._flush()
        return self._spooler.done()

    def close(self) -> None:
        """Let go of the files."""
        self._spooler.close()

    def _flush(self) -> None:
        self._spooler.add(self._waiting)
        self._waiting = []


def quarantined(cleaned: Cleaned, name: str, source: str, names: Names) -> Iterator[ox.Triple]:
    """Say which record was set aside, why (in both languages), and what it was, without personal data."""
    digest = hashlib.blake2b(f"{name}\0{cleaned.original}".encode(), digest_size=16).hexdigest()
    node = names.id(f"quarantine/{source}/{digest}")
    yield ox.Triple(node, RDF.type, SG.QuarantinedRecord)
    yield ox.Triple(node, DCT.source, names.source(source))
    yield ox.Triple(node, DCT.identifier, ox.Literal(name))
    for reason in cleaned.reasons[:20]:
        for lang in ("de", "en"):
            yield ox.Triple(node, SG.reason, ox.Literal(reason.text(lang), language=lang))
    yield ox.Triple(node, SG.original, ox.Literal(cleaned.original))


def storable(triple: ox.Triple) -> ox.Triple:
    """Give an original so that a store can hold it: an IRI that is none becomes a text that is marked as one."""
    target = triple.object
    if isinstance(target, ox.NamedNode) and not is_iri(target.value):
        return ox.Triple(triple.subject, triple.predicate, ox.Literal(target.value, datatype=ox.NamedNode(IRI_MARK)))
    return triple
