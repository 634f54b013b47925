"""A record keeps its name, by IRI, then identifier; of several sources the same one is preferred in any order."""

from __future__ import annotations

from pathlib import Path

import pyoxigraph as ox
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harvest_town import PREFIXES, HarvestTown, dataset, page
from stadtgraph.sources.harvest import Page, Taking, UnitName, Units, identifiers
from stadtgraph.sources.harvest.units import plain
from stadtgraph.terms import SKOS, Names

GRAPH = "https://town.example/graph/"
ADMS = "@prefix adms: <http://www.w3.org/ns/adms#> . @prefix skos: <http://www.w3.org/2004/02/skos/core#> ."


def taken(text: str, folder: Path) -> set[str]:
    """Give the lines that come out of a catalogue."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "page.ttl"
    file.write_text(text)
    found = Taking("portal", Names("https://town.example/"), folder / "work").take([Page(file, "https://x.example/")])
    assert found.spool is not None
    return set(found.spool.stored.read_text().splitlines())


@settings(max_examples=25, deadline=None)
@given(numbers=st.lists(st.integers(0, 30), min_size=1, max_size=6, unique=True), random=st.randoms())
def test_order_and_labels_of_a_catalogue_have_no_influence(
    numbers: list[int], random: object, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The same statements in another order, with other labels of blank nodes, give the same lines."""
    folder = tmp_path_factory.mktemp("identity")
    triples = [q.triple for q in ox.parse(page(numbers), ox.RdfFormat.TURTLE)]
    label = {t.subject: ox.BlankNode() for t in triples if isinstance(t.subject, ox.BlankNode)}
    other = [
        ox.Triple(label.get(t.subject, t.subject), t.predicate, label.get(t.object, t.object))  # type: ignore[call-overload]
        for t in triples
    ]
    random.shuffle(other)  # type: ignore[attr-defined]
    first, second = (ox.serialize(some, format=ox.RdfFormat.TURTLE) or b"" for some in (triples, other))
    assert taken(first.decode(), folder / "1") == taken(second.decode(), folder / "2")


@settings(max_examples=25, deadline=None)
@given(numbers=st.lists(st.integers(0, 30), min_size=2, max_size=6, unique=True))
def test_a_record_does_not_change_with_its_neighbours(
    numbers: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """What came out of fewer records is among what comes out of more: no name hangs on other records."""
    folder = tmp_path_factory.mktemp("identity")
    assert taken(page(numbers[:1]), folder / "1") <= taken(page(numbers), folder / "2")


def test_identifiers_come_in_their_order() -> None:
    """``dct:identifier`` first, then ``adms:identifier`` and its notation."""
    text = f"""{PREFIXES}{ADMS} <urn:d> adms:identifier [ skos:notation "b" ], "c" ; dct:identifier "a" ."""
    triples = [q.triple for q in ox.parse(text, ox.RdfFormat.TURTLE)]
    found = list(identifiers(triples, ox.NamedNode("urn:d")))
    assert found[0] == "a" and sorted(found) == ["a", "b", "c"]


def _city(folder: Path, name: str, order: tuple[str, str], more: dict[str, str]) -> frozenset[ox.Triple]:
    """Harvest two catalogues with a record of the same identifier; give what is said of duplicates."""
    town = HarvestTown(folder / name)
    entries = "".join(
        f"""
[[source]]
name = "{source}"
title = {{ de = "{source}", en = "{source}" }}
domain = "city"
kind = "harvest"
visibility = "public"
path = "{source}.ttl"
[source.harvest]
{more.get(source, "")}
"""
        for source in ("one", "two")
    )
    registry = town.data / "sources.toml"
    registry.write_text(registry.read_text() + entries)
    for source, day in (("one", "2024-01-01"), ("two", "2025-01-01")):
        text = dataset("same", f' ; dct:modified "{day}"^^xsd:date').replace("portal.example", f"{source}.example")
        (town.data / f"{source}.ttl").write_text(PREFIXES + text)
    with town.city as city:
        for source in order:
            city.harvest(source)
    graphs = town.contents()
    found = [t for g in graphs if "graph/harvest" in g for t in graphs[g] if t.predicate.value.endswith("duplicateOf")]
    return frozenset(found)


@pytest.mark.parametrize(
    ("more", "preferred"), [({}, "two"), ({"one": "priority = 1"}, "one")], ids=["newer", "priority"]
)
def test_the_preferred_of_two_duplicates_does_not_hang_on_the_order(
    more: dict[str, str], preferred: str, tmp_path: Path
) -> None:
    """The newer one, unless a source has priority."""
    found = [_city(tmp_path, "-".join(order), order, more) for order in (("one", "two"), ("two", "one"))]
    assert found[0] == found[1] and len(found[0]) == 1
    (link,) = found[0]
    assert f"{preferred}.example" in str(link.object) and f"{preferred}.example" not in str(link.subject)


UNITS = Units(
    [
        UnitName("urn:jena", "Stadt Jena"),
        UnitName("urn:jena", "Jena"),
        UnitName("urn:ksj", "Kommunalservice Jena"),
        UnitName("urn:old", "Dezernat 3", is_current=False),
        UnitName("urn:new", "Dezernat 3"),
        UnitName("urn:a", "Amt"),
        UnitName("urn:b", "Amt"),
    ]
)


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("Stadt Jena", "urn:jena"),
        ("  STADT   JENA ", "urn:jena"),
        ("Stadt Jena – Kommunalservice Jena", "urn:ksj"),
        ("Stadt Jena / Unbekannt", None),
        ("Stadt Jenaemail: info@jena.example", "urn:jena"),
        ("Dezernat 3", "urn:new"),
        ("Amt", None),
        ("", None),
        ("@", None),
    ],
)
def test_names_of_publishers_and_units(name: str, unit: str | None) -> None:
    """Whole names, or parts that are all known; today's unit; never a guess between two."""
    found = UNITS.find(name)
    assert (found.value if found else None) == unit


@given(st.text(max_size=40))
def test_any_name_may_be_asked_for(name: str) -> None:
    """No text breaks the search, and case has no influence."""
    assert UNITS.find(name) == UNITS.find(name.upper().lower()) or plain(name) != plain(name.upper().lower())


TWO = """
[[source]]
name = "{name}"
title = {{ de = "{name}", en = "{name}" }}
domain = "city"
kind = "{kind}"
visibility = "public"
path = "{name}.ttl"
"""


class Neighbours(HarvestTown):
    """A town with a harvested catalogue and other sources that have records of the same identifiers."""

    def source(self, name: str, text: str = "", kind: str = "harvest") -> None:
        """Register a source with its file."""
        registry = self.data / "sources.toml"
        registry.write_text(registry.read_text() + TWO.format(name=name, kind=kind))
        self.write(name, text)

    def write(self, name: str, text: str) -> None:
        """Write the file of a source anew."""
        (self.data / f"{name}.ttl").write_text(PREFIXES + text.replace("portal.example", f"{name}.example"))

    def harvest(self, name: str) -> None:
        """Harvest a source whatever becomes of it."""
        with self.city as city:
            city.harvest(name, confirm=True)

    def links(self) -> set[tuple[str, str]]:
        """Give who is whose duplicate, by the names of their sources; each in the graph beside its own source."""
        graphs, found = self.contents(), set()
        for graph, triples in graphs.items():
            for t in triples:
                if t.predicate.value.endswith("duplicateOf"):
                    subject, target = (part(node) for node in (t.subject, t.object))
                    assert graph.endswith(f"graph/harvest/{subject}")
                    found.add((subject, target))
        return found


def part(node: object) -> str:
    """Give the source that a record's IRI names."""
    return str(node).removeprefix("<https://").partition(".")[0]


@pytest.fixture
def neighbours(tmp_path: Path) -> Neighbours:
    """A catalogue was harvested that nobody else has a record of."""
    town = Neighbours(tmp_path / "neighbours")
    town.source("one", dataset("same", ' ; dct:modified "2024-01-01"^^xsd:date'))
    town.harvest("one")
    assert town.links() == set()
    return town


def test_a_link_follows_when_the_record_of_another_source_comes_and_goes(neighbours: Neighbours) -> None:
    """The first catalogue is not harvested again, and its link comes, turns round and goes."""
    neighbours.source("two", dataset("same", ' ; dct:modified "2025-01-01"^^xsd:date'))
    neighbours.harvest("two")
    assert neighbours.links() == {("one", "two")}
    neighbours.write("two", dataset("same", ' ; dct:modified "2023-01-01"^^xsd:date'))
    neighbours.harvest("two")
    assert neighbours.links() == {("two", "one")}
    neighbours.write("two", dataset("other"))
    neighbours.harvest("two")
    assert neighbours.links() == set()


def test_a_link_follows_the_city_s_own_records(neighbours: Neighbours) -> None:
    """A file of the city that gets the record, then another identifier, then is dropped."""
    neighbours.source("own", dataset("same"), kind="file")
    neighbours.build()
    assert neighbours.links() == {("one", "own")}
    neighbours.write("own", dataset("same").replace('dct:identifier "same"', 'dct:identifier "new"'))
    neighbours.build()
    assert neighbours.links() == set()
    neighbours.write("own", dataset("same"))
    neighbours.build()
    assert neighbours.links() == {("one", "own")}
    registry = neighbours.data / "sources.toml"
    registry.write_text(registry.read_text().partition('\n[[source]]\nname = "own"')[0])
    neighbours.build()
    assert neighbours.links() == set()


def test_a_link_follows_a_second_identifier(neighbours: Neighbours) -> None:
    """``adms:identifier`` of either with ``dct:identifier`` of the other, as text or as a node with a notation."""
    adms = "<http://www.w3.org/ns/adms#identifier>"
    notation = f'{adms} <https://portal.example/n> . <https://portal.example/n> <{SKOS.notation.value}> "same"'
    neighbours.source("two", dataset("x", f' ; {adms} "same"'))
    neighbours.source("three", dataset("y", f" ; {notation}"))
    neighbours.harvest("two")
    neighbours.harvest("three")
    assert neighbours.links() == {("two", "one"), ("three", "one")}
