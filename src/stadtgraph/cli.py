"""``stadtgraph``: one command per verb of :class:`stadtgraph.City`.

Results go to stdout, progress and errors to stderr. Exit codes: 0 done, 1 the data fail, 2 the call is wrong,
3 the work could not be done. An error is one line; ``--debug`` shows where it came from.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from stadtgraph import messages
from stadtgraph.city import City, doctor
from stadtgraph.errors import StadtgraphError, UsageError
from stadtgraph.release import View
from stadtgraph.sources.fetch import fetch_address

Command = Callable[["Call"], int]


class Call:
    """One call of the program: its options, its city and its language."""

    def __init__(self, options: argparse.Namespace, lang: str) -> None:
        """Take parsed options; the city is opened when it is first asked for."""
        self.options, self.lang = options, lang
        self._city: City | None = None

    @property
    def city(self) -> City:
        """The city in ``--city``, ``STADTGRAPH_CITY`` or ``./city``."""
        if self._city is None:
            self._city = City(Path(self.options.city))
        return self._city

    def tell(self, key: str, **params: object) -> None:
        """Give one line of progress on stderr."""
        print(messages.text(key, self.lang, **params), file=sys.stderr)

    def say(self, line: str) -> None:
        """Give one line of progress, already in the user's language, on stderr."""
        print(line, file=sys.stderr)

    def text(self, key: str, **params: object) -> str:
        """Give a message in the user's language."""
        return messages.text(key, self.lang, **params)


def build(call: Call) -> int:
    """Load what changed and seal a release."""
    started, options = time.perf_counter(), call.options
    real_data = Path(options.real_data) if getattr(options, "real_data", None) else None
    if real_data is not None and not real_data.is_dir():
        raise UsageError("cli-no-folder", folder=real_data)
    report = call.city.build(
        getattr(options, "source", None) or (),
        real_data=real_data,
        fetch=getattr(options, "fetch", False),
        say=call.say,
        lang=call.lang,
    )
    if report.release is not None:
        call.tell("build-sealed", id=report.release.id, seconds=time.perf_counter() - started)
    else:
        call.tell("build-nothing", id=call.city.releases.require_current().id)
    return 1 if report.violations else 0


def load(call: Call) -> int:
    """Load one file into one source."""
    started, options = time.perf_counter(), call.options
    with tempfile.TemporaryDirectory() as folder:
        file = fetch_address(options.file, Path(folder)) if "://" in options.file else Path(options.file)
        with call.city.draft(why=f"load {file.name}") as draft:
            changed = draft.load(file, source=options.source, mapping=options.mapping)
            size = draft.clone.info(call.city.source(options.source, file).graph_name(call.city.names))
            if options.dry_run:
                draft.clone.abandon()
    if options.dry_run:
        call.tell("load-dry-run" if changed else "load-dry-run-same", number=size.triples if size else 0)
    elif draft.release is not None:
        call.tell("build-sealed", id=draft.release.id, seconds=time.perf_counter() - started)
    else:
        call.tell("build-nothing", id=call.city.releases.require_current().id)
    return 0


def query(call: Call) -> int:
    """Answer a query by name, file, stdin or text."""
    from stadtgraph.city.asking import ask

    options = call.options
    parameters = dict(_pair(entry) for entry in options.parameter)
    release = call.city.releases.get(options.release)
    view = View.INTERNAL if options.internal else View.PUBLIC
    ask(call.city, release, view, options.query, parameters, options.format, sys.stdout.buffer, call.lang)
    return 0


def release(call: Call) -> int:
    """List, show, compare, return to, pin, prune or withdraw releases."""
    from stadtgraph.city import releasing

    return releasing.VERBS[call.options.verb](call.city, call.options, call.text)


def audit(call: Call) -> int:
    """Report on the audit of a release."""
    from stadtgraph.city import auditcalls

    return auditcalls.audit(call.city, call.options, call.lang)


def explain(call: Call) -> int:
    """Explain one finding."""
    from stadtgraph.city import auditcalls

    return auditcalls.explain(call.city, call.options, call.lang)


def validate(call: Call) -> int:
    """Validate any RDF files against shapes."""
    from stadtgraph.city import auditcalls

    return auditcalls.check(call.options, call.city.names.base, call.city.folders.shapes, call.lang)


def serve(call: Call) -> int:
    """Serve the current release; build first where there is none."""
    from stadtgraph.web.server import serve as serve_city

    if call.city.releases.current() is None:
        call.tell("serve-builds-first")
        build(call)
    given = {k: getattr(call.options, k) for k in ("host", "port", "workers", "threads")}
    settings = replace(call.city.config.serve, **{k: v for k, v in given.items() if v is not None})
    call.city.close()

    def ready() -> None:
        call.tell("serve-at", host=settings.host, port=settings.port)

    serve_city(call.city.path, settings.host, settings.port, settings.workers, settings.threads, ready=ready)
    return 0


def demo(call: Call) -> int:
    """Build the graph of Jena into a fresh folder and serve it."""
    folder = Path(tempfile.mkdtemp(prefix="stadtgraph-demo-"))
    try:
        call.options.city = str(folder)
        return serve(call)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def examine(call: Call) -> int:
    """Say what is installed, configured, reachable and broken."""
    good = True
    for line in doctor.examine(call.city.path, call.lang):
        print(line.text)
        good &= line.good
    return 0 if good else 3


COMMANDS: dict[str, Command] = {
    "build": build,
    "load": load,
    "query": query,
    "audit": audit,
    "explain": explain,
    "validate": validate,
    "release": release,
    "serve": serve,
    "demo": demo,
    "doctor": examine,
}


_MISTAKES = {
    "cli-choice": re.compile(
        r"argument (?P<name>.+?): invalid choice: (?P<value>.+?) \(.*?choose from (?P<known>.+)\)"
    ),
    "cli-required": re.compile(r"the following arguments are required: (?P<names>.+)"),
    "cli-unrecognized": re.compile(r"unrecognized arguments: (?P<names>.+)"),
    "cli-no-value": re.compile(r"argument (?P<name>.+?): expected "),
    "cli-no-number": re.compile(r"argument (?P<name>.+?): invalid int value: (?P<value>.+)"),
    "cli-ambiguous": re.compile(r"ambiguous option: (?P<name>\S+) could match (?P<known>.+)"),
}
"""What argparse says of a wrong call, in English only."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are ours: one line, exit code 2."""

    def error(self, message: str) -> NoReturn:
        """Raise :class:`UsageError` for the parser's message, in our words where we have some."""
        for key, pattern in _MISTAKES.items():
            if found := pattern.match(message):
                raise UsageError(key, **found.groupdict(), command=self.prog)
        raise UsageError("cli-usage", problem=message, command=self.prog)


def parser(lang: str) -> argparse.ArgumentParser:
    """Make the parser of the command line, its help in ``lang``."""

    def say(key: str) -> str:
        return messages.text(f"help-{key}", lang).replace("%", "%%")

    common = Parser(add_help=False)
    common.add_argument("--city", metavar="DIR", default=os.environ.get("STADTGRAPH_CITY", "city"), help=say("city"))
    common.add_argument("--lang", choices=["de", "en"], help=say("lang"))
    common.add_argument("--debug", action="store_true", help=say("debug"))
    top = Parser(prog="stadtgraph", description=say("top"))
    top.add_argument("--version", action="version", version=_version())
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, parents=[common], help=say(name), description=say(name))

    sub = command("build")
    sub.add_argument("--source", action="append", metavar="NAME", help=say("build-source"))
    sub.add_argument("--real-data", metavar="DIR", help=say("real-data"))
    sub.add_argument("--fetch", action="store_true", help=say("fetch"))

    sub = command("load")
    sub.add_argument("file", metavar="FILE|URL", help=say("load-file"))
    sub.add_argument("--source", required=True, metavar="NAME", help=say("load-source"))
    sub.add_argument("--mapping", metavar="FILE", help=say("mapping"))
    sub.add_argument("--dry-run", action="store_true", help=say("dry-run"))

    sub = command("query")
    sub.add_argument("query", metavar="NAME|FILE|-|TEXT", help=say("query-text"))
    formats = ["table", "csv", "tsv", "json", "xml", "ttl", "nt", "jsonld"]
    sub.add_argument("--format", choices=formats, default=None, help=say("query-format"))
    sub.add_argument("--release", metavar="ID", default="current", help=say("query-release"))
    sub.add_argument("--internal", action="store_true", help=say("internal"))
    sub.add_argument("-p", dest="parameter", action="append", default=[], metavar="KEY=VALUE", help=say("parameter"))

    for name in ("audit", "validate"):
        sub = command(name)
        if name == "validate":
            sub.add_argument("files", metavar="FILE", nargs="+", help=say("validate-file"))
        else:
            sub.add_argument("--unit", metavar="IRI", help=say("audit-unit"))
            sub.add_argument("--release", metavar="ID", default="current", help=say("audit-release"))
            sub.add_argument("--since", metavar="RELEASE", help=say("audit-since"))
            sub.add_argument("--internal", action="store_true", help=say("internal"))
        sub.add_argument("--shapes", metavar="DIR|FILE", help=say(f"{name}-shapes"))
        forms = ["text", "html", "csv", "xlsx", "ttl", "json"]
        sub.add_argument("--format", choices=forms, default="text", help=say("audit-format"))
        sub.add_argument("--out", metavar="FILE", help=say("audit-out"))
        grades = ["violation", "warning", "never"]
        sub.add_argument("--fail-on", choices=grades, default="violation", help=say("audit-fail-on"))
        sub.add_argument("--using", choices=["shacl", "pyshacl"], help=say("audit-using"))

    sub = command("explain")
    sub.add_argument("finding", metavar="FINDING", help=say("explain-finding"))
    sub.add_argument("--release", metavar="ID", default="current", help=say("audit-release"))
    sub.add_argument("--internal", action="store_true", help=say("internal"))

    sub = command("release")
    verbs = sub.add_subparsers(dest="verb", required=True, metavar="VERB")
    for verb, arguments in _RELEASE_VERBS.items():
        entry = verbs.add_parser(
            verb, parents=[common], help=say(f"release-{verb}"), description=say(f"release-{verb}")
        )
        for argument in arguments:
            entry.add_argument(argument.lower(), metavar=argument, help=say(f"release-{argument.lower()}"))

    for name in ("serve", "demo"):
        sub = command(name)
        sub.add_argument("--host", help=say("host"))
        for number in ("port", "workers", "threads"):
            sub.add_argument(f"--{number}", type=int, help=say(number))
    command("doctor")
    return top


_RELEASE_VERBS: dict[str, Sequence[str]] = {
    "list": (),
    "show": ("ID",),
    "diff": ("A", "B"),
    "rollback": ("ID",),
    "pin": ("ID",),
    "prune": (),
    "withdraw": ("GRAPH",),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; give its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    lang = _language(given)
    debug = "--debug" in given
    try:
        options = parser(lang).parse_args(given)
        call = Call(options, lang)
        return COMMANDS[options.command](call)
    except StadtgraphError as error:
        if debug:
            raise
        print(f"stadtgraph: {error.text(lang)}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print(f"stadtgraph: {messages.text('cli-interrupted', lang)}", file=sys.stderr)
        return 130
    except Exception as error:
        if debug:
            raise
        kind = type(error).__name__
        print(f"stadtgraph: {messages.text('cli-unexpected', lang, kind=kind, problem=error)}", file=sys.stderr)
        return 3


def _language(arguments: Sequence[str]) -> str:
    """Give the language: ``--lang``, else the locale, else English."""
    for i, argument in enumerate(arguments):
        if argument.startswith("--lang="):
            return argument.removeprefix("--lang=")
        if argument == "--lang" and i + 1 < len(arguments):
            return arguments[i + 1]
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "de" if locale.startswith("de") else "en"


def _pair(entry: str) -> tuple[str, str]:
    key, equals, value = entry.partition("=")
    if not equals or not key:
        raise UsageError("cli-parameter", entry=entry)
    return key, value


def _version() -> str:
    from importlib.metadata import version

    return f"stadtgraph {version('stadtgraph')}"


def reference() -> str:
    """Give the page that documents every command, made from the help texts."""
    top = parser("en")
    parts = [
        "# Commands",
        "Made from the program's own help by `python -m stadtgraph.cli`; German with `--lang de`.",
        _block(top),
    ]
    for name, sub in _commands(top).items():
        parts += [f"## {name}", _block(sub)]
        for verb, entry in _commands(sub).items():
            parts += [f"### {name} {verb}", _block(entry)]
    return "\n\n".join(parts) + "\n"


def _commands(entry: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    actions = entry._subparsers._group_actions if entry._subparsers else []
    return {name: sub for action in actions if isinstance(action.choices, dict) for name, sub in action.choices.items()}


def _block(entry: argparse.ArgumentParser) -> str:
    entry.formatter_class = lambda prog: argparse.HelpFormatter(prog, width=110)
    return f"```text\n{entry.format_help().rstrip()}\n```"


def run() -> Any:
    """Run the program and leave the process with its exit code."""
    sys.exit(main())


if __name__ == "__main__":
    print(reference(), end="")
