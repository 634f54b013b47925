"""Bodies that come packed: gzip is unpacked within the bound, anything else refused by name, nothing misread."""

from __future__ import annotations

import gzip
import io
import tracemalloc
import zlib
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from writers import EX, NOTES, Writers

FORM, QUERY = "application/x-www-form-urlencoded", "application/sparql-query"
INSERT = f"{EX} INSERT DATA {{ GRAPH <{NOTES}> {{ <urn:s> ex:p 1 }} }}".encode()
PACKED = gzip.compress(b"ASK {}", mtime=0)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writers]:
    """A town that is asked and written to."""
    made = Writers.of(tmp_path_factory.mktemp("bodies"))
    yield made
    made.close()


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "x-gzip", " gzip "])
@pytest.mark.parametrize("split", [1, 2])
def test_a_body_packed_with_gzip_is_read_as_what_it_holds(here: Writers, coding: str, split: int) -> None:
    """Queries, forms, updates and documents, also in several members, as RFC 1952 allows."""

    def pack(data: bytes) -> bytes:
        middle = len(data) // split
        return b"".join(gzip.compress(part) for part in (data[:middle], data[middle:]) if part)

    for kind, body in ((QUERY, b"ASK {}"), (FORM, urlencode({"query": "ASK {}"}).encode())):
        headers = {"Content-Type": kind, "Content-Encoding": coding, "Accept": "application/json"}
        assert here.client.post("/sparql", data=pack(body), headers=headers).json["boolean"] is True  # type: ignore[index]
    headers = {**here.headers["notes"], "Content-Encoding": coding}
    for address, kind, body in (
        ("/sparql/update", "application/sparql-update", INSERT),
        ("/sparql", FORM, urlencode({"update": INSERT.decode()}).encode()),
    ):
        answer = here.client.post(address, data=pack(body), headers={**headers, "Content-Type": kind})
        assert answer.status_code == 204, answer.text
    document = pack(b"<urn:packed> <urn:p> 1 .")
    answer = here.client.put("/graphs/source/notes", data=document, headers={**headers, "Content-Type": "text/turtle"})
    assert answer.status_code in (201, 204), answer.text
    assert "urn:packed" in "".join(here.graph(NOTES))


@pytest.mark.parametrize("coding", ["br", "zstd", "deflate", "gzip, gzip", "gzip;q=1", "compress", "*", "x" * 5000])
@pytest.mark.parametrize("lang", ["de", "en"])
def test_another_packing_is_refused_with_what_is_taken(here: Writers, coding: str, lang: str) -> None:
    """415 with Accept-Encoding, at every address that takes a body (RFC 9110, section 12.5.3)."""
    for method, address in (("POST", "/sparql"), ("POST", "/sparql/update"), ("PUT", "/graphs/source/notes")):
        headers = {**here.headers["admin"], "Content-Encoding": coding, "Content-Type": QUERY, "Accept-Language": lang}
        answer = here.client.open(address, method=method, data=b"ASK {}", headers=headers)
        assert answer.status_code == 415 and answer.headers["Accept-Encoding"] == "gzip, identity"
        assert answer.json["type"].endswith("protocol-coding") and "gzip" in answer.json["detail"]  # type: ignore[index]


@pytest.mark.parametrize(
    "body",
    [b"ASK {}", b"", PACKED[:-4], PACKED[:6], PACKED[:-8] + b"\0" * 8, PACKED + b"more", zlib.compress(b"ASK {}")],
    ids=["plain", "nothing", "cut off", "the head alone", "a wrong sum", "with more behind", "zlib"],
)
def test_what_cannot_be_unpacked_is_no_query(here: Writers, body: bytes) -> None:
    """400, and never half of a body taken for the whole."""
    headers = {"Content-Type": QUERY, "Content-Encoding": "gzip"}
    assert here.client.post("/sparql", data=body, headers=headers).status_code == 400
    headers |= {**here.headers["notes"], "Content-Type": "text/turtle"}
    before = here.release
    if body:
        assert here.client.put("/graphs/source/notes", data=body, headers=headers).status_code == 400
    assert here.release == before


def test_a_body_that_grows_without_end_is_cut_at_the_bound(here: Writers) -> None:
    """Half a gigabyte in half a megabyte: 413, for queries and for writers, and not in memory at any time."""
    packer, bomb = zlib.compressobj(9, wbits=31), io.BytesIO()
    for _ in range(512):
        bomb.write(packer.compress(b"#" * (1 << 20)))
    bomb.write(packer.flush())
    tracemalloc.start()
    try:
        for who in ("nobody", "notes"):
            for address, kind in (("/sparql", QUERY), ("/sparql/update", "application/sparql-update")):
                headers = {**here.headers[who], "Content-Type": kind, "Content-Encoding": "gzip"}
                answer = here.client.post(address, data=bomb.getvalue(), headers=headers)
                assert answer.status_code == (401 if who == "nobody" and address != "/sparql" else 413), answer.text
        assert tracemalloc.get_traced_memory()[1] < 100 << 20
    finally:
        tracemalloc.stop()


def test_a_packing_of_what_is_not_there_means_nothing(here: Writers) -> None:
    """GET has no body that could be packed."""
    for coding in ("gzip", "br"):
        headers = {"Content-Encoding": coding}
        assert here.client.get("/sparql?query=ASK%7B%7D", headers=headers).status_code == 200
