"""``token``: create, list or revoke the tokens by which callers are known."""

from __future__ import annotations

from datetime import UTC, datetime

from stadtgraph.access import Token, Tokens
from stadtgraph.cli.call import Call
from stadtgraph.cli.parser import Commands

_VERBS = {"create": (), "list": (), "revoke": ("ID",)}


def register(commands: Commands) -> None:
    """Add the command."""
    say = commands.say
    verbs = commands.add_verbs(commands.add("token", token), _VERBS)
    verbs["create"].add_argument("--scope", action="append", default=[], metavar="SCOPE", help=say("token-scope"))
    verbs["create"].add_argument("--note", default="", help=say("token-note"))
    verbs["create"].add_argument("--days", type=int, metavar="N", help=say("token-days"))


def token(call: Call) -> int:
    """Create, list or revoke tokens."""
    return {"create": _create, "list": _list, "revoke": _revoke}[call.options.verb](call, Tokens(call.city.path))


def _create(call: Call, tokens: Tokens) -> int:
    made, secret = tokens.create(call.options.scope, note=call.options.note, days=call.options.days)
    call.tell("token-created", id=made.id, scopes=", ".join(made.scopes), until=_until(call, made))
    print(secret)
    return 0


def _list(call: Call, tokens: Tokens) -> int:
    found = tokens.list()
    for made in found:
        print(f"{made.id}  {', '.join(made.scopes)}  {_until(call, made)}  {made.note}".rstrip())
    if not found:
        call.tell("token-none")
    return 0


def _revoke(call: Call, tokens: Tokens) -> int:
    call.tell("token-revoked", id=tokens.revoke(call.options.id).id)
    return 0


def _until(call: Call, made: Token) -> str:
    if made.expires is None:
        return call.text("token-for-good")
    key = "token-until" if made.holds(datetime.now(UTC)) else "token-expired"
    return call.text(key, day=f"{made.expires:%Y-%m-%d}")
