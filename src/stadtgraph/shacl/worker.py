"""The process that :mod:`stadtgraph.shacl.isolated` starts: ``python -m stadtgraph.shacl.worker``.

It reads its task from standard input, lowers its own limits, and writes the results to standard output.
"""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path

from stadtgraph.errors import StadtgraphError
from stadtgraph.shacl.engines import engine
from stadtgraph.shacl.isolated import OUT_OF_MEMORY, Limits


def main() -> None:
    """Do one validation."""
    file, shapes, using, limits = pickle.load(sys.stdin.buffer)
    run = engine(using).run
    found: object
    try:
        lower(limits)
        found = list(run(file, shapes))
        answer = pickle.dumps(found)
    except StadtgraphError as error:
        answer = pickle.dumps(error)
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    sys.stdout.buffer.write(answer)
    sys.stdout.buffer.flush()


def lower(limits: Limits) -> None:
    """Bound the memory and the processor time of this process, where the system can."""
    try:
        import resource
    except ImportError:
        return
    statm = Path("/proc/self/statm")
    if statm.exists():
        now = int(statm.read_text().split()[0]) * resource.getpagesize()
        _bound(resource.RLIMIT_AS, now + limits.bytes)
    _bound(resource.RLIMIT_CPU, int(limits.seconds * (os.cpu_count() or 1)) + 1)
    _bound(resource.RLIMIT_CORE, 0)


def _bound(kind: int, most: int) -> None:
    import resource

    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    resource.setrlimit(kind, (most, most))


if __name__ == "__main__":
    main()
