"""Texts made to be expensive: reading any text costs time and memory that grow with its length alone."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import pyoxigraph as ox
import pytest

from stadtgraph.errors import QueryError, QueryRefused, QuerySyntaxError
from stadtgraph.sparql import guard
from stadtgraph.sparql.faults import fault
from stadtgraph.sparql.outline import LONGEST_IRI, MOST_DECLARED, outline

BASE = "https://stadtgraph.example/jena/"
FULL = 250_000
UNITS = {
    "names without a colon": "a.",
    "names without a colon, not of ASCII": "é.",
    "names joined by dots": "a..",
    "keywords": "SERVICE ",
    "loads": "LOAD ",
    "open long strings": "\\'''\n",
    "open long strings of the other kind": '\\"""\n',
    "quotes": "'",
    "triple quotes": '"""',
    "less than": "<",
    "triple terms": "<<",
    "open IRIs": "<a",
    "escapes in IRIs": "<\\u00e4",
    "question marks": "?",
    "variables": "?a",
    "languages": "@a-",
    "numbers": "1e",
    "digits": "1",
    "dots": ".",
    "blank nodes": "_:a.",
    "comments": "#\n",
    "line ends": "\r",
    "brackets": "(",
    "braces": "{",
    "square brackets": "[",
    "annotations": "{|",
    "colons": ":",
    "names grown together": "servicex:a ",
    "percent signs": ":%",
    "escaped names": ":\\",
    "no characters of SPARQL": "§",
    "words": "hausnummer ",
    "graphs": "FROM <g> ",
    "declarations": "PREFIX a:<> ",
    "bases": "BASE <a/> ",
    "conditions": "(1)",
}
READING = """
import json, resource, sys
from stadtgraph.errors import QueryError
from stadtgraph.sparql import guard
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
heads = ["", "ASK {", "ASK { FILTER(1 ", "SELECT * ", "PREFIX servicex: <x:> PREFIX x: <y:> ASK {", "VALUES ?x {"]
for head in heads:
    try:
        guard.read(head + sys.argv[1] * ((250_000 - len(head)) // len(sys.argv[1])), "https://e.example/")
    except QueryError as error:
        assert error.text("de") and error.text("en")
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))  # getrusage knows the parent's
print(json.dumps({"memory": int(peak.split()[1]) >> 10}))
"""


@pytest.mark.parametrize(
    "unit", [pytest.param(u, marks=() if i < 6 else pytest.mark.slow) for i, u in enumerate(UNITS)]
)
def test_reading_the_longest_text_costs_seconds_and_never_minutes(unit: str) -> None:
    """Six contexts of each, in a process that the kernel ends after a minute of work; memory stays small."""
    done = subprocess.run([sys.executable, "-c", READING, UNITS[unit]], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-500:]
    assert json.loads(done.stdout)["memory"] < 600


def test_reading_counts_each_line_once_in_an_error() -> None:
    """A fault at the end of a long text is placed without reading the text again for each of its tokens."""
    text = "SELECT * {\n" + "?s ?p ?o .\n" * 20_000 + "?s ?p }"
    _, before = resource.getrlimit(resource.RLIMIT_CPU)
    with pytest.raises(SyntaxError) as caught:
        ox.Store().query(text)
    error = fault(text, caught.value)
    assert error.params["line"] == 20_002 and before == resource.getrlimit(resource.RLIMIT_CPU)[1]


GROWN = [
    "PREFIX ex: <http://127.0.0.1:9/> PREFIX SERVICESILENTex: <http://a/> ASK{?s ?p ?o. SERVICESILENTex:x{?a ?b ?c}}",
    "PREFIX ex: <http://127.0.0.1:9/> PREFIX serviceSILENTex: <http://a/> ASK{serviceSILENTex:x{?a ?b ?c}}",
    "PREFIX : <http://127.0.0.1:9/> PREFIX SERVICESILENT: <http://a/> ASK{SERVICESILENT:x{?a ?b ?c}}",
    "PREFIX ex: <http://e/> PREFIX FROMex: <http://a/> SELECT * FROMex:g {?s ?p ?o}",
    "PREFIX ex: <http://e/> PREFIX FROMNAMEDex: <http://a/> SELECT * FROMNAMEDex:g {?s ?p ?o}",
    "PREFIX ex: <http://e/> PREFIX NAMEDex: <http://a/> SELECT * FROM NAMEDex:g {?s ?p ?o}",
    "PREFIX : <http://e/> PREFIX from: <http://a/> SELECT * from:g {?s ?p ?o}",
    "PREFIX ex: <http://e/> PREFIX LOADex: <http://a/> INSERT DATA {} ; LOADex:g",
    "INSERT DATA {} ; PREFIX ex: <http://e/> PREFIX LOADSILENTex: <http://a/> LOADSILENTex:g",
    "PREFIX ex: <http://e/> PREFIX GRAPHex: <http://a/> DROP GRAPHex:g",
    "PREFIX ex: <http://e/> PREFIX GRAPHex: <http://a/> INSERT DATA { GRAPHex:g { <a:a> <a:a> <a:a> } }",
    "PREFIX ex: <http://e/> PREFIX USINGex: <http://a/> DELETE {?s ?p ?o} USINGex:g WHERE {?s ?p ?o}",
    "PREFIX ex: <http://e/> PREFIX WITHex: <http://a/> INSERT DATA {} ; WITHex:g DELETE {?s ?p ?o} WHERE {?s ?p ?o}",
    "PREFIX ex: <http://e/> PREFIX TOex: <http://a/> COPY DEFAULT TOex:g",
]


@pytest.mark.parametrize("text", GROWN)
def test_a_keyword_grown_together_with_a_name_is_refused(text: str) -> None:
    """Oxigraph reads keyword and name, the tokens are one name; what is read here must be what is run there."""
    with pytest.raises(QuerySyntaxError) as caught:
        outline(text, BASE)
    assert caught.value.key == "sparql-grown-together"
    assert caught.value.text("de") != caught.value.text("en")


@pytest.mark.parametrize(
    "text",
    [
        "PREFIX : <http://e/> PREFIX from: <http://a/> SELECT * FROM from:g FROM NAMED :h { ?s from:p :o }",
        "PREFIX : <http://e/> PREFIX graph: <http://a/> SELECT * { graph:x graph:p :o }",
        "PREFIX : <http://e/> PREFIX service: <http://a/> DESCRIBE service:x WHERE { service:x a service:Service }",
        "PREFIX ex: <http://e/> PREFIX exservice: <http://a/> ASK { ex:x ex:p exservice:y }",
    ],
)
def test_prefixes_that_are_words_are_no_offence(text: str) -> None:
    """``graph:``, ``service:`` and ``from:`` are names that people choose."""
    ox.Store().query(text, default_graph=[], named_graphs=[])
    guard.read(text, BASE)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (f"BASE <http://e/{'a' * LONGEST_IRI}/> ASK {{}}", "guard-iri"),
        (f"PREFIX a: <http://e/{'a' * LONGEST_IRI}/> ASK {{}}", "guard-iri"),
        (f"SELECT * FROM <http://e/{'a' * LONGEST_IRI}> {{}}", "guard-iri"),
        ("BASE <http://e/> " + f"BASE <{'a' * 100}/> " * 30 + "ASK {}", "guard-iri"),
        ("PREFIX a: <x:> " * (MOST_DECLARED + 1) + "ASK {}", "guard-declared"),
        ("SELECT * " + "FROM <x:> " * (MOST_DECLARED + 1) + "{}", "guard-declared"),
        ("SELECT * {} ORDER BY " + "(1)" * 1001, "guard-conditions"),
        ("SELECT (1 AS ?x) {} HAVING " + "(1)" * 1001, "guard-conditions"),
        ("SELECT (1 AS ?x) {} HAVING " + " STR(1)" * 1001, "guard-conditions"),
        ("SELECT * { { SELECT * {} GROUP BY " + "(1)" * 1001 + "} }", "guard-conditions"),
        ("DESCRIBE " + "<x:>" * 1001, "guard-described"),
        ("ASK { ?s ?p ?o " + "~?r " * 181 + "}", "guard-patterns"),
        ("ASK { ?s ?p ?o " + "{|<x:> 1|}" * 91 + "}", "guard-patterns"),
        ("ASK { " + "<<?a ?b ?c>> ?p ?o . " * 91 + "}", "guard-patterns"),
        ("ASK { ?s ?p " + "[<x:> 1]," * 91 + "1 }", "guard-patterns"),
    ],
)
def test_what_makes_oxigraph_slow_or_keeps_much_is_bounded(text: str, key: str) -> None:
    """Just above each bound; the message says how much is allowed, in both languages."""
    with pytest.raises(QueryRefused) as caught:
        guard.read(text, BASE)
    assert caught.value.key == key
    assert all(str(caught.value.params["bound"]) in caught.value.text(lang) for lang in ("de", "en"))


@pytest.mark.parametrize(
    "text",
    [
        "PREFIX a: <x:> " * MOST_DECLARED + "ASK {}",
        "SELECT * {} ORDER BY " + "(1)" * 1000,
        "DESCRIBE " + "<x:>" * 1000,
        "ASK { ?s ?p ?o " + "~?r " * 179 + "}",
        "CONSTRUCT { <x:a> <x:b> " + "[<x:> 1]," * 2000 + "1 } {}",
        "SELECT * { VALUES ?x { " + "<x:a> " * 30_000 + "} }",
    ],
)
def test_just_below_each_bound_is_answered(text: str) -> None:
    """Oxigraph reads it without harm."""
    guard.read(text, BASE)
    ox.Store().query(text, default_graph=[], named_graphs=[])


def test_a_graph_of_from_that_is_no_iri_is_an_error_and_not_everything() -> None:
    """Ignoring the clause would answer over all graphs."""
    for clause in ("FROM <http://e/%zz>", "FROM NAMED <http://[e/>", "FROM", "FROM NAMED", "FROM ?g"):
        with pytest.raises(QueryError):
            guard.read(f"SELECT * {clause} {{ ?s ?p ?o }}", BASE)


IRIS = [
    *("a", "", "#", "?x", "../..", "./a/../b", "//other/x", "/root", "http://e/", "urn:x", "\\u0061", "\\U00000062"),
    *("http://e/%41", "http://E/ä", "x:", "http://e:80/", "a:b", "http://e/a/../../b", "graph/source/trees"),
]


@pytest.mark.parametrize("iri", IRIS)
@pytest.mark.parametrize("head", ["", "BASE <http://b/c/d> ", "BASE <http://b/c/> BASE <e/f> "])
def test_from_is_resolved_as_oxigraph_resolves_it(iri: str, head: str, tmp_path: Path) -> None:
    """A triple in the graph that the outline names is found by the query as Oxigraph reads it."""
    text = f"{head}SELECT * FROM <{iri}> {{ ?s ?p ?o }}"
    (graph,) = outline(text, BASE).default_graphs
    store, node = ox.Store(), ox.NamedNode(graph)
    store.add(ox.Quad(node, node, node, node))
    assert len(list(store.query(text, base_iri=BASE))) == 1  # type: ignore[arg-type]
