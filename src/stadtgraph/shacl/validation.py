"""Validates data against shapes, with whichever engine, into the same report."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyoxigraph as ox

from stadtgraph.shacl import fast
from stadtgraph.shacl.engines import engine
from stadtgraph.shacl.isolated import Limits, run_isolated
from stadtgraph.shacl.raw import Raw
from stadtgraph.shacl.report import Report, Result
from stadtgraph.shacl.shapes import Shapes
from stadtgraph.shacl.texts import Texts
from stadtgraph.terms import Term

UNKNOWN = ox.NamedNode("urn:stadtgraph:unknown")


def validate(
    triples: Iterable[ox.Triple] | str | Path,
    shapes: Shapes,
    focus: Iterable[Term] | None = None,
    using: str | None = None,
    isolated: Limits | None = None,
) -> Report:
    """Validate data as their owner wrote them, and give the report (https://www.w3.org/TR/shacl/).

    ``triples`` are the data graph, or the path of a file of N-Triples. Give them as written: a store of Oxigraph
    rewrites literals. With ``focus`` the report speaks of those focus nodes alone; the data may then be their
    neighbourhood. ``using`` names the engine: ``shacl`` (fast) or ``pyshacl`` (reference); ``None`` takes the fast
    one where it exists. With ``isolated``, or where the shapes demand it, it runs in a process of its own, which is
    ended at these limits: for shapes that others wrote. Raises :class:`ShapeError` where the engine refuses the
    shapes, :class:`InputError` where the file cannot be read, :class:`UsageError` where the engine is not there.
    """
    data = Path(triples) if isinstance(triples, str) else triples
    report = Report.of(results_of(data, shapes, using, isolated))
    return report if focus is None else report.for_focus(focus)


def results_of(
    data: Iterable[ox.Triple] | Path, shapes: Shapes, using: str | None = None, isolated: Limits | None = None
) -> list[Result]:
    """Do what :func:`validate` does, and give the results in no order: to order very many takes as long again."""
    chosen, limits = engine(using), isolated or shapes.isolated
    found = run_isolated(data, shapes, chosen.package, limits) if limits else chosen.run(data, shapes)
    speaking = Texts(shapes.graph)
    return [_result(shapes, raw, speaking) for raw in found]


def few_results(data: Path, shapes: Shapes, most: int) -> list[Result] | None:
    """Do what :func:`results_of` does with the fast engine, but stop, and give ``None``, at ``most`` results."""
    found = fast.bounded(data, shapes, most)
    speaking = Texts(shapes.graph)
    return [_result(shapes, raw, speaking) for raw in found] if found is not None else None


def _result(shapes: Shapes, raw: Raw, speaking: Texts) -> Result:
    path = None
    if raw.path is not None:
        path = str(raw.path)
    elif raw.has_path:
        path = shapes.path(raw.source)
    return Result(
        shape=shapes.root(raw.source) or UNKNOWN,
        focus=raw.focus,
        path=path,
        component=raw.component,
        value=raw.value,
        severity=raw.severity,
        messages=speaking.of(raw, path),
        source=raw.source if isinstance(raw.source, ox.NamedNode) else UNKNOWN,
    )
