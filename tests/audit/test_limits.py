"""Of a rule that very many records break a part is listed; every number stays that of all, and all can be had."""

from __future__ import annotations

import json
from pathlib import Path

import pyoxigraph as ox
import pytest

from audit.town_of_audits import AuditedTown
from stadtgraph.audit import AuditReport, Status
from stadtgraph.audit.tally import Tally, is_listed, level_of
from stadtgraph.shacl import ENGINES
from stadtgraph.terms import SH

pytestmark = pytest.mark.skipif(not ENGINES["shacl"].is_there, reason="the package shacl has no wheel here")
BASE = "https://town.example/"
HEIGHT = ox.NamedNode("https://town.example/ns#tree-height")


def numbers(report: AuditReport) -> object:
    """Give all that a report counts."""
    return report.counts, report.severities, report.groups, {u: report.number(u) for u in report.by_unit()}


def limited(town: AuditedTown, most: int) -> None:
    """Set how many findings of each rule and source are listed."""
    settings = town.city_folder / "stadtgraph.toml"
    settings.write_text(f"{settings.read_text()}\n[audit]\nfindings = {most}\n")


@pytest.fixture
def trees(town: AuditedTown) -> AuditedTown:
    """A town in which forty trees are too high, of which ten are listed."""
    limited(town, 10)
    (town.files / "trees.csv").write_text("id,height\n" + "".join(f"{i},{900 + i}\n" for i in range(40)))
    town.build()
    return town


def test_counts_are_those_of_all(trees: AuditedTown) -> None:
    """What is not listed is counted everywhere, and asking for all lists it."""
    with trees.city as city:
        some, everything = city.audit(), city.audit(every=True)
    assert not everything.more
    assert numbers(some) == numbers(everything)
    listed = [f for f in some.findings if f.shape == HEIGHT]
    assert 0 < len(listed) < 40
    assert {f.key for f in listed} < {f.key for f in everything.findings}
    assert sum(more.number for more in some.more) == 40 - len(listed)
    assert some.fails(SH.Warning)
    unit = some.for_unit(listed[0].unit)
    task = next(task for task in unit.todo(unit.unit) if task.rule.shape == HEIGHT)
    assert (task.number, task.more) == (40, 40 - len(listed))


@pytest.mark.parametrize("form", ["text", "html", "csv", "xlsx", "ttl", "json"])
def test_reports_say_that_not_all_is_listed(trees: AuditedTown, form: str, tmp_path: Path) -> None:
    """Each format tells how many there are."""
    from stadtgraph.audit.reports import write_file

    with trees.city as city:
        report = city.audit()
    file = tmp_path / f"report.{form}"
    write_file(report, form, file)
    if form == "json":
        told = json.loads(file.read_text())
        (of_trees,) = (entry for entry in told["limited"] if entry["shape"] == HEIGHT.value)
        assert of_trees["number"] == 40
    elif form != "xlsx":
        assert {"text": "--all", "html": "--all", "csv": "of 40 are listed", "ttl": "of 40 are listed"}[form] in (
            file.read_text("utf-8-sig")
        )


def test_nothing_is_called_mended_or_new_that_is_only_not_listed(trees: AuditedTown) -> None:
    """One tree more and one less are all that changes, however the choice of what is listed moves."""
    heights = {i: 900 + i for i in range(41)}
    del heights[3]
    (trees.files / "trees.csv").write_text("id,height\n" + "".join(f"{i},{h}\n" for i, h in heights.items()))
    trees.build()
    (trees.files / "trees.csv").write_text("id,height\n" + "".join(f"{i},{900 + i}\n" for i in range(400)))
    trees.build()
    with trees.city as city:
        report = city.audit()
    of_trees = [f for f in report.mended if f.shape == HEIGHT]
    assert not of_trees
    new = [str(f.focus) for f in report.findings if f.shape == HEIGHT and f.status is Status.NEW]
    assert not {f"<{BASE}id/tree/{i}>" for i in heights} & set(new)


def test_the_web_shows_true_numbers(trees: AuditedTown) -> None:
    """The list of a unit says how many there are, and how to see them."""
    from stadtgraph.web import create_app
    from stadtgraph.web.audit import slug_of

    with trees.city as city:
        client = create_app(city).test_client()
        report = city.audit()
        slug = next(slug_of(unit, city.names) for unit in report.by_unit() if report.number(unit) >= 40)
        page = client.get(f"/audit/units/{slug}", headers={"Accept": "text/html"}).text
    assert "40 " in page
    assert "--all" in page


def test_levels_follow_the_number() -> None:
    """Each doubling above the limit halves what is listed."""
    assert [level_of(n, 4) for n in (4, 5, 8, 9, 16, 17)] == [0, 1, 1, 2, 2, 3]
    assert not any(is_listed("000000000000000f", level) for level in (1, 2, 3))
    assert Tally().found().findings == []
