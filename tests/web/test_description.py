"""The service description and VoID say what is there, and nothing else."""

from __future__ import annotations

import pyoxigraph as ox
import pytest
from flask.testing import FlaskClient

from stadtgraph.terms import DCAT, PREFIXES, SD
from stadtgraph.web.description import FUNCTIONS

GEOF = PREFIXES["geof"]
MORE = ("buffer", "boundary", "transform", "asWKT", "asGML", "concaveHull", "metricDistance", "geometryN", "maxX")


def described(client: FlaskClient, path: str) -> set[ox.Triple]:
    """Give what an address says of the service."""
    answer = client.get(path, headers={"Accept": "application/n-triples"})
    return {quad.triple for quad in ox.parse(answer.data, ox.RdfFormat.N_TRIPLES)}


def test_exactly_the_functions_that_the_engine_has_are_named() -> None:
    """A function that is named is known to the engine; those that people miss are not named."""
    store = ox.Store()
    for name in FUNCTIONS:
        assert list(store.query(f"SELECT (<{GEOF}{name}>() AS ?x) {{}}"))  # type: ignore[arg-type]
    for name in MORE:
        assert name not in FUNCTIONS
        with pytest.raises(RuntimeError, match="not supported"):
            list(store.query(f"SELECT (<{GEOF}{name}>() AS ?x) {{}}"))  # type: ignore[arg-type]


def test_the_addresses_for_changes_are_named_and_answer(client: FlaskClient) -> None:
    """By the service description and by VoID; each asks for a token."""
    for path in ("/sparql", "/void"):
        triples = described(client, path)
        addresses = {str(t.object.value) for t in triples if t.predicate in (SD.endpoint, DCAT.endpointURL)}  # type: ignore[union-attr]
        assert {"http://localhost/sparql/update", "http://localhost/graphs"} <= addresses
    languages = {t.object for t in described(client, "/sparql") if t.predicate == SD.supportedLanguage}
    assert languages == {SD.SPARQL11Query, SD.SPARQL11Update}
    for path in ("/sparql/update", "/graphs"):
        assert client.post(path, data=b"").status_code == 401
