"""Which datasets a change may touch: from what changed, backwards over the properties that records are made by."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Final

import pyoxigraph as ox

from stadtgraph.catalogue.vocabulary import table
from stadtgraph.store import Engine
from stadtgraph.terms import DCAT, GEO, ORG, PROV, RDF, SKOS, Namespace

MOST: Final = 20_000
"""Nodes that are looked at; a change that reaches more touches all."""
DEEP: Final = 8
_M8G: Final = Namespace("http://data.europa.eu/m8g/")
_ALSO: Final = (
    PROV.qualifiedAttribution,
    PROV.agent,
    DCAT.hadRole,
    SKOS.closeMatch,
    SKOS.exactMatch,
    ORG.postIn,
    ORG.unitOf,
    ORG.subOrganizationOf,
    ORG.hasPrimarySite,
    ORG.siteAddress,
    DCAT.contactPoint,
    _M8G.contactPoint,
    GEO.hasGeometry,
    GEO.sfWithin,
)
"""What the derived parts of a record are read by."""


@cache
def _edges() -> tuple[ox.NamedNode, ...]:
    follows = {p for rows in table().values() for p, row in rows.items() if row.follows or row.value == "dataset"}
    return tuple(sorted({*follows, *_ALSO}, key=str))


def datasets_of(nodes: Iterable[ox.NamedNode], engine: Engine) -> set[str] | None:
    """Give the datasets whose records may show something of ``nodes``; ``None`` where that may be any.

    A service leads to what it serves; anything else is found by what points to it. What points to a dataset names
    it and no more.
    """
    seen, level, datasets = set(nodes), list(dict.fromkeys(nodes)), set[str]()
    for _ in range(DEEP + 1):
        following: list[ox.NamedNode] = []
        for node in level:
            if any(True for _ in engine.triples(node, RDF.type, DCAT.Dataset)):
                datasets.add(node.value)
                continue
            found = [t.subject for p in _edges() for t in engine.triples(None, p, node)]
            found += [t.object for t in engine.triples(node, DCAT.servesDataset)]  # type: ignore[misc]
            for other in found:
                if isinstance(other, ox.NamedNode) and other not in seen:
                    seen.add(other)
                    following.append(other)
            if len(seen) > MOST:
                return None
        level = following
    return datasets
