"""Read RDF as a stream of triples through the door check.

Errors name file, line and column. Lines are exact in Turtle, TriG, N-Triples and N-Quads; in RDF/XML and JSON-LD
they are exact for malformed documents and otherwise those where the value occurs (see :mod:`locate`).
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import IO, Final, Literal

import pyoxigraph as ox

from stadtgraph.errors import InputError
from stadtgraph.sources import guard
from stadtgraph.sources.door import Complaint, Flaw, flaw, shortened
from stadtgraph.sources.files import MAX_BYTES, decoded, opened
from stadtgraph.sources.locate import Locator

FORMATS: Final[dict[str, ox.RdfFormat]] = {
    "ttl": ox.RdfFormat.TURTLE,
    "nt": ox.RdfFormat.N_TRIPLES,
    "nq": ox.RdfFormat.N_QUADS,
    "trig": ox.RdfFormat.TRIG,
    "rdf": ox.RdfFormat.RDF_XML,
    "jsonld": ox.RdfFormat.JSON_LD,
}
"""Name of a format in ``sources.toml`` → what the parser calls it."""

MAX_TERM: Final = 16
"""Largest term or statement that the parser takes, in MiB."""
Policy = Literal["error", "keep"]
_QUOTED: Final = re.compile(r"'([^']+)'")


@dataclass(frozen=True, slots=True)
class Document:
    """RDF that can be read more than once: a file (``.gz`` is unpacked) or bytes, and the name for errors."""

    content: Path | bytes
    name: str

    def open(self) -> AbstractContextManager[IO[bytes]]:
        """Open the document from its beginning."""
        if isinstance(self.content, Path):
            return _marked(opened(self.content, MAX_BYTES))
        if len(self.content) > MAX_BYTES:
            raise InputError("sources-too-large", file=self.name, limit=MAX_BYTES // 2**20)
        return nullcontext(io.BytesIO(self.content.removeprefix(codecs.BOM_UTF8)))

    def text(self) -> str:
        """Give the whole text; a byte that is not UTF-8 is an InputError with line and column."""
        with self.open() as stream:
            return decoded(stream.read(), "utf-8", self.name)

    def rough(self) -> str:
        """Give the whole text for looking up places, whatever its bytes."""
        with self.open() as stream:
            return stream.read().decode("utf-8", "replace")


@contextmanager
def _marked(opening: AbstractContextManager[IO[bytes]]) -> Iterator[IO[bytes]]:
    """Pass over the byte order mark with which some editors begin a file."""
    with opening as stream:
        assert isinstance(stream, io.BufferedReader)
        if stream.peek(len(codecs.BOM_UTF8)).startswith(codecs.BOM_UTF8):
            stream.read(len(codecs.BOM_UTF8))
        yield stream


def read_rdf(
    content: Path | bytes,
    format: str,
    base: str,
    *,
    name: str | None = None,
    on_bad: Policy = "error",
    complaints: list[Complaint] | None = None,
    named_graphs: bool = False,
) -> Iterator[ox.Triple]:
    """Give the triples of an RDF document as they are written; blank nodes keep the labels of the parser.

    ``on_bad="keep"`` gives ill-formed and out-of-range literals too and appends a Complaint for each; everything
    else that is wrong is an InputError. ``named_graphs=True`` gives the triples of all graphs of TriG and N-Quads;
    otherwise a named graph is an error.
    """
    if format not in FORMATS:
        raise InputError("sources-not-rdf", file=name or str(content), format=format, formats=", ".join(FORMATS))
    document = Document(content, name or (content.name if isinstance(content, Path) else "input"))
    _guarded(document, format)
    return _Door(document, format, on_bad, complaints, named_graphs).triples(base)


def _guarded(document: Document, format: str) -> None:
    if format == "rdf":
        with document.open() as stream:
            guard.check_xml(stream, document.name)
    elif format == "jsonld":
        guard.check_jsonld(document.text(), document.name)
    else:
        with document.open() as stream:
            suspicious = guard.has_triple_terms(stream)
        if suspicious:
            guard.check_turtle(document.rough(), document.name)


@dataclass(slots=True)
class _Door:
    """One reading of one document."""

    document: Document
    format: str
    on_bad: Policy
    complaints: list[Complaint] | None
    named_graphs: bool
    _locator: Locator | None = None

    def triples(self, base: str) -> Iterator[ox.Triple]:
        """Parse and check triple by triple."""
        default = ox.DefaultGraph()
        number = 0
        with self.document.open() as stream:
            try:
                for number, quad in enumerate(ox.parse(stream, FORMATS[self.format], base_iri=base), 1):
                    if not self.named_graphs and quad.graph_name != default:
                        raise self._graph_error(quad, number)
                    triple = quad.triple
                    if (found := flaw(triple)) is not None:
                        self._complain(found, triple, number)
                    yield triple
            except SyntaxError as error:
                raise self._syntax_error(error) from error
            except MemoryError as error:  # the parser's buffer has a fixed size
                line, column = self._places().long(number + 1)
                place = {"file": self.document.name, "line": line, "column": column}
                raise InputError("sources-rdf-long", **place, limit=MAX_TERM) from error

    def _complain(self, found: Flaw, triple: ox.Triple, number: int) -> None:
        error = self._error(found, triple, number)
        if self.on_bad == "error" or not found.keepable:
            raise error
        if self.complaints is not None:
            self.complaints.append(Complaint(triple, error))

    def _error(self, found: Flaw, triple: ox.Triple, number: int) -> InputError:
        term = triple.object
        literal = isinstance(term, ox.Literal)
        line, column = self._places().literal(term, number) if literal else self._places().statement(number)  # type: ignore[arg-type]
        return InputError(found.key, file=self.document.name, line=line, column=column, **found.params)

    def _graph_error(self, quad: ox.Quad, number: int) -> InputError:
        graph = quad.graph_name
        places = self._places()
        name = graph.value if isinstance(graph, ox.NamedNode) else str(graph)
        line, column = places.statement(number) if self.format == "nq" else places.iri(name)
        return InputError("sources-named-graph", file=self.document.name, line=line, column=column, graph=name)

    def _syntax_error(self, error: SyntaxError) -> InputError:
        problem = error.msg.rpartition(": ")[2] if error.lineno is not None else error.msg
        line, column = error.lineno, error.offset
        if line is None:
            quoted = _QUOTED.search(error.msg)
            line, column = self._places().text(quoted[1], escape(quoted[1], quote=False)) if quoted else (1, 1)
        place = {"file": self.document.name, "line": line, "column": column or 1}
        return InputError("sources-rdf-syntax", **place, problem=shortened(problem, 200))

    def _places(self) -> Locator:
        if self._locator is None:
            self._locator = Locator(self.document.rough(), self.format)
        return self._locator
