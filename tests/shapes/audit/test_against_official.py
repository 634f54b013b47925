"""The own shapes of the profile give the verdict of the official shapes of DCAT-AP.de 3.0.

Compared are the violations, each by focus node, path and component, on whole real catalogues and on the official test
cases and examples. Where the two differ by intent the reason stands in :data:`DIFFERENCES`; any other difference fails.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pyoxigraph as ox
import pytest

from stadtgraph.shacl import Report, Result, Shapes, load_shapes, validate
from stadtgraph.terms import Term

ROOT = Path(__file__).resolve().parents[3]
BASE = "https://stadtgraph.example/jena/"
CATALOGUES = (
    "de-rostock-catalog.rdf",
    "de-bremen-catalog.rdf",
    "de-sh-opendata-catalog-page.xml",
    "de-sh-collection1.rdf",
    "de-sh-rdf_catalog.xml",
    "de-sh-transparenz.rdf",
    "de-sh-two-organizations.xml",
    "de-sh-with_collection.xml",
    "de-sh-with_downloadURL.xml",
)
OFFICIAL = (
    "dcat-ap-3.0.0/dcat-ap-SHACL.ttl",
    "dcat-ap-de-3.0/dcat-ap-SHACL-DE.ttl",
    "dcat-ap-de-3.0/dcat-ap-spec-german-additions.ttl",
    "dcat-ap-de-3.0/dcat-ap-de-deprecated.ttl",
)
MALFORMED = {"DataService.ttl": "misses the dot at the end of a statement"}
FORMATS = {".ttl": ox.RdfFormat.TURTLE, ".rdf": ox.RdfFormat.RDF_XML, ".xml": ox.RdfFormat.RDF_XML}
ILLEGAL = "[]{}|\\^` "
Key = tuple[str, str, str]

DIFFERENCES: dict[str, tuple[str, Callable[[Key], bool]]] = {
    "availability": (
        "the official German files bind dcatap: to http://data.europa.eu/r5r# instead of r5r/, so that their rules on"
        " availability look at a property that nobody uses",
        lambda key: "availability" in key[1],
    ),
    "series publisher": (
        "the official rule that a series has a publisher is attached to no node shape",
        lambda key: "/publisher>" in key[1] and key[2] == "MinCount",
    ),
}


@cache
def official(shared: Path) -> Shapes:
    """Load the official shapes."""
    return load_shapes([shared / "reference/dcat-ap-de/shapes" / file for file in OFFICIAL], BASE)


@cache
def own() -> Shapes:
    """Load the own shapes of the profile, and that on licences, which stands with quality."""
    names = ("prefixes", "profile", "quality")
    return load_shapes([ROOT / "shapes" / "audit" / f"{name}.ttl" for name in names], BASE)


def read(file: Path) -> list[ox.Triple]:
    """Read a file; what real catalogues put into IRIs and no N-Triples parser takes is percent-encoded."""
    quads = ox.parse(file.read_bytes(), format=FORMATS[file.suffix], base_iri=BASE + file.name, lenient=True)
    triples = []
    for quad in quads:
        subject = encoded(quad.subject)
        assert isinstance(subject, ox.NamedNode | ox.BlankNode)
        triples.append(ox.Triple(subject, quad.predicate, encoded(quad.object)))
    return triples


def encoded(term: Term) -> Term:
    """Percent-encode an illegal IRI."""
    if not isinstance(term, ox.NamedNode) or not set(ILLEGAL) & set(term.value):
        return term
    return ox.NamedNode("".join(f"%{ord(c):02X}" if c in ILLEGAL else c for c in term.value))


def of_the_specification(result: Result) -> bool:
    """Tell whether an own shape restates the specification, not its lists, which the official files keep apart."""
    name = result.shape.value.rsplit("/", 1)[-1]
    restated = name.startswith("profile-") and not name.startswith("profile-vocabulary-")
    return restated or name == "distribution-licence"


def violations(report: Report, keep: Callable[[Result], bool] = lambda result: True) -> set[Key]:
    """Give the violations of a report by focus node, path and component."""
    chosen = [r for r in report.results if r.is_violation and keep(r)]
    return {(str(r.focus), r.path or "", component(r)) for r in chosen}


def component(result: Result) -> str:
    """Give the short name of what was broken."""
    return result.component.value.rsplit("#", 1)[-1].removesuffix("ConstraintComponent")


def unexplained(shared: Path, file: Path) -> set[Key]:
    """Give the violations that only one of the two finds, without a reason for it."""
    triples = read(file)
    theirs = violations(validate(triples, official(shared)))
    ours = violations(validate(triples, own()), of_the_specification)
    return {key for key in theirs ^ ours if not any(fits(key) for _, fits in DIFFERENCES.values())}


@pytest.mark.slow
@pytest.mark.parametrize("name", CATALOGUES)
def test_real_catalogues_get_the_official_verdict(shared: Path, name: str) -> None:
    """Rostock, Bremen and Schleswig-Holstein: the same violations at the same nodes."""
    file = shared / "realdata" / "catalogues" / name
    assert not unexplained(shared, file)
    assert violations(validate(read(file), own()), of_the_specification), "the catalogue has violations to compare"


@pytest.mark.slow
def test_official_cases_and_examples_get_the_official_verdict(shared: Path) -> None:
    """Every test case and example that ships with the profile."""
    folder = shared / "reference" / "dcat-ap-de"
    files = [file for part in ("testcases", "examples") for file in sorted((folder / part).rglob("*"))]
    wrong = {}
    for file in files:
        if file.suffix in FORMATS and file.name not in MALFORMED:
            wrong[file.name] = unexplained(shared, file)
    assert len(wrong) > 30
    assert not {name: found for name, found in wrong.items() if found}


def test_each_difference_has_a_reason() -> None:
    """A difference that is by intent is explained where it is listed."""
    assert all(len(reason) > 40 for reason, _ in DIFFERENCES.values())
