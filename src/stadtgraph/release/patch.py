"""The changes of a release as an RDF Patch (https://afs.github.io/rdf-patch/), gzip-compressed."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from pathlib import Path

from stadtgraph.store import Change


def write_patch(path: Path, release: str, parent: str, changes: Iterable[Change]) -> None:
    """Write ``changes`` in their order; applied to the parent's graphs they give those of the release.

    The merge in the default graph is not part of the patch: it follows from the graphs.
    """
    with path.open("wb") as raw, gzip.GzipFile("", "wb", compresslevel=1, fileobj=raw, mtime=0) as file:
        file.write(f'H id "{release}" .\nH prev "{parent}" .\nTX .\n'.encode())
        for change in changes:
            graph = f" {change.graph} .\n".encode()
            for operation, lines in ((b"D ", change.removed_file), (b"A ", change.added_file)):
                with lines.open("rb") as source:
                    for line in source:
                        file.write(operation + line[: line.rindex(b" .")] + graph)
        file.write(b"TC .\n")
