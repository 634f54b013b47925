"""Fixtures that every test file may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def _shared_folder() -> Path:
    return Path(os.environ.get("STADTGRAPH_SHARED") or ROOT.parent / "shared").resolve()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference material and real data; tests that need it skip where it is absent."""
    folder = _shared_folder()
    if not folder.is_dir():
        reason = f"reference material is not at {folder} (set STADTGRAPH_SHARED)"
        if os.environ.get("STADTGRAPH_REQUIRE_SHARED") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


@pytest.fixture(scope="session")
def real_data(shared: Path) -> Path:
    """The folder of the city's real files."""
    return shared / "realdata" / "jena"
