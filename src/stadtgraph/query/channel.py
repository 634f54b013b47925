"""Hand the blocks of an answer from the thread that makes them to the thread that sends them.

Oxigraph's result objects must be used and dropped in the thread that made them, and they *push* their
bytes into ``write()``; a web server *pulls*. A channel stands between: bounded, so that a slow reader
slows the work down, and it ends the work by an exception in ``write()`` when the reader goes away, the time
is up or the answer grows too large.
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Iterable, Iterator
from threading import Condition
from typing import Final

from stadtgraph.errors import NotAcceptable, QueryTimeout, StadtgraphError
from stadtgraph.query.limits import Limits

BLOCK: Final = 64 * 1024
_ROOM: Final = 32
_NOT_IN_XML: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]")


class Abandoned(Exception):
    """Raised in ``write()`` when nobody reads any more."""


class Channel:
    """A bounded queue of blocks with an end, an error, and the limits of the query."""

    def __init__(self, limits: Limits) -> None:
        """Start the clock of ``limits``."""
        self._limits = limits
        self._changed = Condition()
        self._blocks: deque[bytes] = deque()
        self._error: StadtgraphError | None = None
        self._ended = self._left = False
        self._began = time.monotonic()
        self._waited = 0.0

    def put(self, block: bytes) -> None:
        """Hand over a block; wait while the reader is behind. Raises :class:`Abandoned` where it has gone."""
        with self._changed:
            began = time.monotonic()
            while len(self._blocks) >= _ROOM and not self._left:
                if not self._changed.wait(self._began + self._limits.transfer - time.monotonic()):
                    raise QueryTimeout("query-time", bound=self._limits.transfer)
            self._waited += time.monotonic() - began
            if self._left:
                raise Abandoned
            self._blocks.append(block)
            self._changed.notify_all()

    def end(self, error: StadtgraphError | None = None) -> None:
        """Say that no block follows, because of ``error`` where one is given."""
        with self._changed:
            self._ended, self._error = True, error
            self._changed.notify_all()

    def check(self) -> None:
        """Raise where the work should stop: nobody reads, or the time is up."""
        if self._left:
            raise Abandoned
        if self._seconds_left() <= 0:
            raise QueryTimeout("query-time", bound=self._limits.seconds)

    def _seconds_left(self) -> float:
        return self._began + self._waited + self._limits.seconds - time.monotonic()

    def get(self, patience: float | None = None) -> bytes | None:
        """Give the next block, or ``None`` at the end; raise the error that ended the work.

        With ``patience`` give ``b""`` where nothing came within so many seconds. Raises :class:`QueryTimeout`
        where nothing came in the time of the limits.
        """
        until = None if patience is None else time.monotonic() + patience
        with self._changed:
            while not self._blocks and not self._ended:
                left = self._seconds_left()
                if left <= 0:
                    self._left = True
                    raise QueryTimeout("query-time", bound=self._limits.seconds)
                if until is not None and (left := min(left, until - time.monotonic())) <= 0:
                    return b""
                self._changed.wait(left)
            if self._blocks:
                block = self._blocks.popleft()
                self._changed.notify_all()
                return block
            if self._error is not None:
                raise self._error
            return None

    def is_left(self) -> bool:
        """Tell whether nobody reads any more."""
        return self._left

    def leave(self) -> None:
        """Say that nobody reads any more."""
        with self._changed:
            self._left = True
            self._blocks.clear()
            self._changed.notify_all()


class Blocks:
    """The blocks of an answer: those read ahead, then those to come. Closing ends the work, read or not."""

    def __init__(self, ahead: Iterable[bytes], channel: Channel) -> None:
        """Give ``ahead`` first and go on with ``channel``."""
        self._ahead = deque(ahead)
        self._channel = channel

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._ahead:
            return self._ahead.popleft()
        try:
            block = self._channel.get()
        except BaseException:
            self.close()
            raise
        if block is None:
            raise StopIteration
        return block

    def close(self) -> None:
        """Say that nobody reads any more."""
        self._channel.leave()


class Sink:
    """What Oxigraph writes an answer into: gathers blocks for a channel and enforces the limits.

    ``xml`` refuses characters that XML cannot hold (https://www.w3.org/TR/xml/#charsets), which Oxigraph writes.
    """

    def __init__(self, channel: Channel, limits: Limits, *, xml: bool = False) -> None:
        """Write into ``channel``."""
        self._channel, self._limits, self._xml = channel, limits, xml
        self._gathered = bytearray()
        self._written = 0

    def write(self, data: bytes) -> int:
        """Take a piece of the answer; raise where the limits or the reader end it."""
        self._channel.check()
        if self._xml and _NOT_IN_XML.search(data):
            raise NotAcceptable("query-not-xml")
        self._written += len(data)
        if self._written > self._limits.bytes:
            raise QueryTimeout("query-large", bound=self._limits.bytes)
        self._gathered += data
        if len(self._gathered) >= BLOCK:
            self.flush()
        return len(data)

    def flush(self) -> None:
        """Hand over what is gathered."""
        if self._gathered:
            self._channel.put(bytes(self._gathered))
            self._gathered.clear()
