"""The example queries: their heads, and their answers in a city small enough to be solved by hand."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pyoxigraph as ox
import pytest

from stadtgraph.sparql.files import ExampleQuery, load_queries
from stadtgraph.sparql.guard import read
from stadtgraph.store.functions import FUNCTIONS
from stadtgraph.terms import Names, Term

HERE = Path(__file__).parent
QUERIES = load_queries(HERE.parent.parent / "data" / "queries")
BASE = Names().base
AUDIENCES = {"researchers", "portals", "coaches", "departments", "citizens"}
each_query = pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
WITH_WORDS = [query for query in QUERIES if "lang" in {parameter.name for parameter in query.parameters}]
each_query_with_words = pytest.mark.parametrize("query", WITH_WORDS, ids=lambda query: query.name)
Rows = Counter[tuple[str, ...]]


def shown(term: Term | None, column: str) -> str:
    """Give a term as expected/*.csv writes it: names relative to the city, lists of names in order."""
    if term is None:
        return ""
    assert isinstance(term, ox.NamedNode | ox.Literal)
    text = term.value.removeprefix(BASE)
    return "; ".join(sorted(text.split("; "))) if column == "names" else text


def answer(store: ox.Store, query: ExampleQuery, **values: str) -> tuple[list[str], Rows]:
    """Give the variables and the bag of rows of a query, run with its defaults but for ``values``."""
    result = store.query(query.fill(values, BASE), base_iri=BASE, custom_functions=FUNCTIONS)
    assert isinstance(result, ox.QuerySolutions)
    names = [variable.value for variable in result.variables]
    return names, Counter(tuple(shown(row[name], name) for name in names) for row in result)


def test_the_questions_are_numbered_from_1_to_63() -> None:
    """The 52 competency questions and eleven more: each number once, none left out."""
    assert [query.number for query in QUERIES] == list(range(1, 64))


@each_query
def test_an_example_passes_the_guard_and_names_its_audience(query: ExampleQuery) -> None:
    """What the product shows as an example is let through by its own endpoint."""
    read(query.fill({}, BASE), BASE)
    assert query.question("de").endswith((".", "?")) and query.question("en").endswith((".", "?"))
    assert AUDIENCES & set(query.keywords)
    assert set(query.domains) <= {"city", "utilities", "science"} and query.domains


@each_query
def test_an_example_says_first_what_it_answers(query: ExampleQuery) -> None:
    """Comments stand before the prefixes: a reader starts with what the query does."""
    lines = query.text.splitlines()
    assert lines[0].startswith("# ")
    assert all(len(line) <= 160 for line in lines)


@each_query
def test_an_example_gives_the_rows_that_were_worked_out_by_hand(query: ExampleQuery, small_city: ox.Store) -> None:
    """expected/NAME.csv holds the rows found with pencil and paper in fixture.ttl."""
    with (HERE / "expected" / f"{query.name}.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    names, found = answer(small_city, query)
    assert names == header
    assert rows
    assert found == Counter(map(tuple, rows))


@each_query_with_words
def test_an_example_answers_in_english_too(query: ExampleQuery, small_city: ox.Store) -> None:
    """The language changes the words, never how many rows there are."""
    _, german = answer(small_city, query)
    _, english = answer(small_city, query, lang="en")
    assert german.total() == english.total()


def test_every_expectation_belongs_to_a_query() -> None:
    """A query that was renamed leaves no file behind."""
    files = {path.stem for path in (HERE / "expected").glob("*.csv")}
    assert files == {query.name for query in QUERIES}


def order(store: ox.Store, name: str, variable: str) -> list[str]:
    """Give one column of an answer in the order of its rows."""
    query = next(query for query in QUERIES if query.name == name)
    result = store.query(query.fill({}, BASE), base_iri=BASE)
    assert isinstance(result, ox.QuerySolutions)
    return [shown(row[variable], variable) for row in result]


def test_where_the_order_is_the_answer_it_is_right(small_city: ox.Store) -> None:
    """Steps come in the order of the derivation, changes newest first."""
    assert order(small_city, "steps-from-raw-value-to-pf", "rule") == ["mal zehn", "Logarithmus"]
    assert order(small_city, "changes-since-a-day", "changed") == ["2999-01-01", "2022-11-08", "2020-01-01", ""]
    assert order(small_city, "who-maintains-which-trees", "trees") == ["3", "1", "1"]


def test_a_dataset_of_unknown_period_is_answered_by_the_question(small_city: ox.Store) -> None:
    """Whether the soil sensors overlap anything cannot be told, and the answer says whom to ask."""
    query = next(query for query in QUERIES if query.name == "overlapping-datasets")
    _, found = answer(small_city, query, dataset="<id/dataset/bodenfeuchte>")
    assert list(found) == [("", "", "", "", "", "Welcher Zeitraum?", "Coach")]


def test_responsibilities_are_shown_as_of_the_day_asked(small_city: ox.Store) -> None:
    """On a day in 2020 the building office still answered for the trees, and the soil sensors had nobody yet."""
    query = next(query for query in QUERIES if query.name == "raci-matrix-of-a-unit")
    names, found = answer(small_city, query, date="2020-06-01", unit="<id/unit/jena>")
    rows = [dict(zip(names, row, strict=True)) for row in found]
    assert "Bauamt" in {row["agent"] for row in rows if row["about"] == "Baumkataster"}
    assert "Bodenfeuchte" not in {row["about"] for row in rows}
