"""A write is a clone: what a draft does to both views, to the manifest and to the disk."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyoxigraph as ox
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stadtgraph.errors import BusyError, Gone, NotFound, StoreError, UsageError
from stadtgraph.release import Draft, GraphInfo, Kind, Releases, Retention, View, drafting, patch_path, writer_lock
from stadtgraph.terms import Names

NAMES = Names()
XSD = "http://www.w3.org/2001/XMLSchema#"


def info(name: str) -> GraphInfo:
    """Describe the graph of a file source."""
    return GraphInfo(NAMES.source(name).value, Kind.FILE, source=name)


def triple(subject: str, value: str, datatype: str = "string") -> ox.Triple:
    """Give one triple with a literal."""
    return ox.Triple(
        ox.NamedNode(f"urn:{subject}"), ox.NamedNode("urn:p"), ox.Literal(value, datatype=ox.NamedNode(XSD + datatype))
    )


@contextmanager
def draft(city: Path, why: str = "test") -> Iterator[Draft]:
    """Open a draft with the lock held."""
    with writer_lock(city), drafting(Releases(city), NAMES, why=why) as opened:
        yield opened


def contents(city: Path, view: View) -> dict[str, set[ox.Triple]]:
    """Give every graph of a view of the current release, the merge under the empty name."""
    engine = Releases(city).require_current().engine(view)
    found: dict[str, set[ox.Triple]] = {}
    for quad in engine.store:
        name = quad.graph_name.value if isinstance(quad.graph_name, ox.NamedNode) else ""
        found.setdefault(name, set()).add(quad.triple)
    return found


def test_a_sealed_draft_is_the_current_release_and_answers(tmp_path: Path) -> None:
    """Load, seal, open: the release knows its graphs and says why it was made."""
    with draft(tmp_path, why="first") as opened:
        assert opened.put(info("a"), [triple("x", "1.50", "decimal"), triple("x", "two")])
        release = opened.seal()
    assert release is not None
    current = Releases(tmp_path).require_current()
    assert (current.id, current.manifest().why, current.manifest().parent) == (release.id, "first", None)
    assert current.manifest().graphs[NAMES.source("a").value].triples == 2
    assert set(current.engine().as_written(NAMES.source("a"))) == {triple("x", "1.50", "decimal"), triple("x", "two")}
    assert not list((tmp_path / "drafts").iterdir())


def test_unchanged_content_makes_no_release(tmp_path: Path) -> None:
    """Loading the same again seals nothing and leaves no folder behind."""
    for _ in range(2):
        with draft(tmp_path) as opened:
            opened.put(info("a"), [triple("x", "1")])
            sealed = opened.seal()
    assert sealed is None
    assert len(Releases(tmp_path).ids()) == 1
    assert not list((tmp_path / "drafts").iterdir())


def test_an_exception_drops_the_draft_and_leaves_the_current_release(tmp_path: Path) -> None:
    """Nothing is half done."""
    with draft(tmp_path) as opened:
        opened.put(info("a"), [triple("x", "1")])
        opened.seal()
    before = contents(tmp_path, View.PUBLIC)
    with pytest.raises(ZeroDivisionError), draft(tmp_path) as opened:
        opened.put(info("a"), [triple("x", "2")])
        raise ZeroDivisionError
    assert contents(tmp_path, View.PUBLIC) == before
    assert not list((tmp_path / "drafts").iterdir())


def test_a_second_writer_is_told_who_writes(tmp_path: Path) -> None:
    """One writer at a time; the lock goes with its holder."""
    with writer_lock(tmp_path), pytest.raises(BusyError), writer_lock(tmp_path):
        pass
    with writer_lock(tmp_path):
        pass


def test_an_os_error_in_a_draft_is_a_store_error(tmp_path: Path) -> None:
    """A full disk is reported with what to do, and the draft is gone."""
    with pytest.raises(StoreError, match="No space left"), draft(tmp_path):
        raise OSError(28, "No space left on device")
    assert not list((tmp_path / "drafts").iterdir())


def test_the_patch_leads_from_the_parent_to_the_release(tmp_path: Path) -> None:
    """``changes.rdfp.gz`` lists every added and removed triple with its graph."""
    for value in ("1", "2"):
        with draft(tmp_path) as opened:
            opened.put(info("a"), [triple("x", value), triple("y", "same")])
            release = opened.seal()
    assert release is not None
    lines = gzip.decompress(patch_path(release.path, View.PUBLIC).read_bytes()).decode().splitlines()
    graph = NAMES.source("a")
    assert f'D <urn:x> <urn:p> "1" {graph} .' in lines
    assert f'A <urn:x> <urn:p> "2" {graph} .' in lines
    assert len(lines) == 6


def test_old_releases_can_be_asked_compared_pinned_and_returned_to(tmp_path: Path) -> None:
    """Time travel, difference, roll back, prune."""
    ids = []
    for value in ("1", "2", "3"):
        with draft(tmp_path) as opened:
            opened.put(info("a"), [triple("x", value)])
            opened.put(info("b"), [triple("z", "same")])
            sealed = opened.seal()
            assert sealed is not None
            ids.append(sealed.id)
    releases = Releases(tmp_path)
    assert set(releases.ids()) == set(ids)
    (difference,) = releases.diff(ids[0], ids[2])
    assert (difference.added, difference.removed) == ((triple("x", "3"),), (triple("x", "1"),))
    releases.rollback(ids[0])
    assert releases.require_current().engine().ask('ASK { <urn:x> <urn:p> "1" }')
    with draft(tmp_path) as opened:
        opened.put(info("a"), [triple("x", "4")])
        newest = opened.seal()
    assert newest is not None and newest.manifest().parent == ids[0]
    releases.pin(ids[1])
    removed = Releases(tmp_path).prune(Retention(last=1, days=0, months=0))
    assert set(releases.ids()) == {newest.id, ids[1]} and set(removed) == {ids[0], ids[2]}
    with pytest.raises(Gone):
        releases.get(ids[0])
    with pytest.raises(NotFound):
        releases.get("../../etc")
    with pytest.raises(UsageError):
        releases.remove(newest.id)
    assert all(size > 0 for size in releases.disk_use().values())


def test_a_sealed_release_whose_pointer_was_not_moved_is_finished_by_the_next_writer(tmp_path: Path) -> None:
    """A writer that dies between the rename and ``current`` loses nothing; one that dies before leaves rubbish only."""
    with draft(tmp_path) as opened:
        opened.put(info("a"), [triple("x", "1")])
        first = opened.seal()
    with draft(tmp_path) as opened:
        opened.put(info("a"), [triple("x", "2")])
        second = opened.seal()
    assert first is not None and second is not None
    Releases(tmp_path).set_current(first.id)
    (tmp_path / "pending").write_text(second.id)
    (tmp_path / "drafts" / "dead").mkdir()
    with draft(tmp_path) as opened:
        assert opened.parent is not None and opened.parent.id == second.id
    assert not (tmp_path / "pending").exists()
    assert not (tmp_path / "drafts" / "dead").exists()


def test_a_restricted_graph_is_in_no_byte_of_the_public_part(tmp_path: Path) -> None:
    """Neither store, manifest nor patch of the public view holds it, also when it was public before."""
    secret = "Geheimnis-4711-nur-intern-" * 3
    with draft(tmp_path) as opened:
        opened.put(info("open"), [triple("x", "offen")])
        opened.seal()
    with draft(tmp_path) as opened:
        opened.put(info("closed"), [triple("s", secret)], restricted=True)
        release = opened.seal()
    assert release is not None
    assert public_bytes(release.path).count(b"Geheimnis") == 0
    assert b"closed" not in public_bytes(release.path)
    assert release.engine(View.INTERNAL).ask(f'ASK {{ ?s ?p "{secret}" . ?t ?q "offen" }}')
    with draft(tmp_path) as opened:
        opened.put(info("closed"), [triple("s", secret)])
        shown = opened.seal()
    assert shown is not None and not shown.has(View.INTERNAL)
    assert b"Geheimnis" in public_bytes(shown.path)
    with draft(tmp_path) as opened:
        opened.put(info("closed"), [triple("s", secret)], restricted=True)
        hidden = opened.seal()
    assert hidden is not None
    assert public_bytes(hidden.path).count(b"Geheimnis") == 0
    assert contents(tmp_path, View.PUBLIC).keys() == {"", NAMES.source("open").value}


def public_bytes(release: Path) -> bytes:
    """Give every byte of the public part of a release, compressed files unpacked."""
    parts = []
    for path in sorted(release.rglob("*")):
        if path.is_file() and "internal" not in path.relative_to(release).parts[0]:
            data = path.read_bytes()
            parts.append(gzip.decompress(data) if path.suffix == ".gz" else data)
    return b"".join(parts)


TRIPLES = [
    triple(s, v, d) for s in "xy" for v, d in (("5", "byte"), ("5", "integer"), ("05", "integer"), ("a", "string"))
]
steps = st.tuples(
    st.sampled_from(["put", "restrict", "drop", "edit"]),
    st.sampled_from("abc"),
    st.lists(st.sampled_from(TRIPLES), max_size=5),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(steps, min_size=1, max_size=3), min_size=1, max_size=4))
def test_both_views_equal_a_build_from_scratch_after_any_sequence(
    tmp_path_factory: pytest.TempPathFactory, history: list[list[tuple[str, str, list[ox.Triple]]]]
) -> None:
    """Put, restrict, edit, drop over several releases: the end is the same as putting the last contents at once."""
    city, fresh = tmp_path_factory.mktemp("city"), tmp_path_factory.mktemp("fresh")
    state: dict[str, tuple[bool, set[ox.Triple]]] = {}
    for release in history:
        with draft(city) as opened:
            for verb, name, data in release:
                _apply(opened, verb, name, data, state)
            opened.seal()
    with draft(fresh) as opened:
        for name, (restricted, data_set) in state.items():
            opened.put(info(name), data_set, restricted=restricted)
        opened.seal()
    for view in View:
        assert contents(city, view) == contents(fresh, view)
        counts = {g: i.triples for g, i in Releases(city).require_current().manifest(view).graphs.items() if i.triples}
        expected = {g: len(t) for g, t in contents(city, view).items() if g and not NAMES.is_written(g)}
        assert counts == expected


def _apply(
    opened: Draft, verb: str, name: str, data: list[ox.Triple], state: dict[str, tuple[bool, set[ox.Triple]]]
) -> None:
    graph = info(name)
    restricted, old = state.get(name, (False, set()))
    if verb in ("put", "restrict"):
        opened.put(graph, data, restricted=verb == "restrict")
        state[name] = (verb == "restrict", set(data))
    elif verb == "drop":
        opened.drop(NAMES.source(name))
        state.pop(name, None)
    else:
        add, remove = data[::2], data[1::2]
        opened.edit(graph, add, remove, restricted=restricted)
        state[name] = (restricted, (old - set(remove)) | set(add))


def test_a_long_history_of_edits_keeps_counts_right(tmp_path: Path) -> None:
    """Counts in the manifest are kept by differences; they stay those of the graph."""
    for i, j in itertools.pairwise(range(8)):
        with draft(tmp_path) as opened:
            opened.edit(info("a"), [triple("x", str(j))], [triple("x", str(i))])
            opened.seal()
    manifest = Releases(tmp_path).require_current().manifest()
    assert manifest.graphs[NAMES.source("a").value].triples == 1


def test_a_store_of_which_most_is_new_is_sorted_and_answers_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sorting changes nothing of the content; a small change to it is left beside."""
    found = []
    for bound in (1_000_000, 100):
        monkeypatch.setattr("stadtgraph.release.draft.SETTLED", bound)
        city = tmp_path / str(bound)
        steps: list[str] = []
        with writer_lock(city), drafting(Releases(city), NAMES, why="test", progress=steps.append) as opened:
            for name in "abcdef":
                opened.put(info(name), [triple(f"{name}{i}", str(i)) for i in range(50)])
            release = opened.seal()
        assert release is not None and ("settle" in steps) is (bound == 100)
        found.append(contents(city, View.PUBLIC))
    assert found[0] == found[1]
    with writer_lock(city), drafting(Releases(city), NAMES, why="small", progress=steps.append) as opened:
        opened.put(info("g"), [triple("g", "new")])
        opened.seal()
    assert steps.count("settle") == 1
