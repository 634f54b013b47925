"""CKAN's own reader (ckanext-dcat), in an environment of its own, finds in our files all that is in them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pyoxigraph as ox
import pytest

from stadtgraph.catalogue import PROFILES, Catalogue
from stadtgraph.catalogue.formats import FORMS
from stadtgraph.catalogue.paging import Page
from stadtgraph.terms import DCAT, DCT, FOAF, RDF

READER = Path(__file__).parent / "ckan_reader.py"
PACKAGES = {"ckan[requirements]": "2.12.0", "ckanext-dcat": "2.4.4"}
REQUIRED = os.environ.get("STADTGRAPH_REQUIRE_CKAN") == "1"
READ_AS = ("euro_dcat_ap_3", "euro_dcat_ap_2")


def absent(reason: str) -> None:
    """Skip with the reason, or fail where the test must run."""
    if REQUIRED:
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def ckan() -> str:
    """The Python of an environment with ckanext-dcat: that of ``STADTGRAPH_CKAN``, else one made from the index.

    It is made once, in a folder of the tests' own that ``STADTGRAPH_TEST_CACHE`` keeps.
    """
    given = os.environ.get("STADTGRAPH_CKAN")
    if given:
        return given
    cache = Path(os.environ.get("STADTGRAPH_TEST_CACHE") or Path.home() / ".cache" / "stadtgraph-tests")
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    folder = cache / f"ckan-{'-'.join(PACKAGES.values())}-{python}"
    done = folder / "installed"
    if not done.exists():
        cache.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        packages = [f"{name}=={version}" for name, version in PACKAGES.items()]
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check", "geomet"]
        try:
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, capture_output=True, timeout=900)
            subprocess.run([*pip, *packages], check=True, capture_output=True, timeout=900)
        except (subprocess.SubprocessError, OSError) as problem:
            shutil.rmtree(folder, ignore_errors=True)
            said = getattr(problem, "stderr", b"") or b""
            absent(f"the package index does not give ckanext-dcat: {problem} {said.decode(errors='replace')[-300:]}")
        done.touch()
    return str(folder / "bin" / "python")


def test_ckan_finds_every_dataset_distribution_licence_and_contact(
    catalogue_of_jena: Catalogue, ckan: str, tmp_path: Path
) -> None:
    """The three profiles, each read by the profiles 2 and 3 of CKAN, without an error."""
    expected, call = {}, []
    for profile in PROFILES.values():
        page = Page(1, 1000, len(catalogue_of_jena.datasets)).described(lambda number: f"https://h/?page={number}")
        data = b"".join(FORMS["rdf"].write(catalogue_of_jena.head(profile), catalogue_of_jena.records(profile), page))
        path = tmp_path / f"{profile.name}.rdf"
        path.write_bytes(data)
        for read_as in READ_AS:
            call += [str(path), read_as]
            expected[f"{path} {read_as}"] = what_is_in(data)
    done = subprocess.run([ckan, str(READER), *call], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {"Error", "Traceback"}.isdisjoint(done.stderr.split())
    for name, parts in expected.items():
        for part, values in parts.items():
            assert found[name][part] == values, (name, part)


def what_is_in(data: bytes) -> dict[str, object]:
    """Read a file without CKAN: what there is to be found."""
    triples = {quad.triple for quad in ox.parse(data, format=ox.RdfFormat.RDF_XML)}

    def pairs(p: ox.NamedNode) -> list[list[str]]:
        return sorted([t.subject.value, t.object.value] for t in triples if t.predicate == p)  # type: ignore[union-attr]

    datasets = [s for s, o in pairs(RDF.type) if o == DCAT.Dataset.value]
    distributions = [d for _, d in pairs(DCAT.distribution)]
    names = dict(pairs(FOAF.name))
    return {
        "datasets": datasets,
        "distributions": sorted(distributions),
        "licences": [pair for pair in pairs(DCT.license) if pair[0] in distributions],
        "contacts": [pair for pair in pairs(DCAT.contactPoint) if pair[0] in datasets],
        "names": [[s, names[o]] for s, o in pairs(DCT.publisher) if s in datasets],
        "next": None,
    }
