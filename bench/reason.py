"""How long inferring takes, how it grows, and how it compares with owlrl: ``python bench/reason.py``."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from typing import TypeVar

import pyoxigraph as ox

from stadtgraph.reason import compile_rules
from stadtgraph.reason.closing import closed
from stadtgraph.terms import Term

SCHEMA = b"""
@prefix : <http://x/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
:Office rdfs:subClassOf :Unit . :Unit rdfs:subClassOf :Agent . :Agent owl:equivalentClass :Actor .
:Dataset rdfs:subClassOf :Resource . :publisher rdfs:subPropertyOf :agent ; rdfs:domain :Resource ; rdfs:range :Agent .
:partOf a owl:TransitiveProperty ; owl:inverseOf :hasPart . :distribution owl:inverseOf :isDistributionOf .
"""
TYPE = ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
T = TypeVar("T")
Subject = ox.NamedNode | ox.BlankNode | ox.Triple


def name(text: str) -> ox.NamedNode:
    """Give a name of the made-up city."""
    return ox.NamedNode("http://x/" + text)


def city(datasets: int) -> Iterator[ox.Triple]:
    """Make up ``datasets`` datasets of about six triples, one in five of which entails something, and their units."""
    units = max(10, datasets // 50)
    for i in range(units):
        unit = name(f"unit/{i}")
        yield ox.Triple(unit, TYPE, name("Office"))
        if i:
            yield ox.Triple(unit, name("partOf"), name(f"unit/{i // 4}"))
    for i in range(datasets):
        dataset = name(f"dataset/{i}")
        yield ox.Triple(dataset, name("publisher"), name(f"unit/{i % units}"))
        for key in ("title", "issued", "modified", "keyword", "licence"):
            yield ox.Triple(dataset, name(key), ox.Literal(f"{key} {i}"))


class InStore:
    """Facts in a store of Oxigraph, as the product keeps them."""

    def __init__(self, triples: Iterator[ox.Triple]) -> None:
        self.store = ox.Store()
        self.store.bulk_extend(ox.Quad(t.subject, t.predicate, t.object) for t in triples)

    def match(self, s: Subject | None, p: ox.NamedNode | None, o: Term | None, /) -> Iterator[ox.Triple]:
        """Give the triples that fit the pattern."""
        return (quad.triple for quad in self.store.quads_for_pattern(s, p, o, ox.DefaultGraph()))


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Give the seconds that ``work`` took, and its result."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def main() -> None:
    """Print the table."""
    schema = [quad.triple for quad in ox.parse(SCHEMA, format=ox.RdfFormat.TURTLE)]
    seconds, rules = timed(lambda: compile_rules(schema))
    print(f"compile the ontology: {seconds * 1000:.0f} ms")
    for datasets in (25, 100, 1_000, 10_000, 100_000):
        facts = InStore(city(datasets))
        seconds, found = timed(lambda facts=facts: list(rules.infer(facts)))  # type: ignore[misc]
        inferred = InStore(iter(found))
        record = ox.Triple(name("dataset/7"), name("title"), ox.Literal("title 7"))
        link = ox.Triple(name("dataset/7"), name("publisher"), name("unit/7"))
        idle, _ = timed(lambda f=facts, i=inferred, r=record: rules.update(f, i, [], [r]))  # type: ignore[misc]
        facts.store.remove(ox.Quad(link.subject, link.predicate, link.object))
        busy, change = timed(lambda f=facts, i=inferred, t=link: rules.update(f, i, [], [t]))  # type: ignore[misc]
        print(
            f"{datasets:>7,} datasets, {len(facts.store):>9,} triples: +{len(found):>8,} in {seconds:7.3f} s; "
            f"a change without effect {idle * 1000:.2f} ms, "
            f"of a publisher {busy * 1000:.2f} ms (-{len(change[1])})"
        )
        if datasets <= 100:
            whole = [*schema, *city(datasets)]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                slow, _ = timed(lambda whole=whole: closed(whole))  # type: ignore[misc]
            print(f"        owlrl on the same data: {slow:.2f} s, {slow / seconds:,.0f} times as long")


if __name__ == "__main__":
    main()
