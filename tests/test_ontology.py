"""The ontology: complete in two languages, inside OWL 2 RL, free of contradictions, and covering what the city uses.

The profile check follows https://www.w3.org/TR/owl2-profiles/#OWL_2_RL for the axioms that the ontology allows
itself: named classes and properties only. Class expressions are refused altogether, so that none needs telling apart.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyoxigraph as ox
import pytest

from stadtgraph.terms import DCT, FOAF, ORG, OWL, RDF, RDFS, SG, SG_NAMESPACE, SKOS, XSD, Names, Term

ROOT = Path(__file__).resolve().parent.parent
ONTOLOGY = sorted((ROOT / "ontology").glob("*.ttl"))
REGISTERS = sorted((ROOT / "data" / "registers").glob("*.ttl"))
GOVERNANCE = [ROOT / "data" / "registers" / f"{name}.ttl" for name in ("units", "posts", "roles", "responsibilities")]
BASE = Names().base

KINDS = frozenset({OWL.Class, OWL.ObjectProperty, OWL.DatatypeProperty, OWL.AnnotationProperty})
CHARACTERISTICS = frozenset(
    {OWL.TransitiveProperty, OWL.SymmetricProperty, OWL.AsymmetricProperty, OWL.IrreflexiveProperty}
)
"""Functional object properties are in the profile, but would make two values of one property the same thing."""
HEADER = frozenset({OWL.versionIRI, OWL.versionInfo})
RL_DATATYPES = frozenset({RDFS.Literal, RDF.PlainLiteral, RDF.XMLLiteral}) | {
    XSD.term(name)
    for name in (
        *(
            "decimal",
            "integer",
            "nonNegativeInteger",
            "nonPositiveInteger",
            "positiveInteger",
            "negativeInteger",
        ),
        *("long", "int", "short", "byte", "unsignedLong", "unsignedInt", "unsignedShort", "unsignedByte"),
        *("float", "double", "string", "normalizedString", "token", "language", "Name", "NCName", "NMTOKEN"),
        *("boolean", "hexBinary", "base64Binary", "anyURI", "dateTime", "dateTimeStamp"),
    )
}
ERROR = "http://www.daml.org/2002/03/agents/agent-ont#error"
"""How owlrl writes an inconsistency into the closure."""


Kinds = dict[Term, set[Term]]


def triples(*files: Path) -> list[ox.Triple]:
    """Read Turtle files against the default base."""
    found: list[ox.Triple] = []
    for file in files:
        for quad in ox.parse(path=str(file), format=ox.RdfFormat.TURTLE, base_iri=BASE):
            found.append(quad.triple)
    return found


def kinds(schema: Iterable[ox.Triple]) -> Kinds:
    """Give for every declared name what kinds it has."""
    found: Kinds = {}
    for triple in schema:
        if triple.predicate == RDF.type and triple.object in KINDS:
            found.setdefault(triple.subject, set()).add(triple.object)
    return found


def profile_violations(schema: list[ox.Triple]) -> list[str]:
    """Name every axiom of ``schema`` that is not an OWL 2 RL axiom on declared names."""
    declared = kinds(schema)
    return [f"{triple}: {why}" for triple in schema for why in _violation(triple, declared)]


def _violation(triple: ox.Triple, declared: Kinds) -> Iterator[str]:
    s, p, o = triple.subject, triple.predicate, triple.object
    of_subject, of_object = declared.get(s, set()), declared.get(o, set())
    if isinstance(s, ox.BlankNode) or isinstance(o, ox.BlankNode):
        yield "class expressions are not used"
    elif p == RDF.type and isinstance(o, ox.NamedNode) and o.value.startswith(str(OWL)):
        if o in CHARACTERISTICS and OWL.ObjectProperty not in of_subject:
            yield "a characteristic of something that is no object property"
        if o == OWL.FunctionalProperty and OWL.DatatypeProperty not in of_subject:
            yield "a functional property whose values are no literals"
        if o not in KINDS | CHARACTERISTICS | {OWL.Ontology, OWL.FunctionalProperty}:
            yield "not in the list of allowed kinds"
    elif p in (RDFS.subClassOf, OWL.disjointWith):
        if not (OWL.Class in of_subject and OWL.Class in of_object):
            yield "between names that are not both declared classes"
    elif p == RDFS.subPropertyOf:
        if not of_subject & of_object:
            yield "between properties of different or undeclared kinds"
    elif p == OWL.inverseOf:
        if not (OWL.ObjectProperty in of_subject and OWL.ObjectProperty in of_object):
            yield "between names that are not both object properties"
    elif p == RDFS.domain:
        if OWL.Class not in of_object or not of_subject & {OWL.ObjectProperty, OWL.DatatypeProperty}:
            yield "a domain that is no declared class, or of something that is no property"
    elif p == RDFS.range:
        yield from _range_violation(of_subject, o, of_object)
    elif p.value.startswith(str(OWL)) and p not in HEADER:
        yield "not in the list of allowed axioms"


def _range_violation(of_subject: set[Term], value: Term, of_value: set[Term]) -> Iterator[str]:
    if OWL.DatatypeProperty in of_subject and value not in RL_DATATYPES:
        yield "a datatype outside the datatype map of the profile"
    if OWL.ObjectProperty in of_subject and OWL.Class not in of_value:
        yield "a range that is no declared class"
    if not of_subject & {OWL.ObjectProperty, OWL.DatatypeProperty}:
        yield "a range of something that is no property"


def closure_errors(data: Iterable[ox.Triple]) -> list[str]:
    """Close ``data`` with owlrl's OWL 2 RL rules and give the inconsistencies it reports."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import owlrl
        import rdflib

        graph = rdflib.Graph()
        text = ox.serialize(data, format=ox.RdfFormat.N_TRIPLES)
        graph.parse(data=text, format="nt")
        owlrl.DeductiveClosure(owlrl.OWLRL_Semantics).expand(graph)
    return sorted(str(message) for message in graph.objects(None, rdflib.URIRef(ERROR)))


def texts(data: list[ox.Triple], subject: Term, predicate: Term) -> list[ox.Literal]:
    """Give the literal values of one property of one subject."""
    values = (t.object for t in data if t.subject == subject and t.predicate == predicate)
    return [value for value in values if isinstance(value, ox.Literal)]


def own_terms(schema: list[ox.Triple]) -> list[Term]:
    """Give the classes and properties that the ontology defines itself."""
    return [name for name in kinds(schema) if str(name).startswith(f"<{SG_NAMESPACE}")]


@pytest.mark.parametrize("file", ONTOLOGY, ids=lambda file: file.name)
def test_every_own_term_has_one_kind_and_a_label_and_definition_in_both_languages(file: Path) -> None:
    """A reader in either language learns what a term means, from the term itself."""
    schema = triples(file)
    for name in own_terms(schema):
        assert len(kinds(schema)[name]) == 1, f"{name} has several kinds"
        for predicate in (RDFS.label, SKOS.definition):
            languages = [text.language for text in texts(schema, name, predicate)]
            assert sorted(filter(None, languages)) == ["de", "en"], f"{name} {predicate}: {languages}"
        defined_by = [t.object for t in schema if t.subject == name and t.predicate == RDFS.isDefinedBy]
        assert defined_by == [ox.NamedNode(SG_NAMESPACE.rstrip("#"))], f"{name} is defined by {defined_by}"


def test_every_concept_has_a_scheme_that_lists_it_and_texts_in_both_languages() -> None:
    """Values of properties can be shown in either language and found from their scheme."""
    data = triples(ROOT / "ontology" / "roles.ttl")
    concepts = [t.subject for t in data if t.predicate == RDF.type and t.object == SKOS.Concept]
    listed = {(t.subject, t.object) for t in data if t.predicate == SKOS.hasTopConcept}
    placed = {(t.object, t.subject) for t in data if t.predicate == SKOS.inScheme}
    assert listed == placed
    for concept in concepts:
        assert any(concept == member for _, member in placed), f"{concept} is in no scheme"
        for predicate in (SKOS.prefLabel, SKOS.definition):
            assert sorted(str(text.language) for text in texts(data, concept, predicate)) == ["de", "en"], concept


def test_the_ontology_says_what_it_is_under_which_licence_and_in_which_version() -> None:
    """The header has title and description in both languages, a licence IRI and a version IRI below its own."""
    data = triples(ROOT / "ontology" / "stadtgraph.ttl")
    itself = ox.NamedNode(SG_NAMESPACE.rstrip("#"))
    assert ox.Triple(itself, RDF.type, OWL.Ontology) in data
    for predicate in (DCT.title, DCT.description):
        assert sorted(str(text.language) for text in texts(data, itself, predicate)) == ["de", "en"]
    licences = [t.object for t in data if t.subject == itself and t.predicate == DCT.license]
    assert licences == [ox.NamedNode("http://creativecommons.org/publicdomain/zero/1.0/")]
    version = next(t.object for t in data if t.subject == itself and t.predicate == OWL.versionIRI)
    number = texts(data, itself, OWL.versionInfo)[0].value
    assert str(version) == f"<{itself.value}/{number}>"


def test_every_axiom_is_inside_owl_2_rl() -> None:
    """Reasoners of the profile, and the product's own rules, understand every axiom."""
    assert profile_violations(triples(*ONTOLOGY)) == []


@pytest.mark.parametrize(
    "axiom",
    [
        "ex:A rdfs:subClassOf [ a owl:Class ; owl:unionOf ( ex:B ex:C ) ] .",
        "ex:A rdfs:subClassOf [ a owl:Restriction ; owl:onProperty ex:p ; owl:maxCardinality 2 ] .",
        "ex:A rdfs:subClassOf owl:Thing .",
        "ex:p a owl:FunctionalProperty .",
        "ex:p a owl:ReflexiveProperty .",
        "ex:q a owl:TransitiveProperty .",
        "ex:q rdfs:range xsd:date .",
        "ex:p rdfs:range xsd:string .",
        "ex:p rdfs:subPropertyOf ex:q .",
        "ex:p owl:inverseOf ex:q .",
        "ex:p owl:equivalentProperty ex:q .",
        "ex:A owl:disjointWith ex:undeclared .",
        "ex:p rdfs:domain ex:undeclared .",
    ],
)
def test_an_axiom_outside_the_profile_is_found(axiom: str) -> None:
    """The profile check can fail: each of these is outside the profile, or outside what the ontology allows itself."""
    names = {"ex": "https://example.org/", "owl": OWL, "rdfs": RDFS, "xsd": XSD}
    prefixes = "".join(f"@prefix {prefix}: <{namespace}> . " for prefix, namespace in names.items())
    declared = "ex:A a owl:Class . ex:B a owl:Class . ex:C a owl:Class . "
    declared += "ex:p a owl:ObjectProperty . ex:q a owl:DatatypeProperty . "
    quads = ox.parse(prefixes + declared + axiom, format=ox.RdfFormat.TURTLE)
    assert profile_violations([quad.triple for quad in quads])


def test_ontology_and_governance_registers_do_not_contradict_each_other() -> None:
    """owlrl's OWL 2 RL closure of ontology, units, posts, roles and responsibilities reports no inconsistency."""
    assert closure_errors(triples(*ONTOLOGY, *GOVERNANCE)) == []


@pytest.mark.slow
def test_ontology_and_all_registers_do_not_contradict_each_other() -> None:
    """The same for every register of the city."""
    assert closure_errors(triples(*ONTOLOGY, *REGISTERS)) == []


def test_a_person_on_a_post_is_a_contradiction() -> None:
    """The closure reports what must never be: a post that is a person."""
    post = ox.NamedNode(f"{BASE}id/post/cdo")
    person = [ox.Triple(post, RDF.type, ORG.Post), ox.Triple(post, RDF.type, FOAF.Person)]
    assert closure_errors([*triples(ROOT / "ontology" / "stadtgraph.ttl"), *person])


def test_every_own_name_used_by_the_city_is_defined() -> None:
    """Registers, shapes and mappings use no term of the ontology's namespace that the ontology does not define."""
    defined = {t.subject.value for t in triples(*ONTOLOGY) if isinstance(t.subject, ox.NamedNode)}
    used: dict[str, str] = {}
    for file in [*REGISTERS, *sorted((ROOT / "shapes").glob("*.ttl"))]:
        for triple in triples(file):
            for term in (triple.subject, triple.predicate, triple.object):
                if isinstance(term, ox.NamedNode) and term.value.startswith(SG_NAMESPACE):
                    used[term.value] = file.name
    for file in sorted((ROOT / "data").rglob("*.rq")):
        query = "\n".join(line for line in file.read_text("utf-8").splitlines() if not line.lstrip().startswith("#"))
        for name in re.findall(r"(?<![\w:])sg:(\w+)", query):
            used[SG_NAMESPACE + name] = file.name
    assert {name: file for name, file in used.items() if name not in defined} == {}


def test_no_own_name_is_a_property_and_a_concept_at_once() -> None:
    """A name of the namespace is either a term or a value, never both."""
    data = triples(*ONTOLOGY)
    concepts = {t.subject for t in data if t.predicate == RDF.type and t.object == SKOS.Concept}
    assert concepts & set(kinds(data)) == set()
    assert SG.responsible in concepts
