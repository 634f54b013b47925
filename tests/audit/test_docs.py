"""What docs/auditing.md promises exists."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from stadtgraph import City
from stadtgraph.cli import parser
from stadtgraph.sparql.files import load_queries

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "auditing.md").read_text("utf-8")


def test_every_rule_and_query_of_the_coach_exists() -> None:
    """Names in the table are shapes and example queries."""
    table = PAGE.partition("## The questions of a coach")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if "| `" in line]
    shapes = "".join(path.read_text("utf-8") for path in (ROOT / "shapes" / "audit").glob("*.ttl"))
    queries = {query.name for query in load_queries(ROOT / "data" / "queries")}
    assert len(rows) >= 10
    for _, rules, query in rows:
        assert all(re.search(rf"^shape:{name} a sh:", shapes, re.M) for name in re.findall("`([^`]+)`", rules)), rules
        assert set(re.findall("`([^`]+)`", query)) <= queries


def test_every_query_of_the_coach_is_answered_by_the_registers(tmp_path: Path) -> None:
    """Each query that the table names gives rows on the city's own registers."""
    table = PAGE.partition("## The questions of a coach")[2].partition("\n## ")[0]
    names = set(re.findall(r"`([a-z-]+)` \|$", table, re.M))
    known = {query.name: query for query in load_queries(ROOT / "data" / "queries")}
    assert len(names) >= 8
    with City(tmp_path / "city") as city:
        city.build()
        empty = [name for name in sorted(names) if not len(city.query(known[name].fill({}, city.names.base)))]
    assert not empty


def test_every_call_of_the_examples_is_one_that_the_program_takes() -> None:
    """Terminal, GitLab, GitHub and pre-commit."""
    calls = re.findall(r"(?:^ {4}|- run: |^ +- |entry: )stadtgraph ([^\n#]+)", PAGE, re.M)
    assert len(calls) >= 11
    for call in calls:
        words = shlex.split(re.split(r"\s{2,}", call)[0])
        hook = words[0] == "validate" and words[1].startswith("--")  # pre-commit gives the files
        parser("en").parse_args([*words, "units.ttl"] if hook else words)
