"""Comunica, unmodified, over npm: it asks for the service description first and then what it can (https://comunica.dev)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

VERSION = "4.4.1"
REQUIRED = os.environ.get("STADTGRAPH_REQUIRE_NPM") == "1"
BASE = "https://stadtgraph.example/jena/"
LABEL = "<http://www.w3.org/2000/01/rdf-schema#label>"


def absent(reason: str) -> None:
    """Skip with the reason, or fail where the test must run."""
    if REQUIRED:
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def comunica() -> Path:
    """Comunica's program, installed once into a folder of the tests' own (``STADTGRAPH_TEST_CACHE`` keeps it)."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        absent("node and npm are not installed")
    cache = Path(os.environ.get("STADTGRAPH_TEST_CACHE") or Path.home() / ".cache" / "stadtgraph-tests")
    folder = cache / f"comunica-{VERSION}"
    program = folder / "node_modules" / ".bin" / "comunica-sparql"
    if not program.exists():
        cache.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=cache))
        call = ["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(fresh)]
        try:
            subprocess.run([*call, f"@comunica/query-sparql@{VERSION}"], check=True, capture_output=True, timeout=900)
        except (subprocess.SubprocessError, OSError) as problem:
            absent(f"the registry of npm does not give Comunica: {problem}")
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)
    return program


def ask(program: Path, source: str, text: str, kind: str = "application/sparql-results+json") -> str:
    """Let Comunica answer a query from a source."""
    done = subprocess.run(
        ["node", str(program), source, text, "-t", kind], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr[-1000:]
    return done.stdout


def values(answer: str, name: str) -> list[str]:
    """Give the values of a variable."""
    return sorted(row[name]["value"] for row in json.loads(answer)["results"]["bindings"])


@pytest.mark.parametrize("how", ["", "sparql@"])
def test_comunica_finds_and_asks_the_endpoint(comunica: Path, live: str, how: str) -> None:
    """By the service description, or because it is told; joins, filters and counts are right."""
    source = f"{how}{live}/sparql"
    labels = f"SELECT ?l WHERE {{ <{BASE}id/unit/ksj> {LABEL} ?l }}"
    assert values(ask(comunica, source, labels), "l") == ["Kommunalservice", "Municipal Services"]
    joined = f"""SELECT ?t WHERE {{ ?d <http://purl.org/dc/terms/publisher> ?u ; <http://purl.org/dc/terms/title> ?t .
        ?u {LABEL} "Kommunalservice"@de FILTER(LANG(?t) = "de") }}"""
    assert values(ask(comunica, source, joined), "t") == ["Bäume"]
    count = f"SELECT (COUNT(*) AS ?n) WHERE {{ <{BASE}id/hub> <urn:many> ?o }}"
    assert values(ask(comunica, source, count), "n") == ["2000"]


def test_comunica_reads_truths_graphs_and_named_graphs(comunica: Path, live: str) -> None:
    """ASK, CONSTRUCT, GRAPH."""
    source = f"{live}/sparql"
    text = f"ASK {{ GRAPH <{BASE}graph/source/second> {{ <{BASE}id/dataset/second> ?p ?o }} }}"
    assert json.loads(ask(comunica, source, text))["boolean"] is True
    text = f"CONSTRUCT WHERE {{ <{BASE}id/unit/ksj> {LABEL} ?l }}"
    assert ask(comunica, source, text, "application/n-triples").count("Services") == 1
