"""A store that was closed lets go of its files, also where something that nobody can reach still holds it."""

from __future__ import annotations

import gc
from pathlib import Path

import pyoxigraph as ox
import pytest

from stadtgraph.store import OxigraphEngine
from stadtgraph.terms import Names

QUAD = ox.Quad(ox.NamedNode("urn:s"), ox.NamedNode("urn:p"), ox.Literal("o"))


def test_a_store_that_nobody_holds_is_closed_without_looking_for_garbage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That would stop every thread of a web process for as long as it is large."""
    looked: list[object] = []
    monkeypatch.setattr(gc, "collect", lambda *_: looked.append(1))
    engine = OxigraphEngine(tmp_path / "store", Names(), read_only=False)
    engine.store.add(QUAD)
    engine.close()
    assert not looked
    OxigraphEngine(tmp_path / "store", Names(), read_only=False).close()


def test_a_store_that_garbage_holds_is_closed_all_the_same(tmp_path: Path) -> None:
    """It can be opened for writing again, which only one may do."""
    engine = OxigraphEngine(tmp_path / "store", Names(), read_only=False)
    engine.store.add(QUAD)
    circle: list[object] = [engine.store]
    circle.append(circle)
    del circle
    engine.close()
    OxigraphEngine(tmp_path / "store", Names(), read_only=False).close()
