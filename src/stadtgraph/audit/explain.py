"""Explains one finding: the way that was walked, what was found and expected, where it stands, and how to mend it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import resources

import pyoxigraph as ox

from stadtgraph import messages
from stadtgraph.audit.finding import Finding, short
from stadtgraph.audit.report import AuditReport
from stadtgraph.audit.reports.columns import path, severity
from stadtgraph.audit.view import AuditedView
from stadtgraph.shacl import Shapes
from stadtgraph.terms import RDFS, SG, SH, Term, render

NOT_EXPECTED = (
    *(SH.path, SH.message, SH.name, SH.description, SH.severity, SH.sparql, SH.property, SH.targetClass, SH.order),
    *(SG.remedy, SG.mendedBy, SG.mqaPoints, SG.group, SG.gate, RDFS.seeAlso, RDFS.label, RDFS.comment),
)
MOST = 20
"""Triples that an explanation shows."""
_DAY = re.compile(r"sg:audit\s+sg:asOf\s+[?$](\w+)\s*\.?")
_WHERE = re.compile(r"(WHERE\s*)?\{", re.IGNORECASE)
Line = Callable[[str, ox.Triple], str]
"""Gives file and line of a triple of a graph, or the empty text."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One triple that the finding rests on, its graph, and file and line where they are known."""

    triple: ox.Triple
    graph: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that there is to say about one finding. ``query`` shows it; ``update`` is a proposal to fill in."""

    finding: Finding
    values: tuple[Term, ...]
    expected: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    query: str
    update: str

    def lines(self, report: AuditReport, lang: str) -> Iterator[str]:
        """Give the explanation for a terminal."""

        def say(key: str) -> str:
            return messages.text(f"audit-{key}", lang)

        finding = self.finding
        yield f"{finding.key}  {severity(finding.severity, lang)}: {finding.rule.name(lang)}"
        yield f"{say('column-message')}: {finding.message(lang)}"
        yield f"{say('walked')}: {short(finding.focus, report.base)}  {path(finding.path)}".rstrip()
        yield f"{say('found')}: " + (", ".join(short(v, report.base) for v in self.values) or say("nothing"))
        for text in self.expected:
            yield f"{say('expected')}: {text}"
        for name in ("unit", "post", "coach", "role", "dataset"):
            label = report.label(getattr(finding, name), lang)
            if label:
                yield f"{say(f'column-{name}')}: {label}"
        if finding.remedy(lang):
            yield f"{say('column-remedy')}: {finding.remedy(lang)}"
        for iri in finding.rule.sources:
            yield f"{say('source')} {iri.value}"
        yield ""
        yield f"{say('evidence')}:"
        for entry in self.evidence:
            where = entry.place or entry.graph.removeprefix(report.base)
            yield f"  {entry.triple} .  # {where}"
        yield ""
        yield f"# {say('query')}"
        yield from self.query.rstrip().splitlines()
        yield ""
        yield f"# {say('update')}"
        yield from self.update.rstrip().splitlines()


def explain(finding: Finding, view: AuditedView, shapes: Shapes, line: Line = lambda graph, triple: "") -> Explanation:
    """Explain a finding on the view in which it was found."""
    predicate = finding.result.predicate
    triples = list(_triples(finding, view, predicate))
    values = tuple(dict.fromkeys(e.triple.object for e in triples if e.triple.predicate == predicate))
    if not values and finding.value is not None:
        values = (finding.value,)
    evidence = tuple(Evidence(e.triple, e.graph, line(e.graph, e.triple)) for e in triples[:MOST])
    expected = tuple(_expected(finding, shapes))
    return Explanation(
        finding, values, expected, evidence, _query(finding, shapes, view.today), _update(finding, values)
    )


def _triples(finding: Finding, view: AuditedView, predicate: ox.NamedNode | None) -> Iterator[Evidence]:
    """Give the triples of the focus node, those with the property first, each with its graph."""
    focus = finding.focus
    if not isinstance(focus, ox.NamedNode | ox.BlankNode):
        return
    found = [
        Evidence(triple, graph)
        for graph in sorted(view.graphs)
        for triple in view.engine.as_written(ox.NamedNode(graph), [focus])
    ]
    yield from sorted(
        found, key=lambda e: (e.triple.predicate != predicate, e.graph != finding.graph, e.graph, str(e.triple))
    )


def _expected(finding: Finding, shapes: Shapes) -> Iterator[str]:
    source = finding.result.source
    for p in shapes.graph.predicates(source):
        if p in NOT_EXPECTED or not p.value.startswith(str(SH)) or p.value.startswith(f"{SH}target"):
            continue
        for value in shapes.graph.objects(source, p):
            try:
                shown = [short(v) for v in shapes.graph.members(value)]
            except ValueError:
                shown = [path(str(value)) if isinstance(value, ox.NamedNode) else short(value)]
            yield f"sh:{p.value.removeprefix(str(SH))} {' '.join(shown)}"


def _query(finding: Finding, shapes: Shapes, today: str) -> str:
    focus = "?node" if isinstance(finding.focus, ox.BlankNode) else render(finding.focus)
    for holder in shapes.graph.objects(finding.result.source, SH.sparql):
        select = shapes.graph.first(holder, SH.select)
        if isinstance(select, ox.Literal):
            return _bound(select.value.strip(), focus, today)
    name = "path.rq" if finding.path else "node.rq"
    return _template(name, focus, finding.path or "")


def _bound(select: str, focus: str, today: str) -> str:
    """Give the query of a shape for one focus node, the day written out: a query that anyone can ask."""
    text = _DAY.sub(f'VALUES ?\\1 {{ "{today}"^^xsd:date }}', select)
    return _WHERE.sub(lambda match: f"{match[0]}\n  VALUES $this {{ {focus} }}", text, count=1)


def _template(name: str, focus: str, way: str) -> str:
    text = resources.files(__package__).joinpath("queries", name).read_text("utf-8")
    return text.replace("$focus", focus).replace("$path", way)


def _update(finding: Finding, values: tuple[Term, ...]) -> str:
    """Propose a change: add what is missing, or replace what is wrong; ``?value`` is to be filled in."""
    remedy = finding.remedy("en")
    note = f"# {remedy}\n" if remedy else ""
    predicate, focus = finding.result.predicate, finding.focus
    if predicate is None or isinstance(focus, ox.BlankNode | ox.Literal):
        return f"{note}# {finding.message('en')}"
    subject, p = render(focus), render(predicate)
    graph = f"GRAPH <{finding.graph}> " if finding.graph else ""
    if finding.value is None and finding.result.component != SH.MaxCountConstraintComponent:
        return f'{note}INSERT {{ {graph}{{ {subject} {p} ?value }} }}\nWHERE {{ BIND("..." AS ?value) }}'
    wrong = [finding.value] if finding.value is not None else list(values[1:])
    named = [render(v) for v in wrong if not isinstance(v, ox.BlankNode)]
    removed = " ".join(f"{subject} {p} {v} ." for v in named)
    if finding.value is None:
        return f"{note}DELETE DATA {{ {graph}{{ {removed} }} }}"
    return (
        f"{note}DELETE {{ {graph}{{ {removed} }} }}\nINSERT {{ {graph}{{ {subject} {p} ?value }} }}\n"
        'WHERE { BIND("..." AS ?value) }'
    )
