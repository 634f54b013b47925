"""What is sent to endpoints, what becomes of their answers, and what is refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pyoxigraph as ox
import pytest

from endpoints import Endpoint
from federation.conftest import Town
from stadtgraph.errors import AddressRefused, NetworkError, QueryRefused, QuerySyntaxError, QueryTimeout

Serve = Callable[[str], Endpoint]
IRI = "https://example.org/sparql"
KNOWS = "".join(f"<urn:{s}> <urn:knows> <urn:{o}> . " for s, o in ("ab", "ac", "bc", "qr", "xy"))


@pytest.fixture
def other(town: Town, serve: Serve) -> Endpoint:
    """An endpoint that the town may ask."""
    found = serve(KNOWS)
    town.allow(IRI, found)
    return found


def refused(town: Town, text: str) -> str:
    """Give the reason why a query is refused; it is told in both languages."""
    with pytest.raises((QueryRefused, AddressRefused)) as caught:
        town.rewrite(text)
    assert caught.value.text("de") != caught.value.text("en")
    return caught.value.key


def test_only_what_can_join_is_asked_for(town: Town, other: Endpoint) -> None:
    """The values of shared variables go along, and nothing else of the own data."""
    found = town.answer(f"SELECT * {{ ?s <urn:p> ?o SERVICE <{IRI}> {{ ?s <urn:knows> ?t }} }}")
    assert sum(found.values()) == 3
    assert other.queries == ["SELECT ?s ?t WHERE { " + _values("s", "c", "b", "a") + " ?s <urn:knows> ?t }"]


def _values(name: str, *nodes: str) -> str:
    return f"VALUES (?{name}) {{ {' '.join(f'(<urn:{node}>)' for node in nodes)} }}"


def test_many_values_are_sent_in_batches_and_too_many_are_not(town: Town, other: Endpoint) -> None:
    """Two batches of two for three values; with a bound of two, everything is asked for once."""
    text = f"SELECT ?s ?t {{ ?s <urn:p> ?o SERVICE <{IRI}> {{ ?s <urn:knows> ?t }} }}"
    town.settings = {"batch": 2}
    found = town.answer(text)
    assert [query.count("(<urn:") for query in other.queries] == [2, 1]
    town.settings = {"bindings": 2}
    assert town.answer(text) == found
    assert "VALUES" not in other.queries[-1]


def test_values_come_also_from_behind_the_clause_and_from_filters(town: Town, other: Endpoint) -> None:
    """SERVICE is often written first."""
    town.answer(f"SELECT * {{ SERVICE <{IRI}> {{ ?s <urn:knows> ?t }} ?s <urn:p> ?o FILTER(?o = 'x') }}")
    assert other.queries[0].count("(<urn:") == 1


def test_an_endpoint_that_cannot_add_anything_is_not_asked(town: Town, other: Endpoint) -> None:
    """There are no values to send."""
    found = town.rewrite(f"SELECT * {{ ?s <urn:none> ?o SERVICE <{IRI}> {{ ?s <urn:knows> ?t }} }}")
    assert (other.queries, found.asked) == ([], ())


def test_only_columns_that_the_query_uses_are_asked_for(town: Town, other: Endpoint) -> None:
    """And the number of solutions stays what it was."""
    found = town.answer(f"SELECT (COUNT(?u) AS ?n) {{ SERVICE <{IRI}> {{ ?u <urn:knows> ?v }} }}")
    assert list(found) == ['n="5"^^<http://www.w3.org/2001/XMLSchema#integer>']
    assert other.queries == ["SELECT ?u WHERE { ?u <urn:knows> ?v }"]
    found = town.answer(f"SELECT ('x' AS ?n) {{ SERVICE <{IRI}> {{ ?u <urn:knows> ?v }} }}")
    assert sum(found.values()) == 5


def test_prefixes_and_base_go_along_and_comments_do_not(town: Town, other: Endpoint) -> None:
    """What is sent stands on its own."""
    prologue = "BASE <https://base.example/> PREFIX u: <urn:> PREFIX unused: <urn:u> "
    town.answer(
        f"{prologue} SELECT * {{ SERVICE#\n<{IRI}> {{ # secret\n u:a u:knows ?t . OPTIONAL {{ <x> u:p ?z }} }} }}"
    )
    (sent,) = other.queries
    assert sent.startswith("BASE <https://base.example/>\nPREFIX u: <urn:>\nSELECT ")
    assert "secret" not in sent and "unused" not in sent


@pytest.mark.parametrize(
    ("values", "is_sent"),
    [
        ("'x' 'y'", True),
        ("'x'@en 'y'@de", True),
        ("<urn:a> 'x'", True),
        ("1 2", False),
        ("1.50", False),
        ("'2020-01-01'^^<http://www.w3.org/2001/XMLSchema#date>", False),
        ("<urn:a> UNDEF", False),
    ],
)
def test_only_values_that_are_written_in_one_way_are_sent(town: Town, serve: Serve, values: str, is_sent: bool) -> None:
    """Numbers may be written otherwise there; the answer is the same, only more is asked for."""
    found = serve("<urn:x> <urn:v> 'x' . <urn:x> <urn:v> 1 . <urn:x> <urn:v> 1.5 .")
    town.allow(IRI, found)
    town.answer(f"SELECT * {{ VALUES ?v {{ {values} }} SERVICE <{IRI}> {{ ?s <urn:v> ?v }} }}")
    assert ("VALUES" in found.queries[0]) == is_sent


def test_random_values_are_never_sent(town: Town, other: Endpoint) -> None:
    """They would be others when the query runs."""
    text = f"SELECT * {{ ?s <urn:p> ?o BIND(UUID() AS ?r) ?s <urn:p> ?x SERVICE <{IRI}> {{ ?s <urn:knows> ?r }} }}"
    town.answer(text)
    assert "?r)" not in other.queries[0].split("}")[0]


def test_values_of_restricted_graphs_stay_here_unless_the_service_may_have_them(town: Town, other: Endpoint) -> None:
    """A caller who may read them does not pass them on by a join."""
    text = f"SELECT * {{ ?s <urn:p> ?o SERVICE <{IRI}> {{ ?s <urn:knows> ?t }} }}"
    town.internal = True
    found = town.answer(text)
    assert "urn:a" not in other.queries[0]
    town.services[0] = town.services[0].__class__("x", other.address, IRI, private=True, internal=True)
    assert town.answer(text) == found
    assert "urn:a" in other.queries[1]


def test_blank_nodes_become_names_of_their_own_answer(town: Town, serve: Serve) -> None:
    """The same node in one answer, never the same in two, and none of ours."""
    found = serve("[] <urn:p> 1 , 2 . [] <urn:p> 3 .")
    town.allow(IRI, found)
    text = f"SELECT ?b {{ SERVICE <{IRI}> {{ ?b <urn:p> ?v }} }}"
    first, second = town.answer(text), town.answer(text)
    assert sorted(first.values()) == [1, 2]
    assert not set(first) & set(second)
    assert all(".well-known/genid/" in line for line in first)


HOSTILE = [
    '"} INSERT DATA { <urn:x> <urn:x> <urn:x> } #',
    "\\",
    "'''",
    "\n}\u0000",
    "> . } #",
    "\u202e",
    "?x",
    '"^^<urn:x>',
]


def test_no_value_breaks_out_of_its_place(town: Town, serve: Serve) -> None:
    """Whatever a literal holds comes out as it is."""
    store = ox.Store()
    for number, text in enumerate(HOSTILE):
        store.add(ox.Quad(ox.NamedNode(f"urn:h{number}"), ox.NamedNode("urn:v"), ox.Literal(text)))
        store.add(ox.Quad(ox.NamedNode(f"urn:h{number}"), ox.NamedNode("urn:v"), ox.Literal(text, language="en")))
    found = serve("")
    found.store = store
    town.allow(IRI, found)
    result = town.store.query(town.rewrite(f"SELECT ?v {{ SERVICE <{IRI}> {{ ?h <urn:v> ?v }} }}").text)
    assert isinstance(result, ox.QuerySolutions)
    assert Counter(row["v"].value for row in result) == Counter(HOSTILE * 2)


@pytest.mark.parametrize("method", ["post", "get", "direct"])
@pytest.mark.parametrize("form", ["json", "xml"])
def test_every_way_of_asking_gives_the_same(town: Town, serve: Serve, method: str, form: str) -> None:
    """Form, query string, plain body; JSON and XML."""
    found = serve(KNOWS)
    found.format = form
    town.allow(IRI, found, method=method)
    assert sum(town.answer(f"SELECT * {{ SERVICE <{IRI}> {{ ?s <urn:knows> ?t }} }}").values()) == 5


def test_credentials_come_from_the_environment(town: Town, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """They stand in no file, and a missing one is told to the operator."""
    found = serve(KNOWS)
    town.allow(IRI, found, authorization="CITY_SECRET")
    text = f"SELECT * {{ SERVICE SILENT <{IRI}> {{ ?s <urn:knows> ?t }} }}"
    assert refused(town, text) == "federation-credentials"
    monkeypatch.setenv("CITY_SECRET", "Bearer x")
    town.answer(text)
    assert found.headers[0]["Authorization"] == "Bearer x"


def test_an_endpoint_may_be_written_by_its_address_and_its_name(town: Town, other: Endpoint) -> None:
    """What queries elsewhere write works here."""
    for iri in (IRI, other.address):
        assert town.answer(f"SELECT ?t {{ SERVICE <{iri}> {{ <urn:a> <urn:knows> ?t }} }}")


def test_what_an_endpoint_understands_itself_is_left_to_it(town: Town, serve: Serve) -> None:
    """Label services, for example; only where the operator lists them."""
    found = serve(KNOWS)
    label = "http://wikiba.se/ontology#label"
    found.status = 503
    town.allow(IRI, found, inner=(label,))
    text = f"SELECT * {{ SERVICE SILENT <{IRI}> {{ ?s <urn:knows> ?t SERVICE <%s> {{ <urn:l> <urn:l> 'de' }} }} }}"
    town.rewrite(text % label)
    assert f"SERVICE <{label}>" in found.queries[0]
    assert refused(town, text % "http://wikiba.se/ontology#other") == "federation-not-listed"


# What SILENT hides: failures of the other side. What it never hides: what is forbidden here.


def test_silent_turns_a_failure_into_one_empty_solution(town: Town, other: Endpoint) -> None:
    """And without SILENT it is an error that tells no word of the other side."""
    text = f"SELECT * {{ ?s <urn:p> ?o SERVICE %s <{IRI}> {{ ?s <urn:knows> ?t }} }}"
    other.status = 500
    found = town.rewrite(text % "SILENT")
    assert (found.asked, found.failed) == (("service-1",), frozenset({"service-1"}))
    assert sum(town.answer(text % "SILENT").values()) == 3
    with pytest.raises(NetworkError) as caught:
        town.rewrite(text % "")
    assert caught.value.key == "net-status"
    assert "secret" not in caught.value.text()


@pytest.mark.parametrize("silent", ["", "SILENT"])
@pytest.mark.parametrize(
    ("pattern", "key"),
    [
        ("SERVICE S <https://elsewhere.example/> { ?s ?p ?o }", "federation-not-listed"),
        ("OPTIONAL { SERVICE S <https://elsewhere.example/> { ?s ?p ?o } }", "federation-not-listed"),
        ("{ SERVICE S <x> { ?s ?p ?o } } UNION { }", "federation-not-listed"),
        ("SERVICE S <IRI> { SERVICE S <urn:x> { ?s ?p ?o } }", "federation-not-listed"),
        ("SERVICE S <https://EXAMPLE.org/sparql> { ?s ?p ?o }", "federation-not-listed"),
        ("SERVICE S <https://example.org/sparql/../sparql?> { ?s ?p ?o }", "federation-not-listed"),
        ("SERVICE S <http://127.0.0.1/> { ?s ?p ?o }", "federation-not-listed"),
        ("SERVICE S ?v { ?s ?p ?o }", "federation-variable"),
        ("OPTIONAL { ?v <urn:q> ?w } SERVICE S ?v { ?s ?p ?o }", "federation-variable"),
        ("VALUES ?v { <urn:1> <urn:2> <urn:3> <urn:4> } SERVICE S ?v { ?s ?p ?o }", "federation-variable-many"),
        ("?v <urn:p> ?w SERVICE S ?v { ?s ?p ?o }", "federation-not-listed"),
        ("VALUES ?v { <urn:x> } SERVICE S ?v { ?s ?p ?o }", "federation-not-listed"),
        ("VALUES ?v { 'x' } SERVICE S ?v { ?s ?p ?o }", "federation-variable"),
        ("VALUES ?v { <IRI> UNDEF } SERVICE S ?v { ?s ?p ?o }", "federation-variable"),
        ("VALUES ?v { <IRI> } SERVICE S ?v { SERVICE <IRI> { } }", "federation-variable-nested"),
        ("SERVICE <IRI> { VALUES ?v { <IRI> } SERVICE S ?v { } }", "federation-variable-nested"),
        ("FILTER EXISTS { SERVICE S <IRI> { ?s <urn:p> ?o FILTER(?z > 1) } } ?z ?p ?o", "federation-exists"),
        ("BIND(EXISTS { SERVICE S <IRI> { ?s <urn:p> ?o } } AS ?b)", "federation-place"),
        ("LATERAL { SERVICE S <IRI> { ?s <urn:p> ?o } }", "federation-place"),
        ("GRAPH ?g { SERVICE S <IRI> { ?s <urn:p> ?o } }", "federation-graph"),
    ],
)
def test_what_is_forbidden_is_told_whether_silent_or_not(
    town: Town, other: Endpoint, silent: str, pattern: str, key: str
) -> None:
    """Nobody is asked, and the error says why."""
    assert refused(town, f"SELECT * {{ {pattern.replace(' S ', f' {silent} ').replace('<IRI>', f'<{IRI}>')} }}") == key
    assert other.queries == []


def test_a_query_has_a_bound_of_clauses(town: Town, other: Endpoint) -> None:
    """Each is a request to somebody else."""
    assert refused(town, f"SELECT * {{ {f'SERVICE <{IRI}> {{ }} ' * 21} }}") == "federation-many"
    assert other.queries == []


@pytest.mark.parametrize("clause", ["HAVING(EXISTS {{ {s} }})", "ORDER BY (EXISTS {{ {s} }})"])
def test_a_clause_outside_of_the_pattern_is_refused(town: Town, other: Endpoint, clause: str) -> None:
    """There is no group to put its solutions into."""
    tail = clause.format(s=f"SERVICE <{IRI}> {{ ?s <urn:p> ?o }}")
    assert refused(town, f"SELECT ?s {{ ?s <urn:p> ?x }} GROUP BY ?s {tail}") == "federation-place"


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * {{ SERVICE <{iri}> {{ ?s ?p }} }}",
        "SELECT * {{ SERVICE <{iri}> ?s ?p ?o }}",
        "SELECT * {{ SERVICE <{iri}> {{ ?s ?p ?o }}",
        "SELECT * {{ SERVICE {{ ?s ?p ?o }} }}",
        "SELECT * {{ SERVICE SILENT SILENT <{iri}> {{ ?s ?p ?o }} }}",
        "SELECT * {{ SERVICE 'x' {{ ?s ?p ?o }} }}",
        "SELECT * {{ SERVICE <{iri}> <{iri}> {{ ?s ?p ?o }} }}",
        "SELECT * {{ SERVICE <{iri}> {{ ?s ?p ?o }} }} SERVICE",
        "SELECT * {{ _:a <urn:p> ?x SERVICE <{iri}> {{ _:a <urn:q> ?y }} }}",
        "SELECT * {{ SERVICE <{iri}> {{ ?s ?p ?o }} BIND(1 AS ?s) }}",
        "ASK {{ FILTER SERVICE <{iri}> {{ ?s ?p ?o }} }}",
        "SERVICE <{iri}> {{ }}",
        "CONSTRUCT {{ SERVICE <{iri}> {{ ?s ?p ?o }} }} WHERE {{ }}",
    ],
)
def test_what_is_no_sparql_is_told_before_anybody_is_asked(town: Town, other: Endpoint, text: str) -> None:
    """Unbalanced, misplaced, or with a blank node on both sides."""
    with pytest.raises((QuerySyntaxError, QueryRefused, SyntaxError)):
        town.rewrite(text.format(iri=IRI))
    assert other.queries == []


def test_an_address_that_is_not_public_is_refused_even_though_it_is_listed(town: Town, serve: Serve) -> None:
    """The list names addresses; whether they may be private is said beside each."""
    found = serve(KNOWS)
    town.allow(IRI, found, private=False)
    assert refused(town, f"SELECT * {{ SERVICE SILENT <{IRI}> {{ ?s ?p ?o }} }}") == "federation-address"
    assert found.queries == []


@pytest.mark.parametrize("silent", ["", "SILENT"])
def test_more_rows_than_the_bound_are_refused_and_never_cut(town: Town, other: Endpoint, silent: str) -> None:
    """A cut answer would look like a whole one."""
    town.settings = {"rows": 4}
    assert refused(town, f"SELECT * {{ SERVICE {silent} <{IRI}> {{ ?s <urn:knows> ?t }} }}") == "federation-rows"
    town.settings = {"rows": 5}
    town.answer(f"SELECT * {{ SERVICE {silent} <{IRI}> {{ ?s <urn:knows> ?t }} }}")
    town.settings = {"rows": 2, "batch": 1}
    text = f"SELECT * {{ ?s <urn:p> ?o SERVICE {silent} <{IRI}> {{ ?s <urn:knows> ?t }} }}"
    assert refused(town, text) == "federation-rows"


@pytest.mark.parametrize("silent", ["", "SILENT"])
def test_more_bytes_than_the_bound_are_refused(town: Town, other: Endpoint, silent: str) -> None:
    """And never hidden."""
    town.settings = {"bytes": 100}
    assert refused(town, f"SELECT * {{ SERVICE {silent} <{IRI}> {{ ?s <urn:knows> ?t }} }}") == "federation-bytes"
    town.settings = {"bytes": 900}
    clause = f"{{ SERVICE {silent} <{IRI}> {{ ?s <urn:knows> ?t }} }}"
    assert refused(town, f"SELECT * {{ {' UNION '.join([clause] * 3)} }}") == "federation-bytes"


def test_the_whole_query_has_one_deadline(town: Town, other: Endpoint) -> None:
    """Even where each part of it has time left."""
    town.seconds = 0.0
    with pytest.raises(QueryTimeout):
        town.rewrite(f"SELECT * {{ SERVICE SILENT <{IRI}> {{ ?s <urn:knows> ?t }} }}")


def test_an_endpoint_that_is_silent_for_too_long_fails_alone(town: Town) -> None:
    """The query goes on in time where that is wanted."""
    from listening import endless, listening

    with listening(endless(b"", b"", 0.1)) as slow:
        town.allow(IRI, slow.address)
        town.settings = {"seconds": 0.3}
        assert sum(town.answer(f"SELECT * {{ ?s <urn:p> ?o SERVICE SILENT <{IRI}> {{ ?s ?p ?t }} }}").values()) == 3
        with pytest.raises(NetworkError) as caught:
            town.rewrite(f"SELECT * {{ ?s <urn:p> ?o SERVICE <{IRI}> {{ ?s ?p ?t }} }}")
    assert caught.value.key == "net-time"


@pytest.mark.parametrize("form", ["ASK", "CONSTRUCT { ?s <urn:x> ?t } WHERE", "DESCRIBE ?s", "DESCRIBE * WHERE"])
def test_every_query_form_may_ask(town: Town, other: Endpoint, form: str) -> None:
    """Not only SELECT."""
    found = town.rewrite(f"{form} {{ ?s <urn:p> ?o SERVICE <{IRI}> {{ ?s <urn:knows> ?t }} }}")
    result = town.store.query(found.text)
    assert bool(result) if isinstance(result, ox.QueryBoolean) else len(list(result)) > 0  # type: ignore[arg-type]


def test_the_own_data_are_asked_no_more_than_needed(town: Town, other: Endpoint) -> None:
    """Once to see that it is SPARQL, once for the values."""
    town.rewrite(f"SELECT * {{ ?s <urn:p> ?o SERVICE <{IRI}> {{ ?s <urn:knows> ?t }} }}")
    assert town.local == [
        f"SELECT * {{ ?s <urn:p> ?o {' ' * len(f'SERVICE <{IRI}> ')}{{ ?s <urn:knows> ?t }} }}",
        "SELECT DISTINCT ?s WHERE { ?s <urn:p> ?o }",
    ]
