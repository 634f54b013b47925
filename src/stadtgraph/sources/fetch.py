"""Files got from public addresses, only when the user asked for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import urlsplit

from stadtgraph import net
from stadtgraph.errors import NetworkError
from stadtgraph.net import Policy
from stadtgraph.sources.registry import Source

PACKED: Final = ".gz"
GZIP: Final = b"\x1f\x8b"
"""How a packed file begins (https://www.rfc-editor.org/rfc/rfc1952#section-2.3.1)."""
POLICY: Final = Policy(bytes=2_000_000_000, seconds=3600.0, connect=20.0, idle=60.0, redirects=5)
_WHOLE: Final = {"Accept-Encoding": "identity"}


def fetch(source: Source, folder: Path, private: frozenset[str] = frozenset()) -> Path:
    """Get the public file of a source into ``folder``; a failed attempt leaves what was there before.

    An address may give plainly what the registry names packed, or the other way round: the name says what came.
    """
    assert source.address is not None
    name = (source.file or source.name).removesuffix(PACKED)
    found = fetch_address(source.address, folder, name=name, private=private)
    with found.open("rb") as file:
        is_packed = file.read(len(GZIP)) == GZIP
    return found.replace(found.with_name(found.name + PACKED)) if is_packed else found


def fetch_address(
    address: str, folder: Path, *, name: str | None = None, private: frozenset[str] = frozenset()
) -> Path:
    """Get ``address`` (http or https) into ``folder`` and give the file; ``private`` hosts need not be public.

    At most five redirects are followed, each to an address that is checked as the first one was. Raises
    :class:`NetworkError` when the address may not be asked, is silent for 60 s, takes more than an hour, sends more
    than 2 GB, or breaks off. The file keeps the last part of the address as its name, for its suffix tells the format.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / (Path(name or PurePosixPath(urlsplit(address).path).name).name or "download")
    part = target.with_name(f".{target.name}.part")
    with net.get(address, replace(POLICY, private=private), headers=_WHOLE) as answer:
        if answer.status != 200:
            raise NetworkError("net-status", address=answer.address, found=answer.status)
        try:
            with part.open("wb") as file:
                for block in answer.blocks():
                    file.write(block)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    return target
