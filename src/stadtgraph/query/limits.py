"""How far one query may go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MEGABYTE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one query.

    ``seconds`` counts the work, not the waiting for a slow reader; ``transfer`` counts both. ``bytes`` bounds
    the answer, ``union`` the triples of several graphs chosen together as the default graph, ``patience`` the
    seconds to wait for a free place.
    """

    seconds: float = 30.0
    transfer: float = 600.0
    bytes: int = 1000 * MEGABYTE
    union: int = 500_000
    patience: float = 10.0
