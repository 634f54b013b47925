"""``python -m stadtgraph``: the command line."""

from stadtgraph.cli import run

run()
