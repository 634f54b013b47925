"""What a release says of itself: id, parent, time, why, and its graphs with counts, licence and source.

There is one manifest per view; the public one holds no trace of a restricted graph.
"""

from __future__ import annotations

import ctypes
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from stadtgraph.errors import StoreError

FORMAT: Final = 1
_HERE, _EXCHANGE = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of Linux
PLAIN_WHY: Final = "build"
"""Why a release was made, where more would tell of a graph that the reader may not know."""


class View(StrEnum):
    """Who sees what: ``public`` holds public graphs alone, ``internal`` everything."""

    PUBLIC = "public"
    INTERNAL = "internal"


class Kind(StrEnum):
    """How a graph comes about: from a source, shipped with the product, derived from the others, or appended to."""

    FILE = "file"
    HARVEST = "harvest"
    MANAGED = "managed"
    SYSTEM = "system"
    DERIVED = "derived"
    APPENDED = "appended"


@dataclass(frozen=True, slots=True)
class GraphInfo:
    """One graph of a release.

    ``triples`` counts the triples; ``inputs`` is the checksum of what the graph was made from, ``content`` that of
    the triples as they came; ``changed`` names the release in which the content last changed; ``origin`` is the
    name of the file read.
    """

    graph: str
    kind: Kind
    source: str = ""
    title: Mapping[str, str] = field(default_factory=dict)
    domain: str = ""
    licence: str = ""
    attribution: str = ""
    address: str = ""
    dataset: str = ""
    origin: str = ""
    inputs: str = ""
    content: str = ""
    triples: int = 0
    changed: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The manifest of one view of one release."""

    id: str
    parent: str | None
    created: datetime
    why: str
    role: str
    base: str
    view: View
    graphs: Mapping[str, GraphInfo]

    def to_json(self) -> str:
        """Give the manifest as JSON text, keys sorted, graphs by IRI."""
        data: dict[str, Any] = {
            "format": FORMAT,
            "id": self.id,
            "parent": self.parent,
            "created": self.created.isoformat(),
            "why": self.why,
            "role": self.role,
            "base": self.base,
            "view": self.view,
            "graphs": [_without_empty(asdict(self.graphs[iri])) for iri in sorted(self.graphs)],
        }
        return json.dumps(data, ensure_ascii=False, indent=1, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """Read a manifest back; a foreign text raises ``ValueError``, ``KeyError`` or ``TypeError``."""
        data = json.loads(text)
        if data["format"] != FORMAT:
            raise ValueError(f"manifest format {data['format']}, expected {FORMAT}")
        infos = [GraphInfo(**{**entry, "kind": Kind(entry["kind"])}) for entry in data["graphs"]]
        return cls(
            data["id"],
            data["parent"],
            datetime.fromisoformat(data["created"]),
            data["why"],
            data["role"],
            data["base"],
            View(data["view"]),
            {info.graph: info for info in infos},
        )

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """Read a manifest file; one that is damaged raises :class:`StoreError`."""
        try:
            return cls.from_json(path.read_text("utf-8"))
        except (OSError, ValueError, KeyError, TypeError) as problem:
            raise StoreError("release-manifest", id=path.parent.name, problem=problem) from problem

    def write(self, path: Path) -> None:
        """Write the manifest so that it is on disk when this returns."""
        write_durably(path, self.to_json().encode())


def _without_empty(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if value not in ("", {}, None)}


def write_durably(path: Path, content: bytes) -> None:
    """Replace ``path`` by ``content`` in one step; afterwards it is on disk."""
    temporary = path.with_name(f".{path.name}.new")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync_folder(path.parent)


def exchange(a: Path, b: Path) -> bool:
    """Let two folders swap their names in one step, so that neither is ever missing.

    Gives false where this system cannot do that. Source: renameat2(2) of Linux.
    """
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    return rename is not None and rename(_HERE, os.fsencode(a), _HERE, os.fsencode(b), _EXCHANGE) == 0


def sync_folder(path: Path) -> None:
    """Make the entries of a folder durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_tree(paths: Iterable[Path]) -> None:
    """Make every file under ``paths`` durable; hard-linked ones are of an earlier release and already are."""
    for root in paths:
        for folder, _, files in os.walk(root):
            for name in files:
                path = Path(folder) / name
                if path.stat().st_nlink == 1:
                    handle = os.open(path, os.O_RDONLY)
                    try:
                        os.fsync(handle)
                    finally:
                        os.close(handle)
            sync_folder(Path(folder))
