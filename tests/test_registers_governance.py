"""The registers of units, posts, roles, responsibilities, strategy, services, evidence and open questions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pyoxigraph as ox
import pytest

from stadtgraph.terms import DCAT, DCT, FOAF, ORG, PROV, RDF, RDFS, SG, SKOS, VCARD, Names, Namespace, Term

ROOT = Path(__file__).resolve().parent.parent
REGISTERS = ROOT / "data" / "registers"
QUERIES = Path(__file__).resolve().parent / "governance"
OURS = [
    REGISTERS / f"{name}.ttl"
    for name in (
        *("units", "roles", "posts", "responsibilities", "strategy"),
        *("public-services", "open-questions", "evidence"),
    )
]
NAMES = Names()
CPSV = Namespace("http://purl.org/vocab/cpsv#")
TEXTS = (SKOS.prefLabel, SKOS.definition, RDFS.label, RDFS.comment, DCT.title, DCT.description, SG.scope)
EVIDENCED = (ORG.Post, ORG.Role, ORG.Membership, ORG.ChangeEvent, ORG.Site, SG.Responsibility, SG.Shareholding)
LAST_DAY_OF_FOUR, FIRST_DAY_OF_FIVE = date(2024, 9, 30), date(2024, 10, 1)


def read(file: Path) -> list[ox.Triple]:
    """Read one register against the default base."""
    return [quad.triple for quad in ox.parse(path=str(file), format=ox.RdfFormat.TURTLE, base_iri=NAMES.base)]


@pytest.fixture(scope="module")
def ours() -> list[ox.Triple]:
    """The triples of the governance registers."""
    return [triple for file in OURS for triple in read(file)]


@pytest.fixture(scope="module")
def store() -> ox.Store:
    """Every register of the city, in one default graph."""
    whole = ox.Store()
    for file in sorted(REGISTERS.glob("*.ttl")):
        whole.extend([ox.Quad(t.subject, t.predicate, t.object) for t in read(file)])
    return whole


def rows(store: ox.Store, name: str, **given: Term) -> Iterator[ox.QuerySolution]:
    """Run a query of the folder ``governance``; ``given`` are values of its variables."""
    text = (QUERIES / f"{name}.rq").read_text("utf-8")
    values = "".join(f" VALUES ?{variable} {{ {term} }}" for variable, term in given.items())
    text = text.replace("WHERE {", "WHERE {" + values, 1)
    found = store.query(text)
    assert isinstance(found, ox.QuerySolutions)
    yield from found


def day_of(day: date) -> ox.Literal:
    """Give a day as SPARQL knows it."""
    return ox.Literal(day.isoformat(), datatype=ox.NamedNode("http://www.w3.org/2001/XMLSchema#date"))


def ids(kind: str, *slugs: str) -> set[str]:
    """Give the IRIs of several identifiers of one kind, as text."""
    return {NAMES.id(f"{kind}/{slug}").value for slug in slugs}


def members(data: list[ox.Triple], *kinds: Term) -> set[Term]:
    """Give everything of one of several classes."""
    return {t.subject for t in data if t.predicate == RDF.type and t.object in kinds}


def values(data: list[ox.Triple], subject: Term, predicate: Term) -> list[Term]:
    """Give the values of one property of one subject."""
    return [t.object for t in data if t.subject == subject and t.predicate == predicate]


@pytest.mark.parametrize("file", OURS, ids=lambda file: file.stem)
def test_a_register_names_everything_and_begins_by_saying_what_it_holds(file: Path) -> None:
    """Registers have no blank nodes, no base of their own, and a comment for the reader after the prefixes."""
    assert not any(isinstance(term, ox.BlankNode) for t in read(file) for term in (t.subject, t.object))
    text = file.read_text("utf-8")
    assert "@base" not in text
    assert NAMES.base not in text
    assert re.match(r"(@prefix [^\n]+\n)+\n# [A-Z]", text)


def test_no_person_and_no_mailbox_is_in_a_register(store: ox.Store) -> None:
    """Nothing is a person, has a personal name or mailbox, or holds a post."""
    schema = Namespace("https://schema.org/")
    classes = {FOAF.Person, VCARD.Individual, PROV.Person, schema.Person}
    properties = {ORG.heldBy, ORG.holds, FOAF.mbox, VCARD.hasEmail, VCARD.term("given-name"), FOAF.givenName}
    for quad in store:
        assert quad.object not in classes
        assert quad.predicate not in properties
        if isinstance(quad.object, ox.Literal):
            assert not re.search(r"[\w.]+@[\w-]+\.\w+", quad.object.value), quad


def test_everything_that_is_claimed_has_evidence(ours: list[ox.Triple]) -> None:
    """Units, posts, roles, responsibilities, memberships, events, strategy and services point to evidence."""
    units = {t.subject for t in ours if t.predicate == ORG.classification}
    planned = members(ours, PROV.Plan, PROV.Activity, SKOS.Concept, CPSV.PublicService)
    for subject in units | planned | members(ours, *EVIDENCED):
        assert values(ours, subject, SG.evidence), f"{subject} has no evidence"


def test_evidence_has_one_status_and_what_it_rests_on_and_is_used(ours: list[ox.Triple]) -> None:
    """Verified evidence names a source; other evidence at least says why. None lies about unused."""
    used = {t.object for t in ours if t.predicate == SG.evidence}
    for evidence in members(ours, SG.Evidence):
        statuses = values(ours, evidence, SG.status)
        assert len(statuses) == 1, evidence
        assert statuses[0] in (SG.verified, SG.inferred, SG.assumed)
        sources = values(ours, evidence, DCT.source) + values(ours, evidence, DCT.bibliographicCitation)
        if statuses == [SG.verified]:
            assert sources, f"{evidence} is verified by nothing"
        assert evidence in used, f"{evidence} is not used"


def test_every_text_stands_in_german_and_in_english(ours: list[ox.Triple]) -> None:
    """Where there is a label, definition, description, comment or scope, it is there once in each language."""
    found: dict[tuple[Term, Term], list[str | None]] = {}
    for t in ours:
        if t.predicate in TEXTS and isinstance(t.object, ox.Literal):
            found.setdefault((t.subject, t.predicate), []).append(t.object.language)
    wrong = {key: languages for key, languages in found.items() if sorted(map(str, languages)) != ["de", "en"]}
    assert wrong == {}


def test_what_needs_a_name_has_one(ours: list[ox.Triple]) -> None:
    """Units, posts and roles have skos:prefLabel, events and questions rdfs:label, services dct:title."""
    units = {t.subject for t in ours if t.predicate == ORG.classification}
    for subject in units | members(ours, ORG.Post, ORG.Role):
        assert values(ours, subject, SKOS.prefLabel), subject
    for subject in members(ours, ORG.ChangeEvent, SG.OpenQuestion, SG.Shareholding, PROV.Plan, PROV.Activity):
        assert values(ours, subject, RDFS.label), subject
    for subject in members(ours, CPSV.PublicService):
        assert values(ours, subject, DCT.title), subject


def test_validity_is_in_days_and_does_not_end_before_it_begins(ours: list[ox.Triple]) -> None:
    """sg:validFrom and sg:validUntil stand at most once, as real calendar days, in order."""
    bounded = {t.subject for t in ours if t.predicate in (SG.validFrom, SG.validUntil)}
    assert bounded
    for subject in bounded:
        days = []
        for predicate in (SG.validFrom, SG.validUntil):
            found = values(ours, subject, predicate)
            assert len(found) <= 1, subject
            for value in found:
                assert isinstance(value, ox.Literal)
                assert value.datatype.value.endswith("#date")
                days.append(date.fromisoformat(value.value))
        assert days == sorted(days), subject


def test_every_identifier_that_is_pointed_to_is_defined(store: ox.Store) -> None:
    """No register points to a unit, post, role, dataset, system or piece of evidence that no register describes."""
    described = {quad.subject for quad in store.quads_for_pattern(None, RDF.type, None)}
    named = {quad.object for quad in store if str(quad.object).startswith(f"<{NAMES.base}id/")}
    named |= {quad.subject for quad in store.quads_for_pattern(None, PROV.qualifiedAttribution, None)}
    assert {str(term) for term in named - described} == set()


@pytest.mark.parametrize(
    ("day", "slugs"),
    [
        (date(2021, 1, 1), [f"dezernat-{number}-bis-2024" for number in range(1, 5)]),
        (LAST_DAY_OF_FOUR, [f"dezernat-{number}-bis-2024" for number in range(1, 5)]),
        (FIRST_DAY_OF_FIVE, [f"dezernat-{number}" for number in range(1, 6)]),
        (date(2026, 1, 1), [f"dezernat-{number}" for number in range(1, 6)]),
    ],
    ids=str,
)
def test_as_of_a_day_there_are_four_or_five_departments(store: ox.Store, day: date, slugs: list[str]) -> None:
    """Until 2024-09-30 the four are valid, from 2024-10-01 the five, and never both."""
    found = rows(store, "units-as-of", type=SG.dezernat, day=day_of(day))
    assert {row["unit"].value for row in found} == ids("unit", *slugs)


def test_the_reform_links_the_four_to_the_five(ours: list[ox.Triple]) -> None:
    """The change event and the departments name each other."""
    event = NAMES.id("event/reform-2024-10-01")
    before = {NAMES.id(f"unit/dezernat-{number}-bis-2024") for number in range(1, 5)}
    after = {NAMES.id(f"unit/dezernat-{number}") for number in range(1, 6)}
    assert set(values(ours, event, ORG.originalOrganization)) == before
    assert set(values(ours, event, ORG.resultingOrganization)) == after
    assert {t.subject for t in ours if t.predicate == ORG.changedBy and t.object == event} == before
    assert {t.subject for t in ours if t.predicate == ORG.resultedFrom and t.object == event} == after


def test_municipal_enterprises_are_units_and_companies_are_not(ours: list[ox.Triple]) -> None:
    """Eigenbetriebe have no legal personality; what is a GmbH, university or association has."""
    formal, units = members(ours, ORG.FormalOrganization), members(ours, ORG.OrganizationalUnit)
    assert formal & units == set()
    for triple in ours:
        if triple.predicate == ORG.classification:
            if triple.object in (SG.eigenbetrieb, SG.regiebetrieb, SG.dezernat):
                assert triple.subject in units
            if triple.object in (SG.gmbh, SG.zweckverband, SG.university, SG.association):
                assert triple.subject in formal
    for unit in units:
        assert values(ours, unit, ORG.unitOf), f"{unit} is part of nothing"


def test_a_name_means_one_unit_on_any_day(ours: list[ox.Triple]) -> None:
    """A publisher string leads to one organisation: no two units share a name at the same time."""
    units = {t.subject for t in ours if t.predicate == ORG.classification}
    holders: dict[str, set[Term]] = {}
    for t in ours:
        if t.subject in units and t.predicate in (SKOS.prefLabel, SKOS.altLabel) and isinstance(t.object, ox.Literal):
            holders.setdefault(t.object.value.casefold(), set()).add(t.subject)
    for name, shared in holders.items():
        valid_now = [unit for unit in shared if not values(ours, unit, SG.validUntil)]
        assert len(valid_now) <= 1, f"{name} means {valid_now}"
    for name in ("Stadt Jena", "Stadtverwaltung Jena", "Jena"):
        assert {str(unit) for unit in holders[name.casefold()]} == {str(NAMES.id("unit/jena"))}
    for name in ("JeNah", "JenNah", "Jenaer Nahverkehr GmbH"):
        assert {str(unit) for unit in holders[name.casefold()]} == {str(NAMES.id("unit/jnv"))}


def test_every_care_area_of_the_tree_register_is_one_unit(ours: list[ox.Triple]) -> None:
    """The codes of the column pflegebereich lead to the units that maintain the trees."""
    codes = {t.object.value: t.subject for t in ours if t.predicate == SG.careArea and isinstance(t.object, ox.Literal)}
    assert set(codes) == {"N", "SW", "SO", "Z", "F", "GW", "FO", "KIJ", "KA"}
    assert len(set(codes.values())) == len(codes)


def test_a_post_is_in_one_unit_with_a_role_and_posts_of_the_project_end_with_the_funding(
    ours: list[ox.Triple], store: ox.Store
) -> None:
    """Posts carry roles; the two Urban Data Coaches are valid until 2027-08-31 and nobody else ends then."""
    ending = set()
    for post in members(ours, ORG.Post):
        assert len(values(ours, post, ORG.postIn)) == 1
        assert values(ours, post, ORG.role)
        if day_of(date(2027, 8, 31)) in values(ours, post, SG.validUntil):
            ending.add(str(post).strip("<>"))
    assert ending == ids("post", "urban-data-coach-architect", "urban-data-coach-manager")


def test_a_responsibility_is_complete_and_stated_in_both_directions(ours: list[ox.Triple]) -> None:
    """It has one subject, agent, role and RACI value, and its subject points back to it."""
    agents = members(ours, ORG.Post) | {t.subject for t in ours if t.predicate == ORG.classification}
    attributions = {(t.subject, t.object) for t in ours if t.predicate == PROV.qualifiedAttribution}
    stated = set()
    for responsibility in members(ours, SG.Responsibility):
        (subject,), (agent,) = values(ours, responsibility, SG.term("for")), values(ours, responsibility, PROV.agent)
        (role,), (raci,) = values(ours, responsibility, DCAT.hadRole), values(ours, responsibility, SG.raci)
        assert agent in agents
        assert role in members(ours, ORG.Role)
        assert raci in (SG.responsible, SG.accountable, SG.consulted, SG.informed)
        stated.add((subject, responsibility))
    assert stated == attributions


def test_datasets_with_no_or_several_accountable_are_the_known_ones(store: ox.Store) -> None:
    """Two datasets have nobody accountable, two have two; every other has exactly one."""
    counts = {row["dataset"].value: int(row["accountable"].value) for row in rows(store, "accountable")}
    counts = {dataset: count for dataset, count in counts.items() if "/id/dataset/" in dataset}
    assert {dataset for dataset, n in counts.items() if n == 0} == ids(
        "dataset", "geplante-datensaetze", "ladepunkte-kennzahlen"
    )
    assert {dataset for dataset, n in counts.items() if n > 1} == ids("dataset", "waermeplanung", "gtfs-jena")


def test_responsibilities_of_dissolved_units_are_those_of_the_former_departments(
    store: ox.Store, ours: list[ox.Triple]
) -> None:
    """After the reform six hang on units that ended or whose every parent ended; before it none does."""

    def exists(part: Term, day: date) -> bool:
        until = [u for _, u in parts[part] if u is not None]
        wholes = [w for w, _ in parts[part] if w is not None]
        return all(day <= last for last in until) and (not wholes or any(exists(w, day) for w in wholes))

    parts: dict[Term, list[tuple[Term | None, date | None]]] = {}
    for row in rows(store, "parents"):
        until = row["until"]
        last = date.fromisoformat(until.value) if until is not None else None
        parts.setdefault(row["part"], []).append((row["whole"], last))
    agents = {t.subject: t.object for t in ours if t.predicate == PROV.agent}
    hanging = {str(r).strip("<>") for r, agent in agents.items() if not exists(agent, FIRST_DAY_OF_FIVE)}
    assert hanging == ids(
        "responsibility",
        *("vornamen-standesamt", "privathaushalte-team-controlling-statistik", "privathaushalte-statistikstelle"),
        *("corona-erkrankungen-fd-gesundheit", "offener-haushalt-fd-haushalt-controlling", "stadt-statistikstelle"),
    )
    assert all(exists(agent, LAST_DAY_OF_FOUR) for agent in agents.values())


def test_roles_are_close_to_the_roles_of_iso_19115(ours: list[ox.Triple]) -> None:
    """skos:closeMatch leads only to codes of the INSPIRE list."""
    codes = "author custodian distributor originator owner pointOfContact principalInvestigator processor publisher"
    allowed = {*codes.split(" "), "resourceProvider", "user"}
    scheme = "http://inspire.ec.europa.eu/metadata-codelist/ResponsiblePartyRole/"
    roles = members(ours, ORG.Role)
    matches = [t.object for t in ours if t.subject in roles and t.predicate == SKOS.closeMatch]
    assert {str(match).strip("<>").removeprefix(scheme) for match in matches} <= allowed
    assert matches


def test_an_open_question_names_a_property_and_a_post_to_ask(ours: list[ox.Triple]) -> None:
    """A question that nobody could answer would be noise."""
    posts = members(ours, ORG.Post)
    for question in members(ours, SG.OpenQuestion):
        assert values(ours, question, SG.about), question
        assert values(ours, question, SG.asksFor), question
        asked = values(ours, question, SG.askPost)
        assert asked, question
        assert set(asked) <= posts, question


def test_no_open_question_is_answered_already(store: ox.Store) -> None:
    """When a register gains the fact, the question has to go."""
    found = rows(store, "answered")
    assert [f"{row['question']} about {row['about']}: {row['property']}" for row in found] == []


def test_every_gap_of_a_dataset_has_an_open_question(store: ox.Store) -> None:
    """Where a licence, access, frequency, date of change, period or contact is missing, somebody is asked for it."""
    assert [f"{row['dataset']} {row['property']}" for row in rows(store, "unasked")] == []
