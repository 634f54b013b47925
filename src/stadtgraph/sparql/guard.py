"""Say no before Oxigraph reads: bounds on a query's size, and what no query may do here.

>>> check(outline("ASK {}"))
>>> check(outline("ASK { SERVICE <http://e/> { ?s ?p ?o } }"))
Traceback (most recent call last):
    ...
stadtgraph.errors.QueryRefused: SERVICE at line 1, column 7: this endpoint asks no other endpoints. ...
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from stadtgraph.errors import QueryRefused
from stadtgraph.sparql.outline import Form, Outline, outline

BOUNDS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "bytes": 256 * 1024,
        "nesting": 100,
        "operators": 1000,
        "steps": 500,
        "patterns": 180,
        "optionals": 80,
        "unions": 300,
        "binds": 500,
        "filters": 500,
        "conditions": 1000,
        "described": 1000,
    }
)
"""The largest sizes let through. Oxigraph 0.5.13 ends the process on an 8 MB stack from about 520 path
steps, 870 nested EXISTS, 2,270 nested groups; its optimiser takes 10 s for 200 OPTIONALs and more than 20 s for
300 joined patterns."""


def check(query: Outline, bounds: Mapping[str, int] = BOUNDS, *, services: bool = False) -> None:
    """Raise :class:`QueryRefused` naming the first rule that ``query`` breaks, and by how much.

    ``services`` says that somebody else looks at SERVICE, before Oxigraph does.
    """
    for measure, bound in bounds.items():
        found = query.sizes[measure]
        if found > bound:
            raise QueryRefused(f"guard-{measure}", found=found, bound=bound)
    if query.form is Form.UPDATE:
        raise QueryRefused("guard-update")
    for key, places in (("guard-service", () if services else query.services), ("guard-load", query.loads)):
        if places:
            line, column = places[0]
            raise QueryRefused(key, line=line, column=column)


def read(
    text: str,
    base: str | None = None,
    bounds: Mapping[str, int] = BOUNDS,
    prefixes: Mapping[str, str] | None = None,
    *,
    services: bool = False,
) -> Outline:
    """Give the outline of a query that passed the guard; length is checked before anything is read.

    ``prefixes`` are those that the engine knows without a declaration; ``services`` lets SERVICE pass, see
    :func:`check`.
    """
    length = len(text.encode("utf-8", "surrogatepass"))
    if length > bounds["bytes"]:
        raise QueryRefused("guard-bytes", found=length, bound=bounds["bytes"])
    found = outline(text, base, prefixes)
    check(found, bounds, services=services)
    return found
