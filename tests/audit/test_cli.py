"""The commands audit, explain and validate, as users and pipelines call them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from audit.town_of_audits import AUDIT_SHAPES, REGISTER, AuditedTown
from stadtgraph.cli import main


def call(town: AuditedTown, *arguments: str) -> int:
    """Call the program on the town in English."""
    return main([*arguments, "--city", str(town.city_folder), "--lang", "en"])


def test_the_exit_code_follows_fail_on(town: AuditedTown, capsys: pytest.CaptureFixture[str]) -> None:
    """A violation fails by default; a unit without one passes, and fails at warnings."""
    town.build()
    assert call(town, "audit") == 1
    assert "title" in capsys.readouterr().out
    assert call(town, "audit", "--fail-on", "never") == 0
    assert call(town, "audit", "--unit", "green") == 0
    assert call(town, "audit", "--unit", "green", "--fail-on", "warning") == 1
    assert call(town, "audit", "--unit", "nobody") == 2
    assert call(town, "audit", "--release", "20000101T000000Z-000000") == 2


def test_a_report_goes_to_a_file_or_to_standard_output(
    town: AuditedTown, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    """The same bytes; a place that cannot be written is one line and exit code 3."""
    town.build()
    target = tmp_path / "report.json"
    assert call(town, "audit", "--format", "json", "--out", str(target), "--fail-on", "never") == 0
    assert call(town, "audit", "--format", "json", "--fail-on", "never") == 0
    assert json.loads(capsysbinary.readouterr().out) == json.loads(target.read_bytes())
    assert call(town, "audit", "--out", str(tmp_path / "nowhere" / "x")) == 3
    problem = capsysbinary.readouterr().err.decode()
    assert "could not be written" in problem and problem.count("\n") == 1


def test_a_finding_is_explained_with_file_line_query_and_proposal(
    town: AuditedTown, capsys: pytest.CaptureFixture[str]
) -> None:
    """A person who reads it can mend it."""
    town.build()
    with town.city as city:
        finding = next(f for f in city.audit(unit="green").findings if f.rule.name() == "description")
    assert call(town, "explain", finding.key[:8]) == 0
    text = capsys.readouterr().out
    line = 1 + next(n for n, entry in enumerate(REGISTER.splitlines()) if entry.startswith("<id/dataset/trees> a"))
    for part in (f"register.ttl, line {line}", "sh:minCount 1", "Say what the data show.", "SELECT", "INSERT", "parks"):
        assert part in text, part
    assert call(town, "explain", "nothing") == 2


def test_validate_checks_any_files_without_a_city(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Several files are checked together; both engines agree; a missing or malformed file is named."""
    shapes, data, more = tmp_path / "shapes.ttl", tmp_path / "data.ttl", tmp_path / "more.nt"
    shapes.write_text(AUDIT_SHAPES)
    data.write_text(REGISTER)
    arguments = ["validate", str(data), "--shapes", str(shapes), "--city", str(tmp_path), "--lang", "en"]
    outputs = []
    for engine in ("shacl", "pyshacl"):
        assert main([*arguments, "--format", "csv", "--using", engine]) == 1
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1] and "parks office" in outputs[0]
    base = "https://stadtgraph.example/jena/id/dataset/lost"
    more.write_text(f'<{base}> <http://purl.org/dc/terms/title> "L" .\n')
    assert main(["validate", str(more), *arguments[1:]]) == 0
    data.write_text("<urn:a> <urn:b>\n")
    assert main(arguments) == 3 and "line 2" in capsys.readouterr().err
    assert main(["validate", str(tmp_path / "none.ttl"), "--city", str(tmp_path), "--lang", "en"]) == 3


def test_a_shapes_file_with_an_error_is_named_and_nothing_changes(
    town: AuditedTown, capsys: pytest.CaptureFixture[str]
) -> None:
    """The build ends with file, shape and reason; the release before stays, with its audit."""
    before = town.build()
    shapes = town.data.parent / "shapes" / "audit.ttl"
    shapes.write_text(AUDIT_SHAPES.replace("sh:minCount 1", 'sh:minCount "one"', 1))
    town.register("<id/dataset/more> a dcat:Dataset .\n")
    assert call(town, "build", "--real-data", str(town.files)) == 3
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("stadtgraph:")]
    assert len(lines) == 1 and "audit.ttl" in lines[0]
    with town.city as city:
        assert city.releases.current_id() == before
    shapes.write_text(AUDIT_SHAPES)
    assert call(town, "audit") == 1


def test_an_audit_during_a_build_reports_on_the_current_release(town: AuditedTown) -> None:
    """A reader never waits and never sees a draft."""
    before = town.build()
    town.trees(9, height="900")
    seen: list[tuple[str, int]] = []

    def look(step: str) -> None:
        with town.city as other:
            made = other.audit()
        seen.append((made.release, len(made.findings)))

    with town.city as city:
        city.build(real_data=town.files, progress=look)
    number = seen[0][1]
    assert set(seen[:-1]) == {(before, number)}
    assert seen[-1][0] != before and seen[-1][1] == number + 6
