"""What a report says: shapes, paths, values, severities, messages, and the same from every engine."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pyoxigraph as ox
import pytest

from stadtgraph import messages
from stadtgraph.errors import InputError, ShapeError, UsageError
from stadtgraph.shacl import ENGINES, Report, Shapes, engines, gate, load_shapes, validate
from stadtgraph.shacl.graph import ShapesGraph, path_text
from stadtgraph.shacl.words import COMPONENTS
from stadtgraph.terms import DEFAULT_BASE, SH

ROOT = Path(__file__).resolve().parents[2]
PREFIXES = """
@prefix : <http://x/> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix sg: <https://w3id.org/stadtgraph/ns#> .
@prefix sh: <http://www.w3.org/ns/shacl#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""
ENGINE_NAMES = [
    pytest.param(name, marks=pytest.mark.skipif(not e.is_there, reason=f"{name} is not installed"))
    for name, e in ENGINES.items()
]
every_engine = pytest.mark.parametrize("using", ENGINE_NAMES)


def triples(turtle: str) -> list[ox.Triple]:
    """Parse Turtle with the prefixes of these tests."""
    text = PREFIXES + dedent(turtle)
    return [quad.triple for quad in ox.parse(text.encode(), format=ox.RdfFormat.TURTLE)]


def report(shapes: str, data: str, using: str | None = None) -> Report:
    """Validate Turtle against Turtle."""
    return validate(triples(data), Shapes(triples(shapes)), using=using)


PERSON = """
:S sh:targetClass :C ; sh:message "Shape"@en ; sh:property [
    sh:path ( :p [ sh:inversePath :q ] ) ; sh:minCount 1 ; sh:severity sh:Warning ;
    sh:message "fehlt"@de, "is missing"@en ] , [ sh:path :r ; sh:maxLength 1 ] .
"""


@every_engine
def test_a_result_of_a_blank_shape_names_the_shape_around_it(using: str) -> None:
    """The nearest shape with an IRI, the path as SPARQL writes it, the severity, the messages with their languages."""
    (result,) = report(PERSON, ":a a :C .", using).results
    assert result.shape == ox.NamedNode("http://x/S")
    assert result.path == "<http://x/p>/^<http://x/q>" and result.predicate is None
    assert (result.severity, result.is_violation) == (SH.Warning, False)
    assert result.messages == {"de": "fehlt", "en": "is missing"}
    assert result.source.value.startswith("urn:stadtgraph:shape:")


@every_engine
def test_a_shape_without_a_message_says_what_is_expected_in_both_languages(using: str) -> None:
    """The catalogue tells the constraint and its parameter."""
    found = report(PERSON, ":a a :C ; :p :b ; :r 'long' . :c :q :b .", using).results
    assert [r.path for r in found] == ["<http://x/r>"]
    assert found[0].predicate == ox.NamedNode("http://x/r")
    assert found[0].message("de") == "Der Wert ist länger als 1 Zeichen."
    assert found[0].message("en") == "The value is longer than 1 characters."


def test_every_component_has_a_text() -> None:
    """No component of the core falls back to the general one, but for those that give no results of their own."""
    silent = {"Expression", "Property", "QualifiedValueShape"}
    for component in COMPONENTS:
        name = component.value.removeprefix(str(SH)).removesuffix("ConstraintComponent")
        assert name in silent or f"shacl-default-{name}" in messages.catalogue()


@every_engine
def test_the_messages_of_a_sparql_constraint_are_filled_in(using: str) -> None:
    """Variables stand for the focus node and the value, and each text keeps its language."""
    shapes = """
    :S sh:targetClass :C ; sh:sparql [
        sh:message "Wert {?value} an {$this}"@de, "value {?value} at {$this}"@en ;
        sh:select "SELECT $this ?value { $this <http://x/p> ?value FILTER (?value > 3) }" ] ,
      [ sh:message "zwei"@de ; sh:select "SELECT $this { $this <http://x/p> 9 }" ] .
    """
    found = report(shapes, ":a a :C ; :p 5 , 1 , 9 .", using).results
    assert [r.messages for r in found if r.value is not None and r.value.value == "5"] == [
        {"de": "Wert 5 an http://x/a", "en": "value 5 at http://x/a"}
    ]
    assert {"de": "zwei"} in [r.messages for r in found]


@every_engine
def test_literals_are_reported_as_they_were_written(using: str) -> None:
    """Neither rdflib nor a store gets to change a value."""
    shapes = ":S sh:targetSubjectsOf :p ; sh:property [ sh:path :p ; sh:in ( 1 ) ] ."
    data = ":a :p '05'^^xsd:int, 'maybe'^^xsd:boolean, '1.50'^^xsd:decimal, 'x'@de-at, '7'^^xsd:nonNegativeInteger ."
    assert {r.value for r in report(shapes, data, using).results} == {t.object for t in triples(data)}


@every_engine
def test_blank_nodes_of_the_data_keep_their_labels(using: str) -> None:
    """Focus nodes and values that are blank are those of the caller, also among many."""
    shapes = """
    :S sh:targetClass :C ; sh:property [ sh:path ( :p :p ) ; sh:minCount 1 ] , [ sh:path :p ; sh:nodeKind sh:IRI ] .
    """
    label = "".join(f"_:n{i} :q _:m{i} .\n" for i in range(50))
    data = triples(label + "_:lone a :C ; :p _:value . :a a :C ; :p :b . :b :p :c .")
    found = {(r.focus, r.value) for r in validate(data, Shapes(triples(shapes)), using=using).results}
    (lone,) = (t for t in data if t.predicate.value == "http://x/p" and isinstance(t.object, ox.BlankNode))
    assert found == {(lone.subject, None), (lone.subject, lone.object)}


@every_engine
def test_a_file_of_n_triples_is_validated_as_its_triples_are(using: str, tmp_path: Path) -> None:
    """Blank nodes included; the name of the file does not matter."""
    data = triples(":a a :C ; :p [ :q 1 ] . [] a :C .")
    shapes = Shapes(triples(":S sh:targetClass :C ; sh:nodeKind sh:IRI ; sh:property [ sh:path :p ; sh:class :D ] ."))
    text = ox.serialize(data, format=ox.RdfFormat.N_TRIPLES)
    assert text is not None
    for name in ("data.nt", "data.spool"):
        (tmp_path / name).write_bytes(text)
        assert validate(tmp_path / name, shapes, using=using) == validate(data, shapes, using=using)


@every_engine
def test_a_file_that_cannot_be_read_is_named(using: str, tmp_path: Path) -> None:
    """Absent or malformed: an error of input, with the file."""
    (tmp_path / "bad.nt").write_text("<http://x/a> nonsense\n", "utf-8")
    for name in ("absent.nt", "bad.nt"):
        with pytest.raises(InputError, match=name):
            validate(tmp_path / name, Shapes(triples(PERSON)), using=using)


@every_engine
def test_shapes_that_an_engine_refuses_raise_a_shape_error(using: str) -> None:
    """Malformed SPARQL passes the checks of the shapes graph, not the engine."""
    shapes = Shapes(triples(":S sh:targetNode :a ; sh:sparql [ sh:select 'SELECT $this { $this' ] ."))
    with pytest.raises(ShapeError, match=using):
        validate(triples(":a :p :b ."), shapes, using=using)


@every_engine
def test_only_the_nodes_in_focus_are_reported(using: str) -> None:
    """Their neighbours are context."""
    data, shapes = triples(":a a :C . :b a :C ."), Shapes(triples(PERSON))
    found = validate(data, shapes, focus=[ox.NamedNode("http://x/b")], using=using)
    assert [r.focus for r in found.results] == [ox.NamedNode("http://x/b")]
    assert validate(data, shapes, using=using).for_focus([ox.NamedNode("http://x/b")]) == found


@every_engine
def test_any_result_means_that_the_data_do_not_conform(using: str) -> None:
    """As the standard says, whatever the severity; a gate asks for what it minds."""
    shapes = ":S sh:targetNode :a ; sh:severity {} ; sh:property [ sh:path :p ; sh:minCount 1 ; sh:severity {} ] ."
    for severity, fails in ((":Own", True), ("sh:Violation", True), ("sh:Warning", False), ("sh:Info", False)):
        found = report(shapes.format(severity, severity), "", using)
        assert not found.conforms and found.fails(SH.Violation) is fails and found.fails(SH.Info)


def test_a_report_groups_and_ranks_its_results() -> None:
    """By shape, and the gravest severity."""
    shapes = """
    :S sh:targetNode :a ; sh:property [ sh:path :p ; sh:minCount 1 ; sh:severity sh:Info ] .
    :T sh:targetNode :a ; sh:property [ sh:path :p ; sh:minCount 1 ; sh:severity sh:Warning ] .
    """
    found = report(shapes, "")
    assert {shape.value: len(results) for shape, results in found.by_shape().items()} == {
        "http://x/S": 1,
        "http://x/T": 1,
    }
    assert found.worst == SH.Warning and len(found) == 2
    assert Report().conforms and Report().worst is None and not Report().fails(SH.Info)


def test_a_report_does_not_depend_on_order_or_labels() -> None:
    """Triples and shapes in another order, blank nodes with other labels: the same value, names included."""
    data, shapes = triples(":a a :C ; :r 'long' . :b a :C ."), triples(PERSON)
    again = triples(PERSON)[::-1]
    assert {t for t in shapes if isinstance(t.subject, ox.BlankNode)} != {
        t for t in again if isinstance(t.subject, ox.BlankNode)
    }
    first, second = validate(data, Shapes(shapes)), validate(data[::-1], Shapes(again))
    assert first == second
    assert len({result.key for result in first.results}) == len(first) == 3
    assert [result.key for result in first.results] == [result.key for result in second.results]


def test_equal_blank_shapes_have_names_of_their_own() -> None:
    """Twins under one shape give two results, twins under two shapes one each."""
    twin = "[ sh:path :p ; sh:minCount 1 ]"
    found = report(
        f":S sh:targetNode :a ; sh:property {twin} , {twin} . :T sh:targetNode :a ; sh:property {twin} .", ""
    )
    assert [r.shape.value for r in found.results] == ["http://x/S", "http://x/S", "http://x/T"]
    assert len({r.source for r in found.results}) == 3


def test_a_shape_without_any_name_stands_for_itself() -> None:
    """A blank shape with a target still has an address."""
    (result,) = report("[] sh:targetNode :a ; sh:class :C .", "").results
    assert result.shape == result.source


PATHS = [
    (":p", "<http://x/p>"),
    ("( :p :q )", "<http://x/p>/<http://x/q>"),
    ("[ sh:inversePath ( :p :q ) ]", "^(<http://x/p>/<http://x/q>)"),
    ("[ sh:alternativePath ( :p ( :q :r ) ) ]", "<http://x/p>|<http://x/q>/<http://x/r>"),
    ("( [ sh:alternativePath ( :p :q ) ] [ sh:zeroOrMorePath :r ] )", "(<http://x/p>|<http://x/q>)/<http://x/r>*"),
    ("[ sh:oneOrMorePath [ sh:inversePath :p ] ]", "(^<http://x/p>)+"),
    ("[ sh:inversePath [ sh:zeroOrOnePath :p ] ]", "^(<http://x/p>?)"),
]


@pytest.mark.parametrize(("turtle", "text"), PATHS)
def test_a_path_is_told_as_sparql_writes_it(turtle: str, text: str) -> None:
    """With as few parentheses as it needs, and such that SPARQL reads it back."""
    graph = ShapesGraph(triples(f":S sh:path {turtle} ."))
    path = graph.first(ox.NamedNode("http://x/S"), SH.path)
    assert path is not None and path_text(graph, path) == text
    ox.Store().query(f"ASK {{ ?s {text} ?o }}")


GATED = """
:G a sh:NodeShape ; sg:gate true ; sh:targetClass :C ; sh:property :P ; sh:node :N .
:P sh:path :p ; sh:minCount 1 .
:N a sh:NodeShape ; sh:targetClass :D ; sh:property [ sh:path :q ; sh:minCount 1 ] .
:K a rdfs:Class, sh:NodeShape ; sh:property [ sh:path :q ; sh:minCount 1 ] .
:L sg:gate false ; sh:targetSubjectsOf :p ; sh:class :D .
"""


@every_engine
def test_the_gate_applies_marked_shapes_alone(using: str) -> None:
    """The others keep no targets, but serve where a gate shape refers to them."""
    shapes = Shapes(triples(GATED))
    data = triples(":c a :C ; :p 1 ; :q 1 . :d a :D ; :p 1 . :k a :K . :e a :C .")
    assert {r.focus.value for r in validate(data, gate(shapes), using=using).results} == {"http://x/e"}
    assert {r.focus.value for r in validate(data, shapes, using=using).results} >= {"http://x/d", "http://x/k"}


def test_shapes_tell_which_classes_they_target() -> None:
    """So that a file without members of them need not be validated."""
    shapes = Shapes(triples(GATED))
    assert [c.value for c in shapes.target_classes] == ["http://x/C", "http://x/D", "http://x/K"]
    assert not shapes.targets_classes_only and gate(shapes).targets_classes_only
    assert [c.value for c in gate(shapes).target_classes] == ["http://x/C"]


def test_an_unknown_engine_is_refused() -> None:
    """The error lists those that are there."""
    with pytest.raises(UsageError, match="pyshacl"):
        report(PERSON, "", "topbraid")


def test_the_reference_engine_serves_where_the_fast_one_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Platforms without a wheel of the fast engine get the same report."""
    expected = report(PERSON, ":a a :C .")
    monkeypatch.setattr(engines, "find_spec", lambda package: None if package == "shacl" else object())
    assert report(PERSON, ":a a :C .") == expected
    with pytest.raises(UsageError, match=r"shacl.*pyshacl"):
        report(PERSON, "", "shacl")


def test_the_shapes_of_the_city_can_be_used_and_hold_gates() -> None:
    """They pass the checks, and compile in every engine that is there."""
    shapes = load_shapes([ROOT / "shapes"], DEFAULT_BASE)
    assert shapes.target_classes and gate(shapes).target_classes
    for name, engine in ENGINES.items():
        if engine.is_there:
            assert validate([], shapes, using=name).conforms
