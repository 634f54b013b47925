"""Vocabularies, the rendering of terms, and the names of graphs.

>>> ORG.Post.value
'http://www.w3.org/ns/org#Post'
>>> render(ox.Literal('say "hi"', language="en"))
'"say \\\\"hi\\\\""@en'
>>> Names("https://example.org/").source("trees").value
'https://example.org/graph/source/trees'
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import pyoxigraph as ox

Term = ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple
SG_NAMESPACE: Final = "https://w3id.org/stadtgraph/ns#"
DEFAULT_BASE: Final = "https://stadtgraph.example/jena/"


class Namespace:
    """A namespace IRI; its attributes are its terms as :class:`pyoxigraph.NamedNode`, its text is the IRI."""

    def __init__(self, iri: str) -> None:
        """Take the IRI, which ends in ``#`` or ``/``."""
        self._iri = iri

    def __getattr__(self, name: str) -> ox.NamedNode:
        if name.startswith("__"):
            raise AttributeError(name)
        found = self.__dict__[name] = ox.NamedNode(self._iri + name)  # asked for very often: made once
        return found

    def __str__(self) -> str:
        return self._iri

    def term(self, name: str) -> ox.NamedNode:
        """Give the term ``name``, also one that is no Python name."""
        return ox.NamedNode(self._iri + name)


RDF = Namespace("http://www.w3.org/1999/02/22-rdf-syntax-ns#")
RDFS = Namespace("http://www.w3.org/2000/01/rdf-schema#")
OWL = Namespace("http://www.w3.org/2002/07/owl#")
XSD = Namespace("http://www.w3.org/2001/XMLSchema#")
SKOS = Namespace("http://www.w3.org/2004/02/skos/core#")
DCT = Namespace("http://purl.org/dc/terms/")
DCAT = Namespace("http://www.w3.org/ns/dcat#")
ORG = Namespace("http://www.w3.org/ns/org#")
PROV = Namespace("http://www.w3.org/ns/prov#")
FOAF = Namespace("http://xmlns.com/foaf/0.1/")
VCARD = Namespace("http://www.w3.org/2006/vcard/ns#")
SH = Namespace("http://www.w3.org/ns/shacl#")
SOSA = Namespace("http://www.w3.org/ns/sosa/")
GEO = Namespace("http://www.opengis.net/ont/geosparql#")
VOID = Namespace("http://rdfs.org/ns/void#")
SD = Namespace("http://www.w3.org/ns/sparql-service-description#")
SG = Namespace(SG_NAMESPACE)

PREFIXES: Final[dict[str, str]] = {
    "adms": "http://www.w3.org/ns/adms#",
    "cpsv": "http://purl.org/vocab/cpsv#",
    "dcat": str(DCAT),
    "dcatap": "http://data.europa.eu/r5r/",
    "dcatde": "http://dcat-ap.de/def/dcatde/",
    "dct": str(DCT),
    "dpv": "https://w3id.org/dpv#",
    "dqv": "http://www.w3.org/ns/dqv#",
    "dwc": "http://rs.tdwg.org/dwc/terms/",
    "foaf": str(FOAF),
    "geo": str(GEO),
    "geof": "http://www.opengis.net/def/function/geosparql/",
    "gtfs": "http://vocab.gtfs.org/terms#",
    "m8g": "http://data.europa.eu/m8g/",
    "odrl": "http://www.w3.org/ns/odrl/2/",
    "org": str(ORG),
    "owl": str(OWL),
    "prov": str(PROV),
    "qb": "http://purl.org/linked-data/cube#",
    "rdf": str(RDF),
    "rdfs": str(RDFS),
    "schema": "https://schema.org/",
    "sd": str(SD),
    "sg": str(SG),
    "sgf": "https://w3id.org/stadtgraph/fn#",
    "sh": str(SH),
    "skos": str(SKOS),
    "sosa": str(SOSA),
    "spex": "https://purl.expasy.org/sparql-examples/ontology#",
    "ssn": "http://www.w3.org/ns/ssn/",
    "time": "http://www.w3.org/2006/time#",
    "unit": "http://qudt.org/vocab/unit/",
    "uom": "http://www.opengis.net/def/uom/OGC/1.0/",
    "vcard": str(VCARD),
    "void": str(VOID),
    "xsd": str(XSD),
}


def render(term: Term) -> str:
    """Give ``term`` as SPARQL and N-Triples write it, escaped: the only way text enters a query.

    Blank nodes have no rendering that means the same node in a query, so they raise ``ValueError``.
    Source: https://www.w3.org/TR/sparql11-query/#rTerm
    """
    if isinstance(term, ox.BlankNode):
        raise ValueError("a blank node cannot be named in a query")
    return str(term)


_SOURCE_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


def is_source_name(name: str) -> bool:
    """Tell whether ``name`` can name a source: lower case letters, digits and hyphens, at most 63.

    The names of the city's other graphs are taken, for ``graph/written/NAME`` belongs to one graph alone.
    """
    return _SOURCE_NAME.fullmatch(name) is not None and name not in RESERVED


@dataclass(frozen=True, slots=True)
class Names:
    """The names of a city's graphs under its base IRI (which ends in ``/`` or ``#``)."""

    base: str = DEFAULT_BASE

    def graph(self, path: str) -> ox.NamedNode:
        """Give the graph ``{base}graph/{path}``."""
        return ox.NamedNode(f"{self.base}graph/{path}")

    def source(self, name: str) -> ox.NamedNode:
        """Give the graph of one source."""
        return self.graph(f"source/{name}")

    def written(self, graph: ox.NamedNode) -> ox.NamedNode:
        """Give the graph that keeps the literals of ``graph`` as their owner wrote them.

        For ``{base}graph/X`` it is ``{base}graph/written/X``, without the step ``source/``; a graph with an IRI
        of its writer's own choice gets ``{base}graph/written/`` and its percent-encoded IRI.
        """
        prefix = f"{self.base}graph/"
        if graph.value.startswith(prefix):
            return self.graph("written/" + graph.value.removeprefix(prefix).removeprefix("source/"))
        return self.graph("written/" + _encoded(graph.value))

    def is_written(self, graph: str) -> bool:
        """Tell whether ``graph`` holds literals as written; such graphs are not part of the merge."""
        return graph.startswith(f"{self.base}graph/written/")

    def genid(self, digest: str) -> ox.NamedNode:
        """Give the IRI that stands for a blank node (https://www.w3.org/TR/rdf11-concepts/#section-skolemization)."""
        return ox.NamedNode(f"{self.base}.well-known/genid/{digest}")

    def is_genid(self, iri: str) -> bool:
        """Tell whether ``iri`` stands for a blank node of this city."""
        return iri.startswith(f"{self.base}.well-known/genid/")

    def id(self, path: str) -> ox.NamedNode:
        """Give the identifier ``{base}id/{path}``."""
        return ox.NamedNode(f"{self.base}id/{path}")


def _encoded(iri: str) -> str:
    return "".join(
        c if c.isascii() and (c.isalnum() or c in "-._~") else "".join(f"%{b:02X}" for b in c.encode()) for c in iri
    )


ONTOLOGY, SHAPES, QUERIES = "ontology", "shapes", "queries"
INFERRED, PROVENANCE, HISTORY = "inferred", "provenance", "history"
AUDIT, QUALITY, LINKS, SPACE = "audit", "quality", "links", "space"
RESERVED: Final = frozenset(
    (ONTOLOGY, SHAPES, QUERIES, INFERRED, PROVENANCE, HISTORY, AUDIT, QUALITY, LINKS, SPACE, "vocabulary", "written")
)
"""Names under ``{base}graph/`` that no source may have."""
