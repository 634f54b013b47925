"""Which licence a result that combines several sources may carry.

A table of facts about the licences that open data in Germany use, and one rule: the result carries the terms of its
strictest part; two different kinds of share-alike cannot be met at once; where the terms of a part are not known,
nothing can be said. This is a help for people, no legal advice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final


class Terms(IntEnum):
    """What a licence asks for, from nothing to everything; where there is none, nothing is allowed."""

    FREE = 0
    ATTRIBUTION = 1
    SHARE_ALIKE = 2
    RESTRICTED = 3
    UNKNOWN = 4
    NONE = 5


_KNOWN: Final[tuple[tuple[str, Terms], ...]] = (
    (r"publicdomain/zero|/cc-zero|cc0|dl-zero|dl-de/zero|publicdomain/mark|odc-pddl|/pddl", Terms.FREE),
    (r"by-nc|by-nd|nc-nd|cc-nc|closed|restricted", Terms.RESTRICTED),
    (r"by-sa|odbl|odc-by-sa|gfdl|/fdl|share-?alike", Terms.SHARE_ALIKE),
    (r"licenses/by/|cc-by|/by/|dl-by|dl-de/by|geonutz|odc-by|/ogl|open-government-licence", Terms.ATTRIBUTION),
)
_NAMES: Final[tuple[tuple[str, str, str], ...]] = (
    (r"publicdomain/zero|cc-zero|cc0", "CC0 1.0", "CC0 1.0"),
    (
        r"dl-zero|dl-de/zero",
        "Datenlizenz Deutschland – Zero – Version 2.0",
        "Data licence Germany – Zero – Version 2.0",
    ),
    (
        r"dl-by|dl-de/by",
        "Datenlizenz Deutschland – Namensnennung – Version 2.0",
        "Data licence Germany – attribution – Version 2.0",
    ),
    (r"geonutz", "Nutzungsbestimmungen für Geodaten des Bundes", "Terms of use for federal geodata"),
    (r"odbl", "Open Database License (ODbL) 1.0", "Open Database License (ODbL) 1.0"),
    (r"(?:licenses/|cc-)by-sa\D*(\d\.\d)", "CC BY-SA {}", "CC BY-SA {}"),
    (r"(?:licenses/|cc-)by-nc\D*(\d\.\d)", "CC BY-NC {}", "CC BY-NC {}"),
    (r"(?:licenses/|cc-)by\D*(\d\.\d)", "CC BY {}", "CC BY {}"),
)
_CC_SHARED: Final = re.compile(r"(?:licenses/|cc-)by-sa\D*(\d\.\d)?")
BY: Final = "https://creativecommons.org/licenses/by/4.0/"
ZERO: Final = "https://creativecommons.org/publicdomain/zero/1.0/"


def terms(licence: str) -> Terms:
    """Give what a licence asks for; the empty text is no licence.

    >>> terms("https://www.govdata.de/dl-de/by-2-0").name, terms(ZERO).name
    ('ATTRIBUTION', 'FREE')
    >>> terms("https://opendatacommons.org/licenses/odbl/1-0/").name
    'SHARE_ALIKE'
    >>> terms("").name, terms("https://creativecommons.org/licenses/by-nc/4.0/").name, terms("https://e/own").name
    ('NONE', 'RESTRICTED', 'UNKNOWN')
    """
    if not licence:
        return Terms.NONE
    return next((kind for pattern, kind in _KNOWN if re.search(pattern, licence.casefold())), Terms.UNKNOWN)


def name_of(licence: str, lang: str) -> str:
    """Give the name by which people know a licence.

    >>> name_of(BY, "de"), name_of("http://dcat-ap.de/def/licenses/odbl", "en"), name_of("https://e/own", "de")
    ('CC BY 4.0', 'Open Database License (ODbL) 1.0', 'https://e/own')
    """
    for pattern, german, english in _NAMES:
        found = re.search(pattern, licence.casefold())
        if found is not None:
            return (german if lang == "de" else english).format(*found.groups())
    return licence


@dataclass(frozen=True, slots=True)
class Combined:
    """The licence of a combined result: ``None`` where there is none, and the reason by its message key.

    ``because`` are the licences of the parts that decide, ``kind`` what the strictest of them asks for.
    """

    licence: str | None
    reason: str
    kind: Terms
    because: tuple[str, ...] = ()


def combined(licences: Iterable[str]) -> Combined:
    """Give the licence that a result made of parts with these licences may carry; an empty text is no licence.

    >>> combined([BY, ZERO]).licence == BY, combined([BY, ""]).reason
    (True, 'lineage-licence-none')
    >>> combined(["https://creativecommons.org/licenses/by-sa/3.0/", "http://dcat-ap.de/def/licenses/odbl"]).licence
    >>> combined(["https://creativecommons.org/licenses/by-sa/3.0/", "https://creativecommons.org/licenses/by-sa/4.0/"]).licence
    'https://creativecommons.org/licenses/by-sa/4.0/'
    """
    asked = {licence: terms(licence) for licence in licences}
    if not asked:
        return Combined(None, "lineage-licence-nothing", Terms.FREE)
    worst = max(asked.values())
    strictest = tuple(sorted(licence for licence, kind in asked.items() if kind is worst))
    match worst:
        case Terms.NONE:
            return Combined(None, "lineage-licence-none", worst)
        case Terms.UNKNOWN:
            return Combined(None, "lineage-licence-unknown", worst, strictest)
        case Terms.RESTRICTED:
            return Combined(None, "lineage-licence-restricted", worst, strictest)
        case Terms.SHARE_ALIKE:
            return _alike(strictest)
        case Terms.ATTRIBUTION:
            licence = strictest[0] if len(strictest) == 1 else BY
            return Combined(licence, "lineage-licence-attribution", worst, strictest)
        case _:
            return Combined(ZERO, "lineage-licence-free", worst, strictest)


def _alike(licences: tuple[str, ...]) -> Combined:
    """Combine parts that are to be passed on under their own licence: that is one, or the newest of one family."""
    families = {_family(licence) for licence in licences}
    if len(families) > 1:
        return Combined(None, "lineage-licence-conflict", Terms.SHARE_ALIKE, licences)
    newest = max(licences, key=lambda licence: (_version(licence), licence))
    return Combined(newest, "lineage-licence-alike", Terms.SHARE_ALIKE, licences)


def _family(licence: str) -> str:
    text = licence.casefold()
    if _CC_SHARED.search(text):
        return "cc-by-sa"
    if "odbl" in text:
        return "odbl"
    return re.sub(r"^https?://(www\.)?|/$", "", text)


def _version(licence: str) -> str:
    found = _CC_SHARED.search(licence.casefold())
    return (found[1] or "") if found else ""
