"""Questions as of a day, as docs/links.md writes them: on the real data, against the files and the registers."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pyoxigraph as ox
import pytest

from queries.reference import DCAT, PROV, SG, Registers, local
from stadtgraph import City
from stadtgraph.store.functions import FUNCTIONS
from stadtgraph.terms import PREFIXES

ROOT = Path(__file__).resolve().parent.parent.parent
SECTION = (ROOT / "docs" / "links.md").read_text("utf-8").partition("## As of a day")[2]
RESPONSIBILITIES, STATES = re.findall(r"```sparql\n(.*?)```", SECTION, re.DOTALL)
OPEN = re.compile(r"sgf:validOn\((.*?), COALESCE\(.from, .*?\), COALESCE\(.until, \"\"\)\)")
PLAIN = r"(!BOUND(?from) || ?from <= xsd:date(\1)) && (!BOUND(?until) || xsd:date(\1) <= ?until)"


def as_of(query: str, day: str) -> str:
    """Give a query of the page for another day."""
    return re.sub(r'"[0-9]{4}-[0-9]{2}-[0-9]{2}"', f'"{day}"', query)


def rows(city: City, query: str) -> Counter[tuple[str, ...]]:
    """Give the rows as texts, names relative to the city."""
    found = city.query(query)
    return Counter(tuple(local(getattr(row.get(v), "value", "")) for v in found.variables) for row in found)


@pytest.mark.parametrize("day", ["2020-06-01", "2024-09-30", "2024-10-01", "2026-01-01", "2027-09-01"])
def test_responsibilities_are_those_of_the_day(day: str, real_city: City) -> None:
    """Whose period in the register holds the day; the plain filter means the same."""
    r = Registers()
    expected = Counter(
        (local(dataset), local(agent), local(raci))
        for one in r.all(SG.Responsibility)
        if r.is_valid(one, day)
        for dataset in r.of(one, SG["for"])
        if dataset in r.all(DCAT.Dataset)
        for agent in r.of(one, PROV.agent)
        for raci in r.of(one, SG.raci)
    )
    query = as_of(RESPONSIBILITIES, day)
    plain, changed = OPEN.subn(PLAIN, query)
    assert changed == 1
    assert rows(real_city, query) == rows(real_city, plain) == expected


@pytest.mark.parametrize("day", ["2017-05-11", "2017-05-12", "2018-01-01", "2019-02-28"])
def test_charging_stations_are_those_of_the_last_extract_before_the_day(
    day: str, real_city: City, real_data: Path
) -> None:
    """Of the extracts with a date, the last one not after the day; before the first there is none."""
    pandas = pytest.importorskip("pandas")
    table = pandas.read_csv(real_data / "bnetza_ladesaeulen_jena_staende_2017_2019.csv", dtype=str)
    dated = table[table.Stand.notna() & (table.Stand <= day)]
    last = dated[dated.Stand == dated.Stand.max()]
    expected = Counter(zip(last.Adresse, last["Anzahl Ladepunkte"], strict=True))
    found = rows(real_city, as_of(STATES, day))
    assert Counter(row[1:] for row in found.elements()) == expected


@pytest.mark.parametrize(
    ("day", "held", "gone"), [("2020-12-31", "bauamt", "bodenfeuchte"), ("2025-06-01", "bodenfeuchte", "bauamt")]
)
def test_a_period_holds_its_first_and_its_last_day(day: str, held: str, gone: str, small_city: ox.Store) -> None:
    """The building office answered to the end of 2020; the soil sensors have someone since June 2025."""
    declared = "".join(f"PREFIX {prefix}: <{iri}>\n" for prefix, iri in PREFIXES.items())
    found = small_city.query(declared + as_of(RESPONSIBILITIES, day), custom_functions=FUNCTIONS)
    assert isinstance(found, ox.QuerySolutions)
    text = " ".join(str(row) for row in found)
    assert held in text and gone not in text
