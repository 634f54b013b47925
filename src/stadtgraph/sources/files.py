"""Open source files within bounds: packed or not, never larger than agreed, errors with a file and a reason."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, cast

from stadtgraph.errors import InputError

MAX_BYTES: Final = 1024 * 1024 * 1024
"""Most bytes of one (unpacked) document that is read whole or parsed as RDF."""
MAX_STREAM: Final = 64 * 1024 * 1024 * 1024
"""Most unpacked bytes of a table that is streamed; stops packed files that never end."""


class Bounded(io.RawIOBase):
    """A binary stream that refuses to give more than ``limit`` bytes."""

    def __init__(self, stream: IO[bytes], limit: int, file: str) -> None:
        self._stream, self._left, self._limit, self._file = stream, limit, limit, file

    def readable(self) -> bool:
        """Tell that the stream can be read."""
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        """Fill ``buffer`` and give the number of bytes; raise InputError past the limit."""
        data = self._stream.read(len(buffer))
        self._left -= len(data)
        if self._left < 0:
            raise InputError("sources-too-large", file=self._file, limit=self._limit // 2**20)
        buffer[: len(data)] = data
        return len(data)


@contextmanager
def opened(path: Path, limit: int = MAX_BYTES) -> Iterator[IO[bytes]]:
    """Open ``path`` for reading bytes, unpacked where its name ends in ``.gz``; failures are InputErrors."""
    try:
        with path.open("rb") as raw:
            stream = cast(IO[bytes], gzip.GzipFile(fileobj=raw)) if path.suffix == ".gz" else raw
            yield io.BufferedReader(Bounded(stream, limit, path.name))
    except FileNotFoundError:
        raise InputError("sources-file-missing", file=str(path)) from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError("sources-gzip", file=path.name, problem=error) from error
    except OSError as error:
        raise InputError("sources-file-unreadable", file=str(path), problem=error.strerror or error) from error


def whole(path: Path, limit: int = MAX_BYTES) -> bytes:
    """Give all bytes of ``path``, unpacked; larger than ``limit`` is an InputError."""
    with opened(path, limit) as stream:
        return stream.read()


def decoded(data: bytes, encoding: str, file: str) -> str:
    """Give ``data`` as text without a byte order mark; a bad byte is an InputError with line and column."""
    try:
        return data.decode(codec(encoding)).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise misencoded(data, error, encoding, file) from error


def codec(encoding: str) -> str:
    """Give the codec for ``encoding``: UTF-8 files may begin with a byte order mark."""
    return "utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding


def misencoded(data: bytes, error: UnicodeDecodeError, encoding: str, file: str) -> InputError:
    """Give the error for a byte that ``encoding`` does not allow, with its line and column."""
    before = data[: error.start].decode(codec(encoding), "replace")
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    byte = f"0x{data[error.start]:02X}"
    return InputError("sources-encoding", file=file, line=line, column=column, byte=byte, encoding=encoding)


def stem_suffix(path: Path | str) -> str:
    """Give the suffix without the dot and without a last ``.gz``, in lower case.

    >>> stem_suffix("trees.CSV.gz")
    'csv'
    """
    path = Path(path)
    return Path(path.stem if path.suffix.lower() == ".gz" else path.name).suffix[1:].lower()
