"""The parser of the command line: its errors are ours, its help is in the user's language."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import NoReturn

from stadtgraph import messages
from stadtgraph.cli.call import Command
from stadtgraph.errors import UsageError

LANGUAGES = ("de", "en")
_MISTAKES = {
    "cli-choice": re.compile(
        r"argument (?P<name>.+?): invalid choice: (?P<value>.+?) \(.*?choose from (?P<known>.+)\)"
    ),
    "cli-required": re.compile(r"the following arguments are required: (?P<names>.+)"),
    "cli-unrecognized": re.compile(r"unrecognized arguments: (?P<names>.+)"),
    "cli-no-value": re.compile(r"argument (?P<name>.+?): expected "),
    "cli-no-number": re.compile(r"argument (?P<name>.+?): invalid int value: (?P<value>.+)"),
    "cli-ambiguous": re.compile(r"ambiguous option: (?P<name>\S+) could match (?P<known>.+)"),
}
"""What argparse says of a wrong call, in English only."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are ours: one line, exit code 2."""

    def error(self, message: str) -> NoReturn:
        """Raise :class:`UsageError` for the parser's message, in our words where we have some."""
        for key, pattern in _MISTAKES.items():
            if found := pattern.match(message):
                raise UsageError(key, **found.groupdict(), command=self.prog)
        raise UsageError("cli-usage", problem=message, command=self.prog)


class Commands:
    """The commands of the program, as each module of commands adds its own."""

    def __init__(self, lang: str) -> None:
        """Make a parser without commands, its help in ``lang``."""
        self.lang = lang
        self.top = Parser(prog="stadtgraph", description=self.say("top"))
        wide(self.top, self.say, defaults=True)
        self.top.add_argument("--version", action="version", version=f"stadtgraph {version('stadtgraph')}")
        self.runs: dict[str, Command] = {}
        self._common = self._shared()
        self._group = self.top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def say(self, key: str) -> str:
        """Give the help text ``help-KEY``."""
        return messages.text(f"help-{key}", self.lang).replace("%", "%%")

    def add(self, name: str, run: Command) -> argparse.ArgumentParser:
        """Add the command ``name``; its help text is ``help-NAME``."""
        self.runs[name] = run
        return self._group.add_parser(name, parents=[self._common], help=self.say(name), description=self.say(name))

    def add_verbs(
        self, command: argparse.ArgumentParser, verbs: Mapping[str, Sequence[str]]
    ) -> dict[str, argparse.ArgumentParser]:
        """Add verbs with their positional arguments to ``command``; give the parser of each.

        Help texts are ``help-COMMAND-VERB`` and ``help-COMMAND-ARGUMENT``.
        """
        name = command.prog.split()[-1]
        group = command.add_subparsers(dest="verb", required=True, metavar="VERB")
        found: dict[str, argparse.ArgumentParser] = {}
        for verb, arguments in verbs.items():
            text = self.say(f"{name}-{verb}")
            entry = found[verb] = group.add_parser(verb, parents=[self._common], help=text, description=text)
            for argument in arguments:
                entry.add_argument(argument.lower(), metavar=argument, help=self.say(f"{name}-{argument.lower()}"))
        return found

    def _shared(self) -> Parser:
        common = Parser(add_help=False)
        wide(common, self.say)
        return common


def wide(parser: argparse.ArgumentParser, say: Callable[[str], str], *, defaults: bool = False) -> None:
    """Add the options that every command takes, which may stand before the command, before a verb and after both.

    ``defaults`` belong to one parser alone: those of a parser further down would undo what was said before it.
    """
    city, lang, debug = (
        (os.environ.get("STADTGRAPH_CITY", "city"), None, False) if defaults else [argparse.SUPPRESS] * 3
    )
    parser.add_argument("--city", metavar="DIR", default=city, help=say("city"))
    parser.add_argument("--lang", choices=LANGUAGES, default=lang, help=say("lang"))
    parser.add_argument("--debug", action="store_true", default=debug, help=say("debug"))


def said_first(arguments: Sequence[str]) -> tuple[str | None, bool]:
    """Give ``--lang`` and ``--debug`` of a call that nobody has read yet, as far as they can be read."""
    early = Parser(add_help=False)
    wide(early, str, defaults=True)
    try:
        found, _ = early.parse_known_args(arguments)
    except UsageError:
        return None, "--debug" in arguments
    return found.lang, found.debug
