"""The record of a table that a triple comes from: CSV, XLSX and JSON, with and without a cell in the IRI."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pyoxigraph as ox
import pytest

from stadtgraph.sources import Source
from stadtgraph.sources.trace import Record, record_of
from stadtgraph.terms import Names

NAMES = Names("https://town.example/")
MAPPING = """
CONSTRUCT {{ ?tree <https://town.example/ns#height> ?height }}
WHERE {{ BIND(IRI(CONCAT("id/tree/", {name})) AS ?tree) }}
"""
ROWS = [("a", "5"), ("b", "7"), ("b", "8"), ("c d", "9")]
CSV = "id,height\n" + "".join(f"{name},{height}\n" for name, height in ROWS)
JSON = "[\n" + ",\n".join(f'{{"id": "{name}", "height": "{height}"}}' for name, height in ROWS) + "\n]"


def source(folder: Path, form: str, name: str = "?id") -> tuple[Source, Path]:
    """Give a source of four trees in a format, and its file."""
    file, mapping = folder / f"trees.{form}", folder / "trees.rq"
    mapping.write_text(MAPPING.format(name=name))
    if form == "xlsx":
        book = openpyxl.Workbook()
        for row in (("id", "height"), *ROWS):
            book.active.append(row)
        book.save(file)
    else:
        file.write_text(CSV if form == "csv" else JSON)
    return Source("trees", {}, "city", "file", "public", format=form, mapping=mapping), file


def triple(name: str, height: str) -> ox.Triple:
    """Give the height of a tree."""
    subject = ox.NamedNode(f"https://town.example/id/tree/{name}")
    return ox.Triple(subject, ox.NamedNode("https://town.example/ns#height"), ox.Literal(height))


@pytest.mark.parametrize("form", ["csv", "xlsx", "json"])
def test_the_record_that_makes_a_triple_is_found(tmp_path: Path, form: str) -> None:
    """Of two records with the same name the one that makes the triple; lines count from the head of the file."""
    given = source(tmp_path, form)
    assert record_of(*given, NAMES, triple("a", "5")) == Record(1, 2)
    assert record_of(*given, NAMES, triple("b", "8")) == Record(3, 4)


def test_what_was_added_later_counts_as_of_the_record_of_its_subject(tmp_path: Path) -> None:
    """The quarter that a point lies in is no part of the table."""
    assert record_of(*source(tmp_path, "csv"), NAMES, triple("b", "of something else")) == Record(2, 3)


@pytest.mark.parametrize(("name", "iri"), [("MD5(?id)", "92eb5ffee6ae2fec3ad71c777531578f"), ("?ROWNUM", "2")])
def test_a_record_is_found_without_its_cells_in_the_name(tmp_path: Path, name: str, iri: str) -> None:
    """A checksum or a running number names the node: the mapping itself is asked."""
    assert record_of(*source(tmp_path, "csv", name), NAMES, triple(iri, "7")) == Record(2, 3)


def test_no_record_is_invented(tmp_path: Path) -> None:
    """A node that the table does not make has none, nor has one of a source without a mapping."""
    given = source(tmp_path, "csv")
    assert record_of(*given, NAMES, triple("nobody", "5")) is None
    assert record_of(Source("x", {}, "city", "file", "public"), given[1], NAMES, triple("a", "5")) is None
