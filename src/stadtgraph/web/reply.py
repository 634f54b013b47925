"""Headers that every answer has: release, ETag, Vary, caching, cross-origin access, security, compression."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import closing
from functools import cache
from importlib import metadata, resources
from typing import Final, cast

from flask import Response, current_app, g, request

from stadtgraph.query.coding import CODINGS, SMALL, Packing
from stadtgraph.query.ticket import Ticket
from stadtgraph.sparql import negotiate
from stadtgraph.web.callers import has_token
from stadtgraph.web.language import language

RELEASE_HEADER: Final = "Stadtgraph-Release"
SERVICES_HEADER: Final = "Stadtgraph-Services"
QUERY_HEADER: Final = "Stadtgraph-Query"
POLICY: Final = "default-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; form-action 'self'"
_SECURITY: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_CROSS_ORIGIN: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": f"{RELEASE_HEADER}, {QUERY_HEADER}, {SERVICES_HEADER}, "
    "ETag, Link, Location, Retry-After, WWW-Authenticate",
}
_PREFLIGHT: Final = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS",
    "Access-Control-Allow-Headers": "Accept, Accept-Language, Authorization, Content-Encoding, Content-Type, "
    "If-Match, If-None-Match",
    "Access-Control-Max-Age": "86400",
}
_VARY: Final = ("Accept", "Accept-Encoding", "Accept-Language", "Authorization")
COMMON: Final = (*_SECURITY.items(), *_CROSS_ORIGIN.items(), ("Vary", ", ".join(_VARY)))
"""The headers that every answer has, whatever it is."""
_TEXTUAL: Final = (
    "text/",
    "application/sparql",
    "application/rdf",
    "application/ld",
    "application/n-",
    "application/trig",
)
_TEXTUAL_TOO: Final = ("application/json", "application/xml", "application/problem+json")


def services(ticket: Ticket) -> list[tuple[str, str]]:
    """Give the header that says which other endpoints were asked; those that failed silently are marked."""
    return [(SERVICES_HEADER, ", ".join(ticket.services))] if ticket.services else []


version: Final = cache(metadata.version)


@cache
def fingerprint() -> str:
    """Give what changes when the program's own pages and texts do: its version and the content of their files."""
    found = hashlib.sha256(version("stadtgraph").encode())
    folders = [resources.files(f"stadtgraph.{room}") for room in ("web", "messages", "catalogue")]
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


def result_tag(key: str) -> str:
    """Give the ETag of the answer to a query, before any coding, from the key of its plan."""
    return hashlib.sha256(f"{key}\x00{fingerprint()}".encode()).hexdigest()[:32]


def named_tag(known: str, tag: str) -> str | None:
    """Give how an ``If-None-Match`` header names ``tag``, weak or strong, packed by us or not; ``None`` where not.

    >>> named_tag('"b", W/"a-gzip"', "a"), named_tag("*", "a"), named_tag('"ab"', "a")
    ('"a-gzip"', '"a"', None)
    """
    plain = f'"{tag}"'
    if known.strip() == "*":
        return plain
    named = {part.strip().removeprefix("W/") for part in known.split(",")}
    return next((form for form in (plain, *(f'"{tag}-{coding}"' for coding in CODINGS)) if form in named), None)


def is_known(tag: str) -> bool:
    """Tell whether the client already has the answer ``tag``, compressed or not."""
    if request.method not in ("GET", "HEAD"):
        return False
    return named_tag(request.headers.get("If-None-Match", ""), tag) is not None


def caching(release: str | None, *, keep: bool = True) -> str:
    """Give the ``Cache-Control`` of an answer about ``release``; ``keep`` false forbids to keep it at all."""
    if not keep:
        return "no-store"
    return "public, max-age=3600" if release not in (None, "", "current") else "public, no-cache"


def not_modified(tag: str) -> Response:
    """Say that the client has the answer already."""
    return tagged(Response(status=304), tag)


def tagged(response: Response, tag: str, *, keep: bool = True) -> Response:
    """Give ``response`` its ETag; ``keep`` false forbids caches to keep it at all."""
    response.set_etag(tag)
    response.headers["Cache-Control"] = caching(request.args.get("release"), keep=keep)
    return response


def finish(response: Response) -> Response:
    """Add to every answer what every answer has."""
    response.headers.update({k: v for k, v in (_SECURITY | _CROSS_ORIGIN).items() if k not in response.headers})
    response.vary.update(_VARY)
    release = g.get("release") or current_app.extensions["stadtgraph"].city.releases.current_id()
    if release:
        response.headers[RELEASE_HEADER] = release
    if (query := query_id()) is not None:
        response.headers[QUERY_HEADER] = query
    if request.method == "OPTIONS":
        response.headers.update(_PREFLIGHT)
    response.headers.setdefault("Cache-Control", "no-store")
    if has_token() and response.headers["Cache-Control"] != "no-store":
        response.headers["Cache-Control"] = "private, no-cache"
    _compress(response)
    if request.method == "HEAD":
        response.close()  # nobody will read the blocks: end the work
    return response


def query_id() -> str | None:
    """Give the id of the query that this request asks, ``None`` where it asks none."""
    ticket = request.environ.get("stadtgraph.ticket")
    return None if ticket is None else str(ticket.id)


def accepted_coding() -> str:
    """Give the content coding that this request likes best, empty for none."""
    return negotiate.coding(request.headers.get("Accept-Encoding"), CODINGS)


def _compress(response: Response) -> None:
    if request.method == "HEAD" or response.status_code == 304 or "Content-Encoding" in response.headers:
        return
    coding = accepted_coding()
    if not coding or not _is_text(response.mimetype or ""):
        return
    length = response.content_length
    if length is not None and length < SMALL:
        return
    blocks = cast("Iterable[bytes]", response.response)
    if length is None:
        response.response = Packing(blocks, coding)
    else:
        with closing(Packing(blocks, coding)) as packing:
            packed = b"".join(packing)
        response.response, response.content_length = [packed], len(packed)
    mark_coding(response, coding)


def mark_coding(response: Response, coding: str) -> None:
    """Say that ``response`` is packed: each coding has an ETag of its own."""
    response.headers["Content-Encoding"] = coding
    tag, _weak = response.get_etag()
    if tag:
        response.set_etag(f"{tag}-{coding}")


def _is_text(media_type: str) -> bool:
    return media_type.startswith(_TEXTUAL) or media_type in _TEXTUAL_TOO
