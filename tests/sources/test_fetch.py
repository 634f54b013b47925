"""Files got from addresses: packed or plain as they come, nothing but http, nothing half."""

from __future__ import annotations

import gzip
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from stadtgraph.errors import AddressRefused, NetworkError
from stadtgraph.sources import Source, rows
from stadtgraph.sources.fetch import fetch, fetch_address

TABLE = b"id,height\n1,5\n"
LOCAL = frozenset({"127.0.0.1"})
ANSWERS = {"/plain.csv": TABLE, "/packed.csv.gz": gzip.compress(TABLE), "/short.csv": TABLE[:4]}


class Handler(http.server.BaseHTTPRequestHandler):
    """Gives the answers; the short one breaks off."""

    def do_GET(self) -> None:
        """Answer by path."""
        body = ANSWERS.get(self.path, b"<html>nothing</html>")
        self.send_response(200 if self.path in ANSWERS else 404)
        self.send_header("Content-Length", str(len(TABLE) if self.path == "/short.csv" else len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """The address of a small site."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def source(file: str, address: str) -> Source:
    """Give a table of which only the file's name and the address matter."""
    title = {"de": "x", "en": "x"}
    return Source("x", title, "city", "file", "public", file=file, address=address, format="csv")


@pytest.mark.parametrize("answer", ["/plain.csv", "/packed.csv.gz"])
@pytest.mark.parametrize("file", ["trees.csv", "trees.csv.gz"])
def test_what_comes_is_read_whether_it_is_packed_or_not(site: str, tmp_path: Path, file: str, answer: str) -> None:
    """The registry may name a packed file although the public address gives a plain one."""
    path = fetch(source(file, site + answer), tmp_path, LOCAL)
    assert [row.values for row in rows(path, format="csv")] == [{"id": "1", "height": "5"}]


def test_a_file_that_was_cut_off_is_refused_and_the_one_before_stays(site: str, tmp_path: Path) -> None:
    """Nothing half is ever read."""
    before = fetch(source("trees.csv", f"{site}/plain.csv"), tmp_path, LOCAL)
    with pytest.raises(NetworkError, match="4 of 14 bytes"):
        fetch(source("trees.csv", f"{site}/short.csv"), tmp_path, LOCAL)
    assert before.read_bytes() == TABLE
    assert [path.name for path in tmp_path.iterdir()] == ["trees.csv"]


@pytest.mark.parametrize("address", ["file:///etc/hostname", "ftp://example.org/x.csv", "http:///x.csv", "x.csv"])
def test_only_http_addresses_are_got(tmp_path: Path, address: str) -> None:
    """Nothing of this machine is read by way of an address."""
    with pytest.raises(AddressRefused, match="is not an address"):
        fetch_address(address, tmp_path)


def test_a_private_host_is_asked_only_where_the_settings_name_it(site: str, tmp_path: Path) -> None:
    """A list of sources, or a redirect of a public server, does not reach into the city's own network."""
    with pytest.raises(AddressRefused, match="not a host of the public Internet"):
        fetch_address(f"{site}/plain.csv", tmp_path)


def test_an_error_of_the_server_is_no_file(site: str, tmp_path: Path) -> None:
    """What a server says beside its error is not taken for data."""
    with pytest.raises(NetworkError, match="status 404"):
        fetch_address(f"{site}/nothing.csv", tmp_path, private=LOCAL)
    assert not list(tmp_path.iterdir())
