"""Writers that wait for each other, and share one release where several wait.

One release costs about the same for one request as for thirty. So whoever gets the right to write takes along all
requests of this process that are waiting; each is done or fails by itself, and one release holds those that were done.
"""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from stadtgraph.city.draft import Draft
from stadtgraph.errors import BusyError, DiskFull, StadtgraphError, StoreError, disk_failure

if TYPE_CHECKING:
    from stadtgraph.city import City

WAIT: Final = 10.0
"""Seconds to wait for the right to write."""
MOST_TOGETHER: Final = 64
MOST_WAITING: Final = 64
LONGEST: Final = 3.0
"""Seconds after which no further request joins a release that is being made."""
_PAUSE: Final = 0.05
Apply = Callable[[], Any]
Change = Callable[[Draft], Apply]
"""Finds out what a request changes in a draft, without touching it, and gives what makes the changes.

What it raises is the request's own failure; what the making raises ends the whole draft.
"""


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a request: the release that holds it, and what it gave back."""

    release: str | None
    value: Any


@dataclass(eq=False, slots=True)
class _Waiting:
    change: Change
    role: str
    done: threading.Event = field(default_factory=threading.Event)
    value: Any = None
    release: str | None = None
    error: BaseException | None = None


class Writer:
    """The writer of one process."""

    def __init__(self, city: City, *, why: str, wait: float = WAIT, most: int = MOST_WAITING) -> None:
        """Write to ``city``; ``why`` stands in the manifests.

        ``wait`` bounds the seconds of waiting for other writers, ``most`` the requests that wait at the same time.
        """
        self._city, self._why, self._wait = city, why, wait
        self._places = threading.BoundedSemaphore(most)
        self._queue: list[_Waiting] = []
        self._guard, self._leading = threading.Lock(), threading.Lock()

    def write(self, change: Change, *, role: str = "") -> Done:
        """Do ``change`` in a release of its own or together with others; give what became of it.

        Raises what the change raises, :class:`BusyError` where too many wait or another process writes for too long,
        and :class:`StoreError` where the release could not be made; then nothing was changed.
        """
        if not self._places.acquire(blocking=False):
            raise BusyError("city-busy-here")
        try:
            return self._queued(_Waiting(change, role))
        finally:
            self._places.release()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let every request of this process wait until the end of ``with``."""
        with self._leading:
            yield

    def _queued(self, entry: _Waiting) -> Done:
        with self._guard:
            self._queue.append(entry)
        if self._leading.acquire(timeout=2 * self._wait):
            try:
                if not entry.done.is_set():
                    self._lead()
            finally:
                self._leading.release()
        elif self._leave(entry):
            raise BusyError("city-busy-here")
        entry.done.wait()
        if entry.error is not None:
            raise entry.error
        return Done(entry.release, entry.value)

    def _leave(self, entry: _Waiting) -> bool:
        """Take an entry out of the queue, unless it was taken up already."""
        with self._guard, suppress(ValueError):
            self._queue.remove(entry)
            return True
        return False

    def _take(self, most: int) -> list[_Waiting]:
        with self._guard:
            taken, self._queue = self._queue[:most], self._queue[most:]
        return taken

    def _lead(self) -> None:
        """Make one release of what is waiting."""
        taken: list[_Waiting] = []
        error: BaseException | None = None
        try:
            with _undisturbed():
                self._commit(taken)
        except StadtgraphError as problem:
            error = problem
        except Exception as problem:
            error = disk_failure(problem)
            if not isinstance(error, DiskFull):
                error = StoreError("store-write", problem=type(problem).__name__)
            error.__cause__ = problem
        for entry in taken or self._take(MOST_TOGETHER):
            entry.error = entry.error or error
            entry.done.set()

    def _commit(self, taken: list[_Waiting]) -> None:
        until = time.monotonic() + self._wait
        while True:
            try:
                with self._city.draft(self._why) as draft:
                    self._fill(draft, taken)
                break
            except BusyError:
                if taken or time.monotonic() > until:
                    raise
                time.sleep(_PAUSE)
        release = draft.release.id if draft.release is not None else self._city.releases.current_id()
        for entry in taken:
            entry.release = release

    def _fill(self, draft: Draft, taken: list[_Waiting]) -> None:
        """Do what is waiting, and what comes meanwhile, in one draft; a draft without a change is dropped."""
        until, changed, roles = time.monotonic() + LONGEST, False, []
        while (not taken or time.monotonic() < until) and len(taken) < MOST_TOGETHER:
            batch = self._take(1)
            if not batch:
                break
            taken += batch
            (entry,) = batch
            try:
                apply = entry.change(draft)
            except Exception as problem:
                entry.error = problem
            else:
                entry.value = apply()
                changed = True
                roles.append(entry.role)
        draft.clone.role = ", ".join(dict.fromkeys(filter(None, roles)))
        if not changed or not draft.clone.is_changed():
            draft.clone.abandon()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Look for no garbage: a change makes some hundred thousand objects, and each such look stops every thread.

    What a change made goes when its last name does; what else gathers meanwhile is found afterwards.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
