"""What callers have left is one for all processes of a server."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stadtgraph.errors import TooManyRequests
from stadtgraph.query.budgets import Budgets, Left, prepare
from stadtgraph.query.fairness import Fairness, Shares

SHARES = Shares(seconds=10, errors=5)
ELSEWHERE = """
import sys
from pathlib import Path
from stadtgraph.query.budgets import Budgets
from stadtgraph.query.fairness import Fairness, Shares
Fairness(Shares(seconds=10, errors=5), lambda: 100.0, Budgets(Path(sys.argv[1]))).leave("a", seconds=30)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of budgets."""
    assert prepare(tmp_path / "budgets")
    return tmp_path / "budgets"


@pytest.fixture
def two(path: Path) -> Iterator[tuple[Fairness, Fairness]]:
    """Two who let callers in, as two processes do."""
    files = [Budgets(path), Budgets(path)]
    yield Fairness(SHARES, lambda: 100.0, files[0]), Fairness(SHARES, lambda: 100.0, files[1])
    for file in files:
        file.close()


def test_what_one_process_counts_another_one_knows(two: tuple[Fairness, Fairness]) -> None:
    """Seconds and errors; others are not concerned."""
    first, second = two
    first.enter("a")
    first.leave("a", seconds=15)
    second.enter("a")
    second.leave("a", seconds=15)
    for fairness in two:
        with pytest.raises(TooManyRequests):
            fairness.enter("a")
        fairness.enter("b")
    first.fail("c", times=6)
    second.fail("c", times=6)
    with pytest.raises(TooManyRequests):
        first.enter("c")


def test_another_process_is_seen(path: Path, two: tuple[Fairness, Fairness]) -> None:
    """Also after it has ended."""
    two[0].enter("a")
    subprocess.run([sys.executable, "-c", ELSEWHERE, str(path)], check=True)
    with pytest.raises(TooManyRequests):
        two[0].enter("a")


def test_a_row_that_makes_no_sense_is_a_new_one(path: Path) -> None:
    """Whatever was left there by whom."""
    file = Budgets(path)
    file.put("a", file.get("a", Left(10, 10, 100))[0], Left(1, 10, 100))
    assert file.get("a", Left(10, 10, 100))[1] == Left(1, 10, 100)
    data = bytearray(path.read_bytes())
    at = next(i for i in range(0, len(data), 32) if any(data[i : i + 32]))
    for seconds, seen in ((float("nan"), 100.0), (1.0, 1e9), (float("inf"), 1.0), (-1e300, 1.0)):
        struct.pack_into("@dxxxxxxxxd", data, at + 8, seconds, seen)
        path.write_bytes(data)
        other = Budgets(path)
        assert other.get("a", Left(10, 10, 100))[1].seconds == 10
        other.close()
    file.close()


def test_more_callers_than_rows_push_out_those_not_seen_longest(path: Path) -> None:
    """Who is seen all the time stays."""
    file = Budgets(path)
    for number in range(40_000):
        row, left = file.get(f"caller {number}", Left(10, 10, number))
        file.put(f"caller {number}", row, Left(5, 5, number))
        if number % 50 == 0:
            row, left = file.get("steady", Left(10, 10, number))
            assert left.seconds == (5 if number else 10)
            file.put("steady", row, Left(5, 5, number))
    assert file.get("caller 0", Left(10, 10, 40_000))[1].seconds == 10
    assert file.get("caller 39999", Left(10, 10, 40_000))[1].seconds == 5
    file.close()


def test_without_room_each_counts_for_itself(tmp_path: Path) -> None:
    """A file that is there already, too short, or not at all."""
    (tmp_path / "short").write_bytes(b"1")
    assert not prepare(tmp_path / "no" / "budgets")
    for name in ("short", "none"):
        with pytest.raises(OSError, match=name):
            Budgets(tmp_path / name)
