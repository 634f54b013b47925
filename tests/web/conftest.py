"""A small city, its application, and a live server over it."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from stadtgraph.city import City
from stadtgraph.web import create_app

ATTACK = "<script>alert(1)</script>"
TURTLE = f"""
@prefix dct: <http://purl.org/dc/terms/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix dcat: <http://www.w3.org/ns/dcat#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
<id/dataset/trees> a dcat:Dataset ; dct:title "Bäume"@de , "Trees"@en ; dct:publisher <id/unit/ksj> ;
    dcat:byteSize "5"^^xsd:nonNegativeInteger ; dct:spatial [ rdfs:label "Jena" ] .
<id/unit/ksj> rdfs:label "Kommunalservice"@de , "Municipal Services"@en .
<id/unit/gr%C3%BCn> rdfs:label "encoded" .
<id/unit/grün> rdfs:label "not encoded" .
<id/attack> rdfs:label "{ATTACK}" ; rdfs:seeAlso <javascript:alert(1)> , <https://example.org/?a=1&b=%22> .
<id/odd/a//b> rdfs:label "two slashes" .
<id/bad-predicate> <http://example.org/123> "x" .
dct:title rdfs:label "Titel"@de , "Title"@en .
"""
SECOND = """
<id/dataset/trees> <http://purl.org/dc/terms/title> "Bäume"@de .
<id/dataset/second> a <http://www.w3.org/ns/dcat#Dataset> .
"""
HUB = "".join(f'<id/hub> <urn:many> "{i}" . <id/n/{i}> <urn:of> <id/hub> .\n' for i in range(2000))
LONG = HUB + "".join(f'<id/n/{i}> <urn:n> "{i} {"long " * 30}" .\n' for i in range(20_000))
EXAMPLE = """#: name: label-of
#: question.de: Wie heißt die Einheit?
#: question.en: What is the unit called?
#: keywords: units
#: number: 31
#: param: unit IRI <id/unit/ksj> | Einheit | unit
SELECT ?label WHERE { $unit <http://www.w3.org/2000/01/rdf-schema#label> ?label } ORDER BY ?label
"""
IN_LANGUAGE = """#: name: title-in-language
#: question.de: Wie heißen die Datensätze?
#: question.en: What are the datasets called?
#: param: lang string "de" | Sprache | language
SELECT ?t WHERE { <id/dataset/trees> <http://purl.org/dc/terms/title> ?t FILTER(LANG(?t) = $lang) }
"""


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A city with two releases; the second adds a graph that shares a triple with the first."""
    root = tmp_path_factory.mktemp("web")
    city = root / "city"
    (city / "data" / "queries").mkdir(parents=True)
    (city / "shapes").mkdir()
    (city / "data" / "sources.toml").write_text("", "utf-8")
    (city / "data" / "queries" / "label.rq").write_text(EXAMPLE, "utf-8")
    (city / "data" / "queries" / "title.rq").write_text(IN_LANGUAGE, "utf-8")
    (city / "stadtgraph.toml").write_text(
        '[city]\ntitle = "Stadtgraph Test"\ndata = "data"\nshapes = "shapes"\n', "utf-8"
    )
    for name, text in (("first", TURTLE), ("second", SECOND), ("long", LONG)):
        (root / f"{name}.ttl").write_text(text, "utf-8")
    with City(city) as opened:
        with opened.draft(why="first") as draft:
            draft.load(root / "first.ttl", source="first")
            draft.load(root / "long.ttl", source="long")
        with opened.draft(why="second") as draft:
            draft.load(root / "second.ttl", source="second")
    return city


@pytest.fixture(scope="session")
def app(folder: Path) -> Iterator[Flask]:
    """The application."""
    with City(folder) as city:
        yield create_app(city, testing=True)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client that follows nothing and keeps nothing."""
    return app.test_client(use_cookies=False)


@dataclass
class Server:
    """A running server: its parent process, its address, and how it ended."""

    process: subprocess.Popen[bytes]
    address: str
    status: int | None = None

    def stop(self) -> int:
        """End the server as an operator does; give its exit code."""
        if self.status is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.communicate(timeout=120)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.communicate()
            self.status = self.process.returncode
        return self.status


@contextmanager
def _serving(folder: Path, *, workers: int = 1, threads: int = 4) -> Iterator[Server]:
    """Start a server in processes of its own, and stop it at the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    call = f"serve({str(folder)!r}, port={port}, workers={workers}, threads={threads})"
    script = folder.parent / f"serve-{port}.py"
    script.write_text(f"from stadtgraph.web import serve\nif __name__ == '__main__':\n    {call}\n", "utf-8")
    errors = script.with_suffix(".log")
    with errors.open("wb") as log:
        process = subprocess.Popen([sys.executable, str(script)], stderr=log)
    server = Server(process, f"http://127.0.0.1:{port}")
    try:
        _wait(server)
        yield server
    finally:
        server.stop()


def _wait(server: Server) -> None:
    until = time.monotonic() + 180
    while time.monotonic() < until and server.process.poll() is None:
        try:
            with urllib.request.urlopen(f"{server.address}/health/ready", timeout=60):
                return
        except OSError:
            time.sleep(0.1)
    server.process.kill()
    raise AssertionError("the server does not get ready")


Serving = Callable[..., AbstractContextManager[Server]]


@pytest.fixture(scope="session")
def serving() -> Serving:
    """Start servers: ``with serving(folder, workers=2) as server``."""
    return _serving


@pytest.fixture(scope="session")
def live(folder: Path) -> Iterator[str]:
    """The address of a live server."""
    with _serving(folder) as server:
        yield server.address
