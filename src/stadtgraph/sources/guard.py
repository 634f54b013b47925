"""Look at a document before the parser does: what the parser would not survive, follow or notice.

* RDF/XML: document type declarations are refused, nesting is bounded (time grows with its square), and the whole
  document must be well-formed (Oxigraph takes a file that was cut off for a complete one).
* JSON-LD: remote contexts are refused; nesting is bounded (5,000 levels end the process); identifiers that are no
  IRIs and malformed language tags are errors (the parser leaves their statements out without a word).
* Turtle family: triple terms of RDF 1.2 are refused (100,000 nested ones end the process).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import IO, Any, Final
from xml.parsers import expat

from stadtgraph.errors import InputError
from stadtgraph.sources.jsontext import MAX_DEPTH, check_depth
from stadtgraph.sources.lexer import Lines, tokens

_CHUNK: Final = 1 << 20
_BAD_IRI: Final = re.compile(r'[\x00-\x20<>"{}|\\^`]')
_CHECKED: Final = ("@id", "@type", "@language")
_TAG: Final = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*")


def check_xml(stream: IO[bytes], file: str) -> None:
    """Raise InputError for a DTD, deep nesting or XML that is not well-formed, with line and column."""
    parser = expat.ParserCreate()
    depth = 0

    def refuse(*_: object) -> None:
        raise InputError("sources-doctype", file=file, line=parser.CurrentLineNumber)

    def enter(*_: object) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise InputError("sources-xml-deep", file=file, line=parser.CurrentLineNumber, limit=MAX_DEPTH)

    def leave(*_: object) -> None:
        nonlocal depth
        depth -= 1

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler, parser.EndElementHandler = enter, leave
    try:
        while chunk := stream.read(_CHUNK):
            parser.Parse(chunk, False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        problem = expat.errors.messages.get(error.code, str(error))
        raise InputError(
            "sources-xml", file=file, line=error.lineno, column=error.offset + 1, problem=problem
        ) from error


def has_triple_terms(stream: IO[bytes]) -> bool:
    """Tell whether ``<<`` occurs, be it only in a string: a quick look that :func:`check_turtle` follows."""
    last = b""
    while chunk := stream.read(_CHUNK):
        if b"<<" in last + chunk:
            return True
        last = chunk[-1:]
    return False


def check_turtle(text: str, file: str) -> None:
    """Raise InputError with line and column where a triple term of RDF 1.2 stands."""
    for token in tokens(text):
        if token.kind == "mark" and token.text == "<<":
            line, column = Lines(text).place(token.start)
            raise InputError("sources-rdf12", file=file, line=line, column=column, term="<< … >>")


def check_jsonld(text: str, file: str) -> None:
    """Raise InputError for deep nesting, malformed JSON, remote contexts, identifiers and language tags."""
    check_depth(text, file)
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError("sources-json", file=file, line=error.lineno, column=error.colno, problem=error.msg) from error
    except (ValueError, RecursionError) as error:
        raise InputError("sources-json", file=file, line=1, column=1, problem=error) from error
    for key, value in wrong_members(document, jsonld_terms(document)):
        line, column = _place(text, value)
        raise InputError(key, file=file, line=line, column=column, value=value)


def jsonld_terms(node: Any) -> dict[str, str]:
    """Give the keyword that each term of the contexts inside ``node`` stands for.

    A term whose values are identifiers (``"@type": "@id"``) stands for ``@id``.
    Source: https://www.w3.org/TR/json-ld11/#aliasing-keywords
    """
    found: dict[str, str] = {}
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        for context in value if isinstance(value, list) else [value]:
            if key == "@context" and isinstance(context, dict):
                _join(found, {term: _keyword(entry) for term, entry in context.items()})
        if isinstance(value, dict | list):
            _join(found, jsonld_terms(value))
    return found


def _join(found: dict[str, str], more: Mapping[str, str]) -> None:
    """Add ``more``; a term that stands for different things in different places stands for nothing sure."""
    found |= {term: keyword if found.get(term, keyword) == keyword else "" for term, keyword in more.items()}


def _keyword(definition: object) -> str:
    if not isinstance(definition, dict):
        return definition if isinstance(definition, str) and definition in _CHECKED else ""
    stands_for = definition.get("@id")
    if isinstance(stands_for, str) and stands_for in _CHECKED:
        return stands_for
    return "@id" if definition.get("@type") == "@id" else ""


def wrong_members(node: Any, terms: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Give the key of the message and the value for everything that must not be there."""
    if isinstance(node, list):
        for item in node:
            yield from wrong_members(item, terms)
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and (message := _wrong(terms.get(key) or key, text)):
                yield message, text
        yield from wrong_members(value, {} if key == "@context" else terms)


def _wrong(key: str, text: str) -> str | None:
    if key in ("@context", "@import"):
        return "sources-jsonld-context"
    if key in ("@id", "@type", "@base", "@vocab") and _BAD_IRI.search(text):
        return "sources-jsonld-iri"
    if key == "@language" and _TAG.fullmatch(text) is None:
        return "sources-jsonld-language"
    return None


def _place(text: str, value: str) -> tuple[int, int]:
    for quoted in (json.dumps(value, ensure_ascii=False), json.dumps(value), value):
        at = text.find(quoted)
        if at >= 0:
            return Lines(text).place(at)
    return 1, 1
