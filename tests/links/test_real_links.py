"""The links that must exist on the real data of Jena: of every kind some, and every station in a district."""

from __future__ import annotations

from stadtgraph import City

HARVESTED = {"publisher-names", "publisher-unit"}
"""Rules about other catalogues, which a city built from its files alone does not have."""


def test_every_rule_finds_links(real_city: City) -> None:
    """But for the rules about harvested catalogues."""
    found = {
        row["rule"].value.rsplit("/", 1)[-1] for row in real_city.query("SELECT DISTINCT ?rule { ?l sg:rule ?rule }")
    }
    assert found == {rule.name for rule in real_city.link_rules} - HARVESTED


def test_series_are_comparable_only_by_statistic_and_days(real_city: City) -> None:
    """The roof station of 2020 and the daily values to February 2020: maximum, minimum and precipitation."""
    pairs = {
        tuple(term.value.rsplit("/", 1)[-1] for term in (row["a"], row["b"]))
        for row in real_city.query("SELECT ?a ?b { ?a sg:comparableWith ?b }")
    }
    kinds = ("air-temperature-daily-maximum", "air-temperature-daily-minimum", "precipitation-daily-sum")
    one_way = {(f"ghcn-{kind}", f"mpi-bgc-{kind}") for kind in kinds}
    assert pairs == one_way | {(b, a) for a, b in one_way}


def test_species_of_science_are_shared(real_city: City) -> None:
    """A code of the Jena Experiment and a plant of the Botanical Garden are one taxon where they are one species."""
    query = """SELECT DISTINCT ?taxon { <id/collection/phenobs-jena> sosa:hasMember/sosa:hasFeatureOfInterest ?taxon .
        ?taxon sg:speciesCode "Ach_mil" }"""
    (row,) = real_city.query(f"BASE <{real_city.names.base}> {query}")
    assert row["taxon"].value.endswith("id/taxon/achillea-millefolium")
