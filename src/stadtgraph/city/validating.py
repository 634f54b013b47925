"""``validate``: any RDF files against any shapes; no city is needed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final
from urllib.parse import quote

import pyoxigraph as ox

from stadtgraph.audit import AuditReport
from stadtgraph.audit.examine import report_on
from stadtgraph.city import foreign
from stadtgraph.config import Config
from stadtgraph.errors import InputError
from stadtgraph.reason.facts import TripleIndex
from stadtgraph.shacl import validate
from stadtgraph.sources import Source, format_of, read
from stadtgraph.sources.files import decoded, whole
from stadtgraph.terms import SG, XSD, Names

Node = ox.NamedNode | ox.BlankNode
_LARGE: Final = 64 * 1024 * 1024
"""Bytes of a file that is searched for lines; of a larger one the name alone is told."""
_STARTS: Final = {
    "rdf": re.compile(r'rdf:(?:about|ID)\s*=\s*["\']([^"\']*)["\']'),
    "jsonld": re.compile(r'"@id"\s*:\s*"([^"]*)"'),
}
_START: Final = re.compile(r"^[ \t]*(?:<([^>\s]*)>|([\w.-]*:[\w.-]*))[ \t\r\n]", re.MULTILINE)
_PREFIX: Final = re.compile(r"^\s*@?prefix\s+([\w.-]*):\s*<([^>]*)>", re.MULTILINE | re.IGNORECASE)


def check(
    files: Iterable[Path], shapes: Iterable[Path], config: Config, today: str, using: str | None = None
) -> AuditReport:
    """Validate ``files``, taken together, against ``shapes`` (files and folders) on a day; give the report.

    Each finding says in which file, and where it can be told in which line, its node stands: ``file:NAME#L12``.
    Raises :class:`InputError` and :class:`ShapeError` with file, line and column.
    """
    base, triples = config.city.base, list[ox.Triple]()
    listed = list(files)
    places = Places(base)
    for path in listed:
        found = _read(path, base)
        places.note(path, found)
        triples += found
    rules = foreign.load(shapes, config, base)
    triples.append(ox.Triple(SG.audit, SG.asOf, ox.Literal(today, datatype=XSD.date)))
    report = validate(triples, rules, using=using)
    facts = TripleIndex(triples)
    title = ", ".join(path.name for path in listed)
    return report_on(facts, report.results, rules, Names(base), today, title, places.of(facts))


def _read(path: Path, base: str) -> list[ox.Triple]:
    if not path.is_file():
        raise InputError("audit-no-file", file=path)
    source = Source(path.stem, {}, "city", "file", "public", format=format_of(path.name) or "ttl")
    return list(read(source, path, Names(base)))


class Places:
    """In which file and line the nodes of several files stand; a file is searched when it is first asked for."""

    def __init__(self, base: str) -> None:
        """Resolve relative IRIs against ``base``."""
        self._base = base
        self._files: dict[Node, Path] = {}
        self._lines: dict[Path, dict[str, int]] = {}

    def note(self, path: Path, triples: Iterable[ox.Triple]) -> None:
        """Note which nodes the file at ``path`` describes; the first file that does counts."""
        for triple in triples:
            if isinstance(triple.subject, Node):
                self._files.setdefault(triple.subject, path)

    def of(self, facts: TripleIndex) -> Callable[[Node], str]:
        """Give what tells the place of a node; one without a name stands where a node with one leads to it."""

        def place(node: Node) -> str:
            path = self._files.get(node)
            if path is None:
                return ""
            start = f"file:{quote(path.name)}"
            here, seen = node, {node}
            while True:
                line = self._line(path, here)
                if line:
                    return f"{start}#L{line}"
                above = (t.subject for t in facts.match(None, None, here) if isinstance(t.subject, Node))
                nearest = min((n for n in above if n not in seen and self._files.get(n) == path), key=str, default=None)
                if nearest is None or not Names(self._base).is_genid(getattr(here, "value", "")):
                    return start
                here = nearest
                seen.add(here)

        return place

    def _line(self, path: Path, node: Node) -> int:
        if path not in self._lines:
            self._lines[path] = _lines(path, self._base)
        return self._lines[path].get(node.value, 0)


def _lines(path: Path, base: str) -> dict[str, int]:
    """Give the line in which each IRI first begins a statement."""
    try:
        text = decoded(whole(path, _LARGE), "utf-8", path.name)
    except InputError:
        return {}
    prefixes = dict(_PREFIX.findall(text))
    found: dict[str, int] = {}
    line, last = 1, 0
    for match in _STARTS.get(format_of(path.name) or "", _START).finditer(text):
        line += text.count("\n", last, match.start(1) if match[1] is not None else match.start(2))
        last = match.start(1) if match[1] is not None else match.start(2)
        if match[1] is not None:
            iri = match[1] if re.match(r"[A-Za-z][\w+.-]*:", match[1]) else base + match[1]
        else:
            prefix, _, local = match[2].partition(":")
            if prefix not in prefixes:
                continue
            iri = prefixes[prefix] + local
            iri = iri if re.match(r"[A-Za-z][\w+.-]*:", iri) else base + iri
        found.setdefault(iri, line)
    return found
