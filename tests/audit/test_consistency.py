"""What contradicts the ontology becomes a finding, also where it only follows, and is followed change by change."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterable
from textwrap import dedent

import pyoxigraph as ox
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.town_of_audits import AuditedTown
from stadtgraph import messages
from stadtgraph.audit.consistency import shapes_of
from stadtgraph.cli import main
from stadtgraph.rdflib_terms import to_graph
from stadtgraph.reason import TripleIndex, compile_rules
from stadtgraph.reason.clashes import Clash, contradictions
from stadtgraph.shacl import Incremental, Report, Shapes, validate
from stadtgraph.terms import OWL, RDF, RDFS, SG, SH, Names, Term
from town import ONTOLOGY

PREFIXES = """
@prefix : <http://x/> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
"""
NAMES = Names()


def triples(turtle: str) -> list[ox.Triple]:
    """Parse Turtle with the prefixes of these tests."""
    text = PREFIXES + dedent(turtle)
    return [quad.triple for quad in ox.parse(text.encode(), format=ox.RdfFormat.TURTLE)]


def closed(schema: list[ox.Triple], data: Iterable[ox.Triple]) -> list[ox.Triple]:
    """Give data with what follows from them."""
    facts = TripleIndex(data)
    return [*facts, *compile_rules(schema).infer(facts)]


def found(report: Report) -> set[tuple[str, str]]:
    """Give the focus nodes of findings, each with the kind of contradiction."""
    kind = {r: max((k for k in Clash if f"consistent-{k}-" in r.shape.value), key=len) for r in report.results}
    return {(str(r.focus).removeprefix("<http://x/").rstrip(">"), kind[r]) for r in report.results}


CASES = [
    ("cax-dw: a member of two disjoint classes", ":A owl:disjointWith :B .", ":a a :A, :B . :b a :B .", "a disjoint"),
    (
        "cax-dw: below disjoint classes",
        ":A owl:disjointWith :B . :C rdfs:subClassOf :B . :p rdfs:domain :A .",
        ":a :p :b ; a :C . :b a :C .",
        "a disjoint",
    ),
    (
        "cax-adc: any two of several",
        "[] a owl:AllDisjointClasses ; owl:members ( :A :B :C ) .",
        ":a a :B, :C . :b a :A . :c a :A, :B, :C .",
        "a disjoint, c disjoint",
    ),
    ("a disjoint union", ":U owl:disjointUnionOf ( :A :B ) .", ":a a :A, :B .", "a disjoint"),
    ("cls-com: a class and its complement", ":A owl:complementOf :B .", ":a a :A, :B .", "a disjoint"),
    ("cls-nothing2: a member of nothing", "", ":a a owl:Nothing .", "a nothing"),
    ("cls-nothing2: a class without members", ":A rdfs:subClassOf owl:Nothing .", ":a a :A .", "a nothing"),
    ("a class disjoint with itself", ":A owl:disjointWith :A .", ":a a :A .", "a nothing"),
    (
        "prp-asyp: both directions",
        ":p a owl:AsymmetricProperty .",
        ":a :p :b . :b :p :a, :c .",
        "a asymmetric, b asymmetric",
    ),
    ("prp-asyp: to itself", ":p a owl:AsymmetricProperty .", ":a :p :a .", "a asymmetric"),
    (
        "prp-asyp: by its inverse",
        ":p a owl:AsymmetricProperty ; owl:inverseOf :q .",
        ":a :p :b ; :q :b .",
        "a asymmetric, b asymmetric",
    ),
    ("prp-irp: its own value", ":p a owl:IrreflexiveProperty .", ":a :p :a . :b :p :a .", "a irreflexive"),
    (
        "prp-irp: a cycle of a transitive property",
        ":p rdfs:subPropertyOf :t . :t a owl:TransitiveProperty, owl:IrreflexiveProperty .",
        ":a :p :b . :b :p :a .",
        "a irreflexive, b irreflexive",
    ),
    (
        "prp-pdw: by both properties",
        ":p owl:propertyDisjointWith :q .",
        ":a :p :b ; :q :b . :c :p 1 ; :q 2 .",
        "a disjoint-properties",
    ),
    (
        "prp-adp: by any two of several",
        "[] a owl:AllDisjointProperties ; owl:members ( :p :q :r ) .",
        ":a :q 1 ; :r 1 .",
        "a disjoint-properties",
    ),
    ("prp-fp: different literals", ":p a owl:FunctionalProperty .", ":a :p 1, 2 . :b :p 1 .", "a functional"),
    ("prp-fp: one value in two forms", ":p a owl:FunctionalProperty .", ":a :p 1, 1.0, 01 .", ""),
    ("prp-fp: two things may be the same", ":p a owl:FunctionalProperty .", ":a :p :b, :c .", ""),
    (
        "prp-fp: things stated to be different",
        ":p a owl:FunctionalProperty .",
        ":a :p :b, :c . :c owl:differentFrom :b .",
        "a functional",
    ),
    ("prp-ifp: a shared value", ":p a owl:InverseFunctionalProperty .", ":a :p 5 . :b :p 5 .", ""),
    (
        "prp-ifp: a shared value of different things",
        ":p a owl:InverseFunctionalProperty .",
        ":a :p 5 . :b :p 5 . :a owl:differentFrom :b .",
        "a inverse-functional, b inverse-functional",
    ),
    ("eq-diff1: the same and different", "", ":a owl:differentFrom :b . :b owl:sameAs :a .", "a different"),
    ("different from itself", "", ":a owl:differentFrom :a .", "a different"),
    (
        "cls-maxc1: no value",
        ":A rdfs:subClassOf [ owl:onProperty :p ; owl:maxCardinality 0 ] .",
        ":a a :A ; :p 1 .",
        "a never",
    ),
    ("nothing is wrong", ":A owl:disjointWith :B . :p a owl:FunctionalProperty .", ":a a :A ; :p 1 . :b a :B .", ""),
]


@pytest.mark.parametrize("using", ["shacl", "pyshacl"])
@pytest.mark.parametrize(("schema", "data", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_contradiction_is_found_at_its_node(schema: str, data: str, expected: str, using: str) -> None:
    """Each line of the table: axioms, facts, and the nodes that both engines report."""
    axioms = triples(schema)
    report = validate(closed(axioms, triples(data)), Shapes(shapes_of(axioms, NAMES)), using=using)
    assert found(report) == {tuple(entry.split(" ")) for entry in expected.split(", ") if entry}


def test_every_kind_has_texts_in_both_languages_and_a_remedy() -> None:
    """A finding says what is wrong and what to do next, with the names that the ontology gives in that language."""
    schema = triples("""
        :A owl:disjointWith :B . :p a owl:AsymmetricProperty, owl:IrreflexiveProperty ; owl:propertyDisjointWith :q .
        :f a owl:FunctionalProperty, owl:InverseFunctionalProperty .
        :C rdfs:subClassOf [ owl:onProperty :p ; owl:maxCardinality 0 ] .
        :A rdfs:label "Amt"@de, "office"@en .
    """)
    shapes = Shapes(shapes_of(schema, NAMES))
    assert {one.kind for one in contradictions(schema)} == set(Clash)
    tops = [s for s in shapes.shapes if shapes.graph.objects(s, SG.group)]
    assert len(tops) == len(contradictions(schema))
    for shape in tops:
        for p in (SH.name, SH.message, SG.remedy):
            said = {o.language: o.value for o in shapes.graph.objects(shape, p) if isinstance(o, ox.Literal)}
            assert set(said) == set(messages.LANGUAGES), (shape, p)
            assert not any("{" in text or "None" in text for text in said.values())
        assert shapes.graph.objects(shape, SG.group) == [SG.consistency]
        assert shapes.graph.objects(shape, SG.mendedBy) == [NAMES.id("role/data-architect")]
    names = [o.value for s in tops for o in shapes.graph.objects(s, SH.name) if isinstance(o, ox.Literal)]
    assert "Amt (http://x/A) und http://x/B schließen einander aus" in names


def test_the_order_of_axioms_changes_no_shape_but_the_one_that_it_speaks_of() -> None:
    """The name of a shape, and so the key of a finding, depends on what its axiom is about alone."""
    one, other = (shapes_of(triples(text), NAMES) for text in (":A owl:disjointWith :B .", ":B owl:disjointWith :A ."))
    assert {t.subject for t in one if isinstance(t.subject, ox.NamedNode)} == {
        t.subject for t in other if isinstance(t.subject, ox.NamedNode)
    }
    both = shapes_of(triples(":A owl:disjointWith :B . :B owl:disjointWith :A ."), NAMES)
    assert len(both) == len(one)


def test_no_shape_is_evaluated_in_full() -> None:
    """The reach of each is known, so a change is followed through its neighbourhood alone."""
    schema = triples("""
        :A owl:disjointWith :B . :p a owl:AsymmetricProperty, owl:IrreflexiveProperty ; owl:propertyDisjointWith :q .
        :f a owl:FunctionalProperty, owl:InverseFunctionalProperty .
    """)
    assert Incremental(Shapes(shapes_of(schema, NAMES))).in_full == {}


CLASSES = [ox.NamedNode(f"http://x/C{i}") for i in range(4)]
PROPERTIES = [ox.NamedNode(f"http://x/p{i}") for i in range(4)]
NODES = [ox.NamedNode(f"http://x/n{i}") for i in range(4)]
VALUES: list[Term] = [*NODES, ox.Literal("x"), ox.Literal(1), ox.Literal(2)]
CHARACTERISTICS = [OWL.AsymmetricProperty, OWL.IrreflexiveProperty, OWL.TransitiveProperty, OWL.SymmetricProperty]
FUNCTIONAL = [OWL.FunctionalProperty, OWL.InverseFunctionalProperty]


def _triple(s: list[ox.NamedNode], p: ox.NamedNode, o: list[ox.NamedNode]) -> st.SearchStrategy[ox.Triple]:
    return st.builds(ox.Triple, st.sampled_from(s), st.just(p), st.sampled_from(o))


AXIOMS = st.one_of(
    _triple(CLASSES, RDFS.subClassOf, CLASSES),
    _triple(CLASSES, OWL.disjointWith, CLASSES),
    _triple(CLASSES, OWL.disjointWith, CLASSES),
    _triple(PROPERTIES, OWL.propertyDisjointWith, PROPERTIES),
    _triple(PROPERTIES, RDFS.subPropertyOf, PROPERTIES),
    _triple(PROPERTIES, OWL.inverseOf, PROPERTIES),
    _triple(PROPERTIES, RDFS.domain, CLASSES),
    _triple(PROPERTIES, RDFS.range, CLASSES),
    _triple(PROPERTIES, RDF.type, CHARACTERISTICS),
)
WITH_FUNCTIONAL = st.one_of(AXIOMS, AXIOMS, _triple(PROPERTIES, RDF.type, FUNCTIONAL))
LINKS = st.builds(ox.Triple, st.sampled_from(NODES), st.sampled_from(PROPERTIES), st.sampled_from(VALUES))
TYPES = st.builds(ox.Triple, st.sampled_from(NODES), st.just(RDF.type), st.sampled_from(CLASSES))
IDENTITY = st.builds(
    ox.Triple, st.sampled_from(NODES), st.sampled_from([OWL.sameAs, OWL.differentFrom]), st.sampled_from(NODES)
)
BETWEEN = st.builds(ox.Triple, st.sampled_from(NODES), st.sampled_from(PROPERTIES), st.sampled_from(NODES))
PLAIN = st.one_of(BETWEEN, BETWEEN, TYPES)
FACTS = st.one_of(LINKS, LINKS, TYPES, IDENTITY)
EDITS = st.lists(st.lists(FACTS, min_size=1, max_size=4), min_size=1, max_size=5)


def plainly(schema: list[ox.Triple], known: set[ox.Triple]) -> set[tuple[str, str]]:
    """Say by plain loops over a closure which nodes contradict which kind of axiom."""
    wrong: set[tuple[Term, Clash]] = set()
    pairs: dict[ox.NamedNode, set[tuple[Term, Term]]] = {}
    for t in known:
        pairs.setdefault(t.predicate, set()).add((t.subject, t.object))
    differ = {pair for s, o in pairs.get(OWL.differentFrom, set()) for pair in ((s, o), (o, s))}
    same = {pair for s, o in pairs.get(OWL.sameAs, set()) for pair in ((s, o), (o, s))}
    for s, o in pairs.get(OWL.differentFrom, set()):
        wrong |= {(s, Clash.DIFFERENT)} if s == o or (s, o) in same else set()
    for one in contradictions(schema):
        first = pairs.get(one.terms[0], set())
        if one.kind in (Clash.DISJOINT, Clash.NOTHING):
            members = [{s for s, o in pairs.get(RDF.type, set()) if o == name} for name in one.terms]
            wrong |= {(s, one.kind) for s in set.intersection(*members)}
        elif one.kind is Clash.DISJOINT_PROPERTIES:
            wrong |= {(s, one.kind) for s, _ in first & pairs.get(one.terms[-1], set())}
        elif one.kind is Clash.ASYMMETRIC:
            wrong |= {(s, one.kind) for s, o in first if (o, s) in first}
        elif one.kind is Clash.IRREFLEXIVE:
            wrong |= {(s, one.kind) for s, o in first if s == o}
        elif one.kind is Clash.FUNCTIONAL:
            for s, o in first:
                others = {b for a, b in first if a == s and b != o}
                literals = isinstance(o, ox.Literal) and any(isinstance(b, ox.Literal) for b in others)
                if literals or any((o, b) in differ for b in others | {o}):
                    wrong.add((s, one.kind))
        elif one.kind is Clash.INVERSE_FUNCTIONAL:
            wrong |= {(s, one.kind) for s, o in first for a, b in first if b == o and (s, a) in differ}
    return {(str(s).removeprefix("<http://x/").rstrip(">"), kind.value) for s, kind in wrong}


@settings(max_examples=60, deadline=None)
@given(st.lists(WITH_FUNCTIONAL, max_size=10), st.lists(FACTS, max_size=12), EDITS)
def test_contradictions_that_are_followed_are_those_of_a_whole_audit(
    schema: list[ox.Triple], data: list[ox.Triple], edits: list[list[ox.Triple]]
) -> None:
    """After every edit, inferences and findings kept change by change are those from scratch, and of plain loops."""
    rules, audit = compile_rules(schema), Incremental(Shapes(shapes_of(schema, NAMES)))
    facts = TripleIndex(data)
    inferred = TripleIndex(rules.infer(facts))
    everything = TripleIndex([*facts, *inferred])
    report = audit.full(everything)
    for edit in edits:
        gone = {t for t in edit if t in set(facts)}
        come = set(edit) - gone
        for triple in gone:
            facts.discard(triple)
        for triple in come:
            facts.add(triple)
        more, less = rules.update(facts, inferred, come, gone)
        for triple in less:
            inferred.discard(triple)
        for triple in more:
            inferred.add(triple)
        before, now = set(everything), {*facts, *inferred}
        for triple in before - now:
            everything.discard(triple)
        for triple in now - before:
            everything.add(triple)
        report = audit.update(everything, report, now - before, before - now)
        whole = audit.full(TripleIndex(closed(schema, facts)))
        assert {r.key for r in report.results} == {r.key for r in whole.results}
        assert found(report) == plainly(schema, now)


def errors_of_owlrl(statements: list[ox.Triple]) -> list[str]:
    """Give the contradictions that owlrl names."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import owlrl
        import rdflib

        graph = to_graph(statements)
        owlrl.DeductiveClosure(owlrl.OWLRL_Semantics, datatype_axioms=False, axiomatic_triples=False).expand(graph)
        error = rdflib.URIRef("http://www.daml.org/2002/03/agents/agent-ont#error")
        return sorted(str(message) for message in graph.objects(None, error))


@settings(max_examples=25, deadline=None)
@given(st.lists(AXIOMS, max_size=8), st.lists(PLAIN, max_size=8))
def test_data_contradict_the_axioms_where_owlrl_says_so(schema: list[ox.Triple], data: list[ox.Triple]) -> None:
    """The oracle names a contradiction exactly where there is a finding.

    Identity is left out: owlrl merges what is the same, and here that is the links' business. So are literals: owlrl
    reads a property backwards from them too.
    """
    report = validate(closed(schema, data), Shapes(shapes_of(schema, NAMES)))
    assert bool(report.results) == bool(errors_of_owlrl([*schema, *data])), sorted(found(report))


EXCLUSIONS = """
ex:keeps a owl:ObjectProperty ; rdfs:range ex:Unit .
ex:Plant a owl:Class ; owl:disjointWith ex:Unit .
"""
MIXED_UP = "<id/unit/green> ex:keeps <id/tree/1> .\n"


def test_a_contradiction_that_only_follows_is_a_finding_of_the_city(
    town: AuditedTown, capsys: pytest.CaptureFixture[str]
) -> None:
    """It names unit, post, remedy and group in both languages, is explained, and goes when its cause goes."""
    (town.data.parent / "ontology" / "town.ttl").write_text(ONTOLOGY + EXCLUSIONS)
    town.build()
    with town.city as city:
        assert not [f for f in city.audit().findings if f.group == "consistency"]
    town.register(MIXED_UP)
    town.build()
    followed = town.contents()
    with town.city as city:
        report = city.audit()
        (finding,) = (f for f in report.findings if f.group == "consistency")
        assert str(finding.focus) == "<https://town.example/id/tree/1>"
        assert report.label(finding.unit, "de") == "Grünamt"
        assert finding.post == city.names.id("post/governor") or finding.post is None
        assert "zugleich" in finding.message("de") and "both" in finding.message("en")
        assert "Quelle" in finding.remedy("de") and "source" in finding.remedy("en")
    assert main(["explain", finding.key, "--city", str(town.city_folder), "--lang", "en"]) == 0
    out = capsys.readouterr().out
    assert "# why this holds" in out and "the property tells what its value is (rdfs3): 1, 2" in out
    assert "register.ttl, line" in out and "town.ttl, line 9" in out
    _start_over(town)
    town.build()
    again = town.contents()
    graphs = [f"https://town.example/graph/{name}" for name in ("audit", "quality", "inferred")]
    assert all(followed[graph] == again[graph] for graph in graphs)
    town.register()
    town.build()
    with town.city as city:
        assert not [f for f in city.audit().findings if f.group == "consistency"]


def _start_over(town: AuditedTown) -> None:
    """Drop all releases."""
    shutil.rmtree(town.city_folder / "releases")
    (town.city_folder / "current").unlink()
