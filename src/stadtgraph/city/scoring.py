"""The scores of the public catalogue, kept in ``graph/quality`` of every release: by dataset, unit and in all.

They are those of the export for data.europa.eu, so only what everybody may see counts, in either view. After a small
change only the datasets that it may have touched are exported and scored again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from stadtgraph.audit.examine import responsibilities
from stadtgraph.audit.view import AuditedView
from stadtgraph.catalogue import EU_PROFILE, Catalogue
from stadtgraph.catalogue.compliance import checked
from stadtgraph.catalogue.dqv import METRIC_IRIS, OF, quality
from stadtgraph.catalogue.linkcheck import LinkChecks
from stadtgraph.catalogue.mqa import PV, Score, score
from stadtgraph.catalogue.reached import datasets_of
from stadtgraph.release import Draft, GraphInfo, Kind, View
from stadtgraph.shacl import Shapes
from stadtgraph.store import OxigraphEngine
from stadtgraph.terms import QUALITY, SHAPES

MANY: Final = 5_000
"""Changed triples from which on every dataset is scored again."""
_MANAGER: Final = "role/data-manager"


class Scoring:
    """Scores the catalogue of drafts; what the last release scored is remembered in one process."""

    def __init__(self, city: Path, title: str, most: int, shapes: Shapes | None) -> None:
        """Score up to ``most`` datasets of the city in the folder ``city`` under ``shapes`` of the profile."""
        self._city, self._title, self._most, self._shapes = city, title, most, shapes
        self._known: tuple[str, dict[str, Score]] = ("", {})

    def derive(self, draft: Draft) -> None:
        """Bring the scores in ``graph/quality`` of every view up to date; a draft without other changes stays."""
        if not draft.is_changed() or View.PUBLIC not in draft.engines:
            return
        touched = self._touched(draft)
        if touched is not None and not touched and self._carried(draft):
            if draft.parent is not None and self._known[0] == draft.parent.id:
                self._known = (draft.id, self._known[1])
            return
        wanted = set(self._triples(draft, touched))
        graph = draft.names.graph(QUALITY)
        for view in draft.views:
            held = set(held_in(draft.engines[view], graph))
            if held != wanted:
                draft.change_derived(view, graph, wanted - held, held - wanted)
            draft.progress(f"score {view}")

    def _carried(self, draft: Draft) -> bool:
        """Tell whether every view still holds the scores of the release before: the audit was not written anew."""
        graph = draft.names.graph(QUALITY)
        return all(
            any(True for _ in draft.engines[view].store.quads_for_pattern(None, OF, PV.score, graph))
            for view in draft.views
        )

    def _triples(self, draft: Draft, touched: set[str] | None) -> Iterator[ox.Triple]:
        engine, infos = draft.engines[View.PUBLIC], draft.graphs[View.PUBLIC]
        made = Catalogue(engine, draft.names, f"{draft.created:%Y-%m-%d}", self._title, infos)
        listed = chosen(made, self._most)
        known = self._known[1] if draft.parent is not None and self._known[0] == draft.parent.id else {}
        kept = {} if touched is None else {i: s for i, s in known.items() if i not in touched}
        fresh = [iri for iri in listed if iri not in kept]
        scores = kept | {s.of.value: s for s in self._scored(made, fresh) if s.of is not None}
        found = [scores[iri] for iri in listed]
        self._known = (draft.id, {iri: scores[iri] for iri in listed})
        return quality(
            found, units_of(found, engine, infos, made), made.iri if len(made.every) <= self._most else None, made.names
        )

    def _scored(self, made: Catalogue, iris: list[str]) -> Iterator[Score]:
        links = LinkChecks(self._city)
        for record, violated in checked(made.records(EU_PROFILE, iris), self._shapes, made.today):
            yield score(record, None if violated is None else not violated, links.reached)

    def _touched(self, draft: Draft) -> set[str] | None:
        """Give the datasets that the changes of a draft may have touched; ``None`` for all."""
        parent, graphs = draft.parent, draft.graphs[View.PUBLIC]
        if parent is None or not parent.has(View.PUBLIC) or draft.rebuilt or self._links_changed(draft):
            return None
        shapes = draft.names.graph(SHAPES).value
        changes = [c for c in draft.changes[View.PUBLIC] if _counts(c.graph.value, graphs)]
        if sum(c.added + c.removed for c in changes) > MANY or any(c.graph.value == shapes for c in changes):
            return None
        if f"{parent.created:%Y-%m-%d}" != f"{draft.created:%Y-%m-%d}":
            return None
        triples = (t for c in changes for t in (*c.added_triples(), *c.removed_triples()))
        subjects = {t.subject for t in triples if isinstance(t.subject, ox.NamedNode)}
        engines = (parent.engine(View.PUBLIC), draft.engines[View.PUBLIC])
        found = [datasets_of(subjects, engine) for engine in engines]
        return None if None in found else set().union(*(f for f in found if f is not None))

    def _links_changed(self, draft: Draft) -> bool:
        """Tell whether addresses were checked since the release before."""
        written = LinkChecks(self._city).written
        return draft.parent is not None and written > draft.parent.created.timestamp()


def _counts(graph: str, infos: dict[str, GraphInfo]) -> bool:
    """Tell whether a graph says something that a record may show; a dropped one did."""
    info = infos.get(graph)
    return info is None or info.kind not in (Kind.DERIVED, Kind.APPENDED)


def chosen(made: Catalogue, most: int) -> list[str]:
    """Give the datasets to be scored: all, or the city's own where there are too many, or none."""
    if len(made.every) <= most:
        return list(made.datasets)
    own = f"{made.names.base}id/"
    found = made.exported(iri for iri in made.every if iri.startswith(own))
    return found if len(found) <= most else []


def units_of(
    scores: Iterable[Score], engine: OxigraphEngine, infos: dict[str, GraphInfo], made: Catalogue
) -> dict[ox.NamedNode, list[Score]]:
    """Give the scores by the unit that answers for the dataset."""
    who = responsibilities(AuditedView(engine, infos, made.names, made.today))
    role, found = made.names.id(_MANAGER), dict[ox.NamedNode, list[Score]]()
    for one in scores:
        assert one.of is not None
        unit = who.place(one.of, role).unit
        if unit is not None:
            found.setdefault(unit, []).append(one)
    return found


def held_in(engine: OxigraphEngine, graph: ox.NamedNode) -> Iterator[ox.Triple]:
    """Give the triples of all scores that a graph holds."""
    store = engine.store
    for metric in METRIC_IRIS:
        for quad in store.quads_for_pattern(None, OF, metric, graph):
            for own in store.quads_for_pattern(quad.subject, None, None, graph):
                yield own.triple
