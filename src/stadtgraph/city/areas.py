"""The outlines by which features are placed in Ortsteil and statistical district."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import resources
from itertools import groupby

import pyoxigraph as ox

from stadtgraph.sources import Places
from stadtgraph.store import Engine

Area = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Areas:
    """One layer of (IRI, WKT) per kind of area. A value that can be sent to another process."""

    layers: tuple[tuple[Area, ...], ...] = ()

    @classmethod
    def of(cls, engine: Engine) -> Areas:
        """Take every area of a view that has an outline."""
        query = (resources.files(__package__) / "queries" / "areas.rq").read_text("utf-8")
        rows = [tuple(_text(row[name]) for name in ("kind", "area", "outline")) for row in engine.select(query)]
        return cls(tuple(tuple((area, outline) for _, area, outline in layer) for _, layer in groupby(rows, _kind)))

    @property
    def checksum(self) -> str:
        """A checksum of all outlines, so that a change of one places everything anew."""
        return hashlib.sha256(repr(self.layers).encode()).hexdigest()

    def places(self) -> Places:
        """Give the index over the areas."""
        return Places(*self.layers)


def _kind(row: tuple[str, ...]) -> str:
    return row[0]


def _text(term: object) -> str:
    return term.value if isinstance(term, ox.NamedNode | ox.Literal) else str(term)
