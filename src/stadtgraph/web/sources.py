"""``/sparql/sources``: for a query, or one row of its answer, the datasets behind it and who answers for them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Final

from flask import Blueprint, Response, request

from stadtgraph.city.accounting import SEARCHED, account, reads_of
from stadtgraph.city.searching import expanded
from stadtgraph.errors import ProtocolError
from stadtgraph.lineage.jobs import TRACE, lineage_of, term
from stadtgraph.query import plan
from stadtgraph.query.dataset import visible
from stadtgraph.sparql import protocol
from stadtgraph.sparql.protocol import Operation
from stadtgraph.web import callers
from stadtgraph.web.performing import perform
from stadtgraph.web.reply import etag, is_known, not_modified, tagged
from stadtgraph.web.sparql import noted
from stadtgraph.web.state import state

blueprint: Final = Blueprint("sources", __name__)
JSON: Final = "application/json"
_LONGEST: Final = 20_000


@blueprint.route("/sparql/sources", methods=["GET", "POST"])
def sources() -> Response:
    """Give, as JSON, what stands behind the answer to a query."""
    content = request.get_data(cache=True, parse_form_data=False)
    asked = protocol.read(request.method, request.query_string, request.headers.get("Content-Type"), content, None)
    if asked.operation is not Operation.QUERY:
        raise ProtocolError("protocol-no-query")
    found = noted(state().open(asked.release, callers.view()))
    planned = plan(asked, found.place.names.base, bounds=state().bounds)
    solution = _solution()
    today = datetime.now(UTC).date()
    tag = etag(planned.key(found.place.release), "sources", today.isoformat(), json.dumps(solution, sort_keys=True))
    if is_known(tag):
        return not_modified(tag)
    dataset = visible(found.place.engine, planned.wanted)
    given = perform(
        TRACE,
        found,
        JSON,
        "SOURCES",
        text=expanded(planned.text, found.release, found.view, found.place.names.base, marked=True),
        default=None if dataset.default is None else [g.value for g in dataset.default],
        named=None if dataset.named is None else [g.value for g in dataset.named],
        reads={rule: sorted(iris) for rule, iris in reads_of(state().city).items()},
        searched=sorted(SEARCHED),
        solution=solution,
    )
    made = account(lineage_of(b"".join(given.blocks)), found.release, found.view, today)
    body = json.dumps(made, ensure_ascii=False, indent=1)
    return tagged(Response(body, content_type=JSON), tag, keep=planned.is_lasting)


def _solution() -> dict[str, str]:
    """Read the row that is asked about: an object of terms as N-Triples writes them."""
    text = request.args.get("solution", "")
    if not text:
        return {}
    try:
        found: Any = json.loads(text) if len(text) <= _LONGEST else None
        if not isinstance(found, dict) or not all(isinstance(v, str) and k.isidentifier() for k, v in found.items()):
            raise ValueError
        for value in found.values():
            term(value)
    except (ValueError, RecursionError) as problem:
        raise ProtocolError("lineage-solution") from problem
    return found
