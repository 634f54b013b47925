"""The table of rules: what follows for a record from facts that are known, per class and profile.

Each rule changes the facts of one node before the table of properties chooses from them. A rule derives or renames;
none fills a gap with what is merely likely.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

import pyoxigraph as ox

from stadtgraph.catalogue.contacts import Contacts
from stadtgraph.catalogue.geometry import centroid_or_box
from stadtgraph.catalogue.profiles import Profile
from stadtgraph.catalogue.values import licence
from stadtgraph.catalogue.vocabulary import (
    ADMS,
    DCATAP,
    DCATDE,
    EU,
    GEOCODING,
    GEODCATAP,
    LICENCES,
    ODRS,
    PUBLIC,
    Property,
)
from stadtgraph.terms import DCAT, DCT, FOAF, GEO, ORG, OWL, PROV, RDF, RDFS, SG, SKOS, VCARD, Term

if TYPE_CHECKING:
    from stadtgraph.catalogue.reading import Facts, Reader

ALL: Final = ("dcat-ap-de", "govdata", "eu")
GERMAN: Final = ("dcat-ap-de", "govdata")
TWINS: Final = (
    (GEODCATAP.custodian, DCATDE.maintainer),
    (GEODCATAP.originator, DCATDE.originator),
    (DCAT.version, OWL.versionInfo),
    (DCAT.hasVersion, DCT.hasVersion),
)
"""Properties of 3.0 and those of 2.x in their place."""
OUTDATED: Final = (
    DCATDE.politicalGeocodingURI,
    DCATDE.geocodingDescription,
    DCATDE.legalBasis,
    DCATDE.qualityProcessURI,
    DCT.isVersionOf,
    *(old for _, old in TWINS),
)
"""Properties that 3.0 no longer uses."""
PUBLISHER_TYPES: Final = {
    "LocalAuthority": "municipality dezernat fachbereich fachdienst team amt buero stabsstelle eigenbetrieb "
    "regiebetrieb",
    "Company": "gmbh company",
    "Academia-ScientificOrganisation": "university institute research",
    "NonProfitOrganisation": "association foundation",
}
"""Kinds of organisations in the list that portals use, by the kinds of the units register."""
_TYPE_OF: Final = {SG.term(kind): name for name, kinds in PUBLISHER_TYPES.items() for kind in kinds.split()}
_CONTACTS: Final = (
    (VCARD.hasEmail, re.compile(r"[\w.+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", re.ASCII), "mailto:"),
    (VCARD.hasTelephone, re.compile(r"\+?[0-9][0-9 ()/-]{3,30}", re.ASCII), "tel:"),
)
_GEOMETRY: Final = ox.NamedNode("http://www.w3.org/ns/locn#geometry")
_PUBLISHER: Final = "http://purl.org/adms/publishertype/"
OPEN_LICENCES: Final = re.compile(
    re.escape(LICENCES)
    + r"(dl-zero-de|dl-by-de|cc-zero|cc-by(-sa)?(-de)?|odbl|odby|odcpddl|geonutz|geoNutz|officialWork|ccpdm)(/.*)?"
    + r"|https?://creativecommons\.org/(licenses/by(-sa)?|publicdomain/(zero|mark))/.*"
    + rf"|{re.escape(EU)}licence/(CC0|CC_BY|CC_BY_4_0|CC_BYSA|CC_BYSA_4_0|ODC_BL|ODC_BY|ODC_PDDL)"
)
"""Licences under which anyone may get and reuse the data."""
SUFFIXES: Final = {
    "csv": "CSV",
    "tsv": "TSV",
    "json": "JSON",
    "geojson": "GEOJSON",
    "xml": "XML",
    "xlsx": "XLSX",
    "xls": "XLS",
    "ods": "ODS",
    "pdf": "PDF",
    "zip": "ZIP",
    "kml": "KML",
    "kmz": "KMZ",
    "gml": "GML",
    "gpkg": "GPKG",
    "rdf": "RDF_XML",
    "ttl": "RDF_TURTLE",
    "nt": "RDF_N_TRIPLES",
    "txt": "TXT",
    "ics": "ICS",
    "parquet": "PARQUET",
}
"""Endings of files and the file types they mean."""


class Context:
    """What rules know beside the node: the reader, the contacts of units, and who answers for the page's datasets."""

    def __init__(self, reader: Reader, profile: Profile) -> None:
        """Know nothing of a page yet."""
        self.reader, self.profile = reader, profile
        self.contacts = Contacts(reader)
        self.found: dict[ox.NamedNode, Facts] = {}
        self.published: Sequence[ox.NamedNode] = ()
        self.lack: Callable[[ox.NamedNode, str], None] = lambda p, why: None
        self._answering: dict[ox.NamedNode, list[ox.NamedNode]] = {}

    def page(self, datasets: Sequence[ox.NamedNode]) -> None:
        """Read who answers for the datasets of a page: accountable units first."""
        rows = [(row["dataset"], row["raci"] != SG.accountable, row["unit"]) for row in self._accountable(datasets)]
        self._answering = {}
        for dataset, _, unit in sorted(rows, key=lambda row: (str(row[0]), row[1], str(row[2]))):
            self._answering.setdefault(dataset, []).append(unit)

    def _accountable(self, datasets: Sequence[ox.NamedNode]) -> list[ox.QuerySolution]:
        return list(self.reader.select("accountable", datasets))

    def answering(self, dataset: ox.NamedNode) -> list[ox.NamedNode]:
        """Give the units that answer for a dataset."""
        return self._answering.get(dataset, [])

    def is_announced(self, facts: Facts) -> bool:
        """Tell whether a dataset is not public, so that it is announced only."""
        rights = [v for v in facts.get(DCT.accessRights, ()) if isinstance(v, ox.NamedNode)]
        return any(r.value.startswith(f"{EU}access-right/") and r != PUBLIC for r in rights)

    def best(self, row: Property, values: Sequence[Term]) -> Term:
        """Choose among several values where one may stand: the newest date, a listed licence, else the first."""
        if row.value == "date":
            return max(values, key=str) if row.iri == DCT.modified else min(values, key=str)
        listed = [v for v in values if isinstance(v, ox.NamedNode) and v.value.startswith(LICENCES)]
        return listed[0] if row.iri == DCT.license and listed else values[0]


Apply = Callable[[ox.NamedNode, "Facts", Context], None]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its name, the class of nodes and the profiles it is for, and what it does."""

    name: str
    kind: str
    profiles: tuple[str, ...]
    apply: Apply


RULES: list[Rule] = []


@cache
def rules_of(kind: str, profile: str) -> tuple[Rule, ...]:
    """Give the rules for a class of nodes under a profile, in their order."""
    return tuple(rule for rule in RULES if rule.kind == kind and profile in rule.profiles)


def rule(name: str, kind: str, profiles: tuple[str, ...] = ALL) -> Callable[[Apply], Apply]:
    """Register a function as the rule ``name``; rules run in the order in which they stand here."""

    def register(function: Apply) -> Apply:
        RULES.append(Rule(name, kind, profiles, function))
        rules_of.cache_clear()
        return function

    return register


@rule("identifier", "Dataset")
def _identifier(node: ox.NamedNode, facts: Facts, context: Context) -> None:
    """Identify a dataset across portals: one identifier that is unique everywhere stands as it is.

    A short name of the city's own becomes a second identifier, and the IRI the first.
    """
    given = [v for v in facts.get(DCT.identifier, ()) if isinstance(v, ox.Literal) and v.value.strip()]
    own = node.value.startswith(context.reader.names.base)
    local = [v for v in given if own and ":" not in v.value]
    if given and len(local) < len(given):
        return
    facts[DCT.identifier] = [ox.Literal(node.value)]
    for name in local:
        other = ox.NamedNode(f"{node.value}#identifier")
        facts[ADMS.identifier] = [*facts.get(ADMS.identifier, ()), other]
        context.found[other] = {SKOS.notation: [name]}


@rule("publisher", "Dataset")
@rule("publisher", "DataService")
def _publisher(node: ox.NamedNode, facts: Facts, context: Context) -> None:
    """Take the organisation of who is accountable where no publisher is named."""
    if facts.get(DCT.publisher):
        return
    for unit in context.answering(node):
        organisation = context.contacts.organisation(unit)
        if organisation is not None:
            facts[DCT.publisher] = [organisation]
            context.found.update(context.reader.describe([organisation]))
            return


@rule("contact", "Dataset")
def _contact(node: ox.NamedNode, facts: Facts, context: Context) -> None:
    """Take the unit that answers, under its address or that of the organisation above it; persons never."""
    if facts.get(DCAT.contactPoint):
        return
    for unit in context.answering(node):
        contact = context.contacts.of(unit)
        if contact is not None:
            facts[DCAT.contactPoint] = [contact[0]]
            context.found[contact[0]] = contact[1]
            return


@rule("modified", "Dataset")
def _modified(node: ox.NamedNode, facts: Facts, context: Context) -> None:
    """A dataset is as new as the newest of its published distributions, where it does not say so itself."""
    if not facts.get(DCT.modified):
        days = [v for d in context.published for v in context.found.get(d, {}).get(DCT.modified, ())]
        facts[DCT.modified] = [max(days, key=str)] if days else []


@rule("high-value", "Dataset")
def _high_value(node: ox.NamedNode, facts: Facts, context: Context) -> None:
    """Call a dataset high-value only where a distribution is published; else say what is missing."""
    if facts.get(DCATAP.hvdCategory) and not context.published:
        context.lack(DCATAP.hvdCategory, "high-value")
        del facts[DCATAP.hvdCategory]
        facts.pop(DCATAP.applicableLegislation, None)


@rule("access-rights", "Dataset", ("eu",))
def _access_rights(node: ox.NamedNode, facts: Facts, context: Context) -> None:
    """What is published under an open licence is public."""
    if facts.get(DCT.accessRights):
        return
    licences = [v for d in context.published for v in context.found.get(d, {}).get(DCT.license, ())]
    if any(isinstance(v, ox.NamedNode) and OPEN_LICENCES.fullmatch(licence(v).value) for v in licences):
        facts[DCT.accessRights] = [PUBLIC]


@rule("geocoding-of-2.x", "Dataset", ("govdata",))
def _geocoding(node: ox.NamedNode, facts: Facts, context: Context) -> None:
    """Name the political geocoding among the places once more where 2.x looks for it."""
    if not facts.get(DCATDE.politicalGeocodingURI):
        places = facts.get(DCT.spatial, ())
        facts[DCATDE.politicalGeocodingURI] = [
            v for v in places if isinstance(v, ox.NamedNode) and v.value.startswith(GEOCODING)
        ]


@rule("twins-of-2.x", "Dataset", ("govdata",))
def _twins(node: ox.NamedNode, facts: Facts, context: Context) -> None:
    """Say the same again by the properties of 2.x."""
    for new, old in TWINS:
        if facts.get(new) and not facts.get(old):
            facts[old] = list(facts[new])


@rule("names-of-3.0", "Dataset")
def _renamed(node: ox.NamedNode, facts: Facts, context: Context) -> None:
    """Say by the properties of 3.0 what a record says by those of 2.x."""
    for new, old in TWINS:
        if facts.get(old) and not facts.get(new):
            facts[new] = list(facts[old])


@rule("without-2.x", "Dataset", ("dcat-ap-de", "eu"))
def _without(node: ox.NamedNode, facts: Facts, context: Context) -> None:
    """Leave out what 3.0 no longer uses."""
    for p in OUTDATED:
        facts.pop(p, None)


@rule("without-german", "Dataset", ("eu",))
def _european(node: ox.NamedNode, facts: Facts, context: Context) -> None:
    """Leave out what only German portals read."""
    for p in [p for p in facts if p.value.startswith(str(DCATDE))]:
        del facts[p]


@rule("attribution-text", "Distribution", ("eu",))
def _attribution_text(node: ox.NamedNode, facts: Facts, context: Context) -> None:
    """Give the words of attribution as a statement of rights, since the German property is not read."""
    words = facts.pop(DCATDE.licenseAttributionByText, [])
    if words and not facts.get(DCT.rights):
        rights = ox.NamedNode(f"{node.value}#rights")
        facts[DCT.rights] = [rights]
        context.found[rights] = {ODRS.attributionText: words}


@rule("download", "Distribution", ("eu",))
def _download(node: ox.NamedNode, facts: Facts, context: Context) -> None:
    """An address that ends like a file of the stated format is a download."""
    if facts.get(DCAT.downloadURL):
        return
    stated = {v.value.rpartition("/")[2] for v in facts.get(DCT.format, ()) if isinstance(v, ox.NamedNode)}
    addresses = [v for v in facts.get(DCAT.accessURL, ()) if isinstance(v, ox.NamedNode)]
    facts[DCAT.downloadURL] = [v for v in addresses if file_type(v.value) in stated and not is_viewer(v.value)]


def file_type(address: str) -> str:
    """Give the file type that the ending of an address means, or the empty text.

    >>> file_type("https://example.org/a/trees.CSV?x=1"), file_type("https://example.org/dataset/trees")
    ('CSV', '')
    """
    try:
        path = unquote(urlsplit(address).path)
    except ValueError:
        return ""
    return SUFFIXES.get(PurePosixPath(path).suffix.lower().lstrip("."), "")


def is_viewer(address: str) -> bool:
    """Tell whether an address shows a page about a file instead of giving the file.

    >>> is_viewer("https://github.com/o/r/blob/main/trees.csv")
    True
    """
    return re.match(r"https?://git(hub|lab)\.com/[^/]+/[^/]+/(-/)?(blob|tree)/", address) is not None


@rule("agent", "Agent")
def _agent(node: ox.NamedNode, facts: Facts, context: Context) -> None:
    """Name an agent by its label where it has no name, and its kind as portals know it."""
    for p in (FOAF.name, SKOS.prefLabel, VCARD.fn, RDFS.label, DCT.title):
        if facts.get(p):
            facts[FOAF.name] = list(facts[p])
            break
    if not facts.get(DCT.type):
        kinds = [
            _TYPE_OF[v] for v in facts.get(ORG.classification, ()) if isinstance(v, ox.NamedNode) and v in _TYPE_OF
        ]
        facts[DCT.type] = [ox.NamedNode(_PUBLISHER + name) for name in sorted(kinds)[:1]]


@rule("reached", "Kind")
def _reached(node: ox.NamedNode, facts: Facts, context: Context) -> None:
    """Write addresses of mail and numbers of telephones that stand as texts in their form as IRIs."""
    for p, pattern, scheme in _CONTACTS:
        for place, value in enumerate(facts.get(p, ())):
            text = value.value.strip() if isinstance(value, ox.Literal) else ""
            if pattern.fullmatch(text):
                facts[p] = [
                    *facts[p][:place],
                    ox.NamedNode(scheme + re.sub(r"[^\w.+@-]", "", text)),
                    *facts[p][place + 1 :],
                ]


@rule("period", "PeriodOfTime")
def _period(node: ox.NamedNode, facts: Facts, context: Context) -> None:
    """Take the days of a period that stand under the names of schema.org."""
    for p, name in ((DCAT.startDate, "startDate"), (DCAT.endDate, "endDate")):
        for start in ("http://schema.org/", "https://schema.org/"):
            if not facts.get(p):
                facts[p] = list(facts.get(ox.NamedNode(start + name), ()))


@rule("location", "Location")
def _location(node: ox.NamedNode, facts: Facts, context: Context) -> None:
    """Give the geometry of a place as centroid or bounding box; a literal where a node should stand goes there too.

    A node of a whole geometry stays where 3.0 is meant; GovData's reader stumbles over it.
    """
    given = facts.pop(_GEOMETRY, [])
    shapes = [v for v in given if isinstance(v, ox.Literal)]
    nodes = [v for v in facts.get(GEO.hasGeometry, ()) if isinstance(v, ox.NamedNode)]
    known = context.reader.describe(nodes) if nodes else {}
    shapes += [v for facts_of in known.values() for v in facts_of.get(GEO.asWKT, ()) if isinstance(v, ox.Literal)]
    shapes.sort(key=str)
    is_read = context.profile.name != "govdata"
    facts[_GEOMETRY] = [v for v in given if is_read and isinstance(v, ox.NamedNode)]
    if facts.get(DCAT.centroid) or facts.get(DCAT.bbox):
        return
    for shape in shapes:
        found = centroid_or_box(shape)
        if found is not None:
            facts[DCAT.term(found[0])] = [found[1]]
            return


@rule("own-roles", "Attribution")
def _own_roles(node: ox.NamedNode, facts: Facts, context: Context) -> None:
    """Name only units as agents: a post stands for its unit."""
    units = [v for v in facts.get(PROV.agent, ()) if isinstance(v, ox.NamedNode)]
    posts = [u for u in units if ORG.Post in context.found.get(u, {}).get(RDF.type, ())]
    facts[PROV.agent] = [u for u in units if u not in posts]
