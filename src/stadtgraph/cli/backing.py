"""``backup`` and ``restore``: a checked copy of the whole city, and the city from it."""

from __future__ import annotations

from pathlib import Path

from stadtgraph.cli.call import Call
from stadtgraph.cli.parser import Commands


def register(commands: Commands) -> None:
    """Add the commands."""
    say = commands.say
    made = commands.add("backup", backup)
    made.add_argument("folder", metavar="DIR", help=say("backup-dir"))
    made.add_argument("--tokens", action="store_true", help=say("backup-tokens"))
    commands.add("restore", restore).add_argument("folder", metavar="DIR", help=say("restore-dir"))


def backup(call: Call) -> int:
    """Copy the city into a new folder while writing goes on."""
    from stadtgraph.city import backup as copies

    folder = Path(call.options.folder)
    found = copies.backup(call.city.path, folder, tokens=call.options.tokens)
    call.tell("backup-done", path=folder.name, releases=found.releases, files=found.files, size=found.bytes / 1e6)
    call.tell("backup-with-tokens" if found.tokens else "backup-without-tokens")
    return 0


def restore(call: Call) -> int:
    """Make a city from a backup."""
    from stadtgraph.city import backup as copies

    city = Path(call.options.city)
    found = copies.restore(Path(call.options.folder), city)
    call.tell("restore-done", path=city.name, releases=found.releases, files=found.files, size=found.bytes / 1e6)
    call.tell("restore-with-tokens" if found.tokens else "restore-without-tokens")
    return 0
