"""What comes after a page: Hydra's next one, the next rows of CKAN, the next records of a SPARQL endpoint."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib import resources
from typing import Any, Final
from urllib.parse import parse_qs, quote, urlencode, urljoin, urlsplit, urlunsplit

import pyoxigraph as ox

from stadtgraph.errors import InputError
from stadtgraph.sources.files import MAX_STREAM, opened
from stadtgraph.sources.harvest.fetching import Call, Follow, Got
from stadtgraph.sources.harvest.pages import MOST_HELD, Page, triples
from stadtgraph.sources.harvest.words import HYDRA
from stadtgraph.terms import render

_NEXT: Final = ("next", "nextPage")
RESULTS: Final = "application/sparql-results+json"
GRAPHS: Final = "application/n-triples, text/turtle;q=0.9, application/rdf+xml;q=0.5"


def protocol_of(address: str) -> str:
    """Tell how a catalogue at this address most likely speaks.

    >>> protocol_of("https://x.example/api/3/action/package_search"), protocol_of("https://x.example/catalog.rdf")
    ('ckan', 'rdf')
    """
    path = urlsplit(address).path.rstrip("/").lower()
    if "/api/3" in path or path.endswith(("/api/action", "package_search")):
        return "ckan"
    return "sparql" if path.endswith("/sparql") else "rdf"


# ---- Hydra


def hydra(page: Page, before: list[Got]) -> Call | None:
    """Give the next page that a page names, by Hydra of either generation (https://www.hydra-cg.com/spec/latest/core/).

    It must be of the same server; where the catalogue is read over https, so is the next page.
    """
    if not _mentions_hydra(page):
        _check(page)
        return None
    named = sorted({value for value in _nexts(page) if value})
    if not named:
        return None
    address = _same_server(urljoin(page.base, named[0]), page)
    return Call(address)


def _check(page: Page) -> None:
    """Look at the first statement, so that what is no RDF is told while it is fetched."""
    next(triples(Page(page.path, page.base, page.number, page.announced, page.name, format=page.format)), None)


def _mentions_hydra(page: Page) -> bool:
    with opened(page.path, MAX_STREAM) as stream:
        last = b""
        while block := stream.read(1 << 20):
            if b"hydra" in last + block:
                return True
            last = block[-8:]
    return False


def _nexts(page: Page) -> Iterator[str]:
    again = Page(page.path, page.base, page.number, page.announced, page.name, format=page.format)
    for triple in triples(again):
        predicate = triple.predicate.value
        if any(predicate == f"{space}{name}" for space in HYDRA for name in _NEXT):
            yield getattr(triple.object, "value", "").strip()


def _same_server(address: str, page: Page) -> str:
    here, there = urlsplit(page.base), urlsplit(address)
    if there.hostname != here.hostname:
        raise InputError("harvest-elsewhere", page=page.name, address=address[:200], host=here.hostname)
    if here.scheme == "https" and there.scheme == "http" and there.port in (None, 80, 443):
        return urlunsplit(("https", here.netloc, *there[2:]))
    return address


# ---- CKAN


def ckan_first(address: str, size: int) -> Call:
    """Give the first call of CKAN's action API for whatever part of its address is given.

    >>> ckan_first("https://x.example/api/3", 100).address
    'https://x.example/api/3/action/package_search?rows=100&start=0&sort=id+asc'
    """
    parts = urlsplit(address)
    front = re.sub(r"/api(/3)?(/action)?(/\w+)?/?$", "", parts.path.rstrip("/"))
    query = {k: v for k, v in parse_qs(parts.query).items() if k in ("q", "fq")}
    text = urlencode({**query, "rows": size, "start": 0, "sort": "id asc"}, doseq=True)
    return Call(
        urlunsplit((parts.scheme, parts.netloc, f"{front}/api/3/action/package_search", text, "")), "application/json"
    )


def ckan_follow(first: Call, size: int) -> Follow:
    """Give what follows a page of CKAN: the next rows, until as many came as it counts."""

    def follow(page: Page, before: list[Got]) -> Call | None:
        count, number = _counted(page)
        done = len(before) * size + number
        if done >= count:
            return None
        if number < size:
            raise InputError("harvest-short", page=page.name, found=done, expected=count)
        start = (len(before) + 1) * size
        return Call(re.sub(r"([?&])start=[0-9]+", rf"\g<1>start={start}", first.address), first.accept)

    return follow


def _counted(page: Page) -> tuple[int, int]:
    result = _json(page).get("result")
    if not isinstance(result, dict) or not isinstance(result.get("results"), list):
        raise InputError("harvest-no-ckan", page=page.name)
    count = result.get("count")
    return (count if isinstance(count, int) and count >= 0 else len(result["results"])), len(result["results"])


def _json(page: Page) -> dict[str, Any]:
    with opened(page.path, MOST_HELD) as stream:
        try:
            found = json.loads(stream.read())
        except (ValueError, RecursionError) as error:
            raise InputError("sources-json", file=page.name, line=1, column=1, problem=str(error)[:200]) from error
    if not isinstance(found, dict):
        raise InputError("harvest-no-ckan", page=page.name)
    return found


# ---- SPARQL


def sparql_first(address: str, size: int) -> Call:
    """Give the call for the first records of an endpoint."""
    return _asked(address, _query("records").replace("$limit", str(size)).replace("$offset", "0"), RESULTS)


def sparql_follow(address: str, size: int) -> Follow:
    """Give what follows: after a list of records what is said of them, after that the next list."""

    def follow(page: Page, before: list[Got]) -> Call | None:
        if len(before) % 2 == 0:
            iris = list(_listed(page))
            return describing(address, iris) if iris else None
        offset = (len(before) + 1) // 2 * size
        return _asked(address, _query("records").replace("$limit", str(size)).replace("$offset", str(offset)), RESULTS)

    return follow


def describing(address: str, iris: list[ox.NamedNode]) -> Call:
    """Give the call for all that is said of records, and of what hangs on them."""
    return _asked(address, _query("describe").replace("$records", " ".join(map(render, iris))), GRAPHS)


def is_list(number: int) -> bool:
    """Tell whether the page with this number lists records instead of describing them."""
    return number % 2 == 0


def _listed(page: Page) -> Iterator[ox.NamedNode]:
    bindings = _json(page).get("results", {}).get("bindings", [])
    for row in bindings if isinstance(bindings, list) else []:
        try:
            yield ox.NamedNode(row["record"]["value"])
        except (KeyError, TypeError, ValueError):
            page.note("harvest-no-record-iri")


def _asked(address: str, query: str, accept: str) -> Call:
    return Call(address, accept, f"query={quote(query, safe='')}")


def _query(name: str) -> str:
    text = (resources.files(__package__) / "queries" / f"{name}.rq").read_text("utf-8")
    return "\n".join(line for line in text.splitlines() if not line.startswith("#"))
