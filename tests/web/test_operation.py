"""Counts, logs, readiness, shares of callers: what an operator sees, and what callers are told."""

from __future__ import annotations

import io
import json
import os
import re
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from stadtgraph import City
from stadtgraph.access import Tokens
from stadtgraph.errors import StoreError
from stadtgraph.web import create_app, logs

ASK = "/sparql?query=" + quote("ASK { ?s ?p ?o }") + "&format=json"
SLOW = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"


@pytest.fixture
def client(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FlaskClient]:
    """A client of an application with small shares."""
    for name, value in {"FAIRNESS_ERRORS": "3", "QUERY_SECONDS": "300", "LOG_TEXT": "true"}.items():
        monkeypatch.setenv(f"STADTGRAPH_{name}", value)
    with City(folder) as city:
        yield create_app(city, testing=True).test_client(use_cookies=False)


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """The lines of the log."""
    found: list[dict[str, object]] = []
    monkeypatch.setattr(logs.LOG, "tell", lambda event, **facts: found.append({"event": event, **facts}))
    return found


def asked(client: FlaskClient, address: str, **how: Any) -> TestResponse:
    """Ask and read to the end."""
    answer = client.get(address, **how)
    assert answer.data
    return answer


def count(client: FlaskClient, name: str, **labels: str) -> float:
    """Give the sum of a counter over the labels that are not named."""
    found = 0.0
    for line in client.get("/metrics").text.splitlines():
        if line.startswith(name) and all(f'{key}="{value}"' in line for key, value in labels.items()):
            found += float(line.split()[-1])
    return found


def test_queries_are_counted_by_form_outcome_and_source(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fresh and kept answers, known ones, errors and runaways."""
    tag = asked(client, ASK).headers["ETag"]
    asked(client, ASK)
    client.get(ASK, headers={"If-None-Match": tag})
    client.get("/sparql?query=nonsense")
    queries = client.application.extensions["stadtgraph"].queries
    with monkeypatch.context() as hurried:
        hurried.setattr(queries, "limits", replace(queries.limits, seconds=0.5))
        assert client.get(f"/sparql?query={quote(SLOW)}").status_code == 503
    assert count(client, "stadtgraph_queries_total", form="ASK", source="worker") == 1
    assert count(client, "stadtgraph_queries_total", form="ASK", source="cache") == 1
    assert count(client, "stadtgraph_queries_total", form="ASK", outcome="known") == 1
    assert count(client, "stadtgraph_queries_total", outcome="malformed") == 1
    assert count(client, "stadtgraph_queries_total", form="SELECT", outcome="time") == 1
    assert count(client, "stadtgraph_workers_ended_total", why="time") == 1
    assert count(client, "stadtgraph_query_seconds_count") == 5
    assert count(client, "stadtgraph_queries_in_flight") == 0
    assert count(client, "stadtgraph_release_age_seconds") > 0 and count(client, "stadtgraph_workers") >= 1
    assert client.get("/metrics").content_type.startswith("text/plain")


def test_a_query_is_logged_with_its_id_and_without_who_asked(
    client: FlaskClient, lines: list[dict[str, object]]
) -> None:
    """The id is that of the answer; a token is named by its id, never by its secret."""
    answer = asked(client, ASK, environ_base={"REMOTE_ADDR": "192.0.2.77"})
    (line,) = lines
    assert line["query"] == answer.headers["Stadtgraph-Query"] and line["outcome"] == "ok" and line["form"] == "ASK"
    assert line["from"] == "192.0.2.0/24" and line["bytes"] == len(answer.data) and "ASK" in str(line["text"])
    token, secret = Tokens(client.application.extensions["stadtgraph"].city.path).create(["audit"])
    asked(client, ASK, headers={"Authorization": f"Bearer {secret}"}, environ_base={"REMOTE_ADDR": "192.0.2.77"})
    assert lines[-1]["token"] == token.id and "192.0.2" not in str(lines[-1]) and secret not in str(lines)


def test_a_problem_names_its_query(client: FlaskClient) -> None:
    """In the header and in the document."""
    answer = client.get("/sparql?query=nonsense")
    assert answer.status_code == 400 and answer.get_json(force=True)["query"] == answer.headers["Stadtgraph-Query"]
    assert re.fullmatch("[0-9a-f]{16}", answer.headers["Stadtgraph-Query"])


def test_who_sends_too_many_errors_is_told_when_to_come_again(client: FlaskClient) -> None:
    """In the words of the caller; others, kept answers and pages are not concerned."""
    asked(client, ASK)
    for _ in range(7):
        assert client.get("/sparql?query=nonsense").status_code == 400
    other = f"/sparql?query={quote('ASK { ?s ?p 5 }')}&format=json"
    refused = client.get(other, headers={"Accept-Language": "de"})
    assert refused.status_code == 429 and int(refused.headers["Retry-After"]) > 0
    assert "Fehler" in refused.get_json(force=True)["detail"]
    assert client.get(ASK).status_code == client.get("/").status_code == client.get("/queries").status_code == 200
    assert client.get(other, environ_base={"REMOTE_ADDR": "192.0.2.1"}).status_code == 200
    secret = Tokens(client.application.extensions["stadtgraph"].city.path).create(["audit"])[1]
    assert client.get(other, headers={"Authorization": f"Bearer {secret}"}).status_code == 200


def test_without_a_worker_that_answers_the_server_is_not_ready(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was killed is replaced; where none can be started a balancer looks elsewhere."""
    assert client.get("/health/ready").status_code == 200
    pool = client.application.extensions["stadtgraph"].queries.pool
    for worker in list(pool._all):
        os.kill(worker.pid, signal.SIGKILL)
    assert client.get("/health/ready").status_code == 200

    def none(*_: object, **__: object) -> None:
        raise StoreError("query-no-worker")

    monkeypatch.setattr(pool, "acquire", none)
    refused = client.get("/health/ready")
    assert refused.status_code == 503 and refused.get_json(force=True)["type"].endswith("query-no-worker")
    monkeypatch.setattr(pool, "take", lambda: None)
    told = client.get(ASK)
    assert told.status_code == 503 and told.get_json(force=True)["type"].endswith("query-no-worker")
    assert int(told.headers["Retry-After"]) > 0
    assert client.get("/health/live").status_code == 200


def test_a_log_that_nobody_reads_costs_lines_and_never_time() -> None:
    """The oldest lines are dropped and counted."""
    written = io.StringIO()
    log = logs.Log(written)
    with log._writing:  # nobody reads
        for number in range(10_050):
            log.tell("query", number=number)
    while log._lines or log._writing.locked():
        log.flush()
    told = [json.loads(line) for line in written.getvalue().splitlines()]
    assert told[-1] == {"event": "lines dropped", "number": 50} and told[0]["number"] == 50
