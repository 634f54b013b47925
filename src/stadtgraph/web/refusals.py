"""Requests that are no HTTP: refused before any of the program sees them, with the same problem documents as all else.

waitress finds them while it reads; here they get their form, and what two readers could read differently (a length
beside chunks, no host) is refused as well.

Sources: https://www.rfc-editor.org/rfc/rfc9112#name-message-body-length, https://www.rfc-editor.org/rfc/rfc9457
"""

from __future__ import annotations

import json
import re
from typing import Final

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.task import ErrorTask, Task
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from stadtgraph import messages
from stadtgraph.web.hosts import is_host
from stadtgraph.web.language import DEFAULT, LANGUAGES
from stadtgraph.web.problems import PROBLEM, TYPE
from stadtgraph.web.reply import COMMON

_REASONS: Final = {
    400: "Bad Request",
    413: "Content Too Large",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    501: "Not Implemented",
}
_LONGEST: Final = 200
_CODINGS: Final = re.compile(rb"(?im)^transfer-encoding:(.*)$")


def install() -> None:
    """Let every connection of this process use the classes of this module."""
    HTTPChannel.parser_class, HTTPChannel.error_task_class = Parser, Refusal


class Parser(HTTPRequestParser):  # type: ignore[misc]
    """Reads one request."""

    def parse_header(self, header_plus: bytes) -> None:
        """Read the head; what is not clear is an error, whatever it is that fails to be read."""
        codings = _CODINGS.findall(header_plus)
        try:
            super().parse_header(header_plus)
        except ValueError as problem:
            raise ParsingError("the head cannot be read") from problem
        if (self.version == "1.1" and "HOST" not in self.headers) or not is_host(self.headers.get("HOST", "")):
            raise ParsingError("no host")
        if self.chunked and "CONTENT_LENGTH" in self.headers:
            raise ParsingError("length and chunks")
        if codings and (self.version != "1.1" or len(codings) > 1 or codings[0].lower().count(b"chunked") > 1):
            raise ParsingError("chunks that two readers read differently")


class Refusal(ErrorTask):  # type: ignore[misc]
    """The answer to a request that could not be read; the connection ends with it."""

    def execute(self) -> None:
        """Write the problem document."""
        code = self.request.error.code if self.request.error.code in _REASONS else 400
        self.set_close_on_finish()
        refuse(self, code)


def refuse(task: Task, code: int, *headers: tuple[str, str]) -> None:
    """Answer with the problem ``code``."""
    task.status, body = document(code, task.request.headers.get("ACCEPT_LANGUAGE", ""))
    task.response_headers += [*COMMON, ("Content-Type", PROBLEM.media_type), ("Cache-Control", "no-store"), *headers]
    task.content_length, task.complete = len(body), True
    task.write(body)


def document(code: int, accept_language: str) -> tuple[str, bytes]:
    """Give status line and body of the problem ``code`` in the language that the client reads.

    >>> document(431, "de-DE,de;q=0.9")[0]
    '431 Request Header Fields Too Large'
    """
    accepted = parse_accept_header(accept_language[:_LONGEST], LanguageAccept)
    lang = accepted.best_match(LANGUAGES, DEFAULT) or DEFAULT
    key = "internal" if code == 500 else f"http-{code}"
    found = {
        "type": TYPE + key,
        "title": messages.text(f"web-status-{code}", lang),
        "status": code,
        "detail": messages.text(f"web-{key}", lang),
    }
    return f"{code} {_REASONS[code]}", json.dumps(found, ensure_ascii=False).encode() + b"\n"
