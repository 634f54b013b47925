"""What was withdrawn: gone where it was public, unknown where it never was."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from stadtgraph.web import create_app
from vault import BASE, MARK, OTHER, Vault, seen

SECRET, NOTHING, PUBLIC = (f"{BASE}graph/source/{name}" for name in (f"{MARK}-secrets", f"{OTHER}-secrets", "trees"))


def test_a_withdrawn_secret_is_answered_as_what_never_was(tmp_path: Path) -> None:
    """410 says that there was such a graph: the public is told so of public graphs alone."""
    vault = Vault(tmp_path, secret=True)
    with vault.city as city:
        for graph in (SECRET, PUBLIC):
            city.withdraw(graph)
        client = create_app(city, testing=True).test_client(use_cookies=False)
        insider = vault.bearer("read:internal")
        for accept in ("text/turtle", "*/*"):
            secret, nothing = (
                seen(client.get(f"/graphs?graph={quote(graph, safe='')}", headers={"Accept": accept}))
                for graph in (SECRET, NOTHING)
            )
            assert secret.status == 404 and secret.body.replace(MARK, OTHER) == nothing.body
        assert client.get(f"/graphs?graph={quote(PUBLIC, safe='')}").status_code == 410
        told = client.get(f"/graphs?graph={quote(SECRET, safe='')}", headers=insider)
        assert told.status_code == 410
        assert city.withdraw(SECRET) == []
