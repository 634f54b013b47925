"""The catalogue of a release: exported, and what is held back with the posts that have to supply it."""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import pyoxigraph as ox

from stadtgraph.audit.examine import responsibilities
from stadtgraph.audit.view import AuditedView
from stadtgraph.audit.view import labels as labels_of
from stadtgraph.catalogue import Catalogue, profile
from stadtgraph.catalogue.asking import Asked, asked, write
from stadtgraph.catalogue.changes import ADDED, MOST, REMOVED, Entry, read_changes
from stadtgraph.catalogue.formats import FORMS
from stadtgraph.catalogue.structured import text
from stadtgraph.city.reporting import audited_view
from stadtgraph.errors import NotFound, StadtgraphError, StoreError
from stadtgraph.release import Release, View, patch_path
from stadtgraph.store import OxigraphEngine
from stadtgraph.terms import DCAT, DCT, RDF, Names

if TYPE_CHECKING:
    from stadtgraph.city import City

_MANAGER: Final = "role/data-manager"


def catalogue(city: City, release: Release) -> Catalogue:
    """Give the catalogue of the public view of a release; nothing restricted is ever looked at."""
    manifest = release.manifest(View.PUBLIC)
    names = Names(manifest.base)
    day = f"{manifest.created:%Y-%m-%d}"
    return Catalogue(release.engine(View.PUBLIC), names, day, city.config.city.title, manifest.graphs)


_KEPT: Final = 100
_read: Final[dict[tuple[str, str], tuple[tuple[str, str], ...]]] = {}
_lock: Final = threading.Lock()
"""What the last releases that a feed named changed."""


class Answering:
    """Who answers for a node of a release, by the responsibility graph that the audit walks too."""

    def __init__(self, release: Release) -> None:
        """Walk the public view of ``release``."""
        self.view: AuditedView = audited_view(release, View.PUBLIC)
        self._walk = responsibilities(self.view)
        self._role = self.view.names.id(_MANAGER)

    def __call__(self, node: ox.NamedNode) -> tuple[ox.NamedNode | None, ox.NamedNode | None]:
        """Give the unit that answers for ``node``, and the post that mends."""
        place = self._walk.place(node, self._role)
        return place.unit, place.post

    def labels(self, nodes: Iterable[ox.NamedNode]) -> Mapping[ox.NamedNode, Mapping[str, str]]:
        """Give the names of nodes."""
        return labels_of(self.view, nodes)


def withheld(city: City, release: Release, name: str) -> Iterator[Asked]:
    """Give what the export under the profile ``name`` holds back, with whom to ask."""
    found, who = catalogue(city, release), Answering(release)
    return asked(found.withheld(profile(name)), found.reader, who, who.labels)


def changes(city: City, newest: str, lang: str, releases: int = 20) -> list[Entry]:
    """Give what the last releases up to ``newest`` changed in the public datasets, newest first.

    A release that changed very many names the first of them.
    """
    ids = [name for name in city.releases.ids() if name <= newest][:releases]
    return [entry for name in ids for entry in _changes(city, name, lang)]


def _changes(city: City, name: str, lang: str) -> Iterator[Entry]:
    try:
        release = city.releases.get(name)
        manifest, engine = release.manifest(View.PUBLIC), release.engine(View.PUBLIC)
    except StadtgraphError:
        return
    names = Names(manifest.base)
    for iri, kind in _touched(release, manifest.parent, names, engine):
        given = [t.object for t in engine.triples(ox.NamedNode(iri), DCT.term("title"))]
        if given or kind == REMOVED:
            yield Entry(name, manifest.created, iri, kind, text(given, lang))


def _touched(release: Release, parent: str | None, names: Names, engine: OxigraphEngine) -> tuple[tuple[str, str], ...]:
    """Give what a release changed; of the first one, which has no patch, the datasets it brought.

    What was read from a patch is kept: it may be long, and a release does not change.
    """
    key = (str(release.path), release.written)
    with _lock:
        found = _read.get(key)
    if found is None:
        if parent is None:
            quads = engine.store.quads_for_pattern(None, RDF.type, DCAT.Dataset)
            sources = f"{names.base}graph/source/"
            own = (
                q for q in quads if isinstance(q.graph_name, ox.NamedNode) and q.graph_name.value.startswith(sources)
            )
            datasets = sorted({q.subject.value for q in own if isinstance(q.subject, ox.NamedNode)})
            found = tuple((iri, ADDED) for iri in datasets[:MOST])
        else:
            found = tuple(read_changes(patch_path(release.path, View.PUBLIC), names, engine)[:MOST])
        with _lock:
            _read[key] = found
            while len(_read) > _KEPT:
                del _read[next(iter(_read))]
    return found


def export(city: City, options: argparse.Namespace, lang: str) -> str:
    """Write the catalogue, one dataset of it, or the report; give a line that says what was done."""
    release, chosen = city.releases.get(options.release), profile(options.profile)
    if options.report:
        found = withheld(city, release, chosen.name)
        give(options.out, iter([write(found, options.report, lang).encode()]))
        return ""
    made = catalogue(city, release)
    form = FORMS[options.format or _ending(options.out)]
    if options.dataset:
        iri = known_dataset(made, options.dataset)
        give(options.out, form.write(made.head(chosen), [made.record(chosen, iri)], ()))
        return ""
    give(options.out, form.write(made.head(chosen), made.records(chosen), ()))
    told = {"profile": chosen.name, "datasets": len(made.datasets), "held": len(made.held_back)}
    return _text("catalogue-exported", lang, **told)


def known_dataset(made: Catalogue, text: str) -> str:
    """Give the IRI of an exported dataset named by its IRI or its last part; :class:`NotFound` otherwise."""
    for iri in (text, f"{made.names.base}id/dataset/{text}"):
        if made.is_listed(iri):
            return iri
    raise NotFound("catalogue-no-dataset", dataset=text[:200])


def give(out: str | None, blocks: Iterator[bytes]) -> None:
    """Write to a file, which is whole or not there, or to standard output."""
    if not out:
        _write(sys.stdout.buffer, blocks)
        return
    path = Path(out)
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:
            _write(file, blocks)
        part.replace(path)
    except OSError as problem:
        raise StoreError("catalogue-not-written", file=path.name, problem=problem.strerror or problem) from problem
    finally:
        part.unlink(missing_ok=True)


def _write(file: BinaryIO, blocks: Iterator[bytes]) -> None:
    for block in blocks:
        file.write(block)
    file.flush()


def _ending(out: str | None) -> str:
    suffix = Path(out).suffix.lstrip(".") if out else ""
    return suffix if suffix in FORMS else "rdf"


def _text(key: str, lang: str, **params: object) -> str:
    from stadtgraph import messages

    return messages.text(key, lang, **params)
