"""A result as an engine tells it, before it is made the same for all."""

from __future__ import annotations

from dataclasses import dataclass

import pyoxigraph as ox

from stadtgraph.terms import Term


@dataclass(frozen=True, slots=True)
class Raw:
    """One result of an engine in pyoxigraph's terms."""

    focus: Term
    path: ox.NamedNode | None
    """The result path where it is an IRI."""
    has_path: bool
    component: ox.NamedNode
    value: Term | None
    severity: ox.NamedNode
    source: Term
    texts: tuple[str, ...]
    """The messages, filled in, in no order and without their languages."""
