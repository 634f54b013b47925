"""The door to the package `shacl`, the fast engine. https://pypi.org/project/shacl/"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import pyoxigraph as ox

from stadtgraph.errors import InputError, ShapeError
from stadtgraph.shacl.conditions import with_lean_conditions
from stadtgraph.shacl.raw import Raw
from stadtgraph.shacl.shapes import Shapes
from stadtgraph.terms import SH, Term

if TYPE_CHECKING:
    import shacl

_compiled: WeakKeyDictionary[Shapes, shacl.Shapes] = WeakKeyDictionary()
_offsets: WeakKeyDictionary[Shapes, int] = WeakKeyDictionary()
_PLAIN_PATH = re.compile(r"<([^<>]*)>")
_PROBE = """
<urn:stadtgraph:probe> <http://www.w3.org/ns/shacl#targetSubjectsOf> <urn:stadtgraph:probe-property> .
<urn:stadtgraph:probe> <http://www.w3.org/ns/shacl#nodeKind> <http://www.w3.org/ns/shacl#IRI> .
<urn:stadtgraph:probe> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <http://www.w3.org/ns/shacl#NodeShape> .
"""


def run(data: Iterable[ox.Triple] | Path, shapes: Shapes) -> Iterator[Raw]:
    """Validate triples, or a file of N-Triples, and give the results."""
    found = bounded(data, shapes, None)
    assert found is not None
    return found


def bounded(data: Iterable[ox.Triple] | Path, shapes: Shapes, most: int | None) -> Iterator[Raw] | None:
    """Do what :func:`run` does, but stop, and give ``None``, where there are ``most`` results or more."""
    compiled = _compile(shapes)
    lines: Path | str
    if isinstance(data, Path):
        lines = data
    else:
        text = ox.serialize(data, format=ox.RdfFormat.N_TRIPLES)
        assert text is not None
        lines = text.decode()
    results = _validated(lines, compiled, most).results
    if most is not None and len(results) >= most:
        return None
    terms = _terms({text for r in results for text in (r.focus_node, r.value, r.source_shape) if text is not None})
    blank = [label for label, term in terms.items() if isinstance(term, ox.BlankNode)]
    if blank:
        terms.update(_own_labels(blank, lines, shapes))
    return (_raw(result, terms) for result in results)


def _raw(result: shacl.Result, terms: dict[str, Term]) -> Raw:
    plain = _PLAIN_PATH.fullmatch(result.path) if result.path else None
    return Raw(
        focus=terms[result.focus_node],
        path=ox.NamedNode(plain[1]) if plain else None,
        has_path=bool(result.path),
        component=ox.NamedNode(result.component_iri),
        value=terms[result.value] if result.value is not None else None,
        severity=ox.NamedNode(result.severity_iri),
        source=terms[result.source_shape or "<urn:stadtgraph:unknown>"],
        texts=tuple(result.messages),
    )


def _compile(shapes: Shapes) -> shacl.Shapes:
    if shapes not in _compiled:
        import shacl

        try:
            _compiled[shapes] = shacl.Shapes.from_text(_text(shapes), "ntriples")
        except ValueError as error:
            raise ShapeError("shacl-engine-refuses", engine="shacl", problem=error) from error
    return _compiled[shapes]


def _text(shapes: Shapes) -> str:
    """Give the shapes without the messages that are taken from the graph: copying them costs more than checking.

    Messages of queries and of components stay, for the engine fills them in.
    """
    if any(t.predicate == SH.parameter for t in shapes.graph.triples):
        return shapes.text
    graph = with_lean_conditions(shapes.graph)
    kept = (
        t
        for t in graph.triples
        if t.predicate != SH.message or not graph.is_shape(t.subject) or graph.objects(t.subject, SH.sparql)
    )
    return ox.serialize(sorted(kept, key=str), format=ox.RdfFormat.N_TRIPLES).decode()  # type: ignore[union-attr]


def _validated(data: Path | str, compiled: shacl.Shapes, most: int | None) -> shacl.Report:
    try:
        if isinstance(data, str):
            return compiled.validate_text(data, "ntriples", max_results=most)
        if data.suffix == ".nt":
            return compiled.validate_file(str(data), max_results=most)
        return compiled.validate_text(data.read_text("utf-8"), "ntriples", max_results=most)
    except OSError as error:
        raise InputError("shacl-data-unreadable", file=data, problem=error) from error
    except ValueError as error:
        if str(error).startswith("parse error"):
            where = data if isinstance(data, Path) else "data"
            raise InputError("shacl-data-unreadable", file=where, problem=error) from error
        raise ShapeError("shacl-engine-refuses", engine="shacl", problem=error) from error


def _terms(texts: Iterable[str]) -> dict[str, Term]:
    """Read terms from N-Triples syntax, all in one document."""
    listed = list(texts)
    lines = "".join(f"<urn:x> <urn:x> {text} .\n" for text in listed)
    quads = ox.parse(lines.encode(), format=ox.RdfFormat.N_TRIPLES)
    return dict(zip(listed, (quad.object for quad in quads), strict=True))


def _own_labels(blank: list[str], data: str | Path, shapes: Shapes) -> dict[str, Term]:
    """Give the blank nodes that the engine's labels stand for.

    The engine drops labels and numbers blank nodes in the order of the documents, those of the shapes first.
    """
    first = _offset(shapes)
    content = data.read_bytes() if isinstance(data, Path) else data.encode()
    order: dict[ox.BlankNode, None] = {}
    for quad in ox.parse(content, format=ox.RdfFormat.N_TRIPLES):
        for term in (quad.subject, quad.object):
            if isinstance(term, ox.BlankNode):
                order[term] = None
    nodes = list(order)
    numbers = {label: int(label.rpartition("_b")[2]) - first for label in blank}
    return {label: nodes[number] for label, number in numbers.items() if 0 <= number < len(nodes)}


def _offset(shapes: Shapes) -> int:
    """Give the number of the first blank node of the data: asked of the engine, with a node of our own."""
    if shapes not in _offsets:
        import shacl

        probing = shacl.Shapes.from_text(_text(shapes) + _PROBE, "ntriples")
        report = probing.validate_text("_:probe <urn:stadtgraph:probe-property> <urn:stadtgraph:probe> .", "ntriples")
        label = next(r.focus_node for r in report.results if r.source_shape == "<urn:stadtgraph:probe>")
        _offsets[shapes] = int(label.rpartition("_b")[2])
    return _offsets[shapes]
