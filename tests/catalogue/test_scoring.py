"""Scores lie in every release: what the preview says of it can be asked by SPARQL, of old releases too."""

from __future__ import annotations

from pathlib import Path

import pyoxigraph as ox
import pytest

from catalogue.conftest import BASE, TOWN, make_town
from stadtgraph import City
from stadtgraph.catalogue.reached import datasets_of
from stadtgraph.city.previewing import preview
from stadtgraph.city.scoring import held_in
from stadtgraph.release import Release, View
from stadtgraph.terms import QUALITY

POINTS = """SELECT ?value WHERE { GRAPH <graph/quality> { ?m dqv:computedOn <%s> ; dqv:value ?value ;
    dqv:isMeasurementOf <https://piveau.eu/ns/voc#score> } }"""
KEYWORD = ox.NamedNode("http://www.w3.org/ns/dcat#keyword")
PLAIN = """<id/thing/1> dct:title "Ding"@de ."""


def held(release: Release, view: View = View.PUBLIC) -> set[ox.Triple]:
    """Give the scores that a release holds."""
    engine = release.engine(view)
    return set(held_in(engine, engine.names.graph(QUALITY)))


def points(city: City, on: str, release: str = "current") -> float | None:
    """Ask for the points of something."""
    found = [float(str(row["value"]).split('"')[1]) for row in city.query(POINTS % f"{BASE}id/{on}", release=release)]
    return found[0] if found else None


def change(city: City, add: str, source: str = "town") -> Release:
    """Add a statement in Turtle to a source; give the new release."""
    text = TOWN[: TOWN.index("<id/unit/town>")] + add
    triples = [quad.triple for quad in ox.parse(text, ox.RdfFormat.TURTLE, base_iri=BASE)]
    with city.draft(why="change") as draft:
        draft.edit(source, triples)
    return city.releases.require_current()


@pytest.fixture
def own_town(tmp_path: Path) -> City:
    """A town of this test alone."""
    return make_town(tmp_path)


def test_a_release_holds_what_the_preview_says(jena: City) -> None:
    """Triple for triple, for all datasets of Jena, its units and the catalogue."""
    assert held(jena.releases.require_current()) == set(preview(jena, "eu").quality())


def test_what_each_fix_would_bring_can_be_asked_with_the_post_to_ask(jena: City) -> None:
    """The needed fact is the property that open questions ask for."""
    rows = jena.query(
        """SELECT DISTINCT ?dataset ?fact ?gain ?post WHERE {
        GRAPH <graph/quality> { ?m dqv:isMeasurementOf sg:scoreGain ; dqv:computedOn ?dataset ;
          dqv:value ?gain ; sg:neededFact ?fact }
        ?question sg:about ?dataset ; sg:asksFor ?fact ; sg:askPost ?post } ORDER BY DESC(?gain) LIMIT 1"""
    )
    ((dataset, fact, gain, post),) = [[str(row[name]) for name in ("dataset", "fact", "gain", "post")] for row in rows]
    assert fact == str(ox.NamedNode("http://purl.org/dc/terms/license")) and float(gain.split('"')[1]) > 100
    assert "/id/dataset/" in dataset and "/id/post/" in post


def test_a_change_scores_again_what_it_touches_and_old_releases_keep_theirs(own_town: City) -> None:
    """A keyword brings 30 points to its dataset, some to its unit; followed or anew the scores are the same."""
    with own_town as city:
        old = city.releases.require_current()
        before = points(city, "dataset/untidy"), points(city, "dataset/full"), points(city, "catalogue")
        release = change(city, '<id/dataset/untidy> dcat:keyword "neu"@de .')
        after = points(city, "dataset/untidy"), points(city, "dataset/full"), points(city, "catalogue")
        assert (after[0] or 0) - (before[0] or 0) == 30 and after[1] == before[1]
        assert (after[2] or 0) > (before[2] or 0)
        assert points(city, "dataset/untidy", old.id) == before[0]
        assert held(release) == set(preview(city, "eu").quality())
    with City(own_town.path) as again:  # another process knows nothing of the scores before
        release = change(again, "<id/dataset/untidy> dcat:theme <http://publications.europa.eu/x> .")
        assert held(release) == set(preview(again, "eu").quality())


def test_a_dataset_that_goes_takes_its_scores_along(own_town: City, tmp_path: Path) -> None:
    """Nothing is left of what is no longer exported."""
    with own_town as city:
        assert points(city, "dataset/untidy") is not None
        text = TOWN.replace("<id/dataset/untidy> a dcat:Dataset", "<id/dataset/untidy> a skos:Concept")
        (tmp_path / "town.ttl").write_text(text)
        with city.draft(why="gone") as draft:
            draft.load(tmp_path / "town.ttl", source="town")
        assert points(city, "dataset/untidy") is None
        assert held(city.releases.require_current()) == set(preview(city, "eu").quality())


def test_a_change_that_no_record_shows_touches_nothing(own_town: City) -> None:
    """The scores stay as they are, statement by statement, and are not worked out."""
    with own_town as city:
        before = held(city.releases.require_current())
        city.scoring._scored = None  # type: ignore[assignment, method-assign]
        release = change(city, PLAIN)
        assert held(release) == before
        engine = release.engine(View.PUBLIC)
        assert datasets_of([ox.NamedNode(f"{BASE}id/thing/1")], engine) == set()


@pytest.mark.parametrize(
    ("node", "datasets"),
    [
        ("distribution/open", {"full"}),
        ("contact/parks", {"full"}),
        ("post/manager", {"full"}),
        ("role/manager", {"full"}),
        ("ortsteil/north", {"full"}),
        ("service/wfs", {"full", "untitled"}),
        ("period/untidy", {"untidy"}),
        ("unit/town", {"full", "internal", "untidy", "untitled"}),
    ],
)
def test_what_a_change_may_touch_is_found_backwards(town: City, node: str, datasets: set[str]) -> None:
    """From distributions, contacts, posts, roles, places, services and units to the datasets that show them."""
    engine = town.releases.require_current().engine(View.PUBLIC)
    found = datasets_of([ox.NamedNode(f"{BASE}id/{node}")], engine)
    assert found == {f"{BASE}id/dataset/{name}" for name in datasets}


@pytest.mark.parametrize(("scored", "kept"), [(0, set()), (3, {"full", "internal", "untidy"})])
def test_of_too_many_datasets_only_those_of_the_city_are_scored(scored: int, kept: set[str], tmp_path: Path) -> None:
    """A foreign record more than agreed: it has no score, nor has the catalogue as a whole."""
    foreign = '<urn:foreign:1> a dcat:Dataset ; dct:title "F" ; dct:description "F" ; dct:publisher <id/unit/town> .'
    with make_town(tmp_path, TOWN + foreign) as city:
        settings = city.path / "stadtgraph.toml"
        settings.write_text(settings.read_text() + f"\n[audit]\nscored = {scored}\n")
    with City(tmp_path / "city") as city:
        assert points(city, "catalogue") is not None
        change(city, '<id/unit/town> skos:altLabel "T" .')
        start = f"{BASE}id/dataset/"
        triples = held(city.releases.require_current())
        found = {t.object.value for t in triples if t.predicate.value.endswith("computedOn")}  # type: ignore[union-attr]
        assert {iri.removeprefix(start) for iri in found if iri.startswith(start)} == kept
        assert "urn:foreign:1" not in found and f"{BASE}id/catalogue" not in found


def test_the_internal_view_holds_the_scores_of_what_is_public(tmp_path: Path) -> None:
    """A restricted source changes no score, in neither view."""
    with make_town(tmp_path) as city:
        before = held(city.releases.require_current())
        (tmp_path / "data" / "sources.toml").write_text(
            '[[source]]\nname = "secret"\ntitle = { de = "G", en = "S" }\ndomain = "city"\nkind = "managed"\n'
            'visibility = "restricted"\n'
        )
        (tmp_path / "secret.ttl").write_text(
            TOWN[: TOWN.index("<id/unit/town>")] + '<id/dataset/full> dcat:keyword "k" .'
        )
    with City(tmp_path / "city") as city:
        with city.draft(why="secret") as draft:
            draft.load(tmp_path / "secret.ttl", source="secret")
        release = city.releases.require_current()
        assert held(release) == held(release, View.INTERNAL) == before
