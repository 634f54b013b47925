"""``stadtgraph``: one command per verb of :class:`stadtgraph.City`.

Results go to stdout, progress and errors to stderr. Exit codes: 0 done, 1 the data fail, 2 the call is wrong,
3 the work could not be done. An error is one line; ``--debug`` shows where it came from.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from stadtgraph import messages
from stadtgraph.cli import (
    asking,
    auditing,
    backing,
    building,
    cataloguing,
    harvesting,
    linking,
    releasing,
    serving,
    tokens,
)
from stadtgraph.cli.call import Call
from stadtgraph.cli.parser import Commands, said_first
from stadtgraph.errors import StadtgraphError

_MODULES = (building, asking, auditing, cataloguing, harvesting, linking, releasing, backing, tokens, serving)


def commands(lang: str) -> Commands:
    """Give all commands, their help in ``lang``."""
    found = Commands(lang)
    for module in _MODULES:
        module.register(found)
    return found


def parser(lang: str) -> argparse.ArgumentParser:
    """Give the parser of the command line, its help in ``lang``."""
    return commands(lang).top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; give its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    asked, debug = said_first(given)
    lang = asked or _language()
    try:
        known = commands(lang)
        options = known.top.parse_args(given)
        return known.runs[options.command](Call(options, lang))
    except StadtgraphError as error:
        if debug:
            raise
        print(f"stadtgraph: {error.text(lang)}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print(f"stadtgraph: {messages.text('cli-interrupted', lang)}", file=sys.stderr)
        return 130
    except Exception as error:
        if debug:
            raise
        kind = type(error).__name__
        print(f"stadtgraph: {messages.text('cli-unexpected', lang, kind=kind, problem=error)}", file=sys.stderr)
        return 3


def _language() -> str:
    """Give the language of the locale, else English."""
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "de" if locale.startswith("de") else "en"


def run() -> NoReturn:
    """Run the program and leave the process with its exit code."""
    sys.exit(main())
