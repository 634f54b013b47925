"""Tables become rows; whatever is malformed is an InputError with file, line and column."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import json
import zipfile
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtgraph.errors import InputError
from stadtgraph.sources import Row, Table, Unpivot, rows
from stadtgraph.sources.jsontable import wkt
from stadtgraph.sources.table import variable


def written(folder: Path, name: str, content: str | bytes) -> Path:
    """Put ``content`` into a file of the folder, packed where the name says so."""
    path = folder / name
    data = content.encode() if isinstance(content, str) else content
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


def failing(path: Path, table: Table | None = None) -> InputError:
    """Give the error of reading ``path``."""
    with pytest.raises(InputError) as caught:
        list(rows(path, table))
    assert path.name in str(caught.value) and path.name in caught.value.text("de")
    return caught.value


def test_csv_gives_lines_and_texts(tmp_path: Path) -> None:
    """Values are not trimmed; empty and null cells are None; a cell may hold line ends; blank lines are skipped."""
    path = written(tmp_path, "a.csv", '\ufeffa,b (m)\r\n 1,"x\ny"\r\n\r\nNA,\r\n')
    assert list(rows(path, Table(null=("NA",)))) == [
        Row(2, {"a": " 1", "b_m": "x\ny"}),
        Row(5, {"a": None, "b_m": None}),
    ]


def test_gzip_tsv_without_a_header(tmp_path: Path) -> None:
    """The registry names the columns where the file does not."""
    path = written(tmp_path, "a.tsv.gz", "Jena\t1\n")
    assert list(rows(path, Table(header=("place", "nr")))) == [Row(1, {"place": "Jena", "nr": "1"})]


def test_unpivot_turns_columns_into_rows(tmp_path: Path) -> None:
    """Kept columns repeat; the others become pairs of original header and value; empty cells make no row."""
    path = written(tmp_path, "a.csv", "nr,31.12.2006,31.12.2007\n1,5,\n2,6,7\n")
    found = list(rows(path, Table(unpivot=Unpivot(("nr",)))))
    assert found == [
        Row(2, {"nr": "1", "column": "31.12.2006", "value": "5"}),
        Row(3, {"nr": "2", "column": "31.12.2006", "value": "6"}),
        Row(3, {"nr": "2", "column": "31.12.2007", "value": "7"}),
    ]


MALFORMED = {
    "a,b\n1,2\n3\n": ("sources-ragged", 3, 2),
    "a,b\n1,2,3\n": ("sources-ragged", 2, 3),
    "a,a\n": ("sources-header-double", 1, 2),
    "a,,b\n": ("sources-header-empty", 1, 2),
    "a b,a-b\n": ("sources-header-collision", 1, 2),
    "ROWNUM\n": ("sources-header-collision", 1, 1),
    "a\nx\0y\n": ("sources-nul", 2, 2),
    'a,b\n1,2\n"open,2\n3,4\n': ("sources-csv", 3, None),
    'a\n"x"y\n': ("sources-csv", 2, None),
    "": ("sources-empty", None, None),
}


@pytest.mark.parametrize("text", MALFORMED)
def test_malformed_csv_is_an_error_with_its_place(tmp_path: Path, text: str) -> None:
    """Every error names the line, and the column where there is one."""
    key, line, column = MALFORMED[text]
    error = failing(written(tmp_path, "a.csv", text))
    assert (error.key, error.params.get("line"), error.params.get("column")) == (key, line, column)


def test_a_byte_of_another_encoding_is_named_with_its_place(tmp_path: Path) -> None:
    """Latin-1 read as UTF-8 fails at the umlaut; read as Latin-1 it works."""
    path = written(tmp_path, "a.csv", "a,b\n1,Bäume\n".encode("latin-1"))
    error = failing(path)
    assert (error.key, error.params["line"], error.params["column"]) == ("sources-encoding", 2, 4)
    assert next(rows(path, Table(encoding="latin-1"))).values["b"] == "Bäume"


def test_hostile_csv_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A huge cell, too many columns, a damaged or endless packed file, a missing file, an unknown encoding."""
    assert failing(written(tmp_path, "long.csv", b"a\n" + b"x" * (9 << 20))).key == "sources-long-line"
    assert failing(written(tmp_path, "cell.csv", b'a\n"' + b"x\n" * (5 << 20) + b'"')).key == "sources-csv"
    assert (
        failing(written(tmp_path, "wide.csv", ",".join(f"c{n}" for n in range(5000)))).key == "sources-too-many-columns"
    )
    damaged = written(tmp_path, "b.csv.gz", b"a\n1\n" * 1000)
    damaged.write_bytes(damaged.read_bytes()[:-9])
    assert failing(damaged).key == "sources-gzip"
    monkeypatch.setattr("stadtgraph.sources.tables.MAX_STREAM", 1 << 20)
    assert failing(written(tmp_path, "bomb.csv.gz", b"a\n" + b"1\n" * (1 << 20))).key == "sources-too-large"
    assert failing(tmp_path / "absent.csv").key == "sources-file-missing"
    assert failing(written(tmp_path, "e.csv", "a\n"), Table(encoding="utf-9")).key == "sources-no-encoding"
    assert failing(written(tmp_path, "a.docx", "a\n")).key == "sources-not-a-table"


@given(
    st.lists(
        st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r")), min_size=2, max_size=2)
    )
)
def test_any_text_comes_through_csv_as_it_is(tmp_path_factory: pytest.TempPathFactory, cells: list[list[str]]) -> None:
    """What the csv module writes, quoted, is read back unchanged."""
    buffer = io.StringIO()
    csv.writer(buffer, quoting=csv.QUOTE_ALL).writerows([["a", "b"], *cells])
    path = written(tmp_path_factory.mktemp("csv"), "a.csv", buffer.getvalue())
    assert [list(row.values.values()) for row in rows(path)] == [[cell or None for cell in line] for line in cells]


@pytest.mark.parametrize("suffix", ["csv", "tsv", "json", "geojson", "xlsx", "csv.gz"])
@given(st.data())
def test_random_bytes_never_raise_anything_but_an_input_error(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, data: st.DataObject
) -> None:
    """Whatever the bytes are, they are read or refused with an error of ours."""
    content = data.draw(st.binary(max_size=200) | st.text('[]{}",:\0\n ab1;', max_size=80).map(str.encode))
    path = tmp_path_factory.mktemp("fuzz") / f"a.{suffix}"
    path.write_bytes(content)
    try:
        list(rows(path))
    except InputError as error:
        assert error.text("de")


def test_variables_follow_the_headers() -> None:
    """Umlauts stay, signs become underscores, digits get a letter before them; both Unicode forms are one."""
    assert variable("Anschlussleistung [kW]") == "Anschlussleistung_kW"
    assert variable("PAR (µmol/m²/s)") == "PAR_mol_m_s"
    assert variable("Längengrad") == variable("La\u0308ngengrad") == "Längengrad"
    assert variable("@id") == "id"
    assert variable("--- ") == ""


def workbook(folder: Path, cells: list[list[object]], name: str = "a.xlsx") -> Path:
    """Save a workbook with one sheet named Data."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Data"
    for line in cells:
        sheet.append(line)
    book.save(folder / name)
    return folder / name


def test_xlsx_gives_plain_texts(tmp_path: Path) -> None:
    """Whole numbers have no fraction, dates are ISO, truth values are XSD's; empty lines are skipped."""
    path = workbook(
        tmp_path,
        [["nr", "h (m)", "day", "ok"], [1.0, 2.5, dt.datetime(2024, 1, 31), True], [], ["x", None, None, False]],
    )
    assert list(rows(path, Table(sheet="Data"))) == [
        Row(2, {"nr": "1", "h_m": "2.5", "day": "2024-01-31", "ok": "true"}),
        Row(4, {"nr": "x", "h_m": None, "day": None, "ok": "false"}),
    ]


def test_bad_workbooks_are_refused(tmp_path: Path) -> None:
    """No such sheet, not a workbook, a cell beyond the header, an entity bomb in a part."""
    path = workbook(tmp_path, [["a"], [1, 2]])
    assert failing(path, Table(sheet="Daten")).key == "sources-no-sheet"
    assert failing(path).key == "sources-ragged"
    assert failing(written(tmp_path, "b.xlsx", b"PK\x03\x04nothing")).key == "sources-xlsx"
    bomb = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(bomb, "w") as new:
        for part in old.infolist():
            data = old.read(part)
            if part.filename == "xl/worksheets/sheet1.xml":
                long = b"<!-- " + b"x" * 10_000 + b" -->"
                data = b'<?xml version="1.0"?>' + long + b'<!DOCTYPE x [<!ENTITY a "a">]>' + data
            new.writestr(part, data)
    assert failing(bomb).key == "sources-doctype"


def test_json_records_are_flattened_with_their_lines(tmp_path: Path) -> None:
    """Objects flatten, lists stay JSON, numbers stay as written, columns are those of all records."""
    text = """{"n": 2, "value": [
      {"a": {"b": 1.50}, "l": [1, "ä"]},
      {"t": true, "z": null, "big": 12345678901234567890}
    ]}"""
    found = list(rows(written(tmp_path, "a.json", text), Table(path="value")))
    assert found[0] == Row(2, {"a_b": "1.50", "l": '[1, "ä"]', "t": None, "z": None, "big": None})
    assert found[1] == Row(3, {"a_b": None, "l": None, "t": "true", "z": None, "big": "12345678901234567890"})


JSON = {
    '{"value": [\n{"a": 1},\n{"a": }]}': ("sources-json", 3),
    '{"value": [{"a": 1}': ("sources-json", 1),
    '{"value": [{"a": 1, "a": 2}]}': ("sources-json-key", 1),
    '{"value": [\n1]}': ("sources-json-record", 2),
    '{"other": []}': ("sources-json-path", None),
    '{"value": [{"a": NaN}]}': ("sources-json", 1),
    '{"value": [{"a": "x\\u0000"}]}': ("sources-nul-cell", 1),
    '{"value": [{"a": "\\ud800"}]}': ("sources-half-character", 1),
    '{"value": [{"a": ' + "9" * 5000 + "}]}": ("sources-json", 1),
    '{"value": [' + "[" * 100_000: ("sources-json-deep", 1),
    '{"value": [' + '{"a":' * 600 + "1" + "}" * 600 + "]}": ("sources-json-deep", 1),
    '{"value": [{"a": {"b": 1}, "a_b": 2}]}': ("sources-header-double", 1),
}


@pytest.mark.parametrize("text", JSON, ids=range(len(JSON)))
def test_malformed_json_is_an_error_with_its_line(tmp_path: Path, text: str) -> None:
    """Also what the standard library would read: doubled keys and NaN."""
    error = failing(written(tmp_path, "a.json", text), Table(path="value"))
    assert error.key == JSON[text][0]
    assert error.params.get("line") == JSON[text][1]


def feature(geometry: object, /, **properties: object) -> dict[str, object]:
    """Give one GeoJSON feature."""
    return {"type": "Feature", "id": 7, "properties": properties, "geometry": geometry}


def test_geojson_gives_properties_and_wkt(tmp_path: Path) -> None:
    """Coordinates keep their digits; a feature without a place has none."""
    text = """{"features": [
      {"id": "n/1", "properties": {"a": 1}, "geometry": {"type": "Point", "coordinates": [11.580, 50.9, 143]}},
      {"properties": null, "geometry": null}
    ]}"""
    first, second = rows(written(tmp_path, "a.geojson", text))
    assert first.values == {"geometry": "POINT(11.580 50.9)", "geometry_type": "Point", "feature_id": "n/1", "a": "1"}
    assert set(second.values.values()) == {None}


def test_wkt_of_every_geometry_type() -> None:
    """Nesting of GeoJSON becomes the nesting of WKT."""
    ring = [[0, 0], [1, 0], [1, 1], [0, 0]]
    assert wkt({"type": "Polygon", "coordinates": [ring]}) == "POLYGON((0 0, 1 0, 1 1, 0 0))"
    assert wkt({"type": "MultiPolygon", "coordinates": [[ring]]}) == "MULTIPOLYGON(((0 0, 1 0, 1 1, 0 0)))"
    assert wkt({"type": "LineString", "coordinates": ring[:2]}) == "LINESTRING(0 0, 1 0)"
    collection = {"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [1, 2]}]}
    assert wkt(collection) == "GEOMETRYCOLLECTION(POINT(1 2))"


@pytest.mark.parametrize(
    ("document", "key"),
    [
        ({"features": [feature({"type": "Point", "coordinates": [681721.5, 5645057.6]})]}, "sources-geometry"),
        ({"features": [feature({"type": "Point", "coordinates": []})]}, "sources-geometry"),
        ({"features": [feature({"type": "Circle", "coordinates": [1, 2]})]}, "sources-geometry"),
        ({"features": [feature(None, geometry="x")]}, "sources-header-collision"),
        ({"features": [3]}, "sources-geojson-feature"),
        ({"crs": {"properties": {"name": "EPSG:25832"}}, "features": []}, "sources-geojson-crs"),
    ],
)
def test_bad_geojson_is_refused(tmp_path: Path, document: object, key: str) -> None:
    """Above all coordinates that are not longitude and latitude."""
    assert failing(written(tmp_path, "a.geojson", json.dumps(document))).key == key


REAL = {
    "baumkataster_jena_2022.csv.gz": 42_642,
    "hack_sensorstandorte_baeume.csv": 173,
    "bnetza_ladesaeulen_jena_2019-07-19.csv": 19,
    "bnetza_ladesaeulen_jena_staende_2017_2019.csv": 243,
    "dwd_02444_jena_sternwarte_stundenwerte_2022_2024.csv.gz": 13_200,
    "ghcnd_GM000004204_jena_sternwarte_tageswerte_1824_2020.csv.gz": 70_107,
    "phenobs_botanischer_garten_jena_2022_2023.csv.gz": 7_277,
    "mpi_bgc_wetter_jena_2020.csv.gz": 52_696,
    "opendata_privathaushalte.csv": 43,
    "opendata_parken.geojson": 103,
    "opendata_ortsteile.geojson": 30,
    "opendata_statistische_bezirke.geojson": 41,
    "opendata_wahllokale_2017.geojson": 87,
    "osm_buslinien.geojson": 239,
    "osm_stromleitungen.geojson": 452,
    "udp_reference_areas.geojson": 12,
}


@pytest.mark.parametrize("name", REAL)
def test_real_files_are_read_whole(real_data: Path, name: str) -> None:
    """The number of rows is what the origin states."""
    assert sum(1 for _ in rows(real_data / name)) == REAL[name]


def test_records_in_a_real_answer_of_sensorthings(real_data: Path) -> None:
    """The 99 datastreams lie below "value"."""
    found = list(rows(real_data / "udp_sensorthings_datastreams_mock.json", Table(path="value")))
    assert len(found) == 99
    assert "unitOfMeasurement_name" in found[0].values
