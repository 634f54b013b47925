"""RDF passes the door as it is written, or is refused with file, line and column."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyoxigraph as ox
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtgraph.errors import InputError
from stadtgraph.sources import Complaint, read_rdf
from stadtgraph.sources.datatypes import RULES, XSD, expected, legal
from stadtgraph.sources.rdf import FORMATS

BASE = "https://example.org/"
PREFIX = "@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .\n"
RDF_XML = '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:e="http://e/">\n'
BYTE = f"{XSD}byte"

LEGAL = {
    "boolean": "true 0",
    "decimal": "1 -1.50 +.5 3.",
    "float": "1 1.5E-7 NaN -INF +INF",
    "double": "1e400 .5",
    "integer": "-007 123456789012345678901234567890",
    "nonNegativeInteger": "0 -0 +5",
    "positiveInteger": "1 99999999999999999999",
    "nonPositiveInteger": "0 -1",
    "negativeInteger": "-1 -99999999999999999999999999999999999999999999999",
    "byte": "-128 127 +000000127",
    "short": "-32768 32767",
    "int": "-2147483648 2147483647",
    "long": "-9223372036854775808 9223372036854775807",
    "unsignedByte": "0 255",
    "unsignedShort": "65535",
    "unsignedInt": "4294967295",
    "unsignedLong": "18446744073709551615",
    "dateTime": "2024-02-29T24:00:00 -0044-03-15T12:00:00.5+14:00 12024-01-01T00:00:00Z",
    "dateTimeStamp": "2024-01-31T12:00:00Z",
    "date": "2024-02-29 2000-02-29Z 0000-01-01 2024-01-31-13:59",
    "time": "24:00:00.0 23:59:59.999Z",
    "gYear": "2024 -0001 12024 2024Z",
    "gYearMonth": "2024-12 2024-01+01:00",
    "gMonth": "--01 --12Z",
    "gMonthDay": "--02-29 --12-31",
    "gDay": "---31 ---01Z",
    "duration": "P1Y P1Y2M3DT4H5M6.7S -PT1S P0D",
    "yearMonthDuration": "P1Y P13M -P1Y2M",
    "dayTimeDuration": "P1D PT24H P1DT2H3M4.5S",
    "hexBinary": "0FB7 ab",
    "base64Binary": "U3RhZHQ= AA== YWJj",
    "normalizedString": "a",
    "token": "a",
    "language": "de-DE x",
    "NMTOKEN": "-a.1",
    "Name": "a:b Ä1",
    "NCName": "_a-1",
}
ILLEGAL = {
    "boolean": ["yes", "TRUE", ""],
    "decimal": ["1e5", "1,5", ".", "", " 1", "NaN", "١"],
    "float": ["inf", "1,5", "nan"],
    "double": ["+NaN", "1e", "0x1"],
    "integer": ["abc", "1.0", "", "1 "],
    "nonNegativeInteger": ["-5", "-99999999999999999999999999999999999999999999999"],
    "positiveInteger": ["0", "-0"],
    "nonPositiveInteger": ["1"],
    "negativeInteger": ["0"],
    "byte": ["128", "-129", "300"],
    "short": ["32768"],
    "int": ["2147483648"],
    "long": ["9223372036854775808", "9" * 100],
    "unsignedByte": ["256", "-1"],
    "unsignedShort": ["65536"],
    "unsignedInt": ["4294967296"],
    "unsignedLong": ["18446744073709551616", "-1"],
    "dateTime": [
        "2024-01-31",
        "2024-01-31 12:00:00",
        "2024-01-31T24:00:01",
        "2024-01-31T12:60:00",
        "2024-02-30T00:00:00",
    ],
    "dateTimeStamp": ["2024-01-31T12:00:00"],
    "date": ["2024-13-01", "2023-02-29", "1900-02-29", "2024-1-1", "31.01.2024", "2024-04-31", "2024-01-01+14:01"],
    "time": ["24:00:01", "12:00", "25:00:00"],
    "gYear": ["24", "02024", "1998/99", "2024-01"],
    "gYearMonth": ["2024-13", "2024"],
    "gMonth": ["01", "--13"],
    "gMonthDay": ["--02-30", "--04-31"],
    "gDay": ["---32", "--01"],
    "duration": ["P", "PT", "1Y", "P1S", "P1YT", "P-1Y", "P1Y2W"],
    "yearMonthDuration": ["P1D", "P"],
    "dayTimeDuration": ["P1Y", "PT"],
    "hexBinary": ["0FB", "xy"],
    "base64Binary": ["U3RhZHQ", "A", "A=B="],
    "normalizedString": ["a\tb"],
    "token": [" a", "a  b", "a\n"],
    "language": ["toolonglanguage", "de_DE", ""],
    "NMTOKEN": ["a b", ""],
    "Name": ["1a"],
    "NCName": ["a:b"],
}


@pytest.mark.parametrize("name", RULES)
def test_legal_and_illegal_forms_of_each_datatype(name: str) -> None:
    """Lexical form and range, with an example in every rule that is legal itself or a range."""
    assert all(legal(text, XSD + name) for text in LEGAL[name].split()), LEGAL[name]
    assert not [text for text in ILLEGAL[name] if legal(text, XSD + name)]
    assert expected(XSD + name)


@given(st.sampled_from(sorted(RULES)), st.text("0123456789-+:.TZPYMDHSEINFtruefals ", max_size=20))
def test_whatever_oxigraph_understands_is_legal(name: str, text: str) -> None:
    """A value that the store normalises (so it understood it) is never refused, but for ranges and white space."""
    if name.startswith(("non", "pos", "neg", "un", "byte", "short", "int", "long")) or text != text.strip():
        return
    store = ox.Store()
    node = ox.NamedNode("urn:x")
    store.add(ox.Quad(node, node, ox.Literal(text, datatype=ox.NamedNode(XSD + name))))
    stored = next(iter(store)).object
    assert isinstance(stored, ox.Literal)
    if stored.value != text:
        assert legal(text, XSD + name)


def refused(text: str | bytes, format: str, **options: object) -> InputError:
    """Give the error of reading ``text``."""
    with pytest.raises(InputError) as caught:
        list(read_rdf(text.encode() if isinstance(text, str) else text, format, BASE, name="in", **options))  # type: ignore[arg-type]
    assert str(caught.value).startswith("in, line") and caught.value.text("de").startswith("in, Zeile")
    return caught.value


WRONG = [
    ("ttl", "<a> <b> .", "sources-rdf-syntax", 1, None),
    ("ttl", '<a> <b> "x" .\n<a> <b c> "y" .', "sources-rdf-syntax", 2, 5),
    ("ttl", '<a> <b> "x"@de_DE .', "sources-rdf-syntax", 1, None),
    ("ttl", '<a> <b> "x"@toolonglanguage .', "sources-rdf-syntax", 1, 13),
    ("nt", '<http://e/a> <http://e/b> "x" .\n<a> <http://e/b> "x" .', "sources-rdf-syntax", 2, 1),
    ("ttl", PREFIX + '# "300"^^xsd:byte\n<a> <b> "300" ;\n<c> "x", "300"^^xsd:byte .', "sources-literal", 4, 10),
    (
        "ttl",
        PREFIX + '<a> <b> """300""" , """\n30\\u0030"""^^xsd:string, """30\\u0030"""^^xsd:byte .',
        "sources-literal",
        3,
        26,
    ),
    ("trig", f'<g> {{ <a> <b>\n "x"^^<{BYTE}> }}', "sources-named-graph", 1, 1),
    ("nt", f'# c\n\n<u:a> <u:b> "1" .\n\n <u:a> <u:b> "x"^^<{BYTE}> .', "sources-literal", 5, 14),
    ("nq", '<u:a> <u:b> "1" .\n<u:a> <u:b> "1" <u:g> .', "sources-named-graph", 2, 1),
    ("trig", '<a> <b> "1" .\n<g> { <a> <b> "1" }', "sources-named-graph", 2, None),
    ("ttl", '<a> <b> "a\\u0000" .', "sources-rdf-nul", 1, None),
    ("ttl", '<a> <b> "<<" ;\n <c> << <a> <b> <c> >> .', "sources-rdf12", 2, 6),
    ("nt", "<u:a> <u:b> <<( <u:a> <u:b> <u:c> )>> .", "sources-rdf12", 1, 13),
    ("ttl", '<a> <b> "x"@en--ltr .', "sources-rdf12", 1, None),
    ("ttl", "<a> <b> <c> {| <d> <e> |} .", "sources-rdf12", 1, None),
    ("ttl", b'<a> <b> "\xe4" .', "sources-rdf-syntax", 1, None),
    ("rdf", RDF_XML, "sources-xml", 2, None),
    ("rdf", RDF_XML + '<e:A rdf:about="x">\n</e:B></rdf:RDF>', "sources-xml", 3, None),
    (
        "rdf",
        "<?xml version='1.0'?>\n<!DOCTYPE r [<!ENTITY a 'b'>]>" + RDF_XML + "</rdf:RDF>",
        "sources-doctype",
        2,
        None,
    ),
    ("rdf", RDF_XML + '\n<e:A rdf:about="a b"/></rdf:RDF>', "sources-rdf-syntax", 3, 17),
    (
        "rdf",
        RDF_XML + f'<e:A rdf:about="a">\n<e:p rdf:datatype="{BYTE}">300</e:p></e:A></rdf:RDF>',
        "sources-literal",
        3,
        None,
    ),
    ("jsonld", '{"@context": "https://example.org/c"}', "sources-jsonld-context", 1, 14),
    ("jsonld", '{"@context": [{},\n "https://example.org/c"]}', "sources-jsonld-context", 2, 2),
    ("jsonld", '{"@id": "a b", "u:p": 1}', "sources-jsonld-iri", 1, 9),
    ("jsonld", '{"@id": "a", "u:p": {"@value": "x", "@language": "de_DE"}}', "sources-jsonld-language", 1, 50),
    ("jsonld", '{"@id": "a",\n "u:p": {"@value": "300", "@type": "' + BYTE + '"}}', "sources-literal", 2, 20),
    ("jsonld", '{"@id": "a",\n "u:p": }', "sources-json", 2, None),
    ("jsonld", '{"@context": {"id": "@id"},\n "id": "a b", "u:p": 1}', "sources-jsonld-iri", 2, 8),
    (
        "jsonld",
        '{"@context": {"p": {"@id": "u:p", "@type": "@id"}}, "@id": "u:a",\n "p": ["b", "c d"]}',
        "sources-jsonld-iri",
        2,
        13,
    ),
    (
        "jsonld",
        '{"@context": {"l": "@language"},\n "u:p": {"@value": "x", "l": "de_DE"}}',
        "sources-jsonld-language",
        2,
        30,
    ),
    ("ttl", '<a> <b> "x" ;\n <c> "' + "x" * (17 << 20) + '" .', "sources-rdf-long", 2, 6),
    ("jsonld", '{"a":' * 20_000 + "1" + "}" * 20_000, "sources-json-deep", 1, None),
]


@pytest.mark.parametrize(("format", "text", "key", "line", "column"), WRONG)
def test_what_is_wrong_is_refused_with_its_place(
    format: str, text: str | bytes, key: str, line: int, column: int | None
) -> None:
    """Malformed documents, terms that are not RDF 1.1, ill-formed values, and what reaches out."""
    error = refused(text, format)
    assert (error.key, error.params["line"]) == (key, line)
    assert column is None or error.params["column"] == column


def test_terms_come_as_they_are_written() -> None:
    """Nothing is normalised; relative IRIs are resolved."""
    text = PREFIX + '<a> <b> "007"^^xsd:nonNegativeInteger, "1.50"^^xsd:decimal, <c> .'
    found = [str(triple.object) for triple in read_rdf(text.encode(), "ttl", BASE)]
    assert found == [f'"007"^^<{XSD}nonNegativeInteger>', f'"1.50"^^<{XSD}decimal>', f"<{BASE}c>"]


def test_content_may_keep_bad_literals_and_complain() -> None:
    """Every complaint names the place of its own literal; the rest stays strict."""
    text = PREFIX + '<a> <b> "x"^^xsd:date .\n<c> <b> "x"^^xsd:date, "2024-01-31"^^xsd:date .'
    complaints: list[Complaint] = []
    found = list(read_rdf(text.encode(), "ttl", BASE, on_bad="keep", complaints=complaints))
    assert len(found) == 3
    assert [complaint.error.params["line"] for complaint in complaints] == [2, 3]
    assert complaints[0].triple == found[0]
    assert '"x" is not a value of' in complaints[0].text() and "kein Wert" in complaints[0].text("de")
    assert refused('<a> <b> "a\\u0000" .', "ttl", on_bad="keep").key == "sources-rdf-nul"


@pytest.mark.parametrize("format", ["ttl", "nt", "rdf", "jsonld"])
def test_a_byte_order_mark_is_passed_over(format: str, tmp_path: Path) -> None:
    """In files and in bytes, as editors on Windows write it; places are counted without it."""
    texts = {
        "ttl": '<u:a> <u:b> "x" .\r\n',
        "nt": '<u:a> <u:b> "x" .\r\n',
        "rdf": RDF_XML + '<rdf:Description rdf:about="u:a"><e:b>x</e:b></rdf:Description></rdf:RDF>',
        "jsonld": '{"@id": "u:a", "u:b": "x"}',
    }
    data = texts[format].encode("utf-8-sig")
    (tmp_path / "in").write_bytes(data)
    assert len(list(read_rdf(data, format, BASE))) == len(list(read_rdf(tmp_path / "in", format, BASE))) == 1
    assert refused("\ufeff<a> <b> ? .", "ttl").params["column"] == refused("<a> <b> ? .", "ttl").params["column"]


def test_a_term_that_means_different_things_in_different_contexts_is_no_error() -> None:
    """Only where it is sure that a value is an identifier must it be one."""
    inner = '"u:q": {"@context": {"p": "u:p2"}, "p": "two words"}'
    text = '{"@context": {"p": {"@id": "u:p", "@type": "@id"}}, "@id": "u:a", "p": "u:b", ' + inner + "}"
    assert len(list(read_rdf(text.encode(), "jsonld", BASE))) == 3


def test_named_graphs_are_read_where_allowed() -> None:
    """Their triples come together."""
    text = b'<u:a> <u:b> "1" .\n<u:a> <u:b> "2" <u:g> .'
    assert len(list(read_rdf(text, "nq", BASE, named_graphs=True))) == 2


def test_other_formats_are_refused() -> None:
    """The message lists those that are read."""
    with pytest.raises(InputError, match="ttl, nt"):
        read_rdf(b"", "n3", BASE, name="in")


def test_a_document_beyond_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when it is only large once unpacked."""
    import gzip

    monkeypatch.setattr("stadtgraph.sources.rdf.MAX_BYTES", 1000)
    with pytest.raises(InputError, match="larger than"):
        list(read_rdf(b"#" * 2000, "ttl", BASE, name="in"))
    path = tmp_path / "a.ttl.gz"
    path.write_bytes(gzip.compress(b"<u:a> <u:b> <u:c> .\n" * 1000))
    with pytest.raises(InputError, match="larger than"):
        list(read_rdf(path, "ttl", BASE))


@pytest.mark.parametrize("format", FORMATS)
@given(st.data())
def test_random_documents_never_raise_anything_but_an_input_error(format: str, data: st.DataObject) -> None:
    """Whatever comes in is read or refused."""
    alphabet = "<>@:ab_\"\\^.;,[]{}() \n'#?!-=/&%0é\0" + ("xmlrdf" if format == "rdf" else "")
    content = data.draw(st.text(alphabet, max_size=60).map(str.encode) | st.binary(max_size=40))
    try:
        list(read_rdf(content, format, BASE, name="in"))
    except InputError as error:
        assert error.text("de")


def test_deep_nesting_does_not_end_the_process() -> None:
    """A hundred thousand levels in each format, in a process of its own."""
    code = f"""
from stadtgraph.errors import InputError
from stadtgraph.sources import read_rdf
n = 100_000
for format, text in (
    ("nt", "<u:a> <u:b> " + "<<( <u:a> <u:b> " * n + "<u:c>" + " )>>" * n + " ."),
    ("jsonld", '{{"@id": "u:a", "u:b":' * n + "1" + "}}" * n),
    ("ttl", "<u:a> <u:b> " + "[ <u:b> " * n + "1" + " ]" * n + " ."),
    ("ttl", "<u:a> <u:b> " + "( " * n + "1" + " )" * n + " ."),
    ("rdf", {RDF_XML!r} + "<e:A><e:p>" * n + "</e:p></e:A>" * n + "</rdf:RDF>"),
):
    try:
        print(format, sum(1 for _ in read_rdf(text.encode(), format, "{BASE}", name="in")))
    except InputError as error:
        print(format, error.key)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-500:]
    assert done.stdout.splitlines() == [
        "nt sources-rdf12",
        "jsonld sources-json-deep",
        "ttl 100001",
        "ttl 200001",
        "rdf sources-xml-deep",
    ]


def test_the_real_vocabulary_of_data_sets(real_data: Path) -> None:
    """The Musterdatenkatalog as its publisher wrote it."""
    path = real_data / "musterdatenkatalog_v4_taxonomy_skos.rdf"
    assert sum(1 for _ in read_rdf(path, "rdf", BASE)) == 2851


def test_an_illegal_iri_in_rdf_xml_is_found_where_it_is_written_with_entities() -> None:
    """The error names the line although the file writes the ampersand as an entity."""
    text = (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:e="urn:e#">\n'
        '  <rdf:Description rdf:about="urn:a">\n'
        '    <e:p rdf:resource="http://e/x?LAYER[zoom]=1&amp;b=2"/>\n'
        "  </rdf:Description>\n</rdf:RDF>\n"
    )
    with pytest.raises(InputError) as caught:
        list(read_rdf(text.encode(), "rdf", BASE, name="in"))
    assert caught.value.params["line"] == 3
