"""What a server keeps on disk while it runs goes with it."""

from __future__ import annotations

import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

BASE = "https://stadtgraph.example/jena/"


def test_unions_of_graphs_leave_no_folder_behind(
    folder: Path, serving: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Processes end without cleaning up, so the server removes what they kept."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    graphs = [("default-graph-uri", f"{BASE}graph/source/{name}") for name in ("first", "second")]
    with serving(folder) as server:
        asked = urlencode([("query", "ASK { ?s ?p ?o }"), *graphs])
        with urllib.request.urlopen(f"{server.address}/sparql?{asked}", timeout=120) as answer:
            assert b"true" in answer.read()
        assert list(tmp_path.rglob("stadtgraph-union-*"))
        assert server.stop() == 0
    assert not list(tmp_path.iterdir())
