"""Names of publishers, and the units of the city's registers that they mean."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import pyoxigraph as ox

_MAILBOX: Final = re.compile(r"\s*,?\s*(?:e-?mail|mail)?\s*:?\s*[^\s@]*@\S+\s*$", re.I)
_GLUED: Final = re.compile(r"\s*e-?mail:.*$", re.I)
_PARTS: Final = re.compile(r"\s+[–—-]\s+|\s*[/|;]\s*|\s*,\s+")


@dataclass(frozen=True, slots=True)
class UnitName:
    """One name of one unit, and whether the unit exists today."""

    unit: str
    name: str
    is_current: bool = True


class Units:
    """Tells which unit a name means; a name of several units means none."""

    def __init__(self, names: Iterable[UnitName]) -> None:
        """Take all names of all units."""
        self._units: dict[str, dict[str, bool]] = {}
        for entry in names:
            key = plain(entry.name)
            if key:
                known = self._units.setdefault(key, {})
                known[entry.unit] = known.get(entry.unit, False) or entry.is_current

    @property
    def names(self) -> Mapping[str, Mapping[str, bool]]:
        """All names as they are compared, with their units."""
        return self._units

    def find(self, name: str) -> ox.NamedNode | None:
        """Give the unit of a name, or of the last part of it where every part names a unit.

        >>> units = Units([UnitName("urn:jena", "Stadt Jena"), UnitName("urn:ksj", "Kommunalservice Jena")])
        >>> units.find("STADT JENA – Kommunalservice Jena")
        <NamedNode value=urn:ksj>
        """
        text = _GLUED.sub("", _MAILBOX.sub("", name)).strip()
        found = self._one(text)
        if found is None:
            parts = [self._one(part) for part in _PARTS.split(text)]
            found = parts[-1] if len(parts) > 1 and all(parts) else None
        return ox.NamedNode(found) if found else None

    def _one(self, name: str) -> str | None:
        units = self._units.get(plain(name), {})
        current = [unit for unit, is_current in units.items() if is_current]
        chosen = current or list(units)
        return chosen[0] if len(chosen) == 1 else None


def plain(name: str) -> str:
    """Give a name as it is compared: without case, accents of form, punctuation and doubled blanks.

    >>> plain("Kommunalservice  Jena (KSJ)")
    'kommunalservice jena ksj'
    """
    text = unicodedata.normalize("NFKC", name).casefold()
    return " ".join(re.sub(r"[^\w&]+", " ", text).split())
