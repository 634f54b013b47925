"""All texts that a user reads, in German and English, kept as one small TOML file per room.

An entry is ``["key"]`` with ``en`` and ``de``; placeholders are those of :meth:`str.format`.
"""

from __future__ import annotations

from functools import cache

LANGUAGES = ("de", "en")


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """Give every message: key → language → text. A key that two files define is an error."""
    import tomllib  # here, for a query worker starts often and says nothing
    from importlib import resources

    found: dict[str, dict[str, str]] = {}
    for entry in sorted(resources.files(__name__).iterdir(), key=lambda item: item.name):
        if entry.name.endswith(".toml"):
            for key, texts in tomllib.loads(entry.read_text("utf-8")).items():
                if key in found:
                    raise ValueError(f"message {key} is defined twice, the second time in {entry.name}")
                found[key] = texts
    return found


def text(key: str, lang: str = "en", /, **params: object) -> str:
    """Give the message ``key`` in ``lang`` with its placeholders filled, on one line; ``{n:,}`` groups digits."""
    if lang != "de":
        return " ".join(catalogue()[key]["en"].format(**params).split())
    shown = {name: _German(value) if type(value) is int else value for name, value in params.items()}
    return " ".join(catalogue()[key]["de"].format(**shown).split())


def number(value: int, lang: str = "en", /) -> str:
    """Give a whole number with its digits grouped.

    >>> number(10295, "en"), number(10295, "de")
    ('10,295', '10.295')
    """
    return f"{_German(value) if lang == 'de' else value:,}"


class _German(int):
    """A number whose digits are grouped by dots."""

    def __format__(self, form: str, /) -> str:
        text = int.__format__(self, form)
        return text.replace(",", ".") if form == "," else text
