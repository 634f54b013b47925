"""Where triples of the city come from: file, and the line, row or record in it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyoxigraph as ox

from stadtgraph import messages
from stadtgraph.errors import InputError
from stadtgraph.release import Kind, View
from stadtgraph.sources import Source, read_rdf, skolemised
from stadtgraph.sources.files import decoded, whole
from stadtgraph.sources.locate import Locator
from stadtgraph.sources.trace import Record, record_of
from stadtgraph.terms import ONTOLOGY, Term

if TYPE_CHECKING:
    from stadtgraph.city import City

_NUMBERED: Final = {"json": "record", "geojson": "record", "xlsx": "row"}
MOST: Final = 64 * 1024 * 1024
"""Bytes of an RDF file that is searched for a node."""


class Origins:
    """Where triples stand in the files of a city's sources; a file is read when it is first asked for."""

    def __init__(self, city: City, lang: str, real_data: Path | None = None) -> None:
        """Look in the files of ``city``; ``real_data`` is the folder of content files."""
        configured = city.config.path(city.config.city.real_data) if city.config.city.real_data else None
        self._city, self._lang, self._folder = city, lang, real_data or configured
        self._locators: dict[str, Locator | None] = {}
        self._records: dict[tuple[str, str], Record | None] = {}
        self._ontology: list[tuple[Path, set[ox.Triple]]] | None = None
        self._sources = {s.graph_name(city.names).value: s for s in city.registry.values()}

    def line(self, graph: str, triple: ox.Triple) -> str:
        """Give ``file, line N`` (or ``row N``, ``record N``); the file alone where no more is known.

        Of a table it is the record that the mapping makes the triple from; of RDF the place of its subject.
        """
        source = self._sources.get(graph)
        path = source.locate(self._folder) if source is not None else None
        if graph == self._city.names.graph(ONTOLOGY).value:
            return self._in_ontology(triple)
        if source is None or path is None:
            return self._loaded_from(graph)
        try:
            place = (
                self._in_table(source, path, graph, triple) if source.is_table else self._in_rdf(source, path, triple)
            )
        except InputError:  # the file is another one by now; the build will tell
            place = ""
        return f"{path.name}, {place}" if place else path.name

    def advice(self, graph: str) -> str:
        """Say which file to change, where a source is read from one; the empty text where it is edited in place."""
        source = self._sources.get(graph)
        if source is None or source.kind == Kind.MANAGED:
            return ""
        title = source.title.get(self._lang) or source.name
        file = source.path.name if source.path is not None else source.file or self._loaded_from(graph) or source.name
        return messages.text("audit-propose-file", self._lang, source=title, file=file)

    def _in_table(self, source: Source, path: Path, graph: str, triple: ox.Triple) -> str:
        key = (graph, str(triple.subject))
        if key not in self._records:
            self._records[key] = record_of(source, path, self._city.names, triple)
        found = self._records[key]
        if found is None:
            return ""
        kind = _NUMBERED.get(source.format or "", "line")
        return messages.text(f"audit-{kind}", self._lang, number=found.number if kind == "record" else found.line)

    def _in_rdf(self, source: Source, path: Path, triple: ox.Triple) -> str:
        if source.name not in self._locators:
            text = decoded(whole(path, MOST), "utf-8", path.name)
            self._locators[source.name] = Locator(text, source.format or "ttl")
        locator, subject = self._locators[source.name], getattr(triple.subject, "value", "")
        below = subject.removeprefix(self._city.names.base)
        assert locator is not None
        number, column = locator.text(
            f"<{below}> a ", f"<{below}> ", f"<{below}>", f"<{subject}>", f'"{below}"', f'"{subject}"'
        )
        if (number, column) == (1, 1):
            return ""
        return messages.text("audit-line", self._lang, number=number)

    def _in_ontology(self, triple: ox.Triple) -> str:
        """Give the file of the ontology that states a triple, and the line at which its subject begins there."""
        if self._ontology is None:
            files = sorted(self._city.folders.ontology.rglob("*.ttl"))
            names = self._city.names
            self._ontology = [(f, set(skolemised(read_rdf(f, "ttl", names.base), names))) for f in files]
        for file, triples in self._ontology:
            if triple in triples:
                number = _line_of(triple, file.read_text("utf-8"))
                return f"{file.name}, {messages.text('audit-line', self._lang, number=number)}" if number else file.name
        return ""

    def _loaded_from(self, graph: str) -> str:
        current = self._city.releases.current()
        if current is None:
            return ""
        view = View.INTERNAL if current.has(View.INTERNAL) else View.PUBLIC
        info = current.manifest(view).graphs.get(graph)
        return info.origin if info is not None else ""


def _line_of(triple: ox.Triple, text: str) -> int:
    """Give the line of Turtle at which the block begins that states a triple on a name; 0 where none is found."""
    spaces = {namespace: prefix for prefix, namespace in _DECLARED.findall(text)}
    subject, value = (_written(term, spaces) for term in (triple.subject, triple.object))
    lines = text.splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith(tuple(f"{name} " for name in subject))]
    for start in starts:
        end = next((i for i in range(start, len(lines)) if lines[i].rstrip().endswith(".")), len(lines))
        block = "\n".join(lines[start : end + 1])
        if any(re.search(rf"(?<![\w:-]){re.escape(name)}(?![\w-])", block) for name in value):
            return start + 1
    return starts[0] + 1 if starts else 0


_DECLARED: Final = re.compile(r"(?im)^\s*@?prefix\s+([\w.-]*):\s*<([^<>]*)>")


def _written(term: Term, spaces: dict[str, str]) -> tuple[str, ...]:
    """Give the ways in which Turtle may write a term."""
    value = getattr(term, "value", "")
    short = (f"{prefix}:{value[len(space) :]}" for space, prefix in spaces.items() if value.startswith(space))
    return (*short, f"<{value}>", *((value,) if isinstance(term, ox.Literal) else ()))
