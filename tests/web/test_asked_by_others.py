"""Other Oxigraphs ask this endpoint with SERVICE, unmodified."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pyoxigraph as ox
import pytest

LABEL = "http://www.w3.org/2000/01/rdf-schema#label"
ASKING = (
    "SELECT ?l { VALUES ?u { <https://stadtgraph.example/jena/id/unit/ksj> } "
    f"SERVICE <%s/sparql> {{ ?u <{LABEL}> ?l }} }} ORDER BY ?l"
)
MANY = "SELECT (COUNT(*) AS ?n) { SERVICE <%s/sparql> { ?s <urn:n> ?o } }"


def test_pyoxigraph_asks_us(live: str) -> None:
    """Its SERVICE sends the pattern as it is; 20,000 solutions come whole."""
    result = ox.Store().query(ASKING % live)
    assert isinstance(result, ox.QuerySolutions)
    assert [row["l"].value for row in result] == ["Kommunalservice", "Municipal Services"]
    counted = ox.Store().query(MANY % live)
    assert isinstance(counted, ox.QuerySolutions)
    assert [row["n"].value for row in counted] == ["20000"]


def test_an_error_of_ours_is_an_error_there(live: str) -> None:
    """What we refuse does not look like an empty answer; SILENT takes it for one."""
    text = "SELECT * { SERVICE %s<" + live + "/sparql> { ?s ?p ?o FILTER(<urn:no-function>(?o)) } }"
    with pytest.raises((OSError, RuntimeError)):
        list(ox.Store().query(text % ""))  # type: ignore[arg-type]
    assert len(list(ox.Store().query(text % "SILENT "))) == 1  # type: ignore[arg-type]


def test_the_oxigraph_program_asks_us(live: str, tmp_path: Path) -> None:
    """The command line of Oxigraph, where it is installed (or named by STADTGRAPH_OXIGRAPH)."""
    program = os.environ.get("STADTGRAPH_OXIGRAPH") or shutil.which("oxigraph")
    if program is None:
        pytest.skip("the program oxigraph is not installed (set STADTGRAPH_OXIGRAPH)")
    store = tmp_path / "store"
    data = tmp_path / "data.nt"
    data.write_text("<urn:x> <urn:y> <urn:z> .\n")
    subprocess.run([program, "load", "--location", store, "--file", data], check=True, capture_output=True)
    call = [program, "query", "--location", store, "--query", ASKING % live, "--results-format", "csv"]
    answer = subprocess.run(call, check=True, capture_output=True).stdout.decode()
    assert answer.split() == ["l", "Kommunalservice", "Municipal", "Services"]
