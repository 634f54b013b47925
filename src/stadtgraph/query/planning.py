"""What a request will need, known before any store is asked: its outline, dataset, format and key."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from secrets import token_hex
from typing import Final

from stadtgraph.errors import NotAcceptable
from stadtgraph.query.dataset import Wanted, wanted
from stadtgraph.query.turn import Turn
from stadtgraph.sparql import guard
from stadtgraph.sparql.negotiate import GRAPHS, HTML, TABLES, Choice, Format, negotiate
from stadtgraph.sparql.negotiate import wanted as named_format
from stadtgraph.sparql.outline import Outline
from stadtgraph.sparql.protocol import Request

_LONG: Final = 16 * 1024
_reading: Final = Turn("query-reading")
"""Texts of more than so many characters are read one at a time: the tokens of one may take 50 MB."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A query that passed the guard, the dataset it asks for, and the format of its answer."""

    text: str
    outline: Outline
    wanted: Wanted
    choice: Choice

    @property
    def is_lasting(self) -> bool:
        """True where the same question has the same answer as long as the release stays."""
        return not (self.outline.volatile or self.outline.services)

    @property
    def is_simple(self) -> bool:
        """True where a worker can be asked at once: the whole dataset of the release, no other endpoint, no search."""
        return self.wanted == Wanted() and not self.outline.services and "search" not in self.text

    def key(self, release: str) -> str:
        """Give a text that is equal exactly where the answer is equal, byte by byte.

        Functions such as RAND() give a new answer each time, and so may other endpoints: such a query has a new key
        each time.
        """
        parts = (release, self.outline.normal, repr(self.wanted), self.choice.content_type)
        once = "" if self.is_lasting else token_hex(8)
        return hashlib.sha256("\x00".join((*parts, once)).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def plan(
    request: Request,
    base: str,
    *,
    pages: bool = False,
    services: bool = False,
    bounds: Mapping[str, int] = guard.BOUNDS,
) -> Plan:
    """Read the query of ``request`` and choose its format; ``pages`` offers HTML as well.

    ``services`` lets SERVICE pass; only :class:`stadtgraph.query.run.Queries` may be given such a plan. Raises
    :class:`QuerySyntaxError`, :class:`QueryRefused` or :class:`NotAcceptable`, and :class:`BusyError` where too many
    long queries are to be read.
    """
    with _reading if len(request.text) > _LONG else nullcontext():
        outline = guard.read(request.text, base, bounds, services=services)
    return Plan(request.text, outline, wanted(request, outline), _choice(request, outline, pages))


def _choice(request: Request, outline: Outline, pages: bool) -> Choice:
    offers: tuple[Format, ...] = GRAPHS if outline.form.gives_graph else TABLES
    if pages:
        offers = (*offers, HTML)
    if request.format is not None:
        found = named_format(request.format, offers)
        choice = None if found is None else Choice(found, found.media_type)
    else:
        choice = negotiate(request.accept, offers)
    if choice is None:
        raise NotAcceptable("query-no-format", offered=", ".join(offer.media_type for offer in offers))
    return choice
