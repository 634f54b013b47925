"""The text that names the sources of a result, as their licences ask, in German and English."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from stadtgraph import messages
from stadtgraph.lineage.licences import name_of


@dataclass(frozen=True, slots=True)
class Named:
    """What is named of one source: its title and address, whom to name, its licences."""

    title: str
    address: str
    attribution: str
    licences: tuple[str, ...]

    @classmethod
    def of(cls, graph: Mapping[str, Any], lang: str) -> Named:
        """Read one graph of an account."""
        titles = graph["title"]
        title = titles.get(lang) or titles.get("de") or titles.get("") or graph["source"]
        return cls(title, graph["dataset"] or graph["graph"], graph["attribution"] or "", tuple(graph["licences"]))

    def text(self, lang: str) -> str:
        """Give the entry of this source."""
        licences = ", ".join(f"{name_of(licence, lang)} ({licence})" for licence in self.licences)
        parts = (
            f"{self.attribution}: {self.title}" if self.attribution else self.title,
            self.address,
            licences or messages.text("lineage-no-licence", lang),
        )
        return ", ".join(part for part in parts if part)


def attribution(graphs: Iterable[Named], licence: str | None, lang: str) -> str:
    """Give the text for a result made of some sources; empty where there are none.

    Sources of the same dataset are named once; that the data were selected and combined is said, as many licences ask.
    """
    entries = list(dict.fromkeys(named.text(lang) for named in graphs))
    if not entries:
        return ""
    end = messages.text("lineage-changed", lang)
    if licence is not None:
        end += " " + messages.text("lineage-result", lang, licence=f"{name_of(licence, lang)} ({licence})")
    return f"{messages.text('lineage-sources', lang)} {'; '.join(entries)}. {end}"
