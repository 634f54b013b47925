"""Why a statement holds: from Python, on the command line and over HTTP, down to file and line of what is stated."""

from __future__ import annotations

import json

import pytest
from flask.testing import FlaskClient

from stadtgraph import City
from stadtgraph.city.deriving import rule_name
from stadtgraph.cli import main
from stadtgraph.errors import NotFound, StadtgraphError, UsageError
from stadtgraph.release import View
from stadtgraph.web.app import create_app
from town import SECRET, Town

EX = "https://town.example/ns#"
CHAIN = f"<id/unit/a> <{EX}partOf> <id/unit/c>"
TYPE = f"<id/tree/1> a <{EX}Plant> ."


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """A town of units and trees, with restricted plans."""
    made = Town(tmp_path_factory.mktemp("town"))
    made.plans()
    made.build()
    return made


@pytest.fixture
def client(town: Town) -> FlaskClient:
    """Anybody."""
    return create_app(town.city, testing=True).test_client()


def _places(town: Town, statement: str, view: View = View.PUBLIC) -> list[tuple[str, tuple[int, ...], list[str]]]:
    with City(town.city_folder) as city:
        found = city.explain(statement, view=view)
        return [
            (step.rule, step.uses, [entry.place for entry in stated])
            for step, stated in zip(found.steps, found.stated, strict=True)
        ]


def test_a_chain_is_led_to_the_lines_of_the_register(town: Town) -> None:
    """Both links stand in the file of the units, the axiom in the ontology."""
    assert _places(town, CHAIN) == [
        ("asserted", (), ["units.ttl, line 3"]),
        ("asserted", (), ["units.ttl, line 4"]),
        ("asserted", (), ["town.ttl, line 6"]),
        ("prp-trp", (0, 1, 2), []),
    ]


def test_a_type_is_led_to_the_table_and_the_axiom(town: Town) -> None:
    """What a mapping made is led to its file."""
    (stated, axiom, concluded) = _places(town, TYPE)
    assert stated[0] == axiom[0] == "asserted" and stated[2][0].startswith("trees.csv")
    assert axiom[2] == ["town.ttl, line 5"] and concluded[:2] == ("rdfs9", (0, 1))


def test_what_is_stated_is_its_own_derivation(town: Town) -> None:
    """One step, with its place; a literal is found whatever form it was written in."""
    assert _places(town, f'<id/unit/c> <{EX}size> "1.50"^^xsd:decimal') == [("asserted", (), ["units.ttl, line 5"])]


def test_every_rule_has_a_name_in_both_languages(town: Town) -> None:
    """The steps are told in the language of the reader."""
    with town.city as city:
        german, english = ("\n".join(city.explain(CHAIN, lang=lang).lines(lang)) for lang in ("de", "en"))
    assert "Glied für Glied (prp-trp): 1, 2, 3" in german and "Einheiten, units.ttl, Zeile 3" in german
    assert "link by link (prp-trp): 1, 2, 3" in english
    rules = ["asserted", "linked", "placed", "rdfs2", "rdfs3", "rdfs5", "rdfs7", "rdfs9", "rdfs11", "prp-inv"]
    rules += ["prp-symp", "prp-trp", "scm-eqc1", "scm-eqp1", "scm-eqc2", "scm-int", "scm-uni", "scm"]
    assert all(rule_name(rule, "de") != rule_name(rule, "en") for rule in rules)


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        (f"<id/unit/c> <{EX}partOf> <id/unit/a>", NotFound),
        ("<id/plan/1> rdfs:label ?x", UsageError),
        ("<id/a> a <id/b> . <id/c> a <id/d>", UsageError),
        ("[] a <id/b>", UsageError),
        ("<id/a> a <<( <id/a> a <id/b> )>>", UsageError),
        ("", UsageError),
        ("<id/a> a " + "<id/b>" * 9000, UsageError),
        ("<id/a> <id/p> 'x\ud800'", UsageError),
        ("<id/a> <id/b> " + "(" * 7000, UsageError),
        ("<id/a> <id/b> " + "<<( <a:a> a " * 400 + "<a:c>" + " )>>" * 400, UsageError),
        ("PREFIX org: <http://evil/> <id/a> a", UsageError),
    ],
)
def test_what_cannot_be_explained_is_refused(town: Town, statement: str, problem: type[StadtgraphError]) -> None:
    """What does not hold, what is no triple, several triples, and nodes without a name."""
    with town.city as city, pytest.raises(problem) as caught:
        city.explain(statement)
    assert caught.value.text("de") != caught.value.text("en")


def test_the_restricted_is_explained_to_insiders_alone(town: Town) -> None:
    """To others the statement is not there."""
    statement = f"<id/plan/1> rdfs:label '{SECRET}'"
    with town.city as city:
        with pytest.raises(NotFound):
            city.explain(statement)
        assert city.explain(statement, view=View.INTERNAL).steps[-1].rule == "rdfs7"


def test_the_command_explains_a_statement(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    """The same command that explains findings tells the two apart."""
    assert main(["explain", CHAIN, "--city", str(town.city_folder), "--lang", "en"]) == 0
    out = capsys.readouterr().out
    assert "units.ttl, line 3" in out and "link by link (prp-trp): 1, 2, 3" in out
    assert main(["explain", "<id/unit/a> a", "--city", str(town.city_folder), "--lang", "en"]) == 2


def test_the_endpoint_gives_the_same_derivation(town: Town, client: FlaskClient) -> None:
    """As JSON in the reader's language, with a tag; what is wrong is a problem document."""
    answer = client.get("/sparql/explain", query_string={"statement": CHAIN, "lang": "de"})
    found = answer.get_json()
    assert answer.status_code == 200 and found["triple"].startswith("<https://town.example/id/unit/a>")
    assert [(s["number"], s["rule"], s["uses"]) for s in found["steps"]][-1] == (4, "prp-trp", [1, 2, 3])
    assert found["steps"][-1]["name"] == "Glied für Glied (prp-trp)"
    assert found["steps"][0]["stated"] == [
        {
            "graph": "https://town.example/graph/source/units",
            "title": {"de": "Einheiten", "en": "Units"},
            "place": "units.ttl",
        }
    ]
    tag = {"If-None-Match": answer.headers["ETag"]}
    assert (
        client.get("/sparql/explain", query_string={"statement": CHAIN, "lang": "de"}, headers=tag).status_code == 304
    )
    for statement, status in (("", 400), ("x", 400), (f"<id/unit/c> <{EX}partOf> <id/unit/a>", 404)):
        wrong = client.get("/sparql/explain", query_string={"statement": statement})
        assert wrong.status_code == status and wrong.content_type == "application/problem+json"
        assert json.loads(wrong.data)["title"]
    secret = {"statement": f"<id/plan/1> rdfs:label '{SECRET}'"}
    assert client.get("/sparql/explain", query_string=secret).status_code == 404
