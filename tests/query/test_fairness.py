"""Shares of callers: what is let in, what waits, what is told to come again, and when."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from stadtgraph.errors import TooManyRequests
from stadtgraph.query.fairness import Fairness, Shares, neighbourhood

SHARES = Shares(concurrency=2, waiting=1, seconds=10, errors=5, trusted=3, patience=0.05)


class Clock:
    """A clock that is set by hand."""

    now = 1000.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock."""
    return Clock()


@pytest.fixture
def fairness(clock: Clock) -> Fairness:
    """Shares that are soon used up."""
    return Fairness(SHARES, clock)


def refused(fairness: Fairness, caller: str = "a", **how: bool) -> TooManyRequests:
    """Ask once too often."""
    with pytest.raises(TooManyRequests) as caught:
        fairness.enter(caller, **how)
    return caught.value


def test_one_caller_has_so_many_at_once_and_others_do_not_notice(fairness: Fairness) -> None:
    """The third waits in line and is then told to come again; with a token there is room for six."""
    fairness.enter("a")
    fairness.enter("a")
    assert refused(fairness).key == "query-many" and refused(fairness, wait=False).params["seconds"] == 1
    fairness.enter("b")
    fairness.leave("a")
    fairness.enter("a")
    for _ in range(6):
        fairness.enter("token", trusted=True)
    refused(fairness, "token", trusted=True, wait=False)


def test_who_waits_in_line_is_let_in_when_another_one_is_done() -> None:
    """The line is short: one more is turned away at once."""
    fairness = Fairness(replace(SHARES, concurrency=1, patience=600))
    fairness.enter("a")
    done = threading.Event()
    thread = threading.Thread(target=lambda: (fairness.enter("a"), done.set()))
    thread.start()
    while not fairness._line:
        done.wait(0.01)
    assert refused(fairness).key == "query-many" and not done.is_set()
    fairness.leave("a")
    thread.join(120)
    assert done.is_set()


def test_seconds_of_workers_run_out_and_come_back(fairness: Fairness, clock: Clock) -> None:
    """Twice a minute's share can be saved up; what is told of the time to wait is true."""
    fairness.enter("a")
    fairness.leave("a", seconds=21)
    error = refused(fairness)
    assert error.key == "query-share-seconds"
    clock.now += float(str(error.params["seconds"]))
    fairness.enter("a")
    fairness.leave("a")
    fairness.enter("t", trusted=True)
    fairness.leave("t", trusted=True, seconds=50)
    fairness.enter("t", trusted=True)


def test_errors_run_out_too(fairness: Fairness, clock: Clock) -> None:
    """Also those of texts that are no query, which never reach a worker."""
    for _ in range(10):
        fairness.fail("a")
    assert refused(fairness).key == "query-share-errors"
    clock.now += 60
    fairness.enter("a")


def test_nobody_is_bounded_where_the_settings_say_nought() -> None:
    """Nought is no bound."""
    fairness = Fairness(Shares(concurrency=0, seconds=0, errors=0))
    for _ in range(100):
        fairness.enter("a")
        fairness.leave("a", seconds=1000, failed=True)


def test_accounts_do_not_pile_up(fairness: Fairness) -> None:
    """A caller with a new address each time costs no memory for good, and one who is at work is not forgotten."""
    fairness.enter("first")
    for number in range(12_000):
        fairness.fail(f"caller {number}")
    assert len(fairness._accounts) < 10_100 and fairness._accounts["first"].running == 1


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("192.0.2.1", "192.0.2.2", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("fe80::1%eth0", "fe80::1%eth1", True),
    ],
)
def test_a_caller_is_an_address_or_a_network_of_ipv6(one: str, other: str, same: bool) -> None:
    """A household gets one IPv4 address or one /64."""
    assert (neighbourhood(one) == neighbourhood(other)) is same
