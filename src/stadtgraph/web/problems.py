"""Errors as answers: RFC 9457 problem documents for programs, pages for people.

Source: https://www.rfc-editor.org/rfc/rfc9457
"""

from __future__ import annotations

import json
import logging
from typing import Final

from flask import Flask, Response, current_app, g, render_template, request
from werkzeug.exceptions import HTTPException

from stadtgraph import errors
from stadtgraph.city.draft import GateViolation
from stadtgraph.query import Abandoned
from stadtgraph.shacl.rdf import report_triples
from stadtgraph.sparql.negotiate import DOCUMENTS, HTML, Format, choose, negotiate
from stadtgraph.terms import Term
from stadtgraph.web.documents import document
from stadtgraph.web.language import language, told
from stadtgraph.web.reply import query_id

TYPE: Final = "https://w3id.org/stadtgraph/problem/"
PROBLEM: Final = Format(("problem",), ("application/problem+json", "application/json"), "json")
_STATUS: Final[tuple[tuple[type[errors.StadtgraphError], int], ...]] = (
    (errors.NotAcceptable, 406),
    (errors.QueryTimeout, 503),
    (errors.TooManyRequests, 429),
    (errors.QueryError, 400),
    (errors.Gone, 410),
    (errors.NotFound, 404),
    (errors.Unauthorized, 401),
    (errors.Forbidden, 403),
    (errors.AddressRefused, 403),
    (errors.NetworkError, 502),
    (errors.Conflict, 409),
    (errors.PreconditionFailed, 412),
    (errors.BusyError, 503),
    (errors.DiskFull, 507),
    (errors.GateError, 422),
    (errors.ConfigError, 500),
    (errors.UsageError, 400),
    (errors.InputError, 400),
)
_STATUS_OF_KEY: Final = {
    "protocol-method": 405,
    "protocol-media-type": 415,
    "graphs-media-type": 415,
    "protocol-coding": 415,
    "graphs-method": 405,
    "update-method": 405,
    "protocol-charset": 415,
    "federation-not-listed": 403,
    "federation-credentials": 502,
    "release-none": 503,
    "release-current-missing": 503,
    "query-no-worker": 503,
}
_TOLD: Final = ("line", "column", "found", "expected", "bound", "prefix", "namespace", "name", "scope", "address")
_REASONS: Final = {
    "query-time": "time",
    "federation-time": "time",
    "query-memory": "memory",
    "query-large": "size",
    "query-busy": "busy",
    "query-reading": "busy",
    "web-busy": "busy",
}
_MOST_RESULTS: Final = 100
_log: Final = logging.getLogger(__name__)


def status_of(error: errors.StadtgraphError) -> int:
    """Give the HTTP status of an error of ours.

    >>> status_of(errors.QuerySyntaxError("sparql-empty", line=1, column=1))
    400
    """
    if error.key in _STATUS_OF_KEY:
        return _STATUS_OF_KEY[error.key]
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def detail_of(error: errors.StadtgraphError) -> str:
    """Give what the client is told; of failures inside, nothing but that they happened."""
    if error.key == "release-none":
        return told("no-release")
    return error.text(language()) if status_of(error) != 500 else told("internal")


def wants_page() -> bool:
    """Tell whether an error is better told as a page."""
    if request.args.get("format"):
        return request.args["format"] in HTML.names
    return choose(request.headers.get("Accept"), (PROBLEM, HTML)) is HTML


def members(error: errors.StadtgraphError) -> dict[str, object]:
    """Give the extension members: where, what was found, which bound."""
    found: dict[str, object] = {
        k: v for k, v in error.params.items() if k in _TOLD and isinstance(v, str | int | float)
    }
    if error.key in _REASONS:
        found["reason"] = _REASONS[error.key]
    return found if status_of(error) != 500 else {}


def problem(status: int, key: str, detail: str, extra: dict[str, object] | None = None) -> Response:
    """Give the answer that tells an error, as a problem document or a page."""
    title = told(f"status-{status}") if status in _TITLED else told("status-400" if status < 500 else "status-500")
    if wants_page():
        response = Response(render_template("error.html", title=title, detail=detail, status=status), status=status)
    else:
        document = {"type": TYPE + key, "title": title, "status": status, "detail": detail, **(extra or {})}
        if (query := query_id()) is not None:
            document["query"] = query
        text = json.dumps(document, ensure_ascii=False) + "\n"
        response = Response(text, status=status, content_type=PROBLEM.media_type)
    response.headers["Content-Language"] = language()
    response.headers["Cache-Control"] = "no-store"
    return response


_TITLED: Final = (400, 401, 403, 404, 405, 406, 409, 410, 412, 413, 415, 422, 429, 500, 502, 503, 507)


def of_error(error: errors.StadtgraphError) -> Response:
    """Answer with an error of ours."""
    status = status_of(error)
    if isinstance(error, GateViolation):
        return _violated(error)
    if status == 500 or error.key == "query-no-worker":
        _log.error("request failed: %s", error)
    response = problem(status, error.key if status != 500 else "internal", detail_of(error), members(error))
    if error.key in ("query-busy", "query-no-worker") or isinstance(error, errors.BusyError):
        response.headers["Retry-After"] = "5"
    if isinstance(error, errors.TooManyRequests):
        response.headers["Retry-After"] = str(error.params["seconds"])
    if status == 401:
        kind = "" if error.key == "access-token-needed" else ', error="invalid_token"'
        response.headers["WWW-Authenticate"] = f'Bearer realm="stadtgraph"{kind}'
    if status == 403 and isinstance(error, errors.Forbidden):
        response.headers["WWW-Authenticate"] = 'Bearer realm="stadtgraph", error="insufficient_scope"'
    if error.key == "protocol-coding":
        response.headers["Accept-Encoding"] = str(error.params["known"])
    if status == 405:
        response.headers["Allow"] = str(error.params.get("allowed", "GET, HEAD, POST, OPTIONS"))
    return response


def _violated(error: GateViolation) -> Response:
    """Tell which rules a change breaks: as a SHACL report where RDF is asked for, else in the problem document.

    Source: https://www.w3.org/TR/shacl/#validation-report
    """
    chosen = negotiate(request.headers.get("Accept"), (PROBLEM, HTML, *DOCUMENTS))
    if chosen is not None and chosen.format in DOCUMENTS:
        gate = current_app.extensions["stadtgraph"].city.gate
        response = document(report_triples(error.report, gate.shapes), chosen)
        response.status_code = 422
        response.headers["Cache-Control"] = "no-store"
        return response
    results = [
        {
            "focusNode": _plain(result.focus),
            "resultPath": result.path,
            "value": _plain(result.value),
            "sourceShape": result.shape.value,
            "resultSeverity": result.severity.value,
            "resultMessage": result.message(language()),
        }
        for result in error.report.results[:_MOST_RESULTS]
    ]
    return problem(422, error.key, detail_of(error), {"results": results, "number": len(error.report.results)})


def _plain(term: Term | None) -> str | None:
    return getattr(term, "value", None)


def _of_http(error: HTTPException) -> Response:
    status = error.code or 500
    if status < 400:
        return Response(error.get_response().get_data(), status, dict(error.get_headers()))
    key = f"http-{status}" if status in _HTTP_TOLD else "http-400"
    response = problem(status, key, told(key))
    if status == 405 and getattr(error, "valid_methods", None):
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))  # type: ignore[attr-defined]
    return response


_HTTP_TOLD: Final = (404, 405, 413)


def _of_exception(error: Exception) -> Response:
    if isinstance(error, OSError) and isinstance(full := errors.disk_failure(error), errors.DiskFull):
        return of_error(full)
    _log.exception("request failed: %s", type(error).__name__)
    g.pop("release", None)
    return problem(500, "internal", told("internal"))


def _of_abandoned(_error: Abandoned) -> Response:
    """Say nothing: the client has gone. No client sees this status."""
    return Response(status=499)


def register(app: Flask) -> None:
    """Make every error of ``app`` a problem document or a page."""
    app.register_error_handler(errors.StadtgraphError, of_error)
    app.register_error_handler(Abandoned, _of_abandoned)
    app.register_error_handler(HTTPException, _of_http)
    app.register_error_handler(Exception, _of_exception)
