"""A SensorThings service on this machine: as able as a test wants it, with the data that a test gives it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from portal import Answer, Portal

ROOT = "/v1.1"
ALL = frozenset(("$expand", "$select", "$orderby", "$filter", "$top"))
Entity = dict[str, Any]
LINKS = {
    "Things": {"Locations": "Locations"},
    "Datastreams": {"Thing": "Things", "Sensor": "Sensors", "ObservedProperty": "ObservedProperties"},
    "Observations": {"FeatureOfInterest": "FeaturesOfInterest"},
}
"""Set → link → the set that it leads to. An entity names the id at its link; what is sent is as the standard has it."""


def town() -> dict[str, list[Entity]]:
    """Give a service of a few things: two sensors at a tree, one of which has no observation."""
    return {
        "Things": [{"@iot.id": 1, "name": "Baum 7", "description": "Linde", "Locations": [1]}],
        "Locations": [
            {"@iot.id": 1, "name": "Markt", "location": {"type": "Point", "coordinates": [11.5870, 50.9280]}}
        ],
        "Sensors": [{"@iot.id": "a/1", "name": "TEROS 21"}, {"@iot.id": "a/2", "name": "Thermometer"}],
        "ObservedProperties": [
            {"@iot.id": 1, "name": "Bodenfeuchte", "definition": "https://example.org/moisture"},
            {"@iot.id": 2, "name": "Temperatur", "definition": "keine"},
        ],
        "FeaturesOfInterest": [
            {"@iot.id": 5, "name": "Boden", "feature": {"type": "Point", "coordinates": [11.5871, 50.9281]}}
        ],
        "Datastreams": [
            stream("m 1", "kPa", "a/1", 1),
            stream("t 1", "°C", "a/2", 2),
            stream("t 2", "sonstwas", "a/2", 2),
        ],
        "Observations": [
            observation(1, "m 1", "2026-01-01T00:00:00Z", 10.50),
            observation(2, "m 1", "2026-01-02T00:00:00Z", 11.25),
            observation(3, "t 1", "2026-01-02T00:00:00Z/2026-01-02T01:00:00Z", 4),
        ],
    }


def stream(one: str, symbol: str, sensor: str, observed: int) -> Entity:
    """Give a datastream of the only thing."""
    unit = {"name": symbol, "symbol": symbol, "definition": None}
    own = {"@iot.id": one, "name": f"Reihe {one}", "description": "No description", "unitOfMeasurement": unit}
    return own | {"Thing": 1, "Sensor": sensor, "ObservedProperty": observed}


def observation(one: int, of: str, time: str, result: object) -> Entity:
    """Give an observation of the only feature of interest."""
    own = {"@iot.id": one, "phenomenonTime": time, "result": result, "resultTime": None}
    return own | {"Datastream": of, "FeatureOfInterest": 5}


class Things:
    """The service: ``sets`` are its entities, ``able`` the options that it understands, ``page`` its longest answer."""

    def __init__(self, server: Portal, sets: dict[str, list[Entity]], able: frozenset[str] = ALL, page: int = 100):
        """Answer all requests to the portal."""
        self.server, self.sets, self.able, self.page = server, sets, able, page
        self.ignores = False
        """Whether options that it does not understand are passed over in silence instead of refused."""
        self.host = server.address
        self.faults: dict[str, Callable[[str], Answer] | list[Answer]] = {}
        """What to answer where the path (with its query) holds a text; a list is used up."""
        server.reply = self.reply  # type: ignore[method-assign]

    def reply(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Answer."""
        self.server.asked[path] += 1
        self.server.headers.append(headers)
        for text, fault in self.faults.items():
            if text in unquote(path):
                if callable(fault):
                    return fault(path)
                if fault:
                    return fault.pop(0)
        parts = urlsplit(path)
        match = re.fullmatch(rf"{ROOT}/(\w+)(?:\(([^/]*)\))?(?:/(\w+))?", parts.path)
        options = {k: v[0] for k, v in parse_qs(parts.query).items()}
        if match is None or match[1] not in self.sets:
            return Answer(status=404)
        if not self.ignores and set(options) - self.able - {"$skip"}:
            return Answer('{"code": 400, "message": "not understood"}', "application/json", 400)
        options = {k: v for k, v in options.items() if k in self.able or k == "$skip"}
        found = self._found(*match.groups(), options)
        return Answer(json.dumps(found), "application/json")

    def _found(self, name: str, key: str | None, link: str | None, options: dict[str, str]) -> Any:
        if key is None:
            return self._list(name, self.sets[name], f"{ROOT}/{name}", options)
        one = unquote(key).strip("'").replace("''", "'")
        entity = next(e for e in self.sets[name] if str(e["@iot.id"]) == one)
        path = f"{ROOT}/{name}({key})/{link}"
        if link == "Observations":
            return self._list(link, [o for o in self.sets[link] if o["Datastream"] == entity["@iot.id"]], path, options)
        assert link is not None
        target = LINKS[name][link]
        ids = entity[link]
        if isinstance(ids, list):
            return self._list(target, [e for e in self.sets[target] if e["@iot.id"] in ids], path, options)
        return self._written(target, next(e for e in self.sets[target] if e["@iot.id"] == ids), {})

    def _list(self, name: str, entities: list[Entity], path: str, options: dict[str, str]) -> Any:
        if "$orderby" in options:
            entities = sorted(entities, key=lambda e: e["phenomenonTime"], reverse=True)
        if "$filter" in options:
            since = options["$filter"].removeprefix("phenomenonTime ge ")
            entities = [e for e in entities if e["phenomenonTime"].rpartition("/")[2] >= since]
        skip, top = int(options.get("$skip", 0)), min(self.page, int(options.get("$top", 100)))
        found: dict[str, Any] = {"value": [self._written(name, e, options) for e in entities[skip : skip + top]]}
        if skip + top < len(entities):
            rest = "&".join(f"{k}={quote(v)}" for k, v in {**options, "$skip": str(skip + top)}.items())
            found["@iot.nextLink"] = f"{self.host}{path}?{rest}"
        return found

    def _written(self, name: str, entity: Entity, options: dict[str, str]) -> Entity:
        own = {k: v for k, v in entity.items() if k not in LINKS.get(name, {}) and k != "Datastream"}
        one = entity["@iot.id"]
        key = str(one) if isinstance(one, int) else f"'{quote(one, safe='')}'"
        if "$select" in options:
            chosen = options["$select"].split(",")
            own = {k: v for k, v in own.items() if k in chosen or (k == "@iot.id" and "id" in chosen)}
        else:
            own["@iot.selfLink"] = f"http://localhost:8080/sensinact{ROOT}/{name}({key})"
        for link, inner in _expanded(options.get("$expand", "")).items():
            if link == "Observations":
                found = [o for o in self.sets[link] if o["Datastream"] == one]
                made = self._list(link, found, f"{ROOT}/{name}({key})/{link}", inner)
                own[link] = made["value"]
                if "@iot.nextLink" in made:
                    own[f"{link}@iot.nextLink"] = made["@iot.nextLink"]
                continue
            target, ids = LINKS[name][link], entity[link]
            many = [self._written(target, e, inner) for e in self.sets[target] if e["@iot.id"] in _listed(ids)]
            own[link] = many if isinstance(ids, list) else many[0]
        return own


def _listed(ids: object) -> list[object]:
    return ids if isinstance(ids, list) else [ids]


def _expanded(text: str) -> dict[str, dict[str, str]]:
    """Take ``A($select=id;$expand=B($select=id)),C`` apart."""
    parts, depth, start = [], 0, 0
    for at, sign in enumerate(text + ","):
        depth += (sign == "(") - (sign == ")")
        if sign == "," and depth == 0:
            parts.append(text[start:at])
            start = at + 1
    found = {}
    for part in filter(None, parts):
        name, _, inner = part.partition("(")
        options = re.findall(r"(\$\w+)=((?:[^;()]|\([^()]*\))*)", inner.removesuffix(")"))
        found[name] = dict(options)
    return found
