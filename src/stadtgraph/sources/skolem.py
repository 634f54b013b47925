"""Give blank nodes names that come from what they say and where they hang, never from a running number.

A name is a hash of the node's *content* (what it says, with the content of the blank nodes below it) and its
*context* (which IRIs point to it by which predicates, and the same of the blank nodes above it, with what these say
themselves). So a new node renames neither its siblings nor anything that is not connected with it by blank nodes.
Nodes in a cycle get theirs by colour refinement inside the cycle. Nodes that hash the same are told apart by an
ordinal; which of them gets which is settled by the shape of the whole connected group of blank nodes, so that labels
and the order of triples have no influence (within a budget for groups of extreme symmetry, beyond which the names
are still right but may depend on the order).

Source: https://www.w3.org/TR/rdf11-concepts/#section-skolemization; the idea of colours is that of A. Hogan,
Canonical Forms for Isomorphic and Equivalent RDF Graphs, 2017, https://doi.org/10.1145/3068333.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

import pyoxigraph as ox

from stadtgraph.sources.colours import Link, Links, Node, connected, digest, distinguished, of_pairs, refined
from stadtgraph.terms import Names

Subject = ox.NamedNode | ox.BlankNode
Term = ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple
LENGTH: Final = 32


def skolemised(triples: Iterable[ox.Triple], names: Names) -> Iterator[ox.Triple]:
    """Give ``triples`` with IRIs ``{base}.well-known/genid/<hash>`` in place of blank nodes.

    Triples without blank nodes pass at once; the others are held and come last.
    """
    held: list[ox.Triple] = []
    for triple in triples:
        if isinstance(triple.subject, ox.BlankNode) or isinstance(triple.object, ox.BlankNode):
            held.append(triple)
        else:
            yield triple
    if held:
        found = {node: names.genid(name) for node, name in hashes(held).items()}
        for triple in held:
            yield ox.Triple(_named(triple.subject, found), triple.predicate, _named(triple.object, found))  # type: ignore[arg-type]


def blank_again(triples: Iterable[ox.Triple], names: Names) -> Iterator[ox.Triple]:
    """Give ``triples`` with blank nodes in place of the IRIs that :func:`skolemised` made."""

    def blank(term: Term) -> Term:
        if isinstance(term, ox.NamedNode) and names.is_genid(term.value):
            return ox.BlankNode("b" + term.value.rpartition("/")[2])
        return term

    for triple in triples:
        yield ox.Triple(blank(triple.subject), triple.predicate, blank(triple.object))  # type: ignore[arg-type]


def hashes(triples: Iterable[ox.Triple]) -> dict[Node, str]:
    """Give each blank node's label in ``triples`` its own hash of 32 hexadecimal digits."""
    links = _links(triples)
    order = _components(links)
    content = _contents(links, order)
    keys = _keys(links, order, content)
    ordinals = _ordinals(links, keys)
    return {node: digest(keys[node], str(ordinals[node]))[:LENGTH] for node in links}


def _links(triples: Iterable[ox.Triple]) -> Links:
    links: defaultdict[Node, Link] = defaultdict(Link)
    for triple in triples:
        subject, predicate, target = triple.subject, triple.predicate.value, triple.object
        if isinstance(subject, ox.BlankNode) and isinstance(target, ox.BlankNode):
            links[subject.value].below.add((predicate, target.value))
            links[target.value].above.add((predicate, subject.value))
        elif isinstance(subject, ox.BlankNode):
            links[subject.value].says.add((predicate, str(target)))
        elif isinstance(target, ox.BlankNode):
            links[target.value].said.add((predicate, str(subject)))
    return dict(links)


def _components(links: Links) -> list[list[Node]]:
    """Give the strongly connected components, those below before those above (Tarjan, without recursion)."""
    index: dict[Node, int] = {}
    low: dict[Node, int] = {}
    stack: list[Node] = []
    waiting: set[Node] = set()
    found: list[list[Node]] = []
    for root in links:
        work = [] if root in index else [(root, iter(_enter(root, links, index, low, stack, waiting)))]
        while work:
            node, targets = work[-1]
            target = next(targets, None)
            if target is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    found.append(_taken(node, stack, waiting))
            elif target not in index:
                work.append((target, iter(_enter(target, links, index, low, stack, waiting))))
            elif target in waiting:
                low[node] = min(low[node], index[target])
    return found


def _enter(
    node: Node, links: Links, index: dict[Node, int], low: dict[Node, int], stack: list[Node], waiting: set[Node]
) -> list[Node]:
    index[node] = low[node] = len(index)
    stack.append(node)
    waiting.add(node)
    return [target for _, target in links[node].below]


def _taken(node: Node, stack: list[Node], waiting: set[Node]) -> list[Node]:
    taken: list[Node] = []
    while not taken or taken[-1] != node:
        taken.append(stack.pop())
        waiting.discard(taken[-1])
    return taken


def _contents(links: Links, order: list[list[Node]]) -> dict[Node, str]:
    """Hash what each node says, deeply: the nodes below come first."""
    content: dict[Node, str] = {}
    for members in order:
        inside = set(members)
        first = {
            node: digest(
                of_pairs(links[node].says),
                of_pairs(
                    (predicate, content[target]) for predicate, target in links[node].below if target not in inside
                ),
            )
            for node in members
        }
        content.update(refined(first, links))
    return content


def _keys(links: Links, order: list[list[Node]], content: dict[Node, str]) -> dict[Node, str]:
    """Hash content and context: the nodes above come first.

    What a node above says counts without its other blank nodes, so that a new sibling renames none.
    """
    keys: dict[Node, str] = {}
    places: dict[Node, str] = {}
    for members in reversed(order):
        inside = set(members)
        hanging = {
            node: digest(
                of_pairs(links[node].said),
                of_pairs(
                    (predicate, places[source]) for predicate, source in links[node].above if source not in inside
                ),
            )
            for node in members
        }
        mixed = refined({node: digest(content[node], hanging[node]) for node in members}, links)
        for node in members:
            shallow = of_pairs(links[node].says) if len(members) == 1 else mixed[node]
            places[node] = digest(shallow, hanging[node])
        keys.update(mixed)
    return keys


def _ordinals(links: Links, keys: dict[Node, str]) -> dict[Node, int]:
    """Number the nodes that share a key, by what tells their connected groups apart."""
    sharing: defaultdict[str, list[Node]] = defaultdict(list)
    for node, key in keys.items():
        sharing[key].append(node)
    ordinals = dict.fromkeys(keys, 0)
    twins = [nodes for nodes in sharing.values() if len(nodes) > 1]
    if not twins:
        return ordinals
    groups: dict[Node, str] = {}
    for node in (node for nodes in twins for node in nodes):
        if node not in groups:
            groups.update((member, keys[member]) for member in connected(node, links, links))
    ranks = distinguished(groups, links)
    for nodes in twins:
        for ordinal, node in enumerate(sorted(nodes, key=ranks.__getitem__)):
            ordinals[node] = ordinal
    return ordinals


def _named(term: Term, found: dict[Node, ox.NamedNode]) -> Term:
    return found[term.value] if isinstance(term, ox.BlankNode) else term
