"""What the audit shapes find in Jena's registers: the true gaps, each counted here without SHACL."""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from pathlib import Path

import pyoxigraph as ox
import pytest

from stadtgraph import City
from stadtgraph.reason import TripleIndex, compile_rules
from stadtgraph.shacl import Report, load_shapes, validate
from stadtgraph.terms import DCAT, DCT, ORG, PROV, RDF, SG, XSD, Term

ROOT = Path(__file__).resolve().parents[3]
BASE = "https://stadtgraph.example/jena/"
SHAPE = "https://w3id.org/stadtgraph/shapes/"
DAY = "2026-11-21"
FOR = ox.NamedNode(f"{SG}for")


def read(folder: Path) -> list[ox.Triple]:
    """Read all Turtle files of a folder."""
    return [q.triple for file in sorted(folder.glob("*.ttl")) for q in ox.parse(path=file, base_iri=BASE)]


@cache
def registers() -> TripleIndex:
    """The registers with the ontology and what follows from both, on a day."""
    ontology = read(ROOT / "ontology")
    facts = {*ontology, *read(ROOT / "data" / "registers")}
    facts |= set(compile_rules(ontology).infer(TripleIndex(facts)))
    facts.add(ox.Triple(SG.audit, SG.asOf, ox.Literal(DAY, datatype=XSD.date)))
    return TripleIndex(facts)


def audited(using: str | None = None) -> Report:
    """Validate the registers with all audit shapes."""
    shapes = load_shapes([ROOT / "shapes" / "audit"], BASE)
    return validate(list(registers().match(None, None, None)), shapes, using=using)


@cache
def found() -> dict[str, set[Term]]:
    """Give what each shape finds."""
    by_shape: defaultdict[str, set[Term]] = defaultdict(set)
    for result in audited().results:
        by_shape[result.shape.value.removeprefix(SHAPE)].add(result.focus)
    return by_shape


def members(of: ox.NamedNode) -> set[Term]:
    """Give the members of a class."""
    return {t.subject for t in registers().match(None, RDF.type, of)}


def values(s: Term, p: ox.NamedNode) -> set[Term]:
    """Give the values of a property."""
    return {t.object for t in registers().match(s, p, None)} if not isinstance(s, ox.Literal) else set()


def ended(thing: Term) -> bool:
    """Tell whether the last day of a thing is past."""
    return any(isinstance(day, ox.Literal) and day.value < DAY for day in values(thing, SG.validUntil))


def named(kind: str, *names: str) -> set[Term]:
    """Give IRIs of the city."""
    return {ox.NamedNode(f"{BASE}id/{kind}/{name}") for name in names}


def test_no_dataset_of_jena_has_a_known_data_manager_of_its_own() -> None:
    """A responsibility with the role data manager, held by a post, is what would end the finding."""
    (role,) = named("role", "data-manager")
    of_posts = {
        r
        for r in members(SG.Responsibility)
        if role in values(r, DCAT.hadRole) and values(r, PROV.agent) & members(ORG.Post)
    }
    managed = {thing for r in of_posts for thing in values(r, FOR)}
    assert found()["dataset-data-manager"] == members(DCAT.Dataset) - managed
    assert len(found()["dataset-data-manager"]) == 68


def test_datasets_with_none_or_several_accountable_parties() -> None:
    """Two datasets name nobody, two name two organisations."""
    agents: defaultdict[Term, set[Term]] = defaultdict(set)
    for r in members(SG.Responsibility):
        if SG.accountable in values(r, SG.raci) and not ended(r):
            for thing in values(r, FOR):
                agents[thing] |= values(r, PROV.agent)
    datasets = members(DCAT.Dataset)
    assert found()["dataset-accountable"] == {d for d in datasets if not agents[d]}
    assert found()["dataset-one-accountable"] == {d for d in datasets if len(agents[d]) > 1}
    assert found()["dataset-accountable"] == named("dataset", "geplante-datensaetze", "ladepunkte-kennzahlen")


def test_responsibilities_of_units_that_the_reform_dissolved() -> None:
    """The unit itself has a last day, or every unit above it has one."""
    gone, orphaned = set(), set()
    for r in members(SG.Responsibility):
        for agent in values(r, PROV.agent):
            for unit in {agent, *values(agent, ORG.postIn)}:
                above = values(unit, ORG.unitOf)
                if ended(unit):
                    gone.add(r)
                elif above and all(map(ended, above)):
                    orphaned.add(r)
    assert found()["responsibility-of-dissolved-unit"] == gone
    assert found()["responsibility-of-orphaned-unit"] == orphaned
    assert (len(gone), len(orphaned)) == (1, 5)


def test_strategy_roles_without_a_post() -> None:
    """Roles of the data strategy that a unit, a body or nobody fills."""
    expected = ("data-governance-manager", "department-contact", "governance-body", "platform-operator")
    assert found()["strategy-role-has-post"] == named("role", *expected)


def test_every_department_and_enterprise_of_today_lacks_a_coach() -> None:
    """The two coaches are in the city as a whole; the four departments of before the reform are not asked."""
    kinds = {SG.dezernat, SG.eigenbetrieb}
    units = {t.subject for t in registers().match(None, ORG.classification, None) if t.object in kinds}
    assert found()["department-coach"] == {unit for unit in units if not ended(unit)}
    assert len(found()["department-coach"]) == 9


def test_licences_contacts_and_dates_that_are_missing() -> None:
    """What stands nowhere in the registers is found at each record that lacks it."""
    missing = {
        "distribution-licence": (DCAT.Distribution, DCT.license),
        "dataset-contact": (DCAT.Dataset, DCAT.contactPoint),
        "dataset-periodicity": (DCAT.Dataset, DCT.accrualPeriodicity),
        "dataset-access-rights": (DCAT.Dataset, DCT.accessRights),
        "system-operator-known": (SG.InformationSystem, SG.operatedBy),
    }
    for shape, (kind, p) in missing.items():
        assert found()[shape] == {s for s in members(kind) if not values(s, p)}, shape


def test_datasets_older_than_promised_and_at_the_old_portal() -> None:
    """Households of 2016 and cases of 2022 are overdue; fifteen addresses of eleven datasets lead to the old portal."""
    assert found()["dataset-fresh"] == named("dataset", "privathaushalte", "corona-erkrankungen")
    old = [r for r in audited().results if r.shape.value == f"{SHAPE}superseded-address"]
    assert len(old) == 15
    assert len({r.focus for r in old}) == 11
    assert all("//opendata.jena.de/" in str(r.value) for r in old)


def test_no_reference_of_the_registers_leads_nowhere() -> None:
    """The registers fit together: nothing but places of units, operators, storage and evidence is open."""
    shapes = load_shapes([ROOT / "shapes" / "audit"], BASE)
    grouped = {t.subject for t in shapes.triples if t.predicate == SG.group and t.object == SG.registers}
    open_ones = {name for name, at in found().items() if at and ox.NamedNode(SHAPE + name) in grouped}
    expected = {"unit-has-place", "system-operator-known", "dataset-storage-known", "more-than-assumed"}
    assert open_ones == expected


def test_the_catalogue_conforms_to_the_profile_but_for_high_value_datasets() -> None:
    """No rule of DCAT-AP.de is broken; six high-value datasets do not yet name the regulation."""
    broken = {name for name, at in found().items() if at and name.startswith(("profile-", "hvd-"))}
    assert broken == {"hvd-legislation", "hvd-distribution", "hvd-distribution-legislation"}
    assert len(found()["hvd-legislation"]) == 6


@pytest.mark.slow
def test_both_engines_find_the_same_in_the_registers() -> None:
    """The report does not depend on the engine."""
    assert audited("shacl") == audited("pyshacl")


@pytest.mark.slow
def test_dirty_values_of_the_real_content_are_found(real_city: City) -> None:
    """Trees of the future and of one digit, sizes that cannot be, polling stations with swapped coordinates."""
    counts: defaultdict[str, int] = defaultdict(int)
    for (shape, _, _), number in real_city.audit().counts.items():
        counts[shape.value.removeprefix(SHAPE)] += number
    expected = {
        "tree-planting-year-past": 2,
        "tree-planting-year": 26,
        "tree-vitality": 9250,
        "tree-species": 453,
        "tree-maintained": 23,
        "tree-crown": 1,
        "species-one-code": 16,
        "coordinates-not-swapped": 4,
        "sensor-operated": 83,
    }
    assert {shape: counts[shape] for shape in expected} == expected
