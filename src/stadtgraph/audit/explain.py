"""Explains one finding: the way that was walked, what was found and expected, where it stands, and how to mend it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import resources

import pyoxigraph as ox

from stadtgraph import messages
from stadtgraph.audit.finding import Finding, short
from stadtgraph.audit.report import AuditReport
from stadtgraph.audit.reports.columns import path, severity
from stadtgraph.audit.view import AuditedView
from stadtgraph.shacl import Shapes
from stadtgraph.terms import PREFIXES, RDFS, SG, SH, Term, render

NOT_EXPECTED = (
    *(SH.path, SH.message, SH.name, SH.description, SH.severity, SH.sparql, SH.property, SH.targetClass, SH.order),
    *(SG.remedy, SG.mendedBy, SG.mqaPoints, SG.group, SG.gate, RDFS.seeAlso, RDFS.label, RDFS.comment),
)
MOST = 20
"""Triples that an explanation shows."""
_THIS = re.compile(r"[?$](this|PATH)\b")
_DAY = re.compile(r"sg:audit\s+sg:asOf\s+[?$](\w+)\s*\.?")
_WHERE = re.compile(r"(WHERE\s*)?\{", re.IGNORECASE)
Line = Callable[[str, ox.Triple], str]
"""Gives file and line of a triple of a graph, or the empty text."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change that would mend a finding, or why none can be worked out.

    ``update`` is SPARQL, empty where there is none. As it stands it changes nothing: what only people know is put in
    the place of ``UNDEF``. ``why`` is the key of a message that says what kind of change it is.
    """

    why: str
    update: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One triple that the finding rests on, its graph, and file and line where they are known."""

    triple: ox.Triple
    graph: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that there is to say about one finding. ``query`` shows it; ``proposal`` is a change to fill in.

    ``advice`` says where the change belongs, where that is not the SPARQL update: the file of the source.
    """

    finding: Finding
    values: tuple[Term, ...]
    expected: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    query: str
    proposal: Proposal
    advice: str = ""

    @property
    def update(self) -> str:
        """The SPARQL update of the proposal; empty where there is none."""
        return self.proposal.update

    def lines(self, report: AuditReport, lang: str) -> Iterator[str]:
        """Give the explanation for a terminal."""

        def say(key: str, **params: object) -> str:
            return messages.text(f"audit-{key}", lang, **params)

        finding = self.finding
        yield f"{finding.key}  {severity(finding.severity, lang, 1)}: {finding.rule.name(lang)}"
        yield f"{say('column-message')}: {finding.message(lang)}"
        yield f"{say('walked')}: {short(finding.focus, report.base)}  {path(finding.path)}".rstrip()
        yield f"{say('found')}: " + (", ".join(short(v, report.base) for v in self.values) or say("nothing"))
        for text in self.expected or (say("fulfilled", rule=finding.rule.name(lang)),):
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
        yield f"# {say(self.proposal.why, remedy=finding.remedy(lang) or finding.message(lang))}"
        if self.advice:
            yield f"# {self.advice}"
        yield from self.update.rstrip().splitlines()


def explain(
    finding: Finding, view: AuditedView, shapes: Shapes, line: Line = lambda graph, triple: "", advice: str = ""
) -> Explanation:
    """Explain a finding on the view in which it was found; ``line`` tells where triples stand."""
    predicate = finding.result.predicate
    triples = list(_triples(finding, view, predicate))
    values = tuple(dict.fromkeys(e.triple.object for e in triples if e.triple.predicate == predicate))
    if not values and finding.value is not None:
        values = (finding.value,)
    evidence = tuple(Evidence(e.triple, e.graph, line(e.graph, e.triple)) for e in triples[:MOST])
    query = _query(finding, shapes, view.today)
    asked = shapes.graph.objects(finding.result.source, SH.hasValue)
    proposal = propose(finding, [e.triple for e in triples], asked)
    return Explanation(finding, values, tuple(_expected(finding, shapes)), evidence, query, proposal, advice)


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
        found,
        key=lambda e: (
            e.triple.predicate != predicate,
            e.triple.object != finding.value,
            e.graph != finding.graph,
            e.graph,
            str(e.triple),
        ),
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
    focus = "" if isinstance(finding.focus, ox.BlankNode) else render(finding.focus)
    holders = [(h, shapes.graph.first(h, SH.select)) for h in shapes.graph.objects(finding.result.source, SH.sparql)]
    found = [(holder, select.value.strip()) for holder, select in holders if isinstance(select, ox.Literal)]
    if found and finding.result.component == SH.SPARQLConstraintComponent:
        gives = finding.value not in (None, finding.focus)  # without ?value the focus node is the value
        holder, text = min(found, key=lambda pair: (_gives_value(pair[1]) != gives, pair[1]))
        return _declared(_bound(text, focus, finding.path or "", today), shapes, holder)
    name = "path.rq" if finding.path else "node.rq"
    return _template(name, focus or "?node", finding.path or "")


def _gives_value(select: str) -> bool:
    return re.search(r"[?$]value\b", select) is not None


def _bound(select: str, focus: str, way: str, today: str) -> str:
    """Give the query of a shape for one focus node, the day written out: a query that anyone can ask."""
    text = _DAY.sub(f'VALUES ?\\1 {{ "{today}"^^xsd:date }}', select)
    text = _THIS.sub(lambda found: way if found[1] == "PATH" and way else found[0], text)
    if not focus:
        return text
    return _WHERE.sub(lambda match: f"{match[0]}\n  VALUES $this {{ {focus} }}", text, count=1)


def _declared(text: str, shapes: Shapes, holder: Term) -> str:
    """Put the prefixes that a query uses before it (https://www.w3.org/TR/shacl/#sparql-prefixes)."""
    graph, known = shapes.graph, dict(PREFIXES)
    for named in graph.objects(holder, SH.prefixes):
        for entry in graph.objects(named, SH.declare):
            prefix, namespace = graph.first(entry, SH.prefix), graph.first(entry, SH.namespace)
            if isinstance(prefix, ox.Literal) and isinstance(namespace, ox.Literal):
                known[prefix.value] = namespace.value
    used = [prefix for prefix in sorted(known) if re.search(rf"(?<![\w.-]){re.escape(prefix)}:", text)]
    return "".join(f"PREFIX {prefix}: <{known[prefix]}>\n" for prefix in used) + text


def _template(name: str, focus: str, way: str) -> str:
    text = resources.files(__package__).joinpath("queries", name).read_text("utf-8")
    return text.replace("$focus", focus).replace("$path", way)


FILL = "VALUES ?value { UNDEF } FILTER(BOUND(?value))"
KEEP = "VALUES ?kept { UNDEF } FILTER(BOUND(?kept))"


def propose(finding: Finding, triples: Iterable[ox.Triple], asked: Sequence[Term] = ()) -> Proposal:
    """Work out what would mend a finding from its result, the ``triples`` of its focus node and the values ``asked``.

    Only what the finding itself shows is proposed: to add what is missing, to replace or remove a value that stands at
    the node, or to keep one of several. Anything else is for people to decide.
    """
    focus, result = finding.focus, finding.result
    if not isinstance(focus, ox.NamedNode) or "/.well-known/genid/" in focus.value:
        return Proposal("propose-unnamed")
    stated = [t for t in triples if t.subject == focus]
    predicate = result.predicate or _holding(finding, stated)
    if predicate is None:
        return Proposal("propose-decide")
    subject, p = render(focus), render(predicate)
    graph = f"GRAPH <{finding.graph}> " if finding.graph else ""
    if finding.value is not None:
        return _of_value(finding, f"{subject} {p}", graph, any(_is(t, predicate, finding.value) for t in stated))
    if result.component == SH.HasValueConstraintComponent and len(asked) == 1:
        return Proposal("propose-stated", f"INSERT DATA {{ {graph}{{ {subject} {p} {render(asked[0])} }} }}")
    if result.component == SH.MaxCountConstraintComponent:
        removed = f"{graph}{{ {subject} {p} ?value }}"
        return Proposal(
            "propose-keep", f"DELETE {{ {removed} }}\nWHERE {{ {removed} {KEEP} FILTER(!sameTerm(?value, ?kept)) }}"
        )
    if result.component in _MISSING:
        return Proposal("propose-add", f"INSERT {{ {graph}{{ {subject} {p} ?value }} }}\nWHERE {{ {FILL} }}")
    return Proposal("propose-decide")


_MISSING = (
    SH.MinCountConstraintComponent,
    SH.QualifiedMinCountConstraintComponent,
    SH.OrConstraintComponent,
    SH.SPARQLConstraintComponent,
)
_UNWANTED = (SH.ClosedConstraintComponent, SH.DisjointConstraintComponent)


def _of_value(finding: Finding, start: str, graph: str, is_there: bool) -> Proposal:
    value = finding.value
    if not is_there or not isinstance(value, ox.NamedNode | ox.Literal):
        return Proposal("propose-decide")
    old = f"{graph}{{ {start} {render(value)} }}"
    if finding.result.component in _UNWANTED:
        return Proposal(
            "propose-remove", f"DELETE {{ {old} }}\nWHERE {{ VALUES ?sure {{ UNDEF }} FILTER(BOUND(?sure)) }}"
        )
    return Proposal(
        "propose-replace", f"DELETE {{ {old} }}\nINSERT {{ {graph}{{ {start} ?value }} }}\nWHERE {{ {FILL} }}"
    )


def _holding(finding: Finding, stated: list[ox.Triple]) -> ox.NamedNode | None:
    """Give the one predicate by which the focus node has the value that a query or a node shape found."""
    if finding.value is None or finding.path is not None:
        return None
    found = {t.predicate for t in stated if t.object == finding.value}
    return found.pop() if len(found) == 1 else None


def _is(triple: ox.Triple, predicate: ox.NamedNode, value: Term | None) -> bool:
    return triple.predicate == predicate and triple.object == value
