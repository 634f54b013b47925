"""Known nodes in the place of variables: the same answers, whatever the query and the data; less to walk through."""

from __future__ import annotations

from collections import Counter
from functools import partial

import pyoxigraph as ox
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtgraph.errors import QuerySyntaxError
from stadtgraph.query import Place, Pool, PoolSettings, Queries, plan
from stadtgraph.query.anchors import LONGEST, NOWHERE, anchored
from stadtgraph.query.pool import Worker
from stadtgraph.query.worker import Stores, _ends, _result
from stadtgraph.sparql.protocol import Operation, Request
from stadtgraph.store import OxigraphEngine

BASE = "http://e/"
ASK = Worker.ask
TURTLE = """
@base <http://e/> .
<t1> <number> 1 ; <in> <s1> ; <by> <u1> . <t2> <number> 2 ; <in> <s1> ; <by> <u2> .
<t3> <number> 3 ; <in> <s2> ; <by> <u1> . <t4> <number> 4 ; <in> <s2> ; <by> <u2> ; <near> <t1> .
<s1> <label> "Am Anger"@de ; <label> "one" . <s2> <label> "Am Anger"@de ; <label> "two" .
<u1> <label> "KSJ" . <u2> <label> "SWJ"^^<http://www.w3.org/2001/XMLSchema#string> ; <parent> <u1> .
<t5> <number> 1.0 , true ; <in> [ <label> "nameless" ] .
"""


@pytest.fixture(scope="module")
def store() -> ox.Store:
    """Trees in two streets, their units, and labels that one or two nodes have."""
    found = ox.Store()
    found.load(TURTLE, ox.RdfFormat.TURTLE)
    found.load("<http://e/t1> <http://e/by> <http://e/u2> .", ox.RdfFormat.TURTLE, to_graph=ox.NamedNode("http://e/g"))
    return found


def rewritten(store: ox.Store, text: str) -> str:
    """Rewrite a query for the default graph of a store."""
    engine = OxigraphEngine.__new__(OxigraphEngine)
    engine.store = store
    return anchored(text, BASE, partial(_ends, engine))


def answer(store: ox.Store, text: str) -> Counter[str] | bool:
    """Give the solutions or triples of a query as often as they are there."""
    found = store.query(text, base_iri=BASE)
    if isinstance(found, ox.QueryBoolean):
        return bool(found)
    if isinstance(found, ox.QueryTriples):
        return Counter(map(str, found))
    names = found.variables
    return Counter(" ".join(f"{n}={row[n]}" for n in names) for row in found)


CHAIN = "?a <number> 1 . ?a <in> ?s . ?b <in> ?s . ?b <by> ?u . ?c <by> ?u . ?c <number> 3"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            f"SELECT * {{ {CHAIN} }}",
            "SELECT * { ?a <number> 1 .  <http://e/t1>  <in> ?s . ?b <in>  <http://e/s1>  . ?b <by>  <http://e/u1>  . "
            " <http://e/t3>  <by> ?u . ?c <number> 3 }",
        ),
        (
            'SELECT * { ?u <label> "SWJ" ; <parent> ?p FILTER(true) ?t <by> ?u . ?t <number> 2 , ?n }',
            '<by>  <http://e/u2>  .  <http://e/t2>  <number> 2 , ?n . ?t <http://e/number> "2"^^<',
        ),
        ("SELECT * { ?a <number> 9 . ?a <in> ?s . ?b <in> ?s . ?b <number> 3 }", str(NOWHERE)),
        (
            f"PREFIX e: <{BASE}> SELECT * {{ $a e:number 1 ; e:in ?s . ?b e:in $s ; e:number 2 . ?b ?p ?o }}",
            "<http://e/s1>",
        ),
        (f"SELECT * {{ OPTIONAL {{ {CHAIN} }} }}", "<http://e/t3>"),
        (f"SELECT * {{ {{ SELECT ?u {{ {CHAIN} }} }} UNION {{ ?x ?y ?z }} }}", "<http://e/t3>"),
    ],
)
def test_what_is_known_is_written_where_its_variable_stands(store: ox.Store, text: str, expected: str) -> None:
    """Numbers and names that one node has, and what only that one is linked with."""
    found = rewritten(store, text)
    assert found != text and expected in found
    assert answer(store, found) == answer(store, text)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * { ?a <number> 1 . ?b <number> 2 }",  # too small
        "SELECT * { ?a <number> 1 . ?a <in> ?s . ?b <in> ?s }",  # one end
        '?a <label> "Am Anger"@de . ?b <in> ?a . ?b <by> ?u . ?u <label> "nobody"@de',  # no query
        'SELECT * { ?a <label> "Am Anger"@de . ?b <in> ?a . ?b <by> ?u . ?v <label> "Am Anger"@de }',  # two nodes
        'SELECT * { ?n <label> "nameless" . ?t <in> ?n . ?m <label> "nameless" }',  # a blank node
        f"SELECT * {{ GRAPH <g> {{ {CHAIN} }} }}",
        f"SELECT * {{ ?a ?b ?c FILTER EXISTS {{ {CHAIN} }} }}",
        f"SELECT * {{ {CHAIN} . ?a <in>/<label> ?l }}",
        f"SELECT * {{ {CHAIN} . ?a <in> [] }}",
        f"SELECT * {{ {CHAIN} . ?a <in> ( ?s ) }}",
        f"SELECT * {{ {CHAIN} . ?a unknown:prefix ?s }}",
        f"SELECT * {{ {CHAIN} . <<( ?a <in> ?s )>> ?p ?o }}",
        f"SELECT * {{ {CHAIN} . ?a <number> -1 }}",
        f"SELECT * {{ {CHAIN} }} # {'x' * LONGEST}",
        f"SELECT * {{ {CHAIN}",
        "SELECT",
        "",
        "}{",
    ],
)
def test_anything_else_stays_as_it_is(store: ox.Store, text: str) -> None:
    """Nothing is guessed."""
    assert rewritten(store, text) == text


NODES = st.sampled_from(["?a", "?b", "?c", "$d", "<t1>", "<s1>", "<u1>", '"KSJ"', '"Am Anger"@de', "1", "3", "9"])
LIKELY = st.sampled_from(
    [
        "?a <number> 1",
        "?c <number> 3",
        "?b <number> ?n",
        "?a <in> ?s",
        "?b <in> ?s",
        "?c <in> ?d",
        "?a <by> ?u",
        "?b <by> ?u",
        "?c <by> ?u",
        '?u <label> "KSJ"',
        "?s <label> ?l",
        '?s <label> "one"',
        '?s <label> "Am Anger"@de',
        "<t1> <in> ?s",
        "?c <near> ?a",
        "?u <parent> ?v",
        "<t2> <number> ?n",
    ]
)
PATTERNS = LIKELY | st.tuples(
    st.sampled_from(["?a", "?b", "?c", "?d", "<t1>", "<t4>", "<u1>"]),
    st.sampled_from(["<number>", "<in>", "<by>", "<label>", "<near>", "<parent>", "?p", "a", "<in>*", "^<by>"]),
    NODES,
).map(" ".join)
ENDS = st.sampled_from([" . "] * 8 + [" ; <in> ?s . ", " , ?a . "])
RUNS = st.lists(st.tuples(PATTERNS, ENDS).map("".join), min_size=2, max_size=6).map(
    lambda run: "".join(run).rstrip(". ")
)
GROUPS = st.recursive(
    RUNS,
    lambda inner: st.tuples(
        st.sampled_from(
            [
                "{0} . {1}",
                "{0} FILTER(?a != ?b) {1}",
                "{0} OPTIONAL {{ {1} }}",
                "{0} MINUS {{ {1} }}",
                "{{ {0} }} UNION {{ {1} }}",
                "{0} FILTER EXISTS {{ {1} }}",
                "{0} FILTER NOT EXISTS {{ {1} }}",
                "{{ SELECT ?a ?c {{ {0} }} LIMIT 1000 }} {1}",
                "{0} BIND(?a AS ?e) {{ {1} }}",
                "VALUES ?a {{ <t1> <t3> UNDEF }} {0} . {1}",
                "{0} LATERAL {{ {1} }}",
                "GRAPH <g> {{ {0} }} {1}",
            ]
        ),
        inner,
        inner,
    ).map(lambda part: part[0].format(part[1], part[2])),
    max_leaves=3,
)
FORMS = st.sampled_from(
    [
        "SELECT * {{ {} }}",
        "SELECT DISTINCT ?a ?b {{ {} }}",
        "ASK {{ {} }}",
        "CONSTRUCT {{ ?a <p> ?c }} {{ {} }}",
        "SELECT ?u (COUNT(*) AS ?n) {{ {} }} GROUP BY ?u",
    ]
)


@given(FORMS, GROUPS)
def test_every_query_has_the_answer_it_had(store: ox.Store, form: str, group: str) -> None:
    """As often as before, with the same variables; what the engine refuses it refuses as before."""
    text = form.format(group)
    try:
        expected = answer(store, text)
    except (SyntaxError, RuntimeError):
        return
    assert answer(store, rewritten(store, text)) == expected


def test_a_worker_asks_the_dataset_that_the_query_asks(place: Place) -> None:
    """What is unique in one graph may not be so in the merge."""
    assert isinstance(place.engine, OxigraphEngine)
    text = "SELECT * { <urn:x> <urn:p> ?y . ?y <urn:p> ?z . ?z <urn:p> <urn:x> . ?x <urn:only> 'a' . ?x <urn:p> ?w }"
    graphs = place.engine.graphs()
    stores = Stores()
    for default in (None, [graphs[0].value], [g.value for g in graphs[:2]], []):
        request = {
            "path": str(place.engine.path),
            "state": "x",
            "base": BASE,
            "text": text,
            "named": [],
            "default": default,
        }
        with _result(request | {"join": True}, stores) as found, _result(request | {"join": False}, stores) as expected:
            assert isinstance(found, ox.QuerySolutions) and isinstance(expected, ox.QuerySolutions)
            assert sorted(map(str, found)) == sorted(map(str, expected))


@pytest.mark.parametrize(
    ("text", "is_join"),
    [
        (f"SELECT * {{ {CHAIN} }}", True),
        ("SELECT * { <t1> <in> ?s . ?b <in> ?s . ?b <by> <u1> }", True),
        ("SELECT * { ?t <in> <s1> ; <by> ?u ; <number> ?n }", False),
        ("SELECT * { <t1> ?p ?o }", False),
    ],
)
def test_only_joins_with_two_ends_are_looked_at(
    place: Place, text: str, is_join: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading the others would take time for nothing."""
    queries, asked = Queries(pool=Pool(PoolSettings(size=1))), list[bool]()
    monkeypatch.setattr(Worker, "ask", lambda self, request: (asked.append(request["join"]), ASK(self, request))[1])
    b"".join(queries.run(plan(Request(Operation.QUERY, text, format="json"), BASE), place).blocks)
    queries.close()
    assert asked == [is_join]


def test_where_a_query_is_wrong_is_told_of_the_text_as_it_was_asked(place: Place) -> None:
    """Not of the one that was made of it."""
    assert isinstance(place.engine, OxigraphEngine)
    only = "?x <urn:only> 'a' . ?x <urn:p> ?y . ?v <urn:p> ?x . ?w <urn:only> 'a'"
    texts = [
        f"SELECT * {{ {only} }} GROUP BY ?x HAVING (COUNT(",
        f"SELECT ?q (COUNT(*) AS ?n) {{ {only} }} GROUP BY ?z",
    ]
    for text in texts:
        found = []
        for join in (True, False):
            request = {"path": str(place.engine.path), "state": "x", "base": BASE, "text": text, "join": join}
            with pytest.raises(QuerySyntaxError) as caught, _result(request | {"named": [], "default": None}, Stores()):
                pass
            found.append(caught.value.text())
        assert found[0] == found[1]


WORDS = (
    'SELECT ASK CONSTRUCT DESCRIBE WHERE * { } ( ) [ ] {| |} <<( )>> << >> . ; , ?a ?b $c <p> <number> a "x" 1 -1 @de',
    "^^ <http://e/t> e:x : OPTIONAL UNION MINUS FILTER EXISTS NOT GRAPH SERVICE SILENT LATERAL BIND AS VALUES UNDEF",
    "GROUP BY PREFIX e: BASE true FALSE / | ^ + ? ! ~ _:b []",
)
SOUP = st.lists(st.sampled_from([word for line in WORDS for word in line.split()]), max_size=40).map(" ".join)


@given(SOUP)
def test_no_text_makes_it_fail(store: ox.Store, text: str) -> None:
    """What the engine will refuse is for the engine to refuse."""
    assert isinstance(rewritten(store, text), str)
    assert isinstance(rewritten(store, f"SELECT * {{ {CHAIN} . {text} }}"), str)
