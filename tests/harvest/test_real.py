"""Real catalogues are harvested without a loss: what comes out is what rdflib reads in the file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pyoxigraph as ox
import pytest
import rdflib

from stadtgraph.sources import blank_again
from stadtgraph.sources.feed import Feed
from stadtgraph.sources.harvest import Page, Taken, Taking, undone
from stadtgraph.store import read_lines
from stadtgraph.store.literals import restore
from stadtgraph.terms import RDF, Names

NAMES = Names("https://town.example/")
BASE = "https://portal.example/catalogue"
PERSONS = ("http://xmlns.com/foaf/0.1/Person", "http://www.w3.org/2006/vcard/ns#Individual")
HYDRA = "http://www.w3.org/ns/hydra/core#"
LOST = Counter({"class": 459, "name": 459, "address": 459})
"""Of 306 foaf:Person the name, of 153 vcard:Individual the name, street, postal code and place; the class of both."""


def harvested(path: Path, folder: Path, *, repairs: bool) -> Taken:
    """Take in one file."""
    return Taking("portal", NAMES, folder, Feed(repairs=repairs)).take([Page(path, BASE)])


def came_out(taken: Taken) -> list[ox.Triple]:
    """Give what was loaded, as it was written."""
    assert taken.spool is not None
    return list(restore(taken.spool.triples(), read_lines(taken.spool.written)))


def by_rdflib(path: Path) -> list[ox.Triple]:
    """Give what rdflib reads in the file, without what pages say of themselves."""
    normalise = rdflib.NORMALIZE_LITERALS
    rdflib.NORMALIZE_LITERALS = False
    try:
        graph = rdflib.Graph().parse(path, format="xml", publicID=BASE)
        text = graph.serialize(format="nt", encoding="utf-8")
    finally:
        rdflib.NORMALIZE_LITERALS = normalise
    triples = [q.triple for q in ox.parse(text, ox.RdfFormat.N_TRIPLES, lenient=True)]
    return [t for t in triples if not t.predicate.value.startswith(HYDRA) and HYDRA not in str(t.object)]


def canonical(triples: Iterable[ox.Triple]) -> set[str]:
    """Give triples so that isomorphic ones are equal."""
    found = ox.Dataset(ox.Quad(t.subject, t.predicate, t.object) for t in triples)
    found.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    return set(map(str, found))


def without_persons(triples: list[ox.Triple]) -> list[ox.Triple]:
    """Leave out what the harvest must withhold, in the words of the issue: names and addresses of persons."""
    persons = {t.subject for t in triples if t.predicate == RDF.type and getattr(t.object, "value", "") in PERSONS}
    kept = []
    for triple in triples:
        if triple.subject not in persons:
            kept.append(triple)
        elif triple.predicate == RDF.type:
            wider = "http://xmlns.com/foaf/0.1/Agent" if "foaf" in str(triple.object) else f"{VCARD}Kind"
            kept.append(ox.Triple(triple.subject, triple.predicate, ox.NamedNode(wider)))
        elif triple.predicate.value == f"{VCARD}hasEmail":
            kept.append(triple)
    return kept


VCARD = "http://www.w3.org/2006/vcard/ns#"
CASES = {
    "de-rostock-catalog.rdf": (100, Counter()),
    "de-bremen-catalog.rdf": (153, LOST),
    "de-sh-opendata-catalog-page.xml": (100, Counter()),
    "de-sh-rdf_catalog.xml": (38, Counter()),
    "de-sh-collection1.rdf": (10, Counter()),
    "de-sh-with_collection.xml": (8, Counter()),
}


@pytest.mark.parametrize("repairs", [True, False], ids=["repaired", "as-they-came"])
@pytest.mark.parametrize("file", CASES)
@pytest.mark.filterwarnings("ignore")  # rdflib warns of a date that is none
def test_no_triple_of_a_good_record_is_lost(file: str, repairs: bool, catalogues: Path, tmp_path: Path) -> None:
    """Compared with rdflib, an independent parser; repairs undone by their originals; persons withheld and counted."""
    records, withheld = CASES[file]
    taken = harvested(catalogues / file, tmp_path, repairs=repairs)
    loaded = came_out(taken)
    bad = 1 if file.startswith("de-bremen") and not repairs else 0
    assert (taken.records, taken.loaded, taken.quarantined) == (records, records, bad)
    expected = without_persons(by_rdflib(catalogues / file))
    if bad:  # the catalogue was changed on a date that is none; with repairs it is mended
        assert "dateTime" in taken.bad[0].reasons[0].text()
        expected = [t for t in expected if "GMT" not in str(t.object)]
    assert taken.withheld == withheld
    if repairs:
        assert taken.originals is not None and sum(taken.repairs.values()) > 0
        kept = taken.originals
        loaded = list(undone(loaded, restore(read_lines(kept.stored), read_lines(kept.written))))
    assert canonical(blank_again(loaded, NAMES)) == canonical(expected)


def test_quarantine_holds_the_record_with_a_bad_iri(catalogues: Path, tmp_path: Path) -> None:
    """Its XML is mended (two bare ampersands), its IRI cannot be: no guess is made at the name of a record."""
    taken = harvested(catalogues / "de-sh-invalid_iri.xml", tmp_path, repairs=True)
    assert (taken.records, taken.loaded, taken.quarantined) == (1, 0, 1)
    assert [note.key for note in taken.notes] == ["harvest-mended-xml"]
    assert taken.bad[0].name.endswith("neustadt i. h.-süd-2012")
    assert {reason.key for reason in taken.bad[0].reasons} == {"harvest-iri"}
    assert taken.quarantine is not None
    originals = [t for t in read_lines(taken.quarantine) if t.predicate.value.endswith("original")]
    assert "Verkehrszählung" in originals[0].object.value  # type: ignore[union-attr]


def test_repairs_win_back_values_of_real_catalogues(catalogues: Path, tmp_path: Path) -> None:
    """Counts that can be made without us: ``grep -c`` over the file."""
    text = (catalogues / "de-rostock-catalog.rdf").read_text("utf-8")
    taken = harvested(catalogues / "de-rostock-catalog.rdf", tmp_path, repairs=True)
    languages = text.count("<dct:language>http://publications.europa.eu/")
    sizes = text.count('<dcat:byteSize rdf:datatype="http://www.w3.org/2001/XMLSchema#decimal">')
    assert taken.repairs["iri-as-text"] == languages == 874
    assert taken.repairs["byte-size"] == sizes == 521
    loaded = came_out(taken)
    licences = {t.object for t in loaded if t.predicate.value == "http://purl.org/dc/terms/license"}
    assert {n.value for n in licences} >= {"http://dcat-ap.de/def/licenses/cc-zero"}  # type: ignore[union-attr]
    assert not any("www.dcat-ap.de/def/licenses" in str(t.object) for t in loaded)


@pytest.mark.slow
def test_twelve_thousand_records_come_through(catalogues: Path, tmp_path: Path) -> None:
    """The derived catalogue of 151 publishers: each triple once, none repaired, none withheld."""
    taken = harvested(catalogues / "derived-mdk-catalog.nt.gz", tmp_path, repairs=True)
    assert (taken.records, taken.loaded, taken.quarantined) == (12_173, 12_173, 0)
    assert taken.spool is not None and taken.spool.lines == 94_777 and not taken.repairs and not taken.withheld
