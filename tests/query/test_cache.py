"""Answers that are kept: whole or not at all, whatever is killed, and never more bytes than agreed."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stadtgraph.query.cache import Cache

KEY = "0123456789abcdef0123456789abcdef"


def key(number: int) -> str:
    """Give a key."""
    return f"{number:032x}"


def used(folder: Path) -> int:
    """Give the bytes of the answers in a folder."""
    return sum(f.stat().st_size for f in folder.iterdir() if not f.name.startswith("."))


def test_an_answer_is_given_back_whole_to_every_process(tmp_path: Path) -> None:
    """Two caches on one folder are two processes of one server."""
    one, two = Cache(1 << 20, tmp_path, 2), Cache(1 << 20, tmp_path, 2)
    one.put(KEY, b"answer")
    one.put(key(2), b"cheap", shared=False)
    one.flush()
    assert one.get(key(2)) == b"cheap" and two.get(key(2)) is None
    assert one.get(KEY) == two.get(KEY) == b"answer"
    assert two.get(key(1)) is None
    one.clear()
    assert one.get(KEY) is None and Cache(1 << 20, tmp_path).get(KEY) is None


def test_what_did_not_come_to_its_end_is_not_kept(tmp_path: Path) -> None:
    """An answer that was cut off is no answer for the next one."""
    cache = Cache(1 << 20, tmp_path)
    entry = cache.entry(KEY)
    entry.add(b"first ")
    assert cache.get(KEY) is None and not list(tmp_path.iterdir())
    entry.add(b"second")
    entry.keep()
    cache.flush()
    assert Cache(1 << 20, tmp_path).get(KEY) == b"first second"


@pytest.mark.parametrize("harm", ["cut", "longer", "flipped", "renamed", "empty"])
def test_a_damaged_file_counts_as_absent(tmp_path: Path, harm: str) -> None:
    """Nobody gets part of an answer, or another one's."""
    cache = Cache(1 << 20, tmp_path)
    cache.put(KEY, b"answer " * 100)
    cache.flush()
    file, asked = tmp_path / KEY, KEY
    data = file.read_bytes()
    if harm == "renamed":
        asked = key(7)
        file.rename(tmp_path / asked)
    else:
        other = {"cut": data[:-3], "longer": data + b"x", "flipped": data[:-1] + b"?", "empty": b""}
        file.write_bytes(other[harm])
    assert Cache(1 << 20, tmp_path).get(asked) is None


def test_the_bound_holds_and_what_was_asked_for_last_stays(tmp_path: Path) -> None:
    """A sweep removes the oldest; small answers count as a block of the disk."""
    bound = 1 << 20
    cache = Cache(bound, tmp_path)
    cache.put(KEY, b"x" * 5000)
    cache.flush()
    for number in range(400):
        cache.put(key(number), b"y" * 5000)
        cache.flush()
        os.utime(tmp_path / KEY)
        if number % 40 == 39:
            cache.sweep()
    cache.sweep()
    assert used(tmp_path) <= bound // 2 and Cache(bound, tmp_path).get(KEY) == b"x" * 5000
    cache.put(key(1000), b"z" * (bound // 2))
    assert cache.get(key(1000)) is None
    assert Cache(0, tmp_path).get(KEY) is None


def test_without_room_on_the_disk_nothing_is_kept_and_nothing_fails(tmp_path: Path) -> None:
    """A full disk costs nobody an answer."""
    script = (
        "import resource, signal, sys; from pathlib import Path; from stadtgraph.query.cache import Cache;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100));"
        f"c = Cache(1 << 23, Path(sys.argv[1])); c.put({KEY!r}, b'x' * 300000); c.flush();"
        f"print(c.get({KEY!r}))"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, check=True, timeout=600)
    assert done.stdout == b"None\n" and not [f for f in tmp_path.iterdir() if not f.name.startswith(".")]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] != 100


def test_a_process_that_is_killed_while_it_writes_leaves_nothing_wrong(tmp_path: Path) -> None:
    """Every answer found afterwards is the one that belongs to its key."""
    script = (
        "import sys; from pathlib import Path; from stadtgraph.query.cache import Cache\n"
        "c, n = Cache(1 << 30, Path(sys.argv[1])), 0\n"
        "while True:\n"
        "    c.put(f'{n % 50:032x}', f'{n % 50:032x}'.encode() * 20_000); c.flush(); n += 1; print(n, flush=True)\n"
    )
    for _ in range(3):
        with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(0.05)
            process.send_signal(signal.SIGKILL)
    whole = [number for number in range(50) if Cache(1 << 30, tmp_path).get(key(number)) is not None]
    assert whole
    for number in whole:
        assert Cache(1 << 30, tmp_path).get(key(number)) == key(number).encode() * 20_000
