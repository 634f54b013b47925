"""The report as CSV (https://www.rfc-editor.org/rfc/rfc4180): one finding a line, in UTF-8 with a mark for Excel."""

from __future__ import annotations

import csv
import io
from typing import BinaryIO

from stadtgraph.audit.report import AuditReport
from stadtgraph.audit.reports.columns import cells, heads


def write(report: AuditReport, out: BinaryIO, lang: str) -> None:
    """Write every finding and every mended one."""
    text = io.TextIOWrapper(out, "utf-8-sig", newline="", write_through=False)
    try:
        table = csv.writer(text, lineterminator="\r\n")
        table.writerow(heads(lang))
        table.writerows(cells(finding, report, lang) for finding in (*report.findings, *report.mended))
        text.flush()
    finally:
        text.detach()
