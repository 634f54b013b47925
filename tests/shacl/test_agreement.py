"""Both engines give equal reports on the cases and examples of DCAT-AP.de, and on the city's own registers."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pyoxigraph as ox
import pytest

from stadtgraph.shacl import ENGINES, Shapes, load_shapes, validate
from stadtgraph.terms import DEFAULT_BASE, Term

ROOT = Path(__file__).resolve().parents[2]
OFFICIAL = (
    "dcat-ap-3.0.0/dcat-ap-SHACL.ttl",
    "dcat-ap-de-3.0/dcat-ap-SHACL-DE.ttl",
    "dcat-ap-de-3.0/dcat-ap-spec-german-additions.ttl",
    "dcat-ap-de-3.0/dcat-ap-de-deprecated.ttl",
)
MALFORMED = {
    "DataService.ttl": "misses the dot at the end of a statement",
    "de-sh-invalid_iri.xml": "is no XML: an ampersand in an address is not escaped",
}
FORMATS = {".ttl": ox.RdfFormat.TURTLE, ".rdf": ox.RdfFormat.RDF_XML, ".xml": ox.RdfFormat.RDF_XML}
NO_IRI = re.compile(r"[\[\]{}|\\^` ]")

pytestmark = pytest.mark.skipif(not ENGINES["shacl"].is_there, reason="the package shacl has no wheel here")


@cache
def official(shared: Path) -> Shapes:
    """Load the official shapes of DCAT-AP.de 3.0."""
    folder = shared / "reference/dcat-ap-de/shapes"
    return load_shapes([folder / file for file in OFFICIAL], DEFAULT_BASE)


def _encoded(term: Term) -> Term:
    """Percent-encode what real catalogues put into IRIs and no N-Triples parser takes."""
    if isinstance(term, ox.NamedNode) and NO_IRI.search(term.value):
        return ox.NamedNode(NO_IRI.sub(lambda match: f"%{ord(match[0]):02X}", term.value))
    return term


def read(file: Path) -> list[ox.Triple]:
    """Read a real file, illegal IRIs repaired."""
    quads = ox.parse(file.read_bytes(), format=FORMATS[file.suffix], base_iri=DEFAULT_BASE + file.name, lenient=True)
    triples = []
    for quad in quads:
        subject = _encoded(quad.subject)
        assert isinstance(subject, ox.NamedNode | ox.BlankNode)
        triples.append(ox.Triple(subject, quad.predicate, _encoded(quad.object)))
    return triples


def files(shared: Path) -> list[Path]:
    """Give the files of cases and examples."""
    folder = shared / "reference/dcat-ap-de"
    found = [file for part in ("testcases", "examples") for file in sorted((folder / part).rglob("*"))]
    return [file for file in found if file.suffix in FORMATS and file.name not in MALFORMED]


def disagreements(shapes: Shapes, chosen: list[Path]) -> list[str]:
    """Give the files on which the reports differ, messages and order included."""
    wrong = []
    for file in chosen:
        triples = read(file)
        reports = [validate(triples, shapes, using=using) for using in ENGINES]
        if reports[0] != reports[1]:
            wrong.append(f"{file.name}: {set(reports[0].results) ^ set(reports[1].results)}")
    return wrong


def test_the_engines_agree_on_small_cases(shared: Path) -> None:
    """Every fourth of the files below 20 KB, under the official shapes."""
    small = [file for file in files(shared) if file.stat().st_size < 20_000]
    assert not disagreements(official(shared), small[::4])


@pytest.mark.slow
def test_the_engines_agree_on_all_cases_and_real_catalogues(shared: Path) -> None:
    """All files: the official cases and examples, and the catalogues of Rostock, Bremen and Schleswig-Holstein."""
    assert len(files(shared)) >= 59
    real = [f for f in sorted((shared / "realdata/catalogues").iterdir()) if f.suffix in FORMATS]
    real = [f for f in real if f.name not in MALFORMED]
    assert len(real) >= 9
    assert not disagreements(official(shared), [*files(shared), *real])


@pytest.mark.parametrize("folder", ["shapes", pytest.param("shapes/audit", marks=pytest.mark.slow)])
def test_the_engines_agree_on_the_registers_of_the_city(folder: str) -> None:
    """The city's gate shapes on its own registers; its audit shapes too, which takes pySHACL minutes."""
    shapes = load_shapes(sorted((ROOT / folder).glob("*.ttl")), DEFAULT_BASE)
    triples = [triple for place in ("ontology", "data/registers") for file in _turtle(place) for triple in read(file)]
    assert validate(triples, shapes, using="shacl") == validate(triples, shapes, using="pyshacl")


def _turtle(folder: str) -> list[Path]:
    return sorted((ROOT / folder).glob("*.ttl"))
