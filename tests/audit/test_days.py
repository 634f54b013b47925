"""What the passing of days does to the audit: a build re-audits where the day makes a difference, and only there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from audit.town_of_audits import AUDIT_SHAPES, AuditedTown
from stadtgraph import City
from stadtgraph.audit import AuditReport, Status
from stadtgraph.city.auditing import Audits
from stadtgraph.release import View
from stadtgraph.shacl import Incremental

OVERDUE = """
ex:fresh a sh:NodeShape ; sh:targetClass dcat:Dataset ; sh:severity sh:Warning ; sg:group sg:quality ;
    sh:name "Frisch"@de, "fresh"@en ; sh:message "Zu alt."@de, "Too old."@en ;
    sh:sparql [ sh:prefixes ex:prefixes ; sh:select \"\"\"
        SELECT $this ?value WHERE { sg:audit sg:asOf ?today . $this ex:due ?value FILTER(STR(?value) < STR(?today)) }
    \"\"\" ] .
ex:prefixes sh:declare [ sh:prefix "sg" ; sh:namespace "https://w3id.org/stadtgraph/ns#"^^xsd:anyURI ] ,
    [ sh:prefix "ex" ; sh:namespace "https://town.example/ns#"^^xsd:anyURI ] .
"""
START = datetime.now(UTC).replace(hour=0, minute=5)


def built(town: AuditedTown, days: int) -> AuditReport | None:
    """Build so many days from now; give the report on the release, or ``None`` where there was none to seal."""
    with City(town.city_folder, clock=lambda: START + timedelta(days=days)) as city:
        made = city.build(real_data=town.files).release
        return city.audit() if made is not None else None


def day(days: int) -> str:
    """Give the day so many days from now."""
    return f"{START + timedelta(days=days):%Y-%m-%d}"


@pytest.fixture
def town(make_town: Callable[[str], AuditedTown]) -> AuditedTown:
    """A town with a rule that looks at the day."""
    town = make_town("town")
    (town.data.parent / "shapes" / "audit.ttl").write_text(AUDIT_SHAPES + OVERDUE)
    return town


def test_a_day_that_changes_nothing_makes_no_release(town: AuditedTown) -> None:
    """Whatever the number of days, an unchanged city stays as it is while no rule says otherwise."""
    town.register(f'<id/dataset/trees> ex:due "{day(10)}"^^xsd:date .\n')
    assert built(town, 0) is not None
    assert [built(town, days) for days in (1, 2, 10)] == [None, None, None]


def test_a_day_is_looked_at_once(town: AuditedTown, monkeypatch: pytest.MonkeyPatch) -> None:
    """Builds that follow on the same day do not evaluate the rules again; those of the next day do."""
    town.register(f'<id/dataset/trees> ex:due "{day(10)}"^^xsd:date .\n')
    built(town, 0)
    looked: list[int] = []
    delta = Incremental.delta
    monkeypatch.setattr(Incremental, "delta", lambda *given: (looked.append(1), delta(*given))[1])
    numbers = []
    for days in (1, 1, 2, 2, 11, 11):
        built(town, days)
        numbers.append(len(looked))
    assert numbers == [1, 1, 2, 2, 3, 3]


def test_what_a_day_brings_is_found_by_the_next_build(town: AuditedTown) -> None:
    """The release says when; the finding is new; the day after there is nothing to seal again."""
    town.register(f'<id/dataset/trees> ex:due "{day(10)}"^^xsd:date .\n')
    built(town, 0)
    made = built(town, 11)
    assert made is not None and made.date == day(11)
    assert [f.rule.name() for f in made.findings if f.status is Status.NEW] == ["fresh"]
    assert built(town, 12) is None


@pytest.mark.parametrize(
    ("register", "last"),
    [
        (f'<id/responsibility/trees> sg:validUntil "{day(3)}"^^xsd:date .\n', 3),
        (f'<id/post/green-manager> sg:validUntil "{day(5)}"^^xsd:date .\n', 5),
        (f'<id/post/new> a org:Post ; org:postIn <id/unit/green> ; sg:validFrom "{day(5)}"^^xsd:date .\n'
         f'<id/responsibility/paths> sg:validFrom "{day(5)}"^^xsd:date .\n', 4),
        ('<id/risk/1> a sg:AcceptedRisk ; sg:ofShape ex:title ; sg:reason "x"@de ;\n'
         f'    sg:validUntil "{day(7)}"^^xsd:date .\n', 7),
    ],
    ids=["who answers", "the post", "the matrix", "an accepted risk"],
)  # fmt: skip
def test_what_ends_or_begins_is_seen_by_the_build_of_the_day_after(town: AuditedTown, register: str, last: int) -> None:
    """The unit and post of findings, the matrix, and accepted risks hold until their last day, and not a day longer."""
    town.register(register)
    before = built(town, 0)
    assert before is not None and built(town, last) is None
    made = built(town, last + 1)
    assert made is not None
    assert ({(f.key, f.place, f.status is Status.ACCEPTED) for f in made.findings}, made.matrix) != (
        {(f.key, f.place, f.status is Status.ACCEPTED) for f in before.findings},
        before.matrix,
    )
    assert built(town, last + 2) is None


def test_a_change_on_a_later_day_is_followed_and_gives_what_a_fresh_city_gives(
    make_town: Callable[[str], AuditedTown], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The day is part of the change: both views, graph by graph."""
    followed, follow = [], Audits.follow
    monkeypatch.setattr(Audits, "follow", lambda *given: (followed.append(1), follow(*given))[1])
    old, fresh = make_town("old"), make_town("fresh")
    for each in (old, fresh):
        (each.data.parent / "shapes" / "audit.ttl").write_text(AUDIT_SHAPES + OVERDUE)
        each.plans()
        each.register(f'<id/dataset/trees> ex:due "{day(10)}"^^xsd:date .\n')
    built(old, 0)
    for each in (old, fresh):
        each.register(
            f'<id/dataset/trees> ex:due "{day(10)}"^^xsd:date ; dct:description "x" .\n'
            f'<id/dataset/paths> ex:due "{day(20)}"^^xsd:date .\n'
        )
        built(each, 15)
    assert followed
    for view in View:
        assert old.contents(view) == fresh.contents(view)
