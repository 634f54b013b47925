"""Fixtures around the small town of ``tests/town.py``, with shapes that are asked of harvested records."""

from __future__ import annotations

from pathlib import Path

import pytest

from harvest_town import HarvestTown


@pytest.fixture
def town(tmp_path: Path) -> HarvestTown:
    """A small city that was never built, with a catalogue to harvest."""
    return HarvestTown(tmp_path)


@pytest.fixture(scope="session")
def catalogues(shared: Path) -> Path:
    """The folder of real catalogues."""
    return shared / "realdata" / "catalogues"
