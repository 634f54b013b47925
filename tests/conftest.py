"""Fixtures that every test file may use."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from fcntl import LOCK_EX, flock
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from stadtgraph import City

ROOT = Path(__file__).resolve().parent.parent

# No test fails for the time it takes. A run that must be the same each time draws the same examples each time.
settings.register_profile("any", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same", settings.get_profile("any"), derandomize=True)
settings.load_profile("same" if os.environ.get("STADTGRAPH_REQUIRE_SHARED") == "1" else "any")
for _share in ("CONCURRENCY", "SECONDS", "ERRORS"):  # the tests ask more than one caller may, all from one address
    os.environ[f"STADTGRAPH_FAIRNESS_{_share}"] = "0"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with a file that needs the real city: it is built by the time when the others come, and nobody waits."""
    first = next((item.path for item in items if "real_city" in getattr(item, "fixturenames", ())), None)
    items.sort(key=lambda item: item.path != first)


def pytest_collection_finish() -> None:
    """Keep what the tests themselves brought along out of the garbage collection that closing a store asks for."""
    gc.collect()
    gc.freeze()


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


@pytest.fixture(scope="session")
def real_city(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """The city of Jena with all its real files, built once (about a minute) for all processes; not to be changed."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    folder, built = root / "jena" / "city", root / "jena" / "built"
    folder.parent.mkdir(exist_ok=True)
    with (root / "jena" / "lock").open("w") as lock:
        flock(lock, LOCK_EX)
        if not built.exists():
            with City(folder) as city:
                report = city.build(real_data=real_data)
            assert not report.violations and not report.skipped
            built.touch()
    with City(folder) as city:
        yield city
