"""The tokenizer: nothing lost, nothing crashed, and read as Oxigraph reads."""

from __future__ import annotations

import pyoxigraph as ox
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stadtgraph.errors import QueryError
from stadtgraph.sparql import guard
from stadtgraph.sparql.tokens import Kind, Place, code, position, tokenize

CHARACTERS = "<>(){}[]\"'#?$:@^|&!=+-*/.,;\\ \n\r\t~_a1é\x00\ud800"
WORDS = ("SERVICE", "FILTER", "VALUES", "SELECT", "<http://e/>", '"""', "'''", "?x", "ex:a", "_:b", "<<", ">>", "{|")
PIECES = st.sampled_from([*CHARACTERS, *WORDS, "|}", "\\u0053", "1e5", "@en-GB"])


@given(st.one_of(st.text(), st.lists(PIECES).map("".join)))
@example('FILTER(?a<?b)#>"""\n')
def test_the_tokens_of_any_text_put_together_are_that_text(text: str) -> None:
    """Whatever comes, nothing is lost and nothing raises."""
    assert "".join(token.text for token in tokenize(text)) == text
    assert list(tokenize(text, gaps=False)) == code(tokenize(text))


@given(st.lists(PIECES).map("".join))
@settings(max_examples=300)
def test_reading_any_text_ends_in_an_outline_or_a_query_error(text: str) -> None:
    """The guard never fails with anything but an error of its own."""
    try:
        guard.read(text, "http://e/")
    except QueryError as error:
        assert error.text("de") and error.text("en")


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("<http://e/a#b>", [Kind.IRI]),
        ("<\\u00e4>", [Kind.IRI]),
        ('\'a\' "b" \'\'\'c\'d\'\'\' """e""f"""', [Kind.STRING] * 4),
        ("'a\\'b'", [Kind.STRING]),
        ("'open", [Kind.BAD, Kind.WORD]),
        ("ex:a ex: :a : ex:a.b ex:%41 ex:a\\,b", [Kind.PNAME] * 7),
        ("ex:a.", [Kind.PNAME, Kind.MARK]),
        ("1 1.5 .5 1e5 1.e5", [Kind.NUMBER] * 5),
        ("?a $b ?ä", [Kind.VARIABLE] * 3),
        ("@en @de-DE @ar--rtl", [Kind.LANGUAGE] * 3),
        ("_:b0", [Kind.BNODE]),
        ("<<", [Kind.OPENING]),
    ],
)
def test_each_kind_of_token_is_recognised(text: str, kinds: list[Kind]) -> None:
    """One line per form of the grammar."""
    assert [t.kind for t in code(tokenize(text))] == kinds


@pytest.mark.parametrize(
    ("text", "iris"),
    [
        ("ASK{?s ?p ?o FILTER(?s<?o&&?p>?o)}", []),
        ("ASK{?s ?p ?o FILTER(?a<?b#>\n)}", []),
        ("ASK{?s ?p (<x#a> <x#b>)}", ["<x#a>", "<x#b>"]),
        ("ASK{VALUES (?a ?b) {(<x#a> <x#b>)}}", ["<x#a>", "<x#b>"]),
        ("ASK{?s <p> <o> FILTER(?s=<x#a>)}", ["<p>", "<o>", "<x#a>"]),
        ("ASK{FILTER(?s IN(<a>,<b>))}", ["<a>", "<b>"]),
        ("ASK{FILTER <f>(?a<?b)}", ["<f>"]),
        ("ASK{?s <f> (?a<b>)}", ["<f>", "<b>"]),
        ("SELECT(?a<?b#>\nAS ?c){}", []),
        ("ASK{{SELECT(?a<?b AS ?c)(1 AS ?d){}}}", []),
        ("ASK{?s (<a>|<b>)/<c> ?o}", ["<a>", "<b>", "<c>"]),
        ("ASK{FILTER EXISTS{?s ?p <o>}}", ["<o>"]),
    ],
)
def test_less_than_and_iris_are_told_apart_as_the_grammar_does(text: str, iris: list[str]) -> None:
    """``<`` is an operator in an expression after an operand, and opens an IRI elsewhere."""
    assert [t.text for t in tokenize(text) if t.kind is Kind.IRI] == iris


def test_places_tell_expressions_from_patterns() -> None:
    """The bracket around a token is known."""
    places = {t.text: t.place for t in tokenize("ASK { ?a ex:p (?b) FILTER(?c) VALUES ?d { 1 } }") if t.text[0] in "?1"}
    assert places == {
        "?a": Place.GROUP,
        "?b": Place.LIST,
        "?c": Place.EXPRESSION,
        "?d": Place.GROUP,
        "1": Place.DATA,
    }


def test_positions_count_lines_of_all_systems() -> None:
    """Line ends of Unix, old Macs and Windows."""
    assert position("a\nb\rc\r\nd", 7) == (4, 1)


CALLS = ["SERVICE {}", "service{}", "SERVICE SILENT {}", "SERVICE#c\n{}", "SERVICE\r{}"]
TARGETS = ["<http://127.0.0.1:9/>", "ex:x", ":x", "<\\u0068ttp://127.0.0.1:9/>", "<x>"]
BEFORE = ["", ".", "?s ?p ?o ", "?s ?p ?o.", "?s ?p 1", "?s ?p true", "?s ?p 'a'@en ", "?s ?p _:b.", "?s ?p 'a#b'"]
TRICKS = [
    "PREFIX : <http://127.0.0.1:9/> ASK{?s ?p ?o FILTER(?s<?o)SERVICE:x#>\n{?a ?b ?c}}",
    "PREFIX : <http://127.0.0.1:9/> ASK{?s ?p ?o FILTER(?s<?o#>'''\n)SERVICE:x{?a ?b ?c}#'''\n}",
    "PREFIX ex: <http://127.0.0.1:9/> ASK{?s ?p ?o. SERVICEex:x{?a ?b ?c}}",
    "PREFIX ex: <http://127.0.0.1:9/> PREFIX SERVICEex: <http://a/> ASK{?s ?p ?o. SERVICEex:x{?a ?b ?c}}",
    "PREFIX ex: <http://127.0.0.1:9/> PREFIX trueSERVICEex: <http://a/> ASK{?s ?p trueSERVICEex:x{?a ?b ?c}}",
    "PREFIX : <http://127.0.0.1:9/> PREFIX service: <http://a/> ASK{?s ?p ?o. service:x{?a ?b ?c}}",
    "PREFIX xsd: <http://www.w3.org/2001/XMLSchema#> PREFIX FILTERxsd: <http://a/> PREFIX : <http://127.0.0.1:9/> "
    "ASK{?s ?p ?o FILTERxsd:string(?s<?o#>'''\n)SERVICE:x{?a ?b ?c}#'''\n}",
    "PREFIX : <http://127.0.0.1:9/> ASK{?s ?p ?o FILTER(?s<<x#>='''\n''')SERVICE:x{?a ?b ?c}#'''\n}",
    "PREFIX : <http://127.0.0.1:9/> ASK{?s ?p ?o FILTER(?s<<:#>'''\n)SERVICE:x{?a ?b ?c}#'''\n}",
    "BASE <http://127.0.0.1:9/> ASK{?s ?p ?o FILTER(EXISTS{}<?o#>'''\n)SERVICE<x>{?a ?b ?c}#'''\n}",
    'ASK{?s ?p ?o FILTER(REGEX(?s,\'x\')<?o#>"""\n)SERVICE<http://127.0.0.1:9/>{?a ?b ?c}#"""\n}',
    "ASK{?s ?p ?o LATERAL{SERVICE<http://127.0.0.1:9/>{?a ?b ?c}}}",
    "ASK{?s ?p 'a'@enSERVICE<http://127.0.0.1:9/>{?a ?b ?c}}",
    "ASK{?s ?p _:b.SERVICE<http://127.0.0.1:9/>{?a ?b ?c}}",
    "ASK{?s ?p 1e5SERVICE<http://127.0.0.1:9/>{?a ?b ?c}}",
    "ASK{?s ?p trueSERVICE<http://127.0.0.1:9/>{?a ?b ?c}}",
    "ASK{SERVICESILENT<http://127.0.0.1:9/>{?a ?b ?c}}",
    "ASK{?s ?p ?o MINUS{SERVICE<http://127.0.0.1:9/>{?a ?b ?c}}}",
    "SELECT*{?s ?p ?o}ORDER BY EXISTS{SERVICE<http://127.0.0.1:9/>{?a ?b ?c}}",
    "ASK{?s ?p ?o FILTER(<<(?s ?p ?o)>> = <<(?s ?p ?o)>>)SERVICE<http://127.0.0.1:9/>{?a ?b ?c}}",
    "ASK{?s ?p ?o FILTER(<< (?s ?p ?o) >> < ?o#>'''\n)SERVICE<http://127.0.0.1:9/>{?a ?b ?c}#'''\n}",
    "ASK{?s ?p ?o FILTER(<<(?s ?p ?o) >>< ?o#>'''\n)SERVICE<http://127.0.0.1:9/>{?a ?b ?c}#'''\n}",
]


def _store() -> ox.Store:
    store = ox.Store()
    store.add(ox.Quad(ox.NamedNode("http://e/a"), ox.NamedNode("http://e/p"), ox.NamedNode("http://e/b")))
    return store


def _calls_out(text: str) -> bool:
    """Tell whether Oxigraph reads a SERVICE in ``text``: it then refuses the port or lacks the variable."""
    try:
        result = _store().query(text)
        _ = bool(result) if isinstance(result, ox.QueryBoolean) else list(result)
    except SyntaxError:
        return False
    except (OSError, RuntimeError):
        return True
    return "service" in text.lower()


@pytest.mark.parametrize(
    "text",
    [
        f"BASE <http://127.0.0.1:9/> PREFIX ex: <http://127.0.0.1:9/> PREFIX : <http://127.0.0.1:9/> "
        f"ASK{{{before}{call.format(target)}{{?a ?b ?c}}}}"
        for before in BEFORE
        for call in CALLS
        for target in TARGETS
    ]
    + TRICKS,
)
def test_no_disguise_of_service_passes_the_guard_that_oxigraph_would_follow(text: str) -> None:
    """Comments, BASE, prefixes, escapes, keywords grown together, and ``<`` read as an IRI."""
    if _calls_out(text):
        with pytest.raises(QueryError):
            guard.read(text)
