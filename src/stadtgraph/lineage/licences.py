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
    """What a licence asks for, from nothing to everything."""

    FREE = 0
    ATTRIBUTION = 1
    SHARE_ALIKE = 2
    RESTRICTED = 3
    UNKNOWN = 4


_KNOWN: Final[tuple[tuple[str, Terms], ...]] = (
    (r"publicdomain/zero|/cc-zero|cc0|dl-zero|dl-de/zero|publicdomain/mark", Terms.FREE),
    (r"by-nc|by-nd|nc-nd|closed|restricted", Terms.RESTRICTED),
    (r"by-sa|odbl|odc-by-sa|gfdl|share-?alike", Terms.SHARE_ALIKE),
    (r"licenses/by/|cc-by|/by/|dl-by|dl-de/by|geonutz|odc-by|ogl", Terms.ATTRIBUTION),
)
BY: Final = "https://creativecommons.org/licenses/by/4.0/"
ZERO: Final = "https://creativecommons.org/publicdomain/zero/1.0/"


def terms(licence: str) -> Terms:
    """Give what a licence asks for.

    >>> terms("https://www.govdata.de/dl-de/by-2-0").name, terms(ZERO).name
    ('ATTRIBUTION', 'FREE')
    >>> terms("https://opendatacommons.org/licenses/odbl/1-0/").name
    'SHARE_ALIKE'
    >>> terms("").name, terms("https://creativecommons.org/licenses/by-nc/4.0/").name, terms("https://e/own").name
    ('UNKNOWN', 'RESTRICTED', 'UNKNOWN')
    """
    return next((kind for pattern, kind in _KNOWN if re.search(pattern, licence.casefold())), Terms.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Combined:
    """The licence of a combined result: ``None`` where there is none, and the reason by its message key."""

    licence: str | None
    reason: str


def combined(licences: Iterable[str]) -> Combined:
    """Give the licence that a result made of parts with these licences may carry.

    >>> combined([BY, ZERO]).licence == BY, combined([BY, ""]).reason
    (True, 'lineage-licence-unknown')
    """
    given = set(licences)
    asked = {licence: terms(licence) for licence in given}
    worst = max(asked.values(), default=Terms.FREE)
    if worst is Terms.UNKNOWN:
        return Combined(None, "lineage-licence-unknown")
    if worst is Terms.RESTRICTED:
        return Combined(None, "lineage-licence-restricted")
    strictest = sorted(licence for licence, kind in asked.items() if kind is worst)
    if worst is Terms.SHARE_ALIKE:
        same = len({re.sub(r"^https?://(www\.)?|/$", "", licence) for licence in strictest}) == 1
        return Combined(strictest[0], "lineage-licence-alike") if same else Combined(None, "lineage-licence-conflict")
    if worst is Terms.ATTRIBUTION:
        return Combined(strictest[0] if len(strictest) == 1 else BY, "lineage-licence-attribution")
    return Combined(ZERO, "lineage-licence-free")
