"""``query``: ask the graph."""

from __future__ import annotations

import sys

from stadtgraph.cli.call import Call, pair
from stadtgraph.cli.parser import Commands
from stadtgraph.release import View


def register(commands: Commands) -> None:
    """Add the command."""
    say = commands.say
    sub = commands.add("query", query)
    sub.add_argument("query", metavar="NAME|FILE|-|TEXT", help=say("query-text"))
    formats = ["table", "csv", "tsv", "json", "xml", "ttl", "nt", "jsonld"]
    sub.add_argument("--format", choices=formats, default=None, help=say("query-format"))
    sub.add_argument("--release", metavar="ID", default="current", help=say("query-release"))
    sub.add_argument("--internal", action="store_true", help=say("internal"))
    sub.add_argument("-p", dest="parameter", action="append", default=[], metavar="KEY=VALUE", help=say("parameter"))


def query(call: Call) -> int:
    """Answer a query by name, file, stdin or text."""
    from stadtgraph.city.asking import ask

    options = call.options
    parameters = dict(pair(entry) for entry in options.parameter)
    release = call.city.releases.get(options.release)
    view = View.INTERNAL if options.internal else View.PUBLIC
    ask(call.city, release, view, options.query, parameters, options.format, sys.stdout.buffer, call.lang)
    return 0
