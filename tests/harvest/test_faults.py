"""Whatever a portal does, the source graph is the old one or the new one whole, and the report says what happened."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyoxigraph as ox
import pytest

from harvest_town import HarvestTown, dataset, page
from portal import Answer, Portal, packed, portal
from stadtgraph.errors import InputError, NetworkError
from stadtgraph.release import View
from stadtgraph.sources.harvest import HarvestReport, State, fetching

SIZE = 4
"""Datasets of one page."""
TURTLE_OF = {1: range(0, 4), 2: range(4, 8), 3: range(8, 12)}
Change = Callable[[Portal], None]


@pytest.fixture
def server() -> Iterator[Portal]:
    """A portal that is well: three pages of four datasets each, linked by Hydra."""
    with portal() as made:
        good(made)
        yield made


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits between requests, which are not waited for."""
    waited: list[float] = []
    monkeypatch.setattr(fetching.time, "sleep", waited.append)
    return waited


@pytest.fixture
def town(town: HarvestTown, server: Portal, waits: list[float]) -> HarvestTown:
    """The town, which may ask the portal on this machine and has harvested it once."""
    settings = town.city_folder / "stadtgraph.toml"
    settings.write_text(settings.read_text() + '\n[network]\nprivate = ["127.0.0.1"]\n')
    town.register(f'address = "{server.address}/catalogue"', more="pages = 20")
    assert harvest(town).state is State.LOADED
    waits.clear()
    server.asked.clear()
    return town


def harvest(town: HarvestTown, target: str = "portal", **options: bool) -> HarvestReport:
    """Harvest the portal."""
    with town.city as city:
        return city.harvest(target, **options)  # type: ignore[arg-type]


def hydra(server: Portal, number: int, word: str = "next", text: bool = False) -> str:
    """Give what a page says of the one after it: an IRI, or a text as ckanext-dcat writes it."""
    following = f"{server.address}/catalogue?page={number + 1}"
    value = f'"{following}"' if text else f"<{following}>"
    return f"<{server.address}/catalogue?page={number}> a hydra:PagedCollection ; hydra:{word} {value} ."


def address(number: int) -> str:
    """Give the path of a page."""
    return "/catalogue" if number == 1 else f"/catalogue?page={number}"


def body(server: Portal, number: int, more: str = "", last: int = 3) -> str:
    """Give a page."""
    return page(TURTLE_OF[number], more + (hydra(server, number) if number < last else ""))


def good(server: Portal, more: str = "") -> None:
    """Let the portal be well; ``more`` stands on the last page."""
    server.replies = {address(n): Answer(body(server, n, more if n == 3 else "")) for n in TURTLE_OF}


def with_page_3(answer: Callable[[str], Answer]) -> Change:
    """Change the third page."""

    def change(server: Portal) -> None:
        server.replies[address(3)] = answer(body(server, 3, dataset("new")))

    return change


def endless(server: Portal) -> None:
    """Let every page lead to a further one."""
    for n in range(1, 40):
        server.replies[address(n)] = Answer(page([f"e{n}"], hydra(server, n)))


def in_a_circle(server: Portal) -> None:
    """Let the last page lead to the second."""
    text = page(TURTLE_OF[3], hydra(server, 1).replace("page=1>", "page=3>"))
    server.replies[address(3)] = Answer(text)


def again_and_again(server: Portal) -> None:
    """Let the portal give the first page whatever page is asked for."""
    for n in range(1, 30):
        server.replies[address(n)] = Answer(body(server, 1))


def to_another_host(server: Portal) -> None:
    """Let the next page be elsewhere."""
    server.replies["/catalogue"] = Answer(page(TURTLE_OF[1], hydra(server, 1).replace("127.0.0.1", "localhost")))


def to_a_private_host(server: Portal) -> None:
    """Let the catalogue be redirected to a host of the inner network."""
    server.replies["/catalogue"] = Answer(status=302, headers={"Location": "http://169.254.169.254/latest"})


def a_bomb(server: Portal) -> None:
    """Let a page unfold to more than may come."""
    text = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><rdf:RDF>&b;</rdf:RDF>'
    server.replies["/catalogue"] = Answer(text, "application/rdf+xml")


FAULTS: dict[str, tuple[Change, str]] = {
    "500 for good": (with_page_3(lambda _: Answer(status=500)), "500"),
    "404": (with_page_3(lambda _: Answer(status=404)), "404"),
    "cut off, length known": (with_page_3(lambda t: Answer(t[:-200], length=len(t))), "broke off|broken|not readable"),
    "cut off, length unknown": (with_page_3(lambda t: Answer(iter([t[:-200].encode()]))), "page-00003.*line"),
    "bad Turtle": (with_page_3(lambda t: Answer(t + "<x> a ;")), "page-00003.*line"),
    "bad XML": (
        with_page_3(lambda _: Answer("<?xml version='1.0'?><rdf:RDF><a></b></rdf:RDF>", "application/rdf+xml")),
        "page-00003",
    ),
    "a web page": (with_page_3(lambda _: Answer("<!DOCTYPE html><html>Wartung</html>", "text/html")), "neither RDF"),
    "an empty answer": (with_page_3(lambda _: Answer("")), "neither RDF"),
    "packed and broken": (
        with_page_3(lambda t: Answer(packed(t).body[:-30], headers={"Content-Encoding": "gzip"})),  # type: ignore[index]
        "not readable|broke",
    ),
    "an unknown packing": (with_page_3(lambda t: Answer(t, headers={"Content-Encoding": "br"})), "br"),
    "endless pages": (endless, "more than 20 pages"),
    "pages in a circle": (in_a_circle, "leads back"),
    "a page repeating": (again_and_again, "same as page 1"),
    "the next page elsewhere": (to_another_host, "not on 127.0.0.1"),
    "a redirect inside": (to_a_private_host, "public Internet"),
    "an entity bomb": (a_bomb, "DOCTYPE|document type"),
    "a foreign JSON-LD context": (
        with_page_3(lambda _: Answer('{"@context": "https://evil.example/c.jsonld"}', "application/ld+json")),
        "context",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_leaves_the_old_state_and_is_told(fault: str, town: HarvestTown, server: Portal) -> None:
    """Not one triple of the pages before the fault has entered; the next good harvest has everything."""
    change, told = FAULTS[fault]
    before = town.contents()
    good(server, dataset("new"))
    change(server)
    with pytest.raises((NetworkError, InputError)) as caught:
        harvest(town)
    assert re.search(told, caught.value.text("en")), caught.value.text("en")
    assert caught.value.text("de") != caught.value.text("en")
    assert town.contents() == before
    good(server, dataset("new"))
    report = harvest(town)
    assert (report.state, report.records, report.new) == (State.LOADED, 13, 1)


def test_what_may_pass_is_tried_again_and_waited_for(town: HarvestTown, server: Portal, waits: list[float]) -> None:
    """Two 500s, then 503 with Retry-After, then the page; the report tells."""
    good(server, dataset("new"))
    third = server.replies[address(3)]
    assert isinstance(third, Answer)
    busy = Answer(status=503, headers={"Retry-After": "17"})
    server.replies[address(3)] = [Answer(status=500), Answer(status=500), busy, third]
    report = harvest(town)
    assert (report.state, report.new) == (State.LOADED, 1)
    assert [wait for wait in waits if wait] == [1.0, 2.0, 17.0]
    assert [note.key for note in report.notes] == ["harvest-again"] * 3


def test_an_interrupted_harvest_goes_on_where_it_was(town: HarvestTown, server: Portal) -> None:
    """The first pages are not asked for again."""
    good(server, dataset("new"))
    third = server.replies[address(3)]
    server.replies[address(3)] = Answer(status=500)
    with pytest.raises(NetworkError):
        harvest(town)
    server.replies[address(3)] = third
    server.asked.clear()
    report = harvest(town)
    assert (report.state, report.records) == (State.LOADED, 13) and server.asked == {address(3): 1}
    assert "harvest-resumed" in {note.key for note in report.notes}


def test_pages_do_not_stay_on_disk(town: HarvestTown) -> None:
    """They may name persons."""
    assert [path.name for path in (town.city_folder / "harvest" / "portal").iterdir()] == ["state.json"]


def test_a_server_is_asked_whether_anything_changed(town: HarvestTown, server: Portal) -> None:
    """Every page by its ETag; nothing is read, nothing sealed. When one page changes, all are read."""
    pages = {address(n): body(server, n) for n in TURTLE_OF}

    def reply(text: str) -> Callable[..., Answer]:
        tag = f'"{hash(text)}"'
        return lambda headers, _: (
            Answer(status=304) if headers["If-None-Match"] == tag else Answer(text, headers={"ETag": tag})
        )

    server.replies = {path: reply(text) for path, text in pages.items()}
    assert harvest(town).state is State.UNCHANGED
    server.headers.clear()
    assert harvest(town).state is State.UNCHANGED
    assert [bool(headers["If-None-Match"]) for headers in server.headers] == [True] * 3
    server.replies[address(3)] = reply(body(server, 3, dataset("new")))
    assert harvest(town).new == 1


def tagged(server: Portal, tag: str = '"1"') -> None:
    """Let the pages of the portal have ETags."""

    def reply(text: bytes | str | Iterator[bytes]) -> Callable[..., Answer]:
        known = Answer(status=304)
        return lambda headers, _: known if headers["If-None-Match"] == tag else Answer(text, headers={"ETag": tag})

    server.replies = {path: reply(a.body) for path, a in server.replies.items() if isinstance(a, Answer)}


def test_the_very_first_harvest_of_a_city_is_remembered(town: HarvestTown, server: Portal) -> None:
    """Although there was no release yet when the pages were asked for."""
    shutil.rmtree(town.city_folder / "releases")
    shutil.rmtree(town.city_folder / "harvest")
    (town.city_folder / "current").unlink()
    tagged(server)
    assert harvest(town).state is State.LOADED
    server.headers.clear()
    assert harvest(town).state is State.UNCHANGED
    assert [headers["If-None-Match"] for headers in server.headers] == ['"1"'] * 3


def test_a_build_harvests_by_the_units_that_it_loads_itself(town: HarvestTown, server: Portal) -> None:
    """A publisher whose unit gets its name in this build is known in this build, though the pages are as they were."""
    tagged(server)
    with town.city as city:
        city.build(real_data=town.files, fetch=True)
        assert "portal" in city.build(real_data=town.files, fetch=True).unchanged
    kinds = "@prefix org: <http://www.w3.org/ns/org#> . @prefix skos: <http://www.w3.org/2004/02/skos/core#> .\n"
    unit = '<id/unit/portal> a org:OrganizationalUnit ; skos:prefLabel "Portalamt"@de .\n'
    units = town.data / "units.ttl"
    units.write_text(kinds + units.read_text() + unit)
    with town.city as city:
        report = city.build(real_data=town.files, fetch=True)
    assert {"units", "portal"} <= set(report.loaded)
    (done,) = report.harvests
    assert done.matched == {"https://portal.example/org": "https://town.example/id/unit/portal"}
    with town.city as city:
        assert "portal" in city.build(real_data=town.files, fetch=True).unchanged
        assert city.harvest("portal").state is State.UNCHANGED


LATER = Answer(status=503, headers={"Retry-After": "7200"})


def test_a_server_that_asks_for_a_long_pause_gets_it(
    town: HarvestTown, server: Portal, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The harvest ends and says when to come again; until then nothing is asked, then it goes on where it was."""
    good(server, dataset("new"))
    third = server.replies[address(3)]
    server.replies[address(3)] = LATER
    now = time.time()
    monkeypatch.setattr(fetching.time, "time", lambda: now)
    with pytest.raises(NetworkError) as told:
        harvest(town)
    assert told.value.key == "harvest-later" and server.asked[address(3)] == 1 and not any(waits)
    again = f"{datetime.fromtimestamp(now + 7200, UTC):%Y-%m-%d %H:%M}"
    assert again in told.value.text("en") and again in told.value.text("de")
    server.asked.clear()
    now += 7100
    with pytest.raises(NetworkError) as told:
        harvest(town)
    assert told.value.key == "harvest-later" and again in told.value.text("en") and not server.asked
    now += 200
    server.replies[address(3)] = third
    report = harvest(town)
    assert (report.state, report.new) == (State.LOADED, 1) and server.asked == {address(3): 1}
    assert [path.name for path in (town.city_folder / "harvest" / "portal").iterdir()] == ["state.json"]


def test_a_long_pause_may_be_waited_for(town: HarvestTown, server: Portal, waits: list[float]) -> None:
    """As long as the source says."""
    town.register(f'address = "{server.address}/catalogue"', more="wait = 7200")
    good(server, dataset("new"))
    first = server.replies[address(1)]
    assert isinstance(first, Answer)
    server.replies[address(1)] = [LATER, first]
    assert harvest(town).new == 1
    assert [wait for wait in waits if wait] == [7200.0]


def test_a_pause_that_is_longer_than_the_whole_fetching_may_last_ends_it(town: HarvestTown, server: Portal) -> None:
    """Whatever the source says of waiting."""
    town.register(f'address = "{server.address}/catalogue"', more="wait = 86400\nseconds = 7000")
    server.replies[address(1)] = LATER
    with pytest.raises(NetworkError) as told:
        harvest(town)
    assert told.value.key == "harvest-later"


@pytest.mark.parametrize("after", ["999999", "Fri, 01 Jan 2999 00:00:00 GMT"])
def test_no_server_shuts_out_a_harvest_for_more_than_a_day(
    after: str, town: HarvestTown, server: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a day it is asked again."""
    page = server.replies[address(1)]
    server.replies[address(1)] = Answer(status=429, headers={"Retry-After": after})
    now = time.time()
    monkeypatch.setattr(fetching.time, "time", lambda: now)
    with pytest.raises(NetworkError):
        harvest(town)
    now += 24 * 3600 + 1
    server.replies[address(1)] = page
    assert harvest(town).state is State.UNCHANGED


def test_a_build_goes_on_while_a_server_wants_its_pause(town: HarvestTown, server: Portal) -> None:
    """Its catalogue stays as it was; the line says when to come again."""
    server.replies[address(1)] = LATER
    said: list[str] = []
    with town.city as city:
        report = city.build(real_data=town.files, fetch=True, say=said.append)
    assert report.failed == ["portal"] and "units" in report.loaded and len(town.datasets()) == 12
    assert any("UTC" in line for line in said)


def test_nothing_is_asked_by_what_another_release_was_made_from(town: HarvestTown, server: Portal) -> None:
    """After a rollback the catalogue is read again."""
    tagged = {p: Answer(a.body, headers={"ETag": '"1"'}) for p, a in server.replies.items() if isinstance(a, Answer)}
    server.replies = dict(tagged)
    with town.city as city:
        first = city.releases.require_current().id
    server.replies[address(3)] = Answer(body(server, 3, dataset("new")), headers={"ETag": '"2"'})
    harvest(town)
    with town.city as city:
        city.rollback(first)
    server.headers.clear()
    assert harvest(town).new == 1
    assert not any(headers["If-None-Match"] for headers in server.headers)


@pytest.mark.parametrize("kind", ["text/html", "application/octet-stream", "application/rdf+xml"])
def test_a_wrong_content_type_is_told(kind: str, town: HarvestTown, server: Portal) -> None:
    """What the bytes say holds."""
    server.replies[address(3)] = Answer(body(server, 3, dataset("new")), kind)
    report = harvest(town)
    assert report.new == 1 and [note.key for note in report.notes] == ["harvest-announced"]
    assert kind in report.text("de") and kind in report.text("en")


def test_packed_and_redirected_pages_are_read(town: HarvestTown, server: Portal) -> None:
    """Each hop is checked as the first address is."""
    server.replies["/elsewhere"] = packed(body(server, 3, dataset("new")))
    server.replies[address(3)] = Answer(status=302, headers={"Location": "/elsewhere"})
    assert harvest(town).new == 1


@pytest.mark.parametrize("text", [True, False], ids=["text", "iri"])
@pytest.mark.parametrize("word", ["next", "nextPage"])
def test_pages_are_linked_by_either_generation_of_hydra(
    word: str, text: bool, town: HarvestTown, server: Portal
) -> None:
    """As IRIs or as texts."""
    more = {1: "", 2: "", 3: dataset("new")}
    for n in TURTLE_OF:
        links = hydra(server, n, word, text) if n < 3 else ""
        server.replies[address(n)] = Answer(page(TURTLE_OF[n], more[n] + links))
    report = harvest(town)
    assert (report.pages, report.records) == (3, 13)
    assert not any("hydra" in str(t) for t in town.contents()["https://town.example/graph/source/portal"])


def test_an_empty_catalogue_is_held(town: HarvestTown, server: Portal) -> None:
    """Most likely it is the portal that is broken."""
    before = town.contents()
    server.replies["/catalogue"] = Answer(page([]))
    assert harvest(town).state is State.HELD and town.contents() == before
    assert harvest(town, confirm=True).gone == 12


def test_a_page_larger_than_agreed_ends_the_harvest(
    town: HarvestTown, server: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is read to disk in blocks, and no further than the bound."""
    monkeypatch.setattr(fetching, "MOST", 1 << 20)

    def flood() -> Iterator[bytes]:
        for _ in range(400):
            yield b"# " + b"x" * 10_000 + b"\n"

    before = town.contents()
    server.replies["/catalogue"] = Answer(flood())
    with pytest.raises(NetworkError, match="more than"):
        harvest(town)
    assert town.contents() == before


RDF_XML = '<?xml version="1.0"?><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:d="urn:d:">'
HUGE = {
    "application/rdf+xml": (f'{RDF_XML}<rdf:Description rdf:about="urn:x"><d:t>', 40, "more than 16 MiB"),
    "text/turtle": ('<urn:x> <urn:d:t> """', 40, "more than 16 MiB"),
    "application/n-triples": ('<urn:x> <urn:d:t> "', 40, "more than 16 MiB"),
    "application/ld+json": ('{"@id": "urn:x", "urn:d:t": "', 80, "larger than 64 MiB"),
}


@pytest.mark.parametrize("kind", HUGE)
def test_a_huge_text_ends_the_harvest_without_being_held(kind: str, town: HarvestTown, server: Portal) -> None:
    """A literal of 40 MB and more: neither parser has to hold it, whatever the format."""
    before = town.contents()
    head, size, told = HUGE[kind]
    server.replies["/catalogue"] = Answer(iter([head.encode(), *[b"x" * (1 << 20)] * size]), kind)
    with pytest.raises(InputError, match=told):
        harvest(town)
    assert town.contents() == before


MEASURE = """
import json, re, sys
from pathlib import Path
from stadtgraph.sources.harvest import Page, Taking
from stadtgraph.terms import Names
taken = Taking("portal", Names("https://town.example/"), Path(sys.argv[2])).take([Page(Path(sys.argv[1]), "urn:x")])
reasons = [reason.key for bad in taken.bad for reason in bad.reasons]
peak = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())
print(json.dumps([taken.loaded, reasons, int(peak[1]) // 1024]))
"""


@pytest.mark.slow
def test_a_record_of_a_gigabyte_costs_itself_alone(tmp_path: Path) -> None:
    """A million statements of one dataset beside a good one: it is set aside, within half a gigabyte of memory."""
    kind = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <http://www.w3.org/ns/dcat#Dataset> .\n"
    file, filler = tmp_path / "catalogue.nt", "x" * 970
    with file.open("w") as out:
        for node in ("<urn:good>", "<urn:huge>"):
            out.write(f'{node} {kind}{node} <http://purl.org/dc/terms/title> "Titel" .\n')
        for number in range(1_080_000):
            out.write(f'<urn:huge> <urn:says> "{number} {filler}" .\n')
    assert file.stat().st_size > 1 << 30
    call = [sys.executable, "-c", MEASURE, str(file), str(tmp_path / "work")]
    done = subprocess.run(call, check=True, capture_output=True, text=True, timeout=1200)
    loaded, reasons, peak = json.loads(done.stdout)
    assert (loaded, reasons) == (1, ["harvest-large-record"]) and peak < 512


def test_a_build_fetches_registered_catalogues_and_goes_on_when_one_fails(town: HarvestTown, server: Portal) -> None:
    """The others are loaded; the report names the one that failed."""
    server.replies["/catalogue"] = Answer(status=404)
    with town.city as city:
        report = city.build(real_data=town.files, fetch=True)
    assert report.failed == ["portal"] and "units" in report.loaded and len(town.datasets()) == 12
    good(server, dataset("new"))
    with town.city as city:
        report = city.build(real_data=town.files, fetch=True)
    assert report.loaded == ["portal"] and len(town.datasets()) == 13


def test_ckan_is_harvested_page_by_page(town: HarvestTown, server: Portal) -> None:
    """Packages become datasets; names of persons do not; a package that is none costs itself alone."""
    packages = [_package(n) for n in range(5)]
    packages[3] = {"title": "ohne Kennung"}
    for start in (0, 2, 4):
        result = {"count": 5, "results": packages[start : start + 2]}
        text = json.dumps({"success": True, "result": result})
        path = f"/api/3/action/package_search?rows=2&start={start}&sort=id+asc"
        server.replies[path] = Answer(text, "application/json")
    town.register(f'address = "{server.address}/api/3"', more="size = 2\nshrink = 1")
    report = harvest(town)
    assert (report.pages, report.loaded, report.quarantined) == (3, 4, 1)
    graph = {str(t) for t in town.contents()["https://town.example/graph/source/portal"]}
    assert any("http://dcat-ap.de/def/licenses/dl-by-de/2.0" in text for text in graph)
    assert any("file-type/CSV" in text for text in graph)
    assert any('"Umweltamt"' in text for text in graph) and any("opendata@x.example" in text for text in graph)
    everything = "".join(str(t) for triples in town.contents(View.INTERNAL).values() for t in triples)
    assert "Muster" not in everything


def test_a_ckan_that_ends_too_early_changes_nothing(town: HarvestTown, server: Portal) -> None:
    """It counts ten packages and gives three."""
    text = json.dumps({"success": True, "result": {"count": 10, "results": [_package(n) for n in range(3)]}})
    server.replies["/api/3/action/package_search?rows=5&start=0&sort=id+asc"] = Answer(text, "application/json")
    town.register(f'address = "{server.address}/api/3"', more="size = 5")
    before = town.contents()
    with pytest.raises(InputError, match="3 of 10"):
        harvest(town)
    assert town.contents() == before


def _package(number: int) -> dict[str, object]:
    resource = {"id": f"r{number}", "name": "Tabelle", "url": f"https://x.example/{number}.csv", "format": "csv"}
    return {
        "id": f"id-{number}",
        "title": f"Paket {number}",
        "notes": "Eine Beschreibung",
        "license_id": "dl-de-by-2.0",
        "maintainer": "Erika Muster",
        "maintainer_email": "opendata@x.example",
        "metadata_modified": "2024-01-01T10:00:00.123",
        "organization": {"id": "amt", "title": "Umweltamt"},
        "resources": [resource | {"size": 12}],
        "tags": [{"name": "Umwelt"}],
    }


def test_a_sparql_endpoint_is_harvested_in_slices(town: HarvestTown, server: Portal) -> None:
    """The endpoint is a real engine over the same catalogue; it comes out as it does from the document."""
    store = ox.Store()
    store.load(page(range(7)).encode(), ox.RdfFormat.TURTLE)

    def reply(_headers: object, body: bytes) -> Answer:
        query = urllib.parse.parse_qs(body.decode())["query"][0]
        found = store.query(query)
        if isinstance(found, ox.QuerySolutions):
            text = found.serialize(format=ox.QueryResultsFormat.JSON)
            return Answer(text or b"", "application/sparql-results+json")
        assert isinstance(found, ox.QueryTriples)
        return Answer(found.serialize(format=ox.RdfFormat.N_TRIPLES) or b"", "application/n-triples")

    server.replies["/sparql"] = reply
    town.register(f'address = "{server.address}/sparql"', more="size = 3\nshrink = 1")
    report = harvest(town)
    assert (report.records, report.loaded) == (7, 7) and town.datasets() == [str(n) for n in range(7)]
    graph = town.contents()["https://town.example/graph/source/portal"]
    assert sum(t.predicate.value.endswith("contactPoint") for t in graph) == 7
    assert sum(t.predicate.value.endswith("hasEmail") for t in graph) == 7


def test_json_ld_is_harvested_and_a_bad_record_set_aside(town: HarvestTown, tmp_path: Path) -> None:
    """The parser would leave the bad identifier out without a word."""
    record = {"@type": "Dataset", "title": "T", "description": "D", "publisher": "https://x.example/org"}
    graph = [record | {"@id": "https://x.example/1"}, record | {"@id": "https://x.example/a b"}]
    file = tmp_path / "pages.jsonld"
    file.write_text(json.dumps({"@context": "https://w3id.org/dcat-ap/context", "@graph": graph}))
    report = harvest(town, str(file))
    assert (report.loaded, report.quarantined) == (1, 1)
    assert {note.key for note in report.notes} == {"harvest-known-context"}


def test_a_bad_line_of_n_triples_costs_its_record(town: HarvestTown, tmp_path: Path) -> None:
    """The lines after it are read."""
    triples = [q.triple for q in ox.parse(page(range(3)), ox.RdfFormat.TURTLE)]
    lines = ox.serialize(triples, format=ox.RdfFormat.N_TRIPLES)
    assert lines is not None
    bad = b'<https://portal.example/dataset/1> <urn:p> "x"@de_ .\n'
    head, _, tail = lines.partition(b"\n")
    file = tmp_path / "dump.nt"
    file.write_bytes(head + b"\n" + bad + b"this is nothing\n" + tail)
    report = harvest(town, str(file))
    assert (report.loaded, report.quarantined) == (2, 2)
    assert town.quarantine("dump") == ["https://portal.example/dataset/1", "https://town.example/#line3"]
