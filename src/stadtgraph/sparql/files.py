"""Example queries: ``.rq`` files with a head of comments, filled with terms and published as RDF.

::

    #: name: trees-by-unit
    #: question.de: Welche Bäume pflegt welche Einheit?
    #: question.en: Which unit maintains which trees?
    #: keywords: trees, units
    #: domains: city, utilities
    #: number: 37
    #: param: unit IRI <id/unit/ksj> | Einheit | unit
    SELECT ?tree WHERE { ?tree <https://w3id.org/stadtgraph/ns#maintainedBy> $unit }
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from stadtgraph.errors import InputError, UsageError
from stadtgraph.sparql.outline import Form, outline, resolve
from stadtgraph.sparql.tokens import Kind, tokenize
from stadtgraph.terms import PREFIXES, RDF, RDFS, SH, XSD, Names, Namespace, render

_HEAD: Final = re.compile(r"#:[ \t]*([A-Za-z][A-Za-z.]*)[ \t]*:[ \t]*(.*)")
_PARAMETER: Final = re.compile(r"(\w+)\s+(IRI|string|integer|decimal|date)\s+(.*?)\s*\|\s*([^|]+?)\s*\|\s*([^|]+?)\s*")
_KEYS: Final = ("name", "question.de", "question.en", "keywords", "domains", "number", "param")
_SCHEMA: Final = Namespace(PREFIXES["schema"])
_SPEX: Final = Namespace(PREFIXES["spex"])
_EXECUTABLES: Final = {
    Form.SELECT: (SH.SPARQLSelectExecutable, SH.select),
    Form.ASK: (SH.SPARQLAskExecutable, SH.ask),
    Form.CONSTRUCT: (SH.SPARQLConstructExecutable, SH.construct),
    Form.DESCRIBE: (_SPEX.SPARQLDescribeExecutable, _SPEX.describe),
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value that a query takes: ``kind`` is IRI, string, integer, decimal or date."""

    name: str
    kind: str
    default: str
    label_de: str
    label_en: str

    def label(self, lang: str) -> str:
        """Give the label in ``lang``."""
        return self.label_de if lang == "de" else self.label_en

    def term(self, value: str, base: str) -> ox.NamedNode | ox.Literal:
        """Read ``value`` as the kind of term this parameter takes; :class:`UsageError` says what was expected."""
        found = _READERS[self.kind](value.strip(), base)
        if found is None:
            raise UsageError(f"example-wrong-{self.kind.lower()}", name=self.name, value=value[:80])
        return found


def _iri(value: str, base: str) -> ox.NamedNode | None:
    written = value if value.startswith("<") and value.endswith(">") else f"<{value}>"
    iri = resolve(written, base) if value and Kind.IRI in {t.kind for t in tokenize(written)} else None
    return None if iri is None or len(list(tokenize(written))) != 1 else ox.NamedNode(iri)


def _string(value: str, _base: str) -> ox.Literal | None:
    return ox.Literal(value)


def _number(pattern: str, datatype: ox.NamedNode, value: str) -> ox.Literal | None:
    return ox.Literal(value, datatype=datatype) if re.fullmatch(pattern, value, re.ASCII) else None


def _date(value: str, _base: str) -> ox.Literal | None:
    try:
        return ox.Literal(date.fromisoformat(value).isoformat(), datatype=XSD.date)
    except ValueError:
        return None


_READERS: Final = {
    "IRI": _iri,
    "string": _string,
    "integer": lambda value, _base: _number(r"[+-]?\d{1,18}", XSD.integer, value),
    "decimal": lambda value, _base: _number(r"[+-]?\d{1,18}(\.\d{1,18})?", XSD.decimal, value),
    "date": _date,
}


@dataclass(frozen=True, slots=True)
class ExampleQuery:
    """A query that answers a question; ``text`` holds ``$name`` for each parameter."""

    name: str
    question_de: str
    question_en: str
    text: str
    keywords: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    number: int | None = None
    parameters: tuple[Parameter, ...] = ()

    def question(self, lang: str) -> str:
        """Give the question in ``lang``."""
        return self.question_de if lang == "de" else self.question_en

    def fill(self, values: Mapping[str, str], base: str) -> str:
        """Give the query with a rendered term for each parameter, from ``values`` or its default.

        Raises :class:`UsageError` for a value of the wrong kind and for a name that is no parameter.
        """
        known = {p.name: p for p in self.parameters}
        for name in values:
            if name not in known:
                raise UsageError("example-no-parameter", name=name[:80], query=self.name, known=", ".join(known) or "-")
        terms = {f"${p.name}": render(p.term(values.get(p.name, p.default), base)) for p in self.parameters}
        return "".join(
            terms.get(token.text, token.text) if token.kind is Kind.VARIABLE else token.text
            for token in tokenize(self.text)
        )

    def as_triples(self, names: Names) -> Iterator[ox.Triple]:
        """Publish the query, filled with its defaults, as SIB's sparql-examples do.

        Source: https://github.com/sib-swiss/sparql-examples
        """
        subject = ox.NamedNode(f"{names.base}queries/{self.name}")
        text = self.fill({}, names.base)
        found = outline(text, names.base)
        if outline(text).base is None:
            text = f"BASE {render(ox.NamedNode(names.base))}\n{text}"
        executable, predicate = _EXECUTABLES[found.form]
        yield ox.Triple(subject, RDF.type, SH.SPARQLExecutable)
        yield ox.Triple(subject, RDF.type, executable)
        yield ox.Triple(subject, RDFS.comment, ox.Literal(self.question_de, language="de"))
        yield ox.Triple(subject, RDFS.comment, ox.Literal(self.question_en, language="en"))
        yield ox.Triple(subject, predicate, ox.Literal(text))
        yield ox.Triple(subject, _SCHEMA.target, ox.NamedNode(f"{names.base}sparql"))
        for keyword in self.keywords:
            yield ox.Triple(subject, _SCHEMA.keywords, ox.Literal(keyword))


def read_example(text: str, where: str) -> ExampleQuery:
    """Read one file; ``where`` names it in errors. Raises :class:`InputError` with the line.

    >>> text = "#: question.de: Gibt es etwas?\\n#: question.en: Is there anything?\\nASK {?s ?p ?o}"
    >>> query = read_example(text, "any.rq")
    >>> query.name, query.question("en"), query.text
    ('any', 'Is there anything?', 'ASK {?s ?p ?o}')
    """
    head: dict[str, str] = {"name": Path(where).stem}
    parameters: list[Parameter] = []
    lines = text.removeprefix("\ufeff").splitlines(keepends=True)
    for at, line in enumerate(lines, 1):
        if not line.startswith("#:"):
            break
        found = _HEAD.fullmatch(line.strip())
        if not found or found[1] not in _KEYS:
            raise InputError("example-head", where=where, line=at, known=", ".join(_KEYS))
        if found[1] == "param":
            parameters.append(_parameter(found[2], where, at))
        else:
            head[found[1]] = found[2].strip()
    for key in ("question.de", "question.en"):
        if not head.get(key):
            raise InputError("example-missing", where=where, key=key)
    body = "".join(line for line in lines if not line.startswith("#:")).strip()
    return _example(head, tuple(parameters), body, where)


def _example(head: dict[str, str], parameters: tuple[Parameter, ...], body: str, where: str) -> ExampleQuery:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", head["name"]):
        raise InputError("example-name", where=where, name=head["name"])
    number = head.get("number", "")
    if number and not re.fullmatch(r"[0-9]{1,6}", number):
        raise InputError("example-number", where=where, number=number)
    used = {t.text[1:] for t in tokenize(body) if t.kind is Kind.VARIABLE and t.text.startswith("$")}
    declared = {p.name for p in parameters}
    if used != declared:
        raise InputError("example-parameters", where=where, names=", ".join(sorted(used ^ declared)))
    return ExampleQuery(
        name=head["name"],
        question_de=head["question.de"],
        question_en=head["question.en"],
        text=body,
        keywords=_list(head.get("keywords", "")),
        domains=_list(head.get("domains", "")),
        number=int(number) if number else None,
        parameters=parameters,
    )


def _list(text: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in text.split(",") if item.strip())


def _parameter(text: str, where: str, line: int) -> Parameter:
    found = _PARAMETER.fullmatch(text)
    if not found:
        raise InputError("example-param", where=where, line=line)
    name, kind, default, label_de, label_en = found.groups()
    return Parameter(name, kind, default.strip('"') if kind == "string" else default, label_de, label_en)


def load_queries(folder: Path) -> tuple[ExampleQuery, ...]:
    """Read every ``.rq`` file of ``folder``, in the order of their numbers and names.

    Raises :class:`InputError` also where two files have the same name.
    """
    found: dict[str, ExampleQuery] = {}
    for path in sorted(folder.glob("*.rq")):
        try:
            query = read_example(path.read_text("utf-8"), path.name)
        except UnicodeDecodeError as error:
            raise InputError("example-encoding", where=path.name) from error
        if query.name in found:
            raise InputError("example-twice", where=path.name, name=query.name)
        found[query.name] = query
    return tuple(sorted(found.values(), key=lambda q: (q.number is None, q.number or 0, q.name)))


def as_triples(queries: Iterable[ExampleQuery], names: Names) -> Iterator[ox.Triple]:
    """Publish all ``queries`` (see :meth:`ExampleQuery.as_triples`)."""
    for query in queries:
        yield from query.as_triples(names)
