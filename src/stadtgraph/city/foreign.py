"""Which shapes are trusted, and which are validated in a process of their own that is ended at its limits.

The rule: a shapes file that the package does not ship and that holds queries (``sh:sparql``, own components, targets or
rules) makes the validation isolated. Shapes of SHACL Core cannot run for ever, so they need no process, whoever wrote
them; the package's own queries are measured.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from stadtgraph.city.folders import shipped
from stadtgraph.config import Config
from stadtgraph.shacl import Limits, Shapes, load_shapes
from stadtgraph.shacl.shapes import FORMATS, parse_shapes
from stadtgraph.terms import SH

_CODE: Final = frozenset({SH.select, SH.ask, SH.construct, SH.update, SH.expression, SH.values})
_MAYBE: Final = re.compile(rb"select|ask|construct|update|expression|values", re.IGNORECASE)


def load(paths: Iterable[Path], config: Config, base: str, more: Iterable[ox.Triple] = ()) -> Shapes:
    """Load shapes from files and folders; those of others that hold queries are isolated.

    ``more`` are shapes that the product made itself.
    """
    chosen = list(paths)
    limits = Limits(config.audit.seconds, config.audit.memory)
    isolated = any(is_foreign(file, base) for file in _files(chosen))
    return load_shapes(chosen, base, limits if isolated else None, more)


def is_foreign(file: Path, base: str) -> bool:
    """Tell whether a shapes file holds queries that are not the package's own; what cannot be read holds none."""
    try:
        content = file.read_bytes()
    except OSError:
        return False  # whoever loads it says so
    if hashlib.sha256(content).hexdigest() in _known() or not _MAYBE.search(content):
        return False
    return any(triple.predicate in _CODE for triple in parse_shapes(file, base))


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(file for file in path.rglob("*") if file.suffix in FORMATS)
        else:
            yield path


@cache
def _known() -> frozenset[str]:
    """The checksums of the shapes files that the package ships."""
    files = (shipped() / "shapes").rglob("*.ttl")
    return frozenset(hashlib.sha256(file.read_bytes()).hexdigest() for file in files)
