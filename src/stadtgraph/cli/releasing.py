"""``release``: list, show, compare, return to, pin, prune or withdraw releases."""

from __future__ import annotations

from stadtgraph.cli.call import Call
from stadtgraph.cli.parser import Commands

_VERBS = {
    "list": (),
    "show": ("ID",),
    "diff": ("A", "B"),
    "rollback": ("ID",),
    "pin": ("ID",),
    "prune": (),
    "withdraw": ("GRAPH",),
}


def register(commands: Commands) -> None:
    """Add the command."""
    commands.add_verbs(commands.add("release", release), _VERBS)


def release(call: Call) -> int:
    """List, show, compare, return to, pin, prune or withdraw releases."""
    from stadtgraph.city import releasing

    return releasing.VERBS[call.options.verb](call.city, call.options, call.text)
