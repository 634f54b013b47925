"""What a portal would make of the export: its own rules, replayed record by record.

Sources: ckanext-dcatde and ckanext-dcat (GovData), the data provider manual of data.europa.eu.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import pyoxigraph as ox

from stadtgraph.catalogue.records import Record, Withheld
from stadtgraph.catalogue.rules import OPEN_LICENCES
from stadtgraph.catalogue.vocabulary import DCATDE, EU, LICENCES, PUBLIC
from stadtgraph.terms import DCAT, DCT, SKOS, Term

ACCEPTED, CHANGED, REJECTED, OVERWRITTEN, DELETED = "accepted", "changed", "rejected", "overwritten", "deleted"
STATES: Final = (ACCEPTED, CHANGED, REJECTED, OVERWRITTEN, DELETED)
"""What becomes of a record, the worst last but for deletion."""
LARGEST_PAGE: Final = 50_000_000
"""Bytes of an answer that GovData's harvester reads; beyond it the whole harvest ends."""
_BY_LICENCE: Final = re.compile(re.escape(LICENCES) + r"(dl-by-de|cc-by|odby|odbl|geoNutz|geonutz)([/-].*)?")
_LISTED_LICENCE: Final = {"govdata": (LICENCES,), "eu": (LICENCES, f"{EU}licence/", "http://creativecommons.org/")}


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that a portal does with a record, and the property by which it would be mended (or ``None``)."""

    state: str
    key: str
    asks_for: ox.NamedNode | None = None
    about: ox.NamedNode | None = None
    value: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of one dataset: the worst of its notes."""

    iri: str
    title: str
    notes: tuple[Note, ...] = ()

    @property
    def state(self) -> str:
        """One of :data:`STATES`."""
        return max((note.state for note in self.notes), key=STATES.index, default=ACCEPTED)


Rule = Callable[[Record], Iterable[Note]]


def _rule_attribution(record: Record) -> Iterator[Note]:
    """K35: a licence that asks for attribution needs its words."""
    for block in record.of("Distribution"):
        licences = [v.value for v in record.values(DCT.license, block.node) if isinstance(v, ox.NamedNode)]
        needs = any(_BY_LICENCE.fullmatch(licence) for licence in licences)
        if needs and not record.values(DCATDE.licenseAttributionByText, block.node):
            yield Note(ACCEPTED, "attribution", DCATDE.licenseAttributionByText, block.node)


def _rule_contributor(record: Record) -> Iterator[Note]:
    """K12: the harvester adds the ID of the deliverer from its settings."""
    if not record.values(DCATDE.contributorID):
        yield Note(CHANGED, "contributor")


def _rule_dashboard(record: Record) -> Iterator[Note]:
    """GovData's dashboard wants a keyword and an open licence for each distribution."""
    if not record.values(DCAT.keyword):
        yield Note(ACCEPTED, "no-keyword", DCAT.keyword)
    for block in record.of("Distribution"):
        for licence in record.values(DCT.license, block.node):
            listed = isinstance(licence, ox.NamedNode) and licence.value.startswith(LICENCES)
            if isinstance(licence, ox.NamedNode) and listed and not OPEN_LICENCES.fullmatch(licence.value):
                yield Note(ACCEPTED, "not-open", DCT.license, block.node, licence.value)


def _rule_modified(record: Record) -> Iterator[Note]:
    """A record without a day loses against any other with the same identifier."""
    if not record.values(DCT.modified):
        yield Note(ACCEPTED, "no-modified", DCT.modified)


def _rule_licence(portal: str) -> Rule:
    def rule(record: Record) -> Iterator[Note]:
        for block in record.of("Distribution"):
            for licence in record.values(DCT.license, block.node):
                if isinstance(licence, ox.NamedNode) and not licence.value.startswith(_LISTED_LICENCE[portal]):
                    yield Note(CHANGED, "licence", DCT.license, block.node, licence.value)

    return rule


def _rule_distribution(record: Record) -> Iterator[Note]:
    """Sources may be set to require resources; then records without any are refused."""
    if not record.values(DCAT.distribution):
        yield Note(ACCEPTED, "no-distribution", DCT.license)


def _rule_access(record: Record) -> Iterator[Note]:
    """data.europa.eu shows data as restricted or unknown that do not say PUBLIC."""
    if PUBLIC not in record.values(DCT.accessRights):
        yield Note(ACCEPTED, "access", DCT.accessRights)


def _rule_series(record: Record) -> Iterator[Note]:
    """What comes in is turned into DCAT-AP 2.1.1, which has no series."""
    if record.values(DCAT.inSeries):
        yield Note(CHANGED, "series")


RULES: Final = MappingProxyType(
    {
        "govdata": (
            _rule_contributor,
            _rule_licence("govdata"),
            _rule_attribution,
            _rule_dashboard,
            _rule_modified,
            _rule_distribution,
        ),
        "eu": (_rule_licence("eu"), _rule_series, _rule_access, _rule_modified, _rule_distribution),
    }
)
"""The rules of each portal on single records."""


@dataclass(slots=True)
class Replay:
    """Replays a harvest: takes records one by one, keeps of each what later ones are compared with."""

    portal: str
    require_resources: bool = False
    _by_identifier: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    _by_name: dict[str, int] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    def take(self, record: Record, violated: tuple[str, ...] | None = ()) -> None:
        """Harvest one record; ``violated`` are the rules of the profile that it breaks."""
        iri = record.iri.value
        notes = [note for rule in RULES[self.portal] for note in rule(record)]
        if self.require_resources:
            notes = [Note(REJECTED, n.key, n.asks_for) if n.key == "no-distribution" else n for n in notes]
        notes += [Note(ACCEPTED, "violation", value=text) for text in violated or ()]
        notes += self._name(record)
        for literal in record.values(DCT.identifier):
            modified = max((v.value for v in record.values(DCT.modified) if isinstance(v, ox.Literal)), default="")
            self._by_identifier.setdefault(_text(literal), []).append((modified, iri))
        self.outcomes[iri] = Outcome(iri, title_of(record), tuple(notes))

    def _name(self, record: Record) -> list[Note]:
        """CKAN names records by their titles; the second of a name gets a number."""
        if self.portal != "govdata":
            return []
        name = slug(title_of(record))
        self._by_name[name] = self._by_name.get(name, 0) + 1
        number = self._by_name[name] - 1
        return [Note(CHANGED, "name", DCT.term("title"), value=f"{name}-{number}")] if number else []

    def refuse(self, iri: str, title: str, withheld: Iterable[Withheld]) -> None:
        """Note a dataset that we hold back, and why."""
        notes = [Note(REJECTED, "held-back", w.property, w.subject) for w in withheld if w.what == "Dataset"]
        self.outcomes[iri] = Outcome(iri, title, tuple(notes) or (Note(REJECTED, "held-back"),))

    def gone(self, iri: str, title: str) -> None:
        """Note a dataset that was listed and is not any more: the next full harvest deletes it."""
        self.outcomes[iri] = Outcome(iri, title, (Note(DELETED, "gone"),))

    def finish(self) -> list[Outcome]:
        """Let duplicates overwrite each other, and give the outcomes by IRI."""
        for identifier, records in self._by_identifier.items():
            if len(records) > 1:
                winner = max(records)
                for modified, iri in records:
                    if (modified, iri) != winner:
                        known = self.outcomes[iri]
                        note = Note(OVERWRITTEN, "duplicate", DCT.identifier, None, f"{identifier} → {winner[1]}")
                        self.outcomes[iri] = Outcome(iri, known.title, (*known.notes, note))
        return [self.outcomes[iri] for iri in sorted(self.outcomes)]


def title_of(record: Record) -> str:
    """Give the German title, else any."""
    titles = [v for v in record.values(DCT.term("title")) if isinstance(v, ox.Literal)]
    return next((v.value for v in titles if v.language == "de"), titles[0].value if titles else "")


def slug(title: str) -> str:
    """Give the name that CKAN makes of a title.

    >>> slug("Bäume & Sträucher 2024")
    'baeume-straeucher-2024'
    """
    text = title.lower()
    for umlaut, plain in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss")):
        text = text.replace(umlaut, plain)
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"-+", "-", re.sub(r"[^a-z0-9_]+", "-", text)).strip("-")[:100]


def identifiers(record: Record) -> set[str]:
    """Give every name by which a portal may know a dataset: its IRI and all its identifiers."""
    found = {record.iri.value, *map(_text, record.values(DCT.identifier))}
    for block in record.of("Identifier"):
        found |= {_text(value) for value in record.values(SKOS.notation, block.node)}
    return {name.strip().lower() for name in found if name.strip()}


def _text(value: Term) -> str:
    return value.value if isinstance(value, ox.NamedNode | ox.Literal) else str(value)
