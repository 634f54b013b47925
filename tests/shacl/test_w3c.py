"""Both engines pass the W3C test suite, but for listed failures. https://w3c.github.io/data-shapes/data-shapes-test-suite/"""

from __future__ import annotations

from pathlib import Path

import pytest
from w3c_suite import Entry, entries, expected_results, found_results, read

from stadtgraph.errors import StadtgraphError
from stadtgraph.shacl import ENGINES, Shapes, validate

KNOWN_FAILURES = {
    ("pyshacl", "pre-binding/shapesGraph-001"): "pySHACL does not support $shapesGraph",
}


def test_the_suite_is_read_whole(shared: Path) -> None:
    """98 core and 23 SPARQL entries, seven of which a processor must refuse."""
    core, sparql = (entries(shared / "reference/w3c/shacl" / part) for part in ("core", "sparql"))
    assert (len(core), len(sparql), sum(entry.must_fail for entry in [*core, *sparql])) == (98, 23, 7)


def problem(entry: Entry, using: str) -> str | None:
    """Tell what is wrong about an engine's answer to an entry; ``None`` where it passes."""
    try:
        shapes = Shapes(read(entry.shapes).triples)
        report = validate(read(entry.data).triples, shapes, using=using)
    except StadtgraphError as error:
        return None if entry.must_fail else f"refused: {error}"
    if entry.must_fail:
        return "not refused"
    expected, sourced = expected_results(entry, shapes)
    found, found_sourced = found_results(report)
    if expected != found:
        return f"missing {expected - found}, too many {found - expected}"
    return None if sourced <= found_sourced else f"wrong source shape: {sourced - found_sourced}"


@pytest.mark.parametrize("part", ["core", "sparql"])
@pytest.mark.parametrize("using", ENGINES)
def test_an_engine_gives_the_expected_reports(shared: Path, using: str, part: str) -> None:
    """Focus node, path, value, component, severity and source shape of every result; known failures must fail."""
    if not ENGINES[using].is_there:
        pytest.skip(f"the package of {using} is not installed")
    wrong: dict[str, str] = {}
    for entry in entries(shared / "reference/w3c/shacl" / part):
        said, known = problem(entry, using), KNOWN_FAILURES.get((using, entry.name))
        if known and not said:
            wrong[entry.name] = f"passes now, take it off the list: {known}"
        elif said and not known:
            wrong[entry.name] = said
    assert not wrong, "\n".join(f"{name}: {text}" for name, text in wrong.items())
