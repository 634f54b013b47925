"""Who is a person and which mailbox is private: whoever is unsure withholds."""

from __future__ import annotations

import pyoxigraph as ox
import pytest

from harvest_town import PREFIXES
from stadtgraph.sources.harvest.persons import is_named_person, is_office, is_personal, withhold
from stadtgraph.terms import Names

OFFICES = ["info", "poststelle", "opendata.hro", "geodienste", "kundenzentrum", "office", "transparenz", "service",
           "sekretariat", "legal-questions", "statistik.amt", "umwelt", "kontakt"]  # fmt: skip
PRIVATE = ["erika.muster", "e.muster", "erika_muster", "hans-peter.muster-frau", "erika.muster2"]


@pytest.mark.parametrize("local", OFFICES)
def test_mailboxes_of_offices_stay(local: str) -> None:
    """They are why there is a contact at all."""
    assert is_office(f"{local}@x.example") and not is_personal(f"mailto:{local}@x.example")


@pytest.mark.parametrize("local", PRIVATE)
def test_mailboxes_of_persons_do_not(local: str) -> None:
    """They are built like names."""
    assert is_personal(f"{local}@x.example")


@pytest.mark.parametrize(
    ("name", "is_person"),
    [("Frau Muster", True), ("Dr. Erika Muster", True), ("Erika Muster", True), ("Muster, Erika", True),
     ("Stadt Jena", False), ("Landesamt für Statistik", False), ("Umweltamt", False), ("Jena", False)],
)  # fmt: skip
def test_names(name: str, is_person: bool) -> None:
    """Names of persons and of offices."""
    assert is_named_person(name) is is_person


CASES = [
    ('<urn:p> a foaf:Person ; foaf:name "Amt für Muster" .', {"class": 1, "name": 1, "iri": 0}),
    ("[] a foaf:Person ; foaf:mbox <mailto:info@x.example> .", {"class": 1}),
    ("[] a foaf:Person ; foaf:mbox <mailto:muster@x.example> .", {"class": 1, "mailbox": 1}),
    ('[] a vcard:Organization ; vcard:fn "Amt" ; vcard:hasEmail <mailto:amt3@x.example> .', {}),
    ('[] a vcard:Organization ; vcard:fn "Frau Muster" .', {"name": 1}),
    ('[] vcard:given-name "Erika" ; vcard:family-name "Muster" .', {"name": 2}),
    ("[] vcard:hasEmail <https://x.example/erika.muster@x.example> .", {"mailbox": 1}),
    ('<urn:d> dct:creator "Erika Muster" .', {"name": 1}),
    ('<urn:d> dct:creator "Umweltamt" .', {}),
    ('<urn:d> dct:publisher "Bonn Orange" .', {}),
    ('<urn:d> dct:publisher "Frau Erika Muster" .', {"name": 1}),
    ('<urn:d> dct:description "Fragen: erika.muster@x.example oder info@x.example"@de .', {"text": 1}),
    ("<urn:d> dct:creator <mailto:erika.muster@x.example> .", {"text": 1}),
]


@pytest.mark.parametrize(("turtle", "counts"), CASES)
def test_what_is_withheld(turtle: str, counts: dict[str, int]) -> None:
    """A line of a catalogue, and what is counted."""
    triples = [q.triple for q in ox.parse(PREFIXES + turtle, ox.RdfFormat.TURTLE)]
    found = withhold(triples, Names())
    private = {kind: number for kind, number in found.counts.items() if kind != "iri"}
    assert private == {kind: number for kind, number in counts.items() if number}
    assert "erika" not in "".join(map(str, found.kept)).lower()


def test_the_iri_of_a_person_is_replaced_by_a_neutral_name() -> None:
    """It may itself say who it is; links to it lead to the same name."""
    turtle = "<urn:d> dct:creator <https://x.example/erika-muster> . <https://x.example/erika-muster> a foaf:Person ."
    triples = [q.triple for q in ox.parse(PREFIXES + turtle, ox.RdfFormat.TURTLE)]
    kept = withhold(triples, Names()).kept
    assert "erika" not in "".join(map(str, kept)) and kept[0].object == kept[1].subject
