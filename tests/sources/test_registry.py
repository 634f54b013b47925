"""sources.toml is read strictly; every error names file, line and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from stadtgraph.errors import RegistryError
from stadtgraph.sources import Aggregate, Table, Unpivot, load_registry
from stadtgraph.terms import Names

HEAD = """[[source]]
name = "trees"
title = { de = "Bäume", en = "Trees" }
domain = "city"
kind = "file"
visibility = "public"
"""
FULL = (
    HEAD
    + """licence = "http://dcat-ap.de/def/licenses/dl-by-de/2.0"
attribution = "Stadt, dl-de/by-2-0"
address = "https://example.org/trees.csv"
dataset = "id/dataset/trees"
file = "trees.csv.gz"
mapping = "mappings/trees.rq"
place = true
[source.table]
delimiter = ";"
encoding = "latin-1"
null = ["NA", "-9999"]
unpivot = { keep = ["a"], variable = "column", value = "value" }

[[source]]
name = "units"
title = { de = "Einheiten", en = "Units" }
domain = "governance"
kind = "file"
visibility = "restricted"
path = "registers/units.ttl"
graph = "graph/vocabulary/units"
"""
)


def written(folder: Path, text: str) -> Path:
    """Put ``text`` into sources.toml."""
    path = folder / "sources.toml"
    path.write_text(text, "utf-8")
    return path


def test_a_full_entry_becomes_a_source(tmp_path: Path) -> None:
    """All keys arrive; paths are beside the file; the format follows the suffix."""
    sources = load_registry(written(tmp_path, FULL))
    trees, units = sources["trees"], sources["units"]
    assert list(sources) == ["trees", "units"]
    assert (trees.format, trees.is_table, trees.place, trees.restricted) == ("csv", True, True, False)
    assert trees.mapping == tmp_path / "mappings/trees.rq"
    assert trees.table == Table(";", "latin-1", (), ("NA", "-9999"), unpivot=Unpivot(("a",), "column", "value"))
    assert (units.format, units.is_table, units.restricted) == ("ttl", False, True)
    assert units.locate() == tmp_path / "registers/units.ttl"


def test_graph_names_are_the_usual_one_or_the_own_one(tmp_path: Path) -> None:
    """A relative graph is resolved against the base of the city."""
    sources = load_registry(written(tmp_path, FULL))
    names = Names("https://example.org/")
    assert sources["trees"].graph_name(names).value == "https://example.org/graph/source/trees"
    assert sources["units"].graph_name(names).value == "https://example.org/graph/vocabulary/units"


def test_a_given_file_is_found_below_the_folder_of_real_data(tmp_path: Path) -> None:
    """Without the folder or the file there is nothing to read, which is not an error."""
    trees = load_registry(written(tmp_path, FULL))["trees"]
    assert trees.locate() is None
    assert trees.locate(tmp_path) is None
    (tmp_path / "trees.csv.gz").touch()
    assert trees.locate(tmp_path) == tmp_path / "trees.csv.gz"


def test_an_aggregate_is_read(tmp_path: Path) -> None:
    """Times, quantities and functions arrive as tuples."""
    text = HEAD + 'file = "w.csv"\nmapping = "w.rq"\n[source.aggregate]\ntime = "date"\nquantities = ["T (degC)"]\n'
    source = load_registry(written(tmp_path, text))["trees"]
    assert source.aggregate == Aggregate("date", ("T (degC)",))


WRONG = {
    'file = "a.csv"\nmaping = "m.rq"\n': ("sources-registry-key", 8, "mapping"),
    'file = "a.csv"\nmapping = "m.rq"\n[source.table]\ndelimeter = ";"\n': ("sources-registry-key", 10, "delimiter"),
    'file = "a.csv"\nmapping = "m.rq"\nplace = "yes"\n': ("sources-registry-value", 9, "place"),
    'file = "a.csv"\nmapping = "m.rq"\n[source.table]\ndelimiter = ";;"\n': (
        "sources-registry-value",
        10,
        "table.delimiter",
    ),
    'file = "a.csv"\nmapping = "m.rq"\nlicence = "dl-de"\n': ("sources-registry-value", 9, "licence"),
    'file = "../a.csv"\nmapping = "m.rq"\n': ("sources-registry-value", 7, "file"),
    'file = "a.docx"\nmapping = "m.rq"\n': ("sources-registry-value", 7, "file"),
    'file = "a.csv"\n': ("sources-registry-missing", 1, "mapping"),
    "": ("sources-registry-missing", 1, "file"),
    'file = "a.ttl"\ngraph = "graph/ontology"\n': ("sources-registry-value", 8, "graph"),
    'file = "a.ttl"\ngraph = "graph/source/other"\n': ("sources-registry-value", 8, "graph"),
    'file = "a.ttl"\n[[source]]\nname = "ontology"\n': ("sources-registry-value", 9, "name"),
    'file = "a.csv"\npath = "a.csv"\nmapping = "m.rq"\n': ("sources-registry-both", 8, ""),
    'file = "a.ttl"\nmapping = "m.rq"\n': ("sources-registry-rdf", 8, "mapping"),
    'file = "a.csv"\nmapping = "m.rq"\n[source.aggregate]\ntime = "t"\nquantities = ["q"]\nfunctions = ["median"]\n': (
        "sources-registry-value",
        12,
        "aggregate.functions",
    ),
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, text: str) -> None:
    """Unknown keys name the nearest known one; wrong values say what is expected."""
    key, line, word = WRONG[text]
    with pytest.raises(RegistryError) as caught:
        load_registry(written(tmp_path, HEAD + text))
    assert caught.value.key == key
    assert f"sources.toml:{line}" in str(caught.value)
    assert word in str(caught.value)
    assert word in caught.value.text("de")


FEED = HEAD.replace('"trees"', '"portal"').replace('"file"', '"harvest"') + 'address = "https://portal.example/c"\n'
WRONG_FEEDS = {
    "pauze = 1": ("sources-registry-key", "harvest.pauze", "harvest.pause"),
    "adress = 'x'": ("sources-registry-key", "harvest.adress", "harvest."),
    'pause = "1"': ("sources-registry-value", "harvest.pause", "0.5, 2"),
    "pause = -1": ("sources-registry-value", "harvest.pause", "-1"),
    "pause = inf": ("sources-registry-value", "harvest.pause", "inf"),
    "pause = nan": ("sources-registry-value", "harvest.pause", "nan"),
    "pause = true": ("sources-registry-value", "harvest.pause", "0.5, 2"),
    "pages = 0": ("sources-registry-value", "harvest.pages", "1, 2"),
    "pages = -5": ("sources-registry-value", "harvest.pages", "-5"),
    "pages = 2.5": ("sources-registry-value", "harvest.pages", "1, 2"),
    'size = "many"': ("sources-registry-value", "harvest.size", "1, 2"),
    "shrink = 20": ("sources-registry-value", "harvest.shrink", "0 … 1"),
    "shrink = -0.1": ("sources-registry-value", "harvest.shrink", "0 … 1"),
    "shrink = nan": ("sources-registry-value", "harvest.shrink", "0 … 1"),
    'priority = "high"': ("sources-registry-value", "harvest.priority", "0, 1, -1"),
    'protocol = "oai-pmh"': ("sources-registry-value", "harvest.protocol", '"ckan"'),
    "protocol = 1": ("sources-registry-value", "harvest.protocol", '"sparql"'),
    'require = "dct:title"': ("sources-registry-value", "harvest.require", '["dct:title"'),
    "require = [1]": ("sources-registry-value", "harvest.require", '["dct:title"'),
    'require = ["dct:"]': ("sources-registry-value", "harvest.require", '["dct:title"'),
    'require = ["dc:title"]': ("sources-registry-value", "harvest.require", "dc:title"),
    'require = ["dct:ti tle"]': ("sources-registry-value", "harvest.require", "ti tle"),
    'repairs = "no"': ("sources-registry-value", "harvest.repairs", "true | false"),
}


@pytest.mark.parametrize("line", WRONG_FEEDS)
def test_a_wrong_setting_of_a_harvest_is_named_with_its_line_and_what_is_expected(tmp_path: Path, line: str) -> None:
    """Unknown keys, wrong types, negative and endless numbers: file and line, the key, the value or what may stand."""
    key, name, shown = WRONG_FEEDS[line]
    path = written(tmp_path, f"{FEED}[source.harvest]\n{line}\n")
    with pytest.raises(RegistryError) as caught:
        load_registry(path)
    assert caught.value.key == key
    for text in (str(caught.value), caught.value.text("de")):
        assert f"{path}:9:" in text and name in text and shown in text


@pytest.mark.parametrize("address", ["portal.example/c", "ftp://portal.example/c", "mailto:a@b.example", "https:///c"])
def test_a_catalogue_is_fetched_over_http_alone(tmp_path: Path, address: str) -> None:
    """An address that cannot be asked is refused before anybody asks."""
    with pytest.raises(RegistryError, match=r"sources.toml:7: 'address' has the value .* expected \"https://"):
        load_registry(written(tmp_path, FEED.replace("https://portal.example/c", address)))


@pytest.mark.parametrize("entry", ["harvest = 1", "harvest = []", "[[source.harvest]]\npause = 1"])
def test_the_settings_of_a_harvest_are_a_table(tmp_path: Path, entry: str) -> None:
    """Anything else is told with its line."""
    with pytest.raises(RegistryError, match=r"sources.toml:8: 'harvest' has the value"):
        load_registry(written(tmp_path, FEED + entry + "\n"))


def test_settings_of_a_harvest_at_another_kind_of_source_are_told(tmp_path: Path) -> None:
    """They would be without effect."""
    text = HEAD + 'file = "a.ttl"\n[source.harvest]\npause = 1\n'
    with pytest.raises(RegistryError, match=r"sources.toml:8: source 'trees' is not of kind 'harvest'"):
        load_registry(written(tmp_path, text))


def test_required_properties_are_prefixed_names_or_addresses(tmp_path: Path) -> None:
    """Both forms arrive as they stand."""
    line = '[source.harvest]\nrequire = ["dct:title", "https://schema.org/name"]\npause = 0\n'
    feed = load_registry(written(tmp_path, FEED + line))["portal"].harvest
    assert feed.require == ("dct:title", "https://schema.org/name") and feed.pause == 0


def test_two_sources_cannot_share_a_name(tmp_path: Path) -> None:
    """The second one is named with its line."""
    entry = HEAD + 'file = "a.ttl"\n'
    with pytest.raises(RegistryError, match=r"sources.toml:10: a source named 'trees' exists"):
        load_registry(written(tmp_path, entry + "\n" + entry))


def test_two_sources_cannot_share_a_graph(tmp_path: Path) -> None:
    """One would overwrite the other at every build."""
    entry = HEAD + 'file = "a.ttl"\ngraph = "graph/vocabulary/x"\n'
    with pytest.raises(RegistryError, match=r"sources.toml:\d+: source 'trees' has this graph already"):
        load_registry(written(tmp_path, entry + "\n" + entry.replace('"trees"', '"others"')))


@pytest.mark.parametrize("text", ["[[source]", "[source]\nname = 'a'\n", "[[sources]]\n", "source = [1]\n"])
def test_other_documents_are_refused(tmp_path: Path, text: str) -> None:
    """Broken TOML and other top-level tables are registry errors."""
    with pytest.raises(RegistryError):
        load_registry(written(tmp_path, text))
