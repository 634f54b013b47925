"""``/catalog``: the catalogue for harvesters, and what search engines and feed readers want. Public view alone."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

import pyoxigraph as ox
from flask import Blueprint, Response, current_app, redirect, request
from markupsafe import Markup

from stadtgraph.catalogue import PAGE, Catalogue, profile
from stadtgraph.catalogue.changes import atom
from stadtgraph.catalogue.formats import FORMS, Form
from stadtgraph.catalogue.linkcheck import LinkChecks
from stadtgraph.catalogue.paging import Page
from stadtgraph.catalogue.sitemap import LARGEST, index, robots, urlset
from stadtgraph.catalogue.structured import as_script, schema_org
from stadtgraph.city.cataloguing import catalogue as make
from stadtgraph.city.cataloguing import changes
from stadtgraph.city.previewing import preview
from stadtgraph.errors import BusyError, NotFound, UsageError
from stadtgraph.release import View
from stadtgraph.sparql.negotiate import DOCUMENTS, Choice, negotiate
from stadtgraph.web.documents import document
from stadtgraph.web.language import language, told
from stadtgraph.web.performing import costly
from stadtgraph.web.reply import etag, is_known, not_modified, tagged
from stadtgraph.web.shown import local_path
from stadtgraph.web.sparql import opened
from stadtgraph.web.state import Opened, state

blueprint: Final = Blueprint("catalogue", __name__)
_KEPT: Final = 3
_MOMENT: Final = re.compile(r"\d{4}(-\d\d(-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?)?)?")
_FORM_OF: Final = {"turtle": "ttl", "jsonld": "jsonld", "rdfxml": "rdf", "ntriples": "nt"}
_lock: Final = threading.Lock()
_writing: Final = threading.BoundedSemaphore(2)
_SCORED: Final = 20_000
"""Datasets up to which scores are worked out on request."""


def catalogue_of(found: Opened) -> Catalogue:
    """Give the catalogue of a release; those last asked for are kept, with the list of their datasets."""
    kept: OrderedDict[str, Catalogue] = current_app.extensions.setdefault("stadtgraph-catalogues", OrderedDict())
    with _lock:
        made = kept.get(found.place.release)
        if made is None:
            made = kept[found.place.release] = make(state().city, found.release)
            while len(kept) > _KEPT:
                kept.popitem(last=False)
        kept.move_to_end(found.place.release)
    return made


@blueprint.get("/catalog")
@blueprint.get("/catalogue")
def chosen_form() -> Response:
    """Lead to the catalogue in the format that the client accepts; RDF/XML where it does not care."""
    offers = (DOCUMENTS[2], DOCUMENTS[0], DOCUMENTS[1], DOCUMENTS[3])
    choice = negotiate(request.headers.get("Accept"), offers)
    form = "rdf" if choice is None else _FORM_OF[choice.format.name]
    response = redirect(_with_parameters(f"/catalog.{form}"), 303)
    assert isinstance(response, Response)
    return response


@blueprint.get("/catalog.<form>")
def catalog(form: str) -> Response:
    """Give a page of the catalogue, or with ``page=all`` the whole of it."""
    found, written, chosen = opened(View.PUBLIC), _form(form), profile(request.args.get("profile", "dcat-ap-de"))
    since, number = _since(), _number()
    tag = etag("catalog", written.name, chosen.name, number, since, _site(), request.args.get("release"))
    if is_known(tag):
        return not_modified(tag)
    made = catalogue_of(found)
    iris = made.datasets if not since else made.since(since)
    if number is None:
        if request.method == "HEAD":
            return _document((), written, tag)
        return _document(_Whole(written.write(made.head(chosen), made.records(chosen, iris), ())), written, tag)
    page = Page(number, PAGE, len(iris))
    if not page.exists:
        raise NotFound("catalogue-no-page", page=number, last=page.last)
    blocks = written.write(
        made.head(chosen), made.records(chosen, page.of(iris)), page.described(_address(form, found.id))
    )
    response = _document(blocks, written, tag)
    response.headers["Link"] = _neighbours(page, _address(form, found.id))
    return response


@blueprint.get("/catalog/dataset.<form>")
def dataset(form: str) -> Response:
    """Give one dataset as it stands in the catalogue: ``?iri=``."""
    return _single(form, request.args.get("iri", ""))


@blueprint.get("/catalog/dataset/<path:path>.<form>")
def own_dataset(path: str, form: str) -> Response:
    """Give one dataset of the city as it stands in the catalogue."""
    return _single(form, f"{state().names.base}id/dataset/{path}")


def _single(form: str, iri: str) -> Response:
    found, written, chosen = opened(View.PUBLIC), _form(form), profile(request.args.get("profile", "dcat-ap-de"))
    made = catalogue_of(found)
    if not made.is_listed(iri):
        raise NotFound("catalogue-no-dataset", dataset=iri[:200])
    tag = etag("dataset", written.name, chosen.name, iri, request.args.get("release"))
    if is_known(tag):
        return not_modified(tag)
    return _document(written.write(made.head(chosen), [made.record(chosen, iri)], ()), written, tag)


@blueprint.get("/catalog/quality.<form>")
def quality(form: str) -> Response:
    """Give the scores of the catalogue, its units and its datasets in the Data Quality Vocabulary."""
    found, offers = opened(View.PUBLIC), {_FORM_OF[offer.name]: offer for offer in DOCUMENTS}
    if form not in offers:
        raise NotFound("catalogue-no-form", form=form[:20], known=", ".join(offers))
    checked = LinkChecks(state().city.path).changed
    tag = etag("quality", form, checked, request.args.get("release"))
    if is_known(tag):
        return not_modified(tag)
    if len(catalogue_of(found).datasets) > _SCORED:
        raise NotFound("catalogue-quality-large", bound=_SCORED)
    kept: dict[tuple[str, str], list[ox.Triple]] = current_app.extensions.setdefault("stadtgraph-scores", {})
    key = (found.place.release, checked)
    triples = kept.get(key)
    if triples is None:
        with costly("QUALITY"):
            triples = kept.get(key) or list(preview(state().city, "eu", found.id).quality())
            kept.clear()
            kept[key] = triples
    return tagged(document(triples, Choice(offers[form], offers[form].media_type)), tag)


@blueprint.get("/catalog/changes.atom")
def feed() -> Response:
    """Give the latest changes of datasets as an Atom feed."""
    found = opened(View.PUBLIC)
    tag = etag("changes", _site())
    if is_known(tag):
        return not_modified(tag)
    title = told("catalogue-changes", site=state().city.config.city.title)
    entries = changes(state().city, found.id, language())
    body = atom(entries, _page_of(), f"{_site()}catalog/changes.atom", state().names.base, title, language())
    return tagged(Response(body, content_type="application/atom+xml; charset=utf-8"), tag)


@blueprint.get("/robots.txt")
def robots_txt() -> Response:
    """Tell crawlers what they may read."""
    tag = etag("robots", _site())
    if is_known(tag):
        return not_modified(tag)
    return tagged(Response(robots(_site()), content_type="text/plain; charset=utf-8"), tag)


@blueprint.get("/sitemap.xml")
def sitemap() -> Response:
    """Name the pages of all datasets, or the sitemaps that do, where they are many."""
    made, tag = catalogue_of(opened(View.PUBLIC)), etag("sitemap", _site())
    if is_known(tag):
        return not_modified(tag)
    own = _own(made)
    parts = -(-len(own) // LARGEST)
    if parts > 1:
        body = index(f"{_site()}sitemap-{number}.xml" for number in range(1, parts + 1))
    else:
        body = _urlset(made, own)
    return tagged(Response(body, content_type="application/xml; charset=utf-8"), tag)


@blueprint.get("/sitemap-<int:number>.xml")
def sitemap_part(number: int) -> Response:
    """Name a part of the pages."""
    made, tag = catalogue_of(opened(View.PUBLIC)), etag("sitemap", number, _site())
    part = _own(made)[(number - 1) * LARGEST : number * LARGEST] if number > 0 else []
    if not part:
        raise NotFound("catalogue-no-page", page=number, last=-(-len(_own(made)) // LARGEST))
    if is_known(tag):
        return not_modified(tag)
    return tagged(Response(_urlset(made, part), content_type="application/xml; charset=utf-8"), tag)


def structured(iri: str, found: Opened) -> Markup:
    """Give the ``script`` element that tells search engines of a dataset; nothing for what is no public dataset."""
    made = catalogue_of(state().open(found.id, View.PUBLIC))
    if not made.is_listed(iri):
        return Markup()
    record = made.record(profile("eu"), iri)
    site = state().city.config.city.title
    node = schema_org(record, _page_of()(iri), lambda lang: site, language())
    return Markup(f'<script type="application/ld+json">{as_script(node)}</script>')


# ---- what was asked for


def _site() -> str:
    """Give the address of this site as the client reached it; a malformed Host counts as none."""
    return request.host_url if request.host else state().names.base


def _form(name: str) -> Form:
    found = FORMS.get("rdf" if name == "xml" else name)
    if found is None:
        raise NotFound("catalogue-no-form", form=name[:20], known=", ".join(FORMS))
    return found


def _number() -> int | None:
    """Give the page that is asked for, ``None`` for all."""
    asked = request.args.get("page", "1")
    if asked == "all":
        return None
    if not asked.isascii() or not asked.isdigit() or len(asked) > 9 or int(asked) < 1:
        raise UsageError("catalogue-bad-page", page=asked[:20])
    return int(asked)


def _since() -> str:
    asked = request.args.get("modified_since", "").replace(" ", "+")
    try:
        if asked and not _MOMENT.fullmatch(asked):
            raise ValueError
        datetime.fromisoformat(asked + "2000-01-01"[len(asked) :])
    except ValueError as problem:
        raise UsageError("catalogue-bad-moment", moment=asked[:40]) from problem
    return asked


def _kept() -> dict[str, str]:
    names = ("profile", "modified_since", "release")
    return {name: request.args[name] for name in names if request.args.get(name)}


def _with_parameters(path: str) -> str:
    kept = _kept() | ({"page": request.args["page"]} if request.args.get("page") else {})
    return f"{path}?{urlencode(kept)}" if kept else path


def _address(form: str, release: str) -> Callable[[int], str]:
    """Give the addresses of pages; they name the release, so that a walk stays in one state whatever is published."""
    host, kept = _site(), _kept() | {"release": release}
    return lambda number: f"{host}catalog.{form}?{urlencode({**kept, 'page': number})}"


def _neighbours(page: Page, address: Callable[[int], str]) -> str:
    given = [("first", 1), ("last", page.last)]
    given += [("prev", page.number - 1)] if page.number > 1 else []
    given += [("next", page.number + 1)] if page.number < page.last else []
    return ", ".join(f'<{address(number)}>; rel="{name}"' for name, number in given)


def _document(blocks: object, form: Form, tag: str) -> Response:
    text = "; charset=utf-8" if form.media_type.startswith("text/") else ""
    return tagged(Response(blocks, content_type=form.media_type + text), tag)  # type: ignore[arg-type]


def _page_of() -> Callable[[str], str]:
    """Give the address of a dataset's page on this host; a dataset of elsewhere is its own address."""
    host, names = _site().rstrip("/"), state().names

    def address(iri: str) -> str:
        path = local_path(iri, names)
        return host + path if path else iri

    return address


class _Whole:
    """The blocks of the whole catalogue; few are written at once, because each takes a thread for long."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        if not _writing.acquire(blocking=False):
            raise BusyError("catalogue-busy")
        self._blocks, self._held = blocks, True

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._blocks
        finally:
            self.close()

    def close(self) -> None:
        """Let the next one in."""
        if self._held:
            self._held = False
            _writing.release()


def _own(made: Catalogue) -> list[str]:
    return [iri for iri in made.datasets if iri.startswith(f"{made.names.base}id/")]


def _urlset(made: Catalogue, iris: list[str]) -> bytes:
    address = _page_of()
    modified = made.modified
    return urlset((address(iri), modified.get(iri, "")[:10]) for iri in iris)


__all__ = ["blueprint", "catalogue_of", "structured"]
