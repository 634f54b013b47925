"""A city with enough in it to hurt, and a server over it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from attack import Target, serving
from stadtgraph.city import City

REGISTER = """
@prefix dcat: <http://www.w3.org/ns/dcat#> .
@prefix dct: <http://purl.org/dc/terms/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
<id/dataset/trees> a dcat:Dataset ; dct:title "Bäume"@de , "Trees"@en ; dct:publisher <id/unit/green> .
<id/unit/green> rdfs:label "Grünamt"@de , "Parks"@en .
<id/formula> rdfs:label "=1+2" , "+cmd|' /C calc'!A0" , "@SUM(A1)" , "-2+3" , "<script>alert(1)</script>" .
"""
MANY = "".join(
    f'<id/n/{i}> <urn:n> "{i} {"long " * 20}" ; <urn:next> <id/n/{(i * 7 + 1) % 8000}> .\n' for i in range(8000)
)
HUB = "".join(f'<id/hub> <urn:many> "{i} {"wide " * 40}" .\n' for i in range(3000))


@pytest.fixture(scope="session")
def attacked_city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three graphs, 19,000 triples."""
    root = tmp_path_factory.mktemp("hostile")
    city = root / "city"
    (city / "data" / "queries").mkdir(parents=True)
    (city / "shapes").mkdir()
    (city / "data" / "sources.toml").write_text("", "utf-8")
    (city / "stadtgraph.toml").write_text('[city]\ndata = "data"\nshapes = "shapes"\n', "utf-8")
    for name, text in (("register", REGISTER), ("many", MANY), ("hub", HUB)):
        (root / f"{name}.ttl").write_text(text, "utf-8")
    with City(city) as opened, opened.draft(why="first") as draft:
        for name in ("register", "many", "hub"):
            draft.load(root / f"{name}.ttl", source=name)
    return city


@pytest.fixture(scope="session")
def running(attacked_city: Path) -> Iterator[Target]:
    """A server that stands for the whole run and writes no trace of a failure inside."""
    with serving(attacked_city) as target:
        yield target
        log = target.log.read_text("utf-8", "replace")
        traces = [line for line in log.splitlines() if "Traceback" in line or "uncaptured" in line]
        assert not traces, traces[0][:5000]


@pytest.fixture
def target(running: Target) -> Iterator[Target]:
    """The server; after each test it is held to its promises."""
    yield running
    running.check()
