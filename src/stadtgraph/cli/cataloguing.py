"""``export`` and ``preview``: the catalogue for portals."""

from __future__ import annotations

from stadtgraph.cli.call import Call
from stadtgraph.cli.parser import Commands


def register(commands: Commands) -> None:
    """Add the commands."""
    say = commands.say
    sub = commands.add("export", export)
    profiles = ["dcat-ap-de", "govdata", "eu"]
    sub.add_argument("--profile", choices=profiles, default="dcat-ap-de", help=say("export-profile"))
    sub.add_argument("--format", choices=["rdf", "ttl", "jsonld", "nt"], help=say("export-format"))
    sub.add_argument("--out", metavar="FILE", help=say("export-out"))
    sub.add_argument("--release", metavar="ID", default="current", help=say("export-release"))
    sub.add_argument("--dataset", metavar="IRI", help=say("export-dataset"))
    forms = ["text", "json", "csv"]
    sub.add_argument("--report", nargs="?", choices=forms, const="text", help=say("export-report"))

    sub = commands.add("preview", preview)
    sub.add_argument("portal", choices=["govdata", "eu"], help=say("preview-portal"))
    sub.add_argument("--against", metavar="FILE|URL", help=say("preview-against"))
    sub.add_argument("--format", choices=["text", "json", "html", "ttl"], default="text", help=say("preview-format"))
    sub.add_argument("--out", metavar="FILE", help=say("export-out"))
    sub.add_argument("--release", metavar="ID", default="current", help=say("export-release"))
    sub.add_argument("--require-resources", action="store_true", help=say("preview-require"))
    sub.add_argument("--check-links", action="store_true", help=say("preview-links"))
    sub.add_argument("--fixes", metavar="FILE", help=say("preview-fixes"))


def export(call: Call) -> int:
    """Write the catalogue, or what is held back."""
    from stadtgraph.city import cataloguing

    told = cataloguing.export(call.city, call.options, call.lang)
    if told:
        call.say(told)
    return 0


def preview(call: Call) -> int:
    """Say what a portal would make of the export."""
    from stadtgraph.city import previewing

    return previewing.run(call.city, call.options, call.lang, call.say)
