"""What a harvest did, as a value, as text in both languages, and as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from stadtgraph import messages
from stadtgraph.sources.harvest.record import Reason
from stadtgraph.sources.harvest.take import Bad, Taken


class State(StrEnum):
    """How a harvest ended."""

    LOADED = "loaded"
    UNCHANGED = "unchanged"
    HELD = "held"
    DRY_RUN = "dry-run"


@dataclass(slots=True)
class HarvestReport:
    """What a harvest found and did; ``release`` is the one that it sealed."""

    source: str
    origin: str
    state: State = State.LOADED
    release: str | None = None
    pages: int = 0
    records: int = 0
    loaded: int = 0
    new: int = 0
    gone: int = 0
    triples: int = 0
    quarantined: int = 0
    bad: list[Bad] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    repairs: Counter[str] = field(default_factory=Counter)
    withheld: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)
    duplicates: int = 0
    matched: dict[str, str] = field(default_factory=dict)
    unmatched: list[str] = field(default_factory=list)
    notes: list[Reason] = field(default_factory=list)

    @property
    def is_held(self) -> bool:
        """Tell whether it waits for a confirmation."""
        return self.state is State.HELD

    def take(self, taken: Taken) -> None:
        """Add what came out of the pages."""
        self.records, self.loaded, self.triples = taken.records, taken.loaded, taken.spool.lines if taken.spool else 0
        self.quarantined, self.bad, self.reasons = taken.quarantined, taken.bad, taken.reasons
        self.repairs, self.withheld, self.known = taken.repairs, taken.withheld, taken.known
        self.notes += taken.notes

    def lines(self, lang: str = "en") -> Iterator[str]:
        """Give the report line by line."""

        def say(key: str, **params: object) -> str:
            return messages.text(key, lang, **params)

        yield say(f"harvest-is-{self.state}", source=self.source, origin=self.origin, release=self.release or "-",
                  gone=self.gone)  # fmt: skip
        if self.state is State.UNCHANGED:
            return
        yield say("harvest-records", pages=self.pages, records=self.records, loaded=self.loaded, triples=self.triples)
        yield say("harvest-changes", new=self.new, gone=self.gone)
        for note in self.notes[:20]:
            yield note.text(lang)
        if self.quarantined:
            yield say("harvest-quarantined", number=self.quarantined)
            for bad in self.bad:
                yield f"  {bad.name}: {bad.reasons[0].text(lang)}"
        for table, counts in (("repair", self.repairs), ("withheld", self.withheld)):
            if counts:
                yield say(f"harvest-{table}-sum", number=sum(counts.values()))
                for name, number in counts.most_common():
                    yield f"  {number:>7}  {say(f'harvest-{table}-{name}')}"
        for name, number in self.known.most_common():
            yield say("harvest-known", number=number, other=name)
        if self.duplicates:
            yield say("harvest-duplicates", number=self.duplicates)
        if self.matched or self.unmatched:
            yield say("harvest-units", matched=len(self.matched), unmatched=len(self.unmatched))
            for name in self.unmatched[:20]:
                yield f"  {name}"

    def text(self, lang: str = "en") -> str:
        """Give the report as text."""
        return "".join("".join(c if c.isprintable() else "\ufffd" for c in line) + "\n" for line in self.lines(lang))

    def data(self, lang: str = "en") -> Mapping[str, Any]:
        """Give the report as plain data, texts in ``lang``."""
        return {
            "source": self.source,
            "origin": self.origin,
            "state": self.state.value,
            "release": self.release,
            "pages": self.pages,
            "records": self.records,
            "loaded": self.loaded,
            "new": self.new,
            "gone": self.gone,
            "triples": self.triples,
            "quarantined": self.quarantined,
            "quarantine": [{"record": b.name, "reasons": [r.text(lang) for r in b.reasons]} for b in self.bad],
            "reasons": dict(self.reasons),
            "repairs": dict(self.repairs),
            "withheld": dict(self.withheld),
            "elsewhere": dict(self.known),
            "duplicates": self.duplicates,
            "units": self.matched,
            "unmatched": self.unmatched,
            "notes": [note.text(lang) for note in self.notes],
        }

    def json(self, lang: str = "en") -> str:
        """Give the report as JSON text."""
        return json.dumps(self.data(lang), ensure_ascii=False, indent=2) + "\n"
