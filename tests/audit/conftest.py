"""Fixtures around a town that is audited."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from audit.town_of_audits import AuditedTown


@pytest.fixture
def town(tmp_path: Path) -> AuditedTown:
    """A small city with faults in its registers, never built."""
    return AuditedTown(tmp_path)


@pytest.fixture
def make_town(tmp_path: Path) -> Callable[[str], AuditedTown]:
    """Make several such cities."""
    return lambda name: AuditedTown(tmp_path / name)
