"""Datasets as search engines read them: what Google's guidelines require, and what they advise where it is known.

Source: https://developers.google.com/search/docs/appearance/structured-data/dataset
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from stadtgraph.catalogue import DCAT_AP_DE, Catalogue, Record
from stadtgraph.catalogue.structured import schema_org
from stadtgraph.terms import DCAT, DCT

ADVISED = ("creator", "license", "identifier", "keywords", "spatialCoverage", "temporalCoverage", "distribution")
PERIOD = re.compile(r"(\d{4}(-\d\d){0,2}|\.\.)/(\d{4}(-\d\d){0,2}|\.\.)")
BOX = re.compile(r"-?[\d.]+( -?[\d.]+){3}")


def made(record: Record, lang: str = "de") -> dict[str, Any]:
    """Give a record as it stands on its page."""
    return schema_org(record, f"https://town.example/{record.iri.value}", lambda _: "Katalog", lang)


def several(value: object) -> list[Any]:
    """Give one or several values as a list."""
    return value if isinstance(value, list) else [] if value is None else [value]


def wrong(node: dict[str, Any]) -> list[str]:
    """Give what breaks the guidelines."""
    found = [key for key in ("name", "description", "url") if not isinstance(node.get(key), str) or not node[key]]
    found += ["description"] if not 50 <= len(node["description"]) <= 5000 else []
    found += ["license" for text in several(node.get("license")) if not re.match("https?://", text)]
    found += ["temporalCoverage" for text in several(node.get("temporalCoverage")) if not PERIOD.fullmatch(text)]
    for agent in (*several(node.get("creator")), *several(node.get("publisher"))):
        found += [] if agent["@type"] == "Organization" and agent["name"] else ["creator or publisher"]
        found += [] if all("contactType" in point for point in several(agent.get("contactPoint"))) else ["contactType"]
    for place in several(node.get("spatialCoverage")):
        box = place.get("geo", {}).get("box", "0 0 0 0")
        south, west, north, east = map(float, box.split())
        found += [] if BOX.fullmatch(box) and south <= north <= 90 and west <= east <= 180 else ["spatialCoverage"]
    for download in several(node.get("distribution")):
        found += [] if re.match("https?://", download.get("contentUrl", "")) else ["contentUrl"]
    return found


def test_every_dataset_of_jena_keeps_the_guidelines(catalogue_of_jena: Catalogue) -> None:
    """Required parts stand everywhere; of the advised ones those that are known, which are counted."""
    given: Counter[str] = Counter()
    for record in catalogue_of_jena.records(DCAT_AP_DE):
        node = made(record)
        assert wrong(node) == [], record.iri
        assert node["name"] != "" and made(record, "en")["name"] != ""
        given.update(key for key in ADVISED if node.get(key))
        published = record.of("Distribution")
        assert len(several(node.get("distribution"))) == len(published)
        for key, p in (("creator", DCT.creator), ("temporalCoverage", DCT.temporal), ("keywords", DCAT.keyword)):
            assert bool(node.get(key)) or not record.values(p), (record.iri, key)
        assert bool(node.get("license")) == bool(published)
    assert given == {
        "identifier": 68, "keywords": 68, "spatialCoverage": 67, "temporalCoverage": 26,
        "license": 16, "distribution": 16, "creator": 8,
    }  # fmt: skip


def test_a_dataset_says_that_it_is_free_where_its_licence_does(catalogue_of_town: Catalogue) -> None:
    """With a size that has a unit, a format, and nothing where the licence is not known."""
    records = {r.iri.value.rpartition("/")[2]: made(r) for r in catalogue_of_town.records(DCAT_AP_DE)}
    assert records["full"]["isAccessibleForFree"] is True and "isAccessibleForFree" not in records["untidy"]
    download = records["full"]["distribution"]
    assert (download["encodingFormat"], download["contentSize"]) == ("CSV", "7 B")
    (north,) = [p for p in several(records["full"]["spatialCoverage"]) if "geo" in p]
    assert north["geo"] == {"@type": "GeoCoordinates", "latitude": 2.0, "longitude": 1.0}
