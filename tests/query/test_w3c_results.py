"""The W3C's tests of result formats, by their manifest, and every format against every other.

Sources: https://www.w3.org/TR/sparql11-results-csv-tsv/, https://www.w3.org/TR/sparql11-results-json/,
https://www.w3.org/TR/rdf-sparql-XMLres/
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pyoxigraph as ox
import pytest
from rdflib import Graph, Namespace
from rdflib.collection import Collection
from rdflib.term import Node

from stadtgraph.query import Place, Queries, plan
from stadtgraph.sparql.protocol import Operation, Request
from stadtgraph.store import OxigraphEngine
from stadtgraph.terms import Names

MF = Namespace("http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#")
QT = Namespace("http://www.w3.org/2001/sw/DataAccess/tests/test-query#")
KINDS = {"json": ox.QueryResultsFormat.JSON, "xml": ox.QueryResultsFormat.XML, "tsv": ox.QueryResultsFormat.TSV}
FORMATS = {".csv": "csv", ".tsv": "tsv", ".srj": "json", ".srx": "xml"}
NAMES = Names("http://example.org/")
Case = tuple[str, Path, Path, Path]


def path(node: Node | None) -> Path:
    """Give the file that a node of a manifest names."""
    return Path(unquote(urlsplit(str(node)).path))


def cases(shared: Path) -> Iterator[Case]:
    """Give name, query, data and expected result of every test of the manifest of result formats."""
    index = Graph().parse(shared / "reference" / "w3c" / "sparql11" / "manifest-sparql11-results.ttl")
    for included in Collection(index, next(index.objects(None, MF.include))):
        manifest = Graph().parse(path(included))
        for test in Collection(manifest, next(manifest.objects(None, MF.entries))):
            action = manifest.value(test, MF.action)
            files = (manifest.value(action, QT.query), manifest.value(action, QT.data), manifest.value(test, MF.result))
            query, data, result = map(path, files)
            yield str(test).rpartition("#")[2], query, data, result


def place(data: Path, folder: Path) -> Place:
    """Put the data into a store."""
    store = ox.Store(str(folder))
    store.load(path=data, format=ox.RdfFormat.TURTLE, base_iri=NAMES.base)
    store.flush()
    del store
    return Place(str(folder), OxigraphEngine(folder, NAMES), NAMES)


def answered(queries: Queries, text: str, where: Place, format: str) -> bytes:
    """Answer a query in a worker."""
    planned = plan(Request(Operation.QUERY, text, format=format), NAMES.base)
    return b"".join(queries.run(planned, where).blocks)


def table(answer: bytes, format: str) -> object:
    """Give an answer as what it says: a truth, or rows of terms in no order; nameless nodes are alike."""
    if format == "csv":
        head, *rows = csv.reader(io.StringIO(answer.decode()))
        order = sorted(range(len(head)), key=lambda i: head[i])
        return sorted(head), sorted([_cell(row[i]) for i in order] for row in rows)
    found = ox.parse_query_results(answer, KINDS[format])
    if isinstance(found, ox.QueryBoolean):
        return bool(found)
    names = sorted(variable.value for variable in found.variables)
    return names, sorted([_term(row[name]) for name in names] for row in found)


def _term(term: object) -> str:
    if isinstance(term, ox.BlankNode):
        return "_:"
    if isinstance(term, ox.Literal):
        datatype = term.datatype.value.replace("negativeInteger", "integer")  # as Oxigraph stores it (oxigraph#526)
        return f"{_cell(term.value)}^^{datatype}@{term.language}"
    return str(term)


def _cell(value: str) -> str:
    if value.startswith("_:"):
        return "_:"
    try:
        return str(float(value))  # numbers come in Oxigraph's form
    except ValueError:
        return value


@pytest.fixture(scope="module")
def workers() -> Iterator[Queries]:
    """Workers for this file."""
    found = Queries()
    yield found
    found.close()


def test_every_test_of_the_manifest_passes(shared: Path, workers: Queries, tmp_path: Path) -> None:
    """Ten of them: three each for CSV and TSV, four for JSON."""
    found = list(cases(shared))
    for name, query, data, result in found:
        format = FORMATS[result.suffix]
        where = place(data, tmp_path / name)
        answer = answered(workers, query.read_text("utf-8"), where, format)
        assert table(answer, format) == table(result.read_bytes(), format), name
    assert len(found) == 10


def test_json_xml_and_tsv_say_the_same(shared: Path, workers: Queries, tmp_path: Path) -> None:
    """Of each query of these tests; CSV has its rows as well, without the kinds of terms."""
    for name, query, data, _ in cases(shared):
        text, where = query.read_text("utf-8"), place(data, tmp_path / name)
        answers = {format: answered(workers, text, where, format) for format in ("json", "xml", "tsv", "csv")}
        if b"boolean" in answers["json"]:
            assert table(answers["json"], "json") == table(answers["xml"], "xml")
            continue
        rows = {format: table(answers[format], format) for format in KINDS}
        assert rows["json"] == rows["xml"] == rows["tsv"], name
        assert len(answers["csv"].splitlines()) == len(answers["tsv"].splitlines())


HARD = """SELECT * { VALUES (?a ?b ?c) {
    ("tab\\tline\\nreturn\\rquote\\"comma,semicolon;" <http://example.org/ä?x=1&y="z%22> UNDEF)
    ("<b>&amp;</b>"@en-GB "1.50"^^<http://www.w3.org/2001/XMLSchema#decimal> true)
    ("" "  spaces  " "\\u00e4\\U0001F333")
    (UNDEF UNDEF UNDEF)
    ("=1+2" "'single'" "back\\\\slash") } }"""


@pytest.mark.parametrize("format", ["json", "xml", "tsv", "csv"])
def test_terms_that_are_hard_to_write_come_back(format: str, workers: Queries, tmp_path: Path) -> None:
    """Tabs, line ends, quotes, markup, languages, empty and unbound, characters beyond the first plane."""
    text = HARD.replace('y="z%22', "y=z%22")
    (tmp_path / "nothing.ttl").write_text("")
    where = place(tmp_path / "nothing.ttl", tmp_path / "store")
    answer = answered(workers, text, where, format)
    if format == "csv":
        rows = list(csv.reader(io.StringIO(answer.decode(), newline="")))
        assert (
            ["", "  spaces  ", "ä🌳"] in rows and ["", "", ""] in rows and ["=1+2", "'single'", "back\\slash"] in rows
        )
        assert rows[1][0].replace("\r\n", "\n") == 'tab\tline\nreturn\rquote"comma,semicolon;'
        return
    expected = ox.Store().query(text)
    assert isinstance(expected, ox.QuerySolutions)
    assert table(answer, format) == (["a", "b", "c"], sorted([_term(row[n]) for n in "abc"] for row in expected))
