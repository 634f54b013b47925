"""Outline, guard and the errors of malformed queries."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pyoxigraph as ox
import pytest

from stadtgraph.errors import QueryError, QueryRefused, QuerySyntaxError
from stadtgraph.sparql import guard
from stadtgraph.sparql.faults import fault
from stadtgraph.sparql.outline import Form, outline


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("select * {}", Form.SELECT),
        ("# c\nBASE <http://e/> PREFIX a: <b> ASK {}", Form.ASK),
        ('VERSION "1.2" CONSTRUCT WHERE {}', Form.CONSTRUCT),
        ("DESCRIBE <http://e/>", Form.DESCRIBE),
        ("PREFIX ex: <http://e/> INSERT DATA { ex:a ex:b ex:c }", Form.UPDATE),
        ("drop all", Form.UPDATE),
        ("WITH <g> DELETE {} WHERE {}", Form.UPDATE),
    ],
)
def test_the_form_is_read_behind_the_prologue(text: str, form: Form) -> None:
    """Comments, BASE, PREFIX and VERSION come first."""
    assert outline(text).form is form


def test_from_is_resolved_against_base_and_prefixes() -> None:
    """IRIs, escapes, prefixed names; FROM inside a string or comment is none."""
    found = outline(
        "PREFIX g: <http://g/> SELECT * FROM <a> FROM <\\u0062> FROM NAMED g:c\n#FROM <d>\n{ ?s ?p 'FROM <e>' }",
        "http://base/",
    )
    assert found.default_graphs == ("http://base/a", "http://base/b")
    assert found.named_graphs == ("http://g/c",)


def test_equal_queries_have_equal_normal_forms() -> None:
    """Space and comments do not count."""
    assert outline("ASK{ ?s  a <x> } # all").normal == outline("ASK { ?s a <x> }").normal


@pytest.mark.parametrize(
    ("text", "key", "line", "column"),
    [
        ("", "sparql-empty", 1, 1),
        ("SELEC * {}", "sparql-near-word", 1, 1),
        ("SELECT *\nWHERE { ?s hausnummer ?o }", "sparql-unknown-word", 2, 12),
        ("SELECT * {\n  ?s ?p <a b> }", "sparql-open-iri", 2, 9),
        ("SELECT * { ?s dcat:theme ?o }", "sparql-known-prefix", 1, 15),
        ("SELECT * { ?s zzz:theme ?o }", "sparql-unknown-prefix", 1, 15),
        ("SELECT * { ?s ?p 'open }", "sparql-open-string", 1, 18),
        ("SELECT * { ?s ?p § }", "sparql-bad-character", 1, 18),
        ("PREFIX <x> ASK {}", "sparql-prologue", 1, 1),
        ("{}", "sparql-no-form", 1, 1),
    ],
)
def test_what_cannot_be_read_is_told_with_line_and_column(text: str, key: str, line: int, column: int) -> None:
    """One line per mistake, in both languages."""
    with pytest.raises(QuerySyntaxError) as caught:
        outline(text)
    assert (caught.value.key, caught.value.params["line"], caught.value.params["column"]) == (key, line, column)
    assert caught.value.text("de") != caught.value.text("en")


@pytest.mark.parametrize(
    ("text", "key", "line", "column", "expected"),
    [
        ("SELECT * WHERE { ?s ?p }", "sparql-syntax-bare", 1, 24, ""),
        ("SELECT * WHERE { ?s ?p ?o ", "sparql-syntax-end", 1, 27, "}"),
        ("SELECT * WHERE { ?s a ", "sparql-syntax-end-bare", 1, 23, ""),
        ("SELECT * WHERE { ?s ?p ?o } LIMIT ?x", "sparql-syntax", 1, 35, "OFFSET"),
        ("SELECT * WHERE { ?s ?p ?o } ORDER ?s", "sparql-syntax", 1, 35, "BY"),
        ("SELECT ?x (COUNT(?s) AS ?n) { ?s ?p ?x }", "sparql-ungrouped", 1, 40, ""),
        ("SELECT ?s ?s { ?s ?p ?o }", "sparql-twice", 1, 25, ""),
        ("ASK { ?s ?p ?o FILTER(1 = 1 }", "sparql-syntax-bare", 1, 29, ""),
    ],
)
def test_oxigraphs_complaints_become_errors_with_a_place(
    text: str, key: str, line: int, column: int, expected: str
) -> None:
    """Line, column and what was expected; no grammar of Oxigraph's own."""
    with pytest.raises(SyntaxError) as caught:
        ox.Store().query(text)
    error = fault(text, caught.value)
    assert isinstance(error, QuerySyntaxError)
    assert (error.params["line"], error.params["column"]) == (line, column)
    assert error.key == key
    assert expected in str(error.params["expected"])


def test_an_unknown_function_is_named() -> None:
    """Oxigraph finds it while evaluating."""
    error = fault("", RuntimeError("The custom function <urn:f> is not supported"))
    assert isinstance(error, QueryRefused) and "urn:f" in error.text()


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("ASK { SERVICE <http://e/> {} }", "guard-service"),
        ("LOAD <http://e/>", "guard-update"),
        ("INSERT DATA { <a:a> <a:b> <a:c> }", "guard-update"),
        ("ASK { ?s ?p '" + "x" * 300_000 + "' }", "guard-bytes"),
    ],
)
def test_the_guard_refuses(text: str, key: str) -> None:
    """SERVICE, updates and long texts."""
    with pytest.raises(QueryRefused) as caught:
        guard.read(text)
    assert caught.value.key == key


GROWING: dict[str, Callable[[int], str]] = {
    "parentheses": lambda n: "ASK{FILTER(" + "(" * n + "1" + ")" * n + ")}",
    "braces": lambda n: "ASK" + "{" * n + "}" * n,
    "negations": lambda n: "ASK{FILTER(" + "!" * n + "true)}",
    "disjunctions": lambda n: "ASK{FILTER(" + "||".join(["?x"] * n) + ")}",
    "sums": lambda n: "ASK{FILTER(" + "+".join(["?x"] * n) + ")}",
    "path steps": lambda n: "ASK{?s " + "/".join(["<a:p>"] * n) + " ?o}",
    "path alternatives": lambda n: "ASK{?s " + "|".join(["<a:p>"] * n) + " ?o}",
    "unions": lambda n: "ASK{" + "UNION".join(["{?s ?p ?o}"] * n) + "}",
    "binds": lambda n: "ASK{" + "".join(f"BIND(1 AS ?x{i})" for i in range(n)) + "}",
    "optionals": lambda n: "ASK{" + "".join(f"OPTIONAL{{?s <a:p> ?o{i}}}" for i in range(n)) + "}",
    "filters": lambda n: "ASK{?s ?p ?o " + "".join(f"FILTER(?o>{i})" for i in range(n)) + "}",
    "exists": lambda n: "ASK{" + "FILTER EXISTS{" * n + "}" * n + "}",
    "triples": lambda n: "SELECT*{" + "".join(f"?s{i} <a:p> ?s{i + 1}." for i in range(n)) + "}",
    "calls": lambda n: "ASK{FILTER(" + "STR(" * n + "1" + ")" * n + ")}",
    "blank nodes": lambda n: "ASK{" + "[<a:p> " * n + "1" + "]" * n + "}",
    "lists": lambda n: "ASK{?s ?p " + "(" * n + "1" + ")" * n + "}",
    "long lists": lambda n: "ASK{?s ?p (" + "1 " * n + ")}",
    "subqueries": lambda n: "ASK" + "{SELECT*" * n + "{}" + "}" * n,
    "triple terms": lambda n: "ASK{?s ?p " + "<<(<a:a> <a:b> " * n + "1" + ")>>" * n + "}",
    "groups": lambda n: "ASK{" + "{?s ?p ?o}" * n + "}",
}


def _passes(text: str) -> bool:
    try:
        guard.read(text)
    except QueryError:
        return False
    return True


@pytest.mark.parametrize("kind", GROWING)
def test_every_growing_construct_is_bounded(kind: str) -> None:
    """Far below the size that ends the process the guard says no, with the bound and the size."""
    with pytest.raises(QueryRefused) as caught:
        guard.read(GROWING[kind](5000))
    assert caught.value.params["found"] > caught.value.params["bound"]  # type: ignore[operator]


@pytest.mark.slow
@pytest.mark.parametrize("kind", GROWING)
def test_the_largest_query_let_through_is_survived(kind: str) -> None:
    """The largest of each kind that passes is answered by a store in a process of its own."""
    size = max(n for n in range(10, 1200, 10) if _passes(GROWING[kind](n)))
    program = "import sys, pyoxigraph as ox; r = ox.Store().query(sys.stdin.read())"
    done = subprocess.run([sys.executable, "-c", program], input=GROWING[kind](size), text=True, timeout=600)
    assert done.returncode == 0


def test_ordinary_large_queries_pass() -> None:
    """10,000 values, a hundred patterns."""
    assert _passes("SELECT * { VALUES ?x { " + "-1 " * 10_000 + "} ?s ?p ?x }")
    assert _passes("SELECT * { VALUES (?x ?y) { " + "(1 <http://e/a#b>) " * 5_000 + "} ?s ?p ?x }")
    assert _passes("CONSTRUCT { ?s ?p ?o } WHERE { " + "?s ?p ?o . " * 100 + "}")


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("ASK { ?s ?p ?o }", 0),
        ("ASK { <s> ?p ?o . ?a ?b <o> }", 2),
        ('ASK { ?s ?p "a"@de ; ?q 1 , true , e:x . e:y ?p ?o OPTIONAL { <t> ?p ?o } }', 5),
        ("ASK { ?s a <C> . ?s <p>/<q> ?o FILTER(?o = <x> || ?o = 1) }", 1),
        ("SELECT (1 AS ?x) { VALUES ?x { <a> 1 } } GROUP BY <x>", 0),
        ("CONSTRUCT { <s> a <C> . <t> a <D> } { ?s ?p <o> }", 1),
    ],
)
def test_ends_are_the_terms_that_triples_begin_or_end_with(text: str, ends: int) -> None:
    """They tell whether a join may be begun at more than one of its ends."""
    assert outline(text, "http://e/", {"e": "http://e/"}).sizes["ends"] == ends
