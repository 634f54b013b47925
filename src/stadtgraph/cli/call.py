"""One call of the program."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from stadtgraph import messages
from stadtgraph.city import City
from stadtgraph.errors import UsageError


class Call:
    """One call of the program: its options, its city and its language."""

    def __init__(self, options: argparse.Namespace, lang: str) -> None:
        """Take parsed options; the city is opened when it is first asked for."""
        self.options, self.lang = options, lang
        self._city: City | None = None

    @property
    def city(self) -> City:
        """The city in ``--city``, ``STADTGRAPH_CITY`` or ``./city``."""
        if self._city is None:
            self._city = City(Path(self.options.city))
        return self._city

    def tell(self, key: str, **params: object) -> None:
        """Give one line of progress on stderr."""
        print(messages.text(key, self.lang, **params), file=sys.stderr)

    def say(self, line: str) -> None:
        """Give one line of progress, already in the user's language, on stderr."""
        print(line, file=sys.stderr)

    def text(self, key: str, **params: object) -> str:
        """Give a message in the user's language."""
        return messages.text(key, self.lang, **params)


Command = Callable[[Call], int]
"""What a command does: it gives the exit code."""


def pair(entry: str) -> tuple[str, str]:
    """Split ``KEY=VALUE``."""
    key, equals, value = entry.partition("=")
    if not equals or not key:
        raise UsageError("cli-parameter", entry=entry)
    return key, value
