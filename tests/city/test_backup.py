"""Backups: consistent while others write, whole or not there, and never over something."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from stadtgraph import City
from stadtgraph.access import Tokens
from stadtgraph.city.backup import LIST, backup, restore
from stadtgraph.cli import main
from stadtgraph.errors import BusyError, InputError, StoreError, UsageError
from stadtgraph.release import View
from town import SECRET, Town

EVERYTHING = "SELECT ?s ?p ?o { GRAPH ?g { ?s ?p ?o } }"


@pytest.fixture
def town(tmp_path: Path) -> Town:
    """A town of two releases with something restricted."""
    town = Town(tmp_path / "town")
    town.build()
    town.plans()
    town.build()
    return town


def content(city: Path) -> dict[str, set[str]]:
    """Give what every release of a city says, by release and view."""
    found = {}
    with City(city) as opened:
        for release in opened.releases.all():
            for view in View:
                if release.has(view):
                    rows = release.engine(view).select(EVERYTHING)
                    found[f"{release.id} {view}"] = {" ".join(str(row[v]) for v in "spo") for row in rows}
    return found


def hidden(folder: Path) -> list[str]:
    """Give the names that start with a dot."""
    return [entry.name for entry in folder.iterdir() if entry.name.startswith(".")]


def test_a_restored_city_is_the_one_that_was_backed_up(town: Town, tmp_path: Path) -> None:
    """Every release, both views, the settings; shared files stay shared, and it can be built on."""
    found = backup(town.city_folder, tmp_path / "copy")
    assert restore(tmp_path / "copy", town.city_folder.parent / "again") == found
    assert content(town.city_folder.parent / "again") == content(town.city_folder) and found.releases == 2
    links = [f.stat().st_nlink for f in (town.city_folder.parent / "again" / "releases").rglob("*.sst")]
    assert max(links) > 1
    assert not (tmp_path / "copy" / "drafts").exists() and not hidden(tmp_path)
    with City(town.city_folder.parent / "again") as city:
        with city.draft(why="more") as draft:
            draft.load(town.data / "units.ttl", source="more")
        assert len(city.releases.ids()) == 3


def test_tokens_are_left_out_unless_asked_for(town: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Either way it is said."""
    secret = Tokens(town.city_folder).create(["audit"])[1]
    city = str(town.city_folder)
    assert main(["backup", str(tmp_path / "without"), "--city", city, "--lang", "en"]) == 0
    assert "Tokens are not in it" in capsys.readouterr().err
    assert not (tmp_path / "without" / "tokens.json").exists()
    assert main(["backup", str(tmp_path / "with"), "--tokens", "--city", city, "--lang", "de"]) == 0
    assert "Tokens" in capsys.readouterr().err
    assert stat.S_IMODE((tmp_path / "with" / "tokens.json").stat().st_mode) == 0o600
    assert (
        main(["restore", str(tmp_path / "with"), "--city", str(town.city_folder.parent / "again"), "--lang", "en"]) == 0
    )
    assert "hold again" in capsys.readouterr().err
    assert Tokens(town.city_folder.parent / "again").find(secret) is not None
    assert stat.S_IMODE((town.city_folder.parent / "again" / "tokens.json").stat().st_mode) == 0o600


def test_nothing_is_overwritten(town: Town, tmp_path: Path) -> None:
    """Neither by a backup nor by a restored city; and a backup does not lie in its city."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("x")
    for target, key in ((tmp_path / "full", "backup-exists"), (town.city_folder / "b", "backup-inside")):
        with pytest.raises(UsageError) as caught:
            backup(town.city_folder, target)
        assert caught.value.key == key
    backup(town.city_folder, tmp_path / "copy")
    with pytest.raises(UsageError):
        restore(tmp_path / "copy", town.city_folder)
    with pytest.raises(UsageError):
        backup(tmp_path / "full", tmp_path / "other")


def test_a_backup_made_while_releases_come_and_go_is_consistent(town: Town, tmp_path: Path) -> None:
    """What came meanwhile is in it, what was withdrawn meanwhile is not, and ``current`` is that of one moment."""
    steps: list[str] = []

    def meanwhile(step: str) -> None:
        steps.append(step)
        if step == "copied":
            with City(town.city_folder) as city:
                with city.draft(why="meanwhile") as draft:
                    draft.load(town.data / "units.ttl", source="meanwhile")
                city.releases.remove(city.releases.ids()[-1])

    backup(town.city_folder, tmp_path / "copy", progress=meanwhile)
    restore(tmp_path / "copy", town.city_folder.parent / "again")
    assert steps == ["copied", "locked", "done"]
    assert content(town.city_folder.parent / "again") == content(town.city_folder)


def test_writers_wait_only_for_the_last_look(town: Town, tmp_path: Path) -> None:
    """Under the lock nothing is copied that was copied before."""
    writing = threading.Event()

    def look(step: str) -> None:
        if step == "copied":
            with City(town.city_folder) as city, city.draft(why="nothing"):
                writing.set()

    backup(town.city_folder, tmp_path / "copy", progress=look)
    assert writing.is_set()


@pytest.mark.parametrize("step", ["copied", "locked", "done"])
def test_a_backup_that_is_killed_leaves_no_backup_and_the_next_one_clears_up(
    town: Town, tmp_path: Path, step: str
) -> None:
    """Whenever it is killed; the city is not held up."""
    script = (
        "import os, signal, sys; from pathlib import Path; from stadtgraph.city.backup import backup;"
        f"backup(Path(sys.argv[1]), Path(sys.argv[2]), progress=lambda s: s == {step!r}"
        f" and os.kill(os.getpid(), signal.SIGKILL))"
    )
    target = tmp_path / "copy"
    done = subprocess.run([sys.executable, "-c", script, str(town.city_folder), str(target)], timeout=600, check=False)
    assert done.returncode == -signal.SIGKILL and not target.exists()
    assert hidden(tmp_path) == [".copy.part"]
    with City(town.city_folder) as city, city.draft(why="goes on") as draft:
        draft.load(town.data / "units.ttl", source="more")
    backup(town.city_folder, target)
    assert restore(target, town.city_folder.parent / "again").releases == 3 and not hidden(tmp_path)


def test_a_full_disk_leaves_no_backup(town: Town, tmp_path: Path) -> None:
    """Nor half a city; the message says so and what to do."""
    backup(town.city_folder, tmp_path / "good")
    for call in ("backup(Path(sys.argv[1]), Path(sys.argv[3]))", "restore(Path(sys.argv[2]), Path(sys.argv[3]))"):
        script = (
            "import resource, signal, sys; from pathlib import Path;"
            "from stadtgraph.city.backup import backup, restore; from stadtgraph.errors import StoreError\n"
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n"
            f"try: {call}\nexcept StoreError as e: print(e.key)\n"
        )
        folders = (str(town.city_folder), str(tmp_path / "good"), str(tmp_path / "new"))
        done = subprocess.run(
            [sys.executable, "-c", script, *folders], capture_output=True, text=True, timeout=600, check=True
        )
        assert done.stdout.strip() in ("backup-failed", "restore-failed")
        assert not (tmp_path / "new").exists() and not hidden(tmp_path)
    with pytest.raises(StoreError):
        backup(town.city_folder, tmp_path / "good" / LIST / "x")


@pytest.mark.parametrize("harm", ["flip", "cut", "gone", "outside", "absolute", "format", "broken", "none"])
def test_a_damaged_backup_makes_no_city(town: Town, tmp_path: Path, harm: str) -> None:
    """The file is named; a list that leads out of its folder is not followed."""
    copy = tmp_path / "copy"
    backup(town.city_folder, copy)
    said = json.loads((copy / LIST).read_text())
    file = max((f for f in copy.rglob("*.sst")), key=lambda f: f.stat().st_size)
    if harm == "flip":
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(bytes(data))
    elif harm == "cut":
        os.truncate(file, 10)
    elif harm == "gone":
        file.unlink()
    elif harm in ("outside", "absolute"):
        name = {"outside": "../stolen", "absolute": "/etc/hostname"}[harm]
        said["files"][name] = {"bytes": 1, "blake2b": "00"}
        (copy / LIST).write_text(json.dumps(said))
    elif harm == "format":
        (copy / LIST).write_text(json.dumps(said | {"format": 99}))
    elif harm == "broken":
        (copy / LIST).write_text("{")
    else:
        (copy / LIST).unlink()
    with pytest.raises(InputError):
        restore(copy, town.city_folder.parent / "again")
    assert not (town.city_folder.parent / "again").exists() and not hidden(tmp_path)


def test_two_backups_to_one_place_do_not_mix(town: Town, tmp_path: Path) -> None:
    """The second is told to wait or go elsewhere."""

    def second(step: str) -> None:
        if step == "copied":
            with pytest.raises(BusyError):
                backup(town.city_folder, tmp_path / "copy")

    backup(town.city_folder, tmp_path / "copy", progress=second)
    assert (tmp_path / "copy" / LIST).is_file()


def test_what_was_withdrawn_during_a_backup_is_not_in_it(town: Town, tmp_path: Path) -> None:
    """A release that was written anew is copied anew, byte for byte."""

    def withdraw(step: str) -> None:
        if step == "copied":
            with City(town.city_folder) as city:
                assert (
                    main(["release", "withdraw", f"{city.names.base}graph/source/plans", "--city", str(city.path)]) == 0
                )

    backup(town.city_folder, tmp_path / "copy", progress=withdraw)
    assert not [f for f in (tmp_path / "copy").rglob("*") if f.is_file() and SECRET.encode() in f.read_bytes()]
