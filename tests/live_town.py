"""A small town with one live source, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pyoxigraph as ox

from stadtgraph import City
from stadtgraph.release import View
from stadtgraph.sources.harvest import HarvestReport
from stadtgraph.terms import HISTORY, RDF, SG
from town import Town

ENTRY = """
[[source]]
name = "live"
title = {{ de = "Fremdes", en = "Foreign" }}
domain = "utilities"
kind = "harvest"
visibility = "public"
dataset = "id/dataset/live"
{where}
[source.harvest]
protocol = "{protocol}"
pause = 0
{harvest}
[source.{protocol}]
{settings}
[source.mappings]
{mappings}
"""
BASE = "https://town.example/"


class LiveTown(Town):
    """A town with the source ``live``."""

    def register(
        self, protocol: str, tables: Mapping[str, Path], where: str, settings: str = "", harvest: str = ""
    ) -> None:
        """Register the source with a mapping for each table; the server on this machine may be asked."""
        for path in tables.values():
            (self.data / path.name).write_bytes(path.read_bytes())
        mappings = "\n".join(f'{table} = "{path.name}"' for table, path in tables.items())
        text = (self.data / "sources.toml").read_text().partition("\n# live")[0]
        entry = ENTRY.format(protocol=protocol, where=where, settings=settings, mappings=mappings, harvest=harvest)
        (self.data / "sources.toml").write_text(f"{text}\n# live{entry}")
        toml = (self.city_folder / "stadtgraph.toml").read_text().partition("\n[network]")[0]
        (self.city_folder / "stadtgraph.toml").write_text(toml + '\n[network]\nprivate = ["127.0.0.1"]\n')

    def harvest(self, target: str = "live", **options: object) -> HarvestReport:
        """Harvest the source."""
        with self.city as city:
            return city.harvest(target, **options)  # type: ignore[arg-type]

    def graph(self, name: str = "source/live") -> frozenset[ox.Triple]:
        """Give a graph as it was written, empty where there is none; of the widest view."""
        with City(self.city_folder) as city:
            release = city.releases.current()
            if release is None:
                return frozenset()
            view = View.INTERNAL if release.has(View.INTERNAL) else View.PUBLIC
            return frozenset(release.engine(view).as_written(ox.NamedNode(f"{BASE}graph/{name}")))

    def members(self, kind: str) -> set[str]:
        """Give the IRIs of the things of a class, whose IRI ends with ``kind``, without the base."""
        found = {t.subject for t in self.graph() if t.predicate == RDF.type and value(t.object).endswith(kind)}
        return {value(node).removeprefix(BASE) for node in found}

    def tombstones(self) -> set[str]:
        """Give what is gone, without the base."""
        found = self.graph(HISTORY)
        stones = {t.subject for t in found if t.object == SG.Tombstone}
        return {value(t.object).removeprefix(BASE) for t in found if t.predicate == SG.ofRecord and t.subject in stones}


def value(term: object) -> str:
    """Give the text of a term."""
    return str(getattr(term, "value", ""))


def values(triples: Iterable[ox.Triple], predicate: str) -> set[tuple[str, str]]:
    """Give subject (without the base) and object of the triples whose predicate ends so."""
    found = (t for t in triples if t.predicate.value.endswith(predicate))
    return {(value(t.subject).removeprefix(BASE), value(t.object).removeprefix(BASE)) for t in found}
