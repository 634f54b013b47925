"""Updates on a draft: the same as on a plain store, whatever the sequence; refused ones leave no trace."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stadtgraph.access import Caller
from stadtgraph.city import City, Draft
from stadtgraph.city.updating import Update, Updating
from stadtgraph.city.writing import Writer
from stadtgraph.errors import BusyError, StadtgraphError, StoreError
from stadtgraph.query import updating
from stadtgraph.query.worker import Stores
from stadtgraph.release import View
from stadtgraph.sparql.guard import BOUNDS
from stadtgraph.store import Normaliser

ADMIN = Caller("test", frozenset({"admin"}))
GRAPHS = ("<urn:g:1>", "<urn:g:2>", "<urn:g:3>")
PREFIX = "PREFIX ex: <urn:x:> PREFIX xsd: <http://www.w3.org/2001/XMLSchema#> "
LITERALS = ("1", "1.50", "1.5", '"01"^^xsd:byte', "1e0", "true", '"1"^^xsd:boolean', "'x'@EN", '"a"', "-0.0", '"""b"""')

node = st.sampled_from(("ex:a", "ex:b", "ex:c"))
property = st.sampled_from(("ex:p", "ex:q"))
value = st.one_of(node, st.sampled_from(LITERALS))
graph = st.sampled_from(GRAPHS)
triple = st.tuples(node, property, value).map(" ".join)
block = st.lists(triple, min_size=1, max_size=4).map(" . ".join)


@st.composite
def quads(draw: st.DrawFn) -> str:
    """A block of triples in the default graph or a named one."""
    inner = draw(block)
    return inner if draw(st.booleans()) else f"GRAPH {draw(graph)} {{ {inner} }}"


@st.composite
def operation(draw: st.DrawFn) -> str:
    """One operation of any kind; those on graphs are SILENT, for stores differ on graphs that hold nothing."""
    kind = draw(st.integers(0, 9))
    if kind <= 2:
        return f"INSERT DATA {{ {draw(quads())} }}"
    if kind == 3:
        return f"DELETE DATA {{ {draw(quads())} }}"
    if kind == 4:
        return f"DELETE WHERE {{ GRAPH {draw(graph)} {{ ?s {draw(property)} ?o }} }}"
    if kind == 5:
        return f"WITH {draw(graph)} DELETE {{ ?s ex:p ?o }} INSERT {{ ?s ex:q ?o }} WHERE {{ ?s ex:p ?o }}"
    if kind == 6:
        made = f"?s ?p ?o . ?o ex:p ?s . ?s ex:q {draw(value)}"
        where = f"VALUES ?g {{ {draw(graph)} {draw(graph)} }} GRAPH ?g {{ ?s ?p ?o }}"
        return f"INSERT {{ GRAPH {draw(graph)} {{ {made} }} }} WHERE {{ {where} }}"
    if kind == 7:
        where = "SELECT ?g (COUNT(*) AS ?n) { VALUES ?g { <urn:g:1> <urn:g:2> } GRAPH ?g { ?s ?p ?o } } GROUP BY ?g"
        return f"INSERT {{ ?g ex:p ?n }} USING {draw(graph)} USING NAMED {draw(graph)} WHERE {{ {where} }}"
    if kind == 8:
        verb, target = draw(st.sampled_from(("CLEAR", "DROP"))), draw(st.sampled_from((*GRAPHS, "DEFAULT", "ALL")))
        return f"{verb} SILENT {'GRAPH ' if target.startswith('<') else ''}{target}"
    verb, source, target = draw(st.sampled_from(("ADD", "COPY", "MOVE"))), draw(graph), draw(graph)
    return f"CREATE SILENT GRAPH {source} ; {verb} {source} TO {target}"


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """A city that holds nothing."""
    with make_city(tmp_path_factory.mktemp("updating") / "city") as made:
        yield made


def make_city(folder: Path) -> City:
    """Make a city with one release of nothing."""
    for name in ("data/queries", "shapes", "ontology"):
        (folder / name).mkdir(parents=True)
    (folder / "data" / "sources.toml").write_text("")
    (folder / "stadtgraph.toml").write_text('[city]\ndata = "data"\nshapes = "shapes"\nontology = "ontology"\n')
    city = City(folder)
    with city.draft(why="first") as draft:
        draft.put_system("ontology", ())
    return city


def read(text: str, base: str) -> Update:
    """Read an update as a worker does."""
    found = bytearray()
    request = {"text": text, "base": base, "characters": 1_000_000, "bounds": dict(BOUNDS)}
    end = updating.parse(request, Stores(), found.extend)
    return Update.of(text, (bytes(found), end), (), ())


def compute(**arguments: Any) -> tuple[bytes, bytes]:
    """Compute an operation as a worker does."""
    found = bytearray()
    end = updating.compute(arguments, Stores(), found.extend)
    return bytes(found), end


def change(text: str) -> Callable[[Draft], Callable[[], object]]:
    """Give the change that an update makes."""

    def made(draft: Draft) -> Callable[[], object]:
        return Updating(draft, ADMIN, compute).prepare(read(PREFIX + text, draft.names.base))

    return made


def held(draft: Draft) -> dict[str, set[ox.Triple]]:
    """Give what the managed graphs of a draft hold, in the store's form; those that hold nothing are left out."""
    names, engine = draft.names, draft.clone.engines[View.PUBLIC]
    found: dict[str, set[ox.Triple]] = {}
    for iri in ("urn:g:1", "urn:g:2", "urn:g:3", names.source("default").value):
        triples = {q.triple for q in engine.store.quads_for_pattern(None, None, None, ox.NamedNode(iri))}
        if triples:
            found["" if iri.startswith(names.base) else iri] = triples
    return found


def plain(store: ox.Store) -> dict[str, set[ox.Triple]]:
    """Give the same of a plain store."""
    found: dict[str, set[ox.Triple]] = {}
    for quad in store:
        name = quad.graph_name.value if isinstance(quad.graph_name, ox.NamedNode) else ""
        found.setdefault(name, set()).add(quad.triple)
    return found


def consistent(draft: Draft) -> None:
    """Check that values as written are those of the store, and that the merge is the union of the graphs."""
    names, engine = draft.names, draft.clone.engines[View.PUBLIC]
    union: set[ox.Triple] = set()
    for name in engine.graphs():
        stored = {q.triple for q in engine.store.quads_for_pattern(None, None, None, name)}
        union |= stored
        written = list(engine.as_written(name))
        forms = iter(Normaliser().stored([t.object for t in written if isinstance(t.object, ox.Literal)]))
        again = {
            ox.Triple(t.subject, t.predicate, next(forms)) if isinstance(t.object, ox.Literal) else t for t in written
        }
        assert again == stored, name
        info = draft.clone.info(name)
        assert info is None or info.triples == len(stored)
    assert {q.triple for q in engine.store.quads_for_pattern(None, None, None, ox.DefaultGraph())} == union
    assert names.base


SEQUENCES = st.lists(st.lists(operation(), min_size=1, max_size=4).map(" ;\n".join), min_size=1, max_size=4)
UNHURRIED = settings(deadline=None, suppress_health_check=list(HealthCheck))


@settings(UNHURRIED, max_examples=15, derandomize=True)
@given(SEQUENCES)
def test_any_sequence_of_updates_does_what_it_does_to_a_plain_store(city: City, requests: list[str]) -> None:
    """Requests of one or several operations, in one draft; only how values are written differs."""
    compare(city, requests)


def test_a_large_change_writes_the_graph_whole_and_gives_the_same(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """Above a number of subjects, and only where that is faster."""
    monkeypatch.setattr("stadtgraph.city.editing.MANY", 0)
    data = "INSERT DATA { GRAPH <urn:g:1> { ex:a ex:p 1.50 , 1 . ex:b ex:p ex:a } GRAPH <urn:g:2> { ex:b ex:p ex:a } }"
    moved = "WITH <urn:g:1> DELETE { ?s ex:p ?o } INSERT { ?s ex:q ?o } WHERE { ?s ex:p ?o }"
    compare(city, [data, moved, "DELETE DATA { GRAPH <urn:g:1> { ex:a ex:q 1.5 } }"])


@pytest.mark.slow
@settings(UNHURRIED, max_examples=300)
@given(SEQUENCES)
def test_many_sequences_of_updates_do_what_they_do_to_a_plain_store(city: City, requests: list[str]) -> None:
    """The same, with other sequences each time."""
    compare(city, requests)


def compare(city: City, requests: list[str]) -> None:
    """Do the same to a draft and to a plain store."""
    store = ox.Store()
    with city.draft(why="test") as draft:
        for text in requests:
            change(text)(draft)()
            for single in text.split(" ;\n"):
                for part in single.split(" ; "):
                    store.update(PREFIX + part)
            assert held(draft) == plain(store), text
        consistent(draft)
        draft.clone.abandon()


@pytest.mark.parametrize(
    "text",
    [
        "INSERT DATA { ex:a ex:p 2 } ; DROP GRAPH <urn:none>",
        "DROP ALL ; INSERT DATA { ex:a ex:p 'abc'^^xsd:integer }",
        "CREATE GRAPH <urn:g:1>",
        "MOVE <urn:g:1> TO <urn:g:2> ; LOAD SILENT <http://127.0.0.1/>",
        "INSERT { ?s ex:p ?x } WHERE { GRAPH <urn:g:1> { ?s ex:p ?o } BIND(STRDT('x', xsd:integer) AS ?x) }",
        "INSERT DATA { GRAPH <https://stadtgraph.example/jena/graph/inferred> { ex:a ex:p 2 } }",
    ],
)
def test_a_request_that_fails_leaves_the_draft_as_it_was(city: City, text: str) -> None:
    """Also where its first operations were right."""
    with city.draft(why="test") as draft:
        change("INSERT DATA { ex:a ex:p 1 GRAPH <urn:g:1> { ex:a ex:p 1.50 } }")(draft)()
        before, changes = held(draft), len(draft.clone.changes[View.PUBLIC])
        with pytest.raises(StadtgraphError):
            change(text)(draft)
        assert held(draft) == before and len(draft.clone.changes[View.PUBLIC]) == changes
        consistent(draft)
        draft.clone.abandon()


def test_a_request_that_changes_nothing_makes_no_release(city: City) -> None:
    """And one that fails alone drops its draft."""
    writer, before = Writer(city, why="test"), city.releases.current_id()
    assert writer.write(change("DELETE DATA { ex:a ex:p 1 }")).release == before
    with pytest.raises(StadtgraphError):
        writer.write(change("DROP GRAPH <urn:none>"))
    assert city.releases.current_id() == before and not list((city.path / "drafts").iterdir())


def test_a_failure_while_the_changes_are_made_fails_all_of_them(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """A half-made draft is never sealed."""
    before = city.releases.current_id()
    monkeypatch.setattr("stadtgraph.city.editing.Edits.apply", lambda _self: 1 / 0)
    with pytest.raises(StoreError):
        Writer(city, why="test").write(change("INSERT DATA { ex:a ex:p 1 }"))
    assert city.releases.current_id() == before and not list((city.path / "drafts").iterdir())


def _write_many(folder: str, first: int, number: int) -> None:
    with City(Path(folder)) as city:
        writer = Writer(city, why="test", wait=60)
        for at in range(first, first + number):
            writer.write(change(f"INSERT DATA {{ <urn:n:{at}> ex:p {at} }}"))


def _write_and_die(folder: str, step: str) -> None:
    with City(Path(folder)) as city:

        def die(done: str) -> None:
            if done == step:
                os.kill(os.getpid(), signal.SIGKILL)

        with city.draft(why="test", progress=die) as draft:
            change("INSERT DATA { ex:killed ex:p 1 }")(draft)()


def _numbers(folder: Path) -> set[str]:
    with City(folder) as city:
        engine = city.engine()
        return {str(t.object.value) for t in engine.triples(None, ox.NamedNode("urn:x:p"))}  # type: ignore[union-attr]


def test_of_many_processes_that_write_none_loses_a_change(tmp_path: Path) -> None:
    """Each waits for the others."""
    folder = tmp_path / "city"
    make_city(folder).close()
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_write_many, args=(str(folder), first, 2)) for first in (0, 2, 4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert _numbers(folder) == {str(n) for n in range(6)}


@pytest.mark.parametrize("step", ["clone", "before seal"])
def test_a_writer_that_is_killed_leaves_the_release_as_it_was(tmp_path: Path, step: str) -> None:
    """And the next one goes on."""
    folder = tmp_path / "city"
    with make_city(folder) as city:
        before = city.releases.current_id()
    process = multiprocessing.get_context("spawn").Process(target=_write_and_die, args=(str(folder), step))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    with City(folder) as city:
        assert city.releases.current_id() == before
    _write_many(str(folder), 7, 1)
    assert _numbers(folder) == {"7"}


def test_a_writer_that_must_wait_too_long_is_told(city: City) -> None:
    """It changed nothing, and may try again."""
    writer = Writer(city, why="test", wait=0.2)
    with city.draft(why="other") as other, pytest.raises(BusyError):
        other.clone.progress("waiting")
        try:
            writer.write(change("INSERT DATA { ex:a ex:p 1 }"))
        finally:
            other.clone.abandon()
    with writer.paused(), pytest.raises(BusyError):
        writer.write(change("INSERT DATA { ex:a ex:p 1 }"))
    assert json.dumps(city.releases.current_id())
