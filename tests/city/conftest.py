"""Fixtures around the small town of ``tests/town.py``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from town import Town


@pytest.fixture
def town(tmp_path: Path) -> Town:
    """A small city that was never built."""
    return Town(tmp_path)


@pytest.fixture
def make_town(tmp_path: Path) -> Callable[[str], Town]:
    """Make several small cities."""
    return lambda name: Town(tmp_path / name)
