"""``/sparql`` and ``/queries``: the SPARQL protocol, its service description, the query page, example queries."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from flask import Blueprint, Response, g, render_template, request

from stadtgraph.errors import NotFound, StadtgraphError
from stadtgraph.query import Plan, Preview, Ticket, outcome_of, plan
from stadtgraph.release import View
from stadtgraph.sparql import negotiate, protocol
from stadtgraph.sparql.files import ExampleQuery
from stadtgraph.sparql.negotiate import HTML
from stadtgraph.sparql.protocol import Operation
from stadtgraph.web import callers, description, documents, front, problems
from stadtgraph.web.language import language
from stadtgraph.web.reply import (
    accepted_coding,
    etag,
    is_known,
    mark_coding,
    not_modified,
    result_tag,
    services,
    tagged,
)
from stadtgraph.web.shown import Shown, labels, show
from stadtgraph.web.state import Opened, state
from stadtgraph.web.writing import body, update

blueprint: Final = Blueprint("sparql", __name__)
_ROWS: Final = 1000
_OWN: Final = frozenset(
    {"format", "output", "release", "lang", "default-graph-uri", "named-graph-uri", "query", "update"}
)
_METHODS: Final = ["GET", "POST", "PUT", "DELETE", "PATCH"]


def opened(view: View | None = None) -> Opened:
    """Open the release that this request asks for, and note it for the header.

    ``view`` is the one that the caller may see, where another than usual is meant.
    """
    name = request.args.get("release") or (request.form.get("release") if request.form else None)
    return noted(state().open(name, callers.view() if view is None else view))


def noted(found: Opened) -> Opened:
    """Note the release that answers this request, for its header and its ETag."""
    g.release, g.written = found.id, found.place.release
    return found


def endpoint_address() -> str:
    """Give the address of the endpoint as the client reached it; a malformed Host counts as none."""
    return (request.host_url if request.host else state().names.base) + "sparql"


@dataclass(frozen=True, slots=True)
class Page:
    """What the query page shows beside its form: the first rows, or an error."""

    text: str
    preview: Preview | None = None
    head: tuple[str, ...] = ()
    rows: tuple[tuple[Shown, ...], ...] = ()
    error: str = ""
    formats: tuple[negotiate.Format, ...] = ()
    example: ExampleQuery | None = None


@blueprint.route("/sparql", methods=_METHODS)
@blueprint.route("/sparql/", methods=_METHODS)
def sparql() -> Response:
    """Answer a request of the SPARQL protocol."""
    g.pages = True
    front.passed_on(request.environ)
    asked = protocol.read(
        request.method, request.query_string, request.headers.get("Content-Type"), body(), request.headers.get("Accept")
    )
    if asked.operation is Operation.UPDATE:
        return update(asked)
    found = noted(state().open(asked.release, callers.view()))
    if asked.operation is Operation.DESCRIPTION:
        return _description(found)
    return answer(asked, found)


def answer(asked: protocol.Request, found: Opened, example: ExampleQuery | None = None) -> Response:
    """Answer a query in the format it asks for; people get a page with a table, and errors on that page."""
    ticket = _ticket()
    try:
        planned = plan(asked, found.place.names.base, pages=True, services=True, bounds=state().bounds)
        key = planned.key(found.place.release)
        page = planned.choice.format is HTML
        tag = etag(key, request.args.get("release"), example and example.name) if page else result_tag(key)
        if is_known(tag):
            ticket.form = str(planned.outline.form)
            ticket.end("known")
            return not_modified(tag)
        if page:
            response = _result_page(asked, planned, found, example, ticket)
            response.headers.extend(services(ticket))
            return tagged(response, tag, keep=planned.is_lasting)
        is_gone = request.environ.get("waitress.client_disconnected")
        coding = "" if request.method == "HEAD" else accepted_coding()
        given = state().queries.run(planned, found.place, is_gone, coding=coding, ticket=ticket)
    except StadtgraphError as error:
        ticket.end(outcome_of(error))
        if not problems.wants_page():
            raise
        shown = Page(asked.text, error=problems.detail_of(error), example=example)
        return Response(
            _rendered(shown, found), status=problems.status_of(error), headers={"Cache-Control": "no-store"}
        )
    response = Response(given.blocks, content_type=given.content_type, direct_passthrough=True)
    if given.length is not None:
        response.content_length = given.length
    tagged(response, tag, keep=planned.is_lasting)
    if given.coding:
        mark_coding(response, given.coding)
    response.headers.extend(services(ticket))
    return response


def _ticket() -> Ticket:
    """Give the ticket of this request, with its caller on it."""
    found = request.environ[front.TICKET]
    assert isinstance(found, Ticket)
    return state().watch.known(found, callers.caller())


def _result_page(
    asked: protocol.Request, planned: Plan, found: Opened, example: ExampleQuery | None, ticket: Ticket
) -> Response:
    offers = negotiate.GRAPHS if planned.outline.form.gives_graph else negotiate.TABLES
    preview = state().queries.preview(planned, found.place, _ROWS, ticket)
    head = preview.variables
    rows: list[tuple[object, ...]] = list(preview.rows)
    if preview.triples:
        head, rows = ("subject", "predicate", "object"), [(t.subject, t.predicate, t.object) for t in preview.triples]
    named = labels(found.place.engine, (term for row in rows[:_ROWS] for term in row), language())  # type: ignore[misc]
    names = found.place.names
    shown = tuple(tuple(show(term, names, named.get(term, "")) for term in row) for row in rows)  # type: ignore[arg-type,call-overload]
    return Response(_rendered(Page(asked.text, preview, head, shown, "", offers, example), found))


def _rendered(page: Page, found: Opened) -> str:
    template = "example.html" if page.example else "query.html"
    return render_template(template, page=page, opened=found, rows_shown=_ROWS, values=request.args)


def _description(found: Opened) -> Response:
    """Give the service description, or the empty query page to people."""
    chosen = documents.choice(HTML)
    endpoint = endpoint_address()
    tag = etag(found.id, chosen.content_type, endpoint)
    if is_known(tag):
        return not_modified(tag)
    if chosen.format is HTML:
        return tagged(Response(_rendered(Page(""), found)), tag)
    triples = description.service(endpoint, found.manifest, found.partitions.triples, _services())
    return tagged(documents.document(triples, chosen), tag)


def _services() -> dict[str, str]:
    """Give the endpoints that queries may ask: their names by their IRIs."""
    listed = state().city.config.federation.service
    return {service.iri or service.address: service.name for service in listed}


@blueprint.get("/queries")
def queries() -> Response:
    """List the example queries."""
    found = opened()
    tag = etag(found.id, state().examples_tag)
    if is_known(tag):
        return not_modified(tag)
    return tagged(Response(render_template("queries.html", opened=found)), tag)


def _values(example: ExampleQuery) -> dict[str, str]:
    """Give the values of an example's parameters in this request; an empty field takes the default.

    A parameter named ``lang`` takes the language that the request asks for, if it asks for one.
    """
    kinds = {p.name: p.kind for p in example.parameters}
    values = {k: v for k, v in request.args.items() if k not in _OWN and (v or kinds.get(k) == "string")}
    if kinds.get("lang") == "string" and (request.args.get("lang") or request.headers.get("Accept-Language")):
        values["lang"] = language()
    return values


@blueprint.get("/queries/<name>")
def query(name: str) -> Response:
    """Answer an example query with the values given as parameters."""
    found = opened()
    example = next((q for q in state().examples if q.name == name), None)
    if example is None:
        raise NotFound("web-no-query", name=name[:80])
    try:
        text = example.fill(_values(example), found.place.names.base)
    except StadtgraphError as error:
        if not problems.wants_page():
            raise
        page = Page(example.text, error=problems.detail_of(error), example=example)
        return Response(_rendered(page, found), status=problems.status_of(error), headers={"Cache-Control": "no-store"})
    asked = protocol.read("GET", request.query_string, accept=request.headers.get("Accept"))
    return answer(replace(asked, operation=Operation.QUERY, text=text), found, example)
