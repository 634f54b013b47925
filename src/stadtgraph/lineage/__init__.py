"""Which graphs an answer rests on: the triples that a query matched, traced to the graphs that state them.

:func:`trace` reads a query, asks the store for the triples that its solutions matched (its *witnesses*), and says for
each graph how many of them it holds and whether any is stated nowhere else. Witnesses that were inferred, linked or
placed in the grid are followed to the triples of the sources that they came from.
"""

from stadtgraph.lineage.found import Contribution, Lineage
from stadtgraph.lineage.known import Known, Shelf
from stadtgraph.lineage.trace import trace

__all__ = ["Contribution", "Known", "Lineage", "Shelf", "trace"]
