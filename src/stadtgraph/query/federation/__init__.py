"""Federated query: SERVICE is asked by the web process, of listed endpoints only, and never reaches Oxigraph."""

from stadtgraph.query.federation.results import Row
from stadtgraph.query.federation.rewriting import Ask, Federated, federated
from stadtgraph.query.federation.services import Federation

__all__ = ["Ask", "Federated", "Federation", "Row", "federated"]
