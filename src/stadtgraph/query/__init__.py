"""Running queries: datasets, limits, worker processes, streams of results."""

from stadtgraph.query.cache import Cache
from stadtgraph.query.dataset import narrowed
from stadtgraph.query.federation import Federation
from stadtgraph.query.limits import Limits
from stadtgraph.query.plan import Plan, plan
from stadtgraph.query.pool import Pool, PoolSettings
from stadtgraph.query.run import Answer, Place, Preview, Queries
from stadtgraph.query.ticket import Abandoned, Ticket, outcome_of
from stadtgraph.query.writing import writable_as_xml

__all__ = [
    "Abandoned",
    "Answer",
    "Cache",
    "Federation",
    "Limits",
    "Place",
    "Plan",
    "Pool",
    "PoolSettings",
    "Preview",
    "Queries",
    "Ticket",
    "narrowed",
    "outcome_of",
    "plan",
    "writable_as_xml",
]
