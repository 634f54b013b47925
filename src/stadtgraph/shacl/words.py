"""The words of SHACL: which terms exist, and what each of them takes. https://www.w3.org/TR/shacl/"""

from __future__ import annotations

from typing import Final

import pyoxigraph as ox

from stadtgraph.terms import SH


def _sh(name: str) -> ox.NamedNode:
    return ox.NamedNode(str(SH) + name)


SHAPE_LINKS: Final = (SH.property, SH.node, _sh("not"), SH.qualifiedValueShape)
"""Parameters whose value is a shape."""
SHAPE_LISTS: Final = (_sh("and"), _sh("or"), SH.xone)
"""Parameters whose value is a list of shapes."""
LISTS: Final = (*SHAPE_LISTS, _sh("in"), SH.languageIn, SH.ignoredProperties)
PATHS: Final = (SH.inversePath, SH.alternativePath, SH.zeroOrMorePath, SH.oneOrMorePath, SH.zeroOrOnePath)
TARGETS: Final = (
    SH.targetClass,
    SH.targetNode,
    SH.targetSubjectsOf,
    SH.targetObjectsOf,
    SH.target,
    SH.targetWhere,
)
SINGLE: Final = (
    SH.path,
    SH.datatype,
    SH.nodeKind,
    SH.minCount,
    SH.maxCount,
    SH.minExclusive,
    SH.minInclusive,
    SH.maxExclusive,
    SH.maxInclusive,
    SH.minLength,
    SH.maxLength,
    SH.languageIn,
    SH.uniqueLang,
    SH.qualifiedValueShape,
    SH.qualifiedMinCount,
    SH.qualifiedMaxCount,
    _sh("in"),
    SH.closed,
    SH.deactivated,
    SH.severity,
)
"""Parameters of which a shape has at most one value (https://www.w3.org/TR/shacl/#shacl-shacl)."""
COUNTS: Final = (
    SH.minCount,
    SH.maxCount,
    SH.minLength,
    SH.maxLength,
    SH.qualifiedMinCount,
    SH.qualifiedMaxCount,
)
"""Parameters whose value is a non-negative integer."""
FLAGS: Final = (SH.uniqueLang, SH.closed, SH.deactivated, SH.qualifiedValueShapesDisjoint)
"""Parameters whose value is true or false."""
IRIS: Final = (
    _sh("class"),
    SH.datatype,
    SH.nodeKind,
    SH.equals,
    SH.disjoint,
    SH.lessThan,
    SH.lessThanOrEquals,
    SH.targetSubjectsOf,
    SH.targetObjectsOf,
    SH.severity,
)
"""Parameters whose value is an IRI."""
PROPERTY_ONLY: Final = (
    SH.minCount,
    SH.maxCount,
    SH.uniqueLang,
    SH.lessThan,
    SH.lessThanOrEquals,
    SH.qualifiedValueShape,
)
"""Parameters that a node shape must not have."""
NODE_KINDS: Final = (
    SH.IRI,
    SH.BlankNode,
    SH.Literal,
    SH.BlankNodeOrIRI,
    SH.BlankNodeOrLiteral,
    SH.IRIOrLiteral,
)

_NAMES: Final = """
AbstractResult BlankNode BlankNodeOrIRI BlankNodeOrLiteral ConstraintComponent Function IRI IRIOrLiteral Info
Literal NodeKind NodeShape Parameter Parameterizable PrefixDeclaration PropertyGroup PropertyShape ResultAnnotation
Rule SPARQLAskExecutable SPARQLAskValidator SPARQLConstraint SPARQLConstructExecutable SPARQLExecutable SPARQLFunction
SPARQLRule SPARQLSelectExecutable SPARQLSelectValidator SPARQLTarget SPARQLTargetType SPARQLUpdateExecutable Severity
Shape Target TargetType TripleRule ValidationReport ValidationResult Validator Violation Warning Debug Trace

alternativePath and annotationProperty annotationValue annotationVarName ask class closed condition conforms
construct datatype deactivated declare defaultValue description detail disjoint entailment equals expression
filterShape flags focusNode group hasValue ignoredProperties in intersection inversePath labelTemplate languageIn
lessThan lessThanOrEquals maxCount maxExclusive maxInclusive maxLength memberShape message minCount minExclusive
minInclusive minLength name namespace node nodeKind nodeShape nodeValidator nodes not object oneOrMorePath optional
or order parameter path pattern predicate prefix prefixes property propertyValidator qualifiedMaxCount
qualifiedMinCount qualifiedValueShape qualifiedValueShapesDisjoint reifierShape reificationRequired result
resultAnnotation resultMessage resultPath resultSeverity returnType rule select severity shape shapesGraph
shapesGraphWellFormed singleLine sourceConstraint sourceConstraintComponent sourceShape sparql subject
suggestedShapesGraph target targetClass targetNode targetObjectsOf targetSubjectsOf targetWhere this union uniqueLang
uniqueMembers minListLength maxListLength someValue rootClass subsetOf update validator value values xone
zeroOrMorePath zeroOrOnePath
"""

_COMPONENTS: Final = tuple(
    """
And Class Closed Datatype Disjoint Equals Expression HasValue In LanguageIn LessThan LessThanOrEquals MaxCount
MaxExclusive MaxInclusive MaxLength MinCount MinExclusive MinInclusive MinLength Node NodeKind Not Or Pattern
Property QualifiedMaxCount QualifiedMinCount QualifiedValueShape SPARQL UniqueLang Xone
""".split()  # noqa: SIM905
)

COMPONENTS: Final = frozenset(_sh(f"{name}ConstraintComponent") for name in _COMPONENTS)
KNOWN: Final = frozenset(_sh(name) for name in _NAMES.split()) | COMPONENTS

_SCRIPT_NAMES: Final = (
    "js",
    "jsFunctionName",
    "jsLibrary",
    "jsLibraryURL",
    "JSConstraint",
    "JSConstraintComponent",
    "JSExecutable",
    "JSFunction",
    "JSLibrary",
    "JSRule",
    "JSTarget",
    "JSTargetType",
    "JSValidator",
)
SCRIPTS: Final = frozenset(_sh(name) for name in _SCRIPT_NAMES)
"""Terms of SHACL's JavaScript extension, which is refused: shapes are data, not programs."""

PARAMETER_OF: Final = {
    _sh(f"{name}ConstraintComponent"): _sh(name[0].lower() + name[1:])
    for name in _COMPONENTS
    if name not in ("QualifiedMaxCount", "QualifiedMinCount", "SPARQL")
} | {
    SH.QualifiedMinCountConstraintComponent: SH.qualifiedMinCount,
    SH.QualifiedMaxCountConstraintComponent: SH.qualifiedMaxCount,
    SH.SPARQLConstraintComponent: SH.sparql,
}
"""The parameter that a built-in component reads."""
