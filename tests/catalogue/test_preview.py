"""What a portal would make of the export, how its state differs, what the catalogue scores, and what would mend it."""

from __future__ import annotations

import gzip
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyoxigraph as ox
import pytest

from catalogue.conftest import BASE, TOWN, make_town
from listening import listening, reply
from stadtgraph import City
from stadtgraph.catalogue import EU_PROFILE, GOVDATA, Catalogue
from stadtgraph.catalogue.linkcheck import FILE, Checked, LinkChecks
from stadtgraph.catalogue.mqa import (
    DIMENSIONS,
    FULL,
    MACHINE_READABLE,
    METRICS,
    NON_PROPRIETARY,
    band,
    mean,
    score,
)
from stadtgraph.catalogue.preview import write
from stadtgraph.city.cataloguing import catalogue
from stadtgraph.city.previewing import preview, propose
from stadtgraph.cli import main
from stadtgraph.net import Policy
from stadtgraph.terms import DCAT

DUPLICATES = """
<id/dataset/old> a dcat:Dataset ; dct:title "Alt"@de ; dct:description "x" ; dct:publisher <id/unit/town> ;
    dct:identifier "urn:x:1" ; dct:modified "2020-01-01"^^xsd:date .
<id/dataset/new> a dcat:Dataset ; dct:title "Alt"@de ; dct:description "x" ; dct:publisher <id/unit/town> ;
    dct:identifier "urn:x:1" ; dct:modified "2021-01-01"^^xsd:date .
"""
COMPLETE = """
<id/dataset/complete> a dcat:Dataset ; dct:title "Alles"@de ; dct:description "Mit allem."@de ;
    dct:publisher <id/unit/town> ; dcat:contactPoint <id/contact/parks> ; dcat:keyword "alles"@de ;
    dcat:theme <http://publications.europa.eu/resource/authority/data-theme/ENVI> ;
    dct:spatial <id/ortsteil/north> ; dct:temporal <id/period/1> ; dct:issued "2020-01-01"^^xsd:date ;
    dct:modified "2020-01-02"^^xsd:date ; dct:accessRights access:PUBLIC ;
    dcat:distribution <id/distribution/complete> .
<id/period/1> a dct:PeriodOfTime ; dcat:startDate "2020-01-01"^^xsd:date .
<id/distribution/complete> a dcat:Distribution ; dcat:accessURL <https://town.example/all> ;
    dcat:downloadURL <https://town.example/all.csv> ; dct:rights <http://example.org/rights> ; dcat:byteSize 12 ;
    dct:license <http://dcat-ap.de/def/licenses/cc-zero> ;
    dct:format <http://publications.europa.eu/resource/authority/file-type/CSV> ;
    dcat:mediaType <https://www.iana.org/assignments/media-types/text/csv> .
"""


@pytest.fixture(scope="module")
def full_town(tmp_path_factory: pytest.TempPathFactory) -> City:
    """The town with duplicates and a dataset of which everything is known, and a release in which one went."""
    folder = tmp_path_factory.mktemp("preview")
    gone = (
        '<id/dataset/gone> a dcat:Dataset ; dct:title "Weg"@de ; dct:description "x" ; dct:publisher <id/unit/town> .'
    )
    with make_town(folder, TOWN + DUPLICATES + COMPLETE + gone) as city:
        (folder / "town.ttl").write_text(TOWN + DUPLICATES + COMPLETE)
        with city.draft(why="one went") as draft:
            draft.load(folder / "town.ttl", source="town")
    return City(folder / "city")


def test_every_state_is_told_with_its_reason(full_town: City) -> None:
    """Held back, overwritten as a duplicate, deleted, renamed; what the portal adds."""
    made = preview(full_town, "govdata")
    states = {outcome.iri.rpartition("/")[2]: outcome for outcome in made.outcomes}
    assert states["untitled"].state == "rejected"
    assert states["old"].state == "overwritten" and states["new"].state != "overwritten"
    assert states["gone"].state == "deleted"
    assert states["full"].state == "changed"
    assert {n.key for n in states["old"].notes} >= {"duplicate", "contributor", "name"}
    assert made.pages == 1 and not made.too_large
    strict = preview(full_town, "govdata", require_resources=True)
    refused = {o.iri.rpartition("/")[2] for o in strict.outcomes if o.state == "rejected"}
    assert refused >= {"internal", "untitled"} and "full" not in refused


def test_the_report_names_who_mends_in_both_languages(full_town: City) -> None:
    """As text, data and page; a page holds nothing that the data could break out of."""
    made = preview(full_town, "eu")
    for lang, post in (("de", "Datenmanager:in"), ("en", "Datenmanager:in")):
        assert post in write(made, "text", lang)
        page = write(made, "html", lang)
        assert f'<html lang="{lang}">' in page and "<script" not in page
    data = json.loads(write(made, "json", "de"))
    untitled = next(d for d in data["datasets"] if d["dataset"].endswith("untitled"))
    assert untitled["notes"][0]["post"] == f"{BASE}id/post/manager"


def test_the_points_add_up() -> None:
    """405 in all; 100, 100, 110, 75 and 20 by dimension."""
    assert sum(metric.points for metric in METRICS) == FULL == 405
    by_dimension = [sum(m.points for m in METRICS if m.dimension == name) for name in DIMENSIONS]
    assert by_dimension == [100, 100, 110, 75, 20]


def test_a_dataset_of_which_all_is_known_is_excellent(full_town: City) -> None:
    """405 points once its addresses answer, 325 as long as that is not known."""
    made = preview(full_town, "eu")
    found = next(s for s in made.scores if s.of is not None and s.of.value.endswith("complete"))
    assert (found.value, found.maximum) == (405 - 80, 405) and band(found.maximum) == "excellent"
    assert found.gains == []


def test_scores_are_published_in_the_data_quality_vocabulary(full_town: City) -> None:
    """Of the catalogue, units and datasets; the points are the sum of what the metrics found."""
    made = preview(full_town, "eu")
    triples = {q.triple for q in ox.parse(write(made, "ttl", "en").encode(), format=ox.RdfFormat.TURTLE)}
    by_node: dict[object, dict[str, str]] = {}
    for t in triples:
        by_node.setdefault(t.subject, {})[t.predicate.value.rpartition("#")[2]] = (
            str(t.object).split('"')[-2] if '"' in str(t.object) else str(t.object)[1:-1]
        )
    found = {(m["computedOn"], m["isMeasurementOf"].rpartition("#")[2]): m["value"] for m in by_node.values()}
    dataset = f"{BASE}id/dataset/complete"
    assert found[dataset, "score"] == "325" and found[dataset, "keywordAvailability"] == "true"
    assert (dataset, "accessUrlStatusCode") not in found
    assert found[dataset, "scoreAtMost"] == "405"
    assert (f"{BASE}id/unit/parks", "score") in found and (f"{BASE}id/catalogue", "score") in found
    points = {m.name: m.points for m in METRICS}
    total = sum(
        points[name] * (value == "true" or float(value.replace("true", "1").replace("false", "0")))
        for (on, name), value in found.items()
        if on == dataset and name in points
    )
    assert total == 325


def test_links_that_do_not_answer_cost_their_points(full_town: City) -> None:
    """Checked addresses leave no doubt: safe and maximum meet."""
    made = catalogue(full_town, full_town.releases.require_current())
    record = made.record(EU_PROFILE, f"{BASE}id/dataset/complete")
    dead = score(record, True, lambda address: False)
    alive = score(record, True, lambda address: True)
    assert dead.value == dead.maximum == 325 and alive.value == alive.maximum == 405
    together = mean([dead, alive])
    assert together.value == 365 and together.datasets == 2
    assert score(record, False, lambda address: True).value == 405 - 30


def test_every_dataset_of_jena_is_excellent_or_told_what_is_missing_from_whom(jena: City) -> None:
    """Those below 351 points name for each missing fact a post or unit, and reach 351 with what they miss."""
    made = preview(jena, "eu")
    assert len(made.scores) == 68
    for found in made.scores:
        assert found.of is not None
        if band(found.maximum) != "excellent":
            assert found.maximum + sum(gain for _, gain in found.gains) == pytest.approx(FULL)
            assert sum(step.gain for step in found.steps) == pytest.approx(FULL - found.maximum)
            for step in found.steps:
                assert made.whom.post(found.of.value, step.asks_for) or made.whom.unit(found.of.value)
    excellent = {str(s.of).rpartition("/")[2].strip(">") for s in made.scores if band(s.maximum) == "excellent"}
    assert excellent == {"baumkataster", "fahrradabstellanlagen"}


def test_the_lists_of_formats_are_those_of_the_portal(shared: Path) -> None:
    """As data.europa.eu publishes them."""
    folder = shared / "reference" / "dcat-ap-de" / "vocab" / "mqa"
    for name, ours in (("machine-readable", MACHINE_READABLE), ("non-proprietary", NON_PROPRIETARY)):
        text = (folder / f"edp-{name}-format.rdf").read_text("utf-8")
        assert set(re.findall(r"file-type/([A-Z0-9_]+)", text)) == ours
    text = (folder / "edp-dqv-vocabulary.ttl").read_text("utf-8")
    assert {m.name for m in METRICS} <= set(re.findall(r"pv:(\w+)", text))


def test_a_dump_of_the_portal_shows_what_differs(full_town: City, tmp_path: Path) -> None:
    """Missing, outdated, doubled, under another licence, and still shown although we dropped it."""
    dump = tmp_path / "portal.nt.gz"
    made = catalogue(full_town, full_town.releases.require_current())
    lines: list[str] = []
    for record in made.records(GOVDATA):
        name = record.iri.value.rpartition("/")[2]
        for triple in record.triples if name != "internal" else ():
            line = f"{triple} ."
            if name == "new":
                line = line.replace("2021-01-01", "2019-01-01")
            lines.append(line.replace("cc-zero", "cc-by/4.0") if name == "complete" else line)
    kind = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <http://www.w3.org/ns/dcat#Dataset> ."
    lines += [f"<https://other.example/x> {kind}", f"<{BASE}id/dataset/dropped> {kind}"]
    lines.append(f'<https://other.example/x> <http://purl.org/dc/terms/identifier> "{BASE}id/dataset/full" .')
    dump.write_bytes(gzip.compress("\n".join(lines).encode()))
    drift = preview(full_town, "govdata", against=str(dump)).drift
    assert drift is not None
    found = {(d.kind, d.iri.rpartition("/")[2]) for d in drift}
    assert {("missing", "internal"), ("doubled", "full"), ("extra", "dropped"), ("licence", "complete")} <= found
    assert ("outdated", "new") in found and ("missing", "full") not in found


def test_a_dump_is_fetched_through_the_checked_door(full_town: City) -> None:
    """An address of this machine is refused unless the settings allow it."""
    with listening(reply(b"", "Content-Type: application/n-triples")) as server:
        code = main(["preview", "eu", "--city", str(full_town.path), "--against", f"{server.address}/dump.nt"])
        assert code == 3 and server.connections == 0


@pytest.mark.parametrize("name", ["dump.csv", "broken.ttl"])
def test_a_dump_that_is_none_is_told(full_town: City, tmp_path: Path, name: str) -> None:
    """In one line, with exit code 3."""
    (tmp_path / name).write_text("<a> <b")
    assert main(["preview", "eu", "--city", str(full_town.path), "--against", str(tmp_path / name)]) == 3


def test_links_are_asked_politely_and_remembered(tmp_path: Path) -> None:
    """HEAD first, GET where that is refused; a pause for each host; nothing twice within a week."""
    waits: list[float] = []
    moment = [datetime(2026, 1, 1, tzinfo=UTC)]

    def answering(client: object, request: bytes) -> None:
        status = "405 No" if request.startswith(b"HEAD /a") else "404 Gone" if b" /gone" in request else "200 OK"
        reply(b"", "Content-Type: text/csv; charset=utf-8", status=status)(client, request)  # type: ignore[arg-type]

    with listening(answering) as server:
        policy = Policy(frozenset({server.host}))
        addresses = [f"{server.address}/{name}" for name in ("a", "b", "gone", "a")]
        links = LinkChecks(tmp_path)
        found = dict(links.check(addresses, policy, now=lambda: moment[0], pause=60.0, sleep=waits.append))
        assert [found[a].status for a in addresses[:3]] == [200, 200, 404]
        assert found[addresses[1]].media_type == "text/csv"
        assert len(waits) == 2 and all(wait > 50 for wait in waits)
        asked = server.connections
        again = LinkChecks(tmp_path)
        assert again.reached(addresses[0]) is True and again.reached(addresses[2]) is False
        assert again.reached("https://never.example/") is None
        assert list(again.check(addresses, policy, now=lambda: moment[0], sleep=waits.append)) == []
        assert server.connections == asked
        moment[0] += timedelta(days=8)
        assert len(list(again.check(addresses[:1], policy, now=lambda: moment[0], sleep=waits.append))) == 1
    (tmp_path / "other").mkdir()
    refused = dict(LinkChecks(tmp_path / "other").check(["http://127.0.0.1:1/", "nonsense:x"], Policy()))
    assert {entry.status for entry in refused.values()} == {0} and all(entry.problem for entry in refused.values())


def test_damaged_checks_count_as_none(tmp_path: Path) -> None:
    """A file that cannot be read is no reason to stop."""
    (tmp_path / FILE).write_text('{"links": {"a": 3}}')
    assert LinkChecks(tmp_path).known == {}


def test_fixes_are_proposed_as_an_update_that_does_what_the_diff_says(full_town: City, tmp_path: Path) -> None:
    """Applied to a copy of the graph it gives what the diff shows; the city is left as it is."""
    release = full_town.releases.current_id()
    links = LinkChecks(full_town.path)
    links.known["https://town.example/files/trees.csv"] = Checked(200, "2026-01-01T00:00:00+00:00", "text/csv", 4711)
    links.save()
    number, diff = propose(full_town, "current", str(tmp_path / "fixes.ru"))
    (full_town.path / FILE).unlink()
    assert number >= 5 and full_town.releases.current_id() == release
    engine = full_town.releases.require_current().engine()
    copy = ox.Store()
    copy.extend(engine.store)
    before = set(copy)
    copy.update((tmp_path / "fixes.ru").read_text())
    added = {str(q.triple) for q in set(copy) - before if isinstance(q.graph_name, ox.NamedNode)}
    removed = {str(q.triple) for q in before - set(copy) if isinstance(q.graph_name, ox.NamedNode)}
    assert removed == {line[2:-2] for line in diff if line.startswith("- ")}
    assert len(added) == len({line for line in diff if line.startswith("+ ")})
    assert any("/licenses/dl-by-de/2.0>" in line for line in added) and any("/text/csv>" in line for line in added)


def test_the_command_tells_by_its_exit_code(full_town: City, jena: City, tmp_path: Path) -> None:
    """1 where something would be lost, 0 where nothing is; the report can be a file."""
    out = tmp_path / "report.html"
    assert main(["preview", "govdata", "--city", str(full_town.path), "--format", "html", "--out", str(out)]) == 1
    assert out.read_text("utf-8").startswith("<!doctype html>")
    assert main(["preview", "eu", "--city", str(jena.path), "--out", str(tmp_path / "r.txt"), "--lang", "de"]) == 0


def test_nothing_is_asked_of_other_servers_without_being_told_to(catalogue_of_jena: Catalogue) -> None:
    """A score without checks has a range."""
    record = catalogue_of_jena.record(EU_PROFILE, f"{catalogue_of_jena.names.base}id/dataset/baumkataster")
    found = score(record, True)
    assert found.maximum - found.value == 50 + 15 and record.values(DCAT.downloadURL) == []
