"""Load, then ``as_written``: every term of every real file comes back exactly as it was written.

The judge is rdflib reading the file itself with normalisation switched off, never our store.
"""

from __future__ import annotations

import gzip
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import pyoxigraph as ox
import pytest
import rdflib

from stadtgraph.errors import InputError
from stadtgraph.rdflib_terms import from_rdflib
from stadtgraph.sources import Source, format_of, read, skolemised
from stadtgraph.store import as_written, spool, swap
from stadtgraph.terms import Names

NAMES = Names()
FORMATS = {"rdf": "xml", "ttl": "turtle", "nt": "nt", "jsonld": "json-ld"}
REFUSED = {
    "de-sh-invalid_iri.xml": "sources-xml",
    "DataService.ttl": "sources-rdf-syntax",
    "ckanext-dcatde-catalog-endpoint.rdf": "sources-rdf-syntax",
}
"""Files that do not pass the door, with the key of the error."""


@pytest.fixture
def unnormalised() -> Iterator[None]:
    """Let rdflib keep lexical forms."""
    before = rdflib.NORMALIZE_LITERALS
    rdflib.NORMALIZE_LITERALS = False
    rdflib.term.NORMALIZE_LITERALS = False  # type: ignore[attr-defined]
    yield
    rdflib.NORMALIZE_LITERALS = before


def _files(shared: Path) -> list[Path]:
    folders = [
        "realdata/catalogues",
        "realdata/jena",
        "reference/dcat-ap-de/testcases",
        "reference/dcat-ap-de/examples",
    ]
    found = [p for folder in folders for p in sorted((shared / folder).rglob("*")) if p.is_file()]
    return [p for p in found if format_of(p.name) in FORMATS and p.stat().st_size < 2_500_000]


def _as_written(path: Path, folder: Path) -> set[ox.Triple]:
    source = Source("x", {}, "city", "file", "public", format=format_of(path.name))
    store, graph = ox.Store(), NAMES.source("x")
    triples = read(source, path, NAMES, on_bad="keep", complaints=[])
    swap(store, NAMES, graph, spool(triples, folder, "x"), folder / "swap")
    return set(as_written(store, NAMES, graph))


def _judged(path: Path) -> set[ox.Triple]:
    """Read the file with rdflib; its blank nodes get their names from content as ours do, whatever their labels."""
    judge = rdflib.Graph()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        judge.parse(data=content, format=FORMATS[format_of(path.name) or ""], publicID=NAMES.base)
    triples = (ox.Triple(*(from_rdflib(term) for term in triple)) for triple in judge)  # type: ignore[arg-type]
    return set(skolemised(triples, NAMES))


def test_every_real_file_comes_back_as_its_owner_wrote_it(
    shared: Path, tmp_path: Path, unnormalised: None, caplog: pytest.LogCaptureFixture
) -> None:
    """All RDF files of real catalogues and of the profile's test cases, term by term."""
    caplog.set_level(logging.CRITICAL)
    refused, compared = {}, 0
    for path in _files(shared):
        try:
            found = _as_written(path, tmp_path)
        except InputError as error:
            refused[path.name] = error.key
            continue
        expected = _judged(path)
        assert found == expected, f"{path.name}: {sorted(map(str, found ^ expected))[:4]}"
        compared += 1
    assert refused == REFUSED
    assert compared >= 50
