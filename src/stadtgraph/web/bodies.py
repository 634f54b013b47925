"""Bodies of requests that come packed: unpacked as they are read, so that the bound on a body bounds what comes out.

Source: https://www.rfc-editor.org/rfc/rfc9110#name-content-encoding
"""

from __future__ import annotations

import gzip
import io
import zlib
from typing import IO, TYPE_CHECKING, Any, Final

from flask import Flask, request
from werkzeug.exceptions import RequestEntityTooLarge

from stadtgraph.errors import ProtocolError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

CODINGS: Final = "gzip, identity"
"""What a body may be packed with, as the header ``Accept-Encoding`` of a refusal names it."""
_NAMES: Final = frozenset({"gzip", "x-gzip"})
HEADER: Final = "HTTP_CONTENT_ENCODING"


def register(app: Flask) -> None:
    """Let every request of ``app`` be read unpacked; another packing is refused with 415."""
    app.before_request(_unpack)


def is_packed(environ: dict[str, Any]) -> bool:
    """Tell whether the body of a request is packed."""
    return bool(environ.get(HEADER, "").strip())


def _unpack() -> None:
    environ = request.environ
    coding = environ.pop(HEADER, "").strip().lower()
    if coding in ("", "identity") or request.method in ("GET", "HEAD", "OPTIONS"):
        return
    if coding not in _NAMES:
        raise ProtocolError("protocol-coding", found=coding[:40], known=CODINGS)
    environ["wsgi.input"] = io.BufferedReader(_Unpacked(environ["wsgi.input"]))
    environ["wsgi.input_terminated"] = True
    environ.pop("CONTENT_LENGTH", None)


class _Unpacked(io.RawIOBase):
    """Reads what was packed with gzip; no more than is asked for lies unpacked at any time.

    More than the bound on a body is an error here: werkzeug's own ends a body of unknown length as if it were whole.
    """

    def __init__(self, packed: IO[bytes]) -> None:
        self._file = gzip.GzipFile(fileobj=packed, mode="rb")
        self._read = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        try:
            data = self._file.read(len(view))
            self._read += len(data)
            bound = request.max_content_length
            if bound is not None and (self._read > bound or (self._read == bound and self._file.read(1))):
                raise RequestEntityTooLarge
        except (EOFError, gzip.BadGzipFile, zlib.error) as problem:
            raise ProtocolError("protocol-packed") from problem
        view[: len(data)] = data
        return len(data)
