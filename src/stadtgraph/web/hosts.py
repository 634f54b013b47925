"""The Host of a request: what is none is refused where the server reads it, and left out where a proxy passed it on.

Source: https://www.rfc-editor.org/rfc/rfc9112#name-request-target
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Final

_NAME: Final = r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(?:\.(?=[A-Za-z0-9_:])|\.?(?=:|\Z)))+"
_HOST: Final = re.compile(rf"(?:{_NAME}|\[[0-9A-Fa-f:.]{{2,45}}\])(?::(\d{{0,5}}))?")
_LONGEST: Final = 255
Application = Callable[..., Iterable[bytes]]


def is_host(text: str) -> bool:
    """Tell whether ``text`` is a host with or without a port; no text at all is allowed as well.

    >>> [is_host(text) for text in ("example.org:8000", "[::1]", "", "a b", "x:99999", "-.org")]
    [True, True, True, False, False, False]
    """
    found = _HOST.fullmatch(text) if len(text) <= _LONGEST else None
    return not text or (found is not None and int(found[1] or 0) <= 65535)


class Hosts:
    """A WSGI application that sees no Host but real ones."""

    def __init__(self, behind: Application) -> None:
        """Stand in front of the application ``behind``."""
        self._behind = behind

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request."""
        if not is_host(environ.get("HTTP_HOST", "")):
            environ["HTTP_HOST"] = ""
        return self._behind(environ, start_response)
