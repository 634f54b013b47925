"""Work that a query worker does for a page beside answering a query."""

from __future__ import annotations

from flask import request

from stadtgraph.query import Answer
from stadtgraph.web import callers
from stadtgraph.web.state import Opened, state


def perform(job: str, found: Opened, content_type: str, form: str = "", **more: object) -> Answer:
    """Let a worker do ``job`` over the store of a release, within the bounds and the share of this caller.

    ``form`` is what logs and metrics call it; ``more`` goes to the job.
    """
    ticket = state().watch.ticket(request.remote_addr or "", callers.caller())
    if form:
        ticket.form = form
    return state().queries.stream(
        job,
        content_type,
        request.environ.get("waitress.client_disconnected"),
        ticket=ticket,
        path=str(found.store),
        state=found.place.release,
        base=found.place.names.base,
        **more,
    )
