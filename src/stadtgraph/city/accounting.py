"""Who answers for an answer: the graphs behind it with dataset, responsible posts, licence, quality and freshness."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

import pyoxigraph as ox

from stadtgraph import messages
from stadtgraph.city.searching import expanded
from stadtgraph.errors import QueryRefused
from stadtgraph.lineage import Contribution, Lineage, Shelf, trace
from stadtgraph.lineage.licences import combined
from stadtgraph.query.dataset import Wanted, visible
from stadtgraph.release import GraphInfo, Kind, Release, View
from stadtgraph.search.documents import SEARCHED as READ
from stadtgraph.sparql import guard
from stadtgraph.sparql.patterns import Unreadable
from stadtgraph.store import Engine, OxigraphEngine
from stadtgraph.terms import PREFIXES, Names, Term, render

if TYPE_CHECKING:
    from stadtgraph.city import City

_SHELF: Final = Shelf()
SEARCHED: Final = frozenset(p.value for p in READ)
_OWN: Final = (Kind.DERIVED, Kind.APPENDED, Kind.SYSTEM)


def sources(
    city: City, text: str, release: Release, view: View, solution: Mapping[str, Term] | None = None
) -> dict[str, Any]:
    """Give what stands behind the answer to a query, or behind one solution of it; see :func:`account`."""
    engine = release.engine(view)
    text = expanded(text, release, view, city.names.base)
    outline = guard.read(text, city.names.base, prefixes=PREFIXES)
    wanted = Wanted(outline.default_graphs, outline.named_graphs) if outline.has_dataset else Wanted()
    try:
        found = trace(
            engine,
            text,
            visible(engine, wanted),
            known=_SHELF.get(state_of(release, view), engine),
            reads=reads_of(city),
            searched=SEARCHED,
            solution=solution,
        )
    except Unreadable as problem:
        raise QueryRefused("lineage-unreadable") from problem
    return account(found, engine, release, view)


def state_of(release: Release, view: View) -> str:
    """Give a text that tells one state of a view of a release from every other."""
    return f"{release.path} {release.written} {view}"


def reads_of(city: City) -> dict[str, frozenset[str]]:
    """Give the properties and classes that each link rule reads."""
    return {rule.iri.value: rule.reads for rule in city.link_rules}


def account(found: Lineage, engine: OxigraphEngine, release: Release, view: View) -> dict[str, Any]:
    """Give a lineage with what is known of its graphs, ready for JSON.

    ``graphs`` are the sources, the most telling first: ``needed`` where the answer has triples that no other graph
    states; ``licence`` is the one that the whole may carry, with the attributions it asks for.
    """
    infos = release.manifest(view).graphs
    known = [(c, infos[c.graph]) for c in found.graphs if c.graph in infos]
    data = [(c, info) for c, info in known if info.kind not in _OWN]
    datasets = _datasets(engine, engine.names, [info for _, info in data])
    graphs = [_graph(c, info, datasets.get(engine.names.base + info.dataset, {}), found.is_counted) for c, info in data]
    return {
        "release": release.id,
        "exact": found.is_exact,
        "graphs": graphs,
        "own": sorted(c.graph for c, info in known if info.kind in _OWN),
        "licence": _licence([g for g in graphs if g["by"] != ["consulted"]]),
    }


def _graph(c: Contribution, info: GraphInfo, dataset: Mapping[str, Any], is_counted: bool) -> dict[str, Any]:
    licences = [info.licence] if info.licence else sorted(dataset.get("licences", ()))
    return {
        "graph": c.graph,
        "source": info.source,
        "title": dict(info.title),
        "triples": c.triples if is_counted else None,
        "needed": c.is_needed,
        "by": sorted(c.by),
        "dataset": dataset.get("iri"),
        "licences": licences,
        "attribution": info.attribution or None,
        "changed": info.changed,
        "modified": dataset.get("modified"),
        "frequency": dataset.get("frequency"),
        "quality": dataset.get("quality", {}),
        "responsible": dataset.get("responsible", []),
    }


def _licence(graphs: list[dict[str, Any]]) -> dict[str, Any]:
    found = combined(licence for g in graphs for licence in (g["licences"] or [""]))
    unknown = sorted(g["source"] for g in graphs if not g["licences"])
    return {
        "licence": found.licence,
        "reason": {lang: messages.text(found.reason, lang, sources=", ".join(unknown)) for lang in ("de", "en")},
        "unknown": unknown,
        "attribution": sorted({g["attribution"] for g in graphs if g["attribution"]}),
    }


def _datasets(engine: Engine, names: Names, infos: Iterable[GraphInfo]) -> dict[str, dict[str, Any]]:
    """Give, by IRI, what the registers say of datasets."""
    iris = sorted({names.base + info.dataset for info in infos if info.dataset})
    if not iris:
        return {}
    text = resources.files(__package__).joinpath("queries", "accounting.rq").read_text("utf-8")
    rows = engine.select(text.replace("$datasets", " ".join(render(ox.NamedNode(iri)) for iri in iris)))
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        entry = found.setdefault(
            row["dataset"].value,
            {"iri": row["dataset"].value, "licences": set(), "quality": {}, "responsible": []},
        )
        kind, value = row["kind"].value, row["value"].value
        if kind == "licence":
            entry["licences"].add(value)
        elif kind == "quality":
            entry["quality"][row["role"].value.rsplit("#")[-1].rsplit("/")[-1]] = value
        elif kind == "agent":
            agent = {"agent": value, "role": _text(row["role"]), "raci": _text(row["raci"]), "name": _text(row["name"])}
            if agent not in entry["responsible"]:
                entry["responsible"].append(agent)
        else:
            entry[kind] = value
    for entry in found.values():
        entry["responsible"].sort(key=lambda a: (a["raci"] or "", a["agent"]))
    return found


def _text(term: Term | None) -> str | None:
    return getattr(term, "value", None)
