"""Timetables: only the city's part is taken, bad lines cost themselves alone, and hostile archives nothing at all."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pyoxigraph as ox
import pytest

from live_town import LiveTown, values
from portal import Answer, Portal
from stadtgraph.errors import InputError, NetworkError, RegistryError
from stadtgraph.links import Selections, find, load_rules
from stadtgraph.release import View
from stadtgraph.sources import Source, load_registry, read
from stadtgraph.sources.harvest import State
from stadtgraph.sources.live import archive, lines
from stadtgraph.sources.live.archive import Archive
from stadtgraph.sources.live.making import Making
from stadtgraph.sources.live.settings import GTFS_COLUMNS, Gtfs
from stadtgraph.sources.live.timetable import Timetable
from stadtgraph.store import OxigraphEngine
from stadtgraph.terms import Names
from timetables import BOX, MAPPINGS, TABLES, changed, packed

DATA = MAPPINGS.parent
PATH = "/gtfs.zip"


def register(town: LiveTown, where: str = 'file = "gtfs.zip"', settings: str = BOX, **more: str) -> None:
    """Register the timetable with all mappings that the project has."""
    town.register("gtfs", {table: MAPPINGS / name for table, name in TABLES.items()}, where, settings, **more)


def put(town: LiveTown, content: bytes) -> str:
    """Write the archive; give its path."""
    path = town.files / "gtfs.zip"
    path.write_bytes(content)
    return str(path)


def taken(town: LiveTown, files: Mapping[str, str] | None = None, settings: str = BOX) -> LiveTown:
    """Harvest a timetable from a file."""
    register(town, settings=settings)
    path = put(town, packed(files or changed()))
    assert town.harvest(path, source="live").state is State.LOADED
    return town


def test_only_what_lies_in_the_box_or_calls_there_is_taken(town: LiveTown) -> None:
    """Stops by their place, stations with what belongs to them, and the trips, routes and services that call there."""
    taken(town)
    assert town.members("#Stop") == {"id/stop/de:1", "id/stop/de:1:a", "id/stop/de:2", "id/stop/de:1:e"}
    assert town.members("#Trip") == {"id/trip/t1", "id/trip/t2", "id/trip/t3"}
    assert town.members("#Route") == {"id/route/r1", "id/route/r2"}
    assert town.members("#Agency") == {"id/agency/1", "id/agency/2"}
    assert len(town.members("#StopTime")) == 5
    assert town.members("#Service") == {"id/service-day/s1", "id/service-day/s2"}


@pytest.mark.parametrize("name", ["1", "Nahverkehr"])
def test_operators_are_chosen_by_id_or_name(town: LiveTown, name: str) -> None:
    """Their trips, wherever they call, and the stops and stations there."""
    taken(town, settings=f'agencies = ["{name}"]')
    assert town.members("#Trip") == {"id/trip/t1", "id/trip/t2"}
    assert town.members("#Route") == {"id/route/r1"}
    assert town.members("#Agency") == {"id/agency/1"}
    assert town.members("#Stop") == {"id/stop/de:1", "id/stop/de:1:a", "id/stop/de:2"}


def test_without_a_choice_everything_is_kept(town: LiveTown) -> None:
    """All stops, routes, trips and services, and all calls are counted."""
    taken(town, settings="")
    assert (len(town.members("#Stop")), len(town.members("#Route")), len(town.members("#Trip"))) == (5, 3, 4)
    assert ("id/route-at-stop/r3/de:9", "1") in values(town.graph(), "#calls")
    assert town.members("#Service") == {f"id/service-day/s{number}" for number in (1, 2, 3)}


def test_routes_at_stops_are_counted(town: LiveTown) -> None:
    """Each call of each trip of a route counts, only at kept stops."""
    taken(town)
    assert values(town.graph(), "#calls") == {
        ("id/route-at-stop/r1/de:1:a", "2"),
        ("id/route-at-stop/r1/de:2", "2"),
        ("id/route-at-stop/r2/de:2", "1"),
    }
    assert ("id/stop/de:2", "id/route/r1") in values(town.graph(), "#servedBy")


def test_state_and_validity_are_said_of_the_dataset(town: LiveTown) -> None:
    """From feed_info.txt: version, the day that it begins with, and from when until when it holds."""
    graph = taken(town).graph()
    assert values(graph, "dcat#version") == {("id/dataset/live", "20260102-3")}
    assert values(graph, "terms/issued") == {("id/dataset/live", "2026-01-02")}
    assert ("id/dataset/live", "id/period/live") in values(graph, "terms/temporal")
    assert ("id/period/live", "2026-12-31") in values(graph, "dcat#endDate")


def test_services_say_their_days(town: LiveTown) -> None:
    """Days of the week as truth values, exceptions with their day."""
    graph = taken(town).graph()
    assert values(graph, "#monday") == {("id/service-rule/s1", "true")}
    assert values(graph, "#sunday") == {("id/service-rule/s1", "false")}
    assert values(graph, "#dateAddition") == {
        ("id/service-rule/s1/20261225", "false"),
        ("id/service-rule/s2/20261226", "true"),
    }


def test_the_real_extract_gives_what_its_files_give(town: LiveTown, real_data: Path) -> None:
    """Stops, routes, trips and stop times of the archive are those of the four file sources of the registry."""
    extract = real_data / "gtfs_delfi_testauszug"
    tables = {table: MAPPINGS / TABLES[table] for table in ("stops", "routes", "trips", "stop-times")}
    town.register("gtfs", tables, 'file = "gtfs.zip"')
    path = put(town, packed({f.name: f.read_bytes() for f in sorted(extract.iterdir())}, folder="feed/"))
    report = town.harvest(path, source="live")
    registry = load_registry(DATA / "sources.toml")
    with town.city as city:
        names = city.names
    expected = set()
    for table in tables:
        source = registry[f"gtfs-{table}"]
        located = source.locate(real_data)
        assert located is not None
        expected |= set(read(source, located, names))
    assert len(expected) > 80
    assert town.graph() == expected
    assert report.quarantined == 0
    town.harvest(str(extract), source="live", confirm=True)  # a folder of files is as good as an archive
    assert town.graph() == expected


BAD_LINES = {
    "live-width": "de:3,Kurz\n",
    "live-quotes": '"de:3,Offen,50.9,11.6,0,\n',
    "live-empty-cell": ",Ohne Kennung,50.9,11.6,0,\n",
    "live-no-name": "../unit/a,Falsch,50.9,11.6,0,\n",
    "live-coordinates": "de:3,Fern,fünfzig,11.6,0,\n",
}


@pytest.mark.parametrize("key", BAD_LINES)
def test_a_bad_line_costs_itself_alone(town: LiveTown, key: str) -> None:
    """It is set aside with file and line, the others load."""
    stops = changed()["stops.txt"]
    good = taken(town).graph()
    report = town.harvest(put(town, packed(changed(stops=stops + BAD_LINES[key] + "\n"))), source="live")
    assert (report.quarantined, set(report.reasons)) == (1, {key})
    assert report.bad[0].name == "stops.txt:7"
    assert town.graph() == good
    assert any("stops.txt:7" in text for _, text in values(town.graph("quarantine/live"), "#reason"))
    with town.city as city:
        assert not any("quarantine" in iri for iri in city.releases.require_current().manifest(View.PUBLIC).graphs)


def test_a_value_that_is_not_text_is_set_aside(town: LiveTown) -> None:
    """A byte that is not UTF-8 costs the row that is kept."""
    register(town)
    stops = changed()["stops.txt"].encode() + b"de:4,M\xfcnchen,50.9,11.6,0,\n"
    report = town.harvest(put(town, packed({**changed(), "stops.txt": stops})), source="live")
    assert dict(report.reasons) == {"live-encoding": 1}


def test_a_feed_that_is_mostly_bad_changes_nothing(town: LiveTown) -> None:
    """That is another format, not a few mistakes."""
    before = taken(town).graph()
    stops = changed()["stops.txt"] + "de:5,Zu kurz\n" * 30
    with pytest.raises(InputError, match=r"stops\.txt"):
        town.harvest(put(town, packed(changed(stops=stops))), source="live")
    assert town.graph() == before


FAULTS: dict[str, tuple[str, bytes]] = {
    "a web page": ("live-no-archive", b"<html>Wartung</html>"),
    "an archive that is cut off": ("live-no-archive", packed()[:-200]),
    "an archive of something else": ("live-no-timetable", packed({"readme.md": "hello"})),
    "no stops": ("live-no-file", packed(changed(stops=None))),
    "no stop times": ("live-no-file", packed(changed(stop_times=None))),
    "a column is missing": ("live-no-column", packed(changed(stops="stop_name\nMarkt\n"))),
    "an empty file": ("live-header", packed(changed(stops=""))),
    "doubled columns": ("live-header", packed(changed(stops="stop_id,stop_id\n1,2\n"))),
    "packed otherwise": ("live-packed", packed(method=zipfile.ZIP_LZMA)),
    "nothing in the box": ("live-empty-box", packed(changed(stops="stop_id,stop_lat,stop_lon\nx,1,1\n"))),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_cannot_be_read_whole_changes_nothing(town: LiveTown, fault: str) -> None:
    """The error says what is wrong; the graph is the last good one."""
    key, content = FAULTS[fault]
    before = taken(town).graph()
    with pytest.raises(InputError) as error:
        town.harvest(put(town, content), source="live")
    assert error.value.key == key
    assert town.graph() == before


def test_a_damaged_file_in_an_archive_changes_nothing(town: LiveTown) -> None:
    """The checksum of the archive is looked at."""
    content = bytearray(packed(method=zipfile.ZIP_STORED))
    place = content.index(b"Bahnhof,50.91")
    content[place : place + 7] = b"Flughaf"
    register(town)
    with pytest.raises(InputError) as error:
        town.harvest(put(town, bytes(content)), source="live")
    assert error.value.key == "live-broken-file"


def test_archives_that_explode_are_refused(town: LiveTown, monkeypatch: pytest.MonkeyPatch) -> None:
    """By what a file becomes, by the number of files, by the size of their list, by two files of one name."""
    monkeypatch.setattr(archive, "RATIO_FROM", 1 << 20)
    register(town)
    bomb = packed(changed(stops=changed()["stops.txt"] + "\n" * (8 << 20)))
    many = packed({**changed(), **{f"{n}.bin": "" for n in range(1001)}})
    long = packed({**changed(), **{f"{n}{'x' * 60_000}": "" for n in range(20)}})
    double = io.BytesIO(packed())
    with zipfile.ZipFile(double, "a") as added:
        added.writestr("../../stops.txt", "stop_id\n")
    found = []
    for content in (bomb, many, long, double.getvalue()):
        with pytest.raises(InputError) as error:
            town.harvest(put(town, content), source="live")
        found.append(error.value.key)
    assert found == ["live-bomb", "live-many-files", "live-no-archive", "live-double-file"]
    assert not (town.files.parent / "stops.txt").exists()


def test_names_in_an_archive_lead_nowhere(town: LiveTown) -> None:
    """Folders in front of a name are ignored, whatever they are."""
    register(town)
    assert town.harvest(put(town, packed(folder="../../../etc/")), source="live").state is State.LOADED


def test_more_rows_than_agreed_are_an_error(town: LiveTown) -> None:
    """The message names the settings that choose less."""
    register(town, settings=f"{BOX}\nrows = 2")
    with pytest.raises(InputError, match="box") as error:
        town.harvest(put(town, packed()), source="live")
    assert error.value.key == "live-many-rows"


def test_an_endless_line_is_refused(town: LiveTown, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not held in memory."""
    monkeypatch.setattr(lines, "LONGEST", 1000)
    register(town)
    with pytest.raises(InputError) as error:
        town.harvest(put(town, packed(changed(stops="stop_id," + "x" * 2_200_000))), source="live")
    assert error.value.key == "live-long-line"


# ---- from an address


def test_an_archive_is_fetched_once_and_asked_for_changes(town: LiveTown, server: Portal) -> None:
    """With an ETag the second harvest costs one conditional request and makes no release."""
    register(town, f'address = "{server.address}{PATH}"')
    server.replies[PATH] = lambda headers, _: (
        Answer(status=304)
        if headers.get("If-None-Match") == '"1"'
        else Answer(packed(), "application/zip", headers={"ETag": '"1"'})
    )
    assert town.harvest().state is State.LOADED
    assert town.harvest().state is State.UNCHANGED
    assert server.asked[PATH] == 2
    assert server.headers[1]["If-None-Match"] == '"1"'
    assert not list((town.city_folder / "harvest").rglob("page-*"))


def test_build_treats_it_as_other_harvested_sources(town: LiveTown, server: Portal) -> None:
    """Only with --fetch; afterwards it is unchanged; what fails leaves the last good state."""
    register(town, f'address = "{server.address}{PATH}"')
    content = packed()
    server.replies[PATH] = Answer(content, "application/zip")
    with town.city as city:
        assert "live" in city.build(real_data=town.files).skipped
        assert "live" in city.build(real_data=town.files, fetch=True).loaded
        assert "live" in city.build(real_data=town.files, fetch=True).unchanged
        good = town.graph()
        server.replies[PATH] = Answer(content[:-300], "application/zip", length=len(content))
        report = city.build(real_data=town.files, fetch=True)
    assert report.failed == ["live"] and town.graph() == good


def test_an_archive_on_a_private_host_is_refused(town: LiveTown, server: Portal) -> None:
    """Nothing is sent there."""
    register(town, f'address = "http://localhost:{server.port}{PATH}"')
    with pytest.raises(NetworkError):
        town.harvest()
    assert not server.asked


def test_what_is_gone_gets_a_tombstone_but_not_trips(town: LiveTown) -> None:
    """Trips come and go with each timetable; a stop that is gone is news."""
    taken(town)
    stops = "".join(line for line in changed()["stops.txt"].splitlines(True) if not line.startswith("de:1:e"))
    trips = changed()["trips.txt"].replace("r2,s2,t3,Berlin,\n", "")
    report = town.harvest(put(town, packed(changed(stops=stops, trips=trips))), source="live", confirm=True)
    assert report.state is State.LOADED
    assert town.tombstones() == {"id/stop/de:1:e", "id/route/r2", "id/agency/2"}


def test_a_timetable_that_shrinks_is_held(town: LiveTown) -> None:
    """Until it is confirmed; the graph stays."""
    good = taken(town).graph()
    stops = "".join(line for line in changed()["stops.txt"].splitlines(True) if not line.startswith("de:1"))
    path = put(town, packed(changed(stops=stops)))
    assert town.harvest(path, source="live").state is State.HELD
    assert town.graph() == good
    assert town.harvest(path, source="live", confirm=True).state is State.LOADED
    assert town.members("#Stop") == {"id/stop/de:2"}


WRONG = {
    "box = [11.7, 50.8, 11.5, 51.0]": r"gtfs\.box",
    "box = [11.5, 50.8]": r"west, south, east, north",
    'agencies = "1"': r"gtfs\.agencies",
    "bocks = 1": r"gtfs\.box",
    "rows = 0": r"gtfs\.rows",
}


@pytest.mark.parametrize("setting", WRONG)
def test_wrong_settings_name_file_line_and_key(town: LiveTown, setting: str) -> None:
    """The nearest known key is named, or what is expected."""
    register(town, settings=setting)
    with pytest.raises(RegistryError, match=rf"sources\.toml:\d+.*{WRONG[setting]}"):
        town.harvest()


def test_wrong_tables_mappings_and_protocols_are_told(town: LiveTown) -> None:
    """A table that does not exist, no mapping at all, settings of another protocol, a mapping of the usual kind."""
    tables = {"stops": MAPPINGS / TABLES["stops"]}
    found = {}
    for name, change in {
        "stop = ": ("stops = ", "stop = "),
        "no mappings": ('stops = "gtfs-stops.rq"', ""),
        "other protocol": ('protocol = "gtfs"', 'protocol = "rdf"'),
        "mapping": ('kind = "harvest"', 'kind = "harvest"\nmapping = "gtfs-stops.rq"'),
        "kind": ('kind = "harvest"', 'kind = "managed"'),
    }.items():
        town.register("gtfs", tables, 'address = "https://verbund.example/gtfs.zip"')
        path = town.data / "sources.toml"
        head, mark, tail = path.read_text().partition("\n# live")
        path.write_text(head + mark + tail.replace(*change))
        with pytest.raises(RegistryError) as error:
            load_registry(path)
        found[name] = error.value.key
    assert found == {
        "stop = ": "sources-registry-key",
        "no mappings": "sources-registry-missing",
        "other protocol": "sources-registry-protocol",
        "mapping": "sources-registry-live",
        "kind": "sources-registry-harvest",
    }


def test_stops_are_placed_where_the_source_asks_for_it(town: LiveTown) -> None:
    """In the areas of the other sources."""
    (town.data / "areas.ttl").write_text(
        "@prefix geo: <http://www.opengis.net/ont/geosparql#> . @prefix dct: <http://purl.org/dc/terms/> .\n"
        "<id/ortsteil/a> a dct:Location ; dct:type <id/kind> ; geo:hasGeometry <id/geometry/a> .\n"
        '<id/geometry/a> geo:asWKT "POLYGON((11.59 50.89,11.605 50.89,11.605 50.905,11.59 50.905,11.59 50.89))"'
        "^^geo:wktLiteral .\n"
    )
    register(town, 'file = "gtfs.zip"\nplace = true')
    list_of = town.data / "sources.toml"
    entry = list_of.read_text().partition('[[source]]\nname = "trees"')[0]
    areas = entry.replace('"units"', '"areas"').replace("units.ttl", "areas.ttl") + "areas = true\n"
    list_of.write_text(areas + list_of.read_text())
    town.build()
    town.harvest(put(town, packed()), source="live")
    assert ("id/stop/de:1", "id/ortsteil/a") in values(town.graph(), "sfWithin")


def test_a_build_places_stops_in_the_areas_that_it_loads_itself(town: LiveTown, server: Portal) -> None:
    """Areas that moved in this build count in this build, though the timetable is as it was."""
    square = "POLYGON(({0} 50.89,{1} 50.89,{1} 50.905,{0} 50.905,{0} 50.89))"
    outline = (
        "@prefix geo: <http://www.opengis.net/ont/geosparql#> . @prefix dct: <http://purl.org/dc/terms/> .\n"
        "<id/ortsteil/a> a dct:Location ; dct:type <id/kind> ; geo:hasGeometry <id/geometry/a> .\n"
        '<id/geometry/a> geo:asWKT "AREA"^^geo:wktLiteral .\n'
    )
    register(town, f'address = "{server.address}{PATH}"\nplace = true')
    list_of = town.data / "sources.toml"
    entry = list_of.read_text().partition('[[source]]\nname = "trees"')[0]
    areas = entry.replace('"units"', '"areas"').replace("units.ttl", "areas.ttl") + "areas = true\n"
    list_of.write_text(areas + list_of.read_text())
    server.replies[PATH] = lambda headers, _: (
        Answer(status=304)
        if headers.get("If-None-Match") == '"1"'
        else Answer(packed(), "application/zip", headers={"ETag": '"1"'})
    )
    placed = ("id/stop/de:1", "id/ortsteil/a")
    for west, east, is_inside in ((12.5, 12.6, False), (11.59, 11.605, True), (12.5, 12.6, False)):
        (town.data / "areas.ttl").write_text(outline.replace("AREA", square.format(west, east)))
        with town.city as city:
            assert "live" in city.build(real_data=town.files, fetch=True).loaded
            assert "live" in city.build(real_data=town.files, fetch=True).unchanged
        assert server.headers[-1]["If-None-Match"] == '"1"'
        assert (placed in values(town.graph(), "sfWithin")) is is_inside


def test_operators_are_linked_to_the_organisations_of_the_register(tmp_path: Path) -> None:
    """By the link rule of the project, whatever the legal form or spelling that the timetable has."""
    names = Names()
    agencies = "agency_id,agency_name,agency_url,agency_timezone\n"
    agencies += "114,Jenaer Nahverkehr,https://x.example/,Europe/Berlin\n7,Fernbus,https://y.example/,Europe/Berlin\n"
    (tmp_path / "feed.zip").write_bytes(packed({"agency.txt": agencies}))
    entry = Source("live", {}, "utilities", "harvest", "public", mappings={"agencies": MAPPINGS / TABLES["agencies"]})
    with (
        Archive([tmp_path / "feed.zip"]) as files,
        closing(Making(entry, names, tmp_path / "quarantine.nt")) as making,
    ):
        making.check("agencies", GTFS_COLUMNS["agencies"])
        timetable = Timetable(files, frozenset(("agencies",)), Gtfs(), making.set_aside)
        made = list(making.triples(timetable.rows(), lambda _table: "agency.txt"))
    registers = [DATA / "registers" / "units.ttl", *sorted((DATA.parent / "ontology").glob("*.ttl"))]
    triples = (q.triple for path in registers for q in ox.parse(path=str(path), base_iri=names.base))
    engine = OxigraphEngine(tmp_path / "store", names, read_only=False)
    engine.store.extend(ox.Quad(*t, ox.DefaultGraph()) for t in (*made, *triples))
    (rule,) = (r for r in load_rules(DATA / "links", names.base) if r.iri.value.endswith("operator-organisation"))
    links = {(link.subject.value, link.object.value) for link in find(rule, Selections(engine))}
    engine.close()
    assert links == {(f"{names.base}id/agency/114", f"{names.base}id/unit/jnv")}
