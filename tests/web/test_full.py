"""A full disk: who writes is told so with 507 and what to do; the release stays, and everybody else is served."""

from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from stadtgraph.city.draft import Draft
from stadtgraph.errors import DiskFull, StoreError, disk_failure
from stadtgraph.release import draft as drafts
from stadtgraph.web import graphs
from stadtgraph.web.logs import Log
from writers import NOTES, Writers


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writers]:
    """A town that is written to."""
    made = Writers.of(tmp_path_factory.mktemp("full") / "town")
    yield made
    made.close()


def full(*_: object, **__: object) -> None:
    """Fail as a full disk does."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def full_index(*_: object, **__: object) -> None:
    """Fail as SQLite does on a full disk."""
    raise sqlite3.OperationalError("database or disk is full")


@pytest.mark.parametrize(
    ("place", "name", "fails"),
    [
        (drafts, "write_durably", full),
        (drafts, "sync_tree", full),
        (drafts, "write_patch", full),
        (drafts, "spool", full),
        (drafts.Draft, "_clone", full),
        (Draft, "seal", full_index),
        (graphs, "TemporaryDirectory", full),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_write_on_a_full_disk_is_507_and_leaves_the_release(
    here: Writers,
    monkeypatch: pytest.MonkeyPatch,
    place: object,
    name: str,
    fails: Callable[..., None],
) -> None:
    """Wherever the disk runs full; as soon as there is room, the same request is done."""
    before, headers = here.release, {**here.headers["notes"], "Content-Type": "text/turtle"}
    body = "".join(f"<urn:s{i}> <urn:p> {i} .\n" for i in range(50))
    with monkeypatch.context() as patched:
        patched.setattr(place, name, fails)
        for lang, title in (("de", "Platz"), ("en", "room")):
            told = {**headers, "Accept-Language": lang}
            answer = here.client.put("/graphs/source/notes", data=body, headers=told)
            assert answer.status_code == 507, answer.text
            problem = answer.json
            assert problem is not None and problem["type"].endswith("/store-full") and title in problem["title"]
            assert "release prune" in problem["detail"]
        assert here.release == before and here.graph(NOTES) == set()
    assert here.client.put("/graphs/source/notes", data=body, headers=headers).status_code in (201, 204)
    assert len(here.graph(NOTES)) == 50
    assert not list((here.city.path / "drafts").iterdir())
    assert here.client.put("/graphs/source/notes", data="", headers=headers).status_code == 204


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """Mount a small disk; skips where that is not allowed."""
    folder.mkdir()
    call = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if sys.platform != "linux" or os.geteuid() != 0 or subprocess.run(call, check=False).returncode:
        pytest.skip("this machine does not let a test mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_city_on_a_disk_that_runs_full_is_read_and_written_again_once_there_is_room(tmp_path: Path) -> None:
    """A real disk, filled to the last byte."""
    with small_disk(tmp_path / "disk", "60m") as disk:
        here = Writers.of(disk / "town")
        before = here.release
        ballast = disk / "ballast"
        with suppress(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)
        headers = {**here.headers["notes"], "Content-Type": "text/turtle"}
        for _ in range(2):
            answer = here.client.put("/graphs/source/notes", data="<urn:s> <urn:p> 1 .", headers=headers)
            assert answer.status_code == 507, answer.text
            text = f"INSERT DATA {{ GRAPH <{NOTES}> {{ <urn:s> ex:p 1 }} }}"
            assert here.update(text, "notes").status_code == 507
            assert here.release == before
            assert here.client.get("/sparql?query=ASK%7B%3Fs%20%3Fp%20%3Fo%7D").status_code == 200
        ballast.unlink()
        assert here.client.put("/graphs/source/notes", data="<urn:s> <urn:p> 1 .", headers=headers).status_code < 300
        assert len(here.graph(NOTES)) == 1
        here.close()


def test_failures_of_a_disk_are_told_apart() -> None:
    """A full one is no broken one."""
    for problem in (
        OSError(errno.ENOSPC, "x"),
        OSError(errno.EDQUOT, "x"),
        OSError("IO error: No space left on device: While appending to file: /x"),
        sqlite3.OperationalError("database or disk is full"),
    ):
        assert isinstance(disk_failure(problem), DiskFull)
    for other in (OSError(errno.EIO, "x"), OSError(errno.EACCES, "x"), sqlite3.OperationalError("locked")):
        assert type(disk_failure(other)) is StoreError


def written_out(log: Log) -> None:
    """Wait until the log has tried to write all it was told; its own thread may be at it."""
    while log._lines or log._writing.locked():
        log.flush()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full disk to write to")
def test_a_log_on_a_full_disk_costs_lines_and_is_written_again_later(
    tmp_path: Path,
) -> None:
    """The thread that writes lives on, and says how many lines are missing."""
    with open("/dev/full", "w") as nowhere, (tmp_path / "log").open("w+") as file:
        log = Log(nowhere)
        for number in range(5):
            log.tell("lost", number=number)
        written_out(log)
        log._stream = file
        log.tell("kept")
        written_out(log)
        file.seek(0)
        text = file.read()
    assert '"kept"' in text and '"number": 5' in text and '"lost"' not in text
