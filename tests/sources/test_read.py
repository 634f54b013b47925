"""The one entry: a source of the registry becomes triples without blank nodes."""

from __future__ import annotations

import ast
import gzip
import re
from pathlib import Path

import pyoxigraph as ox
import pytest

from stadtgraph import messages, sources
from stadtgraph.errors import InputError
from stadtgraph.sources import Complaint, Places, Source, Table, inputs_checksum, load_registry, read, rows
from stadtgraph.terms import GEO, SG, Names

NAMES = Names("https://example.org/")
ROOM = Path(sources.__file__).parent
MAPPING = """#: geo:asWKT geo:wktLiteral
CONSTRUCT { ?tree geo:hasGeometry [ geo:asWKT ?wkt ] ; rdfs:label ?name }
WHERE { BIND(IRI(CONCAT("id/tree/", ?nr)) AS ?tree) BIND(sgf:lonlat(?lon, ?lat) AS ?wkt) }
"""


def source(folder: Path, **options: object) -> Source:
    """Give a source of one small table."""
    (folder / "m.rq").write_text(MAPPING, "utf-8")
    fields: dict[str, object] = {
        "name": "trees",
        "title": {"de": "Bäume", "en": "Trees"},
        "domain": "city",
        "kind": "file",
        "visibility": "public",
        "file": "a.csv",
        "mapping": folder / "m.rq",
        "format": "csv",
        "place": True,
    }
    return Source(**{**fields, **options})  # type: ignore[arg-type]


def test_a_table_is_mapped_placed_and_named(tmp_path: Path) -> None:
    """Blank nodes of the mapping get stable names; the tree is placed although its geometry is blank."""
    path = tmp_path / "a.csv"
    path.write_text("nr,name,lon,lat\n1,Linde,0.5,0.5\n2,Buche,5,5\n")
    places = Places([("urn:a", "POLYGON((0 0, 1 0, 1 1, 0 1, 0 0))")])
    found = list(read(source(tmp_path), path, NAMES, places=places))
    assert ox.Triple(NAMES.id("tree/1"), GEO.sfWithin, ox.NamedNode("urn:a")) in found
    assert len(found) == 7
    assert not any(isinstance(term, ox.BlankNode) for t in found for term in (t.subject, t.object))
    assert found == list(read(source(tmp_path), path, NAMES, places=places))
    assert not any(t.predicate == GEO.sfWithin for t in read(source(tmp_path, place=False), path, NAMES, places=places))


def test_files_of_the_city_are_strict_and_others_keep_bad_literals(tmp_path: Path) -> None:
    """A shipped file with a bad literal is an error; a foreign one is kept with a complaint."""
    path = tmp_path / "a.ttl"
    path.write_text('<id/x> <urn:p> "x"^^<http://www.w3.org/2001/XMLSchema#date> , [ <urn:q> "1" ] .')
    foreign = source(tmp_path, format="ttl", mapping=None, file="a.ttl")
    complaints: list[Complaint] = []
    assert len(list(read(foreign, path, NAMES, complaints=complaints))) == 3
    assert len(complaints) == 1
    with pytest.raises(InputError, match=r"a\.ttl, line 1, column 16"):
        list(read(foreign, path, NAMES, on_bad="error"))
    shipped = source(tmp_path, format="ttl", mapping=None, file=None, path=path)
    with pytest.raises(InputError, match="is not a value of"):
        list(read(shipped, path, NAMES))


def test_what_cannot_be_read_says_so(tmp_path: Path) -> None:
    """A table without a mapping, and a format that nobody reads."""
    (tmp_path / "a.csv").write_text("a\n1\n")
    with pytest.raises(InputError, match="without a mapping"):
        list(read(source(tmp_path, mapping=None), tmp_path / "a.csv", NAMES))
    with pytest.raises(InputError, match="tells no format"):
        list(read(source(tmp_path, format=None), tmp_path / "a.csv", NAMES))


def test_the_checksum_follows_everything_that_decides_the_triples(tmp_path: Path) -> None:
    """File, mapping, options and what the caller adds; but not the title, nor packing."""
    path, packed = tmp_path / "a.csv", tmp_path / "a.csv.gz"
    path.write_text("nr\n1\n")
    packed.write_bytes(gzip.compress(b"nr\n1\n"))
    first = inputs_checksum(source(tmp_path), path)
    assert inputs_checksum(source(tmp_path, title={"de": "x", "en": "y"}), packed) == first
    other = {
        inputs_checksum(source(tmp_path, table=Table(null=("NA",))), path),
        inputs_checksum(source(tmp_path, place=False), path),
        inputs_checksum(source(tmp_path), path, also="another base"),
        inputs_checksum(source(tmp_path), path, path),
    }
    path.write_text("nr\n2\n")
    other.add(inputs_checksum(source(tmp_path), path))
    assert first not in other and len(other) == 5


def named() -> set[str]:
    """Give the message keys that the modules of this room name."""
    return {
        node.value
        for path in ROOM.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"sources-[a-z0-9-]+", node.value)
    }


def test_every_message_exists_and_every_message_is_used() -> None:
    """German and English, with the same placeholders."""
    known = {key: texts for key, texts in messages.catalogue().items() if key.startswith("sources-")}
    assert set(known) == named()
    for key, texts in known.items():
        german, english = (set(re.findall(r"(?<!\{)\{(\w+)\}(?!\})", texts[lang])) for lang in ("de", "en"))
        assert german == english, key


def test_all_42642_trees_are_read(real_data: Path) -> None:
    """Every tree of the register of 2022 has one statement that it is a tree."""
    registry = Path(__file__).parents[2] / "data" / "sources.toml"
    trees = load_registry(registry)["baumkataster"]
    path = trees.locate(real_data)
    assert path is not None
    found = {t.subject for t in read(trees, path, NAMES) if t.object == SG.Tree}
    assert len(found) == 42_642
    assert sum(1 for _ in rows(path)) == 42_642


def test_every_source_that_is_at_hand_can_be_read(real_data: Path) -> None:
    """The registry, the mappings and the registers of the city fit each other and the real files."""
    registry = load_registry(Path(__file__).parents[2] / "data" / "sources.toml")
    for entry in registry.values():
        path = entry.locate(real_data)
        if path is not None and path.is_file() and path.stat().st_size < 400_000:
            assert any(True for _ in read(entry, path, NAMES)), entry.name
