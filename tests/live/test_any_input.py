"""Whatever comes, it is rows, bad lines, or an error that says so; never anything else."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stadtgraph.errors import InputError
from stadtgraph.sources.harvest import Page
from stadtgraph.sources.live import lines
from stadtgraph.sources.live.lines import Lines
from stadtgraph.sources.live.sensorthings import Service
from stadtgraph.sources.live.settings import SensorThings

ENDS = ("\n", "\r\n")
VALUES = st.text(st.characters(blacklist_characters="\r\n\0", blacklist_categories=["Cs"]), max_size=8)


def bad_lines(found: list[int]) -> lines.Bad:
    """Give what remembers the numbers of bad lines."""
    return lambda _file, line, _key, _params: found.append(line)


@settings(max_examples=60)
@given(
    st.lists(st.lists(VALUES, min_size=2, max_size=2), max_size=30), st.sampled_from(["\n", "\r\n"]), st.integers(1, 9)
)
def test_a_table_comes_back_as_it_was_written(table: list[list[str]], end: str, block: int) -> None:
    """With the number of each line, wherever blocks are cut; quoted or not."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=end)
    writer.writerows([["a", "b"], *table])
    bad: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "BLOCK", block)
        found = list(Lines(io.BytesIO(text.getvalue().encode()), "x.txt", bad_lines(bad)).rows())
    assert found == list(enumerate(table, 2))
    assert not bad


@settings(max_examples=60)
@given(st.lists(st.text('a",\r', max_size=6), max_size=20), st.integers(1, 40))
def test_every_line_is_a_row_or_bad_or_empty(texts: list[str], block: int) -> None:
    """Each line counts once, whatever quotation marks do."""
    bad: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "BLOCK", block)
        content = "a,b\n" + "".join(f"{text}\n" for text in texts)
        found = [line for line, _ in Lines(io.BytesIO(content.encode()), "x.txt", bad_lines(bad)).rows()]
    seen = sorted(found + bad)
    assert len(seen) == len(set(seen))
    empty = {n for n, text in enumerate(texts, 2) if text.strip("\r") in ("", '""')}
    assert set(range(2, len(texts) + 2)) - set(seen) <= empty


@pytest.mark.parametrize("text", ['"\n', 'a,"\n', '"""\n', "a\n"])
def test_a_file_of_nothing_but_bad_lines_ends_soon(text: str) -> None:
    """It is no table; the time that takes grows with its length."""
    with pytest.raises(InputError) as error:
        for _ in Lines(io.BytesIO(("a,b,c\n" + text * 400_000).encode()), "x.txt", bad_lines([])).rows():
            pass
    assert error.value.key == "live-no-table"


NAMES = (
    "@iot.id", "@iot.selfLink", "name", "description", "unitOfMeasurement", "Thing", "Sensor", "Locations", "location",
    "Observations", "Observations@iot.nextLink", "phenomenonTime", "result", "FeatureOfInterest", "properties", "type",
    "coordinates", "geometry", "symbol",
)  # fmt: skip
TEXTS = (
    "Point",
    "2026-01-01T00:00:00Z",
    "0001-01-01T00:00:00+23:59/",
    "9999-12-31T23:59:59-23:59",
    "Feature",
    "a/../b",
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.sampled_from(TEXTS) | VALUES
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5)
)
WANTED = {
    "things": frozenset(("iot_id", "name", "Location_geometry")),
    "datastreams": frozenset(("iot_id", "unitOfMeasurement_symbol", "Thing_iot_id", "properties_x")),
    "observations": frozenset(
        ("iot_id", "result", "begin", "end", "day", "Datastream_name", "FeatureOfInterest_iot_id")
    ),
}


@settings(max_examples=150)
@given(st.lists(st.dictionaries(st.sampled_from(NAMES), JSON, max_size=8), max_size=4), st.integers(0, 3))
def test_any_answer_is_rows_or_an_error(entities: list[dict[str, Any]], days: int) -> None:
    """While it is fetched and when it is read."""
    today, bad = date(2026, 1, 2), bad_lines([])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "answer"
        path.write_text(json.dumps({"value": entities, "@iot.nextLink": None}))
        page = Page(path, "http://x.example/v1.1/Things")
        service = Service("http://x.example/v1.1", WANTED, SensorThings(days=days), 100, 50, today)
        again = Service("http://x.example/v1.1", WANTED, SensorThings(days=days), 100, 50, today)
        service.first()
        try:
            following = service.follow(page, [])
            assert following is not None and following.address.startswith("http://x.example/v1.1/")
            for table, row in again.rows([page, page], bad, recorded=False):
                assert set(row.values) >= WANTED[table]
        except InputError:
            pass
