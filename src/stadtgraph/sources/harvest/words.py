"""The words of catalogues that the harvester knows beside those of :mod:`stadtgraph.terms`."""

from __future__ import annotations

from typing import Final

import pyoxigraph as ox

from stadtgraph.terms import DCAT, DCT, FOAF, PREFIXES, PROV, RDF, SKOS, VCARD, Namespace

ADMS: Final = Namespace(PREFIXES["adms"])
DCATDE: Final = Namespace(PREFIXES["dcatde"])
LOCN: Final = Namespace("http://www.w3.org/ns/locn#")
SCHEMA: Final = ("http://schema.org/", "https://schema.org/")
HYDRA: Final = ("http://www.w3.org/ns/hydra/core#", "https://www.w3.org/ns/hydra/core#")
GEODCAT: Final = Namespace("http://data.europa.eu/930/")

TYPE: Final = RDF.type
TOPIC: Final = FOAF.primaryTopic
ROOTS: Final = frozenset((DCAT.Dataset, DCAT.DatasetSeries, DCAT.DataService))
"""What makes a record."""
BORDERS: Final = frozenset((DCAT.Dataset, DCAT.DatasetSeries, DCAT.Catalog, SKOS.Concept, SKOS.ConceptScheme))
"""What a record refers to without taking it in."""
MEMBERS: Final = frozenset((DCAT.dataset, DCAT.service, DCAT.record))
"""By what a catalogue names its records."""
PERSONS: Final = frozenset((FOAF.Person, VCARD.Individual, PROV.Person, ox.NamedNode("https://schema.org/Person"),
                            ox.NamedNode("http://schema.org/Person")))  # fmt: skip
MAILBOXES: Final = frozenset((VCARD.hasEmail, VCARD.email, FOAF.mbox, *(ox.NamedNode(f"{s}email") for s in SCHEMA)))
AGENTS: Final = frozenset((
    DCT.publisher, DCT.creator, DCT.contributor, DCT.rightsHolder, DCATDE.maintainer, DCATDE.originator,
    GEODCAT.custodian, GEODCAT.originator, GEODCAT.distributor, GEODCAT.processor,
))  # fmt: skip
"""Properties whose values answer for a dataset."""

LANGUAGE_MARK: Final = "urn:stadtgraph:language:"
"""Datatype of a text whose language tag is malformed, so that it can be told and mended."""
LINE_MARK: Final = ox.NamedNode("urn:stadtgraph:line")
"""Predicate of a line that is no statement; the subject is the one that the line begins with."""
IRI_MARK: Final = "urn:stadtgraph:iri"
"""Datatype of a text that stood where an IRI is expected and is none."""


def is_hydra(iri: str) -> bool:
    """Tell whether ``iri`` speaks of pages, which are no part of what a catalogue says."""
    return iri.startswith(HYDRA)
