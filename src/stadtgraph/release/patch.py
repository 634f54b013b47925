"""The changes of a release as an RDF Patch (https://afs.github.io/rdf-patch/), gzip-compressed."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, Final

from stadtgraph.store import Change

BLOCK: Final = 1 << 20


def write_patch(path: Path, release: str, parent: str, changes: Iterable[Change]) -> None:
    """Write ``changes`` in their order; applied to the parent's graphs they give those of the release.

    The merge in the default graph is not part of the patch: it follows from the graphs.
    """
    with path.open("wb") as raw, gzip.GzipFile("", "wb", compresslevel=1, fileobj=raw, mtime=0) as file:
        file.write(f'H id "{release}" .\nH prev "{parent}" .\nTX .\n'.encode())
        for change in changes:
            for operation, lines in ((b"D ", change.removed_file), (b"A ", change.added_file)):
                _copy(lines, file, operation, f" {change.graph} .\n".encode())
        file.write(b"TC .\n")


def _copy(lines: Path, target: BinaryIO | gzip.GzipFile, operation: bytes, end: bytes) -> None:
    """Copy N-Triples lines as lines of a patch; a line end stands only behind a triple, never inside a literal."""
    with lines.open("rb") as source:
        while block := source.read(BLOCK) + source.readline():
            target.write(operation + block[:-1].replace(b" .\n", end + operation).removesuffix(b" .") + end)
