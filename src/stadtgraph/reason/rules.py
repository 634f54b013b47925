"""The compiled rules: for every predicate all that one triple with it entails, and the same read backwards.

All rules but transitivity have a single data premise, so their chains (subproperty, inverse, symmetry,
domain, range, superclass) are composed once, when the ontology is compiled. Closing data is then one
look-up a triple.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import pyoxigraph as ox

from stadtgraph.reason import closure, proof, update
from stadtgraph.reason.axioms import Axioms, Many, is_axiom, read_axioms
from stadtgraph.reason.derivation import Step, steps
from stadtgraph.reason.facts import Facts, Node
from stadtgraph.reason.proof import Premise, reach
from stadtgraph.terms import Term

__all__ = ["Effect", "Premise", "Rules", "Step", "Way", "compile_rules"]

NOTHING: frozenset[ox.NamedNode] = frozenset()


@dataclass(frozen=True, slots=True)
class Effect:
    """All that ``s p o`` entails for one ``p``, transitivity aside."""

    same: tuple[ox.NamedNode, ...]
    """q of ``s q o``."""
    flipped: tuple[ox.NamedNode, ...]
    """q of ``o q s``."""
    subject_types: frozenset[ox.NamedNode]
    object_types: frozenset[ox.NamedNode]

    def for_literals(self) -> Effect | None:
        """Give what is left where the object is a literal and nothing was read backwards in between."""
        rest = Effect(self.same, (), self.subject_types, NOTHING)
        return rest if rest else None

    def __bool__(self) -> bool:
        return bool(self.same or self.flipped or self.subject_types or self.object_types)


@dataclass(frozen=True, slots=True)
class Way:
    """One way to come by a property or a type: triples with ``predicate``, read backwards where ``flipped``."""

    predicate: ox.NamedNode
    flipped: bool
    literals: bool
    """Whether it is open to triples whose object is a literal, which cannot be read backwards in between."""

    def takes(self, o: Term) -> bool:
        """Tell whether triples with the object ``o`` go this way."""
        return self.literals or isinstance(o, Node)


@dataclass(frozen=True, slots=True)
class Rules:
    """An ontology, compiled. Immutable; give it facts."""

    axioms: Axioms
    effects: dict[ox.NamedNode, Effect]
    literal_effects: dict[ox.NamedNode, Effect]
    """The same for triples whose object is a literal."""
    ways: dict[ox.NamedNode, tuple[Way, ...]]
    """For every property that can be derived, the ways to it from one asserted triple."""
    givers: dict[ox.NamedNode, tuple[Way, ...]]
    """For every class, the predicates that type their subject (or, flipped, their object) with it."""
    classes: frozenset[ox.NamedNode]
    """The classes that can be derived or that entail others."""

    @property
    def predicates(self) -> frozenset[ox.NamedNode]:
        """The predicates whose triples entail anything; a change of other triples has no effect."""
        return frozenset(self.effects) | self.axioms.transitive

    def effect(self, triple: ox.Triple) -> Effect | None:
        """Give what a triple alone entails."""
        table = self.effects if isinstance(triple.object, Node) else self.literal_effects
        return table.get(triple.predicate)

    def supers(self, name: Term) -> frozenset[ox.NamedNode]:
        """Give the proper superclasses of a class."""
        return self.axioms.super_classes.get(name, NOTHING) if isinstance(name, ox.NamedNode) else NOTHING

    def infer(self, facts: Facts) -> Iterator[ox.Triple]:
        """Give every triple that follows from ``facts`` and is not among them, once each, as a stream."""
        return closure.infer(self, facts)

    def update(
        self, facts: Facts, inferred: Facts, added: Iterable[ox.Triple], removed: Iterable[ox.Triple]
    ) -> tuple[list[ox.Triple], list[ox.Triple]]:
        """Give what to add to and what to remove from ``inferred`` after a change of the facts.

        ``facts`` already hold the change, ``inferred`` is the closure from before it. The result is exactly
        what inferring everything again would give; the cost grows with the neighbourhood of the change
        (with everything, where the ontology states values by owl:hasValue). A change of axioms
        (:func:`stadtgraph.reason.is_axiom`) asks for new rules and a full run instead.
        """
        return update.update(self, facts, inferred, added, removed)

    def explain(self, triple: ox.Triple, facts: Facts) -> list[Premise]:
        """Give the rules and premises of one derivation of ``triple``; empty where it does not follow.

        Conclusions from owl:hasValue are not explained.
        """
        return proof.explain(self, triple, facts)

    def derive(self, triple: ox.Triple, facts: Facts) -> tuple[Step, ...]:
        """Give one derivation of ``triple`` step by step, down to stated triples; empty where it does not follow.

        As :meth:`explain`, with what each rule concludes from which earlier steps.
        """
        return steps(proof.explain(self, triple, facts), self.axioms.stated, triple)


def compile_rules(schema: Iterable[ox.Triple]) -> Rules:
    """Compile the axioms among ``schema`` (the ontology graphs; other triples in it are passed over).

    The rules of the last few ontologies are kept, so that compiling the same axioms again costs next to nothing.
    """
    return _compiled(frozenset(triple for triple in schema if is_axiom(triple)))


@lru_cache(maxsize=4)
def _compiled(stated: frozenset[ox.Triple]) -> Rules:
    axioms = read_axioms(stated)
    properties = _properties(axioms)
    effects = {p: effect for p in properties if (effect := _effect(p, axioms))}
    literal_effects = {p: effect for p in properties if (effect := _effect(p, axioms, literal=True))}
    ways: dict[ox.NamedNode, list[Way]] = {p: [] for p in axioms.transitive}
    givers: dict[ox.NamedNode, list[Way]] = {}
    for p, effect in effects.items():
        for names, target, flipped in (
            (effect.same, ways, False),
            (effect.flipped, ways, True),
            (effect.subject_types, givers, False),
            (effect.object_types, givers, True),
        ):
            for name in names:
                open_ = not flipped and p in literal_effects and _gives(literal_effects[p], name)
                target.setdefault(name, []).append(Way(p, flipped, open_))
    derivable = frozenset(givers).union(*axioms.super_classes.values())
    return Rules(
        axioms=axioms,
        effects=effects,
        literal_effects=literal_effects,
        ways={name: tuple(found) for name, found in ways.items()},
        givers={name: tuple(found) for name, found in givers.items()},
        classes=derivable
        | frozenset(axioms.super_classes)
        | {c for c, _, _ in axioms.forces}
        | {c for _, _, c in axioms.recognises},
    )


def _properties(axioms: Axioms) -> list[ox.NamedNode]:
    tables: tuple[Many, ...] = (axioms.super_properties, axioms.domains, axioms.ranges, axioms.inverses)
    named = {p for table in tables for p in table} | axioms.symmetric | axioms.transitive
    named |= {p for _, p, _ in axioms.forces} | {p for p, _, _ in axioms.recognises}
    return sorted(named, key=lambda p: p.value)


def _gives(effect: Effect, name: ox.NamedNode) -> bool:
    return name in effect.same or name in effect.subject_types


def _effect(start: ox.NamedNode, axioms: Axioms, literal: bool = False) -> Effect:
    reached = reach(start, axioms, literal)
    subjects: set[ox.NamedNode] = set()
    objects: set[ox.NamedNode] = set()
    for reading in reached:
        front, back = (objects, subjects) if reading.flipped else (subjects, objects)
        front |= axioms.domains.get(reading.predicate, NOTHING)
        back |= axioms.ranges.get(reading.predicate, NOTHING)
    return Effect(
        same=tuple(r.predicate for r in reached if not r.flipped and r.predicate != start),
        flipped=tuple(r.predicate for r in reached if r.flipped),
        subject_types=_upwards(subjects, axioms),
        object_types=NOTHING if literal else _upwards(objects, axioms),
    )


def _upwards(classes: set[ox.NamedNode], axioms: Axioms) -> frozenset[ox.NamedNode]:
    return frozenset(classes).union(*(axioms.super_classes.get(c, NOTHING) for c in classes))
