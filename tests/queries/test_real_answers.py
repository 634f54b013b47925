"""The example queries on the real data of Jena, against answers worked out from the files themselves.

The reference functions (reference_*.py) read registers by rdflib and tables by csv, json, pandas, geopandas, pyproj and
shapely. They know nothing of the store, of the mappings or of SPARQL.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from queries import (
    reference_catalogue,
    reference_content,
    reference_governance,
    reference_links,
    reference_services,
)
from queries.reference import EXPECTED, Registers, World, local
from stadtgraph import City
from stadtgraph.city import Answer
from stadtgraph.sparql.files import ExampleQuery, load_queries
from stadtgraph.terms import Names

ROOT = Path(__file__).resolve().parent.parent.parent
QUERIES = load_queries(ROOT / "data" / "queries")
BASE = Names().base
MODULES = (reference_catalogue, reference_content, reference_governance, reference_links, reference_services)

each_query = pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
WITH_WORDS = [query for query in QUERIES if "lang" in {parameter.name for parameter in query.parameters}]
each_query_with_words = pytest.mark.parametrize("query", WITH_WORDS, ids=lambda query: query.name)


@pytest.fixture(scope="session")
def world(real_data: Path, real_city: City) -> World:
    """The files that the references read, and when the city was built."""
    return World(Registers(), real_data, real_city.releases.require_current().created.date())


def ask(city: City, query: ExampleQuery, **values: str) -> Answer:
    """Answer a query with its defaults, but for ``values``, on the public view."""
    return city.query(f"BASE <{BASE}>\n{query.fill(values, BASE)}")


def rows(answer: Answer) -> list[dict[str, str]]:
    """Give the rows as texts: names relative to the city, listed names in order, nothing for an unbound variable."""
    found = []
    for row in answer:
        shown = {key: local(getattr(term, "value", "")) for key, term in row.items()}
        shown |= {"names": "; ".join(sorted(shown["names"].split("; ")))} if "names" in shown else {}
        found.append({name: shown.get(name, "") for name in answer.variables})
    return found


def test_every_query_has_a_reference() -> None:
    """No answer on real data is taken on trust."""
    assert set(EXPECTED) == {query.name for query in QUERIES}


@each_query
def test_the_real_answer_is_that_of_the_files(query: ExampleQuery, real_city: City, world: World) -> None:
    """The columns that the reference knows hold its rows, no more and no fewer, and there are some."""
    expected = EXPECTED[query.name]
    found = [row for row in rows(ask(real_city, query)) if expected.only is None or expected.only(row)]
    assert found
    bag = Counter(tuple(row[column] for column in expected.columns) for row in found)
    assert bag == expected.bag(world)


@each_query_with_words
def test_the_real_answer_exists_in_english(query: ExampleQuery, real_city: City) -> None:
    """A reader of English gets as many rows as one of German."""
    assert len(ask(real_city, query, lang="en")) == len(ask(real_city, query))
