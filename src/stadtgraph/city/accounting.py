"""Who answers for an answer: the graphs behind it with dataset, responsible posts, licence, quality and freshness."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final

from stadtgraph import messages
from stadtgraph.city.registered import Registered, registered
from stadtgraph.city.searching import expanded
from stadtgraph.lineage import Contribution, Lineage, Shelf, trace
from stadtgraph.lineage.attribution import Named, attribution
from stadtgraph.lineage.licences import combined
from stadtgraph.query.dataset import Wanted, visible
from stadtgraph.release import GraphInfo, Kind, Release, View
from stadtgraph.search.documents import SEARCHED as READ
from stadtgraph.sparql import guard
from stadtgraph.terms import PREFIXES, Term

if TYPE_CHECKING:
    from stadtgraph.city import City

_SHELF: Final = Shelf()
SEARCHED: Final = frozenset(p.value for p in READ)
_OWN: Final = (Kind.DERIVED, Kind.APPENDED, Kind.SYSTEM)
_LANGUAGES: Final = ("de", "en")


def sources(
    city: City, text: str, release: Release, view: View, solution: Mapping[str, Term] | None = None
) -> dict[str, Any]:
    """Give what stands behind the answer to a query, or behind one solution of it; see :func:`account`."""
    engine = release.engine(view)
    text = expanded(text, release, view, city.names.base, marked=True)
    outline = guard.read(text, city.names.base, prefixes=PREFIXES)
    wanted = Wanted(outline.default_graphs, outline.named_graphs) if outline.has_dataset else Wanted()
    found = trace(
        engine,
        text,
        visible(engine, wanted),
        known=_SHELF.get(state_of(release, view), engine),
        reads=reads_of(city),
        searched=SEARCHED,
        solution=solution,
        read=outline,
    )
    return account(found, release, view)


def state_of(release: Release, view: View) -> str:
    """Give a text that tells one state of a view of a release from every other."""
    return f"{release.path} {release.written} {view}"


def reads_of(city: City) -> dict[str, frozenset[str]]:
    """Give the properties and classes that each link rule reads."""
    return {rule.iri.value: rule.reads for rule in city.link_rules}


def account(found: Lineage, release: Release, view: View, today: date | None = None) -> dict[str, Any]:
    """Give a lineage with what is known of its graphs, ready for JSON; docs/accountable-answers.md says what is what.

    Who answers and what is due is that of ``today``.
    """
    manifest = release.manifest(view)
    day = today or datetime.now(UTC).date()
    known = [(c, manifest.graphs[c.graph]) for c in found.graphs if c.graph in manifest.graphs]
    data = [(c, info) for c, info in known if info.kind not in _OWN]
    datasets = registered(state_of(release, view), release.engine(view), manifest)
    graphs = [_graph(c, info, datasets.get(manifest.base + info.dataset), found, day) for c, info in data]
    return {
        "release": release.id,
        "created": manifest.created.isoformat(),
        "exact": found.is_exact,
        "graphs": graphs,
        "own": sorted(c.graph for c, info in known if info.kind in _OWN),
        "licence": _licence([g for g in graphs if g["by"] != ["consulted"]]),
    }


def _graph(c: Contribution, info: GraphInfo, dataset: Registered | None, found: Lineage, day: date) -> dict[str, Any]:
    dataset = dataset or Registered()
    return {
        "graph": c.graph,
        "source": info.source,
        "title": dataset.title or dict(info.title),
        "triples": c.triples if found.is_counted else None,
        "needed": c.is_needed,
        "by": sorted(c.by),
        "dataset": dataset.iri or None,
        "licences": [info.licence] if info.licence else list(dataset.licences),
        "attribution": info.attribution or None,
        "changed": info.changed,
        "modified": dataset.modified or None,
        "frequency": dataset.frequency or None,
        "overdue": dataset.is_overdue(day),
        "quality": dict(dataset.quality),
        "findings": dict(dataset.findings),
        "responsible": [agent.as_json() for agent in dataset.agents if agent.is_valid(day)],
    }


def _licence(graphs: list[dict[str, Any]]) -> dict[str, Any]:
    found = combined(licence for g in graphs for licence in (g["licences"] or [""]))
    unknown = sorted({g["source"] for g in graphs if not g["licences"]})
    names = {"sources": ", ".join(unknown), "licences": ", ".join(found.because)}
    return {
        "licence": found.licence,
        "kind": found.kind.name.lower().replace("_", "-"),
        "reason": {lang: messages.text(found.reason, lang, **names) for lang in _LANGUAGES},
        "unknown": unknown,
        "attribution": {
            lang: attribution((Named.of(g, lang) for g in graphs), found.licence, lang) for lang in _LANGUAGES
        },
    }
