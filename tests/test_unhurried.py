"""No test fails for the time it takes or the day on which it runs: what the tests themselves must not do."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

FILES = sorted(Path(__file__).parent.rglob("*.py"))
CLOCKS = {"monotonic", "perf_counter", "process_time", "time"}
LEAST = 60
"""Seconds to wait at least for a process or an answer: it only ends what hangs."""


def named(node: ast.AST) -> str:
    """Give the last part of the name of what is called."""
    found = node.func if isinstance(node, ast.Call) else node
    return found.attr if isinstance(found, ast.Attribute) else found.id if isinstance(found, ast.Name) else ""


def measured(node: ast.AST) -> bool:
    """Tell whether an assertion looks at how long something took."""
    return isinstance(node, ast.Assert) and any(
        isinstance(part, ast.BinOp) and isinstance(part.op, ast.Sub) and named(part.left) in CLOCKS
        for part in ast.walk(node)
    )


def impatient(node: ast.AST) -> bool:
    """Tell whether a call gives up after a few seconds."""
    return isinstance(node, ast.keyword) and node.arg == "timeout" and _number(node.value) < LEAST


def hasty(node: ast.AST) -> bool:
    """Tell whether a property is given a deadline, or watched for being slow."""
    if not isinstance(node, ast.keyword):
        return False
    if node.arg == "deadline":
        return isinstance(node.value, ast.Constant) and node.value.value is not None
    kept = ast.unparse(node.value)
    return node.arg == "suppress_health_check" and "too_slow" not in kept and kept != "list(HealthCheck)"


def local(node: ast.AST) -> bool:
    """Tell whether a call gives the day of the machine, which is not that of the queries."""
    return isinstance(node, ast.Call) and ast.unparse(node) in ("date.today()", "datetime.now()", "datetime.today()")


def _number(node: ast.AST) -> float:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, int | float) else LEAST


def _found(rule: Callable[[ast.AST], bool]) -> Iterator[str]:
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if rule(node):
                yield f"{path.name}:{node.lineno}"  # type: ignore[attr-defined]


@pytest.mark.parametrize("rule", [measured, impatient, hasty, local])
def test_no_test_depends_on_how_fast_or_when_it_runs(rule: Callable[[ast.AST], bool]) -> None:
    """A machine may be slow, busy and anywhere: wait for what is to happen, with a limit that only ends what hangs."""
    assert list(_found(rule)) == []


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (measured, "assert time.monotonic() - began < 5"),
        (impatient, "run(call, timeout=20)"),
        (hasty, "settings(deadline=200)"),
        (hasty, "settings(suppress_health_check=[HealthCheck.filter_too_much])"),
        (local, "date.today()"),
    ],
)
def test_the_rules_find_what_they_are_for(rule: Callable[[ast.AST], bool], text: str) -> None:
    """One example of each."""
    assert any(map(rule, ast.walk(ast.parse(text))))
