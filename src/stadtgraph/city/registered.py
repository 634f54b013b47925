"""What the registers of a release say of its datasets, read once for each state of a view."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from importlib import resources
from typing import Any, Final

import pyoxigraph as ox

from stadtgraph.release import Manifest
from stadtgraph.store import OxigraphEngine
from stadtgraph.terms import Term, render

_KEEP: Final = 4
_DAYS: Final = {
    "HOURLY": 1,
    "DAILY": 1,
    "WEEKLY": 7,
    "BIWEEKLY": 14,
    "MONTHLY": 31,
    "BIMONTHLY": 62,
    "QUARTERLY": 92,
    "TRIENNIAL": 3 * 366,
    "ANNUAL_2": 183,
    "ANNUAL": 366,
    "BIENNIAL": 2 * 366,
}
"""Days after which the next issue is due, by the last part of the EU's frequency codes."""


@dataclass(frozen=True, slots=True)
class Agent:
    """A post or unit that answers for a dataset, in which role, and from when to when."""

    agent: str
    role: str | None = None
    raci: str | None = None
    name: str | None = None
    unit: str | None = None
    since: str = ""
    until: str = ""

    def is_valid(self, day: date) -> bool:
        """Tell whether it answers on a day."""
        return self.since[:10] <= day.isoformat() and (not self.until or day.isoformat() <= self.until[:10])

    def as_json(self) -> dict[str, Any]:
        """Give it ready for JSON."""
        return {"agent": self.agent, "role": self.role, "raci": self.raci, "name": self.name, "unit": self.unit}


@dataclass(slots=True)
class Registered:
    """A dataset as its registers describe it."""

    iri: str = ""
    title: dict[str, str] = field(default_factory=dict)
    licences: list[str] = field(default_factory=list)
    modified: str = ""
    frequency: str = ""
    quality: dict[str, str] = field(default_factory=dict)
    findings: dict[str, int] = field(default_factory=dict)
    agents: list[Agent] = field(default_factory=list)

    def is_overdue(self, day: date) -> bool | None:
        """Tell whether an issue is due that has not come; ``None`` where the registers do not say enough."""
        days = _DAYS.get(self.frequency.rsplit("/", 1)[-1])
        try:
            last = date.fromisoformat(self.modified[:10])
        except ValueError:
            return None
        return None if days is None else day > last + timedelta(days=days)


_read: OrderedDict[str, dict[str, Registered]] = OrderedDict()
_lock: Final = threading.Lock()


def registered(state: str, engine: OxigraphEngine, manifest: Manifest) -> Mapping[str, Registered]:
    """Give by IRI what the registers say of the datasets of the sources; ``state`` tells one store from another."""
    with _lock:
        if state not in _read:
            _read[state] = _all(engine, manifest)
            while len(_read) > _KEEP:
                _read.popitem(last=False)
        _read.move_to_end(state)
        return _read[state]


def _all(engine: OxigraphEngine, manifest: Manifest) -> dict[str, Registered]:
    iris = sorted({manifest.base + info.dataset for info in manifest.graphs.values() if info.dataset})
    if not iris:
        return {}
    text = resources.files(__package__).joinpath("queries", "accounting.rq").read_text("utf-8")
    found: dict[str, Registered] = {}
    for row in engine.select(text.replace("$datasets", " ".join(render(ox.NamedNode(iri)) for iri in iris))):
        iri = row["dataset"].value
        _note(found.setdefault(iri, Registered(iri)), row)
    for entry in found.values():
        entry.licences = sorted(set(entry.licences))
        entry.agents = sorted(set(entry.agents), key=lambda a: (a.raci or "", a.agent, a.role or ""))
    return found


def _note(entry: Registered, row: Any) -> None:
    value: Any = row["value"]
    match row["kind"].value:
        case "licence":
            entry.licences.append(value.value)
        case "title":
            entry.title[value.language or ""] = value.value
        case "modified":
            entry.modified = max(entry.modified, value.value)
        case "frequency":
            entry.frequency = value.value
        case "quality":
            entry.quality[_local(row["role"])] = value.value
        case "finding":
            entry.findings[_local(row["role"]).lower()] = int(value.value)
        case "agent":
            role, raci, name, unit, since, until = (
                _text(row[n]) for n in ("role", "raci", "name", "unit", "from", "until")
            )
            entry.agents.append(Agent(value.value, role, raci, name, unit, since or "", until or ""))


def _text(term: Term | None) -> str | None:
    return getattr(term, "value", None)


def _local(term: Any) -> str:
    local: str = term.value.rsplit("#")[-1].rsplit("/")[-1]
    return local
