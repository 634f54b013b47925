"""Tokens: made once, kept as a hash, found in constant time, expired and revoked."""

from __future__ import annotations

import json
import os
import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stadtgraph.access import ANONYMOUS, Caller, Tokens
from stadtgraph.cli import main
from stadtgraph.errors import NotFound, StoreError, UsageError


def test_a_token_is_found_by_its_secret_alone(tmp_path: Path) -> None:
    """The caller who shows it has its scopes; another secret is nobody."""
    tokens = Tokens(tmp_path)
    made, secret = tokens.create(["write:trees", "read:internal"], note="inventory")
    assert tokens.find(secret) == Caller(made.id, frozenset({"write:trees", "read:internal"}))
    other = secret[:-1] + ("A" if secret[-1] != "A" else "B")
    assert tokens.find(other) is tokens.find("") is tokens.find(made.digest) is tokens.find("sgt_" + "é" * 43) is None


def test_the_file_holds_no_secret_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    """Who steals the file has no token; other users of the machine do not even see the scopes."""
    before = os.umask(0)
    try:
        _, secret = Tokens(tmp_path).create(["admin"])
    finally:
        os.umask(before)
    file = tmp_path / "tokens.json"
    assert secret not in file.read_text() and secret[4:] not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_each_scope_allows_what_it_says_and_no_more() -> None:
    """A source's name is compared whole; admin may everything; nobody in particular may nothing."""
    writer = Caller("a", frozenset({"write:trees"}))
    assert writer.may_write("trees") and not writer.may_write("trees-2") and not writer.may_write("")
    assert writer.writes and writer.is_trusted and not writer.reads_internal and not writer.audits
    admin = Caller("b", frozenset({"admin"}))
    assert admin.may_write("anything") and admin.reads_internal and admin.audits and admin.writes
    assert not (ANONYMOUS.is_trusted or ANONYMOUS.writes or ANONYMOUS.reads_internal or ANONYMOUS.audits)


def test_an_expired_or_revoked_token_is_nobody_at_once(tmp_path: Path) -> None:
    """Also for a process that had read the tokens before."""
    time = [datetime(2026, 1, 1, tzinfo=UTC)]
    tokens = Tokens(tmp_path, now=lambda: time[0])
    _, short = tokens.create(["audit"], days=1)
    made, secret = tokens.create(["audit"])
    assert tokens.find(short) and tokens.find(secret)
    time[0] += timedelta(days=1)
    assert tokens.find(short) is None and tokens.find(secret)
    Tokens(tmp_path).revoke(made.id)
    assert tokens.find(secret) is None
    with pytest.raises(NotFound):
        tokens.revoke(made.id)


@pytest.mark.parametrize(
    "scope", ["", "root", "write:", "write:../x", "write:Trees", "write:ontology", "ADMIN", "read"]
)
def test_an_unknown_scope_is_refused_with_the_nearest_one(tmp_path: Path, scope: str) -> None:
    """A misspelt scope never becomes a token that allows something else."""
    with pytest.raises(UsageError, match="Did you mean"):
        Tokens(tmp_path).create([scope])
    assert not (tmp_path / "tokens.json").exists()


def test_a_damaged_file_lets_nobody_in(tmp_path: Path) -> None:
    """The operator is told; no token is taken for valid or invalid in silence."""
    tokens = Tokens(tmp_path)
    _, secret = tokens.create(["admin"])
    for text in ("", "[]", "{", '{"format": 2, "tokens": []}', '{"format": 1, "tokens": [{}]}'):
        (tmp_path / "tokens.json").write_text(text)
        with pytest.raises(StoreError, match="damaged"):
            tokens.find(secret)


def test_tokens_made_at_the_same_time_are_all_kept(tmp_path: Path) -> None:
    """Writers wait for each other."""
    threads = [threading.Thread(target=lambda: Tokens(tmp_path).create(["audit"])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(Tokens(tmp_path).list()) == 8


def test_the_command_prints_the_secret_once_and_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Standard output holds the secret for a script; what a person reads goes to standard error."""
    city = ["--city", str(tmp_path)]
    assert main(["token", "create", "--scope", "write:trees", "--scope", "audit", "--days", "3", *city]) == 0
    out, err = capsys.readouterr()
    secret = out.strip()
    assert Tokens(tmp_path).find(secret) and secret not in err and "write:trees" in err
    assert main(["token", "list", *city]) == 0
    listed = capsys.readouterr().out
    assert secret not in listed and "write:trees, audit" in listed
    (entry,) = json.loads((tmp_path / "tokens.json").read_text())["tokens"]
    assert main(["token", "revoke", entry["id"], *city]) == 0
    assert Tokens(tmp_path).find(secret) is None
    assert main(["token", "create", *city]) == 2 and main(["token", "revoke", "nobody", *city]) == 2
