"""SensorThings services: whatever one can or does, the graph is the old one or the new one whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

import things
from live_town import BASE, LiveTown, value, values
from portal import Answer, Portal
from stadtgraph.errors import InputError, MappingError, NetworkError, RegistryError
from stadtgraph.sources import load_registry, read
from stadtgraph.sources.harvest import State, fetching
from things import ALL, ROOT, Things, observation, stream
from timetables import MAPPINGS

TABLES = (
    "things",
    "locations",
    "sensors",
    "observed-properties",
    "features-of-interest",
    "datastreams",
    "observations",
)
SHIPPED = {table: MAPPINGS / "live" / f"sensorthings-{table}.rq" for table in TABLES}
ABILITIES = [ALL, ALL - {"$expand"}, ALL - {"$expand", "$filter"}, ALL - {"$select"}, frozenset({"$top"}), frozenset()]


@pytest.fixture
def service(server: Portal) -> Things:
    """A service that can all of the standard."""
    return Things(server, things.town())


@pytest.fixture
def live(town: LiveTown, service: Things) -> LiveTown:
    """The town with the service registered, all mappings that the project has."""
    register(town, service)
    return town


def register(town: LiveTown, service: Things, settings: str = "", harvest: str = "", **tables: Path) -> None:
    """Register the service."""
    where = f'address = "{service.server.address}{ROOT}"'
    town.register("sensorthings", tables or SHIPPED, where, settings, harvest)


def test_entities_become_platforms_sensors_properties_series_and_observations(live: LiveTown) -> None:
    """With their links, places and units."""
    report = live.harvest()
    graph = live.graph()
    assert report.state is State.LOADED and report.quarantined == 0
    assert live.members("sosa/Platform") == {"id/station/live-1"}
    assert live.members("sosa/Sensor") == {"id/sensor/live-a-1", "id/sensor/live-a-2"}
    assert live.members("sosa/ObservationCollection") == {f"id/collection/live-{k}" for k in ("m-1", "t-1", "t-2")}
    assert values(graph, "hasUnit") == {
        ("id/collection/live-m-1", "http://qudt.org/vocab/unit/KiloPA"),
        ("id/collection/live-t-1", "http://qudt.org/vocab/unit/DEG_C"),
    }
    assert ("id/collection/live-t-2", "sonstwas") in values(graph, "unitText")
    assert ("id/sensor/live-a-1", "id/property/live-1") in values(graph, "observes")
    assert ("id/geometry/live-1", "POINT(11.587 50.928)") in values(graph, "asWKT")
    assert values(graph, "closeMatch") == {("id/property/live-1", "https://example.org/moisture")}
    assert not [t for t in graph if value(t.object) == "No description"]


def test_the_latest_observation_of_each_series_is_taken(live: LiveTown) -> None:
    """With its result as it was written, its day, and its instant or period."""
    live.harvest()
    graph = live.graph()
    first, second = "id/observation/live-m-1-2", "id/observation/live-t-1-3"
    assert values(graph, "hasSimpleResult") == {(first, "11.25"), (second, "4")}
    assert values(graph, "ns#day") == {(first, "2026-01-02"), (second, "2026-01-02")}
    assert values(graph, "hasMember") == {("id/collection/live-m-1", first), ("id/collection/live-t-1", second)}
    assert values(graph, "hasFeatureOfInterest") == {(first, "id/feature/live-5"), (second, "id/feature/live-5")}
    assert values(graph, "hasEnd") == {("id/period/live-t-1-3", "id/instant/2026-01-02t01-00-00z")}


@pytest.mark.parametrize("able", ABILITIES, ids=lambda able: " ".join(sorted(able)) or "nothing")
@pytest.mark.parametrize("ignores", [False, True], ids=["refuses", "ignores"])
def test_a_service_that_can_less_gives_the_same(
    live: LiveTown, service: Things, able: frozenset[str], ignores: bool
) -> None:
    """Options that it refuses or passes over cost requests; only links of observations cannot be had then."""
    if ignores and "$top" in able and "$orderby" not in able:
        pytest.skip("a service that gives one observation in an order of its own cannot be seen through")
    live.harvest()
    expected = {t for t in live.graph() if not t.predicate.value.endswith("hasFeatureOfInterest")}
    service.able, service.ignores = able, ignores
    live.harvest()
    assert {t for t in live.graph() if not t.predicate.value.endswith("hasFeatureOfInterest")} == expected


def test_only_what_mappings_look_at_is_asked_for(town: LiveTown, service: Things) -> None:
    """One set with two properties: one request, which says so."""
    register(town, service, datastreams=MAPPINGS / "datenstroeme.rq")
    town.harvest()
    assert list(service.server.asked) == [f"{ROOT}/Datastreams?$top=100&$select=id,name"]


def test_answers_are_followed_page_by_page(live: LiveTown, service: Things) -> None:
    """However short the pages are."""
    live.harvest()
    expected = live.graph()
    service.page = 1
    live.harvest()
    assert live.graph() == expected
    assert any("$skip=2" in path for path in service.server.asked)


@pytest.mark.parametrize("able", [ALL, ALL - {"$expand"}, frozenset()], ids=["able", "no $expand", "unable"])
def test_a_window_of_days_takes_all_that_lies_in_it(town: LiveTown, service: Things, able: frozenset[str]) -> None:
    """Across pages of observations, never more than agreed of one series."""
    now = datetime.now(UTC)
    times = [f"{now - timedelta(hours=6 * n):%Y-%m-%dT%H:%M:%SZ}" for n in range(20)]
    service.sets["Observations"] = [observation(n, "m 1", time, n) for n, time in enumerate(times)]
    service.able, service.page = able, 3 if able else 100
    register(town, service, settings="days = 2")
    town.harvest()
    start = f"{now - timedelta(days=2):%Y-%m-%dT00:00:00Z}"
    assert len(town.members("sosa/Observation")) == sum(time >= start for time in times)
    register(town, service, settings="days = 2\nmost = 4")
    town.harvest()
    assert values(town.graph(), "hasSimpleResult") == {(f"id/observation/live-m-1-{n}", str(n)) for n in range(4)}


# ---- the recorded answer


def recorded(shared: Path) -> Path:
    """Give the recorded answer of the real service."""
    return shared / "realdata" / "jena" / "udp_sensorthings_datastreams_mock.json"


@pytest.mark.parametrize("page", [100, 30])
def test_the_recorded_answer_gives_live_what_it_gives_as_a_file(
    town: LiveTown, server: Portal, shared: Path, page: int
) -> None:
    """The 99 datastreams of crossing K440, in one answer or in pages, through the mapping of the file source."""
    service = Things(server, {"Datastreams": json.loads(recorded(shared).read_text())["value"]}, frozenset(), page)
    register(town, service, datastreams=MAPPINGS / "datenstroeme.rq")
    report = town.harvest()
    with town.city as city:
        source = load_registry(MAPPINGS.parent / "sources.toml")["datenstroeme"]
        expected = set(read(source, recorded(shared), city.names))
    assert report.loaded == 99 and len(expected) > 400
    assert town.graph() == expected


def test_a_recorded_answer_may_be_harvested_from_its_file(town: LiveTown, service: Things, shared: Path) -> None:
    """What it is, the links in it say."""
    register(town, service, datastreams=MAPPINGS / "datenstroeme.rq")
    town.harvest(str(recorded(shared)), source="live")
    with town.city as city:
        source = load_registry(MAPPINGS.parent / "sources.toml")["datenstroeme"]
        expected = set(read(source, recorded(shared), city.names))
    assert town.graph() == expected
    assert not service.server.asked


# ---- faults


def always(answer: Answer) -> object:
    """Give an answer again and again."""
    return lambda _path: answer


def endless(path: str) -> Answer:
    """Give one new datastream a page, for ever."""
    number = int(path.rpartition("skip=")[2]) if "skip=" in path else 0
    found = {"value": [stream(f"x{number}", "K", "a/1", 1)], "@iot.nextLink": f"Datastreams?$skip={number + 1}"}
    return Answer(json.dumps(found), "application/json")


def turning(path: str) -> Answer:
    """Give the same datastream on every page."""
    number = int(path.rpartition("skip=")[2]) if "skip=" in path else 0
    found = {"value": [stream("x", "K", "a/1", 1)], "@iot.nextLink": f"Datastreams?$skip={number + 1}"}
    return Answer(json.dumps(found), "application/json")


def leading(link: str) -> Answer:
    """Give an answer whose next one lies elsewhere."""
    return Answer(json.dumps({"value": [stream("x", "K", "a/1", 1)], "@iot.nextLink": link}), "application/json")


JSON = "application/json"
FAULTS: dict[str, tuple[object, str]] = {
    "an error": (always(Answer(status=500)), "net-status"),
    "forbidden": (always(Answer(status=403)), "net-status"),
    "too many requests for ever": (always(Answer(status=429, headers={"Retry-After": "7"})), "net-status"),
    "cut off by length": (always(Answer('{"value": [', JSON, length=500)), "net-cut"),
    "JSON cut off": (always(Answer('{"value": [{"@iot.id": 1}', JSON)), "sources-json"),
    "JSON twice": (always(Answer('{"value": []}{"value": []}', JSON)), "sources-json"),
    "deep JSON": (always(Answer('{"value": ' + "[" * 5000, JSON)), "sources-json-deep"),
    "a web page": (always(Answer("<html>Wartung</html>", "text/html")), "sources-json"),
    "another document": (always(Answer('{"message": "down"}', JSON)), "live-no-service"),
    "an empty answer": (always(Answer("", JSON)), "sources-json"),
    "endless pages": (endless, "harvest-endless"),
    "a page again": (turning, "harvest-repeats"),
    "a way to another host": (always(leading("http://example.org/v1.1/Datastreams?$skip=1")), "harvest-elsewhere"),
    "a way to this machine": (always(leading("http://localhost:22222/v1.1/Datastreams")), "harvest-elsewhere"),
    "a way to the cloud's data": (always(leading("http://169.254.169.254/v1.1/Datastreams")), "harvest-elsewhere"),
    "a way out of the service": (always(leading("/admin?$skip=1")), "harvest-elsewhere"),
    "a way up": (always(leading("/v1.1/%2e%2e/admin")), "harvest-elsewhere"),
    "no address": (always(leading("http://[")), "harvest-elsewhere"),
    "a file": (always(leading("file:///etc/passwd")), "harvest-elsewhere"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_leave_the_last_good_state(live: LiveTown, service: Things, fault: str) -> None:
    """The error says what is wrong; nothing was asked elsewhere."""
    live.harvest()
    good = live.graph()
    answer, key = FAULTS[fault]
    service.faults = {"/Datastreams": answer}  # type: ignore[dict-item]
    register(live, service, harvest="pages = 30")
    with pytest.raises((InputError, NetworkError)) as error:
        live.harvest()
    assert error.value.key == key
    assert live.graph() == good


def test_a_busy_service_is_asked_again_when_it_wants(live: LiveTown, service: Things, waits: list[float]) -> None:
    """Retry-After is kept, an error that passes is tried again."""
    service.faults = {"/Sensors": [Answer(status=429, headers={"Retry-After": "7"}), Answer(status=503)]}
    report = live.harvest()
    assert report.state is State.LOADED
    assert 7 in waits and len([note for note in report.notes if note.key == "harvest-again"]) == 2


def test_an_interrupted_harvest_goes_on_where_it_was(live: LiveTown, service: Things) -> None:
    """Answers that came are not asked for again, also where links are followed one by one."""
    service.able = ALL - {"$expand"}
    service.faults = {"Datastreams('t%201')/Sensor": always(Answer(status=500))}  # type: ignore[dict-item]
    service.faults = {"Datastreams('t 1')/Sensor": always(Answer(status=500))}  # type: ignore[dict-item]
    with pytest.raises(NetworkError):
        live.harvest()
    service.server.asked.clear()
    service.faults = {}
    report = live.harvest()
    assert report.state is State.LOADED
    assert not any("/Things?" in path or "'m%201'" in path for path in service.server.asked)
    resumed = live.graph()
    service.able = ALL
    live.harvest()
    assert {t for t in live.graph() if "hasFeature" not in t.predicate.value} == resumed


def test_an_empty_service_is_held_or_refused(live: LiveTown, service: Things) -> None:
    """At first there is nothing to take; later everything would be gone."""
    full = service.sets
    service.sets = {name: [] for name in full}
    with pytest.raises(InputError) as error:
        live.harvest()
    assert error.value.key == "live-empty"
    service.sets = full
    live.harvest()
    good = live.graph()
    service.sets = {name: [] for name in full}
    assert live.harvest().state is State.HELD
    assert live.graph() == good
    assert live.harvest(confirm=True).state is State.LOADED
    assert live.graph() == frozenset()


def test_what_is_gone_gets_a_tombstone_but_not_observations(live: LiveTown, service: Things) -> None:
    """A new observation takes the place of the last one without a word."""
    live.harvest()
    service.sets["Sensors"].append({"@iot.id": "b", "name": "Neu"})
    service.sets["Datastreams"] = service.sets["Datastreams"][:2]
    service.sets["Observations"].append(observation(4, "m 1", "2026-01-03T00:00:00Z", 12))
    report = live.harvest()
    assert (report.state, report.new, report.gone) == (State.LOADED, 1, 1)
    assert live.tombstones() == {"id/collection/live-t-2"}
    assert "id/observation/live-m-1-4" in live.members("sosa/Observation")
    assert live.harvest().state is State.UNCHANGED


def test_a_bad_entity_costs_itself_alone(live: LiveTown, service: Things) -> None:
    """One without an id, one whose place is none."""
    service.sets["Sensors"].append({"@iot.id": True, "name": "ohne"})
    service.sets["Locations"].append(
        {"@iot.id": 9, "name": "weit", "location": {"type": "Point", "coordinates": [1e9, 5]}}
    )
    report = live.harvest()
    assert (report.state, report.quarantined) == (State.LOADED, 2)
    assert len(live.members("sosa/Sensor")) == 2
    assert len(values(live.graph("quarantine/live"), "#reason")) == 4


def test_hostile_texts_stay_texts(live: LiveTown, service: Things) -> None:
    """Nothing of an answer becomes a part of a query, an address elsewhere, or another name."""
    nasty = '"}} INSERT DATA { <urn:x> <urn:y> <urn:z> } #\n\\'
    service.sets["Sensors"].append({"@iot.id": "../../unit/a?x=1#", "name": nasty, "description": "\ud800"})
    service.sets["Sensors"].append({"@iot.id": "c", "name": nasty})
    report = live.harvest()
    assert report.quarantined == 1
    assert ("id/sensor/live-c", nasty) in values(live.graph(), "label")
    assert all(value(t.subject).startswith(BASE) for t in live.graph())


def test_a_service_on_a_private_host_is_refused(town: LiveTown, service: Things) -> None:
    """Unless it is listed; nothing is sent there."""
    where = f'address = "http://localhost:{service.server.port}{ROOT}"'
    town.register("sensorthings", SHIPPED, where)
    with pytest.raises(NetworkError) as error:
        town.harvest()
    assert error.value.key == "net-private" and not service.server.asked


def test_a_service_is_asked_whether_anything_changed(live: LiveTown, service: Things) -> None:
    """Where it gives an ETag with every answer."""
    plain = service.reply

    def tagged(path: str, headers: dict[str, str], body: bytes) -> Answer:
        answer = plain(path, headers, body)
        tag = f'"{hash(answer.body)}"'
        return (
            Answer(status=304)
            if headers.get("If-None-Match") == tag
            else Answer(answer.body, JSON, answer.status, {"ETag": tag})
        )

    service.server.reply = tagged  # type: ignore[method-assign, assignment]
    assert live.harvest().state is State.LOADED
    service.server.headers.clear()
    assert live.harvest().state is State.UNCHANGED
    assert all("If-None-Match" in headers for headers in service.server.headers)


@pytest.mark.parametrize("setting", ["latest = -1", 'days = "7"', "lastest = 1", "most = 0"])
def test_wrong_settings_are_told_with_their_line(town: LiveTown, service: Things, setting: str) -> None:
    """File, line and key."""
    register(town, service, settings=setting)
    with pytest.raises(RegistryError, match=r"sources\.toml:\d+.*sensorthings\.\w+"):
        town.harvest()


def test_a_mapping_that_names_what_entities_never_have_is_told(town: LiveTown, service: Things, tmp_path: Path) -> None:
    """Before anything is asked."""
    wrong = tmp_path / "wrong.rq"
    wrong.write_text("CONSTRUCT { ?s rdfs:label ?nmae } WHERE { BIND(IRI(?iot_id) AS ?s) }")
    register(town, service, sensors=wrong)
    with pytest.raises(MappingError, match="nmae"):
        town.harvest()
    assert not service.server.asked


def test_a_row_that_a_mapping_fails_at_costs_itself_alone(town: LiveTown, service: Things, tmp_path: Path) -> None:
    """The others of its batch load."""
    mapping = tmp_path / "sensors.rq"
    mapping.write_text(
        "CONSTRUCT { ?s rdfs:label ?name ; rdfs:comment ?point }\n"
        'WHERE { BIND(IRI(?iot_id) AS ?s) BIND(sgf:point("1", "2", ?properties_epsg) AS ?point) }'
    )
    for number, sensor in enumerate(service.sets["Sensors"]):
        sensor["properties"] = {"epsg": "25832" if number else "neben"}
    register(town, service, sensors=mapping)
    report = town.harvest()
    assert (report.loaded, report.quarantined, set(report.reasons)) == (2, 1, {"sources-row-failed"})
    assert values(town.graph(), "label") == {("a/2", "Thermometer")}


@pytest.mark.parametrize(("bound", "key"), [("seconds = 1", "harvest-long"), ("bytes = 300", "harvest-large")])
def test_time_and_size_of_all_answers_are_bounded(
    town: LiveTown, service: Things, monkeypatch: pytest.MonkeyPatch, bound: str, key: str
) -> None:
    """Nothing changes then; what came before the time was up is not asked for again."""
    ticks = iter(range(1_000_000))
    if key == "harvest-long":
        monkeypatch.setattr(fetching, "time", Clock(ticks))
    register(town, service, harvest=bound)
    with pytest.raises((InputError, NetworkError)) as error:
        town.harvest()
    assert error.value.key == key
    assert town.graph() == frozenset()


class Clock:
    """A clock that goes on by a second each time one looks."""

    def __init__(self, ticks: Iterator[int]) -> None:
        self._ticks = ticks

    def monotonic(self) -> int:
        """Give the next second."""
        return next(self._ticks)

    def time(self) -> int:
        """Give no time at all."""
        return 0

    def sleep(self, seconds: float) -> None:
        """Do not wait."""


def test_a_date_to_come_back_at_is_understood() -> None:
    """Retry-After may be seconds or a date; nonsense is passed over."""
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert 25 < fetching._after(soon, 0) <= 30
    assert fetching._after("Thu, 01 Jan 1970 00:00:00 GMT", 0) == 0
    assert [fetching._after(text, 2) for text in ("7", "soon", "", "999999")] == [7, 4, 4, 999999]
