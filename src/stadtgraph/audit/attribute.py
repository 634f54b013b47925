"""Finds who answers for a node, by walking the responsibility graph.

dataset → responsibility → post or unit → unit. A node that is no dataset is led to its own responsibility, to the
dataset whose source graph holds it, or to itself where it is a unit or a post. Where nobody is known, the post that
an open question names is asked, else the one that governs data.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cache
from itertools import chain, islice

import pyoxigraph as ox

from stadtgraph.audit.finding import Acceptance, Finding, Place, Rules, languages
from stadtgraph.reason.facts import Facts
from stadtgraph.shacl import Result
from stadtgraph.terms import DCAT, DCT, ORG, PROV, RDF, SG, Names, Term

Node = ox.NamedNode | ox.BlankNode
GraphOf = Callable[[Node], str]
"""Tells in which source graph a node is described; the empty text where that is not known."""

RACI_ORDER = (SG.accountable, SG.responsible, SG.consulted, SG.informed)
_UP = (DCAT.distribution, DCAT.servesDataset)
_LEADS = (SG.term("for"), SG.about, SG.carries, SG.flowFrom)
KINDS = frozenset(
    {
        ORG.Post,
        ORG.OrganizationalUnit,
        ORG.FormalOrganization,
        ORG.Organization,
        SG.Responsibility,
        DCAT.Dataset,
        DCAT.DatasetSeries,
    }
)
_UNIT_LEADS = (ORG.unitOf, ORG.postIn, SG.operatedBy, SG.maintainedBy, SG.holder)
DECIDING = frozenset(
    {*_UP, *_LEADS, *_UNIT_LEADS, DCT.publisher, PROV.agent, DCAT.hadRole, SG.raci, ORG.role, SG.askPost}
    | {SG.validFrom, SG.validUntil}
)
_NEAR = frozenset({DCT.publisher, *_UNIT_LEADS} - {ORG.postIn})
"""What names the unit of its subject, and decides about what hangs on that alone."""
_REMEMBERED = 100_000
"""Places that are remembered from one portion of results to the next."""
_MANY = 1_000
"""Up to how many nodes are looked at one by one that hang on another."""


class Responsibilities:
    """The responsibility graph of a city on one day."""

    def __init__(
        self,
        facts: Facts,
        names: Names,
        today: str,
        graph_of: GraphOf = lambda _: "",
        datasets: dict[str, ox.NamedNode] | None = None,
    ) -> None:
        """Walk ``facts`` as of ``today``; ``datasets`` names the dataset that a source graph holds."""
        self._facts, self._names, self._today = facts, names, today
        self._graph_of, self._datasets = graph_of, datasets or {}
        self._places: dict[tuple[Term, ox.NamedNode | None], Place] = {}
        self._last: tuple[Term | None, str] = (None, "")
        self._post_in, self._coach = cache(self._find_post), cache(self._find_coach)
        self._governor, self._coaches = cache(self._find_governor), cache(self._find_coaches)

    def forget(self) -> None:
        """Let go of what was found where that has become very much."""
        if len(self._places) > _REMEMBERED:
            self._places.clear()

    def place(self, focus: Term, role: ox.NamedNode | None) -> Place:
        """Give who answers for ``focus``; ``role`` is the one that mends, so its post comes before others."""
        known = self._places.get((focus, role))
        if known is None:
            known = self._places[focus, role] = self._place(focus, role)
        return known

    def graph(self, focus: Term) -> str:
        """Give the source graph in which ``focus`` is described."""
        if not isinstance(focus, Node):
            return ""
        if self._last[0] != focus:
            self._last = (focus, self._graph_of(focus))
        return self._last[1]

    def _place(self, focus: Term, role: ox.NamedNode | None) -> Place:
        if not isinstance(focus, Node):
            return Place(post=self._governor(), coach=self._coach(None, role))
        kinds = set(self._objects(focus, RDF.type))
        held = self._datasets.get(self.graph(focus))
        if held is not None and not kinds & KINDS:
            return self._of_content(focus, role, held)
        if ORG.Post in kinds:
            unit = self._iri(focus, ORG.postIn)
            return Place(unit, focus if isinstance(focus, ox.NamedNode) else None, self._coach(unit, role))
        if kinds & {ORG.OrganizationalUnit, ORG.FormalOrganization, ORG.Organization}:
            unit = focus if isinstance(focus, ox.NamedNode) else None
            return Place(unit, self._post_in(unit, role), self._coach(unit, role))
        if SG.Responsibility in kinds:
            return self._of_responsibility(focus, role)
        dataset = self._dataset(focus, kinds)
        for subject in dict.fromkeys((focus, *self._followed(focus), *([dataset] if dataset else []))):
            unit, post = self._holder(subject, role)
            if unit is not None or post is not None:
                post = post or self._post_in(unit, role)
                return Place(unit, post, self._coach(unit, role), dataset)
        return Place(None, self._asked(focus, dataset), self._coach(None, role), dataset)

    def _of_content(self, focus: Node, role: ox.NamedNode | None, dataset: ox.NamedNode) -> Place:
        """Give who answers for a record of a dataset: the unit that looks after it, else that of the dataset."""
        unit = self._iri(focus, SG.maintainedBy)
        if unit is None:
            return self.place(dataset, role)
        known = self._places.get((unit, role))
        if known is None:
            known = Place(unit, self._post_in(unit, role), self._coach(unit, role))
            self._places[unit, role] = known
        return Place(unit, known.post, known.coach, dataset)

    def _of_responsibility(self, focus: Node, role: ox.NamedNode | None) -> Place:
        subject = self._iri(focus, SG.term("for"))
        dataset = self._dataset(subject, set(self._objects(subject, RDF.type))) if subject is not None else None
        unit, post = self._agent(focus)
        if role is not None and post is None:
            post = self._post_in(unit, role)
        post = post or (None if unit else self._asked(focus, dataset))
        return Place(unit, post, self._coach(unit, role), dataset)

    def _dataset(self, focus: Node, kinds: set[Term]) -> ox.NamedNode | None:
        if kinds & {DCAT.Dataset, DCAT.DatasetSeries}:
            return focus if isinstance(focus, ox.NamedNode) else None
        for p in _UP:
            for triple in self._facts.match(None, p, focus):
                if isinstance(triple.subject, ox.NamedNode):
                    return triple.subject
        for other in self._followed(focus):
            if DCAT.Dataset in self._objects(other, RDF.type):
                return other if isinstance(other, ox.NamedNode) else None
        return self._datasets.get(self.graph(focus))

    def _followed(self, focus: Node) -> Iterator[Node]:
        for p in _LEADS:
            yield from (o for o in self._objects(focus, p) if isinstance(o, Node))

    def _holder(self, subject: Node, role: ox.NamedNode | None) -> tuple[ox.NamedNode | None, ox.NamedNode | None]:
        """Give unit and post of whoever has ``role`` for a subject, else of the accountable, else of any."""
        best: tuple[tuple[bool, int, str], Node] | None = None
        for triple in self._facts.match(None, SG.term("for"), subject):
            found = triple.subject
            if not isinstance(found, Node) or not self._holds(found):
                continue
            if SG.Responsibility not in self._objects(found, RDF.type):
                continue
            raci = self._iri(found, SG.raci)
            rank = RACI_ORDER.index(raci) if raci in RACI_ORDER else len(RACI_ORDER)
            order = (role not in self._objects(found, DCAT.hadRole), rank, str(found))
            if best is None or order < best[0]:
                best = (order, found)
        if best is not None:
            return self._agent(best[1])
        for p in (*_UNIT_LEADS, DCT.publisher):
            unit = self._iri(subject, p)
            if unit is not None:
                return unit, None
        return None, None

    def _agent(self, responsibility: Node) -> tuple[ox.NamedNode | None, ox.NamedNode | None]:
        agent = self._iri(responsibility, PROV.agent)
        if agent is not None and ORG.Post in self._objects(agent, RDF.type):
            return self._iri(agent, ORG.postIn), agent
        return agent, None

    def _find_post(self, unit: ox.NamedNode | None, role: ox.NamedNode | None) -> ox.NamedNode | None:
        """Give the post with ``role`` in a unit; ``None`` where there is none."""
        if unit is None or role is None:
            return None
        posts = (t.subject for t in self._facts.match(None, ORG.postIn, unit))
        fitting = [p for p in posts if isinstance(p, ox.NamedNode) and self._holds(p)]
        return min((p for p in fitting if role in self._objects(p, ORG.role)), key=str, default=None)

    def _find_coach(self, unit: ox.NamedNode | None, role: ox.NamedNode | None) -> ox.NamedNode | None:
        """Give the coach of the unit, or of a unit above it, else the one who has the role, else the first."""
        ranked = sorted(self._coaches(), key=lambda entry: (role not in entry[1], entry[0].value))
        mine = {t.subject for t in self._facts.match(None, SG.term("for"), unit)} if unit is not None else set()
        agents = {agent for r in mine if isinstance(r, Node) for agent in self._objects(r, PROV.agent)}
        return next((p for p, _ in ranked if p in agents), ranked[0][0] if ranked else None)

    def _find_coaches(self) -> list[tuple[ox.NamedNode, frozenset[Term]]]:
        """Give all coaches who are in office with their roles, by IRI."""
        posts = {t.subject for t in self._facts.match(None, ORG.role, self._names.id("role/urban-data-coach"))}
        found = ((p, frozenset(self._objects(p, ORG.role))) for p in posts if isinstance(p, ox.NamedNode))
        return sorted((entry for entry in found if self._holds(entry[0])), key=lambda entry: entry[0].value)

    def _asked(self, focus: Node, dataset: ox.NamedNode | None) -> ox.NamedNode | None:
        """Give the post that an open question about the node or its dataset asks, else the one that governs data."""
        for about in (focus, dataset):
            if about is not None:
                questions = sorted((t.subject for t in self._facts.match(None, SG.about, about)), key=str)
                for question in questions:
                    post = self._iri(question, SG.askPost) if isinstance(question, Node) else None
                    if post is not None:
                        return post
        return self._governor()

    def _find_governor(self) -> ox.NamedNode | None:
        for role in ("role/data-governance-manager", "role/cdo"):
            posts = [t.subject for t in self._facts.match(None, ORG.role, self._names.id(role))]
            found = min((p for p in posts if isinstance(p, ox.NamedNode)), key=str, default=None)
            if found is not None:
                return found
        return None

    def _holds(self, node: Node) -> bool:
        first = next((o.value for o in self._objects(node, SG.validFrom) if isinstance(o, ox.Literal)), "")
        last = next((o.value for o in self._objects(node, SG.validUntil) if isinstance(o, ox.Literal)), "")
        return (not first or first <= self._today) and (not last or self._today <= last)

    def _objects(self, s: Node, p: ox.NamedNode) -> list[Term]:
        return [t.object for t in self._facts.match(s, p, None)]

    def _iri(self, s: Node, p: ox.NamedNode) -> ox.NamedNode | None:
        return min((o for o in self._objects(s, p) if isinstance(o, ox.NamedNode)), key=str, default=None)


def attribute(results: Iterable[Result], rules: Rules, who: Responsibilities) -> Iterator[Finding]:
    """Give the finding of each result: its rule, and who answers for it; equal findings come once."""
    known: dict[str, Result] = {}
    for result in results:
        key = result.key
        other = known.setdefault(key, result)
        if other is not result and result.sort_key() < other.sort_key():
            known[key] = result
    for key, result in known.items():
        rule = rules.of(result.shape, result.source)
        yield Finding(key, result, rule, who.place(result.focus, rule.role), who.graph(result.focus))


def is_about_places(triple: ox.Triple) -> bool:
    """Tell whether a triple may decide who answers for nodes other than its subject."""
    return triple.predicate in DECIDING or (triple.predicate == RDF.type and triple.object in KINDS)


def decided_by(triple: ox.Triple, facts: Facts, held: Collection[Term]) -> set[Term] | None:
    """Give the nodes of which ``triple`` may decide who answers for them; ``None`` where they are not to be named.

    ``held`` are the datasets whose content lies in a graph of its own.
    """
    s, p, o = triple
    if not is_about_places(triple):
        return {s}
    if p in _UP:
        return {s, o}
    is_near = p in _NEAR or (p == RDF.type and o in (DCAT.Dataset, DCAT.DatasetSeries))
    if not is_near or s in held or not isinstance(s, Node):
        return None
    below = (t.object for p in _UP for t in facts.match(s, p, None))
    above = (t.subject for p in _LEADS for t in facts.match(None, p, s))
    found = {s, *islice(chain(below, above), _MANY + 1)}
    return found if len(found) <= _MANY else None


def belonging(dataset: ox.NamedNode, facts: Facts) -> set[Term]:
    """Give a dataset and the nodes that are led to it, but for the content of its source graph."""
    below = (t.object for p in _UP for t in facts.match(dataset, p, None))
    above = (t.subject for p in _LEADS for t in facts.match(None, p, dataset))
    return {dataset, *below, *above}


def acceptances(facts: Facts) -> tuple[Acceptance, ...]:
    """Read the register of accepted risks."""
    found = []
    for triple in facts.match(None, RDF.type, SG.AcceptedRisk):
        if isinstance(triple.subject, ox.NamedNode):
            found.append(_acceptance(facts, triple.subject))
    return tuple(sorted(found, key=lambda a: a.iri.value))


def _acceptance(facts: Facts, iri: ox.NamedNode) -> Acceptance:
    def first(p: ox.NamedNode) -> Term | None:
        return next((t.object for t in facts.match(iri, p, None)), None)

    def text(p: ox.NamedNode) -> str:
        found = first(p)
        return found.value if isinstance(found, ox.Literal) else ""

    shape, role = first(SG.ofShape), first(SG.acceptedBy)
    return Acceptance(
        iri,
        text(SG.finding),
        shape if isinstance(shape, ox.NamedNode) else None,
        first(SG.ofFocus),
        languages(t.object for t in facts.match(iri, SG.reason, None)),
        text(SG.validUntil),
        role if isinstance(role, ox.NamedNode) else None,
    )
