"""``/graphs``: the SPARQL 1.1 Graph Store HTTP Protocol. What is public is read by all; writing needs a token.

Source: https://www.w3.org/TR/sparql11-http-rdf-update/
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from urllib.parse import quote
from uuid import uuid4

import pyoxigraph as ox
from flask import Blueprint, Response, request
from werkzeug.http import parse_options_header

from stadtgraph.access import Caller
from stadtgraph.city.draft import Draft
from stadtgraph.city.editing import DEFAULT_SOURCE, MOST_TRIPLES, Edits
from stadtgraph.city.writing import Apply
from stadtgraph.errors import Gone, NotFound, PreconditionFailed, ProtocolError
from stadtgraph.release import GraphInfo
from stadtgraph.sources import jobs
from stadtgraph.sparql import negotiate
from stadtgraph.sparql.negotiate import Format
from stadtgraph.sparql.outline import LONGEST_IRI
from stadtgraph.terms import RESERVED, Names
from stadtgraph.web import callers, documents, multipart
from stadtgraph.web.performing import perform
from stadtgraph.web.reply import is_known, not_modified, tagged
from stadtgraph.web.sparql import opened
from stadtgraph.web.state import state
from stadtgraph.web.writing import METHODS, body, watched, written

blueprint: Final = Blueprint("graphs", __name__)
_ALLOWED: Final = "GET, HEAD, PUT, POST, DELETE, OPTIONS"
_READ: Final = {
    negotiate.TURTLE: "ttl",
    negotiate.N_TRIPLES: "nt",
    negotiate.RDF_XML: "rdf",
    negotiate.JSON_LD: "jsonld",
}
_SAFE: Final = "/-._~!$'()*+,;=:@%"
_BELOW_GRAPH: Final = frozenset(RESERVED) - {"written"} | {"source"}


@blueprint.route("/graphs", methods=METHODS)
@blueprint.route("/graphs/", methods=METHODS)
@blueprint.route("/graphs/<path:path>", methods=METHODS)
def graphs(path: str = "") -> Response:
    """Read, replace, add to or remove a graph."""
    if request.method == "PATCH":
        raise ProtocolError("graphs-method", method="PATCH", allowed=_ALLOWED)
    if request.method in ("GET", "HEAD"):
        return _get(_named(path) or _which())
    with watched(request.method):
        callers.require_writer()
        graph = _named(path)
        if request.method == "POST":
            return _post(graph)
        if request.method == "PUT":
            return _put(graph or _which())
        return _delete(graph or _which())


def _named(path: str) -> str | None:
    """Give the graph that the request names: by its path, by ``?graph=`` or as ``?default``; ``None``: by none.

    An address below ``/graphs/`` names ``{base}graphs/…``, whatever the host; ``/graphs/source/NAME`` the source NAME.
    Source: https://www.w3.org/TR/sparql11-http-rdf-update/#graph-identification
    """
    names = state().names
    given, default = request.args.getlist("graph"), "default" in request.args
    if len(given) + default + bool(path) > 1:
        raise ProtocolError("graphs-several")
    if default:
        return names.source(DEFAULT_SOURCE).value
    if path:
        return _direct(quote(path, safe=_SAFE), names)
    if not given:
        return None
    here = f"{request.host_url}graphs/" if request.host else None
    iri = given[0]
    if len(iri) > LONGEST_IRI:
        raise ProtocolError("protocol-graph", name="graph")
    if here and iri.startswith(here) and iri != here:
        return _direct(iri.removeprefix(here), names)
    try:
        return ox.NamedNode(iri).value
    except ValueError as problem:
        raise ProtocolError("protocol-graph", name="graph") from problem


def _direct(path: str, names: Names) -> str:
    if len(path) > LONGEST_IRI:
        raise ProtocolError("protocol-graph", name="graph")
    below = "graph/" if path.partition("/")[0] in _BELOW_GRAPH else "graphs/"
    try:
        return ox.NamedNode(f"{names.base}{below}{path}").value
    except ValueError as problem:
        raise ProtocolError("protocol-graph", name="graph") from problem


def _which() -> str:
    raise ProtocolError("graphs-which")


def _get(graph: str) -> Response:
    """Give a graph as its owners wrote it."""
    found, chosen = opened(), documents.choice()
    info = found.manifest.graphs.get(graph)
    if info is None and graph != found.place.names.source(DEFAULT_SOURCE).value:
        if graph in state().city.releases.withdrawn(callers.view()):
            raise Gone("graph-withdrawn", graph=graph)
        raise NotFound("graph-not-there", graph=graph)
    tag = f"{tag_of(graph, info)}-{found.view}-{chosen.format.name}"
    if is_known(tag):
        return not_modified(tag)
    if request.method == "HEAD":
        return tagged(Response(content_type=chosen.content_type), tag)
    given = perform(jobs.WRITE, found, chosen.content_type, graph=graph, format=chosen.format.name)
    response = Response(given.blocks, content_type=given.content_type, direct_passthrough=True)
    if given.length is not None:
        response.content_length = given.length
    return tagged(response, tag)


def tag_of(graph: str, info: GraphInfo | None) -> str:
    """Give what changes whenever a graph does."""
    state = "" if info is None else f"{info.changed} {info.triples}"
    return hashlib.sha256(f"{graph}\x00{state}".encode()).hexdigest()[:24]


def _put(graph: str) -> Response:
    """Replace a graph."""
    triples = _uploaded(graph, [(request.headers.get("Content-Type"), "", body())])
    created = _changed(graph, lambda edits: edits.replace(graph, triples))
    return created


def _post(graph: str | None) -> Response:
    """Add to a graph; without one, make a new one."""
    location = None
    if graph is None:
        name = uuid4().hex
        graph, location = f"{state().names.base}graphs/{name}", f"{request.host_url}graphs/{name}"
    _may_write(graph)
    kind, options = parse_options_header(request.headers.get("Content-Type"))
    parts = [(request.headers.get("Content-Type"), "", body())]
    if kind == "multipart/form-data":
        parts = multipart.parts(body(), options.get("boundary", ""))
    triples = _uploaded(graph, parts)

    def add(edits: Edits) -> None:
        edits.create(graph)
        edits.insert(graph, triples)

    response = _changed(graph, add)
    if location is not None:
        response.headers["Location"] = response.headers["Content-Location"] = location
    return response


def _delete(graph: str) -> Response:
    """Remove a graph."""

    def drop(edits: Edits) -> None:
        if not edits.target(graph).exists:
            raise NotFound("graph-not-there", graph=graph)
        edits.drop(graph)

    return _changed(graph, drop)


def _changed(graph: str, change: Callable[[Edits], None]) -> Response:
    """Do one change in a draft: 201 where it made the graph, 204 otherwise."""
    caller = callers.caller()
    done = state().writer.write(partial(_prepare, caller, graph, _conditions(), change), role=caller.id)
    return written(done, 201 if done.value else 204)


def _prepare(
    caller: Caller, graph: str, conditions: Callable[[Edits], None], change: Callable[[Edits], None], draft: Draft
) -> Apply:
    edits = Edits(draft, caller)
    existed = edits.target(graph).exists
    conditions(edits)
    change(edits)
    edits.check()

    def apply() -> bool:
        edits.apply()
        return not existed

    return apply


def _conditions() -> Callable[[Edits], None]:
    """Give the check of If-Match and If-None-Match, to be made where no other writer can come between.

    Source: https://www.rfc-editor.org/rfc/rfc9110#name-conditional-requests
    """
    match, none_match = request.if_match, request.if_none_match

    def check(edits: Edits) -> None:
        (target,) = edits.targets()
        info = edits.draft.clone.info(target.graph)
        tag = tag_of(target.graph.value, info if target.exists else None)

        def fits(tags: set[str]) -> bool:
            return any(known.partition("-")[0] == tag for known in tags) and target.exists

        if match and not (target.exists if match.star_tag else fits(match.as_set())):
            raise PreconditionFailed("graphs-changed", graph=target.graph.value)
        if none_match and (target.exists if none_match.star_tag else fits(none_match.as_set(include_weak=True))):
            raise PreconditionFailed("graphs-changed", graph=target.graph.value)

    return check


def _may_write(graph: str) -> None:
    """Tell callers who may not write before what they sent is looked at."""
    callers.require_write(*state().owner(graph))


def _uploaded(graph: str, parts: Sequence[tuple[str | None, str, bytes]]) -> list[ox.Triple]:
    """Give the triples of what was sent, parsed in a worker; each part has a type, a file name and a content."""
    _may_write(graph)
    found: list[ox.Triple] = []
    with TemporaryDirectory(prefix="stadtgraph-upload-") as folder:
        for content_type, name, content in parts:
            form = _READ[_format(content_type, name)]
            file = Path(folder) / "document"
            file.write_bytes(content)
            data, _ = state().perform(
                jobs.READ,
                file=str(file),
                format=form,
                base=graph,
                names=state().names.base,
                name=f"document.{form}",
                triples=MOST_TRIPLES,
            )
            found += (quad.triple for quad in ox.parse(data, ox.RdfFormat.N_TRIPLES))
    return found


def _format(content_type: str | None, name: str) -> Format:
    """Give the format of a document by its media type, or by the name of its file where that says nothing."""
    kind, options = parse_options_header(content_type)
    if options.get("charset", "utf-8").lower() not in ("utf-8", "utf8", "us-ascii"):
        raise ProtocolError("protocol-charset", charset=options["charset"][:40])
    if kind in ("", "application/octet-stream") and name:
        suffix = name.rpartition(".")[2].lower()
        known = next((f for f in _READ if f.suffix == suffix), None)
        if known is not None:
            return known
    found = next((f for f in _READ if kind in f.media_types and kind not in ("text/plain", "application/json")), None)
    if found is None:
        raise ProtocolError("graphs-media-type", found=kind[:80] or "-", known=", ".join(f.media_type for f in _READ))
    return found
