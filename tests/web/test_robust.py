"""Processes that are killed, disks that are full, answers under way when the server is stopped: service goes on."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from urllib.parse import quote

import pytest

from attack import Target, below, eventually, is_web, is_worker, serving

ONCE = iter(range(1_000_000))


def ask(target: Target, text: str = "ASK {{ ?s ?p {} }}") -> bool:
    """Ask something that was not asked before; tell whether the answer came whole."""
    address = f"http://127.0.0.1:{target.port}/sparql?format=json&query={quote(text.format(next(ONCE)))}"
    try:
        with urllib.request.urlopen(address, timeout=120) as answer:
            return "boolean" in json.load(answer)
    except (OSError, http.client.HTTPException, ValueError):
        return False


def killed(target: Target, chosen: Callable[[int], bool]) -> int:
    """Kill the processes of a kind; give how many there were."""
    found = [pid for pid in below(target.process.pid) if chosen(pid)]
    for pid in found:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return len(found)


def counted(target: Target) -> float:
    """Give the number of ASK queries counted."""
    with urllib.request.urlopen(f"http://127.0.0.1:{target.port}/metrics", timeout=120) as answer:
        lines = [line.decode() for line in answer if line.startswith(b'stadtgraph_queries_total{form="ASK"')]
    return sum(float(line.split()[-1]) for line in lines)


def test_whatever_is_killed_while_queries_run_the_service_goes_on(folder: Path) -> None:
    """Workers, then whole web processes with their workers; what was counted is not lost."""
    with serving(folder, {"workers": 2}) as target:
        answers: list[bool] = []
        going = threading.Event()

        def go_on() -> None:
            while not going.is_set():
                answers.append(ask(target))

        threads = [threading.Thread(target=go_on) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            for kind in (is_worker, is_web, is_worker):
                eventually(partial(_go_well, answers, len(answers), 1), "no answers")
                eventually(partial(killed, target, kind), "nothing to kill")
            eventually(lambda: len([p for p in below(target.process.pid) if is_web(p)]) == 2, "two web processes")
            eventually(partial(_go_well, answers, len(answers), 6), "answers break off")
        finally:
            going.set()
            for thread in threads:
                thread.join()
        assert target.process.poll() is None and ask(target)
        assert counted(target) >= answers.count(True) - 3


def _go_well(answers: list[bool], since: int, number: int) -> bool:
    """Tell whether the last answers came whole, and all of them after ``since``."""
    return len(answers) >= since + number and all(answers[-number:])


@pytest.mark.skipif(os.geteuid() != 0 or sys.platform != "linux", reason="mounting a small disk needs root on Linux")
def test_a_full_disk_costs_nobody_an_answer(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither for kept answers nor for counts; a process that starts on a full disk serves as well."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=9m", "tmpfs", str(disk)], check=False).returncode:
        pytest.skip("this machine does not let a test mount a small disk")
    monkeypatch.setenv("TMPDIR", str(disk))
    try:
        with serving(folder, {"workers": 1}) as target:
            assert ask(target)
            with suppress(OSError), (disk / "ballast").open("wb") as file:
                while True:
                    file.write(b"x" * 4096)
                    file.flush()
            assert all(ask(target) for _ in range(5))
            long = f"/sparql?format=csv&query={quote('SELECT * { ?s <urn:n> ?o }')}"
            for _ in range(2):
                answer = target.send("GET", long, seconds=60)
                assert answer.status == 200 and answer.whole and answer.body.count(b"\n") == 20_001
            assert counted(target) >= 6
            assert killed(target, is_web) == 1
            eventually(lambda: ask(target), "no answer")
            assert target.process.poll() is None and counted(target) >= 1
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_an_answer_under_way_comes_to_its_end_when_the_server_is_stopped(folder: Path) -> None:
    """Nobody new gets in meanwhile."""
    with serving(folder, {"workers": 1, "grace": 200, "QUERY_SECONDS": 200}) as target:
        text = "SELECT (COUNT(*) AS ?n) { ?a <urn:many> ?b . ?c <urn:many> ?d VALUES ?x { 1 2 } }"
        found: list[bytes] = []

        def wait() -> None:
            found.append(target.send("GET", f"/sparql?format=csv&query={quote(text)}", seconds=300).body)

        thread = threading.Thread(target=wait)
        thread.start()
        target.wait_for_queries()
        target.process.send_signal(signal.SIGTERM)
        thread.join()
        assert found == [b"n\r\n8000000\r\n"]
        assert target.process.wait(120) == 0
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", target.port), 20)


def test_a_web_process_that_is_stopped_by_force_leaves_no_worker(folder: Path) -> None:
    """Even in the middle of a query that would run for long."""
    with serving(folder, {"workers": 1, "QUERY_SECONDS": 1000}) as target:
        text = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
        with socket.create_connection(("127.0.0.1", target.port)) as connection:
            connection.sendall(f"GET /sparql?query={quote(text)} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            target.wait_for_queries()
            workers = [pid for pid in below(target.process.pid) if is_worker(pid)]
            assert workers and killed(target, is_web) == 1
            eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), "a worker goes on")
        eventually(lambda: ask(target), "no answer")
