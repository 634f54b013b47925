"""Who asks: the caller of this request, known by ``Authorization: Bearer TOKEN`` or nobody in particular.

Source: https://www.rfc-editor.org/rfc/rfc6750
"""

from __future__ import annotations

from typing import Final

from flask import Flask, current_app, g, request

from stadtgraph.access import ANONYMOUS, Caller
from stadtgraph.errors import Forbidden, Unauthorized
from stadtgraph.release import View

_LONGEST: Final = 300


def register(app: Flask) -> None:
    """Look at the token of every request before anything else is done; a wrong one is told at every address."""
    app.before_request(_identify)


def _identify() -> None:
    if request.method != "OPTIONS":
        caller()


def caller() -> Caller:
    """Give who asks. Raises :class:`Unauthorized` for a token that does not hold and for another scheme."""
    if "caller" not in g:
        g.caller = _read(request.headers.get("Authorization"))
    found = g.caller
    assert isinstance(found, Caller)
    return found


def _read(header: str | None) -> Caller:
    if header is None:
        return ANONYMOUS
    scheme, _, secret = header[:_LONGEST].strip().partition(" ")
    if scheme.lower() != "bearer" or not secret:
        raise Unauthorized("access-token-malformed")
    found = current_app.extensions["stadtgraph"].tokens.find(secret.strip())
    if found is None:
        raise Unauthorized("access-token-invalid")
    assert isinstance(found, Caller)
    return found


def has_token() -> bool:
    """Tell whether this request shows a token, valid or not."""
    return "Authorization" in request.headers


def view() -> View:
    """Give the view that answers this caller."""
    return View.INTERNAL if caller().reads_internal else View.PUBLIC


def audit_view() -> View:
    """Give the view whose audit this caller sees."""
    return View.INTERNAL if caller().audits else View.PUBLIC


def require_writer() -> None:
    """Raise unless this caller may write to some source."""
    if not caller().is_trusted:
        raise Unauthorized("access-token-needed")
    if not caller().writes:
        raise Forbidden("access-not-allowed", scope="write:NAME")


def require_write(source: str | None, scope: str) -> None:
    """Raise unless this caller may write to ``source`` (``None``: only an admin may).

    It does not matter whether such a source exists, so that nothing is told of restricted ones: without a token
    :class:`Unauthorized`, with one that does not allow it :class:`Forbidden` naming the ``scope`` needed.
    """
    found = caller()
    if not found.is_trusted:
        raise Unauthorized("access-token-needed")
    if not (found.is_admin if source is None else found.may_write(source)):
        raise Forbidden("access-not-allowed", scope=scope)
