"""A catalogue as framed JSON-LD: the catalogue holds its datasets, each of them its distributions, agents and places.

The terms are those of the context of DCAT-AP 3, written into each document, so that no reader has to fetch one.
Source: https://www.w3.org/TR/json-ld11-framing/
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Final

import pyoxigraph as ox

from stadtgraph.catalogue.records import Block, Record
from stadtgraph.catalogue.vocabulary import CLASSES, PREFIXES, VALUE_CLASSES, Property, iri, table
from stadtgraph.terms import RDF, XSD, Term

_TYPED: Final = {
    "whole": XSD.nonNegativeInteger.value,
    "decimal": XSD.decimal.value,
    "duration": XSD.duration.value,
    "hex": XSD.hexBinary.value,
}
_HYDRA: Final = PREFIXES["hydra"]
Node = dict[str, Any]


@cache
def context() -> Mapping[str, Any]:
    """Give the context: prefixes, names of classes, and for each property its IRI, kind of value and whether a list."""
    found: dict[str, Any] = dict(PREFIXES)
    found |= {term: iri(name).value for name, term in CLASSES.values()}
    found |= {term: iri(name).value for name, term in VALUE_CLASSES.items()}
    for rows in table().values():
        for row in rows.values():
            entry = found.setdefault(name_of(row), {"@id": row.iri.value})
            if row.is_iri:
                entry["@type"] = "@id"
            elif row.value in _TYPED:
                entry["@type"] = _TYPED[row.value]
            if not row.single:
                entry["@container"] = "@set"
    for term, name in (("dataset", "dcat:dataset"), ("service", "dcat:service")):
        found[term] = {"@id": iri(name).value, "@type": "@id", "@container": "@set"}
    return found


def name_of(row: Property) -> str:
    """Give the name of a property in JSON-LD: its term, or its prefixed name."""
    return row.term or row.name


class _Tree:
    """Makes trees of nodes; what a document describes already is named only."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def tree(self, blocks: Iterable[Block]) -> tuple[Node, list[Block]]:
        """Give the first block as a tree with the others in it, and those that it does not lead to."""
        given = list(blocks)
        new = {block.node.value: block for block in given if hash(block) not in self._seen}
        self._seen.update(hash(block) for block in given if block.is_shared)
        root = given[0]
        new.pop(root.node.value, None)
        made = self._node(root, new)
        return made, [block for block in given if block.node.value in new]

    def _node(self, block: Block, new: dict[str, Block]) -> Node:
        node: Node = {"@id": block.node.value}
        rows = table().get(block.kind, {})
        for triple in block.triples:
            if triple.predicate == RDF.type:
                _add(node, "@type", _class_name(triple.object), many=False)
                continue
            row = rows[triple.predicate]
            name = name_of(row)
            many = "@container" in context()[name]
            _add(node, name, self._value(row, triple.object, new), many=many)
        return node

    def _value(self, row: Property, value: Term, new: dict[str, Block]) -> Any:
        if isinstance(value, ox.Literal):
            return _literal(value, _TYPED.get(row.value))
        assert isinstance(value, ox.NamedNode)
        child = new.pop(value.value, None)
        return value.value if child is None else self._node(child, new)


def _add(node: Node, name: str, value: Any, *, many: bool) -> None:
    if name not in node:
        node[name] = [value] if many else value
    elif isinstance(node[name], list):
        node[name].append(value)
    else:
        node[name] = [node[name], value]


def _literal(value: ox.Literal, coerced: str | None = None) -> Any:
    if value.language:
        return {"@value": value.value, "@language": value.language}
    datatype = value.datatype.value
    if datatype in (XSD.string.value, coerced) and (coerced is None or datatype == coerced):
        return value.value
    return {"@value": value.value, "@type": datatype}


@cache
def _class_names() -> Mapping[str, str]:
    names = {iri(name).value: term for name, term in CLASSES.values()}
    return names | {iri(name).value: term for name, term in VALUE_CLASSES.items()}


def _class_name(of: Term) -> str:
    assert isinstance(of, ox.NamedNode)
    return _class_names().get(of.value, of.value)


def record_json(record: Record) -> Node:
    """Give one record as a document of its own."""
    made, rest = _Tree().tree(record.blocks)
    included = [_Tree().tree([block])[0] for block in rest if block.kind == "DataService"]
    return {"@context": context(), **made} | ({"@included": included} if included else {})


def write_json(head: Record, records: Iterable[Record], before: Iterable[ox.Triple]) -> Iterator[bytes]:
    """Write a catalogue as one tree: its own statements, its datasets as they come, its services."""
    trees = _Tree()
    own, rest = trees.tree(head.blocks)
    services: dict[str, Any] = {}
    for block in rest:
        if block.kind == "DataService":
            services[block.node.value] = _alone(block, rest)
    pages = _plain(before)
    yield f'{{"@context":{_text(context())},'.encode()
    if pages:
        yield f'"@graph":[{",".join(map(_text, pages))},{{'.encode()
    yield _text(own)[1:-1].encode()
    yield b',"dataset":['
    comma = b"\n"
    for record in records:
        if record.blocks:
            made, rest = trees.tree(record.blocks)
            for service in record.of("DataService"):
                services.setdefault(service.node.value, service.node.value)
            for block in rest:
                if block.kind == "DataService":
                    services[block.node.value] = _alone(block, rest)
            yield comma + _text(made).encode()
            comma = b",\n"
    yield f'],"service":[{",".join(_text(services[name]) for name in sorted(services))}]}}'.encode()
    yield b"]}\n" if pages else b"\n"


def _alone(block: Block, rest: Iterable[Block]) -> Node:
    """Give a service with what only it leads to."""
    others = [other for other in rest if other.node != block.node and other.kind != "DataService"]
    return _Tree().tree([block, *others])[0]


def _plain(triples: Iterable[ox.Triple]) -> list[Node]:
    """Give the statements on paging as nodes."""
    nodes: dict[str, Node] = {}
    for triple in triples:
        node = nodes.setdefault(str(triple.subject)[1:-1], {"@id": str(triple.subject)[1:-1]})
        value = triple.object
        if triple.predicate == RDF.type:
            _add(node, "@type", _compact(str(value)[1:-1]), many=False)
        else:
            given = _literal(value) if isinstance(value, ox.Literal) else {"@id": str(value)[1:-1]}
            _add(node, _compact(triple.predicate.value), given, many=False)
    return list(nodes.values())


def _compact(name: str) -> str:
    return f"hydra:{name.removeprefix(_HYDRA)}" if name.startswith(_HYDRA) else name


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
