"""Judging files: the forms of a report, the exit codes, and values that would do harm."""

from __future__ import annotations

import csv
import io
import json

import pyoxigraph as ox
import pytest
from nested_shapes import PREFIXES

from stadtgraph.errors import UsageError
from stadtgraph.shacl import Shapes, judge
from stadtgraph.terms import RDF, SH

RULES = """
:S sh:targetClass :C ; sh:property :P , [ sh:path ( :p [ sh:inversePath :q ] ) ; sh:minCount 1 ] .
:P sh:path :r ; sh:maxLength 3 ; sh:severity sh:Warning ; sh:message "too long"@en , "=zu lang"@de .
"""


def triples(turtle: str) -> list[ox.Triple]:
    """Parse Turtle with the prefixes of these tests."""
    return [quad.triple for quad in ox.parse((PREFIXES + turtle).encode(), format=ox.RdfFormat.TURTLE)]


SHAPES = Shapes(triples(RULES))
BAD = triples(':a a :C ; :r "\\u001B[2Jhidden" .')
ODD = triples(':a a :C ; :p :x ; :r "long" . :y :q :x .')
GOOD = triples(":a a :C ; :p :x . :y :q :x .")


@pytest.mark.parametrize(
    ("data", "fail_on", "code"),
    [
        (BAD, "violation", 1),
        (BAD, "never", 0),
        (ODD, "violation", 0),
        (ODD, "warning", 1),
        (ODD, "info", 1),
        (GOOD, "info", 0),
    ],
)
def test_the_exit_code_follows_the_gravest_result(data: list[ox.Triple], fail_on: str, code: int) -> None:
    """1 where a result is as grave as asked for."""
    assert judge(data, SHAPES, fail_on=fail_on).exit_code == code


def test_the_text_names_shape_node_path_and_message() -> None:
    """In both languages, and no value steers the terminal."""
    text = judge(BAD, SHAPES).content.decode()
    assert "http://x/P: 1" in text and "Warning: <http://x/a> <http://x/r>" in text and "too long" in text
    assert "\x1b" not in text and "\\u001B[2J" in text
    assert "2 results: 1 Violation, 1 Warning." in text
    assert "zu lang" in judge(BAD, SHAPES, lang="de").content.decode()
    assert judge(GOOD, SHAPES).content == b"The data conform to the shapes.\n"


def test_many_results_of_a_shape_are_counted_but_not_all_shown() -> None:
    """The text stays short, the count stays true."""
    data = triples(" ".join(f':a{i} a :C ; :p :x ; :r "long" .' for i in range(50)) + " :y :q :x .")
    text = judge(data, SHAPES).content.decode()
    assert "http://x/P: 50" in text and "... and 30 more" in text and text.count("Warning:") == 20


def test_turtle_is_a_validation_report_with_whole_paths() -> None:
    """A complex path is written out as RDF, the severity and messages with their languages too."""
    content = judge(BAD, SHAPES, form="ttl").content
    graph = ox.Dataset(ox.parse(content, format=ox.RdfFormat.TURTLE))
    (report,) = (q.subject for q in graph.quads_for_object(SH.ValidationReport))
    assert len([q for q in graph.quads_for_subject(report) if q.predicate == SH.result]) == 2
    assert len(list(graph.quads_for_predicate(RDF.first))) == 2
    assert len(list(graph.quads_for_predicate(SH.inversePath))) == 1
    assert {q.object.value for q in graph.quads_for_predicate(SH.resultMessage)} >= {"too long", "=zu lang"}


def test_json_and_csv_hold_the_same_results() -> None:
    """Keys are those of the results; a cell of the table cannot be a formula."""
    outcome = judge(BAD, SHAPES, form="json")
    found = json.loads(outcome.content)
    assert found["conforms"] is False
    rows = list(csv.DictReader(io.StringIO(judge(BAD, SHAPES, form="csv", lang="de").content.decode())))
    assert [r["key"] for r in found["results"]] == [r["key"] for r in rows] == [r.key for r in outcome.report.results]
    assert "'=zu lang" in {row["message"] for row in rows}


@pytest.mark.parametrize("wrong", [{"form": "pdf"}, {"fail_on": "sometimes"}, {"using": "jena"}])
def test_a_wrong_choice_is_told_with_the_possible_ones(wrong: dict[str, str]) -> None:
    """Before anything is validated."""
    with pytest.raises(UsageError, match=r"Possible|Available"):
        judge(GOOD, SHAPES, **wrong)  # type: ignore[arg-type]
