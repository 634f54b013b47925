"""What to ask a SensorThings service, answer by answer, and the rows that come of it.

The mappings decide: only sets with a mapping are asked for, only properties and links that it looks at. Where a server
does not understand ``$expand``, ``$select`` and the like, it is asked without them, link by link. Addresses are
made here; of the server's own links only ``@iot.nextLink`` is followed, and only below the service's own address.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

from stadtgraph import net
from stadtgraph.errors import InputError
from stadtgraph.sources.harvest.fetching import Call, Got
from stadtgraph.sources.harvest.pages import Page
from stadtgraph.sources.live.entities import (
    NEXT,
    Answer,
    Entity,
    answer,
    columns_of,
    identity,
    joined,
    key,
    moment,
    property_of,
    row,
    set_of,
)
from stadtgraph.sources.live.lines import Bad
from stadtgraph.sources.live.settings import ADDED, ENTITY_SETS, LINKED, SensorThings
from stadtgraph.sources.mapping import Mapping as RowMapping
from stadtgraph.sources.registry import Source
from stadtgraph.sources.table import Row

ACCEPT: Final = "application/json"
MOST_ENTITIES: Final = 500_000
"""Most entities beside observations; what mappings look at of each is held in memory."""
MOST_INNER: Final = 100
"""Most observations that a datastream brings along in one answer."""
LONGEST_KEY: Final = 2_000
"""Signs of an id up to which its links are asked for."""
PLAIN: Final = 2
"""How often a call may be made simpler: options of expansion first, then all."""
_TABLE_OF: Final = {entity_set.name: table for table, entity_set in ENTITY_SETS.items()}


def service(source: Source, base: str, today: dt.date) -> Service:
    """Give what is asked of the service of a source; MappingError where a mapping looks at what entities never have."""
    wanted = {table: looked_at(table, RowMapping.load(path, base)) for table, path in source.mappings.items()}
    return Service(
        source.address or base, wanted, source.sensorthings, source.harvest.size, source.harvest.pages, today
    )


def looked_at(table: str, mapping: RowMapping) -> frozenset[str]:
    """Give the columns of a table that a mapping looks at; MappingError where it names another one."""
    found = columns_of(table, (*mapping.query.mentioned, *mapping.query.listed))
    mapping.check_columns((*found, *ADDED))
    return found


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to ask for: a set, a link of an entity, or more of either at ``address``."""

    path: str
    address: str = ""

    @property
    def set(self) -> str:
        """The name of the set, or of the link."""
        return self.path.rpartition("/")[2]

    @property
    def is_link(self) -> bool:
        """Tell whether it is a link of one entity."""
        return "/" in self.path


@dataclass(slots=True)
class Service:
    """One taking of one service. ``wanted`` are the columns that each table's mapping looks at."""

    address: str
    wanted: Mapping[str, frozenset[str]]
    settings: SensorThings
    size: int
    most: int
    today: dt.date
    steps: deque[Step] = field(default_factory=deque, init=False)
    current: Step = field(default=Step(""), init=False)
    simpler: dict[bool, int] = field(default_factory=lambda: {False: 0, True: 0}, init=False)
    """How much simpler sets and links are asked for by now."""
    done: int = field(default=0, init=False)
    seen: dict[str, set[str]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.address = self.address.rstrip("/")
        self.steps.extend(Step(ENTITY_SETS[table].name) for table in self._tables())

    # ---- asking

    def first(self) -> Call:
        """Give the first call."""
        self.current = self.steps.popleft()
        return self._call(self.current)

    def follow(self, page: Page, before: list[Got]) -> Call | None:
        """Take in an answer and give the next call; ``None`` where all is asked."""
        if self.done != len(before):
            self._again(page, before)
        self._take(answer(page.path, page.name), page.base)
        return self._next()

    def refused(self, call: Call) -> Call | None:
        """Give a simpler call for the current step."""
        kind = self.current.is_link
        while not self.current.address and self.simpler[kind] < PLAIN:
            self.simpler[kind] += 1
            other = self._call(self.current)
            if other.address != call.address:
                return other
        return None

    def _again(self, page: Page, before: list[Got]) -> None:
        """Begin with what an interrupted harvest had already."""
        self.steps.clear()
        self.__post_init__()
        self.current, self.done, self.seen = self.steps.popleft(), 0, {}
        for got in before:
            self._take(answer(page.path.with_name(got.file), got.file), got.address)
            self._next()

    def _next(self) -> Call | None:
        if self.done + len(self.steps) > self.most:
            raise InputError("harvest-endless", address=self.address, pages=self.most)
        if not self.steps:
            return None
        self.current = self.steps.popleft()
        return self._call(self.current)

    @property
    def _observes(self) -> bool:
        """Tell whether observations are wanted at all."""
        return "observations" in self.wanted and (self.settings.days > 0 or self.settings.latest > 0)

    def _tables(self) -> list[str]:
        """Give the tables whose sets are asked for; observations come with their datastreams, which come last."""
        found = [
            table for table in ENTITY_SETS if table in self.wanted and table not in ("datastreams", "observations")
        ]
        return [*found, "datastreams"] if {"datastreams", "observations"} & set(self.wanted) else found

    def _call(self, step: Step) -> Call:
        if step.address:
            return Call(step.address, ACCEPT, is_small=True)
        options = self._options(step)
        query = "&".join(f"{name}={value}" for name, value in options.items() if value)
        return Call(f"{self.address}/{step.path}{'?' if query else ''}{query}", ACCEPT, is_small=True)

    def _options(self, step: Step) -> dict[str, str]:
        simpler = self.simpler[step.is_link]
        if simpler >= PLAIN or (step.is_link and step.set not in ("Observations", "Locations")):
            return {}
        if step.set == "Observations":
            order = {"$orderby": "phenomenonTime desc"}
            return {"$top": self._top(), **order} | ({} if simpler else {"$filter": self._since()})
        options = {"$top": str(self.size)}
        if simpler == 0 and not step.is_link:
            table = _TABLE_OF[step.set]
            options |= {"$select": self._select(table, self._columns(table)), "$expand": ",".join(self._expand(table))}
        return options

    def _select(self, table: str, columns: frozenset[str]) -> str:
        properties = {property_of(table, column) for column in columns} - set(LINKED) - {""}
        return ",".join(["id", *sorted(properties - {"id"})])

    def _expand(self, table: str) -> Iterator[str]:
        for link in self._links(table):
            yield f"{link}($select={self._select(LINKED[link], self._of_link(table, link))})"
        if table == "datastreams" and self._observes:
            columns = self.wanted["observations"]
            inner = {"$top": self._top(), "$orderby": "phenomenonTime desc", "$filter": self._since()}
            inner["$select"] = self._select("observations", columns | {"begin"})
            features = self._of_link("observations", "FeatureOfInterest")
            if features:
                inner["$expand"] = f"FeatureOfInterest($select={self._select('features-of-interest', features)})"
            yield f"Observations({';'.join(f'{name}={value}' for name, value in inner.items() if value)})"

    def _top(self) -> str:
        return str(min(self.size, MOST_INNER) if self.settings.days else self.settings.latest)

    def _since(self) -> str:
        return f"phenomenonTime ge {self._start:%Y-%m-%dT%H:%M:%SZ}" if self.settings.days else ""

    @property
    def _start(self) -> dt.datetime:
        midnight = dt.datetime.combine(self.today, dt.time(), dt.UTC)
        return midnight - dt.timedelta(days=self.settings.days)

    # ---- what mappings look at

    def _columns(self, table: str) -> frozenset[str]:
        """Give the columns of a table that are looked at, also from observations through their datastream."""
        own = self.wanted.get(table, frozenset())
        return own | self._of_link("observations", "Datastream") if table == "datastreams" else own

    def _of_link(self, table: str, link: str) -> frozenset[str]:
        """Give the columns of the entities that a link leads to."""
        columns = self.wanted.get(table, frozenset()) if table == "observations" else self._columns(table)
        prefix = f"{_singular(link)}_"
        return frozenset(column.removeprefix(prefix) for column in columns if column.startswith(prefix))

    def _links(self, table: str) -> list[str]:
        return [link for link in ENTITY_SETS[table].links if table != "observations" and self._of_link(table, link)]

    # ---- taking in

    def _take(self, found: Answer, base: str) -> None:
        """Note what has to be asked after an answer: more of the same first, then the links of its entities."""
        step, self.done = self.current, self.done + 1
        ids = [identity(entity) for entity in found.entities]
        seen = self.seen.setdefault(step.path, set())
        if ids and seen.issuperset(ids):
            raise InputError("harvest-repeats", address=base, number=self.done, same=self.done - 1)
        seen.update(ids)
        if step.is_link:
            self.seen = {path: kept for path, kept in self.seen.items() if path == step.path}
        if found.next and not self._has_enough(step, found, len(seen)):
            self.steps.appendleft(Step(step.path, self._pinned(found.next, base)))
        if not step.is_link:
            for entity in found.entities:
                self.steps.extend(self._missing(entity, step.set, base))

    def _has_enough(self, step: Step, found: Answer, number: int) -> bool:
        """Tell whether no more observations of a datastream are wanted: they come with the latest first."""
        if step.set != "Observations":
            return False
        if not self.settings.days:
            return number >= self.settings.latest
        times = [moment(entity.get("phenomenonTime")) for entity in found.entities]
        return number >= self.settings.most or not any(time is not None and time >= self._start for time in times)

    def _missing(self, entity: Entity, name: str, base: str) -> Iterator[Step]:
        """Give the steps for what an entity did not bring along."""
        if not identity(entity) or len(key(entity, name)) > LONGEST_KEY:
            return
        table = _TABLE_OF[name]
        for link in self._links(table):
            if link not in entity:
                yield Step(f"{key(entity, name)}/{link}")
        if table == "datastreams" and self._observes:
            following = entity.get(f"Observations{NEXT}")
            if "Observations" not in entity:
                yield Step(f"{key(entity, name)}/Observations")
            elif self.settings.days and isinstance(following, str) and following:
                yield Step(f"{key(entity, name)}/Observations", self._pinned(following, base))

    def _pinned(self, link: str, base: str) -> str:
        """Give the address of a further answer, which must be of the same server and below the service's address."""
        try:
            asked = urljoin(base, link)
            there, here = net.target(asked), (net.target(self.address), net.target(base))
            if here[0].scheme == "https" and there.scheme == "http" and there.port == 80:
                there = net.target(urlunsplit(("https", *urlsplit(asked)[1:])))
        except ValueError as error:
            raise InputError("harvest-elsewhere", page=base, address=link[:200], host=self.address) from error
        path = unquote(there.request.partition("?")[0])
        is_ours = there.origin in {target.origin for target in here} and ".." not in path.split("/")
        if not is_ours or not path.startswith(unquote(here[0].request).rstrip("/") + "/"):
            raise InputError("harvest-elsewhere", page=base, address=asked[:200], host=here[0].host)
        return there.address

    # ---- rows

    def rows(self, pages: Sequence[Page], bad: Bad, *, recorded: bool) -> Iterator[tuple[str, Row]]:
        """Give the rows of answers in the order in which they were asked for.

        ``recorded`` ones are files of which each says by itself what it is.
        """
        made = Rows(self, bad)
        self.current = self.steps.popleft() if self.steps else self.current
        for page in pages:
            found = answer(page.path, page.name)
            step = self.current
            if recorded:
                step = Step(set_of(found.entities) or step.set)
                if step.set not in _TABLE_OF:
                    raise InputError("live-no-service", page=page.name)
            yield from made.take(step, found)
            if not recorded:
                self._take(found, page.base)
                if self.steps:
                    self.current = self.steps.popleft()
        yield from made.rest()


class Rows:
    """The rows of answers: observations at once, everything else when all its links are known."""

    def __init__(self, service: Service, bad: Bad) -> None:
        """Take what is wanted, and who hears of entities that cannot be used."""
        self._service, self._bad = service, bad
        self._kept: dict[str, dict[str, list[dict[str, str | None]]]] = {}
        self._keys: dict[str, str] = {}
        self._given: dict[str, int] = {}
        self._numbers: Counter[str] = Counter()

    def take(self, step: Step, found: Answer) -> Iterator[tuple[str, Row]]:
        """Take in one answer."""
        if not step.is_link:
            table = _TABLE_OF[step.set]
            for entity in found.entities:
                if table == "observations":
                    yield from self._observations([entity], "")
                else:
                    yield from self._entity(table, step.set, entity)
            return
        owner = self._keys.get(step.path.rpartition("/")[0], "")
        if step.set == "Observations":
            yield from self._observations(found.entities, owner)
        elif owner:
            table = _TABLE_OF[step.path.partition("(")[0]]
            self._link(table, self._kept[table][owner], step.set, found.entities)

    def rest(self) -> Iterator[tuple[str, Row]]:
        """Give the rows that waited for their links."""
        number = 0
        for table, kept in self._kept.items():
            for rows in kept.values() if table in self._service.wanted else ():
                for values in rows:
                    number += 1
                    yield table, Row(number, values)

    def _entity(self, table: str, name: str, entity: Entity) -> Iterator[tuple[str, Row]]:
        columns = self._service._columns(table)
        values = self._values(entity, columns, name)
        if values is None:
            return
        if sum(map(len, self._kept.values())) >= MOST_ENTITIES:
            raise InputError("live-many-entities", address=self._service.address, limit=MOST_ENTITIES)
        one = identity(entity)
        rows = self._kept.setdefault(table, {})[one] = [values]
        self._keys[key(entity, name)] = one
        for link in self._service._links(table):
            found = entity.get(link)
            if found is not None:
                self._link(table, rows, link, found if isinstance(found, list) else [found])
        observations = entity.get("Observations")
        if table == "datastreams" and isinstance(observations, list) and self._service._observes:
            yield from self._observations([o for o in observations if isinstance(o, dict)], one)

    def _link(self, table: str, rows: list[dict[str, str | None]], link: str, entities: Sequence[Any]) -> None:
        """Add the columns of linked entities; where there are several, one row for each."""
        wanted = self._service._of_link(table, link)
        before = [dict(values) for values in rows]
        found = [self._values(e, wanted | {"iot_id"}, link) for e in entities if isinstance(e, dict)]
        good = [values for values in found if values is not None]
        columns = frozenset(f"{_singular(link)}_{column}" for column in wanted)
        rows[:] = [old | joined(values, _singular(link), columns) for old in before for values in good] or before

    def _observations(self, entities: Sequence[Entity], owner: str) -> Iterator[tuple[str, Row]]:
        """Give the rows of observations of one datastream, the latest first, as many as are wanted."""
        service = self._service
        settings, wanted = service.settings, service.wanted.get("observations", frozenset())
        most = settings.most if settings.days else settings.latest
        dated = [(moment(entity.get("phenomenonTime")), entity) for entity in entities]
        oldest = dt.datetime.min.replace(tzinfo=dt.UTC)
        for time, entity in sorted(dated, key=lambda pair: pair[0] or oldest, reverse=True):
            if owner and (self._given.get(owner, 0) >= most or (settings.days and (time or oldest) < service._start)):
                continue
            values = self._values(entity, wanted | {"iot_id"}, "Observations")
            if values is None:
                continue
            self._given[owner] = self._given.get(owner, 0) + 1
            for stream in self._kept.get("datastreams", {}).get(owner, [])[:1]:
                values |= joined(stream, "Datastream", wanted)
            feature = entity.get("FeatureOfInterest")
            if isinstance(feature, dict):
                inner = self._values(
                    feature, service._of_link("observations", "FeatureOfInterest"), "FeaturesOfInterest"
                )
                values |= joined(inner or {}, "FeatureOfInterest", wanted)
            yield "observations", Row(self._numbers["Observations"], values)

    def _values(self, entity: Entity, wanted: frozenset[str], name: str) -> dict[str, str | None] | None:
        self._numbers[name] += 1
        try:
            return row(entity, wanted, name, self._numbers[name])
        except InputError as error:
            self._bad(name, self._numbers[name], error.key, dict(error.params))
            return None


def _singular(link: str) -> str:
    return "Location" if link == "Locations" else link
