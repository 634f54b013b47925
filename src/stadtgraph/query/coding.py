"""Content codings of answers: gzip and zstd, as blocks come, for whom they are worth it.

Source: https://www.rfc-editor.org/rfc/rfc9110#name-content-codings, https://www.rfc-editor.org/rfc/rfc8878
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Final, Protocol

import zstandard

SMALL: Final = 1024
"""Answers below this many bytes are not worth packing."""


class _Packer(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self, mode: int = ..., /) -> bytes: ...


def _gzip() -> tuple[_Packer, int]:
    return zlib.compressobj(5, wbits=31), zlib.Z_SYNC_FLUSH


def _zstd() -> tuple[_Packer, int]:
    return zstandard.ZstdCompressor(level=3).compressobj(), zstandard.COMPRESSOBJ_FLUSH_BLOCK


_PACKERS: Final[dict[str, Callable[[], tuple[_Packer, int]]]] = {"zstd": _zstd, "gzip": _gzip}
CODINGS: Final = tuple(_PACKERS)
"""What answers can be packed with; the first is preferred where a client likes both equally."""


def packed(body: bytes, coding: str) -> bytes:
    """Give ``body`` packed whole.

    >>> import gzip
    >>> gzip.decompress(packed(b"tree " * 1000, "gzip")) == b"tree " * 1000
    True
    """
    packer, _ = _PACKERS[coding]()
    return packer.compress(body) + packer.flush()


class Packing:
    """The blocks of an answer, packed as they come; an error in them ends the answer without its end mark."""

    def __init__(self, blocks: Iterable[bytes], coding: str) -> None:
        """Pack ``blocks``."""
        self._blocks = blocks
        self._packed = self._pack(iter(blocks), coding)

    def _pack(self, blocks: Iterator[bytes], coding: str) -> Iterator[bytes]:
        packer, so_far = _PACKERS[coding]()
        started = False
        for block in blocks:
            piece = packer.compress(block)
            if not started:  # the first bytes go out at once
                piece, started = piece + packer.flush(so_far), True
            if piece:
                yield piece
        yield packer.flush()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._packed)

    def close(self) -> None:
        """Close what is packed."""
        close = getattr(self._blocks, "close", None)
        if close is not None:
            close()
