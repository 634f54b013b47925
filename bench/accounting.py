"""What an account of an answer costs beside the answer itself.

    python bench/accounting.py --city DIR [--runs 5]

For each kind of query: processor milliseconds of the query (read by the guard, evaluated, written as JSON), of its
first account (``first``: what is then kept of the release is looked up), of the next ones (``next``), and the ratios to
the query. What any account in a new process reads first (registers, ontology) is given by itself. Medians of several
runs. Build the city before with
``stadtgraph build --city DIR --real-data FILES``.
"""

from __future__ import annotations

import argparse
import io
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import pyoxigraph as ox

from stadtgraph.city import City
from stadtgraph.city.searching import expanded
from stadtgraph.release import View
from stadtgraph.sparql import guard
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
    return (time.process_time() - started) * 1000


def main() -> None:
    """Compare each kind of query with its account."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--city", required=True, type=Path)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    with City(options.city) as city:
        release = city.releases.require_current()
        engine = release.engine(View.PUBLIC)

        def answered(text: str) -> None:
            text = expanded(text, release, View.PUBLIC, city.names.base)
            guard.read(text, city.names.base, prefixes=PREFIXES)
            result = engine.query(text, prefixes=PREFIXES)
            assert not isinstance(result, ox.QueryTriples)
            result.serialize(io.BytesIO(), ox.QueryResultsFormat.JSON)

        warm = spent(lambda: city.sources("SELECT ?x { ?x a prov:Entity } LIMIT 1"))
        print(f"{warm:.0f} ms the first account of a process")
        print(f"{'query':15} {'query':>9} {'first':>9} {'next':>9}  ratios")
        for name, text in QUERIES.items():
            answered(text)
            query = statistics.median(spent(lambda text=text: answered(text)) for _ in range(options.runs))
            first = spent(lambda text=text: city.sources(text))
            later = statistics.median(spent(lambda text=text: city.sources(text)) for _ in range(options.runs))
            print(f"{name:15} {query:9.1f} {first:9.1f} {later:9.1f}  {first / query:8.2f} {later / query:6.2f}")


if __name__ == "__main__":
    main()
