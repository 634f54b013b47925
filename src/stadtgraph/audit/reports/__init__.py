"""The report in every format: one function each, found by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import BinaryIO, Final

from stadtgraph.audit.report import AuditReport
from stadtgraph.errors import StoreError

Write = Callable[[AuditReport, BinaryIO, str], None]


@dataclass(frozen=True, slots=True)
class Form:
    """A format of a report: its media type; the writer is the module of the same name."""

    name: str
    media_type: str

    @property
    def write(self) -> Write:
        """The function that writes it, loaded when it is needed."""
        found: Write = import_module(f"{__name__}.{self.name}").write
        return found


FORMS: Final = {
    form.name: form
    for form in (
        Form("text", "text/plain; charset=utf-8"),
        Form("html", "text/html; charset=utf-8"),
        Form("csv", "text/csv; charset=utf-8"),
        Form("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        Form("ttl", "text/turtle; charset=utf-8"),
        Form("json", "application/json"),
    )
}


def write(report: AuditReport, form: str, out: BinaryIO, lang: str = "en") -> None:
    """Write ``report`` as ``form`` to an open file."""
    FORMS[form].write(report, out, lang)


def write_file(report: AuditReport, form: str, path: Path, lang: str = "en") -> None:
    """Write ``report`` to a file; a disk that is full leaves no half of one and raises :class:`StoreError`."""
    part = path.with_name(f".{path.name}.part")
    try:
        try:
            with part.open("wb") as out:
                write(report, form, out, lang)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as problem:
        raise StoreError("audit-not-written", file=path, problem=problem.strerror or problem) from problem
