"""Example queries: reading, filling, publishing."""

from __future__ import annotations

from pathlib import Path

import pyoxigraph as ox
import pytest

from stadtgraph.errors import InputError, UsageError
from stadtgraph.sparql import guard
from stadtgraph.sparql.files import load_queries, read_example
from stadtgraph.terms import RDF, SH, Names

BASE = "https://stadtgraph.example/jena/"
HEAD = "#: question.de: Frage?\n#: question.en: Question?\n"
TEXT = f"""#: name: trees-by-unit
{HEAD}#: keywords: trees, units
#: domains: city, utilities
#: number: 37
#: param: unit IRI <id/unit/ksj> | Einheit | unit
#: param: name string "Linde" | Name | name
#: param: since date 2024-10-01 | seit | since
# a plain comment with $unit
SELECT ?t WHERE {{ ?t <id/p> $unit ; <id/n> $name ; <id/d> $since . FILTER(?t != "$unit") }}
"""


def test_a_file_is_read_whole() -> None:
    """Head and text."""
    query = read_example(TEXT, "trees.rq")
    assert (query.name, query.number, query.keywords) == ("trees-by-unit", 37, ("trees", "units"))
    assert [p.name for p in query.parameters] == ["unit", "name", "since"]
    assert query.parameters[0].label("de") == "Einheit"


def test_parameters_are_filled_with_terms_only() -> None:
    """Defaults and given values; strings and comments in the text stay as they are."""
    query = read_example(TEXT, "trees.rq")
    text = query.fill({"name": 'A" } DROP ALL #', "unit": "id/unit/x"}, BASE)
    assert f"<{BASE}id/unit/x>" in text
    assert r'"A\" } DROP ALL #"' in text
    assert '"2024-10-01"^^<http://www.w3.org/2001/XMLSchema#date>' in text
    assert 'FILTER(?t != "$unit")' in text and "comment with $unit" in text


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"unit": "a b"}, "example-wrong-iri"),
        ({"unit": "x> } #"}, "example-wrong-iri"),
        ({"unit": ""}, "example-wrong-iri"),
        ({"since": "yesterday"}, "example-wrong-date"),
        ({"sinse": "2024-01-01"}, "example-no-parameter"),
    ],
)
def test_a_wrong_value_says_what_was_expected(values: dict[str, str], key: str) -> None:
    """By kind of parameter."""
    with pytest.raises(UsageError) as caught:
        read_example(TEXT, "trees.rq").fill(values, BASE)
    assert caught.value.key == key


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("#: question.de: F\nASK {}", "example-missing"),
        (HEAD + "#: titel: x\nASK {}", "example-head"),
        (HEAD + "#: param: x IRI\nASK {}", "example-param"),
        (HEAD + "ASK { ?s ?p $x }", "example-parameters"),
        (HEAD + "#: param: x string a | b | c\nASK {}", "example-parameters"),
        (HEAD + "#: number: many\nASK {}", "example-number"),
        (HEAD + "#: name: A b\nASK {}", "example-name"),
    ],
)
def test_a_malformed_file_names_file_and_reason(text: str, key: str) -> None:
    """Each mistake in the head."""
    with pytest.raises(InputError) as caught:
        read_example(text, "bad.rq")
    assert caught.value.key == key and "bad.rq" in caught.value.text("de")


def test_a_folder_is_read_in_the_order_of_numbers(tmp_path: Path) -> None:
    """Numbered ones first; a name may occur once."""
    (tmp_path / "a.rq").write_text(HEAD + "ASK {}", "utf-8")
    (tmp_path / "z.rq").write_text(HEAD + "#: number: 1\nASK {}", "utf-8")
    assert [q.name for q in load_queries(tmp_path)] == ["z", "a"]
    (tmp_path / "b.rq").write_text(HEAD + "#: name: a\nASK {}", "utf-8")
    with pytest.raises(InputError, match="already"):
        load_queries(tmp_path)


def test_examples_are_published_as_executables() -> None:
    """In the form of SIB's sparql-examples, runnable as they stand."""
    triples = list(read_example(TEXT, "trees.rq").as_triples(Names(BASE)))
    assert ox.Triple(ox.NamedNode(BASE + "queries/trees-by-unit"), RDF.type, SH.SPARQLSelectExecutable) in triples
    text = next(t.object.value for t in triples if t.predicate == SH.select)
    ox.Store().query(text)


def test_every_query_that_the_project_ships_passes_the_guard() -> None:
    """The bounds leave room for real questions: none comes near half of one."""
    folder = Path(__file__).resolve().parents[2] / "data" / "queries"
    for query in load_queries(folder):
        sizes = guard.read(query.fill({}, BASE), BASE).sizes
        assert all(sizes[measure] < bound / 2 for measure, bound in guard.BOUNDS.items()), query.name
