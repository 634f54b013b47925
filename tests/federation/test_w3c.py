"""The W3C tests of SERVICE, with small servers in the place of their endpoints.

Source: https://github.com/w3c/rdf-tests/tree/main/sparql/sparql11/service
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pyoxigraph as ox
import pytest

from endpoints import endpoint
from federation.conftest import Town, shown

QT = "http://www.w3.org/2001/sw/DataAccess/tests/test-query#"
MF = "http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#"
NAMES = ["service1", "service2", "service3", "service4a", "service5", "service6", "service7"]
UNREACHABLE = "http://invalid.endpoint.org/sparql"


def _manifest(folder: Path) -> ox.Store:
    store = ox.Store()
    store.load(path=folder / "manifest.ttl", format=ox.RdfFormat.TURTLE, base_iri=folder.as_uri() + "/")
    return store


def _one(store: ox.Store, subject: object, predicate: str) -> str | None:
    for quad in store.quads_for_pattern(subject, ox.NamedNode(predicate), None):  # type: ignore[arg-type]
        return str(quad.object.value)  # type: ignore[union-attr]
    return None


def _path(uri: str | None) -> Path:
    assert uri is not None
    return Path(uri.removeprefix("file://"))


@pytest.mark.parametrize("name", NAMES)
def test_the_answer_is_the_one_of_the_suite(shared: Path, name: str) -> None:
    """All seven; the endpoint that does not exist is allowed and unreachable."""
    store = _manifest(shared / "reference" / "w3c" / "sparql11" / "service")
    tests = {
        str(q.subject.value).rpartition("#")[2]: q.subject
        for q in store.quads_for_pattern(None, ox.NamedNode(f"{MF}action"), None)
    }  # type: ignore[union-attr]
    assert sorted(tests) == NAMES
    test = tests[name]
    action = next(store.quads_for_pattern(test, ox.NamedNode(f"{MF}action"), None)).object
    town = Town()
    data = _one(store, action, f"{QT}data")
    if data is not None:
        town.load(_path(data).read_text("utf-8"))
    with ExitStack() as stack:
        for quad in store.quads_for_pattern(action, ox.NamedNode(f"{QT}serviceData"), None):  # type: ignore[arg-type]
            iri = _one(store, quad.object, f"{QT}endpoint")
            other = ox.Store()
            other.load(path=_path(_one(store, quad.object, f"{QT}data")), format=ox.RdfFormat.TURTLE)
            assert iri is not None
            town.allow(iri, stack.enter_context(endpoint(other)))
        town.allow(UNREACHABLE, "http://127.0.0.1:1999/sparql")
        found = town.answer(_path(_one(store, action, f"{QT}query")).read_text("utf-8"))
    expected = ox.parse_query_results(path=_path(_one(store, test, f"{MF}result")), format=ox.QueryResultsFormat.XML)
    assert found == shown(expected)
