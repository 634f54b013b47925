"""The list of endpoints in stadtgraph.toml."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from stadtgraph.config import from_mapping
from stadtgraph.errors import ConfigError
from stadtgraph.query import Federation

ROOT = Path(__file__).resolve().parent.parent.parent


def test_the_endpoints_of_the_example_can_be_used_by_taking_the_signs_away() -> None:
    """Who uncomments them has a file that is read."""
    text = (ROOT / "stadtgraph.example.toml").read_text("utf-8")
    head, commented = text.split("# One section for each endpoint", 1)
    lines = [line.removeprefix("# ") for line in commented.splitlines()[1:]]
    settings = from_mapping(tomllib.loads(head + "\n".join(lines)), "example").federation
    assert [service.name for service in settings.service] == ["govdata", "eu", "wikidata", "lindas", "dblp"]
    assert not any(service.private or service.internal for service in settings.service)
    federation = Federation.of(settings)
    assert federation.require("https://sparql.dblp.org/sparql").name == "dblp"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('nme = "x"', "federation.service.name"),
        ('name = "x y"\naddress = "https://e/"', '"wikidata"'),
        ('name = "x\\r\\nSet-Cookie: y"\naddress = "https://e/"', '"wikidata"'),
        ('name = "x"', "https://"),
        ('name = "x"\naddress = "file:///etc/passwd"', "https://"),
        ('name = "x"\naddress = "https://e/"\nmethod = "put"', "post"),
        ('name = "x"\naddress = "https://e/"\nprivate = "yes"', "true, false"),
        ('name = "x"\naddress = "https://e/"\ninner = "urn:x"', "[…"),
    ],
)
def test_a_wrong_entry_is_told_with_what_was_expected(text: str, told: str) -> None:
    """And nothing starts with it."""
    with pytest.raises(ConfigError) as caught:
        from_mapping(tomllib.loads(f"[[federation.service]]\n{text}"), "here")
    assert told.removesuffix("…").strip('"') in caught.value.text("de")


@pytest.mark.parametrize("line", ["service = 5", "service = ['x']", "row = 5"])
def test_what_is_no_list_of_entries_is_an_error(line: str) -> None:
    """As with every other setting."""
    with pytest.raises(ConfigError):
        from_mapping(tomllib.loads(f"[federation]\n{line}"), "here")
