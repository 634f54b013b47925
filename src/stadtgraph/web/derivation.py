"""``/sparql/explain``: why a statement holds, step by step down to the sources that state it."""

from __future__ import annotations

import json
from typing import Final

from flask import Blueprint, Response, request

from stadtgraph.city.deriving import Derivation, stated_in
from stadtgraph.errors import UsageError
from stadtgraph.lineage.derivation import DERIVE, statement, steps_of
from stadtgraph.web import callers
from stadtgraph.web.language import language
from stadtgraph.web.performing import perform
from stadtgraph.web.reply import etag, is_known, not_modified, tagged
from stadtgraph.web.sparql import noted
from stadtgraph.web.state import state

blueprint: Final = Blueprint("derivation", __name__)
JSON: Final = "application/json"


@blueprint.route("/sparql/explain", methods=["GET"])
def explain() -> Response:
    """Give, as JSON, the rules and premises from which ``?statement=`` follows."""
    text = request.args.get("statement", "")
    if not text.strip():
        raise UsageError("derivation-statement")
    found = noted(state().open(request.args.get("release"), callers.view()))
    asked = str(statement(text, found.place.names))
    tag = etag(found.place.release, found.view, "explain", asked, language())
    if is_known(tag):
        return not_modified(tag)
    given = perform(DERIVE, found, JSON, "EXPLAIN", statement=asked)
    steps = steps_of(b"".join(given.blocks))
    infos = found.release.manifest(found.view).graphs
    names = found.place.names
    stated = tuple(tuple(stated_in(graph, infos, names) for graph in step.graphs) for step in steps)
    body = json.dumps(Derivation(found.id, steps, stated).as_dict(language()), ensure_ascii=False, indent=1)
    return tagged(Response(body, content_type=JSON), tag)
