"""Who gets the next worker: whoever had least of late, and quick queries before those that take long."""

from __future__ import annotations

import pytest

from stadtgraph.query.line import GENEROUS, MOST_WAITING, PRESSING, SLICE, STUCK, Hold, Line, Waiting


class Clock:
    """A clock that moves when it is told."""

    def __init__(self) -> None:
        """Begin somewhere."""
        self.now = 100.0

    def __call__(self) -> float:
        """Give the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock of its own."""
    return Clock()


def full(line: Line, caller: str = "greedy") -> list[Hold]:
    """Let one caller hold every place."""
    return [line.enter(caller) for _ in range(line.size)]


def wait(line: Line, caller: str, since: float, *, again: bool = False) -> Waiting:
    """Put somebody into the line."""
    found = Waiting(caller, since, again=again)
    line.waiting.append(found)
    return found


def test_who_held_least_comes_first_and_then_who_came_first(clock: Clock) -> None:
    """However long the line of a caller who held much."""
    line = Line(1, clock=clock)
    hold = line.enter("greedy")
    clock.now += 5
    greedy = [wait(line, "greedy", clock.now) for _ in range(3)]
    late, later = wait(line, "modest", clock.now), wait(line, "other", clock.now + 1)
    assert line.is_open("modest") and not line.is_open("greedy")
    line.leave(hold)
    assert [line.next() for _ in range(5)] == [late, later, *greedy]


def test_what_was_long_ago_counts_little(clock: Clock) -> None:
    """Half a minute later, a little more than two thirds."""
    line = Line(1, clock=clock)
    hold = line.enter("a")
    clock.now += 8
    assert line.used("a") == 8
    line.leave(hold)
    clock.now += 60
    assert line.used("a") == pytest.approx(4)


def test_a_worker_that_waits_for_its_reader_takes_no_place(clock: Clock) -> None:
    """As long as there are not more such than places; then slow readers have to go."""
    line = Line(2, clock=clock)
    first = full(line)
    clock.now += 1
    for hold in first:
        hold.given, hold.paused = True, clock.now
    assert not line.is_open("greedy")
    clock.now += STUCK * 2
    assert line.is_open("greedy")
    second = full(line)
    assert not line.is_open("greedy")
    for hold in second:
        hold.given, hold.paused = True, clock.now
    clock.now += STUCK * 2
    wait(line, "modest", clock.now)
    assert not line.is_open("greedy") and not line.is_choked
    clock.now += PRESSING * 2
    assert line.is_choked
    first[0].paused = 0.0
    first[1].paused = 0.0
    assert not line.is_choked


def test_of_long_queries_only_a_part_stays_while_others_wait(clock: Clock) -> None:
    """The heaviest caller's goes first, until as many places are left to quick ones as are theirs."""
    line = Line(4, clock=clock)
    holds = [line.enter(caller) for caller in "aabc"]
    clock.now += SLICE * 2
    assert not any(map(line.must_go, holds))
    wait(line, "a", clock.now - 1)
    assert not any(map(line.must_go, holds)), "who holds more waits for himself"
    wait(line, "modest", clock.now - 1)
    gone = []
    while going := [hold for hold in holds if line.must_go(hold)]:
        (hold,) = going
        line.leave(hold)
        holds.remove(hold)
        gone.append(hold.caller)
    assert gone[0] == "a" and len(gone) == 2 == line.size - line.part


def test_a_query_that_was_set_back_waits_for_its_part_and_is_not_set_back_again(clock: Clock) -> None:
    """So it comes to its end, and quick ones keep their places."""
    line = Line(2, clock=clock)
    long = line.enter("a", again=True)
    waiting = wait(line, "b", clock.now, again=True)
    assert line.next() is None
    quick = line.enter("c")
    clock.now += SLICE * 2
    wait(line, "d", clock.now - 1)
    assert line.must_go(quick) and not line.must_go(long)
    line.leave(quick)
    line.waiting = [waiting]
    line.leave(long)
    assert line.next() is waiting


def test_an_answer_on_its_way_is_broken_off_only_for_who_had_much(clock: Clock) -> None:
    """One long download is not; one after the other is."""
    line = Line(2, clock=clock)
    holds = full(line)
    for hold in holds:
        hold.given = True
    clock.now += GENEROUS / 2 - 1
    wait(line, "modest", clock.now - 1)
    assert not any(map(line.must_go, holds))
    clock.now += 2
    assert any(map(line.must_go, holds))


def test_who_had_nothing_of_late_may_have_one_place_more(clock: Clock) -> None:
    """Once; and trusted callers have theirs."""
    line = Line(2, 1, clock)
    full(line)
    assert line.is_open("modest") and line.is_open("greedy", trusted=True)
    clock.now += 1
    assert not line.is_open("greedy")
    line.enter("modest")
    assert not line.is_open("other") and not line.is_open("other", trusted=True)


def test_the_line_is_bounded_and_who_had_most_leaves_it(clock: Clock) -> None:
    """Whoever comes last of them."""
    line = Line(1, clock=clock)
    line.enter("greedy")
    clock.now += 5
    others = [wait(line, f"modest {i}", clock.now) for i in range(MOST_WAITING - 2)]
    first, last = wait(line, "greedy", clock.now), wait(line, "greedy", clock.now + 1)
    assert line.surplus() is None
    wait(line, "newcomer", clock.now + 2)
    assert line.surplus() is last and line.surplus() is None and first in line.waiting and others[0] in line.waiting
