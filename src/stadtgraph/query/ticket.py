"""What is to be known of one query afterwards: who counts, logs and bounds queries reads it from its ticket."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from stadtgraph import errors


class Abandoned(Exception):
    """Nobody waits for the answer any more."""


def _nobody(_ticket: Ticket) -> None:
    return None


def _everybody(_ticket: Ticket, _wait: bool) -> None:
    return None


@dataclass(slots=True, eq=False)
class Ticket:
    """One query: its id, its form, and how it went.

    ``outcome`` is empty while it runs, then one of ``ok``, ``known`` (the client had the answer), ``left`` (the client
    went), ``time``, ``memory``, ``depth``, ``size``, ``busy``, ``throttled``, ``refused``, ``malformed``, ``failed``.
    ``worked`` counts the seconds of a worker, ``bytes`` those of the answer as the client gets them; ``cached`` tells
    that the answer was there before, ``services`` names the other endpoints that were asked, ``entered`` tells that a
    worker was asked. ``caller`` is a token's id where ``trusted``, else what counts as one caller of ``address``.
    ``entering`` may refuse; ``ended`` is told once.
    """

    id: str = field(default_factory=lambda: secrets.token_hex(8))
    began: float = field(default_factory=time.monotonic)
    form: str = ""
    text: str = ""
    outcome: str = ""
    bytes: int = 0
    worked: float = 0.0
    cached: bool = False
    services: tuple[str, ...] = ()
    entered: bool = False
    address: str = ""
    caller: str = ""
    trusted: bool = False
    entering: Callable[[Ticket, bool], None] = _everybody
    ended: Callable[[Ticket], None] = _nobody

    @property
    def seconds(self) -> float:
        """The seconds since the query came."""
        return time.monotonic() - self.began

    def enter(self, wait: bool = True) -> None:
        """Say that a worker is about to be asked; raises :class:`stadtgraph.errors.TooManyRequests` where none may be.

        ``wait`` false refuses what would have to stand in line.
        """
        self.entering(self, wait)
        self.entered = True

    def end(self, outcome: str) -> None:
        """Say how the query went; only the first word counts."""
        if not self.outcome:
            self.outcome = outcome
            self.ended(self)


_OUTCOMES = {
    "query-time": "time",
    "federation-time": "time",
    "query-memory": "memory",
    "query-depth": "depth",
    "query-large": "size",
    "query-busy": "busy",
    "query-reading": "busy",
    "web-busy": "busy",
}


def outcome_of(problem: BaseException) -> str:
    """Give the outcome that an error stands for.

    >>> outcome_of(errors.QueryTimeout("query-time", bound=1)), outcome_of(Abandoned()), outcome_of(OSError())
    ('time', 'left', 'failed')
    """
    if isinstance(problem, Abandoned | GeneratorExit):
        return "left"
    if isinstance(problem, errors.StadtgraphError) and problem.key in _OUTCOMES:
        return _OUTCOMES[problem.key]
    if isinstance(problem, errors.TooManyRequests):
        return "throttled"
    if isinstance(problem, errors.QuerySyntaxError | errors.ProtocolError):
        return "malformed"
    return "refused" if isinstance(problem, errors.QueryError | errors.NotFound) else "failed"
