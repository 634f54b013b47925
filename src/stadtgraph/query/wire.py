"""What passes between a web process and a query worker: frames of a tag, a length and bytes, never pickles.

A worker runs strangers' code, so nothing that it sends is executed or trusted beyond its form.
"""

from __future__ import annotations

import json
import os
import select
import struct
import time
from collections.abc import Mapping
from typing import Any, Final

from stadtgraph import errors
from stadtgraph.errors import StadtgraphError, StoreError

READY, BLOCK, END, ERROR = b"R", b"B", b"E", b"X"
LARGEST: Final = 64 << 20
PIPE: Final = 1 << 20
_SMALL: Final = 16 * 1024
"""Bytes that are read before the length of a frame is known."""
_HEAD: Final = struct.Struct("!cI")


class Broken(Exception):
    """The other side is gone, or sends what is no frame."""


class Late(Broken):
    """The other side has not answered in time."""


def write(handle: int, *frames: tuple[bytes, bytes]) -> None:
    """Send frames of a tag and its bytes; waits while the reader is behind."""
    pieces = [memoryview(piece) for tag, payload in frames for piece in (_HEAD.pack(tag, len(payload)), payload)]
    while pieces:
        sent = os.writev(handle, pieces)
        while pieces and sent >= len(pieces[0]):
            sent -= len(pieces.pop(0))
        if pieces:
            pieces[0] = pieces[0][sent:]


class Reader:
    """Reads frames from a file descriptor, waiting no longer than it is told.

    A large frame is read into a place of its length, and what follows it beside.
    """

    __slots__ = ("_ahead", "_body", "_filled", "_poll", "_tag", "handle")

    def __init__(self, handle: int) -> None:
        """Read from ``handle``."""
        self.handle = handle
        self._ahead = b""
        self._tag, self._filled = b"", 0
        self._body: bytearray | None = None
        self._poll = select.poll()
        self._poll.register(handle, select.POLLIN)

    def read(self, until: float | None = None) -> tuple[bytes, bytes] | None:
        """Give the next frame, or ``None`` where none came until the monotonic time ``until``.

        Raises :class:`Broken` where the other side has gone.
        """
        while True:
            frame = self._frame()
            if frame is not None:
                return frame
            wait = None if until is None else max(0.0, until - time.monotonic()) * 1000
            if not self._poll.poll(wait):
                return None
            self._fill()

    def _frame(self) -> tuple[bytes, bytes] | None:
        """Give the frame that is there whole; begin one that is not."""
        if self._body is not None:
            if self._filled < len(self._body):
                return None
            found, self._body = self._body, None
            return self._tag, bytes(found)
        if len(self._ahead) < _HEAD.size:
            return None
        tag, length = _HEAD.unpack_from(self._ahead)
        if length > LARGEST:
            raise Broken
        end = _HEAD.size + length
        if len(self._ahead) >= end:
            body, self._ahead = self._ahead[_HEAD.size : end], self._ahead[end:]
            return tag, body
        self._tag, self._body = tag, bytearray(length)
        self._filled = len(self._ahead) - _HEAD.size
        self._body[: self._filled] = self._ahead[_HEAD.size :]
        self._ahead = b""
        return None

    def _fill(self) -> None:
        if self._body is None:
            data = os.read(self.handle, _SMALL)
            self._ahead += data
            number = len(data)
        else:
            beside = bytearray(_SMALL)
            with memoryview(self._body) as body, body[self._filled :] as place:
                number = os.readv(self.handle, (place, beside))
            more = number - (len(self._body) - self._filled)
            self._filled += min(number, len(self._body) - self._filled)
            if more > 0:
                self._ahead = bytes(beside[:more])
        if not number:
            raise Broken


def error_to_bytes(error: StadtgraphError) -> bytes:
    """Give an error as bytes: its class, key and parameters as text or numbers."""
    params = {k: v if isinstance(v, int | float | str) else str(v) for k, v in error.params.items()}
    return json.dumps([type(error).__name__, error.key, params]).encode()


def error_from_bytes(data: bytes) -> StadtgraphError:
    """Give the error back; what is none of ours becomes a :class:`StoreError`."""
    try:
        name, key, params = json.loads(data)
        kind = getattr(errors, name)
        assert issubclass(kind, StadtgraphError) and isinstance(params, Mapping)
        found: StadtgraphError = kind(key, **_texts(params))
        found.text("en")
    except Exception:
        return StoreError("query-failed")
    return found


def _texts(params: Mapping[str, Any]) -> dict[str, Any]:
    return {str(k): v for k, v in params.items()}
