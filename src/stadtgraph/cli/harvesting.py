"""``harvest``: a catalogue of others into its source graph."""

from __future__ import annotations

import sys
import time

from stadtgraph.cli.call import Call
from stadtgraph.cli.parser import Commands
from stadtgraph.sources.harvest import State

_BETWEEN = 0.2  # seconds between two states of a bar
_STEPS = 10  # lines of progress per step where there is no terminal


def register(commands: Commands) -> None:
    """Add the command."""
    say = commands.say
    sub = commands.add("harvest", harvest)
    sub.add_argument("target", metavar="NAME|URL|FILE", help=say("harvest-target"))
    sub.add_argument("--source", metavar="NAME", default="", help=say("harvest-source"))
    sub.add_argument("--dry-run", action="store_true", help=say("dry-run"))
    sub.add_argument("--confirm", action="store_true", help=say("harvest-confirm"))
    sub.add_argument("--format", choices=["text", "json"], default="text", help=say("harvest-format"))


def harvest(call: Call) -> int:
    """Harvest one catalogue; 1 where it is held."""
    options = call.options
    report = call.city.harvest(
        options.target,
        source=options.source,
        dry_run=options.dry_run,
        confirm=options.confirm,
        progress=Bar(call),
    )
    print(report.json(call.lang) if options.format == "json" else report.text(call.lang), end="")
    return 1 if report.state is State.HELD else 0


class Bar:
    """Shows on stderr how far a harvest is: a line that changes on a terminal, a few plain lines elsewhere."""

    def __init__(self, call: Call) -> None:
        """Begin."""
        self._call, self._last, self._step, self._told = call, 0.0, "", 0

    def __call__(self, step: str, done: int, whole: int) -> None:
        """Show a state."""
        text = self._call.text(f"harvest-step-{step}", done=done, all=whole or "?")
        now = time.monotonic()
        if sys.stderr.isatty():
            if now - self._last >= _BETWEEN or done == whole:
                print(f"\r\x1b[K{text}", end="\n" if done == whole else "", file=sys.stderr, flush=True)
                self._last = now
            return
        part = done * _STEPS // whole if whole else done // _STEPS
        if step != self._step or part != self._told:
            self._step, self._told = step, part
            print(text, file=sys.stderr)
