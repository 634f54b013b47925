"""The house is visible from its folders: an import may only go down the layers."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "src" / "stadtgraph"
LAYERS: list[set[str]] = [
    {"cli", "web", "__main__"},
    {"city"},
    {"catalogue", "audit", "links", "search", "lineage"},
    {"shacl", "reason", "sources"},
    {"release", "query", "access"},
    {"store"},
    {"sparql", "net"},
    {"rdflib_terms", "terms", "config", "errors"},
    {"messages"},
]
WITHIN = {
    ("cli", "web"),
    ("__main__", "cli"),
    ("terms", "errors"),
    ("config", "errors"),
    ("config", "terms"),
    ("rdflib_terms", "terms"),
    ("errors", "messages"),
}
LEVEL = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}


def _room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the room they come from"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


MODULES = [p for p in sorted(PACKAGE.rglob("*.py")) if _room(p) != "__init__"]


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_imports_only_from_its_own_room_or_below(path: Path) -> None:
    """``city`` may use ``store``; ``store`` may not know of ``city``."""
    room = _room(path)
    assert room in LEVEL, f"{room} is in no layer: add it to docs/architecture.md and to this test"
    for name in _imports(path):
        if not name.startswith("stadtgraph."):
            continue
        other = name.split(".")[1]
        if other in LEVEL and other != room:
            allowed = LEVEL[other] > LEVEL[room] or (room, other) in WITHIN
            assert allowed, f"{path.name} in {room} imports {other}, which is not below it"


def test_every_room_of_the_package_is_in_a_layer() -> None:
    """A new room is placed in the architecture before it is used."""
    assert {_room(p) for p in MODULES} <= set(LEVEL)


def test_rdflib_stays_inside_the_adapters() -> None:
    """pyoxigraph terms are used everywhere; only the doors to rdflib libraries know rdflib."""
    users = {p.relative_to(PACKAGE).parts[0] for p in MODULES for name in _imports(p) if name.split(".")[0] == "rdflib"}
    assert users <= {"reason", "shacl", "rdflib_terms.py"}
