"""Read requests of the SPARQL 1.1 Protocol as values, without sockets.

>>> request = read("GET", b"query=ASK%20%7B%7D&format=csv")
>>> request.operation, request.text, request.format
(<Operation.QUERY: 'query'>, 'ASK {}', 'csv')
>>> read("GET", b"").operation
<Operation.DESCRIPTION: 'description'>

Source: https://www.w3.org/TR/sparql11-protocol/
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import parse_qsl

import pyoxigraph as ox

from stadtgraph.errors import ProtocolError

FORM: Final = "application/x-www-form-urlencoded"
DIRECT: Final = {"application/sparql-query": "query", "application/sparql-update": "update"}
_MOST_PARAMETERS: Final = 200


class Operation(StrEnum):
    """What a request asks for."""

    QUERY = "query"
    UPDATE = "update"
    DESCRIPTION = "description"


@dataclass(frozen=True, slots=True)
class Request:
    """One request: the operation, its text, and the dataset and format it asks for.

    The four tuples hold absolute IRIs. ``format`` is the parameter ``format`` (or ``output``), ``accept``
    the header; ``release`` and ``lang`` are parameters of stadtgraph's own.
    """

    operation: Operation
    text: str = ""
    default_graphs: tuple[str, ...] = ()
    named_graphs: tuple[str, ...] = ()
    using_graphs: tuple[str, ...] = ()
    using_named_graphs: tuple[str, ...] = ()
    format: str | None = None
    accept: str | None = None
    release: str | None = None
    lang: str | None = None

    @property
    def has_dataset(self) -> bool:
        """True where the request names its dataset, which then replaces FROM and FROM NAMED."""
        return bool(self.default_graphs or self.named_graphs)


def read(
    method: str,
    query_string: bytes = b"",
    content_type: str | None = None,
    body: bytes = b"",
    accept: str | None = None,
) -> Request:
    """Read a request to the address that takes queries and updates.

    Raises :class:`ProtocolError`; its key tells 405 (method) and 415 (media type) from 400.
    """
    parameters = _parameters(query_string)
    if method in ("GET", "HEAD"):
        if any(name == "update" for name, _ in parameters):
            raise ProtocolError("protocol-update-get")
        return _request(parameters, accept)
    if method != "POST":
        raise ProtocolError("protocol-method", method=method[:20])
    media_type, charset = _content_type(content_type)
    if charset not in ("", "utf-8", "utf8", "us-ascii"):
        raise ProtocolError("protocol-charset", charset=charset[:40])
    if media_type == FORM:
        return _needs_text(_request(parameters + _parameters(body), accept))
    if media_type in DIRECT:
        return _request([*parameters, (DIRECT[media_type], _text(body))], accept)
    raise ProtocolError("protocol-media-type", found=media_type[:80] or "-")


def _parameters(encoded: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            encoded.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMETERS
        )
    except UnicodeDecodeError as error:
        raise ProtocolError("protocol-encoding") from error
    except ValueError as error:
        raise ProtocolError("protocol-parameters", bound=_MOST_PARAMETERS) from error


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProtocolError("protocol-encoding") from error


def _content_type(header: str | None) -> tuple[str, str]:
    """Give media type and charset, both in lower case and possibly empty."""
    media_type, *parameters = (piece.strip().lower() for piece in (header or "").split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset":
            return media_type, value.strip().strip('"')
    return media_type, ""


def _needs_text(request: Request) -> Request:
    if request.operation is Operation.DESCRIPTION:
        raise ProtocolError("protocol-no-query")
    return request


def _request(parameters: list[tuple[str, str]], accept: str | None) -> Request:
    given: dict[str, list[str]] = {}
    for name, value in parameters:
        given.setdefault(name, []).append(value)
    operations = [name for name in ("query", "update") if name in given]
    if len(operations) > 1:
        raise ProtocolError("protocol-both")
    for name in operations:
        if len(given[name]) > 1:
            raise ProtocolError("protocol-twice", name=name)
    operation = Operation(operations[0]) if operations else Operation.DESCRIPTION
    return Request(
        operation=operation,
        text=given[operation.value][0].removeprefix("\ufeff") if operations else "",
        default_graphs=_graphs(given, "default-graph-uri"),
        named_graphs=_graphs(given, "named-graph-uri"),
        using_graphs=_graphs(given, "using-graph-uri"),
        using_named_graphs=_graphs(given, "using-named-graph-uri"),
        format=_first(given, "format") or _first(given, "output"),
        accept=accept,
        release=_first(given, "release"),
        lang=_first(given, "lang"),
    )


def _first(given: dict[str, list[str]], name: str) -> str | None:
    return next(iter(given.get(name, ())), None) or None


def _graphs(given: dict[str, list[str]], name: str) -> tuple[str, ...]:
    """Give the graphs that the parameter names, each once; each must be an absolute IRI."""
    graphs = dict.fromkeys(given.get(name, ()))
    for graph in graphs:
        try:
            ox.NamedNode(graph)
        except ValueError as error:
            raise ProtocolError("protocol-graph", name=name) from error
    return tuple(graphs)
