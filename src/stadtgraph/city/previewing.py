"""``preview``: what a portal would make of the export, what the catalogue scores, links checked and fixes proposed."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import pyoxigraph as ox

from stadtgraph import messages
from stadtgraph.catalogue import Catalogue, Profile, Record, profile
from stadtgraph.catalogue.against import Drift, compare, read
from stadtgraph.catalogue.asking import Whom
from stadtgraph.catalogue.compliance import checked
from stadtgraph.catalogue.fixes import as_diff, as_update, fixes
from stadtgraph.catalogue.formats import FORMS
from stadtgraph.catalogue.linkcheck import LinkChecks
from stadtgraph.catalogue.mqa import Score, score
from stadtgraph.catalogue.portal import LARGEST_PAGE, Replay
from stadtgraph.catalogue.preview import Preview, write
from stadtgraph.catalogue.records import Withheld
from stadtgraph.city.cataloguing import Answering, catalogue, give
from stadtgraph.errors import InputError, NotFound
from stadtgraph.net import Policy, get
from stadtgraph.release import Release
from stadtgraph.shacl import Shapes, load_shapes
from stadtgraph.terms import DCAT, DCT

if TYPE_CHECKING:
    from stadtgraph.city import City

_DUMP: Final = Policy(bytes=1 << 30, seconds=600.0, redirects=3)
_LINK: Final = Policy(bytes=1 << 20, seconds=15.0, redirects=5)
_PAGE: Final = 100


def profile_shapes(city: City) -> Shapes | None:
    """Give the shapes of the profile: the city's own, else those of the package; ``None`` where there are none."""
    for folder in (city.folders.shapes, *_packaged()):
        files = [p for name in ("prefixes", "profile") for p in sorted(folder.rglob(f"{name}.ttl"))]
        if any(p.stem == "profile" for p in files):
            return _loaded(tuple(files), city.names.base)
    return None


@cache
def _loaded(files: tuple[Path, ...], base: str) -> Shapes:
    return load_shapes(list(files), base)


def _packaged() -> Iterator[Path]:
    here = Path(str(resources.files("stadtgraph")))
    yield from (folder for folder in (here / "_city" / "shapes", here.parent.parent / "shapes") if folder.is_dir())


def preview(
    city: City, portal: str, release: str = "current", *, against: str | None = None, require_resources: bool = False
) -> Preview:
    """Replay the rules of ``portal`` (govdata or eu) on the export of a release; score it for data.europa.eu."""
    chosen, found = city.releases.get(release), profile(portal)
    made, shapes, links = catalogue(city, chosen), profile_shapes(city), LinkChecks(city.path)
    replay, scores, sizes = Replay(portal, require_resources), list[Score](), _Sizes(made, found)
    for record, violated in checked(sizes.through(made.records(found)), shapes, made.today):
        replay.take(record, violated)
        if portal == "eu":
            scores.append(score(record, None if violated is None else not violated, links.reached))
    for record in made.records(found, made.held_back):
        replay.refuse(record.iri.value, _title(made, record.iri), _whole(record.withheld))
    for iri, title in _gone(city, chosen, made):
        replay.gone(iri, title)
    who = Answering(chosen)
    return Preview(
        portal,
        chosen.id,
        replay.finish(),
        scores,
        Whom(made.reader, who, who.labels),
        made.iri,
        made.names,
        sizes.pages,
        sizes.largest,
        portal == "govdata" and sizes.largest > LARGEST_PAGE,
        None if against is None else _compared(city, made, found, against),
    )


class _Sizes:
    """Measures the pages of an export as its records pass through."""

    def __init__(self, made: Catalogue, found: Profile) -> None:
        self._head, self.pages, self.largest = made.head(found), 0, 0

    def through(self, records: Iterator[Record]) -> Iterator[Record]:
        while page := list(islice(records, _PAGE)):
            self.pages += 1
            size = sum(len(block) for block in FORMS["rdf"].write(self._head, page, ()))
            self.largest = max(self.largest, size)
            yield from page


def _whole(withheld: tuple[Withheld, ...]) -> list[Withheld]:
    """Give what a whole dataset is held back for."""
    return [w for w in withheld if w.what == "Dataset"]


def _title(made: Catalogue, iri: ox.NamedNode) -> str:
    titles = [t.object.value for t in made.engine.triples(iri, DCT.term("title")) if isinstance(t.object, ox.Literal)]
    return min(titles, default="")


def _gone(city: City, chosen: Release, made: Catalogue) -> Iterator[tuple[str, str]]:
    """Give the datasets that the release before exported and this one does not know any more."""
    parent = chosen.manifest().parent
    if parent is None:
        return
    try:
        before = catalogue(city, city.releases.get(parent))
    except NotFound:
        return
    for iri in before.datasets:
        if not made.is_listed(iri) and iri not in made.held_back:
            yield iri, _title(before, ox.NamedNode(iri))


def _compared(city: City, made: Catalogue, found: Profile, against: str) -> list[Drift]:
    with _dump(city, against) as path:
        return list(compare(made.records(found), read(path), made.names.base))


@contextmanager
def _dump(city: City, against: str) -> Iterator[Path]:
    """Give a dump as a file; one at an address is fetched through the checked door first."""
    if not against.startswith(("http://", "https://")):
        path = Path(against)
        if not path.is_file():
            raise InputError("audit-no-file", file=path)
        yield path
        return
    folder = Path(tempfile.mkdtemp(prefix="stadtgraph-"))
    try:
        path = folder / (Path(urlsplit(against).path).name or "dump.rdf")
        policy = Policy(frozenset(city.config.network.private), None, _DUMP.bytes, _DUMP.seconds, redirects=3)
        response = get(against, policy)
        try:
            if response.status != 200:
                raise InputError("catalogue-dump", file=against[:200], problem=f"HTTP {response.status}")
            with path.open("wb") as file:
                for block in response.blocks():
                    file.write(block)
        finally:
            response.close()
        yield path
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def check_links(city: City, release: str, say: Callable[[str], None], lang: str) -> None:
    """Ask whether the addresses of the public distributions answer, and remember it; progress goes to ``say``."""
    made, links = catalogue(city, city.releases.get(release)), LinkChecks(city.path)
    policy = Policy(frozenset(city.config.network.private), None, _LINK.bytes, _LINK.seconds, redirects=5)
    number = broken = 0
    for address, found in links.check(_addresses(made), policy):
        number, broken = number + 1, broken + (not found.answers)
        status = found.status or found.problem
        say(messages.text("catalogue-links-checked", lang, address=address, status=status))
    say(messages.text("catalogue-links-done", lang, number=number, broken=broken))


def _addresses(made: Catalogue) -> Iterator[str]:
    for record in made.records(profile("eu")):
        for block in record.of("Distribution"):
            for p in (DCAT.accessURL, DCAT.downloadURL):
                yield from (v.value for v in record.values(p, block.node) if isinstance(v, ox.NamedNode))


def propose(city: City, release: str, out: str) -> tuple[int, list[str]]:
    """Write safe fixes as a SPARQL update to the file ``out``; give their number and the lines of a diff."""
    made, links = catalogue(city, city.releases.get(release)), LinkChecks(city.path)
    found = list(fixes(made.records(profile("eu")), made.engine, made.names, links.known.get))
    give(out, iter([as_update(found).encode()]))
    return len(found), list(as_diff(found))


def run(city: City, options: argparse.Namespace, lang: str, say: Callable[[str], None]) -> int:
    """Write the report; 1 where the portal would not take, overwrite or delete something."""
    if options.check_links:
        check_links(city, options.release, say, lang)
    made = preview(
        city,
        options.portal,
        options.release,
        against=options.against,
        require_resources=options.require_resources,
    )
    give(options.out, iter([write(made, options.format, lang).encode()]))
    if options.fixes:
        number, diff = propose(city, options.release, options.fixes)
        for line in diff:
            say(line)
        say(messages.text("catalogue-fixes-done", lang, number=number, file=options.fixes))
    counts = made.counts
    return 1 if made.too_large or counts["rejected"] or counts["overwritten"] or counts["deleted"] else 0


__all__ = ["check_links", "preview", "profile_shapes", "propose", "run"]
