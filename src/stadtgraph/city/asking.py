"""Queries asked from the command line: found by name, file, standard input or text, written in any format."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import pyoxigraph as ox

from stadtgraph import messages
from stadtgraph.city.answer import Answer, Row, answer
from stadtgraph.city.searching import expanded
from stadtgraph.errors import InputError, NotFound, UsageError
from stadtgraph.query import narrowed
from stadtgraph.release import Release, View
from stadtgraph.sparql import guard
from stadtgraph.sparql.files import load_queries, read_example
from stadtgraph.store import Result
from stadtgraph.terms import PREFIXES, Term

if TYPE_CHECKING:
    from stadtgraph.city import City

WIDEST: Final = 60  # characters of a cell in a table on a terminal
RESULTS: Final = {
    "csv": ox.QueryResultsFormat.CSV,
    "tsv": ox.QueryResultsFormat.TSV,
    "json": ox.QueryResultsFormat.JSON,
    "xml": ox.QueryResultsFormat.XML,
}
GRAPHS: Final = {"ttl": ox.RdfFormat.TURTLE, "nt": ox.RdfFormat.N_TRIPLES, "jsonld": ox.RdfFormat.JSON_LD}


def query_text(city: City, text: str, parameters: Mapping[str, str]) -> str:
    """Find the query that the user named: an example, a file, ``-`` for standard input, or the text itself."""
    examples = {query.name: query for query in load_queries(city.folders.queries)}
    if text in examples:
        return examples[text].fill(parameters, city.names.base)
    if text == "-":
        text = sys.stdin.read()
    elif text.endswith(".rq") or (len(text) < 250 and "\n" not in text and Path(text).is_file()):
        path = Path(text)
        if not path.is_file():
            raise NotFound("cli-no-query-file", file=text)
        try:
            text = path.read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError) as problem:
            raise InputError("sources-file-unreadable", file=text, problem=problem) from problem
        if text.startswith("#:"):
            return read_example(text, path.name).fill(parameters, city.names.base)
    elif not any(sign in text for sign in "{ \n"):
        raise _unknown(text, list(examples))
    if parameters:
        raise UsageError("cli-no-parameters", names=", ".join(parameters))
    return text


def ask(
    city: City,
    release: Release,
    view: View,
    text: str,
    parameters: Mapping[str, str],
    form: str | None,
    out: BinaryIO,
    lang: str,
) -> None:
    """Answer a query and write the answer; a format that does not fit the query's form is a :class:`UsageError`."""
    query = expanded(query_text(city, text, parameters), release, view, city.names.base)
    outline = guard.read(query, city.names.base, prefixes=PREFIXES)
    with narrowed(release.engine(view), outline) as (engine, dataset):
        _write(engine.query(query, dataset, prefixes=PREFIXES), release.id, city.names.base, form, out, lang)
    out.flush()


def _write(result: Result, release: str, base: str, form: str | None, out: BinaryIO, lang: str) -> None:
    prefixes = dict(PREFIXES) | {"": base}
    if isinstance(result, ox.QueryTriples):
        chosen = GRAPHS.get(form or "ttl")
        if chosen is None:
            raise UsageError("cli-format", format=form, known=", ".join(GRAPHS))
        ox.serialize(result, out, chosen, prefixes=prefixes)
    elif form in (None, "table"):
        out.write(table(answer(result, release), base, lang).encode())
    else:
        format_ = RESULTS.get(form or "")
        if format_ is None:
            raise UsageError("cli-format", format=form, known=", ".join(["table", *RESULTS]))
        result.serialize(out, format_)


def table(found: Answer, base: str, lang: str) -> str:
    """Give an answer as an aligned table for a terminal."""
    if found.truth is not None:
        return messages.text("answer-yes" if found.truth else "answer-no", lang) + "\n"
    rows = [[short(term, base) for term in row] for row in found.rows]
    head = list(found.variables)
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = [_line(head, widths), _line(["─" * width for width in widths], widths), *(_line(r, widths) for r in rows)]
    return "\n".join([*lines, messages.text("answer-rows", lang, number=len(rows)), ""])


def _line(cells: list[str], widths: list[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def short(term: Term | None, base: str) -> str:
    """Give a term as a person reads it: literals bare, IRIs by prefix or below the base, cut at 60 characters."""
    if term is None:
        return ""
    text = term.value if isinstance(term, ox.Literal | ox.NamedNode) else str(term)
    if isinstance(term, ox.NamedNode):
        if text.startswith(base):
            text = text.removeprefix(base)
        for prefix, iri in PREFIXES.items():
            if text.startswith(iri):
                text = f"{prefix}:{text.removeprefix(iri)}"
                break
    text = "".join(c if c.isprintable() else " " for c in text)
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"


def _unknown(text: str, known: list[str]) -> NotFound:
    import difflib

    nearest = difflib.get_close_matches(text, known, n=1, cutoff=0.0)
    return NotFound("cli-no-query", query=text[:80], nearest=nearest[0] if nearest else "-")


__all__ = ["Row", "ask", "query_text", "short", "table"]
