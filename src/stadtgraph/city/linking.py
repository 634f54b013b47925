"""Bring ``graph/links`` of every view up to date: only rules whose selections a change can touch run again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

import pyoxigraph as ox

from stadtgraph.city.derive import hidden_graphs
from stadtgraph.links import (
    RESTRICTED_SOURCE,
    SOURCE,
    Rule,
    Said,
    Selections,
    Statement,
    as_triples,
    decided,
    decisions,
    difference,
    find,
    stored,
)
from stadtgraph.release import Draft, View
from stadtgraph.store import Change, OxigraphEngine, StoredFacts, all_graphs
from stadtgraph.terms import LINKS, RDF, SG, Names


def link(draft: Draft, rules: Sequence[Rule], *, anew: bool = False) -> None:
    """Find the links of every view of the draft, from that view's graphs alone, after the inferences.

    ``anew`` runs every rule; otherwise only those run that a change can touch.
    """
    for view in draft.views:
        _link(draft, view, rules, anew)
        draft.progress(f"link {view}")


def all_links(engine: OxigraphEngine, facts: StoredFacts, rules: Sequence[Rule], names: Names) -> Iterator[ox.Triple]:
    """Give the whole of ``graph/links`` over a store, found from scratch."""
    select, said = Selections(engine), decisions(facts)
    for rule in rules:
        yield from as_triples(rule, decided(rule.iri, find(rule, select), said, facts), names)


def _link(draft: Draft, view: View, rules: Sequence[Rule], anew: bool) -> None:
    names, engine = draft.names, draft.engines[view]
    target = names.graph(LINKS)
    made = StoredFacts(engine.store, all_graphs(engine.store) - {target.value})
    facts = StoredFacts(engine.store, hidden_graphs(draft, view))
    said = decisions(facts)
    changes = [c for c in draft.changes[view] if c.graph != target]
    touched = list(rules) if anew else _touched(rules, made, changes, said, names)
    known = {rule.iri for rule in rules}
    gone = [t.subject for t in made.match(None, RDF.type, SG.LinkRule) if t.subject not in known]
    if not touched and not gone:
        return
    old: list[ox.Triple] = []
    new: list[ox.Triple] = []
    select = Selections(engine)
    for rule in touched:
        old += _part(made, rule.iri, names)
        new += as_triples(rule, decided(rule.iri, find(rule, select), said, facts), names)
        draft.progress(f"link {rule.name}")
    for iri in gone:
        old += _part(made, iri, names)
    more, less = difference(old, new, ())
    if less:  # only then it matters what the other rules state
        kept = (link for rule in rules if rule not in touched for link in stored(made, rule.iri))
        inverses = {rule.iri: rule.inverse for rule in rules}
        more, less = difference(old, new, {t for link in kept for t in link.statements(inverses[link.rule])})
    draft.change_derived(view, target, more, less)


def _touched(
    rules: Sequence[Rule],
    made: StoredFacts,
    changes: Sequence[Change],
    said: Mapping[Statement, Said],
    names: Names,
) -> list[Rule]:
    """Give the rules that are new or changed, whose selections a change may touch, or about whose links was decided."""
    known = {t.subject: t.object for t in made.match(None, SG.digest, None)}
    news = [rule for rule in rules if known.get(rule.iri) != ox.Literal(rule.digest)]
    if len(news) == len(rules) or any(
        change.graph in (names.source(SOURCE), names.source(RESTRICTED_SOURCE)) for change in changes
    ):
        return list(rules)
    ends: dict[ox.NamedNode, set[str]] = {}
    for key, entry in said.items():
        ends.setdefault(entry.rule, set()).update((str(key[0]), str(key[2])))
    terms, subjects = _mentioned(changes, {end.encode() for nodes in ends.values() for end in nodes})
    found = []
    for rule in rules:
        if rule in news or terms & rule.reads or subjects & ends.get(rule.iri, set()):
            found.append(rule)
    return found


def _mentioned(changes: Iterable[Change], asked: Set[bytes]) -> tuple[set[str], set[str]]:
    """Give predicates (and classes, of typing triples) of changed triples, and those ``asked`` for of their subjects.

    All are as N-Triples writes them; the subjects of a large change are too many to be kept.
    """
    terms: set[bytes] = set()
    subjects: set[bytes] = set()
    for change in changes:
        for file in (change.added_file, change.removed_file):
            with file.open("rb") as lines:
                for line in lines:
                    subject, predicate, rest = line.split(b" ", 2)
                    if subject in asked:
                        subjects.add(subject)
                    if predicate == _TYPE:
                        terms.add(rest.rsplit(b" ", 1)[0])
                    else:
                        terms.add(predicate)
    return {t.decode().strip("<>") for t in terms}, {s.decode() for s in subjects}


_TYPE = str(RDF.type).encode()


def _part(made: StoredFacts, rule: ox.NamedNode | ox.BlankNode | ox.Triple, names: Names) -> Iterator[ox.Triple]:
    """Give every triple of ``graph/links`` that a rule made, inverse statements included."""
    assert isinstance(rule, ox.NamedNode)
    yield from made.match(rule, None, None)
    inverse = next((t.object for t in made.match(rule, SG.inverse, None)), None)
    for link in stored(made, rule):
        yield from link.statements(inverse if isinstance(inverse, ox.NamedNode) else None)
        yield from link.description(names)
