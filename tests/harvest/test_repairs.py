"""Each repair does what its line in the table says, once, and can be undone."""

from __future__ import annotations

import pyoxigraph as ox
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtgraph import messages
from stadtgraph.sources.harvest import Known, Repairs, UnitName, Units, rules, undone
from stadtgraph.sources.harvest.lines import parsed
from stadtgraph.terms import DCAT, DCT, FOAF, PREFIXES, VCARD, XSD

EU = "http://publications.europa.eu/resource/authority/"
UNITS = Units([UnitName("https://town.example/id/unit/a", "Amt A")])
S = "<https://portal.example/d>"
P = {k: f"<{v.value}>" for k, v in {
    "licence": DCT.license, "format": DCT.format, "media": DCAT.mediaType, "language": DCT.language,
    "access": DCAT.accessURL, "rights": DCT.accessRights, "size": DCAT.byteSize, "mail": VCARD.hasEmail,
    "mbox": FOAF.mbox, "modified": DCT.modified, "publisher": DCT.publisher, "title": DCT.title,
    "frequency": DCT.accrualPeriodicity, "status": ox.NamedNode(f"{PREFIXES['adms']}status"),
    "page": FOAF.page, "contributor": ox.NamedNode("http://dcat-ap.de/def/dcatde/1.0.1/contributorID"),
}.items()}  # fmt: skip
L = "http://dcat-ap.de/def/licenses/"
CASES = [
    ("licence", "<https://www.dcat-ap.de/def/licenses/cc-zero>", f"<{L}cc-zero>", "vocabulary-iri"),
    ("licence", f"<{L}dl-by-de/2.0/>", f"<{L}dl-by-de/2.0>", "vocabulary-iri"),
    ("licence", '"dl-de/by-2-0"', f"<{L}dl-by-de/2.0>", "licence"),
    ("licence", "<https://creativecommons.org/licenses/by/4.0/deed.de>", f"<{L}cc-by/4.0>", "licence"),
    ("licence", "<https://www.govdata.de/dl-de/zero-2-0>", f"<{L}dl-zero-de/2.0>", "licence"),
    ("licence", '"Datenlizenz Deutschland – Namensnennung – Version 2.0"@de', f"<{L}dl-by-de/2.0>", "licence"),
    ("format", '"csv"', f"<{EU}file-type/CSV>", "file-type"),
    ("format", '".XLSX"', f"<{EU}file-type/XLSX>", "file-type"),
    ("format", "<https://www.iana.org/assignments/media-types/text/csv>", f"<{EU}file-type/CSV>", "file-type"),
    ("format", '"Kartenblatt"', None, None),
    ("media", '"text/csv"', "<https://www.iana.org/assignments/media-types/text/csv>", "media-type"),
    ("media", "<http://www.iana.org/assignments/media-types/text/csv/>",
     "<https://www.iana.org/assignments/media-types/text/csv>", "media-type"),
    ("language", f'"{EU}language/DEU"', f"<{EU}language/DEU>", "iri-as-text"),
    ("language", '"de"', f"<{EU}language/DEU>", "word-of-a-list"),
    ("language", f"<{EU}language/GER>", f"<{EU}language/DEU>", "vocabulary-iri"),
    ("rights", '"public"', f"<{EU}access-right/PUBLIC>", "word-of-a-list"),
    ("frequency", '"jährlich"@de', f"<{EU}frequency/ANNUAL>", "word-of-a-list"),
    ("status", "<http://purl.org/adms/status/Completed>", f"<{EU}distribution-status/COMPLETED>", "vocabulary-iri"),
    ("access", '"http://x.example/a b.csv"', "<http://x.example/a%20b.csv>", "iri-as-text"),
    ("access", r"<http://x.example/a\u0020b.csv\u0020>", "<http://x.example/a%20b.csv>", "iri-signs"),
    ("access", "<http://x.example/?LAYER[zoom]=1>", "<http://x.example/?LAYER%5Bzoom%5D=1>", "iri-signs"),
    ("access", '"auf Anfrage"', None, None),
    ("access", "<https://www.dcat-ap.de/def/licenses/>", None, None),
    ("size", f'"6776.0"^^<{XSD.decimal.value}>', f'"6776"^^<{XSD.nonNegativeInteger.value}>', "byte-size"),
    ("size", '"-1"', None, None),
    ("mail", "<https://portal.example/info@x.example>", "<mailto:info@x.example>", "mailbox"),
    ("mbox", '"info@x.example"', "<mailto:info@x.example>", "mailbox"),
    ("modified", f'"2021-01-28 GMT 01:51:03.349"^^<{XSD.dateTime.value}>',
     f'"2021-01-28T01:51:03.349Z"^^<{XSD.dateTime.value}>', "date-form"),
    ("modified", f'"28.01.2021"^^<{XSD.date.value}>', f'"2021-01-28"^^<{XSD.date.value}>', "date-form"),
    ("modified", f'"gestern"^^<{XSD.date.value}>', None, None),
    ("publisher", '"Amt A"', "<https://town.example/id/unit/a>", "publisher-name"),
    ("publisher", '"Amt Z"', None, None),
    ("title", '"x"^^<urn:stadtgraph:language:de_DE>', '"x"@de-de', "language-tag"),
    ("page", "<https://www.dcat-ap.de/def/licenses/>", None, None),
]  # fmt: skip


def triple(text: str) -> ox.Triple:
    """Give one triple, be it malformed."""
    return parsed(f"{text} .\n".encode())[0]


@pytest.mark.parametrize(("predicate", "written", "meant", "rule"), CASES)
def test_a_repair(predicate: str, written: str, meant: str | None, rule: str | None) -> None:
    """What is written, what is meant (None: it is left alone), and which rule says so."""
    given_triple = triple(f"{S} {P[predicate]} {written}")
    found = Repairs(Known(UNITS.find)).mended([given_triple])
    expected = given_triple if meant is None else triple(f"{S} {P[predicate]} {meant}")
    assert [t.object for t in found.triples] == [expected.object]
    assert list(found.counts) == ([] if rule is None else [rule])


def test_old_versions_of_a_vocabulary_are_those_of_today() -> None:
    """The German vocabulary was once versioned in its IRIs."""
    found = Repairs().mended([triple(f"{S} {P['contributor']} <http://dcat-ap.de/def/contributors/x>")])
    assert found.triples[0].predicate.value == "http://dcat-ap.de/def/dcatde/contributorID"


def test_every_rule_has_a_name_in_both_languages() -> None:
    """Reports name the rules."""
    assert all(messages.text(f"harvest-repair-{name}", lang) for name in rules() for lang in ("de", "en"))


def test_a_repaired_value_beside_the_right_one_can_be_told_again() -> None:
    """Both stood there; one triple is left, and undoing gives two."""
    both = [triple(f"{S} {P['format']} {value}") for value in ('"csv"', f"<{EU}file-type/CSV>")]
    found = Repairs().mended(both)
    assert len(found.triples) == 1
    assert undone(found.triples, found.originals) == set(both)


_WORDS = (
    "http|https|://|www.|dcat-ap.de/def/licenses/|cc-zero|/| |dl-by-de|2.0|text/csv|CSV|DEU|GER|de|public|[|ä|\\|"
    'publications.europa.eu/resource/authority/language/|www.iana.org/assignments/media-types/|"|%20|mailto:|'
    "2021-01-28| GMT |01:51:03|6776|.0|info@x.de|Amt A"
)
_PARTS = st.sampled_from(_WORDS.split("|"))
_TEXTS = st.lists(_PARTS, max_size=6).map("".join)
_TYPES = st.sampled_from(
    [XSD.string, XSD.date, XSD.dateTime, XSD.decimal, ox.NamedNode("urn:stadtgraph:language:de_DE")]
)


@st.composite
def _triples(draw: st.DrawFn) -> ox.Triple:
    """Draw a triple of a catalogue, right or wrong."""
    text = draw(_TEXTS)
    predicate = ox.NamedNode(draw(st.sampled_from(sorted(P.values())))[1:-1])
    if draw(st.booleans()):
        escaped = "".join(f"\\u{ord(c):04X}" if c in ' "[]\\<>' else c for c in text)
        return triple(f"{S} {predicate} <{escaped or 'urn:x'}>")
    return ox.Triple(ox.NamedNode(S[1:-1]), predicate, ox.Literal(text, datatype=draw(_TYPES)))


@given(st.lists(_triples(), max_size=8, unique=True))
def test_repairs_leave_alone_what_they_made_and_can_be_undone(triples: list[ox.Triple]) -> None:
    """Idempotent and reversible, for whatever stands there."""
    known = Known(UNITS.find)
    once = Repairs(known).mended(triples)
    twice = Repairs(known).mended(once.triples)
    assert set(twice.triples) == set(once.triples) and not twice.counts
    assert undone(once.triples, once.originals, known) == set(triples)
