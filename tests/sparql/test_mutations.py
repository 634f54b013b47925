"""Real queries, broken at random: what Oxigraph reads, the guard reads the same way; rdflib is asked as well.

Sources: the W3C's queries, the project's own, and texts made by a small grammar.
"""

from __future__ import annotations

import random
import re
from functools import cache
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdflib.plugins.sparql import prepareQuery

from stadtgraph.errors import QueryRefused, QuerySyntaxError
from stadtgraph.sparql import guard, words
from stadtgraph.sparql.files import load_queries
from stadtgraph.sparql.outline import Form, Outline, outline
from stadtgraph.sparql.tokens import Kind, Token, offset, tokenize

BASE = "https://stadtgraph.example/jena/"
OWN = Path(__file__).resolve().parents[2] / "data" / "queries"
GAPS = ("", " ", "\n", "#>\n", "#'''\n", '#"""\n', "\t", "\r", "# } SERVICE <x:> {\n")
PIECES = (
    *(
        "<x#y>",
        "<",
        "<=",
        ">>",
        "<<",
        "<<(",
        ")>>",
        "?v",
        "'a#b'",
        '"c"',
        "'''d'e'''",
        "_:b",
        "ex:SERVICE",
        "1.5e3",
        "@en",
    ),
    *("a", "^", "/", "|", "!", "||", "&&", "{", "}", "(", ")", "[", "]", ",", ";", ".", "{|", "|}", "~", "^^", "UNDEF"),
    *("FILTER", "OPTIONAL", "GRAPH", "FROM <g:a>", "FROM NAMED <g:b>", "SERVICE <s:x>", "SERVICE SILENT", "LATERAL"),
    *(
        "NOW()",
        "RAND()",
        "UUID()",
        "NOT EXISTS",
        "VALUES ?z",
        "BIND(1 AS ?q)",
        "SELECT *",
        "ORDER BY",
        "LIMIT 1",
        "true",
    ),
)


@cache
def own() -> tuple[str, ...]:
    """The project's queries with their defaults."""
    return tuple(query.fill({}, BASE) for query in load_queries(OWN))


@cache
def seeds(shared: Path | None) -> tuple[str, ...]:
    """All queries there are."""
    found = list(own())
    if shared is not None:
        found += [path.read_text("utf-8") for path in sorted((shared / "reference" / "w3c").rglob("*.rq"))]
    return tuple(found)


def mutated(texts: tuple[str, ...], seed: int) -> str:
    """Give a query with one to five changes of its tokens."""
    chance = random.Random(seed)
    tokens = [token.text for token in tokenize(chance.choice(texts))]
    for _ in range(chance.randint(1, 5)):
        at, other = chance.randrange(len(tokens)), chance.randrange(len(tokens))
        match chance.randrange(8):
            case 0:
                del tokens[at]
            case 1:
                tokens.insert(at, tokens[other])
            case 2:
                tokens[at], tokens[other] = tokens[other], tokens[at]
            case 3:
                tokens[at] = chance.choice(PIECES)
            case 4:
                tokens.insert(at, chance.choice(PIECES))
            case 5:
                tokens = [chance.choice(GAPS) if t.isspace() and chance.random() < 0.3 else t for t in tokens]
            case 6:
                tokens[at] = tokens[at].swapcase()
            case _:
                tokens[at] = tokens[at][: chance.randrange(len(tokens[at]) + 1)]
        if not tokens:
            return ""
    return "".join(tokens)


def result(text: str) -> object:
    """Let Oxigraph read ``text`` over nothing; ``None`` where it does not."""
    try:
        return ox.Store().query(text, base_iri=BASE, default_graph=[], named_graphs=[])
    except (SyntaxError, ValueError):
        return None
    except (OSError, RuntimeError):
        return ox.QueryBoolean


GIVES: dict[Form, type] = {
    Form.SELECT: ox.QuerySolutions,
    Form.ASK: ox.QueryBoolean,
    Form.CONSTRUCT: ox.QueryTriples,
    Form.DESCRIBE: ox.QueryTriples,
}


def check(text: str) -> str:
    """Hold the guard to what Oxigraph reads; tell what happened."""
    read = result(text)
    try:
        found = guard.read(text, BASE)
    except QueryRefused as refused:
        assert refused.text("de") and refused.text("en")
        if refused.key == "guard-service" and read is not None:
            assert "service" in text.lower()
        return "refused"
    except QuerySyntaxError as error:
        assert read is None or error.key == "sparql-grown-together" or _is_grown(text, error), str(error)
        return "unread"
    if read is None:
        return "unread later"
    assert read is ox.QueryBoolean or isinstance(read, GIVES[found.form])
    if "service" in text.lower():  # it stands in a string, a comment or a name, so any other word does as well
        assert result(_misspelt(text)) is not None
    return "read"


KEYWORD_FIRST = re.compile(rf"^({'|'.join(sorted(words.KNOWN, key=len, reverse=True))})(?=[a-z]*:)", re.IGNORECASE)


def _is_grown(text: str, error: QuerySyntaxError) -> bool:
    """Tell whether a token begins with a keyword: Oxigraph takes that apart, the grammar of SPARQL does not.

    Source: https://www.w3.org/TR/sparql11-query/#sparqlGrammar (the longest match wins)
    """
    line, column = error.params["line"], error.params["column"]
    assert isinstance(line, int) and isinstance(column, int)
    at = offset(text, line, column)
    letters = re.match(r"\w+", text[at:])
    if letters is not None and any(letters[0].upper().startswith(word) for word in words.KNOWN):
        return True
    apart = "".join(KEYWORD_FIRST.sub(r"\1 ", token.text) for token in tokenize(text))
    try:
        guard.read(apart, BASE)  # where a keyword is not seen as one, the fault may come later: "FILTERex:(?x < 1)"
    except QueryRefused:
        return apart != text
    except QuerySyntaxError:
        return False
    return apart != text


def _misspelt(text: str) -> str:
    return text.replace("SERVICE", "SERVICF").replace("service", "servicf").replace("Service", "Servicf")


@pytest.mark.parametrize("start", range(0, 1600, 400))
def test_broken_queries_are_read_as_oxigraph_reads_them(start: int, request: pytest.FixtureRequest) -> None:
    """Nothing valid is called malformed, no SERVICE passes, and the form of the answer is the one foretold."""
    counts = _counted(seeds(_shared(request)), range(start, start + 400))
    assert counts["read"] > 20 and counts["unread"] > 20


@pytest.mark.slow
@pytest.mark.parametrize("start", range(10_000, 50_000, 5_000))
def test_many_broken_queries_are_read_as_oxigraph_reads_them(start: int, shared: Path) -> None:
    """The same, on and on."""
    assert _counted(seeds(shared), range(start, start + 5_000))["read"] > 200


def _shared(request: pytest.FixtureRequest) -> Path | None:
    try:
        found: Path = request.getfixturevalue("shared")
    except pytest.skip.Exception:
        return None
    return found


def _counted(texts: tuple[str, ...], numbers: range) -> dict[str, int]:
    counts = dict.fromkeys(("read", "unread", "unread later", "refused"), 0)
    for number in numbers:
        counts[check(mutated(texts, number))] += 1
    return counts


def as_rdflib(text: str) -> tuple[Form, set[str], set[str]] | None:
    """Give form and dataset as rdflib reads them, ``None`` where it cannot."""
    try:
        algebra: Any = prepareQuery(text, base=BASE).algebra
    except Exception:  # its parser raises whatever comes
        return None
    clauses = algebra.get("datasetClause") or ()
    default = {str(clause.default) for clause in clauses if clause.default}
    named = {str(clause.named) for clause in clauses if clause.named}
    return Form(algebra.name.removesuffix("Query").upper()), default, named


def as_outline(found: Outline) -> tuple[Form, set[str], set[str]]:
    """Give form and dataset of an outline."""
    return found.form, set(found.default_graphs), set(found.named_graphs)


DATASETS = [
    "PREFIX ex: <http://e/> SELECT * FROM ex:a FROM NAMED ex:b { ?s ?p 'FROM <x:>' }",
    "BASE <http://b/> ASK FROM <a> FROM <../c> FROM NAMED <d#e> {}",
    "PREFIX : <x:> CONSTRUCT { ?s ?p ?o } FROM :a FROM NAMED <y:> { GRAPH ?g { ?s ?p ?o } }",
    "DESCRIBE <x:> FROM <y:>",
    "SELECT (COUNT(*) AS ?from) FROM <x:a> { ?from ?named ?o } GROUP BY ?from ORDER BY ?from",
    "PREFIX from: <http://f/> SELECT * FROM from:named { ?s from:from ?o # FROM <z:>\n }",
]


@pytest.mark.parametrize("text", DATASETS)
def test_rdflib_reads_the_same_dataset(text: str) -> None:
    """Form, FROM and FROM NAMED."""
    read = as_rdflib(text)
    assert read is not None and read == as_outline(outline(text, BASE))


def test_rdflib_reads_the_same_of_the_projects_queries() -> None:
    """All that rdflib's parser takes (it lacks SPARQL 1.2)."""
    compared = 0
    for text in own()[::3]:
        read = as_rdflib(text)
        if read is not None:
            compared += 1
            assert read == as_outline(outline(text, BASE))
    assert compared > len(own()) // 6


@pytest.mark.slow
def test_rdflib_reads_the_same_of_all_and_of_broken_queries(shared: Path) -> None:
    """Where both parsers take a text, form and dataset agree."""
    texts, compared = seeds(shared), 0
    for text in (*texts, *(mutated(texts, number) for number in range(60_000, 62_000))):
        read = as_rdflib(text) if result(text) is not None else None
        if read is not None and check(text) == "read":
            compared += 1
            assert read == as_outline(outline(text, BASE)), text
    assert compared > 200


VOLATILE = ("NOW()", "rand ( )", "Uuid#c\n()", "STRUUID()")
STEADY = ("'NOW()'", "<x:RAND>", "?now", "ABS(1)", "STR(?uuid)")


@given(
    st.lists(st.sampled_from((*STEADY, *STEADY, *VOLATILE)), min_size=1, max_size=4),
    st.sampled_from(
        (
            "SELECT (CONCAT({0}) AS ?x) {{}}",
            "ASK {{ FILTER({0}) }}",
            "CONSTRUCT {{ ?s ?p ?o }} {{ BIND(COALESCE({0}) AS ?o) }}",
        )
    ),
)
@settings(max_examples=150)
def test_functions_that_change_each_time_are_noticed_and_no_others(parts: list[str], form: str) -> None:
    """As the grammar reads them, not as letters in strings, names and variables."""
    text = form.format(" = ".join(parts) if "ASK" in form else ",".join(parts))
    if result(text) is not None:
        assert outline(text, BASE).volatile == any(part in VOLATILE for part in parts)


TERMS = st.sampled_from(
    ("?a", "<x:a>", "ex:b", "'c'", '"d#"@en', "1.5", "_:e", "[]", "(1 2)", "true", "<<(<x:a> <x:b> 1)>>")
)
PATHS = st.sampled_from(("?p", "a", "ex:p", "ex:p/ex:q", "(ex:p|^ex:q)*", "!(ex:p|^a)", "ex:p+"))
EXPRESSIONS = st.recursive(
    st.sampled_from(("?a", "?b", "1", "'x'", "true", "ex:c", "<x:d>", "BOUND(?a)", "EXISTS { ?a ?b <x#c> }", "NOW()")),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from((" < ", "<", " = ", "||", "&&", "+", "-", " * ", ">", "<=")), inner).map(
            "".join
        ),
        st.tuples(inner, inner).map(lambda pair: f"IF({pair[0]},{pair[1]},1)"),
        inner.map(lambda one: f"({one})"),
        inner.map(lambda one: f"!{one}"),
        st.lists(inner, max_size=3).map(lambda some: f"?a IN ({','.join(some)})"),
    ),
    max_leaves=6,
)


def _groups(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(TERMS, PATHS, TERMS).map(lambda t: " ".join(t) + " . "),
        EXPRESSIONS.map(lambda e: f"FILTER({e}) "),
        st.tuples(EXPRESSIONS, st.integers(0, 10**9)).map(lambda t: f"BIND({t[0]} AS ?n{t[1]}) "),
        st.tuples(st.sampled_from(("", "OPTIONAL ", "MINUS", "GRAPH ?g", "LATERAL", "FILTER NOT EXISTS ")), inner).map(
            lambda t: f"{t[0]}{{{t[1]}}} "
        ),
        st.tuples(inner, inner).map(lambda t: f"{{{t[0]}}}UNION{{{t[1]}}} "),
        inner.map(lambda one: f"{{SELECT*{{{one}}}LIMIT 1}} "),
        st.sampled_from(
            ("VALUES ?v {1 <x#y> UNDEF} ", "VALUES (?v ?w) {(<x:a><x:b>)(1 'SERVICE')} ", "?a ?b ?c {| ?d ?e |}. ")
        ),
    )


BODIES = st.recursive(st.just(""), lambda inner: st.lists(_groups(inner), max_size=4).map("".join), max_leaves=8)
QUERIES = st.tuples(
    st.sampled_from(("ASK", "SELECT *", "CONSTRUCT { ?a ?b ?c }", "DESCRIBE ?a", "SELECT DISTINCT *")),
    st.sampled_from(("", " FROM <g:a>", " FROM NAMED ex:g", " FROM <g:a> FROM <b>")),
    BODIES,
    st.sampled_from(("", " ORDER BY ?a", " LIMIT 5", " ORDER BY DESC(?a < ?b) ?c OFFSET 1", " VALUES ?a { 1 }")),
).map(lambda t: f"PREFIX ex: <http://e/> {t[0]}{t[1]} WHERE {{ {t[2]} }}{t[3]}")


@given(QUERIES)
@settings(max_examples=300, deadline=None)
def test_queries_of_the_grammar_are_read_as_oxigraph_reads_them(text: str) -> None:
    """Whatever the grammar makes."""
    check(text)


def test_tokens_of_every_query_are_no_bad_ones(request: pytest.FixtureRequest) -> None:
    """Neither of the W3C's nor of ours."""
    for text in seeds(_shared(request)):
        bad: list[Token] = [token for token in tokenize(text) if token.kind is Kind.BAD]
        assert not bad
