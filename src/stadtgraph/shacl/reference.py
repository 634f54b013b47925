"""The door to pySHACL on rdflib: the reference, and what runs where no wheel of the fast engine exists.

https://github.com/RDFLib/pySHACL
"""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import pyoxigraph as ox

from stadtgraph.errors import InputError, ShapeError
from stadtgraph.rdflib_terms import from_rdflib, to_graph, to_rdflib
from stadtgraph.shacl.raw import Raw
from stadtgraph.shacl.shapes import Shapes
from stadtgraph.terms import OWL, SH, Term

if TYPE_CHECKING:
    import rdflib

DEPTH = 200
"""How deeply shapes may refer to shapes; pySHACL's own limit of 15 is met by real profiles."""

_lock = threading.Lock()
_graphs: WeakKeyDictionary[Shapes, rdflib.Graph] = WeakKeyDictionary()


def run(data: Iterable[ox.Triple] | Path, shapes: Shapes) -> Iterator[Raw]:
    """Validate triples, or a file of N-Triples, and give the results."""
    with _as_written():
        import pyshacl

        if shapes not in _graphs:
            _graphs[shapes] = _shapes_graph(shapes)
        try:
            _, found, text = pyshacl.validate(
                _graph(_read(data) if isinstance(data, Path) else data),
                shacl_graph=_graphs[shapes],
                inference="none",
                inplace=True,
                max_validation_depth=DEPTH,
            )
        except Exception as error:
            raise ShapeError("shacl-engine-refuses", engine="pyshacl", problem=error) from error
        if not hasattr(found, "subjects"):
            raise ShapeError("shacl-engine-refuses", engine="pyshacl", problem=text)
        return iter([_raw(found, node) for node in found.objects(None, to_rdflib(SH.result))])


@contextmanager
def _as_written() -> Iterator[None]:
    """Keep rdflib from rewriting literals, and its and pySHACL's warnings and log lines away, for a while."""
    import rdflib

    with _lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before, rdflib.NORMALIZE_LITERALS = rdflib.NORMALIZE_LITERALS, False
        quiet = [logging.getLogger(name) for name in ("rdflib.term", "pyshacl-validate")]
        for log in quiet:
            log.addFilter(_nothing)
        try:
            yield
        finally:
            rdflib.NORMALIZE_LITERALS = before
            for log in quiet:
                log.removeFilter(_nothing)


def _nothing(_: logging.LogRecord) -> bool:
    return False


def _read(file: Path) -> Iterator[ox.Triple]:
    try:
        return (quad.triple for quad in list(ox.parse(path=str(file), format=ox.RdfFormat.N_TRIPLES)))
    except (OSError, SyntaxError) as error:
        raise InputError("shacl-data-unreadable", file=file, problem=error) from error


def _raw(found: rdflib.Graph, node: rdflib.term.Node) -> Raw:
    def value(p: ox.NamedNode) -> Term | None:
        term = found.value(node, to_rdflib(p))
        return None if term is None else from_rdflib(term)

    path, component, severity = value(SH.resultPath), value(SH.sourceConstraintComponent), value(SH.resultSeverity)
    focus, source = value(SH.focusNode), value(SH.sourceShape)
    assert isinstance(component, ox.NamedNode) and isinstance(severity, ox.NamedNode)
    assert focus is not None and source is not None
    return Raw(
        focus=focus,
        path=path if isinstance(path, ox.NamedNode) else None,
        has_path=path is not None,
        component=component,
        value=value(SH.value),
        severity=severity,
        source=source,
        texts=tuple(sorted(str(text) for text in found.objects(node, to_rdflib(SH.resultMessage)))),
    )


def _shapes_graph(shapes: Shapes) -> rdflib.Graph:
    """Give the shapes as pySHACL needs them to be read as the standard says.

    Prefixes of imported ontologies are repeated where they are imported, and a sh:uniqueLang that is not written
    ``true`` is left out (https://www.w3.org/TR/shacl/#UniqueLangConstraintComponent).
    """
    graph = shapes.graph
    stated = [t for t in shapes.triples if t.predicate != SH.uniqueLang or t.object == _TRUE]
    holders = {t.object for t in shapes.triples if t.predicate == SH.prefixes and isinstance(t.object, ox.NamedNode)}
    for holder in holders:
        reached = [holder]
        for here in reached:
            further = (o for o in graph.objects(here, OWL.imports) if isinstance(o, ox.NamedNode))
            reached += [o for o in further if o not in reached]
        stated += [ox.Triple(holder, SH.declare, d) for other in reached for d in graph.objects(other, SH.declare)]
    return _graph(stated)


_TRUE = ox.Literal(True)


def _graph(triples: Iterable[ox.Triple]) -> rdflib.Graph:
    try:
        return to_graph(triples)
    except TypeError as problem:
        raise InputError("shacl-no-triple-terms", term=problem) from problem
