"""Validates triples against shapes, the same way with two engines: `shacl` (fast) and pySHACL (reference).

::

    shapes = load_shapes(["shapes/"], base)              # checked and compiled once
    report = validate(triples, shapes)                   # a value: report.conforms, report.results
    report = validate(triples, gate(shapes))             # the shapes marked sg:gate true alone
    report = validate(triples, shapes, isolated=Limits(seconds=30))     # shapes of others, in a process of its own
    report = Incremental(shapes).update(facts, report, added, removed)  # after a change

Blank-node shapes get names made from their content, and messages their languages back, so that a result says
which shape it came from and what is wrong, whichever engine found it.
"""

from stadtgraph.shacl.command import Outcome, judge
from stadtgraph.shacl.engines import ENGINES
from stadtgraph.shacl.incremental import Delta, Incremental
from stadtgraph.shacl.isolated import Limits
from stadtgraph.shacl.lint import Problem, lint
from stadtgraph.shacl.paths import TooFar
from stadtgraph.shacl.portions import portions_of
from stadtgraph.shacl.rdf import report_triples
from stadtgraph.shacl.reach import reach_of
from stadtgraph.shacl.report import Report, Result, gravity
from stadtgraph.shacl.shapes import Shapes, gate, load_shapes
from stadtgraph.shacl.validation import few_results, results_of, validate

__all__ = [
    "ENGINES",
    "Delta",
    "Incremental",
    "Limits",
    "Outcome",
    "Problem",
    "Report",
    "Result",
    "Shapes",
    "TooFar",
    "few_results",
    "gate",
    "gravity",
    "judge",
    "lint",
    "load_shapes",
    "portions_of",
    "reach_of",
    "report_triples",
    "results_of",
    "validate",
]
