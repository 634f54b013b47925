"""The language of an answer, and the texts of the pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flask import g, request

from stadtgraph import messages

LANGUAGES: Final = messages.LANGUAGES
DEFAULT: Final = "en"


def language() -> str:
    """Give the language of this request: ``?lang=``, else Accept-Language, else English."""
    if "language" not in g:
        asked = request.args.get("lang", "")
        g.language = asked if asked in LANGUAGES else request.accept_languages.best_match(LANGUAGES, DEFAULT)
    return str(g.language)


def told(key: str, /, **params: object) -> str:
    """Give a text of the pages in the language of this request."""
    return messages.text(f"web-{key}", language(), **params)


def number(value: int) -> str:
    """Write a number as people do in the language of this request: 1.234 or 1,234."""
    return f"{value:,}".replace(",", "." if language() == "de" else ",")


def in_language(texts: Mapping[str, str], lang: str, otherwise: str) -> str:
    """Give the text in ``lang``, else in any language, else ``otherwise``.

    >>> in_language({"de": "Bäume"}, "en", "trees")
    'Bäume'
    """
    return texts.get(lang) or next(iter(texts.values()), "") or otherwise
