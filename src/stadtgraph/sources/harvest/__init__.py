"""Harvest the catalogues of others: fetch their pages, take them apart into records, keep what is good of each.

``fetching`` gets pages to disk, ``pages`` reads them, ``workbench`` splits them into records, ``persons`` withholds,
``repairs`` mends, ``record`` judges, ``take`` does all of it for one catalogue.
"""

from __future__ import annotations

from stadtgraph.sources.harvest.pages import Page
from stadtgraph.sources.harvest.record import Reason, identifiers
from stadtgraph.sources.harvest.repairs import Known, Repairs, rules, undone
from stadtgraph.sources.harvest.report import HarvestReport, State
from stadtgraph.sources.harvest.take import Bad, Progress, Taken, Taking, silent
from stadtgraph.sources.harvest.units import UnitName, Units
from stadtgraph.sources.harvest.words import AGENTS, ROOTS
from stadtgraph.sources.harvest.workbench import split

__all__ = [
    "AGENTS",
    "ROOTS",
    "Bad",
    "HarvestReport",
    "Known",
    "Page",
    "Progress",
    "Reason",
    "Repairs",
    "State",
    "Taken",
    "Taking",
    "UnitName",
    "Units",
    "identifiers",
    "rules",
    "silent",
    "split",
    "undone",
]
