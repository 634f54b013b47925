"""The audit shapes: what each finds, what each lets be, and that each tells what to do.

A file ``GROUP/NAME.ttl`` beside this one is the example of one audit shape. The shape finds exactly the resources whose
name begins with ``wrong``, whichever engine looks; those that begin with ``right`` are in its target too, or nearly.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pyoxigraph as ox
import pytest

from stadtgraph.audit.quality import COMPLIANCE
from stadtgraph.catalogue.mqa import FULL, METRICS, NON_PROPRIETARY
from stadtgraph.shacl import Report, Shapes, load_shapes, validate
from stadtgraph.terms import RDF, RDFS, SG, SH, XSD

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
FOLDER = ROOT / "shapes" / "audit"
BASE = "https://stadtgraph.example/jena/"
SHAPE = "https://w3id.org/stadtgraph/shapes/"
TODAY = ox.Triple(SG.audit, SG.asOf, ox.Literal("2026-11-21", datatype=XSD.date))
EXAMPLES = sorted(path for path in HERE.glob("*/*.ttl"))
GROUPS = {"registers", "responsibilities", "quality", "privacy", "profile", "content"}
PREFIXES = ox.NamedNode(f"{SHAPE}prefixes")


@cache
def stated() -> tuple[ox.Triple, ...]:
    """All triples of the audit shapes."""
    return tuple(t for path in sorted(FOLDER.glob("*.ttl")) for t in read(path))


@cache
def audit_shapes() -> tuple[ox.NamedNode, ...]:
    """Every audit shape, in the order of their names."""
    kinds = (SH.NodeShape, SH.PropertyShape)
    found = {t.subject for t in stated() if t.predicate == RDF.type and t.object in kinds}
    return tuple(sorted((s for s in found if isinstance(s, ox.NamedNode)), key=str))


def read(path: Path) -> list[ox.Triple]:
    """Read a Turtle file whose relative IRIs belong to the city."""
    quads = ox.parse(path=path, base_iri=BASE, rename_blank_nodes=True)
    return [quad.triple for quad in quads]


def alone(shape: ox.NamedNode) -> Shapes:
    """Give one shape and what it refers to, without the others."""
    of: dict[ox.NamedNode | ox.BlankNode | ox.Triple, list[ox.Triple]] = {}
    for triple in stated():
        of.setdefault(triple.subject, []).append(triple)
    kept: list[ox.Triple] = []
    todo: list[ox.NamedNode | ox.BlankNode] = [shape]
    seen = set(todo)
    while todo:
        for triple in of.get(todo.pop(), []):
            kept.append(triple)
            reached = triple.object
            if isinstance(reached, ox.NamedNode | ox.BlankNode) and reached not in seen and reached in of:
                seen.add(reached)
                todo.append(reached)
    return Shapes(kept)


def local_name(term: object) -> str:
    """Give the last part of an IRI."""
    return term.value.rsplit("/", 1)[-1] if isinstance(term, ox.NamedNode) else str(term)


def texts(shape: ox.NamedNode, p: ox.NamedNode) -> list[ox.Literal]:
    """Give the texts that a shape states with ``p``."""
    return [t.object for t in stated() if t.subject == shape and t.predicate == p and isinstance(t.object, ox.Literal)]


def values(shape: ox.NamedNode, p: ox.NamedNode) -> list[object]:
    """Give the values that a shape states with ``p``."""
    return [t.object for t in stated() if t.subject == shape and t.predicate == p]


def group_of(shape: ox.NamedNode) -> str:
    """Give the name of the one group that a shape is in."""
    (group,) = values(shape, SG.group)
    return str(group).removeprefix(f"<{SG}").removesuffix(">")


def example(path: Path, using: str) -> Report:
    """Validate an example with the shape that it is named after."""
    return validate([*read(path), TODAY], alone(ox.NamedNode(SHAPE + path.stem)), using=using)


@pytest.mark.parametrize("using", ["shacl", "pyshacl"])
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_audit_shape_finds_what_is_wrong_and_nothing_else(path: Path, using: str) -> None:
    """Every resource named wrong is found, no other is, and the finding bears the shape's name."""
    report = example(path, using)
    found = {local_name(result.focus) for result in report.results}
    wrong = set(re.findall(r"/(wrong[\w-]*)>", path.read_text(encoding="utf-8")))
    assert wrong, "an example shows something that the shape finds"
    assert re.search(r"/right[\w-]*>", path.read_text(encoding="utf-8")), "and something that it lets be"
    assert found == wrong
    assert {result.source.value for result in report.results} == {SHAPE + path.stem}
    assert all({"de", "en"} <= set(result.messages) for result in report.results)


def test_every_audit_shape_has_an_example_and_every_example_a_shape() -> None:
    """A new audit shape needs an example, in the folder of its group."""
    named = {(group_of(shape), shape.value.removeprefix(SHAPE)) for shape in audit_shapes()}
    assert {(path.parent.name, path.stem) for path in EXAMPLES} == named


@pytest.mark.parametrize("shape", audit_shapes(), ids=local_name)
def test_an_audit_shape_says_what_is_wrong_what_to_do_who_does_it_and_why(shape: ox.NamedNode) -> None:
    """Name, message and remedy in German and English; who mends; the source of the rule; group; severity."""
    for told in (SH.name, SH.message, SG.remedy):
        said = texts(shape, told)
        assert sorted(text.language or "" for text in said) == ["de", "en"], told
        assert all(text.value.strip() == text.value and text.value for text in said)
    for text in (*texts(shape, SH.message), *texts(shape, SG.remedy)):
        assert text.value.endswith("."), text.value
    mended, source = values(shape, SG.mendedBy), values(shape, RDFS.seeAlso)
    assert len(mended) == 1 and str(mended[0]).startswith(f"<{BASE}id/role/")
    assert source and all(isinstance(iri, ox.NamedNode) for iri in source)
    assert group_of(shape) in GROUPS
    assert values(shape, SH.severity) and not values(shape, SG.gate)
    assert all(isinstance(p, ox.Literal) and p.datatype == XSD.integer for p in values(shape, SG.mqaPoints))


def test_those_who_mend_are_roles_of_the_register() -> None:
    """A finding is sent to a role that the register of roles knows."""
    roles = {t.subject for t in read(ROOT / "data" / "registers" / "roles.ttl")}
    assert {role for shape in audit_shapes() for role in values(shape, SG.mendedBy)} <= roles


BY_NAME = {metric.name: metric for metric in METRICS}
SCORED = {
    "keywordAvailability": "dataset-keyword",
    "categoryAvailability": "dataset-theme",
    "spatialAvailability": "dataset-spatial",
    "temporalAvailability": "dataset-temporal",
    "accessUrlStatusCode": "distribution-reachable",
    "downloadUrlAvailability": "distribution-download",
    "downloadUrlStatusCode": "distribution-download-reachable",
    "formatAvailability": "distribution-format",
    "mediaTypeAvailability": "distribution-media-type",
    "formatMediaTypeVocabularyAlignment": "distribution-format-from-lists",
    "formatMediaTypeNonProprietary": "distribution-open-format",
    "formatMediaTypeMachineInterpretable": "distribution-machine-readable",
    "licenceAvailability": "distribution-licence",
    "knownLicence": "distribution-licence-known",
    "accessRightsAvailability": "dataset-access-rights",
    "accessRightsVocabularyAlignment": "dataset-access-rights",
    "contactPointAvailability": "dataset-contact",
    "publisherAvailability": "profile-dataset-publisher",
    "rightsAvailability": "distribution-rights",
    "byteSizeAvailability": "distribution-byte-size",
    "dateIssuedAvailability": "dataset-issued",
    "dateModifiedAvailability": "dataset-modified",
}
"""Metric of data.europa.eu → the shape that bears its points."""
ON_NO_SHAPE = {
    "dcatApCompliance": "only mending the last violation of the profile brings it, so it counts once a dataset"
}


def test_every_point_of_the_score_is_on_a_shape_or_has_a_reason() -> None:
    """All 405, each metric with its weight; two metrics may lie on one shape, whose points are their sum."""
    points: dict[str, int] = {}
    for name, shape in SCORED.items():
        points[shape] = points.get(shape, 0) + BY_NAME[name].points
    stating = {t.subject: t.object for t in stated() if t.predicate == SG.mqaPoints}
    assert {str(s)[1:-1].removeprefix(SHAPE): int(o.value) for s, o in stating.items()} == points  # type: ignore[union-attr]
    assert {*SCORED, *ON_NO_SHAPE} == set(BY_NAME) and not SCORED.keys() & ON_NO_SHAPE.keys()
    assert BY_NAME["dcatApCompliance"].points == COMPLIANCE
    assert sum(points.values()) + COMPLIANCE == FULL == 405


def test_open_formats_are_those_of_the_score() -> None:
    """The list of the shape is the one by which the score is computed."""
    shape = alone(ox.NamedNode(f"{SHAPE}distribution-open-format"))
    (head,) = shape.graph.objects(ox.NamedNode(f"{SHAPE}distribution-open-format"), SH.term("in"))
    assert {local_name(member) for member in shape.graph.members(head)} == NON_PROPRIETARY


def test_audit_shapes_have_names_of_their_own() -> None:
    """Gate shapes and audit shapes are used together, so that no name may stand for two rules."""
    gates = {t.subject for path in (ROOT / "shapes").glob("*.ttl") for t in read(path)}
    assert not gates & set(audit_shapes())


def test_nothing_but_a_named_shape_reports() -> None:
    """A finding is known by its shape; a nested shape without a name only helps to judge."""
    nested = {t.subject for t in stated() if isinstance(t.subject, ox.BlankNode)}
    targets = (SH.targetClass, SH.targetSubjectsOf, SH.targetObjectsOf, SH.targetNode)
    assert not [t for t in stated() if t.subject in nested and t.predicate in targets]
    parents = [t for t in stated() if t.predicate == SH.property and isinstance(t.subject, ox.NamedNode)]
    assert not [t for t in parents if isinstance(t.object, ox.BlankNode)]


def test_queries_of_shapes_read_the_day_from_the_data() -> None:
    """A report is the same whenever it is made: no query asks the clock."""
    queries = [t.object.value for t in stated() if t.predicate == SH.select and isinstance(t.object, ox.Literal)]
    assert queries
    assert not [query for query in queries if "NOW(" in query.upper()]
    assert all("$this" in query for query in queries)


def test_all_shapes_load_together() -> None:
    """Gate and audit shapes are one shapes graph without a problem."""
    assert len(load_shapes([ROOT / "shapes"], BASE)) > len(audit_shapes())


def test_the_terms_of_the_shapes_are_in_the_ontology() -> None:
    """Every term of the own namespace that shapes use has a label and a definition in German and English."""
    ontology = [t for path in (ROOT / "ontology").glob("*.ttl") for t in read(path)]
    skos = "http://www.w3.org/2004/02/skos/core#"
    told: dict[object, set[str]] = {}
    for t in ontology:
        if isinstance(t.object, ox.Literal) and t.object.language:
            kind = {f"{skos}prefLabel": "label", RDFS.label.value: "label", f"{skos}definition": "definition"}
            told.setdefault(t.subject, set()).add(f"{kind.get(t.predicate.value)}@{t.object.language}")
    used = {x for t in stated() for x in (t.predicate, t.object) if str(x).startswith(f"<{SG}")}
    full = {"label@de", "label@en", "definition@de", "definition@en"}
    assert not [term for term in used if not full <= told.get(term, set())]
