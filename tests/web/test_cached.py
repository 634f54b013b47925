"""Answers given before: found by their bytes, never given to the wrong caller, never half."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import zstandard
from flask import Flask
from flask.testing import FlaskClient

from stadtgraph import City
from stadtgraph.access import Tokens
from stadtgraph.query import Queries
from stadtgraph.web import create_app, front
from town import SECRET, Town

LONG = "SELECT * { ?s ?p ?o } ORDER BY ?s ?p ?o LIMIT 3000"


def asking(text: str, **more: str) -> str:
    """Give the address of a query."""
    return f"/sparql?query={quote(text)}" + "".join(f"&{k}={quote(v)}" for k, v in ({"format": "csv"} | more).items())


@pytest.fixture
def worked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The queries that a worker was asked."""
    asked: list[str] = []
    original = Queries._asked

    def noted(self: Queries, plan: object, *rest: object) -> object:
        asked.append(plan.text)  # type: ignore[attr-defined]
        return original(self, plan, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Queries, "_asked", noted)
    return asked


@pytest.fixture
def client(folder: Path) -> Iterator[FlaskClient]:
    """A client of an application that has answered nothing yet."""
    with City(folder) as city:
        yield create_app(city, testing=True).test_client(use_cookies=False)


def test_the_same_question_is_answered_once_however_it_is_spaced(client: FlaskClient, worked: list[str]) -> None:
    """Comments and white space do not matter; every answer has an id of its own."""
    texts = ("SELECT ?s { ?s ?p 'x' }", "SELECT  ?s\n{ ?s ?p 'x' # why\n}", "SELECT ?s{?s ?p 'x'}")
    answers = [client.get(asking(text)) for text in (*texts, texts[0])]
    assert len({a.data for a in answers}) == len({a.headers["ETag"] for a in answers}) == 1
    assert len(worked) == 1 and len({a.headers["Stadtgraph-Query"] for a in answers}) == 4
    posted = client.post("/sparql?format=csv", data=texts[1], content_type="application/sparql-query")
    assert posted.data == answers[0].data and len(worked) == 1
    client.get(asking("SELECT ?s { ?s ?p 'x ' }"))
    client.get(asking(texts[0], format="tsv"))
    client.get(asking(texts[0], **{"default-graph-uri": "urn:none"}))
    assert len(worked) == 4


@pytest.mark.parametrize("call", ["NOW()", "RAND()", "UUID()", "STRUUID()", "BNODE()"])
def test_what_changes_with_every_call_is_never_kept(client: FlaskClient, worked: list[str], call: str) -> None:
    """Two calls are two answers, and no cache on the way keeps them."""
    answers = [client.get(asking(f"SELECT ({call} AS ?x) {{}}")) for _ in range(2)]
    assert len(worked) == 2 and answers[0].headers["ETag"] != answers[1].headers["ETag"]
    assert answers[0].headers["Cache-Control"] == "no-store"


def test_an_answer_that_broke_off_is_asked_again(
    client: FlaskClient, worked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a reader who leaves nor a failure in the middle leaves anything behind."""
    text = "SELECT * { ?s <urn:n> ?o }"
    left = client.get(asking(text), buffered=False)
    next(iter(left.response))
    left.close()
    whole = client.get(asking(text)).data
    assert len(worked) == 2 and whole.count(b"\r\n") == 20_001
    settle(client)
    assert client.get(asking(text)).data == whole and len(worked) == 2


def test_a_known_answer_costs_no_reading_of_the_query(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes of a request lead to its ETag; only a request that was never seen is planned."""
    tag = client.get(asking(LONG)).headers["ETag"]
    monkeypatch.setattr(front, "plan", lambda *_a, **_k: pytest.fail("the query was read again"))
    known = client.get(asking(LONG), headers={"If-None-Match": tag})
    assert (known.status_code, known.data, known.headers["ETag"]) == (304, b"", tag)
    assert client.get(asking(LONG), headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, zstd", "zstd"),
        ("gzip;q=0.9, zstd;q=0.5", "gzip"),
        ("zstd;q=0, gzip;q=0.1", "gzip"),
        ("br", ""),
        ("identity", ""),
        ("*", "zstd"),
        ("identity, *;q=0.5", ""),
    ],
)
def test_answers_are_packed_as_the_client_likes_best(client: FlaskClient, accepted: str, coding: str) -> None:
    """Fresh and kept ones alike; each coding has its ETag, and any of them is known again."""
    plain = client.get(asking(LONG), headers={"Accept-Encoding": ""})
    for _ in range(2):
        answer = client.get(asking(LONG), headers={"Accept-Encoding": accepted})
        assert answer.headers.get("Content-Encoding", "") == coding
        unpack = {"gzip": gzip.decompress, "zstd": _unzstd, "": bytes}[coding]
        assert unpack(answer.data) == plain.data
        assert (answer.headers["ETag"] == plain.headers["ETag"]) == (not coding)
        assert "Accept-Encoding" in answer.headers["Vary"]
    known = client.get(asking(LONG), headers={"If-None-Match": answer.headers["ETag"]})
    assert known.status_code == 304 and known.headers["ETag"] == answer.headers["ETag"]
    small = client.get(asking("ASK {}"), headers={"Accept-Encoding": accepted})
    assert "Content-Encoding" not in small.headers


def settle(client: FlaskClient) -> None:
    """Wait until what is to be kept is on the disk."""
    client.application.extensions["stadtgraph"].queries.cache.flush()


def _unzstd(data: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompressobj().decompress(data)


def test_callers_with_different_views_never_share_an_answer(tmp_path: Path, worked: list[str]) -> None:
    """In whatever order they ask, although the question is the same."""
    town = Town(tmp_path)
    town.plans()
    town.build()
    secret = Tokens(town.city_folder).create(["read:internal"])[1]
    internal = {"Authorization": f"Bearer {secret}"}
    find = asking(f'SELECT DISTINCT ?s {{ ?s ?p "{SECRET}" }}')
    with town.city as city:
        client = create_app(city, testing=True).test_client(use_cookies=False)
        lengths = [len(client.get(find, headers=h).data.split()) for h in (internal, {}, internal, {})]
    assert lengths == [2, 1, 2, 1] and len(worked) == 2


def test_a_long_answer_is_packed_as_it_comes_and_kept(client: FlaskClient, worked: list[str]) -> None:
    """The stream has no length; the kept one has."""
    text = "SELECT * { ?s <urn:n> ?o }"
    first = client.get(asking(text), headers={"Accept-Encoding": "zstd"})
    assert _unzstd(first.data)
    settle(client)
    again = client.get(asking(text), headers={"Accept-Encoding": "zstd"})
    assert "Content-Length" not in first.headers and again.content_length == len(again.data)
    assert first.data == again.data and len(worked) == 1
    assert _unzstd(first.data) == client.get(asking(text)).data


def test_the_short_way_and_the_long_way_give_the_same_headers(app: Flask, folder: Path) -> None:
    """A token that allows nothing takes the long way to the same answer."""
    client = app.test_client(use_cookies=False)
    token = {"Authorization": f"Bearer {Tokens(folder).create(['write:none'])[1]}"}
    for headers in ({}, {"Accept-Encoding": "gzip"}):
        assert client.get(asking(LONG), headers=headers).data  # kept from now on: a fresh one may come as a stream
        settle(client)
        short = client.get(asking(LONG), headers=headers)
        long = client.get(asking(LONG), headers=headers | token)
        assert short.data == long.data
        differing = {"Cache-Control", "Stadtgraph-Query"}
        assert {k: v for k, v in short.headers if k not in differing} == {
            k: v for k, v in long.headers if k not in differing
        }
