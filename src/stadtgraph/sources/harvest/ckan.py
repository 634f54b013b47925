"""Packages of CKAN as DCAT: a table of fields, and what must be looked at more closely.

What is not in the table stays behind. Source: https://docs.ckan.org/en/latest/api/, the fields that ckanext-dcat reads.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urljoin

import pyoxigraph as ox

from stadtgraph.sources.harvest.lines import is_iri
from stadtgraph.sources.harvest.persons import is_named_person
from stadtgraph.sources.harvest.words import DCATDE, LINE_MARK
from stadtgraph.terms import DCAT, DCT, FOAF, RDF, VCARD, XSD

Triples = Iterator[ox.Triple]
_PACKAGE: Final = {
    "title": DCT.title, "notes": DCT.description, "version": DCAT.version, "url": DCAT.landingPage,
    "license_url": DCT.license, "metadata_created": DCT.issued, "metadata_modified": DCT.modified,
    "language": DCT.language, "frequency": DCT.accrualPeriodicity, "accrual_periodicity": DCT.accrualPeriodicity,
    "access_rights": DCT.accessRights, "provenance": DCT.provenance, "issued": DCT.issued, "modified": DCT.modified,
    "contributorID": DCATDE.contributorID, "politicalGeocodingURI": DCATDE.politicalGeocodingURI,
    "politicalGeocodingLevelURI": DCATDE.politicalGeocodingLevelURI, "theme": DCAT.theme,
}  # fmt: skip
_RESOURCE: Final = {
    "name": DCT.title, "description": DCT.description, "url": DCAT.accessURL, "download_url": DCAT.downloadURL,
    "format": DCT.format, "mimetype": DCAT.mediaType, "size": DCAT.byteSize, "license": DCT.license,
    "license_url": DCT.license, "created": DCT.issued, "last_modified": DCT.modified, "language": DCT.language,
    "licenseAttributionByText": DCATDE.licenseAttributionByText, "access_url": DCAT.accessURL,
}  # fmt: skip
_ADDRESSES: Final = frozenset((DCAT.accessURL, DCAT.downloadURL, DCAT.landingPage, DCAT.theme))
_MOMENT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(?:Z|[+-][0-9]{2}:[0-9]{2})?")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def packages(document: Mapping[str, Any]) -> list[Any]:
    """Give the packages of an answer of CKAN."""
    result = document.get("result")
    found = result.get("results") if isinstance(result, dict) else result
    return found if isinstance(found, list) else []


def is_ckan(document: object) -> bool:
    """Tell whether a JSON document is an answer of CKAN's action API."""
    return isinstance(document, dict) and "result" in document and "success" in document


def package_triples(package: Any, address: str, number: int) -> Triples:
    """Give one package as a dataset; one that is none is given as a line that says what stood there."""
    site = re.sub(r"/api/.*$", "/", address)
    key = package.get("id") if isinstance(package, dict) else None
    if not isinstance(package, dict) or not isinstance(key, str) or not key.strip():
        node = ox.NamedNode(f"{site}#package{number}")
        yield ox.Triple(node, LINE_MARK, ox.Literal(json.dumps(package, ensure_ascii=False)[:100_000]))
        return
    extras = _extras(package)
    root = _node(extras.get("uri"), urljoin(site, f"dataset/{_part(key)}"))
    yield ox.Triple(root, RDF.type, DCAT.Dataset)
    yield ox.Triple(ox.NamedNode(f"{site}#catalogue"), DCAT.dataset, root)
    yield ox.Triple(root, DCT.identifier, ox.Literal(extras.get("identifier") or key))
    yield from _fields(root, {**extras, **package}, _PACKAGE)
    for tag in _dicts(package.get("tags")):
        if isinstance(name := tag.get("display_name") or tag.get("name"), str) and name.strip():
            yield ox.Triple(root, DCAT.keyword, ox.Literal(name))
    yield from _publisher(root, package, site)
    yield from _contact(root, package)
    licence = package.get("license_url") or package.get("license_id") or package.get("license_title")
    for position, resource in enumerate(_dicts(package.get("resources"))):
        yield from _resource(root, resource, licence, position)


def _resource(root: ox.NamedNode, resource: Mapping[str, Any], licence: object, position: int) -> Triples:
    key = resource.get("id")
    node = _node(resource.get("uri"), f"{root.value}/resource/{_part(key) if isinstance(key, str) else position}")
    yield ox.Triple(root, DCAT.distribution, node)
    yield ox.Triple(node, RDF.type, DCAT.Distribution)
    yield from _fields(node, resource, _RESOURCE)
    if not resource.get("license") and not resource.get("license_url") and isinstance(licence, str) and licence.strip():
        yield ox.Triple(node, DCT.license, _value(DCT.license, licence))


def _publisher(root: ox.NamedNode, package: Mapping[str, Any], site: str) -> Triples:
    organisation = package.get("organization")
    if isinstance(organisation, dict) and isinstance(key := organisation.get("id"), str):
        node = ox.NamedNode(urljoin(site, f"organization/{_part(key)}"))
        yield ox.Triple(root, DCT.publisher, node)
        yield ox.Triple(node, RDF.type, FOAF.Organization)
        name = organisation.get("title") or organisation.get("name")
        if isinstance(name, str):
            yield ox.Triple(node, FOAF.name, ox.Literal(name))


def _contact(root: ox.NamedNode, package: Mapping[str, Any]) -> Triples:
    """Give the maintainer, else the author, as a contact; whoever is named like a person gives no name."""
    for role in ("maintainer", "author"):
        name, mailbox = package.get(role), package.get(f"{role}_email")
        if not any(isinstance(text, str) and text.strip() for text in (name, mailbox)):
            continue
        node = ox.BlankNode()
        yield ox.Triple(root, DCAT.contactPoint, node)
        yield ox.Triple(node, RDF.type, VCARD.Kind)
        if isinstance(name, str) and name.strip() and not is_named_person(name):
            yield ox.Triple(node, VCARD.fn, ox.Literal(name))
        if isinstance(mailbox, str) and mailbox.strip():
            yield ox.Triple(node, VCARD.hasEmail, ox.Literal(mailbox.strip()))
        return


def _fields(node: ox.NamedNode, data: Mapping[str, Any], table: Mapping[str, ox.NamedNode]) -> Triples:
    seen = set()
    for key, predicate in table.items():
        values = data.get(key)
        for value in values if isinstance(values, list) else [values]:
            if isinstance(value, str | int | float) and not isinstance(value, bool) and str(value).strip():
                triple = ox.Triple(node, predicate, _value(predicate, str(value)))
                if triple not in seen:
                    seen.add(triple)
                    yield triple


def _value(predicate: ox.NamedNode, text: str) -> ox.NamedNode | ox.Literal:
    bare = text.strip()
    if predicate in (DCT.issued, DCT.modified):
        kind = XSD.dateTime if _MOMENT.fullmatch(bare) else XSD.date if _DAY.fullmatch(bare) else None
        return ox.Literal(bare, datatype=kind) if kind else ox.Literal(bare)
    if predicate == DCAT.byteSize:
        return ox.Literal(bare, datatype=XSD.nonNegativeInteger)
    if (predicate in _ADDRESSES or bare.startswith(("http://", "https://"))) and "\n" not in bare and is_iri(bare):
        return ox.NamedNode(bare)
    return ox.Literal(text)


def _extras(package: Mapping[str, Any]) -> dict[str, str]:
    """Give the extra fields; a list as JSON is left as it is."""
    pairs = ((entry.get("key"), entry.get("value")) for entry in _dicts(package.get("extras")))
    return {k: v for k, v in pairs if isinstance(k, str) and isinstance(v, str)}


def _dicts(values: object) -> list[dict[str, Any]]:
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


def _node(given: object, otherwise: str) -> ox.NamedNode:
    return ox.NamedNode(given if isinstance(given, str) and ":" in given and is_iri(given) else otherwise)


def _part(key: str) -> str:
    return re.sub(r"[^A-Za-z0-9._~-]", "_", key.strip())
