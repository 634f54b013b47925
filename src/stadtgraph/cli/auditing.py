"""``audit``, ``validate`` and ``explain``: check the data, and say what would mend them."""

from __future__ import annotations

from stadtgraph.cli.call import Call
from stadtgraph.cli.parser import Commands


def register(commands: Commands) -> None:
    """Add the commands."""
    say = commands.say
    for name, run in (("audit", audit), ("validate", validate)):
        sub = commands.add(name, run)
        if name == "validate":
            sub.add_argument("files", metavar="FILE", nargs="+", help=say("validate-file"))
        else:
            sub.add_argument("--unit", metavar="IRI", help=say("audit-unit"))
            sub.add_argument("--release", metavar="ID", default="current", help=say("audit-release"))
            sub.add_argument("--since", metavar="RELEASE", help=say("audit-since"))
            sub.add_argument("--internal", action="store_true", help=say("internal"))
            sub.add_argument("--all", action="store_true", help=say("audit-all"))
        action = "append" if name == "validate" else "store"
        sub.add_argument("--shapes", metavar="DIR|FILE", action=action, help=say(f"{name}-shapes"))
        forms = ["text", "html", "csv", "xlsx", "ttl", "json"]
        sub.add_argument("--format", choices=forms, default="text", help=say("audit-format"))
        sub.add_argument("--out", metavar="FILE", help=say("audit-out"))
        sub.add_argument("--most", metavar="N", type=int, help=say("audit-most"))
        grades = ["violation", "warning", "never"]
        sub.add_argument("--fail-on", choices=grades, default="violation", help=say("audit-fail-on"))
        sub.add_argument("--using", choices=["shacl", "pyshacl"], help=say("audit-using"))

    sub = commands.add("explain", explain)
    sub.add_argument("finding", metavar="FINDING|STATEMENT", help=say("explain-finding"))
    sub.add_argument("--release", metavar="ID", default="current", help=say("audit-release"))
    sub.add_argument("--internal", action="store_true", help=say("internal"))
    sub.add_argument("--real-data", metavar="DIR", help=say("real-data"))


def audit(call: Call) -> int:
    """Report on the audit of a release."""
    from stadtgraph.city import auditcalls

    return auditcalls.audit(call.city, call.options, call.lang)


def explain(call: Call) -> int:
    """Explain one finding, or why a statement holds."""
    from stadtgraph.city import auditcalls, deriving

    if deriving.is_statement(call.options.finding):
        return deriving.explain(call.city, call.options, call.lang)
    return auditcalls.explain(call.city, call.options, call.lang)


def validate(call: Call) -> int:
    """Validate any RDF files against shapes."""
    from stadtgraph.city import auditcalls

    return auditcalls.check(call.options, call.city.config, call.city.folders.shapes, call.lang)
