"""Changes over HTTP: SPARQL Update at ``/sparql/update`` and, for the combined address, at ``/sparql``.

Source: https://www.w3.org/TR/sparql11-protocol/#update-operation
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

from flask import Blueprint, Response, g, request

from stadtgraph.access import Caller
from stadtgraph.city.draft import Draft
from stadtgraph.city.updating import Update, Updating
from stadtgraph.city.writing import Apply, Done
from stadtgraph.errors import ProtocolError, StadtgraphError
from stadtgraph.query import outcome_of
from stadtgraph.query.jobs import COMPUTE, PARSE
from stadtgraph.sparql import protocol
from stadtgraph.sparql.protocol import Operation
from stadtgraph.web import callers
from stadtgraph.web.problems import status_of
from stadtgraph.web.state import State, state

blueprint: Final = Blueprint("writing", __name__)
METHODS: Final = ["GET", "POST", "PUT", "DELETE", "PATCH"]


def body() -> bytes:
    """Give the body of this request; who may write may send more than others."""
    if callers.caller().writes:
        request.max_content_length = state().city.config.write.bytes
    return request.get_data(cache=True, parse_form_data=False)


@blueprint.route("/sparql/update", methods=METHODS)
@blueprint.route("/sparql/update/", methods=METHODS)
def updates() -> Response:
    """Answer a request of the SPARQL protocol that must be an update."""
    if request.method != "POST":
        raise ProtocolError("update-method", method=request.method)
    callers.require_writer()
    asked = protocol.read("POST", request.query_string, request.headers.get("Content-Type"), body())
    if asked.operation is not Operation.UPDATE:
        raise ProtocolError("update-no-update")
    return update(asked)


@contextmanager
def watched(form: str) -> Iterator[None]:
    """Count and log a change as queries are: by whom, how long, with which outcome."""
    ticket = state().watch.ticket(request.remote_addr or "", callers.caller())
    ticket.form = form
    try:
        yield
    except BaseException as problem:
        ours = isinstance(problem, StadtgraphError) and status_of(problem) < 500
        outcome = outcome_of(problem)
        ticket.end("refused" if ours and outcome == "failed" else outcome)
        raise
    ticket.end("ok")


def update(asked: protocol.Request) -> Response:
    """Do an update; the answer names the release that holds it."""
    with watched("UPDATE"):
        return _update(asked)


def _update(asked: protocol.Request) -> Response:
    callers.require_writer()
    if asked.has_dataset or asked.release:
        raise ProtocolError("update-query-dataset")
    here, caller = state(), callers.caller()
    arguments = {"text": asked.text, "base": here.names.base}
    bounds = dict(here.bounds) | {"bytes": here.city.config.write.bytes}
    described = here.perform(PARSE, **arguments, characters=bounds["bytes"], bounds=bounds)
    wanted = Update.of(asked.text, described, asked.using_graphs, asked.using_named_graphs)
    if not wanted.operations:
        return written(Done(here.city.releases.current_id(), None), 204)
    return written(here.writer.write(partial(_prepare, here, caller, wanted), role=caller.id), 204)


def _prepare(here: State, caller: Caller, wanted: Update, draft: Draft) -> Apply:
    def compute(**arguments: Any) -> tuple[bytes, bytes]:
        return here.perform(COMPUTE, **arguments)

    return Updating(draft, caller, compute).prepare(wanted)


def written(done: Done, status: int) -> Response:
    """Say that a change is done, and in which release."""
    g.release = done.release
    return Response(status=status)
