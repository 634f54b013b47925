"""A town that is written to over HTTP: two managed sources, one of them restricted, and who may do what."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from stadtgraph.access import Tokens
from stadtgraph.city import City
from stadtgraph.web import create_app
from town import Town

MANAGED = """
[[source]]
name = "notes"
title = { de = "Notizen", en = "Notes" }
domain = "city"
kind = "managed"
visibility = "public"

[[source]]
name = "secrets"
title = { de = "Internes", en = "Internal" }
domain = "city"
kind = "managed"
visibility = "restricted"

[[source]]
name = "own"
title = { de = "Eigenes", en = "Own" }
domain = "city"
kind = "managed"
visibility = "restricted"
graph = "https://own.example/g"
"""
BASE = "https://town.example/"
NOTES, SECRETS, UNITS = (f"{BASE}graph/source/{name}" for name in ("notes", "secrets", "units"))
EX = "PREFIX ex: <https://town.example/ns#> PREFIX xsd: <http://www.w3.org/2001/XMLSchema#> "


@dataclass
class Writers:
    """The town, its application, and a header for each kind of caller."""

    town: Town
    city: City
    client: FlaskClient
    headers: dict[str, dict[str, str]]

    @classmethod
    def of(cls, folder: Path) -> Writers:
        """Build the town, and make the tokens."""
        town = Town(folder)
        (town.data / "sources.toml").write_text((town.data / "sources.toml").read_text() + MANAGED)
        town.plans()
        town.build()
        city = town.city
        client = create_app(city, testing=True).test_client(use_cookies=False)
        scopes = {
            "admin": ["admin"],
            "notes": ["write:notes"],
            "secrets": ["write:secrets"],
            "both": ["write:secrets", "write:notes"],
            "reader": ["read:internal"],
            "all": ["read:internal", "write:notes", "write:secrets"],
        }
        tokens = Tokens(city.path)
        headers = {who: {"Authorization": f"Bearer {tokens.create(given)[1]}"} for who, given in scopes.items()}
        return cls(town, city, client, headers | {"nobody": {}})

    @property
    def release(self) -> str | None:
        """The id of the current release."""
        return self.city.releases.current_id()

    def update(self, text: str, who: str = "admin", **more: Any) -> TestResponse:
        """Send an update, with the usual prefixes."""
        headers = {**self.headers[who], "Content-Type": "application/sparql-update", **more.pop("headers", {})}
        return self.client.post("/sparql/update", data=EX + text, headers=headers, **more)

    def graph(self, iri: str, who: str = "nobody") -> set[str]:
        """Give the triples of a graph as the Graph Store Protocol gives them, one line each."""
        headers = {**self.headers[who], "Accept": "application/n-triples"}
        answer = self.client.get("/graphs", query_string={"graph": iri}, headers=headers)
        if answer.status_code == 404:
            return set()
        assert answer.status_code == 200, answer.text
        return set(answer.text.splitlines())

    def close(self) -> None:
        """End the workers."""
        self.client.application.extensions["stadtgraph"].queries.close()
        self.city.close()
