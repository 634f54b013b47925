"""Finds out whether a SPARQL constraint looks at the surroundings of ``$this`` alone, and at which.

It does where every triple pattern hangs on ``$this``, or on an IRI as its subject, by variables that are certain to
be bound there. What is only optional binds nothing for what stands outside; a branch of UNION binds nothing for the
others; a sub-select sees ``$this`` alone. A constraint of which this cannot be shown is evaluated in full.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pyoxigraph as ox

from stadtgraph.shacl.paths import Automaton, Path
from stadtgraph.shacl.patterns import THIS, Group, Item, Nested, Option, Pattern, Union, Variable


class NotLocal(ValueError):
    """A pattern does not hang on ``$this``."""


@dataclass(slots=True)
class Locality:
    """Lays the patterns of one constraint into an automaton, from the state of ``$this``."""

    automaton: Automaton
    this: int
    constants: list[tuple[int, ox.NamedNode]] = field(default_factory=list)
    """The states of IRIs that patterns start at."""
    _states: dict[tuple[int, Variable], int] = field(default_factory=dict)
    _scopes: int = 0

    def lay(self, group: Group) -> None:
        """Lay all patterns of a query; raises :class:`NotLocal`."""
        self._group(group, frozenset({THIS}), frozenset(), 0)

    def _group(
        self, group: Group, bound: frozenset[Variable], joined: frozenset[Variable], scope: int
    ) -> frozenset[Variable]:
        """Lay a group, and give the variables that it binds for certain.

        ``bound`` are replaced by their values before it is evaluated, ``joined`` are what its solutions are joined
        with afterwards: those do for triple patterns, but OPTIONAL and EXISTS inside do not see them.
        """
        own: frozenset[Variable] = frozenset()
        waiting: list[Pattern] = []
        for part in group.parts:
            if isinstance(part, Pattern):
                waiting.append(part)
            elif isinstance(part, Option):
                waiting, own = self._settle(waiting, bound, own, scope)
                if waiting:
                    raise NotLocal(str(waiting[0]))
                self._group(part.groups[0], bound, own, scope)
            elif isinstance(part, Nested):
                self._scopes += 1
                self._group(part.groups[0], frozenset({THIS}), frozenset(), self._scopes)
            else:
                waiting, own = self._settle(waiting, bound, own, scope)
                own |= self._union(part, bound, joined | own, scope)
        waiting, own = self._settle(waiting, bound, own, scope)
        anchored = own
        if waiting:
            waiting, anchored = self._settle(waiting, bound | joined, own, scope)
            if waiting:
                raise NotLocal(str(waiting[0]))
        for inner in group.exists:
            self._group(inner, bound | anchored, frozenset(), scope)
        return anchored

    def _union(
        self, part: Union, bound: frozenset[Variable], joined: frozenset[Variable], scope: int
    ) -> frozenset[Variable]:
        certain = [self._group(group, bound, joined, scope) for group in part.groups]
        return frozenset.intersection(*certain)

    def _settle(
        self, waiting: list[Pattern], known: frozenset[Variable], own: frozenset[Variable], scope: int
    ) -> tuple[list[Pattern], frozenset[Variable]]:
        """Lay the patterns that hang on a known variable, and those that hang on them."""
        while True:
            left: list[Pattern] = []
            for pattern in waiting:
                if self._lay(pattern, known | own, scope):
                    own |= {item for item in (pattern.subject, pattern.object) if isinstance(item, Variable)}
                else:
                    left.append(pattern)
            if len(left) == len(waiting):
                return left, own
            waiting = left

    def _lay(self, pattern: Pattern, known: frozenset[Variable], scope: int) -> bool:
        s, o = pattern.subject, pattern.object
        if isinstance(s, Variable) and s in known:
            self._join(self._state(s, scope), pattern.path, o, scope, False)
        elif isinstance(o, Variable) and o in known:
            self._join(self._state(o, scope), pattern.path, s, scope, True)
        elif isinstance(s, ox.NamedNode):
            start = self.automaton.state()
            self.constants.append((start, s))
            self._join(start, pattern.path, o, scope, False)
        else:
            return False
        return True

    def _join(self, start: int, path: Path, end: Item, scope: int, back: bool) -> None:
        there = self._state(end, scope) if isinstance(end, Variable) else self.automaton.state()
        self.automaton.path(start, path, there, back)

    def _state(self, variable: Variable, scope: int) -> int:
        if variable == THIS:
            return self.this
        key = (scope, variable)
        if key not in self._states:
            self._states[key] = self.automaton.state()
        return self._states[key]
