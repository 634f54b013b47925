"""JSON-LD from others: no context is fetched. Known ones are answered from a small table of our own."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

import pyoxigraph as ox

from stadtgraph.errors import InputError
from stadtgraph.sources import guard
from stadtgraph.sources.harvest.ckan import is_ckan, package_triples, packages
from stadtgraph.sources.harvest.lines import escaped
from stadtgraph.sources.harvest.words import LINE_MARK
from stadtgraph.sources.jsontext import check_depth

if TYPE_CHECKING:
    from stadtgraph.sources.harvest.pages import Page

_RECORDS: Final = ("Dataset", "DatasetSeries", "DataService")


def jsonld_triples(content: bytes, page: Page) -> Iterator[ox.Triple]:
    """Give the triples of a JSON-LD document. A record with identifiers that are none is kept apart.

    The parser leaves out what it cannot read without a word, so such records are taken out before and given as one
    statement each that says what stood there.
    """
    text = content.decode("utf-8-sig", "replace")
    check_depth(text, page.name)
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(
            "sources-json", file=page.name, line=error.lineno, column=error.colno, problem=error.msg
        ) from None
    except (ValueError, RecursionError) as error:
        raise InputError("sources-json", file=page.name, line=1, column=1, problem=error) from error
    if is_ckan(document):
        for number, package in enumerate(packages(document)):
            yield from package_triples(package, page.base, number)
        return
    document = _with_contexts(document, page)
    terms = guard.jsonld_terms(document)
    bad: list[Any] = []
    document = _without_bad(document, terms, bad)
    wrong = next(guard.wrong_members(document, terms), None)
    if wrong is not None:
        raise InputError(wrong[0], file=page.name, line=1, column=1, value=wrong[1])
    for number, record in enumerate(bad, 1):
        yield _kept_apart(record, number, page)
    try:
        for quad in ox.parse(json.dumps(document).encode(), ox.RdfFormat.JSON_LD, base_iri=page.base, lenient=True):
            yield quad.triple
    except SyntaxError as error:
        place = {"file": page.name, "line": error.lineno or 1, "column": error.offset or 1}
        raise InputError("sources-rdf-syntax", **place, problem=error.msg[:200]) from error


def _with_contexts(node: Any, page: Page) -> Any:
    """Put our own terms in the place of contexts that are known by their address; refuse all others."""
    if isinstance(node, list):
        return [_with_contexts(item, page) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _context(value, page) if key == "@context" else _with_contexts(value, page) for key, value in node.items()
    }


def _context(value: Any, page: Page) -> Any:
    if isinstance(value, list):
        return [_context(item, page) for item in value]
    if not isinstance(value, str):
        return value
    name = _known_addresses().get(value.removeprefix("https://").removeprefix("http://").rstrip("/#"))
    if name is None:
        raise InputError("harvest-context", page=page.name, address=value[:200])
    page.note("harvest-known-context", address=value)
    return _contexts()[name]["terms"]


@cache
def _contexts() -> Mapping[str, Any]:
    return tomllib.loads((resources.files(__package__) / "contexts.toml").read_text("utf-8"))


@cache
def _known_addresses() -> Mapping[str, str]:
    return {address: name for name, entry in _contexts().items() for address in entry["addresses"]}


def _without_bad(node: Any, terms: Mapping[str, str], bad: list[Any]) -> Any:
    """Give the document without the records in which something is wrong; these are added to ``bad``."""
    if isinstance(node, list):
        kept = [_without_bad(item, terms, bad) for item in node]
        return [item for item in kept if item is not None]
    if not isinstance(node, dict):
        return node
    if _is_record(node) and next(guard.wrong_members(node, terms), None) is not None:
        bad.append(node)
        return None
    found = {k: v if k == "@context" else _without_bad(v, terms, bad) for k, v in node.items()}
    return {k: v for k, v in found.items() if v is not None or node[k] is None}


def _is_record(node: Mapping[str, Any]) -> bool:
    kinds = node.get("@type", node.get("type", []))
    texts = [kinds] if isinstance(kinds, str) else kinds if isinstance(kinds, list) else []
    return any(
        isinstance(t, str) and t.replace("#", ":").replace("/", ":").rpartition(":")[2] in _RECORDS for t in texts
    )


def _kept_apart(record: Mapping[str, Any], number: int, page: Page) -> ox.Triple:
    name = record.get("@id", record.get("id", ""))
    iri = escaped(name) if isinstance(name, str) and ":" in name else f"{page.base}#record{number}"
    (quad,) = ox.parse(f'<{iri}> {LINE_MARK} "" .'.encode(), ox.RdfFormat.N_TRIPLES, lenient=True)
    return ox.Triple(quad.subject, LINE_MARK, ox.Literal(json.dumps(record, ensure_ascii=False)))
