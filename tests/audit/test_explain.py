"""Explanations: where a finding stands, the query that shows it, and a proposal that mends it once it is filled in."""

from __future__ import annotations

from pathlib import Path

import pyoxigraph as ox
import pytest

from audit.town_of_audits import AUDIT_SHAPES, AuditedTown
from stadtgraph.audit.explain import Explanation, explain
from stadtgraph.city.reporting import audited_view
from stadtgraph.cli import main
from stadtgraph.shacl import load_shapes, validate

BASE = "https://town.example/"
QUERIES = """
ex:of-posts a sh:NodeShape ; sh:targetClass org:Post ; sh:severity sh:Info ; sh:name "Q"@de, "queried"@en ;
    sh:message "x"@de, "x"@en ; sg:remedy "Das Postfach eintragen."@de, "Record the mailbox."@en ;
    sh:sparql ex:known , ex:unheld .
ex:known sh:prefixes ex:prefixes ; sh:select "SELECT $this ?value { $this o:role ?value . ?value ?any ?other }" .
ex:unheld sh:prefixes ex:prefixes ;
    sh:select "SELECT $this { $this o:postIn ?unit . FILTER NOT EXISTS { ?post o:heldBy ?unit } }" .
ex:of-issue a sh:PropertyShape ; sh:targetClass dcat:Dataset ; sh:path dct:issued ; sh:severity sh:Info ;
    sh:name "P"@de, "by path"@en ; sh:message "x"@de, "x"@en ;
    sh:sparql [ sh:select "SELECT $this ?value { $this $PATH ?value }" ] .
ex:one-title a sh:PropertyShape ; sh:targetClass dcat:Dataset ; sh:path dct:title ; sh:maxCount 1 ;
    sh:name "1"@de, "one title"@en ; sh:message "x"@de, "x"@en .
ex:must a sh:PropertyShape ; sh:targetClass dcat:Dataset ; sh:path ex:state ; sh:hasValue "open" ;
    sh:name "H"@de, "must have"@en ; sh:message "x"@de, "x"@en .
ex:prefixes sh:declare [ sh:prefix "o" ; sh:namespace "http://www.w3.org/ns/org#"^^xsd:anyURI ] .
"""


@pytest.fixture
def explained(town: AuditedTown) -> dict[str, Explanation]:
    """The explanations of one finding of each rule of a town, by the name of the rule."""
    (town.data.parent / "shapes" / "audit.ttl").write_text(AUDIT_SHAPES + QUERIES)
    town.register('<id/role/data-manager> skos:prefLabel "D"@de .\n')
    town.trees(3, height="900")
    town.build()
    with town.city as city:
        view = audited_view(city.releases.require_current())
        made = {f.rule.name(): explain(f, view, city.audits.shapes) for f in reversed(city.audit().findings)}
        for found in made.values():
            assert list(city.query(found.query)) or found.finding.value is None, found.query
    return made


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        ("title", "add"),
        ("description", "add"),
        ("day", "replace"),
        ("height", "replace"),
        ("queried", "decide"),
        ("by path", "replace"),
        ("one title", "keep"),
        ("must have", "stated"),
    ],
)
def test_a_proposal_says_what_kind_of_change_it_is(explained: dict[str, Explanation], rule: str, kind: str) -> None:
    """Missing, wrong, too many, or exactly what the rule states."""
    assert explained[rule].proposal.why == f"propose-{kind}"


@pytest.mark.parametrize("rule", ["title", "description", "day", "height", "one title", "must have"])
def test_a_proposal_mends_the_finding_once_it_is_filled_in(
    town: AuditedTown, explained: dict[str, Explanation], rule: str
) -> None:
    """As it stands it changes nothing; with the right value in the place of UNDEF the finding is gone."""
    found = explained[rule]
    right = {"day": '"2020-05-01"^^<http://www.w3.org/2001/XMLSchema#date>', "height": "9", "one title": '"ways"@en'}
    store = ox.Store()
    with town.city as city:
        store.extend(q for q in city.engine().store if q.graph_name != ox.DefaultGraph())
        shapes = load_shapes(sorted(city.folders.shapes.rglob("*.ttl")), BASE)
    before = set(store)
    if rule != "must have":
        store.update(found.update)
        assert set(store) == before
    store.update(found.update.replace("UNDEF", right.get(rule, '"x"')))
    assert set(store) != before
    key = found.finding.key
    triples = [q.triple for q in store if not str(q.graph_name).endswith(("shapes>", "audit>"))]
    assert key not in {r.key for r in validate(triples, shapes).results}


def test_a_query_without_a_value_gets_a_sentence(explained: dict[str, Explanation], town: AuditedTown) -> None:
    """What no computer can know is not guessed: the remedy is what remains."""
    with town.city as city:
        view = audited_view(city.releases.require_current())
        made = city.audit()
        finding = next(f for f in made.findings if f.rule.name() == "queried" and f.value == f.focus)
        found = explain(finding, view, city.audits.shapes)
        assert list(city.query(found.query))
        text = "\n".join(found.lines(made, "de"))
    assert found.proposal.why == "propose-decide" and not found.update
    assert "entscheiden Menschen" in text and "Das Postfach eintragen." in text
    assert "PREFIX o: <http://www.w3.org/ns/org#>" in text


@pytest.mark.parametrize(("lang", "line", "edit"), [("en", "line 4", "make the change"), ("de", "Zeile 4", "bitte in")])
def test_the_row_of_a_table_is_named(
    town: AuditedTown, capsys: pytest.CaptureFixture[str], lang: str, line: str, edit: str
) -> None:
    """File and line of the record; and the file is what to edit. Without the folder of files, the file alone."""
    town.trees(3, height="900")
    town.build()
    with town.city as city:
        key = next(f.key for f in city.audit().findings if str(f.focus).endswith("tree/2>"))
    arguments = ["explain", key, "--city", str(town.city_folder), "--lang", lang]
    assert main([*arguments, "--real-data", str(town.files)]) == 0
    text = capsys.readouterr().out
    assert f"trees.csv, {line}" in text and edit in text
    assert main(arguments) == 0
    assert f"trees.csv, {line}" not in capsys.readouterr().out
    (town.files / "trees.csv").write_bytes(b"\xff\xfe")
    assert main([*arguments, "--real-data", str(town.files)]) == 0


def test_a_finding_of_a_file_that_is_gone_is_explained_all_the_same(town: AuditedTown, tmp_path: Path) -> None:
    """The release holds the triples; the file is named as it was."""
    town.build()
    (town.data / "register.ttl").rename(tmp_path / "elsewhere.ttl")
    with town.city as city:
        key = next(f.key for f in city.audit().findings if f.rule.name() == "title")
    assert main(["explain", key, "--city", str(town.city_folder)]) == 0
