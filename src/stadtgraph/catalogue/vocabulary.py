"""The vocabulary of catalogues: names, official lists, and the table of what a record may say.

Sources: https://www.dcat-ap.de/def/dcatde/3.0/spec/, https://semiceu.github.io/DCAT-AP/releases/3.0.0/,
https://semiceu.github.io/DCAT-AP/releases/3.0.0-hvd/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Final

import pyoxigraph as ox

from stadtgraph.terms import PREFIXES as KNOWN
from stadtgraph.terms import Namespace

PREFIXES: Final[Mapping[str, str]] = MappingProxyType(
    {name: KNOWN[name] for name in ("adms", "dcat", "dcatap", "dcatde", "dct", "foaf", "odrl", "owl", "prov")}
    | {
        "eli": "http://data.europa.eu/eli/ontology#",
        "geodcatap": "http://data.europa.eu/930/",
        "hydra": "http://www.w3.org/ns/hydra/core#",
        "locn": "http://www.w3.org/ns/locn#",
        "odrs": "http://schema.theodi.org/odrs#",
        "spdx": "http://spdx.org/rdf/terms#",
    }
    | {name: KNOWN[name] for name in ("rdf", "rdfs", "skos", "time", "vcard", "xsd")}
)
"""The prefixes of every exported file, all of them in each, so that its head does not depend on its records."""

ADMS, DCATAP, DCATDE, GEODCATAP, HYDRA, ODRS, SPDX = (
    Namespace(PREFIXES[name]) for name in ("adms", "dcatap", "dcatde", "geodcatap", "hydra", "odrs", "spdx")
)
EU: Final = "http://publications.europa.eu/resource/authority/"
LICENCES: Final = "http://dcat-ap.de/def/licenses/"
GEOCODING: Final = "http://dcat-ap.de/def/politicalGeocoding/"
MEDIA_TYPES: Final = "https://www.iana.org/assignments/media-types/"
HVD_REGULATION: Final = ox.NamedNode("http://data.europa.eu/eli/reg_impl/2023/138/oj")
PUBLIC, RESTRICTED, NON_PUBLIC = (
    ox.NamedNode(f"{EU}access-right/{name}") for name in ("PUBLIC", "RESTRICTED", "NON_PUBLIC")
)
LISTS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "access": (f"{EU}access-right/",),
        "availability": (f"{EU}planned-availability/",),
        "format": (f"{EU}file-type/",),
        "frequency": (f"{EU}frequency/",),
        "hvd": ("http://data.europa.eu/bna/",),
        "language": (f"{EU}language/",),
        "media": (MEDIA_TYPES, MEDIA_TYPES.replace("https:", "http:")),
        "publisher": ("http://purl.org/adms/publishertype/",),
        "status": (f"{EU}distribution-status/",),
        "theme": (f"{EU}data-theme/",),
    }
)
"""How the IRIs of the lists begin whose use is prescribed."""

CLASSES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "Agent": ("foaf:Agent", "Agent"),
        "Attribution": ("prov:Attribution", "Attribution"),
        "Catalog": ("dcat:Catalog", "Catalogue"),
        "Checksum": ("spdx:Checksum", "Checksum"),
        "DataService": ("dcat:DataService", "DataService"),
        "Dataset": ("dcat:Dataset", "Dataset"),
        "DatasetSeries": ("dcat:DatasetSeries", "DatasetSeries"),
        "Distribution": ("dcat:Distribution", "Distribution"),
        "Identifier": ("adms:Identifier", "Identifier"),
        "Kind": ("vcard:Kind", "Kind"),
        "Location": ("dct:Location", "Location"),
        "PeriodOfTime": ("dct:PeriodOfTime", "PeriodOfTime"),
        "ProvenanceStatement": ("dct:ProvenanceStatement", "ProvenanceStatement"),
        "Relationship": ("dcat:Relationship", "Relationship"),
        "RightsStatement": ("dct:RightsStatement", "RightsStatement"),
        "Standard": ("dct:Standard", "Standard"),
    }
)
"""Class of a node: its IRI, and its name in JSON-LD."""

VALUE_CLASSES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "dct:Frequency": "Frequency",
        "dct:LicenseDocument": "LicenceDocument",
        "dct:LinguisticSystem": "LinguisticSystem",
        "dct:MediaType": "MediaType",
        "dct:MediaTypeOrExtent": "MediaTypeOrExtent",
        "eli:LegalResource": "LegalResource",
        "foaf:Document": "Document",
        "odrl:Policy": "Policy",
        "prov:Activity": "Activity",
        "skos:Concept": "Concept",
        "skos:ConceptScheme": "ConceptScheme",
        "spdx:ChecksumAlgorithm": "ChecksumAlgorithm",
    }
)
"""Class of a value that is only named: its name in JSON-LD."""


def iri(name: str) -> ox.NamedNode:
    """Give the IRI of a prefixed name.

    >>> iri("dcat:Dataset").value
    'http://www.w3.org/ns/dcat#Dataset'
    """
    prefix, _, local = name.partition(":")
    return ox.NamedNode(PREFIXES[prefix] + local)


@dataclass(frozen=True, slots=True)
class Property:
    """One row of the table: what a node of a class may say by a property.

    ``value`` is the kind of literal, ``iri``, ``iri:LIST`` or ``@Class``; ``range`` the class that a value gets
    which is only named; ``term`` its name in JSON-LD, or the empty text.
    """

    iri: ox.NamedNode
    name: str
    value: str
    single: bool
    must: bool
    range: ox.NamedNode | None
    term: str
    follows: str = field(init=False)
    """The class of the nodes that this property leads to, or the empty text."""
    starts: tuple[str, ...] = field(init=False)
    """How the IRI of a value must begin; nothing where any may stand."""
    is_iri: bool = field(init=False)
    """Whether values are IRIs."""

    def __post_init__(self) -> None:
        """Work out once what is asked for every value of every record."""
        told = object.__setattr__
        told(self, "follows", self.value[1:] if self.value.startswith("@") else "")
        told(self, "starts", LISTS[self.value[4:]] if self.value.startswith("iri:") else ())
        told(self, "is_iri", self.value.startswith(("iri", "dataset", "@")))


@cache
def table() -> Mapping[str, Mapping[ox.NamedNode, Property]]:
    """Give the rows by class and property, in the order of the file."""
    found: dict[str, dict[ox.NamedNode, Property]] = {}
    text = resources.files(__package__).joinpath("properties.tsv").read_text("utf-8")
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        kind, name, value, most, need, range_, term = line.split()
        row = Property(
            iri(name),
            name,
            value,
            most == "1",
            need == "must",
            None if range_ == "-" else iri(range_),
            "" if term == "-" else term,
        )
        found.setdefault(kind, {})[row.iri] = row
    return MappingProxyType(found)


@cache
def class_of(kind: str) -> ox.NamedNode:
    """Give the IRI of a class of the table."""
    return iri(CLASSES[kind][0])
