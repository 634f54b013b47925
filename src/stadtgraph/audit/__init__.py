"""Audits: which rules are broken, who answers for it, what to do next, and whether it gets better.

::

    report = city.audit()            # a value: report.conforms, report.findings, report.by_unit(), report.todo(unit)
    write(report, "html", out, "de")
"""

from stadtgraph.audit.finding import Acceptance, Finding, Place, Rule, Rules, Status
from stadtgraph.audit.report import AuditReport, Count, MatrixRow, Task

__all__ = [
    "Acceptance",
    "AuditReport",
    "Count",
    "Finding",
    "MatrixRow",
    "Place",
    "Rule",
    "Rules",
    "Status",
    "Task",
]
