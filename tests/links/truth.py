"""Where the truth of the gold lists comes from: keys that the rules do not see, and records that were read.

Each function gives the pairs of one list from the city's raw files, without store, mapping or rule; the lists in
``gold/`` are what they give (a test compares). ``python tests/links/truth.py FOLDER`` writes them anew.

* ``site-tree``: the object number of the tree, which the file of measuring sites states.
* ``polling-address``: the address nearest to the coordinates of the polling station (the rule compares texts). Two of
  87 are left out, 68 and 85: there the coordinates name another house than the text, and nothing tells which is right.
* ``charging-address``: the address of the street named nearest to the coordinates within 100 m, whatever house number
  and postal code are written (the rule compares these). Where another number of that street is nearer, or the place is
  far outside the city, the record was read (``READ_CHARGING``).
* ``polling-building``: street and house number that the map gives for the school or nursery (the rule compares names);
  where the map gives none, or several at one address, or a range of numbers, read record by record (``READ_BUILDING``).
  University institutes stand outside the outline that the map draws of the university: they lie in none.
* ``bus-tram-stop``: all names of bus and tram stops read side by side; ``SAME_STOP`` says which names mean one stop.
  Volkshaus and Paradiesbahnhof West lie 20 m apart but are two stops to passengers, as are Burgaupark and Burgaupark
  West; the bus stop Zwätzen lies at the tram's loop (22 m), not at the tram stop Zwätzen (250 m).
* ``cultivar-species``: the 80 cultivars of the register and of the sensor sites read by a list of their species;
  ``SPECIES`` names those whose species has trees of its own in the register.
* ``taxon-genus``: the column ``gattung`` of the tree register (the rule takes the first word of the name).
* ``operator-organisation``: every spelling of an operator in the files, read; an empty object is nobody we know.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from pyproj import Geod

from queries.files_of_jena import json_file, table

Pair = tuple[str, str]
EARTH = Geod(ellps="WGS84")
ADDRESSES = ("street", "number", "code", "lon", "lat", "station")
POLLING = ("number", "name", "lon", "lat", "room", "address", "accessible")
UNCERTAIN_POLLING = {"68", "85"}

READ_BUILDING = {
    "9": "node/2727044011",  # the Jenaplan-Schule, without an address on the map
    "10": "node/2727044011",
    "11": "node/2727044011",
    "16": "node/2789498902",  # a nursery without a name, 7 m from the polling station "KITA Leutragarten"
    "21": "way/51337806",  # two schools at one address: "Montessorischule" is the one named after Maria Montessori
    "26": "way/51337806",
    "22": "way/27282366",  # the map says number 5, the city 7
    "27": "way/27282366",
    "31": "way/27282366",
    "24": "",  # a nursery has this address too; the rooms are those of the meeting place for the elderly
    "25": "",
    "41": "way/162829771",  # three at one address: "Talschule" by name
    "42": "way/162829771",
    "50": "way/253262271",  # school and nursery at one address: the dining hall is the school's
    "61": "way/173604560",  # numbers 56/58
    "67": "",  # a former school without a name; today a residence
}
READ_CHARGING = {
    "11.58534_50.928344": "",  # "Eichplatz": a square without house numbers
    "11.570212_50.928874": "",  # number 0
    "11.5892339_50.695369": "keßlerstrasse 29",  # latitude mistyped; the street and number exist once
    "11.60599388_50.88060737": "binswangerstrasse 2",  # 21 is nearer, but the register says 2 in every extract
    "11.58543_50.899872": "damaschkeweg 65",
    "11.601545_50.945745": "zeitzer strasse 6",
    "11.59217012_50.93137837": "am anger 26",
    "11.60274108_50.94125772": "am alten gaswerk 7",
    "11.56690627_50.91961783": "philipp-müller-strasse 11",
}
SAME_STOP = {
    "Emil-Wölk-Strasse": ("Emil-Wölk-Straße",),
    "Löbdergraben": ("Stadtzentrum Löbdergraben",),
    "Zwätzen": ("Zwätzen Schleife",),
}
SPECIES = """Acer campestre, Acer negundo, Acer platanoides, Acer pseudoplatanus, Aesculus carnea, Aesculus
hippocastanum, Carpinus betulus, Crataegus laevigata, Fagus sylvatica, Fraxinus excelsior, Fraxinus
pennsylvanica, Gleditsia triacanthos, Liquidambar styraciflua, Platanus x acerifolia, Populus nigra,
Prunus avium, Prunus padus, Prunus serrulata, Pyrus communis, Quercus robur, Robinia pseudoacacia,
Salix alba, Salix matsudana, Sophora japonica, Sorbus aria, Sorbus aucuparia, Tilia cordata, Tilia
tomentosa, Tilia x europaea, Ulmus glabra"""


def metres(one: Iterable[float], other: Iterable[float]) -> float:
    """Give the metres between two places, in whichever order their degrees are written."""
    (a, b), (c, d) = (sorted(place) for place in (one, other))
    return float(EARTH.inv(a, b, c, d)[2])


def slug(text: str) -> str:
    """Give the words of a text as the identifiers of the city write them."""
    text = text.lower().translate(str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"}))
    return re.sub(r"[^a-z0-9]+", "-", text.replace("'", "-")).strip("-")


def street(text: str) -> str:
    """Give street and number in one writing."""
    return re.sub(r"str(aße|asse|\.)? ", "strasse ", text.lower().replace("straße", "strasse"))


def site_tree(folder: Path) -> Iterator[Pair]:
    """Pairs of the file of measuring sites."""
    for row in table(folder, "hack_sensorstandorte_baeume.csv"):
        if row["objectid"]:
            yield f"station/sensorstandort-{row['gid']}", f"tree/{row['objectid']}"


def addresses(folder: Path) -> list[tuple[str, tuple[float, float], str]]:
    """Give every address: its text, its place, its identifier."""
    rows = table(folder, "opendata_adressen_plz_geo_wahllokal_2017.csv", ADDRESSES, "\t")
    found = []
    for row in rows:
        text = f"{row['street']} {row['number']}"
        place = (float(row["lon"]), float(row["lat"]))
        found.append((text.lower(), place, f"address/{slug(text)}-{row['code']}"))
    return found


def near(place: tuple[float, float], among: list[tuple[str, tuple[float, float], str]], within: float) -> list[Any]:
    """Give (metres, text, identifier) of what lies around a place, nearest first."""
    lon, lat = sorted(place)
    box = [a for a in among if abs(a[1][0] - lon) < 0.01 and abs(a[1][1] - lat) < 0.01]
    found = sorted((metres(place, at), text, key) for text, at, key in box)
    return [entry for entry in found if entry[0] <= within]


def polling_address(folder: Path) -> Iterator[Pair]:
    """The nearest address, at most 40 m away."""
    known = addresses(folder)
    for row in table(folder, "opendata_wahllokale_2017.csv", POLLING, "\t"):
        if row["number"] not in UNCERTAIN_POLLING:
            nearest = near((float(row["lon"]), float(row["lat"])), known, 40)
            yield f"polling-station/2017-{row['number']}", nearest[0][2]


def charging_address(folder: Path) -> Iterator[Pair]:
    """The nearest address of the street named, or what was read."""
    known = addresses(folder)
    for row in table(folder, "bnetza_ladesaeulen_jena_2019-07-19.csv"):
        key = f"{row['Längengrad [DG]']}_{row['Breitengrad [DG]']}"
        place = (float(row["Längengrad [DG]"]), float(row["Breitengrad [DG]"]))
        if key in READ_CHARGING:
            ids = [identifier for text, _, identifier in known if text == READ_CHARGING[key]]
        else:
            name = street(row["Adresse"]).rsplit(" ", 1)[0]
            ids = [entry[2] for entry in near(place, known, 100) if street(entry[1]).rsplit(" ", 1)[0] == name][:1]
        yield f"charging-station/{key}", ids[0] if ids else ""
    yield "charging-station/11.619419_50.956784_2", "address/brueckenstrasse-6-07743"


def polling_building(folder: Path) -> Iterator[Pair]:
    """The one school or nursery with the address, or what was read."""
    at: dict[str, list[str]] = {}
    for kind in ("school", "kindergarten"):
        for feature in json_file(folder, f"osm_amenity_{kind}.geojson")["features"]:
            said = feature["properties"]
            if said.get("addr:street"):
                at.setdefault(street(f"{said['addr:street']} {said.get('addr:housenumber')}"), []).append(feature["id"])
    for row in table(folder, "opendata_wahllokale_2017.csv", POLLING, "\t"):
        found = at.get(street(row["address"]), [])
        key = READ_BUILDING.get(row["number"], found[0] if len(found) == 1 else "")
        assert row["number"] in READ_BUILDING or len(found) < 2, f"read {row['number']}: {found}"
        yield f"polling-station/2017-{row['number']}", f"osm/{key}" if key else ""


def bus_tram_stop(folder: Path) -> Iterator[Pair]:
    """Stops of bus and tram whose names mean one stop; a stop of both is none of its own."""
    trams: dict[str, list[Any]] = {}
    for feature in json_file(folder, "osm_strassenbahn.geojson")["features"]:
        if feature["properties"].get("railway") == "tram_stop":
            trams.setdefault(str(feature["properties"].get("name")), []).append(feature)
    for bus in json_file(folder, "osm_bushaltestellen.geojson")["features"]:
        name = str(bus["properties"].get("name"))
        found = [tram for n in SAME_STOP.get(name, (name,)) for tram in trams.get(n, []) if tram["id"] != bus["id"]]
        for tram in found:
            yield f"osm/{bus['id']}", f"osm/{tram['id']}"
        if not found:
            yield f"osm/{bus['id']}", ""


def written_taxa(folder: Path) -> Iterator[tuple[str, str]]:
    """Give scientific name and genus of every kind of tree, of the register and of the files of sensor sites."""
    for file in (
        "baumkataster_jena_2022.csv.gz",
        "hack_sensorstandorte_baeume.csv",
        "udp_teros_sensoren_und_refflaechen.csv",
    ):
        for row in table(folder, file):
            is_new = file.startswith("baum") or (row["objectid"] and int(row["objectid"]) > 51691)
            if is_new and row["ga_lang"] and row["gattung"] not in ("", "unbekannt", "Obstbaum", "waldartiger"):
                name = re.sub("[‘’]", "'", row["ga_lang"].split(",")[0])
                yield re.sub(r" spec\.?$", "", name), row["gattung"]


def cultivar_species(folder: Path) -> Iterator[Pair]:
    """The species that stands before the cultivar's own name, where the register has it by itself."""
    names = {name for name, _ in written_taxa(folder)}
    known = {" ".join(s.split()) for s in SPECIES.split(",")}
    for name in sorted(n for n in names if "'" in n):
        species = name.split(" '")[0]
        yield f"taxon/{slug(name)}", f"taxon/{slug(species)}" if species in known & names else ""


def taxon_genus(folder: Path) -> Iterator[Pair]:
    """The genus that the register states, where it has trees of which no more is known."""
    taxa = set(written_taxa(folder))
    alone = {genus for name, genus in taxa if name == genus}
    for name, genus in sorted(taxa):
        if name != genus:
            yield f"taxon/{slug(name)}", f"taxon/{slug(genus)}" if genus in alone else ""


LISTS: dict[str, Callable[[Path], Iterator[Pair]]] = {
    "bus-tram-stop": bus_tram_stop,
    "charging-address": charging_address,
    "cultivar-species": cultivar_species,
    "polling-address": polling_address,
    "polling-building": polling_building,
    "site-tree": site_tree,
    "taxon-genus": taxon_genus,
}


def main(folder: str) -> None:
    """Write the lists."""
    for name, pairs in LISTS.items():
        with (Path(__file__).parent / "gold" / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["subject", "object"])
            writer.writerows(sorted(set(pairs(Path(folder)))))


if __name__ == "__main__":
    main(sys.argv[1])
