"""The pages in a real browser: they render, in both languages, and ask nobody else for anything."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-default-apps", "--hide-scrollbars",
]  # fmt: skip
BROWSERS_OWN = "google"
"""Chromium's own start-up requests, which no page causes."""
PAGES = ["/", "/sparql", "/queries", "/queries/label-of", "/page/dataset/trees", "/releases", "/page/attack"]

pytestmark = pytest.mark.skipif(
    CHROMIUM is None and os.environ.get("STADTGRAPH_REQUIRE_BROWSER") != "1", reason="Chromium is not installed"
)


class Outline(HTMLParser):
    """What a screen reader would list: language, title, landmarks, headings, links and fields."""

    def __init__(self, text: str) -> None:
        """Read a page."""
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note every tag."""
        self.tags.append((tag, dict(attrs)))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        """Give the attributes of every such tag."""
        return [attributes for name, attributes in self.tags if name == tag]


def browse(address: str, folder: Path, *extra: str) -> str:
    """Open a page with Chromium; give its DOM."""
    assert CHROMIUM is not None, "Chromium is required here"
    command = [CHROMIUM, *QUIET, f"--user-data-dir={folder / 'profile'}", *extra, "--dump-dom", address]
    return subprocess.run(command, capture_output=True, timeout=600, check=True).stdout.decode()


@pytest.mark.parametrize("lang", ["de", "en"])
@pytest.mark.parametrize("page", PAGES)
def test_a_page_renders_with_landmarks_headings_and_labels(live: str, tmp_path: Path, page: str, lang: str) -> None:
    """One main landmark, one first heading, a title, the right language, every field labelled, no script run."""
    text = browse(f"{live}{page}?lang={lang}", tmp_path)
    outline = Outline(text)
    assert outline.of("html")[0].get("lang") == lang
    assert len(outline.of("main")) == 1 and len(outline.of("h1")) == 1 and outline.of("title")
    labelled = {label.get("for") for label in outline.of("label")}
    for tag in ("textarea", "select", "input"):
        for field in outline.of(tag):
            named = field.get("id") in labelled or field.get("aria-label") or field.get("type") in ("hidden", "submit")
            assert named, f"{page}: {field} has no label"
    assert any(str(link.get("href", "")).startswith("#") for link in outline.of("a")), "a link skips to the content"
    assert not outline.of("script")


def test_a_page_asks_nobody_else_for_anything(live: str, tmp_path: Path) -> None:
    """The browser's own network log names no other host."""
    log = tmp_path / "net.json"
    browse(f"{live}/", tmp_path, f"--log-net-log={log}", "--net-log-capture-mode=Everything")
    raw = log.read_text("utf-8", errors="replace")
    try:
        events = json.loads(raw)["events"]
    except json.JSONDecodeError:  # the log is cut where the browser ended
        events = json.loads(raw[: raw.rindex("},\n") + 1] + "]}")["events"]
    asked = {e["params"]["url"] for e in events if isinstance(e.get("params"), dict) and "url" in e["params"]}
    pages = {url for url in asked if url.startswith(("http://", "https://"))}
    assert any(url.startswith(live) for url in pages)
    assert all(url.startswith(live) for url in pages if BROWSERS_OWN not in url), pages


def test_a_page_is_styled(live: str, tmp_path: Path, shot: Callable[[str, Path], Path]) -> None:
    """The style sheet passes the page's own security policy: the picture is more than black on white."""
    picture = shot(f"{live}/", tmp_path)
    assert picture.stat().st_size > 20_000


@pytest.fixture
def shot() -> Callable[[str, Path], Path]:
    """Take a picture of a page."""

    def take(address: str, folder: Path) -> Path:
        picture = folder / "page.png"
        browse(address, folder, f"--screenshot={picture}", "--window-size=1000,1200")
        return picture

    return take
