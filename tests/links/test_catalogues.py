"""Publishers of harvested catalogues: which of them is a unit of the register, and which names mean one publisher.

The catalogues are real (Rostock, Bremen, and Jena's entries among others in the Musterdatenkatalog), taken in as a
harvest does. What is expected was read in their lists of names.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyoxigraph as ox
import pytest

from stadtgraph.links import Selections, find, load_rules
from stadtgraph.sources.feed import Feed
from stadtgraph.sources.harvest import Page, Taking
from stadtgraph.store import OxigraphEngine
from stadtgraph.terms import FOAF, Names

ROOT = Path(__file__).resolve().parents[2]
NAMES = Names()
RULES = {rule.name: rule for rule in load_rules(ROOT / "data" / "links", NAMES.base)}
SAME = {
    ("Krefeld", "Stadt Krefeld"),
    ("Kleve", "Stadt Kleve"),
    ("Bottrop", "Stadt Bottrop"),
    ("Moers", "Stadt Moers"),
    ("Bremen", "Freie und Hansestadt Bremen"),
    ("Rostock", "Hanse- und Universitätsstadt Rostock"),
}
OTHERS = ("Jena", "Kreis Kleve", "Euskirchen", "Kreis Euskirchen", "Wesel", "Kreis Wesel", "Berlin")


def extract(catalogues: Path, file: Path) -> Path:
    """Write the part of the Musterdatenkatalog that has one dataset of each publisher looked at."""
    wanted = {name for pair in SAME for name in pair} | set(OTHERS)
    triples = [q.triple for q in ox.parse(gzip.decompress(catalogues.read_bytes()), ox.RdfFormat.N_TRIPLES)]
    agents = {t.subject for t in triples if t.predicate == FOAF.name and getattr(t.object, "value", "") in wanted}
    first = {t.object: t.subject for t in triples if t.predicate.value.endswith("/publisher") and t.object in agents}
    kept = agents | set(first.values())
    whole = [t for t in triples if t.subject in kept or t.object in kept or t.predicate.value.endswith("/title")]
    whole = [t for t in whole if t.subject in kept or "/catalog" in str(t.subject)]
    file.write_bytes(ox.serialize(whole, format=ox.RdfFormat.N_TRIPLES) or b"")
    return file


def harvested(files: Iterable[Path], folder: Path) -> Iterator[ox.Triple]:
    """Give the triples of catalogues as a harvest loads them."""
    for number, path in enumerate(files):
        (folder / str(number)).mkdir()
        taking = Taking(f"portal{number}", NAMES, folder / str(number), Feed(repairs=True))
        taken = taking.take([Page(path, f"https://portal{number}.example/")])
        assert taken.loaded and taken.spool is not None
        yield from taken.spool.triples()


@pytest.fixture(scope="module")
def engine(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> OxigraphEngine:
    """A store with the catalogues, the register of units and the ontology."""
    folder, catalogues = tmp_path_factory.mktemp("catalogues"), shared / "realdata" / "catalogues"
    mdk = extract(catalogues / "derived-mdk-catalog.nt.gz", folder / "mdk.nt")
    triples = list(harvested([catalogues / f"de-{c}-catalog.rdf" for c in ("rostock", "bremen")] + [mdk], folder))
    for path in (ROOT / "data" / "registers" / "units.ttl", *(ROOT / "ontology").glob("*.ttl")):
        triples += [quad.triple for quad in ox.parse(path=str(path), base_iri=NAMES.base)]
    store = ox.Store(str(folder / "store"))
    store.extend(ox.Quad(t.subject, t.predicate, t.object) for t in triples)
    store.flush()
    del store
    return OxigraphEngine(folder / "store", NAMES)


def named(engine: OxigraphEngine, rule: str) -> set[tuple[str, str]]:
    """Give what a rule finds, by names."""
    names = {t.subject: t.object.value for t in engine.triples(None, FOAF.name, None)}  # type: ignore[union-attr]
    return {(names[k.subject], names[k.object]) for k in find(RULES[rule], Selections(engine))}


def test_a_publisher_of_another_catalogue_is_the_unit_that_bears_its_name(engine: OxigraphEngine) -> None:
    """The city itself and OpenStreetMap; none of the municipal utilities, offices and counties of others."""
    assert named(engine, "publisher-unit") == {
        ("Jena", "Stadt Jena"),
        ("OpenStreetMap", "OpenStreetMap-Mitwirkende"),
    }


def test_names_of_one_publisher_are_linked_and_counties_are_not_towns(engine: OxigraphEngine) -> None:
    """Each pair both ways, and nothing else."""
    assert named(engine, "publisher-names") == SAME | {(b, a) for a, b in SAME}
