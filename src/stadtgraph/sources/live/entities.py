"""Answers of a SensorThings service, and their entities as rows.

Source: https://docs.ogc.org/is/18-088/18-088.html
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from stadtgraph.errors import InputError
from stadtgraph.sources.files import decoded, whole
from stadtgraph.sources.jsontable import flat, wkt
from stadtgraph.sources.jsontext import Walk
from stadtgraph.sources.live.settings import COLUMN_OF, ENTITY_SETS, LINKED
from stadtgraph.sources.table import variable

MOST_ANSWER: Final = 32 << 20
"""Most bytes of one answer, which is held in memory."""
ID: Final = "@iot.id"
NEXT: Final = "@iot.nextLink"
_KEY: Final = r"/({}\((?:'[^'/?#\s]*'|[^()'/?#\s]+)\))$"
_SET: Final = re.compile(r"/(\w+)\([^/]*\)$")
_PLACES: Final = ("location", "feature")
Entity = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: the entities in it, and where the next ones are."""

    entities: list[Entity]
    next: str = ""
    is_list: bool = True


def answer(path: Path, name: str) -> Answer:
    """Read an answer; one that is cut off or something else is an :class:`InputError`."""
    walk = Walk(decoded(whole(path, MOST_ANSWER), "utf-8", name), name)
    start = walk.space(0)
    found, end = walk.value(start)
    if walk.space(end) != len(walk.text):
        raise walk.error(end, "Extra data")
    if isinstance(found, dict) and ID in found:
        return Answer([found], is_list=False)
    entities = found.get("value") if isinstance(found, dict) else None
    if not isinstance(entities, list) or not all(isinstance(entity, dict) for entity in entities):
        raise InputError("live-no-service", page=name)
    following = found.get(NEXT) or ""
    return Answer(entities, following if isinstance(following, str) else "")


def identity(entity: Entity) -> str:
    """Give the id of an entity as text; empty where it has none."""
    found = entity.get(ID)
    return str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""


def key(entity: Entity, entity_set: str) -> str:
    """Give how an entity is written in an address: as the server's own link has it, else as the standard says.

    >>> key({"@iot.id": "K1~a/b", "@iot.selfLink": "http://x.example/v1.1/Things(K1~a%2Fb)"}, "Things")
    'Things(K1~a%2Fb)'
    >>> key({"@iot.id": 7}, "Things"), key({"@iot.id": "it's"}, "Things")
    ('Things(7)', "Things('it%27%27s')")
    """
    link, found = entity.get("@iot.selfLink"), entity.get(ID)
    match = re.search(_KEY.format(entity_set), link) if isinstance(link, str) else None
    if match:
        return str(match[1])
    written = str(found) if isinstance(found, int) else "'" + quote(str(found).replace("'", "''"), safe="") + "'"
    return f"{entity_set}({written})"


def set_of(entities: Iterable[Entity]) -> str:
    """Give the name of the set that entities say they are of, empty where they say none."""
    for entity in entities:
        match = _SET.search(str(entity.get("@iot.selfLink") or ""))
        if match:
            return str(match[1])
    return ""


def columns_of(table: str, mentioned: Iterable[str]) -> frozenset[str]:
    """Give those of the ``mentioned`` columns that entities of a table can have."""
    return frozenset(column for column in mentioned if property_of(table, column))


def property_of(table: str, column: str) -> str:
    """Give the property or link of an entity that a column comes from; empty where there is none.

    >>> property_of("datastreams", "unitOfMeasurement_symbol"), property_of("datastreams", "Thing_name")
    ('unitOfMeasurement', 'Thing')
    >>> property_of("locations", "geometry"), property_of("things", "nmae")
    ('location', '')
    """
    known = ENTITY_SETS[table]
    if column in ("iot_id", "iot_selfLink"):
        return "id"
    if column in ("geometry", "geometry_type"):
        return next((place for place in _PLACES if place in known.properties), "")
    found = COLUMN_OF.get(column, "")
    if found in known.properties:
        return found
    back = ("Datastream",) if table == "observations" else ()
    names: tuple[str, ...] = (*known.properties, *known.links, *back)
    for name in names:
        singular = name.removesuffix("s") if name == "Locations" else name
        if name in LINKED and column.startswith(f"{singular}_"):
            return name if property_of(LINKED[name], column.removeprefix(f"{singular}_")) else ""
        if column == name or (name not in LINKED and column.startswith(f"{name}_")):
            return name
    return ""


def row(entity: Entity, wanted: frozenset[str], name: str, number: int) -> dict[str, str | None]:
    """Give the wanted columns of an entity, without its links.

    Raises :class:`InputError` where it has no id or its place is none.
    """
    if not identity(entity):
        raise InputError("live-no-id", place=f"{name}:{number}")
    plain = {k: v for k, v in entity.items() if k not in LINKED and k != "Observations"}
    found = {variable(k): v for k, v in reversed(flat(plain, name, number).items())}
    found["iot_id"] = identity(entity)
    if "geometry" in wanted or "geometry_type" in wanted:
        found |= _place(entity, name, number)
    if wanted & {"begin", "end", "day"}:
        found |= _times(entity.get("phenomenonTime"))
    return {column: found.get(column) for column in wanted}


def _place(entity: Entity, name: str, number: int) -> dict[str, str | None]:
    place = next((entity[k] for k in _PLACES if isinstance(entity.get(k), dict)), None)
    if isinstance(place, dict) and place.get("type") == "Feature":
        place = place.get("geometry")
    if place is None:
        return {}
    try:
        return {"geometry": wkt(place), "geometry_type": str(place["type"])}
    except (ValueError, TypeError, KeyError) as error:
        raise InputError("sources-geometry", file=name, line=number, problem=error) from error


def _times(text: object) -> dict[str, str | None]:
    """Give begin, end and day (in UTC) of an instant or a period."""
    if not isinstance(text, str):
        return {}
    begin, _, end = text.partition("/")
    last = moment(end or begin)
    return {"begin": begin, "end": end or begin, "day": None if last is None else last.date().isoformat()}


def moment(text: object) -> dt.datetime | None:
    """Give the end of an instant or period in UTC, ``None`` where it is none.

    >>> moment("2026-01-01T00:00:00Z/2026-01-02T01:00:00.123456789+02:00").isoformat()
    '2026-01-01T23:00:00.123456+00:00'
    """
    try:
        found = dt.datetime.fromisoformat(str(text).rpartition("/")[2])
        return found.replace(tzinfo=dt.UTC) if found.tzinfo is None else found.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None


def joined(values: Mapping[str, str | None], prefix: str, wanted: frozenset[str]) -> dict[str, str | None]:
    """Give the columns of a linked entity under the name of the link, those that are wanted."""
    return {f"{prefix}_{k}": v for k, v in values.items() if f"{prefix}_{k}" in wanted}
