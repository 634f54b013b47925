"""What is restricted is physically absent from everything public, and what is withdrawn from everything."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from stadtgraph.errors import NotFound, UsageError
from stadtgraph.release import View
from stadtgraph.web import create_app
from town import SECRET, Town

LABEL = "http://www.w3.org/2000/01/rdf-schema#label"


def _bytes(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def _holders(town: Town, text: str, *, public: bool) -> list[str]:
    """Give the files that hold ``text``: those of the public part of every release, or all of the city."""
    found = []
    for path in town.city_folder.rglob("*"):
        relative = path.relative_to(town.city_folder).parts
        internal = len(relative) > 2 and relative[0] == "releases" and relative[2].startswith("internal")
        if path.is_file() and not (public and internal) and text.encode() in _bytes(path):
            found.append("/".join(relative))
    return found


def test_a_restricted_literal_is_in_no_public_file_with_inferences_and_a_rollback_in_the_history(town: Town) -> None:
    """Store, manifest, patch, provenance, history: the public part of no release holds a byte of it."""
    first = town.build()
    town.plans()
    town.build()
    town.trees(7)
    town.build()
    with town.city as city:
        city.rollback(first)
    town.trees(8)
    last = town.build()
    assert not _holders(town, SECRET, public=True)
    assert not _holders(town, "plans", public=True)
    assert _holders(town, SECRET, public=False)
    with town.city as city:
        release = city.releases.get(last)
        question = f'ASK {{ ?plan <{LABEL}> "{SECRET}" }}'
        assert release.engine(View.INTERNAL).ask(question)
        assert not release.engine(View.PUBLIC).ask(question)


def test_a_source_that_becomes_restricted_leaves_no_byte_in_the_next_public_release(town: Town) -> None:
    """The public store is written anew; the release before keeps what was published then."""
    registry = town.data / "sources.toml"
    open_text = registry.read_text()
    registry.write_text(open_text.replace('visibility = "restricted"', 'visibility = "public"'))
    town.plans()
    before = town.build()
    registry.write_text(open_text)
    after = town.build()
    files = _holders(town, SECRET, public=True)
    assert files and all(before in name for name in files)
    assert not any(after in name for name in files)
    assert not any(after in name for name in _holders(town, "plans", public=True))
    fresh_public, fresh_internal = town.contents(View.PUBLIC), town.contents(View.INTERNAL)
    with town.city as city:
        assert city.query("ASK { ?s a <https://town.example/ns#Plant> }")
        plan = f'ASK {{ ?plan <{LABEL}> "{SECRET}" }}'
        assert city.query(plan, view=View.INTERNAL) and not city.query(plan)
    other = Town(town.city_folder.parent / "other")
    other.plans()
    other.build()
    assert (fresh_public, fresh_internal) == (other.contents(View.PUBLIC), other.contents(View.INTERNAL))


def test_what_is_withdrawn_is_in_no_file_of_any_release(town: Town) -> None:
    """Published by mistake: after ``withdraw`` no byte is left, the other graphs answer as before."""
    registry = town.data / "sources.toml"
    registry.write_text(registry.read_text().replace('visibility = "restricted"', 'visibility = "public"'))
    first = town.build()
    town.plans()
    second = town.build()
    town.plans(SECRET + "-geändert")
    with town.city as city, city.draft(why="load plans.csv") as draft:
        draft.load(town.files / "plans.csv", source="plans")
    (town.files / "plans.csv").unlink()
    assert _holders(town, SECRET, public=True)
    with town.city as city:
        graph = city.names.source("plans").value
        changed = city.withdraw(graph)
        assert len(changed) == 2 and first not in changed
        assert graph in city.releases.withdrawn()
    assert not _holders(town, SECRET, public=False)
    traces = [name for name in _holders(town, "plans", public=False) if name != "withdrawn"]
    assert not traces, "neither the names of its files nor why they were loaded"
    with town.city as city:
        for release in city.releases.all():
            engine = release.engine()
            assert engine.ask("ASK { ?tree a <https://town.example/ns#Plant> }")
            sizes = {i.graph: i.triples for i in release.manifest().graphs.values()}
            counted = {
                g.value: sum(1 for _ in engine.store.quads_for_pattern(None, None, None, g)) for g in engine.graphs()
            }
            assert {g: n for g, n in sizes.items() if n} == counted
            merge = {t for g in engine.graphs() for t in engine.as_written(g)}
            assert len(merge) >= sum(1 for _ in engine.triples()) > 0
        assert city.releases.get(second).manifest().parent == first
    town.trees(4)
    town.build()


def test_why_a_restricted_source_was_loaded_is_told_to_the_internal_view_alone(town: Town) -> None:
    """The reason names the file, so manifest and provenance of the public view give a plain one."""
    town.build()
    town.plans()
    with town.city as city:
        with city.draft(why="load plans.csv") as draft:
            draft.load(town.files / "plans.csv", source="plans")
        assert draft.release is not None
        assert draft.release.manifest(View.INTERNAL).why == "load plans.csv"
        assert draft.release.manifest().why == "build"
    assert not _holders(town, "plans", public=True)


def test_a_restricted_source_that_the_registry_forgot_is_not_published_by_loading_it(town: Town) -> None:
    """A name that is unknown would be a public source; one that is known to be restricted stays so."""
    town.plans()
    registry = town.data / "sources.toml"
    text = registry.read_text().replace('"file"\nvisibility = "restricted"', '"managed"\nvisibility = "restricted"')
    registry.write_text(text)
    town.build()
    registry.write_text(text[: text.rindex("[[source]]")])
    (town.files / "more.nt").write_text(f'<urn:b> <urn:p> "{SECRET}" .\n')
    with town.city as city, city.draft(why="more") as draft:
        draft.load(town.files / "more.nt", source="plans")
    assert not _holders(town, SECRET, public=True)
    with town.city as city:
        assert city.query(f'ASK {{ <urn:b> ?p "{SECRET}" }}', view=View.INTERNAL)


def test_only_a_source_can_be_withdrawn(town: Town) -> None:
    """The ontology, inferences and unknown graphs are refused with what to do."""
    town.build()
    with town.city as city:
        with pytest.raises(UsageError):
            city.withdraw(city.names.graph("ontology").value)
        with pytest.raises(NotFound):
            city.withdraw("urn:no-such-graph")


def test_a_city_that_is_being_served_forgets_what_is_withdrawn_at_once(town: Town) -> None:
    """Open stores, unions of graphs and ETags are those of the release as it is now."""
    registry = town.data / "sources.toml"
    registry.write_text(registry.read_text().replace('visibility = "restricted"', 'visibility = "public"'))
    town.plans()
    town.build()
    with town.city as city:
        plans, trees = (city.names.source(name).value for name in ("plans", "trees"))
    client = create_app(town.city, testing=True).test_client()
    given = {"Accept": "application/json"}
    text = f'ASK {{ ?plan ?name "{SECRET}" }}'
    asked = [
        {"query": text},
        {"query": text, "release": (town.city_folder / "current").read_text().strip()},
        {"query": text, "default-graph-uri": [plans, trees]},
    ]
    before = [client.get("/sparql", query_string=query, headers=given) for query in asked]
    assert [answer.get_json()["boolean"] for answer in before] == [True, True, True]
    listed = client.get("/releases", headers=given)
    with town.city as city:
        city.withdraw(plans)
    after = [client.get("/sparql", query_string=query, headers=given) for query in asked]
    assert [answer.get_json()["boolean"] for answer in after] == [False, False, False]
    for query, old in zip(asked, before, strict=True):
        known = given | {"If-None-Match": old.headers["ETag"]}
        assert client.get("/sparql", query_string=query, headers=known).status_code == 200
    assert client.get("/releases", headers=given | {"If-None-Match": listed.headers["ETag"]}).status_code == 200
