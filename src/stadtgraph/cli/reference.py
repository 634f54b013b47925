"""The page that documents every command, made from the help texts."""

from __future__ import annotations

import argparse

from stadtgraph.cli import parser


def reference() -> str:
    """Give the page that documents every command, made from the help texts."""
    top = parser("en")
    parts = [
        "# Commands",
        "Made from the program's own help by `python -m stadtgraph.cli`; German with `--lang de`.",
        _block(top),
    ]
    for name, sub in _commands(top).items():
        parts += [f"## {name}", _block(sub)]
        for verb, entry in _commands(sub).items():
            parts += [f"### {name} {verb}", _block(entry)]
    return "\n\n".join(parts) + "\n"


def _commands(entry: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    actions = entry._subparsers._group_actions if entry._subparsers else []
    return {name: sub for action in actions if isinstance(action.choices, dict) for name, sub in action.choices.items()}


def _block(entry: argparse.ArgumentParser) -> str:
    entry.formatter_class = lambda prog: argparse.HelpFormatter(prog, width=110)
    return f"```text\n{entry.format_help().rstrip()}\n```"
