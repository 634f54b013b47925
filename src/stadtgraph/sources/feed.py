"""How a catalogue of others is fetched and judged: the settings ``[source.harvest]`` of the registry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PROTOCOLS: Final = ("auto", "rdf", "ckan", "sparql", "sensorthings", "gtfs")
LIVE: Final = ("sensorthings", "gtfs")
"""Protocols whose answers are tables, which mappings make triples of."""


@dataclass(frozen=True, slots=True)
class Feed:
    """One catalogue: how it speaks, how politely it is asked, and when its state is doubted.

    ``auto`` looks at what comes. ``pause`` are seconds between two requests; ``pages`` the most that are asked;
    ``size`` the records of one page where we choose it. A harvest that would lose more than the share ``shrink`` of
    the records is held. Of records that several sources have, the source with the higher ``priority`` is preferred.
    ``require`` names properties without which a record is no record; ``repairs`` switches the repairs off.
    ``wait`` are the seconds that a server may ask for before it is asked again; one that asks for more ends the
    harvest, which then goes on later. ``seconds`` and ``bytes`` bound the whole fetching.
    """

    protocol: str = "auto"
    pause: float = 0.5
    wait: float = 60.0
    pages: int = 10_000
    size: int = 100
    shrink: float = 0.2
    priority: int = 0
    require: tuple[str, ...] = ("dct:title",)
    repairs: bool = True
    seconds: float = 6 * 3600.0
    bytes: int = 8 << 30
