"""The Flask application over one city."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from flask import Flask, Response, current_app, request

from stadtgraph.query import Cache
from stadtgraph.query.budgets import Budgets
from stadtgraph.sparql.negotiate import GRAPHS, HTML, TABLES, Format
from stadtgraph.web import (
    audit,
    bodies,
    callers,
    catalogue,
    derivation,
    graphs,
    pages,
    problems,
    sources,
    sparql,
    writing,
)
from stadtgraph.web.front import Front
from stadtgraph.web.hosts import Hosts
from stadtgraph.web.language import in_language, language, number, told
from stadtgraph.web.reply import finish, version
from stadtgraph.web.state import State

if TYPE_CHECKING:
    from stadtgraph.city import City

FIRST_QUERY: Final = resources.files(__package__).joinpath("queries", "first.rq").read_text("utf-8").strip()
_FORMAT_NAMES: Final = {
    "json": "JSON",
    "xml": "XML",
    "csv": "CSV",
    "tsv": "TSV",
    "turtle": "Turtle",
    "ntriples": "N-Triples",
    "rdfxml": "RDF/XML",
    "jsonld": "JSON-LD",
    "nquads": "N-Quads",
    "trig": "TriG",
}
_LARGEST_BODY: Final = 4 << 20
_AUDIENCES: Final = (("researchers", 10), ("portals", 19), ("coaches", 30), ("departments", 41), ("citizens", 52))


def create_app(
    city: City, *, testing: bool = False, cache: Cache | None = None, budgets: Budgets | None = None
) -> Flask:
    """Give the application that answers for ``city``; nothing is opened before the first request.

    ``cache`` keeps answers, ``budgets`` what callers have left; the processes of one server share both.
    """
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = _LARGEST_BODY
    app.config["TESTING"] = testing
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    state = app.extensions["stadtgraph"] = State(city, cache, budgets)
    app.register_blueprint(sparql.blueprint)
    app.register_blueprint(sources.blueprint)
    app.register_blueprint(derivation.blueprint)
    app.register_blueprint(writing.blueprint)
    app.register_blueprint(graphs.blueprint)
    app.register_blueprint(pages.blueprint)
    app.register_blueprint(audit.blueprint)
    app.register_blueprint(catalogue.blueprint)
    problems.register(app)
    callers.register(app)
    bodies.register(app)
    app.before_request(_preflight)
    app.after_request(finish)
    app.context_processor(_shared)
    app.wsgi_app = Front(Hosts(app.wsgi_app), state)  # type: ignore[method-assign]
    return app


def _preflight() -> Response | None:
    """Answer OPTIONS for every address, as browsers of other sites ask before they read."""
    return Response(status=204) if request.method == "OPTIONS" else None


def _shared() -> dict[str, object]:
    """Give what every template uses."""
    return {
        "lang": language(),
        "t": told,
        "number": number,
        "address": _address,
        "again": _again,
        "switched": _switched,
        "names_of": _name_of,
        "current_id": current_app.extensions["stadtgraph"].city.releases.current_id,
        "first_query": FIRST_QUERY,
        "in_language": in_language,
        "site": current_app.extensions["stadtgraph"].city.config.city.title,
        "formats": (HTML, *TABLES, *(f for f in GRAPHS if f not in TABLES)),
        "audiences": _audiences,
        "version": version("stadtgraph"),
    }


def _address(path: str, /, **changed: object) -> str:
    """Give a link that keeps the language and release of this request; ``changed`` sets or (``None``) drops some."""
    kept: dict[str, object] = {k: request.args[k] for k in ("lang", "release") if request.args.get(k)}
    kept |= changed
    given = {k: v for k, v in kept.items() if v is not None}
    return f"{path}?{urlencode(given)}" if given else path


def _again(path: str, /, **changed: str) -> str:
    """Give the address of this request with other parameters, for the same answer in another format."""
    kept = {k: v for k, v in request.values.items() if k not in ("format", "output")}
    return f"{path}?{urlencode(kept | changed)}"


def _switched(lang: str) -> str:
    """Give the parameters of this request in another language."""
    return urlencode({**request.args.to_dict(flat=True), "lang": lang})


def _name_of(format: Format) -> str:
    """Give the name by which people know a format."""
    return _FORMAT_NAMES.get(format.name, format.name)


def _audiences() -> list[tuple[str, list[object]]]:
    """Give the example queries by audience, as the numbers of the competency questions group them."""
    examples = current_app.extensions["stadtgraph"].examples
    groups, first = [], 1
    for name, last in _AUDIENCES:
        groups.append((told(f"audience-{name}"), [q for q in examples if q.number and first <= q.number <= last]))
        first = last + 1
    groups.append((told("audience-more"), [q for q in examples if not q.number or q.number >= first]))
    return [(name, queries) for name, queries in groups if queries]
