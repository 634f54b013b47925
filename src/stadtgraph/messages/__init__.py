"""All texts that a user reads, in German and English, kept as one small TOML file per room.

An entry is ``["key"]`` with ``en`` and ``de``; placeholders are those of :meth:`str.format`.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources

LANGUAGES = ("de", "en")


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """Give every message: key → language → text. A key that two files define is an error."""
    found: dict[str, dict[str, str]] = {}
    for entry in sorted(resources.files(__name__).iterdir(), key=lambda item: item.name):
        if entry.name.endswith(".toml"):
            for key, texts in tomllib.loads(entry.read_text("utf-8")).items():
                if key in found:
                    raise ValueError(f"message {key} is defined twice, the second time in {entry.name}")
                found[key] = texts
    return found


def text(key: str, lang: str = "en", /, **params: object) -> str:
    """Give the message ``key`` in ``lang`` with its placeholders filled, on one line."""
    template = catalogue()[key]["de" if lang == "de" else "en"]
    return " ".join(template.format(**params).split())
