"""Running queries: datasets, limits, streams of results."""

from stadtgraph.query.dataset import narrowed
from stadtgraph.query.lanes import Lanes
from stadtgraph.query.limits import Limits
from stadtgraph.query.plan import Plan, plan
from stadtgraph.query.run import Answer, Place, Preview, Queries, writable_as_xml

__all__ = ["Answer", "Lanes", "Limits", "Place", "Plan", "Preview", "Queries", "narrowed", "plan", "writable_as_xml"]
