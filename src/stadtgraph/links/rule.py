"""A link rule: two selections, what must agree, and which links follow; read from Turtle.

::

    <id/link-rule/soil-sensor-tree> a sg:LinkRule ;
        rdfs:label "Bodensensor und nächster Baum"@de , "Soil sensor and nearest tree"@en ;
        sg:left "SELECT ?item ?place { … }" ; sg:right "SELECT ?item ?place { … }" ;
        sg:makes sg:nearestTree ;
        sg:choose sg:best ;
        sg:threshold 0.5 ;
        sg:compare [ a sg:Distance ; sg:variable "place" ; sg:limit 15 ] .
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from stadtgraph.errors import InputError
from stadtgraph.links.normal import FORMS
from stadtgraph.reason import TripleIndex
from stadtgraph.sources import read_rdf
from stadtgraph.sparql.outline import outline, resolve
from stadtgraph.sparql.tokens import Kind, Place, Token, code, tokenize
from stadtgraph.terms import PREFIXES, RDF, RDFS, SG, SG_NAMESPACE

KINDS: Final = ("Key", "Label", "Distance", "Nearest", "Within", "TimeOverlap", "DaysApart", "Differs", "Latest")
NARROW: Final = ("Differs", "Latest")
CHOICES: Final = ("all", "best", "mutual")
_A: Final = RDF.type


@dataclass(frozen=True, slots=True)
class Comparison:
    """One thing in which two items must agree.

    ``left`` and ``right`` are the variables compared; ``form`` the normal form of texts; ``limit`` metres, days, or
    the lowest similarity of labels; ``required`` tells whether a pair without it is none.
    """

    kind: str
    left: str
    right: str
    form: tuple[str, str] = ("asWritten", "asWritten")
    weight: float = 1.0
    limit: float = 0.0
    required: bool = True
    number: int = 1


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule. ``reads`` are the IRIs its selections name: a change of triples with other predicates cannot matter."""

    iri: ox.NamedNode
    file: str
    left: str
    right: str
    makes: ox.NamedNode
    compare: tuple[Comparison, ...]
    inverse: ox.NamedNode | None = None
    choose: str = "all"
    threshold: float = 0.0
    reads: frozenset[str] = frozenset()
    about: tuple[ox.Triple, ...] = ()

    @property
    def name(self) -> str:
        """The last part of the IRI."""
        return self.iri.value.rsplit("/", 1)[-1]

    @property
    def digest(self) -> str:
        """What changes when the rule changes."""
        parts = (self.left, self.right, self.makes, self.inverse, self.compare, self.choose, self.threshold)
        return hashlib.sha256(repr((parts, sorted(map(str, self.about)))).encode()).hexdigest()[:16]

    def concerns(self, triple: ox.Triple) -> bool:
        """Tell whether a change of ``triple`` can change the links of this rule."""
        if triple.predicate == _A:
            return isinstance(triple.object, ox.NamedNode) and triple.object.value in self.reads
        return triple.predicate.value in self.reads


def load_rules(folder: Path, base: str) -> tuple[Rule, ...]:
    """Read every ``*.ttl`` of ``folder``; a rule that cannot be used raises :class:`InputError` naming file and part.

    Rules may not read what a rule makes: then the order of rules and of changes would matter.
    """
    rules = [rule for path in sorted(folder.glob("*.ttl")) for rule in read_rules(path, base)]
    made = {iri.value: rule for rule in rules for iri in (rule.makes, rule.inverse) if iri is not None}
    for rule in rules:
        for iri in sorted(rule.reads & made.keys()):
            raise InputError("links-cycle", file=rule.file, rule=rule.name, property=iri, maker=made[iri].name)
    names = [rule.iri for rule in rules]
    for name in names:
        if names.count(name) > 1:
            raise InputError("links-double", rule=name.value)
    return tuple(rules)


def read_rules(path: Path, base: str) -> Iterable[Rule]:
    """Read the rules of one file."""
    facts = TripleIndex(read_rdf(path, "ttl", base))
    found = [t.subject for t in facts.match(None, _A, SG.LinkRule)]
    if not found:
        raise InputError("links-no-rule", file=path.name)
    for iri in sorted(found, key=str):
        if not isinstance(iri, ox.NamedNode):
            raise InputError("links-no-iri", file=path.name)
        yield _Reader(facts, path.name, iri, base).rule()


@dataclass(frozen=True, slots=True)
class _Reader:
    facts: TripleIndex
    file: str
    iri: ox.NamedNode
    base: str

    def rule(self) -> Rule:
        left, right = self._selection("left"), self._selection("right")
        compare = tuple(self._comparison(node) for node in self._objects(self.iri, "compare"))
        if not compare:
            raise self._error("compare", "sg:compare [ a sg:Key ; … ]")
        makes = self._iri("makes")
        if makes is None:
            raise self._error("makes", "sg:makes <property>")
        choose = self._choice(self.iri, "choose", CHOICES, "all")
        ordered = tuple(sorted(compare, key=lambda c: (not c.required, KINDS.index(c.kind), c.left, c.right, c.form)))
        if not ordered[0].required or ordered[0].kind in NARROW:
            raise self._error("required", "one required comparison that finds pairs")
        return Rule(
            self.iri,
            self.file,
            left,
            right,
            makes,
            ordered,
            self._iri("inverse"),
            choose,
            self._number(self.iri, "threshold", 0.0),
            self._reads(left) | self._reads(right),
            tuple(self._about()),
        )

    def _about(self) -> Iterable[ox.Triple]:
        yield ox.Triple(self.iri, _A, SG.LinkRule)
        for predicate in (RDFS.label, RDFS.comment, RDFS.seeAlso, SG.makes, SG.inverse):
            yield from self.facts.match(self.iri, predicate, None)

    def _selection(self, key: str) -> str:
        text = self._text(self.iri, key)
        if text is None:
            raise self._error(key, 'sg:left "SELECT ?item … { … }"')
        read = outline(text, self.base, PREFIXES)
        if read.form != "SELECT" or read.has_dataset or "?item" not in text:
            raise self._error(key, "SELECT ?item …")
        return text

    def _reads(self, text: str) -> frozenset[str]:
        """Give every IRI that a selection names; a variable as a predicate is refused, for it reads everything."""
        found, tokens = set(), code(tokenize(text))
        if _reads_everything(tokens):
            raise self._error("left/right", "?item <property> ?value …")
        for token in tokens:
            if token.kind == Kind.IRI:
                found.add(resolve(token.text, self.base) or "")
            elif token.kind == Kind.PNAME:
                prefix, _, name = token.text.partition(":")
                found.add(PREFIXES.get(prefix, "") + name)
        return frozenset(found)

    def _comparison(self, node: object) -> Comparison:
        kind = next((t.object for t in self.facts.match(node, _A, None)), None)  # type: ignore[arg-type]
        name = kind.value.removeprefix(SG_NAMESPACE) if isinstance(kind, ox.NamedNode) else ""
        if name not in KINDS:
            raise self._error("compare", " | ".join(f"sg:{k}" for k in KINDS))
        both = self._text(node, "variable") or "value"
        form = self._choice(node, "form", tuple(FORMS), "asWritten")
        return Comparison(
            name,
            self._text(node, "leftVariable") or both,
            self._text(node, "rightVariable") or both,
            (
                self._choice(node, "leftForm", tuple(FORMS), form),
                self._choice(node, "rightForm", tuple(FORMS), form),
            ),
            self._number(node, "weight", 1.0),
            self._number(node, "limit", 0.9 if name == "Label" else 0.0),
            self._text(node, "required") != "false",
            int(self._number(node, "number", 1)),
        )

    def _objects(self, node: object, key: str) -> list[object]:
        return [t.object for t in self.facts.match(node, SG.term(key), None)]  # type: ignore[arg-type]

    def _text(self, node: object, key: str) -> str | None:
        return next((o.value for o in self._objects(node, key) if isinstance(o, ox.Literal)), None)

    def _iri(self, key: str) -> ox.NamedNode | None:
        return next((o for o in self._objects(self.iri, key) if isinstance(o, ox.NamedNode)), None)

    def _number(self, node: object, key: str, otherwise: float) -> float:
        text = self._text(node, key)
        try:
            number = otherwise if text is None else float(text)
        except ValueError:
            number = -1.0
        if not 0 <= number < 1e9:
            raise self._error(key, "0, 0.9, 15 …")
        return number

    def _choice(self, node: object, key: str, known: Sequence[str], otherwise: str) -> str:
        found = [o for o in self._objects(node, key) if isinstance(o, ox.NamedNode)]
        name = found[0].value.removeprefix(SG_NAMESPACE) if found else otherwise
        if name not in known:
            raise self._error(key, " | ".join(f"sg:{k}" for k in known))
        return name

    def _error(self, part: str, expected: str) -> InputError:
        return InputError("links-bad", file=self.file, rule=self.iri.value, part=part, expected=expected)


_TERMS: Final = frozenset({Kind.VARIABLE, Kind.IRI, Kind.PNAME, Kind.BNODE})


def _reads_everything(tokens: Sequence[Token]) -> bool:
    """Tell whether a variable stands as a predicate, or a path says "any but": such a query reads every triple."""
    for before, first, second in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if first.place is not Place.GROUP:
            continue
        if before.text in ("{", ".", "}") and first.kind in _TERMS and second.kind is Kind.VARIABLE:
            return True
        if before.text == ";" and first.kind is Kind.VARIABLE:
            return True
    classes = pairwise(tokens)
    if any(t.text in ("a", "rdf:type") and after.kind is Kind.VARIABLE for t, after in classes):
        return True
    return any(t.text == "!" and t.place is Place.GROUP for t in tokens)
