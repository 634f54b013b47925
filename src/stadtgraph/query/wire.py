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
    """Reads frames from a file descriptor, waiting no longer than it is told."""

    __slots__ = ("_buffer", "_poll", "handle")

    def __init__(self, handle: int) -> None:
        """Read from ``handle``."""
        self.handle, self._buffer = handle, bytearray()
        self._poll = select.poll()
        self._poll.register(handle, select.POLLIN)

    def read(self, until: float | None = None) -> tuple[bytes, bytes] | None:
        """Give the next frame, or ``None`` where none came until the monotonic time ``until``.

        Raises :class:`Broken` where the other side has gone.
        """
        while True:
            if len(self._buffer) >= _HEAD.size:
                tag, length = _HEAD.unpack_from(self._buffer)
                if length > LARGEST:
                    raise Broken
                if len(self._buffer) >= _HEAD.size + length:
                    with memoryview(self._buffer) as view:
                        payload = bytes(view[_HEAD.size : _HEAD.size + length])
                    del self._buffer[: _HEAD.size + length]
                    return tag, payload
            wait = None if until is None else max(0.0, until - time.monotonic()) * 1000
            if not self._poll.poll(wait):
                return None
            data = os.read(self.handle, PIPE)
            if not data:
                raise Broken
            self._buffer += data


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
