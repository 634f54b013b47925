"""One record made ready: persons withheld, repaired, judged, its blank nodes named."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

import pyoxigraph as ox

from stadtgraph import messages
from stadtgraph.sources.door import flaw, shortened
from stadtgraph.sources.harvest.lines import Subject, Term, is_iri, text
from stadtgraph.sources.harvest.persons import withhold
from stadtgraph.sources.harvest.repairs import Repairs
from stadtgraph.sources.harvest.words import ADMS, IRI_MARK, LANGUAGE_MARK, LINE_MARK
from stadtgraph.sources.harvest.workbench import RawRecord
from stadtgraph.sources.skolem import hashes
from stadtgraph.terms import DCT, PREFIXES, RDF, SKOS, XSD, Names

REMEMBERED: Final = 100_000
_PLAIN: Final = frozenset((f"{XSD}string", f"{RDF}langString"))
LONGEST: Final = 200_000  # signs of an original that are kept


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a record may not enter: a message with its parameters, or ``texts`` by language as a shape gives them."""

    key: str
    params: Mapping[str, object] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)

    def text(self, lang: str = "en") -> str:
        """Give the reason on one line."""
        if self.texts:
            return " ".join(self.texts["de" if lang == "de" else "en"].split())
        return messages.text(self.key, lang, **self.params)


@dataclass(slots=True)
class Cleaned:
    """A record as it may be loaded, or the reasons why it may not."""

    root: Subject
    triples: list[ox.Triple] = field(default_factory=list)
    originals: list[ox.Triple] = field(default_factory=list)
    repairs: Counter[str] = field(default_factory=Counter)
    withheld: Counter[str] = field(default_factory=Counter)
    reasons: list[Reason] = field(default_factory=list)
    original: str = ""


class Cleaner:
    """Makes records ready, one by one."""

    def __init__(self, names: Names, source: str, repairs: Repairs | None, require: Sequence[str] = ("dct:title",)):
        """Take the names of the city, the source, the repairs (``None``: none are made) and what a record must have."""
        self._names, self._source, self._repairs = names, source, repairs
        self._required = [property_of(name) for name in require]
        self._blank: dict[str, ox.NamedNode] = {}
        self._fine: dict[Term, bool] = {}

    def prepare(self, shared: Sequence[ox.Triple], roots: Iterable[RawRecord], silent: Sequence[str] = ()) -> None:
        """Name the blank nodes that several records share, and those that are records; ``silent`` ones say nothing."""
        kept = self._mended(withhold(shared, self._names).kept)[0]
        found = [t for t in kept if isinstance(t.subject, ox.BlankNode)]
        by_page: dict[str, list[ox.Triple]] = {}
        for triple in found:
            by_page.setdefault(triple.subject.value.partition("x")[0], []).append(triple)  # type: ignore[union-attr]
        for triples in by_page.values():  # what two pages say alike is one thing
            self._blank |= {label: self._names.genid(name) for label, name in hashes(triples).items()}
        for number, label in enumerate(silent):
            digest = hashlib.blake2b(f"{self._source} catalogue {number}".encode(), digest_size=16).hexdigest()
            self._blank[label] = self._names.genid(digest)
        for record in roots:
            if isinstance(record.root, ox.BlankNode) and (key := next(identifiers(record.triples, record.root), None)):
                digest = hashlib.blake2b(f"{self._source} {key}".encode(), digest_size=16).hexdigest()
                self._blank[record.root.value] = self._names.genid(digest)

    def clean(self, record: RawRecord, *, is_rest: bool = False) -> Cleaned:
        """Make what is new in a record ready.

        ``is_rest`` is what belongs to no record: nothing is missing there, and a bad statement costs itself alone.
        """
        context = record.triples
        is_whole = len(record.fresh) == len(record.parts)
        fresh = context if is_whole else [t for p in record.parts if p.number in record.fresh for t in p.triples]
        if not is_whole:
            fresh = fresh + record.links
        kept = withhold(fresh, self._names, context)
        found = Cleaned(record.root, withheld=kept.counts)
        triples, found.originals, found.repairs = self._mended(kept.kept)
        flaws = list(self._flaws(triples))
        found.reasons = _once(reason for _, reason in flaws)
        if record.is_large:
            found.reasons.append(Reason("harvest-large-record"))
        if not is_rest:
            found.reasons += self._missing(record.root, triples)
        if found.reasons and is_rest and not record.is_large:
            bad = {triple for triple, _ in flaws}
            found.original, triples = text(bad)[:LONGEST], [t for t in triples if t not in bad]
        elif found.reasons:
            found.original = self.original(record)
            return found
        label = self._labels(triples)
        found.root = label.get(record.root.value, record.root) if isinstance(record.root, ox.BlankNode) else record.root
        found.triples = [_relabelled(t, label) for t in triples]
        found.originals = [_relabelled(t, label) for t in found.originals]
        return found

    def original(self, record: RawRecord) -> str:
        """Give what a record held, without what is withheld, for people to look at."""
        return text(withhold(record.triples, self._names).kept)[:LONGEST]

    def _mended(self, triples: list[ox.Triple]) -> tuple[list[ox.Triple], list[ox.Triple], Counter[str]]:
        if self._repairs is None:
            return triples, [], Counter()
        made = self._repairs.mended(triples)
        return made.triples, made.originals, made.counts

    def _labels(self, triples: Sequence[ox.Triple]) -> dict[str, ox.NamedNode]:
        """Name the blank nodes of a record after what they say and where they hang."""
        held = [t for t in triples if isinstance(t.subject, ox.BlankNode) or isinstance(t.object, ox.BlankNode)]
        if not held:
            return self._blank
        held = [_relabelled(t, self._blank) for t in held] if self._blank else held
        return self._blank | {label: self._names.genid(name) for label, name in hashes(held).items()}

    def _flaws(self, triples: Iterable[ox.Triple]) -> Iterator[tuple[ox.Triple, Reason]]:
        fine: Term | None = None
        for triple in triples:
            subject, predicate, target = triple.subject, triple.predicate, triple.object
            if predicate == LINE_MARK:
                yield triple, Reason("harvest-line", {"line": shortened(getattr(target, "value", ""), 200)})
                continue
            for term in (predicate, target) if subject == fine else (subject, predicate, target):
                if isinstance(term, ox.NamedNode) and not self._is_fine(term):
                    params = {"iri": shortened(term.value, 200), "subject": _shown(subject)}
                    yield triple, Reason("harvest-iri", params)
            if isinstance(target, ox.Literal) and (reason := _literal_reason(triple, target)):
                yield triple, reason
            if subject != fine and (not isinstance(subject, ox.NamedNode) or self._is_fine(subject)):
                fine = subject

    def _is_fine(self, term: ox.NamedNode) -> bool:
        known = self._fine.get(term)
        if known is None:
            if len(self._fine) > REMEMBERED:
                self._fine.clear()
            known = self._fine[term] = is_iri(term.value)
        return known

    def _missing(self, root: Subject, triples: Sequence[ox.Triple]) -> Iterator[Reason]:
        stated = {t.predicate for t in triples if t.subject == root and getattr(t.object, "value", "-").strip()}
        for name, predicate in self._required:
            if predicate not in stated:
                yield Reason("harvest-missing", {"property": name})
        if isinstance(root, ox.BlankNode) and root.value not in self._blank:
            yield Reason("harvest-nameless")


def _once(reasons: Iterable[Reason]) -> list[Reason]:
    """Give each reason once; an IRI that is none counts once wherever it stands."""
    found: dict[object, Reason] = {}
    for reason in reasons:
        told = reason.params.get("iri") or tuple(sorted((k, str(v)) for k, v in reason.params.items()))
        found.setdefault((reason.key, told), reason)
    return list(found.values())


def property_of(name: str) -> tuple[str, ox.NamedNode]:
    """Give a property by its prefixed name.

    >>> property_of("dct:title")[1].value
    'http://purl.org/dc/terms/title'
    """
    prefix, _, local = name.partition(":")
    return name, ox.NamedNode(PREFIXES.get(prefix, f"{prefix}:") + local)


def identifiers(triples: Iterable[ox.Triple], root: Subject) -> Iterator[str]:
    """Give the identifiers of a record: ``dct:identifier`` first, then ``adms:identifier`` and its notation."""
    kept = list(triples)
    nodes = {t.object for t in kept if t.subject == root and t.predicate == ADMS.identifier}
    for triple in kept:
        if triple.subject == root and triple.predicate == DCT.identifier and (found := _plain(triple.object)):
            yield found
    for triple in kept:
        is_own = triple.subject == root and triple.predicate == ADMS.identifier
        is_notation = triple.predicate == SKOS.notation and triple.subject in nodes
        if (is_own or is_notation) and not isinstance(triple.object, ox.BlankNode) and (found := _plain(triple.object)):
            yield found


def _plain(term: Term) -> str:
    return getattr(term, "value", "").strip() if not isinstance(term, ox.BlankNode) else ""


def _literal_reason(triple: ox.Triple, literal: ox.Literal) -> Reason | None:
    datatype = literal.datatype.value
    if datatype in _PLAIN and "\0" not in literal.value:
        return None
    if datatype.startswith(LANGUAGE_MARK):
        return Reason(
            "harvest-language", {"tag": datatype.removeprefix(LANGUAGE_MARK), "property": triple.predicate.value}
        )
    if datatype == IRI_MARK or not _is_datatype(datatype):
        return Reason("harvest-iri", {"iri": shortened(literal.value, 200), "subject": _shown(triple.subject)})
    found = flaw(triple)
    if found is None:
        return None
    params = {"subject": _shown(triple.subject), "property": triple.predicate.value}
    return Reason("harvest-literal", {**params, "value": shortened(literal.value, 100), "datatype": datatype})


@lru_cache(maxsize=1_000)
def _is_datatype(iri: str) -> bool:
    return is_iri(iri)


def _shown(subject: Subject | ox.Triple) -> str:
    return shortened(str(subject), 200)


def _relabelled(triple: ox.Triple, found: Mapping[str, ox.NamedNode]) -> ox.Triple:
    subject, target = triple.subject, triple.object
    if not (isinstance(subject, ox.BlankNode) or isinstance(target, ox.BlankNode)):
        return triple
    if isinstance(subject, ox.BlankNode):
        subject = found.get(subject.value, subject)
    if isinstance(target, ox.BlankNode):
        target = found.get(target.value, target)
    return ox.Triple(subject, triple.predicate, target)
