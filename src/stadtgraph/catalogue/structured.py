"""A dataset as schema.org/Dataset, as search engines read it from its page.

Source: https://developers.google.com/search/docs/appearance/structured-data/dataset, https://schema.org/Dataset
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final

import pyoxigraph as ox

from stadtgraph.catalogue.records import Record
from stadtgraph.catalogue.rules import OPEN_LICENCES
from stadtgraph.catalogue.vocabulary import EU, GEODCATAP
from stadtgraph.terms import DCAT, DCT, FOAF, RDFS, SKOS, VCARD, Term

Node = dict[str, Any]
_LONGEST: Final = 5000
_CREATORS: Final = (DCT.creator, GEODCATAP.originator, GEODCATAP.principalInvestigator)
_NUMBERS: Final = re.compile(r"-?\d+(?:\.\d+)?")


def schema_org(record: Record, address: str, catalogue: Callable[[str], str], lang: str) -> Node:
    """Give a record as schema.org/Dataset; ``address`` is its page, ``catalogue`` gives the name of the catalogue."""
    licences = sorted({v for d in record.of("Distribution") for v in _values(record.values(DCT.license, d.node))})
    made: Node = {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "@id": record.iri.value,
        "url": address,
        "name": text(record.values(DCT.title), lang),
        "description": text(record.values(DCT.description), lang)[:_LONGEST],
        "identifier": _values(record.values(DCT.identifier)),
        "keywords": _values(record.values(DCAT.keyword)),
        "publisher": _agents(record, record.values(DCT.publisher), lang),
        "creator": _agents(record, next(filter(None, map(record.values, _CREATORS)), []), lang, contacts=False),
        "license": licences,
        "isAccessibleForFree": True if any(map(OPEN_LICENCES.fullmatch, licences)) else None,
        "datePublished": _first(record.values(DCT.issued)),
        "dateModified": _first(record.values(DCT.modified)),
        "version": _first(record.values(DCAT.version)),
        "spatialCoverage": [_place(record, place, lang) for place in record.values(DCT.spatial)],
        "temporalCoverage": [_period(record, period) for period in record.values(DCT.temporal)],
        "sameAs": _values(record.values(DCAT.landingPage)),
        "includedInDataCatalog": {"@type": "DataCatalog", "name": catalogue(lang)},
        "distribution": [_download(record, block.node, lang) for block in record.of("Distribution")],
    }
    return {key: _single(value) for key, value in made.items() if value not in ("", [], None)}


def as_script(node: Node) -> str:
    """Give JSON that can stand inside a ``script`` element: no ``<`` ends it early."""
    found = json.dumps(node, ensure_ascii=False, separators=(",", ":"))
    return found.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def text(values: list[Term], lang: str) -> str:
    """Give the text in ``lang``, else any."""
    literals = [v for v in values if isinstance(v, ox.Literal)]
    found = [v.value for v in literals if (v.language or "").startswith(lang)] or [v.value for v in literals]
    return found[0] if found else ""


def _values(values: list[Term]) -> list[str]:
    return [v.value for v in values if isinstance(v, ox.NamedNode | ox.Literal)]


def _first(values: list[Term]) -> str:
    return next(iter(_values(values)), "")


def _single(value: Any) -> Any:
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _agents(record: Record, agents: list[Term], lang: str, *, contacts: bool = True) -> list[Node]:
    found = []
    for agent in agents:
        assert isinstance(agent, ox.NamedNode)
        node: Node = {"@type": "Organization", "@id": agent.value, "name": text(record.values(FOAF.name, agent), lang)}
        pages = _values(record.values(FOAF.homepage, agent))
        found.append(node | ({"url": pages[0]} if pages else {}))
    for contact in record.values(DCAT.contactPoint) if found and contacts else ():
        assert isinstance(contact, ox.NamedNode)
        reached = _values(record.values(VCARD.hasURL, contact)), _values(record.values(VCARD.hasEmail, contact))
        point: Node = {"@type": "ContactPoint", "contactType": "data"}
        point |= {"url": reached[0][0]} if reached[0] else {}
        point |= {"email": reached[1][0].removeprefix("mailto:")} if reached[1] else {}
        found[0].setdefault("contactPoint", point)
    return found


def _place(record: Record, place: Term, lang: str) -> Node:
    assert isinstance(place, ox.NamedNode)
    names = record.values(SKOS.prefLabel, place) + record.values(RDFS.label, place)
    node: Node = {"@type": "Place", "@id": place.value}
    name = text(names, lang)
    return node | ({"name": name} if name else {}) | _geo(record, place)


def _geo(record: Record, place: ox.NamedNode) -> Node:
    """Give a centroid as coordinates, a bounding box as a shape: south west north east, as Google reads it."""
    for p in (DCAT.centroid, DCAT.bbox):
        numbers = _NUMBERS.findall(_first(record.values(p, place)))
        if p == DCAT.centroid and len(numbers) == 2:
            return {"geo": {"@type": "GeoCoordinates", "latitude": float(numbers[1]), "longitude": float(numbers[0])}}
        if p == DCAT.bbox and len(numbers) == 10:
            west, south, east, north = (numbers[i] for i in (0, 1, 4, 5))
            return {"geo": {"@type": "GeoShape", "box": f"{south} {west} {north} {east}"}}
    return {}


def _period(record: Record, period: Term) -> str:
    assert isinstance(period, ox.NamedNode)
    start, end = (_first(record.values(p, period)) for p in (DCAT.startDate, DCAT.endDate))
    return f"{start or '..'}/{end or '..'}"


def _download(record: Record, node: ox.NamedNode, lang: str) -> Node:
    of = {
        "@type": "DataDownload",
        "@id": node.value,
        "name": text(record.values(DCT.title, node), lang),
        "contentUrl": _first(record.values(DCAT.downloadURL, node)) or _first(record.values(DCAT.accessURL, node)),
        "encodingFormat": _first(record.values(DCAT.mediaType, node)).partition("/media-types/")[2]
        or _first(record.values(DCT.format, node)).removeprefix(f"{EU}file-type/"),
        "license": _first(record.values(DCT.license, node)),
        "contentSize": f"{int(size)} B" if (size := _first(record.values(DCAT.byteSize, node))) else "",
    }
    return {key: value for key, value in of.items() if value}
