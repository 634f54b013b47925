"""The report on the audit of a release: read from its graphs, or made afresh with other shapes or another engine."""

from __future__ import annotations

import difflib
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyoxigraph as ox

from stadtgraph.audit import AuditReport
from stadtgraph.audit.examine import findings, make_report, stored
from stadtgraph.audit.quality import trend
from stadtgraph.audit.tally import Found
from stadtgraph.audit.view import AuditedView
from stadtgraph.city import foreign
from stadtgraph.errors import NotFound
from stadtgraph.release import Release, View
from stadtgraph.shacl import Shapes
from stadtgraph.store import StoredFacts, all_graphs
from stadtgraph.terms import AUDIT, HISTORY, ORG, RDF, Names

if TYPE_CHECKING:
    from stadtgraph.city import City

UNITS = (ORG.OrganizationalUnit, ORG.FormalOrganization, ORG.Organization)


def audited_view(release: Release, view: View = View.PUBLIC) -> AuditedView:
    """Give what is audited in a release, as of its day."""
    manifest = release.manifest(view)
    return AuditedView(release.engine(view), manifest.graphs, Names(manifest.base), f"{release.created:%Y-%m-%d}")


def report(
    city: City,
    release: str = "current",
    *,
    unit: str | None = None,
    since: str | None = None,
    shapes: Path | None = None,
    using: str | None = None,
    every: bool = False,
    view: View = View.PUBLIC,
) -> AuditReport:
    """Give the report on a release, compared with ``since`` or, where that is not named, with the one before it.

    With ``shapes``, ``using`` or ``every`` both releases are audited afresh, and no finding is only counted. Raises
    :class:`NotFound` for a unit that the registers do not know.
    """
    chosen = city.releases.get(release)
    rules = foreign.load([shapes], city.config, city.names.base) if shapes is not None else city.audits.shapes
    fresh = shapes is not None or using is not None or every
    audited = audited_view(chosen, view)
    earlier = _earlier(city, chosen, since)
    before = Found()
    if earlier is not None:
        before = found_in(audited_view(earlier, view), rules, fresh, using)
    made = make_report(
        audited,
        found_in(audited, rules, fresh, using),
        before=before,
        release=chosen.id,
        since=earlier.id if earlier is not None else "",
        points=trend(_history(audited), audited.names),
    )
    made = replace(made, internal=view is View.INTERNAL and chosen.has(View.INTERNAL))
    return made if unit is None else made.for_unit(unit_of(audited, unit, made))


def found_in(view: AuditedView, shapes: Shapes, fresh: bool = False, using: str | None = None) -> Found:
    """Give the findings that lie in a view, or audit it where they do not or where that is asked for."""
    graph = view.names.graph(AUDIT)
    if not fresh and next(iter(view.engine.store.quads_for_pattern(None, None, None, graph)), None) is not None:
        return stored(view, shapes)
    with tempfile.TemporaryDirectory() as folder:
        return Found(list(findings(view, shapes, Path(folder), using)))


def unit_of(view: AuditedView, name: str, made: AuditReport) -> ox.NamedNode:
    """Give the unit that a user named by its IRI, its IRI below the base, or its last part."""
    units = [t.subject for kind in UNITS for t in view.match(None, RDF.type, kind)]
    known = {unit.value for unit in units if isinstance(unit, ox.NamedNode)}
    known |= {unit.value for unit in made.by_unit() if unit is not None}
    base = view.names.base
    for iri in (name, f"{base}{name}", f"{base}id/{name}", f"{base}id/unit/{name}"):
        if iri in known:
            return ox.NamedNode(iri)
    slugs = [iri.removeprefix(f"{base}id/") for iri in sorted(known)]
    nearest = difflib.get_close_matches(name, slugs, n=1, cutoff=0.0)
    raise NotFound("audit-no-such-unit", unit=name[:100], nearest=nearest[0] if nearest else "-")


def _earlier(city: City, release: Release, since: str | None) -> Release | None:
    """Give the release to compare with; one that was pruned counts as none unless it was asked for."""
    if since is not None:
        return city.releases.get(since)
    parent = release.manifest().parent
    return city.releases.get(parent) if parent is not None and parent in city.releases.ids() else None


def _history(view: AuditedView) -> StoredFacts:
    history = view.names.graph(HISTORY).value
    return StoredFacts(view.engine.store, all_graphs(view.engine.store) - {history})
