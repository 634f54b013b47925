"""The registry of sources: ``sources.toml`` says what is read, from where, how, and for whom.

A key that is not known, a wrong type or a missing file name is a RegistryError that names file, line and key.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pyoxigraph as ox

from stadtgraph.errors import RegistryError
from stadtgraph.sources.feed import LIVE, PROTOCOLS, Feed
from stadtgraph.sources.files import stem_suffix
from stadtgraph.sources.live.settings import TABLES, Gtfs, SensorThings
from stadtgraph.sources.table import Aggregate, Table, Unpivot
from stadtgraph.terms import PREFIXES, RESERVED, Names, is_source_name

TABLE_FORMATS: Final = ("csv", "tsv", "xlsx", "json", "geojson")
RDF_FORMATS: Final = ("ttl", "nt", "nq", "trig", "rdf", "jsonld")
DOMAINS: Final = ("city", "utilities", "science", "governance", "vocabulary")
KINDS: Final = ("file", "harvest", "managed")
LONGEST_PAUSE: Final = 3600
LONGEST_WAIT: Final = 86_400
VISIBILITIES: Final = ("public", "restricted")
FUNCTIONS: Final = ("mean", "min", "max", "sum", "count")


@dataclass(frozen=True, slots=True)
class Source:
    """One source: its names, its rights, where it is and how it becomes triples."""

    name: str
    title: Mapping[str, str]
    domain: str
    kind: str
    visibility: str
    licence: str | None = None
    attribution: str | None = None
    address: str | None = None
    dataset: str | None = None
    graph: str | None = None
    file: str | None = None
    path: Path | None = None
    mapping: Path | None = None
    format: str | None = None
    areas: bool = False
    """Its outlines place the points of other sources, so it is loaded before them."""
    place: bool = False
    table: Table = field(default_factory=Table)
    aggregate: Aggregate | None = None
    harvest: Feed = field(default_factory=Feed)
    mappings: Mapping[str, Path] = field(default_factory=dict)
    """Table → mapping, where a feed has several tables."""
    gtfs: Gtfs = field(default_factory=Gtfs)
    sensorthings: SensorThings = field(default_factory=SensorThings)

    def graph_name(self, names: Names) -> ox.NamedNode:
        """Give the graph that holds the source: its own IRI (relative ones against the base) or the usual one."""
        if self.graph is None:
            return names.source(self.name)
        return ox.NamedNode(
            self.graph if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", self.graph) else names.base + self.graph
        )

    def locate(self, real_data: Path | None = None) -> Path | None:
        """Give the file to read, or ``None`` where it is not at hand: shipped, or below ``real_data``."""
        if self.path is not None:
            return self.path
        if self.file is None or real_data is None:
            return None
        found = real_data / self.file
        return found if found.is_file() else None

    @property
    def is_table(self) -> bool:
        """Tell whether a mapping makes the triples; otherwise the file is RDF."""
        return self.format in TABLE_FORMATS

    @property
    def is_live(self) -> bool:
        """Tell whether it is a service or feed of tables, not a catalogue."""
        return self.harvest.protocol in LIVE

    @property
    def restricted(self) -> bool:
        """Tell whether only the internal view may hold the source."""
        return self.visibility == "restricted"


def format_of(name: str) -> str | None:
    """Give the format that a file's name tells, or ``None``.

    >>> format_of("trees.csv.gz"), format_of("catalogue.xml"), format_of("stops.txt")
    ('csv', 'rdf', None)
    """
    suffix = stem_suffix(name)
    known = {**{format: format for format in (*TABLE_FORMATS, *RDF_FORMATS)}, "json-ld": "jsonld", "xml": "rdf"}
    return known.get(suffix)


def load_registry(path: Path) -> dict[str, Source]:
    """Read ``sources.toml``; give the sources by name, in the order of the file."""
    try:
        text = path.read_text("utf-8")
        document = tomllib.loads(text)
    except OSError as error:
        raise RegistryError("sources-file-unreadable", file=str(path), problem=error.strerror) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RegistryError("sources-registry-syntax", file=str(path), problem=error) from error
    reader = _Reader(path, text)
    reader.keys(document, {"source": _tables}, -1)
    found: dict[str, Source] = {}
    for index, entry in enumerate(document.get("source", [])):
        source = reader.source(entry, index)
        if source.name in found:
            raise RegistryError("sources-registry-double", where=reader.where(index, "name"), name=source.name)
        other = next((s.name for s in found.values() if source.graph is not None and s.graph == source.graph), None)
        if other is not None:
            raise RegistryError("sources-registry-graph", where=reader.where(index, "graph"), name=other)
        found[source.name] = source
    return found


Check = Callable[[object], str | None]
"""Gives ``None`` for a right value, otherwise an example of what is expected."""


def _text(value: object) -> str | None:
    return None if isinstance(value, str) and value and "\0" not in value else '"…"'


def _texts(value: object) -> str | None:
    return None if isinstance(value, list) and all(isinstance(item, str) for item in value) else '["…", "…"]'


def _names(value: object) -> str | None:
    return None if value != [] and _texts(value) is None else '["…", "…"]'


def _flag(value: object) -> str | None:
    return None if isinstance(value, bool) else "true | false"


def _table(value: object) -> str | None:
    return None if isinstance(value, dict) else "{ … }"


def _tables(value: object) -> str | None:
    right = isinstance(value, list) and all(isinstance(item, dict) for item in value)
    return None if right else "[[source]]"


def _one_of(*choices: str) -> Check:
    return lambda value: None if value in choices else " | ".join(f'"{choice}"' for choice in choices)


def _subset(*choices: str) -> Check:
    shown = "[" + ", ".join(f'"{choice}"' for choice in choices) + "]"
    return lambda value: None if isinstance(value, list) and value and all(v in choices for v in value) else shown


def _title(value: object) -> str | None:
    right = isinstance(value, dict) and set(value) == {"de", "en"} and not any(map(_text, value.values()))
    return None if right else '{ de = "…", en = "…" }'


def _name(value: object) -> str | None:
    if isinstance(value, str) and value in RESERVED:
        return f"[a-z0-9][a-z0-9-]{{0,62}}, {', '.join(f'≠ {name}' for name in sorted(RESERVED))}"
    return None if isinstance(value, str) and is_source_name(value) else "[a-z0-9][a-z0-9-]{0,62}"


def _iri(value: object) -> str | None:
    right = isinstance(value, str) and re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+", value)
    return None if right else '"https://…"'


def _relative(value: object) -> str | None:
    right = isinstance(value, str) and re.fullmatch(r"[^\s<>\"{}|\\^`]+", value)
    return None if right else '"id/dataset/…" | "https://…"'


def _graph(value: object) -> str | None:
    """Refuse the graphs of other sources and of the product, which lie under ``graph/``."""
    path = value.removeprefix("graph/") if isinstance(value, str) else ""
    wrong = path != value and re.fullmatch(r"vocabulary/[a-z0-9][a-z0-9-]*", path) is None
    return '"graph/vocabulary/…" | "https://…"' if wrong or _relative(value) else None


def _share(value: object) -> str | None:
    right = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
    return None if right else "0 … 1"


def _box(value: object) -> str | None:
    shown = "[west, south, east, north]"
    numbers = value if isinstance(value, list) else []
    if len(numbers) != 4 or not all(isinstance(n, int | float) and not isinstance(n, bool) for n in numbers):
        return shown
    west, south, east, north = numbers
    return None if -180 <= west < east <= 180 and -90 <= south < north <= 90 else shown


def _count(value: object) -> str | None:
    return None if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else "0, 1, 2 …"


def _number(value: object) -> str | None:
    return None if isinstance(value, int) and not isinstance(value, bool) and value >= 1 else "1, 2 …"


def _whole(value: object) -> str | None:
    return None if isinstance(value, int) and not isinstance(value, bool) else "0, 1, -1 …"


def _seconds(value: object) -> str | None:
    right = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= LONGEST_PAUSE
    return None if right else f"0.5, 2 … {LONGEST_PAUSE}"


def _wait(value: object) -> str | None:
    right = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= LONGEST_WAIT
    return None if right else f"60, 900 … {LONGEST_WAIT}"


def _properties(value: object) -> str | None:
    right = isinstance(value, list) and all(isinstance(name, str) and _is_property(name) for name in value)
    return None if right else '["dct:title", "https://…"]'


def _is_property(name: str) -> bool:
    prefix, _, local = name.partition(":")
    known = bool(local) and (prefix in PREFIXES or (prefix in ("http", "https") and local.startswith("//")))
    return known and _iri(name) is None


def _character(value: object) -> str | None:
    return None if isinstance(value, str) and len(value) == 1 and value not in '\r\n"' else '";"'


def _inside(value: object) -> str | None:
    right = isinstance(value, str) and value and not value.startswith(("/", "~")) and ".." not in Path(value).parts
    return None if right else '"folder/file" (no "..", no "/…")'


SOURCE_KEYS: Final[dict[str, Check]] = {
    "name": _name,
    "title": _title,
    "domain": _one_of(*DOMAINS),
    "kind": _one_of(*KINDS),
    "visibility": _one_of(*VISIBILITIES),
    "licence": _iri,
    "attribution": _text,
    "address": _iri,
    "dataset": _relative,
    "graph": _graph,
    "file": _inside,
    "path": _inside,
    "mapping": _inside,
    "format": _one_of(*TABLE_FORMATS, *RDF_FORMATS),
    "areas": _flag,
    "place": _flag,
    "table": _table,
    "aggregate": _table,
    "harvest": _table,
    "mappings": _table,
    "gtfs": _table,
    "sensorthings": _table,
}
TABLE_KEYS: Final[dict[str, Check]] = {
    "delimiter": _character,
    "encoding": _text,
    "header": _names,
    "null": _texts,
    "sheet": _text,
    "path": _text,
    "unpivot": _table,
}
UNPIVOT_KEYS: Final[dict[str, Check]] = {"keep": _texts, "variable": _text, "value": _text}
AGGREGATE_KEYS: Final[dict[str, Check]] = {
    "time": _text,
    "format": _text,
    "quantities": _names,
    "functions": _subset(*FUNCTIONS),
}
HARVEST_KEYS: Final[dict[str, Check]] = {
    "protocol": _one_of(*PROTOCOLS),
    "pause": _seconds,
    "wait": _wait,
    "pages": _number,
    "size": _number,
    "shrink": _share,
    "priority": _whole,
    "require": _properties,
    "repairs": _flag,
    "seconds": _number,
    "bytes": _number,
}
GTFS_KEYS: Final[dict[str, Check]] = {"box": _box, "agencies": _names, "rows": _number}
SENSORTHINGS_KEYS: Final[dict[str, Check]] = {"latest": _count, "days": _count, "most": _number}
REQUIRED: Final = ("name", "title", "domain", "kind", "visibility")


class _Reader:
    """Checks the entries of one file and knows where each of them stands."""

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._lines = text.splitlines()
        self._starts = [n for n, line in enumerate(self._lines) if re.match(r"\s*\[\[\s*source\s*\]\]", line)]

    def where(self, index: int, key: str) -> str:
        """Give "file:line" of ``key`` in the source with this index (-1: outside any source)."""
        inside = 0 <= index < len(self._starts)
        start = self._starts[index] if inside else 0
        end = self._starts[index + 1] if inside and index + 1 < len(self._starts) else len(self._lines)
        pattern = re.compile(rf'(?:.*[{{,]|\s*\[.*)?\s*"?{re.escape(key)}"?\s*(?:=|\])')
        for number in range(start, end):
            if pattern.match(self._lines[number]):
                return f"{self._path}:{number + 1}"
        return f"{self._path}:{start + 1}"

    def keys(self, entry: Mapping[str, Any], known: Mapping[str, Check], index: int, prefix: str = "") -> None:
        """Raise RegistryError for the first key that is unknown or has a wrong value."""
        for key, value in entry.items():
            if key not in known:
                nearest = difflib.get_close_matches(key, known, n=1, cutoff=0.0)[0]
                where = self.where(index, key)
                raise RegistryError("sources-registry-key", where=where, key=prefix + key, nearest=prefix + nearest)
            if expected := known[key](value):
                self._wrong(index, key, value, expected, prefix)

    def source(self, entry: Mapping[str, Any], index: int) -> Source:
        """Give the checked source; paths become absolute, the format is settled."""
        self.keys(entry, SOURCE_KEYS, index)
        self._require(entry, REQUIRED, index)
        table, aggregate = entry.get("table", {}), entry.get("aggregate")
        self.keys(table, TABLE_KEYS, index, "table.")
        source = Source(
            **{key: entry[key] for key in SOURCE_KEYS if key in entry and key not in _MADE},
            path=self._beside(entry.get("path")),
            mapping=self._beside(entry.get("mapping")),
            format=self._format(entry, index),
            table=self._table(table, index),
            aggregate=None if aggregate is None else self._aggregate(aggregate, index),
            harvest=self._harvest(entry.get("harvest", {}), index),
            mappings=self._mappings(entry, index),
            gtfs=Gtfs(**self._part(entry, "gtfs", GTFS_KEYS, index)),
            sensorthings=SensorThings(**self._part(entry, "sensorthings", SENSORTHINGS_KEYS, index)),
        )
        self._consistent(source, index)
        return source

    def _table(self, entry: Mapping[str, Any], index: int) -> Table:
        made: dict[str, Any] = {key: _frozen(value) for key, value in entry.items()}
        if "unpivot" in entry:
            self.keys(entry["unpivot"], UNPIVOT_KEYS, index, "table.unpivot.")
            unpivot = entry["unpivot"]
            made["unpivot"] = Unpivot(**{**unpivot, "keep": tuple(unpivot.get("keep", ()))})
        return Table(**made)

    def _aggregate(self, entry: Mapping[str, Any], index: int) -> Aggregate:
        self.keys(entry, AGGREGATE_KEYS, index, "aggregate.")
        self._require(entry, ("time", "quantities"), index, "aggregate.")
        made: dict[str, Any] = {key: _frozen(value) for key, value in entry.items()}
        return Aggregate(**made)

    def _harvest(self, entry: Mapping[str, Any], index: int) -> Feed:
        self.keys(entry, HARVEST_KEYS, index, "harvest.")
        made: dict[str, Any] = {key: _frozen(value) for key, value in entry.items()}
        return Feed(**made)

    def _part(self, entry: Mapping[str, Any], name: str, known: Mapping[str, Check], index: int) -> dict[str, Any]:
        """Give the checked settings of one kind of live source, which the protocol must be of."""
        part = entry.get(name, {})
        self.keys(part, known, index, f"{name}.")
        if name in entry and entry.get("harvest", {}).get("protocol") != name:
            raise RegistryError(
                "sources-registry-protocol", where=self.where(index, name), name=entry["name"], key=name, protocol=name
            )
        return {key: _frozen(value) for key, value in part.items()}

    def _mappings(self, entry: Mapping[str, Any], index: int) -> dict[str, Path]:
        """Give the mapping of each table of a live source; it must have one at least."""
        protocol, named = entry.get("harvest", {}).get("protocol"), entry.get("mappings", {})
        if protocol not in LIVE:
            if "mappings" in entry:
                where, shown = self.where(index, "mappings"), " | ".join(LIVE)
                raise RegistryError(
                    "sources-registry-protocol", where=where, name=entry["name"], key="mappings", protocol=shown
                )
            return {}
        self.keys(named, dict.fromkeys(TABLES[protocol], _inside), index, "mappings.")
        if not named:
            self._missing(index, "mappings")
        return {table: self._path.parent / name for table, name in named.items()}

    def _beside(self, name: str | None) -> Path | None:
        return None if name is None else self._path.parent / name

    def _format(self, entry: Mapping[str, Any], index: int) -> str | None:
        name = entry.get("file") or entry.get("path")
        if "format" in entry or name is None or entry["kind"] == "harvest":  # the pages say what they are
            return entry.get("format")
        format = format_of(name)
        if format is None:
            expected = f"format = {SOURCE_KEYS['format'](None)}"
            self._wrong(index, "file" if "file" in entry else "path", name, expected)
        return format

    def _consistent(self, source: Source, index: int) -> None:
        """Check what one key says about another."""
        if source.file is not None and source.path is not None:
            raise RegistryError("sources-registry-both", where=self.where(index, "path"), name=source.name)
        if source.kind == "file" and source.file is None and source.path is None:
            self._missing(index, "file")
        if source.kind == "harvest" and source.file is None and source.path is None and source.address is None:
            self._missing(index, "address")
        if source.kind == "harvest" and not re.match("(?i)https?://[^/]", source.address or "https://-"):
            self._wrong(index, "address", source.address, '"https://…"')
        if source.kind != "harvest" and source.harvest != Feed():
            raise RegistryError("sources-registry-harvest", where=self.where(index, "harvest"), name=source.name)
        if source.is_table and source.mapping is None and source.kind == "file":
            self._missing(index, "mapping")
        for key in ("mapping", "table", "aggregate", "format") if source.is_live else ():
            if getattr(source, key) not in (None, Table()):
                where, protocol = self.where(index, key), source.harvest.protocol
                raise RegistryError("sources-registry-live", where=where, name=source.name, key=key, protocol=protocol)
        for key in ("mapping", "table", "aggregate"):
            value = getattr(source, key)
            if not source.is_table and source.format is not None and value not in (None, Table()):
                raise RegistryError("sources-registry-rdf", where=self.where(index, key), name=source.name, key=key)
        if source.aggregate is not None and source.table.unpivot is not None:
            raise RegistryError("sources-registry-unpivot", where=self.where(index, "unpivot"), name=source.name)

    def _require(self, entry: Mapping[str, Any], keys: tuple[str, ...], index: int, prefix: str = "") -> None:
        for key in keys:
            if key not in entry:
                self._missing(index, prefix + key)

    def _missing(self, index: int, key: str) -> None:
        raise RegistryError("sources-registry-missing", where=self.where(index, "source"), key=key)

    def _wrong(self, index: int, key: str, value: object, expected: str, prefix: str = "") -> None:
        where = self.where(index, key)
        shown = repr(value) if len(repr(value)) < 80 else repr(value)[:80] + "…"
        raise RegistryError("sources-registry-value", where=where, key=prefix + key, value=shown, expected=expected)


def _frozen(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


_MADE: Final = frozenset(
    ("path", "mapping", "format", "table", "aggregate", "harvest", "mappings", "gtfs", "sensorthings")
)
