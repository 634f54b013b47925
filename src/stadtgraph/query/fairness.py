"""Nobody gets more than a share: queries at once, seconds of workers and errors, per caller.

Each caller has two budgets that refill all the time: seconds of workers, and errors. Twice what a minute brings can be
saved up. Who has none left is told when to come again; who asks too much at once waits in a short line. The processes
of one server share the budgets, where there is a file for them; how many queries are at once each counts for itself.
Several hosts behind one balancer allow as many times as much.

Source: https://www.rfc-editor.org/rfc/rfc6585#section-4
"""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Final

from stadtgraph.errors import TooManyRequests
from stadtgraph.query.budgets import Budgets, Left

_CALLERS: Final = 10_000
_SAVED: Final = 2.0
_MINUTE: Final = 60.0


@dataclass(frozen=True, slots=True)
class Shares:
    """What one caller may have; 0 is no bound.

    ``concurrency`` queries at once and ``waiting`` more in line for ``patience`` seconds; ``seconds`` of workers and
    ``errors`` a minute. Callers with a token have ``trusted`` times as much. ``line`` bounds all lines together.
    """

    concurrency: int = 3
    waiting: int = 8
    seconds: float = 60.0
    errors: int = 60
    trusted: float = 5.0
    patience: float = 5.0
    line: int = 16


@lru_cache(4096)
def neighbourhood(address: str) -> str:
    """Give what counts as one caller: an IPv4 address, the /64 of an IPv6 address.

    >>> neighbourhood("2001:db8:1:2:3::4"), neighbourhood("::ffff:192.0.2.7"), neighbourhood("here")
    ('2001:db8:1:2::/64', '192.0.2.7', 'here')
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:60]
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return f"{IPv6Address(int(found) >> 64 << 64)}/64"
    return str(found)


class _Account:
    """What one caller has left, and does right now."""

    __slots__ = ("left", "running", "waiting")

    def __init__(self) -> None:
        self.left: Left | None = None
        self.running = self.waiting = 0


class Fairness:
    """Lets callers in and keeps their accounts; safe to use from several threads."""

    def __init__(
        self, shares: Shares, clock: Callable[[], float] = time.monotonic, budgets: Budgets | None = None
    ) -> None:
        """Know nobody yet; ``budgets`` are what other processes know."""
        self.shares, self._clock, self._budgets = shares, clock, budgets
        self._accounts: OrderedDict[str, _Account] = OrderedDict()
        self._changed = threading.Condition()
        self._line = 0

    def enter(self, caller: str, *, trusted: bool = False, wait: bool = True) -> None:
        """Let a query of ``caller`` in; raise :class:`TooManyRequests` where it has had its share.

        With ``wait`` it may stand in line until another query of the same caller is done.
        """
        factor = self.shares.trusted if trusted else 1.0
        with self._changed:
            account = self._account(caller, factor)
            self._check(account, factor)
            most = math.ceil(self.shares.concurrency * factor)
            if most and account.running >= most:
                self._stand(account, most, factor, wait)
            account.running += 1

    def leave(self, caller: str, *, trusted: bool = False, seconds: float = 0.0, failed: bool = False) -> None:
        """Note that a query that was let in is done: what it cost, and whether it was an error."""
        with self._changed:
            factor = self.shares.trusted if trusted else 1.0
            account = self._account(caller, factor, seconds=seconds, errors=int(failed))
            account.running = max(0, account.running - 1)
            if account.waiting:
                self._changed.notify_all()

    def fail(self, caller: str, *, trusted: bool = False, times: int = 1) -> None:
        """Note errors of a query that was not let in, for example one that is no query."""
        with self._changed:
            self._account(caller, self.shares.trusted if trusted else 1.0, errors=times)

    def _stand(self, account: _Account, most: int, factor: float, wait: bool) -> None:
        if not wait or account.waiting >= self.shares.waiting * factor or self._line >= self.shares.line:
            raise TooManyRequests("query-many", bound=most, seconds=1)
        account.waiting += 1
        self._line += 1
        try:
            if not self._changed.wait_for(lambda: account.running < most, self.shares.patience):
                raise TooManyRequests("query-many", bound=most, seconds=1)
        finally:
            account.waiting -= 1
            self._line -= 1

    def _check(self, account: _Account, factor: float) -> None:
        assert account.left is not None
        for left, share, key in (
            (account.left.seconds, self.shares.seconds, "query-share-seconds"),
            (account.left.errors, self.shares.errors, "query-share-errors"),
        ):
            if share and left <= 0:
                wait = math.ceil((1 - left) * _MINUTE / (share * factor))
                raise TooManyRequests(key, bound=share * factor, seconds=max(1, wait))

    def _account(self, caller: str, factor: float, *, seconds: float = 0.0, errors: int = 0) -> _Account:
        """Give the account of a caller as it stands now, less what is taken from it."""
        account = self._accounts.get(caller)
        if account is None:
            account = self._accounts[caller] = _Account()
            self._forget()
        shares, now = self.shares, self._clock()
        full = Left(shares.seconds * factor * _SAVED, shares.errors * factor * _SAVED, now)
        if self._budgets is not None:
            row, account.left = self._budgets.get(caller, full)
            _refill(account.left, shares, factor, now, seconds, errors)
            self._budgets.put(caller, row, account.left)
        else:
            account.left = account.left or full
            _refill(account.left, shares, factor, now, seconds, errors)
        self._accounts.move_to_end(caller)
        return account

    def _forget(self) -> None:
        """Forget who was not seen longest, unless something of theirs runs."""
        if len(self._accounts) > _CALLERS:
            for caller, account in list(self._accounts.items())[:100]:
                if not account.running and not account.waiting:
                    del self._accounts[caller]


def _refill(left: Left, shares: Shares, factor: float, now: float, seconds: float, errors: int) -> None:
    """Add what time has brought, and take ``seconds`` and ``errors``."""
    passed = max(0.0, now - left.seen) * factor / _MINUTE
    left.seconds = min(left.seconds + passed * shares.seconds, shares.seconds * factor * _SAVED) - seconds
    left.errors = min(left.errors + passed * shares.errors, shares.errors * factor * _SAVED) - errors
    left.seen = max(now, left.seen)
