"""The catalogue: the graph as portals harvest it, what they would make of it, and what it scores there."""

from stadtgraph.catalogue.catalogue import PAGE, Catalogue
from stadtgraph.catalogue.profiles import DCAT_AP_DE, EU_PROFILE, GOVDATA, PROFILES, Profile, profile
from stadtgraph.catalogue.records import Block, Record, Withheld

__all__ = [
    "DCAT_AP_DE",
    "EU_PROFILE",
    "GOVDATA",
    "PAGE",
    "PROFILES",
    "Block",
    "Catalogue",
    "Profile",
    "Record",
    "Withheld",
    "profile",
]
