"""Questions across domains answer from at least two of city, utilities and science on the real data of Jena.

The domain of a thing in an answer, or named in its query, is that of the source that describes it, or the one that the
registers state for it or for who publishes, operates or bears it; texts count by the thing they name, an open question
by what it is about. Where an answer only counts, the graphs count that the account of the answer names. A question
about one dataset, system or unit is asked of each, for it crosses domains by what it is asked about.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import pyoxigraph as ox
import pytest

from stadtgraph import City
from stadtgraph.city import Answer
from stadtgraph.sparql.files import ExampleQuery, Parameter, load_queries
from stadtgraph.terms import DCT, PREFIXES, RDF, RDFS, SG, SG_NAMESPACE, SKOS, Names, Namespace, Term

BASE = Names().base
ROOT = Path(__file__).resolve().parent.parent.parent
CROSSING = [query for query in load_queries(ROOT / "data" / "queries") if len(query.domains) > 1]
DOMAINS = {"city", "utilities", "science"}
DCAT, ORG, PROV = (Namespace(PREFIXES[prefix]) for prefix in ("dcat", "org", "prov"))
UPWARDS = (DCT.publisher, DCT.isPartOf, SG.operatedBy, SG.term("for"), ORG.postIn, ORG.unitOf, ORG.subOrganizationOf)
UPWARDS += (PROV.agent, SG.flowFrom, SG.flowTo, SG.about)
NAMES = (SKOS.prefLabel, DCT.title, RDFS.label)
MANY = 300  # rows of an answer that are looked at

KNOWN = {
    "licences-in-use": "an answer of licences and numbers; the distributions counted are those of all domains",
    "new-and-planned-datasets": "only the city says what it plans",
}
"""Questions whose answers show one domain, with the reason; one that shows two must leave the list."""


class Atlas:
    """Which domain everything belongs to."""

    def __init__(self, city: City) -> None:
        self.city, self.engine = city, city.engine()
        self.domain_of = {city.names.source(name): source.domain for name, source in city.registry.items()}
        self.named: dict[str, set[str]] = {}
        for subject in {t.subject for step in (SG.domain, *UPWARDS) for t in self.engine.triples(None, step, None)}:
            domains = self.stated(subject)
            for step in NAMES if domains else ():
                for triple in self.engine.triples(subject, step, None):
                    assert isinstance(triple.object, ox.Literal)
                    self.named.setdefault(triple.object.value, set()).update(domains)

    def stated(self, thing: Term, steps: int = 3) -> set[str]:
        """Give the domains that the registers state for a thing, or for what it belongs to."""
        if not isinstance(thing, ox.NamedNode):
            return set()
        found = {str(t.object.value).removeprefix(SG_NAMESPACE) for t in self.engine.triples(thing, SG.domain, None)}
        if steps and not found:
            for step in UPWARDS:
                for triple in self.engine.triples(thing, step, None):
                    found |= self.stated(triple.object, steps - 1)
            for triple in self.engine.triples(None, DCT.spatial, thing):
                found |= self.stated(triple.subject, steps - 1) if "/location/" in thing.value else set()
        return found & DOMAINS

    def described(self, thing: ox.NamedNode) -> Iterator[str]:
        """Give the domains of the sources that describe a thing; those of a source's name where it is one."""
        if thing in self.domain_of:
            yield self.domain_of[thing]
        query = f"SELECT DISTINCT ?g {{ GRAPH ?g {{ <{thing.value}> ?p ?o }} }}"
        for row in self.city.query(query):
            yield self.domain_of.get(row["g"], "")  # type: ignore[arg-type]

    def of(self, answer: Iterable[dict[str, Term]]) -> set[str]:
        """Give the domains of an answer."""
        found: set[str] = set()
        for term in {term for row in islice(answer, MANY) for term in row.values()}:
            if isinstance(term, ox.Literal):
                found |= self.named.get(term.value, set())
            elif isinstance(term, ox.NamedNode):
                found |= self.stated(term) | set(self.described(term))
        return found & DOMAINS

    def behind(self, text: str) -> set[str]:
        """Give the domains of the things that a query names, and of the graphs that its answer rests on."""
        found: set[str] = set()
        for name in re.findall(rf"<(?:{re.escape(BASE)})?(id/[a-z-]+/[^>]+)>", text):
            found |= self.stated(ox.NamedNode(self.city.names.base + name))
        graphs, registry = self.city.sources(text)["graphs"], self.city.registry
        return (found | {registry[g["source"]].domain for g in graphs if g["source"] in registry}) & DOMAINS


@pytest.fixture(scope="session")
def atlas(real_city: City) -> Atlas:
    """The domains of the city's things."""
    return Atlas(real_city)


def ask(city: City, query: ExampleQuery, **values: str) -> Answer:
    """Answer a query with its defaults, but for ``values``."""
    return city.query(f"BASE <{BASE}>\n{query.fill(values, BASE)}")


def things(atlas: Atlas, parameter: Parameter) -> Iterator[str]:
    """Give the things of the kind that a parameter asks for."""
    kinds = {"dataset": DCAT.Dataset, "system": SG.InformationSystem, "unit": ORG.Organization}
    if parameter.kind == "IRI" and parameter.name in kinds:
        for triple in atlas.engine.triples(None, RDF.type, kinds[parameter.name]):
            assert isinstance(triple.subject, ox.NamedNode)
            yield triple.subject.value


@pytest.mark.parametrize("query", CROSSING, ids=lambda query: query.name)
def test_a_question_across_domains_answers_from_two(query: ExampleQuery, real_city: City, atlas: Atlas) -> None:
    """With its defaults, or asked of each dataset, system or unit."""
    found = atlas.of(ask(real_city, query))
    for parameter in query.parameters:
        for thing in things(atlas, parameter):
            if len(found) >= 2:
                break
            found |= atlas.of(ask(real_city, query, **{parameter.name: thing}))
    if len(found) < 2:
        found |= atlas.behind(f"BASE <{BASE}>\n{query.fill({}, BASE)}")
    assert (len(found) >= 2) != (query.name in KNOWN), found
