"""Pages of catalogues as they came: what they are in truth, whether they can be read, and their triples.

A page that cannot be read whole is an error, for a page that is cut off would look like a catalogue that shrank.
What is mended on the way (a bare ``&`` in XML) is noted.
"""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

import pyoxigraph as ox

from stadtgraph.errors import InputError
from stadtgraph.sources import guard
from stadtgraph.sources.door import shortened
from stadtgraph.sources.files import MAX_STREAM, opened
from stadtgraph.sources.harvest.jsonpage import jsonld_triples
from stadtgraph.sources.harvest.lines import escaped
from stadtgraph.sources.harvest.record import Reason
from stadtgraph.sources.harvest.words import LINE_MARK
from stadtgraph.sources.rdf import FORMATS, MAX_TERM

MOST_XML: Final = 2 << 30
MOST_HELD: Final = 64 << 20  # bytes of a document that must be held in memory to be read
_RUN: Final = MAX_TERM << 20
_HEAD: Final = 8192
_STATEMENT: Final = re.compile(rb"\s*(?:#[^\n]*\n\s*)*(?:<[^<>\s]*:[^<>\s]*>|_:\S+)\s+<[^<>\s]+>\s")
_GOES_ON: Final = re.compile(rb"[;,\[(]\s*$|^\s*@?(?i:prefix|base)\b")
_NESTED: Final = re.compile(rb"\s*(?:<<|(?:<[^>\n]*>|_:\S+)\s*<[^>\n]*>\s*<<)")
_SUBJECT: Final = re.compile(rb"\s*<([^<>\n]*)>")
_BARE: Final = re.compile(
    rb"<!\[CDATA\[.*?\]\]>|<!--.*?-->|&(?:[A-Za-z][A-Za-z0-9]*|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});|&", re.S
)
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_ANNOUNCED: Final = {
    "application/rdf+xml": "rdf", "application/xml": "rdf", "text/xml": "rdf", "text/turtle": "ttl",
    "application/x-turtle": "ttl", "application/ld+json": "jsonld", "application/json": "jsonld",
    "application/n-triples": "nt", "application/n-quads": "nq", "application/trig": "trig", "text/plain": "nt",
}  # fmt: skip


@dataclass(slots=True)
class Page:
    """One document of a catalogue on disk; ``base`` is its address, ``announced`` what the server called it."""

    path: Path
    base: str
    number: int = 0
    announced: str = ""
    name: str = ""
    notes: list[Reason] = field(default_factory=list)
    format: str = ""

    def __post_init__(self) -> None:
        self.name = self.name or self.path.name

    def note(self, key: str, **params: object) -> None:
        """Remember what was noticed."""
        self.notes.append(Reason(key, {"page": self.name, **params}))


def recognise(page: Page) -> str:
    """Give the format of a page by its first bytes, and note where the server called it something else.

    Raises :class:`InputError` where it is no RDF: a web page, an empty answer, an error message.
    """
    with opened(page.path, MAX_STREAM) as stream:
        head = stream.read(_HEAD)
    page.format = found = _by_content(head) or _by_name(page)
    if found == "nt" and (page.announced == "text/turtle" or _by_name(page) in ("ttl", "nq", "trig")):
        page.format = found = _by_name(page) or "ttl"  # every line of N-Triples is Turtle, but not the other way round
    if not found:
        raise InputError("harvest-not-rdf", page=page.name, found=_first_words(head))
    announced = _ANNOUNCED.get(page.announced)
    is_packed = page.path.suffix == ".gz"
    if page.announced and not is_packed and announced != found and {announced, found} != {"ttl", "nt"}:
        page.note("harvest-announced", announced=page.announced, found=found)
    return found


def _by_content(head: bytes) -> str:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not text or re.match(rb"(?i)<!doctype html|<html|<\?xml[^>]*>\s*(?:<!doctype html|<html)", text):
        return ""
    if text[:1] in b"{[":
        return "jsonld"
    if _STATEMENT.match(text):
        lines = text.splitlines()[: -1 if len(head) == _HEAD else None]
        return "ttl" if any(map(_GOES_ON.search, lines)) else "nt"
    if text.startswith(b"<?xml") or re.match(rb"<(?:!--|[A-Za-z_][\w.-]*:?[\w.-]*[\s>])", text):
        return "rdf"
    if re.match(rb"(?i)(?:#[^\n]*\n|\s)*@?(?:prefix|base)\b", text):
        return "ttl"
    return ""


def _by_name(page: Page) -> str:
    from stadtgraph.sources.registry import format_of

    found = format_of(page.name) or ""
    return found if found in ("ttl", "trig", "nq") else ""


def _first_words(head: bytes) -> str:
    return shortened(" ".join(head.decode("utf-8", "replace").split()), 60) or "0 bytes"


def triples(page: Page) -> Iterator[ox.Triple]:
    """Give the triples of a page, malformed terms too; raise :class:`InputError` where it cannot be read whole."""
    found = page.format or recognise(page)
    if found == "rdf":
        yield from _xml(page)
    elif found in ("nt", "nq"):
        yield from _lines(page)
    elif found == "jsonld":
        yield from jsonld_triples(_held(page), page)
    else:
        yield from _turtle(page, found)


def _held(page: Page) -> bytes:
    """Give a page that must be read whole."""
    with opened(page.path, MOST_HELD) as stream:
        return stream.read()


# ---- RDF/XML


def _xml(page: Page) -> Iterator[ox.Triple]:
    try:
        with opened(page.path, MOST_XML) as stream:
            guard.check_xml(_Runs(stream, page.name), page.name)  # type: ignore[arg-type]
    except InputError as error:
        if error.key != "sources-xml":
            raise
        content = _mended_xml(page, error)
        yield from _parsed(io.BytesIO(content), page, "rdf")
        return
    with opened(page.path, MOST_XML) as stream:
        yield from _parsed(stream, page, "rdf")


class _Runs:
    """A stream that ends where too much comes without a tag: neither parser may have to hold that."""

    def __init__(self, stream: IO[bytes], name: str) -> None:
        self._stream, self._name, self._run = stream, name, 0

    def read(self, size: int) -> bytes:
        """Read on."""
        block = self._stream.read(size)
        last = max(block.rfind(b"<"), block.rfind(b">"))
        self._run = self._run + len(block) if last < 0 else len(block) - last
        if self._run > _RUN:
            raise InputError("harvest-run", page=self._name, limit=MAX_TERM)
        return block


def _mended_xml(page: Page, error: InputError) -> bytes:
    """Give the page with bare ampersands escaped and control characters left out, where that makes it XML."""
    if page.path.stat().st_size > MOST_HELD:
        raise error
    content = _held(page)
    if b"\x00" in content[:100]:  # two bytes a sign
        raise error
    counts = [0, 0]

    def ampersand(found: re.Match[bytes]) -> bytes:
        part = found[0]
        if part.startswith((b"<", b"&#")) or part in (b"&amp;", b"&lt;", b"&gt;", b"&quot;", b"&apos;"):
            return part
        counts[0] += 1
        meant = html.unescape(part.decode()) if part != b"&" else "&"
        if len(meant) == 1 and meant != "&" and meant not in "<>\"'":
            return f"&#{ord(meant)};".encode()
        return b"&amp;" + part[1:]

    content = _BARE.sub(ampersand, content)
    content, counts[1] = _CONTROL.subn(b"", content)
    if not any(counts):
        raise error
    try:
        guard.check_xml(io.BytesIO(content), page.name)
    except InputError:
        raise error from None
    page.note("harvest-mended-xml", ampersands=counts[0], controls=counts[1])
    return content


# ---- Turtle and lines


def _turtle(page: Page, format: str) -> Iterator[ox.Triple]:
    with opened(page.path, MAX_STREAM) as stream:
        suspicious = guard.has_triple_terms(stream)
    if suspicious:
        guard.check_turtle(_held(page).decode("utf-8", "replace"), page.name)
    with opened(page.path, MAX_STREAM) as stream:
        yield from _parsed(stream, page, format)


def _parsed(stream: IO[bytes], page: Page, format: str) -> Iterator[ox.Triple]:
    try:
        for quad in ox.parse(stream, FORMATS[format], base_iri=page.base, lenient=True):
            yield quad.triple
    except SyntaxError as error:
        place = {"file": page.name, "line": error.lineno or 1, "column": error.offset or 1}
        raise InputError("sources-rdf-syntax", **place, problem=shortened(error.msg, 200)) from error
    except MemoryError as error:
        raise InputError("harvest-run", page=page.name, limit=MAX_TERM) from error


def _lines(page: Page) -> Iterator[ox.Triple]:
    """Read statement by statement: a line that is none is kept as such, and costs its record only."""
    with opened(page.path, MAX_STREAM) as stream:
        number = 0
        while lines := _some_lines(stream, page):
            good = [line if not _NESTED.match(line) else b"!\n" for line in lines]
            statements: Any = ox.parse(b"".join(good), FORMATS[page.format], lenient=True)
            while True:
                try:
                    yield next(statements).triple
                except StopIteration:
                    break
                except SyntaxError as error:
                    at = (error.lineno or 1) - 1
                    yield _no_statement(lines[at] if at < len(lines) else b"", number + at + 1, page)
            number += len(lines)


def _some_lines(stream: IO[bytes], page: Page) -> list[bytes]:
    lines, size = [], 0
    while size < 1 << 20 and (line := stream.readline(_RUN)):
        if len(line) >= _RUN:
            raise InputError("harvest-run", page=page.name, limit=MAX_TERM)
        lines.append(line if line.endswith(b"\n") else line + b"\n")
        size += len(line)
    return lines


def _no_statement(line: bytes, number: int, page: Page) -> ox.Triple:
    found = _SUBJECT.match(line)
    iri = escaped(found[1].decode("utf-8", "replace")) if found else f"{page.base}#line{number}"
    (quad,) = ox.parse(f'<{iri}> {LINE_MARK} "" .'.encode(), ox.RdfFormat.N_TRIPLES, lenient=True)
    return ox.Triple(quad.subject, LINE_MARK, ox.Literal(line.decode("utf-8", "replace").strip()))
