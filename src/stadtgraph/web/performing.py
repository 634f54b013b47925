"""Work for a page beside answering a query: by a query worker, or in this process where it takes seconds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from flask import request

from stadtgraph.query import Abandoned, Answer, outcome_of
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


@contextmanager
def costly(form: str) -> Iterator[None]:
    """Let something be made in this process that takes seconds and is then kept: one at a time, few may wait.

    The seconds count for the share of this caller as those of a query do; ``form`` is what logs and metrics call it.
    Raises :class:`TooManyRequests` and :class:`BusyError`.
    """
    ticket = state().watch.ticket(request.remote_addr or "", callers.caller())
    ticket.form = form
    try:
        ticket.enter()
        with state().making:
            is_gone = request.environ.get("waitress.client_disconnected")
            if is_gone is not None and is_gone():
                raise Abandoned
            began = time.monotonic()
            try:
                yield
            finally:
                ticket.worked = time.monotonic() - began
    except BaseException as problem:
        ticket.end(outcome_of(problem))
        raise
    ticket.end("ok")
