"""Writers of a running server with several processes: none is lost, whoever dies in the middle."""

from __future__ import annotations

import http.client
import os
import random
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from stadtgraph.access import Tokens
from stadtgraph.city import City

GRAPH = "https://stadtgraph.example/jena/graph/source/notes"


@pytest.fixture
def city(tmp_path: Path) -> Path:
    """A city of nothing."""
    folder = tmp_path / "city"
    for name in ("data/queries", "shapes", "ontology"):
        (folder / name).mkdir(parents=True)
    (folder / "data" / "sources.toml").write_text("")
    (folder / "stadtgraph.toml").write_text(
        '[city]\ndata = "data"\nshapes = "shapes"\nontology = "ontology"\n[serve]\ntrusted_proxy = "127.0.0.1"\n'
    )
    with City(folder) as made, made.draft(why="first") as draft:
        draft.put_system("ontology", ())
    return folder


def send(address: str, token: str, text: str) -> int:
    """Send an update; 0 where no answer came."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/sparql-update"}
    request = urllib.request.Request(f"{address}/sparql/update", text.encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=300) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except (OSError, http.client.HTTPException):
        return 0


def persist(address: str, token: str, number: int, done: set[int]) -> None:
    """Send until it is done."""
    for _ in range(200):
        if send(address, token, f"INSERT DATA {{ GRAPH <{GRAPH}> {{ <urn:{number}> <urn:p> {number} }} }}") == 204:
            done.add(number)
            return
        time.sleep(random.random() / 5)


def numbers(folder: Path) -> set[int]:
    """Give what the current release holds."""
    with City(folder) as city:
        return {int(t.object.value) for t in city.engine().triples(None, None, None) if t.subject.value[4:].isdigit()}  # type: ignore[union-attr]


def children(process: subprocess.Popen[bytes]) -> list[int]:
    """Give the web processes of a server."""
    found = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=False).stdout
    commands = {int(pid): Path(f"/proc/{pid}/cmdline").read_bytes() for pid in found.split()}
    return [pid for pid, command in commands.items() if b"spawn_main" in command]


@pytest.mark.slow
def test_no_acknowledged_change_is_lost_when_web_processes_are_killed(city: Path, serving) -> None:  # type: ignore[no-untyped-def]
    """Two processes, twelve writers, and SIGKILL in the middle, again and again."""
    token, done = Tokens(city).create(["write:notes"])[1], set[int]()
    with serving(city, workers=2) as server:
        threads = [threading.Thread(target=persist, args=(server.address, token, n, done)) for n in range(12)]
        for thread in threads:
            thread.start()
        for _ in range(3):
            time.sleep(1.0)
            for pid in children(server.process)[:1]:
                os.kill(pid, signal.SIGKILL)
        for thread in threads:
            thread.join()
    assert done == set(range(12)) and numbers(city) == done


def test_a_trusted_proxy_tells_by_which_address_it_was_reached(city: Path, serving) -> None:  # type: ignore[no-untyped-def]
    """And who asks through another one is not believed."""
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "data.town.example", "Accept": "text/turtle"}

    def described(address: str) -> str:
        request = urllib.request.Request(f"{address}/sparql", headers=forwarded)
        with urllib.request.urlopen(request, timeout=120) as answer:
            return str(answer.read().decode())

    with serving(city) as server:
        assert "https://data.town.example/sparql" in described(server.address)
    text = (city / "stadtgraph.toml").read_text()
    (city / "stadtgraph.toml").write_text(text.replace('trusted_proxy = "127.0.0.1"', 'trusted_proxy = ""'))
    with serving(city) as server:
        assert "data.town.example" not in described(server.address)
