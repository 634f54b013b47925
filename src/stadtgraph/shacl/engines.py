"""What an engine is, and which of them can be used here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pyoxigraph as ox

from stadtgraph.errors import UsageError
from stadtgraph.shacl import fast, reference
from stadtgraph.shacl.raw import Raw
from stadtgraph.shacl.shapes import Shapes

Data = Iterable[ox.Triple] | Path


@dataclass(frozen=True, slots=True)
class Engine:
    """A SHACL engine: the package it needs, and how to run it."""

    package: str
    run: Callable[[Data, Shapes], Iterator[Raw]]

    @property
    def is_there(self) -> bool:
        """Whether the package can be imported; wheels of `shacl` do not exist for every platform."""
        return find_spec(self.package) is not None


ENGINES = {"shacl": Engine("shacl", fast.run), "pyshacl": Engine("pyshacl", reference.run)}
"""By name, the preferred one first."""


def engine(name: str | None) -> Engine:
    """Give the engine called ``name``, or the first that is there; raises :class:`UsageError`."""
    if name is None:
        return next(e for e in ENGINES.values() if e.is_there)
    if name not in ENGINES or not ENGINES[name].is_there:
        there = ", ".join(known for known, e in ENGINES.items() if e.is_there)
        raise UsageError("shacl-no-engine", name=name, there=there)
    return ENGINES[name]
