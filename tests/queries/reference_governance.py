"""References of the questions of coaches: responsibilities, posts, systems, decisions."""

from __future__ import annotations

from collections.abc import Iterator

from rdflib import Namespace
from rdflib.term import Node

from queries.reference import (
    DCAT,
    DCT,
    ORG,
    PROV,
    SG,
    Row,
    World,
    answers,
    combine,
    distinct,
    local,
    name,
    optional,
)
from stadtgraph.terms import PREFIXES

DPV = Namespace(str(PREFIXES["dpv"]))
REFORM = "2024-10-01"


@answers("datasets-without-exactly-one-accountable", "dataset title accountable names")
def not_one_accountable(world: World) -> Iterator[Row]:
    """Every number of accountable units but one."""
    r = world.registers
    for dataset in r.datasets:
        agents = {a for f in r.responsibilities(dataset, SG.accountable) for a in r.of(f, PROV.agent)}
        if len(agents) != 1:
            yield local(dataset), r.title(dataset), str(len(agents)), "; ".join(sorted(r.word(a) for a in agents))


@answers("responsibilities-of-dissolved-units", "responsibility about agent goneUnit lastDay")
def dissolved(world: World) -> list[Row]:
    """Units that ended before the reform's day, by themselves or with all that is above them."""
    r = world.registers

    def ended(unit: Node) -> bool:
        return any(str(day) < REFORM for day in r.of(unit, SG.validUntil))

    rows: list[Row] = []
    for responsibility in r.all(SG.Responsibility):
        for agent in r.of(responsibility, PROV.agent):
            unit, parents = r.unit(agent), r.of(r.unit(agent), ORG.unitOf)
            gone = [unit] if ended(unit) else []
            if not r.of(unit, SG.validUntil) and all(map(ended, parents)):
                gone = parents
            if any(str(day) < REFORM for day in r.of(responsibility, SG.validUntil)):
                continue
            rows += [
                (local(responsibility), r.named(thing), r.word(agent), r.word(old), str(r.of(old, SG.validUntil)[0]))
                for old in gone
                for thing in r.of(responsibility, SG["for"])
            ]
    return distinct(rows)


@answers("posts-vacant-or-ending", "post name unit vacant ends unknown askPost")
def posts(world: World) -> Iterator[Row]:
    """Vacant, ending with the funding, or not known."""
    r = world.registers
    for post in r.all(ORG.Post):
        vacant = r.texts(post, SG.vacant)
        ends = [day for day in r.texts(post, SG.validUntil) if str(day) <= "2027-08-31"]
        asks = r.asks(post, SG.vacant)
        if "true" in vacant or ends or asks:
            unit = r.word(r.of(post, ORG.postIn)[0])
            first = combine([local(post)], [r.word(post)], [unit], optional(vacant), optional(ends))
            yield from combine(first, optional(asks, 2))


@answers("raci-matrix-of-a-unit", "thing about raci role agent scope since")
def raci_matrix(world: World) -> list[Row]:
    """All roles in everything in which the municipal service or a part or post of it has one."""
    r = world.registers
    found = [f for f in r.all(SG.Responsibility) if r.is_valid(f, "2026-12-01")]

    def things(responsibility: Node) -> set[Node]:
        return set(r.of(responsibility, SG["for"])) | set(r.with_(PROV.qualifiedAttribution, responsibility))

    mine = [f for f in found if name("unit/ksj") in r.whole(r.unit(r.of(f, PROV.agent)[0]))]
    rows: list[Row] = []
    for thing in set().union(*map(things, mine)):
        for each in (f for f in found if thing in things(f)):
            words = [r.word(r.of(each, step)[0]) for step in (SG.raci, DCAT.hadRole, PROV.agent)]
            since = optional(r.texts(each, SG.validFrom))
            rows += combine([(local(thing), r.named(thing), *words)], [r.word(each, SG.scope)], since)
    return distinct(rows)


@answers("systems-with-several-datasets", "system name datasets storedElsewhereToo")
def several_datasets(world: World) -> Iterator[Row]:
    """Systems that hold or send more than one."""
    r = world.registers
    for system in r.all(SG.InformationSystem):
        sent = {d for flow in r.with_(SG.flowFrom, system) for d in r.of(flow, SG.carries)}
        fed = set(r.with_(SG.storedIn, system)) | sent
        twice = [d for d in fed if set(r.of(d, SG.storedIn)) - {system}]
        if len(fed) > 1:
            yield local(system), r.word(system), str(len(fed)), str(len(twice))


@answers("roles-lacking-training", "who name missing unknown askPost")
def training(world: World) -> Iterator[Row]:
    """Topics asked of a post or its role, without a record; then the questions."""
    r = world.registers
    for post in r.all(ORG.Post):
        wanted = {*r.of(post, SG.requiresTraining), *r.of(post, ORG.role, SG.requiresTraining)}
        for topic in wanted - set(r.of(post, SG.trainingEvidence, DCT.subject)):
            yield local(post), r.word(post), r.word(topic), "", ""
    for wanted_fact in (SG.requiresTraining, SG.trainingEvidence):
        for who, ask in r.asked(wanted_fact):
            yield local(who), r.word(who), "", *ask


UNAUDITED = "Prüfung im letzten Jahr"
"""The finding of the city's own audit that every dataset has which people never audited."""


@answers(
    "last-audit-of-datasets",
    "dataset title lastAudit finding unknown askPost",
    only=lambda row: row["finding"] == UNAUDITED,
)
def audits(world: World) -> Iterator[Row]:
    """Every dataset was audited on the day of the release; the registers hold no audit by people."""
    r = world.registers
    assert not list(r.all(SG.Audit))
    for dataset in r.datasets:
        asks = optional(r.asks(dataset, SG.Audit), 2)
        yield from combine([local(dataset)], [r.title(dataset)], [(world.built.isoformat(), UNAUDITED)], asks)


@answers("release-decisions", "dataset title status date decidedBy legalBasis unknown askPost")
def decisions(world: World) -> list[Row]:
    """Decisions with what is known of them, then the datasets without one."""
    r = world.registers
    rows: list[Row] = []
    for decision in r.all(SG.ReleaseDecision):
        words = [r.word(s) for s in r.of(decision, SG.status)]
        date, basis = r.texts(decision, DCT.date), [r.word(x) for x in r.of(decision, DPV.hasLegalBasis)]
        by = [r.word(x) for x in r.of(decision, PROV.wasAssociatedWith)]
        asks = optional(r.asks(decision, DPV.hasLegalBasis), 2)
        for d in r.of(decision, SG["for"]):
            known = combine([(local(d), r.title(d))], words, optional(date), optional(by), optional(basis))
            rows += combine(known, asks)
    rows += [(local(d), r.title(d), "", "", "", "", *ask) for d, ask in r.asked(SG.ReleaseDecision)]
    return distinct(rows)


@answers("roles-with-a-counterpart", "role name here there unknown askPost")
def counterparts(world: World) -> list[Row]:
    """Who holds each role, in the city and at the utilities."""
    r = world.registers
    holders = {(role, post) for post in r.all(ORG.Post) for role in r.of(post, ORG.role)}
    for found in filter(r.is_valid, r.all(SG.Responsibility)):
        holders |= {(role, agent) for role in r.of(found, DCAT.hadRole) for agent in r.of(found, PROV.agent)}
    rows: list[Row] = []
    for role in {role for role, _ in holders}:
        units = [r.whole(r.unit(holder)) for each, holder in holders if each == role]
        here, there = (sum(name(f"unit/{x}") in whole for whole in units) for x in ("jena", "stadtwerke-jena"))
        if here:
            rows.append((local(role), r.word(role), str(here), str(there), "", ""))
    utilities = name("unit/stadtwerke-jena")
    rows += [("", "", "", "", *ask) for unit, ask in r.asked(ORG.hasPost) if utilities in r.whole(unit)]
    return distinct(rows)


@answers("datasets-used-by-several-departments", "dataset title departments names unknown askPost")
def several_users(world: World) -> Iterator[Row]:
    """Two or more users, then the questions."""
    r = world.registers
    for dataset in r.datasets:
        names = sorted(r.word(u) for u in r.of(dataset, SG.usedBy))
        if len(names) > 1:
            yield local(dataset), r.title(dataset), str(len(names)), "; ".join(names), "", ""
    for dataset, ask in r.asked(SG.usedBy):
        yield local(dataset), r.title(dataset), "", "", *ask


@answers("whom-to-consult-before-publishing", "agent name role scope unit")
def consult(world: World) -> list[Row]:
    """Whoever is consulted about the dataset or about all that its publisher is part of."""
    r = world.registers
    dataset = name("dataset/privathaushalte")
    abouts = {dataset}.union(*(r.whole(p) for p in r.of(dataset, DCT.publisher)))
    found = [f for about in abouts for f in r.responsibilities(about, SG.consulted)]
    rows: list[Row] = []
    for each in found:
        (agent,), (role,) = r.of(each, PROV.agent), r.of(each, DCAT.hadRole)
        units = optional([r.word(u) for u in r.of(agent, ORG.postIn)])
        rows += combine([(local(agent), r.word(agent), r.word(role), r.word(each, SG.scope))], units)
    return distinct(rows)
