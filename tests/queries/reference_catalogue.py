"""References of the questions of researchers and portals that registers answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rdflib import RDFS, Graph, Namespace, URIRef
from rdflib.term import Node

from queries.reference import (
    DCAT,
    DCT,
    FOAF,
    GEO,
    PROV,
    SCHEMA,
    SG,
    SKOS,
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

ADMS, DCATAP, DCATDE = (Namespace(str(PREFIXES[p])) for p in ("adms", "dcatap", "dcatde"))
LICENCES = "http://dcat-ap.de/def/licenses/"
OPEN = {"dl-by-de/2.0", "dl-zero-de/2.0", "cc-by/4.0", "cc-by-de/3.0", "cc-by-sa/4.0", "cc-zero", "odbl"}
OPEN |= {"geonutz/20130319"}


@answers("air-temperature-datasets", "dataset title publisher resolution since unknown askPost")
def air_temperature(world: World) -> Iterator[Row]:
    """Datasets with the property, left-joined with what may be absent."""
    r = world.registers
    for dataset in r.with_(SCHEMA.variableMeasured, name("property/air-temperature")):
        (publisher,) = r.of(dataset, DCT.publisher)
        yield from combine(
            [local(dataset)],
            [r.title(dataset)],
            [r.word(publisher)],
            optional(r.texts(dataset, DCAT.temporalResolution)),
            optional(r.period(dataset)[0]),
            optional(r.asks(dataset, DCT.temporal), 2),
        )


@answers("data-to-reuse-without-asking", "dataset title publisher licence")
def reuse(world: World) -> list[Row]:
    """Public by word and open by licence."""
    r = world.registers
    return distinct(
        (local(d), r.title(d), r.word(r.of(d, DCT.publisher)[0]), str(licence))
        for d in r.datasets
        if any(str(a).endswith("/PUBLIC") for a in r.of(d, DCT.accessRights))
        for licence in r.of(d, DCAT.distribution, DCT.license)
        if str(licence).removeprefix(LICENCES) in OPEN
    )


@answers("overlapping-datasets", "other title domain start end unknown askPost")
def overlapping(world: World) -> list[Row]:
    """Same place, other domain, and no period that ends before the other starts."""
    r = world.registers
    mine = name("dataset/phenobs")
    (start,), (end,) = r.period(mine)
    places = {*r.of(mine, DCT.spatial), *r.of(mine, DCT.spatial, GEO.sfWithin)}
    rows: list[Row] = []
    for other in r.datasets:
        domains = set(r.of(other, SG.domain)) - set(r.of(mine, SG.domain))
        theirs = r.period(other)
        late, early = any(str(s) > str(end) for s in theirs[0]), any(str(e) < str(start) for e in theirs[1])
        if places & set(r.of(other, DCT.spatial)) and not late and not early:
            words = [r.word(d) for d in domains]
            asks = optional(r.asks(other, DCT.temporal), 2)
            rows += combine([local(other)], [r.title(other)], words, optional(theirs[0]), optional(theirs[1]), asks)
    return distinct(rows)


@answers("whom-to-ask-about-a-dataset", "agent name role scope unknown askPost")
def whom_to_ask(world: World) -> Iterator[Row]:
    """Accountable and responsible, the publisher, and the questions."""
    r = world.registers
    dataset = name("dataset/baumkataster")
    for raci in (SG.accountable, SG.responsible):
        for found in r.responsibilities(dataset, raci):
            (agent,), (role,) = r.of(found, PROV.agent), r.of(found, DCAT.hadRole)
            yield local(agent), r.word(agent), r.word(role), r.word(found, SG.scope), "", ""
    for publisher in r.of(dataset, DCT.publisher):
        yield local(publisher), r.word(publisher), "Herausgeber", "", "", ""
    for ask in r.asks(dataset, PROV.qualifiedAttribution):
        yield "", "", "", "", *ask


@answers("dois-and-municipal-sources", "dataset title doi municipalSource unknown askPost")
def dois(world: World) -> Iterator[Row]:
    """A DOI among the identifiers, or a source of the city."""
    r = world.registers
    for dataset in r.datasets:
        found = [x for x in r.texts(dataset, ADMS.identifier, SKOS.notation) if "doi.org/" in x]
        sources = [r.title(s) for s in r.of(dataset, PROV.wasDerivedFrom) if SG.city in r.of(s, SG.domain)]
        if found or sources:
            asks = optional(r.asks(dataset, PROV.wasDerivedFrom), 2)
            yield from combine([local(dataset)], [r.title(dataset)], optional(found), optional(sources), asks)


@answers("steps-from-raw-value-to-pf", "number step rule input output")
def steps(world: World) -> list[Row]:
    """Back from pF, one activity at a time."""
    r = world.registers
    chain: list[tuple[Node, Node, Node]] = []
    product: Node = name("quantity/pf")
    while step := r.of(product, PROV.wasGeneratedBy):
        (used,) = r.of(product, PROV.wasDerivedFrom)
        chain.append((step[0], used, product))
        product = used
    return [
        (str(n), local(step), r.word(step), r.word(used), r.word(made))
        for n, (step, used, made) in enumerate(reversed(chain), 1)
    ]


@answers("properties-observed-by-both", "property name dataset title otherDataset otherTitle")
def observed_by_both(world: World) -> Iterator[Row]:
    """Datasets of the city and of the institute that measure one property."""
    r = world.registers

    def of(publisher: URIRef) -> list[Node]:
        return [d for d in r.datasets if any(publisher in r.whole(p) for p in r.of(d, DCT.publisher))]

    for one in of(name("unit/jena")):
        for two in of(name("unit/mpi-bgc")):
            for shared in set(r.of(one, SCHEMA.variableMeasured)) & set(r.of(two, SCHEMA.variableMeasured)):
                yield local(shared), r.word(shared), local(one), r.title(one), local(two), r.title(two)


@answers(
    "completeness-for-dcat-ap-de", "dataset hasTitle hasDescription hasPublisher hasLicence hasContributorID complete"
)
def complete(world: World) -> Iterator[Row]:
    """Five yes or no, and whether all are yes."""
    r = world.registers
    for dataset in r.datasets:
        licences = [x for x in r.texts(dataset, DCAT.distribution, DCT.license) if str(x).startswith(LICENCES)]
        ids = r.of(dataset, DCATDE.contributorID) or r.of(dataset, DCT.publisher, DCATDE.contributorID)
        has = [bool(r.of(dataset, p)) for p in (DCT.title, DCT.description, DCT.publisher)] + [
            bool(licences),
            bool(ids),
        ]
        yield local(dataset), *(str(x).lower() for x in [*has, all(has)])


@answers("coverage-of-the-musterdatenkatalog", "theme reference name dataset title")
def musterdatenkatalog(world: World) -> Iterator[Row]:
    """The reference datasets of the file, each with the datasets that refer to it."""
    r = world.registers
    taxonomy = Graph().parse(world.files / "musterdatenkatalog_v4_taxonomy_skos.rdf", format="xml")

    def words(concept: Node) -> list[str]:
        found = taxonomy.objects(concept, SKOS.prefLabel)
        return sorted(str(x) for x in found if getattr(x, "language", "") == "de")

    for concept, theme in taxonomy.subject_objects(SKOS.broader):
        datasets = [(local(d), r.title(d)) for d in r.with_(DCT.references, concept)]
        yield from combine(words(theme), [str(concept)], words(concept), optional(datasets, 2))


@answers("high-value-datasets", "dataset title category accountable unknown askPost")
def high_value(world: World) -> Iterator[Row]:
    """Datasets with a category of the EU, with whoever is accountable today."""
    r = world.registers
    words = {
        "c_ac64a52d": "Georaum",
        "c_164e0bf5": "Meteorologie",
        "c_e1da4e07": "Statistik",
        "c_b79e35eb": "Mobilität",
    }
    words |= {"c_dd313021": "Erdbeobachtung und Umwelt", "c_a9135398": "Unternehmen"}
    for dataset in r.with_(DCATAP.hvdCategory):
        agents = [r.word(r.of(f, PROV.agent)[0]) for f in r.responsibilities(dataset, SG.accountable)]
        asks = optional([] if agents else r.asks(dataset, PROV.qualifiedAttribution), 2)
        categories = [words[str(c).rsplit("/", 1)[-1]] for c in r.of(dataset, DCATAP.hvdCategory)]
        yield from combine([local(dataset)], [r.title(dataset)], categories, optional(agents), asks)


@answers("mobility-data-for-the-mobilithek", "dataset title distribution address standard onThePortal")
def mobilithek(world: World) -> Iterator[Row]:
    """DATEX II and GTFS, at distributions, or at datasets that have none."""
    r = world.registers
    for dataset in r.datasets:
        there = str(name("system/mobilithek") in r.of(dataset, SG.storedIn)).lower()
        files = r.of(dataset, DCAT.distribution)
        for standard in (name("standard/datex-ii"), name("standard/gtfs")):
            for file in (f for f in files if standard in r.of(f, DCT.conformsTo)):
                for address in r.of(file, DCAT.accessURL):
                    yield local(dataset), r.title(dataset), local(file), str(address), r.word(standard), there
            if not files and standard in r.of(dataset, DCT.conformsTo):
                yield local(dataset), r.title(dataset), "", "", r.word(standard), there


@answers("changes-since-a-day", "dataset title changed unknown askPost")
def changes(world: World) -> Iterator[Row]:
    """The newest date where there is one, otherwise the question."""
    r = world.registers
    for dataset in r.datasets:
        days = [*r.of(dataset, DCT.modified), *r.of(dataset, DCAT.distribution, DCT.modified)]
        if days and max(map(str, days)) >= "2019-01-01":
            yield local(dataset), r.title(dataset), max(map(str, days)), "", ""
        if not r.of(dataset, DCAT.distribution, DCT.modified):
            yield from combine([local(dataset)], [r.title(dataset)], [""], r.asks(dataset, DCT.modified))


@answers("names-of-one-publisher", "unit name writtenAs")
def publishers(world: World) -> list[Row]:
    """Other names of those who publish."""
    r = world.registers
    units = {unit for dataset in r.datasets for unit in r.of(dataset, DCT.publisher)}
    return [(local(u), r.word(u), str(other)) for u in units for other in r.of(u, SKOS.altLabel)]


@answers("superseded-portal-addresses", "dataset title address oldPortal newPortal")
def superseded(world: World) -> list[Row]:
    """Addresses below the home page of a system that was replaced."""
    r = world.registers
    rows: list[Row] = []
    for old in r.with_(DCT.isReplacedBy):
        (home,), (new,) = r.of(old, FOAF.homepage), r.of(old, DCT.isReplacedBy)
        for d in r.datasets:
            found = [*r.of(d, DCAT.landingPage), *r.of(d, DCAT.distribution, DCAT.accessURL)]
            found += r.of(d, DCAT.distribution, DCAT.downloadURL)
            below = [str(a) for a in found if str(a).startswith(str(home))]
            rows += [(local(d), r.title(d), address, r.word(old), r.word(new)) for address in below]
    return distinct(rows)


@answers("data-about-the-city-published-elsewhere", "dataset title publisher place")
def published_elsewhere(world: World) -> list[Row]:
    """Datasets about the city or the state whose publisher is no part of the city."""
    r = world.registers
    (here,) = (p for p in r.with_(DCT.identifier) if "16053000" in r.texts(p, DCT.identifier) and r.of(p, RDFS.label))
    places = {here, *r.of(here, GEO.sfWithin)}
    return distinct(
        (local(d), r.title(d), r.word(publisher), r.word(place, RDFS.label))
        for d in r.datasets
        for place in places & set(r.of(d, DCT.spatial))
        for publisher in r.of(d, DCT.publisher)
        if name("unit/jena") not in r.whole(publisher)
    )


@answers("licences-in-use", "licence valid distributions")
def licences(world: World) -> Iterator[Row]:
    """How often each licence is stated, and how often none."""
    r = world.registers
    files = r.all(DCAT.Distribution)
    count = Counter(licence for f in files for licence in optional(r.texts(f, DCT.license), 0))
    for licence, number in count.items():
        if licence == ():
            yield "", "", str(number)
        else:
            yield str(licence), str(str(licence).startswith(LICENCES)).lower(), str(number)
