"""Records and the rest are the whole catalogue, whatever its shape."""

from __future__ import annotations

import pyoxigraph as ox
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harvest_town import PREFIXES, dataset
from stadtgraph.sources.feed import Feed
from stadtgraph.sources.harvest import split, workbench
from stadtgraph.sources.harvest.lines import line, parsed
from stadtgraph.sources.harvest.workbench import Workbench
from stadtgraph.terms import DCAT, DCT, FOAF, RDF, SKOS

_NODES = [ox.NamedNode(f"https://x.example/{n}") for n in range(6)] + [ox.BlankNode(f"b{n}") for n in range(4)]
_KINDS = [DCAT.Dataset, DCAT.DataService, DCAT.DatasetSeries, DCAT.Distribution, DCAT.Catalog, SKOS.Concept]
_LINKS = [DCAT.dataset, DCAT.distribution, DCT.publisher, DCAT.accessService, DCT.relation, FOAF.primaryTopic]
_TYPED = st.tuples(st.sampled_from(_NODES), st.just(RDF.type), st.sampled_from(_KINDS))
_LINKED = st.tuples(st.sampled_from(_NODES), st.sampled_from(_LINKS), st.sampled_from(_NODES))
_TITLED = st.tuples(st.sampled_from(_NODES), st.just(DCT.title), st.sampled_from([ox.Literal("a"), ox.Literal("5")]))
_GRAPHS = st.lists(st.one_of(_TYPED, _LINKED, _TITLED).map(lambda parts: ox.Triple(*parts)), max_size=30, unique=True)


def _scoped(triples: list[ox.Triple]) -> set[bytes]:
    return {line(t).replace(b"_:b", b"_:p0xb") for t in triples}


@settings(max_examples=100)
@given(_GRAPHS)
def test_records_and_rest_are_the_whole(triples: list[ox.Triple]) -> None:
    """Nothing is lost and nothing is made up, in cycles and with shared nodes too."""
    records, rest, paging = split(triples)
    found = {line(t) for record in records + rest for t in record.triples} | {line(t) for t in paging}
    assert found == _scoped(triples)


@settings(max_examples=100)
@given(_GRAPHS)
def test_every_dataset_is_a_record_once(triples: list[ox.Triple]) -> None:
    """Each IRI that is a dataset, series or service is the root of one record; no record goes into another dataset."""
    records, _, _ = split(triples)
    roots = [str(record.root) for record in records]
    kinds = (DCAT.Dataset, DCAT.DataService, DCAT.DatasetSeries)
    named = {str(t.subject) for t in triples if t.object in kinds and isinstance(t.subject, ox.NamedNode)}
    assert len(roots) == len(set(roots)) and named <= set(roots)
    datasets = {t.subject for t in triples if t.object == DCAT.Dataset and isinstance(t.subject, ox.NamedNode)}
    for record in records:
        assert not {t.subject for part in record.parts for t in part.triples} & (datasets - {record.root})


def test_a_record_holds_what_hangs_on_it() -> None:
    """Distribution by IRI, contact by blank node, publisher by IRI, and the link of the catalogue."""
    text = PREFIXES + dataset(1) + dataset(2) + "<https://portal.example/org> foaf:name 'Portalamt' ."
    triples = [q.triple for q in ox.parse(text, ox.RdfFormat.TURTLE)]
    records, rest, _ = split(triples)
    assert [record.root.value for record in records] == [f"https://portal.example/dataset/{n}" for n in (1, 2)]
    for record in records:
        kinds = {t.object for t in record.triples if t.predicate == RDF.type}
        assert {DCAT.Dataset, DCAT.Distribution} < kinds and len(kinds) == 3
        assert any(t.predicate == DCAT.dataset for t in record.links)
        assert any(t.predicate == FOAF.name for t in record.triples)
    assert not rest


def test_lines_of_malformed_terms_come_back() -> None:
    """IRIs with blanks and brackets, as the lenient parser gives them."""
    text = b"<http://x/a\\u0020b\\u003E> <http://x/p> <http://y/[z]> .\n"
    (triple,) = parsed(text)
    assert parsed(line(triple)) == [triple] and triple.subject.value == "http://x/a b>"  # type: ignore[union-attr]


def test_the_settings_of_a_catalogue_are_polite() -> None:
    """Half a second between requests, and a fifth of the records may vanish unasked."""
    assert (Feed().pause, Feed().shrink, Feed().require) == (0.5, 0.2, ("dct:title",))


def test_what_many_pages_repeat_is_kept_once() -> None:
    """A publisher and a catalogue on every page, with blank nodes below them; each record sees one of them."""
    bench = Workbench()
    for number in range(30):
        text = PREFIXES + dataset(number)
        text += "<https://portal.example/org> foaf:name 'Amt' ; dct:spatial [ dct:title 'a' ; dct:relation [] ] ."
        text += f"[] a dcat:Catalog ; dct:title 'Katalog' ; dcat:dataset <https://portal.example/dataset/{number}> ."
        bench.add((q.triple for q in ox.parse(text, ox.RdfFormat.TURTLE)), number)
    bench.ready()
    sizes = {len(record.triples) for record in bench.records()}
    assert len(sizes) == 1 and max(sizes) < 25
    bench.close()


def test_a_record_of_any_size_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told as too large; the rest is cut off by node."""
    monkeypatch.setattr(workbench, "MOST", 100)
    monkeypatch.setattr(workbench, "CHUNK", 1000)
    monkeypatch.setattr(workbench, "MOST_MERGED", 1000)
    root = "<https://portal.example/dataset/1>"
    many = "".join(f"{root} dcat:keyword 'k{n}' . <urn:x> <urn:p> {n} ." for n in range(500))
    triples = [q.triple for q in ox.parse(PREFIXES + dataset(1) + many, ox.RdfFormat.TURTLE)]
    triples.sort(key=str)
    records, rest, _ = split(triples)
    assert [record.is_large for record in records] == [True] and len(records[0].triples) < 300
    assert [record.is_large for record in rest if str(record.root) == "<urn:x>"] == [True]
