"""Random core shapes over literals on which SHACL engines have been seen to differ."""

from __future__ import annotations

import pyoxigraph as ox
from hypothesis import strategies as st

from stadtgraph.terms import RDF, SH, XSD, Term

X = "http://x/"


def name(text: str) -> ox.NamedNode:
    """Give a name of the test's own."""
    return ox.NamedNode(X + text)


def typed(text: str, datatype: str) -> ox.Literal:
    """Give a literal of an XSD datatype, well-formed or not."""
    return ox.Literal(text, datatype=ox.NamedNode(str(XSD) + datatype))


LITERALS: list[Term] = [
    ox.Literal("a"),
    ox.Literal(""),
    ox.Literal("Straße"),
    ox.Literal("line\nline"),
    ox.Literal("a", language="en"),
    ox.Literal("a", language="en-us"),
    ox.Literal("a", language="de-at"),
    ox.Literal("b", language="de"),
    typed("5", "integer"),
    typed("05", "integer"),
    typed("5", "int"),
    typed("5.0", "decimal"),
    typed("5", "decimal"),
    typed("-7", "nonNegativeInteger"),
    typed("7", "nonNegativeInteger"),
    typed("300", "byte"),
    typed("abc", "integer"),
    typed("1", "boolean"),
    typed("true", "boolean"),
    typed("maybe", "boolean"),
    typed("2024-13-01", "date"),
    typed("2024-01-01", "date"),
    typed("2024-01-01T00:00:00Z", "dateTime"),
    typed("2024-01-01T00:00:00+02:00", "dateTime"),
    typed("2024-01-01T00:00:00", "dateTime"),
    typed("NaN", "double"),
    typed("5", "double"),
    typed("2024", "gYear"),
    typed("P1Y", "duration"),
    typed("http://x/a", "anyURI"),
]
NODES: list[ox.NamedNode | ox.BlankNode] = [name("n1"), name("n2"), ox.BlankNode("b1"), ox.BlankNode("b2")]
PROPERTIES = [name("p"), name("q")]
CLASSES = [name("C"), name("D")]
DATATYPES = [
    "string",
    "integer",
    "int",
    "byte",
    "nonNegativeInteger",
    "decimal",
    "boolean",
    "date",
    "dateTime",
    "double",
]
DATATYPES += ["gYear", "duration", "anyURI"]
PATTERNS = ["^a", "a$", "^$", "^[0-9]+$", ".", "ß"]

links = st.builds(
    ox.Triple, st.sampled_from(NODES), st.sampled_from(PROPERTIES), st.sampled_from([*LITERALS, *LITERALS, *NODES])
)
types = st.builds(ox.Triple, st.sampled_from(NODES), st.just(RDF.type), st.sampled_from(CLASSES))
data = st.lists(st.one_of(links, links, links, types), max_size=12, unique=True)


def _sh(local: str) -> ox.NamedNode:
    return ox.NamedNode(str(SH) + local)


def _one(parameter: str, values: list[Term]) -> st.SearchStrategy[tuple[str, Term]]:
    return st.tuples(st.just(parameter), st.sampled_from(values))


small = [typed(str(i), "integer") for i in range(3)]
limits: list[Term] = [typed("5", "integer"), typed("5.5", "decimal"), typed("2024-01-01", "date")]
limits += [typed("2024-01-01T00:00:00Z", "dateTime")]
constraint = st.one_of(
    _one("minCount", list(small)),
    _one("maxCount", list(small)),
    _one("datatype", [ox.NamedNode(str(XSD) + d) for d in DATATYPES]),
    _one("nodeKind", [_sh(k) for k in ("IRI", "BlankNode", "Literal", "BlankNodeOrIRI", "IRIOrLiteral")]),
    _one("class", list(CLASSES)),
    _one("hasValue", [*LITERALS, name("n1")]),
    _one("pattern", [ox.Literal(p) for p in PATTERNS]),
    _one("minLength", list(small)),
    _one("maxLength", list(small)),
    _one("minInclusive", limits),
    _one("maxExclusive", limits),
    _one("uniqueLang", [ox.Literal(True)]),
    _one("equals", [name("q")]),
    _one("disjoint", [name("q")]),
    _one("lessThan", [name("q")]),
    _one("lessThanOrEquals", [name("q")]),
)
lists = st.one_of(
    st.tuples(st.just("in"), st.lists(st.sampled_from([*LITERALS, name("n1")]), min_size=1, max_size=4)),
    st.tuples(st.just("languageIn"), st.lists(st.sampled_from([ox.Literal("en"), ox.Literal("de")]), min_size=1)),
)


@st.composite
def shapes(draw: st.DrawFn) -> list[ox.Triple]:
    """Draw one node shape with one property shape of a few constraints."""
    node, inner = name("Shape"), name("Property")
    triples = [
        ox.Triple(node, RDF.type, SH.NodeShape),
        *(ox.Triple(node, SH.targetClass, c) for c in CLASSES),
        ox.Triple(node, SH.targetNode, name("n1")),
        ox.Triple(node, SH.property, inner),
        ox.Triple(inner, SH.path, name("p")),
    ]
    chosen = dict(draw(st.lists(constraint, min_size=1, max_size=3)))
    triples += [ox.Triple(inner, _sh(parameter), value) for parameter, value in chosen.items()]
    if draw(st.booleans()):
        parameter, members = draw(lists)
        triples += _listed(inner, _sh(parameter), members)
    return triples


def _listed(node: ox.NamedNode, p: ox.NamedNode, members: list[Term]) -> list[ox.Triple]:
    cells = [ox.BlankNode(f"cell{i}") for i in range(len(members))]
    triples = [ox.Triple(node, p, cells[0])]
    for i, member in enumerate(members):
        rest = cells[i + 1] if i + 1 < len(cells) else RDF.nil
        triples += [ox.Triple(cells[i], RDF.first, member), ox.Triple(cells[i], RDF.rest, rest)]
    return triples
