"""The gate shapes: what each lets through and what it stops.

A folder beside this file is one gate shape: ``conforms.ttl`` passes all gate shapes, ``violates.ttl`` breaks exactly
the shapes that its first line names.
"""

from __future__ import annotations

from pathlib import Path

import pyshacl
import pytest
from rdflib import RDF, RDFS, SH, BNode, Graph, Literal, Namespace, URIRef

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BASE = "https://stadtgraph.example/jena/"
SG = Namespace("https://w3id.org/stadtgraph/ns#")
SHAPE = "https://w3id.org/stadtgraph/shapes/"
REGISTERS = sorted((ROOT / "data" / "registers").glob("*.ttl"))
EXAMPLES = sorted(folder for folder in HERE.iterdir() if (folder / "violates.ttl").is_file())


def broken(data: Graph, shapes: Graph) -> set[str]:
    """Name the shapes that ``data`` breaks."""
    _, report, _ = pyshacl.validate(data, shacl_graph=shapes, inference="none")
    assert isinstance(report, Graph)
    return {str(shape).removeprefix(SHAPE) for shape in report.objects(None, SH.sourceShape)}


def conforms(data: Graph, shapes: Graph) -> bool:
    """Tell whether ``data`` breaks no shape."""
    return not broken(data, shapes)


def read(path: Path) -> Graph:
    """Read a Turtle file whose relative IRIs belong to the city."""
    return Graph().parse(path, publicID=BASE)


@pytest.fixture(scope="module")
def shapes() -> Graph:
    """All shapes of the folder ``shapes``."""
    graph = Graph()
    for path in sorted((ROOT / "shapes").glob("*.ttl")):
        graph.parse(path, publicID=BASE)
    return graph


@pytest.fixture(scope="module")
def gate(shapes: Graph) -> Graph:
    """The shapes without the targets of those that are no gate."""
    graph = Graph() + shapes
    targets = (SH.targetClass, SH.targetNode, SH.targetSubjectsOf, SH.targetObjectsOf)
    for target in targets:
        for shape in set(shapes.subjects(target)) - gates(shapes):
            graph.remove((shape, target, None))
    return graph


def gates(shapes: Graph) -> set[URIRef]:
    """Give the gate shapes."""
    return {shape for shape in shapes.subjects(SG.gate, Literal(True)) if isinstance(shape, URIRef)}


def test_every_gate_shape_has_a_conforming_and_a_violating_example(shapes: Graph) -> None:
    """A new gate shape needs a folder here, and no folder outlives its shape."""
    assert {folder.name for folder in EXAMPLES} == {str(shape).removeprefix(SHAPE) for shape in gates(shapes)}
    assert all((folder / "conforms.ttl").is_file() for folder in EXAMPLES)


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: folder.name)
def test_what_is_right_passes_the_gate(folder: Path, gate: Graph) -> None:
    """The conforming example breaks no gate shape."""
    assert broken(read(folder / "conforms.ttl"), gate) == set()


VIOLATING = sorted(path for folder in EXAMPLES for path in folder.glob("violates*.ttl"))


def named(path: Path) -> set[str]:
    """Give the shapes that a violating example names in its first line."""
    return set(path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# breaks: ").split())


@pytest.mark.parametrize("path", VIOLATING, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_what_is_wrong_breaks_exactly_the_shapes_named_in_the_example(path: Path, gate: Graph) -> None:
    """The violating example breaks what its first line names, and nothing else."""
    assert broken(read(path), gate) == named(path)


def test_every_shape_that_reports_has_a_violating_example(shapes: Graph) -> None:
    """Gate shapes and the property shapes below them, each once at least; a new one needs its own."""
    reporting = {shape for gate in gates(shapes) for shape in below(shapes, gate) if constrains(shapes, shape)}
    assert {str(shape).removeprefix(SHAPE) for shape in reporting} <= set().union(*map(named, VIOLATING))


def below(shapes: Graph, shape: URIRef) -> set[URIRef]:
    """Give a shape and the property shapes that report with it."""
    return {shape}.union(*(below(shapes, child) for child in shapes.objects(shape, SH.property)))  # type: ignore[arg-type]


def constrains(shapes: Graph, shape: URIRef) -> bool:
    """Tell whether a shape demands anything itself, beside what the shapes below it do."""
    told = {
        SH.path,
        SH.name,
        SH.message,
        SH.severity,
        SH.property,
        SH.targetClass,
        SH.targetSubjectsOf,
        SH.targetObjectsOf,
    }
    return any(str(p).startswith(str(SH)) and p not in told for p in shapes.predicates(shape))


def test_every_gate_shape_says_what_to_do_who_does_it_and_why(shapes: Graph) -> None:
    """A remedy in both languages, a role of the register, a group and the source of the rule."""
    roles = set(Graph().parse(ROOT / "data" / "registers" / "roles.ttl", publicID=BASE).subjects())
    for shape in gates(shapes):
        remedies = [text for text in shapes.objects(shape, SG.remedy) if isinstance(text, Literal)]
        assert sorted(str(text.language) for text in remedies) == ["de", "en"], shape
        (role,), (group,) = shapes.objects(shape, SG.mendedBy), shapes.objects(shape, SG.group)
        assert role in roles, role
        assert str(group).startswith(str(SG)) and list(shapes.objects(shape, RDFS.seeAlso)), shape


@pytest.mark.parametrize("path", REGISTERS, ids=lambda path: path.name)
def test_every_register_passes_the_gate_on_its_own(path: Path, gate: Graph) -> None:
    """Gate shapes are decided on one file, so each register conforms without the others."""
    assert broken(read(path), gate) == set()


def test_every_shape_has_a_name_a_message_in_both_languages_and_a_severity(shapes: Graph) -> None:
    """Findings are read by people in German or English, so no shape is silent in either."""
    named = {s for kind in (SH.NodeShape, SH.PropertyShape) for s in shapes.subjects(RDF.type, kind)}
    assert len(named) > len(EXAMPLES)
    for shape in named:
        assert isinstance(shape, URIRef), "a finding names its shape, so a shape has an IRI"
        assert str(shape).startswith(SHAPE)
        for told in (SH.name, SH.message):
            texts = [text for text in shapes.objects(shape, told) if isinstance(text, Literal)]
            assert sorted(str(text.language) for text in texts) == ["de", "en"], (shape, told)
        assert shapes.value(shape, SH.severity) is not None, shape


def test_gate_shapes_look_at_no_other_file(shapes: Graph) -> None:
    """A class of a value may be stated elsewhere, and a query may reach anywhere: neither is used."""
    local = {shape for gate in gates(shapes) for shape in reachable(shapes, gate)}
    for forbidden in (SH.sparql, SH.target, SH.js):
        assert not [shape for shape in local if (shape, forbidden, None) in shapes]
    of_values = [s for s in local if (s, SH["class"], None) in shapes and (s, SH.path, None) in shapes]
    assert not of_values


def reachable(shapes: Graph, start: URIRef) -> set[URIRef | BNode]:
    """Give ``start`` and every node of the shapes graph that it leads to."""
    seen: set[URIRef | BNode] = set()
    todo: list[URIRef | BNode] = [start]
    while todo:
        node = todo.pop()
        if node not in seen:
            seen.add(node)
            todo += [o for o in shapes.objects(node) if isinstance(o, URIRef | BNode)]
    return seen


def test_patterns_use_no_look_around(shapes: Graph) -> None:
    """One engine refuses a whole shapes graph for one pattern with look-around."""
    patterns = [str(pattern) for pattern in shapes.objects(None, SH.pattern)]
    assert patterns
    assert not [pattern for pattern in patterns if "(?" in pattern]
