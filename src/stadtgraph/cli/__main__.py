"""``python -m stadtgraph.cli`` prints the page ``docs/commands.md``."""

from stadtgraph.cli.reference import reference

print(reference(), end="")
