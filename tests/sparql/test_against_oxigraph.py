"""The guard against Oxigraph's own reading, on random queries full of what could be misread."""

from __future__ import annotations

import random

import pyoxigraph as ox
import pytest

from stadtgraph.errors import QueryError
from stadtgraph.sparql import guard

PROLOGUE = "PREFIX :<http://127.0.0.1:9/> PREFIX xsd:<http://www.w3.org/2001/XMLSchema#> BASE<http://127.0.0.1:9/> "
CALLS = ("SERVICE<http://127.0.0.1:9/>{?a ?b ?c}", "SERVICE:x{?a ?b ?c}", "service silent :x{}", "SERVICE<x>{}")
OPERATORS = ("<", "<=", "=", "&&", "||", "+", "-", "*", ">", "<<")
OPERANDS = (
    *(
        "?o",
        "1",
        "'a'",
        '"c#d"',
        ":x",
        "<http://e/a>",
        "<x#y>",
        "(true)",
        "STR(?s)",
        "(?o)",
        "EXISTS{?s ?p ?o}",
        "'a'@en",
    ),
    *(
        "<<( ?s ?p ?o )>>",
        "IF(?a<?b,1,2)",
        "COALESCE(?x<?y#>\n,1)",
        "<http://e/f>(?s)",
        "'x'^^<y#z>",
        "'x'^^xsd:string",
    ),
)
GAPS = ("", "", " ", "\n", "#>\n", "#>'''\n", "#'''\n", '#>"""\n', "#\r", "#{\n", "#}>\n")
LISTS = ("<a#b> <c#d>", "?a<b#c>", ":x<y>", "<a><b#'>")
ROWS = ("1 2", "UNDEF<x#'>", "'a'<x#>", ":x<y#>")
BEFORE_GROUPS = ("OPTIONAL", "MINUS", "LATERAL", "", "GRAPH ?g", "GRAPH<g#>", "FILTER EXISTS")
PATHS = ("<a>/<b>", "(<a>|^<b>)*", "!(<a>|^<b>)", ":x+", "^:x?")


class Author:
    """Writes random queries; most of them are valid."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def one(self, choices: tuple[str, ...]) -> str:
        """Choose."""
        return self.random.choice(choices)

    def expression(self, depth: int = 0) -> str:
        """Write an expression with gaps that could be misread."""
        if depth > 2 or self.random.random() < 0.5:
            return self.one(OPERANDS)
        left, right = self.expression(depth + 1), self.expression(depth + 1)
        return left + self.one(GAPS) + self.one(OPERATORS) + self.one(GAPS) + right

    def element(self, depth: int) -> str:
        """Write one element of a group."""
        inner = self.body(depth + 1) if depth < 3 else ""
        name = f"?v{self.random.randrange(99)}"
        return self.one(
            (
                f"FILTER({self.expression()}{self.one(GAPS)})",
                f"FILTER xsd:string({self.expression()})",
                f"FILTER<http://www.w3.org/2001/XMLSchema#string>({self.expression()})",
                f"BIND({self.expression()} AS {name})",
                f"?s <x#y> ({self.one(LISTS)}).",
                f"VALUES(?v ?w){{(<a#b> <c#d>)({self.one(ROWS)})}}",
                f"{self.one(BEFORE_GROUPS)}{{{inner}}}",
                f"{{SELECT({self.expression()} AS {name}){{{inner}}}HAVING({self.expression()})}}",
                f"?s {self.one(PATHS)} ?o.",
                f"[:x ({self.one(LISTS)})].",
                "?s :x ?o{|:y <z#>|}.",
                "?s ?p 'a'@en.",
                self.one(CALLS),
            )
        )

    def body(self, depth: int = 0) -> str:
        """Write the inside of a group."""
        return self.one(GAPS).join(self.element(depth) for _ in range(self.random.randrange(1, 4)))

    def query(self) -> str:
        """Write a query."""
        return f"{PROLOGUE}SELECT*{{{self.body()}}}ORDER BY({self.expression()})"


def is_valid(text: str) -> bool:
    """Tell whether Oxigraph reads ``text``; over an empty dataset, so that little is evaluated."""
    try:
        ox.Store().query(text, default_graph=[], named_graphs=[])
    except SyntaxError:
        return False
    except (OSError, RuntimeError):
        return True
    return True


def passes(text: str) -> bool:
    """Tell whether the guard lets ``text`` through."""
    try:
        guard.read(text)
    except QueryError:
        return False
    return True


@pytest.mark.parametrize("seed", range(8))
def test_random_queries_are_read_as_oxigraph_reads_them(seed: int) -> None:
    """No SERVICE that Oxigraph sees gets through, and nothing valid without one is refused.

    A SERVICE that passed must be text in a comment, string or IRI: then the query stays valid when the word is
    misspelt.
    """
    author = Author(seed)
    valid = 0
    for _ in range(1500):
        text = author.query()
        if not is_valid(text):
            continue
        valid += 1
        if passes(text):
            assert "service" not in text.lower() or is_valid(
                text.replace("SERVICE", "SERVICF").replace("service", "servicf")
            )
        else:
            assert "service" in text.lower()
    assert valid > 300
