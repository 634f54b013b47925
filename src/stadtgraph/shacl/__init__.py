"""Validates triples against shapes, the same way with two engines: `shacl` (fast) and pySHACL (reference).

::

    shapes = load_shapes(["shapes/"], base)              # checked and compiled once
    report = validate(triples, shapes)                   # a value: report.conforms, report.results
    report = validate(triples, gate(shapes))             # the shapes marked sg:gate true alone

Blank-node shapes get names made from their content, and messages their languages back, so that a result says
which shape it came from and what is wrong, whichever engine found it.
"""

from stadtgraph.shacl.engines import ENGINES
from stadtgraph.shacl.incremental import Incremental
from stadtgraph.shacl.lint import Problem, lint
from stadtgraph.shacl.report import Report, Result, gravity
from stadtgraph.shacl.shapes import Shapes, gate, load_shapes
from stadtgraph.shacl.validation import validate

__all__ = [
    "ENGINES",
    "Incremental",
    "Problem",
    "Report",
    "Result",
    "Shapes",
    "gate",
    "gravity",
    "lint",
    "load_shapes",
    "validate",
]
