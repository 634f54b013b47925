"""``links``: run the link rules, review what they found, explain a link."""

from __future__ import annotations

from stadtgraph.cli.call import Call
from stadtgraph.cli.parser import Commands

_VERBS = {"run": (), "review": (), "explain": ("LINK",)}


def register(commands: Commands) -> None:
    """Add the command."""
    say = commands.say
    verbs = commands.add_verbs(commands.add("links", links), _VERBS)
    for name in ("run", "review"):
        verbs[name].add_argument("--rule", metavar="NAME", help=say("links-rule"))
    verbs["run"].add_argument("--dry-run", action="store_true", help=say("links-dry-run"))
    review = verbs["review"]
    review.add_argument("link", metavar="LINK", nargs="?", help=say("links-link"))
    choice = review.add_mutually_exclusive_group()
    choice.add_argument("--confirm", dest="decision", action="store_const", const="confirm", help=say("links-confirm"))
    choice.add_argument("--reject", dest="decision", action="store_const", const="reject", help=say("links-reject"))
    review.add_argument("--reason", metavar="TEXT", help=say("links-reason"))
    review.add_argument("--limit", type=int, default=20, metavar="N", help=say("links-limit"))
    for entry in verbs.values():
        entry.add_argument("--internal", action="store_true", help=say("internal"))


def links(call: Call) -> int:
    """Run, review or explain links."""
    from stadtgraph.city import linkcalls

    call.options.lang = call.lang
    return linkcalls.VERBS[call.options.verb](call.city, call.options, call.text)
