"""Who gets the next query worker: whoever held workers least of late, so that nobody waits behind those who take much.

A place is held from the moment a worker is given to the moment it is given back. Three rules keep places free for
quick queries, however many callers are greedy:

* A worker that waits for its reader takes no place, as long as there are not more such than places.
* Of what takes longer than a slice only a part of the places may be full while others wait. A query beyond that part is
  set back: it stands in line again, and is not set back twice. An answer that is on its way already is broken off
  only where its caller held workers for long.
* Who held next to nothing of late may have one place more.

All of it is arithmetic: the pool calls it under its lock.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

SLICE: Final = 0.5
"""Seconds after which a query is a long one."""
STUCK: Final = 0.25
"""Seconds after which a worker whose blocks nobody asks for waits for its reader."""
PRESSING: Final = 0.2
"""Seconds of waiting after which others have to make room."""
LIGHT: Final = 0.5
GENEROUS: Final = 10.0
"""Seconds of workers of late: up to the first a caller may have a place more; up to the second no answer to it that is
on its way is broken off."""
MOST_WAITING: Final = 48
_HALF: Final = 60.0
_CALLERS: Final = 10_000


@dataclass(eq=False, slots=True)
class Hold:
    """A place that a caller holds: since when, and since when nobody asks for more of the answer.

    ``given`` tells that a part of the answer is on its way, ``settled`` that the query is not to be set back.
    """

    caller: str
    began: float
    settled: bool = False
    given: bool = False
    paused: float = 0.0


@dataclass(eq=False, slots=True)
class Waiting:
    """A query that stands in line; ``again`` tells that it was set back."""

    caller: str
    since: float
    trusted: bool = False
    again: bool = False
    hold: Hold | None = None
    refused: bool = False
    wake: Callable[[], None] = field(default=lambda: None)


class Line:
    """The places and those who wait for one."""

    def __init__(self, size: int, reserved: int = 0, clock: Callable[[], float] = time.monotonic) -> None:
        """Have ``size`` places, and ``reserved`` more for trusted callers."""
        self.size, self.reserved, self._clock = size, reserved, clock
        self.part = size - size // 2
        """How many long queries may hold a place while others wait."""
        self.holds: set[Hold] = set()
        self.waiting: list[Waiting] = []
        self._used: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def used(self, caller: str) -> float:
        """Give the seconds of workers that a caller had of late; what was a minute ago counts half."""
        now = self._clock()
        return self._before(caller, now) + sum(now - h.began for h in self.holds if h.caller == caller)

    def enter(self, caller: str, *, again: bool = False) -> Hold:
        """Take a place."""
        hold = Hold(caller, self._clock(), settled=again)
        self.holds.add(hold)
        return hold

    def leave(self, hold: Hold) -> None:
        """Give a place back."""
        self.holds.discard(hold)
        now = self._clock()
        self._used[hold.caller] = (self._before(hold.caller, now) + now - hold.began, now)
        self._used.move_to_end(hold.caller)
        if len(self._used) > _CALLERS:
            self._used.popitem(last=False)

    def is_open(self, caller: str = "", *, trusted: bool = False, again: bool = False) -> bool:
        """Tell whether a caller may take a place now."""
        now = self._clock()
        taken = len(self.holds) - min(self.size, sum(_is_stuck(h, now) for h in self.holds))
        if again and len(self._long(now)) >= self.part:
            return False
        return taken < self.size + (self.reserved if trusted else 0) or (
            taken == self.size and not again and self.used(caller) < LIGHT
        )

    def next(self) -> Waiting | None:
        """Take the one out of the line who is to have a place now, if anybody."""
        for found in sorted(self.waiting, key=lambda w: (self.used(w.caller), w.since)):
            if self.is_open(found.caller, trusted=found.trusted, again=found.again):
                self.waiting.remove(found)
                return found
        return None

    def surplus(self) -> Waiting | None:
        """Take the one out of the line who has to go because it is too long: who used most and came last."""
        if len(self.waiting) <= MOST_WAITING:
            return None
        found = max(self.waiting, key=lambda w: (not w.trusted, self.used(w.caller), w.since))
        self.waiting.remove(found)
        return found

    @property
    def is_pressing(self) -> bool:
        """Tell whether somebody has waited long enough for others to make room."""
        now = self._clock()
        return any(not w.again and now - w.since > PRESSING for w in self.waiting)

    @property
    def is_choked(self) -> bool:
        """Tell whether somebody has waited while more workers wait for their readers than take no place for that."""
        now = self._clock()
        return self.is_pressing and sum(_is_stuck(h, now) for h in self.holds) > self.size

    def must_go(self, hold: Hold) -> bool:
        """Tell whether what holds a place has to give it to somebody who used less."""
        now = self._clock()
        pressing = [w for w in self.waiting if not w.again and now - w.since > PRESSING]
        long = self._long(now) if pressing else []
        if len(long) <= self.part or hold not in long:
            return False
        able = [h for h in long if (self.used(h.caller) > GENEROUS if h.given else not h.settled)]
        worst = max(able, key=lambda h: (self.used(h.caller), h.began), default=None)
        return worst is hold and min(self.used(w.caller) for w in pressing) < self.used(hold.caller)

    def _long(self, now: float) -> list[Hold]:
        return [h for h in self.holds if (h.settled or now - h.began > SLICE) and not _is_stuck(h, now)]

    def _before(self, caller: str, now: float) -> float:
        seconds, seen = self._used.get(caller, (0.0, now))
        return seconds * 0.5 ** ((now - seen) / _HALF) if seconds else 0.0


def _is_stuck(hold: Hold, now: float) -> bool:
    """Tell whether a worker waits for its reader."""
    return hold.paused > 0 and now - hold.paused > STUCK
