"""Shapes of others run in a process of their own, which ends when it goes beyond its limits."""

from __future__ import annotations

from pathlib import Path

import pyoxigraph as ox
import pytest
from nested_shapes import PREFIXES

from stadtgraph.errors import InputError, ShapeError
from stadtgraph.shacl import ENGINES, Limits, Shapes, validate

pytestmark = pytest.mark.skipif(not ENGINES["shacl"].is_there, reason="the package shacl has no wheel here")
RULE = ':S sh:targetClass :C ; sh:property [ sh:path :p ; sh:minCount 1 ; sh:message "fehlt"@de ] .'
RUNAWAY = """:S sh:targetClass :C ; sh:sparql [ sh:prefixes : ;
    sh:select '''SELECT $this (COUNT(*) AS ?value) { $this a :C . ?a :p ?b . ?c :p ?d . ?e :p ?f . ?g :p ?h . ?i :p ?j }
               GROUP BY $this''' ] ."""
HOARDER = """:S sh:targetClass :C ; sh:sparql [ sh:prefixes : ;
    sh:select "SELECT DISTINCT $this ?a ?c ?e ?g { $this a :C . ?a :p ?b . ?c :p ?d . ?e :p ?f . ?g :p ?h }" ] ."""


def triples(turtle: str) -> list[ox.Triple]:
    """Parse Turtle with the prefixes of these tests."""
    return [quad.triple for quad in ox.parse((PREFIXES + turtle).encode(), format=ox.RdfFormat.TURTLE)]


MANY = triples(":a a :C . " + " ".join(f":n{i} :p :v{i} ." for i in range(300)))


def test_an_isolated_validation_gives_the_same_report() -> None:
    """Focus, messages, names of blank shapes and blank nodes of the data come back as they are."""
    shapes = Shapes(triples(RULE))
    data = triples(":a a :C . _:b a :C . :c a :C ; :p 1 .")
    here = validate(data, shapes)
    assert len(here) == 2 and any(isinstance(r.focus, ox.BlankNode) for r in here.results)
    assert validate(data, shapes, isolated=Limits()) == here


def test_a_file_and_the_other_engine_can_be_isolated_too(tmp_path: Path) -> None:
    """The path of a file is handed on; nothing of it is read here."""
    file = tmp_path / "data.nt"
    file.write_text("<http://x/a> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <http://x/C> .\n", "utf-8")
    shapes = Shapes(triples(RULE))
    assert validate(file, shapes, using="pyshacl", isolated=Limits()) == validate(file, shapes)


def test_a_runaway_query_is_ended_in_time() -> None:
    """The error names the bound; the process is gone."""
    with pytest.raises(ShapeError, match=r"after 1\.5 s"):
        validate(MANY, Shapes(triples(RUNAWAY)), isolated=Limits(seconds=1.5))


def test_a_query_that_hoards_memory_is_ended() -> None:
    """The bound is on what the validation takes beyond an idle process."""
    with pytest.raises(ShapeError, match="more than 300 MB"):
        validate(MANY, Shapes(triples(HOARDER)), isolated=Limits(seconds=600, bytes=300_000_000))


def test_what_the_engine_refuses_is_refused_from_there_too(tmp_path: Path) -> None:
    """Errors come back as they are."""
    with pytest.raises(InputError, match="cannot be read"):
        validate(tmp_path / "absent.nt", Shapes(triples(RULE)), isolated=Limits())


def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The data are laid down for the process; where they cannot be, the error says so."""
    monkeypatch.setattr("tempfile.TemporaryDirectory", _Full)
    with pytest.raises(InputError, match="cannot be written"):
        validate(triples(":a a :C ."), Shapes(triples(RULE)), isolated=Limits())


class _Full:
    """A folder on a disk that is full."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix

    def __enter__(self) -> str:
        return "/dev/full"

    def __exit__(self, *_: object) -> None:
        """Leave nothing."""
