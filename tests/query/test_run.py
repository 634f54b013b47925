"""Queries run: datasets, formats, limits."""

from __future__ import annotations

import csv
import io
import json
import threading
import time
from pathlib import Path

import pyoxigraph as ox
import pytest

from stadtgraph.errors import (
    NotAcceptable,
    QueryError,
    QueryRefused,
    QuerySyntaxError,
    QueryTimeout,
)
from stadtgraph.query import Abandoned, Limits, Place, Plan, Pool, PoolSettings, Queries, Ticket, plan
from stadtgraph.sparql.negotiate import GRAPHS, HTML, TABLES
from stadtgraph.sparql.protocol import Operation, Request
from stadtgraph.store import OxigraphEngine
from stadtgraph.terms import Names

NAMES = Names()
A, B, C = (NAMES.source(name).value for name in "abc")
QUERIES = Queries()


def planned(text: str, format: str = "json", default: tuple[str, ...] = (), named: tuple[str, ...] = ()) -> Plan:
    """Plan a query."""
    return plan(Request(Operation.QUERY, text, default, named, format=format), NAMES.base)


def answered(text: str, place: Place, format: str = "json", **dataset: tuple[str, ...]) -> bytes:
    """Run a query and give the whole answer."""
    return b"".join(QUERIES.run(planned(text, format, **dataset), place).blocks)


def number(text: str, place: Place, **dataset: tuple[str, ...]) -> int:
    """Give the one number that a query answers with."""
    rows = json.loads(answered(text, place, **dataset))["results"]["bindings"]
    return int(rows[0]["n"]["value"])


COUNT = "SELECT (COUNT(*) AS ?n) {0} {{ ?s <urn:p> ?o }}"


@pytest.mark.parametrize(
    ("clause", "default", "named", "count"),
    [
        ("", (), (), 4),
        (f"FROM <{A}>", (), (), 2),
        (f"FROM <{A}> FROM <{B}>", (), (), 3),
        (f"FROM <{B}> FROM <{C}> FROM NAMED <{A}>", (), (), 3),
        ("FROM <graph/source/a>", (), (), 2),
        ("FROM <urn:nowhere>", (), (), 0),
        (f"FROM <urn:nowhere> FROM <{A}>", (), (), 2),
        (f"FROM NAMED <{A}>", (), (), 0),
        (f"FROM <{NAMES.written(ox.NamedNode(A)).value}>", (), (), 0),
        ("", (A,), (), 2),
        ("", (A, B), (), 3),
        (f"FROM <{C}>", (A, B), (), 3),
        ("", (), (A,), 0),
        ("", (A, B, C, NAMES.source("many").value), (), 4),
    ],
)
def test_the_default_graph_is_what_was_asked_for_and_counts_a_triple_once(
    place: Place, clause: str, default: tuple[str, ...], named: tuple[str, ...], count: int
) -> None:
    """FROM, parameters, both (the parameters win), graphs that do not exist or may not be seen."""
    assert number(COUNT.format(clause), place, default=default, named=named) == count


@pytest.mark.parametrize(
    ("clause", "default", "named", "graphs"),
    [
        ("", (), (), 4),
        (f"FROM <{A}>", (), (), 0),
        (f"FROM NAMED <{A}>", (), (), 1),
        (f"FROM <{B}> FROM <{C}> FROM NAMED <{A}>", (), (), 1),
        ("", (), (A, B), 2),
        ("", (A,), (B,), 1),
        ("FROM NAMED <urn:nowhere>", (), (), 0),
    ],
)
def test_named_graphs_are_those_asked_for_and_never_the_written_ones(
    place: Place, clause: str, default: tuple[str, ...], named: tuple[str, ...], graphs: int
) -> None:
    """GRAPH ?g sees these and no others."""
    text = f"SELECT (COUNT(DISTINCT ?g) AS ?n) {clause} {{ GRAPH ?g {{ ?s ?p ?o }} }}"
    assert number(text, place, default=default, named=named) == graphs


@pytest.mark.parametrize("format", [f.name for f in TABLES])
def test_tables_are_given_in_every_format(place: Place, format: str) -> None:
    """Read back, each has the same rows."""
    body = answered("SELECT ?o { <urn:x> <urn:p> ?o } ORDER BY ?o", place, format)
    if format == "csv":
        assert body == b"o\r\nurn:y\r\n1.5\r\n"
        return
    kind = {"json": ox.QueryResultsFormat.JSON, "xml": ox.QueryResultsFormat.XML, "tsv": ox.QueryResultsFormat.TSV}
    solutions = ox.parse_query_results(body, kind[format])
    assert isinstance(solutions, ox.QuerySolutions)
    assert [str(row["o"].value) for row in solutions] == ["urn:y", "1.5"]


@pytest.mark.parametrize("format", [f.name for f in GRAPHS])
def test_graphs_are_given_in_every_format(place: Place, format: str) -> None:
    """Read back, each is the same graph."""
    text = "CONSTRUCT { ?s <urn:q> ?o } { ?s <urn:p> ?o }"
    chosen = next(f for f in GRAPHS if f.name == format)
    read = {q.triple for q in ox.parse(answered(text, place, format), ox.RdfFormat.from_media_type(chosen.media_type))}
    assert len(read) == 4
    assert read == {q.triple for q in ox.parse(answered(text, place, "nt"), ox.RdfFormat.N_TRIPLES)}


@pytest.mark.parametrize(
    ("text", "format", "error"),
    [
        ("SELECT * { ?s ?p }", "json", QuerySyntaxError),
        ("SELECT * { ?s ?p ?o }", "turtle", NotAcceptable),
        ("CONSTRUCT WHERE { ?s ?p ?o }", "csv", NotAcceptable),
        ("SELECT * { ?s ?p ?o }", "nonsense", NotAcceptable),
        ("ASK { SERVICE <http://127.0.0.1:9/> { ?s ?p ?o } }", "json", QueryRefused),
        ("SELECT * { ?s ?p ?o FILTER(<urn:f>(?s)) }", "json", QueryRefused),
        ("CONSTRUCT { <urn:a> <http://e/123> 1 } {}", "rdfxml", NotAcceptable),
        ("SELECT ('\\u0001' AS ?x) {}", "xml", NotAcceptable),
        ("CONSTRUCT { <urn:a> <urn:b> '\\u0001' } {}", "rdfxml", NotAcceptable),
    ],
)
def test_what_cannot_be_answered_fails_before_the_answer_begins(
    place: Place, text: str, format: str, error: type[QueryError]
) -> None:
    """So that HTTP can give a status; and the message exists in both languages."""
    with pytest.raises(error) as caught:
        answered(text, place, format)
    assert caught.value.text("de") != caught.value.text("en")


ALL = "SELECT * { ?s ?p ?o }"
COUNTING = (
    "SELECT (COUNT(*) AS ?n) { { SELECT ?a { ?a <urn:n> ?b } LIMIT 4000 } { SELECT ?c { ?c <urn:n> ?d } LIMIT 4000 } }"
)
PRODUCT = "SELECT * { ?a <urn:n> ?b . ?c <urn:n> ?d }"


def test_a_small_answer_is_there_whole_and_a_large_one_streams(place: Place) -> None:
    """Up to a megabyte the length is known; beyond, blocks come as they are made."""
    small = QUERIES.run(planned("ASK {}"), place)
    assert small.length == len(b"".join(small.blocks))
    large = QUERIES.run(planned(ALL, "json"), place)
    assert large.length is None
    assert len(json.loads(b"".join(large.blocks))["results"]["bindings"]) == 20_005


def test_an_answer_over_the_byte_bound_is_cut_off_by_an_exception(place: Place) -> None:
    """Whoever reads it sees that it is not complete."""
    answer = Queries(Limits(bytes=3_000_000)).run(planned(PRODUCT), place)
    with pytest.raises(QueryTimeout) as caught:
        b"".join(answer.blocks)
    assert caught.value.key == "query-large"


def test_a_query_over_its_time_is_ended_with_or_without_output(place: Place) -> None:
    """Without output by the waiting side, with output inside ``write``."""
    queries = Queries(Limits(seconds=0.5))
    with pytest.raises(QueryTimeout):
        queries.run(planned(COUNTING), place)
    with pytest.raises(QueryTimeout):
        b"".join(queries.run(planned(PRODUCT), place).blocks)


def test_a_reader_who_leaves_ends_the_work(place: Place) -> None:
    """Closing the blocks kills the worker; the next query gets another."""
    queries = Queries(pool=Pool(PoolSettings(size=1)))
    answer = queries.run(planned(PRODUCT), place)
    next(answer.blocks)
    answer.blocks.close()
    assert queries.pool.busy == 0
    assert b"true" in b"".join(queries.run(planned("ASK {}"), place).blocks)
    queries.close()


def test_a_client_who_has_gone_ends_a_query_that_makes_no_output(place: Place) -> None:
    """Nobody waits, so nothing is computed."""
    queries = Queries(Limits(seconds=60), Pool(PoolSettings(size=1)))
    with pytest.raises(Abandoned):
        queries.run(planned(COUNTING), place, lambda: True)
    assert queries.pool.busy == 0
    queries.close()


def test_a_slow_reader_holds_the_work_back_and_not_the_memory(place: Place) -> None:
    """The product is 40 GB; while nobody reads, at most a few megabytes of it exist."""
    queries = Queries(Limits(seconds=1))
    answer = queries.run(planned(PRODUCT), place)
    time.sleep(1.5)
    assert len(next(answer.blocks)) > 0  # waiting for the reader is not the query's time
    answer.blocks.close()


def test_without_a_free_worker_a_query_is_turned_away(place: Place) -> None:
    """The error says how many places there are."""
    queries = Queries(Limits(seconds=30, patience=0.1), Pool(PoolSettings(size=1)))
    held = [
        queries.pool.acquire(30, caller=caller) for caller in ("a", "b")
    ]  # the place, and the one for quick queries
    with pytest.raises(QueryTimeout) as caught:
        queries.run(planned("ASK {}"), place, ticket=Ticket(caller="c"))
    assert caught.value.key == "query-busy" and caught.value.params["bound"] == 1 and queries.pool.busy == 2
    for worker in held:
        queries.pool.release(worker)
    queries.close()


def test_many_threads_ask_at_once(place: Place) -> None:
    """Each gets its own answer."""
    found: list[bytes] = []
    threads = [
        threading.Thread(target=lambda i=i: found.append(answered(f"SELECT ({i} AS ?x) {{}}", place)))  # type: ignore[misc]
        for i in range(40)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(int(json.loads(f)["results"]["bindings"][0]["x"]["value"]) for f in found) == list(range(40))


def test_deep_queries_run_on_a_large_stack(place: Place) -> None:
    """What the guard lets through does not come near the stack's end."""
    assert b"true" in answered("ASK{FILTER(" + "(" * 97 + "1" + ")" * 97 + ")}", place)


def test_a_preview_gives_the_first_rows_and_says_whether_there_are_more(place: Place) -> None:
    """Rows, truth or triples, as terms."""
    preview = QUERIES.preview(planned(ALL), place, 10)
    assert len(preview.rows) == 10 and preview.more and set(preview.variables) == {"s", "p", "o"}
    assert QUERIES.preview(planned("ASK {}"), place, 10).truth is True
    preview = QUERIES.preview(planned("CONSTRUCT WHERE { <urn:x> ?p ?o }", "turtle"), place, 10)
    assert len(preview.triples) == 3 and not preview.more
    with pytest.raises(QuerySyntaxError):
        QUERIES.preview(planned("SELECT * { ?s ?p }"), place, 10)


def test_equal_requests_have_equal_keys_and_volatile_ones_never(place: Place) -> None:
    """The key becomes the ETag."""
    assert planned("ASK{}").key("r") == planned("ASK { } # same").key("r")
    assert planned("ASK {}").key("r") != planned("ASK {}").key("s")
    assert planned("ASK {}").key("r") != planned("ASK {}", "csv").key("r")
    assert planned("ASK {}").key("r") != planned("ASK {}", default=(A,)).key("r")
    assert planned("ASK { FILTER(RAND() < 1) }").key("r") != planned("ASK { FILTER(RAND() < 1) }").key("r")


def test_pages_are_offered_only_where_there_are_pages() -> None:
    """HTML is a format of the web alone."""
    request = Request(Operation.QUERY, "ASK {}", accept="text/html")
    assert plan(request, NAMES.base, pages=True).choice.format is HTML
    with pytest.raises(NotAcceptable):
        plan(request, NAMES.base)


def test_unions_leave_no_folder_behind(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store of a union goes with the last who holds it."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    queries = Queries()
    list(queries.run(planned("ASK {}", default=(A, B)), place).blocks)
    assert list(tmp_path.iterdir())
    del queries
    deadline = time.monotonic() + 60
    while list(tmp_path.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not list(tmp_path.iterdir())


def test_a_union_has_a_bound(place: Place) -> None:
    """The message names both numbers."""
    with pytest.raises(QueryRefused) as caught:
        Queries(Limits(union=3)).run(planned("ASK {}", default=(A, B)), place)
    assert caught.value.params == {"found": 5, "bound": 3}


@pytest.mark.parametrize("case", ["csvtsv01:data", "csvtsv02:data", "csvtsv03:data2"])
def test_the_w3c_tests_of_csv_and_tsv_pass(shared: Path, tmp_path: Path, case: str) -> None:
    """Oxigraph does not run the CSV cases itself (https://www.w3.org/TR/sparql11-results-csv-tsv/)."""
    folder = shared / "reference" / "w3c" / "sparql11" / "csv-tsv-res"
    name, data = case.split(":")
    query = folder / (f"{name}.rq" if (folder / f"{name}.rq").exists() else "csvtsv01.rq")
    store = ox.Store(str(tmp_path / "store"))
    store.load(path=folder / f"{data}.ttl", format=ox.RdfFormat.TURTLE, base_iri="http://example.org/")
    store.flush()
    del store
    names = Names("http://example.org/")
    asked = Place("w3c", OxigraphEngine(tmp_path / "store", names), names)
    body = answered(query.read_text("utf-8"), asked, "csv")
    expected = (folder / f"{name}.csv").read_text("utf-8")
    assert _table(body.decode()) == _table(expected)
    body = answered(query.read_text("utf-8"), asked, "tsv")
    got, wanted = (
        ox.parse_query_results(t, ox.QueryResultsFormat.TSV) for t in (body, (folder / f"{name}.tsv").read_bytes())
    )
    assert _rows(got) == _rows(wanted)


def _table(text: str) -> list[list[str]]:
    head, *rows = csv.reader(io.StringIO(text))
    order = sorted(range(len(head)), key=lambda i: head[i])
    normal = [[_cell(row[i]) for i in order] for row in rows]
    return [sorted(head), *sorted(normal)]


def _cell(value: str) -> str:
    if value.startswith("_:"):
        return "_:"
    try:
        return str(float(value))  # numbers come in Oxigraph's form
    except ValueError:
        return value


def _rows(solutions: object) -> list[str]:
    assert isinstance(solutions, ox.QuerySolutions)
    names = sorted(v.value for v in solutions.variables)
    return sorted(" ".join(_term(row[name]) for name in names) for row in solutions)


def _term(term: object) -> str:
    if isinstance(term, ox.BlankNode):
        return "_:"
    if isinstance(term, ox.Literal):
        kind = str(term.datatype).replace("negativeInteger", "integer")  # as Oxigraph stores it (oxigraph#526)
        return _cell(term.value) + kind + str(term.language)
    return str(term)
