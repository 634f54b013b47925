"""Shapes that the package does not ship run in a process of their own once they hold queries."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from audit.town_of_audits import PREFIXES, AuditedTown
from stadtgraph.city import foreign
from stadtgraph.city.folders import shipped
from stadtgraph.cli import main
from stadtgraph.config import Config
from stadtgraph.errors import ShapeError

BASE = "https://town.example/"
CORE = "ex:s a sh:NodeShape ; sh:targetClass org:Post ; sh:property [ sh:path org:role ; sh:minCount 1 ] .\n"
QUERY = 'ex:s a sh:NodeShape ; sh:targetClass org:Post ; sh:sparql [ sh:select "SELECT $this { $this ?p 1 }" ] .\n'
CROSS = " . ".join(f"?a{i} ?p{i} ?b{i}" for i in range(9))
RUNAWAY = (
    f'ex:s a sh:NodeShape ; sh:targetClass org:Post ; sh:sparql [ sh:select """SELECT $this (COUNT(*) AS ?value)'
    f' {{ $this ?p ?o . {CROSS} }} GROUP BY $this""" ] .\n'
)


def test_the_packages_own_shapes_are_trusted_wherever_they_lie(tmp_path: Path) -> None:
    """A city that copies them loses nothing."""
    shutil.copytree(shipped() / "shapes", tmp_path / "shapes")
    assert foreign.load([tmp_path / "shapes"], Config(), BASE).isolated is None


@pytest.mark.parametrize(("text", "isolated"), [(CORE, False), (QUERY, True)])
def test_what_others_wrote_is_isolated_where_it_holds_queries(tmp_path: Path, text: str, isolated: bool) -> None:
    """SHACL Core alone cannot run for ever."""
    (tmp_path / "own.ttl").write_text(PREFIXES + text)
    assert (foreign.load([tmp_path], Config(), BASE).isolated is not None) == isolated


def test_a_changed_copy_of_a_shipped_file_is_foreign(tmp_path: Path) -> None:
    """One more letter is enough."""
    text = (shipped() / "shapes" / "audit" / "quality.ttl").read_text()
    prefixes = (shipped() / "shapes" / "audit" / "prefixes.ttl").read_text()
    (tmp_path / "prefixes.ttl").write_text(prefixes)
    (tmp_path / "quality.ttl").write_text(text)
    assert foreign.load([tmp_path], Config(), BASE).isolated is None
    (tmp_path / "quality.ttl").write_text(text + "# changed\n")
    assert foreign.load([tmp_path], Config(), BASE).isolated is not None


def test_a_query_of_the_citys_own_that_never_ends_stops_the_build_and_nothing_else(
    town: AuditedTown, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 3 and one line; the release before is still the current one."""
    before = town.build()
    (town.data.parent / "shapes" / "own.ttl").write_text(PREFIXES + RUNAWAY)
    monkeypatch.setenv("STADTGRAPH_AUDIT_SECONDS", "2")
    assert main(["build", "--city", str(town.city_folder), "--real-data", str(town.files), "--lang", "en"]) == 3
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("stadtgraph:")]
    assert len(lines) == 1 and "after 2 s" in lines[0]
    with town.city as city:
        assert city.releases.current_id() == before


def test_a_query_given_on_the_command_line_is_ended_too(
    town: AuditedTown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``audit`` and ``validate`` with ``--shapes``."""
    town.build()
    monkeypatch.setenv("STADTGRAPH_AUDIT_SECONDS", "1")
    own, data = tmp_path / "own.ttl", tmp_path / "data.ttl"
    own.write_text(PREFIXES + RUNAWAY)
    triples = "".join(f"<urn:{i}> a org:Post ; ex:p {i}, {i + 1}, {i + 2} .\n" for i in range(100))
    data.write_text(PREFIXES + triples)
    city = ["--city", str(town.city_folder), "--shapes", str(own)]
    assert main(["audit", *city]) == 3
    assert main(["validate", str(data), *city]) == 3


def test_a_followed_change_under_foreign_shapes_gives_what_trusted_ones_give(
    town: AuditedTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process that is ended changes nothing of the report, at once or step by step."""
    (town.data.parent / "shapes" / "own.ttl").write_text(PREFIXES + QUERY)
    contents = []
    for isolated in (True, False):
        if not isolated:
            monkeypatch.setattr(foreign, "is_foreign", lambda file, base: False)
            shutil.rmtree(town.city_folder / "releases")
            (town.city_folder / "current").unlink()
        town.register()
        town.build()
        town.register("<id/post/coach> ex:p 1 .\n")
        town.build()
        with town.city as city:
            assert (city.audits.shapes.isolated is not None) == isolated
            contents.append([(f.key, f.place) for f in city.audit().findings])
    assert contents[0] == contents[1]


def test_a_limit_is_named_where_it_is_reached(town: AuditedTown, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error of the façade is the one of the validation."""
    (town.data.parent / "shapes" / "own.ttl").write_text(PREFIXES + RUNAWAY)
    monkeypatch.setenv("STADTGRAPH_AUDIT_SECONDS", "1")
    with pytest.raises(ShapeError, match="narrow it"):
        town.build()
