"""Killed at any step or moment, or out of disk: the old or the new release serves, and the next build succeeds."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stadtgraph.release import View
from town import Contents, Town

SCRIPT = """
import json, os, signal, sys
from pathlib import Path
from stadtgraph import City

def run(verb, folder, files, step=0):
    seen = []
    def progress(name):
        seen.append(name)
        if len(seen) == step:
            os.kill(os.getpid(), signal.SIGKILL)
    if verb == "build":
        City(folder).build(real_data=Path(files), progress=progress)
    else:
        City(folder).withdraw("https://town.example/graph/source/trees", progress=progress)

if sys.argv[1:]:
    run(*sys.argv[1:])
for line in () if sys.argv[1:] else sys.stdin:
    child = os.fork()  # before anything was opened: what is imported need not be imported again
    if not child:
        run(*json.loads(line))
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
Run = Callable[[str, Town, int], int]


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """Build, or withdraw, in a process of its own that kills itself after so many steps; give its exit code."""
    command = [sys.executable, "-c", SCRIPT]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        told, answers = process.stdin, process.stdout

        def ended(verb: str, town: Town, step: int) -> int:
            told.write(json.dumps([verb, str(town.city_folder), str(town.files), step]) + "\n")
            told.flush()
            return int(answers.readline())

        yield ended


def _both(town: Town) -> tuple[Contents, Contents]:
    return town.contents(View.PUBLIC), town.contents(View.INTERNAL)


def _prepare(town: Town, *, rolled_back: bool) -> None:
    """Give the town a release; with ``rolled_back`` one to which it was returned from a later one."""
    town.plans()
    first = town.build()
    if rolled_back:
        town.trees(9)
        town.build()
        with town.city as city:
            city.rollback(first)


def _change(town: Town) -> None:
    town.trees(5, height="7.50")
    town.plans("Ein anderer Plan")


def _expected(make_town: Callable[[str], Town]) -> Contents | tuple[Contents, Contents]:
    fresh = make_town("expected")
    _change(fresh)
    fresh.build()
    return _both(fresh)


@pytest.mark.parametrize("rolled_back", [False, True], ids=["after a build", "after a rollback"])
def test_killed_after_any_step_the_old_or_the_new_release_serves(
    make_town: Callable[[str], Town], rolled_back: bool, tmp_path: Path, run: Run
) -> None:
    """Every step that a build reports is a place to die; nothing is ever a mixture."""
    expected, step, outcomes, prepared = _expected(make_town), 0, set(), make_town("prepared")
    _prepare(prepared, rolled_back=rolled_back)
    old = _both(prepared)
    _change(prepared)
    while True:
        step += 1
        town = prepared.copied(tmp_path / f"step{step}")
        code = run("build", town, step)
        now = _both(town)
        assert now in (old, expected)
        outcomes.add(now == expected)
        town.build()
        assert _both(town) == expected
        assert not list((town.city_folder / "drafts").iterdir())
        assert not (town.city_folder / "pending").exists()
        if code == 0:
            break
        assert code == -signal.SIGKILL
    assert step > 10, "a build reports its steps"
    assert outcomes == {False, True}


def test_a_withdrawal_that_is_killed_after_any_step_leaves_a_release_that_serves(
    make_town: Callable[[str], Town], tmp_path: Path, run: Run
) -> None:
    """Before the next writer comes, the release answers; starting the withdrawal again finishes it."""
    prepared, step = make_town("prepared"), 0
    prepared.build()
    while True:
        step += 1
        town = prepared.copied(tmp_path / f"step{step}")
        code = run("withdraw", town, step)
        with town.city as city:
            assert city.query("ASK { <id/unit/a> ?p ?o }")
            graph = city.names.source("trees").value
            city.withdraw(graph)
            assert not city.query("ASK { <id/tree/1> ?p ?o }")
            assert [entry.name for entry in city.releases.folder.iterdir()] == city.releases.ids()
        if code == 0:
            break
        assert code == -signal.SIGKILL
    assert step > 3


@pytest.mark.slow
def test_killed_at_twenty_random_moments_the_old_or_the_new_release_serves(make_town: Callable[[str], Town]) -> None:
    """One town goes through twenty builds that are killed from outside, wherever they are."""
    expected, town = _expected(make_town), make_town("town")
    _prepare(town, rolled_back=False)
    old = _both(town)
    chance = random.Random(4711)
    _change(town)
    for _ in range(20):
        command = [sys.executable, "-c", SCRIPT, "build", str(town.city_folder), str(town.files)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(0.3, 2.0))
        process.kill()
        process.communicate()
        assert _both(town) in (old, expected)
    town.build()
    assert _both(town) == expected


@pytest.mark.skipif(os.geteuid() != 0 or sys.platform != "linux", reason="mounting a small disk needs root on Linux")
def test_a_full_disk_leaves_the_current_release_and_the_next_build_succeeds(tmp_path: Path) -> None:
    """On a disk of 6 MB a large source does not fit: one error, nothing changed; a small one then does."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("this machine does not let a test mount a small disk")
    try:
        town = Town(disk / "town")
        town.build()
        before = town.contents()
        town.trees(60_000)
        command = [sys.executable, "-m", "stadtgraph", "build", "--city", str(town.city_folder)]
        result = subprocess.run([*command, "--real-data", str(town.files)], capture_output=True, text=True, timeout=600)
        assert result.returncode == 3
        assert "Nothing was changed" in result.stderr.splitlines()[-1]
        assert "Traceback" not in result.stderr
        assert town.contents() == before
        town.trees(4)
        town.build()
        assert town.contents() != before
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)
