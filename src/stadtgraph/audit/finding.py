"""What an audit finds, and the rules that it was found by: values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache, cached_property
from typing import Final

import pyoxigraph as ox

from stadtgraph.shacl import Result, Shapes, gravity
from stadtgraph.terms import RDFS, SG, SH, Term

NO_GROUP: Final = "other"


class Status(StrEnum):
    """What became of a finding since an earlier release."""

    NEW = "new"
    STILL = "still"
    MENDED = "mended"
    ACCEPTED = "accepted"


@dataclass(frozen=True, slots=True)
class Rule:
    """One shape as people know it: its name, what to do next, who does it, what it brings and where it stands."""

    shape: ox.NamedNode
    names: Mapping[str, str] = field(default_factory=dict, hash=False)
    remedies: Mapping[str, str] = field(default_factory=dict, hash=False)
    group: str = NO_GROUP
    role: ox.NamedNode | None = None
    points: int = 0
    sources: tuple[ox.NamedNode, ...] = ()

    def name(self, lang: str = "en") -> str:
        """Give the name of the rule, or the last part of its IRI."""
        return chosen(self.names, lang) or short(self.shape)

    def remedy(self, lang: str = "en") -> str:
        """Give the next step that mends a finding."""
        return chosen(self.remedies, lang)


@dataclass(frozen=True, slots=True)
class Place:
    """Who answers for a focus node: unit, post and coach, and the dataset it belongs to."""

    unit: ox.NamedNode | None = None
    post: ox.NamedNode | None = None
    coach: ox.NamedNode | None = None
    dataset: ox.NamedNode | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken rule at one node, with who mends it. ``key`` stays the same from release to release."""

    key: str
    result: Result
    rule: Rule
    place: Place = Place()
    graph: str = ""
    status: Status = Status.NEW

    @property
    def shape(self) -> ox.NamedNode:
        """The shape that was broken."""
        return self.result.shape

    @property
    def severity(self) -> ox.NamedNode:
        """The severity of the shape."""
        return self.result.severity

    @property
    def gravity(self) -> int:
        """How grave the finding is, from 0 to 3."""
        return gravity(self.result.severity)

    @property
    def focus(self) -> Term:
        """The node that breaks the rule."""
        return self.result.focus

    @property
    def path(self) -> str | None:
        """The path from the focus node to the value, as SPARQL writes it."""
        return self.result.path

    @property
    def value(self) -> Term | None:
        """The value that is wrong; ``None`` where one is missing."""
        return self.result.value

    @property
    def unit(self) -> ox.NamedNode | None:
        """The unit that answers for it."""
        return self.place.unit

    @property
    def post(self) -> ox.NamedNode | None:
        """The post that mends it; ``None`` where it is not known."""
        return self.place.post

    @property
    def coach(self) -> ox.NamedNode | None:
        """The coach who helps."""
        return self.place.coach

    @property
    def dataset(self) -> ox.NamedNode | None:
        """The dataset that the focus node is or belongs to."""
        return self.place.dataset

    @property
    def role(self) -> ox.NamedNode | None:
        """The role that mends it."""
        return self.rule.role

    @property
    def group(self) -> str:
        """The group of rules."""
        return self.rule.group

    @property
    def points(self) -> int:
        """What mending brings in the score of data.europa.eu."""
        return self.rule.points

    def message(self, lang: str = "en") -> str:
        """Give what is wrong, in words."""
        return self.result.message(lang) or self.rule.name(lang)

    def remedy(self, lang: str = "en") -> str:
        """Give the next step."""
        return self.rule.remedy(lang)

    def order(self) -> tuple[object, ...]:
        """What findings are ordered by: grave ones first, then shape and focus node."""
        return -self.gravity, self.shape.value, str(self.focus), self.key


def chosen(texts: Mapping[str, str], lang: str) -> str:
    """Give the text in ``lang``, else without a language, else in English or any other.

    >>> chosen({"de": "Baum", "en": "tree"}, "de"), chosen({"de": "Baum"}, "en"), chosen({}, "en")
    ('Baum', 'Baum', '')
    """
    for wanted in (lang, "", "en", *sorted(texts)):
        if texts.get(wanted):
            return texts[wanted]
    return ""


def short(term: Term | None, base: str = "") -> str:
    """Give a term as a person reads it: a literal bare, an IRI below the base, or its last part.

    >>> short(ox.NamedNode("https://x/jena/id/unit/ksj"), "https://x/jena/")
    'unit/ksj'
    """
    if term is None:
        return ""
    if isinstance(term, ox.NamedNode):
        if "/.well-known/genid/" in term.value:
            return f"_:{term.value.rpartition('/')[2][:8]}"
        if base and term.value.startswith(base):
            return term.value.removeprefix(base).removeprefix("id/")
        return term.value if base else term.value.rstrip("/#").replace("#", "/").rpartition("/")[2]
    return term.value if isinstance(term, ox.Literal) else str(term)


class Rules:
    """The rules of a shapes graph, each read once."""

    def __init__(self, shapes: Shapes) -> None:
        """Read from ``shapes`` when asked."""
        self._graph = shapes.graph
        self.of = cache(self._read)

    @cached_property
    def groups(self) -> frozenset[str]:
        """The groups that a finding may be of."""
        named = (t.object for t in self._graph.triples if t.predicate == SG.group)
        return frozenset({NO_GROUP, *(short(group) for group in named)})

    @cached_property
    def severities(self) -> frozenset[ox.NamedNode]:
        """The severities that a finding may have."""
        named = (t.object for t in self._graph.triples if t.predicate == SH.severity)
        return frozenset({SH.Violation, *(s for s in named if isinstance(s, ox.NamedNode))})

    def _read(self, shape: ox.NamedNode, source: ox.NamedNode | None = None) -> Rule:
        """Give the rule of ``source`` where it says what to do, else that of the ``shape`` around it."""
        node = source if source is not None and self._graph.objects(source, SH.name) else shape
        group = self._iri(node, SG.group) or self._iri(shape, SG.group)
        return Rule(
            shape,
            self._texts(node, SH.name) or self._texts(shape, SH.name),
            self._texts(node, SG.remedy) or self._texts(shape, SG.remedy),
            short(group) if group else NO_GROUP,
            self._iri(node, SG.mendedBy) or self._iri(shape, SG.mendedBy),
            self._number(node, SG.mqaPoints) or self._number(shape, SG.mqaPoints),
            tuple(self._iris(node, RDFS.seeAlso) or self._iris(shape, RDFS.seeAlso)),
        )

    def _iris(self, node: Term, p: ox.NamedNode) -> list[ox.NamedNode]:
        return sorted((o for o in self._graph.objects(node, p) if isinstance(o, ox.NamedNode)), key=str)

    def _iri(self, node: Term, p: ox.NamedNode) -> ox.NamedNode | None:
        return next(iter(self._iris(node, p)), None)

    def _texts(self, node: Term, p: ox.NamedNode) -> dict[str, str]:
        found = (o for o in self._graph.objects(node, p) if isinstance(o, ox.Literal))
        return {o.language or "": o.value for o in sorted(found, key=str)}

    def _number(self, node: Term, p: ox.NamedNode) -> int:
        found = self._graph.first(node, p)
        return int(found.value) if isinstance(found, ox.Literal) and found.value.lstrip("-").isdigit() else 0


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A risk that somebody accepted: one finding by its key, or a shape at a focus node; why, until when, by whom."""

    iri: ox.NamedNode
    key: str = ""
    shape: ox.NamedNode | None = None
    focus: Term | None = None
    reasons: Mapping[str, str] = field(default_factory=dict, hash=False)
    until: str = ""
    role: ox.NamedNode | None = None

    def covers(self, finding: Finding, today: str) -> bool:
        """Tell whether it holds for ``finding`` on the day ``today``; a risk without an end holds for good."""
        if self.until and self.until < today:
            return False
        if self.key:
            return self.key == finding.key
        return self.shape == finding.shape and self.focus in (None, finding.focus) and self.shape is not None


def languages(literals: Iterator[Term]) -> dict[str, str]:
    """Give literals as language → text."""
    return {o.language or "": o.value for o in literals if isinstance(o, ox.Literal)}


__all__ = ["NO_GROUP", "Acceptance", "Finding", "Place", "Rule", "Rules", "Status", "chosen", "languages", "short"]
