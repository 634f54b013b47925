"""``stadtgraph doctor``: what is installed, configured, reachable and broken."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from stadtgraph import messages
from stadtgraph.errors import StadtgraphError

PACKAGES: Final = (
    "pyoxigraph",
    "rdflib",
    "owlrl",
    "pyshacl",
    "shacl",
    "flask",
    "waitress",
    "pyproj",
    "shapely",
    "openpyxl",
)
OPTIONAL: Final = {"shacl"}
LEAST_FREE: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Line:
    """One finding: whether it is good, and what to read."""

    good: bool
    text: str


def examine(city: Path, lang: str) -> Iterator[Line]:
    """Look at the installation and at the city in ``city``; give one line per finding."""
    yield Line(True, f"{messages.text('doctor-python', lang)}: {platform.python_version()} ({platform.machine()})")
    yield from _packages(lang)
    yield from _folder(city, lang)
    yield from _city(city, lang)


def _packages(lang: str) -> Iterator[Line]:
    for name in PACKAGES:
        try:
            yield Line(True, f"{name}: {version(name)}")
        except PackageNotFoundError:
            key = "doctor-optional" if name in OPTIONAL else "doctor-missing"
            yield Line(name in OPTIONAL, messages.text(key, lang, name=name))


def _folder(city: Path, lang: str) -> Iterator[Line]:
    place = city if city.exists() else city.resolve().parent
    free = shutil.disk_usage(place).free
    key = "doctor-disk" if free > LEAST_FREE else "doctor-disk-low"
    yield Line(free > LEAST_FREE, messages.text(key, lang, free=free / 1e9))
    writable = os.access(place, os.W_OK)
    yield Line(writable, messages.text("doctor-writable" if writable else "doctor-read-only", lang, path=place))


def _allocator(name: str, lang: str) -> Iterator[Line]:
    from stadtgraph.query import allocation

    if name:
        key = "doctor-allocator" if "LD_PRELOAD" in allocation(name) else "doctor-no-allocator"
        yield Line(True, messages.text(key, lang, name=name))


def _city(path: Path, lang: str) -> Iterator[Line]:
    from stadtgraph.city import City

    try:
        city = City(path)
        yield Line(True, messages.text("doctor-city", lang, path=path, base=city.names.base))
        yield Line(True, messages.text("doctor-sources", lang, number=len(city.registry), file=city.folders.registry))
        yield from _allocator(city.config.query.allocator, lang)
        yield Line(True, messages.text("doctor-shapes", lang, number=len(city.gate.shapes)))
        release = city.releases.current()
        if release is None:
            yield Line(True, messages.text("doctor-no-release", lang))
            return
        count = len(city.releases.ids())
        yield Line(True, messages.text("doctor-release", lang, id=release.id, number=count))
        for entry in city.releases.all():
            entry.manifest()
            entry.engine().ask("ASK { ?s ?p ?o }")
        city.close()
    except StadtgraphError as error:
        yield Line(False, error.text(lang))
