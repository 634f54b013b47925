"""Fixtures around a small town with one live source."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from live_town import LiveTown
from portal import Portal, portal
from stadtgraph.sources.harvest import fetching


@pytest.fixture
def town(tmp_path: Path) -> LiveTown:
    """A small city that was never built."""
    return LiveTown(tmp_path)


@pytest.fixture
def server() -> Iterator[Portal]:
    """A server on this machine."""
    with portal() as made:
        yield made


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits between requests, which are not waited for."""
    waited: list[float] = []
    monkeypatch.setattr(fetching.time, "sleep", waited.append)
    return waited
