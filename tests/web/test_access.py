"""Who sees what over HTTP: tokens, views, and what nobody is told."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from stadtgraph.access import Tokens
from stadtgraph.web import create_app
from town import SECRET, Town

FIND = f'SELECT DISTINCT ?s {{ ?s ?p "{SECRET}" }}'
PATHS = ("/", "/sparql", "/sparql?query=ASK%7B%7D", "/audit", "/releases", "/void", "/health/ready", "/nothing")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """A town with a restricted source."""
    town = Town(tmp_path_factory.mktemp("access"))
    town.plans()
    town.build()
    return town


@pytest.fixture(scope="module")
def client(town: Town) -> Iterator[FlaskClient]:
    """A client of its application."""
    with town.city as city:
        yield create_app(city, testing=True).test_client(use_cookies=False)


def bearer(folder: Path, *scopes: str) -> dict[str, str]:
    """Give the header of a new token."""
    return {"Authorization": f"Bearer {Tokens(folder).create(scopes)[1]}"}


def rows(client: FlaskClient, headers: dict[str, str] | None = None) -> list[object]:
    """Ask for the secret."""
    answer = client.get("/sparql", query_string={"query": FIND, "format": "json"}, headers=headers)
    found: list[object] = answer.get_json(force=True)["results"]["bindings"]
    return found


def test_restricted_data_are_seen_with_the_scope_and_only_with_it(client: FlaskClient, town: Town) -> None:
    """In whatever order they ask, a public caller never gets what was computed for another."""
    internal, writer = bearer(town.city_folder, "read:internal"), bearer(town.city_folder, "write:trees", "audit")
    assert rows(client) == []
    assert len(rows(client, internal)) == 1
    assert rows(client) == [] and rows(client, writer) == []
    assert len(rows(client, bearer(town.city_folder, "admin"))) == 1
    data = client.get("/data/plan/1", headers=internal)
    assert SECRET in data.text and client.get("/data/plan/1").status_code == 404


def test_an_internal_answer_has_another_etag_and_stays_private(client: FlaskClient, town: Town) -> None:
    """A cache on the way neither keeps it for others nor takes one for the other."""
    ask = {"query": "ASK {}", "format": "json"}
    public = client.get("/sparql", query_string=ask)
    internal = client.get("/sparql", query_string=ask, headers=bearer(town.city_folder, "read:internal"))
    assert public.headers["ETag"] != internal.headers["ETag"]
    assert internal.headers["Cache-Control"].startswith("private")
    assert "public" in public.headers["Cache-Control"]
    assert "Authorization" in internal.headers["Vary"] and "Authorization" in public.headers["Vary"]
    known = client.get("/sparql", query_string=ask, headers={"If-None-Match": internal.headers["ETag"]})
    assert known.status_code == 200


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("header", ["Bearer sgt_" + "x" * 43, "Bearer", "Basic YTpi", "", "Bearer " + "x" * 9000, "é"])
def test_a_token_that_does_not_hold_is_told_everywhere(client: FlaskClient, path: str, header: str) -> None:
    """Nobody believes to be known who is not, and nothing says why in a way that helps to guess."""
    answer = client.get(path, headers={"Authorization": header, "Accept": "application/json"})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="stadtgraph", error="invalid_token"'
    assert answer.get_json(force=True)["type"].endswith(("access-token-invalid", "access-token-malformed"))
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_audit_of_restricted_graphs_needs_its_scope(client: FlaskClient, town: Town) -> None:
    """Its counts tell of restricted data."""
    public = client.get("/audit/report.json")
    audit = client.get("/audit/report.json", headers=bearer(town.city_folder, "audit"))
    assert public.status_code == audit.status_code == 200
    assert public.headers["ETag"] != audit.headers["ETag"]


def test_a_token_is_in_no_log_and_no_answer(
    client: FlaskClient, town: Town, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where something fails inside."""
    headers = bearer(town.city_folder, "admin")
    secret = headers["Authorization"].removeprefix("Bearer ")
    broken = {"Authorization": f"Bearer {secret[:-1]}"}
    with caplog.at_level(logging.DEBUG):
        for path in (*PATHS, "/sparql?query=SELECT"):
            for given in (headers, broken):
                answer = client.get(path, headers=given)
                assert secret[4:20] not in answer.text and secret[4:20] not in str(answer.headers)
        state = client.application.extensions["stadtgraph"]
        monkeypatch.setattr(state, "open", lambda *_: 1 / 0)
        assert client.get("/sparql?query=ASK%7B%7D", headers=headers).status_code == 500
    assert secret[4:20] not in caplog.text


def test_other_sites_may_send_a_token(client: FlaskClient) -> None:
    """A browser asks first (CORS); it never adds a token by itself, so no site can borrow one."""
    answer = client.options("/sparql", headers={"Origin": "https://example.org"})
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers
