"""Queries made to hurt: each is answered, refused or ended with its reason, and the server goes on.

The classes are those that public endpoints die of: nesting, growth in one expression, endless work without rows,
extreme numbers, products.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from attack import Answer, Target

REASONS = {"time", "memory", "depth", "size", "busy"}
CHAINS: dict[str, Callable[[int], str]] = {
    "parentheses": lambda n: "ASK{FILTER(" + "(" * n + "1" + ")" * n + ")}",
    "braces": lambda n: "ASK" + "{" * n + "}" * n,
    "negations": lambda n: "ASK{FILTER(" + "!" * n + "true)}",
    "minus signs": lambda n: "ASK{FILTER(" + "- " * n + "1 < 2)}",
    "disjunctions": lambda n: "ASK{?s <urn:n> ?x FILTER(" + "||".join(["?x"] * n) + ")}",
    "sums": lambda n: "ASK{?s <urn:n> ?x FILTER(" + "+".join(["?x"] * n) + ")}",
    "comparisons": lambda n: "ASK{FILTER(1 IN(" + "1," * n + "1))}",
    "path steps": lambda n: "ASK{<id/n/1> " + "/".join(["<urn:next>"] * n) + " ?o}",
    "path alternatives": lambda n: "ASK{<id/n/1> " + "|".join(["<urn:next>"] * n) + " ?o}",
    "path stars": lambda n: "ASK{<id/formula> " + "(" * n + "<urn:next>" + ")*" * n + " ?o}",
    "path negations": lambda n: "ASK{<id/n/1> !(" + "|".join(f"<urn:p{i}>" for i in range(n)) + ") ?o}",
    "unions": lambda n: "ASK{" + "UNION".join(["{?s <urn:n> ?o}"] * n) + "}",
    "binds": lambda n: "ASK{" + "".join(f"BIND(1 AS ?x{i})" for i in range(n)) + "}",
    "optionals": lambda n: "ASK{" + "".join(f"OPTIONAL{{<id/n/1> <urn:next> ?o{i}}}" for i in range(n)) + "}",
    "filters": lambda n: "ASK{?s <urn:n> ?o " + "".join(f"FILTER(?o>{i})" for i in range(n)) + "}",
    "exists": lambda n: "ASK{" + "FILTER EXISTS{" * n + "}" * n + "}",
    "triples": lambda n: (
        "SELECT*{<id/n/1> <urn:next> ?s0." + "".join(f"?s{i} <urn:next> ?s{i + 1}." for i in range(n)) + "}"
    ),
    "calls": lambda n: "ASK{FILTER(" + "STR(" * n + "1" + ")" * n + ")}",
    "conditions": lambda n: "ASK{FILTER(" + "IF(true," * n + "1" + ",1)" * n + ")}",
    "blank nodes": lambda n: "ASK{" + "[<urn:next> " * n + "1" + "]" * n + "}",
    "lists": lambda n: "ASK{?s ?p " + "(" * n + "1" + ")" * n + "}",
    "long lists": lambda n: "ASK{?s ?p (" + "1 " * n + ")}",
    "subqueries": lambda n: "ASK" + "{SELECT*" * n + "{}" + "}" * n,
    "triple terms": lambda n: "ASK{?s ?p " + "<<(<a:a> <a:b> " * n + "1" + ")>>" * n + "}",
    "groups": lambda n: "ASK{" + "{<id/n/1> <urn:next> ?o}" * n + "}",
    "graphs": lambda n: "ASK{" + "GRAPH ?g{" * n + "}" * n + "}",
    "minus": lambda n: "ASK{" + "MINUS{?s <urn:none> ?o}" * n + "}",
    "annotations": lambda n: "ASK{?s ?p ?o" + "{|<a:p> 1|}" * n + "}",
    "reifiers": lambda n: "ASK{?s ?p ?o" + "~<a:r>" * n + "}",
    "havings": lambda n: "SELECT (1 AS ?x) {} HAVING" + "(1)" * n,
    "orders": lambda n: "SELECT * {} ORDER BY" + "(1)" * n,
    "descriptions": lambda n: "DESCRIBE" + "<a:a>" * n,
    "templates": lambda n: "CONSTRUCT{<a:a> <a:b> " + "[<a:c> " * n + "1" + "]" * n + "}{}",
    "declarations": lambda n: "".join(f"PREFIX p{i}:<a:>" for i in range(n)) + "ASK{}",
    "datasets": lambda n: "ASK" + "".join(f" FROM<a:{i}>" for i in range(n)) + "{}",
    "names without colons": lambda n: "ASK{" + "a." * n + "}",
    "services": lambda n: "ASK{" + "SERVICE " * n + "}",
    "columns": lambda n: "ASK{VALUES(" + " ".join(f"?x{i}" for i in range(n)) + "){(" + "1 " * n + ")}}",
}


def outcome(answer: Answer) -> str:
    """Tell how a query ended, and check that it ended well: whole and readable, refused or ended with the reason."""
    if answer.status == 200:
        if not answer.whole:
            return "broken off"
        if "json" in answer.headers["content-type"]:
            json.loads(answer.body)
        return "answered"
    problem = answer.problem
    assert answer.whole and answer.headers["cache-control"] == "no-store"
    if answer.status == 503:
        assert problem["reason"] in REASONS, problem
        return str(problem["reason"])
    assert answer.status == 400, problem
    return "refused"


@pytest.mark.parametrize("kind", CHAINS)
def test_nesting_and_chains_of_any_size(target: Target, kind: str) -> None:
    """Small ones are answered, huge ones refused by the guard; around the bounds either, and never a dead server."""
    assert outcome(target.ask(CHAINS[kind](3))) in ("answered", "refused")
    for size in (85, 180, 1001):
        assert outcome(target.ask(CHAINS[kind](size))) in ("answered", "refused", "time", "depth", "memory")
    english, german = (target.ask(CHAINS[kind](60_000), lang=lang) for lang in ("en", "de"))
    if outcome(english) == "refused":
        assert outcome(german) == "refused"
        assert english.problem["type"] == german.problem["type"]
        assert english.problem["detail"] != german.problem["detail"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", CHAINS)
def test_nesting_and_chains_of_many_sizes(target: Target, kind: str) -> None:
    """Around every threshold at which a parser or an optimiser is known to give in."""
    for size in (79, 81, 99, 100, 101, 179, 181, 299, 301, 499, 501, 520, 870, 999, 1001, 2270, 2600, 4700, 6600, 9400):
        assert outcome(target.ask(CHAINS[kind](size))) != "broken off", size


def doubling(times: int, start: int = 64) -> str:
    """Give a query whose one literal doubles ``times`` times."""
    binds = "".join(f"BIND(CONCAT(?a{i},?a{i}) AS ?a{i + 1})" for i in range(times))
    return f'SELECT (STRLEN(?a{times}) AS ?x) {{BIND("{"x" * start}" AS ?a0){binds}}}'


def replacing(times: int) -> str:
    """Give a query whose one literal grows by REPLACE."""
    text = "'" + "a" * 40 + "'"
    for _ in range(times):
        text = f"REPLACE({text},'a','{'a' * 40}')"
    return f"SELECT (STRLEN({text}) AS ?x) {{}}"


PRODUCT = "?a <urn:n> ?b . ?c <urn:n> ?d . ?e <urn:n> ?f"
VALUES = "VALUES ?x {" + "1 " * 5000 + "} VALUES ?y {" + "1 " * 5000 + "} VALUES ?z {" + "1 " * 5000 + "}"
GROWING = {
    "doubling, little": (doubling(10), {"answered"}),
    "doubling": (doubling(30), {"memory", "time", "answered"}),
    "replacing": (replacing(6), {"memory", "time", "answered"}),
    "ordering a product": (f"SELECT * {{{PRODUCT}}} ORDER BY ?b ?d ?f", {"memory", "time"}),
    "distinct over a product": (f"SELECT DISTINCT * {{{PRODUCT}}}", {"memory", "time", "broken off", "size"}),
    "concatenating a product": (f"SELECT (GROUP_CONCAT(?b) AS ?x) {{{PRODUCT}}}", {"memory", "time"}),
    "grouping a product": (f"SELECT ?a ?c (COUNT(*) AS ?n) {{{PRODUCT}}} GROUP BY ?a ?c ?e", {"memory", "time"}),
    "a long literal": ("ASK { FILTER(STRLEN('" + "x" * 250_000 + "') > 1) }", {"answered"}),
}
ENDLESS = {
    "counting a product": f"SELECT (COUNT(*) AS ?n) {{{PRODUCT}}}",
    "a product of values": f"SELECT (COUNT(*) AS ?n) {{{VALUES}}}",
    "stars open at both ends": "SELECT (COUNT(*) AS ?n) { ?a <urn:next>* ?b . ?c <urn:next>* ?d }",
    "any path": "SELECT (COUNT(*) AS ?n) { ?a (!<urn:x>|^!<urn:x>)* ?b }",
    "a random order": f"SELECT * {{{PRODUCT}}} ORDER BY RAND() LIMIT 1",
    "a filter that is never true": f"ASK {{{PRODUCT} FILTER(CONCAT(?b, ?d, ?f) = 'never') }}",
    "text of a product": f"ASK {{{PRODUCT} FILTER(REGEX(CONCAT(?b, ?d, ?f), '(a+)+$')) }}",
    "exists in a product": f"SELECT (COUNT(*) AS ?n) {{{PRODUCT} FILTER NOT EXISTS {{ ?f ?e ?d }} }}",
    "lateral": "SELECT (COUNT(*) AS ?n) { ?a <urn:n> ?b LATERAL { ?c <urn:n> ?d LATERAL { ?e <urn:n> ?f } } }",
    "hashing": f"SELECT (SHA512(GROUP_CONCAT(?b)) AS ?x) {{{PRODUCT}}}",
}
STREAMS = {
    "a product": f"SELECT * {{{PRODUCT}}}",
    "a graph of a product": f"CONSTRUCT {{ ?a ?b2 ?d . ?c <urn:x> ?f }} {{{PRODUCT} BIND(<urn:y> AS ?b2) }}",
}


@pytest.mark.parametrize("name", GROWING)
def test_growth_in_one_expression_ends_the_worker_and_nothing_else(target: Target, name: str) -> None:
    """Memory runs out, or time."""
    text, expected = GROWING[name]
    assert outcome(target.ask(text)) in expected


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if i < 5 else pytest.mark.slow) for i, n in enumerate(ENDLESS)]
)
def test_work_without_end_is_ended_by_the_clock(target: Target, name: str) -> None:
    """Although not a single row comes; the reason is told in the reader's language."""
    answer = target.ask(ENDLESS[name], lang="de")
    assert outcome(answer) in ("time", "memory")
    assert "detail" in answer.problem


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_an_endless_answer_breaks_off_visibly(target: Target, name: str, coding: str) -> None:
    """No answer with status 200 is cut and looks complete."""
    headers = {"Content-Type": "application/sparql-query", "Accept-Encoding": coding, "X-Forwarded-For": "203.0.113.9"}
    answer = target.send("POST", "/sparql", headers, STREAMS[name].encode())
    assert answer.status == 503 or not answer.whole


GEOSPARQL = "http://www.opengis.net/def/function/geosparql/"
HUB = "<id/hub> <urn:many> ?o"
LONG = "?s <urn:n> ?o"
EXTREME = [
    "SELECT * { ?s ?p ?o } LIMIT 18446744073709551615",
    "SELECT * { ?s <urn:none> ?o } OFFSET 18446744073709551615 LIMIT 18446744073709551616",
    "SELECT * { ?s ?p ?o } LIMIT -1",
    "SELECT * { ?s ?p ?o } LIMIT 999999999999999999999999999999999999",
    "SELECT (9999999999999999999999999999999999 * 9999999999 AS ?x) {}",
    "SELECT (1e308 * 1e308 AS ?x) (-1e999 AS ?y) (0.0/0 AS ?z) (1/0 AS ?w) {}",
    "SELECT (YEAR('999999999999-01-01T00:00:00Z'^^<http://www.w3.org/2001/XMLSchema#dateTime>) AS ?x) {}",
    "SELECT ('P999999999999999Y'^^<http://www.w3.org/2001/XMLSchema#duration> AS ?x) {}",
    "SELECT (SUBSTR('abc', 1e18, -1e18) AS ?x) {}",
    "SELECT (REGEX('" + "a" * 5000 + "', '(a*)*b') AS ?x) {}",
    "SELECT (REGEX('a', '((a{100}){100}){100}') AS ?x) {}",
    "SELECT (REPLACE('abc', '', 'x') AS ?x) {}",
    "SELECT (STRLANG('a', '" + "a-" * 50_000 + "') AS ?x) {}",
    "SELECT (IRI('" + "x" * 100_000 + "') AS ?x) {}",
    "SELECT ('\\u0000\\uFFFF' AS ?x) {}",
    "SELECT ('\\uD800' AS ?x) {}",
    "SELECT ('\U0010ffff\u202e' AS ?x) {}",
    "ASK { ?s ?p '\ud800' }",
    "ASK {\x00}",
    "ASK {\x0b\u00a0\u2028}",
    "\ufeff\ufeffASK {}",
    "ASK {} ASK {}",
    "",
    " \n#",
    "VERSION '9.9' ASK {}",
    "ASK { ?s ?p 'x'^^<> }",
    "ASK { FILTER(<http://www.opengis.net/def/function/geosparql/sfWithin>('"
    + "GEOMETRYCOLLECTION(" * 5000
    + "', 1)) }",
]


@pytest.mark.parametrize("text", EXTREME, ids=lambda t: t[:30].encode("ascii", "backslashreplace").decode())
def test_extreme_values_are_values_or_errors(target: Target, text: str) -> None:
    """Answered or refused, in a table that can be read."""
    for accept in ("application/json", "text/csv", "application/sparql-results+xml"):
        answer = target.ask(text, accept=accept)
        assert answer.whole and answer.status in (200, 400, 406, 503), answer.body[:200]
        if answer.status != 200:
            _ = answer.problem


WIDE = {
    "a thousand long cells": "SELECT (GROUP_CONCAT(?o) AS ?x) ?i { <id/hub> <urn:many> ?o VALUES ?i {"
    + "1 " * 900
    + "} } GROUP BY ?i ?o",
    "long cells": 'SELECT ?s ?x { ?s <urn:n> ?o BIND("' + "w" * 100_000 + '" AS ?x) } LIMIT 1000',
    "a wide graph": "CONSTRUCT { ?s <urn:w> ?x } { ?s <urn:n> ?o BIND(CONCAT(?o, '"
    + "w" * 90_000
    + "') AS ?x) } LIMIT 1000",
}


@pytest.mark.parametrize("name", WIDE)
def test_a_page_of_long_values_stays_a_page(target: Target, name: str) -> None:
    """People get some of it; the server does not hold hundreds of megabytes for one page."""
    answer = target.ask(WIDE[name], accept="text/html")
    assert answer.whole and answer.status in (200, 503)
    assert len(answer.body) < 30 << 20
    assert target.size() < 1 << 30


OPERANDS = st.sampled_from(
    ("?a", "?b", "1", "1e300", "'x'", "RAND()", "NOW()", "STR(?a)", "<id/n/1>", "CONCAT(?b,?b)", "UUID()", "STRLEN(?b)")
)
EXPRESSIONS = st.recursive(
    OPERANDS,
    lambda e: (
        st.tuples(e, st.sampled_from("=<>+-*/"), e).map(" ".join)
        | st.tuples(e, e).map(lambda p: f"IF({p[0]},{p[1]},1)")
    ),
    max_leaves=8,
)
TRIPLES = st.tuples(
    st.sampled_from(("?a", "?b", "?c", "<id/n/1>", "[]")),
    st.sampled_from(("?p", "<urn:n>", "<urn:next>+", "(<urn:next>|^<urn:next>)*", "!<urn:n>", "<urn:next>/<urn:next>")),
    st.sampled_from(("?a", "?b", "?d", "'x'", "(1 2)")),
).map(lambda t: " ".join(t) + " . ")
BODIES = st.recursive(
    TRIPLES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=4).map("".join),
        st.tuples(inner, EXPRESSIONS).map(lambda t: f"{t[0]} FILTER({t[1]}) "),
        st.tuples(st.sampled_from(("OPTIONAL", "MINUS", "LATERAL", "GRAPH ?g", "")), inner).map(
            lambda t: f"{t[0]} {{ {t[1]} }} "
        ),
        st.tuples(inner, inner).map(lambda t: f"{{ {t[0]} }} UNION {{ {t[1]} }} "),
        inner.map(lambda one: f"{{ SELECT DISTINCT * {{ {one} }} ORDER BY ?a }} "),
    ),
    max_leaves=6,
)
QUERIES = st.tuples(
    st.sampled_from(("SELECT *", "ASK", "CONSTRUCT { ?a <urn:x> ?b }", "SELECT (COUNT(*) AS ?n)", "DESCRIBE ?a")),
    BODIES,
    st.sampled_from(("", " LIMIT 10", " LIMIT 3 OFFSET 5")),
).map(lambda t: f"{t[0]} {{ {t[1]} }}{t[2]}")


@given(QUERIES, st.sampled_from(("*/*", "text/csv", "text/html", "application/rdf+xml", "application/xml")))
@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_whatever_the_grammar_makes_is_answered_or_ended(running: Target, text: str, accept: str) -> None:
    """From a small grammar of costly things."""
    answer = running.ask(text, accept=accept)
    assert answer.status in (200, 400, 406, 503)
    running.check()


@pytest.mark.slow
@given(QUERIES, st.sampled_from(("*/*", "text/csv", "text/html", "application/rdf+xml", "application/xml")))
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_more_that_the_grammar_makes_is_answered_or_ended(running: Target, text: str, accept: str) -> None:
    """The same, longer and at random."""
    answer = running.ask(text, accept=accept)
    assert answer.status in (200, 400, 406, 503)
    running.check()
