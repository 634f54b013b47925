"""Everything that anybody can reach: the same with and without secrets, and nowhere a secret."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from html import unescape
from urllib.parse import urljoin, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from vault import BASE, MARK, NUMBER, SAMPLES, Seen, Vault, body, normal, seen

ACCEPTS = ("text/html", "text/turtle", "application/ld+json", "application/json", "text/csv")
PARAMETERS = ("", "?lang=de", "?format=json", "?format=nt", "?release=")
MOST = 250


def routes(app: Flask) -> list[Rule]:
    """Give the routes that answer GET."""
    return [rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())]


def test_every_route_is_visited(vault_app: Flask) -> None:
    """A route with a variable part has sample addresses, among them one of something restricted."""
    varied = {rule.rule for rule in vault_app.url_map.iter_rules() if rule.arguments}
    assert varied - set(SAMPLES) == set(), "add sample addresses of these routes to SAMPLES"


def starts(app: Flask) -> Iterator[str]:
    """Give where a crawl begins: every route, with the parameters that all know."""
    for rule in routes(app):
        if rule.arguments:
            yield from SAMPLES.get(rule.rule, ())
        else:
            yield from (rule.rule + parameters for parameters in PARAMETERS)


_LINKS = re.compile(r'(?:href|src|action)="([^"]*)"|<([^<>\s"]+)>|"(https?://[^"\s]+|/[^"\s]*)"')


def links(address: str, answer: TestResponse) -> Iterator[str]:
    """Give the addresses of this site that an answer names, as links, IRIs and values."""
    text = body(answer) + " ".join(f'"{v}"' for k, v in answer.headers.items() if k in ("Location", "Link"))
    for groups in _LINKS.findall(text):
        found = unescape(next(group for group in groups if group) if any(groups) else "")
        local = urljoin(address, found.removeprefix(BASE)) if not found.startswith(BASE) else "/" + found[len(BASE) :]
        parts = urlsplit(local)
        if parts.netloc in ("", "localhost") and local.startswith(("/", "http://localhost/")):
            yield parts.path + (f"?{parts.query}" if parts.query else "")


def crawl(app: Flask, client: FlaskClient) -> dict[tuple[str, str], Seen]:
    """Visit every route and what the answers lead to, in several formats."""
    found: dict[tuple[str, str], Seen] = {}
    todo, known = deque(starts(app)), set()
    release = client.get("/health/ready").text.split()[-1]
    while todo and len(known) < MOST:
        address = todo.popleft()
        address += release if address.endswith("?release=") else ""
        if normal(address) in known:
            continue
        known.add(normal(address))
        for accept in ACCEPTS:
            with client.get(address, headers={"Accept": accept}) as answer:
                found[normal(address), accept] = seen(answer)
                if answer.status_code < 400:
                    todo.extend(links(address, answer))
    return found


@pytest.fixture(scope="module")
def everything(vault_app: Flask) -> dict[tuple[str, str], Seen]:
    """What the town with secrets tells anybody."""
    return crawl(vault_app, vault_app.test_client(use_cookies=False))


def test_nothing_that_can_be_reached_tells_a_secret(everything: dict[tuple[str, str], Seen]) -> None:
    """In body and headers, beside the address itself where that is repeated."""
    assert len({address for address, _ in everything}) > 60
    for (address, accept), answer in everything.items():
        told = f"{answer.body} {answer.headers}"
        if MARK in address:
            assert answer.status in (303, 400, 404, 406), address
            continue
        assert MARK not in told.lower() and NUMBER not in told, f"{address} ({accept})"


def test_everything_is_the_same_as_in_a_town_without_secrets(
    everything: dict[tuple[str, str], Seen], twin_app: Flask
) -> None:
    """Status, headers and body: counts, inferences, findings, sizes, links, order."""
    expected = crawl(twin_app, twin_app.test_client(use_cookies=False))
    assert everything.keys() == expected.keys()
    for key, answer in everything.items():
        if key[0].startswith("/metrics"):
            assert _measures(answer) == _measures(expected[key])
        else:
            assert answer == expected[key], key


def _measures(answer: Seen) -> list[str]:
    """Give what is measured, without the measured numbers, which are times and bytes."""
    return [line.rpartition(" ")[0] for line in answer.body.splitlines() if "_bucket" not in line]


def test_a_caller_of_the_internal_view_sees_them(vault_app: Flask, vault: Vault) -> None:
    """Otherwise the tests before would prove nothing."""
    client = vault_app.test_client(use_cookies=False)
    headers = vault.bearer("admin")
    for address in ("/data/dataset/trees", f"/page/{MARK}-plan", "/void", "/sparql", "/audit/report.csv"):
        answer = client.get(address, headers=headers)
        assert answer.status_code == 200 and MARK in answer.text.lower(), address
    answer = client.get("/sparql?query=SELECT%20*%20%7B%3Fs%20%3Fp%20%3Fo%7D", headers=headers)
    assert MARK in answer.text and NUMBER in answer.text
