"""Files got from public addresses, only when the user asked for it."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final
from urllib.parse import urlsplit

from stadtgraph.errors import InputError
from stadtgraph.sources.registry import Source

PACKED: Final = ".gz"
GZIP: Final = b"\x1f\x8b"
"""How a packed file begins (https://www.rfc-editor.org/rfc/rfc1952#section-2.3.1)."""
SECONDS: Final = 60
LARGEST: Final = 2_000_000_000
AGENT: Final = "stadtgraph (+https://w3id.org/stadtgraph)"


def fetch(source: Source, folder: Path) -> Path:
    """Get the public file of a source into ``folder``; a failed attempt leaves what was there before.

    An address may give plainly what the registry names packed, or the other way round: the name says what came.
    """
    assert source.address is not None
    name = (source.file or source.name).removesuffix(PACKED)
    found = fetch_address(source.address, folder, name=name)
    with found.open("rb") as file:
        is_packed = file.read(len(GZIP)) == GZIP
    return found.replace(found.with_name(found.name + PACKED)) if is_packed else found


def fetch_address(address: str, folder: Path, *, name: str | None = None) -> Path:
    """Get ``address`` (http or https) into ``folder`` and give the file.

    Raises :class:`InputError` when the address is of another kind, does not answer within 60 s, sends more than
    2 GB, or breaks off. The file keeps the last part of the address as its name, for its suffix tells the format.
    """
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError("fetch-kind", address=address)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / (Path(name or PurePosixPath(parts.path).name).name or "download")
    part = target.with_name(f".{target.name}.part")
    request = urllib.request.Request(address, headers={"User-Agent": AGENT, "Accept": "*/*"})
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer, part.open("wb") as file:
            length = answer.headers.get("Content-Length", "")
            size = _copy(answer, file, address)
        if length.isdigit() and size != int(length):
            raise InputError("fetch-failed", address=address, problem=f"{size} of {length} bytes came")
        part.replace(target)
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as problem:
        raise InputError("fetch-failed", address=address, problem=getattr(problem, "reason", problem)) from problem
    finally:
        part.unlink(missing_ok=True)
    return target


def _copy(answer: http.client.HTTPResponse, file: BinaryIO, address: str) -> int:
    size = 0
    while block := answer.read(1 << 20):
        size += len(block)
        if size > LARGEST:
            raise InputError("fetch-large", address=address)
        file.write(block)
    return size
