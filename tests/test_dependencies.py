"""What is imported is declared, and each dependency has its reason."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
NAMES = {"Stemmer": "PyStemmer", "prometheus_client": "prometheus-client"}
"""Packages whose module is named otherwise."""


def declared() -> set[str]:
    """Give the packages that the project says it needs, with its extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [
        *project["dependencies"],
        *(text for extra in project["optional-dependencies"].values() for text in extra),
    ]
    return {re.split(r"[^\w.-]", text)[0] for text in wanted}


def imported() -> set[str]:
    """Give the packages that the sources import, without those that Python brings along."""
    found = set()
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.split(".")[0])
    return {NAMES.get(name, name) for name in found - sys.stdlib_module_names - {"stadtgraph", "_typeshed"}}


def test_what_is_imported_is_declared() -> None:
    """Nothing works only because another package brought it along."""
    assert len(imported()) > 10
    assert imported() <= declared()


def test_each_dependency_has_its_line() -> None:
    """With the reason for which it is there."""
    rows = [
        line.split("|") for line in (ROOT / "docs" / "dependencies.md").read_text("utf-8").splitlines() if "|" in line
    ]
    named = {name for row in rows for name in re.findall(r"[\w-]+", re.sub(r"\(.*?\)", "", row[1])) if row[2].strip()}
    assert declared() <= named
