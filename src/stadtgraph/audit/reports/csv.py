"""The report as CSV (https://www.rfc-editor.org/rfc/rfc4180): one finding a line, in UTF-8 with a mark for Excel."""

from __future__ import annotations

import csv
import io
from typing import BinaryIO

from stadtgraph.audit.report import AuditReport
from stadtgraph.audit.reports.columns import cells, heads, rests


def write(report: AuditReport, out: BinaryIO, lang: str) -> None:
    """Write the findings and the mended ones; where not all are listed, lines at the end say how many there are."""
    text = io.TextIOWrapper(out, "utf-8-sig", newline="", write_through=False)
    try:
        table = csv.writer(text, lineterminator="\r\n")
        table.writerow(heads(lang))
        table.writerows(cells(finding, report, lang) for finding in (*report.listed, *report.limited(report.mended)))
        table.writerows(rests(report, lang))
        text.flush()
    finally:
        text.detach()
