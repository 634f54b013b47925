"""Running queries: datasets, limits, worker processes, streams of results.

Names are imported when they are first asked for: a query worker, which starts often, needs few of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from stadtgraph.query.allocation import allocation as allocation
    from stadtgraph.query.cache import Cache as Cache
    from stadtgraph.query.dataset import narrowed as narrowed
    from stadtgraph.query.federation import Federation as Federation
    from stadtgraph.query.limits import Limits as Limits
    from stadtgraph.query.planning import Plan as Plan
    from stadtgraph.query.planning import plan as plan
    from stadtgraph.query.pool import Pool as Pool
    from stadtgraph.query.pool import PoolSettings as PoolSettings
    from stadtgraph.query.run import Answer as Answer
    from stadtgraph.query.run import Place as Place
    from stadtgraph.query.run import Preview as Preview
    from stadtgraph.query.run import Queries as Queries
    from stadtgraph.query.ticket import Abandoned as Abandoned
    from stadtgraph.query.ticket import Ticket as Ticket
    from stadtgraph.query.ticket import outcome_of as outcome_of
    from stadtgraph.query.writing import writable_as_xml as writable_as_xml

_PLACES: Final = {
    "Abandoned": "ticket",
    "Answer": "run",
    "Cache": "cache",
    "Federation": "federation",
    "Limits": "limits",
    "Place": "run",
    "Plan": "planning",
    "Pool": "pool",
    "PoolSettings": "pool",
    "Preview": "run",
    "Queries": "run",
    "Ticket": "ticket",
    "allocation": "allocation",
    "narrowed": "dataset",
    "outcome_of": "ticket",
    "plan": "planning",
    "writable_as_xml": "writing",
}
__all__ = sorted(_PLACES)


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
    globals()[name] = found
    return found
