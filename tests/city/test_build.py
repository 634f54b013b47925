"""Building: what is loaded, kept, refused and said."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pyoxigraph as ox
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import program
from stadtgraph import City
from stadtgraph.city import GateViolation
from stadtgraph.errors import Conflict, InputError, NotFound, UsageError
from stadtgraph.release import View
from town import Contents, Town


def run(town: Town, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user does."""
    return program.run(*arguments, "--city", str(town.city_folder), "--lang", "en")


def test_a_build_loads_infers_and_records(town: Town) -> None:
    """Sources, inferences, provenance and sizes are in the release and can be asked."""
    town.build()
    with town.city as city:
        assert len(city.query("SELECT ?t { ?t a <https://town.example/ns#Plant> }")) == 3
        assert city.query("ASK { <id/unit/a> <https://town.example/ns#partOf> <id/unit/c> }")
        loads = city.query("SELECT ?g { GRAPH <graph/provenance> { ?load <http://www.w3.org/ns/prov#generated> ?g } }")
        assert {str(row["g"]) for row in loads} >= {f"<{city.names.source(name).value}>" for name in ("units", "trees")}
        size = "http://www.w3.org/ns/dqv#value"
        assert city.query(f"ASK {{ GRAPH <graph/history> {{ ?m <{size}> 6 }} }}")


@pytest.mark.parametrize(("clause", "number"), [("", "3"), ("FROM <graph/source/trees>", "3"), ("FROM <urn:no>", "0")])
def test_a_query_sees_the_graphs_that_its_from_clauses_name(town: Town, clause: str, number: str) -> None:
    """In Python and on the command line, as over HTTP; several graphs are their union."""
    town.build()
    text = f"SELECT (COUNT(*) AS ?n) {clause} {{ ?s <https://town.example/ns#height> ?o }}"
    with town.city as city:
        assert [str(row["n"].value) for row in city.query(text)] == [number]  # type: ignore[union-attr]
        both = "SELECT * FROM <graph/source/trees> FROM <graph/source/units> FROM NAMED <graph/ontology> "
        assert len(city.query(both + "{ { ?s a ?t } UNION { GRAPH ?g { ?x rdfs:subClassOf ?y } } }")) == 7
    assert run(town, "query", text, "--format", "csv").stdout.split() == ["n", number]


def test_an_unchanged_city_makes_no_release(town: Town) -> None:
    """Building twice is building once."""
    assert town.build() == town.build()
    result = run(town, "build", "--real-data", str(town.files))
    assert result.returncode == 0
    assert "Nothing changed" in result.stderr


def test_a_source_whose_file_is_not_at_hand_is_named_and_keeps_its_last_state(town: Town) -> None:
    """First it is skipped; once loaded, it stays."""
    result = run(town, "build")
    assert result.returncode == 0 and "trees: skipped, because 'trees.csv' is not at hand" in result.stderr
    town.build()
    before = town.contents()
    result = run(town, "build")
    assert "trees: 'trees.csv' is not at hand; the last state stays" in result.stderr
    assert town.contents() == before


def test_a_source_that_the_registry_no_longer_names_is_dropped(town: Town) -> None:
    """Its graph, its share of the merge and what followed from it are gone."""
    town.build()
    registry = town.data / "sources.toml"
    registry.write_text(registry.read_text().replace('name = "trees"', 'name = "forest"'))
    (town.files / "trees.csv").unlink()
    town.build()
    with town.city as city:
        assert not city.query("ASK { ?t a <https://town.example/ns#Plant> }")
        assert city.names.source("trees").value not in city.releases.require_current().manifest().graphs


XSD = "http://www.w3.org/2001/XMLSchema#"
CONSTRUCT = "CONSTRUCT { ?tree a <urn:T> }\n"
MALFORMED = {
    "register": (
        "data/units.ttl",
        "@prefix ex: <urn:e#> .\n<urn:a> a ex:Unit ;\n  ex:name ? .\n",
        "units.ttl, line 3, column 11",
    ),
    "literal": (
        "data/units.ttl",
        f'<urn:a> <urn:p> "x" .\n<urn:a> <urn:q> "300"^^<{XSD}byte> .\n',
        "units.ttl, line 2",
    ),
    "mapping": ("data/trees.rq", CONSTRUCT + "WHERE { BIND(IRI(?id AS ?tree) }\n", "trees.rq, line 2, column"),
    "column": ("data/trees.rq", CONSTRUCT + "WHERE { BIND(IRI(?idd) AS ?tree) }\n", "trees.rq, line 2, column 18"),
    "table": ("files/trees.csv", "id,height\n1,5\n2,5,7\n", "trees.csv, line 3, column"),
    "registry": ("data/sources.toml", '[[source]]\nnome = "x"\n', "sources.toml:2"),
    "shapes": ("shapes/town.ttl", "<urn:s> a <urn:S> .\n<urn:t> a ; .\n", "town.ttl, line 2, column"),
    "ontology": ("ontology/town.ttl", "<urn:a> <urn:b>\n", "town.ttl, line 2, column"),
    "settings": ("city/stadtgraph.toml", '[city]\nbasis = "x"\n', "city.basis"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_input_is_one_line_with_its_place_and_changes_nothing(town: Town, case: str) -> None:
    """File, line and column, exit code 3 (2 for settings), and ``current`` as it was."""
    town.build()
    before = (town.city_folder / "current").read_text()
    file, text, place = MALFORMED[case]
    (town.city_folder.parent / file).write_text(text)
    result = run(town, "build", "--real-data", str(town.files))
    lines = [line for line in result.stderr.splitlines() if line.startswith("stadtgraph:")]
    assert result.returncode == (2 if case == "settings" else 3), result.stderr
    assert len(lines) == 1 and place in lines[0], result.stderr
    assert "Traceback" not in result.stderr
    assert (town.city_folder / "current").read_text() == before
    assert not list((town.city_folder / "drafts").iterdir())


def test_a_source_that_violates_a_gate_shape_keeps_its_last_good_state_and_the_others_go_on(town: Town) -> None:
    """Exit code 1, the violation named, the tree table loaded all the same."""
    town.build()
    units = town.data / "units.ttl"
    units.write_text(units.read_text() + "<id/unit/d> a <https://town.example/ns#Unit> .\n")
    town.trees(6)
    result = run(town, "build", "--real-data", str(town.files))
    assert result.returncode == 1
    assert "A name is missing." in result.stderr and "id/unit/d" in result.stderr
    with town.city as city:
        assert not city.query("ASK { <id/unit/d> ?p ?o }")
        assert len(city.query("SELECT ?t { ?t a <https://town.example/ns#Tree> }")) == 6


def test_a_file_source_refuses_edits_and_a_managed_one_takes_them(town: Town) -> None:
    """The error names the file to edit; a managed source keeps its edits over builds."""
    town.build()
    note = ox.Triple(
        ox.NamedNode("urn:n"),
        ox.NamedNode("urn:p"),
        ox.Literal("05", datatype=ox.NamedNode("http://www.w3.org/2001/XMLSchema#byte")),
    )
    seed = town.files / "notes.nt"
    seed.write_text('<urn:m> <urn:p> "1" .\n')
    with town.city as city:
        with pytest.raises(Conflict, match=r"units\.ttl"), city.draft(why="edit") as draft:
            draft.edit("units", add=[note])
        with pytest.raises(NotFound, match="units"), city.draft(why="edit") as draft:
            draft.edit("unitz", add=[note])
        with pytest.raises(UsageError), city.draft(why="load") as draft:
            draft.load(seed, source="No Name")
        with city.draft(why="seed") as draft:
            assert draft.load(seed, source="notes")
        with city.draft(why="edit") as draft:
            assert draft.edit("notes", add=[note])
        assert draft.release is not None
    town.build()
    with town.city as city:
        graph = city.names.source("notes")
        assert set(city.engine().as_written(graph)) >= {note}
        assert len(list(city.engine().as_written(graph))) == 2


def test_a_changed_licence_is_a_change(town: Town) -> None:
    """What the registry says of a source reaches the manifest although its file is the same."""
    town.build()
    registry, licence = town.data / "sources.toml", "http://dcat-ap.de/def/licenses/cc-by/4.0"
    registry.write_text(
        registry.read_text().replace('file = "trees.csv"', f'file = "trees.csv"\nlicence = "{licence}"')
    )
    town.build()
    with town.city as city:
        info = city.releases.require_current().manifest().graphs[city.names.source("trees").value]
        assert (info.licence, info.triples) == (licence, 6)


def test_a_source_cannot_take_the_name_of_a_graph_of_the_product(town: Town) -> None:
    """Both would keep their literals as written in the same graph."""
    town.build()
    (town.files / "notes.nt").write_text('<urn:b> <urn:p> "06" .\n')
    result = run(town, "load", str(town.files / "notes.nt"), "--source", "ontology")
    assert result.returncode == 2 and "ontology" in result.stderr


def test_an_edit_is_checked_before_it_is_made_and_names_its_blank_nodes(town: Town) -> None:
    """Who catches the error keeps a draft without the edit."""
    town.build()
    (town.files / "notes.nt").write_text('<urn:b> <urn:p> "x" .\n')
    kind = ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
    nameless = ox.Triple(ox.NamedNode("urn:d"), ox.NamedNode("https://town.example/ns#Unit"), ox.Literal("x"))
    unit = ox.Triple(ox.NamedNode("urn:d"), kind, ox.NamedNode("https://town.example/ns#Unit"))
    with town.city as city:
        with city.draft(why="seed") as draft:
            draft.load(town.files / "notes.nt", source="notes")
        with city.draft(why="edit") as draft:
            with pytest.raises(GateViolation):
                draft.edit("notes", add=[nameless, unit])
            draft.edit("notes", add=[ox.Triple(ox.BlankNode("b"), ox.NamedNode("urn:says"), ox.Literal("y"))])
        assert not city.query("ASK { <urn:d> ?p ?o }")
        assert city.query("ASK { ?s <urn:says> 'y' FILTER(isIRI(?s)) }")


def test_load_shows_what_it_would_do_and_does_it(town: Town) -> None:
    """A dry run changes nothing; the same call without it seals a release."""
    town.build()
    more = town.files / "more.csv"
    more.write_text("id,height\n77,1\n")
    before = (town.city_folder / "current").read_text()
    result = run(town, "load", str(more), "--source", "trees", "--dry-run")
    assert result.returncode == 0 and "would hold 2 triples" in result.stderr
    assert (town.city_folder / "current").read_text() == before
    assert run(town, "load", str(more), "--source", "trees").returncode == 0
    with town.city as city:
        assert len(city.query("SELECT ?t { ?t a <https://town.example/ns#Tree> }")) == 1
    assert run(town, "load", str(town.files / "none.csv"), "--source", "trees").returncode == 3
    bad = town.files / "bad.csv"
    bad.write_text("id\n1\n")
    result = run(town, "load", str(bad), "--source", "trees")
    assert result.returncode == 3 and "trees.rq" in result.stderr


def test_an_exception_inside_a_draft_drops_it(town: Town) -> None:
    """Python's ``with`` decides."""
    town.build()
    with town.city as city:
        before = city.releases.current_id()
        with pytest.raises(InputError), city.draft(why="broken") as draft:
            draft.load(town.files / "absent.csv", source="trees")
        assert city.releases.current_id() == before


contents = st.fixed_dictionaries(
    {
        "trees": st.integers(0, 4),
        "height": st.sampled_from(["5", "5.0", "05", "x"]),
        "plan": st.sampled_from(["", "P", "Q"]),
    }
)


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(st.lists(contents, min_size=1, max_size=4))
def test_both_views_equal_a_build_from_scratch_after_any_sequence_of_builds(
    tmp_path_factory: pytest.TempPathFactory, states: list[dict[str, object]]
) -> None:
    """Whatever came before, the graphs of both views (but the records of builds) are those of the last files."""
    town, fresh = (Town(tmp_path_factory.mktemp(name)) for name in ("town", "fresh"))
    for state in states:
        _write(town, state)
        town.build()
    _write(fresh, states[-1])
    if states[-1]["plan"] == "" and any(state["plan"] for state in states):
        last = next(state for state in reversed(states) if state["plan"])
        fresh.plans(str(last["plan"]))
    fresh.build()
    assert _both(town) == _both(fresh)


def _write(town: Town, state: dict[str, object]) -> None:
    town.trees(int(str(state["trees"])), str(state["height"]))
    if state["plan"]:
        town.plans(str(state["plan"]))


def _both(town: Town) -> tuple[Contents, Contents]:
    return town.contents(View.PUBLIC), town.contents(View.INTERNAL)


def test_the_package_describes_jena_without_any_settings(
    make_town: Callable[[str], Town], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """An empty folder is enough: registers, shapes and ontology come with the package."""
    with City(tmp_path_factory.mktemp("jena")) as city:
        report = city.build()
        assert report.release is not None and not report.violations
        assert city.query("ASK { <id/unit/jena> ?p ?o }")
        datasets = city.query("SELECT ?d { ?d a <http://www.w3.org/ns/dcat#Dataset> }")
        assert len(datasets) >= 54
