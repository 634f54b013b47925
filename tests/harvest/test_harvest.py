"""A catalogue comes into its graph record by record, and what does not fit is told, kept apart or held."""

from __future__ import annotations

import json
from pathlib import Path

import pyoxigraph as ox
import pytest

from harvest_town import CATALOGUE, PREFIXES, HarvestTown, dataset, page
from stadtgraph.cli import main
from stadtgraph.errors import InputError, UsageError
from stadtgraph.release import View
from stadtgraph.sources.harvest import HarvestReport, State

GRAPH = "https://town.example/graph/"
PERSON = ' ; dct:creator [ a foaf:Person ; foaf:name "Erika Muster" ; foaf:mbox <mailto:e.muster@x.example> ]'
UNITS = """
@prefix org: <http://www.w3.org/ns/org#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix ex: <https://town.example/ns#> .
<id/unit/portal> a org:OrganizationalUnit , ex:Unit ; skos:prefLabel "Portalamt"@de ; ex:name "Portalamt" .
"""


def harvest(town: HarvestTown, text: str | None = None, target: str = "portal", **options: bool) -> HarvestReport:
    """Write the catalogue and harvest it."""
    if text is not None:
        town.page.write_text(text)
    with town.city as city:
        return city.harvest(target, **options)  # type: ignore[arg-type]


@pytest.fixture
def portal(town: HarvestTown) -> HarvestTown:
    """The town with ten datasets harvested."""
    town.register(f'path = "{town.page.name}"')
    town.page = town.data / town.page.name
    assert harvest(town, page(range(10))).state is State.LOADED
    return town


def test_a_catalogue_is_harvested(portal: HarvestTown) -> None:
    """Ten records; formats repaired, blank nodes named, literals as written."""
    contents = portal.contents()
    assert portal.datasets() == [str(n) for n in range(10)]
    formats = {t.object for t in contents[f"{GRAPH}source/portal"] if t.predicate.value.endswith("terms/format")}
    assert formats == {ox.NamedNode("http://publications.europa.eu/resource/authority/file-type/CSV")}
    assert len(contents[f"{GRAPH}written/portal"]) == 10  # sizes as xsd:nonNegativeInteger
    assert len(contents[f"{GRAPH}written/repairs/portal"]) == 10  # formats as they came
    assert not any(isinstance(t.subject, ox.BlankNode) for t in contents[f"{GRAPH}source/portal"])


def test_originals_of_repairs_are_no_part_of_the_merge(portal: HarvestTown) -> None:
    """A query sees the repaired format alone."""
    with portal.city as city:
        rows = list(city.query("SELECT DISTINCT ?f { ?d <http://purl.org/dc/terms/format> ?f }"))
    assert len(rows) == 1


def test_what_did_not_change_makes_no_release(portal: HarvestTown) -> None:
    """Neither the same bytes nor other bytes with the same meaning."""
    before = portal.contents()
    assert harvest(portal).state is State.UNCHANGED
    report = harvest(portal, page(reversed(range(10))))
    assert report.release is None or portal.contents() == before


def test_a_dry_run_changes_nothing(portal: HarvestTown) -> None:
    """It tells what would happen."""
    before = portal.contents()
    report = harvest(portal, page(range(11)), dry_run=True)
    assert (report.state, report.new, report.release) == (State.DRY_RUN, 1, None)
    assert portal.contents() == before


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (' ; dct:modified "gestern"^^xsd:date', "no http://www.w3.org/2001/xmlschema#date"),
        (" ; dct:relation <https://[x.example>", "no iri"),
        (' ; <urn:p> "a\\u0000b"', ""),
    ],
)
def test_a_bad_value_costs_its_record_alone(more: str, reason: str, portal: HarvestTown) -> None:
    """The other records load, the publisher that they share too."""
    report = harvest(portal, page(range(10), dataset("bad", more)))
    assert (report.loaded, report.quarantined) == (10, 1) and portal.datasets() == [str(n) for n in range(10)]
    assert portal.quarantine() == ["https://portal.example/dataset/bad"]
    assert reason in report.bad[0].reasons[0].text().lower()


def test_a_record_that_violates_a_shape_is_set_aside(portal: HarvestTown) -> None:
    """Shapes are asked of each record by itself; quarantine is restricted and says why in both languages."""
    bad = dataset("bad").replace(' ; dct:description "Eine Beschreibung"@de', "")
    bad += dataset("untitled").replace('dct:title "Datensatz untitled"@de ;', "")
    report = harvest(portal, page(range(10), bad))
    assert (report.loaded, report.quarantined) == (10, 2)
    assert portal.quarantine() == [f"https://portal.example/dataset/{n}" for n in ("bad", "untitled")]
    public = portal.contents(View.PUBLIC)
    assert not any("quarantine" in graph for graph in public)
    texts = {str(t.object) for t in portal.all_contents()[f"{GRAPH}quarantine/portal"]}
    assert '"Beschreibung fehlt."@de' in texts and '"A description is missing."@en' in texts
    assert any("portal.example/dataset/bad/csv" in text for text in texts)
    repaired = harvest(portal, page(range(10)))
    assert repaired.quarantined == 0 and f"{GRAPH}quarantine/portal" not in portal.all_contents()


def test_a_shared_node_loads_with_a_good_record_though_a_bad_one_came_first(town: HarvestTown) -> None:
    """The bad record is the first that names the publisher."""
    town.register(f'path = "{town.page.name}"')
    town.page = town.data / town.page.name
    first = dataset("bad").replace(' ; dct:description "Eine Beschreibung"@de', "")
    text = PREFIXES + first + dataset(1) + "<https://portal.example/org> foaf:name 'Portalamt' ."
    assert harvest(town, text).quarantined == 1
    assert any(getattr(t.object, "value", "") == "Portalamt" for t in town.contents()[f"{GRAPH}source/portal"])


def test_a_catalogue_that_shrinks_is_held_until_confirmed(portal: HarvestTown) -> None:
    """More than a fifth would vanish; then tombstones tell which did."""
    before = portal.contents()
    report = harvest(portal, page(range(7)))
    assert (report.state, report.gone) == (State.HELD, 3) and portal.contents() == before
    report = harvest(portal, page(range(7)), confirm=True)
    assert (report.state, report.gone) == (State.LOADED, 3)
    assert portal.tombstones() == [f"https://portal.example/dataset/{n}" for n in (7, 8, 9)]
    assert portal.datasets() == [str(n) for n in range(7)]


def test_a_fifth_may_vanish_unasked(portal: HarvestTown) -> None:
    """Eight of ten stay."""
    assert harvest(portal, page(range(8))).state is State.LOADED
    assert len(portal.tombstones()) == 2


def test_an_empty_catalogue_is_held(portal: HarvestTown) -> None:
    """It is most likely a fault of the portal."""
    before = portal.contents()
    assert harvest(portal, page([])).state is State.HELD and portal.contents() == before


def test_a_first_harvest_without_a_record_is_an_error(town: HarvestTown) -> None:
    """Nothing is sealed."""
    town.register(f'path = "{town.page.name}"')
    town.page = town.data / town.page.name
    with pytest.raises(InputError, match="holds no record"):
        harvest(town, page([]))
    with town.city as city:
        assert city.releases.current() is None


def test_persons_do_not_enter(portal: HarvestTown) -> None:
    """Name and mailbox of a person, a personal mailbox in a text, a contact called after a person; all counted."""
    contact = ' ; dcat:contactPoint [ vcard:fn "Erika Muster" ; vcard:hasEmail <mailto:erika.muster@x.example> ]'
    text = ' ; dct:provenance "Fragen an erika.muster@x.example"'
    report = harvest(portal, page(range(10), dataset("p", PERSON) + dataset("q", contact) + dataset("r", text)))
    assert dict(report.withheld) == {"class": 1, "name": 2, "mailbox": 2, "text": 1}
    everything = "".join(str(t) for triples in portal.all_contents().values() for t in triples).lower()
    assert "muster" not in everything and "fragen an […]" in everything
    assert "mailto:info@portal.example" in everything


def test_persons_do_not_enter_by_the_quarantine(portal: HarvestTown) -> None:
    """The original is kept without them."""
    harvest(portal, page(range(10), dataset("bad", PERSON + ' ; dct:modified "x"^^xsd:date')))
    everything = "".join(str(t) for triples in portal.all_contents().values() for t in triples).lower()
    assert portal.quarantine() and "muster" not in everything


def test_publishers_are_matched_with_units(town: HarvestTown) -> None:
    """By name; a publisher given as text becomes the unit."""
    town.register(f'path = "{town.page.name}"')
    town.page = town.data / town.page.name
    (town.data / "units.ttl").write_text(UNITS)
    town.build()
    other = dataset("t").replace("<https://portal.example/org>", '"PORTALAMT"')
    report = harvest(town, page(range(2), other))
    assert report.matched == {"https://portal.example/org": "https://town.example/id/unit/portal"}
    assert report.repairs["publisher-name"] == 1
    found = {str(t) for t in town.contents()[f"{GRAPH}harvest/portal"]}
    assert any("matchesUnit" in text for text in found)


def test_a_record_that_the_city_has_itself_is_not_loaded_again(town: HarvestTown) -> None:
    """Portals give the city's own datasets back to it."""
    own = PREFIXES + UNITS + dataset(1, title="Unser Datensatz")
    (town.data / "units.ttl").write_text(own)
    town.register(f'path = "{town.page.name}"')
    town.page = town.data / town.page.name
    town.build()
    report = harvest(town, page(range(3)))
    assert dict(report.known) == {"units": 1} and town.datasets() == ["0", "2"]


def test_duplicates_by_identifier_are_linked_to_the_preferred(town: HarvestTown) -> None:
    """The city's own record is preferred to the harvested one with the same identifier."""
    own = PREFIXES + UNITS + dataset(1).replace("portal.example/dataset/1", "own.example/d/1")
    (town.data / "units.ttl").write_text(own)
    town.register(f'path = "{town.page.name}"')
    town.page = town.data / town.page.name
    town.build()
    assert harvest(town, page(range(3))).duplicates == 1
    (link,) = [t for t in town.contents()[f"{GRAPH}harvest/portal"] if t.predicate.value.endswith("duplicateOf")]
    assert [link.subject.value, link.object.value] == ["https://portal.example/dataset/1", "https://own.example/d/1"]  # type: ignore[union-attr]


def test_a_restricted_catalogue_stays_restricted(town: HarvestTown) -> None:
    """With all that belongs to it."""
    town.register(f'path = "{town.page.name}"', visibility="restricted")
    town.page = town.data / town.page.name
    town.build()
    harvest(town, page(range(3), dataset("bad", ' ; dct:modified "x"^^xsd:date')))
    assert town.datasets() == ["0", "1", "2"]
    assert not any("portal" in str(t) for triples in town.contents(View.PUBLIC).values() for t in triples)


def test_a_build_keeps_what_was_harvested(portal: HarvestTown) -> None:
    """With the graphs beside it."""
    harvest(portal, page(range(10), dataset("bad", ' ; dct:modified "x"^^xsd:date')))
    before = {g: t for g, t in portal.all_contents().items() if "portal" in g}
    portal.build()
    assert {g: t for g, t in portal.all_contents().items() if "portal" in g} == before and len(before) == 4


def test_a_file_can_be_harvested_without_being_registered(town: HarvestTown) -> None:
    """Its name gives that of the source; the next build keeps it."""
    town.page.write_text(page(range(3)))
    report = harvest(town, target=str(town.page))
    assert report.source == "catalogue" and town.datasets("catalogue") == ["0", "1", "2"]
    town.build()
    assert town.datasets("catalogue") == ["0", "1", "2"]


def test_a_record_whose_name_is_no_iri_is_set_aside_in_a_city_with_other_records(
    town: HarvestTown, shared: Path
) -> None:
    """The file that stops other harvesters: its one record has spaces in its address."""
    with town.city as city:
        report = city.harvest(str(shared / "realdata" / "catalogues" / "de-sh-invalid_iri.xml"), source="invalid")
    assert (report.records, report.loaded, report.quarantined) == (1, 0, 1)


def test_a_file_source_is_not_harvested(town: HarvestTown) -> None:
    """It is loaded by a build."""
    with pytest.raises(UsageError, match="stadtgraph build"):
        harvest(town, target="units")


def test_a_record_without_an_iri_keeps_its_name(portal: HarvestTown) -> None:
    """By its identifier, whatever else changes; without one it is set aside."""
    publisher = "dct:publisher <https://portal.example/org>"
    nameless = f' _:d a dcat:Dataset ; dct:title "{{}}" ; dct:description "x" ; {publisher} {{}} .'
    names = set()
    for title in ("Eins", "Zwei"):
        harvest(portal, page(range(10), nameless.format(title, '; dct:identifier "n-1"')))
        titled = [t for t in portal.contents()[f"{GRAPH}source/portal"] if getattr(t.object, "value", "") == title]
        names.update(t.subject for t in titled)
    assert len(names) == 1
    assert harvest(portal, page(range(10), nameless.format("Drei", ""))).quarantined == 1


def test_a_malformed_file_changes_nothing(portal: HarvestTown) -> None:
    """The error names file and line."""
    before = portal.contents()
    with pytest.raises(InputError, match=r"catalogue\.ttl.*line"):
        harvest(portal, page(range(20)) + "\n<https://x.example/> a ;")
    assert portal.contents() == before


def test_the_command_reports_in_both_languages_and_as_json(
    portal: HarvestTown, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Held is exit code 1."""
    monkeypatch.setenv("STADTGRAPH_CITY", str(portal.city_folder))
    portal.page.write_text(page(range(3)))
    assert main(["harvest", "portal", "--lang", "de"]) == 1
    assert "angehalten" in capsys.readouterr().out
    assert main(["harvest", "portal", "--confirm", "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["gone"] == 7 and report["state"] == "loaded" and report["repairs"] == {"file-type": 3}
    assert main(["harvest", "portle"]) == 2
    assert "portal" in capsys.readouterr().err


def test_a_folder_of_pages_is_one_catalogue(town: HarvestTown, tmp_path: Path) -> None:
    """Blank nodes of different pages are different; a record on two pages counts once, as the later one says."""
    folder = tmp_path / "pages"
    folder.mkdir()
    (folder / "1.ttl").write_text(page([1, 2]))
    (folder / "2.ttl").write_text(page([3], dataset(2, title="Neuer")))
    report = harvest(town, target=str(folder))
    assert (report.pages, report.records) == (2, 3)
    graph = town.contents()[f"{GRAPH}source/pages"]
    titles = {t.object.value for t in graph if t.predicate.value.endswith("terms/title")}  # type: ignore[union-attr]
    assert titles == {"Portal", "Datensatz 1", "Neuer", "Datensatz 3"}
    assert sum(t.predicate.value.endswith("contactPoint") for t in graph) == 3
    assert CATALOGUE in {getattr(t.subject, "value", "") for t in graph}


def test_a_withdrawn_catalogue_takes_with_it_what_lies_beside_it(portal: HarvestTown) -> None:
    """Originals of repairs, quarantine and tombstones too, in every release."""
    harvest(portal, page(range(9), dataset("bad", ' ; dct:modified "x"^^xsd:date')))
    with portal.city as city:
        city.withdraw(f"{GRAPH}source/portal")
    found = "".join(str(t) for triples in portal.all_contents().values() for t in triples)
    assert "portal.example" not in found and not any("portal" in graph for graph in portal.all_contents())
