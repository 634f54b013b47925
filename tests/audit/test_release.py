"""The audit in a release: what it finds, whom it names, and that it follows from the content alone."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pyoxigraph as ox
import pytest

from audit.town_of_audits import AuditedTown
from stadtgraph import City
from stadtgraph.audit import AuditReport, Status
from stadtgraph.audit.reports import write
from stadtgraph.city.auditing import Audits
from stadtgraph.errors import NotFound
from stadtgraph.release import View
from stadtgraph.shacl import load_shapes
from stadtgraph.terms import SH
from town import SECRET

BASE = "https://town.example/id/"


def report(town: AuditedTown, **options: object) -> AuditReport:
    """Give the report on the current release."""
    with town.city as city:
        return city.audit(**options)  # type: ignore[arg-type]


def told(made: AuditReport) -> set[tuple[str, str, str]]:
    """Give rule, node and unit of each finding."""
    return {
        (f.rule.name(), str(getattr(f.focus, "value", "")).removeprefix(BASE), made.label(f.unit))
        for f in made.findings
    }


def test_findings_name_the_unit_the_post_and_the_next_step(town: AuditedTown) -> None:
    """A dataset through its responsibility, a tree through the dataset of its source, the lost one to who governs."""
    town.trees(2, height="900")
    town.build()
    made = report(town)
    assert told(made) == {
        ("title", "dataset/lost", ""),
        ("description", "dataset/trees", "parks office"),
        ("description", "dataset/lost", ""),
        ("day", "dataset/trees", "parks office"),
        ("height", "tree/0", "parks office"),
        ("height", "tree/1", "parks office"),
    }
    by_name = {(f.rule.name(), str(f.focus)): f for f in made.findings}
    description = by_name["description", f"<{BASE}dataset/trees>"]
    assert description.post == ox.NamedNode(f"{BASE}post/green-manager")
    assert description.coach == ox.NamedNode(f"{BASE}post/coach")
    assert description.remedy("de") == "Beschreiben, was die Daten zeigen."
    assert by_name["title", f"<{BASE}dataset/lost>"].post == ox.NamedNode(f"{BASE}post/governor")
    assert by_name["height", f"<{BASE}tree/0>"].dataset == ox.NamedNode(f"{BASE}dataset/trees")
    assert made.fails(SH.Violation) and not made.conforms


def test_what_to_do_is_ranked_by_severity_number_and_points(town: AuditedTown) -> None:
    """The list of a unit begins with what has most effect."""
    town.trees(3, height="900")
    town.build()
    green = ox.NamedNode(f"{BASE}unit/green")
    made = report(town, unit="green")
    assert [(t.rule.name(), len(t.findings), t.points) for t in made.todo(green)] == [
        ("height", 3, 0),
        ("description", 1, 20),
        ("day", 1, 0),
    ]
    assert set(made.by_unit()) == {green}
    with pytest.raises(NotFound, match="unit/green"):
        report(town, unit="gren")


def test_the_matrix_shows_who_is_accountable_and_where_nobody_is(town: AuditedTown) -> None:
    """Each dataset has a row; the lost one has both gaps."""
    town.build()
    rows = {row.subject.value.removeprefix(BASE): row for row in report(town).matrix}
    assert rows["dataset/lost"].gaps == ("no-accountable", "no-responsible")
    assert rows["dataset/trees"].gaps == ("no-responsible",)
    assert rows["dataset/trees"].agents("accountable") == (ox.NamedNode(f"{BASE}unit/green"),)


def test_findings_are_new_then_still_there_then_mended_or_accepted(town: AuditedTown) -> None:
    """The status follows the releases; an accepted risk counts until its last day and no longer fails."""
    town.build()
    key = next(f.key for f in report(town).findings if f.rule.name() == "title")
    assert {f.status for f in report(town).findings} == {Status.NEW}
    town.register('<id/dataset/trees> dct:description "Alle Bäume der Stadt"@de .\n')
    town.build()
    made = report(town)
    assert {f.status for f in made.findings} == {Status.STILL}
    assert [(f.rule.name(), f.status) for f in made.mended] == [("description", Status.MENDED)]
    risk = '<id/risk/1> a sg:AcceptedRisk ; sg:finding "{}" ; sg:validUntil "{}"^^xsd:date ; sg:reason "x"@de .\n'
    for until, status in (("2999-12-31", Status.ACCEPTED), ("2020-01-01", Status.STILL)):
        town.register(risk.format(key, until))
        town.build()
        made = report(town)
        assert {f.status for f in made.findings if f.key == key} == {status}
        assert made.fails(SH.Violation) == (status is Status.STILL)
    assert len({count.release for count in made.trend}) == 4


def test_the_graphs_can_be_asked_and_an_unchanged_city_makes_no_release(town: AuditedTown) -> None:
    """SHACL's report, one audit per dataset with a date, measurements; building again adds nothing."""
    first = town.build()
    assert town.build() == first
    with town.city as city:
        report_ = "GRAPH <graph/audit> { ?r a sh:ValidationReport ; sh:result ?f . ?f sh:focusNode ?n ; sg:unit ?u }"
        assert city.query(f"ASK {{ {report_} }}")
        assert city.query("ASK { ?a a sg:Audit ; sg:for <id/dataset/trees> ; dct:date ?d ; prov:generated ?f }")
        assert city.query("ASK { GRAPH <graph/quality> { ?m dqv:computedOn <id/dataset/trees> ; dqv:value 1 } }")
        assert city.query("ASK { GRAPH <graph/history> { ?m dqv:isMeasurementOf sg:findingCount } }")


def test_a_finding_about_restricted_data_is_in_the_internal_view_alone(town: AuditedTown) -> None:
    """The public audit knows nothing of the plan."""
    town.plans()
    town.build()
    assert any(f.rule.name() == "plan" for f in report(town, view=View.INTERNAL).findings)
    assert not any(f.rule.name() == "plan" for f in report(town).findings)
    assert SECRET not in str(report(town))


def test_an_accepted_risk_says_why_until_when_and_by_which_role(town: AuditedTown) -> None:
    """In every format; one that has ended does not stand in the way of the one that renews it."""
    risk = """<id/risk/{0}> a sg:AcceptedRisk ; sg:ofShape ex:title ; sg:ofFocus <id/dataset/lost> ;
        sg:reason "Wird bis März geklärt."@de, "Settled by March."@en ; sg:acceptedBy <id/role/data-owner> ;
        sg:validUntil "{1}"^^xsd:date .\n"""
    town.register(
        risk.format(1, "2999-03-01")
        + risk.format(2, "2020-01-01")
        + risk.format(0, "2020-01-01")
        + '<id/role/data-owner> skos:prefLabel "data owner"@en .\n'
    )
    town.build()
    made = report(town)
    (finding,) = [f for f in made.findings if f.status is Status.ACCEPTED]
    for form in ("csv", "json", "html"):
        out = io.BytesIO()
        write(made, form, out, "en")
        text = out.getvalue().decode()
        assert finding.key in text and "Settled by March." in text and "2999-03-01" in text and "data owner" in text
    assert not made.fails(SH.Violation)


EDITS: dict[str, Callable[[AuditedTown], None]] = {
    "describe": lambda town: town.register('<id/dataset/trees> dct:description "05"^^xsd:byte .\n'),
    "unit": lambda town: town.register(without="prov:agent <id/unit/green>"),
    "dataset": lambda town: town.register("<id/dataset/more> a dcat:Dataset .\n"),
    "written": lambda town: town.register('<id/dataset/paths> dct:issued "01"^^xsd:byte, "1"^^xsd:byte .\n'),
    "title": lambda town: town.register(without="<id/dataset/lost> a dcat:Dataset .\n"),
    "trees": lambda town: town.trees(4, height="200.50"),
    "plans": lambda town: town.plans("Ein anderer langer Plan"),
    "back": lambda town: town.register(),
}


def test_following_a_change_gives_what_a_build_from_scratch_gives(
    make_town: Callable[[str], AuditedTown], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both views, graph by graph, after each of a sequence of edits; and small edits were really followed."""
    followed: list[str] = []
    update = Audits.follow

    def follow(self: Audits, *given: object) -> object:
        followed.append("")
        return update(self, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(Audits, "follow", follow)
    town = make_town("edited")
    town.plans()
    town.build()
    done: list[Callable[[AuditedTown], None]] = []
    for number, edit in enumerate(EDITS.values()):
        edit(town)
        done.append(edit)
        town.build()
        fresh = make_town(f"fresh{number}")
        fresh.plans()
        for earlier in done:
            earlier(fresh)
        fresh.build()
        for view in View:
            assert town.contents(view) == fresh.contents(view), (list(EDITS)[number], view)
    assert len(followed) >= len(EDITS)


def test_other_shapes_and_the_other_engine_can_be_asked_for(town: AuditedTown) -> None:
    """A fresh audit with the second engine finds the same; with other shapes, what those find."""
    town.build()
    with town.city as city:
        assert city.audit(using="pyshacl").findings == city.audit().findings == city.audit(using="shacl").findings
        other = town.data / "other.ttl"
        other.write_text(
            "@prefix sh: <http://www.w3.org/ns/shacl#> . @prefix org: <http://www.w3.org/ns/org#> .\n"
            "<urn:s> a sh:NodeShape ; sh:targetClass org:Post ; sh:closed true .\n"
        )
        assert {f.shape for f in city.audit(shapes=other).findings} == {ox.NamedNode("urn:s")}
        assert isinstance(city, City)


def test_several_changes_in_one_process_are_followed_as_well(make_town: Callable[[str], AuditedTown]) -> None:
    """What the process remembers of the last release is what the release holds."""
    town, fresh = make_town("edited"), make_town("fresh")
    with town.city as city:
        for number in (3, 5, 4):
            town.trees(number, height="900")
            city.build(real_data=town.files)
    fresh.trees(4, height="900")
    fresh.build()
    assert town.contents() == fresh.contents()


def test_the_shapes_have_the_same_checksum_however_often_they_are_read() -> None:
    """Blank nodes get new labels with every reading; the audit of the release before is carried on all the same."""
    folder = Path(__file__).resolve().parents[2] / "shapes"
    first, second = (load_shapes([folder], "https://town.example/").digest for _ in range(2))
    assert first == second
