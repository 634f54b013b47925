"""``serve``, ``demo`` and ``doctor``: run the service, and say what it lacks."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from stadtgraph.city import doctor
from stadtgraph.cli.building import build
from stadtgraph.cli.call import Call
from stadtgraph.cli.parser import Commands


def register(commands: Commands) -> None:
    """Add the commands."""
    say = commands.say
    for name, run in (("serve", serve), ("demo", demo)):
        sub = commands.add(name, run)
        sub.add_argument("--host", help=say("host"))
        for number in ("port", "workers", "threads"):
            sub.add_argument(f"--{number}", type=int, help=say(number))
    commands.add("doctor", examine)


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

    address, processes = (settings.host, settings.port), (settings.workers, settings.threads)
    serve_city(call.city.path, *address, *processes, grace=settings.grace, ready=ready)
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
