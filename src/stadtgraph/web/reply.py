"""Headers that every answer has: release, ETag, Vary, caching, cross-origin access, security, compression."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from functools import cache
from importlib import metadata, resources
from typing import Final, cast

from flask import Response, current_app, g, request

from stadtgraph.web.callers import has_token
from stadtgraph.web.language import language

RELEASE_HEADER: Final = "Stadtgraph-Release"
POLICY: Final = "default-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; form-action 'self'"
_SECURITY: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_CROSS_ORIGIN: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": f"{RELEASE_HEADER}, ETag, Link, Location, Retry-After, WWW-Authenticate",
}
_PREFLIGHT: Final = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS",
    "Access-Control-Allow-Headers": "Accept, Accept-Language, Authorization, Content-Type, If-Match, If-None-Match",
    "Access-Control-Max-Age": "86400",
}
_VARY: Final = ("Accept", "Accept-Encoding", "Accept-Language", "Authorization")
_SMALL: Final = 1024
_TEXTUAL: Final = (
    "text/",
    "application/sparql",
    "application/rdf",
    "application/ld",
    "application/n-",
    "application/trig",
)
_TEXTUAL_TOO: Final = ("application/json", "application/xml", "application/problem+json")


version: Final = cache(metadata.version)


@cache
def fingerprint() -> str:
    """Give what changes when the program's own pages and texts do: its version and the content of their files."""
    found = hashlib.sha256(version("stadtgraph").encode())
    folders = [resources.files("stadtgraph.web"), resources.files("stadtgraph.messages")]
    while folders:
        for entry in sorted(folders.pop().iterdir(), key=lambda item: item.name):
            if entry.is_dir() and entry.name != "__pycache__":
                folders.append(entry)
            elif entry.is_file():
                found.update(entry.read_bytes())
    return found.hexdigest()


def etag(*parts: object) -> str:
    """Give an ETag for an answer that depends on ``parts`` alone: the release, what was asked, the format.

    The address, the language, the state of the program and which writing of the release answers are part of it.
    """
    text = "\x00".join(map(str, (*parts, g.get("written", ""), request.path, language(), fingerprint())))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def is_known(tag: str) -> bool:
    """Tell whether the client already has the answer ``tag``, compressed or not."""
    if request.method not in ("GET", "HEAD"):
        return False
    known = request.if_none_match
    return known.star_tag or any(t.removesuffix("-gzip") == tag for t in known.as_set(include_weak=True))


def not_modified(tag: str) -> Response:
    """Say that the client has the answer already."""
    return tagged(Response(status=304), tag)


def tagged(response: Response, tag: str, *, keep: bool = True) -> Response:
    """Give ``response`` its ETag; ``keep`` false forbids caches to keep it at all."""
    response.set_etag(tag)
    if not keep:
        response.headers["Cache-Control"] = "no-store"
    elif request.args.get("release", "current") != "current":
        response.headers["Cache-Control"] = "public, max-age=3600"
    else:
        response.headers["Cache-Control"] = "public, no-cache"
    return response


def finish(response: Response) -> Response:
    """Add to every answer what every answer has."""
    response.headers.update({k: v for k, v in (_SECURITY | _CROSS_ORIGIN).items() if k not in response.headers})
    response.vary.update(_VARY)
    release = g.get("release") or current_app.extensions["stadtgraph"].city.releases.current_id()
    if release:
        response.headers[RELEASE_HEADER] = release
    if request.method == "OPTIONS":
        response.headers.update(_PREFLIGHT)
    response.headers.setdefault("Cache-Control", "no-store")
    if has_token() and response.headers["Cache-Control"] != "no-store":
        response.headers["Cache-Control"] = "private, no-cache"
    _compress(response)
    if request.method == "HEAD":
        response.close()  # nobody will read the blocks: end the work
    return response


def _compress(response: Response) -> None:
    if request.method == "HEAD" or response.status_code == 304 or "Content-Encoding" in response.headers:
        return
    if request.accept_encodings["gzip"] <= 0 or not _is_text(response.mimetype or ""):
        return
    length = response.content_length
    if length is not None and length < _SMALL:
        return
    blocks = cast("Iterable[bytes]", response.response)
    if length is None:
        response.response = Gzip(blocks)
    else:
        with closing(Gzip(blocks)) as packing:
            packed = b"".join(packing)
        response.response, response.content_length = [packed], len(packed)
    response.headers["Content-Encoding"] = "gzip"
    tag, _weak = response.get_etag()
    if tag:
        response.set_etag(f"{tag}-gzip")


def _is_text(media_type: str) -> bool:
    return media_type.startswith(_TEXTUAL) or media_type in _TEXTUAL_TOO


class Gzip:
    """The blocks of an answer, compressed as they come; an error in them ends the answer without its end mark."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        """Compress ``blocks``."""
        self._blocks = blocks
        self._packed = self._pack(iter(blocks))

    def _pack(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        packer = zlib.compressobj(5, wbits=31)
        for block in blocks:
            packed = packer.compress(block)
            if packed:
                yield packed
        yield packer.flush()

    def __iter__(self) -> Iterator[bytes]:
        return self._packed

    def close(self) -> None:
        """Close what is compressed."""
        close = getattr(self._blocks, "close", None)
        if close is not None:
            close()
