"""The catalogue of a view of a release: which datasets it has, page by page, and what is said around them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import Final

import pyoxigraph as ox

from stadtgraph.catalogue.profiles import Profile
from stadtgraph.catalogue.reading import Facts, Reader, is_legal
from stadtgraph.catalogue.records import PERSONS, Block, Builder, Record, Withheld
from stadtgraph.catalogue.vocabulary import class_of
from stadtgraph.release import GraphInfo
from stadtgraph.store import OxigraphEngine
from stadtgraph.terms import DCAT, DCT, FOAF, PROV, RDF, RDFS, SD, SKOS, VCARD, Names

PAGE: Final = 100
"""Datasets of a page, as CKAN has it."""
_READ: Final = 100
_MUST: Final = (DCT.title, DCT.description)
_NAMES: Final = (FOAF.name, SKOS.prefLabel, VCARD.fn, RDFS.label, DCT.title)
_ENDPOINT: Final = {
    "de": "SPARQL-Endpunkt des Stadtgraphen",
    "en": "SPARQL endpoint of the city graph",
}


class Catalogue:
    """The catalogue of one view. What it needs to know of all datasets at once is their IRIs."""

    def __init__(
        self,
        engine: OxigraphEngine,
        names: Names,
        today: str,
        title: str = "",
        infos: Mapping[str, GraphInfo] | None = None,
    ) -> None:
        """Read ``engine`` as of ``today``; ``title`` names the catalogue where the graph has none of its own."""
        self.engine, self.names, self.today, self.title = engine, names, today, title
        self.infos = infos or {}
        self.reader = Reader(engine, names, today)

    # ---- which datasets

    @cached_property
    def datasets(self) -> Sequence[str]:
        """The IRIs of the datasets that are exported, sorted."""
        return self.exported(self.every)

    def exported(self, iris: Iterable[str]) -> list[str]:
        """Give those of some datasets that are exported, sorted."""
        return sorted(iri for iri in iris if is_legal(iri) and self._is_complete(ox.NamedNode(iri)))

    @cached_property
    def held_back(self) -> Sequence[str]:
        """The IRIs of the datasets that lack a fact without which no portal takes them, sorted."""
        listed = set(self.datasets)
        return sorted(iri for iri in self.every if iri not in listed)

    @cached_property
    def every(self) -> set[str]:
        """The IRIs of everything that is a dataset; a series is one by its class, but comes with its members."""
        return self._members(DCAT.Dataset) - self._members(DCAT.DatasetSeries)

    def _members(self, of: ox.NamedNode) -> set[str]:
        found = self.engine.triples(None, RDF.type, of)
        return {t.subject.value for t in found if isinstance(t.subject, ox.NamedNode)}

    def _is_complete(self, dataset: ox.NamedNode) -> bool:
        """Tell whether a dataset has title, description and a publisher with a name, stated or derived."""
        if not all(self._has_text(dataset, p) for p in _MUST):
            return False
        named = [t.object for t in self.engine.triples(dataset, DCT.publisher)]
        if not named:
            return self._follows_publisher(dataset)
        return any(self._is_agent(agent) for agent in named if isinstance(agent, ox.NamedNode))

    def _has_text(self, node: ox.NamedNode, p: ox.NamedNode) -> bool:
        return any(isinstance(t.object, ox.Literal) and t.object.value.strip() for t in self.engine.triples(node, p))

    def _follows_publisher(self, dataset: ox.NamedNode) -> bool:
        if not any(True for _ in self.engine.triples(dataset, PROV.qualifiedAttribution)):
            return False
        builder = self._publisher_builder
        builder.context.page([dataset])
        contacts = builder.context.contacts
        found = (contacts.organisation(unit) for unit in builder.context.answering(dataset))
        return next((self._is_agent(unit) for unit in found if unit is not None), False)

    @cached_property
    def _publisher_builder(self) -> Builder:
        from stadtgraph.catalogue.profiles import DCAT_AP_DE

        return Builder(self.reader, DCAT_AP_DE)

    def _is_agent(self, agent: ox.NamedNode) -> bool:
        known = self._agents.get(agent.value)
        if known is None:
            types = {t.object for t in self.engine.triples(agent, RDF.type)}
            known = not types & PERSONS and any(
                isinstance(t.object, ox.Literal) for p in _NAMES for t in self.engine.triples(agent, p)
            )
            self._agents[agent.value] = known
        return known

    @cached_property
    def _agents(self) -> dict[str, bool]:
        return {}

    def is_listed(self, iri: str) -> bool:
        """Tell whether a dataset is exported."""
        place = bisect_left(self.datasets, iri)
        return place < len(self.datasets) and self.datasets[place] == iri

    def since(self, moment: str) -> Sequence[str]:
        """Give the exported datasets changed at or after ``moment`` (ISO 8601).

        A dataset that does not say when it was modified counts as changed with the graph that describes it.
        """
        modified = self.modified
        changed: dict[str, str] = {}
        for quad in self.engine.store.quads_for_pattern(None, RDF.type, DCAT.Dataset, None):
            info = self.infos.get(getattr(quad.graph_name, "value", ""))
            if info is not None and info.source and isinstance(quad.subject, ox.NamedNode):
                changed[quad.subject.value] = max(_moment(info.changed), changed.get(quad.subject.value, ""))
        return [iri for iri in self.datasets if _later(modified.get(iri) or changed.get(iri, ""), moment)]

    @property
    def modified(self) -> dict[str, str]:
        """When things were modified by their own statement; the latest of several."""
        found: dict[str, str] = {}
        for t in self.engine.triples(None, DCT.modified):
            if isinstance(t.subject, ox.NamedNode) and isinstance(t.object, ox.Literal):
                found[t.subject.value] = max(t.object.value, found.get(t.subject.value, ""))
        return found

    # ---- records

    def records(self, profile: Profile, iris: Sequence[str] | None = None) -> Iterator[Record]:
        """Give the records of datasets (all) in order; a page is in memory at a time."""
        builder = Builder(self.reader, profile, self.is_listed)
        todo = iter(self.datasets if iris is None else iris)
        while page := [ox.NamedNode(iri) for iri in islice(todo, _READ)]:
            yield from builder.build(page)

    def record(self, profile: Profile, iri: str) -> Record:
        """Give the record of one dataset; its blocks are empty where it is held back."""
        return next(Builder(self.reader, profile, self.is_listed).build([ox.NamedNode(iri)]))

    def withheld(self, profile: Profile) -> Iterator[Withheld]:
        """Give all that is held back: what the catalogue lacks, whole datasets, then parts of exported ones."""
        yield from self.head(profile).withheld
        for iris in (self.held_back, self.datasets):
            for record in self.records(profile, iris):
                yield from record.withheld

    # ---- the catalogue itself

    @cached_property
    def iri(self) -> ox.NamedNode:
        """The catalogue that the city describes as its own, else one named for it."""
        found = sorted(
            t.subject.value
            for t in self.engine.triples(None, RDF.type, DCAT.Catalog)
            if isinstance(t.subject, ox.NamedNode) and t.subject.value.startswith(f"{self.names.base}id/")
        )
        return ox.NamedNode(found[0]) if found else self.names.id("catalogue")

    def head(self, profile: Profile) -> Record:
        """Give what the catalogue says of itself, with its own endpoint and the services of no exported dataset.

        The links to datasets and services are not among it: they are written as these come.
        """
        builder = Builder(self.reader, profile, self.is_listed)
        extra: Facts = {}
        if not any(True for _ in self.engine.triples(self.iri, DCT.term("title"))) and self.title:
            extra[DCT.term("title")] = [ox.Literal(self.title)]
        if not any(True for _ in self.engine.triples(self.iri, DCAT.themeTaxonomy)):
            extra[DCAT.themeTaxonomy] = [ox.NamedNode("http://publications.europa.eu/resource/authority/data-theme")]
        made = builder.single(self.iri, "Catalog", extra)
        blocks = list(made.blocks) or [Block(self.iri, "Catalog", self._bare(extra))]
        services = [builder.single(self.names.id("service/sparql"), "DataService", self._endpoint())]
        services += [builder.single(service, "DataService") for service in self._free_services()]
        for service in services:
            blocks += [b for b in service.blocks if b.node not in {known.node for known in blocks}]
        return Record(self.iri, tuple(blocks), (*made.withheld, *(w for s in services[1:] for w in s.withheld)))

    def _bare(self, extra: Facts) -> tuple[ox.Triple, ...]:
        """Give what is known of a catalogue that lacks a fact without which it is none."""
        title = [ox.Triple(self.iri, DCT.term("title"), value) for value in extra.get(DCT.term("title"), ())]
        return (ox.Triple(self.iri, RDF.type, class_of("Catalog")), *title)

    def _endpoint(self) -> Facts:
        """Describe our own SPARQL endpoint: it serves the datasets whose content lies in this release."""
        held = sorted({self.names.base + info.dataset for info in self.infos.values() if info.dataset})
        return {
            DCT.term("title"): [ox.Literal(text, language=lang) for lang, text in _ENDPOINT.items()],
            DCT.publisher: [t.object for t in self.engine.triples(self.iri, DCT.publisher)],
            DCAT.endpointURL: [ox.NamedNode(f"{self.names.base}sparql")],
            DCAT.endpointDescription: [ox.NamedNode(f"{self.names.base}.well-known/void")],
            DCT.conformsTo: [SD.SPARQL11Query],
            DCAT.servesDataset: [ox.NamedNode(iri) for iri in held if self.is_listed(iri)],
        }

    def _free_services(self) -> Iterator[ox.NamedNode]:
        """Give the services that deliver no exported dataset: no record brings them."""
        for t in self.engine.triples(None, RDF.type, DCAT.DataService):
            if isinstance(t.subject, ox.NamedNode):
                served = (s.object for s in self.engine.triples(t.subject, DCAT.servesDataset))
                if not any(isinstance(d, ox.NamedNode) and self.is_listed(d.value) for d in served):
                    yield t.subject


def _moment(release: str) -> str:
    """Give the time in the id of a release.

    >>> _moment("20260203T040506Z-abc")
    '2026-02-03T04:05:06Z'
    """
    d = release[:16]
    return f"{d[:4]}-{d[4:6]}-{d[6:11]}:{d[11:13]}:{d[13:16]}" if len(d) == 16 else ""


def _later(given: str, moment: str) -> bool:
    """Tell whether ``given`` is not before ``moment``; days are compared with days, what is not known counts.

    >>> _later("2026-02-03", "2026-02-03T12:00:00Z"), _later("2026-02-02T23:00:00Z", "2026-02-03"), _later("", "2026")
    (True, False, True)
    """
    length = min(len(given), len(moment))
    length = min(length, 19) if length >= 19 else min(length, 10)
    return given[:length] >= moment[:length]
