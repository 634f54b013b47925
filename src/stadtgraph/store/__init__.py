"""The store: an engine that answers SPARQL, graphs that are swapped whole, literals kept as written."""

from stadtgraph.store.engine import Dataset, Engine, OxigraphEngine, Result, Subject, as_written
from stadtgraph.store.facts import StoredFacts, all_graphs, no_premises
from stadtgraph.store.graphs import Change, apply, change, count, rebuild, swap
from stadtgraph.store.literals import Normaliser, Splitter
from stadtgraph.store.spool import Spool, Spooler, line, read_lines, spool

__all__ = [
    "Change",
    "Dataset",
    "Engine",
    "Normaliser",
    "OxigraphEngine",
    "Result",
    "Splitter",
    "Spool",
    "Spooler",
    "StoredFacts",
    "Subject",
    "all_graphs",
    "apply",
    "as_written",
    "change",
    "count",
    "line",
    "no_premises",
    "read_lines",
    "rebuild",
    "spool",
    "swap",
]
