"""The start page, ``/id``, ``/data``, ``/page``, VoID, releases and health."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager, nullcontext
from typing import Final
from urllib.parse import urlencode

import pyoxigraph as ox
from flask import Blueprint, Response, redirect, render_template, request, url_for

from stadtgraph.errors import BusyError, Gone, NotFound, StadtgraphError, StoreError
from stadtgraph.release import Release
from stadtgraph.sparql.negotiate import HTML, JSON_LD, Format, negotiate
from stadtgraph.terms import DCAT, ORG, SG
from stadtgraph.web import callers, catalogue, description, documents, resources
from stadtgraph.web.language import language, number, told
from stadtgraph.web.metrics import CONTENT_TYPE
from stadtgraph.web.performing import costly
from stadtgraph.web.reply import etag, is_known, not_modified, tagged
from stadtgraph.web.sparql import endpoint_address, opened
from stadtgraph.web.state import Opened, state

blueprint: Final = Blueprint("pages", __name__)
_JSON: Final = Format(("json",), ("application/json",), "json")
_COUNTED: Final = (
    ("datasets", DCAT.Dataset),
    ("units", ORG.OrganizationalUnit),
    ("responsibilities", SG.Responsibility),
)


@blueprint.get("/")
def start() -> Response:
    """Give the start page: query form, example queries, counts of the release."""
    found = opened()
    tag = etag(found.id, request.args.get("release"), state().examples_tag)
    if is_known(tag):
        return not_modified(tag)
    return tagged(Response(render_template("start.html", opened=found, counts=_counts(found))), tag)


def _counts(found: Opened) -> list[tuple[str, str]]:
    """Give label and number of what the release holds most worth knowing."""
    partitions = found.partitions
    counts = [(told("count-triples"), partitions.triples), (told("count-graphs"), len(found.manifest.graphs))]
    counts += [(told(f"count-{name}"), partitions.classes.get(kind.value, 0)) for name, kind in _COUNTED]
    return [(label, number(count)) for label, count in counts if count]


def _with_parameters(address: str) -> str:
    """Give ``address`` with the parameters of this request that are stadtgraph's own."""
    kept = {k: request.args[k] for k in ("release", "lang", "format") if request.args.get(k)}
    return f"{address}?{urlencode(kept)}" if kept else address


@blueprint.get("/id/<path:path>")
def identifier(path: str) -> Response:
    """Lead from an identifier to its page or its data (https://www.w3.org/TR/cooluris/#r303gendocument)."""
    chosen = documents.choice(HTML)
    endpoint = "pages.page" if chosen.format is HTML else "pages.data"
    response = redirect(_with_parameters(url_for(endpoint, path=path)), 303)
    assert isinstance(response, Response)
    return response


@blueprint.get("/data/<path:path>")
def data(path: str) -> Response:
    """Give what is known of a resource, as its owners wrote it."""
    found, chosen = opened(), documents.choice()
    iri = _known(path, found)
    tag = etag(found.id, chosen.content_type, request.args.get("release"))
    if is_known(tag):
        return not_modified(tag)
    with _in_turn(iri, found, "DATA"):
        response = documents.document(resources.as_written(iri, found.place), chosen)
    response.headers["Link"] = f'<{url_for("pages.page", path=path)}>; rel="alternate"; type="text/html"'
    return tagged(response, tag)


@blueprint.get("/page/<path:path>")
def page(path: str) -> Response:
    """Show what is known of a resource and what points to it."""
    found = opened()
    iri = _known(path, found)
    tag = etag(found.id, request.args.get("release"))
    if is_known(tag):
        return not_modified(tag)
    with _in_turn(iri, found, "PAGE"):
        shown = resources.describe(iri, found.place, language())
    structured = catalogue.structured(iri.value, found)
    text = render_template("resource.html", resource=shown, opened=found, path=path, structured=structured)
    return tagged(Response(text), tag)


def _in_turn(iri: ox.NamedNode, found: Opened, form: str) -> AbstractContextManager[None]:
    """Let things of which very much is known be read one at a time, as a share of the caller's."""
    return costly(form) if resources.is_large(iri, found.place) else nullcontext()


def _known(path: str, found: Opened) -> ox.NamedNode:
    iri = resources.known_iri(path, found.place)
    if iri is None:
        name = f"{found.place.names.base}id/{path}"
        if name in state().city.releases.withdrawn(callers.view()):
            raise Gone("graph-withdrawn", graph=name)
        raise NotFound("web-unknown-resource", path=path[:200])
    return iri


@blueprint.get("/void")
@blueprint.get("/.well-known/void")
def void() -> Response:
    """Give the VoID description of the data."""
    found, chosen = opened(), documents.choice()
    endpoint = endpoint_address()
    tag = etag(found.id, chosen.content_type, endpoint)
    if is_known(tag):
        return not_modified(tag)
    title = state().city.config.city.title
    triples = description.void(found.place.names, endpoint, title, found.manifest, found.partitions)
    return tagged(documents.document(triples, chosen), tag)


@blueprint.get("/releases")
def releases() -> Response:
    """List the releases, newest first."""
    current = opened()
    choice = negotiate(request.headers.get("Accept"), (HTML, _JSON, JSON_LD))
    as_json = request.args.get("format") == "json" or (choice is not None and choice.format is not HTML)
    ids = state().city.releases.ids()
    listed = [entry for entry in map(_listed, ids) if entry is not None]
    tag = etag(current.id, *(f"{entry.id} {entry.written}" for entry in listed), as_json)
    if is_known(tag):
        return not_modified(tag)
    if as_json:
        entries = [_entry(release, current.id) for release in listed]
        text = json.dumps({"releases": entries}, ensure_ascii=False, indent=1) + "\n"
        return tagged(Response(text, content_type="application/json"), tag)
    return tagged(Response(render_template("releases.html", releases=listed, opened=current)), tag)


def _listed(name: str) -> Release | None:
    """Give a release of the list, or ``None`` where it was removed meanwhile or its manifest is damaged."""
    try:
        release = state().city.releases.get(name)
        release.manifest()
    except StadtgraphError:
        return None
    return release


def _entry(release: Release, current: str) -> dict[str, object]:
    manifest = release.manifest()
    return {
        "id": release.id,
        "created": manifest.created.isoformat(),
        "why": manifest.why,
        "parent": manifest.parent,
        "graphs": len(manifest.graphs),
        "triples": sum(info.triples for info in manifest.graphs.values()),
        "current": release.id == current,
    }


@blueprint.get("/health/live")
def live() -> Response:
    """Say that this process answers."""
    return Response("ok\n", content_type="text/plain; charset=utf-8")


@blueprint.get("/metrics")
def metrics() -> Response:
    """Give what the server counts, for Prometheus."""
    return Response(state().watch.meters.text(), content_type=CONTENT_TYPE)


@blueprint.get("/health/ready")
def ready() -> Response:
    """Say whether queries can be answered: there is a release, it opens, and a worker answers."""
    found = opened()
    try:
        state().queries.check(found.place)
    except StoreError as problem:
        raise BusyError(problem.key, **problem.params) from problem
    return Response(f"ready {found.id}\n", content_type="text/plain; charset=utf-8")
