"""The audit over HTTP: pages in both languages, the report as files, earlier releases, nothing restricted."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from audit.town_of_audits import AuditedTown
from stadtgraph.access import Tokens
from stadtgraph.web import create_app
from town import SECRET

BROWSER = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> AuditedTown:
    """A town after two builds; plans are restricted."""
    town = AuditedTown(tmp_path_factory.mktemp("audited"))
    town.plans()
    town.build()
    town.register("<id/unit/x> a org:OrganizationalUnit .\n")
    town.build()
    return town


@pytest.fixture(scope="module")
def client(town: AuditedTown) -> Iterator[FlaskClient]:
    """A client of its application."""
    with town.city as city:
        yield create_app(city, testing=True).test_client(use_cookies=False)


@pytest.mark.parametrize("lang", ["de", "en"])
def test_the_pages_lead_from_counts_to_what_a_unit_has_to_do(client: FlaskClient, lang: str) -> None:
    """One h1 each, a language, tables with heads, no script and no style; links that work."""
    first = client.get(f"/audit?lang={lang}", headers=BROWSER)
    assert first.status_code == 200 and first.headers["ETag"] and first.headers["Stadtgraph-Release"]
    links = re.findall(r'href="(/audit/units/[^"]+)"', first.text)
    assert any("green" in link for link in links) and any("/-" in link for link in links)
    for link in links:
        page = client.get(link.replace("&amp;", "&"), headers=BROWSER).text
        for text in (first.text, page):
            assert f'<html lang="{lang}">' in text and text.count("<h1") == 1 and "<th scope=" in text
            assert "<script" not in text and "style=" not in text and "{" not in text
    page = client.get(f"/audit/units/green?lang={lang}", headers=BROWSER).text
    assert ("Beschreiben, was die Daten zeigen." if lang == "de" else "Say what the data show.") in page


@pytest.mark.parametrize("form", ["ttl", "json", "csv", "xlsx", "html"])
def test_the_report_is_given_in_every_format_and_known_again(client: FlaskClient, form: str) -> None:
    """A client that has it gets 304; nothing restricted is in it."""
    answer = client.get(f"/audit/report.{form}")
    assert answer.status_code == 200 and answer.data and SECRET.encode() not in answer.data
    again = client.get(f"/audit/report.{form}", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_an_earlier_release_keeps_its_audit(client: FlaskClient) -> None:
    """The address names the release, and the findings are compared with the one before it."""
    current, earlier = (r["id"] for r in client.get("/releases?format=json").get_json()["releases"])
    now = client.get("/audit/report.json").get_json()
    then = client.get(f"/audit/report.json?release={earlier}").get_json()
    assert (now["release"], now["since"], then["release"], then["since"]) == (current, earlier, earlier, None)
    assert {f["status"] for f in now["findings"]} == {"still"} and {f["status"] for f in then["findings"]} == {"new"}


def test_what_does_not_exist_is_said_as_a_problem(client: FlaskClient) -> None:
    """Unknown units and formats are 404 with what there is."""
    for path in ("/audit/units/nobody", "/audit/report.pdf", "/audit/report.text"):
        answer = client.get(path)
        assert answer.status_code == 404 and answer.mimetype == "application/problem+json"


def bearer(town: AuditedTown, *scopes: str) -> dict[str, str]:
    """Give the header of a new token."""
    return {"Authorization": f"Bearer {Tokens(town.city_folder).create(scopes)[1]}"}


@pytest.mark.parametrize(("scopes", "sees"), [(("audit",), True), (("admin",), True), (("read:internal",), False)])
@pytest.mark.parametrize("form", ["json", "csv", "ttl", "html"])
def test_the_scope_audit_shows_findings_of_restricted_graphs_and_nothing_else_does(
    client: FlaskClient, town: AuditedTown, form: str, scopes: tuple[str, ...], sees: bool
) -> None:
    """As report and as page; it says that it is internal; whoever comes without afterwards sees the public one."""
    address = f"/audit/report.{form}?lang=en"
    public = client.get(address)
    internal = client.get(address, headers=bearer(town, *scopes))
    assert SECRET not in public.text and (SECRET in internal.text) == sees
    if form == "html":
        assert ("Internal: restricted data" in internal.text) == sees and "Internal:" not in public.text
    if sees:
        assert internal.headers["ETag"] != public.headers["ETag"]
        assert "private" in internal.headers["Cache-Control"] or internal.headers["Cache-Control"] == "no-store"
    again = client.get(address, headers={"If-None-Match": internal.headers["ETag"]})
    assert again.status_code == (200 if sees else 304) and SECRET not in again.text
    assert client.get(address).data == public.data


def test_pages_of_the_audit_follow_the_scope_too(client: FlaskClient, town: AuditedTown) -> None:
    """The list of a unit, or of those whose unit is not known, holds restricted findings for those who may."""
    headers = bearer(town, "audit")
    page = client.get("/audit/units/-?lang=de", headers=headers)
    assert SECRET in page.text and "Interne Ansicht" in page.text
    assert SECRET not in client.get("/audit/units/-?lang=de").text
    assert "Interne Ansicht" in client.get("/audit?lang=de", headers=headers).text
    assert "Interne Ansicht" not in client.get("/audit?lang=de").text


def test_how_many_findings_are_listed_can_be_asked_for(client: FlaskClient) -> None:
    """The counts stay those of all; a number that is none is told."""
    data = client.get("/audit/report.json?most=1").get_json()
    assert len(data["findings"]) < sum(entry["number"] for entry in data["counts"])
    assert client.get("/audit/report.xlsx?most=1").status_code == 200
    for wrong in ("0", "-1", "x", "²", "9" * 30):
        assert client.get(f"/audit/report.json?most={wrong}").status_code == 400
