"""What ``harvest`` is called with: a registered source, an address or a file; and how one call goes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from stadtgraph.city.areas import Areas
from stadtgraph.city.harvesting import Harvest, settings_of, units_of
from stadtgraph.city.live import Live, settings_of_live
from stadtgraph.errors import GateError, InputError, UsageError
from stadtgraph.release import Kind, View
from stadtgraph.sources import Source
from stadtgraph.sources.harvest import HarvestReport, Page, Progress, Reason, State, Units, silent
from stadtgraph.sources.harvest.fetching import Call, Fetching, Got, Memory
from stadtgraph.sources.harvest.follow import (
    ckan_first,
    ckan_follow,
    hydra,
    is_list,
    protocol_of,
    sparql_first,
    sparql_follow,
)
from stadtgraph.sources.live.sensorthings import service
from stadtgraph.store import OxigraphEngine
from stadtgraph.terms import Names, is_source_name

if TYPE_CHECKING:
    from stadtgraph.city import City

FOLDER: Final = "harvest"
ARCHIVE: Final = "application/zip, application/octet-stream;q=0.9, */*;q=0.1"


def harvest(
    city: City,
    target: str,
    *,
    source: str = "",
    dry_run: bool = False,
    confirm: bool = False,
    progress: Progress = silent,
) -> HarvestReport:
    """Bring one catalogue into its source graph, and seal a release where that changed something.

    ``target`` is a registered source, an address or a file (or a folder of files); ``source`` names the source graph
    where it is not registered. Raises :class:`InputError` or :class:`NetworkError` where a page cannot be had or read
    whole; nothing has changed then.
    """
    entry, origin = _entry(city, target, source)
    report = HarvestReport(entry.name, origin)
    calls = Pages(city, entry, origin, report, progress, Known.of(city))
    with calls.dropped_where_wrong():
        pages = calls.get(_known_inputs(city, entry))
        if pages is None:
            report.state = State.UNCHANGED
            return report
        with city.draft(why=f"harvest {entry.name}") as draft:
            work = kind_of(entry)(city, draft, entry, pages, report, confirm, progress)
            work.run()
            if dry_run and report.state is State.LOADED:
                report.state = State.DRY_RUN
            if report.state is not State.LOADED:
                draft.clone.abandon()
    if draft.release is not None:
        report.release = draft.release.id
    elif report.state is State.LOADED:
        report.state = State.UNCHANGED
    calls.done(work)
    return report


def kind_of(source: Source) -> type[Harvest]:
    """Give what brings the pages of a source into a draft."""
    return Live if source.is_live else Harvest


@dataclass(frozen=True, slots=True)
class Known:
    """What a harvest goes by beside the pages: the units and areas of a release or of a draft, on its day."""

    engines: Mapping[View, OxigraphEngine]
    day: date

    @classmethod
    def of(cls, city: City) -> Known:
        """Take the current release; a city without one knows nothing."""
        release = city.releases.current()
        engines = {} if release is None else {view: release.engine(view) for view in View if release.has(view)}
        return cls(engines, datetime.now(UTC).date())

    def settings(self, source: Source, names: Names) -> str:
        """Give the checksum of all but the pages that decides the triples of a source."""
        if source.is_live:
            is_placed = source.place and View.PUBLIC in self.engines
            areas = Areas.of(self.engines[View.PUBLIC]) if is_placed else Areas()
            return settings_of_live(source, names, areas, self.day)
        if not self.engines:
            return settings_of(source, names, Units(()))
        view = View.INTERNAL if source.restricted and View.INTERNAL in self.engines else View.PUBLIC
        return settings_of(source, names, units_of(self.engines[view], names, f"{self.day}"))


class Pages:
    """The pages of one catalogue: files as they lie there, or what is fetched from its address."""

    def __init__(
        self, city: City, source: Source, origin: str, report: HarvestReport, progress: Progress, known: Known
    ) -> None:
        """Say of which source, where they come from, and what they are read by."""
        self._city, self._source, self._origin, self._report, self._progress = city, source, origin, report, progress
        self._known = known
        self._got: list[Got] = []
        self._fetching: Fetching | None = None

    def get(self, known: str) -> list[Page] | None:
        """Give the pages on disk; ``None`` where the server says that nothing changed since the inputs ``known``."""
        if "://" not in self._origin:
            base = self._source.address or self._city.names.base
            return [Page(path, base, number) for number, path in enumerate(_files(Path(self._origin)))]
        folder = self._city.path / FOLDER / self._source.name
        private = frozenset(self._city.config.network.private)
        fetching = self._fetching = Fetching(folder, self._source.harvest, private, progress=self._progress)
        memory = Memory.read(fetching.memory)
        settings = self._known.settings(self._source, self._city.names)
        same = bool(known) and (memory.inputs, memory.settings) == (known, settings)
        found = self._fetch(fetching, memory if same and memory.address == self._origin else None)
        self._report.notes += fetching.notes
        if found is None:
            return None
        self._got = found
        return [page for page in fetching.pages(found) if not (self._speaks == "sparql" and is_list(page.number))]

    @contextmanager
    def dropped_where_wrong(self) -> Iterator[None]:
        """Remove the pages where something is wrong in them; what an interruption left stays for the next attempt."""
        try:
            yield
        except (InputError, GateError):
            if self._fetching is not None:
                self._fetching.clear()
            raise

    def done(self, work: Harvest) -> None:
        """Remember what to ask again by where the pages were loaded, and remove them."""
        if self._fetching is None:
            return
        if self._report.state in (State.LOADED, State.UNCHANGED) and work.inputs:
            self._fetching.done(Memory(self._origin, work.inputs, work.settings, self._got))
        else:
            self._fetching.clear()

    @property
    def _speaks(self) -> str:
        protocol = self._source.harvest.protocol
        return protocol_of(self._origin) if protocol == "auto" else protocol

    def _fetch(self, fetching: Fetching, memory: Memory | None) -> list[Got] | None:
        size = self._source.harvest.size
        if self._speaks == "ckan":
            first = ckan_first(self._origin, size)
            return fetching.fetch(first, ckan_follow(first, size), known=memory, format="jsonld")
        if self._speaks == "sparql":
            return fetching.fetch(sparql_first(self._origin, size), sparql_follow(self._origin, size))
        if self._speaks == "gtfs":
            return fetching.fetch(Call(self._origin, ARCHIVE), lambda _page, _before: None, known=memory)
        if self._speaks == "sensorthings":
            asked = service(
                replace(self._source, address=self._origin), self._city.names.base, datetime.now(UTC).date()
            )
            got = fetching.fetch(asked.first(), asked.follow, known=memory, refused=asked.refused)
            self._report.notes += [Reason("live-simpler")] if any(asked.simpler.values()) else []
            return got
        return fetching.fetch(Call(self._origin), hydra, known=memory)


def _known_inputs(city: City, source: Source) -> str:
    """Give the checksum of what the current release's graph of a source was made from."""
    release = city.releases.current()
    graph = source.graph_name(city.names).value
    for view in View:
        if release is not None and release.has(view) and graph in (graphs := release.manifest(view).graphs):
            return graphs[graph].inputs
    return ""


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        found = sorted(p for p in path.iterdir() if p.is_file() and not p.name.startswith("."))
        if found:
            return found
    if not path.is_file():
        raise InputError("load-no-file", file=path)
    return [path]


def _entry(city: City, target: str, name: str) -> tuple[Source, str]:
    """Give the source to fill, and where its pages come from."""
    if name and name in city.registry:
        return _harvested(city.registry[name]), target
    if not name and target in city.registry:
        entry = _harvested(city.registry[target])
        path = entry.locate(city.config.path(city.config.city.real_data) if city.config.city.real_data else None)
        if path is None and entry.address is None:
            raise InputError("load-no-file", file=entry.file or "?")
        return entry, str(path) if path is not None else entry.address or ""
    is_address = "://" in target
    if not is_address and not Path(target).exists():
        return _harvested(city.source(target)), target
    name = name or slug(urlsplit(target).netloc if is_address else Path(target).name)
    if not is_source_name(name):
        raise UsageError("harvest-name", target=target)
    title = {"de": name, "en": name}
    new = Source(name, title, domain="city", kind=Kind.MANAGED.value, visibility="public")
    return replace(new, address=target) if is_address else new, target


def _harvested(source: Source) -> Source:
    if source.kind == Kind.FILE:
        raise UsageError("harvest-file-source", source=source.name)
    return source


def slug(text: str) -> str:
    """Give a name for a source from a host or a file name.

    >>> slug("opendata.Rostock.de:443"), slug("de-sh-catalog.rdf.gz")
    ('opendata-rostock-de-443', 'de-sh-catalog')
    """
    bare = re.sub(r"(?i)(\.(rdf|xml|ttl|nt|nq|trig|jsonld|json|gz))+$", "", text)
    return re.sub(r"[^a-z0-9]+", "-", bare.lower()).strip("-")[:63]
