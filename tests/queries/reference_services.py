"""References of the questions of departments and citizens that registers answer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from rdflib import Namespace
from rdflib.term import Node

from queries.reference import (
    DCAT,
    DCT,
    FOAF,
    ORG,
    PROV,
    SG,
    Option,
    Row,
    World,
    answers,
    combine,
    distinct,
    local,
    name,
    optional,
    today,
)
from stadtgraph.terms import PREFIXES

ADMS, CPSV, DCATDE, DPV, M8G, ODRL, VCARD = (
    Namespace(str(PREFIXES[p])) for p in ("adms", "cpsv", "dcatde", "dpv", "m8g", "odrl", "vcard")
)


@answers("where-a-dataset-is-stored", "system name operator interface address unknown askPost")
def stored(world: World) -> list[Row]:
    """The systems of the soil sensors, their operators and interfaces."""
    r = world.registers
    rows: list[Row] = []
    for system in r.of(name("dataset/bodenfeuchte"), SG.storedIn):
        ways: list[Option] = []
        for way in r.of(system, SG.interface):
            ways += combine([r.title(way) or str(way)], optional(r.texts(way, DCAT.endpointURL)))
        operators = [r.word(u) for u in r.of(system, SG.operatedBy)]
        asks = optional(r.asks(system, SG.operatedBy), 2)
        rows += combine([(local(system), r.word(system))], optional(operators), optional(ways, 2), asks)
    rows += [("", "", "", "", "", *ask) for ask in r.asks(name("dataset/bodenfeuchte"), SG.storedIn)]
    return distinct(rows)


@answers("standards-of-a-dataset", "resource title standard unknown askPost")
def standards(world: World) -> list[Row]:
    """Standards of the parking data and of their distributions."""
    r = world.registers
    dataset = name("dataset/parken")
    resources = [dataset, *r.of(dataset, DCAT.distribution)]
    rows: list[Row] = [(local(x), r.title(x), r.word(s), "", "") for x in resources for s in r.of(x, DCT.conformsTo)]
    return distinct(rows + [("", "", "", *ask) for ask in r.asks(dataset, DCT.conformsTo)])


@answers("data-flows-between-systems", "flow from to fromDomain toDomain crosses unknown askPost")
def flows(world: World) -> list[Row]:
    """Both ends of each flow, the domains of their operators, and whether it crosses."""
    r = world.registers
    rows: list[Row] = []
    for flow in r.all(SG.DataFlow):
        (source,), (target,) = r.of(flow, SG.flowFrom), r.of(flow, SG.flowTo)
        one = optional([local(d) for d in r.of(source, SG.operatedBy, SG.domain)])
        two = optional([local(d) for d in r.of(target, SG.operatedBy, SG.domain)])
        asks = optional([*r.asks(source, SG.operatedBy), *r.asks(target, SG.operatedBy)], 2)
        rows += [
            (local(flow), r.word(source), r.word(target), word(a), word(b), crosses(str(a), str(b)), *map(str, ask))
            for a in one
            for b in two
            for ask in asks
        ]
    return distinct(rows)


def word(domain: Option) -> str:
    """Give the German name of a domain."""
    return {"city": "Stadt", "utilities": "Stadtwerke", "science": "Wissenschaft"}.get(str(domain).split("#")[-1], "")


def crosses(one: str, two: str) -> str:
    """Tell whether a flow crosses; nothing where an end is not known and the other does not settle it."""
    either = {str(SG.city), str(SG.utilities)}
    if (one and one not in either) or (two and two not in either):
        return "false"
    return str(one != two).lower() if one and two else ""


@answers("overdue-datasets", "dataset title promised lastDay overdue unknown askPost")
def overdue(world: World) -> Iterator[Row]:
    """The newest day against the promise; no day at all is a question."""
    r = world.registers
    days = {"UPDATE_CONT": 1, "DAILY": 1, "ANNUAL": 366, "WEEKLY": 7, "MONTHLY": 31, "QUARTERLY": 92, "HOURLY": 1}
    for dataset in r.with_(DCT.accrualPeriodicity):
        promised = local(r.of(dataset, DCT.accrualPeriodicity)[0]).rsplit("/", 1)[-1]
        known = [*r.of(dataset, DCT.modified), *r.of(dataset, DCAT.distribution, DCT.modified)]
        known += r.of(dataset, DCT.temporal, DCAT.endDate)
        if not known:
            asks = optional(r.asks(dataset, DCT.modified), 2)
            yield from combine([(local(dataset), r.title(dataset), promised, "", "")], asks)
        elif today() - date.fromisoformat(max(map(str, known))) > timedelta(days[promised]):
            yield local(dataset), r.title(dataset), promised, max(map(str, known)), "true", "", ""


@answers("keys-that-join-datasets", "key other title publisher")
def keys(world: World) -> Iterator[Row]:
    """Other datasets with a key of the tree register."""
    r = world.registers
    mine = name("dataset/baumkataster")
    for key in r.of(mine, SG.joinKey):
        for other in (d for d in r.datasets if d != mine and key in r.of(d, SG.joinKey)):
            yield str(key), local(other), r.title(other), r.word(r.of(other, DCT.publisher)[0])


@answers("what-depends-on-a-system", "kind thing name")
def depends(world: World) -> list[Row]:
    """Downstream systems, datasets, interfaces and services of the data platform."""
    r = world.registers
    system = name("system/urban-data-platform")
    reached: set[Node] = set()
    new: set[Node] = {system}
    while new:
        new = {t for s in new for f in r.with_(SG.flowFrom, s) for t in r.of(f, SG.flowTo)} - reached
        reached |= new
    flows_ = r.with_(SG.flowFrom, system)
    datasets = {*r.with_(SG.storedIn, system), *(d for f in flows_ for d in r.of(f, SG.carries))}
    interfaces = set(r.of(system, SG.interface)) & set(r.all(DCAT.DataService))
    services = {s for d in datasets for s in r.with_(CPSV.hasInput, d)}
    kinds = {"System oder Portal": reached, "Datensatz": datasets, "Schnittstelle": interfaces, "Leistung": services}
    return [(kind, local(thing), r.named(thing)) for kind, things in kinds.items() for thing in things]


@answers("may-a-dataset-be-passed-on", "licence attribution access policy unknown askPost")
def passed_on(world: World) -> list[Row]:
    """Terms of the tree register."""
    r = world.registers
    dataset = name("dataset/baumkataster")
    terms: list[Option] = []
    for file in r.of(dataset, DCAT.distribution):
        texts = optional(r.texts(file, DCATDE.licenseAttributionByText))
        terms += combine(r.texts(file, DCT.license), texts)
    access = [str(a).rsplit("/", 1)[-1] for a in r.of(dataset, DCT.accessRights)]
    rows = [*combine(optional(terms, 2), optional(access), optional(r.texts(dataset, ODRL.hasPolicy)), [("", "")])]
    facts = (ODRL.hasPolicy, DCT.license, DCT.accessRights)
    rows += [("", "", "", "", *ask) for fact in facts for ask in r.asks(dataset, fact)]
    return distinct(rows)


@answers("public-services-around-a-dataset", "service name leika relation unknown askPost")
def services_around(world: World) -> list[Row]:
    """Services that produce or need the first names, then those of which it is not known."""
    r = world.registers
    dataset = name("dataset/vornamen")
    found: list[tuple[Node, Row]] = [(s, ("erzeugt", "", "")) for s in r.with_(CPSV.produces, dataset)]
    found += [(s, ("braucht", "", "")) for s in r.with_(CPSV.hasInput, dataset)]
    found += [(s, ("", *ask)) for s, ask in r.asked(CPSV.hasInput) if s in r.all(CPSV.PublicService)]
    return distinct(
        row
        for s, rest in found
        for row in combine([(local(s), r.title(s))], optional(r.texts(s, DCT.identifier)), [rest])
    )


@answers("personal-data-in-registers", "dataset title category controller unknown askPost")
def personal_data(world: World) -> list[Row]:
    """Categories with their controller, then the questions."""
    r = world.registers
    rows: list[Row] = []
    for d in r.with_(DPV.hasPersonalData):
        kinds = [r.word(c) for c in r.of(d, DPV.hasPersonalData)]
        controllers = [r.word(c) for c in r.of(d, DPV.hasDataController)]
        rows += combine([(local(d), r.title(d))], kinds, optional(controllers), [("", "")])
    for fact in (DPV.hasPersonalData, DPV.hasDataController):
        rows += [(local(d), r.title(d), "", "", *ask) for d, ask in r.asked(fact)]
    return distinct(rows)


@answers("office-and-data-of-a-service", "office relation dataset title unknown askPost")
def office(world: World) -> list[Row]:
    """The office of the registration of births, and its data."""
    r = world.registers
    service = name("public-service/geburt-beurkunden")
    data: list[Option] = [("braucht", local(d), r.title(d)) for d in r.of(service, CPSV.hasInput)]
    data += [("erzeugt", local(d), r.title(d)) for d in r.of(service, CPSV.produces)]
    offices = [r.word(u) for u in r.of(service, M8G.hasCompetentAuthority)]
    rows = [*combine(offices, optional(data, 3), [("", "")])]
    facts = (M8G.hasCompetentAuthority, CPSV.hasInput)
    return distinct(rows + [("", "", "", "", *ask) for fact in facts for ask in r.asks(service, fact)])


@answers("new-and-planned-datasets", "dataset title planned issued unknown askPost")
def planned(world: World) -> Iterator[Row]:
    """In development, or issued since the day."""
    r = world.registers
    for dataset in r.datasets:
        developing = any(str(s).endswith("/DEVELOP") for s in r.of(dataset, ADMS.status))
        issued = r.texts(dataset, DCT.issued)
        if developing or any(str(day) >= "2026-01-01" for day in issued):
            first = (local(dataset), r.title(dataset), str(developing).lower())
            yield from combine([first], optional(issued), optional(r.asks(dataset, DCT.issued), 2))


@answers("where-to-report-an-error", "contact name address unknown askPost")
def report_error(world: World) -> list[Row]:
    """Contact points, the accountable with a home page, and the question."""
    r = world.registers
    dataset = name("dataset/baumkataster")
    rows: list[Row] = []
    for contact in r.of(dataset, DCAT.contactPoint):
        addresses = [*r.texts(contact, VCARD.hasEmail), *r.texts(contact, VCARD.hasURL)]
        rows += combine([local(contact)], optional(r.texts(contact, VCARD.fn)), optional(addresses), [("", "")])
    for agent in (a for f in r.responsibilities(dataset, SG.accountable) for a in r.of(f, PROV.agent)):
        pages = [str(p) for u in r.whole(r.unit(agent)) for p in r.of(u, FOAF.homepage)]
        rows += combine([(local(agent), r.word(agent))], optional(pages), [("", "")])
    return distinct(rows + [("", "", "", *ask) for ask in r.asks(dataset, DCAT.contactPoint)])


@answers("the-smart-city-network", "network networkName member name role since unknown askPost")
def network(world: World) -> list[Row]:
    """Members today of the networks of the city, then the networks whose members are not known."""
    r = world.registers
    rows: list[Row] = []
    for membership in filter(r.is_valid, r.all(ORG.Membership)):
        (body,), (member,) = r.of(membership, ORG.organization), r.of(membership, ORG.member)
        if body in r.all(ORG.OrganizationalCollaboration) and SG.city in r.of(body, SG.domain):
            roles, since = [r.word(x) for x in r.of(membership, ORG.role)], r.texts(membership, SG.validFrom)
            first = (local(body), r.word(body), local(member), r.word(member))
            rows += combine([first], roles, optional(since), [("", "")])
    rows += [(local(body), r.word(body), "", "", "", "", *ask) for body, ask in r.asked(ORG.Membership)]
    return distinct(rows)


@answers("why-a-dataset-is-not-public", "access status decidedBy legalBasis unknown askPost")
def not_public(world: World) -> list[Row]:
    """Access, decisions and questions of the building control data."""
    r = world.registers
    dataset = name("dataset/gebaeudeleittechnik")
    rows: list[Row] = [(str(a).rsplit("/", 1)[-1], "", "", "", "", "") for a in r.of(dataset, DCT.accessRights)]
    for decision in (d for d in r.all(SG.ReleaseDecision) if dataset in r.of(d, SG["for"])):
        by = [r.word(x) for x in r.of(decision, PROV.wasAssociatedWith)]
        basis = [r.word(x) for x in r.of(decision, DPV.hasLegalBasis)]
        status = [r.word(x) for x in r.of(decision, SG.status)]
        rows += combine([""], status, optional(by), optional(basis), [("", "")])
    facts = (DCT.accessRights, SG.ReleaseDecision, DPV.hasLegalBasis)
    return distinct(rows + [("", "", "", "", *ask) for fact in facts for ask in r.asks(dataset, fact)])
