"""SPARQL Update over HTTP: who may write what, what is checked, what stays as it was."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from stadtgraph.release import View
from writers import BASE, EX, NOTES, SECRETS, UNITS, Writers

ONE = '"1"^^<http://www.w3.org/2001/XMLSchema#integer>'
FETCHED = "SERVICE SILENT <http://127.0.0.1/> { ?s ?p ?o }"
SOME = f"INSERT DATA {{ GRAPH <{NOTES}> {{ <urn:s> ex:p 1 }} }}"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writers]:
    """A town for all tests."""
    made = Writers.of(tmp_path_factory.mktemp("update"))
    yield made
    made.close()


@pytest.fixture(autouse=True)
def emptied(here: Writers) -> None:
    """Begin each test with empty managed sources."""
    if here.graph(NOTES) or here.graph(SECRETS, "admin") or here.graph(f"{BASE}graph/source/default"):
        assert here.update("DROP ALL").status_code == 204


def test_a_change_makes_a_release_and_says_which(here: Writers) -> None:
    """What was inserted is in the next answer; the same again makes no release."""
    before = here.release
    answer = here.update(SOME)
    assert answer.status_code == 204 and answer.data == b""
    assert answer.headers["Stadtgraph-Release"] == here.release != before
    assert here.graph(NOTES) == {
        '<urn:s> <https://town.example/ns#p> "1"^^<http://www.w3.org/2001/XMLSchema#integer> .'
    }
    again = here.update(SOME)
    assert (
        again.status_code == 204
        and again.headers["Stadtgraph-Release"] == here.release == answer.headers["Stadtgraph-Release"]
    )


@pytest.mark.parametrize(
    ("who", "text", "status"),
    [
        ("nobody", SOME, 401),
        ("reader", SOME, 403),
        ("secrets", SOME, 403),
        ("notes", SOME, 204),
        ("notes", f"INSERT DATA {{ GRAPH <{SECRETS}> {{ <urn:s> ex:p 1 }} }}", 403),
        ("notes", f"INSERT DATA {{ GRAPH <{BASE}graph/source/unheard-of> {{ <urn:s> ex:p 1 }} }}", 403),
        ("notes", f"INSERT DATA {{ GRAPH <{UNITS}> {{ <urn:s> ex:p 1 }} }}", 403),
        ("notes", f"CLEAR GRAPH <{SECRETS}>", 403),
        ("notes", f"COPY SILENT <{SECRETS}> TO <{NOTES}>", 204),
        ("notes", "INSERT DATA { <urn:s> ex:p 1 }", 403),
        ("notes", "DROP ALL", 403),
        ("notes", "DROP SILENT NAMED", 403),
        ("admin", f"INSERT DATA {{ GRAPH <{UNITS}> {{ <urn:s> ex:p 1 }} }}", 409),
        ("admin", f"DROP SILENT GRAPH <{UNITS}>", 409),
        ("admin", f"CLEAR GRAPH <{BASE}graph/ontology>", 409),
        ("admin", f"CLEAR SILENT GRAPH <{BASE}graph/history>", 409),
        ("admin", f"INSERT DATA {{ GRAPH <{BASE}graph/written/notes> {{ <urn:s> ex:p 1 }} }}", 409),
        ("admin", f"CREATE GRAPH <{BASE}graph/inferred>", 409),
        ("admin", f"CREATE GRAPH <{BASE}graph/anything>", 409),
        ("admin", "DROP GRAPH <urn:none>", 404),
        ("admin", "DROP SILENT GRAPH <urn:none>", 204),
        ("admin", "COPY <urn:none> TO <urn:other>", 404),
        ("admin", f"LOAD <http://127.0.0.1:1/x> INTO GRAPH <{NOTES}>", 400),
        ("admin", f"LOAD SILENT <file:///etc/passwd> INTO GRAPH <{NOTES}>", 400),
        (
            "admin",
            f"INSERT {{ GRAPH <{NOTES}> {{ ?s ?p ?o }} }} WHERE {{ {FETCHED} }}",
            400,
        ),
        ("admin", f'INSERT DATA {{ GRAPH <{NOTES}> {{ <urn:s> ex:p "abc"^^xsd:integer }} }}', 400),
        ("admin", f"INSERT DATA {{ GRAPH <{NOTES}> {{ <urn:s> ex:p << <a:a> <a:b> 1 >> }} }}", 400),
        ("admin", f"INSERT DATA {{ GRAPH <{NOTES}> {{ <urn:s> ex:p }} }}", 400),
        ("admin", f"INSERT DATA {{ GRAPH <{NOTES}> {{ <urn:s> unknown:p 1 }} }}", 400),
        ("admin", "INSERT DATA { ?s ex:p 1 }", 400),
        ("admin", "SELECT * { ?s ?p ?o }", 400),
        ("admin", "", 204),
    ],
)
def test_each_change_is_done_or_refused_and_a_refused_one_changes_nothing(
    here: Writers, who: str, text: str, status: int
) -> None:
    """The answer to one who may not write is the same whether or not there is such a graph."""
    before = here.release
    answer = here.update(text, who)
    assert answer.status_code == status, answer.text
    if status != 204:
        assert here.release == before
        assert answer.content_type == "application/problem+json"
        assert (answer.headers.get("WWW-Authenticate") is not None) == (status in (401, 403))


def test_no_answer_tells_a_restricted_graph_from_one_that_is_not_there(here: Writers) -> None:
    """Same status, same text but for the name."""
    for form in ("CLEAR GRAPH <{}>", "INSERT DATA {{ GRAPH <{}> {{ <urn:s> ex:p 1 }} }}", "CREATE GRAPH <{}>"):
        there, absent = (here.update(form.format(f"{BASE}graph/source/{n}"), "notes") for n in ("secrets", "none"))
        assert there.status_code == absent.status_code == 403
        assert there.text.replace("secrets", "none") == absent.text
    assert here.update(f"ADD <{SECRETS}> TO <{NOTES}>", "notes").text == here.update(
        f"ADD <{BASE}graph/source/none> TO <{NOTES}>", "notes"
    ).text.replace("source/none", "source/secrets")


def test_literals_are_kept_as_the_request_wrote_them(here: Writers) -> None:
    """In data, in templates, and where a value moves from one property to another."""
    decimal = '"1.50"^^<http://www.w3.org/2001/XMLSchema#decimal>'
    assert here.update(f"INSERT DATA {{ GRAPH <{NOTES}> {{ <urn:s> <urn:p> 1.50 }} }}").status_code == 204
    assert here.graph(NOTES) == {f"<urn:s> <urn:p> {decimal} ."}
    assert here.update(f"WITH <{NOTES}> INSERT {{ ?s <urn:q> 2.50 }} WHERE {{ ?s <urn:p> ?o }}").status_code == 204
    assert f"<urn:s> <urn:q> {decimal.replace('1.50', '2.50')} ." in here.graph(NOTES)
    moved = f"WITH <{NOTES}> DELETE {{ ?s <urn:p> ?o }} INSERT {{ ?s <urn:moved> ?o }} WHERE {{ ?s <urn:p> ?o }}"
    assert here.update(moved).status_code == 204
    assert f"<urn:s> <urn:moved> {decimal} ." in here.graph(NOTES)
    assert here.update(f"COPY <{NOTES}> TO <urn:copy>").status_code == 204
    assert here.graph("urn:copy") == here.graph(NOTES)
    assert here.update(f"DELETE DATA {{ GRAPH <{NOTES}> {{ <urn:s> <urn:moved> 1.5 }} }}").status_code == 204
    assert here.graph(NOTES) == {f"<urn:s> <urn:q> {decimal.replace('1.50', '2.50')} ."}


def test_an_operation_sees_what_those_before_it_did(here: Writers) -> None:
    """Several operations are one change; none of them is seen before all are done."""
    text = f"""
    CREATE GRAPH <urn:a> ;
    INSERT DATA {{ GRAPH <urn:a> {{ <urn:s> <urn:p> 1 , 2 }} }} ;
    INSERT {{ GRAPH <urn:b> {{ ?s <urn:sum> ?n }} }}
    WHERE {{ SELECT ?s (SUM(?o) AS ?n) {{ GRAPH <urn:a> {{ ?s ?p ?o }} }} GROUP BY ?s }} ;
    PREFIX x: <urn:x:>
    DELETE {{ GRAPH ?g {{ ?s <urn:sum> ?o }} }} INSERT {{ GRAPH ?g {{ ?s x:was ?o }} }}
    WHERE {{ GRAPH ?g {{ ?s <urn:sum> ?o FILTER(?o = 3) }} }} ;
    MOVE <urn:b> TO <{NOTES}> ; DROP GRAPH <urn:a>
    """
    answer = here.update(text)
    assert answer.status_code == 204, answer.text
    assert here.graph(NOTES) == {f"<urn:s> <urn:x:was> {ONE.replace('1', '3', 1)} ."}
    assert here.graph("urn:a") == here.graph("urn:b") == set()


def test_a_change_that_breaks_a_gate_shape_is_answered_with_the_report(here: Writers) -> None:
    """As a problem document or as SHACL, in German or English; nothing changed."""
    before = here.release
    text = f"INSERT DATA {{ GRAPH <{NOTES}> {{ <urn:unit> a ex:Unit }} }}"
    answer = here.update(text, headers={"Accept-Language": "de"})
    document = answer.get_json(force=True)
    assert answer.status_code == document["status"] == 422
    (result,) = document["results"]
    assert result["focusNode"] == "urn:unit" and result["resultMessage"] == "Name fehlt."
    report = here.update(text, headers={"Accept": "text/turtle"})
    assert report.status_code == 422 and "sh:ValidationReport" in report.text and "urn:unit" in report.text
    linked = here.update(text, headers={"Accept": "application/ld+json"})
    assert linked.status_code == 422 and "ValidationReport" in linked.text
    assert here.release == before
    whole = f"{text} ; INSERT DATA {{ GRAPH <{NOTES}> {{ <urn:unit> ex:name 'Amt' }} }}"
    assert here.update(whole).status_code == 204
    taken = f"DELETE WHERE {{ GRAPH <{NOTES}> {{ <urn:unit> ex:name ?name }} }}"
    assert here.update(taken).status_code == 422


def test_a_restricted_source_is_written_by_its_writer_and_seen_by_its_readers_alone(here: Writers) -> None:
    """The public view of the release holds no trace, also not of why it was made."""
    text = f"INSERT DATA {{ GRAPH <{SECRETS}> {{ <urn:s> ex:p 'Geheimnis-815' }} }}"
    assert here.update(text, "secrets").status_code == 204
    assert here.graph(SECRETS) == here.graph(SECRETS, "notes") == set()
    assert len(here.graph(SECRETS, "reader")) == 1
    release = here.city.releases.require_current()
    assert SECRETS not in release.manifest(View.PUBLIC).graphs and "secrets" not in release.manifest().to_json()
    public = release.path / "public"
    assert not any(b"Geheimnis-815" in path.read_bytes() for path in public.rglob("*") if path.is_file())
    copied = here.update(
        f"INSERT {{ GRAPH <{NOTES}> {{ ?s ?p ?o }} }} WHERE {{ GRAPH <{SECRETS}> {{ ?s ?p ?o }} }}", "notes"
    )
    assert copied.status_code == 204 and here.graph(NOTES) == set()


def test_who_writes_but_does_not_read_a_restricted_source_learns_nothing_of_it(here: Writers) -> None:
    """Neither by copying or moving it, nor by WHERE, nor after having written to it."""
    assert here.update(f"INSERT DATA {{ GRAPH <{SECRETS}> {{ <urn:s> ex:p 'Geheimnis' }} }}").status_code == 204
    before = here.release
    for verb in ("ADD", "COPY", "MOVE"):
        assert here.update(f"{verb} <{SECRETS}> TO <{NOTES}>", "both").status_code == 404
        text = f"INSERT DATA {{ GRAPH <{SECRETS}> {{ <urn:t> ex:p 1 }} }} ; {verb} <{SECRETS}> TO <{NOTES}>"
        assert here.update(text, "both").status_code == 404
    where = f"WHERE {{ GRAPH <{SECRETS}> {{ ?s ?p ?o }} }}"
    assert here.update(f"INSERT {{ GRAPH <{NOTES}> {{ ?s ?p ?o }} }} {where}", "both").status_code == 204
    assert here.graph(NOTES) == set() and here.release == before
    assert here.update(f"COPY <{SECRETS}> TO <https://own.example/g>", "admin").status_code == 204
    assert len(here.graph("https://own.example/g", "admin")) == 1


HIDDEN = f'INSERT DATA {{ GRAPH <{SECRETS}> {{ <urn:s> ex:p "hidden" ; ex:size 1.50 }} }}'
OPEN = f"INSERT DATA {{ GRAPH <{NOTES}> {{ <urn:s> ex:open true }} }}"


@pytest.mark.parametrize(
    "text",
    [
        f"INSERT {{ GRAPH <{NOTES}> {{ ?s ?p ?o }} }} WHERE {{ GRAPH ?g {{ ?s ?p ?o }} }}",
        f"INSERT {{ GRAPH <{NOTES}> {{ ?g ex:has ?n }} }} WHERE {{ GRAPH ?g {{ ?s ?p 'hidden' BIND(1 AS ?n) }} }}",
        f"INSERT {{ GRAPH ?t {{ ?s ?p ?o }} }} WHERE {{ BIND(<{NOTES}> AS ?t) GRAPH ?g {{ ?s ?p ?o }} }}",
        f"DELETE {{ GRAPH <{NOTES}> {{ ?s ex:open true }} }} WHERE {{ GRAPH ?g {{ ?s ex:p 'hidden' }} }}",
        "DELETE { GRAPH ?t { ?s ex:open true } } WHERE { GRAPH ?t { ?s ex:open true } GRAPH ?g { ?s ex:p ?o } }",
        f"INSERT {{ GRAPH <{NOTES}> {{ ?s ?p ?o }} GRAPH <{SECRETS}> {{ ?s ex:seen ?o }} }} "
        "WHERE { GRAPH ?g { ?s ?p ?o } }",
        f"INSERT DATA {{ GRAPH <{NOTES}> {{ <urn:t> ex:p 2 }} }} ; "
        f"DELETE DATA {{ GRAPH <{NOTES}> {{ <urn:t> ex:p 2 }} }} ; "
        f"INSERT {{ GRAPH <{NOTES}> {{ ?s ?p ?o }} }} WHERE {{ GRAPH ?g {{ ?s ?p ?o }} }}",
        f"INSERT DATA {{ GRAPH <{SECRETS}> {{ <urn:t> ex:p 'hidden' }} }} ; "
        f"INSERT {{ GRAPH <{NOTES}> {{ ?s ?p ?o }} }} WHERE {{ GRAPH ?g {{ ?s ?p ?o }} }}",
        f"INSERT {{ GRAPH <{NOTES}> {{ ?s ?p ?o }} }} WHERE {{ {{ SELECT * {{ GRAPH ?g {{ ?s ?p ?o }} }} }} }}",
        f"INSERT {{ GRAPH <{NOTES}> {{ ex:all ex:number ?n }} }} "
        "WHERE { SELECT (COUNT(*) AS ?n) { GRAPH ?g { ?s ex:p 'hidden' } } HAVING (?n > 0) }",
    ],
)
@pytest.mark.parametrize("who", ["admin", "all"])
def test_a_public_graph_takes_only_what_everybody_may_read(here: Writers, who: str, text: str) -> None:
    """Whoever writes: WHERE sees the public view where a public graph is written, whichever graph a variable names."""
    assert here.update(HIDDEN).status_code == here.update(OPEN).status_code == 204
    before, secret = here.graph(NOTES), here.graph(SECRETS, "admin")
    assert here.update(text, who).status_code == 204
    told = here.client.get("/sparql", query_string={"query": "SELECT * { ?s ?p ?o }"}).text
    assert "hidden" not in told and "source/secrets" not in told
    assert {line for line in here.graph(NOTES) if "open" in line} == before, here.graph(NOTES)
    assert secret <= here.graph(SECRETS, "admin")


@pytest.mark.parametrize(
    "text",
    [
        f"COPY <{SECRETS}> TO <{NOTES}>",
        f"COPY SILENT <{SECRETS}> TO <{NOTES}>",
        f"MOVE <{SECRETS}> TO <{NOTES}>",
        f"ADD <{SECRETS}> TO <urn:new>",
        f"ADD <{SECRETS}> TO DEFAULT",
        f"INSERT {{ GRAPH <{NOTES}> {{ ?s ?p ?o }} }} WHERE {{ GRAPH <{SECRETS}> {{ ?s ?p ?o }} }}",
        f"INSERT {{ ?s ?p ?o }} WHERE {{ GRAPH <{SECRETS}> {{ ?s ?p ?o }} }}",
        f"INSERT {{ GRAPH <{NOTES}> {{ ?s ?p ?o }} }} USING <{SECRETS}> WHERE {{ ?s ?p ?o }}",
        f"INSERT {{ GRAPH <{NOTES}> {{ ?s ?p ?o }} }} USING NAMED <{SECRETS}> WHERE {{ GRAPH ?g {{ ?s ?p ?o }} }}",
        f"WITH <{SECRETS}> INSERT {{ GRAPH <{NOTES}> {{ ?s ?p ?o }} }} WHERE {{ ?s ?p ?o }}",
        f"DELETE {{ GRAPH <{NOTES}> {{ ?s ?q ?x }} }} "
        f"WHERE {{ GRAPH <{SECRETS}> {{ ?s ?p ?o }} GRAPH <{NOTES}> {{ ?s ?q ?x }} }}",
    ],
)
def test_naming_a_restricted_graph_for_a_public_one_is_refused_with_the_reason(here: Writers, text: str) -> None:
    """Also with SILENT; who may not read it gets the answer that there is no such graph."""
    assert here.update(HIDDEN).status_code == 204
    before = here.release
    answer = here.update(text, headers={"Accept-Language": "de"})
    assert answer.status_code == 409 and answer.json is not None
    assert answer.json["type"].endswith("update-restricted") and "sources.toml" in answer.json["detail"]
    unread = here.update(text, "both")  # writes both, reads neither beyond what is public
    assert unread.status_code in (204, 403, 404) and "restricted" not in unread.text
    assert here.release == before


def test_a_restricted_graph_takes_from_everywhere(here: Writers) -> None:
    """What its writer may read, public or not; also beside a public graph in one operation, each its own part."""
    assert here.update(HIDDEN).status_code == here.update(OPEN).status_code == 204
    copied = "INSERT { GRAPH <https://own.example/g> { ?s ?p ?o } } WHERE { GRAPH ?g { ?s ?p ?o } }"
    assert here.update(copied).status_code == 204
    found = here.graph("https://own.example/g", "admin")
    assert {line for line in found if "hidden" in line} and {line for line in found if "#open" in line}
    some = f"VALUES ?g {{ <{SECRETS}> <{NOTES}> }} GRAPH ?g {{ <urn:s> ?p ?o }}"
    assert here.update(f"DELETE {{ GRAPH ?g {{ <urn:s> ?p ?o }} }} WHERE {{ {some} }}").status_code == 204
    assert not here.graph(SECRETS, "admin") and not here.graph(NOTES)
    assert here.update(f"COPY <https://own.example/g> TO <{SECRETS}>").status_code == 204
    assert here.graph(SECRETS, "admin") == found


def test_the_name_of_a_source_with_a_graph_of_its_own_makes_no_second_one(here: Writers) -> None:
    """What is meant for a restricted source never lands in a public graph that is called like it."""
    text = "INSERT DATA {{ GRAPH <{}> {{ <urn:s> ex:p 'Geheimnis' }} }}"
    assert here.update(text.format(f"{BASE}graph/source/own")).status_code == 409
    assert here.update(text.format("https://own.example/g")).status_code == 204
    assert here.graph("https://own.example/g") == set() and len(here.graph("https://own.example/g", "reader")) == 1


def test_dropping_all_leaves_what_is_not_managed(here: Writers) -> None:
    """Files, ontology, shapes, provenance and history are nobody's to drop."""
    here.update(SOME)
    graphs = set(here.city.releases.require_current().manifest(View.INTERNAL).graphs)
    assert here.update("DROP ALL").status_code == 204
    left = set(here.city.releases.require_current().manifest(View.INTERNAL).graphs)
    assert here.graph(NOTES) == set() and len(here.graph(UNITS)) > 0
    assert graphs - left <= {"urn:copy", "urn:a", "urn:b", f"{BASE}graph/source/default"}


def test_the_dataset_of_the_protocol_replaces_the_default_graph_and_may_not_be_named_twice(here: Writers) -> None:
    """Several graphs count a triple once. https://www.w3.org/TR/sparql11-protocol/#update-operation"""
    here.update("INSERT DATA { GRAPH <urn:a> { <urn:s> ex:p 1 } GRAPH <urn:b> { <urn:s> ex:p 1 ; ex:q 1 } }")
    counted = (
        f"INSERT {{ GRAPH <{NOTES}> {{ <urn:n> ex:count ?n }} }} WHERE {{ SELECT (COUNT(*) AS ?n) {{ ?s ?p ?o }} }}"
    )
    both = {"using-graph-uri": ["urn:a", "urn:b", SECRETS, f"{BASE}graph/written/notes"]}
    assert here.update(counted, "notes", query_string=both).status_code == 204
    (line,) = here.graph(NOTES)
    assert '"2"' in line
    twice = here.update(f"WITH <{NOTES}> DELETE {{ ?s ?p ?o }} WHERE {{ ?s ?p ?o }}", query_string=both)
    assert twice.status_code == 400 and "using-graph-uri" in twice.get_json(force=True)["detail"]


def test_blank_nodes_are_new_for_each_solution_and_have_names_of_their_own(here: Writers) -> None:
    """The same nameless node in the same place is the same statement: repeating it adds nothing."""
    here.update(f"INSERT DATA {{ GRAPH <{NOTES}> {{ <urn:a> ex:p 1 . <urn:b> ex:p 2 }} }}")
    text = f"WITH <{NOTES}> INSERT {{ ?s ex:has [ ex:value ?o ] }} WHERE {{ ?s ex:p ?o }}"
    assert here.update(text).status_code == 204
    found = here.graph(NOTES)
    assert len(found) == 6 and sum("_:" in line for line in found) == 4
    assert here.update(text).status_code == 204 and here.graph(NOTES) == found


def test_one_address_takes_queries_and_updates(here: Writers) -> None:
    """And each of the two forms in which an update may be sent; GET is none of them."""
    form = here.client.post("/sparql", data={"update": EX + SOME}, headers=here.headers["admin"])
    assert form.status_code == 204 and len(here.graph(NOTES)) == 1
    assert here.client.get("/sparql", query_string={"update": SOME}, headers=here.headers["admin"]).status_code == 400
    assert here.client.get("/sparql/update", headers=here.headers["admin"]).status_code == 405
    assert (
        here.client.post("/sparql/update", data={"query": "ASK {}"}, headers=here.headers["admin"]).status_code == 400
    )
    assert here.client.post("/sparql", data={"update": EX + SOME}).status_code == 401


def test_a_where_that_goes_too_far_is_killed_and_the_writer_goes_on(here: Writers) -> None:
    """The web process never evaluates it, and the next writer need not wait."""
    state = here.client.application.extensions["stadtgraph"]
    before, limits = here.release, state.queries.limits
    values = " ".join(str(i) for i in range(2000))
    cross = "".join(f"VALUES ?{v} {{ {values} }} " for v in "abcd")
    text = f"INSERT {{ GRAPH <{NOTES}> {{ <urn:n> ex:n ?n }} }} WHERE {{ SELECT (COUNT(*) AS ?n) {{ {cross} }} }}"
    state.queries.limits = type(limits)(seconds=1.0)
    try:
        answer = here.update(text)
    finally:
        state.queries.limits = limits
    assert answer.status_code == 503 and answer.get_json(force=True)["reason"] == "time", answer.text
    assert here.release == before
    assert here.update(SOME).status_code == 204


def test_writers_at_the_same_time_all_get_through_in_fewer_releases(here: Writers) -> None:
    """One that fails among them takes none with it."""
    before = len(here.city.releases.ids())
    state = here.client.application.extensions["stadtgraph"]
    answers: dict[int, int] = {}

    def one(number: int) -> None:
        client = here.client.application.test_client(use_cookies=False)
        kind = "ex:Unit" if number == 3 else "ex:Note"
        text = f"{EX} INSERT DATA {{ GRAPH <{NOTES}> {{ <urn:{number}> a {kind} }} }}"
        headers = {**here.headers["notes"], "Content-Type": "application/sparql-update"}
        while (status := client.post("/sparql/update", data=text, headers=headers).status_code) == 503:
            pass
        answers[number] = status

    with state.writer.paused():
        threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
    for thread in threads:
        thread.join()
    assert answers == {n: 422 if n == 3 else 204 for n in range(8)}
    assert len(here.graph(NOTES)) == 7
    assert len(here.city.releases.ids()) - before < 7


HOSTILE = {
    "nested groups": "DELETE { ?s ?p ?o } WHERE " + "{" * 5000 + "}" * 5000,
    "nested data": "INSERT DATA { <urn:s> ex:p " + "[ ex:p " * 5000 + "1" + " ]" * 5000 + " }",
    "nested lists": "INSERT DATA { <urn:s> ex:p " + "( " * 5000 + ") " * 5000 + " }",
    "a long path": "DELETE { ?s ex:p ?o } WHERE { ?s " + "/".join(["ex:p"] * 5000) + " ?o }",
    "many unions": "DELETE { ?s ex:p ?o } WHERE { " + " UNION ".join(["{ ?s ex:p ?o }"] * 7000) + " }",
    "many operations": "CLEAR SILENT GRAPH <urn:none> ; " * 5000,
    "many evaluations": "DELETE WHERE { ?s ex:none ?o } ; " * 200,
    "an open string": 'INSERT DATA { <urn:s> ex:p "',
    "an open bracket": "INSERT DATA { <urn:s> ex:p 1",
    "a long iri": f"INSERT DATA {{ <urn:{'x' * 100_000}> ex:p 1 }}",
    "a lone surrogate": "INSERT DATA { <urn:s> ex:p '\\uD800' }",
    "nul": "INSERT DATA { <urn:s> ex:p '\\u0000' }",
    "an iri with a line end": "INSERT DATA { <urn:s\\u000D\\u000A> ex:p 1 }",
    "a graph that is no iri": "INSERT DATA { GRAPH <relative path> { <urn:s> ex:p 1 } }",
    "a keyword in an iri": "INSERT { ?s ex:p 1 } WHERE { \\u0053ERVICE <http://127.0.0.1/> { ?s ?p ?o } }",
    "a service by a prefix": "PREFIX s: <http://127.0.0.1/> INSERT { ?s ex:p 1 } WHERE { SERVICE s: { ?s ?p ?o } }",
    "a service by a variable": "INSERT { ?s ex:p 1 } WHERE { VALUES ?e { <urn:e> } SERVICE ?e { ?s ?p ?o } }",
    "an unknown function": "INSERT { <urn:s> ex:p ?x } WHERE { BIND(<urn:f>(1) AS ?x) }",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_update_is_refused_and_the_service_goes_on(here: Writers, text: str) -> None:
    """By a bound or as malformed; nothing changed, and the next query is answered."""
    before = here.release
    answer = here.update(text)
    assert answer.status_code in (400, 503), answer.text
    assert here.release == before
    assert here.client.get("/sparql", query_string={"query": "ASK {}"}).status_code == 200


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/sparql-update", b"\xff\xfeI\x00", 400),
        ("application/sparql-update; charset=utf-16", "CLEAR ALL".encode("utf-16"), 415),
        ("text/plain", b"CLEAR ALL", 415),
        ("", b"CLEAR ALL", 415),
        ("application/x-www-form-urlencoded", b"update=CLEAR+ALL&update=CLEAR+ALL", 400),
        ("application/x-www-form-urlencoded", b"update=CLEAR+ALL&query=ASK+%7B%7D", 400),
        ("application/x-www-form-urlencoded", b"update=CLEAR+ALL&using-graph-uri=relative", 400),
        ("application/x-www-form-urlencoded", b"update=CLEAR+ALL&default-graph-uri=urn:g", 400),
        ("application/sparql-update", b"#" * 16_000_001, 413),
    ],
)
def test_a_request_that_breaks_the_protocol_is_refused(here: Writers, kind: str, body: bytes, status: int) -> None:
    """At both addresses."""
    headers = {**here.headers["admin"], "Content-Type": kind}
    for path in ("/sparql", "/sparql/update"):
        assert here.client.post(path, data=body, headers=headers).status_code == status
