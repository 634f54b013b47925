"""The outcome of a validation, the same value from every engine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pyoxigraph as ox

from stadtgraph.terms import SH, Term

SEVERITIES: Mapping[ox.NamedNode, int] = {SH.Debug: 0, SH.Trace: 0, SH.Info: 1, SH.Warning: 2, SH.Violation: 3}
"""How grave a severity is; one that SHACL does not know counts as a violation."""


def gravity(severity: ox.NamedNode) -> int:
    """Give how grave ``severity`` is, from 0 to 3."""
    return SEVERITIES.get(severity, 3)


@dataclass(frozen=True, slots=True)
class Result:
    """One finding (https://www.w3.org/TR/shacl/#results-validation-result)."""

    shape: ox.NamedNode
    """The nearest shape that has an IRI of its own."""
    focus: Term
    path: str | None
    """The result path as SPARQL writes it: ``<iri>`` for a plain property."""
    component: ox.NamedNode
    value: Term | None
    severity: ox.NamedNode
    messages: Mapping[str, str] = field(hash=False)
    """Language → text; the empty language where the shape gives none."""
    source: ox.NamedNode
    """The shape that the result is of: a blank-node property shape by the name it was given."""

    @property
    def is_violation(self) -> bool:
        """Whether the severity is that of a violation, or one that SHACL does not know."""
        return gravity(self.severity) >= gravity(SH.Violation)

    @property
    def predicate(self) -> ox.NamedNode | None:
        """The property of a plain path; ``None`` where there is no path, or a complex one."""
        plain = self.path is not None and self.path.startswith("<") and self.path.find(">") == len(self.path) - 1
        return ox.NamedNode(self.path[1:-1]) if plain and self.path is not None else None

    @property
    def key(self) -> str:
        """What the finding is known by: the same from run to run, whatever the order or the labels of blank shapes.

        It is made from source shape, focus node, path, component and value; several results may share one.
        """
        parts = (self.source, self.focus, self.path or "", self.component, self.value or "")
        return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:16]

    def message(self, lang: str = "en") -> str:
        """Give the text in ``lang``, else without a language, else in English or any other."""
        for wanted in (lang, "", "en", *sorted(self.messages)):
            if wanted in self.messages:
                return self.messages[wanted]
        return ""

    def sort_key(self) -> tuple[str, ...]:
        """What results are ordered by: shape, focus node, path, component, value, severity, source."""
        parts = (self.shape, self.focus, self.path or "", self.component, self.value or "", self.severity, self.source)
        return (*map(str, parts), str(sorted(self.messages.items())))


@dataclass(frozen=True, slots=True)
class Report:
    """All findings of one validation, in a fixed order."""

    results: tuple[Result, ...] = ()

    @classmethod
    def of(cls, results: Iterable[Result]) -> Report:
        """Order results into a report."""
        return cls(tuple(sorted(results, key=Result.sort_key)))

    @property
    def conforms(self) -> bool:
        """Whether there is no result of any severity (https://www.w3.org/TR/shacl/#conforms)."""
        return not self.results

    @property
    def worst(self) -> ox.NamedNode | None:
        """The gravest severity; ``None`` where the data conform."""
        found = sorted({r.severity for r in self.results}, key=lambda s: (-gravity(s), str(s)))
        return found[0] if found else None

    def fails(self, at: ox.NamedNode) -> bool:
        """Tell whether any result is as grave as ``at`` or graver."""
        return any(gravity(r.severity) >= gravity(at) for r in self.results)

    def by_shape(self) -> dict[ox.NamedNode, tuple[Result, ...]]:
        """Give the results of each shape, in the order of the shapes' IRIs."""
        groups: dict[ox.NamedNode, list[Result]] = {}
        for result in self.results:
            groups.setdefault(result.shape, []).append(result)
        return {shape: tuple(groups[shape]) for shape in sorted(groups, key=str)}

    def for_focus(self, nodes: Iterable[Term]) -> Report:
        """Give the report on some focus nodes alone."""
        wanted = set(nodes)
        return Report(tuple(r for r in self.results if r.focus in wanted))

    def __len__(self) -> int:
        return len(self.results)
