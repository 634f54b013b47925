"""The parts of a ``multipart/form-data`` body, each with its own type. Source: https://www.rfc-editor.org/rfc/rfc7578"""

from __future__ import annotations

from typing import Final

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from stadtgraph.errors import ProtocolError

MOST: Final = 100
Part = tuple[str | None, str, bytes]


def parts(body: bytes, boundary: str) -> list[Part]:
    """Give type, file name and content of each part; raise :class:`ProtocolError` for what is no multipart body."""
    if not boundary or len(boundary) > 70:
        raise ProtocolError("graphs-multipart")
    decoder = MultipartDecoder(boundary.encode("latin-1", "replace"), len(body), max_parts=MOST)
    found: list[tuple[str | None, str, bytearray]] = []
    try:
        decoder.receive_data(body)
        decoder.receive_data(None)
        while not isinstance(event := decoder.next_event(), Epilogue | NeedData):
            if isinstance(event, Field | File):
                name = event.filename if isinstance(event, File) else ""
                found.append((event.headers.get("Content-Type"), name or "", bytearray()))
            elif isinstance(event, Data) and found:
                found[-1][2].extend(event.data)
    except RequestEntityTooLarge as problem:
        raise ProtocolError("graphs-parts", bound=MOST) from problem
    except ValueError as problem:
        raise ProtocolError("graphs-multipart") from problem
    if not found:
        raise ProtocolError("graphs-multipart")
    return [(kind, name, bytes(content)) for kind, name, content in found]
