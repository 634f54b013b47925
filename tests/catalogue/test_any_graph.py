"""Whatever a graph says, its export is well-formed, the same in every format, without blank nodes, and scored."""

from __future__ import annotations

from pathlib import Path

import pyoxigraph as ox
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from stadtgraph.catalogue import EU_PROFILE, PROFILES, Catalogue
from stadtgraph.catalogue.formats import FORMS
from stadtgraph.catalogue.mqa import FULL, score
from stadtgraph.catalogue.structured import as_script, schema_org
from stadtgraph.catalogue.vocabulary import CLASSES, iri, table
from stadtgraph.store import OxigraphEngine
from stadtgraph.store.literals import Normaliser
from stadtgraph.terms import DCAT, FOAF, RDF, VCARD, XSD, Names

BASE = "https://any.example/"
RDF_FORMATS = {
    "rdf": ox.RdfFormat.RDF_XML,
    "ttl": ox.RdfFormat.TURTLE,
    "nt": ox.RdfFormat.N_TRIPLES,
    "jsonld": ox.RdfFormat.JSON_LD,
}
NODES = [ox.NamedNode(f"{BASE}id/n/{i}") for i in range(6)] + [
    ox.NamedNode("https://o.example/a?b=1&c='2'"),
    ox.NamedNode("urn:x:y"),
    ox.NamedNode("https://o.example/ä#1"),
    ox.NamedNode("https://o.example/file.csv"),
]
PROPERTIES = sorted({p for rows in table().values() for p in rows} | {RDF.type}, key=str)
KINDS = [iri(name) for name, _ in CLASSES.values()] + [FOAF.Person, VCARD.Individual, DCAT.Dataset, DCAT.Dataset]
TEXTS = st.text(max_size=12) | st.sampled_from(
    ["</script>", "]]>", '"', "2020-01-01", "12", "a@b.de", "P1D", "]", "\u0001x"]
)
LITERALS = st.builds(
    lambda text, kind: ox.Literal(text, language="de") if kind is None else ox.Literal(text, datatype=kind),
    TEXTS.filter(lambda text: "\x00" not in text and not any("\ud800" <= c <= "\udfff" for c in text)),
    st.sampled_from([None, XSD.string, XSD.date, XSD.integer, XSD.decimal, ox.NamedNode("urn:type")]),
)
TRIPLES = st.builds(
    lambda s, p, o, kind: ox.Triple(s, p, kind if p == RDF.type else o),
    st.sampled_from(NODES),
    st.sampled_from(PROPERTIES),
    st.sampled_from(NODES) | LITERALS,
    st.sampled_from(KINDS),
)


class Memory(OxigraphEngine):
    """An engine over a store in memory."""

    def __init__(self, triples: list[ox.Triple]) -> None:
        self.path, self.names, self.read_only = Path(), Names(BASE), False
        self._graphs, self._normaliser, self.store = None, Normaliser(), ox.Store()
        graph = self.names.source("any")
        self.store.extend([ox.Quad(*t, g) for t in triples for g in (ox.DefaultGraph(), graph)])


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(TRIPLES, max_size=40))
@example([ox.Triple(NODES[0], DCAT.distribution, NODES[2])])
def test_the_export_of_any_graph_is_the_same_in_every_format(triples: list[ox.Triple]) -> None:
    """Two datasets have what is mandatory, so that something is exported; the rest is chance."""
    for dataset in NODES[:2]:
        triples.append(ox.Triple(dataset, RDF.type, DCAT.Dataset))
        triples += [ox.Triple(dataset, iri(name), ox.Literal("x")) for name in ("dct:title", "dct:description")]
        triples.append(ox.Triple(dataset, iri("dct:publisher"), NODES[2]))
    triples.append(ox.Triple(NODES[2], FOAF.name, ox.Literal("y")))
    catalogue = Catalogue(Memory(triples), Names(BASE), "2026-01-01", "Any")
    for profile in PROFILES.values():
        found = {}
        for form in FORMS:
            data = b"".join(FORMS[form].write(catalogue.head(profile), catalogue.records(profile), ()))
            found[form] = {q.triple for q in ox.parse(data, format=RDF_FORMATS[form])}
        assert all(one == found["nt"] for one in found.values())
        assert not any(isinstance(end, ox.BlankNode) for t in found["nt"] for end in (t.subject, t.object))
    for record in catalogue.records(EU_PROFILE):
        assert 0 <= score(record, None).value <= score(record, True).maximum <= FULL
        assert "<" not in as_script(schema_org(record, "https://s/", str, "de"))
    assert sum(1 for r in catalogue.records(EU_PROFILE) if r.blocks) == len(catalogue.datasets)
