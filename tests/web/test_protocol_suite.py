"""The W3C tests of the SPARQL Protocol and the Graph Store Protocol, and clients that people use for updates."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from rdflib import Graph, Literal, URIRef
from rdflib.plugins.stores.sparqlstore import SPARQLUpdateStore

from stadtgraph.access import Tokens
from stadtgraph.city import City

Live = tuple[str, str]


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, serving) -> Iterator[Live]:  # type: ignore[no-untyped-def]
    """The address of a live server over an empty city, and the token of an admin."""
    city = tmp_path_factory.mktemp("suite") / "city"
    for name in ("data/queries", "shapes", "ontology"):
        (city / name).mkdir(parents=True)
    (city / "data" / "sources.toml").write_text("")
    (city / "stadtgraph.toml").write_text('[city]\ndata = "data"\nshapes = "shapes"\nontology = "ontology"\n')
    with City(city) as opened, opened.draft(why="first") as draft:
        draft.put_system("ontology", ())
    with serving(city) as server:
        yield server.address, Tokens(city).create(["admin"])[1]


@pytest.fixture(scope="module")
def program(shared: Path) -> ModuleType:
    """The program that runs the tests."""
    spec = importlib.util.spec_from_file_location("w3c_protocol_check", shared / "tools" / "w3c_protocol_check.py")
    assert spec is not None and spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("update", ["sparql/update", pytest.param("sparql", marks=pytest.mark.slow)])
def test_every_test_of_both_protocols_passes(
    live: Live, program: ModuleType, update: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """34 of 34 and 13 of 13, at the address for updates and at the combined one."""
    address, token = live
    addresses = {"query": "sparql", "update": update, "graph-store": "graphs"}
    options = [part for name, path in addresses.items() for part in (f"--{name}-url", f"{address}/{path}")]
    status = program.main([*options, "--header", f"Authorization: Bearer {token}", "--timeout", "60"])
    said = capsys.readouterr().out
    assert status == 0 and "47 passed, 0 failed" in said, said


def test_rdflib_updates_a_graph_over_http(live: Live) -> None:
    """Its store is used as it is, with the token as a header."""
    address, token = live
    store = SPARQLUpdateStore(
        f"{address}/sparql", f"{address}/sparql/update", headers={"Authorization": f"Bearer {token}"}
    )
    graph = Graph(store, URIRef("https://client.example/g"))
    triple = (URIRef("urn:s"), URIRef("urn:p"), Literal("x"))
    graph.add(triple)
    assert list(graph) == [triple]
    graph.update("DELETE { ?s ?p ?o } INSERT { ?s ?p 'y' } WHERE { ?s ?p ?o }")
    assert [str(o) for o in graph.objects()] == ["y"]
    graph.remove((None, None, None))
    assert len(graph) == 0
