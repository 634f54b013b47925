"""What the endpoint says of itself: SPARQL service description and VoID, as triples.

Sources: https://www.w3.org/TR/sparql11-service-description/, https://www.w3.org/TR/void/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import pyoxigraph as ox

from stadtgraph.release import GraphInfo, Manifest
from stadtgraph.sparql.negotiate import DOCUMENTS, GRAPHS, TABLES
from stadtgraph.store.functions import FUNCTIONS as OWN_FUNCTIONS
from stadtgraph.terms import DCAT, DCT, FOAF, PREFIXES, RDF, SD, VOID, XSD, Names, Namespace
from stadtgraph.web.state import Partitions

FORMATS: Final = Namespace("http://www.w3.org/ns/formats/")
_FORMATS: Final = {
    "json": "SPARQL_Results_JSON",
    "xml": "SPARQL_Results_XML",
    "csv": "SPARQL_Results_CSV",
    "tsv": "SPARQL_Results_TSV",
    "turtle": "Turtle",
    "ntriples": "N-Triples",
    "rdfxml": "RDF_XML",
    "jsonld": "JSON-LD",
    "nquads": "N-Quads",
    "trig": "TriG",
}
_NAMES: Final = """
    area asGeoJSON centroid convexHull coordinateDimension difference dimension distance envelope getSRID intersection
    isEmpty isSimple length perimeter relate spatialDimension symDifference union ehContains ehCoveredBy ehCovers
    ehDisjoint ehEquals ehInside ehMeet ehOverlap rcc8dc rcc8ec rcc8eq rcc8ntpp rcc8ntppi rcc8po rcc8tpp rcc8tppi
    sfContains sfCrosses sfDisjoint sfEquals sfIntersects sfOverlaps sfTouches sfWithin
"""
FUNCTIONS: Final = tuple(_NAMES.split())
"""The functions of GeoSPARQL that the engine has (https://docs.ogc.org/is/22-047r1/22-047r1.html)."""
_GEOF: Final = Namespace(PREFIXES["geof"])
_PROTOCOL: Final = "https://www.w3.org/TR/sparql11-http-rdf-update/"
_NodeOrLiteral = ox.NamedNode | ox.Literal


def _whole(value: int) -> ox.Literal:
    return ox.Literal(str(value), datatype=XSD.integer)


def _all(subject: ox.NamedNode, *pairs: tuple[ox.NamedNode, _NodeOrLiteral]) -> Iterator[ox.Triple]:
    return (ox.Triple(subject, predicate, value) for predicate, value in pairs)


def service(endpoint: str, manifest: Manifest, triples: int, services: Mapping[str, str]) -> Iterator[ox.Triple]:
    """Describe the endpoint at the address ``endpoint``: languages, formats, default dataset and named graphs.

    The default graph is the union of the named graphs, as a set (``sd:UnionDefaultGraph``). ``services`` are the names
    of the endpoints that queries may ask with SERVICE, by their IRIs.
    """
    this = ox.NamedNode(f"{endpoint}#service")
    dataset, default = ox.NamedNode(f"{endpoint}#dataset"), ox.NamedNode(f"{endpoint}#default-graph")
    yield from _all(
        this,
        (RDF.type, SD.Service),
        (SD.endpoint, ox.NamedNode(endpoint)),
        (SD.supportedLanguage, SD.SPARQL11Query),
        (SD.supportedLanguage, SD.SPARQL11Update),
        (SD.feature, SD.UnionDefaultGraph),
        (SD.defaultDataset, dataset),
    )
    for function in FUNCTIONS:
        yield ox.Triple(this, SD.extensionFunction, _GEOF.term(function))
        yield ox.Triple(_GEOF.term(function), RDF.type, SD.Function)
    for own in OWN_FUNCTIONS:
        yield ox.Triple(this, SD.extensionFunction, own)
        yield ox.Triple(own, RDF.type, SD.Function)
    yield from _writing(endpoint, this)
    for offered in dict.fromkeys((*TABLES, *GRAPHS)):
        yield ox.Triple(this, SD.resultFormat, FORMATS.term(_FORMATS[offered.name]))
    if services:
        yield ox.Triple(this, SD.feature, SD.BasicFederatedQuery)
    for number, (iri, name) in enumerate(services.items(), 1):
        other = ox.NamedNode(f"{endpoint}#service-{number}")
        yield ox.Triple(this, DCT.relation, other)
        yield from _all(other, (RDF.type, SD.Service), (SD.endpoint, ox.NamedNode(iri)))
        yield ox.Triple(other, DCT.term("title"), ox.Literal(name))
    yield from _all(dataset, (RDF.type, SD.Dataset), (SD.defaultGraph, default))
    yield from _all(default, (RDF.type, SD.Graph), (VOID.triples, _whole(triples)))
    for number, info in enumerate(_sorted(manifest), 1):
        named, graph = (ox.NamedNode(f"{endpoint}#{part}-{number}") for part in ("named-graph", "graph"))
        yield ox.Triple(dataset, SD.namedGraph, named)
        yield from _all(named, (RDF.type, SD.NamedGraph), (SD.name, ox.NamedNode(info.graph)), (SD.graph, graph))
        yield from _all(graph, (RDF.type, SD.Graph), (VOID.triples, _whole(info.triples)))
        yield from _titles(graph, info)


def _writing(endpoint: str, this: ox.NamedNode) -> Iterator[ox.Triple]:
    """Give the addresses where data are changed with a token; the protocols have no word for the second one."""
    update, store = ox.NamedNode(f"{endpoint}#update"), ox.NamedNode(f"{endpoint}#graph-store")
    yield from _all(this, (DCT.relation, update), (DCT.relation, store))
    yield from _all(
        update,
        (RDF.type, SD.Service),
        (SD.endpoint, ox.NamedNode(f"{endpoint}/update")),
        (SD.supportedLanguage, SD.SPARQL11Update),
    )
    yield from _all(
        store,
        (RDF.type, DCAT.DataService),
        (DCAT.endpointURL, ox.NamedNode(endpoint.removesuffix("sparql") + "graphs")),
        (DCT.conformsTo, ox.NamedNode(_PROTOCOL)),
    )
    for offered in DOCUMENTS:
        yield ox.Triple(update, SD.inputFormat, FORMATS.term(_FORMATS[offered.name]))


def _sorted(manifest: Manifest) -> list[GraphInfo]:
    return [manifest.graphs[iri] for iri in sorted(manifest.graphs)]


def _titles(subject: ox.NamedNode, info: GraphInfo) -> Iterator[ox.Triple]:
    for language, title in info.title.items():
        yield ox.Triple(subject, DCT.term("title"), ox.Literal(title, language=language))
    if info.licence:
        yield ox.Triple(subject, DCT.license, ox.NamedNode(info.licence))


def void(names: Names, endpoint: str, title: str, manifest: Manifest, counts: Partitions) -> Iterator[ox.Triple]:
    """Describe the data: size, one subset per graph with title and licence, and partitions by class and property."""
    document = ox.NamedNode(f"{names.base}.well-known/void")
    dataset = ox.NamedNode(f"{names.base}void#dataset")
    yield from _all(document, (RDF.type, VOID.DatasetDescription), (FOAF.primaryTopic, dataset))
    yield from _all(
        dataset,
        (RDF.type, VOID.Dataset),
        (DCT.term("title"), ox.Literal(title)),
        (DCT.modified, ox.Literal(f"{manifest.created:%Y-%m-%dT%H:%M:%SZ}", datatype=XSD.dateTime)),
        (DCT.identifier, ox.Literal(manifest.id)),
        (VOID.sparqlEndpoint, ox.NamedNode(endpoint)),
        (VOID.uriSpace, ox.Literal(f"{names.base}id/")),
        (VOID.triples, _whole(counts.triples)),
        (VOID.classes, _whole(len(counts.classes))),
        (VOID.properties, _whole(len(counts.properties))),
    )
    for number, info in enumerate(_sorted(manifest), 1):
        subset = ox.NamedNode(f"{names.base}void#graph-{number}")
        yield ox.Triple(dataset, VOID.subset, subset)
        yield from _all(subset, (RDF.type, VOID.Dataset), (VOID.triples, _whole(info.triples)))
        yield from _all(subset, (DCT.identifier, ox.Literal(info.graph)))
        yield from _titles(subset, info)
        if info.dataset:
            yield ox.Triple(subset, DCT.source, ox.NamedNode(names.base + info.dataset))
        elif info.address:
            yield ox.Triple(subset, DCT.source, ox.NamedNode(info.address))
    for offered in GRAPHS:
        yield ox.Triple(dataset, VOID.feature, FORMATS.term(_FORMATS[offered.name]))
    yield from _writing(endpoint, dataset)
    yield from _partitions(names, dataset, counts)


def _partitions(names: Names, dataset: ox.NamedNode, counts: Partitions) -> Iterator[ox.Triple]:
    for number, (term, size) in enumerate(counts.classes.items(), 1):
        part = ox.NamedNode(f"{names.base}void#class-{number}")
        yield ox.Triple(dataset, VOID.classPartition, part)
        yield from _all(part, (VOID.term("class"), ox.NamedNode(term)), (VOID.entities, _whole(size)))
    for number, (term, size) in enumerate(counts.properties.items(), 1):
        part = ox.NamedNode(f"{names.base}void#property-{number}")
        yield ox.Triple(dataset, VOID.propertyPartition, part)
        yield from _all(part, (VOID.property, ox.NamedNode(term)), (VOID.triples, _whole(size)))
