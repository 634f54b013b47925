"""The list of sources of the city, its mappings and its registers agree with each other, file by file."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pyoxigraph as ox
import pytest

from stadtgraph.sources import load_registry
from stadtgraph.terms import DEFAULT_BASE, RDFS, SG, SKOS, Names

DATA = Path(__file__).resolve().parent.parent / "data"
ONTOLOGY = DATA.parent / "ontology"
SOURCES = load_registry(DATA / "sources.toml")
MAPPED = {name: source for name, source in SOURCES.items() if source.mapping is not None}
NAMES = Names()
ODBL = "https://opendatacommons.org/licenses/odbl/1-0/"
LABELS = (RDFS.label, SKOS.prefLabel)
CONSTANT = re.compile(r"<(id/[^>]+)>")


def iri(path: str) -> ox.NamedNode:
    """Give an IRI of the city."""
    return ox.NamedNode(DEFAULT_BASE + path)


@pytest.mark.parametrize("name", SOURCES)
def test_the_file_of_a_source_exists(name: str, real_data: Path) -> None:
    """A register lies in the repository, a data file among the real data."""
    path = SOURCES[name].locate(real_data)
    assert path is not None and path.is_file()


@pytest.mark.parametrize("name", [name for name, source in SOURCES.items() if source.mapping is None])
def test_a_source_of_rdf_can_be_parsed(name: str, real_data: Path) -> None:
    """Registers are parsed against the base of the city."""
    path = SOURCES[name].locate(real_data)
    formats = {"ttl": ox.RdfFormat.TURTLE, "rdf": ox.RdfFormat.RDF_XML}
    assert path is not None
    assert list(ox.parse(path=str(path), format=formats[SOURCES[name].format or ""], base_iri=DEFAULT_BASE))


def test_every_register_is_a_source() -> None:
    """No file of data/registers is forgotten."""
    listed = {source.path for source in SOURCES.values() if source.path is not None}
    assert listed == set((DATA / "registers").glob("*.ttl"))


def test_every_mapping_is_used_and_says_what_it_does() -> None:
    """No mapping lies about, and each has a comment beside its declarations; those for live sources lie apart."""
    files = set((DATA / "mappings").glob("*.rq"))
    assert {source.mapping for source in MAPPED.values()} == files
    for file in (DATA / "mappings").rglob("*.rq"):
        assert re.search(r"^# \w", file.read_text("utf-8"), re.MULTILINE), file.name


def test_openstreetmap_stays_apart() -> None:
    """Exactly the sources from OpenStreetMap are ODbL, say so, and have graphs of their own."""
    osm = {name for name, source in SOURCES.items() if (source.file or "").startswith("osm_")}
    assert osm == {name for name in SOURCES if name.startswith("osm-")}
    assert osm == {name for name, source in SOURCES.items() if source.licence == ODBL}
    assert {SOURCES[name].attribution for name in osm} == {"© OpenStreetMap contributors, ODbL 1.0"}
    assert len({source.graph_name(NAMES) for source in SOURCES.values()}) == len(SOURCES)


def test_exercise_values_are_no_source() -> None:
    """The random numbers of the hackathon do not enter the graph."""
    assert not [source.file for source in SOURCES.values() if "messwerte" in (source.file or "")]


def test_every_dataset_of_a_source_is_in_the_catalogue() -> None:
    """What `dataset` names stands in the register of datasets."""
    known = _subjects(DATA / "registers" / "datasets.ttl")
    named = {iri(source.dataset).value for source in SOURCES.values() if source.dataset}
    assert named <= known


def test_every_term_of_a_mapping_is_defined() -> None:
    """Each sg: name in a mapping has a definition in the ontology, in German and English."""
    used = {SG.term(name).value for file in (DATA / "mappings").rglob("*.rq") for name in _terms(file)}
    defined = {subject for file in ONTOLOGY.glob("*.ttl") for subject in _subjects(file)}
    assert used - defined == set()


def test_every_term_of_the_content_is_used_labelled_and_defined() -> None:
    """No term without a use, a label and a definition in both languages, none defined twice."""
    used = {SG.term(name).value for file in (DATA / "mappings").rglob("*.rq") for name in _terms(file)}
    triples = list(ox.parse(path=str(ONTOLOGY / "content.ttl")))
    schemes = {t.subject.value for t in triples if t.object == SKOS.ConceptScheme}
    content = {t.subject.value for t in triples}
    assert content - schemes - used == set()
    assert content & _subjects(ONTOLOGY / "stadtgraph.ttl") == set()
    for name in content:
        labels = {t.object.language for t in triples if t.subject.value == name and t.predicate in LABELS}
        assert labels == {"de", "en"}, name
        texts = {t.object.language for t in triples if t.subject.value == name and t.predicate == SKOS.definition}
        assert texts == {"de", "en"} or name in schemes, name


def test_every_resource_that_a_mapping_names_stands_in_a_register() -> None:
    """Units, properties, series, cubes, stations and places that mappings write out are described."""
    known = {s for file in (DATA / "registers").glob("*.ttl") for s in _subjects(file)}
    for file in (DATA / "mappings").glob("*.rq"):
        text = "\n".join(line for line in file.read_text("utf-8").splitlines() if not line.startswith("#"))
        missing = {name for name in CONSTANT.findall(text) if iri(name).value not in known}
        assert missing == set(), file.name


def test_the_rules_of_daily_values_are_those_of_the_mappings() -> None:
    """The least number of values a day in a mapping is the one that the procedure states."""
    text = (DATA / "registers" / "stations.ttl").read_text("utf-8")
    for mapping, words in (("wetter-mpi-bgc", "108 of 144"), ("wetter-dwd", "18 of 24")):
        least = words.split()[0]
        assert f">= {least})" in (DATA / "mappings" / f"{mapping}.rq").read_text("utf-8")
        assert words in text


def test_licences_stand_where_a_publisher_states_one() -> None:
    """Unclear licences (weather, experiments, platform) are absent, not guessed."""
    document = tomllib.loads((DATA / "sources.toml").read_text("utf-8"))
    unclear = ("wetter-", "jena-experiment", "phenobs", "musterdatenkatalog", "lichtsignale", "datenstroeme")
    for entry in document["source"]:
        if entry["name"].startswith(unclear):
            assert "licence" not in entry, entry["name"]


def _subjects(file: Path) -> set[str]:
    return {str(triple.subject.value) for triple in ox.parse(path=str(file), base_iri=DEFAULT_BASE)}


def _terms(file: Path) -> set[str]:
    return set(re.findall(r"\bsg:([A-Za-z]+)", file.read_text("utf-8")))


def test_the_example_in_the_list_is_a_source(tmp_path: Path) -> None:
    """Without its comment signs it can be read, and its mappings exist."""
    text = (DATA / "sources.toml").read_text("utf-8")
    lines = [line[4:] for line in text.splitlines() if line.startswith("#   ")]
    (tmp_path / "sources.toml").write_text("\n".join(lines))
    (example,) = load_registry(tmp_path / "sources.toml").values()
    assert example.is_live
    assert all((DATA / path.relative_to(tmp_path)).is_file() for path in example.mappings.values())


def test_the_examples_of_the_documentation_are_sources(tmp_path: Path) -> None:
    """Each TOML block of docs/sources-live.md can be read, and its mappings exist."""
    text = (DATA.parent / "docs" / "sources-live.md").read_text("utf-8")
    blocks = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    (tmp_path / "sources.toml").write_text("\n".join(blocks))
    found = load_registry(tmp_path / "sources.toml")
    assert {source.harvest.protocol for source in found.values()} == {"gtfs", "sensorthings"}
    for source in found.values():
        assert all((DATA / path.relative_to(tmp_path)).is_file() for path in source.mappings.values())
