"""Whoever watches the queries of a process: lets them in by share, counts them, logs them."""

from __future__ import annotations

from stadtgraph.access import ANONYMOUS, Caller
from stadtgraph.config import Config
from stadtgraph.query import Queries, Ticket
from stadtgraph.query.budgets import Budgets
from stadtgraph.query.fairness import Fairness, Shares, neighbourhood
from stadtgraph.release import Releases
from stadtgraph.web import logs, metrics

_ERRORS = frozenset({"malformed", "refused", "time", "memory", "depth", "size", "failed"})
_HELD_UP = 20
"""Errors that count for one client which took its answer too slowly while others waited."""


class Watch:
    """Gives tickets and takes them back."""

    def __init__(self, config: Config, queries: Queries, releases: Releases, budgets: Budgets | None = None) -> None:
        """Watch the ``queries`` of a process; ``budgets`` are what the processes of a server share."""
        settings = config.fairness
        self._queries, self._releases = queries, releases
        shares = Shares(settings.concurrency, settings.waiting, settings.seconds, settings.errors, settings.trusted)
        self.fairness = Fairness(shares, budgets=budgets)
        self.meters = metrics.Meters(self._live)
        self._log = logs.Queries(config.log)
        queries.pool.told = self.meters.worker

    def ticket(self, address: str, caller: Caller = ANONYMOUS) -> Ticket:
        """Give the ticket of a query from ``address``."""
        ticket = Ticket(address=address, ended=self._ended, entering=self._entering)
        return self.known(ticket, caller)

    def known(self, ticket: Ticket, caller: Caller) -> Ticket:
        """Note on a ticket who asks."""
        ticket.trusted = caller.is_trusted
        ticket.caller = caller.id if caller.is_trusted else neighbourhood(ticket.address)
        return ticket

    def parted(self, address: str) -> None:
        """Note that a client was parted from, for it held up a worker that others waited for."""
        self.fairness.fail(neighbourhood(address), times=_HELD_UP)

    def _entering(self, ticket: Ticket, wait: bool) -> None:
        self.fairness.enter(_account(ticket), trusted=ticket.trusted, wait=wait)
        self.meters.entered()

    def _ended(self, ticket: Ticket) -> None:
        failed = ticket.outcome in _ERRORS
        if ticket.entered:
            self.fairness.leave(_account(ticket), trusted=ticket.trusted, seconds=ticket.worked, failed=failed)
        elif failed:
            self.fairness.fail(_account(ticket), trusted=ticket.trusted)
        self.meters.ended(ticket)
        self._log.ended(ticket)

    def _live(self) -> dict[str, tuple[str, float]]:
        found = {"stadtgraph_cache_bytes": ("Bytes of answers kept on disk.", float(self._queries.cache.measured()))}
        current = self._releases.current_id()
        if current is not None:
            created = self._releases.get(current).created.timestamp()
            found["stadtgraph_release_age_seconds"] = (
                "Seconds since the current release was sealed.",
                metrics.age(created),
            )
        return found


def _account(ticket: Ticket) -> str:
    return f"token {ticket.caller}" if ticket.trusted else ticket.caller
