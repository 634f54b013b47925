"""What the city exports comes back from a harvest as it was, and is exported again the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyoxigraph as ox
import pytest

from stadtgraph import City
from stadtgraph.catalogue import PROFILES, Profile
from stadtgraph.catalogue.formats import FORMS
from stadtgraph.city.cataloguing import catalogue

FORMATS = {"rdf": ox.RdfFormat.RDF_XML, "ttl": ox.RdfFormat.TURTLE, "jsonld": ox.RdfFormat.JSON_LD}
CASES = [("dcat-ap-de", "rdf"), ("govdata", "jsonld"), ("eu", "ttl")]


@pytest.fixture(scope="module")
def jena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """The city of Jena, built from its registers alone."""
    with City(tmp_path_factory.mktemp("round-trip") / "city") as city:
        city.build()
        yield city


def exported(city: City, profile: Profile, form: str) -> bytes:
    """Export the catalogue of the current release."""
    found = catalogue(city, city.releases.require_current())
    return b"".join(FORMS[form].write(found.head(profile), found.records(profile, None), ()))


def triples(document: bytes, form: str) -> set[ox.Triple]:
    """Parse a document; exports have no blank nodes, so isomorphic ones are equal."""
    found = {quad.triple for quad in ox.parse(document, format=FORMATS[form])}
    assert not any(isinstance(t.subject, ox.BlankNode) or isinstance(t.object, ox.BlankNode) for t in found)
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("name", "form"), CASES)
def test_an_export_is_harvested_and_exported_again_the_same(name: str, form: str, jena: City, tmp_path: Path) -> None:
    """Into another city with nothing of its own; nothing is repaired, withheld or set aside on the way."""
    (profile,) = [entry for entry in PROFILES.values() if entry.name == name]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "sources.toml").write_text("")
    (tmp_path / "city").mkdir()
    (tmp_path / "city" / "stadtgraph.toml").write_text('[city]\ndata = "../data"\n')
    first = exported(jena, profile, form)
    file = tmp_path / f"catalogue.{form}"
    file.write_bytes(first)
    with City(tmp_path / "city") as other:
        report = other.harvest(str(file))
        assert report.records == report.loaded > 60
        assert not report.quarantined and not report.repairs and not report.withheld and not report.notes
        assert triples(exported(other, profile, form), form) == triples(first, form)
