"""``build`` and ``load``: what makes releases from sources."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from stadtgraph.cli.call import Call
from stadtgraph.cli.parser import Commands
from stadtgraph.errors import UsageError
from stadtgraph.sources.fetch import fetch_address


def register(commands: Commands) -> None:
    """Add the commands."""
    say = commands.say
    sub = commands.add("build", build)
    sub.add_argument("--source", action="append", metavar="NAME", help=say("build-source"))
    sub.add_argument("--real-data", metavar="DIR", help=say("real-data"))
    sub.add_argument("--fetch", action="store_true", help=say("fetch"))

    sub = commands.add("load", load)
    sub.add_argument("file", metavar="FILE|URL", help=say("load-file"))
    sub.add_argument("--source", required=True, metavar="NAME", help=say("load-source"))
    sub.add_argument("--mapping", metavar="FILE", help=say("mapping"))
    sub.add_argument("--dry-run", action="store_true", help=say("dry-run"))


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
    return 1 if report.violations or report.failed else 0


def _file(call: Call, file: str, folder: Path) -> Path:
    if "://" not in file:
        return Path(file)
    return fetch_address(file, folder, private=frozenset(call.city.config.network.private))


def load(call: Call) -> int:
    """Load one file into one source."""
    started, options = time.perf_counter(), call.options
    with tempfile.TemporaryDirectory() as folder:
        file = _file(call, options.file, Path(folder))
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
