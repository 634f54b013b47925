"""What an account of an answer costs beside the answer itself.

    python bench/accounting.py --city DIR [--runs 5] [--questions]

For each kind of query: processor milliseconds of the query (read by the guard, evaluated, written as JSON), of its
first account (``first``: what is then kept of the release is looked up), of the next ones (``next``), and the ratios to
the query. What any account in a new process reads first (registers, ontology) is given by itself. Medians of several
runs. With ``--questions`` the same of every example query with its defaults and at the end median,
95th percentile and worst of the ratios. Build the city before with
``stadtgraph build --city DIR --real-data FILES``.
"""

from __future__ import annotations

import argparse
import io
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pyoxigraph as ox

from stadtgraph.city import City
from stadtgraph.city.searching import expanded
from stadtgraph.release import View
from stadtgraph.sparql import guard
from stadtgraph.sparql.files import load_queries
from stadtgraph.terms import PREFIXES

QUERIES = {
    "point lookup": "SELECT ?p ?o { <id/dataset/baumkataster> ?p ?o }",
    "ask": "ASK { ?t a sg:Tree ; sg:height ?h FILTER(?h > 30) }",
    "star join": "SELECT ?t ?h ?g { ?t a sg:Tree ; sg:height ?h ; sg:taxon ?g }",
    "group by 42k": "SELECT ?g (COUNT(?t) AS ?n) { ?t a sg:Tree ; sg:taxon ?g } GROUP BY ?g ORDER BY DESC(?n)",
    "stream 100k": "SELECT ?o ?v { ?o sosa:hasSimpleResult ?v } LIMIT 100000",
    "all labels": "SELECT ?x ?l { ?x rdfs:label ?l }",
    "path": "SELECT ?u ?top { ?u org:subOrganizationOf+ ?top }",
    "path and type": "SELECT ?u ?n { ?u org:subOrganizationOf* <id/unit/jena> ; skos:prefLabel ?n }",
    "OPTIONAL": "SELECT ?t ?y ?h { ?t a sg:Tree OPTIONAL { ?t sg:plantingYear ?y } OPTIONAL { ?t sg:height ?h } }",
    "links": "SELECT ?t ?s { ?t a sg:Tree ; sg:nearestSoilSensor ?s }",
    "containment": "SELECT ?d (COUNT(?x) AS ?n) { ?x geo:sfWithin ?d } GROUP BY ?d",
    "inferred": "SELECT ?a ?n { ?a a foaf:Agent ; skos:prefLabel ?n }",
    "NOT EXISTS": "SELECT ?t { ?t a sg:Tree FILTER NOT EXISTS { ?t sg:height ?h } }",
    "search": 'SELECT ?x ?l { ?x sg:search "Baum" . ?x rdfs:label ?l }',
    "classes": "SELECT ?c (COUNT(*) AS ?n) { ?x a ?c } GROUP BY ?c",
    "everything": "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }",
}


def spent(action: Callable[[], object]) -> float:
    """Give the processor milliseconds that ``action`` takes."""
    started = time.process_time()
    action()
    return max(time.process_time() - started, 1e-6) * 1000


def main() -> None:
    """Compare each kind of query with its account."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--city", required=True, type=Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--questions", action="store_true")
    options = parser.parse_args()
    with City(options.city) as city:
        release = city.releases.require_current()
        engine = release.engine(View.PUBLIC)

        def answered(text: str) -> None:
            text = expanded(text, release, View.PUBLIC, city.names.base)
            guard.read(text, city.names.base, prefixes=PREFIXES)
            result = engine.query(text, prefixes=PREFIXES)
            if isinstance(result, ox.QueryTriples):
                result.serialize(io.BytesIO(), ox.RdfFormat.TURTLE)
            else:
                result.serialize(io.BytesIO(), ox.QueryResultsFormat.JSON)

        queries = QUERIES
        if options.questions:
            queries = {query.name: query.fill({}, city.names.base) for query in load_queries(city.folders.queries)}
        warm = spent(lambda: city.sources("SELECT ?x { ?x a prov:Entity } LIMIT 1"))
        print(f"{warm:.0f} ms the first account of a process")
        print(f"{'query':40} {'query':>9} {'first':>9} {'next':>9}  ratios")
        found = []
        for name, text in queries.items():
            answered(text)
            query = statistics.median(spent(lambda text=text: answered(text)) for _ in range(options.runs))
            first = spent(lambda text=text: city.sources(text))
            later = statistics.median(spent(lambda text=text: city.sources(text)) for _ in range(options.runs))
            found.append((first / query, later / query))
            print(
                f"{name:40} {query:9.1f} {first:9.1f} {later:9.1f}  {found[-1][0]:8.2f} {found[-1][1]:6.2f}", flush=True
            )
        for when, ratios in zip(("first", "next"), zip(*found, strict=True), strict=True):
            print(summary(when, ratios))


def summary(when: str, ratios: Sequence[float]) -> str:
    """Give median, 95th percentile and worst of some ratios, and how many are more than two."""
    ordered = sorted(ratios)
    high = ordered[int(0.95 * (len(ordered) - 1))]
    over = sum(ratio > 2 for ratio in ordered)
    middle = statistics.median(ordered)
    return f"{when}: median {middle:.2f}, 95 % {high:.2f}, worst {ordered[-1]:.2f}, {over} of {len(ordered)} above 2"


if __name__ == "__main__":
    main()
