"""Findings as triples: the report that lies in a release as ``graph/audit``, and findings read back from it.

Source: https://www.w3.org/TR/shacl/#validation-report and, for who and when, https://www.w3.org/TR/prov-o/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

import pyoxigraph as ox

from stadtgraph.audit.finding import Finding, Place, Rules
from stadtgraph.audit.tally import More
from stadtgraph.reason.facts import Facts
from stadtgraph.shacl import Result
from stadtgraph.terms import DCT, PROV, RDF, RDFS, SG, SH, XSD, Names, Term

FINDING, MORE = "finding/", "more-findings/"
_UNSAFE = re.compile(r"[^A-Za-z0-9._~-]")
_OF_PLACE = (("unit", SG.unit), ("post", SG.post), ("coach", SG.coach), ("dataset", SG.dataset))


@dataclass(frozen=True, slots=True)
class AuditGraph:
    """Writes the triples of an audit on one day; ``digest`` tells by which shapes."""

    names: Names
    date: str
    digest: str = ""
    most: int = 0
    """How many findings of each rule and source are listed, about; 0 where all are."""

    @property
    def report(self) -> ox.NamedNode:
        """The IRI of the report."""
        return self.names.id("audit/report")

    def iri(self, finding: Finding) -> ox.NamedNode:
        """Give the IRI of a finding."""
        return self.names.id(FINDING + finding.key)

    def head(self, findings: int) -> Iterator[ox.Triple]:
        """Say that there is a report, and whether the data conform."""
        yield ox.Triple(self.report, RDF.type, SH.ValidationReport)
        yield ox.Triple(self.report, SH.conforms, ox.Literal(str(findings == 0).lower(), datatype=XSD.boolean))
        yield ox.Triple(self.report, RDFS.label, ox.Literal("Prüfbericht", language="de"))
        yield ox.Triple(self.report, RDFS.label, ox.Literal("audit report", language="en"))
        yield ox.Triple(self.report, DCT.date, self._day())
        if self.digest:
            yield ox.Triple(self.report, DCT.conformsTo, ox.NamedNode(f"urn:sha256:{self.digest}"))
        if self.most:
            yield ox.Triple(self.report, SG.listedAtMost, _whole(self.most))

    def finding(self, finding: Finding) -> Iterator[ox.Triple]:
        """Give the triples of one finding."""
        iri, result = self.iri(finding), finding.result
        yield ox.Triple(self.report, SH.result, iri)
        yield ox.Triple(iri, RDF.type, SH.ValidationResult)
        yield ox.Triple(iri, RDF.type, SG.Finding)
        yield ox.Triple(iri, SH.focusNode, result.focus)
        if result.predicate is not None:
            yield ox.Triple(iri, SH.resultPath, result.predicate)
        elif result.path is not None:
            yield ox.Triple(iri, SG.resultPath, ox.Literal(result.path))
        if result.value is not None:
            yield ox.Triple(iri, SH.value, result.value)
        yield ox.Triple(iri, SH.sourceShape, result.source)
        if result.shape != result.source:
            yield ox.Triple(iri, SG.ofShape, result.shape)
        yield ox.Triple(iri, SH.sourceConstraintComponent, result.component)
        yield ox.Triple(iri, SH.resultSeverity, result.severity)
        yield from (ox.Triple(iri, SH.resultMessage, text) for text in _literals(result.messages))
        yield from (ox.Triple(iri, RDFS.label, text) for text in _literals(finding.rule.names or result.messages))
        yield from _of_place(iri, finding.place)
        if finding.graph:
            yield ox.Triple(iri, SG.inGraph, ox.NamedNode(finding.graph))

    def more(self, more: More) -> Iterator[ox.Triple]:
        """Give the triples of findings that are counted and not listed."""
        if not more.number:
            return
        iri = self.names.id(MORE + more.key)
        yield ox.Triple(self.report, SG.moreFindings, iri)
        yield ox.Triple(iri, RDF.type, SG.MoreFindings)
        yield ox.Triple(iri, SG.numberOfFindings, _whole(more.number))
        yield ox.Triple(iri, SH.sourceShape, more.source)
        if more.shape != more.source:
            yield ox.Triple(iri, SG.ofShape, more.shape)
        yield ox.Triple(iri, SH.resultSeverity, more.severity)
        yield from (ox.Triple(iri, RDFS.label, text) for text in _literals(more.rule.names))
        yield from _of_place(iri, more.place)
        if more.graph:
            yield ox.Triple(iri, SG.inGraph, ox.NamedNode(more.graph))

    def of_dataset(self, dataset: ox.NamedNode) -> ox.NamedNode:
        """Give the IRI of the audit of one dataset."""
        path = dataset.value.removeprefix(f"{self.names.base}id/")
        if path == dataset.value:
            path = _UNSAFE.sub(lambda match: f"%{ord(match[0]):X}", path)
        return self.names.id(f"audit/{path}")

    def record(self, dataset: ox.NamedNode) -> Iterator[ox.Triple]:
        """Say that a dataset was audited, and when."""
        audit = self.of_dataset(dataset)
        yield ox.Triple(audit, RDF.type, SG.Audit)
        yield ox.Triple(audit, SG.term("for"), dataset)
        yield ox.Triple(audit, DCT.date, self._day())

    def generated(self, finding: Finding) -> Iterator[ox.Triple]:
        """Say which audit a finding comes from."""
        if finding.dataset is not None:
            yield ox.Triple(self.of_dataset(finding.dataset), PROV.generated, self.iri(finding))

    def all(
        self, findings: Iterable[Finding], datasets: Iterable[ox.NamedNode], more: Iterable[More] = ()
    ) -> Iterator[ox.Triple]:
        """Give the whole graph: every dataset's audit, every finding, what is only counted, and the head."""
        number = 0
        for dataset in datasets:
            yield from self.record(dataset)
        for finding in findings:
            number += 1
            yield from self.finding(finding)
            yield from self.generated(finding)
        for rest in more:
            number += rest.number
            yield from self.more(rest)
        yield from self.head(number)

    def _day(self) -> ox.Literal:
        return ox.Literal(self.date, datatype=XSD.date)


def _whole(number: int) -> ox.Literal:
    return ox.Literal(str(number), datatype=XSD.integer)


def _of_place(iri: ox.NamedNode, place: Place) -> Iterator[ox.Triple]:
    for name, p in _OF_PLACE:
        value = getattr(place, name)
        if value is not None:
            yield ox.Triple(iri, p, value)


def _literals(texts: Mapping[str, str]) -> Iterator[ox.Literal]:
    for language, text in texts.items():
        yield ox.Literal(text, language=language) if language else ox.Literal(text)


def read_findings(triples: Iterable[ox.Triple], rules: Rules, names: Names) -> Iterator[Finding]:
    """Read findings back from the triples of an audit graph, which must come subject by subject."""
    start = f"{names.base}id/{FINDING}"
    for subject, group in groupby(triples, key=lambda t: t.subject):
        if isinstance(subject, ox.NamedNode) and subject.value.startswith(start):
            yield _finding(subject.value.removeprefix(start), list(group), rules)


def _finding(key: str, triples: list[ox.Triple], rules: Rules) -> Finding:
    values: dict[ox.NamedNode, Term] = {}
    messages: dict[str, str] = {}
    for triple in triples:
        if triple.predicate == SH.resultMessage and isinstance(triple.object, ox.Literal):
            messages[triple.object.language or ""] = triple.object.value
        else:
            values[triple.predicate] = triple.object

    def iri(p: ox.NamedNode) -> ox.NamedNode | None:
        value = values.get(p)
        return value if isinstance(value, ox.NamedNode) else None

    source = iri(SH.sourceShape) or ox.NamedNode("urn:stadtgraph:unknown")
    shape, written = iri(SG.ofShape) or source, values.get(SG.resultPath)
    plain = iri(SH.resultPath)
    path = str(plain) if plain is not None else written.value if isinstance(written, ox.Literal) else None
    result = Result(
        shape=shape,
        focus=values[SH.focusNode],
        path=path,
        component=iri(SH.sourceConstraintComponent) or SH.ConstraintComponent,
        value=values.get(SH.value),
        severity=iri(SH.resultSeverity) or SH.Violation,
        messages=dict(sorted(messages.items())),
        source=source,
    )
    place = Place(**{name: iri(p) for name, p in _OF_PLACE})
    graph = iri(SG.inGraph)
    return Finding(key, result, rules.of(shape, source), place, graph.value if graph else "")


def read_more(facts: Facts, rules: Rules) -> Iterator[More]:
    """Read back what is counted and not listed, from the triples of an audit graph."""
    for triple in facts.match(None, RDF.type, SG.MoreFindings):
        if isinstance(triple.subject, ox.NamedNode):
            values = {t.predicate: t.object for t in facts.match(triple.subject, None, None)}
            iris = {p: o for p, o in values.items() if isinstance(o, ox.NamedNode)}
            source = iris[SH.sourceShape]
            yield More(
                rules.of(iris.get(SG.ofShape, source), source),
                source,
                iris[SH.resultSeverity],
                Place(**{name: iris.get(p) for name, p in _OF_PLACE}),
                iris[SG.inGraph].value if SG.inGraph in iris else "",
                _number(values.get(SG.numberOfFindings)),
            )


def number_of(facts: Facts, names: Names, more: More) -> int:
    """Read back how many findings are counted there."""
    return _number(next((t.object for t in facts.match(names.id(MORE + more.key), SG.numberOfFindings, None)), None))


def limit_of(facts: Facts, names: Names) -> int:
    """Read back how many findings of each rule and source are listed; 0 where all are."""
    head = AuditGraph(names, "").report
    return _number(next((t.object for t in facts.match(head, SG.listedAtMost, None)), None))


def _number(term: Term | None) -> int:
    return int(term.value) if isinstance(term, ox.Literal) else 0
