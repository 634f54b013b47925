"""Mappings turn rows into triples and say where they do not fit."""

from __future__ import annotations

import json
from pathlib import Path

import pyoxigraph as ox
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtgraph.errors import MappingError
from stadtgraph.sources import Mapping, Row, rows
from stadtgraph.sources.functions import number, point, slug
from stadtgraph.terms import SG, XSD

BASE = "https://example.org/"


def mapped(folder: Path, query: str, *cells: dict[str, str | None]) -> list[ox.Triple]:
    """Apply the mapping ``query`` to rows."""
    path = folder / "m.rq"
    path.write_text(query, "utf-8")
    table = [Row(line, values) for line, values in enumerate(cells, 2)]
    return list(Mapping.load(path, BASE).triples(table, "a.csv"))


def failing(folder: Path, query: str, *cells: dict[str, str | None]) -> MappingError:
    """Give the error of loading or applying ``query``."""
    with pytest.raises(MappingError) as caught:
        mapped(folder, query, *cells)
    assert caught.value.text("de") != str(caught.value)
    return caught.value


TREE = """#: sg:plantingYear xsd:gYear
PREFIX ex: <https://example.org/ns#>
CONSTRUCT { ?tree a sg:Tree ; sg:plantingYear ?jahr ; ex:row ?ROWNUM ; rdfs:label ?name }
WHERE { BIND(IRI(CONCAT("id/tree/", ?nr)) AS ?tree) }
"""


def test_a_row_is_a_solution(tmp_path: Path) -> None:
    """Relative IRIs get the base, prefixes are known, empty cells make no triple, rows are numbered."""
    found = mapped(tmp_path, TREE, {"nr": "7", "jahr": "1996", "name": None, "more": "x"})
    assert {str(triple) for triple in found} == {
        f"<{BASE}id/tree/7> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> {SG.Tree}",
        f'<{BASE}id/tree/7> {SG.plantingYear} "1996"^^{XSD.gYear}',
        f'<{BASE}id/tree/7> <{BASE}ns#row> "1"',
    }


def test_dirty_values_stay_as_they_are(tmp_path: Path) -> None:
    """A year that is no gYear stays a plain string, for the audit to find."""
    found = mapped(tmp_path, TREE, {"nr": "7", "jahr": "um 1900", "name": "Linde"})
    assert ox.Triple(ox.NamedNode(f"{BASE}id/tree/7"), SG.plantingYear, ox.Literal("um 1900")) in found


def test_legal_values_keep_their_writing(tmp_path: Path) -> None:
    """The store would rewrite 1.50 and +007; the mapping does not."""
    query = "#: sg:height xsd:decimal\nCONSTRUCT { <id/x> sg:height ?h } WHERE { }"
    found = mapped(tmp_path, query, {"h": "1.50"}, {"h": "+007"})
    assert [str(triple.object) for triple in found] == [f'"1.50"^^{XSD.decimal}', f'"+007"^^{XSD.decimal}']


def test_code_lists_join_with_columns(tmp_path: Path) -> None:
    """VALUES that names a column selects; inside OPTIONAL it adds what it knows."""
    query = """CONSTRUCT { <id/x> sg:vitality ?label ; sg:speciesCode ?code }
      WHERE { %s { VALUES (?code ?label) { ("1" "good") ("2" "poor") } } }"""
    inner = mapped(tmp_path, query % "", {"code": "2"}, {"code": "9"})
    outer = mapped(tmp_path, query % "OPTIONAL", {"code": "2"}, {"code": "9"})
    assert {triple.object.value for triple in inner} == {"2", "poor"}  # type: ignore[union-attr]
    assert {triple.object.value for triple in outer} == {"2", "poor", "9"}  # type: ignore[union-attr]


def test_an_empty_cell_never_joins_with_a_whole_code_list(tmp_path: Path) -> None:
    """It would match every entry; the message shows the form that is right, and that form works."""
    wrong = 'CONSTRUCT { <id/x> rdfs:label ?l } WHERE { VALUES (?code ?l) { ("1" "a") ("2" "b") } }'
    error = failing(tmp_path, wrong, {"code": "1"}, {"code": None})
    assert (error.key, error.params["row"]) == ("sources-mapping-join", 3)
    right = """CONSTRUCT { <id/x> rdfs:label ?l }
      WHERE { OPTIONAL { VALUES (?c ?l) { ("1" "a") ("2" "b") } FILTER(?c = ?code) } }"""
    assert len(mapped(tmp_path, right, {"code": "1"}, {"code": None})) == 1


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1, max_size=5))
def test_no_cell_can_break_out_of_its_place(tmp_path_factory: pytest.TempPathFactory, cells: list[str]) -> None:
    """Quotes, backslashes, line ends and escapes in cells come out as they went in."""
    folder = tmp_path_factory.mktemp("m")
    query = 'CONSTRUCT { ?s rdfs:label ?a } WHERE { BIND(IRI(CONCAT("id/", ?ROWNUM)) AS ?s) }'
    found = mapped(folder, query, *({"a": cell} for cell in cells))
    assert [triple.object for triple in found] == [ox.Literal(cell) for cell in cells]


@given(st.text("\"}) UNDEF<>?#\\\n'{sgf:(a", max_size=30))
def test_no_cell_can_run_a_query(tmp_path_factory: pytest.TempPathFactory, cell: str) -> None:
    """Text that looks like SPARQL is text."""
    folder = tmp_path_factory.mktemp("m")
    found = mapped(folder, "CONSTRUCT { <id/x> rdfs:label ?a } WHERE { }", {"a": cell})
    assert [triple.object for triple in found] == ([ox.Literal(cell)] if cell else [])


def test_batches_follow_each_other_in_order(tmp_path: Path) -> None:
    """More than one batch, numbered through."""
    query = "CONSTRUCT { <id/x> rdfs:label ?ROWNUM } WHERE { }"
    found = mapped(tmp_path, query, *({"a": "x"} for _ in range(2500)))
    assert [str(triple.object) for triple in found] == [f'"{n}"' for n in range(1, 2501)]


def test_blank_nodes_are_announced(tmp_path: Path) -> None:
    """So that mappings without them need no pass for blank nodes."""
    for query, blank in {
        "CONSTRUCT { ?s ?p ?o } WHERE { FILTER(?a = (1 + 2)) }": False,
        "CONSTRUCT { <id/x> rdfs:seeAlso [ rdfs:label ?a ] } WHERE { }": True,
        "CONSTRUCT { _:a rdfs:label ?a } WHERE { }": True,
        "CONSTRUCT { <id/x> rdfs:seeAlso ( ?a ) } WHERE { }": True,
        "CONSTRUCT { ?b rdfs:label ?a } WHERE { BIND(BNODE() AS ?b) }": True,
    }.items():
        (tmp_path / "m.rq").write_text(query)
        assert Mapping.load(tmp_path / "m.rq", BASE).query.blank is blank, query


REFUSED = {
    "CONSTRUCT { ?s a ?a }\nWHERE {\n  BIND(1 AS ?b\n}": ("sources-mapping-syntax", 4, None),
    "CONSTRUCT { ?s foo:x ?a }\nWHERE { }": ("sources-mapping-syntax", 1, None),
    "# a\nSELECT * WHERE { }": ("sources-mapping-form", 2, 1),
    "ASK { }": ("sources-mapping-form", 1, 1),
    "": ("sources-mapping-form", 1, 1),
    "CONSTRUCT WHERE { ?s ?p ?a }": ("sources-mapping-short", 1, 1),
    "CONSTRUCT { ?s a ?a }\nWHERE { service <http://x/> { } }": ("sources-mapping-refused", 2, 9),
    "CONSTRUCT { ?s a ?a }\nFROM <http://x/> WHERE { }": ("sources-mapping-refused", 2, 1),
    "CONSTRUCT { ?s a ?a }\nWHERE { BIND(sgf:nothing(?a) AS ?s) }": ("sources-no-function", 2, 14),
    "CONSTRUCT { <id/x> a ?a ;\n rdfs:label ?nmae } WHERE { }": ("sources-mapping-column", 2, 13),
    'CONSTRUCT { <id/x> a ?a }\nWHERE { BIND("x" AS ?name) }': ("sources-mapping-shadow", 2, 21),
    "#: sg:height xsd:decimal more\nCONSTRUCT { <id/x> a ?a } WHERE { }": ("sources-mapping-head", 1, None),
    "#: foo:height xsd:decimal\nCONSTRUCT { <id/x> a ?a } WHERE { }": ("sources-mapping-head", 1, None),
}


@pytest.mark.parametrize("query", REFUSED)
def test_a_mapping_that_cannot_be_used_is_refused_with_its_place(tmp_path: Path, query: str) -> None:
    """Line and column are those of the mapping file."""
    key, line, column = REFUSED[query]
    error = failing(tmp_path, query, {"a": "1", "name": "x"})
    assert (error.key, int(str(error.params["line"]))) == (key, line)
    assert column is None or error.params["column"] == column
    assert "m.rq" in str(error)


def test_words_in_strings_and_comments_are_not_refused(tmp_path: Path) -> None:
    """SERVICE in a label, a comment, an IRI or a variable is only a word; so are braces."""
    query = """# SERVICE FROM {
      PREFIX service: <https://example.org/SERVICE/{>
      CONSTRUCT { <id/SERVICE#> rdfs:label "SERVICE {", '''FROM " {''' , ?service } WHERE { }"""
    query = query.replace("/{>", "/>")
    assert len(mapped(tmp_path, query, {"service": "x"})) == 3


def test_the_nearest_column_is_named(tmp_path: Path) -> None:
    """A slip of the pen is answered with the right name; optional columns may be missing."""
    query = "CONSTRUCT { <id/x> rdfs:label ?nmae } WHERE { }"
    assert "?name" in str(failing(tmp_path, query, {"name": "x", "nr": "1"}))
    assert mapped(tmp_path, "#: optional ?nmae\n" + query, {"name": "x"}) == []


def test_a_row_that_fails_names_file_and_line(tmp_path: Path) -> None:
    """A wrong call of a function is an error; a dirty value leaves the variable unbound."""
    query = "CONSTRUCT { <id/x> geo:asWKT ?w } WHERE { BIND(sgf:point(?x, ?y, ?epsg) AS ?w) }"
    good: dict[str, str | None] = {"x": "684988,059", "y": "5640608,495", "epsg": "25832"}
    assert len(mapped(tmp_path, query, good, {**good, "x": "unknown"})) == 1
    error = failing(tmp_path, query, good, good, {**good, "epsg": "99999"})
    assert (error.key, error.params["line"], error.params["file"]) == ("sources-row-failed", 4, "a.csv")
    assert "99999" in str(error)
    arguments = failing(tmp_path, "CONSTRUCT { <id/x> a ?w } WHERE { BIND(sgf:slug(?x, ?y) AS ?w) }", good)
    assert "sgf:slug takes 1 argument" in str(arguments)


def test_a_missing_mapping_is_an_error(tmp_path: Path) -> None:
    """It names the file."""
    with pytest.raises(MappingError, match=r"none\.rq"):
        Mapping.load(tmp_path / "none.rq", BASE)


@given(st.text("CONSTRUCT{}WHERE()?a\"<>#:@ \n'\\_[];.BINDAS1", max_size=60))
def test_random_text_never_raises_anything_but_a_mapping_error(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    """Whatever a mapping file holds."""
    path = tmp_path_factory.mktemp("m") / "m.rq"
    path.write_text(text, "utf-8")
    try:
        Mapping.load(path, BASE)
    except MappingError as error:
        assert error.text("de")


def test_every_function_can_be_called(tmp_path: Path) -> None:
    """Each gives plain text; what cannot be read gives nothing."""
    query = """CONSTRUCT { <id/x> rdfs:label ?a1, ?a2, ?a3, ?a4, ?a5, ?a6 , ?a7 , ?a8 } WHERE {
      BIND(sgf:slug(?text) AS ?a1) BIND(sgf:number(?n) AS ?a2) BIND(sgf:date(?d) AS ?a3)
      BIND(sgf:lonlat(?lon, ?lat) AS ?a4) BIND(sgf:hash(?text) AS ?a5) BIND(sgf:unixdate(?u) AS ?a6)
      BIND(sgf:unixdate(?u, "Europe/Berlin") AS ?a7) BIND(sgf:surveyed(?e, ?h, "EPSG:25832") AS ?a8) }"""
    cells: dict[str, str | None] = {"text": "Zöllner & Söhne", "n": "1.234,5", "d": "07.11.2022"}
    cells |= {"e": "679542,668613", "h": "5646041.5832"}
    found = mapped(tmp_path, query, cells | {"lon": "11,5", "lat": "50.9", "u": "1610751599"})
    values = {str(triple.object) for triple in found}
    expected = {"zoellner-soehne", "1234.5", "2022-11-07", "POINT(11.5000000 50.9000000)", "2021-01-15"}
    expected |= {"<http://www.opengis.net/def/crs/EPSG/0/25832> POINT(679542.668613 5646041.5832)"}
    assert {f'"{value}"' for value in expected} < values
    assert mapped(tmp_path, query, cells | {"text": "!", "n": "x", "d": "x", "lon": "200", "lat": "1", "u": "x"})


def difference(wkt: str | None, lon: str, lat: str) -> float:
    """Give how far a point is from longitude and latitude, in degrees."""
    assert wkt is not None
    found = wkt.removeprefix("POINT(").removesuffix(")").split()
    return max(abs(float(a) - float(str(number(b)))) for a, b in zip(found, (lon, lat), strict=True))


def test_coordinates_agree_with_the_trees_that_have_both(real_data: Path) -> None:
    """UTM with German commas to WGS 84: less than a millionth of a degree.

    Of 173 trees 170 have both; of one, 48881, the two differ by 40 centimetres in the file itself.
    """
    table = [row.values for row in rows(real_data / "hack_sensorstandorte_baeume.csv")]
    both = [row for row in table if row["rechtswert"] and row["lon_4326"]]
    assert (len(table), len(both)) == (173, 170)
    far = {
        row["objectid"]
        for row in both
        if difference(
            point(str(row["rechtswert"]), str(row["hochwert"]), "25832"), str(row["lon_4326"]), str(row["lat_4326"])
        )
        > 1e-6
    }
    assert far == {"48881"}


def test_coordinates_agree_with_the_103_car_parks_that_have_both(real_data: Path) -> None:
    """The same against the city's own conversion."""
    found = [row.values for row in rows(real_data / "opendata_parken.geojson")]
    assert len(found) == 103
    for row in found:
        x, y = json.loads(str(row["the_geom_coordinates"]))
        lon, lat = str(row["geometry"]).removeprefix("POINT(").removesuffix(")").split()
        assert difference(point(str(x), str(y), "EPSG:25832"), lon, lat) < 1e-6


@given(st.text())
def test_slugs_are_fit_for_an_iri(text: str) -> None:
    """Lower case letters, digits and single hyphens, stable when repeated."""
    found = slug(text)
    assert found is None or (found.strip("-") == found and "--" not in found and slug(found) == found)
    assert found is None or found.isascii()
