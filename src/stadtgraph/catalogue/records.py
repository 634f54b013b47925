"""One exported record: a dataset with all that portals read of it, node by node, in a fixed order.

A page of datasets is read at once, each record is then put together for itself. What the table of properties does
not know stays at home; what it knows but the record lacks or has wrongly is reported, never filled in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Final

import pyoxigraph as ox

from stadtgraph.catalogue.profiles import Profile
from stadtgraph.catalogue.reading import Facts, Reader, is_legal
from stadtgraph.catalogue.rules import Context, rules_of
from stadtgraph.catalogue.values import LITERALS, as_iri, as_literal
from stadtgraph.catalogue.vocabulary import Property, class_of, table
from stadtgraph.terms import DCAT, FOAF, ORG, RDF, VCARD, Namespace, Term

PERSONS: Final = frozenset((FOAF.Person, VCARD.Individual, Namespace("http://schema.org/").Person))
_DEEP: Final = 4
_PAGES_KEPT: Final = 5_000
_TYPE: Final = RDF.type
_SERVICE: Final = DCAT.service
_DISTRIBUTION: Final = DCAT.distribution
_POST: Final = ORG.Post
_DOCUMENT: Final = FOAF.Document
_REACHED: Final = (VCARD.hasEmail, VCARD.hasURL, VCARD.hasTelephone)
_SHARED: Final = frozenset({"Agent", "Kind", "Location", "Standard", "DatasetSeries", "DataService"})


@dataclass(frozen=True, slots=True)
class Withheld:
    """Something that is not exported, and why.

    ``why`` is ``missing`` (the fact ``property`` is not known), ``value`` (its value is not one that portals take),
    ``person`` (it would name a person), ``one`` (only one value may stand) or ``announced`` (the dataset is not
    public). ``what`` is the class of the node that is held back with it, or ``statement`` where it is just the value.
    """

    dataset: ox.NamedNode
    subject: ox.NamedNode
    property: ox.NamedNode
    what: str
    why: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """All that is said of one node: its class by the table, and its triples in order."""

    node: ox.NamedNode
    kind: str
    triples: tuple[ox.Triple, ...]

    @property
    def is_shared(self) -> bool:
        """Tell whether many records may lead to this node, so that a document remembers having described it."""
        return self.kind in _SHARED or (not self.kind and self.triples[0].object != _DOCUMENT)


@dataclass(frozen=True, slots=True)
class Record:
    """A dataset as it is exported. The first block is the dataset itself."""

    iri: ox.NamedNode
    blocks: tuple[Block, ...]
    withheld: tuple[Withheld, ...] = ()

    @property
    def triples(self) -> Iterator[ox.Triple]:
        """The triples, block by block."""
        return (triple for block in self.blocks for triple in block.triples)

    def values(self, p: ox.NamedNode, node: ox.NamedNode | None = None) -> list[Term]:
        """Give the values of a property of the dataset, or of another node."""
        subject = node or self.iri
        return [t.object for b in self.blocks if b.node == subject for t in b.triples if t.predicate == p]

    def of(self, kind: str) -> list[Block]:
        """Give the blocks of a class."""
        return [block for block in self.blocks if block.kind == kind]


@dataclass(slots=True)
class _Parts:
    """What is being put together: the blocks so far, and what was held back."""

    dataset: ox.NamedNode
    blocks: dict[ox.NamedNode, Block | None] = field(default_factory=dict)
    withheld: list[Withheld] = field(default_factory=list)
    refused: set[tuple[ox.NamedNode, str]] = field(default_factory=set)
    """Nodes that could not be put together as a class; as another one they may."""

    def lack(self, subject: ox.NamedNode, p: ox.NamedNode, what: str, why: str, value: object = "") -> None:
        """Note that something is held back."""
        self.withheld.append(Withheld(self.dataset, subject, p, what, why, str(value)[:300]))


class Builder:
    """Puts records together under one profile."""

    def __init__(self, reader: Reader, profile: Profile, is_listed: Callable[[str], bool] = lambda iri: True) -> None:
        """Read by ``reader``; ``is_listed`` tells which datasets are exported, so that none leads to another."""
        self.reader, self.profile, self._is_listed = reader, profile, is_listed
        self.context = Context(reader, profile)
        self._facts: dict[ox.NamedNode, Facts] = {}
        self._blocks: dict[tuple[ox.NamedNode, ox.NamedNode], Block] = {}

    def build(self, datasets: Sequence[ox.NamedNode]) -> Iterator[Record]:
        """Give the record of each dataset that can be exported, in order, and of others what they lack."""
        facts = self._gather(datasets, "Dataset")
        self.context.page(datasets)
        for dataset in datasets:
            parts = _Parts(dataset)
            made = self._compose(dataset, "Dataset", facts, parts, ())
            services = sorted(_iris(facts.get(dataset, {}).get(_SERVICE, ())), key=str)
            if made is not None and not self.context.is_announced(facts[dataset]):
                for service in services:
                    self._compose(service, "DataService", facts, parts, (dataset,))
            yield Record(dataset, tuple(b for b in parts.blocks.values() if b) if made else (), tuple(parts.withheld))

    def single(self, node: ox.NamedNode, kind: str, extra: Facts | None = None) -> Record:
        """Give the record of a node of another class: a service, a series, the catalogue."""
        facts = self._gather([node], kind)
        for p, values in (extra or {}).items():
            facts.setdefault(node, {}).setdefault(p, []).extend(values)
        parts = _Parts(node)
        made = self._compose(node, kind, facts, parts, ())
        return Record(node, tuple(b for b in parts.blocks.values() if b) if made else (), tuple(parts.withheld))

    # ---- reading

    def _gather(self, nodes: Sequence[ox.NamedNode], kind: str) -> dict[ox.NamedNode, Facts]:
        """Read nodes and what they lead to, level by level."""
        if len(self._facts) > _PAGES_KEPT:
            self._facts.clear()
        found = self.reader.describe(nodes)
        if kind == "Dataset":
            self._derive(found, nodes)
        level, visited = dict.fromkeys(nodes, kind), set(nodes)
        for _ in range(_DEEP):
            following: dict[ox.NamedNode, str] = {}
            for node, of in level.items():
                for child, child_kind in self._followed(node, of, found):
                    if child not in visited and is_legal(child.value):
                        following.setdefault(child, child_kind)
            visited.update(following)
            unknown = [child for child in following if child not in found and child not in self._facts]
            described = self.reader.describe(unknown)
            for child, child_kind in following.items():
                if child not in found:
                    found[child] = described[child] if child in described else self._facts[child]
                    if child_kind in _SHARED:
                        self._facts[child] = found[child]
            level = following
            if not level:
                break
        return found

    def _derive(self, found: dict[ox.NamedNode, Facts], datasets: Sequence[ox.NamedNode]) -> None:
        derived: dict[ox.NamedNode, Facts] = {}
        for name in self.profile.queries:
            for triple in self.reader.construct(name, datasets):
                assert isinstance(triple.subject, ox.NamedNode)
                derived.setdefault(triple.subject, {}).setdefault(triple.predicate, []).append(triple.object)
        found.update(self.reader.describe([node for node in derived if node not in found]))
        for node, facts in derived.items():
            for p, values in facts.items():
                known = found.setdefault(node, {}).setdefault(p, [])
                known.extend(value for value in dict.fromkeys(values) if value not in known)

    def _followed(
        self, node: ox.NamedNode, kind: str, found: dict[ox.NamedNode, Facts]
    ) -> Iterator[tuple[ox.NamedNode, str]]:
        facts = found.get(node, {})
        for p, child_kind in _leading(kind):
            if p in facts:
                yield from ((value, child_kind) for value in _iris(facts[p]))

    # ---- putting together

    def _compose(
        self,
        node: ox.NamedNode,
        kind: str,
        found: dict[ox.NamedNode, Facts],
        parts: _Parts,
        above: tuple[ox.NamedNode, ...],
    ) -> Block | None:
        """Put ``node`` and what it leads to into ``parts``; ``None`` where it is held back."""
        if node in parts.blocks:
            return parts.blocks[node]
        if (node, kind) in parts.refused:
            return None
        facts = dict(found.get(node, ()))
        types = facts.get(_TYPE, ())
        if node in above or len(above) > _DEEP or (kind == "Agent" and _POST in types):
            return None
        if any(of in PERSONS for of in types):
            parts.lack(parts.dataset, _TYPE, kind, "person")
            return None
        place = len(parts.blocks)
        parts.blocks[node] = None  # keeps the place of this block before those of its children
        self._rule(node, kind, facts, found, parts, above)
        triples = [ox.Triple(node, _TYPE, class_of(kind))]
        values: list[Block] = []
        inside = (*above, node)
        for p, row in table()[kind].items():
            given = facts.get(p)
            if not given and not row.must:
                continue
            kept = self._values(node, row, given or (), found, parts, inside)
            if not kept and row.must:
                parts.lack(node, p, kind, "value" if given else "missing")
                self._take_out(parts, place, kind)
                return None
            triples += [ox.Triple(node, p, value) for value in kept]
            if row.range is not None:
                values += [self._named(value, row.range) for value in kept if isinstance(value, ox.NamedNode)]
        if kind == "Kind" and not any(triple.predicate in _REACHED for triple in triples):
            parts.lack(node, VCARD.hasEmail, kind, "missing")
            self._take_out(parts, place, kind)
            return None
        if len(triples) == 1 and kind == "PeriodOfTime":
            self._take_out(parts, place, kind)
            return None
        for block in values:
            known = parts.blocks.get(block.node)
            if known is None:
                parts.blocks[block.node] = block
            elif not known.kind and block.triples[0] not in known.triples:
                parts.blocks[block.node] = Block(known.node, "", (*known.triples, *block.triples))
        made = parts.blocks[node] = Block(node, kind, tuple(triples))
        return made

    def _named(self, value: ox.NamedNode, of: ox.NamedNode) -> Block:
        """Give the block of a value that is only named with its class; those of lists come again and again."""
        block = self._blocks.get((value, of))
        if block is None:
            if len(self._blocks) > _PAGES_KEPT:
                self._blocks.clear()
            block = self._blocks[value, of] = Block(value, "", (ox.Triple(value, _TYPE, of),))
        return block

    def _take_out(self, parts: _Parts, place: int, kind: str) -> None:
        """Take a node out again, and what only it led to."""
        first, *others = list(parts.blocks)[place:]
        parts.refused.add((first, kind))
        for node in (first, *others):
            del parts.blocks[node]

    def _rule(
        self,
        node: ox.NamedNode,
        kind: str,
        facts: Facts,
        found: dict[ox.NamedNode, Facts],
        parts: _Parts,
        above: tuple[ox.NamedNode, ...],
    ) -> None:
        """Change ``facts`` by the rules of the profile; those of a dataset know which distributions are exported."""
        self.context.found = found
        if kind == "Dataset":
            if self.context.is_announced(facts):
                for p in (_DISTRIBUTION, DCAT.landingPage):
                    for value in _iris(facts.pop(p, ())):
                        parts.lack(value if p == _DISTRIBUTION else node, p, "Distribution", "announced")
            children = [
                child
                for child in sorted(_iris(facts.get(_DISTRIBUTION, ())), key=str)
                if self._compose(child, "Distribution", found, parts, (*above, node)) is not None
            ]
            self.context.published = children
            if children or _DISTRIBUTION in facts:
                facts[_DISTRIBUTION] = list(children)
        self.context.lack = lambda p, why: parts.lack(node, p, "statement", why)
        for rule in rules_of(kind, self.profile.name):
            rule.apply(node, facts, self.context)

    def _values(
        self,
        node: ox.NamedNode,
        row: Property,
        given: Iterable[Term],
        found: dict[ox.NamedNode, Facts],
        parts: _Parts,
        above: tuple[ox.NamedNode, ...],
    ) -> list[Term]:
        """Give the values that may stand, sorted; of several where one may stand the first by rank."""
        kept: dict[Term, None] = {}
        for value in _sorted(given):
            fitting = self._fitting(row, value, found, parts, above)
            if fitting is not None:
                kept[fitting] = None
            elif not row.follows:
                parts.lack(node, row.iri, "statement", "value", value)
        if len(kept) < 2:
            return list(kept)
        chosen = _sorted(kept)
        if row.single:
            best = self.context.best(row, chosen)
            for value in chosen:
                if value != best:
                    parts.lack(node, row.iri, "statement", "one", value)
            return [best]
        return chosen

    def _fitting(
        self,
        row: Property,
        value: Term,
        found: dict[ox.NamedNode, Facts],
        parts: _Parts,
        above: tuple[ox.NamedNode, ...],
    ) -> Term | None:
        if not row.is_iri or (isinstance(value, ox.Literal) and row.value in LITERALS):
            return as_literal(row, value)
        named = as_iri(row, value)
        if named is None or (row.value == "dataset" and not self._is_listed(named.value)):
            return None
        if row.follows:
            return named if self._compose(named, row.follows, found, parts, above) is not None else None
        return named


@cache
def _leading(kind: str) -> tuple[tuple[ox.NamedNode, str], ...]:
    """Give the properties by which a node leads to others, with the classes of those."""
    found = {p: row.follows for p, row in table().get(kind, {}).items() if row.follows}
    return tuple(({_SERVICE: "DataService"} | found).items())


def _iris(values: Iterable[Term]) -> Iterator[ox.NamedNode]:
    return (value for value in values if isinstance(value, ox.NamedNode))


def _sorted(values: Iterable[Term]) -> list[Term]:
    found = list(dict.fromkeys(values))
    if len(found) > 1:
        found.sort(key=_order)
    return found


def _order(term: Term) -> tuple[int, str, str]:
    """Order values: IRIs before literals, German before English before others."""
    if isinstance(term, ox.Literal):
        return 1, f"{term.language or ''}", str(term)
    return 0, "", str(term)
