"""The three profiles under which the same graph is exported."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from stadtgraph.errors import UsageError

_DERIVED: Final = ("places", "geocoding", "roles", "attributions", "landing", "high-value", "services")


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile: its name, the standard it follows, and the query files that derive what the records do not say."""

    name: str
    standard: str
    queries: tuple[str, ...] = _DERIVED


DCAT_AP_DE: Final = Profile("dcat-ap-de", "http://dcat-ap.de/def/dcatde/3.0/")
"""DCAT-AP.de 3.0."""
GOVDATA: Final = Profile("govdata", "http://dcat-ap.de/def/dcatde/2.0/")
"""DCAT-AP.de 3.0 with the properties of 2.x beside it that GovData's harvester still reads."""
EU_PROFILE: Final = Profile("eu", "http://data.europa.eu/r5r/")
"""DCAT-AP 3 as data.europa.eu wants it: access rights and download addresses where they follow from what is known."""
PROFILES: Final = MappingProxyType({profile.name: profile for profile in (DCAT_AP_DE, GOVDATA, EU_PROFILE)})


def profile(name: str) -> Profile:
    """Give the profile ``name``; :class:`UsageError` names the known ones."""
    if name not in PROFILES:
        raise UsageError("catalogue-profile", profile=name[:40], known=", ".join(PROFILES))
    return PROFILES[name]
