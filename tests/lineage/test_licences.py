"""The licence that a combined result may carry, and the text that names its sources."""

from __future__ import annotations

import pytest

from stadtgraph.lineage.attribution import Named, attribution
from stadtgraph.lineage.licences import BY, ZERO, Terms, combined, name_of, terms

DL = "http://dcat-ap.de/def/licenses/dl-by-de/2.0"
ODBL = "https://opendatacommons.org/licenses/odbl/1-0/"
SA3, SA4 = (f"https://creativecommons.org/licenses/by-sa/{version}/" for version in ("3.0", "4.0"))
NC = "https://creativecommons.org/licenses/by-nc/4.0/"

CASES = [
    ([], None, "nothing"),
    ([ZERO], ZERO, "free"),
    ([ZERO, "https://www.govdata.de/dl-de/zero-2-0"], ZERO, "free"),
    ([DL], DL, "attribution"),
    ([DL, ZERO], DL, "attribution"),
    ([DL, BY], BY, "attribution"),
    ([DL, ODBL], ODBL, "alike"),
    ([ODBL, "http://dcat-ap.de/def/licenses/odbl"], ODBL, "alike"),
    ([SA3, SA4], SA4, "alike"),
    ([SA4, ODBL], None, "conflict"),
    ([NC, BY], None, "restricted"),
    ([SA4, NC], None, "restricted"),
    (["https://e/own", BY], None, "unknown"),
    ([NC, "https://e/own"], None, "unknown"),
    (["", BY], None, "none"),
    (["", "https://e/own"], None, "none"),
]


@pytest.mark.parametrize(("licences", "licence", "reason"), CASES)
def test_the_strictest_part_decides(licences: list[str], licence: str | None, reason: str) -> None:
    """No licence over unknown, unknown over restricted, then share-alike, attribution, nothing."""
    found = combined(licences)
    assert (found.licence, found.reason) == (licence, f"lineage-licence-{reason}")


@pytest.mark.parametrize("licence", [DL, ODBL, SA3, SA4, BY, ZERO, NC])
def test_known_licences_have_a_name(licence: str) -> None:
    """In both languages, and terms."""
    assert terms(licence) < Terms.UNKNOWN
    assert all(name_of(licence, lang) != licence for lang in ("de", "en"))


def test_the_text_names_each_source_once() -> None:
    """With title, address, licence, what was done, and the licence of the whole."""
    trees = Named("Baumkataster", "https://e/trees", "Stadt Musterstadt", (DL,))
    weather = Named("Wetter", "https://e/weather", "", ())
    german = attribution([trees, trees, weather], None, "de")
    assert german == (
        "Quellen: Stadt Musterstadt: Baumkataster, https://e/trees, "
        f"Datenlizenz Deutschland – Namensnennung – Version 2.0 ({DL}); "
        "Wetter, https://e/weather, keine Lizenz bekannt. Die Daten wurden ausgewählt und zusammengeführt."
    )
    assert attribution([trees], BY, "en").endswith(f"The result may be passed on under CC BY 4.0 ({BY}).")
    assert attribution([], None, "de") == ""
